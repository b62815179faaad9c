//! Who is in doubt: people of whom nobody knows what mParticle was last told about an attribute, since a request about them
//! was never answered or a rejection proves nothing. Which of a row of tellings decides is for `domain::doubt`; finding
//! the tellings among a long history, and noting that a later run has cleared them up, is done here.

use super::outbox::rejected_between;
use super::packing::unpack_changes;
use super::{Holding, RunRecord, Store, StoreError, runs};
use crate::domain::doubt::{Doubts, Telling};
use crate::domain::{Identity, RunId};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

impl Store {
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

    /// The people of whom nobody knows what mParticle was last told about an attribute, sorted. Whoever was in a
    /// request that was lost is out of doubt again once a later request about them was accepted, in whichever
    /// run; a rejection proves nothing.
    pub fn uncertain(&mut self, holding: &Holding) -> Result<Vec<Identity>, StoreError> {
        Ok(in_doubt(&self.connection, holding)?.into_iter().collect())
    }
}

/// See [`Store::uncertain`].
pub(super) fn in_doubt(connection: &Connection, holding: &Holding) -> Result<BTreeSet<Identity>, StoreError> {
    let Some(from) = first_doubtful_run(connection, holding)? else { return Ok(BTreeSet::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT run_id, first_position, state, changes FROM whole_requests
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
        "SELECT first_position, changes FROM whole_requests WHERE run_id = ?1 AND state = 'answered'
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
