//! Parcels in the outbox: rows of several runs that are one request. They are taken up in order of identity, so that
//! whoever is in several plans is told in one batch, and they are claimed, answered, split and put back together. What
//! belongs together is durable: after a crash a request that may have left is sent again exactly as it was.
//!
//! `outbox.parcel` is NULL for a request on its own, the id of one of its rows for a row of a parcel, and that number
//! negative for a row that was part of it and was taken out to stand alone. Splitting a refused parcel leaves the number:
//! which batches there are, and what each of them says, does not change by it.

use super::outbox::Answered;
use super::packing::unpack_changes;
use super::{Reader, Store, StoreError, rows};
use crate::domain::parcel::{self, fill};
use crate::domain::plan::{RequestLimits, Wave};
use crate::domain::{Change, RunId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, VecDeque};

/// A row of a request: consecutive changes of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The run.
    pub run: RunId,
    /// The position of the first change within it.
    pub first_position: u64,
    /// The changes.
    pub changes: Vec<Change>,
}

/// An upper bound of the bytes of a change on the wire: of which run, and whether it is the first that is said of the
/// person.
pub type SizeOf = dyn Fn(usize, &Change, bool) -> usize + Send;

/// A planned row that is being taken up.
struct Row {
    id: i64,
    first_position: i64,
    left: usize,
    /// Whether it is what was left of another, and does not say yet what it does.
    is_cut: bool,
}

/// The front of a run's plan.
struct Queue {
    run: RunId,
    changes: VecDeque<Change>,
    rows: VecDeque<Row>,
    /// The last position that is at hand.
    after: i64,
}

impl Store {
    /// Takes the next planned changes of a wave of several runs, cut into at most `most` requests, durably marked as
    /// perhaps on their way. Each request is its parts in the order of the runs.
    pub fn claim_together(
        &mut self,
        runs: &[RunId],
        wave: Wave,
        most: usize,
        limits: RequestLimits,
        size_of: &SizeOf,
    ) -> Result<Vec<Vec<Part>>, StoreError> {
        let transaction = self.connection.savepoint()?;
        let new =
            |run: &RunId| Queue { run: *run, changes: VecDeque::new(), rows: VecDeque::new(), after: -1 };
        let mut queues: Vec<Queue> = runs.iter().map(new).collect();
        let mut claimed = Vec::new();
        while claimed.len() < most {
            for queue in &mut queues {
                // No request takes more of one run than there are users in it.
                while queue.changes.len() <= limits.users && queue.load(&transaction, wave)? {}
            }
            let heads: Vec<VecDeque<Change>> =
                queues.iter_mut().map(|queue| std::mem::take(&mut queue.changes)).collect();
            let taken = fill(&heads, limits, size_of);
            for (queue, changes) in queues.iter_mut().zip(heads) {
                queue.changes = changes;
            }
            if taken.iter().all(|taken| *taken == 0) {
                break;
            }
            let mut parts = Vec::new();
            for (queue, taken) in queues.iter_mut().zip(taken) {
                parts.extend(queue.take(&transaction, taken)?);
            }
            mark(&transaction, &parts)?;
            claimed.push(parts.into_iter().map(|(_, part)| part).collect());
        }
        for queue in &queues {
            queue.put_back(&transaction)?;
        }
        transaction.commit()?;
        Ok(claimed)
    }

