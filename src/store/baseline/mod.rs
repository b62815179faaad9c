//! The baseline of a sync: who mParticle last acknowledged as a member. It lies on disk in chunks of some thousands, in
//! order, and two thin layers over them: who came and who left since the chunks were written. Settling a run writes the
//! layers anew, or folds everything into the chunks once the layers are thick; either way in one transaction, and safe
//! to repeat: it sets, never counts.

mod accepted;
mod chunks;
mod layers;
mod read;

use super::holdings::{self, Holding};
use super::{Store, StoreError, doubts, outbox};
use crate::domain::plan::Wave;
use crate::domain::{Change, Direction, Identity, RunId};
use accepted::{Accepted, LastWord};
use chunks::{CHUNKS, Shape};
use rusqlite::{Connection, params};
use std::cell::Cell;

pub(super) use read::{blocks, contains, members_among, mpids_within, read, read_behind};

/// What settling a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Identities in the baseline afterwards.
    pub baseline: u64,
    /// Adds that were accepted in the run.
    pub adds_accepted: u64,
    /// Adds that were rejected.
    pub adds_rejected: u64,
    /// Removes that were accepted.
    pub removes_accepted: u64,
    /// Removes that were rejected.
    pub removes_rejected: u64,
}

impl Settled {
    fn count(&mut self, direction: Direction, accepted: bool) {
        *match (direction, accepted) {
            (Direction::Add, true) => &mut self.adds_accepted,
            (Direction::Add, false) => &mut self.adds_rejected,
            (Direction::Remove, true) => &mut self.removes_accepted,
            (Direction::Remove, false) => &mut self.removes_rejected,
        } += 1;
    }
}

impl Store {
    /// Merges what mParticle accepted in a run for a holding into its baseline, durably and all at once.
    ///
    /// `complete` says that everything the run planned was answered. Requests of earlier runs whose answers
    /// were lost are then no longer in doubt, since the plan told their users anew.
    pub fn settle(&mut self, run: RunId, holding: &Holding, complete: bool) -> Result<Settled, StoreError> {
        let transaction = self.connection.savepoint()?;
        let id = holdings::find_or_make(&transaction, holding)?;
        let settled = Cell::new(Settled::default());
        let waves = Wave::ALL.map(|wave| Accepted::new(&transaction, run, wave, &settled));
        let most = outbox::answered_users(&transaction, run)?;
        take(&transaction, id, LastWord::of(waves.into_iter().collect()), most, Shape::default())?;
        if complete {
            doubts::supersede_earlier(&transaction, holding, run)?;
        }
        let baseline = count_members(&transaction, id)?;
        transaction.commit()?;
        Ok(Settled { baseline, ..settled.get() })
    }

    /// Takes people over who hold an attribute already, told by somebody else or by a state that was lost;
    /// returns how many are known to hold it then.
    pub fn adopt(&mut self, holding: &Holding, mut people: Vec<Identity>) -> Result<u64, StoreError> {
        people.sort_unstable();
        people.dedup();
        let transaction = self.connection.savepoint()?;
        let id = holdings::find_or_make(&transaction, holding)?;
        let most = people.len() as u64;
        let enter = |identity| Ok(Change { direction: Direction::Add, identity, distinct_id: None });
        take(&transaction, id, people.into_iter().map(enter), most, Shape::default())?;
        let members = count_members(&transaction, id)?;
        transaction.commit()?;
        Ok(members)
    }
}

/// Takes sorted changes, at most so many, into a baseline: into its layers while those stay thin, else all of it into
/// the chunks.
fn take(
    connection: &Connection,
    holding: i64,
    changes: impl Iterator<Item = Result<Change, StoreError>>,
    most: u64,
    shape: Shape,
) -> Result<(), StoreError> {
    let layers = layers::load(connection, holding)?;
    let settled = chunks::count(connection, holding, CHUNKS)?;
    if layers.len() as u64 + most <= shape.layers_of(settled) {
        return layers.take(connection, holding, changes, shape);
    }
    if layers.is_empty() {
        return chunks::merge(connection, holding, changes, shape);
    }
    layers::clear(connection, holding)?;
    let streams: Vec<Box<dyn Iterator<Item = _>>> =
        vec![Box::new(layers.into_changes().map(Ok)), Box::new(changes)];
    chunks::merge(connection, holding, LastWord::of(streams), shape)
}

/// Counts who is in the baseline of a holding, and keeps the number with it.
fn count_members(connection: &Connection, holding: i64) -> Result<u64, StoreError> {
    let [settled, entered, left] =
        [CHUNKS, chunks::ENTERED, chunks::LEFT].map(|layer| chunks::count(connection, holding, layer));
    let members = (settled? + entered?).saturating_sub(left?);
    connection
        .execute("UPDATE holdings SET members = ?2 WHERE id = ?1", params![holding, members.cast_signed()])?;
    Ok(members)
}

#[cfg(test)]
mod tests;
