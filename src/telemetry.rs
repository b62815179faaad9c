//! The program's own log: a file that rolls, and a feed for the log screen. Credentials are masked before
//! a line reaches either. A thread of its own writes, so that whoever logs never waits for the disk.

mod layer;
mod log_file;

use crate::config::{Masks, Word};
use jiff::Timestamp;
use layer::LogLayer;
use log_file::{LogFile, write_once};
use std::fmt;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

/// The log file's name in its directory.
pub const LOG_FILE: &str = "cohort-sync.log";

/// Lines that may wait for the disk; more are dropped and counted rather than making anyone wait.
const QUEUE_LIMIT: usize = 8_192;

/// Lines a slow reader of the feed may be behind before it misses some.
const FEED_LIMIT: usize = 1_024;

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever debugs this program.
    Debug,
    /// The ordinary course of things.
    Info,
    /// Looks wrong, goes on.
    Warn,
    /// Something did not work.
    Error,
}

impl Word for LogLevel {
    const ALL: &'static [Self] = &[Self::Debug, Self::Info, Self::Warn, Self::Error];

    fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warn => Self::WARN,
            LogLevel::Error => Self::ERROR,
        }
    }
}

/// One line of the program's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: LogLevel,
    /// Which module spoke.
    pub target: String,
    /// What it said; credentials are already masked.
    pub text: String,
}

/// As the file has it: one line, whatever control characters the text contains.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.as_str().to_ascii_uppercase();
        write!(f, "{:.3} {level:5} {}: ", self.at, self.target)?;
        for character in self.text.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log file cannot be opened.
    #[error("cannot write the log file {}; check the permissions of its directory, or choose another with --state-dir", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the log")]
    NoThread(#[source] io::Error),
    /// Logging was set up before in this process.
    #[error("logging is already set up in this process")]
    AlreadySet,
}

/// What the writing thread is told.
enum Message {
    Line(LogLine),
    /// Write into this file from now on.
    Into(LogFile),
    /// Answer once everything before this is on its way to the disk.
    Flush(SyncSender<()>),
    Stop,
}

/// The log of this process. Dropping it writes what is left.
#[derive(Debug)]
pub struct Telemetry {
    path: PathBuf,
    queue: SyncSender<Message>,
    feed: broadcast::Sender<LogLine>,
    dropped: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl Telemetry {
    /// The log file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines from now on. A reader that is too slow is told how many it missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<LogLine> {
        self.feed.subscribe()
    }

    /// How many lines were dropped because the disk was too slow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Goes on in the file of another directory, as a console does that goes over to another profile.
    ///
    /// # Errors
    /// The file cannot be written; the log goes on where it was.
    pub fn move_to(&mut self, log_dir: &Path) -> Result<(), TelemetryError> {
        let path = log_dir.join(LOG_FILE);
        if path == self.path {
            return Ok(());
        }
        let file = LogFile::open(&path)
            .map_err(|source| TelemetryError::Unwritable { path: path.clone(), source })?;
        // The writing thread ends only with this value.
        let _ = self.queue.send(Message::Into(file));
        if let Some((recorded, _)) = &mut *PANIC_RECORD.write().unwrap_or_else(PoisonError::into_inner) {
            recorded.clone_from(&path);
        }
        self.path = path;
        Ok(())
    }

    /// Waits, at most `patience`, until everything logged so far is written. Not for the interface's thread.
    #[must_use = "lines may be missing from the file when this is false"]
    pub fn flush(&self, patience: Duration) -> bool {
        let (sender, done) = mpsc::sync_channel(1);
        self.queue.send(Message::Flush(sender)).is_ok() && done.recv_timeout(patience).is_ok()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // The thread ends once it has written everything before this message.
        if self.queue.send(Message::Stop).is_ok()
            && let Some(writer) = self.writer.take()
        {
            // A writer that panicked has nothing left to say, and a drop cannot report it.
            let _ = writer.join();
        }
    }
}

/// Where a panic is recorded, once [`init`] has said so.
static PANIC_RECORD: RwLock<Option<(PathBuf, Masks)>> = RwLock::new(None);

