//! The loop, and all I/O of the console: it waits for input, snapshots, log lines, answers and the time, hands
//! each to the app, and does what the app asks for. Whatever is ready is taken in before a frame is drawn;
//! frames are at least 33 ms apart; and while nothing happens nothing is drawn, except once a second for the
//! clock when it is shown.

use super::TuiError;
use super::app::{App, Effect, Msg};
use super::clipboard::{self, CopyWay};
use super::memory::{self, Memory};
use super::renewing::Renewer;
use super::settings::Settings;
use super::sources::{Answer, Sources, Wake};
use super::stage::{Departure, Stage};
use super::surroundings::CopyTool;
use super::terminal::Terminal;
use crate::config::Notify;
use crate::sync::Handle;
use crate::sync::command::Command;
use crate::telemetry::LogLine;
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

/// Thirty frames a second are smooth; more only burns.
const FRAME: Duration = Duration::from_millis(33);
/// When input never pauses, a frame is drawn at the latest after this.
const LATEST: Duration = Duration::from_millis(100);
/// So long after the person did something the console has what changed by it remembered, together with
/// whatever follows meanwhile.
const REMEMBER_AFTER: Duration = Duration::from_secs(1);

/// Runs the console until the person leaves, a signal ends it or the engine is gone; on the stage of the console before
/// it, if it came from one.
///
/// # Errors
/// There is no terminal, it went away, the keys make no sense, or the engine stopped by itself.
pub async fn run(
    stage: Option<Box<Stage>>,
    handle: Handle,
    log: broadcast::Receiver<LogLine>,
    settings: Settings,
) -> Result<Departure, TuiError> {
    let notify = settings.notify;
    let renewer = Renewer { request: settings.editing.clone(), masks: settings.masks.clone() };
    let copy_tools = settings.surroundings.copy_tools.clone();
    let mut snapshots = handle.snapshots();
    let snapshot = snapshots.borrow_and_update().clone();
    let app = App::new(settings, snapshot, Timestamp::now())?;
    let keeping = Keeping { kept: app.memory(), due: None };
    let wishes = app.wishes();
    let stage = match stage {
        Some(mut stage) => {
            stage.terminal.suit(wishes)?;
            stage
        }
        None => Box::new(Stage::enter(wishes)?),
    };
    let (answer, answers) = mpsc::unbounded_channel();
    let (pace, lost) = (Pace::new(), None);
    let console = Console { app, stage, handle, lost, answer, pace, copy_tools, notify, keeping, renewer };
    console.drive(Sources { answers, snapshots: Some(snapshots), log: Some(log) }).await
}

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
    stage: Box<Stage>,
    handle: Handle,
    /// Why nothing can be drawn any more.
    lost: Option<io::Error>,
    answer: mpsc::UnboundedSender<Answer>,
    pace: Pace,
    copy_tools: Vec<CopyTool>,
    notify: Notify,
    keeping: Keeping,
    renewer: Renewer,
}

/// What of the console is to be remembered, and when that is said next.
struct Keeping {
    /// What was said last.
    kept: Option<Memory>,
    due: Option<Instant>,
}

/// How the loop ends.
enum End {
    Asked,
    Engine(String),
    Open(String),
}

