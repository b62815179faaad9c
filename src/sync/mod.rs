//! What happens over time: the engine, which owns the store and all truth. This file holds the handle by
//! which everyone else speaks to it, and starts it; nobody outside sees more than commands, snapshots and
//! what a [`crate::store::Reader`] pages from the state directory.

mod acknowledgements;
mod adjust;
mod aside;
mod board;
mod budget;
mod checks;
mod clock;
pub mod command;
mod compare;
mod conclude;
mod convoy;
mod courier;
mod doubt;
mod engine;
pub mod export;
mod fetch;
mod launch;
mod lints;
mod meter;
mod muster;
mod next;
mod observe;
mod orders;
pub mod pages;
mod publish;
mod recordings;
pub mod renew;
mod repair;
mod report;
mod run;
mod schedule;
mod seats;
mod send;
pub mod snapshot;
mod tools;
pub mod user;
mod verifications;
pub mod verify;

pub use clock::Clock;
pub use observe::{look, observe};
pub use tools::Settings;

use crate::domain::Identity;
use crate::http::{FeedGate, PacerOptions};
use crate::mixpanel;
use crate::mparticle::{self, Encoder, ProfileApi};
use crate::store::{Activity, Keeper, Reader, Store, StoreError};
use board::{Board, TREND_POINTS};
use budget::Budget;
use command::{Ask, Command, Envelope, Refusal};
use engine::Engine;
use export::Export;
use jiff::Timestamp;
use muster::Muster;
use pages::{Answer, Archive, Question, Responder};
use publish::Publisher;
use recordings::Recorded;
use report::Reports;
use snapshot::{Snapshot, Writer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{self, JoinHandle};
use tools::Tools;
use user::{HeldAnswer, LiveAnswer, LiveQuestion};

/// A cheap way to speak to the engine; every reader and every command goes through one.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Envelope>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    store: Activity,
    archive: Archive,
    recorded: Recorded,
    profiles: Option<ProfileApi>,
}

impl Handle {
    /// Joins the two ends that an engine (or a test standing in for one) listens on and publishes to.
    #[must_use]
    pub fn new(commands: mpsc::Sender<Envelope>, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        let (store, archive) = (Activity::default(), Archive::Absent);
        Self { commands, snapshots, store, archive, recorded: Recorded::everything(), profiles: None }
    }

    /// The same with answers of its own, for a test that stands in for an engine.
    #[must_use]
    pub fn answering(self, responder: Responder) -> Self {
        Self { archive: Archive::Responder(responder), ..self }
    }

    /// The same with a way to look people up, if there is one.
    #[must_use]
    pub fn looking_up(self, profiles: Option<ProfileApi>) -> Self {
        Self { profiles, ..self }
    }

    /// Reads what was recorded, on a thread that may block. The answer knows all that the latest snapshot shows.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub async fn read(&self, question: Question) -> Result<Answer, String> {
        self.recorded.caught_up().await;
        self.archive.read(question).await
    }

    /// Writes a list into a new file of a directory; returns its path and how many rows it has.
    ///
    /// # Errors
    /// Why it cannot be read or written, in words.
    pub async fn export(&self, directory: PathBuf, export: Export) -> Result<(PathBuf, u64), String> {
        self.recorded.caught_up().await;
        export::write(&self.archive, directory, export).await
    }

    /// Looks up what mParticle holds of one person right now. One request to the Profile API, in turn with whatever else
    /// is looked up, and perhaps one for a token. The journal does not learn of it: the answer is about one person.
    ///
    /// # Errors
    /// Why it cannot be told, in words with what to do.
    pub async fn look_up(&self, person: &Identity, now: Timestamp) -> Result<HeldAnswer, String> {
        let Some(profiles) = &self.profiles else { return Err(Refusal::NoProfileApi.to_string()) };
        user::held::look_up(profiles, person, now).await
    }

    /// Asks Mixpanel about one user, through the engine, which keeps account of the queries; costs one.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn ask(&self, question: LiveQuestion) -> Result<LiveAnswer, String> {
        let (reply, answer) = oneshot::channel();
        let asked = self.send(Command::AskMixpanel(Ask { question, reply })).await;
        asked.map_err(|refusal| refusal.to_string())?;
        answer.await.unwrap_or_else(|_| Err(Refusal::Stopping.to_string()))
    }

    /// Asks the engine to do something and waits until it has taken it on (not until it is done).
    ///
    /// # Errors
    /// The refusal says why not and what to do instead.
    pub async fn send(&self, command: Command) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Envelope { command, reply }).await.map_err(|_| Refusal::Stopping)?;
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Whether the store has nothing to do. It works on threads that block and takes real time, so whoever
    /// simulates time lets it come to rest before moving on.
    #[must_use]
    pub fn store_is_at_rest(&self) -> bool {
        self.store.is_none()
    }

    /// The latest snapshot, and a way to wait for the next.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

