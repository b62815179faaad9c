//! The batches of one letter: all that they have in common is written once, and each adds who it is about and its
//! number. It writes just what `encode` would have serialised, several times as fast; a test holds the two together.

use super::encode::Letter;
use crate::domain::{Change, Direction, IdentityRef, Removal};
use bytes::{Bytes, BytesMut};
use serde_json::json;

/// What a batch takes at most times.
const USUAL_SIZE: usize = 224;

/// The parts that are the same in every batch.
#[derive(Debug)]
pub(super) struct Pattern {
    by_mpid: String,
    by_distinct_id: String,
    /// From behind the address to the number that ends the `source_request_id`.
    enters: String,
    leaves: String,
}

impl Pattern {
    /// The pattern of a letter; `request_id` is what its `source_request_id`s begin with.
    pub fn of(letter: &Letter<'_>, environment: &str, fallback_identity: &str, request_id: &str) -> Self {
        let start = format!(r#"{{"environment":{},"#, json!(environment));
        let attribute = json!(letter.attribute);
        // The number stands inside the quotation marks.
        let request_id = json!(request_id).to_string();
        let end = format!(r#""source_request_id":{}"#, request_id.trim_end_matches('"'));
        let set = |value: bool| format!(r#","user_attributes":{{{attribute}:{value}}},{end}"#);
        let leaves = match letter.removal {
            Removal::SetFalse => set(Direction::Remove.attribute_value()),
            Removal::Delete => format!(r#","deleted_user_attributes":[{attribute}],{end}"#),
        };
        Self {
            by_mpid: format!(r#"{start}"mpid":"#),
            by_distinct_id: format!(r#"{start}"user_identities":{{{}:"#, json!(fallback_identity)),
            enters: set(Direction::Add.attribute_value()),
            leaves,
        }
    }

    /// The body of a request, from the position of its first change on.
    pub fn body(&self, first_position: u64, changes: &[Change]) -> Bytes {
        let mut body = BytesMut::with_capacity(USUAL_SIZE * changes.len() + 2);
        let mut digits = itoa::Buffer::new();
        for (position, change) in (first_position..).zip(changes) {
            body.extend_from_slice(if body.is_empty() { b"[" } else { b"," });
            match change.identity.borrow() {
                IdentityRef::Mpid(mpid) => {
                    body.extend_from_slice(self.by_mpid.as_bytes());
                    body.extend_from_slice(digits.format(mpid).as_bytes());
                }
                other => {
                    body.extend_from_slice(self.by_distinct_id.as_bytes());
                    write_text(&mut body, other);
                    body.extend_from_slice(b"}");
                }
            }
            let rest = if change.direction == Direction::Add { &self.enters } else { &self.leaves };
            body.extend_from_slice(rest.as_bytes());
            body.extend_from_slice(digits.format(position).as_bytes());
            body.extend_from_slice(br#""}"#);
        }
        body.extend_from_slice(if body.is_empty() { b"[]" } else { b"]" });
        body.freeze()
    }
}

/// Writes a `$distinct_id` as a JSON string.
fn write_text(body: &mut BytesMut, identity: IdentityRef<'_>) {
    if let IdentityRef::Uuid(uuid) = identity {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = uuid::Uuid::from_bytes(*uuid).hyphenated().encode_lower(&mut text);
        body.extend_from_slice(b"\"");
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(b"\"");
    } else {
        body.extend_from_slice(json!(identity.to_string()).to_string().as_bytes());
    }
}
