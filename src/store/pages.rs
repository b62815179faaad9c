//! Windows of lists that are too long to be read whole: the rows from a position on, and how many there are. What is
//! packed is found by the counts beside it, so that a window in the middle of a million costs as little as the first.

use super::reader::{ChangeRow, Reader};
use super::{JournalEntry, JournalLine, RunRecord, Side, StoreError, runs, time};
use crate::domain::{CohortId, RunId};
use rusqlite::{OptionalExtension, Row, params};

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

/// An entry of the journal as a list shows it, with its number, which only ever grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub line: JournalLine,
    /// How the answer begins: a line of it.
    pub said: String,
}

/// What a list shows of an answer: a line on the widest screen. The whole of ten thousand answers would be much to
/// carry about.
const SAID_CHARACTERS: u32 = 160;

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

pub(super) const LINE: &str =
    "at, run_id, cohort_id, side, what, users, bytes, status, elapsed_ms, try, first_position, accepted";

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
            "SELECT {LINE}, id, substr(answer, 1, {SAID_CHARACTERS}) FROM journal
             WHERE (?1 IS NULL OR run_id = ?1) AND {condition} ORDER BY id {order} LIMIT ?3"
        ))?;
        let mut found = statement.query(params![run.map(|run| run.0), id, limit.cast_signed()])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(JournalRow { id: row.get(12)?, line: read_line(row)?, said: row.get(13)? });
        }
        Ok(rows)
    }

    /// One entry of the journal, whole; `None` once it is forgotten.
    pub fn journal_entry(&self, id: i64) -> Result<Option<JournalEntry>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {LINE}, request, answer FROM journal WHERE id = ?1"))?;
        let mut found = statement.query([id])?;
        let Some(row) = found.next()? else { return Ok(None) };
        Ok(Some(JournalEntry { line: read_line(row)?, request: row.get(12)?, answer: row.get(13)? }))
    }

    /// The number of the newest entry there ever was; 0 when there was none.
    pub fn newest_journal_entry(&self) -> Result<i64, StoreError> {
        let newest = "SELECT coalesce(max(id), 0) FROM journal";
        Ok(self.connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?)
    }
}

/// Reads the columns of [`LINE`].
pub(super) fn read_line(row: &Row<'_>) -> Result<JournalLine, StoreError> {
    let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let count_if_known =
        |column| row.get::<_, Option<i64>>(column).map(|count| count.map(i64::cast_unsigned));
    let side: String = row.get(3)?;
    let side = Side::from_token(&side)
        .ok_or_else(|| StoreError::Damaged { what: format!("a request to \"{side}\"") })?;
    Ok(JournalLine {
        at: time::read(row.get(0)?)?,
        run: row.get::<_, Option<i64>>(1)?.map(RunId),
        cohort: count_if_known(2)?.map(CohortId),
        side,
        what: row.get(4)?,
        users: count(5)?,
        bytes: count(6)?,
        status: row.get(7)?,
        elapsed: time::duration(row.get(8)?),
        attempt: row.get(9)?,
        first_position: count_if_known(10)?,
        accepted: count_if_known(11)?,
    })
}
