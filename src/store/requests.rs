//! Looking into the journal: the requests that fit a filter, one request, and how far the journal goes back. What is
//! written into it, and when it is cut, is for `trail`.

use super::pages::read_line;
use super::reader::Reader;
use super::trail::ONE_COHORT;
use super::{JournalEntry, Scope, Side, StoreError, pages, time};
use crate::domain::{CohortId, KnownIds, RunId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;

/// Which requests to list. All of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Those about a cohort.
    pub cohort: Option<CohortId>,
    /// Those of a run.
    pub run: Option<RunId>,
    /// Those to one service.
    pub side: Option<Side>,
    /// Those that were answered so.
    pub status: Option<StatusFilter>,
    /// Those sent at this moment or later.
    pub since: Option<Timestamp>,
    /// Those sent at this moment or earlier.
    pub until: Option<Timestamp>,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// With a status from one to another.
    Between(u16, u16),
    /// Not at all.
    Unanswered,
    /// With anything but a 2xx, or not at all.
    Failed,
}

/// An entry of the journal, whole, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedRequest {
    /// Its number.
    pub id: i64,
    /// The entry.
    pub entry: JournalEntry,
}

/// How much the journal holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalExtent {
    /// How many requests.
    pub requests: u64,
    /// About how many bytes they take.
    pub bytes: u64,
    /// When the oldest of them was sent.
    pub oldest: Option<Timestamp>,
}

/// Requests that are read together.
const TOGETHER: usize = 500;

/// Bytes of an entry besides its texts.
const FIXED_BYTES: u64 = 60;

impl Reader {
    /// Hands the requests that fit to `each`, newest first. `each` returns whether to go on.
    pub fn for_each_request<E: From<StoreError>>(
        &self,
        filter: &RequestFilter,
        mut each: impl FnMut(NotedRequest) -> Result<bool, E>,
    ) -> Result<(), E> {
        let status = match filter.status {
            None => "1".to_owned(),
            Some(StatusFilter::Between(from, to)) => format!("status BETWEEN {from} AND {to}"),
            Some(StatusFilter::Unanswered) => "status IS NULL".to_owned(),
            Some(StatusFilter::Failed) => "(status IS NULL OR status NOT BETWEEN 200 AND 299)".to_owned(),
        };
        let sql = format!(
            "SELECT {}, request, answer, id FROM journal
             WHERE (?1 IS NULL OR cohort_id = ?1) AND (?2 IS NULL OR run_id = ?2) AND (?3 IS NULL OR side = ?3)
               AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at <= ?5) AND {status}
               AND id < ?6 ORDER BY id DESC LIMIT {TOGETHER}",
            pages::LINE
        );
        let mut before = i64::MAX;
        loop {
            let part = self.requests_before(&sql, filter, before)?;
            let Some(last) = part.last().map(|row| row.id) else { return Ok(()) };
            before = last;
            for row in part {
                if !each(row)? {
                    return Ok(());
                }
            }
        }
    }

    /// Some requests at a time, so that nothing is held open while they are handed on.
    fn requests_before(
        &self,
        sql: &str,
        filter: &RequestFilter,
        before: i64,
    ) -> Result<Vec<NotedRequest>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params![
            filter.cohort.map(|cohort| cohort.0.cast_signed()),
            filter.run.map(|run| run.0),
            filter.side.map(Side::token),
            filter.since.map(Timestamp::as_millisecond),
            filter.until.map(Timestamp::as_millisecond),
            before,
        ])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(read(row)?);
        }
        Ok(rows)
    }

    /// One request.
    pub fn request(&self, id: i64) -> Result<Option<NotedRequest>, StoreError> {
        Ok(self.journal_entry(id)?.map(|entry| NotedRequest { id, entry }))
    }

    /// Where a person stands in the plans that are kept: positions by run. A request of the journal is about the person
    /// if it carried one of them; see [`NotedRequest::carried`].
    pub fn positions_of(&self, ids: &KnownIds) -> Result<HashMap<RunId, Vec<u64>>, StoreError> {
        let mut positions: HashMap<RunId, Vec<u64>> = HashMap::new();
        self.for_each_told::<StoreError>(&Scope::default(), Some(ids), |run, rows| {
            positions.entry(run.id).or_default().extend(rows.iter().map(|row| row.position));
            // A request of several runs is noted with the first of them.
            for row in &rows {
                if let Some((noted, first)) = self.noted_with(run.id, row.position)? {
                    positions.entry(noted).or_default().push(first);
                }
            }
            Ok(true)
        })?;
        Ok(positions)
    }

    /// How much the journal holds.
    pub fn journal_extent(&self) -> Result<JournalExtent, StoreError> {
        let found = self
            .connection
            .query_row(
                "SELECT count(*), coalesce(sum(length(what) + length(request) + length(answer)), 0), min(at) FROM journal",
                [],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?)),
            )
            .optional()?;
        let Some((requests, texts, oldest)) = found else { return Ok(JournalExtent::default()) };
        let requests = requests.cast_unsigned();
        Ok(JournalExtent {
            requests,
            bytes: texts.cast_unsigned() + requests * FIXED_BYTES,
            oldest: oldest.map(time::read).transpose()?,
        })
    }
}

/// Reads the columns of a line, then how it was asked, the answer and the number.
fn read(row: &rusqlite::Row<'_>) -> Result<NotedRequest, StoreError> {
    let entry = JournalEntry { line: read_line(row)?, request: row.get(12)?, answer: row.get(13)? };
    Ok(NotedRequest { id: row.get(14)?, entry })
}

impl NotedRequest {
    /// Whether it carried one of some positions, by run.
    #[must_use]
    pub fn carried(&self, positions: &HashMap<RunId, Vec<u64>>) -> bool {
        let entry = &self.entry.line;
        let of_run = entry.run.and_then(|run| positions.get(&run));
        let range = entry.first_position.map(|first| match entry.what.as_str() {
            ONE_COHORT => first..first + entry.users,
            // Its users stand in several plans; whoever is one of them has its first position among theirs.
            _ => first..first + 1,
        });
        of_run
            .zip(range)
            .is_some_and(|(of_run, range)| of_run.iter().any(|position| range.contains(position)))
    }
}
