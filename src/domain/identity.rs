//! How a person is addressed in mParticle: by MPID, or by a `$distinct_id` that serves as another identity.
//! Choosing between the two belongs to [`super::member`]; packing identities on disk belongs to `store`.

use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

/// An address in mParticle, ordered: MPIDs by number, then UUIDs by byte, then other text by byte.
///
/// Most `$distinct_id`s are UUIDs, so they have a form of sixteen bytes; only the canonical spelling (lower
/// case, hyphens) takes it, because another spelling is another id to both services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// From `$mparticle_user_id`: a signed 64-bit integer that may be negative.
    Mpid(i64),
    /// A `$distinct_id` in the canonical spelling of a UUID.
    Uuid([u8; 16]),
    /// Any other `$distinct_id`.
    Text(Box<str>),
}

/// A borrowed [`Identity`] with the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityRef<'a> {
    /// See [`Identity::Mpid`].
    Mpid(i64),
    /// See [`Identity::Uuid`].
    Uuid(&'a [u8; 16]),
    /// See [`Identity::Text`].
    Text(&'a str),
}

impl Identity {
    /// The identity of a `$distinct_id` that was already found usable.
    #[must_use]
    pub fn of_distinct_id(distinct_id: &str) -> Self {
        match canonical_uuid(distinct_id) {
            Some(bytes) => Self::Uuid(bytes),
            None => Self::Text(distinct_id.into()),
        }
    }

    /// The MPID that is the address; `None` where the person is addressed by `$distinct_id`.
    #[must_use]
    pub fn mpid(&self) -> Option<i64> {
        match self {
            Self::Mpid(mpid) => Some(*mpid),
            Self::Uuid(_) | Self::Text(_) => None,
        }
    }

    /// A borrowed view.
    #[must_use]
    pub fn borrow(&self) -> IdentityRef<'_> {
        match self {
            Self::Mpid(mpid) => IdentityRef::Mpid(*mpid),
            Self::Uuid(bytes) => IdentityRef::Uuid(bytes),
            Self::Text(text) => IdentityRef::Text(text),
        }
    }
}

impl<'a> IdentityRef<'a> {
    /// An owned copy.
    #[must_use]
    pub fn to_owned(self) -> Identity {
        match self {
            Self::Mpid(mpid) => Identity::Mpid(mpid),
            Self::Uuid(bytes) => Identity::Uuid(*bytes),
            Self::Text(text) => Identity::Text(text.into()),
        }
    }

    /// The `$distinct_id` that is used as the address; `None` for an MPID.
    #[must_use]
    pub fn distinct_id(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Mpid(_) => None,
            Self::Uuid(bytes) => Some(Cow::Owned(Uuid::from_bytes(*bytes).hyphenated().to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
        }
    }

    /// Whether the address is one of Mixpanel's anonymous ids.
    #[must_use]
    pub fn is_anonymous(self) -> bool {
        matches!(self, Self::Text(text) if text.starts_with(ANONYMOUS_PREFIX))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

impl fmt::Display for IdentityRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mpid(mpid) => mpid.fmt(f),
            Self::Uuid(bytes) => Uuid::from_bytes(**bytes).hyphenated().fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How Mixpanel spells ids of devices nobody has signed in on (simplified id merge).
pub const ANONYMOUS_PREFIX: &str = "$device:";

/// mParticle's limit for the value of a user identity, in characters.
pub const IDENTITY_LIMIT: usize = 256;

/// The sixteen bytes of a UUID in its canonical spelling; `None` for everything else.
pub(super) fn canonical_uuid(text: &str) -> Option<[u8; 16]> {
    // Looking at all bytes whatever is found takes the processor fewer steps than stopping at the first.
    let is_canonical = || !text.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase());
    let uuid = (text.len() == 36 && is_canonical()).then(|| Uuid::try_parse(text).ok())??;
    Some(uuid.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_distinct_id_survives_packing_to_the_letter(text in "\\PC{1,40}") {
            let identity = Identity::of_distinct_id(&text);
            prop_assert_eq!(identity.borrow().distinct_id().unwrap(), text);
        }

        #[test]
        fn a_uuid_survives_packing_to_the_letter(bytes in any::<[u8; 16]>(), upper in any::<bool>()) {
            let mut text = Uuid::from_bytes(bytes).hyphenated().to_string();
            if upper {
                text = text.to_uppercase();
            }
            let identity = Identity::of_distinct_id(&text);
            prop_assert_eq!(identity.borrow().distinct_id().unwrap(), text);
        }

        #[test]
        fn borrowed_and_owned_order_alike(a in identity(), b in identity()) {
            prop_assert_eq!(a.cmp(&b), a.borrow().cmp(&b.borrow()));
        }
    }

    fn identity() -> impl Strategy<Value = Identity> {
        prop_oneof![
            any::<i64>().prop_map(Identity::Mpid),
            any::<[u8; 16]>().prop_map(Identity::Uuid),
            "\\PC{1,8}".prop_map(|text| Identity::Text(text.into())),
        ]
    }

    #[test]
    fn the_canonical_uuid_takes_sixteen_bytes() {
        assert!(matches!(
            Identity::of_distinct_id("9d35cd7f-3f06-4549-91bf-198ee58bb58a"),
            Identity::Uuid(_)
        ));
        assert!(matches!(
            Identity::of_distinct_id("9D35CD7F-3F06-4549-91BF-198EE58BB58A"),
            Identity::Text(_)
        ));
        assert!(matches!(
            Identity::of_distinct_id("{9d35cd7f3f06454991bf198ee58bb58a}xx"),
            Identity::Text(_)
        ));
        assert!(Identity::of_distinct_id("$device:1").borrow().is_anonymous());
    }
}
