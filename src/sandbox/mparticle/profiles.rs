//! The profiles that mParticle holds, as far as the feed changes them. Owns who is known, which attribute has which value,
//! and how each value came about; what arrives is checked in `batch`.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::clock::scramble;
use super::super::world::is_rounded_by_javascript;
use super::batch::Batch;

/// How a profile is addressed. In JSON `{"mpid": 7}` or `{"identity": {"kind": "customer_id", "value": "ann"}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKey {
    /// By its mParticle id.
    Mpid(i64),
    /// By an identity.
    Identity {
        /// The identity type, such as `customer_id`.
        kind: String,
        /// The identity itself.
        value: String,
    },
}

/// A profile as somebody who asks for it gets to see it.
#[derive(Debug, PartialEq)]
pub(super) struct SeenProfile {
    pub mpid: i64,
    /// Type and value.
    pub identities: Vec<(String, String)>,
    pub attributes: BTreeMap<String, Value>,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Profiles {
    seed: u64,
    /// In the demo most of the made-up people are known, by a rule instead of a list.
    knows_by_rule: bool,
    pub knows_everyone: bool,
    listed: HashSet<ProfileKey>,
    /// Identities that belong to a profile with another key.
    also_known: HashMap<ProfileKey, ProfileKey>,
    attributes: BTreeMap<String, Holders>,
}

/// Everybody who has or had one attribute.
#[derive(Debug, Default)]
struct Holders {
    by_mpid: HashMap<i64, History>,
    by_identity: HashMap<(Box<str>, Box<str>), History>,
    /// Values that are not boolean; cohorts have none, so this is small.
    other_values: HashMap<ProfileKey, Value>,
}

/// The values that one attribute of one profile had, oldest first, two bits each behind a leading one. A million of these
/// must be small, so that only the last 31 are kept.
#[derive(Debug, Clone, Copy)]
struct History(u64);

const NOT_BOOLEAN: u64 = 0;
const FALSE: u64 = 1;
const TRUE: u64 = 2;

impl Profiles {
    pub(super) fn new(seed: u64, is_demo: bool) -> Self {
        Self {
            seed,
            knows_by_rule: is_demo,
            knows_everyone: !is_demo,
            listed: HashSet::new(),
            also_known: HashMap::new(),
            attributes: BTreeMap::new(),
        }
    }

    pub(in crate::sandbox) fn add(&mut self, key: ProfileKey) {
        self.listed.insert(key);
    }

    /// From now on, whatever is told of `identity` reaches the profile of `key`.
    pub(in crate::sandbox) fn link(&mut self, identity: ProfileKey, key: ProfileKey) {
        self.also_known.insert(identity, key);
    }

    fn resolve<'a>(&'a self, key: &'a ProfileKey) -> &'a ProfileKey {
        self.also_known.get(key).unwrap_or(key)
    }

    /// Whether there is such a profile. A rounded mParticle id is nobody's, and an anonymous device was never identified.
    pub(super) fn knows(&self, key: &ProfileKey) -> bool {
        if self.knows_everyone || self.listed.contains(key) {
            return true;
        }
        let is_known_by_rule = self.knows_by_rule
            && match key {
                ProfileKey::Mpid(mpid) => {
                    !is_rounded_by_javascript(*mpid)
                        && scramble(self.seed ^ mpid.cast_unsigned()) % 1_000 < 985
                }
                ProfileKey::Identity { kind, value } => {
                    let noise =
                        value.bytes().fold(self.seed, |noise, byte| scramble(noise ^ u64::from(byte)));
                    kind == "customer_id" && !value.starts_with("$device:") && noise % 1_000 < 620
                }
            };
        // Whoever got an attribute while everybody was known has been a profile since.
        is_known_by_rule || self.attributes.values().any(|holders| holders.history(key).is_some())
    }

    /// The profile that a key leads to, if there is one.
    pub(super) fn look_up(&self, key: &ProfileKey) -> Option<SeenProfile> {
        let key = self.resolve(key);
        if !self.knows(key) {
            return None;
        }
        let mut identities: Vec<(String, String)> = std::iter::once(key)
            .chain(self.also_known.iter().filter(|(_, known)| *known == key).map(|(identity, _)| identity))
            .filter_map(|identity| match identity {
                ProfileKey::Mpid(_) => None,
                ProfileKey::Identity { kind, value } => Some((kind.clone(), value.clone())),
            })
            .collect();
        identities.sort();
        let held = |(name, holders): (&String, &Holders)| Some((name.clone(), holders.value(key)?));
        let attributes = self.attributes.iter().filter_map(held).collect();
        Some(SeenProfile { mpid: self.mpid(key), identities, attributes })
    }

    /// The id of a profile; one that is only known by an identity has one that derives from it.
    fn mpid(&self, key: &ProfileKey) -> i64 {
        match key {
            ProfileKey::Mpid(mpid) => *mpid,
            ProfileKey::Identity { value, .. } => {
                value.bytes().fold(self.seed, |noise, byte| scramble(noise ^ u64::from(byte))).cast_signed()
            }
        }
    }

    /// Sets an attribute of a profile from elsewhere than the feed.
    pub(in crate::sandbox) fn set(&mut self, key: &ProfileKey, attribute: &str, value: &Value) {
        let key = self.resolve(key).clone();
        self.holders(attribute).set(&key, value);
    }

    pub(super) fn update(&mut self, batch: &Batch) {
        let key = self.resolve(&batch.key).clone();
        for (name, value) in &batch.attributes {
            self.holders(name).set(&key, value);
        }
        for name in &batch.deleted_attributes {
            self.holders(name).set(&key, &Value::Null);
        }
    }

