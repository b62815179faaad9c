//! The engine under simulated time. This file holds what moves the time; the tests that use it are its
//! neighbours in the folder of the same name.
//!
//! Tokio's paused clock leaps to the next timer whenever the runtime is idle, and a runtime whose requests are
//! on their way through real sockets, or whose store writes on a thread of its own, is idle. Such leaps would
//! strike requests with time-outs that nobody waited for. So the clock is kept from leaping, and is moved by
//! hand: a step, then as much real time as everything that is not simulated takes to come to rest, and only
//! then the next step. However slow the machine is, a run takes the simulated time that its waits add up to.

mod backoff;
mod budget;
mod day;
mod kills;
mod pace;
mod schedule;
mod silence;
mod soak;
mod together;
mod turns;
mod verification;

use crate::world::World;
use cohort_sync::domain::{CohortId, RunCounts, RunId, SyncStatus};
use cohort_sync::sandbox::SandboxOptions;
use cohort_sync::store::{RunRecord, WriterLock};
use cohort_sync::sync::snapshot::{CheckProgress, ListState, Snapshot};
use cohort_sync::sync::{Clock, Settings};
use jiff::Timestamp;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// When every simulated clock starts.
const START: &str = "2026-01-31T12:00:00Z";

/// Real time in which what is on its way through the loopback interface arrives, unless the machine is busy.
const MOMENT: Duration = Duration::from_micros(150);

/// Quiet moments in a row that are taken for rest, so that a busy machine is no reason to move on too early.
const QUIET_MOMENTS: u32 = 4;

/// The step while something happens: as often as the engine publishes.
const SHORTEST_STEP: Duration = Duration::from_millis(50);

/// The longest step. Longer ones would be no faster, for the engine wakes now and then by itself.
const LONGEST_STEP: Duration = Duration::from_secs(5);

/// A step before which nothing had happened for so long that nothing can be on its way.
const LONG_STEP: Duration = Duration::from_millis(500);

/// Timers of whatever is at work are late by at most this share of the time in which nothing happened.
const LATE: u32 = 32;

/// Real time after which nobody believes that things will come to rest.
const REAL_PATIENCE: Duration = Duration::from_mins(1);

/// Keeps tokio's paused clock from leaping by itself for as long as it lives, by keeping a blocking task at
/// work. The task doubles as the one who waits for moments of real time.
pub struct StandingClock {
    moments: mpsc::Sender<oneshot::Sender<()>>,
    metrics: RuntimeMetrics,
}

impl StandingClock {
    /// Must come before anything that the clock could leap over.
    pub fn stand() -> Self {
        let (moments, asked) = mpsc::channel::<oneshot::Sender<()>>();
        tokio::task::spawn_blocking(move || {
            for over in asked {
                thread::sleep(MOMENT);
                // Whoever asked may be gone: a test that failed.
                let _ = over.send(());
            }
        });
        Self { moments, metrics: Handle::current().metrics() }
    }

    /// Lets a moment of real time pass. True when nothing happened in it: the runtime went to sleep, and the
    /// end of the moment was what woke it.
    async fn is_quiet(&self) -> bool {
        let sleeps = self.metrics.worker_park_count(0);
        let (over, end) = oneshot::channel();
        self.moments.send(over).unwrap();
        end.await.unwrap();
        self.metrics.worker_park_count(0) == sleeps + 1
    }
}

/// How far to go at once: not far while something happens, ever farther while nothing does.
struct Stride {
    seen: Vec<Sight>,
    step: Duration,
    /// For how long nothing happened.
    quiet: Duration,
}

/// What is seen of a cohort; while it stays the same, nothing happens but the passing of time.
type Sight =
    (CohortId, SyncStatus, Option<RunId>, Option<(RunCounts, Option<String>)>, Option<CheckProgress>);

impl Stride {
    fn new() -> Self {
        Self { seen: Vec::new(), step: SHORTEST_STEP, quiet: Duration::ZERO }
    }

    /// The next step, which does not go past the next tick of a schedule or the next free query.
    fn next(&mut self, snapshot: Option<&Snapshot>, now: Timestamp) -> Duration {
        let seen = snapshot.map(sights).unwrap_or_default();
        let verifies = seen.iter().any(|(.., check)| check.is_some());
        let at_work = snapshot
            .is_some_and(|snapshot| snapshot.active() > 0 || matches!(snapshot.list, ListState::Loading(_)));
        let at_work = at_work || verifies;
        if seen != self.seen {
            (self.step, self.quiet) = (SHORTEST_STEP, Duration::ZERO);
        } else if at_work {
            self.step = self.quiet / LATE;
        } else {
            self.step *= 2;
        }
        self.step = self.step.clamp(SHORTEST_STEP, LONGEST_STEP);
        self.seen = seen;
        let foreseen = snapshot
            .into_iter()
            .flat_map(|snapshot| &snapshot.cohorts)
            .filter_map(|view| view.sync.as_ref()?.next_due)
            .chain(snapshot.and_then(|snapshot| snapshot.queries.next_slot))
            .filter_map(|moment| Duration::try_from(moment.duration_since(now)).ok())
            .min();
        // A timer fires at the next full millisecond, so the step goes that much farther.
        let step = foreseen.map_or(self.step, |left| self.step.min(left + Duration::from_millis(2)));
        self.quiet += step;
        step
    }
}

