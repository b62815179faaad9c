//! What the engine can be asked to do, and how it says no. Every command is answered: done, or a refusal
//! with the reason and the remedy. Reading needs no command; see [`super::snapshot`].

use super::renew::Renewal;
use super::tools::Settings;
use super::user::{LiveAnswer, LiveQuestion};
use crate::domain::verification::Extent;
use crate::domain::{CohortId, Identity, Removal, SyncKind};
use std::time::Duration;
use tokio::sync::oneshot;

/// A request to the engine.
#[derive(Debug)]
pub enum Command {
    /// List the cohorts anew; costs one query.
    Refresh,
    /// Start an export, pin the attribute and run at once.
    Start(StartRequest),
    /// Run a sync now, whatever its schedule says.
    RunNow(CohortId),
    /// Run a sync now and tell mParticle every member again, not only who is new.
    FullRefresh(CohortId),
    /// End the run at work at the next request boundary and start no other until resumed.
    Pause(CohortId),
    /// Take up a paused, failed or stopped sync again and run it at once.
    Resume(CohortId),
    /// End a sync; the attributes stay as they are.
    Stop(CohortId),
    /// End a sync once whoever holds its attribute was told that it ends.
    StopAndCleanUp(CohortId, Removal),
    /// End the run at work at the next request boundary; the sync stays on its schedule.
    Cancel(CohortId),
    /// Send exactly the plan that is held.
    Approve(CohortId),
    /// Forget the plan that is held and resume the schedule.
    Discard(CohortId),
    /// Take people over who hold the attribute of a cohort already; answered once that is recorded.
    Adopt(AdoptRequest),
    /// Look up people mParticle was told about, and see whether it holds what it was told.
    Verify(VerifyRequest),
    /// End the verification that is at work; nothing of it is kept.
    EndVerification(CohortId),
    /// Tell those again what they were told before whom the last verification found wrong.
    Repair(CohortId),
    /// Try fresh credentials, and work with them when they are taken; answered when they are, or are not.
    Renew(Renewal),
    /// Work by other settings from now on, as far as they can be changed while at work.
    Adjust(Settings),
    /// Ask Mixpanel about one user; costs one query, and is answered apart, when Mixpanel has answered.
    AskMixpanel(Ask),
    /// Keep something for the console, which no run depends on.
    Remember {
        /// Its name.
        key: &'static str,
        /// What it is now.
        value: String,
    },
    /// End every run at the next request boundary, record everything, and stop.
    Shutdown,
}

/// A question about one user, with the way to answer it.
#[derive(Debug)]
pub struct Ask {
    /// The question.
    pub question: LiveQuestion,
    /// Where the answer goes, or why there is none, in words.
    pub reply: oneshot::Sender<Result<LiveAnswer, String>>,
}

/// What to export and how.
#[derive(Debug, Clone, PartialEq)]
pub struct StartRequest {
    /// The cohort.
    pub cohort: CohortId,
    /// Once or recurring.
    pub kind: SyncKind,
    /// The attribute to pin; the cohort's name when `None`.
    pub attribute: Option<String>,
    /// Compare and plan, but send nothing and pin nothing.
    pub dry_run: bool,
    /// The operator already agreed to large removals.
    pub approve_removals: bool,
    /// How often a recurring sync runs; the configured interval when `None`.
    pub interval: Option<Duration>,
    /// Tell every member, also those whom mParticle knows as such already.
    pub full: bool,
    /// What whoever holds the attribute of before is told, when the sync moves to another one.
    pub former: Removal,
    /// From now on, the largest share of the baseline that may be removed unasked; as before when `None`.
    pub max_removal_share: Option<f64>,
}

impl StartRequest {
    /// An export of a cohort with nothing out of the ordinary.
    #[must_use]
    pub fn new(cohort: CohortId, kind: SyncKind) -> Self {
        Self {
            cohort,
            kind,
            attribute: None,
            dry_run: false,
            approve_removals: false,
            interval: None,
            full: false,
            former: Removal::SetFalse,
            max_removal_share: None,
        }
    }
}

/// Who holds an attribute already, told by somebody else or by a state that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptRequest {
    /// The cohort.
    pub cohort: CohortId,
    /// The attribute; the pinned one, or else the cohort's name, when `None`.
    pub attribute: Option<String>,
    /// The people, in any order.
    pub people: Vec<Identity>,
}

/// Whom to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The cohort.
    pub cohort: CohortId,
    /// So many, or everybody.
    pub extent: Extent,
    /// Chooses the sample: the same seed and the same people give the same one.
    pub seed: u64,
}

/// Why the engine did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is known under that number.
    #[error("there is no cohort {0}; refresh the list, or check the id")]
    UnknownCohort(CohortId),
    /// Group cohorts and the like.
    #[error("{0}")]
    NotExportable(String),
    /// The attribute name does not fit mParticle.
    #[error("{0}; choose another with --attribute")]
    BadAttribute(String),
    /// Another sync already owns the attribute.
    #[error(
        "the attribute \"{attribute}\" already belongs to the sync of cohort {owner} (\"{owner_name}\"); choose another with --attribute"
    )]
    AttributeTaken {
        /// The attribute in question.
        attribute: String,
        /// Its owner.
        owner: CohortId,
        /// The owner's name.
        owner_name: String,
    },
    /// A sync never overlaps with itself.
    #[error("a run of this sync is already at work")]
    AlreadyRunning,
    /// The command does not fit the status.
    #[error("{0}")]
    WrongStatus(String),
    /// A plan waits for approval first.
    #[error("a plan waits for your decision first: approve or discard it")]
    PlanHeld,
    /// The form in which mParticle is told knows no deletion.
    #[error(
        "the attribute cannot be deleted in the form mparticle.delivery = \"feed-members\"; set it to false instead, or use another form"
    )]
    CannotDelete,
    /// Profiles cannot be looked up.
    #[error(
        "the Profile API is not configured; add [mparticle.profile_api] with client_id, client_secret, org_id, account_id and workspace_id to the configuration, then start again"
    )]
    NoProfileApi,
    /// The fresh credentials were tried and not taken; the old ones are still in use.
    #[error("{0}")]
    NotRenewed(String),
    /// This process may not write.
    #[error("{0}")]
    ReadOnly(String),
    /// The engine is going down.
    #[error("the engine is stopping")]
    Stopping,
    /// The store could not record it.
    #[error("{0}")]
    Store(String),
}

/// A command with the way to answer it.
#[derive(Debug)]
pub struct Envelope {
    /// What to do.
    pub command: Command,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}