    /// Records the final answer to the parts of a request.
    pub fn answer_parts(&mut self, answers: &[(Part, Answered)], at: Timestamp) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        for (part, answered) in answers {
            super::outbox::record_answer(&transaction, part.run, part.first_position, answered, at)?;
        }
        Ok(transaction.commit()?)
    }

    /// Cuts the parts of a claimed request before some of their changes, so that what stands before and behind can be
    /// answered apart. Everything stays claimed, and part of what it was.
    pub fn cut_parts(&mut self, parts: &[Part], cuts: &[usize]) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        for (part, cut) in parts.iter().zip(cuts) {
            rows::cut(&transaction, part.run, part.first_position.cast_signed(), &part.changes, *cut)?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes changes, by their places, out of the parts of a claimed request; each becomes a request on its own that
    /// stays claimed. Returns what is left of the parts, and those that were taken out.
    pub fn take_out(&mut self, parts: &[(Part, Vec<usize>)]) -> Result<(Vec<Part>, Vec<Part>), StoreError> {
        let transaction = self.connection.savepoint()?;
        let (mut left, mut out) = (Vec::new(), Vec::new());
        for (part, places) in parts {
            // From behind, so that the row in front keeps its first position.
            let mut front = part.clone();
            let mut behind = Vec::new();
            for place in places.iter().rev().copied().filter(|place| *place < part.changes.len()) {
                let position = part.first_position + place as u64;
                rows::cut(
                    &transaction,
                    part.run,
                    front.first_position.cast_signed(),
                    &front.changes,
                    place + 1,
                )?;
                let rest = front.changes.split_off(place + 1);
                behind.push(Part { run: part.run, first_position: position + 1, changes: rest });
                rows::cut(&transaction, part.run, front.first_position.cast_signed(), &front.changes, place)?;
                let alone = front.changes.split_off(place);
                transaction.execute(
                    "UPDATE outbox SET parcel = -abs(parcel) WHERE run_id = ?1 AND first_position = ?2",
                    params![part.run.0, position.cast_signed()],
                )?;
                out.push(Part { run: part.run, first_position: position, changes: alone });
            }
            behind.push(front);
            left.extend(behind.into_iter().rev().filter(|part| !part.changes.is_empty()));
        }
        transaction.commit()?;
        Ok((left, out))
    }

    /// Puts claimed parts back into their plans: it is certain that mParticle did not take them.
    pub fn release_parts(&mut self, parts: &[Part]) -> Result<(), StoreError> {
        self.move_parts(
            parts,
            "UPDATE outbox SET state = 'planned', parcel = NULL
             WHERE run_id = ?1 AND first_position = ?2 AND state = 'claimed'",
        )
    }

    /// Notes of claimed parts that no copy is on its way any more, though mParticle may have taken one.
    pub fn doubt_parts(&mut self, parts: &[Part]) -> Result<(), StoreError> {
        self.move_parts(
            parts,
            "UPDATE outbox SET state = 'doubted' WHERE run_id = ?1 AND first_position = ?2 AND state = 'claimed'",
        )
    }

    fn move_parts(&mut self, parts: &[Part], sql: &str) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        for part in parts {
            transaction.execute(sql, params![part.run.0, part.first_position.cast_signed()])?;
        }
        Ok(transaction.commit()?)
    }

    /// The requests of a run that may have left and were not answered, in the order they were to be sent, each whole: with
    /// the parts of other runs that left with it.
    pub fn claimed_parcels(&mut self, run: RunId) -> Result<Vec<Vec<Part>>, StoreError> {
        let own = claimed_rows(&self.connection, "run_id = ?1", run.0)?;
        let mut parcels: BTreeMap<i64, usize> = BTreeMap::new();
        let mut requests: Vec<Vec<Part>> = Vec::new();
        for (parcel, part) in own {
            match parcel.filter(|parcel| *parcel > 0) {
                None => requests.push(vec![part]),
                Some(parcel) if parcels.contains_key(&parcel) => {}
                Some(parcel) => {
                    parcels.insert(parcel, requests.len());
                    let whole = claimed_rows(&self.connection, "parcel = ?1", parcel)?;
                    requests.push(whole.into_iter().map(|(_, part)| part).collect());
                }
            }
        }
        Ok(requests)
    }
}

impl Row {
    /// What is left of it behind so many changes, as a row of its own. What that says is written once nothing more is
    /// taken off it.
    fn behind(&self, transaction: &Connection, taken: usize) -> Result<Option<Self>, StoreError> {
        let left = self.left - taken;
        if left == 0 {
            return Ok(None);
        }
        let first_position = self.first_position + taken.cast_signed() as i64;
        let id = rows::add_behind(transaction, self.id, first_position, left)?;
        Ok(Some(Self { id, first_position, left, is_cut: true }))
    }
}

