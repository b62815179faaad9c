//! The plan of a run, written before the first request leaves, and what became of each request. A request is
//! *claimed* before it is sent: from then until its answer is recorded nobody knows whether mParticle took
//! it, and after a crash or a lost answer its users are told anew (see `doubts`).

use super::packing::unpack_changes;
use super::rows::{self, Place};
use super::{Store, StoreError};
use crate::domain::plan::{PlannedRequest, Wave};
use crate::domain::{Change, CohortId, Direction, Identity, RunId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// A request of the outbox, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRequest {
    /// The position of its first change within the run; with the run it names the request.
    pub first_position: u64,
    /// What it tells.
    pub changes: Vec<Change>,
}

/// A claimed request as it lies in the store. It is unpacked where it is sent, for whoever keeps the store has other
/// things to do.
#[derive(Debug)]
pub struct PackedRequest {
    first_position: u64,
    changes: Vec<u8>,
}

impl PackedRequest {
    /// The request.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it does not read back.
    pub fn unpack(self) -> Result<OutboxRequest, StoreError> {
        Ok(OutboxRequest { first_position: self.first_position, changes: unpack_changes(&self.changes)? })
    }
}

/// The final answer to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// The changes that were rejected: their place within the request, and why.
    pub rejected: Vec<(usize, String)>,
    /// Whether an earlier try may have been taken all the same, so that a rejection proves nothing.
    pub in_doubt: bool,
    /// The HTTP status.
    pub status: u16,
    /// How many tries it took.
    pub tries: u32,
}

/// A change of an answered request.
pub(super) struct AnsweredChange {
    pub change: Change,
    pub accepted: bool,
}

impl Store {
    /// Adds requests to the plan of a run. `sendable` is false in a dry run, whose plan is only to be looked at.
    pub fn write_plan(
        &mut self,
        run: RunId,
        cohort: CohortId,
        requests: &[PlannedRequest],
        sendable: bool,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        let state = if sendable { "planned" } else { "dry" };
        for request in requests {
            let (wave, first_position) = (request.wave, request.first_position);
            rows::add(&transaction, Place { run, cohort, wave, first_position }, state, &request.changes)?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes the next planned requests of a wave, at most `limit`, durably marked as perhaps on their way.
    pub fn claim(&mut self, run: RunId, wave: Wave, limit: usize) -> Result<Vec<PackedRequest>, StoreError> {
        let transaction = self.connection.savepoint()?;
        let mut claimed = Vec::new();
        {
            let mut select = transaction.prepare_cached(
                "SELECT id, first_position, changes FROM whole_requests
                 WHERE run_id = ?1 AND wave = ?2 AND state = 'planned' ORDER BY first_position LIMIT ?3",
            )?;
            let mut rows = select.query(params![run.0, wave.number().cast_signed(), limit.cast_signed()])?;
            let mut update =
                transaction.prepare_cached("UPDATE outbox SET state = 'claimed' WHERE id = ?1")?;
            while let Some(row) = rows.next()? {
                update.execute([row.get::<_, i64>(0)?])?;
                claimed.push(PackedRequest {
                    first_position: row.get::<_, i64>(1)?.cast_unsigned(),
                    changes: row.get(2)?,
                });
            }
        }
        transaction.commit()?;
        Ok(claimed)
    }

    /// Puts a claimed request back: it is certain that mParticle did not take it.
    pub fn release(&mut self, run: RunId, first_position: u64) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE outbox SET state = 'planned' WHERE run_id = ?1 AND first_position = ?2 AND state = 'claimed'",
            params![run.0, first_position.cast_signed()],
        )?;
        Ok(())
    }

    /// Notes that no copy of a claimed request is on its way any more, though mParticle may have taken one.
    pub fn doubt(&mut self, run: RunId, first_position: u64) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE outbox SET state = 'doubted' WHERE run_id = ?1 AND first_position = ?2 AND state = 'claimed'",
            params![run.0, first_position.cast_signed()],
        )?;
        Ok(())
    }

    /// Records the final answer to a claimed request.
    pub fn answer(
        &mut self,
        run: RunId,
        first_position: u64,
        answered: &Answered,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if answered.rejected.is_empty() {
            // One statement is whole by itself.
            return record_answer(&self.connection, run, first_position, answered, at);
        }
        let transaction = self.connection.savepoint()?;
        record_answer(&transaction, run, first_position, answered, at)?;
        Ok(transaction.commit()?)
    }

    /// Whether a run has requests without a final answer.
    pub fn has_unanswered(&mut self, run: RunId) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT 1 FROM outbox WHERE run_id = ?1 AND state IN ('planned', 'claimed', 'doubted')",
            )?
            .exists([run.0])?)
    }

    /// Splits a claimed request that mParticle refused as a whole, at `place`; both parts stay claimed.
    pub fn split(&mut self, run: RunId, request: &OutboxRequest, place: usize) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        rows::cut(&transaction, run, request.first_position.cast_signed(), &request.changes, place)?;
        Ok(transaction.commit()?)
    }

    /// The requests of a run that may have left and were not answered, in the order they were to be sent.
    pub fn claimed(&mut self, run: RunId) -> Result<Vec<OutboxRequest>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first_position, changes FROM whole_requests WHERE run_id = ?1 AND state = 'claimed'
             ORDER BY wave, first_position",
        )?;
        let mut rows = statement.query([run.0])?;
        let mut requests = Vec::new();
        while let Some(row) = rows.next()? {
            requests.push(OutboxRequest {
                first_position: row.get::<_, i64>(0)?.cast_unsigned(),
                changes: unpack_changes(&row.get::<_, Vec<u8>>(1)?)?,
            });
        }
        Ok(requests)
    }

    /// Some of the people a plan would remove, from all over it.
    pub fn sample_of_removals(&mut self, run: RunId, size: usize) -> Result<Vec<Identity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT changes FROM whole_requests WHERE run_id = ?1 AND wave = ?2 ORDER BY first_position",
        )?;
        let requests: i64 = self.connection.query_row(
            "SELECT count(*) FROM outbox WHERE run_id = ?1 AND wave = ?2",
            params![run.0, Wave::Removes.number().cast_signed()],
            |row| row.get(0),
        )?;
        let requests = usize::try_from(requests).unwrap_or(usize::MAX);
        let (step, each) =
            (requests.div_ceil(size.max(1)).max(1), size.div_ceil(requests.clamp(1, size.max(1))));
        let mut rows = statement.query(params![run.0, Wave::Removes.number().cast_signed()])?;
        let (mut sample, mut number) = (Vec::new(), 0_usize);
        while let Some(row) = rows.next()? {
            if number.is_multiple_of(step) {
                let changes = unpack_changes(&row.get::<_, Vec<u8>>(0)?)?;
                let removals = changes.into_iter().filter(|change| change.direction == Direction::Remove);
                sample.extend(removals.take(each).map(|change| change.identity));
            }
            number += 1;
        }
        sample.truncate(size);
        Ok(sample)
    }
}

