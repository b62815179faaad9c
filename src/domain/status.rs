//! What a sync is and how it stands, in the words the operator reads. The rules that move a sync from one
//! status to the next belong to the engine in `sync`.

use super::run::Phase;
use std::fmt;

/// Whether a cohort is exported once or kept up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncKind {
    /// A snapshot, never updated by itself afterwards.
    OneTime,
    /// Repeated at an interval, sending who entered and who left.
    Recurring,
}

impl SyncKind {
    /// The word in JSON and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::OneTime => "one_time",
            Self::Recurring => "recurring",
        }
    }

    /// Reads back what [`SyncKind::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::OneTime, Self::Recurring].into_iter().find(|kind| kind.token() == token)
    }
}

impl fmt::Display for SyncKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneTime => "one-time",
            Self::Recurring => "recurring",
        })
    }
}

/// How a sync stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncStatus {
    /// Nobody has exported this cohort yet.
    NotSynced,
    /// A run is due and waits for its turn or for the query budget.
    Queued,
    /// Pages are being read from Mixpanel.
    Fetching,
    /// What was read is compared with the baseline and planned.
    Comparing,
    /// Requests are on their way to mParticle.
    Sending,
    /// Recurring, up to date, waiting for the next tick.
    Synced,
    /// One-time, delivered.
    Exported,
    /// Waits for a person, with a reason.
    Paused,
    /// The last run failed; the next tick tries again.
    Failed,
    /// A person ended it; the baseline is kept.
    Stopped,
}

impl SyncStatus {
    /// Every status, in the order the Cohorts screen sorts them when sorted by status.
    pub const ALL: [Self; 10] = [
        Self::Sending,
        Self::Comparing,
        Self::Fetching,
        Self::Queued,
        Self::Failed,
        Self::Paused,
        Self::Synced,
        Self::Exported,
        Self::Stopped,
        Self::NotSynced,
    ];

    /// The word in JSON and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::NotSynced => "not_synced",
            Self::Queued => "queued",
            Self::Fetching => "fetching",
            Self::Comparing => "comparing",
            Self::Sending => "sending",
            Self::Synced => "synced",
            Self::Exported => "exported",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Reads back what [`SyncStatus::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.token() == token)
    }

    /// The status a run at work gives its sync.
    #[must_use]
    pub fn during(phase: Phase) -> Self {
        match phase {
            Phase::Queued => Self::Queued,
            Phase::Fetch => Self::Fetching,
            Phase::Compare => Self::Comparing,
            Phase::Send | Phase::Settle => Self::Sending,
        }
    }

    /// Whether a run of this sync is at work or waits to be.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Fetching | Self::Comparing | Self::Sending)
    }
}

impl fmt::Display for SyncStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSynced => "Not synced",
            Self::Queued => "Queued",
            Self::Fetching => "Fetching",
            Self::Comparing => "Comparing",
            Self::Sending => "Sending",
            Self::Synced => "Synced",
            Self::Exported => "Exported",
            Self::Paused => "Paused",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        })
    }
}

/// What put a sync into [`SyncStatus::Paused`]; it decides which remedy is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PauseCause {
    /// A person pressed pause.
    Operator,
    /// Mixpanel refused the credentials (401, or an authentication error hidden in a 400).
    MixpanelCredentials,
    /// Mixpanel's plan does not include the Query API (402).
    MixpanelPlan,
    /// The service account may not read this (403).
    MixpanelPermission,
    /// mParticle refused the feed URL (401, 403 or 404).
    MparticleFeed,
    /// The plan would remove more of the baseline than is allowed without a person's word.
    Removals,
    /// The cohort read back empty although the baseline is not.
    EmptyRead,
    /// Mixpanel no longer lists the cohort.
    CohortGone,
}

impl PauseCause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Operator,
        Self::MixpanelCredentials,
        Self::MixpanelPlan,
        Self::MixpanelPermission,
        Self::MparticleFeed,
        Self::Removals,
        Self::EmptyRead,
        Self::CohortGone,
    ];

    /// The word in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::MixpanelCredentials => "mixpanel_credentials",
            Self::MixpanelPlan => "mixpanel_plan",
            Self::MixpanelPermission => "mixpanel_permission",
            Self::MparticleFeed => "mparticle_feed",
            Self::Removals => "removals",
            Self::EmptyRead => "empty_read",
            Self::CohortGone => "cohort_gone",
        }
    }

    /// Reads back what [`PauseCause::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.token() == token)
    }

    /// Whether a held plan waits behind the pause for a person to approve or discard it.
    #[must_use]
    pub fn holds_plan(self) -> bool {
        matches!(self, Self::Removals | Self::EmptyRead)
    }

    /// What usually helps, in one sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Operator => "Resume it when you are ready.",
            Self::MixpanelCredentials => {
                "Check the service account and the region in the configuration; a fresh secret goes in with `c` in the console or with `cohort-sync reconnect mixpanel`."
            }
            Self::MixpanelPlan => {
                "The Query API needs a Growth or Enterprise plan in Mixpanel; resume after an upgrade."
            }
            Self::MixpanelPermission => {
                "Give the service account the Analyst role in this Mixpanel project, then resume."
            }
            Self::MparticleFeed => {
                "Copy a fresh Webhook URL from the Mixpanel Cohorts feed in mParticle; it goes in with `c` in the console or with `cohort-sync reconnect mparticle`."
            }
            Self::Removals | Self::EmptyRead => {
                "Look at the counts. Approve the plan if they are right; otherwise discard it and check the cohort in Mixpanel."
            }
            Self::CohortGone => {
                "Nothing was removed in mParticle. Restore the cohort in Mixpanel and resume, or stop this sync."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back() {
        for status in SyncStatus::ALL {
            assert_eq!(SyncStatus::from_token(status.token()), Some(status));
        }
        for cause in PauseCause::ALL {
            assert_eq!(PauseCause::from_token(cause.token()), Some(cause));
        }
        for kind in [SyncKind::OneTime, SyncKind::Recurring] {
            assert_eq!(SyncKind::from_token(kind.token()), Some(kind));
        }
    }
}