fn sights(snapshot: &Snapshot) -> Vec<Sight> {
    snapshot
        .cohorts
        .iter()
        .map(|view| {
            let sync = view.sync.as_ref();
            let progress = sync.and_then(|sync| sync.progress.as_ref());
            (
                view.cohort.id,
                view.status(),
                sync.and_then(|sync| sync.last_run.as_ref()).map(|run| run.id),
                progress.map(|progress| (progress.counts, progress.waiting.clone())),
                sync.and_then(|sync| sync.verification.check.clone()),
            )
        })
        .collect()
}

impl World {
    /// A world whose time is simulated; the test must run on a paused clock of one thread.
    pub async fn simulated(settings: Settings, options: SandboxOptions) -> Self {
        let standing = StandingClock::stand();
        let clock = Clock::simulated(START.parse().unwrap());
        Self::of(settings, options, clock, Some(standing)).await
    }

    /// Lets simulated time pass.
    pub async fn pass(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut stride = Stride::new();
        self.settle().await;
        while Instant::now() < end {
            let step = self.step(&mut stride).min(end - Instant::now());
            self.advance(step).await;
        }
    }

    /// Lets simulated time pass until a snapshot fulfils a condition, looked at after each step.
    pub async fn pass_until(
        &self,
        what: &str,
        within: Duration,
        condition: impl Fn(&Snapshot) -> bool,
    ) -> Arc<Snapshot> {
        let end = Instant::now() + within;
        let mut stride = Stride::new();
        self.settle().await;
        loop {
            let snapshot = self.snapshot();
            if condition(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < end, "{what}: not within {within:?}; {snapshot:#?}");
            let step = self.step(&mut stride);
            self.advance(step).await;
        }
    }

    /// Lets everything that is not simulated come to rest: the sockets, the store's threads, and whatever tasks
    /// these wake. No simulated time passes.
    pub async fn settle(&self) {
        self.settle_after(Duration::ZERO).await;
    }

    async fn settle_after(&self, step: Duration) {
        let standing = self.standing.as_ref().unwrap();
        // Tokio's clock stands still; this is the one place that must know the real time.
        let began = std::time::Instant::now();
        let mut needed = if step < LONG_STEP { QUIET_MOMENTS } else { 1 };
        let mut quiet = 0;
        while quiet < needed {
            let was_at_rest = self.store_is_at_rest();
            if standing.is_quiet().await && was_at_rest && self.store_is_at_rest() {
                quiet += 1;
            } else {
                (quiet, needed) = (0, QUIET_MOMENTS);
            }
            assert!(began.elapsed() < REAL_PATIENCE, "nothing comes to rest; {:#?}", self.running());
        }
    }

    /// Ends the engine in the middle of whatever it does, as a crash would. What its store was asked before is
    /// still carried out, and only then is the state directory free for the next engine.
    pub async fn kill(&mut self) {
        self.engine.take().unwrap().1.abort();
        let standing = self.standing.as_ref().unwrap();
        let began = std::time::Instant::now();
        while WriterLock::holder(self.state()).is_some() {
            assert!(began.elapsed() < REAL_PATIENCE, "the killed engine still holds its state directory");
            standing.is_quiet().await;
        }
    }

    fn step(&self, stride: &mut Stride) -> Duration {
        let snapshot = self.running().map(|handle| handle.snapshots().borrow().clone());
        stride.next(snapshot.as_deref(), self.clock.now())
    }

    async fn advance(&self, step: Duration) {
        tokio::time::advance(step).await;
        self.settle_after(step).await;
    }

    fn store_is_at_rest(&self) -> bool {
        self.running().is_none_or(cohort_sync::sync::Handle::store_is_at_rest)
    }

    /// The runs of a cohort that have ended, oldest first.
    pub fn runs(&self, cohort: CohortId) -> Vec<RunRecord> {
        let mut runs = self.reader().runs(Some(cohort), 10_000).unwrap();
        runs.reverse();
        runs
    }
}

/// The settings that a console starts with, but for the list, which costs queries.
pub fn unattended() -> Settings {
    Settings { list_on_start: false, list_every: None, ..Settings::default() }
}

/// How long a run took, in simulated time.
pub fn duration(run: &RunRecord) -> Duration {
    run.ended_at.unwrap().duration_since(run.started_at).unsigned_abs()
}