/// Sets up logging for this process: events of this crate at `level` and above, of others at warn and above.
///
/// # Errors
/// The log file cannot be written, or logging was set up before.
pub fn init(log_dir: &Path, level: LogLevel, masks: &Masks) -> Result<Telemetry, TelemetryError> {
    let (subscriber, telemetry) = build(log_dir, level, masks)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySet)?;
    let record = (telemetry.path.clone(), masks.clone());
    *PANIC_RECORD.write().unwrap_or_else(PoisonError::into_inner) = Some(record);
    Ok(telemetry)
}

/// Makes the subscriber without putting it in charge; tests put it in charge of one thread.
fn build(
    log_dir: &Path,
    level: LogLevel,
    masks: &Masks,
) -> Result<(impl Subscriber + Send + Sync + use<>, Telemetry), TelemetryError> {
    let path = log_dir.join(LOG_FILE);
    let file =
        LogFile::open(&path).map_err(|source| TelemetryError::Unwritable { path: path.clone(), source })?;
    let (queue, messages) = mpsc::sync_channel(QUEUE_LIMIT);
    let feed = broadcast::Sender::new(FEED_LIMIT);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer =
        Writer { file, masks: masks.clone(), feed: feed.clone(), dropped: Arc::clone(&dropped), told: 0 };
    let thread = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.run(&messages))
        .map_err(TelemetryError::NoThread)?;
    let others = LevelFilter::from(level.max(LogLevel::Warn));
    let targets = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(others);
    let layer = LogLayer { queue: queue.clone(), dropped: Arc::clone(&dropped) };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(targets));
    Ok((subscriber, Telemetry { path, queue, feed, dropped, writer: Some(thread) }))
}

/// Records a panic in the log file, on the spot and masked, for the panic hook to call: the program may be
/// gone before the writing thread comes round. Never panics and never waits for a lock; does nothing before
/// [`init`].
pub fn record_panic(panic: &PanicHookInfo<'_>) {
    let Ok(record) = PANIC_RECORD.try_read() else { return };
    if let Some((path, masks)) = &*record {
        // There is nobody left to tell about a log that cannot be written.
        let _ = record_panic_at(path, masks, panic.payload_as_str(), panic.location());
    }
}

fn record_panic_at(
    path: &Path,
    masks: &Masks,
    payload: Option<&str>,
    location: Option<&std::panic::Location<'_>>,
) -> io::Result<()> {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let said = payload.unwrap_or("without a message");
    // Without the masks the message may hold a credential, and then the place alone must do.
    let said = masks.try_mask(said).unwrap_or_default();
    let line = LogLine {
        at: Timestamp::now(),
        level: LogLevel::Error,
        target: "panic".to_owned(),
        text: format!("the program failed at {place}: {said}"),
    };
    write_once(path, &format!("{line}\n"))
}

