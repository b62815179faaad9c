//! A cohort with a known defect of every kind, and the truth about it: who is missing and why, user by user. Owns the
//! people and the answers of mParticle that make them miss; a test compares what the program says with the truth.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::clock::scramble;
use super::fault::{Effect, Fault};
use super::mparticle::ProfileKey;
use super::world::PersonSeed;

/// How many people have each defect, besides those whose number the defect itself decides.
const EACH: usize = 7;
/// A request holds so many, so that whoever comes first in order of identity fills one.
const REQUEST: i64 = 100;

/// The cohort and the truth.
#[derive(Debug, Clone)]
pub struct KnownDefects {
    /// The members of the first read.
    pub before: Vec<PersonSeed>,
    /// The members of the second, which the truth is about.
    pub after: Vec<PersonSeed>,
    /// What the feed does to the second export.
    pub faults: Vec<Fault>,
    /// Profiles that mParticle has although it holds nothing of the cohort, once it does not know everybody any more.
    pub profiles_without_attribute: Vec<ProfileKey>,
    /// The `$distinct_id`s by the reason for which they miss.
    pub truth: BTreeMap<&'static str, BTreeSet<String>>,
    /// Those who are told, and of whom nothing is to be said.
    pub fine: BTreeSet<String>,
    /// Those who cannot be told; they are in the truth as well, but for the reason that they lack an MPID.
    pub unsendable: BTreeSet<String>,
    /// A rounded id and the exact one it was made of, which stands on another profile.
    pub rounded_from: (i64, i64),
}

struct Making {
    noise: u64,
    people: Vec<PersonSeed>,
    truth: BTreeMap<&'static str, BTreeSet<String>>,
    refused: BTreeMap<String, String>,
    dropped: Vec<String>,
    without_attribute: Vec<ProfileKey>,
}

impl KnownDefects {
    /// The same seed makes the same people.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut making = Making {
            noise: seed,
            people: Vec::new(),
            truth: BTreeMap::new(),
            refused: BTreeMap::new(),
            dropped: Vec::new(),
            without_attribute: Vec::new(),
        };
        let steady: Vec<PersonSeed> = (0..300)
            .map(|number| PersonSeed::matched(format!("steady-{number}"), making.mpid()))
            .chain((0..20).map(|number| PersonSeed::unmatched(format!("told-by-id-{number}"))))
            .collect();
        let leaving: Vec<PersonSeed> =
            (0..EACH).map(|number| PersonSeed::matched(format!("left-{number}"), making.mpid())).collect();
        let mut fine = names(&steady[..300]);
        making.note("missing", &names(&steady[300..]));
        making.note("left", &names(&leaving));
        making.wrong_ids();
        let rounded_from = making.rounded();
        fine.insert("exact".to_owned());
        fine.extend(making.twice());
        let unsendable = making.unsendable();
        making.refused();
        making.dropped();
        making.pending();
        let faults = vec![
            Fault::mparticle(Effect::FailIfContains { identity: first_in_order(0).to_string() }).forever(),
            Fault::mparticle(Effect::Misbehave { refused: making.refused, dropped: making.dropped })
                .forever(),
        ];
        let before = steady.iter().chain(&leaving).cloned().collect();
        let after = steady.into_iter().chain(making.people).collect();
        let profiles_without_attribute = making.without_attribute;
        let truth = making.truth;
        Self { before, after, faults, profiles_without_attribute, truth, fine, unsendable, rounded_from }
    }

    /// Those who miss for a reason.
    #[must_use]
    pub fn with(&self, reason: &str) -> BTreeSet<String> {
        self.truth.get(reason).cloned().unwrap_or_default()
    }
}

/// Before all others in order of identity.
fn first_in_order(number: i64) -> i64 {
    i64::MIN + 1 + number
}

fn names(people: &[PersonSeed]) -> BTreeSet<String> {
    let name = |person: &PersonSeed| {
        person.distinct_id.as_str().map_or_else(|| person.distinct_id.to_string(), str::to_owned)
    };
    people.iter().map(name).collect()
}

impl Making {
    /// Some MPID that is neither rounded nor among the first in order.
    fn mpid(&mut self) -> i64 {
        loop {
            self.noise = scramble(self.noise.wrapping_add(1));
            let mpid = self.noise.cast_signed();
            let is_plain = mpid > first_in_order(REQUEST) && !super::world::is_rounded_by_javascript(mpid);
            if is_plain {
                return mpid;
            }
        }
    }

    fn note(&mut self, reason: &'static str, names: &BTreeSet<String>) {
        self.truth.entry(reason).or_default().extend(names.iter().cloned());
    }

    fn add(&mut self, reason: &'static str, people: Vec<PersonSeed>) {
        self.note(reason, &names(&people));
        self.people.extend(people);
    }