impl Console {
    async fn drive(mut self, mut sources: Sources) -> Result<Departure, TuiError> {
        let mut tick = Instant::now() + self.app.pulse();
        loop {
            if self.pace.is_overdue() {
                self.draw();
            }
            // A pulse that became faster must not wait for the slower one to end.
            tick = tick.min(Instant::now() + self.app.pulse());
            let frame = self.pace.dirty.map(|_| self.pace.drawn + FRAME);
            let end = match sources.next(&mut self.stage, tick, [self.keeping.due, frame]).await {
                Wake::Nothing => None,
                Wake::Frame => {
                    self.draw();
                    None
                }
                Wake::Tick => {
                    tick = Instant::now() + self.app.pulse();
                    self.handle(Msg::Tick(Timestamp::now()))
                }
                Wake::Remember => {
                    self.keeping.due = None;
                    tokio::spawn(self.remember());
                    None
                }
                Wake::Continued => {
                    self.touch_terminal(Terminal::resume);
                    self.handle(Msg::Tick(Timestamp::now()))
                }
                Wake::Hangup => {
                    self.stage.input.let_go();
                    self.handle(Msg::Terminate)
                }
                Wake::Answer(answer) => self.answered(answer),
                Wake::Message(msg) => self.handle(msg),
            };
            match end {
                None => {}
                Some(End::Engine(reason)) => return Err(TuiError::EngineEnded(reason)),
                Some(end) => return self.leave(end),
            }
        }
    }

    fn leave(self, end: End) -> Result<Departure, TuiError> {
        match (self.lost, end) {
            (Some(error), _) => Err(error.into()),
            (None, End::Open(profile)) => {
                Ok(Departure::Open { profile, stage: self.stage, left: self.app.into_left() })
            }
            (None, _) => Ok(Departure::End),
        }
    }

    fn draw(&mut self) {
        self.pace = Pace { dirty: None, drawn: Instant::now() };
        let title = self.app.window_title();
        self.touch_terminal(|terminal| terminal.set_title(title));
        let (app, mut hits) = (&self.app, None);
        let drawn = match self.lost {
            Some(_) => return,
            None => self.stage.terminal.draw(|frame| hits = Some(app.draw(frame))),
        };
        self.touch_terminal(|_| drawn);
        if let Some(hits) = hits {
            // What a frame shows may have to be read first; nothing else comes of one.
            let effects = self.app.update(Msg::Drawn(hits));
            for effect in effects {
                self.perform(effect);
            }
        }
    }

    /// Does something with the terminal. Once it is gone nothing can be shown any more, but the runs still
    /// deserve an orderly end, so the loop goes on until the engine has stopped.
    fn touch_terminal(&mut self, act: impl FnOnce(&mut Terminal) -> io::Result<()>) {
        if self.lost.is_some() {
            return;
        }
        if let Err(error) = act(&mut self.stage.terminal) {
            tracing::warn!(%error, "the terminal is gone");
            self.lost = Some(error);
            self.stage.input.let_go();
            // That only begins to stop, which ends nothing yet.
            self.handle(Msg::Terminate);
        }
    }

    fn handle(&mut self, msg: Msg) -> Option<End> {
        self.pace.touch();
        if matches!(msg, Msg::Input(_)) {
            self.keeping.due.get_or_insert_with(|| Instant::now() + REMEMBER_AFTER);
        }
        // What happens, happens now, and not at the time of the last frame.
        let mut effects = match msg {
            Msg::Tick(_) => Vec::new(),
            _ => self.app.update(Msg::Tick(Timestamp::now())),
        };
        effects.extend(self.app.update(msg));
        effects.into_iter().find_map(|effect| self.perform(effect))
    }

