//! How changes are written on the wire, and the one place that knows in which of the forms. What mParticle's feed takes
//! is not public; the mission's form is an array of mParticle batches, one a user, each setting one attribute
//! (published batch schema; mission document, Data Format), which is also what the Events API documents. The other
//! form, Mixpanel's own webhook, is `members`'.

use super::members;
use crate::domain::plan::RequestLimits;
use crate::domain::{Change, CohortId, Direction, IdentityRef, Removal, RunId};
use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::ser::Serializer as JsonSerializer;
use std::collections::BTreeMap;

/// In which form changes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An array of mParticle batches.
    Batches,
    /// Mixpanel's cohort webhook, in the name of a project.
    Members {
        /// The project's number.
        project_id: u64,
    },
}

/// Writes changes as request bodies.
#[derive(Debug, Clone)]
pub struct Encoder {
    environment: String,
    fallback_identity: String,
    form: Form,
}

/// What all requests of a run have in common.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The installation that sends it.
    pub installation: &'a str,
    /// The run.
    pub run: RunId,
    /// When the run began.
    pub began: Timestamp,
    /// The cohort it is about.
    pub cohort: CohortId,
    /// The attribute that is set.
    pub attribute: &'a str,
    /// How it is taken away.
    pub removal: Removal,
}

/// One user's batch; the order of the fields is the order on the wire.
#[derive(Serialize)]
struct Batch<'a> {
    environment: &'a str,
    #[serde(flatten)]
    address: Address<'a>,
    // A map of one entry keeps the attribute's name free; `false` is a value like any other and always written.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_attributes: Option<BTreeMap<&'a str, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_user_attributes: Option<[&'a str; 1]>,
    source_request_id: &'a str,
}

/// How the user is addressed; serialised as one key of the batch.
#[derive(Serialize)]
enum Address<'a> {
    #[serde(rename = "mpid")]
    Mpid(i64),
    #[serde(rename = "user_identities")]
    Identities(BTreeMap<&'a str, String>),
}

impl Encoder {
    /// An encoder for an environment (`production`, `development`) and the mParticle identity that carries
    /// `$distinct_id` where there is no MPID.
    pub fn new(environment: impl Into<String>, fallback_identity: impl Into<String>) -> Self {
        let (environment, fallback_identity) = (environment.into(), fallback_identity.into());
        Self { environment, fallback_identity, form: Form::Batches }
    }

    /// The same in another form.
    #[must_use]
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Whether the form can delete an attribute; otherwise it can only set it to `false`.
    #[must_use]
    pub fn can_delete(&self) -> bool {
        self.form == Form::Batches
    }

    /// What one request may hold in this form.
    #[must_use]
    pub fn limits(&self) -> RequestLimits {
        match self.form {
            Form::Batches => RequestLimits::default(),
            Form::Members { .. } => {
                RequestLimits { users: members::MOST_MEMBERS, ..RequestLimits::default() }
            }
        }
    }

    /// The body of one request: every change with its `source_request_id`, in order. Whoever leaves has the
    /// attribute set to `false` or deleted (`deleted_user_attributes` of the published batch schema).
    pub fn request_body<'a>(
        &self,
        attribute: &str,
        removal: Removal,
        changes: impl ExactSizeIterator<Item = (&'a Change, &'a str)>,
    ) -> Bytes {
        let mut body = BytesMut::with_capacity(256 * changes.len() + 2).writer();
        let mut serializer = JsonSerializer::new(&mut body);
        let batches = changes.map(|(change, id)| self.batch(attribute, removal, change, id));
        // Strings, booleans and integers cannot fail to serialise, nor can a buffer in memory fail to grow.
        if let Err(error) = serializer.collect_seq(batches) {
            tracing::error!(%error, "a request body could not be written");
        }
        body.into_inner().freeze()
    }

    /// The body of a request of a run, from the position of its first change on. The same run, position and changes
    /// give the same bytes, so that what was sent can be shown later.
    #[must_use]
    pub fn letter(&self, letter: &Letter<'_>, first_position: u64, changes: &[Change]) -> Bytes {
        if let Form::Members { project_id } = self.form {
            return members::body(letter, project_id, first_position, changes);
        }
        let Letter { installation, run, began, attribute, removal, .. } = *letter;
        let ids: Vec<String> = (first_position..)
            .take(changes.len())
            .map(|position| source_request_id(installation, run, began, position))
            .collect();
        self.request_body(attribute, removal, changes.iter().zip(ids.iter().map(String::as_str)))
    }

    fn batch<'a>(
        &'a self,
        attribute: &'a str,
        removal: Removal,
        change: &Change,
        source_request_id: &'a str,
    ) -> Batch<'a> {
        let deletes = change.direction == Direction::Remove && removal == Removal::Delete;
        let address = match change.identity.borrow() {
            IdentityRef::Mpid(mpid) => Address::Mpid(mpid),
            other => {
                Address::Identities(BTreeMap::from([(self.fallback_identity.as_str(), other.to_string())]))
            }
        };
        Batch {
            environment: &self.environment,
            address,
            user_attributes: (!deletes)
                .then(|| BTreeMap::from([(attribute, change.direction.attribute_value())])),
            deleted_user_attributes: deletes.then_some([attribute]),
            source_request_id,
        }
    }

    /// An upper bound of a change's bytes on the wire, for planning requests under mParticle's limit.
    #[must_use]
    pub fn upper_bound(&self, attribute: &str, change: &Change) -> usize {
        /// Keys, punctuation, `false`, an MPID of twenty characters and the longest `source_request_id`.
        const FIXED: usize = 220;
        if self.form != Form::Batches {
            return members::upper_bound(change);
        }
        let address = match change.identity.borrow() {
            IdentityRef::Mpid(_) => 0,
            IdentityRef::Uuid(_) => 36 + self.fallback_identity.len(),
            IdentityRef::Text(text) => escaped(text) + self.fallback_identity.len(),
        };
        FIXED + self.environment.len() + escaped(attribute) + address
    }
}

