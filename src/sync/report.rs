//! What runs tell the engine while they work. A run never touches the engine's truth; it says what happened
//! and the engine draws its conclusions.

use super::renew::Renewed;
use super::verify::{CheckError, CheckProgress};
use crate::domain::verified::Verification;
use crate::domain::{Cohort, CohortId, PauseCause, Phase, RunCounts, RunId};
use crate::mixpanel::MixpanelError;
use crate::store::{RunRecord, Side};
use jiff::Timestamp;
use tokio::sync::mpsc;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Report {
    /// A run moved on.
    Run(CohortId, RunNews),
    /// The cohort list arrived, or did not.
    Listed(Result<Vec<Cohort>, MixpanelError>),
    /// A side answered, is being tried again, or is down.
    Side(Side, SideNews),
    /// A verification moved on.
    Check(CohortId, CheckNews),
    /// So many people are known to hold the attribute of a sync, after some were taken over.
    Adopted(CohortId, u64),
    /// The journal has an entry of this number now.
    Journaled(i64),
    /// Fresh credentials are in use.
    Renewed(Renewed),
    /// Something was recorded, or could not be.
    Recorded(Result<(), String>),
}

/// How a verification moved on.
#[derive(Debug)]
pub(super) enum CheckNews {
    /// It looked somebody up, or waits.
    Progress(CheckProgress),
    /// It ended.
    Ended(Box<Result<Verification, CheckError>>),
}

/// How a run moved on.
#[derive(Debug)]
pub(super) enum RunNews {
    /// It has a number and reads.
    Began(RunId, Timestamp),
    /// It entered a phase.
    Phase(Phase),
    /// What Mixpanel's first page said the read will bring.
    Expected(Option<u64>),
    /// Its accounts as they stand.
    Counts(Box<RunCounts>),
    /// What it waits for; `None` when it goes on.
    Waiting(Option<String>),
    /// It ended.
    Ended {
        /// Its accounts; numbered 0 when not even its beginning could be recorded.
        record: Box<RunRecord>,
        /// How.
        end: RunEnd,
        /// The size of the baseline afterwards, when it was settled.
        baseline: Option<u64>,
    },
}

/// How a run ended, as far as its sync is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunEnd {
    /// Everything planned was answered.
    Succeeded,
    /// Compared and planned, as asked.
    DryRun,
    /// Something is left over.
    Failed(String),
    /// A person must look.
    Paused {
        /// What kind of trouble.
        cause: PauseCause,
        /// What happened, in words.
        reason: String,
        /// Set when the plan is held for a decision: some of the people it would remove, as they are addressed.
        held: Option<Vec<String>>,
    },
    /// It was asked to end.
    Cancelled,
}

/// News of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SideNews {
    /// It answered as it should.
    Answered,
    /// A request failed and is tried again, for this reason.
    Retrying(String),
    /// It cannot be reached or refuses us, for this reason.
    Down(String),
    /// The feed's rate in use.
    Rate(u8),
}

/// Where runs send their reports; cheap to clone, never blocks.
#[derive(Debug, Clone)]
pub(super) struct Reports(pub(super) mpsc::UnboundedSender<Report>);

impl Reports {
    /// Tells the engine. An engine that is gone has nothing left to hear, so that is no error.
    pub(super) fn tell(&self, report: Report) {
        let _ = self.0.send(report);
    }

    /// Tells the engine something about a run.
    pub(super) fn run(&self, cohort: CohortId, news: RunNews) {
        self.tell(Report::Run(cohort, news));
    }

    /// Tells the engine something about a side.
    pub(super) fn side(&self, side: Side, news: SideNews) {
        self.tell(Report::Side(side, news));
    }
}
