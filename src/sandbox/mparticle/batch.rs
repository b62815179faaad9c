//! What a batch may contain: a reading of mParticle's published batch schema and default limits. Owns which fields exist
//! and what they hold, as far as profile updates go (the inside of events and device descriptions is not looked at);
//! applying a valid batch is left to `profiles`.

use serde_json::{Map, Value};

use super::errors::FeedError;
use super::position::{Point, Step};
use super::profiles::ProfileKey;

const LONGEST_NAME: usize = 256;
const LONGEST_VALUE: usize = 4_096;
const LONGEST_LIST_ENTRY: usize = 512;
const LONGEST_LIST: usize = 1_000;
const MOST_ATTRIBUTES: usize = 100;
const LARGEST_BATCH: usize = 128 * 1024;

/// Further fields that the schema knows, by what they hold.
const TEXTS: [&str; 7] =
    ["source_request_id", "api_key", "ip", "partner_identity", "mp_deviceid", "sdk_version", "job_id"];
const INTEGERS: [&str; 4] = ["mpid", "timestamp_unixtime_ms", "batch_id", "origin_mpid"];
const LISTS: [&str; 3] = ["events", "deleted_user_attributes", "api_keys"];
const OBJECTS: [&str; 10] = [
    "device_info",
    "application_info",
    "user_attributes",
    "user_identities",
    "integration_attributes",
    "context",
    "partner_identities",
    "source_info",
    "attribution_info",
    "consent_state",
];
const ENVIRONMENT: &str = "environment";

const IDENTITY_KINDS: [&str; 22] = [
    "customer_id",
    "email",
    "other",
    "facebook",
    "twitter",
    "google",
    "microsoft",
    "yahoo",
    "alias",
    "facebook_custom_audience_id",
    "other_id_2",
    "other_id_3",
    "other_id_4",
    "other_id_5",
    "other_id_6",
    "other_id_7",
    "other_id_8",
    "other_id_9",
    "other_id_10",
    "mobile_number",
    "phone_number_2",
    "phone_number_3",
];

/// Whether a batch came in a list, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    InList(usize),
    Alone,
}

impl Place {
    /// The path to something inside the batch.
    pub(super) fn path(self, names: &[&str]) -> Vec<Step> {
        let index = match self {
            Place::InList(index) => Some(Step::Index(index)),
            Place::Alone => None,
        };
        index.into_iter().chain(names.iter().map(|name| Step::Name((*name).to_owned()))).collect()
    }
}

/// A batch that is valid: whose profile it changes, and how.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    pub key: ProfileKey,
    pub attributes: Map<String, Value>,
    pub deleted_attributes: Vec<String>,
    pub source_request_id: Option<String>,
}

/// Everything in a batch by which somebody could be named, as text; for the faults.
pub(super) fn identities(batch: &Value) -> Vec<String> {
    let as_text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let named = batch.get("user_identities").and_then(Value::as_object).into_iter().flat_map(Map::values);
    batch.get("mpid").into_iter().chain(named).filter_map(as_text).collect()
}

/// The path, within a batch, to the field that says whose it is.
pub(super) fn identifying_field(batch: &Value) -> Vec<&str> {
    let mpid = batch.get("mpid").filter(|mpid| !mpid.is_null());
    let identities = batch.get("user_identities").and_then(Value::as_object);
    match (mpid, identities.and_then(|identities| identities.keys().next())) {
        (None, Some(kind)) => vec!["user_identities", kind],
        _ => vec!["mpid"],
    }
}

