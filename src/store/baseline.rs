//! The baseline of a sync: who mParticle last acknowledged as a member, in chunks of some thousands. Settling
//! merges a run's accepted changes into it in one transaction, and is safe to repeat: it sets, never counts.

use super::holdings::{self, Holding};
use super::outbox::{self, AnsweredChange};
use super::packing::{Form, pack_chunk, sort_key, unpack_chunk};
use super::{Store, StoreError};
use crate::domain::plan::Wave;
use crate::domain::{Change, Direction, Identity, IdentityRef, RunId};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::RangeInclusive;

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
    /// Merges what mParticle accepted in a run for a holding into its baseline, durably and all at once.
    ///
    /// `complete` says that everything the run planned was answered. Requests of earlier runs whose answers
    /// were lost are then no longer in doubt, since the plan told their users anew.
    pub fn settle(&mut self, run: RunId, holding: &Holding, complete: bool) -> Result<Settled, StoreError> {
        let transaction = self.connection.transaction()?;
        let id = holdings::find_or_make(&transaction, holding)?;
        let mut settled = Settled::default();
        for wave in Wave::ALL {
            let mut changes = AcceptedChanges::new(&transaction, run, wave, &mut settled).peekable();
            merge_into_chunks(&transaction, id, &mut changes)?;
        }
        if complete {
            outbox::supersede_earlier(&transaction, holding, run)?;
        }
        settled.baseline = count_members(&transaction, id)?;
        transaction.commit()?;
        Ok(settled)
    }

    /// Takes people over who hold an attribute already, told by somebody else or by a state that was lost;
    /// returns how many are known to hold it then.
    pub fn adopt(&mut self, holding: &Holding, mut people: Vec<Identity>) -> Result<u64, StoreError> {
        people.sort_unstable();
        people.dedup();
        let transaction = self.connection.transaction()?;
        let id = holdings::find_or_make(&transaction, holding)?;
        let enters = |identity| Change { direction: Direction::Add, identity, distinct_id: None };
        merge_into_chunks(&transaction, id, &mut people.into_iter().map(enters).map(Ok).peekable())?;
        let members = count_members(&transaction, id)?;
        transaction.commit()?;
        Ok(members)
    }
}

/// Counts who is in the baseline of a holding, and keeps the number with it.
fn count_members(connection: &Connection, holding: i64) -> Result<u64, StoreError> {
    let members: i64 = connection.query_row(
        "SELECT coalesce(sum(members), 0) FROM baseline WHERE holding_id = ?1",
        [holding],
        |row| row.get(0),
    )?;
    connection.execute("UPDATE holdings SET members = ?2 WHERE id = ?1", params![holding, members])?;
    Ok(members.cast_unsigned())
}

/// The accepted changes of a wave in order of identity (each wave is written in that order), request by request,
/// counting on the way.
struct AcceptedChanges<'a> {
    connection: &'a Connection,
    run: RunId,
    wave: Wave,
    after: i64,
    page: std::vec::IntoIter<AnsweredChange>,
    settled: &'a mut Settled,
}

impl<'a> AcceptedChanges<'a> {
    fn new(connection: &'a Connection, run: RunId, wave: Wave, settled: &'a mut Settled) -> Self {
        Self { connection, run, wave, after: -1, page: Vec::new().into_iter(), settled }
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
            match outbox::next_answered(self.connection, self.run, self.wave, self.after) {
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
    holding: i64,
    changes: Changes<'_, I>,
) -> Result<(), StoreError>
where
    I: Iterator<Item = Result<Change, StoreError>>,
{
    let chunks = chunk_starts(connection, holding)?;
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
        write_chunks(connection, holding, &merged)?;
    }
    // Only a sync without a baseline has changes left here; they are cut to chunks as they come.
    while changes.peek().is_some() {
        let mut taken = 0;
        let merged = merge(Vec::new(), changes, |_| {
            taken += 1;
            taken <= CHUNK_MEMBERS
        })?;
        write_chunks(connection, holding, &merged)?;
    }
    Ok(())
}

/// Where each chunk starts, in order: its row, form and first key.
fn chunk_starts(connection: &Connection, holding: i64) -> Result<Vec<(i64, i64, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, form, first_key FROM baseline WHERE holding_id = ?1 ORDER BY form, first_key",
    )?;
    let starts = statement.query_map([holding], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
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

fn write_chunks(connection: &Connection, holding: i64, identities: &[Identity]) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO baseline (holding_id, form, first_key, members, chunk) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for of_form in identities.chunk_by(|a, b| Form::of(a.borrow()) == Form::of(b.borrow())) {
        // A chunk may grow to twice its size before it is cut, so that growth does not leave crumbs behind.
        let size = if of_form.len() > 2 * CHUNK_MEMBERS { CHUNK_MEMBERS } else { 2 * CHUNK_MEMBERS };
        for members in of_form.chunks(size) {
            insert.execute(params![
                holding,
                Form::of(members[0].borrow()).number(),
                sort_key(members[0].borrow()),
                members.len().cast_signed(),
                pack_chunk(members),
            ])?;
        }
    }
    Ok(())
}

/// Reads the baseline of a holding in order, a chunk at a time, holding no statement open between chunks. A chunk
/// that is gone is damage as well, and shows at the end in the number of members; nothing may be settled
/// meanwhile.
pub(super) fn read<'c>(
    connection: &'c Connection,
    holding: &Holding,
) -> impl Iterator<Item = Result<Identity, StoreError>> + use<'c> {
    let mut last: Option<(i64, Vec<u8>)> = None;
    let mut chunk = Vec::new().into_iter();
    let mut members = 0;
    // Without a holding there is nothing to read, and after an error nothing more.
    let (mut id, mut failed) = match holdings::find(connection, holding) {
        Ok(id) => (id, None),
        Err(error) => (None, Some(error)),
    };
    std::iter::from_fn(move || {
        loop {
            if let Some(identity) = chunk.next() {
                members += 1;
                return Some(Ok(identity));
            }
            if let Some(error) = failed.take() {
                return Some(Err(error));
            }
            match next_chunk(connection, id?, last.as_ref()) {
                Ok(Some((start, identities))) => {
                    last = Some(start);
                    chunk = identities.into_iter();
                }
                Ok(None) => {
                    failed = check_total(connection, id?, members).err();
                    id = None;
                }
                Err(error) => {
                    id = None;
                    failed = Some(error);
                }
            }
        }
    })
}

