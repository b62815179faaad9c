//! Windows of lists that are too long to be read whole: the rows from a position on, and how many there are. What is
//! packed is found by the counts beside it, so that a window in the middle of a million costs as little as the first.

use super::reader::{ChangeRow, Reader, UnmatchedRow};
use super::{JournalEntry, RunRecord, Side, StoreError, runs, time};
use crate::domain::{CohortId, RunId};
use rusqlite::{OptionalExtension, Row, params};
use std::time::Duration;

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<T> {
    /// The position of the first of them.
    pub offset: u64,
    /// How many rows the whole list has.
    pub total: u64,
    /// The rows, in order.
    pub rows: Vec<T>,
}

/// Which changes of a run to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// Every one.
    All,
    /// Those that mParticle refused for good.
    Rejected,
}

/// An entry of the journal with its number, which only ever grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub entry: JournalEntry,
}

/// Where in the journal to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalPlace {
    /// The newest entries, newest first.
    Newest,
    /// What came after an entry, oldest first.
    After(i64),
    /// What was there before an entry, newest first.
    Before(i64),
}

pub(super) const ENTRY: &str =
    "id, at, run_id, cohort_id, side, what, users, bytes, status, elapsed_ms, try, answer, first_position";

impl Reader {
    /// Runs, newest first: all of them or one cohort's.
    pub fn runs_window(
        &self,
        cohort: Option<CohortId>,
        offset: u64,
        limit: usize,
    ) -> Result<Window<RunRecord>, StoreError> {
        let total = runs::count(&self.connection, cohort)?;
        let rows = runs::load_from(&self.connection, cohort, offset, limit)?;
        Ok(Window { offset, total, rows })
    }

    /// The changes of a run, in the order in which they are sent.
    pub fn changes_window(
        &self,
        run: RunId,
        which: Which,
        offset: u64,
        limit: usize,
    ) -> Result<Window<ChangeRow>, StoreError> {
        match which {
            Which::All => self.all_changes(run, offset, limit),
            Which::Rejected => self.rejected_changes(run, offset, limit),
        }
    }

