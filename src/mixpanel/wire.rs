//! The exact JSON of the cohort list and of errors, and what an id may be in any answer. Pages of members, which are
//! read millions of profiles at a time, belong to `page`.

use super::json::{Value, unquoted};
use crate::domain::{Cohort, CohortId, RawId};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One entry of the cohort list; every field may be null in practice.
#[derive(Deserialize)]
struct CohortEntry<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    is_visible: Option<Flag>,
    #[serde(default)]
    created: Option<String>,
    /// Undocumented: null for a cohort of users, the group's id for a cohort of groups.
    #[serde(borrow, default)]
    data_group_id: Option<&'a RawValue>,
}

/// Documented as 0 or 1; a boolean does as well.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Boolean(bool),
    Number(i64),
}

/// Reads the cohort list: the cohorts, and how many entries had no id or name to work with.
pub(super) fn read_cohorts(body: &[u8]) -> Result<(Vec<Cohort>, usize), serde_json::Error> {
    let entries: Vec<CohortEntry<'_>> = serde_json::from_slice(body)?;
    let listed = entries.len();
    let cohorts: Vec<Cohort> = entries.into_iter().filter_map(cohort).collect();
    let skipped = listed - cohorts.len();
    Ok((cohorts, skipped))
}

fn cohort(entry: CohortEntry<'_>) -> Option<Cohort> {
    let id = match raw_id(Value::Other(entry.id?.get())) {
        RawId::Text(id) | RawId::Number(id) => id.trim().parse().ok()?,
        RawId::Missing | RawId::Other(_) => return None,
    };
    let data_group_id = entry.data_group_id.and_then(|id| text_of(Value::Other(id.get())));
    Some(Cohort {
        id: CohortId(id),
        name: entry.name?,
        description: entry.description.unwrap_or_default(),
        count: entry.count,
        created: entry.created.unwrap_or_default(),
        visible: !matches!(entry.is_visible, Some(Flag::Boolean(false) | Flag::Number(0))),
        data_group_id,
    })
}

/// What an id or another text holds, where it holds anything.
pub(super) fn text_of(value: Value<'_>) -> Option<String> {
    raw_id(value).evidence().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// An id with the digits or letters that were sent.
pub(super) fn raw_id(value: Value<'_>) -> RawId<'_> {
    let json = match value {
        Value::Plain(json) => return RawId::Text(Cow::Borrowed(unquoted(json))),
        Value::Other(json) => json,
    };
    match json.as_bytes().first() {
        // What is a string but does not read as one, as half a pair of surrogates, is shown as it was sent.
        Some(b'"') => RawId::Text(serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned)),
        Some(b'-' | b'0'..=b'9') => RawId::Number(Cow::Borrowed(json)),
        Some(b'n') => RawId::Missing,
        _ => RawId::Other(Cow::Borrowed(json)),
    }
}

/// The text of an error answer, in any of the shapes seen: `error` or `message`, a string or something else.
pub(super) fn error_text(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let said = value.get("error").or_else(|| value.get("message"))?;
    Some(said.as_str().map_or_else(|| said.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_tolerates_what_real_answers_hold() {
        let (cohorts, skipped) = read_cohorts(
            br#"[{"count": 150, "is_visible": 1, "description": "", "created": "2019-03-19 23:49:51", "project_id": 1, "id": 1000, "name": "One", "data_group_id": null},
                {"id": "7", "name": "Two", "is_visible": 0, "data_group_id": 77, "extra": []},
                {"id": null, "name": "no id"}, {"id": 3, "name": null}]"#,
        )
        .unwrap();
        assert_eq!(skipped, 2);
        assert_eq!(
            (cohorts[0].id, cohorts[0].count, cohorts[0].visible, cohorts[0].is_group()),
            (CohortId(1000), Some(150), true, false)
        );
        assert_eq!(
            (cohorts[1].id, cohorts[1].count, cohorts[1].visible, cohorts[1].is_group()),
            (CohortId(7), None, false, true)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_cohorts(&body);
            let _ = error_text(&body);
        }
    }
}
