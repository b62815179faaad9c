//! One user of a list, whatever list it is, and what a list is narrowed to. Where users come from is for `store`.

use super::reason::Reason;
use super::{Identity, IdentityRef};

/// One user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserRow {
    /// The profile in Mixpanel, where it is known: who is addressed by MPID and was told long ago is known by that
    /// alone.
    pub distinct_id: Option<Box<str>>,
    /// The MPID that addresses the user.
    pub mpid: Option<i64>,
    /// Why the user may be missing in mParticle; `None` where nothing speaks for it.
    pub reason: Option<Reason>,
    /// Whether mParticle is told of the user at all.
    pub sent: bool,
    /// What `$mparticle_user_id` holds, as it was written.
    pub holds: Option<Box<str>>,
    /// `$last_seen` as Mixpanel wrote it.
    pub last_seen: Option<Box<str>>,
    /// What else speaks for the reason: mParticle's words, the profile that is counted, the exact ids.
    pub detail: Option<Box<str>>,
    /// The groups the user belongs to by the fetched properties; nothing where they are not kept.
    pub properties: Box<[Option<Box<str>>]>,
}

impl UserRow {
    /// Somebody of whom only the address is known.
    #[must_use]
    pub fn of(identity: IdentityRef<'_>) -> Self {
        let mpid = match identity {
            IdentityRef::Mpid(mpid) => Some(mpid),
            IdentityRef::Uuid(_) | IdentityRef::Text(_) => None,
        };
        let distinct_id = identity.distinct_id().map(|id| id.into_owned().into_boxed_str());
        Self { distinct_id, mpid, sent: true, ..Self::default() }
    }

    /// What somebody is called: the `$distinct_id`, or the MPID where only that is known.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let by_mpid = || self.mpid.map(|mpid| Identity::Mpid(mpid).to_string());
        self.distinct_id.as_ref().map(ToString::to_string).or_else(by_mpid)
    }
}

/// What a list is narrowed to: everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Narrow {
    words: Vec<(bool, Box<str>)>,
    /// Only users with this reason.
    pub reason: Option<Reason>,
    /// Only users of this group: the place of the property, and its value; `None` is none.
    pub group: Option<(usize, Option<Box<str>>)>,
}

impl Narrow {
    /// Reads what is typed: words in any order, whatever their case; with `!` in front, what must not be there.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        let words = typed.split_whitespace().filter_map(|word| {
            let (is_wanted, word) = word.strip_prefix('!').map_or((true, word), |word| (false, word));
            (!word.is_empty()).then(|| (is_wanted, word.to_lowercase().into()))
        });
        Self { words: words.collect(), ..Self::default() }
    }

    /// Only users with this reason, if one is given.
    #[must_use]
    pub fn to(reason: Option<Reason>) -> Self {
        Self { reason, ..Self::default() }
    }

    /// Only users of this group by the property at a place.
    #[must_use]
    pub fn to_group(place: usize, value: Option<&str>) -> Self {
        Self { group: Some((place, value.map(Into::into))), ..Self::default() }
    }

    /// The same with other words.
    #[must_use]
    pub fn with_words(&self, typed: &str) -> Self {
        Self { words: Self::of(typed).words, ..self.clone() }
    }

    /// Whether it leaves everything as it is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether words are looked for, for which a user must be spelt out.
    #[must_use]
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether a user passes who has this reason and is of this group; words apart.
    pub fn takes<'v>(&self, reason: Option<Reason>, value: impl FnOnce(usize) -> Option<&'v str>) -> bool {
        self.reason.is_none_or(|wanted| Some(wanted) == reason)
            && self.group.as_ref().is_none_or(|(place, wanted)| value(*place) == wanted.as_deref())
    }

    /// Whether what is written about a user holds the words. `spelt` is memory to work in.
    pub fn finds<'t>(&self, texts: impl Iterator<Item = &'t str>, spelt: &mut String) -> bool {
        if self.words.is_empty() {
            return true;
        }
        spelt.clear();
        for text in texts {
            if text.is_ascii() {
                spelt.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
            } else {
                spelt.push_str(&text.to_lowercase());
            }
            spelt.push('\n');
        }
        self.words.iter().all(|(is_wanted, word)| spelt.contains(&**word) == *is_wanted)
    }

    /// Whether a user passes.
    #[must_use]
    pub fn accepts(&self, user: &UserRow) -> bool {
        let value = |place: usize| user.properties.get(place).and_then(Option::as_deref);
        if !self.takes(user.reason, value) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let mpid = user.mpid.map(|mpid| mpid.to_string());
        let written = [&user.distinct_id, &user.holds, &user.detail, &user.last_seen];
        let properties = user.properties.iter().filter_map(Option::as_deref);
        let texts = written.into_iter().filter_map(|text| text.as_deref()).chain(mpid.as_deref());
        let reason = user.reason.map(Reason::title);
        self.finds(texts.chain(reason).chain(properties), &mut String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> UserRow {
        UserRow {
            distinct_id: Some("Ann@example.com".into()),
            reason: Some(Reason::Placeholder),
            holds: Some("<null>".into()),
            properties: Box::new([Some("Android".into()), None]),
            ..UserRow::default()
        }
    }

    #[test]
    fn words_are_found_anywhere_and_in_any_order() {
        for (typed, passes) in [
            ("", true),
            ("ann", true),
            ("EXAMPLE ann", true),
            ("ann bob", false),
            ("!bob", true),
            ("ann !android", false),
            ("null placeholder", true),
            ("!", true),
        ] {
            assert_eq!(Narrow::of(typed).accepts(&ann()), passes, "{typed:?}");
        }
        assert!(Narrow::of(" ! ").is_nothing());
    }

    #[test]
    fn reason_and_group_narrow_too() {
        let with = |reason, group| Narrow { reason, group, ..Narrow::default() }.accepts(&ann());
        assert!(with(Some(Reason::Placeholder), Some((0, Some("Android".into())))));
        assert!(with(None, Some((1, None))));
        assert!(!with(None, Some((0, None))));
        assert!(!with(Some(Reason::Missing), None));
    }
}
