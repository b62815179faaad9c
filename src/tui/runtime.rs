//! The loop, and all I/O of the console: it waits for input, snapshots, log lines, answers and the time, hands
//! each to the app, and does what the app asks for. Whatever is ready is taken in before a frame is drawn;
//! frames are at least 33 ms apart; and while nothing happens nothing is drawn, except once a second for the
//! clock when it is shown.

use super::app::{App, Effect, Msg};
use super::canvas::Canvas;
use super::glyphs::Glyphs;
use super::input::{Input, translate};
use super::keymap::Code;
use super::screens;
use super::settings::Settings;
use super::terminal::Terminal;
use super::theme::Theme;
use super::{TuiError, WelcomeChoice};
use crate::sync::Handle;
use crate::sync::command::Refusal;
use crate::telemetry::LogLine;
use crossterm::event::EventStream;
use futures_util::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

/// Thirty frames a second are smooth; more only burns.
const FRAME: Duration = Duration::from_millis(33);
/// When input never pauses, a frame is drawn at the latest after this.
const LATEST: Duration = Duration::from_millis(100);

/// Runs the console until the person quits, a signal ends it or the engine is gone.
///
/// # Errors
/// There is no terminal, it went away, the keys make no sense, or the engine stopped by itself.
pub async fn run(
    handle: Handle,
    log: broadcast::Receiver<LogLine>,
    settings: Settings,
) -> Result<(), TuiError> {
    let title = match &settings.demo {
        true => "cohort-sync · demo".to_owned(),
        false => format!("cohort-sync · {}", settings.profile),
    };
    let mouse = settings.mouse;
    let mut snapshots = handle.snapshots();
    let snapshot = snapshots.borrow_and_update().clone();
    let app = App::new(settings, TimeZone::system(), snapshot, Timestamp::now())?;
    let terminal = Terminal::enter(title, mouse)?;
    let (answer, answers) = mpsc::unbounded_channel();
    let input = Some(EventStream::new());
    let console = Console { app, terminal, handle, input, answer, pace: Pace::new() };
    console.drive(snapshots, log, answers).await
}

/// An answer of the engine to an order of the person.
type Answer = (String, Result<(), Refusal>);

/// When to draw.
struct Pace {
    dirty: Option<Instant>,
    drawn: Instant,
}

impl Pace {
    fn new() -> Self {
        let now = Instant::now();
        Self { dirty: Some(now), drawn: now.checked_sub(FRAME).unwrap_or(now) }
    }

    fn touch(&mut self) {
        self.dirty.get_or_insert_with(Instant::now);
    }

    /// Something waited too long already, because there was always something else to take in.
    fn is_overdue(&self) -> bool {
        self.dirty.is_some_and(|since| since.elapsed() >= LATEST) && self.drawn.elapsed() >= FRAME
    }
}

struct Console {
    app: App,
    terminal: Terminal,
    handle: Handle,
    /// Gone while the shell has the terminal, or it would read the shell's keys.
    input: Option<EventStream>,
    answer: mpsc::UnboundedSender<Answer>,
    pace: Pace,
}

/// How the loop ends.
enum End {
    Asked,
    Engine(String),
}

