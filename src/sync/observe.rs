//! Looking on at a state directory that another process writes: the same snapshots, made from what that process
//! records, and a refusal for every command that would change something.

use super::Handle;
use super::board::{Board, TREND_POINTS};
use super::clock::Clock;
use super::command::{Command, Envelope, Refusal};
use super::pages::Archive;
use super::publish::Publisher;
use super::snapshot::{Ended, Snapshot, Writer};
use crate::domain::CohortId;
use crate::domain::verified::Verification;
use crate::mparticle::Encoder;
use crate::store::{Reader, RememberedCohorts, RunRecord, StoreError, SyncRecord, WriterLock};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task;

/// How often the state directory is looked at: often enough to look alive, rarely enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts looking on; with an encoder, requests can be shown as they were sent.
///
/// # Errors
/// [`StoreError::Absent`] when there is nothing to look at yet; the other errors of [`Reader::open`].
pub async fn observe(
    directory: PathBuf,
    writer: Writer,
    encoder: Option<Encoder>,
) -> Result<Handle, StoreError> {
    let clock = Clock::system();
    let (commands, waiting) = mpsc::channel(16);
    let (snapshots, reader_end) = watch::channel(Arc::default());
    let sight = blocking({
        let (directory, now) = (directory.clone(), clock.now());
        move || Sight::first(&directory, now)
    })
    .await?;
    let archive = Archive::of(&directory, encoder);
    let observer =
        Observer { directory, board: Board::default(), publisher: Publisher::new(snapshots), clock };
    tokio::spawn(observer.look_on(sight, writer, waiting));
    Ok(Handle { archive, ..Handle::new(commands, reader_end) })
}

/// One look at a state directory, without anybody looking on: the picture that the console would show now. It blocks.
///
/// # Errors
/// [`StoreError::Absent`] when there is nothing to look at yet; the other errors of [`Reader::open`].
pub fn look(directory: &Path) -> Result<Snapshot, StoreError> {
    let now = Clock::system().now();
    let mut board = Board::default();
    board.writer = Writer::ReadOnly;
    Sight::first(directory, now)?.put_on(&mut board, now);
    Ok(board.snapshot(now, None))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Closed))
}

/// What was seen at one look, with the connection to look again.
struct Sight {
    reader: Reader,
    version: i64,
    cohorts: RememberedCohorts,
    syncs: Vec<SyncRecord>,
    runs: Vec<RunRecord>,
    verifications: Vec<Verification>,
    working: Vec<RunRecord>,
    queries: Vec<Timestamp>,
    query_limit: Option<u32>,
    journaled: i64,
    holder: Option<String>,
}

impl Sight {
    fn first(directory: &Path, now: Timestamp) -> Result<Self, StoreError> {
        Self::of(Reader::open(directory)?, directory, now)
    }

    fn of(reader: Reader, directory: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let holder = WriterLock::holder(directory);
        Ok(Self {
            // Asked first: what is committed while the rest is read shows up as another version next time.
            version: reader.data_version()?,
            cohorts: reader.cohorts()?,
            syncs: reader.syncs()?,
            runs: reader.recent_runs(TREND_POINTS)?,
            verifications: reader.verifications()?,
            queries: reader
                .queries_since(now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now))?,
            query_limit: reader.query_limit()?,
            journaled: reader.newest_journal_entry()?,
            // Nobody works on a run when nobody holds the lock: it was cut off.
            working: if holder.is_some() { reader.working_runs()? } else { Vec::new() },
            holder,
            reader,
        })
    }

    /// Puts what was seen on a board.
    fn put_on(&self, board: &mut Board, now: Timestamp) {
        board.restore(self.cohorts.clone(), self.syncs.clone(), self.runs.iter().cloned());
        board.queries.used = u32::try_from(self.queries.len()).unwrap_or(u32::MAX);
        if let Some(limit) = self.query_limit {
            (board.queries.limit, board.queries.learned) = (limit, true);
        }
        board.stretch_to(board.queries.limit);
        for run in &self.working {
            board.watch_run(run, now);
        }
    }

    /// Looks again, if anything was committed since or the writer changed.
    fn again(self, directory: &Path, now: Timestamp) -> Result<(Self, bool), StoreError> {
        if self.reader.data_version()? == self.version && WriterLock::holder(directory) == self.holder {
            return Ok((self, false));
        }
        Ok((Self::of(self.reader, directory, now)?, true))
    }
}

