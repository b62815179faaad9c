//! Runs: their accounts, phases and ends, and what is remarkable about what they read. Also where a start
//! after a crash finds what was cut off.

use super::{Holding, Store, StoreError, time};

use crate::domain::{
    ChangeCounts, CohortId, Outcome, Phase, Purpose, ReadCounts, RunCounts, RunId, SyncKind, Trigger,
};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// A run as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// The cohort.
    pub cohort_id: CohortId,
    /// The cohort's name at the time.
    pub cohort: String,
    /// The attribute it set.
    pub attribute: String,
    /// Once or recurring.
    pub kind: SyncKind,
    /// What it is for.
    pub purpose: Purpose,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands, or stood when it ended.
    pub phase: Phase,
    /// How it ended; `None` while it is at work.
    pub outcome: Option<Outcome>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its accounts.
    pub counts: RunCounts,
    /// How long each phase took, in order.
    pub phases: Vec<(Phase, Duration)>,
}

impl RunRecord {
    /// Whether the cohort was read and compared to the end, so that the accounts are those of all its people.
    #[must_use]
    pub fn is_whole_account(&self) -> bool {
        match self.phase {
            _ if !self.purpose.reads() => false,
            Phase::Queued | Phase::Fetch => false,
            Phase::Compare => matches!(self.outcome, Some(Outcome::DryRun | Outcome::Paused)),
            Phase::Send | Phase::Settle => true,
        }
    }

    /// What it works on.
    #[must_use]
    pub fn holding(&self) -> Holding {
        Holding { cohort: self.cohort_id, attribute: self.attribute.clone() }
    }
}

/// What a new run starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The cohort.
    pub cohort_id: CohortId,
    /// The cohort's name now.
    pub cohort: String,
    /// The attribute it sets.
    pub attribute: String,
    /// Once or recurring.
    pub kind: SyncKind,
    /// What it is for.
    pub purpose: Purpose,
    /// What started it.
    pub trigger: Trigger,
    /// When.
    pub started_at: Timestamp,
}

/// One point of the trend of a sync.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendPoint {
    /// When the run ended.
    pub at: Timestamp,
    /// People in the cohort.
    pub users: u64,
    /// The share with a valid MPID, 0 to 1.
    pub matched_share: f64,
    /// Accepted adds.
    pub adds: u64,
    /// Accepted removes.
    pub removes: u64,
}

impl TrendPoint {
    /// What a run adds to the trend; nothing unless its account is whole.
    #[must_use]
    pub fn of(run: &RunRecord) -> Option<Self> {
        if !run.is_whole_account() {
            return None;
        }
        Some(Self {
            at: run.ended_at?,
            users: run.counts.read.fetched(),
            matched_share: run.counts.matched_share()?,
            adds: run.counts.adds.accepted(),
            removes: run.counts.removes.accepted(),
        })
    }
}

const COLUMNS: &str = "id, cohort_id, cohort, attribute, kind, started_by, outcome, error, started_at, ended_at, phases,
    matched, unmatched, unsendable, duplicates, suspect, anonymous,
    adds, adds_accepted, adds_rejected, removes, removes_accepted, removes_rejected, unchanged, requests, retries, phase, purpose";

/// Reads runs, newest first: all of them or one cohort's.
pub(super) fn load(
    connection: &Connection,
    cohort: Option<CohortId>,
    limit: usize,
) -> Result<Vec<RunRecord>, StoreError> {
    load_from(connection, cohort, 0, limit)
}

/// The same from a position on.
pub(super) fn load_from(
    connection: &Connection,
    cohort: Option<CohortId>,
    offset: u64,
    limit: usize,
) -> Result<Vec<RunRecord>, StoreError> {
    // Two statements, because one that fits both would look at every run for a cohort's.
    let condition = if cohort.is_some() { "cohort_id = ?1" } else { "?1 IS NULL" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE {condition} ORDER BY id DESC LIMIT ?2 OFFSET ?3"
    ))?;
    let cohort = cohort.map(|id| id.0.cast_signed());
    let mut rows = statement.query(params![cohort, limit.cast_signed(), offset.cast_signed()])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(read_row(row)?);
    }
    Ok(runs)
}

