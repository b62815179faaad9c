//! What a read tells besides its counts: what matched users hold in the fetched properties, so that those who lack an
//! id can be compared with them, and how many profiles hold an MPID in another property. It is counted while pages
//! arrive and costs no memory worth the name, however many users there are.

use super::member::{RawId, parse_mpid};
use super::property::{Extras, PropertyNames};
use std::borrow::Cow;
use std::collections::HashMap;

/// So many matched users are counted one by one, and of all further ones every sixteenth with the weight of sixteen:
/// shares need no more, and a read of ten million is not slowed down by them.
const COUNTED_SINGLY: u64 = 100_000;
const WEIGHT: u64 = 16;

/// How many values of a property are told apart; an e-mail address is nobody's group.
const VALUES_AT_MOST: usize = 500;

/// The tallies of one read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    names: PropertyNames,
    matched: u64,
    properties: Vec<PropertyTally>,
}

/// What was counted about one property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyTally {
    /// How many matched profiles hold which value.
    pub values: HashMap<Box<str>, u64>,
    /// How many hold a value that is not told apart.
    pub others: u64,
    /// How many matched profiles hold an MPID in it.
    pub mpids_of_matched: u64,
    /// How many profiles that are not matched hold an MPID in it; exact.
    pub mpids_of_others: u64,
}

impl Tallies {
    /// Nothing counted yet.
    #[must_use]
    pub fn of(names: PropertyNames) -> Self {
        let properties = vec![PropertyTally::default(); names.len()];
        Self { names, matched: 0, properties }
    }

    /// Put together again from what was kept.
    #[must_use]
    pub fn restored(names: PropertyNames, matched: u64, properties: Vec<PropertyTally>) -> Option<Self> {
        (names.len() == properties.len()).then_some(Self { names, matched, properties })
    }

    /// The names of the properties.
    #[must_use]
    pub fn names(&self) -> &PropertyNames {
        &self.names
    }

    /// Matched profiles, duplicates included.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.matched
    }

    /// What was counted, in the order of the names.
    #[must_use]
    pub fn properties(&self) -> &[PropertyTally] {
        &self.properties
    }

    /// What was counted about a property of that name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&PropertyTally> {
        self.properties.get(self.names.place(name)?)
    }

    /// Notes a profile with a valid MPID.
    pub fn note_matched(&mut self, extras: &Extras<'_>) {
        self.matched += 1;
        let weight = match self.matched {
            ..=COUNTED_SINGLY => 1,
            number if number.is_multiple_of(WEIGHT) => WEIGHT,
            _ => return,
        };
        for (place, tally) in self.properties.iter_mut().enumerate() {
            let Some(json) = extras.json(place) else { continue };
            tally.mpids_of_matched += if is_mpid(json) { weight } else { 0 };
            let Some(value) = extras.value(place) else { continue };
            if let Some(count) = tally.values.get_mut(&*value) {
                *count += weight;
            } else if tally.values.len() < VALUES_AT_MOST {
                tally.values.insert(value.into(), weight);
            } else {
                tally.others += weight;
            }
        }
    }

    /// Notes a profile without one.
    pub fn note_other(&mut self, extras: &Extras<'_>) {
        for (place, tally) in self.properties.iter_mut().enumerate() {
            tally.mpids_of_others += u64::from(extras.json(place).is_some_and(is_mpid));
        }
    }
}

/// Whether a property could serve as `$mparticle_user_id`. Small numbers are ages and counters, no MPIDs: those have
/// 64 random bits, of which the upper eleven are all zero, or all one, in one of a thousand.
fn is_mpid(json: &str) -> bool {
    const LEAST: u64 = 1 << 53;
    let text = json.trim_matches('"');
    parse_mpid(&RawId::Text(Cow::Borrowed(text))).is_ok_and(|mpid| mpid.unsigned_abs() >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras(json: &str) -> Extras<'_> {
        let mut extras = Extras::default();
        extras.put(0, json);
        extras
    }

    #[test]
    fn a_large_read_is_counted_by_weight() {
        let mut tallies = Tallies::of(PropertyNames::of(["$os", "mpid"]));
        for number in 0..COUNTED_SINGLY * 3 {
            tallies.note_matched(&extras(if number % 3 == 0 { "\"iOS\"" } else { "\"Android\"" }));
        }
        let tally = tallies.property("$os").unwrap();
        let (ios, android) = (tally.values["iOS"], tally.values["Android"]);
        assert_eq!(ios + android, tallies.matched());
        assert!(ios.abs_diff(COUNTED_SINGLY) < 100, "{ios}");
        assert!(tallies.property("mpid").unwrap().values.is_empty());
    }

    #[test]
    fn values_beyond_the_limit_are_counted_together() {
        let mut tallies = Tallies::of(PropertyNames::of(["$email"]));
        for number in 0..1_000 {
            tallies.note_matched(&extras(&format!("\"{number}@example.com\"")));
        }
        let tally = tallies.property("$email").unwrap();
        assert_eq!((tally.values.len(), tally.others), (VALUES_AT_MOST, 500));
    }

    #[test]
    fn a_property_with_mpids_is_recognised() {
        let mut tallies = Tallies::of(PropertyNames::of(["mp_user"]));
        for json in ["8553083063767933171", "\"-8553083063767933171\"", "17", "\"ann\"", "null"] {
            tallies.note_other(&extras(json));
        }
        assert_eq!(tallies.property("mp_user").unwrap().mpids_of_others, 2);
    }
}
