//! The plan of a run, written before the first request leaves, and what became of each request. A request is
//! *claimed* before it is sent: from then until its answer is recorded nobody knows whether mParticle took
//! it, and after a crash or a lost answer its users are told anew (see `domain::diff`).

use super::packing::{pack_changes, unpack_changes};
use super::{Holding, RunRecord, Store, StoreError, runs};
use crate::domain::doubt::{Doubts, Telling};
use crate::domain::plan::{PlannedRequest, Wave};
use crate::domain::{Change, CohortId, Direction, Identity, RunId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

/// A request of the outbox, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRequest {
    /// The position of its first change within the run; with the run it names the request.
    pub first_position: u64,
    /// What it tells.
    pub changes: Vec<Change>,
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
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO outbox (run_id, cohort_id, first_position, users, state, changes, wave)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for request in requests {
                insert.execute(params![
                    run.0,
                    cohort.0.cast_signed(),
                    request.first_position.cast_signed(),
                    request.changes.len().cast_signed(),
                    if sendable { "planned" } else { "dry" },
                    pack_changes(&request.changes)?,
                    request.wave.number().cast_signed(),
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Takes the next planned requests of a wave, at most `limit`, durably marked as perhaps on their way.
    pub fn claim(&mut self, run: RunId, wave: Wave, limit: usize) -> Result<Vec<OutboxRequest>, StoreError> {
        let transaction = self.connection.savepoint()?;
        let mut claimed = Vec::new();
        {
            let mut select = transaction.prepare_cached(
                "SELECT id, first_position, changes FROM outbox
                 WHERE run_id = ?1 AND wave = ?2 AND state = 'planned' ORDER BY first_position LIMIT ?3",
            )?;
            let mut rows = select.query(params![run.0, wave.number().cast_signed(), limit.cast_signed()])?;
            let mut update =
                transaction.prepare_cached("UPDATE outbox SET state = 'claimed' WHERE id = ?1")?;
            while let Some(row) = rows.next()? {
                update.execute([row.get::<_, i64>(0)?])?;
                claimed.push(OutboxRequest {
                    first_position: row.get::<_, i64>(1)?.cast_unsigned(),
                    changes: unpack_changes(&row.get::<_, Vec<u8>>(2)?)?,
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
        let (front, back) = request.changes.split_at_checked(place).unwrap_or((&request.changes, &[]));
        let transaction = self.connection.savepoint()?;
        transaction.execute(
            "UPDATE outbox SET users = ?3, changes = ?4 WHERE run_id = ?1 AND first_position = ?2",
            params![
                run.0,
                request.first_position.cast_signed(),
                front.len().cast_signed(),
                pack_changes(front)?
            ],
        )?;
        transaction.execute(
            "INSERT INTO outbox (run_id, cohort_id, first_position, users, state, changes, wave)
             SELECT run_id, cohort_id, first_position + ?3, ?4, state, ?5, wave
             FROM outbox WHERE run_id = ?1 AND first_position = ?2",
            params![
                run.0,
                request.first_position.cast_signed(),
                front.len().cast_signed(),
                back.len().cast_signed(),
                pack_changes(back)?,
            ],
        )?;
        Ok(transaction.commit()?)
    }

    /// The run whose requests were the last that left for an attribute, if some of them were never answered.
    pub fn run_in_doubt(&mut self, holding: &Holding) -> Result<Option<RunRecord>, StoreError> {
        // From the newest run back: the first that sent anything decides.
        let newest =
            "SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2 AND EXISTS (SELECT 1 FROM outbox
                WHERE run_id = runs.id AND state IN ('claimed', 'doubted', 'answered'))
             ORDER BY id DESC LIMIT 1";
        let of = params![holding.cohort.0.cast_signed(), holding.attribute];
        let last: Option<i64> =
            self.connection.prepare_cached(newest)?.query_row(of, |row| row.get(0)).optional()?;
        let Some(run) = last.map(RunId) else { return Ok(None) };
        if self.claimed(run)?.is_empty() {
            return Ok(None);
        }
        runs::load_one(&self.connection, run)
    }

    /// The requests of a run that may have left and were not answered, in the order they were to be sent.
    pub fn claimed(&mut self, run: RunId) -> Result<Vec<OutboxRequest>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first_position, changes FROM outbox WHERE run_id = ?1 AND state = 'claimed'
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

    /// The people of whom nobody knows what mParticle was last told about an attribute, sorted. Whoever was in a
    /// request that was lost is out of doubt again once a later request about them was accepted, in whichever
    /// run; a rejection proves nothing.
    pub fn uncertain(&mut self, holding: &Holding) -> Result<Vec<Identity>, StoreError> {
        Ok(in_doubt(&self.connection, holding)?.into_iter().collect())
    }

    /// Some of the people a plan would remove, from all over it.
    pub fn sample_of_removals(&mut self, run: RunId, size: usize) -> Result<Vec<Identity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT changes FROM outbox WHERE run_id = ?1 AND wave = ?2 ORDER BY first_position",
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

/// See [`Store::uncertain`].
pub(super) fn in_doubt(connection: &Connection, holding: &Holding) -> Result<BTreeSet<Identity>, StoreError> {
    let Some(from) = first_doubtful_run(connection, holding)? else { return Ok(BTreeSet::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT run_id, first_position, state, changes FROM outbox
         WHERE cohort_id = ?1 AND run_id >= ?3
           AND (state IN ('claimed', 'doubted', 'answered') OR (state = 'planned' AND wave = 2))
           AND run_id IN (SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2)
         ORDER BY run_id, wave, first_position",
    )?;
    let mut rows = statement.query(params![holding.cohort.0.cast_signed(), holding.attribute, from])?;
    let mut doubts = Doubts::default();
    while let Some(row) = rows.next()? {
        let (run, first): (i64, i64) = (row.get(0)?, row.get(1)?);
        let is_answered = row.get::<_, String>(2)? == "answered";
        let changes = unpack_changes(&row.get::<_, Vec<u8>>(3)?)?;
        let rejected = rejected_between(connection, RunId(run), first, changes.len())?;
        for (change, position) in changes.into_iter().zip(first..) {
            let telling = match rejected.get(&position) {
                _ if !is_answered => Telling::Unanswered,
                None => Telling::Accepted,
                Some(true) => Telling::RejectedInDoubt,
                Some(false) => Telling::Rejected,
            };
            doubts.take(change, telling);
        }
    }
    Ok(doubts.people())
}

/// The oldest run that may leave anybody in doubt: of whose requests one was not answered, a rejection proves
/// nothing, a removal was refused, or somebody was to be told again and was not any more. History that is pruned is not
/// doubted any more. Requests are there by the hundred thousand, so that of a rejection is looked up by its position.
fn first_doubtful_run(connection: &Connection, holding: &Holding) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "WITH of_holding AS (SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2)
             SELECT min(run_id) FROM (
                 SELECT run_id FROM outbox WHERE cohort_id = ?1 AND state IN ('claimed', 'doubted')
                 UNION ALL SELECT run_id FROM outbox WHERE cohort_id = ?1 AND state = 'planned' AND wave = 2
                 UNION ALL SELECT run_id FROM rejections WHERE in_doubt = 1
                 UNION ALL SELECT run_id FROM rejections WHERE run_id IN (SELECT id FROM of_holding) AND (
                     SELECT wave = 0 AND position < first_position + users FROM outbox
                     WHERE outbox.run_id = rejections.run_id AND first_position <= position
                     ORDER BY first_position DESC LIMIT 1)
             ) WHERE run_id IN (SELECT id FROM of_holding)",
        )?
        .query_row(params![holding.cohort.0.cast_signed(), holding.attribute], |row| row.get(0))?)
}

/// A run told everybody anew who was in doubt, and was answered. Earlier requests are no longer in doubt then;
/// whoever was rejected still is.
pub(super) fn supersede_earlier(
    connection: &Connection,
    holding: &Holding,
    run: RunId,
) -> Result<(), StoreError> {
    let still = in_doubt(connection, holding)?;
    if !still.is_empty() {
        keep_in_doubt(connection, run, &still)?;
    }
    // The sign keeps the database to the index of what is in doubt; earlier runs may have sent a great deal.
    let earlier = "+run_id < ?2 AND +run_id IN (SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?3)";
    for change in [
        "outbox SET state = 'superseded' WHERE cohort_id = ?1 AND state IN ('claimed', 'doubted')",
        "outbox SET state = 'superseded' WHERE cohort_id = ?1 AND state = 'planned' AND wave = 2",
        "rejections SET in_doubt = 0 WHERE in_doubt = 1",
    ] {
        connection.prepare_cached(&format!("UPDATE {change} AND {earlier}"))?.execute(params![
            holding.cohort.0.cast_signed(),
            run.0,
            holding.attribute
        ])?;
    }
    Ok(())
}

/// Notes with a run that some of those it was rejected for are in doubt.
fn keep_in_doubt(connection: &Connection, run: RunId, people: &BTreeSet<Identity>) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT first_position, changes FROM outbox WHERE run_id = ?1 AND state = 'answered'
           AND EXISTS (SELECT 1 FROM rejections WHERE rejections.run_id = ?1
               AND position >= first_position AND position < first_position + users)",
    )?;
    let mut update = connection
        .prepare_cached("UPDATE rejections SET in_doubt = 1 WHERE run_id = ?1 AND position = ?2")?;
    let mut rows = select.query([run.0])?;
    while let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        let changes = unpack_changes(&row.get::<_, Vec<u8>>(1)?)?;
        for (change, position) in changes.iter().zip(first..) {
            if people.contains(&change.identity) {
                // Nothing happens for whoever was accepted under another position.
                update.execute(params![run.0, position])?;
            }
        }
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
            "SELECT first_position, coalesce(answered_at, 0), changes FROM outbox
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
fn rejected_between(
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
