//! What users without an MPID share: grouped by a fetched property or by reason, beside how common each value is among
//! the matched. A group that is far more common among those who lack an id points at what has to be mended.

use super::tally::Tallies;
use std::collections::HashMap;

/// What users are grouped by when not by a property.
pub const BY_REASON: &str = "reason";

/// How many percentage points a group must be more common among those who lack an id to be worth a sentence.
const STRIKING: f64 = 0.1;

/// The users of a cohort who lack an MPID, grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// The property, or [`BY_REASON`].
    pub by: String,
    /// The groups, the largest first.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What its users have in common; `None` where they hold nothing.
    pub value: Option<Box<str>>,
    /// How many lack an MPID.
    pub users: u64,
    /// How many lack one in all groups.
    lacking: u64,
    /// How many of the matched hold the same, and how many those are in all; `None` where that was not counted, or
    /// means nothing.
    matched: Option<(u64, u64)>,
}

impl Group {
    /// Its share of all who lack an MPID, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.users as f64 / self.lacking.max(1) as f64
    }

    /// The share of the matched who hold the same, 0 to 1.
    #[must_use]
    pub fn matched_share(&self) -> Option<f64> {
        self.matched.map(|(users, all)| (users as f64 / all.max(1) as f64).min(1.0))
    }

    /// How much more common it is among those who lack an MPID.
    fn excess(&self) -> Option<f64> {
        Some(self.share() - self.matched_share()?)
    }
}

/// Counts users of each value while they are gone through.
#[derive(Debug, Default)]
pub struct Counting(HashMap<Option<Box<str>>, u64>);

impl Counting {
    /// Counts so many more.
    pub fn add(&mut self, value: Option<&str>, users: u64) {
        match self.0.get_mut(&value.map(Box::<str>::from)) {
            Some(count) => *count += users,
            None => {
                self.0.insert(value.map(Into::into), users);
            }
        }
    }

    /// The groups by reason.
    #[must_use]
    pub fn by_reason(self) -> Grouping {
        self.grouping(BY_REASON, |_| None)
    }

    /// The groups by a property, beside the matched.
    #[must_use]
    pub fn by_property(self, name: &str, tallies: &Tallies) -> Grouping {
        let matched = tallies.matched();
        let tally = tallies.property(name).filter(|_| matched > 0);
        self.grouping(name, |value| {
            let tally = tally?;
            let users = match value {
                Some(value) => tally.values.get(value).copied().unwrap_or_default(),
                None => matched.saturating_sub(tally.values.values().sum::<u64>() + tally.others),
            };
            Some((users, matched))
        })
    }

    fn grouping(self, by: &str, of_matched: impl Fn(Option<&str>) -> Option<(u64, u64)>) -> Grouping {
        let lacking: u64 = self.0.values().sum();
        let group = |(value, users): (Option<Box<str>>, u64)| {
            let matched = of_matched(value.as_deref());
            Group { value, users, lacking, matched }
        };
        let mut groups: Vec<Group> = self.0.into_iter().map(group).collect();
        groups.sort_by(|a, b| b.users.cmp(&a.users).then_with(|| a.value.cmp(&b.value)));
        Grouping { by: by.to_owned(), groups }
    }
}

impl Grouping {
    /// The group that is most above its share among the matched, if one is far enough.
    #[must_use]
    pub fn striking(&self) -> Option<&Group> {
        let named = self.groups.iter().filter(|group| group.value.is_some());
        let most = named.max_by(|a, b| a.excess().unwrap_or(-1.0).total_cmp(&b.excess().unwrap_or(-1.0)))?;
        (most.excess()? >= STRIKING).then_some(most)
    }
}

/// The grouping that says most, and its striking group.
#[must_use]
pub fn most_striking(groupings: &[Grouping]) -> Option<(&Grouping, &Group)> {
    let found = groupings.iter().filter_map(|grouping| Some((grouping, grouping.striking()?)));
    found.max_by(|(_, a), (_, b)| a.excess().unwrap_or(-1.0).total_cmp(&b.excess().unwrap_or(-1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::property::{Extras, PropertyNames};
    use crate::domain::tally::Tallying;

    fn tallies() -> Tallies {
        let mut tallies = Tallying::of_page(PropertyNames::of(["$os"]), 0);
        for number in 0..100 {
            let mut extras = Extras::default();
            if number < 90 {
                extras.put(0, if number < 30 { "\"Android\"" } else { "\"iOS\"" });
            }
            tallies.note_matched(&extras);
        }
        tallies.done()
    }

    #[test]
    fn groups_stand_beside_the_matched() {
        let mut counting = Counting::default();
        counting.add(Some("Android"), 91);
        counting.add(Some("iOS"), 4);
        counting.add(None, 5);
        let grouping = counting.by_property("$os", &tallies());
        let shown: Vec<_> = grouping
            .groups
            .iter()
            .map(|group| (group.value.as_deref(), group.users, group.matched_share()))
            .collect();
        assert_eq!(
            shown,
            [(Some("Android"), 91, Some(0.3)), (None, 5, Some(0.1)), (Some("iOS"), 4, Some(0.6))]
        );
        let striking = grouping.striking().unwrap();
        assert_eq!((striking.value.as_deref(), striking.share()), (Some("Android"), 0.91));
        assert!(most_striking(std::slice::from_ref(&grouping)).is_some());
    }

    #[test]
    fn reasons_are_compared_with_nobody() {
        let mut counting = Counting::default();
        counting.add(Some("missing"), 3);
        let grouping = counting.by_reason();
        assert_eq!((grouping.groups[0].matched_share(), grouping.striking()), (None, None));
    }
}
