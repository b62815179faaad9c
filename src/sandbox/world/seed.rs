//! What a test says about people and cohorts. Owns the seeds and the packed form in which they are kept; which of them
//! is answered when is left to the world.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The property that carries a person's mParticle id.
pub(in crate::sandbox) const MPID_PROPERTY: &str = "$mparticle_user_id";

/// One person of a cohort, as Mixpanel would answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonSeed {
    /// `$distinct_id`, a string or a number.
    pub distinct_id: Value,
    /// The profile's properties; `None` is somebody without a profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Map<String, Value>>,
}

impl PersonSeed {
    /// Somebody whose `$mparticle_user_id` is a string of digits, as it should be.
    pub fn matched(distinct_id: impl Into<Value>, mpid: i64) -> Self {
        Self::with_raw_mpid(distinct_id, Value::from(mpid.to_string()))
    }

    /// Somebody whose `$mparticle_user_id` is a JSON number.
    pub fn matched_number(distinct_id: impl Into<Value>, mpid: i64) -> Self {
        Self::with_raw_mpid(distinct_id, Value::from(mpid))
    }

    /// Somebody with a profile that lacks `$mparticle_user_id`.
    pub fn unmatched(distinct_id: impl Into<Value>) -> Self {
        Self { distinct_id: distinct_id.into(), properties: Some(Map::new()) }
    }

    /// Somebody without a profile: only the distinct id is known.
    pub fn without_profile(distinct_id: impl Into<Value>) -> Self {
        Self { distinct_id: distinct_id.into(), properties: None }
    }

    /// Somebody whose `$mparticle_user_id` is this very JSON value, sensible or not.
    pub fn with_raw_mpid(distinct_id: impl Into<Value>, mpid: Value) -> Self {
        let properties = Map::from_iter([(MPID_PROPERTY.to_owned(), mpid)]);
        Self { distinct_id: distinct_id.into(), properties: Some(properties) }
    }
}

/// A cohort that a test adds, or replaces when the id exists.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CohortSeed {
    /// The cohort's id.
    pub id: u64,
    /// The cohort's name.
    pub name: String,
    /// What the cohort is about; may be empty.
    #[serde(default)]
    pub description: String,
    /// Who is in it.
    #[serde(default)]
    pub members: Vec<PersonSeed>,
    /// Whether it is a cohort of groups rather than of people.
    #[serde(default)]
    pub group: bool,
}

/// A person as the sandbox keeps it: a map for each of a million people would not fit, their JSON text does.
#[derive(Debug)]
pub(super) struct StoredPerson {
    distinct_id: Value,
    properties: Option<Box<str>>,
}

impl StoredPerson {
    pub(super) fn has_profile(&self) -> bool {
        self.properties.is_some()
    }

    pub(super) fn unpack(&self) -> PersonSeed {
        // The text was written by `from` below, so that reading it back cannot fail.
        let properties = self.properties.as_ref().map(|text| serde_json::from_str(text).unwrap_or_default());
        PersonSeed { distinct_id: self.distinct_id.clone(), properties }
    }
}

impl From<PersonSeed> for StoredPerson {
    fn from(seed: PersonSeed) -> Self {
        let properties = seed.properties.map(|map| Value::Object(map).to_string().into_boxed_str());
        Self { distinct_id: seed.distinct_id, properties }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packing_keeps_every_digit_of_an_id() {
        for seed in [
            PersonSeed::matched_number("ann", -8_553_083_063_767_933_171),
            PersonSeed::with_raw_mpid(json!(9_007_199_254_740_993_u64), json!(u64::MAX)),
            PersonSeed::matched("bob", i64::MIN),
            PersonSeed::unmatched("cid"),
            PersonSeed::without_profile(12),
        ] {
            assert_eq!(StoredPerson::from(seed.clone()).unpack(), seed);
        }
    }
}
