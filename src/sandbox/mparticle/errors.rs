//! What the feed's refusals look like. Owns their wording, which is that of Json.NET, and their HTML escapes; when
//! something is refused is left to `batch` and the parent module.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::batch::Place;
use super::position::{Point, Step, locate, print_path};

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FeedError {
    message: String,
}

impl FeedError {
    pub(super) fn bad_request(message: &str) -> Self {
        Self { message: message.to_owned() }
    }

    /// An error about one place in the body.
    pub(super) fn at(text: &str, path: &[Step], point: Point, message: &str) -> Self {
        let (line, position) = locate(text, path, point);
        Self { message: format!("{message} Path '{}', line {line}, position {position}.", print_path(path)) }
    }

    /// The body as a whole is not JSON.
    pub(super) fn unreadable(body: &Bytes) -> Self {
        let (line, column) = match serde_json::from_slice::<Value>(body) {
            Ok(_) => (1, 0),
            Err(error) => (error.line(), error.column()),
        };
        Self {
            message: format!(
                "Unexpected end or character while parsing. Path '', line {line}, position {column}."
            ),
        }
    }

    /// A user that a script refuses: the error points at the field, a name in a name perhaps, that says who it is.
    pub(super) fn refused_user(text: &str, place: Place, field: &[&str], identity: Option<&String>) -> Self {
        let shown = identity.map_or("null".to_owned(), |identity| format!("\"{identity}\""));
        let message = format!("Error converting value {shown} to type 'System.Int64'.");
        Self::at(text, &place.path(field), Point::Value, &message)
    }
}

/// An answer that lists errors.
pub(super) fn reply(status: u16, errors: &[FeedError]) -> Reply {
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| json!({ "code": "BAD_REQUEST", "message": escape_html(&error.message) }))
        .collect();
    Reply::json(status, &json!({ "errors": errors }))
}

/// Single quotes are left alone, as the real feed leaves them.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_escaped_but_keep_their_single_quotes() {
        let error =
            FeedError::refused_user(r#"[{"mpid":7}]"#, Place::InList(0), &["mpid"], Some(&"<7>".to_owned()));
        assert_eq!(
            escape_html(&error.message),
            "Error converting value &quot;&lt;7&gt;&quot; to type 'System.Int64'. Path '[0].mpid', line 1, position 10."
        );
    }
}
