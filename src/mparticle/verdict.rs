//! Judging an answer: which of the users in a request were taken, and what to do about the others. A 2xx alone
//! proves nothing, for it may list errors (mParticle reference: a bulk request is accepted in parts) or come
//! from a proxy. When to try again is for `http`'s backoff.

use crate::http::text::{EXCERPT_LIMIT, describe, excerpt, is_html, unescape};
use crate::http::{Answer, TransportError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every user was taken.
    Accepted,
    /// Every user was taken but these: place within the request, and mParticle's words.
    AcceptedExcept(Vec<(usize, String)>),
    /// The only user of the request was refused, in mParticle's words.
    Rejected(String),
    /// Some user is refused and nobody knows which: send the request again in parts.
    Split(String),
    /// The feed does not take anything from us; a person must look.
    Refused(String),
    /// Try the same request again later.
    Retry {
        /// What happened.
        reason: String,
        /// How long mParticle asked to wait.
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// How many of so many users were taken; `None` where the answer does not tell.
    #[must_use]
    pub fn accepted(&self, users: u64) -> Option<u64> {
        match self {
            Self::Accepted => Some(users),
            Self::AcceptedExcept(rejected) => Some(users.saturating_sub(rejected.len() as u64)),
            Self::Rejected(_) | Self::Refused(_) => Some(0),
            Self::Split(_) | Self::Retry { .. } => None,
        }
    }
}

/// Judges an answer to a request of `batches` users.
/// The words for a door that is closed: what it is, what is not there, and what to do.
struct Door {
    what: &'static str,
    nothing_there: &'static str,
    remedy: &'static str,
}

const FEED: Door = Door {
    what: "this webhook URL",
    nothing_there: "there is no feed at this webhook URL",
    remedy: "copy webhook_url anew from the feed in mParticle",
};

const EVENTS_API: Door = Door {
    what: "this key and secret",
    nothing_there: "there is no Events API at this address",
    remedy: "check mparticle.events_api: key and secret of the input, and its pod",
};

/// Judges an answer of the feed to a request of `batches` users.
#[must_use]
pub fn judge(answer: &Answer, batches: usize) -> Verdict {
    judge_at(answer, batches, &FEED)
}

/// Judges an answer of the Events API.
#[must_use]
pub fn judge_events(answer: &Answer, batches: usize) -> Verdict {
    judge_at(answer, batches, &EVENTS_API)
}

fn judge_at(answer: &Answer, batches: usize, door: &Door) -> Verdict {
    let html = is_html(answer.headers.content_type.as_deref(), &answer.body);
    match answer.status {
        401 | 403 | 404 | 410 => Verdict::Refused(refusal(answer, door)),
        300..=399 => Verdict::Refused(format!(
            "mParticle's address redirects elsewhere (HTTP {}); {}",
            answer.status, door.remedy
        )),
        // A size is refused by whoever stands in front, mostly with a page of its own.
        413 => judge_client_error(answer, 413, batches),
        _ if html => {
            retry(answer, format!("{} (HTTP {}), probably from a proxy", described(answer), answer.status))
        }
        200..=299 => judge_success(answer, batches),
        429 => retry(answer, "mParticle's rate limit is reached (HTTP 429)".to_owned()),
        408 | 425 | 500.. => retry(answer, format!("mParticle answered HTTP {}", answer.status)),
        status => judge_client_error(answer, status, batches),
    }
}

/// Judges that there was no answer.
#[must_use]
pub fn judge_failure(error: &TransportError) -> Verdict {
    if error.is_transient() {
        Verdict::Retry { reason: error.to_string(), retry_after: None }
    } else {
        Verdict::Refused(error.to_string())
    }
}

fn retry(answer: &Answer, reason: String) -> Verdict {
    Verdict::Retry { reason, retry_after: answer.headers.retry_delay() }
}

fn described(answer: &Answer) -> String {
    describe(answer.headers.content_type.as_deref(), &answer.body)
}

fn refusal(answer: &Answer, door: &Door) -> String {
    let meaning = match answer.status {
        404 | 410 => door.nothing_there.to_owned(),
        _ => format!("mParticle refuses {}", door.what),
    };
    let words =
        errors(parsed(answer).as_ref()).into_iter().next().map(|error| format!(": {}", error.message));
    let words = words.unwrap_or_default();
    format!("{meaning} (HTTP {}{words}); {}", answer.status, door.remedy)
}

fn judge_success(answer: &Answer, batches: usize) -> Verdict {
    let body = answer.body.trim_ascii();
    let value = parsed(answer);
    if body.is_empty() || is_plain_assent(body) {
        return Verdict::Accepted;
    }
    let Some(value) = value else {
        return retry(
            answer,
            format!("mParticle answered HTTP {} with {}", answer.status, described(answer)),
        );
    };
    let errors = errors(Some(&value));
    if !errors.is_empty() {
        return match by_place(&errors, batches) {
            Some(rejected) if batches == 1 => {
                Verdict::Rejected(rejected.into_values().next().unwrap_or_default())
            }
            Some(rejected) => Verdict::AcceptedExcept(rejected.into_iter().collect()),
            None => unclear(errors[0].message.clone(), batches),
        };
    }
    let unlisted = value.get("errors").or_else(|| value.get("Errors")).and_then(unlisted_error);
    if let Some(message) = unlisted {
        return unclear(message, batches);
    }
    let failed = value
        .get("status")
        .and_then(Value::as_str)
        .is_some_and(|status| status.eq_ignore_ascii_case("failure"))
        || value.get("success").and_then(Value::as_bool) == Some(false);
    if failed {
        let message =
            value.pointer("/error/message").and_then(Value::as_str).unwrap_or("mParticle reports a failure");
        return unclear(excerpt(message, EXCERPT_LIMIT), batches);
    }
    Verdict::Accepted
}

/// Short plain text that some receivers answer with.
fn is_plain_assent(body: &[u8]) -> bool {
    ["ok", "accepted", "success", "true"].iter().any(|word| body.eq_ignore_ascii_case(word.as_bytes()))
}

fn unclear(reason: String, batches: usize) -> Verdict {
    if batches == 1 { Verdict::Rejected(reason) } else { Verdict::Split(reason) }
}

fn judge_client_error(answer: &Answer, status: u16, batches: usize) -> Verdict {
    let errors = errors(parsed(answer).as_ref());
    // A bulk request of which every batch is invalid is answered with one error each.
    if errors.len() == batches
        && let Some(rejected) = by_place(&errors, batches)
        && rejected.len() == batches
        && batches > 1
    {
        return Verdict::AcceptedExcept(rejected.into_iter().collect());
    }
    let reason = match errors.first() {
        Some(error) => format!("HTTP {status}: {}", error.message),
        None => format!("HTTP {status}: {}", described(answer)),
    };
    unclear(reason, batches)
}

fn parsed(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

struct Told {
    message: String,
    place: Option<usize>,
}

/// The errors an answer lists, in either of the spellings seen.
fn errors(value: Option<&Value>) -> Vec<Told> {
    let listed = value.and_then(|value| value.get("errors").or_else(|| value.get("Errors")));
    let Some(Value::Array(listed)) = listed else { return Vec::new() };
    listed
        .iter()
        .map(|error| {
            let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
            let message = text.map_or_else(|| error.to_string(), |text| unescape(text).into_owned());
            Told { place: place_in(&message), message: excerpt(&message, EXCERPT_LIMIT) }
        })
        .collect()
}

/// Errors that are no list but not nothing either: a text, or an object of them. What they say of single
/// users is unknown, so they must not pass for acceptance.
fn unlisted_error(errors: &Value) -> Option<String> {
    let text = match errors {
        Value::String(text) if !text.trim().is_empty() => unescape(text).into_owned(),
        Value::Object(fields) if !fields.is_empty() => {
            let message = fields.get("message").and_then(Value::as_str);
            message.map_or_else(|| errors.to_string(), |message| unescape(message).into_owned())
        }
        _ => return None,
    };
    Some(excerpt(&text, EXCERPT_LIMIT))
}

/// The place in `Path '[n]…'`, which Json.NET prints for a batch in an array (reference, partial failures).
/// The last one counts: before it the message may quote the user's own text, which may look just like it, and
/// believing that would reject one user for another.
fn place_in(message: &str) -> Option<usize> {
    let (_, path) = message.rsplit_once("Path '[")?;
    let (number, _) = path.split_once(']')?;
    number.parse().ok()
}

/// Every error by its place; `None` when one names no place or one outside the request.
fn by_place(errors: &[Told], batches: usize) -> Option<BTreeMap<usize, String>> {
    errors
        .iter()
        .map(|error| Some((error.place.filter(|place| *place < batches)?, error.message.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::AnswerHeaders;
    use proptest::prelude::*;

    fn answer(status: u16, body: &str) -> Answer {
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        Answer { status, headers: AnswerHeaders::default(), body, elapsed: Duration::ZERO }
    }

    fn verdict(status: u16, body: &str, batches: usize) -> &'static str {
        match judge(&answer(status, body), batches) {
            Verdict::Accepted => "accepted",
            Verdict::AcceptedExcept(_) => "except",
            Verdict::Rejected(_) => "rejected",
            Verdict::Split(_) => "split",
            Verdict::Refused(_) => "refused",
            Verdict::Retry { .. } => "retry",
        }
    }

    #[test]
    fn a_2xx_is_acceptance_only_if_its_body_agrees() {
        for body in [
            "",
            "  ",
            "{}",
            "[]",
            r#"{"success":true}"#,
            r#"{"status":"success"}"#,
            r#"{"errors":[]}"#,
            "OK",
            "Accepted",
        ] {
            assert_eq!(verdict(202, body, 3), "accepted", "{body:?}");
        }
        assert_eq!(verdict(200, "<!DOCTYPE html><title>Sign in</title>", 3), "retry");
        assert_eq!(verdict(202, "{\"errors\":[", 3), "retry");
        assert_eq!(verdict(200, r#"{"status":"failure","error":{"message":"no"}}"#, 3), "split");
        assert_eq!(verdict(200, r#"{"success":false}"#, 1), "rejected");
    }

    #[test]
    fn errors_are_mapped_to_the_users_they_name() {
        let body = r#"{"errors":[{"code":"BAD_REQUEST","message":"Error converting value &quot;x&quot;. Path '[1].mpid', line 1, position 9."}]}"#;
        let Verdict::AcceptedExcept(rejected) = judge(&answer(202, body), 3) else { panic!("not mapped") };
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].0, 1);
        assert!(rejected[0].1.starts_with("Error converting value \"x\""));
        assert_eq!(verdict(202, &body.replace("[1]", "[7]"), 3), "split", "a place outside the request");
        assert_eq!(verdict(202, &body.replace("Path '[1].mpid'", "Path 'data'"), 3), "split");
        assert_eq!(verdict(202, body, 1), "rejected");
    }

    #[test]
    fn a_400_is_split_until_the_offender_stands_alone() {
        assert_eq!(verdict(400, r#"{"errors":[{"message":"malformed"}]}"#, 2), "split");
        assert_eq!(verdict(400, "", 1), "rejected");
        assert_eq!(verdict(413, "", 100), "split");
        assert_eq!(verdict(413, "", 1), "rejected");
        let each = r#"{"errors":[{"message":"Path '[0].a'"},{"message":"Path '[1].a'"}]}"#;
        assert_eq!(verdict(400, each, 2), "except");
    }

    #[test]
    fn too_large_is_split_even_when_a_proxy_says_so() {
        let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
        assert_eq!(verdict(413, page, 100), "split");
        assert_eq!(verdict(413, page, 1), "rejected");
    }

    #[test]
    fn a_place_that_the_users_own_text_quotes_is_not_believed() {
        let quoting = r#"{"errors":[{"message":"Error converting value &quot;Path '[0]'&quot;. Path '[2].user_identities', line 1, position 9."}]}"#;
        let Verdict::AcceptedExcept(rejected) = judge(&answer(202, quoting), 3) else { panic!("not mapped") };
        assert_eq!(rejected[0].0, 2);
    }

    #[test]
    fn errors_in_another_shape_are_no_acceptance() {
        for body in [r#"{"errors":{"0":"bad"}}"#, r#"{"errors":"bad"}"#, r#"{"errors":{"message":"bad"}}"#] {
            assert_eq!(verdict(202, body, 3), "split", "{body}");
        }
        for body in [r#"{"errors":{}}"#, r#"{"errors":null}"#, r#"{"errors":""}"#] {
            assert_eq!(verdict(202, body, 3), "accepted", "{body}");
        }
    }

    #[test]
    fn what_needs_a_person_and_what_needs_time() {
        for status in [401, 403, 404, 410, 301, 307] {
            assert_eq!(verdict(status, "", 5), "refused", "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(verdict(status, "", 5), "retry", "{status}");
        }
        assert_eq!(verdict(400, "<html><title>Bad</title>", 5), "retry");
    }

    proptest! {
        #[test]
        fn no_answer_makes_judging_panic(
            status in 100..600_u16,
            body in prop::collection::vec(any::<u8>(), 0..120),
            batches in 1..5_usize,
        ) {
            let mut answer = answer(status, "");
            answer.body = body.into();
            let _ = judge(&answer, batches);
        }

        #[test]
        fn no_message_makes_judging_panic(message in "(Path '\\[)?[0-9\\]'x]{0,30}", batches in 1..5_usize) {
            let body = serde_json::json!({ "errors": [{ "message": message }] }).to_string();
            if let Verdict::AcceptedExcept(rejected) = judge(&answer(202, &body), batches) {
                prop_assert!(rejected.iter().all(|(place, _)| *place < batches));
            }
        }
    }
}