    fn wrong_ids(&mut self) {
        let with = |name: &str, values: &[Value]| -> Vec<PersonSeed> {
            let value = |number: usize| values[number % values.len()].clone();
            (0..EACH).map(|n| PersonSeed::with_raw_mpid(format!("{name}-{n}"), value(n))).collect()
        };
        let numbered = |name: &str| (0..EACH).map(|number| format!("{name}-{number}")).collect::<Vec<_>>();
        self.add("missing", numbered("missing").into_iter().map(PersonSeed::unmatched).collect());
        let placeholders = ["<null>".into(), "undefined".into(), "".into(), " ".into()];
        self.add("placeholder", with("placeholder", &placeholders));
        let no_integers =
            ["5.18e18".into(), 1.5.into(), "user-7".into(), true.into(), Value::Array(Vec::new())];
        self.add("not_an_integer", with("no-integer", &no_integers));
        let out_of_range = ["9223372036854775808".into(), u64::MAX.into(), "-99999999999999999999".into()];
        self.add("out_of_range", with("out-of-range", &out_of_range));
        self.add("anonymous", numbered("$device:a").into_iter().map(PersonSeed::unmatched).collect());
        self.add("anonymous", numbered("$device:b").into_iter().map(PersonSeed::without_profile).collect());
        self.add("no_profile", numbered("ghost").into_iter().map(PersonSeed::without_profile).collect());
    }

    /// Rounded ids, of which one was made of an id that stands on another profile.
    fn rounded(&mut self) -> (i64, i64) {
        let as_javascript_prints = |mpid: i64| format!("{}", mpid as f64).parse().unwrap_or(mpid);
        let exact = 8_553_083_063_767_933_171;
        let rounded = as_javascript_prints(exact);
        self.people.push(PersonSeed::matched("exact", exact));
        let mut people = vec![PersonSeed::matched("rounded-of-exact", rounded)];
        while people.len() < EACH {
            let rounded = as_javascript_prints(self.mpid());
            if super::world::is_rounded_by_javascript(rounded) {
                people.push(PersonSeed::matched(format!("rounded-{}", people.len()), rounded));
            }
        }
        self.add("rounded", people);
        (rounded, exact)
    }

    /// People with two profiles each; the first is counted.
    fn twice(&mut self) -> BTreeSet<String> {
        let mut first = BTreeSet::new();
        for number in 0..EACH {
            let mpid = self.mpid();
            first.insert(format!("twice-{number}"));
            self.people.push(PersonSeed::matched(format!("twice-{number}"), mpid));
            self.add("duplicate", vec![PersonSeed::matched(format!("again-{number}"), mpid)]);
        }
        first
    }

    fn unsendable(&mut self) -> BTreeSet<String> {
        let people =
            vec![PersonSeed::unmatched("null"), PersonSeed::with_raw_mpid("undefined", "<null>".into())];
        self.add("missing", vec![people[0].clone()]);
        self.add("placeholder", vec![people[1].clone()]);
        names(&people)
    }

    /// Users whom mParticle refuses, each in its own words.
    fn refused(&mut self) {
        let kinds = [
            ("rejected", "Error converting value to type 'System.Int64'."),
            ("opted_out", "The user has opted out of tracking."),
            ("attribute_not_registered", "The user attribute is not registered in the data plan."),
        ];
        for (reason, words) in kinds {
            for number in 0..EACH {
                let mpid = self.mpid();
                self.refused.insert(mpid.to_string(), words.to_owned());
                self.add(reason, vec![PersonSeed::matched(format!("{reason}-{number}"), mpid)]);
            }
        }
    }

    /// Users whom mParticle accepts and drops: of some it has no profile, of others one without the attribute.
    fn dropped(&mut self) {
        for number in 0..EACH {
            let mpid = self.mpid();
            self.dropped.push(mpid.to_string());
            self.add("not_in_mparticle", vec![PersonSeed::matched(format!("dropped-{number}"), mpid)]);
            let mpid = self.mpid();
            self.dropped.push(mpid.to_string());
            self.without_attribute.push(ProfileKey::Mpid(mpid));
            self.add(
                "attribute_not_registered",
                vec![PersonSeed::matched(format!("blocked-{number}"), mpid)],
            );
        }
    }

    /// Users of a request that is never answered.
    fn pending(&mut self) {
        let person = |number| PersonSeed::matched(format!("pending-{number}"), first_in_order(number));
        self.add("pending", (0..REQUEST).map(person).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_accounted_for_once() {
        let defects = KnownDefects::seeded(7);
        let after = names(&defects.after);
        assert_eq!(after.len(), defects.after.len());
        let mut known: Vec<&String> = defects.fine.iter().collect();
        known.extend(
            defects.truth.iter().filter(|(reason, _)| **reason != "left").flat_map(|(_, names)| names),
        );
        known.sort();
        assert!(known.iter().copied().eq(after.iter()), "each of the members has one reason or none");
        assert_eq!(defects.truth.len(), 14);
        assert!(defects.truth.values().all(|names| names.len() >= EACH));
        assert_eq!(KnownDefects::seeded(7).after, defects.after);
    }
}
