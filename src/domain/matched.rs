//! A matched member in 24 bytes: the MPID, and the profile that bears it. Most `$distinct_id`s are UUIDs and lie in the
//! member itself; any other is a text among many, and the member says where. Ten million of them fit a small machine.

use super::identity::{IdentityRef, canonical_uuid};

/// What stands before the place of a text, where a UUID would begin. A UUID that begins like this is kept as a text,
/// so that neither is ever taken for the other.
const TEXT: [u8; 8] = [0xFF; 8];

/// A matched member, ordered by MPID and then by profile, in whatever order the pages arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Matched {
    /// How the person is addressed.
    pub mpid: i64,
    /// A UUID, or [`TEXT`] and the place of a text.
    profile: [u8; 16],
}

impl Matched {
    /// A member and the `$distinct_id` of the profile, where it has a usable one.
    pub fn new(mpid: i64, distinct_id: Option<&str>, texts: &mut TextPool) -> Self {
        let distinct_id = distinct_id.unwrap_or_default();
        let profile = match canonical_uuid(distinct_id) {
            Some(uuid) if !uuid.starts_with(&TEXT) => uuid,
            _ => at(texts.push(distinct_id)),
        };
        Self { mpid, profile }
    }

    /// The `$distinct_id`, where the profile has a usable one.
    pub fn profile<'a>(&'a self, texts: &'a TextPool) -> Option<IdentityRef<'a>> {
        match self.place() {
            None => Some(IdentityRef::Uuid(&self.profile)),
            Some(place) => Some(texts.get(place)).filter(|id| !id.is_empty()).map(IdentityRef::Text),
        }
    }

    /// The same with its text at a later place.
    pub fn moved(self, by: u64) -> Self {
        match self.place() {
            Some(place) => Self { profile: at(place + by), ..self },
            None => self,
        }
    }

    fn place(&self) -> Option<u64> {
        let (mark, place) = self.profile.split_first_chunk::<8>()?;
        let place = place.first_chunk::<8>()?;
        (*mark == TEXT).then(|| u64::from_be_bytes(*place))
    }
}

/// What stands for the text at a place.
fn at(place: u64) -> [u8; 16] {
    let mut profile = [0xFF; 16];
    profile[TEXT.len()..].copy_from_slice(&place.to_be_bytes());
    profile
}

/// Many short texts in one allocation.
#[derive(Debug, Clone, Default)]
pub(super) struct TextPool {
    text: String,
    ends: Vec<usize>,
}

impl TextPool {
    /// Appends a text and returns its place.
    pub fn push(&mut self, text: &str) -> u64 {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.ends.len() as u64 - 1
    }

    /// Appends all texts of another, and returns how far their places have moved.
    pub fn append(&mut self, other: &Self) -> u64 {
        let (moved, before) = (self.ends.len() as u64, self.text.len());
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end + before));
        moved
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u64).map(|place| self.get(place))
    }

    /// The text at a place; empty where there is none.
    pub fn get(&self, place: u64) -> &str {
        let range = usize::try_from(place).ok().and_then(|place| {
            let start = place.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
            Some(start..*self.ends.get(place)?)
        });
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_takes_24_bytes() {
        assert_eq!(size_of::<Matched>(), 24);
    }

    #[test]
    fn a_uuid_that_looks_like_the_place_of_a_text_is_none() {
        let mut texts = TextPool::default();
        texts.push("somebody else");
        let uuid = "ffffffff-ffff-ffff-0000-000000000000";
        let member = Matched::new(1, Some(uuid), &mut texts);
        assert_eq!(member.profile(&texts).unwrap().to_string(), uuid);
    }

    proptest! {
        #[test]
        fn every_profile_is_found_again_wherever_it_is_moved(
            ids in prop::collection::vec(prop::option::of("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\\PC{1,9}"), 1..9),
            before in prop::collection::vec("[a-c]{0,3}", 0..4),
        ) {
            let (mut page, mut all) = (TextPool::default(), TextPool::default());
            let members: Vec<Matched> = ids.iter().map(|id| Matched::new(7, id.as_deref(), &mut page)).collect();
            for text in &before {
                all.push(text);
            }
            let moved = all.append(&page);
            for (member, id) in members.into_iter().zip(&ids) {
                let member = member.moved(moved);
                prop_assert_eq!(member.profile(&all).map(|id| id.to_string()), id.clone());
            }
        }
    }
}