impl Batch {
    /// Reads one batch; the text is the whole body, for the positions in errors.
    pub(super) fn read(value: &Value, text: &str, place: Place) -> Result<Self, FeedError> {
        let reader = Reader { text, place };
        let Value::Object(fields) = value else {
            return Err(reader.wrong_value(&[], value, "Batch"));
        };
        if text.len() > LARGEST_BATCH && value.to_string().len() > LARGEST_BATCH {
            return Err(reader.wrong(&[], Point::Value, "The batch exceeds the limit of 128 KB."));
        }
        for (name, value) in fields {
            reader.check_field(name, value)?;
        }
        if !fields.contains_key(ENVIRONMENT) {
            let message = "Required field \"environment\" is missing or empty.";
            return Err(reader.wrong(&[], Point::Value, message));
        }
        Ok(Self {
            key: reader.key(fields)?,
            attributes: fields.get("user_attributes").and_then(Value::as_object).cloned().unwrap_or_default(),
            deleted_attributes: texts(fields.get("deleted_user_attributes")),
            source_request_id: fields.get("source_request_id").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_str).map(str::to_owned).collect()
}

struct Reader<'text> {
    text: &'text str,
    place: Place,
}

impl Reader<'_> {
    fn check_field(&self, name: &str, value: &Value) -> Result<(), FeedError> {
        let path = [name];
        if name == ENVIRONMENT {
            return match value.as_str() {
                Some("production" | "development") => Ok(()),
                _ => Err(self.wrong_value(&path, value, "Environment")),
            };
        }
        if value.is_null() && (INTEGERS.contains(&name) || LISTS.contains(&name) || OBJECTS.contains(&name)) {
            return Ok(());
        }
        match name {
            "user_attributes" => self.check_attributes(value),
            "user_identities" => self.check_identities(value),
            "deleted_user_attributes" if !is_list_of(value, Value::is_string) => {
                Err(self.wrong_value(&path, value, "System.String[]"))
            }
            _ if TEXTS.contains(&name) => self.check(is_scalar(value), &path, value, "System.String"),
            _ if INTEGERS.contains(&name) => self.check(value.is_i64(), &path, value, "System.Int64"),
            _ if LISTS.contains(&name) => self.check(value.is_array(), &path, value, "System.Object[]"),
            _ if OBJECTS.contains(&name) => self.check(value.is_object(), &path, value, "System.Object"),
            _ => {
                let message = format!("Could not find member '{name}' on object of type 'Batch'.");
                Err(self.wrong(&path, Point::Name, &message))
            }
        }
    }

    fn check_attributes(&self, value: &Value) -> Result<(), FeedError> {
        let Value::Object(attributes) = value else {
            return Err(self.wrong_value(&["user_attributes"], value, "System.Object"));
        };
        if attributes.len() > MOST_ATTRIBUTES {
            let message = format!("More than {MOST_ATTRIBUTES} user attributes.");
            return Err(self.wrong(&["user_attributes"], Point::Value, &message));
        }
        attributes.iter().try_for_each(|(name, value)| self.check_attribute(name, value))
    }

