//! A page of a cohort's members, read in place: each profile is handed on borrowed from the page's bytes, properties
//! that nobody asked for are passed over, and no tree of values is ever built. Ids are read as the digits that were sent,
//! never through a floating-point number. What a page comes to belongs to `domain::harvest`.

use super::json::{Names, Unexpected, Value, Walk, walk};
use super::wire::{raw_id, text_of};
use crate::domain::harvest::{Gathering, Harvest};
use crate::domain::number::thousands;
use crate::domain::property::{Extras, PropertyNames};
use crate::domain::{Profile, RawId};

/// What stands around the profiles of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageHead {
    /// The echo of the page that was asked for.
    pub page: Option<u64>,
    /// How many profiles a full page holds.
    pub page_size: Option<u64>,
    /// The session that pages on.
    pub session_id: Option<String>,
    /// How many profiles the read will bring.
    pub total: Option<u64>,
    /// Whether there was a `results` list at all; without one it is no page.
    pub has_results: bool,
    /// Profiles on the page.
    pub profiles: usize,
}

impl PageHead {
    /// The page as JSON, without the people on it: who they are is nobody's business but the export's.
    #[must_use]
    pub fn in_brief(&self) -> String {
        let results = format!("{} profiles, which are not kept here", thousands(self.profiles as u64));
        let mut brief = serde_json::json!({ "results": results });
        for (name, number) in [("page", self.page), ("page_size", self.page_size), ("total", self.total)] {
            if let Some(number) = number {
                brief[name] = number.into();
            }
        }
        if let Some(session) = &self.session_id {
            brief["session_id"] = session.as_str().into();
        }
        brief.to_string()
    }
}

/// Gathers the profiles of a page.
///
/// # Errors
/// The body is no page, or only half of one.
pub fn gather(
    body: &[u8],
    number: u32,
    gathering: &Gathering,
) -> Result<(Harvest, PageHead), serde_json::Error> {
    let mut harvest = Harvest::of_page(number, gathering);
    let head = read_page(body, &gathering.properties, &mut |profile| harvest.take(profile))?;
    Ok((harvest, head))
}

/// Reads a page, handing every profile to `each` with what it holds in these properties.
pub(super) fn read_page(
    body: &[u8],
    names: &PropertyNames,
    each: &mut dyn FnMut(&Profile<'_>),
) -> Result<PageHead, serde_json::Error> {
    let text = std::str::from_utf8(body).map_err(serde::de::Error::custom)?;
    let mut head = PageHead::default();
    let mut reading = Reading { names, fields: Names::default(), properties: Names::default() };
    walk(text, |page| {
        page.object("a page of profiles", |page, field| {
            match field {
                "page" => head.page = number(page.value()?),
                "page_size" => head.page_size = number(page.value()?),
                "total" => head.total = number(page.value()?),
                "session_id" => head.session_id = text_of(page.value()?),
                "results" => {
                    head.has_results = true;
                    head.profiles = 0;
                    page.list("a list of profiles", |results| {
                        head.profiles += 1;
                        reading.profile(results, each)
                    })?;
                }
                _ => drop(page.value()?),
            }
            Ok(())
        })
    })?;
    Ok(head)
}

/// What is meant by the fields of profiles and of their `$properties`.
struct Reading<'a, 'n> {
    names: &'n PropertyNames,
    fields: Names<'a, Field>,
    properties: Names<'a, Property>,
}

/// A field of a profile.
#[derive(Clone, Copy)]
enum Field {
    DistinctId,
    Properties,
    Other,
}

/// One of the `$properties`.
#[derive(Clone, Copy)]
struct Property {
    is_mpid: bool,
    is_last_seen: bool,
    /// Its place among those that were asked for.
    place: Option<usize>,
}

impl<'a> Reading<'a, '_> {
    /// Reads a profile, which borrows from the page. Both ids stay raw: the OpenAPI file says that `$distinct_id` is an
    /// integer, real answers hold strings.
    fn profile(&mut self, page: &mut Walk<'a>, each: &mut dyn FnMut(&Profile<'_>)) -> Result<(), Unexpected> {
        let mut profile = Profile {
            distinct_id: RawId::Missing,
            mparticle_user_id: RawId::Missing,
            last_seen: None,
            has_profile: false,
            extras: Extras::default(),
        };
        let Self { names, fields, properties } = self;
        let meaning = |field: &str| match field {
            "$distinct_id" => Field::DistinctId,
            "$properties" => Field::Properties,
            _ => Field::Other,
        };
        page.alike("a profile", fields, meaning, |page, field| {
            match field {
                Field::DistinctId => profile.distinct_id = raw_id(page.value()?),
                Field::Properties if page.next() == Some(b'n') => drop(page.value()?),
                Field::Properties => read_properties(page, names, properties, &mut profile)?,
                Field::Other => drop(page.value()?),
            }
            Ok(())
        })?;
        each(&profile);
        Ok(())
    }
}

