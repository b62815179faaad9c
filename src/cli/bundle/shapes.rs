//! Ids that a text gives away by itself: values behind the name of an identity, e-mail addresses, UUIDs, anonymous ids, long
//! numbers; and halves of ids that were cut off with a text. And the descriptions of cohorts, which are no ids.

use crate::config::{FallbackIdentity, Word};
use crate::store::ANSWER_CHARACTERS;
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// A place in a text where an id stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Where.
    pub range: Range<usize>,
    /// The id, as it is spelled elsewhere.
    pub id: String,
}

/// Names of identities beside mParticle's own.
const NAMES: [&str; 9] = [
    "mpid",
    "distinct_id",
    "$distinct_id",
    "$mparticle_user_id",
    "mparticle_user_id",
    "user_id",
    "$user_id",
    "device_id",
    "identity_value",
];

/// The name of an identity, what divides it from its value, and the value: in quotes (perhaps escaped, perhaps cut off) or a
/// bare word.
#[expect(clippy::expect_used, reason = "the pattern never changes, and a test reads it")]
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let names = NAMES.into_iter().chain(FallbackIdentity::ALL.iter().map(|identity| identity.as_str()));
    let names: Vec<String> = names.map(regex::escape).collect();
    let pattern = format!(
        r#"(?i)(?:^|[^\w$])(?:{})(?:\\?["'”’])?\s*[:=]\s*(?:\\?["'“‘]((?:[^"'\\”’]|\\[^"'])*)|([^\s"'\\,;:{{}}\[\]()<>]+))"#,
        names.join("|")
    );
    Regex::new(&pattern).expect("a constant pattern")
});

/// What this program itself gives a request, which is nobody's; then an e-mail address, a UUID, an anonymous id, a number as
/// long as an MPID.
#[expect(clippy::expect_used, reason = "the pattern never changes, and a test reads it")]
static SHAPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (cohort-sync-[0-9a-f]+-\d+-\d+-\d+)
        | [\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}
        | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
        | \$device:[^\s"'\\,;)}\]>]+
        | -?\d{10,}"#,
    )
    .expect("a constant pattern")
});

/// A description within an answer that lists cohorts, perhaps cut off.
#[expect(clippy::expect_used, reason = "the pattern never changes, and a test reads it")]
static DESCRIPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"("description"\s*:\s*)"(?:[^"\\]|\\.)*\\?(?:"|\z)"#).expect("a constant pattern")
});

/// The text without what people wrote about their cohorts: it helps nobody, and may say anything.
pub(super) fn without_descriptions(text: &str) -> Cow<'_, str> {
    DESCRIPTION.replace_all(text, r#"$1"(left out)""#)
}

/// The values that a text names as identities.
pub(super) fn named_values(text: &str) -> Vec<Shape> {
    let shape = |captures: Captures<'_>| {
        let value = captures.get(1).or_else(|| captures.get(2)).filter(|value| !value.is_empty())?;
        Some(Shape { range: value.range(), id: plain(value.as_str()) })
    };
    NAMED.captures_iter(text).filter_map(shape).collect()
}

/// What looks like an id wherever it stands.
pub(super) fn shaped_like_ids(text: &str) -> Vec<Shape> {
    let shape = |captures: Captures<'_>| {
        let whole = captures.get(0).filter(|_| captures.get(1).is_none())?;
        Some(Shape { range: whole.range(), id: whole.as_str().to_owned() })
    };
    SHAPED.captures_iter(text).filter_map(shape).collect()
}

/// A value out of a JSON text without its escapes, where it is whole.
fn plain(value: &str) -> String {
    serde_json::from_str(&format!("\"{value}\"")).unwrap_or_else(|_| value.to_owned())
}

/// The text without the word before each place where it was cut off: it may be half of an id, and half an id can be
/// recognised by nothing.
pub(super) fn without_halves(text: &str) -> String {
    const CUT: char = '…';
    let ends_a_word = |c: char| c.is_whitespace() || "\"'“”‘’([{<>,:;=".contains(c);
    let without_last = |part: &str| {
        let end =
            part.rfind(ends_a_word).map_or(0, |at| at + part[at..].chars().next().map_or(0, char::len_utf8));
        part[..end].to_owned()
    };
    let was_cut = text.chars().count() >= ANSWER_CHARACTERS && !text.ends_with(CUT);
    let mut parts: Vec<String> = text.split(CUT).map(str::to_owned).collect();
    let last = parts.len() - usize::from(!was_cut);
    for part in &mut parts[..last] {
        *part = without_last(part);
    }
    let whole = parts.join(&CUT.to_string());
    if was_cut { whole + &CUT.to_string() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(shapes: Vec<Shape>) -> Vec<String> {
        shapes.into_iter().map(|shape| shape.id).collect()
    }

    #[test]
    fn values_are_found_behind_the_names_of_identities() {
        let text =
            r#"{"mpid":-12,"user_identities":{"customer_id":"a \"b\"","email":"x@y.z"}} distinct_id=anna, "#;
        assert_eq!(ids(named_values(text)), ["-12", "a ", "x@y.z", "anna"]);
        let escaped = r#"{\"other_id_2\":\"bob\",\"value\":1}"#;
        assert_eq!(ids(named_values(escaped)), ["bob"]);
        assert_eq!(ids(named_values(r#"{"customer_id":"cut of"#)), ["cut of"]);
        assert_eq!(ids(named_values("an unknown email was sent; my mpid is missing")), [""; 0]);
    }

    #[test]
    fn descriptions_of_cohorts_go_whole_or_cut_off() {
        let answer = r#"[{"description":"Ask \"Ann\", please","id":1},{"description": "","id":2},{"description":null},{"description":"cut o\"#;
        assert_eq!(
            without_descriptions(answer),
            r#"[{"description":"(left out)","id":1},{"description": "(left out)","id":2},{"description":null},{"description":"(left out)""#
        );
        assert_eq!(without_descriptions("a description: none"), "a description: none");
    }

    #[test]
    fn what_looks_like_an_id_is_found_and_our_own_names_are_not() {
        let text = "anna.b@example.co.uk, 9d35cd7f-3f06-4549-91bf-198ee58bb58a and $device:18a-x; -8553083063767933171, \
                    cohort-sync-37828b0c78d5-4-1795630213912-2200, 2026-11-25T18:10:33.426Z, 127.0.0.1:8080, 51,002 users";
        assert_eq!(
            ids(shaped_like_ids(text)),
            [
                "anna.b@example.co.uk",
                "9d35cd7f-3f06-4549-91bf-198ee58bb58a",
                "$device:18a-x",
                "-8553083063767933171"
            ]
        );
    }

    #[test]
    fn the_word_before_a_cut_goes() {
        assert_eq!(without_halves("unknown user ann…"), "unknown user …");
        assert_eq!(without_halves("“no: ann…” (twice), “bo…”"), "“no: …” (twice), “…”");
        assert_eq!(without_halves("whole, nothing cut"), "whole, nothing cut");
        let long = format!("{} half", "x".repeat(ANSWER_CHARACTERS));
        assert_eq!(without_halves(&long), format!("{} …", "x".repeat(ANSWER_CHARACTERS)));
    }
}
