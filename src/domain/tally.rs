//! What a read tells besides its counts: what matched users hold in the fetched properties, so that those who lack an
//! id can be compared with them, and how many profiles hold an MPID in another property. It is counted while pages
//! arrive and costs no memory worth the name, however many users there are.

use super::member::{RawId, parse_mpid};
use super::property::{Extras, PropertyNames};
use hashbrown::HashMap;
use std::borrow::Cow;

/// The matched users of so many pages are counted one by one, and of all further ones every sixteenth with the weight
/// of sixteen: shares need no more, and a read of ten million is not slowed down by them.
const COUNTED_SINGLY: u32 = 100;
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
    /// Adds what was counted of another page.
    pub fn add(&mut self, page: Self) {
        if self.names.is_empty() {
            self.names = page.names;
            self.properties = vec![PropertyTally::default(); self.names.len()];
        }
        self.matched += page.matched;
        for (tally, page) in self.properties.iter_mut().zip(page.properties) {
            tally.add(page);
        }
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
}

/// Counts the profiles of one page.
#[derive(Debug)]
pub struct Tallying {
    page: Tallies,
    /// Of every so many matched users one is counted.
    every: u64,
    /// Which one, another on every page, so that the last few of each are not left out again and again.
    offset: u64,
}

impl Tallying {
    /// Nothing counted yet of a read's page of this number.
    #[must_use]
    pub fn of_page(names: PropertyNames, number: u32) -> Self {
        let properties = vec![PropertyTally::default(); names.len()];
        let every = if number < COUNTED_SINGLY { 1 } else { WEIGHT };
        Self { page: Tallies { names, matched: 0, properties }, every, offset: u64::from(number) % every }
    }

    /// What was counted.
    #[must_use]
    pub fn done(self) -> Tallies {
        self.page
    }

    /// The names of the properties.
    #[must_use]
    pub fn names(&self) -> &PropertyNames {
        &self.page.names
    }

    /// Notes a profile with a valid MPID.
    pub fn note_matched(&mut self, extras: &Extras<'_>) {
        self.page.matched += 1;
        let weight = self.every;
        if self.page.matched % weight != self.offset {
            return;
        }
        for (place, tally) in self.page.properties.iter_mut().enumerate() {
            let Some(json) = extras.json(place) else { continue };
            tally.mpids_of_matched += if is_mpid(json) { weight } else { 0 };
            let Some(value) = extras.value(place) else { continue };
            tally.count(&value, weight);
        }
    }

    /// Notes a profile without one.
    pub fn note_other(&mut self, extras: &Extras<'_>) {
        for (place, tally) in self.page.properties.iter_mut().enumerate() {
            tally.mpids_of_others += u64::from(extras.json(place).is_some_and(is_mpid));
        }
    }
}

impl PropertyTally {
    fn count(&mut self, value: &str, weight: u64) {
        if let Some(count) = self.values.get_mut(value) {
            *count += weight;
        } else if self.values.len() < VALUES_AT_MOST {
            self.values.insert(value.into(), weight);
        } else {
            self.others += weight;
        }
    }

    fn add(&mut self, other: Self) {
        for (value, weight) in other.values {
            self.count(&value, weight);
        }
        self.others += other.others;
        self.mpids_of_matched += other.mpids_of_matched;
        self.mpids_of_others += other.mpids_of_others;
    }
}

/// Whether a property could serve as `$mparticle_user_id`. Small numbers are ages and counters, no MPIDs: those have
/// 64 random bits, of which the upper eleven are all zero, or all one, in one of a thousand.
fn is_mpid(json: &str) -> bool {
    const LEAST: u64 = 1 << 53;
    const DIGITS_AT_LEAST: usize = "9007199254740992".len();
    if json.len() < DIGITS_AT_LEAST {
        return false;
    }
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
        let mut tallies = Tallies::default();
        for number in 0..300 {
            let mut page = Tallying::of_page(PropertyNames::of(["$os", "mpid"]), number);
            for number in 0..990 {
                page.note_matched(&extras(if number % 3 == 0 { "\"iOS\"" } else { "\"Android\"" }));
            }
            tallies.add(page.done());
        }
        let tally = tallies.property("$os").unwrap();
        let (ios, android) = (tally.values["iOS"], tally.values["Android"]);
        assert_eq!(tallies.matched(), 300 * 990);
        assert!((ios + android).abs_diff(tallies.matched()) < 200, "{ios} + {android}");
        assert!(ios.abs_diff(tallies.matched() / 3) < 200, "{ios}");
        assert!(tallies.property("mpid").unwrap().values.is_empty());
    }

    #[test]
    fn values_beyond_the_limit_are_counted_together() {
        let mut tallies = Tallying::of_page(PropertyNames::of(["$email"]), 0);
        for number in 0..1_000 {
            tallies.note_matched(&extras(&format!("\"{number}@example.com\"")));
        }
        let tallies = tallies.done();
        let tally = tallies.property("$email").unwrap();
        assert_eq!((tally.values.len(), tally.others), (VALUES_AT_MOST, 500));
    }

    #[test]
    fn a_property_with_mpids_is_recognised() {
        let mut tallies = Tallying::of_page(PropertyNames::of(["mp_user"]), 0);
        for json in ["8553083063767933171", "\"-8553083063767933171\"", "17", "\"ann\"", "null"] {
            tallies.note_other(&extras(json));
        }
        assert_eq!(tallies.done().property("mp_user").unwrap().mpids_of_others, 2);
    }
}