    fn perform(&mut self, effect: Effect) -> Option<End> {
        let handle = self.handle.clone();
        match effect {
            Effect::Send(order) => self.send(order),
            Effect::Load(question) => self.later(async move {
                let answer = handle.read(question.clone()).await;
                Msg::Loaded(question, answer)
            }),
            Effect::Ask(question) => self.later(async move {
                let answer = handle.ask(question.clone()).await;
                Msg::Heard(question, answer)
            }),
            Effect::LookUp(person) => self.later(async move {
                let answer = handle.look_up(&person, Timestamp::now()).await;
                Msg::Seen(person, answer)
            }),
            Effect::Configure(change) => self.later(self.renewer.clone().configure(change)),
            Effect::ListProfiles => self.later(self.renewer.clone().list_profiles()),
            Effect::TryProfile(profile) => self.later(self.renewer.clone().try_profile(profile)),
            Effect::Renew(renewing) => self.later(self.renewer.clone().renew(handle, *renewing)),
            Effect::Export(export) => self.later(async move {
                let written = handle.export(PathBuf::from("."), export).await;
                Msg::Exported(written.map(|(path, rows)| (path.display().to_string(), rows)))
            }),
            Effect::Copy { text, what } => self.copy(text, what),
            Effect::Notify(words) => self.call(&words),
            Effect::Mouse(on) => self.touch_terminal(|terminal| terminal.set_mouse(on)),
            Effect::Suit => {
                let (wishes, notify) = (self.app.wishes(), self.app.notify());
                self.notify = notify;
                self.touch_terminal(|terminal| terminal.suit(wishes));
            }
            Effect::Redraw => self.touch_terminal(Terminal::forget),
            Effect::Suspend => {
                self.stage.input.let_go();
                self.touch_terminal(Terminal::suspend);
                self.stage.input.resume();
            }
            Effect::Quit(None) => return Some(End::Asked),
            Effect::Quit(Some(reason)) => return Some(End::Engine(reason)),
            Effect::Open(profile) => return Some(End::Open(profile)),
        }
        None
    }

    /// Waits for something elsewhere: the disk may be busy, and the console goes on meanwhile.
    fn later(&self, work: impl Future<Output = Msg> + Send + 'static) {
        let answer = self.answer.clone();
        tokio::spawn(async move {
            // The console may have ended meanwhile; then nobody waits for the answer.
            drop(answer.send(Answer::Message(work.await)));
        });
    }

    fn answered(&mut self, answer: Answer) -> Option<End> {
        let (text, what, tool) = match answer {
            Answer::Message(msg) => return self.handle(msg),
            Answer::Copied { text, what, tool } => (text, what, tool),
        };
        let way = match tool {
            Some(tool) => CopyWay::Tool(tool),
            None if Terminal::can_copy(&text) => {
                self.touch_terminal(|terminal| terminal.copy(&text));
                CopyWay::Terminal
            }
            None => CopyWay::TooLong,
        };
        self.handle(Msg::Copied(what, way))
    }

    /// A tool may take its time; the console does not wait for it.
    fn copy(&self, text: String, what: String) {
        let (tools, answer) = (self.copy_tools.clone(), self.answer.clone());
        tokio::spawn(async move {
            let tool = clipboard::copy(&tools, &text).await;
            // The console may have ended meanwhile; then nobody waits for the answer.
            drop(answer.send(Answer::Copied { text, what, tool }));
        });
    }

    fn call(&mut self, words: &str) {
        let notify = self.notify;
        self.touch_terminal(|terminal| match notify {
            Notify::Off => Ok(()),
            Notify::Bell => Terminal::ring(),
            Notify::Desktop => terminal.notify(words),
        });
    }

    /// Has what changed since the last time remembered.
    fn remember(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let memory = self.app.memory().filter(|memory| self.keeping.kept.as_ref() != Some(memory));
        if memory.is_some() {
            self.keeping.kept.clone_from(&memory);
        }
        let handle = self.handle.clone();
        async move {
            let Some(memory) = memory else { return };
            let command = Command::Remember { key: memory::KEY, value: memory.write() };
            if let Err(refusal) = handle.send(command).await {
                tracing::debug!(%refusal, "what the console looks like is not kept");
            }
        }
    }

    /// The engine may be busy with the disk; the console does not wait for its answer.
    fn send(&mut self, order: super::dialogs::Order) {
        // Afterwards the engine would not take it any more.
        let before = matches!(order.command, Command::Shutdown).then(|| self.remember());
        let (handle, answer) = (self.handle.clone(), self.answer.clone());
        tokio::spawn(async move {
            if let Some(before) = before {
                before.await;
            }
            let result = handle.send(order.command).await;
            // The console may have ended meanwhile; then nobody waits for the answer.
            drop(answer.send(Answer::Message(Msg::Answered(order.what, result))));
        });
    }
}