/// Whether an identity is in the baseline of a holding; reads one chunk.
pub(super) fn contains(
    connection: &Connection,
    holding: i64,
    identity: &Identity,
) -> Result<bool, StoreError> {
    let chunk = chunk_around(connection, holding, identity.borrow())?;
    Ok(chunk.is_some_and(|(_, identities)| identities.binary_search(identity).is_ok()))
}

/// The MPIDs of a baseline within a range, in order.
pub(super) fn mpids_within(
    connection: &Connection,
    holding: i64,
    range: &RangeInclusive<i64>,
) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    // The range may begin in the middle of a chunk, or before the first one.
    let mut chunk = match chunk_around(connection, holding, IdentityRef::Mpid(*range.start()))? {
        Some(chunk) => Some(chunk),
        None => next_chunk(connection, holding, None)?,
    };
    while let Some((start, identities)) = chunk {
        for identity in identities {
            match identity {
                Identity::Mpid(mpid) if mpid <= *range.end() => {
                    found.extend(range.contains(&mpid).then_some(mpid));
                }
                // MPIDs stand before every other identity, in order.
                _ => return Ok(found),
            }
        }
        chunk = next_chunk(connection, holding, Some(&start))?;
    }
    Ok(found)
}

/// Reads the baseline of a holding in order from behind a person on, which may be taken up again and again while runs
/// are settled in between: whoever came or left behind that person is seen as it is then.
pub(super) fn read_behind<'c>(
    connection: &'c Connection,
    holding: &Holding,
    person: &Identity,
) -> Result<impl Iterator<Item = Result<Identity, StoreError>> + use<'c>, StoreError> {
    let mut id = holdings::find(connection, holding)?;
    let (mut last, mut chunk) = (None, Vec::new());
    if let Some(id) = id
        && let Some((start, identities)) = chunk_around(connection, id, person.borrow())?
    {
        chunk = identities.into_iter().filter(|identity| identity > person).collect();
        last = Some(start);
    }
    let mut chunk = chunk.into_iter();
    Ok(std::iter::from_fn(move || {
        loop {
            if let Some(identity) = chunk.next() {
                return Some(Ok(identity));
            }
            match next_chunk(connection, id?, last.as_ref()) {
                Ok(found) => {
                    let (start, identities) = found?;
                    last = Some(start);
                    chunk = identities.into_iter();
                }
                Err(error) => {
                    id = None;
                    return Some(Err(error));
                }
            }
        }
    }))
}

/// Those of some people who are in the baseline of a holding.
pub(super) fn members_among(
    connection: &Connection,
    holding: &Holding,
    people: &BTreeSet<Identity>,
) -> Result<BTreeSet<Identity>, StoreError> {
    let Some(id) = holdings::find(connection, holding)? else { return Ok(BTreeSet::new()) };
    let mut members = BTreeSet::new();
    let mut chunk: Vec<Identity> = Vec::new();
    for person in people {
        // Neighbours are mostly of one chunk, which is read once then.
        if chunk.last().is_none_or(|last| last < person) {
            chunk = chunk_around(connection, id, person.borrow())?.map_or_else(Vec::new, |(_, chunk)| chunk);
        }
        if chunk.binary_search(person).is_ok() {
            members.insert(person.clone());
        }
    }
    Ok(members)
}

/// The chunk that holds somebody, if anybody holds them: the last that does not begin behind them.
fn chunk_around(
    connection: &Connection,
    holding: i64,
    person: IdentityRef<'_>,
) -> Result<Option<Chunk>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT form, first_key, members, chunk FROM baseline
         WHERE holding_id = ?1 AND (form, first_key) <= (?2, ?3) ORDER BY form DESC, first_key DESC LIMIT 1",
    )?;
    let key = params![holding, Form::of(person).number(), sort_key(person)];
    statement.query_row(key, read_row).optional()?.map(ChunkRow::checked).transpose()
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

type Chunk = ((i64, Vec<u8>), Vec<Identity>);

fn next_chunk(
    connection: &Connection,
    holding: i64,
    after: Option<&(i64, Vec<u8>)>,
) -> Result<Option<Chunk>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT form, first_key, members, chunk FROM baseline
         WHERE holding_id = ?1 AND (form, first_key) > (?2, ?3) ORDER BY form, first_key LIMIT 1",
    )?;
    let (form, key) = after.map_or((-1, &[][..]), |(form, key)| (*form, key.as_slice()));
    let found = statement.query_row(params![holding, form, key], read_row).optional()?;
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