    fn all_changes(&self, run: RunId, offset: u64, limit: usize) -> Result<Window<ChangeRow>, StoreError> {
        let total: i64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce((SELECT first_position + users FROM outbox
                 WHERE run_id = ?1 ORDER BY first_position DESC LIMIT 1), 0)",
            )?
            .query_row([run.0], |row| row.get(0))?;
        let mut rows = Vec::new();
        let mut after = self.request_of(run, offset)?.map_or(-1, |first| first - 1);
        while rows.len() < limit
            && let Some((first, changes)) = self.next_changes(run, after)?
        {
            after = first;
            rows.extend(changes.into_iter().filter(|row| row.position >= offset));
        }
        rows.truncate(limit);
        Ok(Window { offset, total: total.cast_unsigned(), rows })
    }

    /// The first position of the request that a position belongs to.
    fn request_of(&self, run: RunId, position: u64) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first_position FROM outbox WHERE run_id = ?1 AND first_position <= ?2
             ORDER BY first_position DESC LIMIT 1",
        )?;
        Ok(statement.query_row(params![run.0, position.cast_signed()], |row| row.get(0)).optional()?)
    }

    fn rejected_changes(
        &self,
        run: RunId,
        offset: u64,
        limit: usize,
    ) -> Result<Window<ChangeRow>, StoreError> {
        let total: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM rejections WHERE run_id = ?1")?
            .query_row([run.0], |row| row.get(0))?;
        let positions: Vec<u64> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT position FROM rejections WHERE run_id = ?1 ORDER BY position LIMIT ?2 OFFSET ?3",
            )?;
            let limits = params![run.0, limit.cast_signed(), offset.cast_signed()];
            let found = statement.query_map(limits, |row| row.get::<_, i64>(0))?;
            found.map(|position| position.map(i64::cast_unsigned)).collect::<Result<_, _>>()?
        };
        let mut rows = Vec::with_capacity(positions.len());
        let mut request: Vec<ChangeRow> = Vec::new();
        for position in positions {
            if request.last().is_none_or(|last| last.position < position) {
                let first = self.request_of(run, position)?.unwrap_or_default();
                request = self.next_changes(run, first - 1)?.map_or_else(Vec::new, |(_, changes)| changes);
            }
            rows.extend(request.iter().find(|row| row.position == position).cloned());
        }
        Ok(Window { offset, total: total.cast_unsigned(), rows })
    }

    /// The users of a run's read who lack a valid `$mparticle_user_id`, in the order in which they were read.
    pub fn unmatched_window(
        &self,
        run: RunId,
        offset: u64,
        limit: usize,
    ) -> Result<Window<UnmatchedRow>, StoreError> {
        let parts: Vec<(i64, u64)> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, profiles FROM remarks WHERE run_id = ?1 AND lacking = 1 ORDER BY id",
            )?;
            let found = statement
                .query_map([run.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
            found.collect::<Result<_, _>>()?
        };
        let total = parts.iter().map(|(_, profiles)| profiles).sum();
        let mut rows = Vec::new();
        let mut before = 0;
        for (id, profiles) in parts {
            let first = before;
            before += profiles;
            if before <= offset {
                continue;
            }
            if rows.len() >= limit {
                break;
            }
            let Some((_, remarks)) = self.next_remarks(run, id - 1)? else { break };
            let skipped = usize::try_from(offset.saturating_sub(first)).unwrap_or(usize::MAX);
            rows.extend(remarks.into_iter().skip(skipped).map(UnmatchedRow::from));
        }
        rows.truncate(limit);
        Ok(Window { offset, total, rows })
    }

    /// The requests of a run that the journal still holds, oldest first.
    pub fn requests_window(
        &self,
        run: RunId,
        offset: u64,
        limit: usize,
    ) -> Result<Window<JournalRow>, StoreError> {
        let total: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM journal WHERE run_id = ?1")?
            .query_row([run.0], |row| row.get(0))?;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {ENTRY} FROM journal WHERE run_id = ?1 ORDER BY id LIMIT ?2 OFFSET ?3"
        ))?;
        let mut found = statement.query(params![run.0, limit.cast_signed(), offset.cast_signed()])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(read_entry(row)?);
        }
        Ok(Window { offset, total: total.cast_unsigned(), rows })
    }

    /// Entries of the journal from a place on: of all runs and none, or of one run.
    pub fn journal(
        &self,
        run: Option<RunId>,
        place: JournalPlace,
        limit: usize,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let (condition, order, id) = match place {
            JournalPlace::Newest => ("id <= ?2", "DESC", i64::MAX),
            JournalPlace::Before(id) => ("id < ?2", "DESC", id),
            JournalPlace::After(id) => ("id > ?2", "ASC", id),
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {ENTRY} FROM journal WHERE (?1 IS NULL OR run_id = ?1) AND {condition} ORDER BY id {order} LIMIT ?3"
        ))?;
        let mut found = statement.query(params![run.map(|run| run.0), id, limit.cast_signed()])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(read_entry(row)?);
        }
        Ok(rows)
    }
}

pub(super) fn read_entry(row: &Row<'_>) -> Result<JournalRow, StoreError> {
    let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let side: String = row.get(4)?;
    let side = Side::from_token(&side)
        .ok_or_else(|| StoreError::Damaged { what: format!("a request to \"{side}\"") })?;
    let elapsed: i64 = row.get(9)?;
    Ok(JournalRow {
        id: row.get(0)?,
        entry: JournalEntry {
            at: time::read(row.get(1)?)?,
            run: row.get::<_, Option<i64>>(2)?.map(RunId),
            cohort: row.get::<_, Option<i64>>(3)?.map(|id| CohortId(id.cast_unsigned())),
            side,
            what: row.get(5)?,
            users: count(6)?,
            bytes: count(7)?,
            status: row.get(8)?,
            elapsed: Duration::from_millis(elapsed.cast_unsigned()),
            attempt: row.get(10)?,
            answer: row.get(11)?,
            first_position: row.get::<_, Option<i64>>(12)?.map(i64::cast_unsigned),
        },
    })
}
