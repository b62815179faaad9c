//! The layers over a baseline's chunks: whoever came or left since the chunks were written, each of them really
//! different from what the chunks say. They are few enough to be held in memory.

use super::super::StoreError;
use super::chunks::{self, ENTERED, LEFT, Shape};
use crate::domain::sorted::{Block, Sorted};
use crate::domain::{Change, Direction, Identity, IdentityRef};
use rusqlite::Connection;

/// Both layers of a baseline.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Who is in the baseline though not in its chunks.
    pub entered: Sorted,
    /// Who is in the chunks only.
    pub left: Sorted,
}

/// Reads both layers.
pub(super) fn load(connection: &Connection, holding: i64) -> Result<Layers, StoreError> {
    let entered = chunks::all(connection, holding, ENTERED)?;
    Ok(Layers { entered, left: chunks::all(connection, holding, LEFT)? })
}

/// Takes both layers away.
pub(super) fn clear(connection: &Connection, holding: i64) -> Result<(), StoreError> {
    chunks::delete(connection, holding, ENTERED)?;
    chunks::delete(connection, holding, LEFT)
}

impl Layers {
    /// How many people they hold.
    pub(super) fn len(&self) -> usize {
        self.entered.len() + self.left.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they say about somebody; `None` when that is what the chunks say.
    pub(super) fn say(&self, person: IdentityRef<'_>) -> Option<bool> {
        if self.left.contains(person) {
            return Some(false);
        }
        self.entered.contains(person).then_some(true)
    }

    /// Takes sorted changes in, and writes what has become of the layers.
    pub(super) fn take(
        self,
        connection: &Connection,
        holding: i64,
        changes: impl Iterator<Item = Result<Change, StoreError>>,
        shape: Shape,
    ) -> Result<(), StoreError> {
        let mut probe = Probe::new(connection, holding);
        let (mut entered, mut left) = (Sorted::default(), Sorted::default());
        let mut known = self.into_changes().peekable();
        let mut keep = |change: Change| match change.direction {
            Direction::Add => entered.push(change.identity),
            Direction::Remove => left.push(change.identity),
        };
        for change in changes {
            let change = change?;
            while let Some(earlier) = known.next_if(|earlier| earlier.identity < change.identity) {
                keep(earlier);
            }
            let earlier = known.next_if(|earlier| earlier.identity == change.identity);
            // Whoever is in a layer differs from the chunks, so a change back leaves nothing to keep.
            let in_chunks = match earlier {
                Some(earlier) => earlier.direction == Direction::Remove,
                None => probe.holds(&change.identity)?,
            };
            if in_chunks != (change.direction == Direction::Add) {
                keep(change);
            }
        }
        known.for_each(keep);
        clear(connection, holding)?;
        chunks::write(connection, holding, ENTERED, &entered, shape)?;
        chunks::write(connection, holding, LEFT, &left, shape)
    }

    /// Both as changes to the chunks, in order.
    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        let (mut entered, mut left) = (identities(self.entered).peekable(), identities(self.left).peekable());
        std::iter::from_fn(move || {
            let (direction, identity) = match (entered.peek(), left.peek()) {
                (Some(enters), Some(leaves)) if leaves < enters => (Direction::Remove, left.next()?),
                (None, _) => (Direction::Remove, left.next()?),
                (Some(_), _) => (Direction::Add, entered.next()?),
            };
            Some(Change { direction, identity, distinct_id: None })
        })
    }
}

fn identities(sorted: Sorted) -> impl Iterator<Item = Identity> {
    let mpids = sorted.mpids.into_iter().map(Identity::Mpid);
    let uuids = sorted.uuids.into_iter().map(Identity::Uuid);
    mpids.chain(uuids).chain(sorted.texts.into_iter().map(Identity::Text))
}

/// Asks the chunks after people in order; a chunk is read once, and one that nobody is asked about not at all.
pub(super) struct Probe<'c> {
    connection: &'c Connection,
    holding: i64,
    chunk: Option<Block>,
}

impl<'c> Probe<'c> {
    pub(super) fn new(connection: &'c Connection, holding: i64) -> Self {
        Self { connection, holding, chunk: None }
    }

    /// Whether somebody is in the chunks.
    pub(super) fn holds(&mut self, person: &Identity) -> Result<bool, StoreError> {
        let person = person.borrow();
        let last = self.chunk.as_ref().and_then(|chunk| chunk.get(chunk.len() - 1));
        if last.is_none_or(|last| last < person) {
            self.chunk = chunks::around(self.connection, self.holding, person)?.map(|(_, chunk)| chunk);
        }
        Ok(self.chunk.as_ref().is_some_and(|chunk| chunk.contains(person)))
    }
}