    fn holders(&mut self, attribute: &str) -> &mut Holders {
        if !self.attributes.contains_key(attribute) {
            self.attributes.insert(attribute.to_owned(), Holders::default());
        }
        self.attributes.entry(attribute.to_owned()).or_default()
    }

    /// Every profile that has the attribute, and its value.
    pub(in crate::sandbox) fn with(&self, attribute: &str) -> Vec<(ProfileKey, Value)> {
        let mut found = self.attributes.get(attribute).map(Holders::values).unwrap_or_default();
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    /// The values that were applied, oldest first; what is not boolean is `None`.
    pub(in crate::sandbox) fn history(&self, key: &ProfileKey, attribute: &str) -> Vec<Option<bool>> {
        self.attributes
            .get(attribute)
            .and_then(|holders| holders.history(self.resolve(key)))
            .map(History::unpack)
            .unwrap_or_default()
    }

    /// Each attribute with how many profiles have it as true and as false.
    pub(in crate::sandbox) fn counts(&self) -> Vec<(&str, usize, usize)> {
        let count = |holders: &Holders, wanted| {
            let histories = holders.by_mpid.values().chain(holders.by_identity.values());
            histories.filter(|history| history.last() == wanted).count()
        };
        let counted = |(name, holders)| -> (&str, usize, usize) {
            let (name, holders): (&String, &Holders) = (name, holders);
            (name.as_str(), count(holders, TRUE), count(holders, FALSE))
        };
        self.attributes.iter().map(counted).collect()
    }
}

impl Holders {
    /// Null does not unset an attribute of a profile that never had it, and leaves nothing to be found on one that had.
    fn set(&mut self, key: &ProfileKey, value: &Value) {
        let code = match value {
            Value::Bool(false) => FALSE,
            Value::Bool(true) => TRUE,
            _ => NOT_BOOLEAN,
        };
        let history = match key {
            ProfileKey::Mpid(mpid) => self.by_mpid.entry(*mpid).or_insert(History::NONE),
            ProfileKey::Identity { kind, value } => {
                self.by_identity.entry((kind.as_str().into(), value.as_str().into())).or_insert(History::NONE)
            }
        };
        history.push(code);
        if code != NOT_BOOLEAN || value.is_null() {
            self.other_values.remove(key);
        } else {
            self.other_values.insert(key.clone(), value.clone());
        }
    }

    fn history(&self, key: &ProfileKey) -> Option<History> {
        match key {
            ProfileKey::Mpid(mpid) => self.by_mpid.get(mpid),
            ProfileKey::Identity { kind, value } => {
                self.by_identity.get(&(kind.as_str().into(), value.as_str().into()))
            }
        }
        .copied()
    }

    /// What one profile holds.
    fn value(&self, key: &ProfileKey) -> Option<Value> {
        match self.history(key)?.last() {
            FALSE => Some(Value::Bool(false)),
            TRUE => Some(Value::Bool(true)),
            _ => self.other_values.get(key).cloned(),
        }
    }

    fn values(&self) -> Vec<(ProfileKey, Value)> {
        let by_mpid = self.by_mpid.iter().map(|(mpid, history)| (ProfileKey::Mpid(*mpid), history));
        let by_identity = self.by_identity.iter().map(|((kind, value), history)| {
            (ProfileKey::Identity { kind: kind.to_string(), value: value.to_string() }, history)
        });
        let valued = by_mpid.chain(by_identity).filter_map(|(key, history)| match history.last() {
            FALSE => Some((key, Value::Bool(false))),
            TRUE => Some((key, Value::Bool(true))),
            _ => self.other_values.get(&key).cloned().map(|value| (key, value)),
        });
        valued.collect()
    }
}

impl History {
    const NONE: History = History(1);

    fn push(&mut self, code: u64) {
        let is_full = self.0 >> 62 != 0;
        let kept = if is_full { self.0 & ((1 << 60) - 1) | 1 << 60 } else { self.0 };
        self.0 = kept << 2 | code;
    }

    fn last(self) -> u64 {
        self.0 & 3
    }

    fn unpack(self) -> Vec<Option<bool>> {
        let mut values = Vec::new();
        let mut rest = self.0;
        while rest > 1 {
            values.push(match rest & 3 {
                FALSE => Some(false),
                TRUE => Some(true),
                _ => None,
            });
            rest >>= 2;
        }
        values.reverse();
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_keep_order_and_drop_the_oldest() {
        let mut history = History::NONE;
        assert!(history.unpack().is_empty());
        for number in 0..40 {
            history.push(if number % 2 == 0 { TRUE } else { FALSE });
        }
        history.push(NOT_BOOLEAN);
        let values = history.unpack();
        assert_eq!(values.len(), 31);
        assert_eq!(values[28..], [Some(true), Some(false), None]);
    }

    #[test]
    fn the_demo_knows_most_people_but_no_rounded_id_and_no_device() {
        let profiles = Profiles::new(7, true);
        let known = (0..10_000_u64)
            .filter(|number| profiles.knows(&ProfileKey::Mpid(scramble(*number).cast_signed())))
            .count();
        assert!((9_600..9_950).contains(&known), "{known}");
        assert!(!profiles.knows(&ProfileKey::Mpid(8_553_083_063_767_933_000)));
        let device = ProfileKey::Identity { kind: "customer_id".into(), value: "$device:1".into() };
        assert!(!profiles.knows(&device));
    }

    #[test]
    fn null_and_deletion_leave_no_value() {
        let mut holders = Holders::default();
        let key = ProfileKey::Mpid(1);
        holders.set(&key, &Value::from("text"));
        assert_eq!(holders.values(), [(key.clone(), Value::from("text"))]);
        holders.set(&key, &Value::Null);
        assert!(holders.values().is_empty());
        assert_eq!(holders.history(&key).map(History::unpack), Some(vec![None, None]));
    }
}
