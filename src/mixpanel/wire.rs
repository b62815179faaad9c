//! The exact JSON of both operations, and nothing else. Pages are decoded as a stream and in place: each
//! profile is handed on borrowed from the page's bytes, unneeded properties are skipped, and no tree of values
//! is ever built. Ids are read as the digits that were sent, never through a floating-point number.

use crate::domain::harvest::{Gathering, Harvest};
use crate::domain::number::thousands;
use crate::domain::property::{Extras, PropertyNames};
use crate::domain::{Cohort, CohortId, Profile, RawId};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

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
    let id = match raw_id(entry.id?) {
        RawId::Text(id) | RawId::Number(id) => id.trim().parse().ok()?,
        RawId::Missing | RawId::Other(_) => return None,
    };
    let data_group_id = entry.data_group_id.map(raw_id).and_then(|id| id.evidence().map(str::to_owned));
    Some(Cohort {
        id: CohortId(id),
        name: entry.name?,
        description: entry.description.unwrap_or_default(),
        count: entry.count,
        created: entry.created.unwrap_or_default(),
        visible: !matches!(entry.is_visible, Some(Flag::Boolean(false) | Flag::Number(0))),
        data_group_id: data_group_id.filter(|id| !id.is_empty()),
    })
}

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
    // Text that is known to be text is read faster than text that is looked at piece by piece.
    let text = std::str::from_utf8(body).map_err(serde::de::Error::custom)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let head = PageSeed { names, each }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(head)
}

struct PageSeed<'f> {
    names: &'f PropertyNames,
    each: &'f mut dyn FnMut(&Profile<'_>),
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = PageHead;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PageHead, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = PageHead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of profiles")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PageHead, A::Error> {
        let mut head = PageHead::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            match key.as_ref() {
                "page" => head.page = number(map.next_value()?),
                "page_size" => head.page_size = number(map.next_value()?),
                "total" => head.total = number(map.next_value()?),
                "session_id" => head.session_id = text(map.next_value()?),
                "results" => {
                    head.has_results = true;
                    head.profiles =
                        map.next_value_seed(ResultsSeed { names: self.names, each: &mut *self.each })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}

fn number(raw: Option<&RawValue>) -> Option<u64> {
    raw?.get().trim_matches('"').parse().ok()
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    raw.map(raw_id)?.evidence().filter(|id| !id.is_empty()).map(str::to_owned)
}

struct ResultsSeed<'f> {
    names: &'f PropertyNames,
    each: &'f mut dyn FnMut(&Profile<'_>),
}

impl<'de> DeserializeSeed<'de> for ResultsSeed<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of profiles")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut profiles: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while profiles.next_element_seed(ProfileSeed { names: self.names, each: &mut *self.each })?.is_some()
        {
            count += 1;
        }
        Ok(count)
    }
}

/// The name of a field, borrowed where it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A profile on the wire, handed on from where it was read. Both ids stay raw: the OpenAPI file says that
/// `$distinct_id` is an integer, real answers hold strings.
struct ProfileSeed<'f> {
    names: &'f PropertyNames,
    each: &'f mut dyn FnMut(&Profile<'_>),
}

impl<'de> DeserializeSeed<'de> for ProfileSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ProfileSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a profile")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut profile = Profile {
            distinct_id: RawId::Missing,
            mparticle_user_id: RawId::Missing,
            last_seen: None,
            has_profile: false,
            extras: Extras::default(),
        };
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            match key.as_ref() {
                "$distinct_id" => profile.distinct_id = raw_id(map.next_value()?),
                "$properties" => {
                    map.next_value_seed(PropertiesSeed { names: self.names, profile: &mut profile })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        (self.each)(&profile);
        Ok(())
    }
}

/// What is wanted of `$properties`, as it was sent.
struct PropertiesSeed<'f, 'de> {
    names: &'f PropertyNames,
    profile: &'f mut Profile<'de>,
}

impl<'de> DeserializeSeed<'de> for PropertiesSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for PropertiesSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { names, profile } = self;
        profile.has_profile = true;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let (is_mpid, is_last_seen) = (key == "$mparticle_user_id", key == "$last_seen");
            let place = names.place(&key);
            if !is_mpid && !is_last_seen && place.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &'de RawValue = map.next_value()?;
            if is_mpid {
                profile.mparticle_user_id = raw_id(value);
            } else if is_last_seen {
                profile.last_seen = match raw_id(value) {
                    RawId::Text(text) | RawId::Number(text) => Some(text),
                    RawId::Missing | RawId::Other(_) => None,
                };
            }
            if let Some(place) = place {
                profile.extras.put(place, value.get());
            }
        }
        Ok(())
    }
}

/// An id with the digits or letters that were sent.
fn raw_id(raw: &RawValue) -> RawId<'_> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'"') => RawId::Text(string(json)),
        Some(b'-' | b'0'..=b'9') => RawId::Number(Cow::Borrowed(json)),
        Some(b'n') => RawId::Missing,
        _ => RawId::Other(Cow::Borrowed(json)),
    }
}

/// The content of a JSON string, borrowed where it holds no escapes, as nearly all ids do.
fn string(json: &str) -> Cow<'_, str> {
    let plain = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    if let Some(plain) = plain.filter(|text| !text.as_bytes().contains(&b'\\')) {
        return Cow::Borrowed(plain);
    }
    // It was parsed once already, so it parses again; what could not would still be shown as it was sent.
    serde_json::from_str::<String>(json).map_or(Cow::Borrowed(json), Cow::Owned)
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

    fn profiles(body: &str) -> (PageHead, Vec<(String, String)>) {
        let mut seen = Vec::new();
        let head = read_page(body.as_bytes(), &PropertyNames::default(), &mut |profile| {
            seen.push((format!("{:?}", profile.distinct_id), format!("{:?}", profile.mparticle_user_id)));
        });
        (head.unwrap(), seen)
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
            let _ = read_cohorts(&body);
            let _ = error_text(&body);
        }
    }
}