impl Queue {
    /// Reads the next planned row; false when there is none.
    fn load(&mut self, connection: &Connection, wave: Wave) -> Result<bool, StoreError> {
        let found = connection
            .prepare_cached(
                "SELECT id, first_position, changes FROM whole_requests WHERE run_id = ?1 AND wave = ?2 AND state = 'planned'
                   AND first_position > ?3 ORDER BY first_position LIMIT 1",
            )?
            .query_row(params![self.run.0, wave.number().cast_signed(), self.after], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        let Some((id, first_position, packed)) = found else { return Ok(false) };
        let changes = unpack_changes(&packed)?;
        // Whatever is cut off this row is at hand already.
        self.after = first_position + changes.len().cast_signed() as i64 - 1;
        self.rows.push_back(Row { id, first_position, left: changes.len(), is_cut: false });
        self.changes.extend(changes);
        Ok(true)
    }

    /// Takes so many changes from the front, as rows of their own with their ids.
    fn take(&mut self, transaction: &Connection, mut wanted: usize) -> Result<Vec<(i64, Part)>, StoreError> {
        let mut parts = Vec::new();
        while wanted > 0 {
            let Some(row) = self.rows.front() else { break };
            let taken = wanted.min(row.left);
            let changes: Vec<Change> = self.changes.drain(..taken).collect();
            let (first_position, id) = (row.first_position, row.id);
            let rest = row.behind(transaction, taken)?;
            if row.is_cut || rest.is_some() {
                rows::count(transaction, id, taken)?;
                rows::say(transaction, id, &changes)?;
            }
            transaction.prepare_cached("UPDATE outbox SET state = 'claimed' WHERE id = ?1")?.execute([id])?;
            parts.push((id, Part { run: self.run, first_position: first_position.cast_unsigned(), changes }));
            match rest {
                Some(rest) => self.rows[0] = rest,
                None => drop(self.rows.pop_front()),
            }
            wanted -= taken;
        }
        Ok(parts)
    }

    /// Writes the changes of the row that was cut last, whose rest stays planned.
    fn put_back(&self, transaction: &Connection) -> Result<(), StoreError> {
        let Some(row) = self.rows.front().filter(|row| row.is_cut) else { return Ok(()) };
        let rest: Vec<Change> = self.changes.iter().take(row.left).cloned().collect();
        rows::say(transaction, row.id, &rest)
    }
}

impl Reader {
    /// The parcel that a position of a run was told in: its number, negative when the position was taken out of it.
    fn parcel_at(&self, run: RunId, position: u64) -> Result<Option<i64>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT parcel FROM outbox WHERE run_id = ?1 AND first_position <= ?2 AND first_position + users > ?2
                 ORDER BY first_position DESC LIMIT 1",
            )?
            .query_row(params![run.0, position.cast_signed()], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }

    /// The parts of the request of several runs that a position was told in, whole, as it first left; none when it was
    /// told in a request of its own run alone.
    pub fn parts_told_with(&self, run: RunId, position: u64) -> Result<Vec<Part>, StoreError> {
        let Some(parcel) = self.parcel_at(run, position)? else { return Ok(Vec::new()) };
        let mut statement = self.connection.prepare_cached(
            "SELECT run_id, first_position, changes FROM whole_requests WHERE parcel IN (?1, -?1)
             ORDER BY run_id, wave, first_position",
        )?;
        let mut rows = statement.query([parcel.abs()])?;
        let mut parts = Vec::new();
        while let Some(row) = rows.next()? {
            parts.push(Part {
                run: RunId(row.get(0)?),
                first_position: row.get::<_, i64>(1)?.cast_unsigned(),
                changes: unpack_changes(&row.get::<_, Vec<u8>>(2)?)?,
            });
        }
        Ok(parts)
    }

    /// Under which run and position the journal notes the request of several runs that a position was told in.
    pub(super) fn noted_with(&self, run: RunId, position: u64) -> Result<Option<(RunId, u64)>, StoreError> {
        let Some(parcel) = self.parcel_at(run, position)? else { return Ok(None) };
        Ok(self
            .connection
            .prepare_cached("SELECT run_id, first_position FROM outbox WHERE id = ?1")?
            .query_row([parcel.abs()], |row| Ok((RunId(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))
            .optional()?)
    }
}

/// Makes one request of some claimed rows; one row alone is a request on its own.
fn mark(transaction: &Connection, parts: &[(i64, Part)]) -> Result<(), StoreError> {
    let Some((parcel, _)) = parts.first().filter(|_| parts.len() > 1) else { return Ok(()) };
    let mut update = transaction.prepare_cached("UPDATE outbox SET parcel = ?2 WHERE id = ?1")?;
    for (id, _) in parts {
        update.execute([*id, *parcel])?;
    }
    Ok(())
}

/// Claimed rows with their parcels, in the order of the runs and of their plans.
fn claimed_rows(
    connection: &Connection,
    condition: &str,
    value: i64,
) -> Result<Vec<(Option<i64>, Part)>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT parcel, run_id, first_position, changes FROM whole_requests WHERE {condition} AND state = 'claimed'
         ORDER BY run_id, wave, first_position"
    ))?;
    let mut rows = statement.query([value])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let part = Part {
            run: RunId(row.get(1)?),
            first_position: row.get::<_, i64>(2)?.cast_unsigned(),
            changes: unpack_changes(&row.get::<_, Vec<u8>>(3)?)?,
        };
        found.push((row.get(0)?, part));
    }
    Ok(found)
}

/// The batches of a request of some parts.
#[must_use]
pub fn batches_of(parts: &[Part]) -> Vec<parcel::Batch> {
    parcel::batches(parts.iter().map(|part| part.changes.as_slice()))
}
