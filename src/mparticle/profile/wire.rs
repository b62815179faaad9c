//! A profile as the Profile API writes it. Values are kept in the characters that were sent, ids digit for digit: the
//! published samples themselves show ids that JavaScript has rounded.

use crate::domain::attribute::AttributeValue;
use crate::domain::verification::Held;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How much of a profile to ask for; each field must be named (mParticle reference, Profile API).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Attributes, and the identities that tell whose they are.
    Attributes,
    /// That, and the audiences the person is in.
    Everything,
}

impl Detail {
    /// The value of the `fields` parameter.
    pub(super) fn fields(self) -> &'static str {
        match self {
            Self::Attributes => "user_attributes,user_identities",
            Self::Everything => "user_attributes,user_identities,audience_memberships",
        }
    }
}

/// What mParticle holds of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldProfile {
    /// Its id; `None` where that does not read as one.
    pub mpid: Option<i64>,
    /// The user attributes, by name.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The identities: type and value.
    pub identities: Vec<(String, String)>,
    /// The audiences by name; nothing unless they were asked for.
    pub audiences: Vec<String>,
    /// Whether the person opted out of being tracked.
    pub is_opted_out: Option<bool>,
    /// When mParticle last stored something of it.
    pub last_stored: Option<Timestamp>,
}

impl HeldProfile {
    /// What it holds for one attribute. Names are compared to the letter, as mParticle does.
    #[must_use]
    pub fn held(&self, attribute: &str) -> Held {
        self.attributes.get(attribute).map_or(Held::NoAttribute, |value| Held::Value(value.clone()))
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// The text is no profile: not JSON, or an object without an `mpid`.
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let wire: Wire<'_> = serde_json::from_slice(body)?;
        let attributes = wire.user_attributes.unwrap_or_default();
        let identities = wire.user_identities.unwrap_or_default();
        let audiences = wire.audience_memberships.unwrap_or_default();
        Ok(Self {
            mpid: mpid(wire.mpid.get()),
            attributes: attributes.into_iter().map(|(name, raw)| (name, value(raw.get()))).collect(),
            identities: identities
                .into_iter()
                .filter_map(|identity| Some((identity.kind?, identity.value?)))
                .collect(),
            audiences: audiences.into_iter().filter_map(|audience| audience.audience_name).collect(),
            is_opted_out: wire.is_opted_out,
            last_stored: wire.last_stored_timestamp_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
        })
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    mpid: &'a RawValue,
    #[serde(borrow, default)]
    user_attributes: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(default, deserialize_with = "leniently")]
    user_identities: Option<Vec<WireIdentity>>,
    #[serde(default, deserialize_with = "leniently")]
    audience_memberships: Option<Vec<WireAudience>>,
    #[serde(default, deserialize_with = "leniently")]
    is_opted_out: Option<bool>,
    #[serde(default, deserialize_with = "leniently")]
    last_stored_timestamp_ms: Option<i64>,
}

#[derive(Deserialize)]
struct WireIdentity {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct WireAudience {
    audience_name: Option<String>,
}

/// What only embellishes the answer must not make it unreadable when its shape differs from the published one.
fn leniently<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// An id from a JSON number or a text of digits.
fn mpid(raw: &str) -> Option<i64> {
    raw.trim().trim_matches('"').parse().ok()
}

fn value(raw: &str) -> AttributeValue {
    match raw.trim().as_bytes().first() {
        Some(b'n') => AttributeValue::Null,
        Some(b't') => AttributeValue::Bool(true),
        Some(b'f') => AttributeValue::Bool(false),
        Some(b'"') => match serde_json::from_str::<String>(raw) {
            Ok(text) => AttributeValue::Text(text.into()),
            Err(_) => AttributeValue::Other(raw.into()),
        },
        Some(b'-' | b'0'..=b'9') => AttributeValue::Number(raw.trim().into()),
        _ => AttributeValue::Other(raw.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The published sample, shortened.
    const SAMPLE: &str = r#"{
        "mpid": 9080350317581165000, "created_timestamp_ms": 1574704283462,
        "last_stored_timestamp_ms": 1575301484215, "is_opted_out": false, "limit_ad_tracking": null,
        "user_identities": [{ "type": "customer_id", "encoding": "none", "value": "Example-Customer-mxr15" }],
        "account_userattributes": null,
        "user_attributes": { "ml_product_recs": ["123849", "294933"], "churn_risk_score": "4", "Power users": "True",
            "flag": true, "number": 1.0, "tag": null },
        "audience_memberships": [{ "audience_id": 17802, "audience_name": "Decor", "expiration_timestamp_ms": null }]
    }"#;

    #[test]
    fn the_published_sample_is_read() {
        let profile = HeldProfile::read(SAMPLE.as_bytes()).unwrap();
        assert_eq!(profile.mpid, Some(9_080_350_317_581_165_000));
        assert_eq!(profile.identities, [("customer_id".to_owned(), "Example-Customer-mxr15".to_owned())]);
        assert_eq!(
            (profile.audiences.as_slice(), profile.is_opted_out),
            (&["Decor".to_owned()][..], Some(false))
        );
        let holds = |name| profile.held(name).to_string();
        let shown =
            ["ml_product_recs", "churn_risk_score", "Power users", "flag", "number", "tag"].map(holds);
        assert_eq!(shown, [r#"["123849", "294933"]"#, "\"4\"", "\"True\"", "true", "1.0", "null"]);
        assert_eq!(profile.held("power users"), Held::NoAttribute, "another case is another attribute");
    }

    #[test]
    fn an_id_is_read_digit_for_digit_from_either_form() {
        for (raw, expected) in [
            ("-8553083063767933171", Some(-8_553_083_063_767_933_171)),
            ("\"8553083063767933171\"", Some(8_553_083_063_767_933_171)),
            ("9223372036854775808", None),
            ("1e3", None),
        ] {
            let body = format!(r#"{{"mpid":{raw},"user_attributes":null}}"#);
            assert_eq!(HeldProfile::read(body.as_bytes()).unwrap().mpid, expected, "{raw}");
        }
    }

    #[test]
    fn only_an_object_with_an_id_is_a_profile() {
        for body in
            ["", "{}", "[]", "null", r#"{"user_attributes":{}}"#, r#"{"mpid":1,"user_attributes":[1]}"#]
        {
            assert!(HeldProfile::read(body.as_bytes()).is_err(), "{body}");
        }
        let odd = r#"{"mpid":1,"user_identities":{"customer_id":"a"},"is_opted_out":"no"}"#;
        assert_eq!(HeldProfile::read(odd.as_bytes()).unwrap().identities, []);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,60}", value in "\\PC{0,20}") {
            let _ = HeldProfile::read(body.as_bytes());
            let _ = HeldProfile::read(format!(r#"{{"mpid":{value},"user_attributes":{{"a":{value}}}}}"#).as_bytes());
        }
    }
}
