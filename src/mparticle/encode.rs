//! How changes are written on the wire, and the one place that knows in which of the forms. What mParticle's feed takes
//! is not public; the mission's form is an array of mParticle batches, one a user, each setting one attribute
//! (published batch schema; mission document, Data Format), which is also what the Events API documents. The other
//! form, Mixpanel's own webhook, is `members`'.

use super::members::{self, Calls};
use super::pattern::Pattern;
use crate::domain::parcel::{self, Spot};
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

/// Writes the requests of one run. What they have in common is made ready once.
#[derive(Debug)]
pub struct RunEncoder(Common);

#[derive(Debug)]
enum Common {
    Batches(Pattern),
    Members(Calls),
}

impl RunEncoder {
    /// The body of a request, from the position of its first change on. The same run, position and changes give the
    /// same bytes, so that what was sent can be shown later.
    ///
    /// Every change has its `source_request_id`, in order. Whoever leaves has the attribute set to `false` or deleted
    /// (`deleted_user_attributes` of the published batch schema).
    #[must_use]
    pub fn body(&self, first_position: u64, changes: &[Change]) -> Bytes {
        match &self.0 {
            Common::Batches(pattern) => pattern.body(first_position, changes),
            Common::Members(calls) => calls.body(first_position, changes),
        }
    }
}

