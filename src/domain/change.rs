//! A change: one person entering or leaving, as a run plans it and mParticle answers it.

use super::identity::Identity;
use std::fmt;

/// Whether a person enters the cohort or leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Sets the attribute to `true`.
    Add,
    /// Sets the attribute to `false`.
    Remove,
}

impl Direction {
    /// The value the attribute takes.
    #[must_use]
    pub fn attribute_value(self) -> bool {
        self == Self::Add
    }

    /// The word in JSON and CSV.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// What becomes of the attribute of somebody who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Removal {
    /// It is set to `false`, as the hosted integration does; audiences can ask for it.
    #[default]
    SetFalse,
    /// It is deleted from the profile, as if it had never been there.
    Delete,
}

impl Removal {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::SetFalse, Self::Delete];

    /// The word on the command line and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::SetFalse => "false",
            Self::Delete => "delete",
        }
    }

    /// Reads back what [`Removal::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|removal| removal.token() == token)
    }
}

/// What a run wants mParticle to know about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Entering or leaving.
    pub direction: Direction,
    /// How the person is addressed.
    pub identity: Identity,
    /// The profile it came from, where that is known; someone who left by MPID is only known by that.
    pub distinct_id: Option<Box<str>>,
}

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeState {
    /// No final answer yet.
    Pending,
    /// Covered by a 2xx.
    Accepted,
    /// Refused for good.
    Rejected,
}

impl ChangeState {
    /// The word in JSON and CSV.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for ChangeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}