/// What an engine works with.
pub struct Parts {
    /// The state directory.
    pub directory: PathBuf,
    /// This process in words, for whoever finds the directory in use.
    pub holder: String,
    /// Where cohorts are read.
    pub mixpanel: mixpanel::Client,
    /// Where changes are sent.
    pub mparticle: mparticle::Client,
    /// Where profiles are looked up, if that is configured.
    pub profiles: Option<ProfileApi>,
    /// How they are written.
    pub encoder: Encoder,
    /// Tells the time.
    pub clock: Clock,
    /// Whether every command that changes something is refused.
    pub read_only: bool,
}

/// Opens the state directory for writing, settles what a crash left behind, and starts the engine. The task
/// ends after [`Command::Shutdown`] and the last run.
///
/// # Errors
/// [`StoreError::InUse`] when another process writes the directory (the caller may [`observe`] it instead),
/// and whatever else keeps the store from opening.
pub async fn start(parts: Parts, settings: Settings) -> Result<(Handle, JoinHandle<()>), StoreError> {
    let (commands, orders) = mpsc::channel(64);
    let (snapshots, readers_end) = watch::channel(Arc::new(Snapshot::default()));
    let (reports, reported) = mpsc::unbounded_channel();
    let clock = parts.clock;
    let (directory, holder) = (parts.directory.clone(), parts.holder);
    let opened = task::spawn_blocking({
        let clock = clock.clone();
        move || open(&directory, &holder, &clock, &settings)
    });
    let Opened { store, board, queries, query_limit } = opened.await.unwrap_or(Err(StoreError::Closed))?;
    let installation = store.installation().into();
    let keeper = Keeper::start(store)?;
    let activity = keeper.activity();
    let archive = Archive::of(&parts.directory, Some(parts.encoder.clone()));
    let tools = Tools {
        budget: Budget::new(keeper.clone(), clock.clone(), queries, query_limit),
        keeper,
        directory: parts.directory,
        installation,
        mixpanel: parts.mixpanel,
        mparticle: parts.mparticle,
        profiles: parts.profiles.clone(),
        encoder: parts.encoder,
        gate: FeedGate::new(PacerOptions {
            max_in_flight: settings.concurrent_requests,
            ..PacerOptions::default()
        }),
        muster: Muster::default(),
        doubts: Arc::default(),
        backoff: settings.backoff,
        clock,
        reports: Reports(reports),
        concurrent_requests: settings.concurrent_requests,
    };
    let mut board = board;
    board.writer = if parts.read_only { Writer::ReadOnly } else { Writer::ThisProcess };
    let engine = Engine::new(tools, settings, board, orders, reported, Publisher::new(snapshots));
    let recorded = engine.recorded_so_far();
    let handle = Handle { store: activity, archive, recorded, ..Handle::new(commands, readers_end) };
    let handle = handle.looking_up(parts.profiles);
    Ok((handle, tokio::spawn(engine.work())))
}

/// A store, opened, and what was remembered in it.
struct Opened {
    store: Store,
    board: Board,
    queries: Vec<Timestamp>,
    query_limit: Option<u32>,
}

fn open(directory: &Path, holder: &str, clock: &Clock, settings: &Settings) -> Result<Opened, StoreError> {
    let now = clock.now();
    let mut store = Store::open(directory, holder)?;
    store.limit_journal(settings.journal, now)?;
    let cut_off = store.recover(None, run::INTERRUPTED, now)?;
    store.drop_unfinished_verifications()?;
    let reader = Reader::open(directory)?;
    let mut syncs = reader.syncs()?;
    // Whoever changed the interval while nobody worked means the syncs that go by it too.
    if let Some(former) = store.configured_interval()? {
        for sync in &mut syncs {
            if let Some(followed) = adjust::following(sync, former, settings.interval, now) {
                store.save_sync(&followed)?;
                *sync = followed;
            }
        }
    }
    store.remember_interval(settings.interval)?;
    for sync in syncs.iter_mut().filter(|sync| cut_off.contains(&sync.cohort_id)) {
        if next::goes_on_after_a_crash(sync) {
            // Queued and due: whoever keeps the schedule goes on at once.
            sync.status = crate::domain::SyncStatus::Queued;
            sync.next_due = sync.next_due.map(|_| now);
            store.save_sync(sync)?;
        }
    }
    let mut board = Board::default();
    board.restore(reader.cohorts()?, syncs, reader.recent_runs(TREND_POINTS)?);
    board.restore_verifications(reader.verifications()?);
    board.journaled = reader.newest_journal_entry()?;
    let hour_ago = now.saturating_sub(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
    let queries = store.queries_since(hour_ago)?;
    let query_limit = store.query_limit()?;
    Ok(Opened { store, board, queries, query_limit })
}
