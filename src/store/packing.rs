//! How what is many is packed into blobs: chunks of the baseline, changes of a request, remarks of a read.
//! Everything read back is checked, because a file on disk is as hostile as the network: SQLite notices damage
//! to the structure of its pages, not to what stands in them, so every blob ends with a seal.

use super::StoreError;
use crate::domain::remark::{Remark, RemarkKind};
use crate::domain::sorted::Block;
use crate::domain::{Change, Direction, Identity, IdentityRef, NoMpid};
use serde::{Deserialize, Serialize};

/// The form of the identities of a chunk; a chunk holds one form only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Eight bytes each.
    Mpid,
    /// Sixteen bytes each.
    Uuid,
    /// A length of two bytes, then the text.
    Text,
}

impl Form {
    /// The form an identity takes.
    pub fn of(identity: IdentityRef<'_>) -> Self {
        match identity {
            IdentityRef::Mpid(_) => Self::Mpid,
            IdentityRef::Uuid(_) => Self::Uuid,
            IdentityRef::Text(_) => Self::Text,
        }
    }

    /// The number in the database; forms sort as identities do.
    pub fn number(self) -> i64 {
        match self {
            Self::Mpid => 0,
            Self::Uuid => 1,
            Self::Text => 2,
        }
    }

    fn from_number(number: i64) -> Result<Self, StoreError> {
        match number {
            0 => Ok(Self::Mpid),
            1 => Ok(Self::Uuid),
            2 => Ok(Self::Text),
            _ => Err(damaged("a baseline chunk of unknown form")),
        }
    }
}

/// The key of an identity among those of its form: sorts as bytes the way identities sort.
pub fn sort_key(identity: IdentityRef<'_>) -> Vec<u8> {
    match identity {
        IdentityRef::Mpid(mpid) => (mpid.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec(),
        IdentityRef::Uuid(bytes) => bytes.to_vec(),
        IdentityRef::Text(text) => text.as_bytes().to_vec(),
    }
}

/// What a blob holds; it goes into the seal, so that one is never read as another.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// Identities of one form.
    Chunk(Form),
    /// Changes of a request.
    Changes,
    /// Remarks about a read.
    Remarks,
    /// Users about whom a verification found mParticle wrong; see `wrong_users`.
    WrongUsers,
    /// What a read counted besides.
    Tallies,
    /// Exact ids that rounded ones may have been made of.
    Neighbours,
}

/// Appends the seal.
fn seal(content: Content, mut blob: Vec<u8>) -> Vec<u8> {
    let seal = checksum(content, &blob);
    blob.extend_from_slice(&seal.to_le_bytes());
    blob
}

/// The blob without its seal.
pub fn unseal(content: Content, blob: &[u8]) -> Result<&[u8], StoreError> {
    match blob.split_last_chunk::<4>() {
        Some((inside, seal)) if u32::from_le_bytes(*seal) == checksum(content, inside) => Ok(inside),
        _ => Err(damaged(match content {
            Content::Chunk(_) => "a baseline chunk that is not what was written",
            Content::Changes => "the changes of a request are not what was written",
            Content::Remarks => "the remarks about a read are not what was written",
            Content::Tallies => "the tallies of a read are not what was written",
            Content::Neighbours => "the neighbours of rounded ids are not what was written",
            Content::WrongUsers => "the findings of a verification are not what was written",
        })),
    }
}

/// Seals a chunk of the baseline that a program of format 1 wrote.
pub fn seal_old_chunk(form: i64, chunk: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let sealed = seal(Content::Chunk(Form::from_number(form)?), chunk);
    unpack_block(form, &sealed).map(|_| sealed)
}

/// Seals the changes of a request that a program of format 1 wrote.
pub fn seal_old_changes(blob: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let sealed = seal(Content::Changes, blob);
    unpack_changes(&sealed).map(|_| sealed)
}

