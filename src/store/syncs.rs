//! Syncs: what was started for a cohort, which attribute it is pinned to, and how it rests between runs.
//! What moves it from one status to the next is the engine's.

use super::{Store, StoreError, time};
use crate::domain::{CohortId, PauseCause, RunId, SyncKind, SyncStatus};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// Why a sync waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRecord {
    /// What kind of trouble.
    pub cause: PauseCause,
    /// What happened, in words; holds no credential.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The run whose plan is held until a person approves or discards it.
    pub held_run: Option<RunId>,
}

/// A sync as it rests between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRecord {
    /// The cohort; each has at most one sync.
    pub cohort_id: CohortId,
    /// The cohort's name when the attribute was pinned.
    pub pinned_name: String,
    /// The pinned attribute.
    pub attribute: String,
    /// Once or kept up to date.
    pub kind: SyncKind,
    /// Queued, Synced, Exported, Paused, Failed or Stopped.
    pub status: SyncStatus,
    /// Set when paused.
    pub pause: Option<PauseRecord>,
    /// How often it runs.
    pub interval: Duration,
    /// When it runs next.
    pub next_due: Option<Timestamp>,
    /// When it was started.
    pub since: Timestamp,
    /// How many identities mParticle has acknowledged.
    pub baseline: u64,
}

/// Reads every sync, in the order they were first started.
pub(super) fn load(connection: &Connection) -> Result<Vec<SyncRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT cohort_id, pinned_name, attribute, kind, status, pause_cause, pause_reason, paused_at, held_run,
                interval_ms, next_due, since, baseline FROM syncs ORDER BY since, cohort_id",
    )?;
    let mut rows = statement.query([])?;
    let mut syncs = Vec::new();
    while let Some(row) = rows.next()? {
        syncs.push(read_row(row)?);
    }
    Ok(syncs)
}

fn read_row(row: &Row<'_>) -> Result<SyncRecord, StoreError> {
    let kind: String = row.get(3)?;
    let status: String = row.get(4)?;
    let unknown = |what: &str| StoreError::Damaged { what: format!("a sync of unknown {what}") };
    let cause: Option<String> = row.get(5)?;
    let pause = match cause {
        None => None,
        Some(cause) => Some(PauseRecord {
            cause: PauseCause::from_token(&cause).ok_or_else(|| unknown("pause"))?,
            reason: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            at: time::read(row.get::<_, Option<i64>>(7)?.unwrap_or_default())?,
            held_run: row.get::<_, Option<i64>>(8)?.map(RunId),
        }),
    };
    Ok(SyncRecord {
        cohort_id: CohortId(row.get::<_, i64>(0)?.cast_unsigned()),
        pinned_name: row.get(1)?,
        attribute: row.get(2)?,
        kind: SyncKind::from_token(&kind).ok_or_else(|| unknown("kind"))?,
        status: SyncStatus::from_token(&status).ok_or_else(|| unknown("status"))?,
        pause,
        interval: time::duration(row.get(9)?),
        next_due: row.get::<_, Option<i64>>(10)?.map(time::read).transpose()?,
        since: time::read(row.get(11)?)?,
        baseline: row.get::<_, i64>(12)?.cast_unsigned(),
    })
}

impl Store {
    /// Records how a sync rests now, making it when it is new; the baseline is moved by settling alone and
    /// not touched here.
    pub fn save_sync(&mut self, sync: &SyncRecord) -> Result<(), StoreError> {
        let pause = sync.pause.as_ref();
        self.connection.execute(
            "INSERT INTO syncs (cohort_id, pinned_name, attribute, kind, status, pause_cause, pause_reason,
                                paused_at, held_run, interval_ms, next_due, since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (cohort_id) DO UPDATE SET
                    pinned_name = ?2, attribute = ?3, kind = ?4, status = ?5, pause_cause = ?6, pause_reason = ?7,
                    paused_at = ?8, held_run = ?9, interval_ms = ?10, next_due = ?11, since = ?12",
            params![
                sync.cohort_id.0.cast_signed(),
                sync.pinned_name,
                sync.attribute,
                sync.kind.token(),
                sync.status.token(),
                pause.map(|pause| pause.cause.token()),
                pause.map(|pause| pause.reason.as_str()),
                pause.map(|pause| pause.at.as_millisecond()),
                pause.and_then(|pause| pause.held_run).map(|run| run.0),
                time::milliseconds(sync.interval),
                sync.next_due.map(Timestamp::as_millisecond),
                sync.since.as_millisecond(),
            ],
        )?;
        Ok(())
    }
}
