//! One user as somebody asks for them: the id that was typed, which may be a `$distinct_id`, an MPID or both, the
//! ids that are known to be the same user's, and those that JavaScript makes the same by rounding. Finding the user
//! is for others.

use super::identity::{IDENTITY_LIMIT, Identity};
use super::member::{RawId, parse_mpid};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

/// An id to look a user up by. It is always a possible `$distinct_id`, and an MPID where it is an integer of 64
/// bits: the two cannot be told apart by their looks, so both are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(Box<str>);

/// Why something cannot be anybody's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnId {
    /// There is nothing in it.
    #[error("an id is missing: a $distinct_id or an MPID")]
    Empty,
    /// It is longer than any id that was ever sent.
    #[error("the id has {0} characters; mParticle keeps ids of at most {IDENTITY_LIMIT}, so nobody has it")]
    TooLong(usize),
    /// It holds what no id holds.
    #[error("the id holds a control character, which no id does; copy it again")]
    ControlCharacter,
}

impl UserId {
    /// Reads an id as it was typed or pasted; white space around it does not matter.
    ///
    /// # Errors
    /// Why it cannot be anybody's id.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let text = text.trim();
        let length = text.chars().count();
        match length {
            0 => Err(NotAnId::Empty),
            _ if length > IDENTITY_LIMIT => Err(NotAnId::TooLong(length)),
            _ if text.contains(char::is_control) => Err(NotAnId::ControlCharacter),
            _ => Ok(Self(text.into())),
        }
    }

    /// The id as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The MPID it may be.
    #[must_use]
    pub fn mpid(&self) -> Option<i64> {
        parse_mpid(&RawId::Text(self.as_str().into())).ok()
    }

    /// How somebody is addressed whose `$distinct_id` it is.
    #[must_use]
    pub fn as_distinct_id(&self) -> Identity {
        Identity::of_distinct_id(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every id that is known to be one user's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KnownIds {
    /// MPIDs.
    pub mpids: BTreeSet<i64>,
    /// `$distinct_id`s.
    pub distinct_ids: BTreeSet<Box<str>>,
}

impl KnownIds {
    /// What is known before anybody was asked: the id itself, as whatever it may be.
    #[must_use]
    pub fn of(id: &UserId) -> Self {
        Self { mpids: id.mpid().into_iter().collect(), distinct_ids: BTreeSet::from([id.0.clone()]) }
    }

    /// Every way to address the user, MPIDs first.
    pub fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        let by_distinct_id = self.distinct_ids.iter().map(|id| Identity::of_distinct_id(id));
        self.mpids.iter().copied().map(Identity::Mpid).chain(by_distinct_id)
    }

    /// Whether a change about this identity, from this profile, is about the user.
    #[must_use]
    pub fn name(&self, identity: &Identity, distinct_id: Option<&str>) -> bool {
        let is_mpid = matches!(identity, Identity::Mpid(mpid) if self.mpids.contains(mpid));
        is_mpid || distinct_id.is_some_and(|id| self.distinct_ids.contains(id))
    }

    /// Takes others in; tells whether any of them is new.
    pub fn merge(&mut self, others: Self) -> bool {
        let before = (self.mpids.len(), self.distinct_ids.len());
        self.mpids.extend(others.mpids);
        self.distinct_ids.extend(others.distinct_ids);
        before != (self.mpids.len(), self.distinct_ids.len())
    }
}

/// Whether JavaScript turns one MPID into another by reading it as a number and printing it again.
#[must_use]
pub fn rounds_to(mpid: i64, rounded: i64) -> bool {
    mpid != rounded && format!("{}", mpid as f64) == rounded.to_string()
}

/// Whether JavaScript cannot tell two MPIDs from each other.
#[must_use]
pub fn same_in_javascript(a: i64, b: i64) -> bool {
    (a as f64).to_bits() == (b as f64).to_bits()
}

/// Where the MPIDs lie that may have become this one by rounding; not all in it have, see [`rounds_to`].
#[must_use]
pub fn may_have_been(rounded: i64) -> RangeInclusive<i64> {
    // JavaScript's numbers beyond 2^53 lie at most 1,024 apart below 2^63. What it prints is the shortest text that
    // reads back as the same number, so it may stand half as far off again.
    const FARTHEST: i64 = 1_024;
    rounded.saturating_sub(FARTHEST)..=rounded.saturating_add(FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::member::is_suspect;
    use proptest::prelude::*;

    #[test]
    fn an_integer_may_be_either_id_and_text_only_one() {
        let id = UserId::parse("  -8553083063767933171 ").unwrap();
        assert_eq!((id.as_str(), id.mpid()), ("-8553083063767933171", Some(-8_553_083_063_767_933_171)));
        assert_eq!(id.as_distinct_id(), Identity::Text("-8553083063767933171".into()));
        assert_eq!(UserId::parse("$device:1").unwrap().mpid(), None);
        assert_eq!(UserId::parse("9223372036854775808").unwrap().mpid(), None);
    }

    #[test]
    fn what_is_nobodys_id_is_refused_with_a_reason() {
        assert_eq!(UserId::parse(" \t "), Err(NotAnId::Empty));
        assert_eq!(UserId::parse(&"x".repeat(257)), Err(NotAnId::TooLong(257)));
        assert_eq!(UserId::parse("a\u{1b}[31m"), Err(NotAnId::ControlCharacter));
        assert!(UserId::parse(&"é".repeat(256)).is_ok());
    }

    #[test]
    fn the_id_of_the_reference_is_found_again() {
        assert!(rounds_to(8_553_083_063_767_933_171, 8_553_083_063_767_933_000));
        assert!(!rounds_to(8_553_083_063_767_933_000, 8_553_083_063_767_933_000));
        assert!(!rounds_to(8_553_083_063_767_935_171, 8_553_083_063_767_933_000));
    }

    proptest! {
        #[test]
        fn whatever_was_rounded_is_within_reach(mpid in any::<i64>()) {
            if let Ok(rounded) = format!("{}", mpid as f64).parse::<i64>() && rounded != mpid {
                prop_assert!(rounds_to(mpid, rounded) && is_suspect(rounded));
                prop_assert!(may_have_been(rounded).contains(&mpid), "{mpid} became {rounded}");
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,300}") {
            if let Ok(id) = UserId::parse(&text) {
                prop_assert_eq!(id.as_str(), text.trim());
            }
        }
    }
}