/// How many runs are kept: all of them or one cohort's.
pub(super) fn count(connection: &Connection, cohort: Option<CohortId>) -> Result<u64, StoreError> {
    let condition = if cohort.is_some() { "cohort_id = ?1" } else { "?1 IS NULL" };
    let mut statement = connection.prepare_cached(&format!("SELECT count(*) FROM runs WHERE {condition}"))?;
    let count: i64 = statement.query_row([cohort.map(|id| id.0.cast_signed())], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Reads the newest runs of every cohort that have ended, at most `each` a cohort, oldest first.
pub(super) fn load_recent(connection: &Connection, each: usize) -> Result<Vec<RunRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM (
             SELECT *, row_number() OVER (PARTITION BY cohort_id ORDER BY id DESC) AS age FROM runs WHERE outcome IS NOT NULL
         ) WHERE age <= ?1 ORDER BY id"
    ))?;
    let mut rows = statement.query([each.cast_signed()])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(read_row(row)?);
    }
    Ok(runs)
}

/// Reads the runs that have not ended, with the phase they are in.
pub(super) fn load_working(connection: &Connection) -> Result<Vec<RunRecord>, StoreError> {
    // An earlier run is open beside the newest one while its last requests are sent again.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE id IN (SELECT max(id) FROM runs WHERE outcome IS NULL GROUP BY cohort_id) ORDER BY id"
    ))?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(read_row(row)?);
    }
    Ok(runs)
}

/// Reads the newest ended run of a cohort whose account is whole.
pub(super) fn load_last_account(
    connection: &Connection,
    cohort: CohortId,
) -> Result<Option<RunRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE cohort_id = ?1 AND outcome IS NOT NULL ORDER BY id DESC"
    ))?;
    let mut rows = statement.query([cohort.0.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let run = read_row(row)?;
        if run.is_whole_account() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Reads one run.
pub(super) fn load_one(connection: &Connection, run: RunId) -> Result<Option<RunRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE id = ?1"))?;
    let mut rows = statement.query([run.0])?;
    rows.next()?.map(read_row).transpose()
}

fn read_row(row: &Row<'_>) -> Result<RunRecord, StoreError> {
    let damaged = |what: &str| StoreError::Damaged { what: format!("a run with {what}") };
    let text = |column| row.get::<_, String>(column);
    let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let changes = |first| -> Result<ChangeCounts, StoreError> {
        ChangeCounts::restored(count(first)?, count(first + 1)?, count(first + 2)?)
            .ok_or_else(|| damaged("more answers than changes"))
    };
    let outcome = match row.get::<_, Option<String>>(6)? {
        None => None,
        Some(token) => Some(Outcome::from_token(&token).ok_or_else(|| damaged("an unknown outcome"))?),
    };
    let phases: Vec<(String, u64)> =
        serde_json::from_str(&text(10)?).map_err(|_| damaged("unreadable phases"))?;
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        cohort_id: CohortId(count(1)?),
        cohort: text(2)?,
        attribute: text(3)?,
        kind: SyncKind::from_token(&text(4)?).ok_or_else(|| damaged("an unknown kind"))?,
        trigger: Trigger::from_token(&text(5)?).ok_or_else(|| damaged("an unknown trigger"))?,
        purpose: Purpose::from_token(&text(27)?).ok_or_else(|| damaged("an unknown purpose"))?,
        phase: Phase::from_token(&text(26)?).ok_or_else(|| damaged("an unknown phase"))?,
        outcome,
        error: row.get(7)?,
        started_at: time::read(row.get(8)?)?,
        ended_at: row.get::<_, Option<i64>>(9)?.map(time::read).transpose()?,
        phases: phases
            .into_iter()
            .filter_map(|(phase, took)| Some((Phase::from_token(&phase)?, Duration::from_millis(took))))
            .collect(),
        counts: RunCounts {
            read: ReadCounts {
                matched: count(11)?,
                unmatched: count(12)?,
                unsendable: count(13)?,
                duplicates: count(14)?,
                suspect: count(15)?,
                anonymous: count(16)?,
            },
            adds: changes(17)?,
            removes: changes(20)?,
            unchanged: count(23)?,
            requests: count(24)?,
            retries: count(25)?,
        },
    })
}

