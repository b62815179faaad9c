//! Reading a baseline: all of it in order, chunk by chunk with the layers laid over, or only what is asked after.

use super::super::StoreError;
use super::super::holdings::{self, Holding};
use super::chunks::{self, CHUNKS, Start};
use super::layers::{self, Layers};
use crate::domain::sorted::{Block, Sorted};
use crate::domain::{Identity, IdentityRef};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Reads the baseline of a holding in order, a block at a time, holding no statement open between blocks. A chunk
/// that is gone is damage as well, and shows at the end in the number of members; nothing may be settled
/// meanwhile.
pub fn blocks<'c>(
    connection: &'c Connection,
    holding: &Holding,
) -> impl Iterator<Item = Result<Block, StoreError>> + use<'c> {
    // Without a holding there is nothing to read, and after an error nothing more.
    let mut reading = match holdings::find(connection, holding) {
        Ok(None) => Reading::Over,
        Ok(Some(id)) => match layers::load(connection, id) {
            Ok(layers) => Reading::At(Box::new(Place::first(id, layers))),
            Err(error) => Reading::Failed(error),
        },
        Err(error) => Reading::Failed(error),
    };
    let mut members = 0;
    std::iter::from_fn(move || {
        loop {
            let found = match std::mem::replace(&mut reading, Reading::Over) {
                Reading::Over => return None,
                Reading::Failed(error) => return Some(Err(error)),
                Reading::At(mut place) => match place.next(connection) {
                    Ok(Some(block)) => {
                        reading = Reading::At(place);
                        Ok(block)
                    }
                    Ok(None) => return check_total(connection, place.id, members).err().map(Err),
                    Err(error) => Err(error),
                },
            };
            match found {
                // Everybody in it may have left.
                Ok(block) if block.is_empty() => {}
                Ok(block) => {
                    members += block.len().cast_signed() as i64;
                    return Some(Ok(block));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

enum Reading {
    At(Box<Place>),
    Failed(StoreError),
    Over,
}

/// Where a reading stands.
struct Place {
    id: i64,
    last: Option<Start>,
    /// The next chunk, where it was read already.
    next: Option<(Start, Block)>,
    over: Over,
}

impl Place {
    fn first(id: i64, layers: Layers) -> Self {
        Self { id, last: None, next: None, over: Over::new(layers) }
    }

    /// Begins with the chunk in which somebody stands or would stand, or before it.
    fn around(connection: &Connection, id: i64, person: IdentityRef<'_>) -> Result<Self, StoreError> {
        let next = chunks::around(connection, id, person)?;
        Ok(Self { next, ..Self::first(id, layers::load(connection, id)?) })
    }

    fn next(&mut self, connection: &Connection) -> Result<Option<Block>, StoreError> {
        let next = match self.next.take() {
            Some(next) => Some(next),
            None => chunks::next(connection, self.id, CHUNKS, self.last.as_ref())?,
        };
        let Some((start, block)) = next else { return Ok(self.over.rest()) };
        // Whoever entered in a form that the chunks have left behind comes first.
        if let Some(rest) = self.over.rest_before(&block) {
            self.next = Some((start, block));
            return Ok(Some(rest));
        }
        self.last = Some(start);
        Ok(Some(self.over.lay(block)))
    }
}

/// What of the layers is still ahead of a reading.
struct Over {
    entered: Ahead,
    left: Ahead,
}

/// People in order, taken from the front.
struct Ahead {
    mpids: std::iter::Peekable<std::vec::IntoIter<i64>>,
    uuids: std::iter::Peekable<std::vec::IntoIter<[u8; 16]>>,
    texts: std::iter::Peekable<std::vec::IntoIter<Box<str>>>,
}

impl Ahead {
    fn of(sorted: Sorted) -> Self {
        Self {
            mpids: sorted.mpids.into_iter().peekable(),
            uuids: sorted.uuids.into_iter().peekable(),
            texts: sorted.texts.into_iter().peekable(),
        }
    }
}

impl Over {
    fn new(layers: Layers) -> Self {
        Self { entered: Ahead::of(layers.entered), left: Ahead::of(layers.left) }
    }

    /// The chunk without those who left, and with those who entered up to its end.
    fn lay(&mut self, block: Block) -> Block {
        match block {
            Block::Mpids(known) => Block::Mpids(lay(known, &mut self.entered.mpids, &mut self.left.mpids)),
            Block::Uuids(known) => Block::Uuids(lay(known, &mut self.entered.uuids, &mut self.left.uuids)),
            Block::Texts(known) => Block::Texts(lay(known, &mut self.entered.texts, &mut self.left.texts)),
        }
    }

    /// Whoever entered in a form before that of a block.
    fn rest_before(&mut self, block: &Block) -> Option<Block> {
        match block {
            Block::Mpids(_) => None,
            Block::Uuids(_) => self.rest_of_mpids(),
            Block::Texts(_) => self.rest_of_mpids().or_else(|| self.rest_of_uuids()),
        }
    }

    fn rest(&mut self) -> Option<Block> {
        let texts = |over: &mut Self| {
            let rest: Vec<_> = over.entered.texts.by_ref().collect();
            (!rest.is_empty()).then_some(Block::Texts(rest))
        };
        self.rest_of_mpids().or_else(|| self.rest_of_uuids()).or_else(|| texts(self))
    }

    fn rest_of_mpids(&mut self) -> Option<Block> {
        let rest: Vec<_> = self.entered.mpids.by_ref().collect();
        (!rest.is_empty()).then_some(Block::Mpids(rest))
    }

    fn rest_of_uuids(&mut self) -> Option<Block> {
        let rest: Vec<_> = self.entered.uuids.by_ref().collect();
        (!rest.is_empty()).then_some(Block::Uuids(rest))
    }
}

fn lay<T: Ord>(
    known: Vec<T>,
    entered: &mut std::iter::Peekable<std::vec::IntoIter<T>>,
    left: &mut std::iter::Peekable<std::vec::IntoIter<T>>,
) -> Vec<T> {
    let Some(last) = known.last() else { return known };
    if entered.peek().is_none_or(|next| next > last) && left.peek().is_none_or(|next| next > last) {
        return known;
    }
    let mut laid = Vec::with_capacity(known.len() + 64);
    for known in known {
        while let Some(enters) = entered.next_if(|enters| *enters < known) {
            laid.push(enters);
        }
        while left.next_if(|leaves| *leaves < known).is_some() {}
        if left.next_if(|leaves| *leaves == known).is_none() {
            // A layer says only what differs; whoever is in both all the same counts once.
            entered.next_if(|enters| *enters == known);
            laid.push(known);
        }
    }
    laid
}

/// Reads the baseline of a holding in order, one by one; see [`blocks`].
pub fn read<'c>(
    connection: &'c Connection,
    holding: &Holding,
) -> impl Iterator<Item = Result<Identity, StoreError>> + use<'c> {
    let (mut blocks, mut block) = (blocks(connection, holding), Vec::new().into_iter());
    std::iter::from_fn(move || {
        loop {
            if let Some(identity) = block.next() {
                return Some(Ok(identity));
            }
            match blocks.next()? {
                Ok(next) => block = next.into_identities().into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Reads the baseline of a holding in order from behind a person on, as it is at one moment.
pub fn read_behind<'c>(
    connection: &'c Connection,
    holding: &Holding,
    person: &Identity,
) -> Result<impl Iterator<Item = Result<Identity, StoreError>> + use<'c>, StoreError> {
    let place = match holdings::find(connection, holding)? {
        None => None,
        Some(id) => Some(Place::around(connection, id, person.borrow())?),
    };
    let (mut place, person) = (place, person.clone());
    let mut block = Vec::new().into_iter();
    Ok(std::iter::from_fn(move || {
        loop {
            // The first block begins before the person.
            if let Some(identity) = block.find(|identity| *identity > person) {
                return Some(Ok(identity));
            }
            match place.as_mut()?.next(connection) {
                Ok(next) => block = next?.into_identities().into_iter(),
                Err(error) => {
                    place = None;
                    return Some(Err(error));
                }
            }
        }
    }))
}

/// Whether an identity is in the baseline of a holding; reads one chunk and the layers.
pub fn contains(connection: &Connection, holding: i64, identity: &Identity) -> Result<bool, StoreError> {
    if let Some(said) = layers::load(connection, holding)?.say(identity.borrow()) {
        return Ok(said);
    }
    let chunk = chunks::around(connection, holding, identity.borrow())?;
    Ok(chunk.is_some_and(|(_, block)| block.contains(identity.borrow())))
}

/// The MPIDs of a baseline within a range, in order.
pub fn mpids_within(
    connection: &Connection,
    holding: i64,
    range: &RangeInclusive<i64>,
) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    let mut place = Place::around(connection, holding, IdentityRef::Mpid(*range.start()))?;
    // MPIDs stand before every other identity, in order.
    while let Some(Block::Mpids(mpids)) = place.next(connection)? {
        found.extend(mpids.iter().filter(|mpid| range.contains(mpid)));
        if mpids.last().is_some_and(|last| last > range.end()) {
            break;
        }
    }
    Ok(found)
}

/// Those of some people who are in the baseline of a holding.
pub fn members_among(
    connection: &Connection,
    holding: &Holding,
    people: &BTreeSet<Identity>,
) -> Result<BTreeSet<Identity>, StoreError> {
    let Some(id) = holdings::find(connection, holding)? else { return Ok(BTreeSet::new()) };
    let layers = layers::load(connection, id)?;
    let mut probe = layers::Probe::new(connection, id);
    let mut members = BTreeSet::new();
    for person in people {
        let is_member = match layers.say(person.borrow()) {
            Some(said) => said,
            None => probe.holds(person)?,
        };
        if is_member {
            members.insert(person.clone());
        }
    }
    Ok(members)
}

fn check_total(connection: &Connection, holding: i64, found: i64) -> Result<(), StoreError> {
    let settled: i64 = connection
        .prepare_cached("SELECT members FROM holdings WHERE id = ?1")?
        .query_row([holding], |row| row.get(0))?;
    if settled == found {
        return Ok(());
    }
    Err(StoreError::Damaged { what: format!("{found} members are found where {settled} were settled") })
}
