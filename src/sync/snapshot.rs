//! What the engine shows: one immutable picture of everything few enough to fit in it, published on a
//! `watch` channel at most twenty times a second. Readers (the console, the headless commands) take an
//! `Arc` and never a lock. Lists as long as a cohort are not in here; they are paged from the store.

pub use super::schedule::Stretch;
pub use super::verify::CheckProgress;
use crate::domain::verified::Verification;
use crate::domain::{
    Cohort, CohortId, Lint, Phase, Purpose, Removal, RunCounts, RunId, SyncKind, SyncStatus, Trigger,
};
pub use crate::store::{FormerAttribute, PauseRecord as Pause, RunRecord as RunView, TrendPoint};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Everything a reader needs for one frame or one answer.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Counts publications; a reader that sees the same number has nothing new to draw.
    pub revision: u64,
    /// Who may write the state directory.
    pub writer: Writer,
    /// The Mixpanel side.
    pub mixpanel: Health,
    /// The mParticle side.
    pub mparticle: Health,
    /// Mixpanel's query budget.
    pub queries: QueryBudget,
    /// Set while recurring syncs ask for more queries than there are, so that their intervals are stretched.
    pub stretch: Option<Stretch>,
    /// Percent of the feed's rate in use, from `X-mp-rate-limit-percentage-used`; 0 once nothing is at work, whatever was
    /// heard last.
    pub feed_rate_percent: Option<u8>,
    /// How the cohort list stands.
    pub list: ListState,
    /// What deserves a look about all cohorts together.
    pub lints: Vec<Lint>,
    /// The cohorts, in Mixpanel's order; those no longer listed but still synced come last.
    pub cohorts: Vec<Arc<CohortView>>,
    /// Runs that ended in this process, oldest first, at most [`ENDED_LIMIT`]; two of one cohort may end between
    /// two snapshots, so whoever tells of every run reads them here.
    pub ended_runs: VecDeque<EndedRun>,
    /// Recent events worth a toast, oldest first, at most [`NOTICE_LIMIT`].
    pub notices: VecDeque<Notice>,
    /// The number of the newest entry of the journal; 0 while there is none. Whoever has seen a lower one has
    /// something to read.
    pub journaled: i64,
    /// Set once the engine has stopped for good.
    pub ended: Option<Ended>,
}

/// How many ended runs a snapshot keeps; older ones are in the store.
pub const ENDED_LIMIT: usize = 64;

/// How many notices a snapshot keeps; older ones are in the log.
pub const NOTICE_LIMIT: usize = 32;

impl Snapshot {
    /// The view of one cohort.
    #[must_use]
    pub fn cohort(&self, id: CohortId) -> Option<&Arc<CohortView>> {
        self.cohorts.iter().find(|view| view.cohort.id == id)
    }

    /// How many syncs have a run at work or waiting.
    #[must_use]
    pub fn active(&self) -> usize {
        self.cohorts.iter().filter(|view| view.status().is_active()).count()
    }

    /// How many cohorts are being verified.
    #[must_use]
    pub fn verifying(&self) -> usize {
        self.cohorts.iter().filter(|view| view.is_verifying()).count()
    }

    /// How many syncs wait for a person.
    #[must_use]
    pub fn paused(&self) -> usize {
        self.cohorts.iter().filter(|view| view.status() == SyncStatus::Paused).count()
    }
}

/// How an engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    AsAsked,
    /// It was asked to, but something it did could not be recorded, for this reason.
    Unrecorded(String),
    /// It could not go on, for this reason.
    Because(String),
}

/// Who writes the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Writer {
    /// This process.
    #[default]
    ThisProcess,
    /// Another one, described in words ("cohort-sync run, process 4711, since 12:00"); nothing can be changed here.
    Other(String),
    /// The operator asked for `--read-only`.
    ReadOnly,
}

impl Writer {
    /// Whether commands that change something are refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        *self != Self::ThisProcess
    }
}

