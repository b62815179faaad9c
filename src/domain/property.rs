//! Properties of profiles that are fetched beside the ids, so that users who lack an id can be grouped by what they
//! share: which ones, what a profile holds in them, and what of that a group is called. Counting is `tally`'s.

use std::borrow::Cow;
use std::sync::Arc;

/// How many may be asked for; each makes every page larger.
pub const PROPERTIES_AT_MOST: usize = 8;

/// What is asked for unless said otherwise: how a profile came into being usually tells why it lacks an id.
pub const DEFAULT_PROPERTIES: [&str; 4] = ["$os", "$app_version_string", "mp_lib", "$last_seen"];

/// The longest value that is told from others, in characters; a name of a group must fit a line.
const VALUE_LENGTH: usize = 48;

/// The names of the properties, in the order in which they were configured. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PropertyNames(Arc<[Box<str>]>);

impl PropertyNames {
    /// Takes the first few of these names, each once and none that is empty.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut kept: Vec<Box<str>> = Vec::new();
        for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            if kept.len() < PROPERTIES_AT_MOST && kept.iter().all(|known| **known != *name) {
                kept.push(name.into());
            }
        }
        Self(kept.into())
    }

    /// The place of a name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| **known == *name)
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What one profile holds in the properties, as JSON and in the order of the names. It borrows from the page, so that
/// a profile nobody asks about costs nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras<'a>([Option<&'a str>; PROPERTIES_AT_MOST]);

impl<'a> Extras<'a> {
    /// Notes the JSON of the property at a place; one beyond the last place is left out.
    pub fn put(&mut self, place: usize, json: &'a str) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(json);
        }
    }

    /// The JSON of the property at a place.
    #[must_use]
    pub fn json(&self, place: usize) -> Option<&'a str> {
        self.0.get(place).copied().flatten()
    }

    /// The group that the profile belongs to by the property at a place; `None` where it holds nothing.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<Cow<'a, str>> {
        group_of(self.json(place)?)
    }
}

/// What a group is called whose profiles hold this JSON. Times are grouped by their month: nobody shares a second with
/// anybody.
fn group_of(json: &str) -> Option<Cow<'_, str>> {
    let text = match json.strip_prefix('"') {
        None if json.starts_with('n') => return None,
        None => Cow::Borrowed(json),
        // Most texts hold no escapes; what does not read is shown as it was sent.
        Some(text) if !json.as_bytes().contains(&b'\\') => {
            Cow::Borrowed(text.strip_suffix('"').unwrap_or(text))
        }
        Some(_) => serde_json::from_str::<String>(json).map_or(Cow::Borrowed(json), Cow::Owned),
    };
    if text.is_empty() {
        return None;
    }
    if is_time(&text) {
        return Some(start_of(text, "2026-01".len()));
    }
    if text.len() > VALUE_LENGTH
        && let Some((end, _)) = text.char_indices().nth(VALUE_LENGTH - 1)
        && text.chars().count() > VALUE_LENGTH
    {
        return Some(Cow::Owned(format!("{}…", start_of(text, end))));
    }
    Some(text)
}

/// The first bytes of a text.
fn start_of(text: Cow<'_, str>, bytes: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..bytes).unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.truncate(bytes);
            Cow::Owned(text)
        }
    }
}

/// Whether a text begins like `2026-01-31T11:02:44`.
fn is_time(text: &str) -> bool {
    let Some(head) = text.as_bytes().first_chunk::<11>() else { return false };
    head.iter().enumerate().all(|(place, byte)| match place {
        4 | 7 => *byte == b'-',
        10 => matches!(byte, b'T' | b' '),
        _ => byte.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_kept_once_and_not_too_many() {
        let names = PropertyNames::of(["$os", " mp_lib ", "", "$os"]);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["$os", "mp_lib"]);
        assert_eq!((names.place("mp_lib"), names.place("x")), (Some(1), None));
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(PropertyNames::of(many.iter().map(String::as_str)).len(), PROPERTIES_AT_MOST);
    }

    #[test]
    fn values_are_read_for_people() {
        let value = |json| group_of(json).map(Cow::into_owned);
        assert_eq!(value("\"Android\"").as_deref(), Some("Android"));
        assert_eq!(value("\"a\\\"b\"").as_deref(), Some("a\"b"));
        assert_eq!(value("5.2").as_deref(), Some("5.2"));
        assert_eq!(value("true").as_deref(), Some("true"));
        assert_eq!(value("\"2026-01-31T11:02:44\"").as_deref(), Some("2026-01"));
        assert_eq!(value("\"2026-01-31\"").as_deref(), Some("2026-01-31"));
        assert_eq!((value("null"), value("\"\"")), (None, None));
        assert_eq!(value(&format!("\"{}\"", "x".repeat(99))).map(|text| text.chars().count()), Some(48));
    }

    proptest! {
        #[test]
        fn no_json_text_is_changed_beyond_its_length(text in "\\PC{1,40}") {
            let json = serde_json::to_string(&text).unwrap();
            if !is_time(&text) {
                prop_assert_eq!(group_of(&json).map(Cow::into_owned), Some(text));
            }
        }
    }
}
