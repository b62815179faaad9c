//! Asking after one user: the profiles that bear an id, and whether they are in a cohort. Each costs one query. What is
//! asked stands here as a form; the answer is a page like any other.
//!
//! The profile of a `$distinct_id` is asked for by the parameter made for that. Everything else goes by `where`, which
//! the reference lets one combine with `filter_by_cohort`; no source says whether the two of them and `distinct_id`
//! go together, and an answer to a question that was half ignored looks like a good one.

use super::client::OUTPUT_PROPERTIES;
use crate::domain::{CohortId, UserId};
use bytes::Bytes;
use std::fmt;

/// What to ask.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// The profiles that have this id, as `$distinct_id` or as `$mparticle_user_id`.
    Profiles(&'a UserId),
    /// Which of these are in a cohort.
    Members {
        /// The cohort.
        cohort: CohortId,
        /// The `$distinct_id`s, as Mixpanel spells them.
        distinct_ids: &'a [Box<str>],
    },
}

impl fmt::Display for Lookup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profiles(_) => f.write_str("the profile of one user"),
            Self::Members { cohort, .. } => write!(f, "one user in cohort {cohort}"),
        }
    }
}

impl Lookup<'_> {
    /// The parameters (Mixpanel reference, Query Profiles).
    pub(super) fn form(self) -> Bytes {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::Profiles(id) if id.mpid().is_none() => {
                form.append_pair("distinct_id", id.as_str());
            }
            Self::Profiles(id) => {
                let either = [equals("$mparticle_user_id", id.as_str()), equals("$distinct_id", id.as_str())];
                form.append_pair("where", &either.join(" or "));
            }
            Self::Members { cohort, distinct_ids } => {
                let any: Vec<String> = distinct_ids.iter().map(|id| equals("$distinct_id", id)).collect();
                form.append_pair("filter_by_cohort", &format!("{{\"id\":{cohort}}}"))
                    .append_pair("include_all_users", "true")
                    .append_pair("where", &any.join(" or "));
            }
        }
        form.append_pair("output_properties", OUTPUT_PROPERTIES).append_pair("page", "0");
        Bytes::from(form.finish())
    }
}

/// That a property is this text, or this number where it is one: values of different types are never equal
/// (Mixpanel reference, Segmentation Expressions), and ids come as either.
fn equals(property: &str, text: &str) -> String {
    let quoted = text.replace('\\', r"\\").replace('"', "\\\"");
    let as_text = format!("properties[\"{property}\"] == \"{quoted}\"");
    // As it is printed again, for what is only nearly a number would be a syntax error.
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => {
            format!("{as_text} or properties[\"{property}\"] == {number}")
        }
        _ => as_text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(lookup: Lookup<'_>) -> Vec<(String, String)> {
        form_urlencoded::parse(&lookup.form()).into_owned().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_distinct_id_is_asked_for_by_its_own_parameter() {
        let id = UserId::parse("$device:a&b=1").unwrap();
        let expected = [
            pair("distinct_id", "$device:a&b=1"),
            pair("output_properties", r#"["$mparticle_user_id","$last_seen"]"#),
            pair("page", "0"),
        ];
        assert_eq!(pairs(Lookup::Profiles(&id)), expected);
    }

    #[test]
    fn an_integer_is_looked_for_as_either_id_and_as_text_and_number() {
        let id = UserId::parse("-77").unwrap();
        let wanted = r#"properties["$mparticle_user_id"] == "-77" or properties["$mparticle_user_id"] == -77 or properties["$distinct_id"] == "-77" or properties["$distinct_id"] == -77"#;
        assert_eq!(pairs(Lookup::Profiles(&id))[0], pair("where", wanted));
        assert_eq!(equals("p", "007"), r#"properties["p"] == "007""#, "not the number 7");
    }

    #[test]
    fn a_quotation_mark_does_not_end_the_text() {
        let ids = [Box::from(r#"a" or "b\"#), Box::from("c")];
        let lookup = Lookup::Members { cohort: CohortId(5), distinct_ids: &ids };
        let wanted = r#"properties["$distinct_id"] == "a\" or \"b\\" or properties["$distinct_id"] == "c""#;
        let pairs = pairs(lookup);
        assert_eq!(pairs[..2], [pair("filter_by_cohort", r#"{"id":5}"#), pair("include_all_users", "true")]);
        assert_eq!(pairs[2], pair("where", wanted));
    }
}