/// The most bytes a text takes as JSON: a control character becomes `\u0000`, quote and backslash two bytes.
pub(super) fn escaped(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            0..0x20 => 6,
            b'"' | b'\\' => 2,
            _ => 1,
        })
        .sum()
}

/// The id by which mParticle recognises a repeated batch (published batch schema, kept for 30 to 60 days): the
/// same for every try of one transition, another for every other transition of every installation.
///
/// When the run began is part of it: a state that was restored from a copy counts its runs from there once more,
/// and what they tell must not be taken for a repeat of what the first runs of these numbers told.
#[must_use]
pub fn source_request_id(installation: &str, run: RunId, began: Timestamp, position: u64) -> String {
    format!("cohort-sync-{installation}-{run}-{}-{position}", began.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Direction, Identity};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn change(identity: Identity, direction: Direction) -> Change {
        Change { direction, identity, distinct_id: None }
    }

    fn encode(encoder: &Encoder, attribute: &str, changes: &[Change]) -> (Bytes, Value) {
        let at = Timestamp::from_second(1_770_000_000).unwrap();
        let ids: Vec<String> =
            (0..changes.len()).map(|n| source_request_id("abc", RunId(7), at, n as u64)).collect();
        let body = encoder.request_body(
            attribute,
            Removal::SetFalse,
            changes.iter().zip(ids.iter().map(String::as_str)),
        );
        let value = serde_json::from_slice(&body).unwrap();
        (body, value)
    }

    #[test]
    fn a_request_to_the_letter() {
        let encoder = Encoder::new("production", "customer_id");
        let changes = [
            change(Identity::Mpid(-8_553_083_063_767_933_171), Direction::Add),
            change(Identity::of_distinct_id("anna"), Direction::Remove),
        ];
        let (body, _) = encode(&encoder, "Power \"users\"", &changes);
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            concat!(
                r#"[{"environment":"production","mpid":-8553083063767933171,"user_attributes":{"Power \"users\"":true},"#,
                r#""source_request_id":"cohort-sync-abc-7-1770000000000-0"},"#,
                r#"{"environment":"production","user_identities":{"customer_id":"anna"},"#,
                r#""user_attributes":{"Power \"users\"":false},"source_request_id":"cohort-sync-abc-7-1770000000000-1"}]"#
            )
        );
    }

    #[test]
    fn a_deletion_names_the_attribute_and_sets_nothing() {
        let encoder = Encoder::new("production", "customer_id");
        let changes =
            [change(Identity::Mpid(7), Direction::Remove), change(Identity::Mpid(8), Direction::Add)];
        let body =
            encoder.request_body("Old", Removal::Delete, changes.iter().zip(["request-0", "request-1"]));
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            concat!(
                r#"[{"environment":"production","mpid":7,"deleted_user_attributes":["Old"],"source_request_id":"request-0"},"#,
                r#"{"environment":"production","mpid":8,"user_attributes":{"Old":true},"source_request_id":"request-1"}]"#
            )
        );
        let bound = encoder.upper_bound("Old", &changes[0]);
        assert!(body.len() < 2 * bound);
    }

    /// Our own reading of mParticle's published batch schema, as far as these batches use it.
    fn assert_fits_schema(batch: &Value) {
        let batch = batch.as_object().unwrap();
        let known = ["environment", "mpid", "user_identities", "user_attributes", "source_request_id"];
        assert!(batch.keys().all(|key| known.contains(&key.as_str())), "{batch:?}");
        assert!(["production", "development"].contains(&batch["environment"].as_str().unwrap()));
        assert!(batch.get("mpid").is_none_or(Value::is_i64));
        if let Some(identities) = batch.get("user_identities") {
            assert!(identities.as_object().unwrap().values().all(Value::is_string));
        }
        assert!(batch["user_attributes"].as_object().unwrap().values().all(Value::is_boolean));
        assert!(batch["source_request_id"].is_string());
    }

    proptest! {
        #[test]
        fn any_name_and_identity_fit_the_schema_and_the_bound(
            attribute in any::<String>(),
            text in any::<String>(),
            mpid in prop::option::of(any::<i64>()),
            add in any::<bool>(),
        ) {
            let encoder = Encoder::new("development", "facebook_custom_audience_id");
            let identity = mpid.map_or_else(|| Identity::of_distinct_id(&text), Identity::Mpid);
            let direction = if add { Direction::Add } else { Direction::Remove };
            let change = change(identity, direction);
            let (body, value) = encode(&encoder, &attribute, std::slice::from_ref(&change));
            let batch = &value[0];
            assert_fits_schema(batch);
            prop_assert_eq!(&batch["user_attributes"], &json!({ &attribute: add }));
            let address = match mpid {
                Some(mpid) => json!({ "mpid": mpid }),
                None => json!({ "user_identities": { "facebook_custom_audience_id": text } }),
            };
            for (key, value) in address.as_object().unwrap() {
                prop_assert_eq!(&batch[key], value);
            }
            prop_assert!(body.len() <= encoder.upper_bound(&attribute, &change), "{} bytes", body.len());
        }
    }
}
