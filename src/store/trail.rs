//! The trail of single events: requests and answers (bounded), queries charged by Mixpanel in the last hour and
//! how many it allows, and what the console remembers.

use super::{Store, StoreError, time};
use crate::domain::{CohortId, RunId};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// Which service a request went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Read from.
    Mixpanel,
    /// Sent to.
    Mparticle,
}

impl Side {
    /// The word in JSON and in the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Mixpanel => "mixpanel",
            Self::Mparticle => "mparticle",
        }
    }

    /// Reads back what [`Side::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Mixpanel, Self::Mparticle].into_iter().find(|side| side.token() == token)
    }
}

/// What a line says of a request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// When the answer came, or nobody waited for it any more.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The cohort it is about.
    pub cohort: Option<CohortId>,
    /// Where it went.
    pub side: Side,
    /// What it asked, in a word or two ("engage page 3", "batches").
    pub what: String,
    /// The position of its first change within the run; `None` for what changes nothing.
    pub first_position: Option<u64>,
    /// Users in it.
    pub users: u64,
    /// Those of them whom the answer took; `None` where nobody was told anything, or nobody can tell.
    pub accepted: Option<u64>,
    /// Bytes of the body: the request's to mParticle, the answer's from Mixpanel.
    pub bytes: u64,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// How long it took.
    pub elapsed: Duration,
    /// Which try it was, from 1.
    pub attempt: u32,
}

/// A request and its answer, as the journal keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// What a line says of it.
    pub line: JournalLine,
    /// How it was asked: method, address and, towards Mixpanel, the parameters; credentials are masked.
    pub request: String,
    /// The beginning of what was answered, or what went wrong, masked.
    pub answer: String,
}

/// The entries that are kept unless said otherwise, and the most that a console has at hand.
pub const JOURNAL_MOST: usize = 10_000;

/// How much of the journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLimits {
    /// How many requests at most.
    pub requests: u64,
    /// How long each of them at most.
    pub age: Duration,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { requests: JOURNAL_MOST as u64, age: Duration::from_hours(24 * 30) }
    }
}

impl JournalLimits {
    /// How many entries come before the journal is cut again, and by how many it is cut below its limit, so that not
    /// every entry pays for a deletion and there are never more than the limit says.
    fn slack(self) -> i64 {
        (self.requests / 20).clamp(1, 500).cast_signed()
    }
}

/// What a request to mParticle that is about one cohort is called in the journal; any other is of several.
pub const ONE_COHORT: &str = "batches";

/// The beginning of an answer that is kept, in characters.
pub const ANSWER_CHARACTERS: usize = 4_000;

impl Store {
    /// Says how much of the journal is to be kept, and forgets what is beyond that.
    pub fn limit_journal(&mut self, limits: JournalLimits, now: Timestamp) -> Result<(), StoreError> {
        self.journal_limits = limits;
        let newest =
            self.connection.query_row("SELECT coalesce(max(id), 0) FROM journal", [], |row| row.get(0))?;
        self.cut_journal(newest, now)
    }

    fn cut_journal(&mut self, newest: i64, now: Timestamp) -> Result<(), StoreError> {
        let limits = self.journal_limits;
        let kept = i64::try_from(limits.requests).unwrap_or(i64::MAX) - limits.slack();
        let oldest = now.as_millisecond().saturating_sub(time::milliseconds(limits.age));
        self.connection.execute(
            "DELETE FROM journal WHERE id <= ?1 OR at < ?2",
            [newest.saturating_sub(kept), oldest],
        )?;
        Ok(())
    }

    /// Notes a request and its answer, and forgets now and then what is beyond the limits; returns its number.
    pub fn journal(&mut self, entry: &JournalEntry) -> Result<i64, StoreError> {
        let line = &entry.line;
        self.connection.prepare_cached(
            "INSERT INTO journal (at, run_id, cohort_id, side, what, users, bytes, status, elapsed_ms, try, answer,
                first_position, request, accepted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?.execute(params![
            line.at.as_millisecond(),
            line.run.map(|run| run.0),
            line.cohort.map(|cohort| cohort.0.cast_signed()),
            line.side.token(),
            line.what,
            line.users.cast_signed(),
            line.bytes.cast_signed(),
            line.status,
            time::milliseconds(line.elapsed),
            line.attempt,
            entry.answer.chars().take(ANSWER_CHARACTERS).collect::<String>(),
            line.first_position.map(u64::cast_signed),
            entry.request,
            line.accepted.map(u64::cast_signed),
        ])?;
        let newest = self.connection.last_insert_rowid();
        if newest % self.journal_limits.slack() == 0 {
            self.cut_journal(newest, line.at)?;
        }
        Ok(newest)
    }

    /// Notes a query that Mixpanel charges, and forgets those older than two hours.
    pub fn charge_query(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.connection.execute("INSERT INTO queries (at) VALUES (?1)", [at.as_millisecond()])?;
        let old = at.saturating_sub(SignedDuration::from_hours(2)).unwrap_or(at);
        self.connection.execute("DELETE FROM queries WHERE at < ?1", [old.as_millisecond()])?;
        Ok(())
    }

    /// Takes back the charge of a query that Mixpanel did not count.
    pub fn refund_query(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM queries WHERE rowid = (SELECT rowid FROM queries WHERE at = ?1 LIMIT 1)",
            [at.as_millisecond()],
        )?;
        Ok(())
    }

    /// The queries charged since a time, oldest first.
    pub fn queries_since(&mut self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        queries_since(&self.connection, since)
    }

    /// Remembers how many queries Mixpanel allows the project in an hour.
    pub fn remember_query_limit(&mut self, limit: u32) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('query_limit', ?1)",
            [limit.to_string()],
        )?;
        Ok(())
    }

    /// How many queries Mixpanel allowed the project in an hour when it last told.
    pub fn query_limit(&mut self) -> Result<Option<u32>, StoreError> {
        query_limit(&self.connection)
    }

    /// Remembers which interval is configured.
    pub fn remember_interval(&mut self, interval: Duration) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('interval', ?1)",
            [time::milliseconds(interval).to_string()],
        )?;
        Ok(())
    }

    /// Which interval was configured when somebody last worked here; `None` before that was noted.
    pub fn configured_interval(&mut self) -> Result<Option<Duration>, StoreError> {
        let remembered: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = 'interval'", [], |row| row.get(0))
            .optional()?;
        Ok(remembered.and_then(|text| text.parse().ok()).map(Duration::from_millis))
    }

    /// Remembers something for the console.
    pub fn remember(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.connection
            .execute("INSERT OR REPLACE INTO ui (key, value) VALUES (?1, ?2)", params![key, value])?;
        Ok(())
    }
}

/// The queries charged since a time, oldest first.
pub(super) fn queries_since(connection: &Connection, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT at FROM queries WHERE at >= ?1 ORDER BY at")?;
    let mut rows = statement.query([since.as_millisecond()])?;
    let mut times = Vec::new();
    while let Some(row) = rows.next()? {
        times.push(time::read(row.get(0)?)?);
    }
    Ok(times)
}

/// How many queries Mixpanel allowed the project in an hour when it last told.
pub(super) fn query_limit(connection: &Connection) -> Result<Option<u32>, StoreError> {
    let remembered: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = 'query_limit'", [], |row| row.get(0))
        .optional()?;
    Ok(remembered.and_then(|limit| limit.parse().ok()))
}

/// What the console asked to be remembered.
pub(super) fn remembered(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(connection.query_row("SELECT value FROM ui WHERE key = ?1", [key], |row| row.get(0)).optional()?)
}
