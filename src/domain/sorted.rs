//! Identities in order, packed by their form: what is many is compared a list at a time rather than one by one. How
//! such lists lie on disk belongs to `store`.

use super::identity::{Identity, IdentityRef};

/// Identities of one form, strictly ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// See [`Identity::Mpid`].
    Mpids(Vec<i64>),
    /// See [`Identity::Uuid`].
    Uuids(Vec<[u8; 16]>),
    /// See [`Identity::Text`].
    Texts(Vec<Box<str>>),
}

impl Block {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Mpids(mpids) => mpids.len(),
            Self::Uuids(uuids) => uuids.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<IdentityRef<'_>> {
        match self {
            Self::Mpids(mpids) => mpids.get(place).map(|mpid| IdentityRef::Mpid(*mpid)),
            Self::Uuids(uuids) => uuids.get(place).map(IdentityRef::Uuid),
            Self::Texts(texts) => texts.get(place).map(|text| IdentityRef::Text(text)),
        }
    }

    /// Whether somebody is among them.
    #[must_use]
    pub fn contains(&self, person: IdentityRef<'_>) -> bool {
        match (self, person) {
            (Self::Mpids(mpids), IdentityRef::Mpid(mpid)) => mpids.binary_search(&mpid).is_ok(),
            (Self::Uuids(uuids), IdentityRef::Uuid(uuid)) => uuids.binary_search(uuid).is_ok(),
            (Self::Texts(texts), IdentityRef::Text(text)) => {
                texts.binary_search_by(|known| (**known).cmp(text)).is_ok()
            }
            _ => false,
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = IdentityRef<'_>> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// All of them, apart.
    #[must_use]
    pub fn into_identities(self) -> Vec<Identity> {
        match self {
            Self::Mpids(mpids) => mpids.into_iter().map(Identity::Mpid).collect(),
            Self::Uuids(uuids) => uuids.into_iter().map(Identity::Uuid).collect(),
            Self::Texts(texts) => texts.into_iter().map(Identity::Text).collect(),
        }
    }
}

/// Identities of every form, each form strictly ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Those of the first form.
    pub mpids: Vec<i64>,
    /// Those of the second.
    pub uuids: Vec<[u8; 16]>,
    /// Those of the third.
    pub texts: Vec<Box<str>>,
}

impl Sorted {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mpids.len() + self.uuids.len() + self.texts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes somebody who stands behind everybody here.
    pub fn push(&mut self, identity: Identity) {
        match identity {
            Identity::Mpid(mpid) => self.mpids.push(mpid),
            Identity::Uuid(uuid) => self.uuids.push(uuid),
            Identity::Text(text) => self.texts.push(text),
        }
    }

    /// Takes a block that stands behind everybody here.
    pub fn append(&mut self, block: Block) {
        match block {
            Block::Mpids(mut mpids) => self.mpids.append(&mut mpids),
            Block::Uuids(mut uuids) => self.uuids.append(&mut uuids),
            Block::Texts(mut texts) => self.texts.append(&mut texts),
        }
    }

    /// Whether somebody is among them.
    #[must_use]
    pub fn contains(&self, person: IdentityRef<'_>) -> bool {
        match person {
            IdentityRef::Mpid(mpid) => self.mpids.binary_search(&mpid).is_ok(),
            IdentityRef::Uuid(uuid) => self.uuids.binary_search(uuid).is_ok(),
            IdentityRef::Text(text) => self.texts.binary_search_by(|known| (**known).cmp(text)).is_ok(),
        }
    }

    /// Everybody, in order.
    pub fn iter(&self) -> impl Iterator<Item = IdentityRef<'_>> {
        let mpids = self.mpids.iter().map(|mpid| IdentityRef::Mpid(*mpid));
        let uuids = self.uuids.iter().map(IdentityRef::Uuid);
        mpids.chain(uuids).chain(self.texts.iter().map(|text| IdentityRef::Text(text)))
    }
}

impl FromIterator<Identity> for Sorted {
    /// Gathers identities that come in order.
    fn from_iter<I: IntoIterator<Item = Identity>>(identities: I) -> Self {
        let mut sorted = Self::default();
        for identity in identities {
            sorted.push(identity);
        }
        sorted
    }
}