/// How one side answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing was asked of it yet.
    #[default]
    Unknown,
    /// The last request was answered.
    Reachable,
    /// A request failed and is being tried again.
    Retrying(String),
    /// Unreachable, or it refuses our credentials.
    Down(String),
}

/// Mixpanel's rolling hour of queries, as far as this program knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryBudget {
    /// Queries charged in the last hour.
    pub used: u32,
    /// What the project may spend in an hour.
    pub limit: u32,
    /// Whether `limit` was read from Mixpanel's headers rather than its documentation.
    pub learned: bool,
    /// When the next slot frees, while none is free.
    pub next_slot: Option<Timestamp>,
}

impl Default for QueryBudget {
    fn default() -> Self {
        Self { used: 0, limit: 60, learned: false, next_slot: None }
    }
}

impl QueryBudget {
    /// Queries that can still be made now.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// How the cohort list stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListState {
    /// Neither fetched nor remembered.
    #[default]
    Never,
    /// On its way; what is shown is from the given time.
    Loading(Option<Timestamp>),
    /// As Mixpanel answered then.
    Listed(Timestamp),
    /// The last try failed; what is shown is from the given time.
    Failed {
        /// When the list that is shown was fetched.
        shown: Option<Timestamp>,
        /// What happened and what to do, in words.
        error: String,
        /// Whether trying again is of no use before a person has done something.
        needs_person: bool,
    },
}

/// One cohort with its sync, as the Cohorts screen shows a row.
#[derive(Debug, Clone)]
pub struct CohortView {
    /// As Mixpanel lists it (or last listed it).
    pub cohort: Cohort,
    /// False for a synced cohort that Mixpanel no longer lists.
    pub listed: bool,
    /// Why it cannot be exported (a group cohort, say), in words.
    pub not_exportable: Option<String>,
    /// What deserves a look though its runs may succeed, the most pressing first.
    pub lints: Vec<Lint>,
    /// Its sync, once somebody started one.
    pub sync: Option<SyncView>,
}

impl CohortView {
    /// The status to show.
    #[must_use]
    pub fn status(&self) -> SyncStatus {
        self.sync.as_ref().map_or(SyncStatus::NotSynced, |sync| sync.status)
    }

    /// Whether a verification of it is at work.
    #[must_use]
    pub fn is_verifying(&self) -> bool {
        self.sync.as_ref().is_some_and(|sync| sync.verification.check.is_some())
    }

    /// The pinned attribute, or the name that would be pinned now.
    #[must_use]
    pub fn attribute(&self) -> &str {
        self.sync.as_ref().map_or(&self.cohort.name, |sync| &sync.attribute)
    }

    /// Another cohort whose attribute is the same or looks alike.
    #[must_use]
    pub fn namesake(&self) -> Option<CohortId> {
        self.lints.iter().find_map(|lint| match lint {
            Lint::SharedAttribute(other) | Lint::SimilarName(other) => Some(other.id),
            _ => None,
        })
    }

    /// Whether the cohort was renamed in Mixpanel after its attribute was pinned to the old name.
    #[must_use]
    pub fn renamed(&self) -> bool {
        self.sync.as_ref().is_some_and(|sync| sync.pinned_name != self.cohort.name)
    }
}

