//! The welcome screen in a terminal of its own: it waits for one of its keys and needs no engine.

use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::input::{Input, Inputs};
use super::keymap::Code;
use super::screens;
use super::settings::Settings;
use super::signals::{Signal, Signals};
use super::terminal::{Terminal, Wishes};
use super::theme::Theme;
use super::{TuiError, WelcomeChoice};
use jiff::Timestamp;

/// Shows the welcome screen until one of its two keys is pressed.
///
/// # Errors
/// There is no terminal, or it went away.
pub async fn welcome(settings: &Settings, explanation: Option<String>) -> Result<WelcomeChoice, TuiError> {
    let title = settings.title.then(|| "cohort-sync".to_owned());
    let mut terminal = Terminal::enter(Wishes { title, ..Wishes::default() })?;
    let mut input = Inputs::listen();
    let mut signals = Signals::new()?;
    let theme = Theme::new(settings.theme, settings.colour);
    loop {
        terminal.draw(|frame| {
            let glyphs = Glyphs::new(settings.ascii);
            let zone = &settings.zone;
            let mut canvas = Canvas::new(frame.buffer_mut(), theme, glyphs, Timestamp::now(), zone);
            screens::welcome::draw(&mut canvas, explanation.as_deref(), settings.config_path.as_deref());
        })?;
        let event = tokio::select! {
            signal = signals.next() => match signal {
                Signal::End => return Ok(WelcomeChoice::Quit),
                Signal::Continued => {
                    terminal.resume()?;
                    continue;
                }
            },
            event = input.next() => event,
        };
        match event {
            None => return Ok(WelcomeChoice::Quit),
            Some(Some(Input::Key(key))) => match (key.ctrl, key.code) {
                (false, Code::Char('d')) => return Ok(WelcomeChoice::Demo),
                (false, Code::Char('q')) | (true, Code::Char('c')) => return Ok(WelcomeChoice::Quit),
                _ => {}
            },
            Some(_) => {}
        }
    }
}
