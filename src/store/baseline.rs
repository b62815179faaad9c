//! The baseline of a sync: who mParticle last acknowledged as a member, in chunks of some thousands. Settling
//! merges a run's accepted changes into it in one transaction, and is safe to repeat: it sets, never counts.

use super::outbox::{self, AnsweredChange};
use super::packing::{Form, pack_chunk, sort_key, unpack_chunk};
use super::{Store, StoreError};
use crate::domain::{Change, CohortId, Direction, Identity, RunId};
use rusqlite::{Connection, OptionalExtension, params};
use std::iter::Peekable;

/// Members in a full chunk: 32 KiB of MPIDs, so that reading is sequential and a settled change rewrites little.
const CHUNK_MEMBERS: usize = 4_096;

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
    /// Merges what mParticle accepted in a run into the baseline, durably and all at once.
    ///
    /// `complete` says that everything the run planned was answered. Requests of earlier runs whose answers
    /// were lost are then no longer in doubt, since the plan told their users anew.
    pub fn settle(&mut self, run: RunId, cohort: CohortId, complete: bool) -> Result<Settled, StoreError> {
        let transaction = self.connection.transaction()?;
        let mut settled = Settled::default();
        {
            let mut changes = AcceptedChanges::new(&transaction, run, &mut settled).peekable();
            merge_into_chunks(&transaction, cohort, &mut changes)?;
        }
        if complete {
            outbox::supersede_earlier(&transaction, cohort, run)?;
        }
        settled.baseline = transaction
            .query_row(
                "SELECT coalesce(sum(members), 0) FROM baseline WHERE cohort_id = ?1",
                [cohort.0.cast_signed()],
                |row| row.get::<_, i64>(0),
            )?
            .cast_unsigned();
        transaction.execute(
            "UPDATE syncs SET baseline = ?2 WHERE cohort_id = ?1",
            params![cohort.0.cast_signed(), settled.baseline.cast_signed()],
        )?;
        transaction.commit()?;
        Ok(settled)
    }
}

/// The accepted changes of a run in order of identity (a plan is written in that order), request by request,
/// counting on the way.
struct AcceptedChanges<'a> {
    connection: &'a Connection,
    run: RunId,
    after: i64,
    page: std::vec::IntoIter<AnsweredChange>,
    settled: &'a mut Settled,
}

impl<'a> AcceptedChanges<'a> {
    fn new(connection: &'a Connection, run: RunId, settled: &'a mut Settled) -> Self {
        Self { connection, run, after: -1, page: Vec::new().into_iter(), settled }
    }
}

