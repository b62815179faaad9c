//! The rows of a baseline: chunks of one form, in order, each keyed by its first identity; those of the layers look
//! just the same. Everything that is read back is checked against what its row says.

use super::super::StoreError;
use super::super::packing::{Form, pack_block, sort_key, unpack_block};
use crate::domain::sorted::{Block, Sorted};
use crate::domain::{Change, Direction, Identity, IdentityRef};
use rusqlite::{Connection, params};
use std::iter::Peekable;

/// The chunks themselves.
pub(super) const CHUNKS: i64 = 0;
/// Who is in the baseline though not in its chunks.
pub(super) const ENTERED: i64 = 1;
/// Who is in the chunks only.
pub(super) const LEFT: i64 = 2;

/// How a baseline is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Members in a full chunk.
    pub chunk: usize,
    /// How many times as many members as people in the layers there are at least. Reading merges them, so they must
    /// stay few; folding rewrites everything, so it must be rare.
    pub layers: u64,
}

impl Default for Shape {
    fn default() -> Self {
        // 32 KiB of MPIDs, so that reading is sequential; and a change of one in a hundred folds every sixth time.
        Self { chunk: 4_096, layers: 16 }
    }
}

impl Shape {
    /// How many people the layers over so many members may hold; a few chunks are sooner rewritten.
    pub(super) fn layers_of(self, members: u64) -> u64 {
        let most = members / self.layers;
        if most < self.chunk as u64 { 0 } else { most }
    }
}

/// Where a chunk begins: its form and first key.
pub(super) type Start = (i64, Vec<u8>);

/// How many people a layer holds.
pub(super) fn count(connection: &Connection, holding: i64, layer: i64) -> Result<u64, StoreError> {
    let members: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(members), 0) FROM baseline WHERE holding_id = ?1 AND layer = ?2",
        )?
        .query_row([holding, layer], |row| row.get(0))?;
    Ok(members.cast_unsigned())
}

/// The chunk of a layer that follows another, or the first.
pub(super) fn next(
    connection: &Connection,
    holding: i64,
    layer: i64,
    after: Option<&Start>,
) -> Result<Option<(Start, Block)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT form, first_key, members, chunk FROM baseline
         WHERE holding_id = ?1 AND layer = ?2 AND (form, first_key) > (?3, ?4) ORDER BY form, first_key LIMIT 1",
    )?;
    let (form, key) = after.map_or((-1, &[][..]), |(form, key)| (*form, key.as_slice()));
    let mut rows = statement.query(params![holding, layer, form, key])?;
    rows.next()?.map(checked).transpose()
}

/// The chunk that holds somebody, if anybody holds them: the last that does not begin behind them.
pub(super) fn around(
    connection: &Connection,
    holding: i64,
    person: IdentityRef<'_>,
) -> Result<Option<(Start, Block)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT form, first_key, members, chunk FROM baseline
         WHERE holding_id = ?1 AND layer = 0 AND (form, first_key) <= (?2, ?3)
         ORDER BY form DESC, first_key DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![holding, Form::of(person).number(), sort_key(person)])?;
    rows.next()?.map(checked).transpose()
}

/// The identities of a row, if they are what it says of them.
fn checked(row: &rusqlite::Row<'_>) -> Result<(Start, Block), StoreError> {
    let (form, first_key, members) = (row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?);
    let block = unpack_block(form, row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let fits = block.len().cast_signed() as i64 == members
        && block.get(0).is_some_and(|first| sort_key(first) == first_key);
    if !fits {
        let what = "a baseline chunk that is not what its row says".to_owned();
        return Err(StoreError::Damaged { what });
    }
    Ok(((form, first_key), block))
}

/// Everybody in a layer.
pub(super) fn all(connection: &Connection, holding: i64, layer: i64) -> Result<Sorted, StoreError> {
    let (mut all, mut last) = (Sorted::default(), None);
    while let Some((start, block)) = next(connection, holding, layer, last.as_ref())? {
        all.append(block);
        last = Some(start);
    }
    Ok(all)
}

/// Empties a layer.
pub(super) fn delete(connection: &Connection, holding: i64, layer: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM baseline WHERE holding_id = ?1 AND layer = ?2")?
        .execute([holding, layer])?;
    Ok(())
}

/// Writes people in order as chunks of a layer, each of them at most so large.
pub(super) fn write(
    connection: &Connection,
    holding: i64,
    layer: i64,
    people: &Sorted,
    shape: Shape,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO baseline (holding_id, layer, form, first_key, members, chunk) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut write = |block: Block| -> Result<(), StoreError> {
        let Some(first) = block.get(0) else { return Ok(()) };
        let (form, key) = (Form::of(first).number(), sort_key(first));
        let members = block.len().cast_signed();
        insert.execute(params![holding, layer, form, key, members, pack_block(&block)])?;
        Ok(())
    };
    // A chunk may grow to twice its size before it is cut, so that growth does not leave crumbs behind.
    let size = |length: usize| if length > 2 * shape.chunk { shape.chunk } else { 2 * shape.chunk };
    let Sorted { mpids, uuids, texts } = people;
    for mpids in mpids.chunks(size(mpids.len())) {
        write(Block::Mpids(mpids.to_vec()))?;
    }
    for uuids in uuids.chunks(size(uuids.len())) {
        write(Block::Uuids(uuids.to_vec()))?;
    }
    for texts in texts.chunks(size(texts.len())) {
        write(Block::Texts(texts.to_vec()))?;
    }
    Ok(())
}

/// Merges sorted changes into the chunks, of which only those are rewritten that anybody enters or leaves.
pub(super) fn merge(
    connection: &Connection,
    holding: i64,
    changes: impl Iterator<Item = Result<Change, StoreError>>,
    shape: Shape,
) -> Result<(), StoreError> {
    let mut changes = changes.peekable();
    let chunks = starts(connection, holding)?;
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
        let block = {
            let mut select = connection
                .prepare_cached("SELECT form, first_key, members, chunk FROM baseline WHERE id = ?1")?;
            let mut rows = select.query([row])?;
            rows.next()?.map(checked).transpose()?
        };
        let known = block.map_or_else(Vec::new, |(_, block)| block.into_identities());
        let merged = merged(known, &mut changes, before_next)?;
        connection.prepare_cached("DELETE FROM baseline WHERE id = ?1")?.execute([row])?;
        write(connection, holding, CHUNKS, &merged, shape)?;
    }
    // Only a sync without a baseline has changes left here; they are cut to chunks as they come.
    while changes.peek().is_some() {
        let mut taken = 0;
        let merged = merged(Vec::new(), &mut changes, |_| {
            taken += 1;
            taken <= shape.chunk
        })?;
        write(connection, holding, CHUNKS, &merged, shape)?;
    }
    Ok(())
}

/// Where each chunk starts, in order: its row, form and first key.
fn starts(connection: &Connection, holding: i64) -> Result<Vec<(i64, i64, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, form, first_key FROM baseline WHERE holding_id = ?1 AND layer = 0 ORDER BY form, first_key",
    )?;
    let starts = statement.query_map([holding], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(starts.collect::<Result<_, _>>()?)
}

/// Merges sorted changes into sorted identities for as long as `take` says the change belongs here.
fn merged<I>(
    identities: Vec<Identity>,
    changes: &mut Peekable<I>,
    mut take: impl FnMut(&Change) -> bool,
) -> Result<Sorted, StoreError>
where
    I: Iterator<Item = Result<Change, StoreError>>,
{
    let mut merged = Sorted::default();
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
    for identity in kept {
        merged.push(identity);
    }
    Ok(merged)
}
