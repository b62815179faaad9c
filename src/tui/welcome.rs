//! What somebody without a configuration sees: the welcome screen, and from there the setup guide. A terminal of its
//! own, without an engine; whatever is tried for the guide is tried by whoever calls.

use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::input::{Input, Inputs};
use super::keymap::{Code, Key};
use super::screens;
use super::screens::guide::{GuideScreen, Wish};
use super::settings::Settings;
use super::signals::{Signal, Signals};
use super::terminal::{Terminal, Wishes};
use super::theme::Theme;
use super::{TuiError, WelcomeChoice};
use crate::config::guide::{Finished, Found, Guide, Trial};
use jiff::Timestamp;
use tokio::sync::mpsc;

/// What was begun for the guide and has come to an end.
enum Done {
    Tried(Vec<Found>),
    Written(Result<Finished, String>),
}

/// Shows the welcome screen and the guide until something is chosen or written; `attempt` tries what the guide asks to
/// have tried.
///
/// # Errors
/// There is no terminal, or it went away.
pub async fn welcome<F>(
    settings: &Settings,
    explanation: Option<String>,
    attempt: impl Fn(Guide, Trial) -> F,
) -> Result<WelcomeChoice, TuiError>
where
    F: Future<Output = Vec<Found>> + Send + 'static,
{
    let title = settings.title.then(|| "cohort-sync".to_owned());
    let mut terminal = Terminal::enter(Wishes { title, ..Wishes::default() })?;
    let mut input = Inputs::listen();
    let mut signals = Signals::new()?;
    let theme = Theme::new(settings.theme, settings.colour);
    let (done, mut ended) = mpsc::unbounded_channel();
    let mut guide: Option<GuideScreen> = None;
    loop {
        terminal.draw(|frame| {
            let glyphs = Glyphs::new(settings.ascii);
            let zone = &settings.zone;
            let mut canvas = Canvas::new(frame.buffer_mut(), theme, glyphs, Timestamp::now(), zone);
            if let Some(guide) = &guide {
                guide.draw(&mut canvas);
            } else {
                let path = settings.config_path.as_deref();
                screens::welcome::draw(&mut canvas, explanation.as_deref(), path);
            }
        })?;
        let event = tokio::select! {
            signal = signals.next() => match signal {
                Signal::End => return Ok(WelcomeChoice::Quit),
                Signal::Continued => {
                    terminal.resume()?;
                    continue;
                }
            },
            Some(ended) = ended.recv() => {
                match (&mut guide, ended) {
                    (Some(guide), Done::Tried(found)) => guide.tried(found),
                    (Some(guide), Done::Written(result)) => guide.finished(result),
                    (None, _) => {}
                }
                continue;
            }
            event = input.next() => event,
        };
        let key = match event {
            None => return Ok(WelcomeChoice::Quit),
            Some(Some(Input::Key(key))) => key,
            Some(Some(Input::Paste(text))) => {
                if let Some(guide) = &mut guide {
                    guide.paste(&text);
                }
                continue;
            }
            Some(_) => continue,
        };
        if key.ctrl && key.code == Code::Char('c') {
            return Ok(WelcomeChoice::Quit);
        }
        let Some(screen) = &mut guide else {
            match welcomed(key) {
                Some(Welcomed::Choice(choice)) => return Ok(choice),
                // Without anything to read the configuration from there is nothing to write either.
                Some(Welcomed::Guide) => {
                    guide = settings.editing.clone().map(Guide::new).map(GuideScreen::new);
                }
                None => {}
            }
            continue;
        };
        match screen.key(key) {
            Wish::None => {}
            Wish::Leave => guide = None,
            Wish::Open => {
                if let Some(finished) = screen.written() {
                    return Ok(WelcomeChoice::Configured(finished.clone()));
                }
            }
            Wish::Try(trial) => {
                for secret in screen.guide().secrets() {
                    settings.masks.add(&secret);
                }
                let (trying, done) = (attempt(screen.guide().clone(), trial), done.clone());
                // The person may have left meanwhile; then nobody waits for the answer.
                tokio::spawn(async move { drop(done.send(Done::Tried(trying.await))) });
            }
            Wish::Finish => {
                let (guide, done) = (screen.guide().clone(), done.clone());
                // A keyring may ask a person first.
                tokio::task::spawn_blocking(move || {
                    let result = guide.finish().map_err(|error| error.to_string());
                    drop(done.send(Done::Written(result)));
                });
            }
        }
    }
}

/// What a key of the welcome screen means.
enum Welcomed {
    Choice(WelcomeChoice),
    Guide,
}

fn welcomed(key: Key) -> Option<Welcomed> {
    match (key.ctrl, key.code) {
        (false, Code::Enter) => Some(Welcomed::Guide),
        (false, Code::Char('d')) => Some(Welcomed::Choice(WelcomeChoice::Demo)),
        (false, Code::Char('q')) => Some(Welcomed::Choice(WelcomeChoice::Quit)),
        _ => None,
    }
}