/// A sync and how it stands.
#[derive(Debug, Clone)]
pub struct SyncView {
    /// The pinned attribute.
    pub attribute: String,
    /// The cohort's name when the attribute was pinned.
    pub pinned_name: String,
    /// Once or kept up to date.
    pub kind: SyncKind,
    /// How it stands.
    pub status: SyncStatus,
    /// Why it waits for a person.
    pub pause: Option<Pause>,
    /// How often it is meant to run, when recurring; [`Snapshot::stretch`] may make it longer.
    pub interval: Duration,
    /// When it runs next, when recurring and not paused or stopped.
    pub next_due: Option<Timestamp>,
    /// When it was started.
    pub since: Timestamp,
    /// How many identities mParticle has acknowledged.
    pub baseline: u64,
    /// What whoever holds the attribute is being told before the sync rests stopped.
    pub clean_up: Option<Removal>,
    /// Attributes that people still hold from before the sync moved to another one.
    pub former: Vec<FormerAttribute>,
    /// Its own limit for removals, where it has one.
    pub max_removal_share: Option<f64>,
    /// When mParticle was last told every member.
    pub last_full: Option<Timestamp>,
    /// The run at work or in the queue.
    pub progress: Option<RunProgress>,
    /// The last run that ended.
    pub last_run: Option<RunView>,
    /// The last run that read and compared everyone; the same one unless the last broke off.
    pub last_account: Option<RunView>,
    /// Users and matched share of the last runs, oldest first.
    pub trend: Vec<TrendPoint>,
    /// What looking at mParticle found.
    pub verification: VerificationView,
}

/// What is known of a sync by looking at mParticle, and what is being looked at.
#[derive(Debug, Clone, Default)]
pub struct VerificationView {
    /// The last one that came to its end, of the attribute the sync sets now.
    pub last: Option<Arc<Verification>>,
    /// The one at work.
    pub check: Option<CheckProgress>,
    /// How many ended in this process, well or not; whoever waits for one sees it grow.
    pub ended: u64,
    /// Why the last of those came to nothing.
    pub trouble: Option<Trouble>,
}

/// Why something came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In words, with what to do.
    pub text: String,
    /// Whether trying again is of no use before a person has done something.
    pub needs_person: bool,
}

/// A run at work.
#[derive(Debug, Clone)]
pub struct RunProgress {
    /// Its number; `None` while it waits in the queue.
    pub id: Option<RunId>,
    /// What started it.
    pub trigger: Trigger,
    /// What it is for.
    pub purpose: Purpose,
    /// The attribute it sets, which is not the sync's while a former one is cleaned up.
    pub attribute: String,
    /// True when nothing will be sent.
    pub dry_run: bool,
    /// Where it stands.
    pub phase: Phase,
    /// When it started.
    pub started_at: Timestamp,
    /// What Mixpanel's first page said the read will bring.
    pub expected: Option<u64>,
    /// Its accounts so far.
    pub counts: RunCounts,
    /// Users accepted in each of the last sixty seconds, oldest first, the current second last.
    pub accepted_per_second: Vec<u32>,
    /// Users a second, averaged over the last seconds.
    pub rate: f64,
    /// Until everything planned is answered, at the current rate.
    pub eta: Option<Duration>,
    /// What it waits for, in words: a retry, the query budget, its turn.
    pub waiting: Option<String>,
    /// Set when it was asked to end at the next request boundary.
    pub stopping: bool,
}

impl RunProgress {
    /// Progress within the current phase, 0 to 1, where it can be known.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let (done, of) = match self.phase {
            Phase::Queued | Phase::Compare => return None,
            Phase::Fetch => (self.counts.read.fetched(), self.expected?),
            Phase::Send => (self.counts.planned() - self.counts.pending(), self.counts.planned()),
            Phase::Settle => return Some(1.0),
        };
        Some(if of == 0 { 1.0 } else { (done as f64 / of as f64).min(1.0) })
    }
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedRun {
    /// Counts up; a reader tells of each number once.
    pub number: u64,
    /// How it went.
    pub run: Arc<RunView>,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeLevel {
    /// Something went as it should.
    Good,
    /// Worth knowing.
    Info,
    /// Looks wrong, goes on.
    Warning,
    /// Needs a person; stays until dismissed.
    Error,
}

/// An event worth a toast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts up; a reader shows each number once.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// How loud.
    pub level: NoticeLevel,
    /// The cohort it is about.
    pub cohort: Option<CohortId>,
    /// What happened, in words; holds no credential.
    pub text: String,
}