impl Store {
    /// Records that a run starts.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<RunId, StoreError> {
        self.connection.execute(
            "INSERT INTO runs (cohort_id, cohort, attribute, kind, started_by, phase, started_at, purpose)
             VALUES (?1, ?2, ?3, ?4, ?5, 'fetch', ?6, ?7)",
            params![
                run.cohort_id.0.cast_signed(),
                run.cohort,
                run.attribute,
                run.kind.token(),
                run.trigger.token(),
                run.started_at.as_millisecond(),
                run.purpose.token(),
            ],
        )?;
        Ok(RunId(self.connection.last_insert_rowid()))
    }

    /// Reads one run.
    pub fn run(&mut self, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        load_one(&self.connection, run)
    }

    /// Records where a run stands or how it ended; what it is about stays as it began.
    pub fn save_run(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        let counts = &run.counts;
        let phases: Vec<(&str, u64)> = run
            .phases
            .iter()
            .map(|(phase, took)| (phase.token(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
            .collect();
        let phases = serde_json::to_string(&phases)
            .map_err(|error| StoreError::Damaged { what: error.to_string() })?;
        let count = u64::cast_signed;
        self.connection.execute(
            "UPDATE runs SET phase = ?2, outcome = ?3, error = ?4, ended_at = ?5, phases = ?6,
                    matched = ?7, unmatched = ?8, unsendable = ?9, duplicates = ?10, suspect = ?11, anonymous = ?12,
                    adds = ?13, adds_accepted = ?14, adds_rejected = ?15,
                    removes = ?16, removes_accepted = ?17, removes_rejected = ?18,
                    unchanged = ?19, requests = ?20, retries = ?21
             WHERE id = ?1",
            params![
                run.id.0,
                run.phase.token(),
                run.outcome.map(Outcome::token),
                run.error,
                run.ended_at.map(Timestamp::as_millisecond),
                phases,
                count(counts.read.matched),
                count(counts.read.unmatched),
                count(counts.read.unsendable),
                count(counts.read.duplicates),
                count(counts.read.suspect),
                count(counts.read.anonymous),
                count(counts.adds.planned()),
                count(counts.adds.accepted()),
                count(counts.adds.rejected()),
                count(counts.removes.planned()),
                count(counts.removes.accepted()),
                count(counts.removes.rejected()),
                count(counts.unchanged),
                count(counts.requests),
                count(counts.retries),
            ],
        )?;
        Ok(())
    }

    /// Settles every run that was cut off (of all cohorts, or of one) and closes it as failed with `error`;
    /// returns the cohorts concerned.
    pub fn recover(
        &mut self,
        cohort: Option<CohortId>,
        error: &str,
        at: Timestamp,
    ) -> Result<Vec<CohortId>, StoreError> {
        let cut_off: Vec<RunId> = {
            let mut statement = self.connection.prepare(
                "SELECT id FROM runs WHERE outcome IS NULL AND (?1 IS NULL OR cohort_id = ?1) ORDER BY id",
            )?;
            let rows =
                statement.query_map([cohort.map(|id| id.0.cast_signed())], |row| row.get(0).map(RunId))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut cohorts = Vec::new();
        for id in cut_off {
            let Some(mut run) = load_one(&self.connection, id)? else { continue };
            let settled = self.settle(id, &run.holding(), false)?;
            let restore = |planned: u64, accepted, rejected| {
                ChangeCounts::restored(planned.max(accepted + rejected), accepted, rejected)
                    .unwrap_or_default()
            };
            run.counts.adds =
                restore(run.counts.adds.planned(), settled.adds_accepted, settled.adds_rejected);
            run.counts.removes =
                restore(run.counts.removes.planned(), settled.removes_accepted, settled.removes_rejected);
            run.outcome = Some(Outcome::Failed);
            // One that was open again for its last requests had ended before.
            run.error.get_or_insert_with(|| error.to_owned());
            run.ended_at.get_or_insert(at);
            self.save_run(&run)?;
            cohorts.push(run.cohort_id);
        }
        Ok(cohorts)
    }
}
