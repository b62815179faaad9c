//! The straight line of a run: its phases, what started it and how it ended.

use super::change::Removal;
use std::fmt;

/// The number of a run, counted up in one state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a run stands on its line; a run only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Waits for its turn or for the query budget.
    Queued,
    /// Reads pages from Mixpanel.
    Fetch,
    /// Merges what was read with the baseline and writes the plan.
    Compare,
    /// Sends the plan to mParticle.
    Send,
    /// Moves the baseline.
    Settle,
}

impl Phase {
    /// The phases that do work, in order.
    pub const WORK: [Self; 4] = [Self::Fetch, Self::Compare, Self::Send, Self::Settle];

    /// The word in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Fetch => "fetch",
            Self::Compare => "compare",
            Self::Send => "send",
            Self::Settle => "settle",
        }
    }

    /// Reads back what [`Phase::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Queued, Self::Fetch, Self::Compare, Self::Send, Self::Settle]
            .into_iter()
            .find(|phase| phase.token() == token)
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A person, in the console or on the command line.
    Operator,
    /// The schedule.
    Schedule,
    /// An earlier run was cut off by a crash or a stop, and this one goes on from there.
    Recovery,
}

impl Trigger {
    /// The word in JSON and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Schedule => "schedule",
            Self::Recovery => "recovery",
        }
    }

    /// Reads back what [`Trigger::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Operator, Self::Schedule, Self::Recovery].into_iter().find(|trigger| trigger.token() == token)
    }
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// mParticle is told who entered and who left.
    #[default]
    Update,
    /// mParticle is told every member again, and who left: it forgets profiles that are inactive for long.
    FullRefresh,
    /// Those whom a verification found wrong are told again what they were told before; nobody is read from Mixpanel.
    Repair,
    /// Whoever holds the attribute is told that it ends; nobody is read from Mixpanel.
    CleanUp(Removal),
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [
        Self::Update,
        Self::FullRefresh,
        Self::Repair,
        Self::CleanUp(Removal::SetFalse),
        Self::CleanUp(Removal::Delete),
    ];

    /// The word in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::FullRefresh => "full_refresh",
            Self::Repair => "repair",
            Self::CleanUp(Removal::SetFalse) => "clean_up_false",
            Self::CleanUp(Removal::Delete) => "clean_up_delete",
        }
    }

    /// Reads back what [`Purpose::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.token() == token)
    }

    /// How a removal is told in such a run.
    #[must_use]
    pub fn removal(self) -> Removal {
        match self {
            Self::Update | Self::FullRefresh | Self::Repair => Removal::SetFalse,
            Self::CleanUp(removal) => removal,
        }
    }

    /// Whether the cohort is read from Mixpanel.
    #[must_use]
    pub fn reads(self) -> bool {
        !matches!(self, Self::CleanUp(_) | Self::Repair)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Everything planned was answered; single users may have been rejected.
    Succeeded,
    /// Something is left over; the next run goes on from there.
    Failed,
    /// A person must look before it goes on.
    Paused,
    /// A person or a signal ended it between two requests.
    Cancelled,
    /// Compared and planned, nothing sent.
    DryRun,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Succeeded, Self::Failed, Self::Paused, Self::Cancelled, Self::DryRun];

    /// The word in JSON and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::DryRun => "dry_run",
        }
    }

    /// Reads back what [`Outcome::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.token() == token)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DryRun => "dry run",
            other => other.token(),
        })
    }
}