impl Console {
    async fn drive(
        mut self,
        mut snapshots: tokio::sync::watch::Receiver<std::sync::Arc<crate::sync::snapshot::Snapshot>>,
        mut log: broadcast::Receiver<LogLine>,
        mut answers: mpsc::UnboundedReceiver<Answer>,
    ) -> Result<(), TuiError> {
        let mut signals = Signals::new()?;
        let (mut engine_lives, mut log_lives) = (true, true);
        let mut tick = Instant::now() + self.app.pulse();
        loop {
            if self.pace.is_overdue() {
                self.draw()?;
            }
            // A pulse that became faster must not wait for the slower one to end.
            tick = tick.min(Instant::now() + self.app.pulse());
            let frame = self.pace.drawn + FRAME;
            let msg = tokio::select! {
                // The order is the point: what is ready is taken in first, and drawing comes last.
                biased;
                signal = signals.next() => match signal {
                    Signal::End => Msg::Terminate,
                    Signal::Continued => {
                        self.terminal.resume()?;
                        Msg::Tick(Timestamp::now())
                    }
                },
                event = next_event(&mut self.input) => match event {
                    Some(Ok(event)) => match translate(event) {
                        Some(input) => Msg::Input(input),
                        None => continue,
                    },
                    // The terminal hung up.
                    Some(Err(_)) | None => {
                        self.input = None;
                        Msg::Terminate
                    }
                },
                Some((what, answer)) = answers.recv() => Msg::Answered(what, answer),
                changed = snapshots.changed(), if engine_lives => match changed {
                    Ok(()) => {
                        self.app.update(Msg::Tick(Timestamp::now()));
                        Msg::Snapshot(snapshots.borrow_and_update().clone())
                    }
                    Err(_) => {
                        engine_lives = false;
                        Msg::EngineGone
                    }
                },
                line = log.recv(), if log_lives => match line {
                    Ok(line) => Msg::Log(line),
                    Err(broadcast::error::RecvError::Lagged(lines)) => Msg::LogLost(lines),
                    Err(broadcast::error::RecvError::Closed) => {
                        log_lives = false;
                        continue;
                    }
                },
                () = tokio::time::sleep_until(tick) => {
                    tick = Instant::now() + self.app.pulse();
                    Msg::Tick(Timestamp::now())
                }
                () = tokio::time::sleep_until(frame), if self.pace.dirty.is_some() => {
                    self.draw()?;
                    continue;
                }
            };
            match self.handle(msg)? {
                None => {}
                Some(End::Asked) => return Ok(()),
                Some(End::Engine(reason)) => return Err(TuiError::EngineEnded(reason)),
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let mut hits = None;
        self.terminal.draw(|frame| hits = Some(self.app.draw(frame)))?;
        if let Some(hits) = hits {
            self.app.update(Msg::Drawn(hits));
        }
        self.pace = Pace { dirty: None, drawn: Instant::now() };
        Ok(())
    }

    fn handle(&mut self, msg: Msg) -> io::Result<Option<End>> {
        self.pace.touch();
        // A key answers to the time at which it is pressed, not to that of the last frame.
        if matches!(msg, Msg::Input(_) | Msg::Answered(..) | Msg::Terminate) {
            self.app.update(Msg::Tick(Timestamp::now()));
        }
        for effect in self.app.update(msg) {
            match effect {
                Effect::Send(order) => self.send(order),
                Effect::Copy(text) => self.terminal.copy(&text)?,
                Effect::Mouse(on) => self.terminal.set_mouse(on)?,
                Effect::Redraw => self.terminal.forget()?,
                Effect::Suspend => {
                    self.input = None;
                    self.terminal.suspend()?;
                    self.input = Some(EventStream::new());
                }
                Effect::Quit(None) => return Ok(Some(End::Asked)),
                Effect::Quit(Some(reason)) => return Ok(Some(End::Engine(reason))),
            }
        }
        Ok(None)
    }

    /// The engine may be busy with the disk; the console does not wait for its answer.
    fn send(&self, order: super::dialogs::Order) {
        let (handle, answer) = (self.handle.clone(), self.answer.clone());
        tokio::spawn(async move {
            let result = handle.send(order.command).await;
            // The console may have ended meanwhile; then nobody waits for the answer.
            drop(answer.send((order.what, result)));
        });
    }
}

async fn next_event(input: &mut Option<EventStream>) -> Option<io::Result<crossterm::event::Event>> {
    match input {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

/// Shows the welcome screen until one of its two keys is pressed.
///
/// # Errors
/// There is no terminal, or it went away.
pub async fn welcome(settings: &Settings, explanation: Option<String>) -> Result<WelcomeChoice, TuiError> {
    let mut terminal = Terminal::enter("cohort-sync".to_owned(), false)?;
    let mut input = EventStream::new();
    let mut signals = Signals::new()?;
    let theme = Theme::new(settings.theme, settings.colour);
    loop {
        terminal.draw(|frame| {
            let glyphs = Glyphs::new(settings.ascii);
            let zone = TimeZone::UTC;
            let mut canvas = Canvas::new(frame.buffer_mut(), theme, glyphs, Timestamp::now(), &zone);
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
            Some(Ok(event)) => match translate(event) {
                Some(Input::Key(key)) if key.ctrl && key.code == Code::Char('c') => return Ok(WelcomeChoice::Quit),
                Some(Input::Key(key)) if key.typed() == Some('d') => return Ok(WelcomeChoice::Demo),
                Some(Input::Key(key)) if key.typed() == Some('q') => return Ok(WelcomeChoice::Quit),
                _ => {}
            },
            Some(Err(_)) | None => return Ok(WelcomeChoice::Quit),
        }
    }
}

/// What the system can tell the console.
enum Signal {
    /// End now, without asking.
    End,
    /// The shell has continued the process.
    Continued,
}

#[cfg(unix)]
struct Signals {
    term: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let continued = SignalKind::from_raw(signal_hook::consts::SIGCONT);
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            continued: signal(continued)?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.term.recv() => Signal::End,
            _ = self.hangup.recv() => Signal::End,
            _ = self.continued.recv() => Signal::Continued,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::End,
            Err(_) => std::future::pending().await,
        }
    }
}