/// Reads what is wanted of `$properties`, as it was sent.
fn read_properties<'a>(
    page: &mut Walk<'a>,
    names: &PropertyNames,
    known: &mut Names<'a, Property>,
    profile: &mut Profile<'a>,
) -> Result<(), Unexpected> {
    profile.has_profile = true;
    let meaning = |name: &str| Property {
        is_mpid: name == "$mparticle_user_id",
        is_last_seen: name == "$last_seen",
        place: names.place(name),
    };
    page.alike("properties", known, meaning, |page, property| {
        let value = page.value()?;
        if property.is_mpid {
            profile.mparticle_user_id = raw_id(value);
        } else if property.is_last_seen {
            profile.last_seen = match raw_id(value) {
                RawId::Text(text) | RawId::Number(text) => Some(text),
                RawId::Missing | RawId::Other(_) => None,
            };
        }
        if let Some(place) = property.place {
            profile.extras.put(place, value.json());
        }
        Ok(())
    })
}

fn number(value: Value<'_>) -> Option<u64> {
    value.json().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;

    fn profiles(body: &str) -> (PageHead, Vec<(String, String)>) {
        let mut seen = Vec::new();
        let head = read_page(body.as_bytes(), &PropertyNames::default(), &mut |profile| {
            seen.push((format!("{:?}", profile.distinct_id), format!("{:?}", profile.mparticle_user_id)));
        });
        (head.unwrap(), seen)
    }

    const NAMES: [&str; 3] = ["$os", "a \"b\"", "$last_seen"];

    /// A value of any kind; numbers are such as the library keeps whole.
    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (0..99_i16).prop_map(|number| (f64::from(number) / 8.0).into()),
            "\\PC{0,24}".prop_map(Into::into),
            "[0-9a-f-]{0,40}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec(("\\PC{0,9}", inner), 0..4)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    /// An object with some of these fields, and with others.
    fn object(names: &'static [&'static str]) -> impl Strategy<Value = serde_json::Value> {
        let name = prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => "\\PC{0,20}"];
        prop::collection::vec((name, value()), 0..9).prop_map(|fields| fields.into_iter().collect())
    }

    fn page() -> impl Strategy<Value = serde_json::Value> {
        let properties = object(&["$mparticle_user_id", "$last_seen", "$os", "a \"b\""]);
        let properties = prop_oneof![1 => Just(serde_json::Value::Null), 8 => properties];
        let profile = (object(&["$distinct_id"]), prop::option::of(properties)).prop_map(
            |(mut profile, properties)| {
                if let Some(properties) = properties {
                    profile["$properties"] = properties;
                }
                profile
            },
        );
        (object(&["total", "status"]), prop::collection::vec(profile, 0..5)).prop_map(
            |(mut page, profiles)| {
                page["results"] = profiles.into();
                page
            },
        )
    }

    /// Writes JSON with white space, escapes and an order of fields as it happens.
    fn write(value: &serde_json::Value, random: &mut fastrand::Rng, text: &mut String) {
        let space = |random: &mut fastrand::Rng| ["", "", "", " ", "\n\t", "\r\n  "][random.usize(..6)];
        let string = |string: &str, random: &mut fastrand::Rng, text: &mut String| {
            let plain = random.bool();
            text.push('"');
            for letter in string.chars() {
                if letter.is_control() || matches!(letter, '"' | '\\') || (!plain && random.u8(..5) == 0) {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        write!(text, "\\u{unit:04x}").unwrap();
                    }
                } else {
                    text.push(letter);
                }
            }
            text.push('"');
        };
        text.push_str(space(random));
        match value {
            serde_json::Value::String(held) => string(held, random, text),
            serde_json::Value::Array(held) => {
                text.push('[');
                for (place, value) in held.iter().enumerate() {
                    text.push_str(if place > 0 { "," } else { "" });
                    write(value, random, text);
                }
                text.push_str(space(random));
                text.push(']');
            }
            serde_json::Value::Object(held) => {
                let mut fields: Vec<_> = held.iter().collect();
                random.shuffle(&mut fields);
                text.push('{');
                for (place, (name, value)) in fields.into_iter().enumerate() {
                    text.push_str(if place > 0 { "," } else { "" });
                    text.push_str(space(random));
                    string(name, random, text);
                    text.push_str(space(random));
                    text.push(':');
                    write(value, random, text);
                }
                text.push_str(space(random));
                text.push('}');
            }
            other => text.push_str(&other.to_string()),
        }
        text.push_str(space(random));
    }

    fn is_id(id: &RawId<'_>, expected: &serde_json::Value) -> bool {
        match (id, expected) {
            (RawId::Missing, serde_json::Value::Null) => true,
            (RawId::Text(text), serde_json::Value::String(expected)) => **text == **expected,
            (RawId::Number(text), serde_json::Value::Number(expected)) => **text == expected.to_string(),
            (RawId::Other(json), _) => {
                serde_json::from_str::<serde_json::Value>(json).ok().as_ref() == Some(expected)
            }
            _ => false,
        }
    }

    #[test]
    fn a_page_is_read_with_its_ids_as_they_were_sent() {
        let (head, seen) = profiles(
            r#"{"page": 0, "page_size": 1000, "session_id": "1-A", "status": "ok", "total": 4, "results": [
                {"$distinct_id": 4, "$properties": {"$email": "x", "$mparticle_user_id": 9223372036854775807}},
                {"$distinct_id": "a\"b", "$properties": {"$mparticle_user_id": "-5", "deep": {"a": [1]}}},
                {"$distinct_id": "c", "$properties": {}},
                {"$distinct_id": "d"}]}"#,
        );
        assert_eq!((head.page, head.page_size, head.total, head.profiles), (Some(0), Some(1000), Some(4), 4));
        assert_eq!(head.session_id.as_deref(), Some("1-A"));
        assert_eq!(seen[0], (r#"Number("4")"#.into(), r#"Number("9223372036854775807")"#.into()));
        assert_eq!(seen[1], (r#"Text("a\"b")"#.into(), r#"Text("-5")"#.into()));
        assert_eq!(seen[2].1, "Missing");
        assert_eq!(seen[3].1, "Missing");
    }

    #[test]
    fn half_a_page_and_no_page_are_errors_or_without_results() {
        let none = PropertyNames::default();
        assert!(read_page(br#"{"results": [{"$distinct_id": 1}"#, &none, &mut |_| {}).is_err());
        assert!(
            read_page(br#"{"results": [{"$distinct_id": 1, "$properties": 3}]}"#, &none, &mut |_| {})
                .is_err()
        );
        assert!(!read_page(br#"{"status": "ok"}"#, &none, &mut |_| {}).unwrap().has_results);
    }

    #[test]
    fn a_page_may_be_nested_however_deep() {
        let (names, levels) = (PropertyNames::of(["deep"]), 100_000);
        for place in [
            r#"{"results": [{"$distinct_id": @}]}"#,
            r#"{"results": [{"other": @}]}"#,
            r#"{"results": [{"$properties": {"deep": @, "$mparticle_user_id": @}}]}"#,
            r#"{"other": @, "results": []}"#,
        ] {
            for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
                let whole = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                assert!(read_page(place.replace('@', &whole).as_bytes(), &names, &mut |_| {}).is_ok());
                let cut_short = place.replacen('@', &open.repeat(levels), 1);
                assert!(read_page(cut_short.as_bytes(), &names, &mut |_| {}).is_err());
            }
        }
        let lists = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for place in ["@", r#"{"results": @}"#, r#"{"results": [{"$properties": @}]}"#] {
            assert!(read_page(place.replace('@', &lists).as_bytes(), &names, &mut |_| {}).is_err());
        }
    }

    #[test]
    fn what_stands_behind_a_page_or_is_no_text_makes_it_none() {
        let read = |body: &[u8]| read_page(body, &PropertyNames::default(), &mut |_| {});
        assert!(read(b"{\"results\": []} \n").is_ok());
        for body in
            [&b"{\"results\": []} x"[..], b"{\"results\": []}{}", b"{\"results\": [{\"a\": \"\xFF\"}]}", b""]
        {
            assert!(read(body).is_err());
        }
        let told = read(br#"{"results": [{"$distinct_id": "ann"}"#).unwrap_err();
        assert!(told.is_eof(), "{told}");
        let told = read(br#"{"results": [{"$distinct_id": "ann"}, 7]}"#).unwrap_err();
        assert_eq!(told.to_string(), "a profile was expected");
    }

    #[test]
    fn half_a_pair_of_surrogates_spoils_its_value_only() {
        let (_, seen) =
            profiles(r#"{"results": [{"$distinct_id": "\ud800", "x": "\udc00"}, {"$distinct_id": "b"}]}"#);
        assert_eq!(seen[0].0, r#"Text("\"\\ud800\"")"#);
        assert_eq!(seen[1].0, r#"Text("b")"#);
    }

    proptest! {
        #[test]
        fn a_page_holds_what_the_library_reads_in_it(page in page(), seed in any::<u64>()) {
            let mut text = String::new();
            write(&page, &mut fastrand::Rng::with_seed(seed), &mut text);
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&text).unwrap(), &page);
            let names = PropertyNames::of(NAMES);
            let mut profiles = page["results"].as_array().unwrap().iter();
            let head = read_page(text.as_bytes(), &names, &mut |profile| {
                let expected = profiles.next().unwrap();
                let properties = &expected["$properties"];
                assert!(is_id(&profile.distinct_id, &expected["$distinct_id"]));
                assert!(is_id(&profile.mparticle_user_id, &properties["$mparticle_user_id"]));
                assert_eq!(profile.has_profile, properties.is_object());
                let last_seen = match &properties["$last_seen"] {
                    serde_json::Value::String(text) => Some(text.clone()),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                assert_eq!(profile.last_seen.as_deref(), last_seen.as_deref());
                for (place, name) in names.iter().enumerate() {
                    let held = profile.extras.json(place).map(|json| serde_json::from_str(json).unwrap());
                    assert_eq!(held.as_ref(), properties.get(name));
                }
            }).unwrap();
            prop_assert!(profiles.next().is_none());
            prop_assert_eq!(head.profiles, page["results"].as_array().unwrap().len());
            prop_assert_eq!(head.total, page["total"].as_u64());
        }

        #[test]
        fn every_mpid_survives_the_wire(mpid in any::<i64>(), as_number in any::<bool>()) {
            let json = if as_number { mpid.to_string() } else { format!("\"{mpid}\"") };
            let body = format!(r#"{{"results":[{{"$distinct_id":"a","$properties":{{"$mparticle_user_id":{json}}}}}]}}"#);
            let mut read = None;
            read_page(body.as_bytes(), &PropertyNames::default(), &mut |profile| read = crate::domain::member::parse_mpid(&profile.mparticle_user_id).ok()).unwrap();
            prop_assert_eq!(read, Some(mpid));
        }

        #[test]
        fn no_bytes_make_reading_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_page(&body, &PropertyNames::default(), &mut |_| {});
        }
    }
}