/// Seals the remarks about a read that a program of format 1 wrote.
pub fn seal_old_remarks(blob: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let sealed = seal(Content::Remarks, blob);
    unpack_remarks(&sealed).map(|_| sealed)
}

/// It tells every change of up to 32 bits in a row, and any other as surely as chance allows.
fn checksum(content: Content, blob: &[u8]) -> u32 {
    let tag = match content {
        Content::Chunk(form) => form.number().to_le_bytes()[0],
        Content::Changes => 16,
        Content::Remarks => 17,
        Content::WrongUsers => 18,
        Content::Tallies => 19,
        Content::Neighbours => 20,
    };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[tag]);
    hasher.update(blob);
    hasher.finalize()
}

/// Packs identities of one form, in order.
pub fn pack_block(block: &Block) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(block.len() * 16 + 4);
    let form = match block {
        Block::Mpids(mpids) => {
            for mpid in mpids {
                chunk.extend_from_slice(&mpid.to_le_bytes());
            }
            Form::Mpid
        }
        Block::Uuids(uuids) => {
            chunk.extend_from_slice(uuids.as_flattened());
            Form::Uuid
        }
        Block::Texts(texts) => {
            for text in texts {
                // Identities are at most 256 characters (four bytes each), so two bytes always suffice.
                chunk.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
                chunk.extend_from_slice(text.as_bytes());
            }
            Form::Text
        }
    };
    seal(Content::Chunk(form), chunk)
}

/// Unpacks a chunk of the baseline.
///
/// # Errors
/// [`StoreError::Damaged`] when the bytes are no identities in strictly ascending order.
pub fn unpack_block(form: i64, chunk: &[u8]) -> Result<Block, StoreError> {
    let form = Form::from_number(form)?;
    let chunk = unseal(Content::Chunk(form), chunk)?;
    let (block, is_in_order) = match form {
        Form::Mpid => {
            let mpids: Vec<i64> =
                whole(chunk.as_chunks::<8>())?.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect();
            let is_in_order = mpids.is_sorted_by(|a, b| a < b);
            (Block::Mpids(mpids), is_in_order)
        }
        Form::Uuid => {
            let uuids = whole(chunk.as_chunks::<16>())?.to_vec();
            let is_in_order = uuids.is_sorted_by(|a, b| a < b);
            (Block::Uuids(uuids), is_in_order)
        }
        Form::Text => {
            let texts = unpack_texts(chunk)?;
            let is_in_order = texts.is_sorted_by(|a, b| a < b);
            (Block::Texts(texts), is_in_order)
        }
    };
    if is_in_order { Ok(block) } else { Err(damaged("a baseline chunk out of order")) }
}

fn whole<'a, T>((items, rest): (&'a [T], &[u8])) -> Result<&'a [T], StoreError> {
    if rest.is_empty() { Ok(items) } else { Err(damaged("a baseline chunk of odd length")) }
}

fn unpack_texts(mut chunk: &[u8]) -> Result<Vec<Box<str>>, StoreError> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = chunk.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length));
        let (text, rest) =
            rest.split_at_checked(length).ok_or_else(|| damaged("a baseline chunk cut short"))?;
        let text = std::str::from_utf8(text).map_err(|_| damaged("a baseline chunk that is not text"))?;
        texts.push(text.into());
        chunk = rest;
    }
    if chunk.is_empty() { Ok(texts) } else { Err(damaged("a baseline chunk cut short")) }
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { what: what.to_owned() }
}

/// An identity in a blob.
#[derive(Serialize, Deserialize)]
pub enum PackedIdentity {
    /// See [`Identity::Mpid`].
    Mpid(i64),
    /// See [`Identity::Uuid`].
    Uuid([u8; 16]),
    /// See [`Identity::Text`].
    Text(Box<str>),
}

/// The bytes that an identity takes wherever it is packed, to look for it without unpacking.
pub fn bytes_of_identity(identity: &Identity) -> Result<Vec<u8>, StoreError> {
    bytes_of(&PackedIdentity::from(identity))
}