impl Iterator for AcceptedChanges<'_> {
    type Item = Result<Change, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for answered in self.page.by_ref() {
                self.settled.count(answered.change.direction, answered.accepted);
                if answered.accepted {
                    return Some(Ok(answered.change));
                }
            }
            match outbox::next_answered(self.connection, self.run, self.after) {
                Ok(Some((first_position, changes))) => {
                    self.after = first_position;
                    self.page = changes.into_iter();
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

type Changes<'c, I> = &'c mut Peekable<I>;

fn merge_into_chunks<I>(
    connection: &Connection,
    cohort: CohortId,
    changes: Changes<'_, I>,
) -> Result<(), StoreError>
where
    I: Iterator<Item = Result<Change, StoreError>>,
{
    let chunks = chunk_starts(connection, cohort)?;
    for (place, (row, _, _)) in chunks.iter().enumerate() {
        let next_start = chunks.get(place + 1).map(|(_, form, key)| (*form, key.as_slice()));
        let before_next = |change: &Change| {
            next_start.is_none_or(|start| {
                let identity = change.identity.borrow();
                (Form::of(identity).number(), sort_key(identity).as_slice()) < start
            })
        };
        if !matches!(changes.peek(), Some(Ok(change)) if before_next(change)) {
            if matches!(changes.peek(), Some(Err(_))) {
                break;
            }
            continue;
        }
        let (_, identities) = connection
            .prepare_cached("SELECT form, first_key, members, chunk FROM baseline WHERE id = ?1")?
            .query_row([row], read_row)?
            .checked()?;
        let merged = merge(identities, changes, before_next)?;
        connection.prepare_cached("DELETE FROM baseline WHERE id = ?1")?.execute([row])?;
        write_chunks(connection, cohort, &merged)?;
    }
    // Only a sync without a baseline has changes left here; they are cut to chunks as they come.
    while changes.peek().is_some() {
        let mut taken = 0;
        let merged = merge(Vec::new(), changes, |_| {
            taken += 1;
            taken <= CHUNK_MEMBERS
        })?;
        write_chunks(connection, cohort, &merged)?;
    }
    Ok(())
}

/// Where each chunk starts, in order: its row, form and first key.
fn chunk_starts(connection: &Connection, cohort: CohortId) -> Result<Vec<(i64, i64, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, form, first_key FROM baseline WHERE cohort_id = ?1 ORDER BY form, first_key",
    )?;
    let starts =
        statement.query_map([cohort.0.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(starts.collect::<Result<_, _>>()?)
}

/// Merges sorted changes into sorted identities for as long as `take` says the change belongs here.
fn merge<I>(
    identities: Vec<Identity>,
    changes: Changes<'_, I>,
    mut take: impl FnMut(&Change) -> bool,
) -> Result<Vec<Identity>, StoreError>
where
    I: Iterator<Item = Result<Change, StoreError>>,
{
    let mut merged = Vec::with_capacity(identities.len() + 64);
    let mut kept = identities.into_iter().peekable();
    while let Some(item) = changes.next_if(|item| item.as_ref().map_or(true, &mut take)) {
        let change = item?;
        while let Some(identity) = kept.next_if(|identity| *identity < change.identity) {
            merged.push(identity);
        }
        // The change decides, whatever was known of the person before.
        kept.next_if(|identity| *identity == change.identity);
        if change.direction == Direction::Add {
            merged.push(change.identity);
        }
    }
    merged.extend(kept);
    Ok(merged)
}

fn write_chunks(
    connection: &Connection,
    cohort: CohortId,
    identities: &[Identity],
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO baseline (cohort_id, form, first_key, members, chunk) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for of_form in identities.chunk_by(|a, b| Form::of(a.borrow()) == Form::of(b.borrow())) {
        // A chunk may grow to twice its size before it is cut, so that growth does not leave crumbs behind.
        let size = if of_form.len() > 2 * CHUNK_MEMBERS { CHUNK_MEMBERS } else { 2 * CHUNK_MEMBERS };
        for members in of_form.chunks(size) {
            insert.execute(params![
                cohort.0.cast_signed(),
                Form::of(members[0].borrow()).number(),
                sort_key(members[0].borrow()),
                members.len().cast_signed(),
                pack_chunk(members),
            ])?;
        }
    }
    Ok(())
}

/// Reads the baseline of a sync in order, a chunk at a time, holding no statement open between chunks. A chunk
/// that is gone is damage as well, and shows at the end in the number of members; nothing may be settled
/// meanwhile.
pub(super) fn read(
    connection: &Connection,
    cohort: CohortId,
) -> impl Iterator<Item = Result<Identity, StoreError>> {
    let mut last: Option<(i64, Vec<u8>)> = None;
    let mut chunk = Vec::new().into_iter();
    let mut ended = false;
    let mut members = 0;
    std::iter::from_fn(move || {
        loop {
            if let Some(identity) = chunk.next() {
                members += 1;
                return Some(Ok(identity));
            }
            if ended {
                return None;
            }
            match next_chunk(connection, cohort, last.as_ref()) {
                Ok(Some((start, identities))) => {
                    last = Some(start);
                    chunk = identities.into_iter();
                }
                Ok(None) => {
                    ended = true;
                    return check_total(connection, cohort, members).err().map(Err);
                }
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
            }
        }
    })
}

fn check_total(connection: &Connection, cohort: CohortId, found: i64) -> Result<(), StoreError> {
    let recorded: Option<i64> = connection
        .prepare_cached("SELECT baseline FROM syncs WHERE cohort_id = ?1")?
        .query_row([cohort.0.cast_signed()], |row| row.get(0))
        .optional()?;
    match recorded {
        Some(recorded) if recorded != found => Err(StoreError::Damaged {
            what: format!("a baseline of {recorded} members of whom {found} are left"),
        }),
        _ => Ok(()),
    }
}

type Chunk = ((i64, Vec<u8>), Vec<Identity>);

fn next_chunk(
    connection: &Connection,
    cohort: CohortId,
    after: Option<&(i64, Vec<u8>)>,
) -> Result<Option<Chunk>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT form, first_key, members, chunk FROM baseline
         WHERE cohort_id = ?1 AND (form, first_key) > (?2, ?3) ORDER BY form, first_key LIMIT 1",
    )?;
    let (form, key) = after.map_or((-1, &[][..]), |(form, key)| (*form, key.as_slice()));
    let found = statement.query_row(params![cohort.0.cast_signed(), form, key], read_row).optional()?;
    found.map(ChunkRow::checked).transpose()
}

/// A row of the baseline as it was read.
struct ChunkRow {
    form: i64,
    first_key: Vec<u8>,
    members: i64,
    chunk: Vec<u8>,
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ChunkRow> {
    Ok(ChunkRow { form: row.get(0)?, first_key: row.get(1)?, members: row.get(2)?, chunk: row.get(3)? })
}

impl ChunkRow {
    /// The identities, if they are what the row says of them.
    fn checked(self) -> Result<Chunk, StoreError> {
        let identities = unpack_chunk(self.form, &self.chunk)?;
        let fits = identities.len().cast_signed() as i64 == self.members
            && identities.first().is_some_and(|first| sort_key(first.borrow()) == self.first_key);
        if !fits {
            return Err(StoreError::Damaged {
                what: "a baseline chunk that is not what its row says".to_owned(),
            });
        }
        Ok(((self.form, self.first_key), identities))
    }
}