/// The thread that masks, writes and passes on.
struct Writer {
    file: LogFile,
    masks: Masks,
    feed: broadcast::Sender<LogLine>,
    dropped: Arc<AtomicU64>,
    told: u64,
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        for message in messages {
            match message {
                Message::Line(line) => self.write(line),
                Message::Into(file) => self.file = file,
                Message::Flush(done) => {
                    // Whoever asked may have lost patience.
                    let _ = done.send(());
                }
                Message::Stop => return,
            }
            self.tell_of_dropped_lines();
        }
    }

    fn write(&mut self, mut line: LogLine) {
        line.text = self.masks.mask(&line.text).into_owned();
        // A full disk must not end the program, and this is the place where it would be logged.
        let _ = self.file.append(&format!("{line}\n"));
        // Nobody may be looking at the log screen.
        let _ = self.feed.send(line);
    }

    fn tell_of_dropped_lines(&mut self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > self.told {
            let text = format!(
                "{} lines are missing here: they came faster than the disk took them",
                dropped - self.told
            );
            self.told = dropped;
            self.write(LogLine {
                at: Timestamp::now(),
                level: LogLevel::Warn,
                target: module_path!().to_owned(),
                text,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn masks() -> Masks {
        let masks = Masks::new();
        masks.add(&Secret::new("pl4nted-secret"));
        masks
    }

    fn logged(level: LogLevel, log: impl FnOnce()) -> (String, Vec<LogLine>) {
        let dir = tempfile::tempdir().unwrap();
        let (subscriber, telemetry) = build(dir.path(), level, &masks()).unwrap();
        let mut feed = telemetry.subscribe();
        tracing::subscriber::with_default(subscriber, log);
        let path = telemetry.path().to_owned();
        drop(telemetry);
        let mut lines = Vec::new();
        while let Ok(line) = feed.try_recv() {
            lines.push(line);
        }
        (std::fs::read_to_string(path).unwrap(), lines)
    }

    #[test]
    fn file_and_feed_get_the_line_with_its_fields() {
        let (text, lines) = logged(LogLevel::Info, || {
            tracing::info!(cohort = 7, name = "Power users", share = 0.5, "fetched {} users", 3);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "fetched 3 users cohort=7 name=\"Power users\" share=0.5");
        assert_eq!(lines[0].level, LogLevel::Info);
        assert!(text.ends_with("INFO  cohort_sync::telemetry::tests: fetched 3 users cohort=7 name=\"Power users\" share=0.5\n"), "{text}");
    }

    #[test]
    fn a_log_that_moves_leaves_what_was_written_and_goes_on_elsewhere() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (subscriber, mut telemetry) = build(first.path(), LogLevel::Info, &masks()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("one");
            telemetry.move_to(second.path()).unwrap();
            tracing::info!("two");
        });
        assert_eq!(telemetry.path(), second.path().join(LOG_FILE));
        drop(telemetry);
        let text =
            |directory: &tempfile::TempDir| std::fs::read_to_string(directory.path().join(LOG_FILE)).unwrap();
        assert!(text(&first).contains("one") && !text(&first).contains("two"));
        assert!(text(&second).contains("two") && !text(&second).contains("one"));
    }

    #[test]
    fn a_credential_is_masked_in_message_fields_and_errors() {
        let (text, lines) = logged(LogLevel::Debug, || {
            let error = io::Error::other("GET https://host/pl4nted-secret failed");
            tracing::error!(url = "https://host/pl4nted-secret", %error, "sent pl4nted-secret");
            tracing::debug!(?error);
        });
        assert_eq!(text.matches("•••").count(), 4, "{text}");
        assert!(!text.contains("pl4nted"));
        assert!(!format!("{lines:?}").contains("pl4nted"));
    }

    #[test]
    fn levels_and_other_crates_are_filtered() {
        let (text, _) = logged(LogLevel::Info, || {
            tracing::debug!("ours, too fine");
            tracing::info!(target: "hyper::client", "theirs, too fine");
            tracing::warn!(target: "hyper::client", "theirs, serious");
            tracing::info!("ours");
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        let (text, _) = logged(LogLevel::Error, || tracing::warn!(target: "hyper::client", "theirs"));
        assert_eq!(text, "");
    }

    #[test]
    fn one_event_is_one_line_whatever_it_contains() {
        let (text, _) = logged(LogLevel::Info, || tracing::info!("first\nsecond \u{1b}[31mred"));
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("first\\nsecond \\u{1b}[31mred"), "{text}");
    }

    #[test]
    fn a_panic_is_recorded_with_its_place_and_without_credentials() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let here = std::panic::Location::caller();
        record_panic_at(&path, &masks(), Some("lost pl4nted-secret"), Some(here)).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("telemetry.rs") && text.contains("lost •••"), "{text}");
    }

    #[test]
    fn a_queue_that_is_full_drops_and_says_so() {
        let dropped = Arc::new(AtomicU64::new(3));
        let dir = tempfile::tempdir().unwrap();
        let file = LogFile::open(&dir.path().join("log")).unwrap();
        let mut writer =
            Writer { file, masks: Masks::new(), feed: broadcast::Sender::new(4), dropped, told: 0 };
        let mut feed = writer.feed.subscribe();
        writer.tell_of_dropped_lines();
        writer.tell_of_dropped_lines();
        assert!(feed.try_recv().unwrap().text.starts_with("3 lines are missing"));
        assert!(feed.try_recv().is_err());
    }
}