    fn check_attribute(&self, name: &str, value: &Value) -> Result<(), FeedError> {
        let path = ["user_attributes", name];
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            let message = format!("The attribute name must have 1 to {LONGEST_NAME} characters.");
            return Err(self.wrong(&path, Point::Name, &message));
        }
        match value {
            Value::Object(_) => Err(self.wrong_value(&path, value, "System.String")),
            Value::Array(entries) => {
                let fits = entries.len() <= LONGEST_LIST
                    && entries.iter().all(|entry| fits(entry, LONGEST_LIST_ENTRY));
                self.check(fits, &path, value, "System.String[]")
            }
            _ => self.check(fits(value, LONGEST_VALUE), &path, value, "System.String"),
        }
    }

    fn check_identities(&self, value: &Value) -> Result<(), FeedError> {
        let Value::Object(identities) = value else {
            return Err(self.wrong_value(&["user_identities"], value, "UserIdentities"));
        };
        for (kind, identity) in identities {
            let path = ["user_identities", kind.as_str()];
            if !IDENTITY_KINDS.contains(&kind.as_str()) {
                let message = format!("Could not find member '{kind}' on object of type 'UserIdentities'.");
                return Err(self.wrong(&path, Point::Name, &message));
            }
            self.check(fits(identity, LONGEST_NAME), &path, identity, "System.String")?;
        }
        Ok(())
    }

    /// Whose profile the batch is about: the mParticle id if there is one, else the first identity there is.
    fn key(&self, fields: &Map<String, Value>) -> Result<ProfileKey, FeedError> {
        if let Some(mpid) = fields.get("mpid").and_then(Value::as_i64) {
            return Ok(ProfileKey::Mpid(mpid));
        }
        let identities = fields.get("user_identities").and_then(Value::as_object);
        let named = IDENTITY_KINDS.iter().find_map(|kind| {
            let value = match identities?.get(*kind)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            (!value.is_empty()).then(|| ProfileKey::Identity { kind: (*kind).to_owned(), value })
        });
        let message = "Required field \"mpid\" or \"user_identities\" is missing or empty.";
        named.ok_or_else(|| self.wrong(&[], Point::Value, message))
    }

    fn check(&self, is_right: bool, path: &[&str], value: &Value, wanted: &str) -> Result<(), FeedError> {
        if is_right { Ok(()) } else { Err(self.wrong_value(path, value, wanted)) }
    }

    fn wrong_value(&self, path: &[&str], value: &Value, wanted: &str) -> FeedError {
        let message = match value {
            Value::Object(_) => "Error reading string. Unexpected token: StartObject.".to_owned(),
            Value::Array(_) => "Error reading string. Unexpected token: StartArray.".to_owned(),
            scalar => format!("Error converting value {scalar} to type '{wanted}'."),
        };
        self.wrong(path, Point::Value, &message)
    }

    fn wrong(&self, path: &[&str], point: Point, message: &str) -> FeedError {
        FeedError::at(self.text, &self.place.path(path), point, message)
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn is_list_of(value: &Value, is_right: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|entries| entries.iter().all(is_right))
}

/// A scalar, and not longer than this when it is text.
fn fits(value: &Value, longest: usize) -> bool {
    is_scalar(value) && value.as_str().is_none_or(|text| text.chars().count() <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(batch: &Value) -> Result<Batch, FeedError> {
        Batch::read(batch, &batch.to_string(), Place::Alone)
    }

    #[test]
    fn what_the_schema_allows_is_read() {
        let mpid = -8_553_083_063_767_933_171_i64;
        for batch in [
            json!({"environment": "production", "mpid": mpid, "user_attributes": {"Power users": true}}),
            json!({"environment": "development", "mpid": mpid, "events": [], "user_attributes": null}),
            json!({"environment": "production", "mpid": mpid, "user_attributes": {"a": [1, "x", null], "b": null}}),
            json!({"environment": "production", "mpid": null, "user_identities": {"customer_id": "ann"}}),
            json!({"environment": "production", "mpid": 1, "deleted_user_attributes": ["old"], "batch_id": 5}),
        ] {
            assert!(read(&batch).is_ok(), "{batch}: {:?}", read(&batch));
        }
    }

    #[test]
    fn what_the_schema_forbids_is_refused() {
        let name = "n".repeat(257);
        for batch in [
            json!({"environment": "production", "mpid": "12", "user_attributes": {}}),
            json!({"environment": "production", "mpid": 1.5}),
            json!({"environment": "production", "mpid": u64::MAX}),
            json!({"environment": "production", "mpid": 1, "schema_version": 2}),
            json!({"environment": "unknown", "mpid": 1}),
            json!({"mpid": 1}),
            json!({"environment": "production"}),
            json!({"environment": "production", "user_identities": {"customerid": "ann"}}),
            json!({"environment": "production", "user_identities": {"customer_id": ""}}),
            json!({"environment": "production", "mpid": 1, "user_attributes": {"a": {"b": 1}}}),
            json!({"environment": "production", "mpid": 1, "user_attributes": {name: true}}),
            json!({"environment": "production", "mpid": 1, "user_attributes": [true]}),
            json!({"environment": "production", "mpid": 1, "events": {}}),
            json!({"environment": "production", "mpid": 1, "deleted_user_attributes": [1]}),
            json!({"action": "members", "parameters": {}}),
            json!([1]),
        ] {
            assert!(read(&batch).is_err(), "{batch}");
        }
    }
}