struct Observer {
    directory: PathBuf,
    board: Board,
    publisher: Publisher,
    clock: Clock,
}

impl Observer {
    async fn look_on(mut self, mut sight: Sight, writer: Writer, mut commands: mpsc::Receiver<Envelope>) {
        self.board.writer = writer;
        self.show(&sight);
        loop {
            tokio::select! {
                Some(envelope) = commands.recv() => {
                    if self.answer(envelope) {
                        break;
                    }
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let (directory, now) = (self.directory.clone(), self.clock.now());
                    match blocking(move || sight.again(&directory, now)).await {
                        Ok((seen, changed)) => {
                            sight = seen;
                            if changed {
                                self.show(&sight);
                            }
                        }
                        Err(error) => {
                            self.publisher.publish_end(&mut self.board, self.clock.now(), Ended::Because(error.to_string()));
                            return;
                        }
                    }
                }
            }
        }
        self.publisher.publish_end(&mut self.board, self.clock.now(), Ended::AsAsked);
    }

    fn show(&mut self, sight: &Sight) {
        let now = self.clock.now();
        if let (Writer::Other(shown), Some(holder)) = (&mut self.board.writer, &sight.holder) {
            shown.clone_from(holder);
        }
        let working: HashSet<CohortId> = sight.working.iter().map(|run| run.cohort_id).collect();
        for cohort in self.board.active_cohorts() {
            if !working.contains(&cohort) {
                self.board.unqueue(cohort);
            }
        }
        sight.put_on(&mut self.board, now);
        self.board.restore(sight.cohorts.clone(), sight.syncs.clone(), sight.runs.iter().cloned());
        self.board.restore_verifications(sight.verifications.clone());
        self.board.journaled = sight.journaled;
        self.board.queries.used = u32::try_from(sight.queries.len()).unwrap_or(u32::MAX);
        for run in &sight.working {
            self.board.watch_run(run, now);
        }
        self.publisher.changed();
        self.publisher.publish(&mut self.board, now, true);
    }

    /// Answers a command; true when it says to stop looking.
    fn answer(&self, envelope: Envelope) -> bool {
        let stop = matches!(envelope.command, Command::Shutdown);
        let answer = match envelope.command {
            Command::Shutdown => Ok(()),
            Command::AskMixpanel(_) => Err(self.not_asked()),
            _ => Err(self.refusal()),
        };
        // Whoever asked may have stopped waiting.
        let _ = envelope.reply.send(answer);
        stop
    }

    /// Whoever writes the state directory keeps the account of the hour's queries, and nobody else may spend them.
    fn not_asked(&self) -> Refusal {
        Refusal::ReadOnly(match &self.board.writer {
            Writer::Other(holder) => {
                format!("{holder} keeps the account of Mixpanel's queries; ask there, or stop it first")
            }
            Writer::ReadOnly | Writer::ThisProcess => {
                "started with --read-only, which asks Mixpanel nothing".to_owned()
            }
        })
    }

    fn refusal(&self) -> Refusal {
        Refusal::ReadOnly(match &self.board.writer {
            Writer::Other(holder) => {
                format!("{holder} writes this state directory; make changes there, or stop it first")
            }
            Writer::ReadOnly | Writer::ThisProcess => {
                "started with --read-only; nothing can be changed from here".to_owned()
            }
        })
    }
}