/// The bytes that a text takes wherever it is packed, as an identity or as anything else.
pub fn bytes_of_text(text: &str) -> Result<Vec<u8>, StoreError> {
    bytes_of(&text)
}

fn bytes_of(packed: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(packed).map_err(|error| StoreError::Damaged { what: error.to_string() })
}

/// The packed changes of a request, checked and without their seal.
pub fn unsealed_changes(blob: &[u8]) -> Result<&[u8], StoreError> {
    unseal(Content::Changes, blob)
}

/// The packed remarks about a read, checked and without their seal.
pub fn unsealed_remarks(blob: &[u8]) -> Result<&[u8], StoreError> {
    unseal(Content::Remarks, blob)
}

impl From<&Identity> for PackedIdentity {
    fn from(identity: &Identity) -> Self {
        match identity {
            Identity::Mpid(mpid) => Self::Mpid(*mpid),
            Identity::Uuid(bytes) => Self::Uuid(*bytes),
            Identity::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<PackedIdentity> for Identity {
    fn from(packed: PackedIdentity) -> Self {
        match packed {
            PackedIdentity::Mpid(mpid) => Self::Mpid(mpid),
            PackedIdentity::Uuid(bytes) => Self::Uuid(bytes),
            PackedIdentity::Text(text) => Self::Text(text),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct PackedChange {
    add: bool,
    identity: PackedIdentity,
    /// Only where it cannot be read off the identity.
    distinct_id: Option<Box<str>>,
}

/// Packs the changes of a request.
pub fn pack_changes(changes: &[Change]) -> Result<Vec<u8>, StoreError> {
    let packed: Vec<PackedChange> = changes
        .iter()
        .map(|change| PackedChange {
            add: change.direction == Direction::Add,
            identity: (&change.identity).into(),
            distinct_id: match change.identity {
                Identity::Mpid(_) => change.distinct_id.clone(),
                Identity::Uuid(_) | Identity::Text(_) => None,
            },
        })
        .collect();
    sealed(Content::Changes, &packed)
}

/// Packs something and seals it.
pub fn sealed(content: Content, packed: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    Ok(seal(content, bytes_of(packed)?))
}

/// Unpacks the changes of a request.
///
/// # Errors
/// [`StoreError::Damaged`] when the blob does not read back.
pub fn unpack_changes(blob: &[u8]) -> Result<Vec<Change>, StoreError> {
    let blob = unseal(Content::Changes, blob)?;
    let packed: Vec<PackedChange> =
        postcard::from_bytes(blob).map_err(|_| damaged("the changes of a planned request"))?;
    let unpack = |change: PackedChange| {
        let identity = Identity::from(change.identity);
        let own = identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
        Change {
            direction: if change.add { Direction::Add } else { Direction::Remove },
            distinct_id: change.distinct_id.or(own),
            identity,
        }
    };
    Ok(packed.into_iter().map(unpack).collect())
}

#[derive(Deserialize)]
struct PackedRemark {
    distinct_id: Option<Box<str>>,
    kind: u8,
    reason: u8,
    evidence: Option<Box<str>>,
    last_seen: Option<Box<str>>,
}

/// Unpacks remarks that lie one after the other; how they are packed today is `columns`' own.
///
/// # Errors
/// [`StoreError::Damaged`] when the blob does not read back.
pub fn unpack_remarks(blob: &[u8]) -> Result<Vec<Remark>, StoreError> {
    let blob = unseal(Content::Remarks, blob)?;
    let packed: Vec<PackedRemark> =
        postcard::from_bytes(blob).map_err(|_| damaged("the remarks about a read"))?;
    let unpack = |remark: PackedRemark| {
        let reason = || {
            NoMpid::ALL.get(usize::from(remark.reason)).copied().ok_or_else(|| damaged("an unknown reason"))
        };
        let kind = match remark.kind {
            0 => RemarkKind::Unmatched(reason()?),
            1 => RemarkKind::Unsendable(reason()?),
            2 => RemarkKind::Duplicate,
            3 => RemarkKind::Suspect,
            _ => return Err(damaged("an unknown remark")),
        };
        Ok(Remark {
            distinct_id: remark.distinct_id,
            kind,
            evidence: remark.evidence,
            last_seen: remark.last_seen,
            counted_profile: None,
            properties: Box::default(),
        })
    };
    packed.into_iter().map(unpack).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sorted::Sorted;
    use proptest::prelude::*;

    fn identity() -> impl Strategy<Value = Identity> {
        prop_oneof![
            any::<i64>().prop_map(Identity::Mpid),
            any::<[u8; 16]>().prop_map(Identity::Uuid),
            "\\PC{1,12}".prop_map(|text| Identity::Text(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn keys_sort_as_identities_of_one_form_do(a in identity(), b in identity()) {
            if Form::of(a.borrow()) == Form::of(b.borrow()) {
                prop_assert_eq!(sort_key(a.borrow()).cmp(&sort_key(b.borrow())), a.cmp(&b));
            } else {
                prop_assert_eq!(Form::of(a.borrow()).number().cmp(&Form::of(b.borrow()).number()), a.cmp(&b));
            }
        }

        #[test]
        fn chunks_read_back(identities in prop::collection::btree_set(identity(), 0..50)) {
            let Sorted { mpids, uuids, texts } = identities.into_iter().collect();
            for (form, block) in (0..).zip([Block::Mpids(mpids), Block::Uuids(uuids), Block::Texts(texts)]) {
                prop_assert_eq!(unpack_block(form, &pack_block(&block)).unwrap(), block);
            }
        }

        #[test]
        fn any_bit_that_turned_is_noticed(mpids in prop::collection::btree_set(any::<i64>(), 1..30), bit in any::<prop::sample::Index>()) {
            let identities: Vec<Identity> = mpids.into_iter().map(Identity::Mpid).collect();
            let changes: Vec<Change> = identities.iter().map(|identity| Change {
                direction: Direction::Add, identity: identity.clone(), distinct_id: None,
            }).collect();
            let turned = |mut blob: Vec<u8>| {
                let bit = bit.index(blob.len() * 8);
                blob[bit / 8] ^= 1 << (bit % 8);
                blob
            };
            let Sorted { mpids, .. } = identities.into_iter().collect();
            prop_assert!(unpack_block(0, &turned(pack_block(&Block::Mpids(mpids)))).is_err());
            prop_assert!(unpack_changes(&turned(pack_changes(&changes).unwrap())).is_err());
        }

        #[test]
        fn no_bytes_make_unpacking_panic(form in -1..4i64, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let content = Form::from_number(form).map_or(Content::Changes, Content::Chunk);
            for blob in [bytes.clone(), seal(content, bytes.clone())] {
                let _ = unpack_block(form, &blob);
            }
            for content in [Content::Changes, Content::Remarks] {
                let _ = unpack_changes(&seal(content, bytes.clone()));
                let _ = unpack_remarks(&seal(content, bytes.clone()));
            }
        }

        #[test]
        fn changes_read_back(identities in prop::collection::vec((identity(), any::<bool>(), prop::option::of("[a-z]{1,5}")), 0..20)) {
            let changes: Vec<Change> = identities.into_iter().map(|(identity, add, distinct_id)| {
                let own = identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
                Change {
                    direction: if add { Direction::Add } else { Direction::Remove },
                    distinct_id: own.or(distinct_id.map(Into::into)),
                    identity,
                }
            }).collect();
            prop_assert_eq!(unpack_changes(&pack_changes(&changes).unwrap()).unwrap(), changes);
        }
    }

    #[test]
    fn a_chunk_out_of_order_is_damage() {
        let chunk = pack_block(&Block::Mpids(vec![2, 1]));
        assert!(matches!(unpack_block(0, &chunk), Err(StoreError::Damaged { .. })));
    }
}