/// Records the final answer to a claimed row, as a part of whatever it is done with.
pub(super) fn record_answer(
    connection: &Connection,
    run: RunId,
    first_position: u64,
    answered: &Answered,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE outbox SET state = 'answered', answered_at = ?3, http_status = ?4, tries = ?5
             WHERE run_id = ?1 AND first_position = ?2",
        )?
        .execute(params![
            run.0,
            first_position.cast_signed(),
            at.as_millisecond(),
            answered.status,
            answered.tries,
        ])?;
    for (place, reason) in &answered.rejected {
        connection.execute(
            "INSERT OR REPLACE INTO rejections (run_id, position, reason, in_doubt) VALUES (?1, ?2, ?3, ?4)",
            params![
                run.0,
                first_position.cast_signed() + place.cast_signed() as i64,
                reason,
                answered.in_doubt
            ],
        )?;
    }
    Ok(())
}

/// How many users the answered requests of a run have, in all.
pub(super) fn answered_users(connection: &Connection, run: RunId) -> Result<u64, StoreError> {
    let users: i64 = connection.query_row(
        "SELECT coalesce(sum(users), 0) FROM outbox WHERE run_id = ?1 AND state = 'answered'",
        [run.0],
        |row| row.get(0),
    )?;
    Ok(users.cast_unsigned())
}

/// The next answered request of a wave after a position: its first position and its changes.
pub(super) fn next_answered(
    connection: &Connection,
    run: RunId,
    wave: Wave,
    after: i64,
) -> Result<Option<(i64, Vec<AnsweredChange>)>, StoreError> {
    Ok(next_of_wave(connection, run, wave, after)?
        .map(|(first_position, _, changes)| (first_position, changes)))
}

/// What was accepted of the next answered request of a wave after a position: its first position, when it was
/// answered, and the changes.
pub(super) fn next_accepted(
    connection: &Connection,
    run: RunId,
    wave: Wave,
    after: i64,
) -> Result<Option<(i64, i64, Vec<Change>)>, StoreError> {
    let next = next_of_wave(connection, run, wave, after)?;
    Ok(next.map(|(first_position, at, changes)| {
        let accepted = changes.into_iter().filter(|answered| answered.accepted);
        (first_position, at, accepted.map(|answered| answered.change).collect())
    }))
}

type AnsweredRequest = (i64, i64, Vec<AnsweredChange>);

fn next_of_wave(
    connection: &Connection,
    run: RunId,
    wave: Wave,
    after: i64,
) -> Result<Option<AnsweredRequest>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT first_position, coalesce(answered_at, 0), changes FROM whole_requests
             WHERE run_id = ?1 AND first_position > ?2 AND state = 'answered' AND wave = ?3
             ORDER BY first_position LIMIT 1",
        )?
        .query_row(params![run.0, after, wave.number().cast_signed()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let Some((first_position, at, blob)) = found else { return Ok(None) };
    let changes = unpack_changes(&blob)?;
    let rejected = rejected_between(connection, run, first_position, changes.len())?;
    let answered = changes
        .into_iter()
        .zip(first_position..)
        .map(|(change, position)| AnsweredChange { change, accepted: !rejected.contains_key(&position) })
        .collect();
    Ok(Some((first_position, at, answered)))
}

/// The rejected positions of a request, and whether each is in doubt.
pub(super) fn rejected_between(
    connection: &Connection,
    run: RunId,
    first: i64,
    length: usize,
) -> Result<BTreeMap<i64, bool>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT position, in_doubt FROM rejections WHERE run_id = ?1 AND position >= ?2 AND position < ?3",
    )?;
    let positions = statement
        .query_map(params![run.0, first, first + length.cast_signed() as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(positions.collect::<Result<_, _>>()?)
}
