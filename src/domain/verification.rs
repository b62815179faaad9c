//! Verification: looking at what mParticle holds of people it was told about, and what to think of it. *Accepted* is
//! what mParticle said when it was told; *verified* is what it was seen to hold afterwards. Here stand the words and
//! the verdict on one person; the accounts stand in `verified`, who is looked at in `sampling`.

use super::attribute::AttributeValue;
use super::{Identity, RunId};
use jiff::Timestamp;
use std::fmt;

/// The people of a verification, by what they were told last. Each group is sampled on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Told `true` by the last run that told anybody anything.
    Adds,
    /// Told `false`, by any run whose changes are still kept, and not `true` since.
    Removes,
    /// Told `true` before that run.
    Steady,
}

impl Group {
    /// Every group, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Adds, Self::Removes, Self::Steady];

    /// Its place in [`Group::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        self as usize
    }

    /// The word on screens, in CSV and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Adds => "adds",
            Self::Removes => "removes",
            Self::Steady => "steady",
        }
    }

    /// Reads back what [`Group::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.token() == token)
    }

    /// The value its people were told.
    #[must_use]
    pub fn told(self) -> bool {
        self != Self::Removes
    }
}

/// What mParticle holds of one person, as far as one attribute goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Held {
    /// There is no profile by that identity.
    NoProfile,
    /// There is a profile, and it lacks the attribute.
    NoAttribute,
    /// The attribute has this value.
    Value(AttributeValue),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProfile => f.write_str("no profile"),
            Self::NoAttribute => f.write_str("no such attribute"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

/// In which way mParticle is wrong about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It lacks the profile, or the `true` it was told.
    Missing,
    /// It still holds `true`, though it was told `false`.
    Stale,
}

impl Fault {
    /// Who was told `value` and is wrong is wrong in this way.
    #[must_use]
    pub fn of_told(value: bool) -> Self {
        if value { Self::Missing } else { Self::Stale }
    }

    /// The word in JSON and CSV.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
        }
    }
}

/// What is wrong with what mParticle holds of somebody who was told `told` last; `None` when nothing is.
///
/// Whoever was told `true` must hold it. Whoever was told `false` must only not hold `true`: an audience asks for
/// people who are in, and a profile without the attribute is as much out of it as one with `false`. mParticle may
/// lack it for good reasons: the removal was told as a deletion, or the profile was forgotten, or never there.
#[must_use]
pub fn fault(told: bool, held: &Held) -> Option<Fault> {
    let holds_true = matches!(held, Held::Value(value) if value.truth() == Some(true));
    (holds_true != told).then(|| Fault::of_told(told))
}

/// Somebody about whom mParticle is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongUser {
    /// How the person was addressed.
    pub identity: Identity,
    /// The profile in Mixpanel, where it is known.
    pub distinct_id: Option<Box<str>>,
    /// The group, which says what was told.
    pub group: Group,
    /// The run that told it, and when mParticle accepted that; `None` where the history does not reach so far.
    pub told_by: Option<(RunId, Timestamp)>,
    /// What mParticle holds instead.
    pub held: Held,
    /// When it was looked at.
    pub looked_at: Timestamp,
    /// Other identities by which the same profile may be told something.
    pub aliases: Vec<Identity>,
}

impl WrongUser {
    /// In which way.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::of_told(self.group.told())
    }
}

/// How many people a verification looks at unless told otherwise: when none of them is wrong, less than half a percent
/// of all are.
pub const USUAL_SAMPLE: u64 = 600;

/// Whom a verification looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// So many people at most, chosen by chance.
    Sample(u64),
    /// Everybody.
    Full,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Held {
        Held::Value(AttributeValue::Text(text.into()))
    }

    #[test]
    fn who_was_told_true_must_hold_it_and_who_was_told_false_must_only_not() {
        assert_eq!(fault(true, &value("True")), None);
        for held in [Held::NoProfile, Held::NoAttribute, value("false"), value("vip")] {
            assert_eq!(fault(true, &held), Some(Fault::Missing), "{held}");
            assert_eq!(fault(false, &held), None, "{held}");
        }
        assert_eq!(fault(false, &value("1")), Some(Fault::Stale));
    }

    #[test]
    fn tokens_read_back() {
        for group in Group::ALL {
            assert_eq!(Group::from_token(group.token()), Some(group));
            assert_eq!(Group::ALL[group.place()], group);
        }
    }
}