/// One user's batch; the order of the fields is the order on the wire.
#[derive(Serialize)]
struct Batch<'a> {
    environment: &'a str,
    #[serde(flatten)]
    address: Address<'a>,
    // A map keeps the attributes' names free; `false` is a value like any other and always written.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    user_attributes: BTreeMap<&'a str, bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deleted_user_attributes: Vec<&'a str>,
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

    /// What writes the requests of a run.
    #[must_use]
    pub fn of_run(&self, letter: &Letter<'_>) -> RunEncoder {
        RunEncoder(match self.form {
            Form::Batches => {
                let request_id = request_id_before_position(letter.installation, letter.run, letter.began);
                let (environment, fallback_identity) = (&self.environment, &self.fallback_identity);
                Common::Batches(Pattern::of(letter, environment, fallback_identity, &request_id))
            }
            Form::Members { project_id } => Common::Members(Calls::of(letter, project_id)),
        })
    }

    /// The body of one request of a run; see [`RunEncoder::body`].
    #[must_use]
    pub fn letter(&self, letter: &Letter<'_>, first_position: u64, changes: &[Change]) -> Bytes {
        self.of_run(letter).body(first_position, changes)
    }

    /// Whether several cohorts fit into one request, a user's attributes into one batch. Mixpanel's own webhook is about
    /// one cohort and one direction a call, so in that form every sync sends by itself.
    #[must_use]
    pub fn can_join(&self) -> bool {
        self.form == Form::Batches
    }

    /// The body of a request of several runs: of each its letter, the position of its first change and its changes. A
    /// person of several of them is one batch; see [`parcel::batches`] for their order. The same parts give the same
    /// bytes.
    #[must_use]
    pub fn joint_letter(&self, parts: &[(Letter<'_>, u64, &[Change])]) -> Bytes {
        let batches = parcel::batches(parts.iter().map(|(_, _, changes)| *changes));
        let ids: Vec<String> = batches.iter().map(|batch| joint_request_id(parts, batch)).collect();
        let mut body = BytesMut::with_capacity(320 * batches.len() + 2).writer();
        let mut serializer = JsonSerializer::new(&mut body);
        let written = batches.iter().zip(&ids).filter_map(|(batch, id)| {
            let said = batch.iter().map(|spot| {
                let (letter, _, changes) = &parts[spot.part];
                (letter.attribute, letter.removal, &changes[spot.place])
            });
            self.batch_of(said, id)
        });
        // Strings, booleans and integers cannot fail to serialise, nor can a buffer in memory fail to grow.
        if let Err(error) = serializer.collect_seq(written.collect::<Vec<_>>()) {
            tracing::error!(%error, "a request body could not be written");
        }
        body.into_inner().freeze()
    }

    /// One user's batch: attribute by attribute what is said of them. Nothing said is no batch.
    fn batch_of<'a, 'c>(
        &'a self,
        said: impl Iterator<Item = (&'a str, Removal, &'c Change)>,
        source_request_id: &'a str,
    ) -> Option<Batch<'a>> {
        let (mut user_attributes, mut deleted_user_attributes) = (BTreeMap::new(), Vec::new());
        let mut address = None;
        for (attribute, removal, change) in said {
            address.get_or_insert_with(|| match change.identity.borrow() {
                IdentityRef::Mpid(mpid) => Address::Mpid(mpid),
                other => Address::Identities(BTreeMap::from([(
                    self.fallback_identity.as_str(),
                    other.to_string(),
                )])),
            });
            if change.direction == Direction::Remove && removal == Removal::Delete {
                deleted_user_attributes.push(attribute);
            } else {
                user_attributes.insert(attribute, change.direction.attribute_value());
            }
        }
        Some(Batch {
            environment: &self.environment,
            address: address?,
            user_attributes,
            deleted_user_attributes,
            source_request_id,
        })
    }

    /// An upper bound of the bytes that one more attribute takes in a batch.
    #[must_use]
    pub fn further_bound(&self, attribute: &str) -> usize {
        /// Quotes, colon, comma and `false`; for the first that is deleted also the list and its key.
        const FIXED: usize = 40;
        FIXED + escaped(attribute)
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
    format!("{}{position}", request_id_before_position(installation, run, began))
}

fn request_id_before_position(installation: &str, run: RunId, began: Timestamp) -> String {
    format!("cohort-sync-{installation}-{run}-{}-", began.as_millisecond())
}

/// The same for a batch that is part of several runs: that of the first, and what tells this composition from any other.
/// A batch that was taken apart, or joined otherwise, is another transition and must not pass for a repeat.
fn joint_request_id(parts: &[(Letter<'_>, u64, &[Change])], batch: &[Spot]) -> String {
    let ids = batch.iter().filter_map(|spot| {
        let (letter, first, _) = parts.get(spot.part)?;
        Some(source_request_id(letter.installation, letter.run, letter.began, first + spot.place as u64))
    });
    let ids: Vec<String> = ids.collect();
    match ids.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first}-{:016x}", fingerprint(others)),
    }
}

/// FNV-1a of 64 bits: the same in every version of this program, since a request may be repeated by the next one.
fn fingerprint(texts: &[String]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
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

    fn letter(run: i64, attribute: &str, removal: Removal) -> Letter<'_> {
        Letter {
            installation: "abc",
            run: RunId(run),
            began: Timestamp::from_millisecond(1_770_000_000_000).unwrap(),
            cohort: CohortId(1),
            attribute,
            removal,
        }
    }

    fn encode(encoder: &Encoder, attribute: &str, changes: &[Change]) -> (Bytes, Value) {
        let body = encoder.letter(&letter(7, attribute, Removal::SetFalse), 0, changes);
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
        let body = encoder.letter(&letter(7, "Old", Removal::Delete), 8, &changes);
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            concat!(
                r#"[{"environment":"production","mpid":7,"deleted_user_attributes":["Old"],"source_request_id":"cohort-sync-abc-7-1770000000000-8"},"#,
                r#"{"environment":"production","mpid":8,"user_attributes":{"Old":true},"source_request_id":"cohort-sync-abc-7-1770000000000-9"}]"#
            )
        );
        let bound = encoder.upper_bound("Old", &changes[0]);
        assert!(body.len() < 2 * bound);
    }

    #[test]
    fn a_user_of_several_cohorts_is_one_batch_with_an_id_of_its_own() {
        let encoder = Encoder::new("production", "customer_id");
        let (first, second) = (letter(7, "Gold", Removal::SetFalse), letter(8, "Old", Removal::Delete));
        let of = |people: &[i64], direction| -> Vec<Change> {
            people.iter().map(|mpid| change(Identity::Mpid(*mpid), direction)).collect()
        };
        let (enters, leaves) = (of(&[1, 2], Direction::Add), of(&[2, 3], Direction::Remove));
        let body = encoder.joint_letter(&[(first, 40, &enters), (second, 90, &leaves)]);
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value.as_array().map(Vec::len), Some(3));
        assert_eq!(value[1]["user_attributes"], json!({ "Gold": true }));
        assert_eq!(value[1]["deleted_user_attributes"], json!(["Old"]));
        assert_eq!(value[2]["deleted_user_attributes"], json!(["Old"]));
        let ids: Vec<&str> = (0..3).map(|n| value[n]["source_request_id"].as_str().unwrap()).collect();
        assert_eq!(ids[0], "cohort-sync-abc-7-1770000000000-40");
        assert!(ids[1].starts_with("cohort-sync-abc-7-1770000000000-41-"), "{ids:?}");
        assert_eq!(ids[2], "cohort-sync-abc-8-1770000000000-91");
        let bound = encoder.upper_bound("Gold", &enters[1]) + encoder.further_bound("Old");
        assert!(value[1].to_string().len() <= bound);
        let other = encoder.joint_letter(&[(first, 40, &enters), (second, 91, &leaves)]);
        let other: Value = serde_json::from_slice(&other).unwrap();
        assert_ne!(other[1]["source_request_id"], value[1]["source_request_id"], "joined otherwise");
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

    #[test]
    fn nothing_to_tell_is_an_empty_list() {
        let encoder = Encoder::new("production", "customer_id");
        assert_eq!(&encoder.letter(&letter(7, "Old", Removal::Delete), 8, &[])[..], b"[]");
    }

    proptest! {
        #[test]
        fn alone_and_together_changes_are_written_alike(
            names in ("\\PC{0,9}", "\\PC{0,9}", "\\PC{0,9}"),
            people in prop::collection::btree_set(prop_oneof![
                any::<i64>().prop_map(Identity::Mpid),
                any::<[u8; 16]>().prop_map(Identity::Uuid),
                any::<String>().prop_map(|id| Identity::of_distinct_id(&id)),
            ], 1..9),
            add in any::<bool>(),
            removal in prop::sample::select(&Removal::ALL[..]),
            position in any::<u32>(),
        ) {
            let encoder = Encoder::new(names.0, names.1);
            let direction = if add { Direction::Add } else { Direction::Remove };
            let changes: Vec<Change> = people.into_iter().map(|who| change(who, direction)).collect();
            let (letter, position) = (letter(3, &names.2, removal), u64::from(position));
            prop_assert_eq!(
                encoder.letter(&letter, position, &changes),
                encoder.joint_letter(&[(letter, position, &changes)])
            );
        }

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
