//! Syncs: what was started for a cohort, which attribute it is pinned to, and how it rests between runs.
//! What moves it from one status to the next is the engine's.

use super::holdings::{self, FormerAttribute, Holding, Stored};
use super::{Store, StoreError, time};
use crate::domain::{Cohort, CohortId, PauseCause, Removal, RunId, SyncKind, SyncStatus};
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
    /// Some of the people the held plan would remove, as they are addressed.
    pub sample: Vec<String>,
}

/// A sync as it rests between runs.
#[derive(Debug, Clone, PartialEq)]
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
    /// What whoever holds the attribute is to be told before the sync rests stopped.
    pub clean_up: Option<Removal>,
    /// Attributes that people still hold from before the sync moved to another one.
    pub former: Vec<FormerAttribute>,
    /// The largest share of the baseline that may be removed unasked, where it differs from the configured one.
    pub max_removal_share: Option<f64>,
    /// When mParticle was last told every member.
    pub last_full: Option<Timestamp>,
    /// Whether a person asked for that and it has still to be done.
    pub full_wanted: bool,
}

impl SyncRecord {
    /// A sync as it is when it is made: nobody was told anything, and it is stopped.
    #[must_use]
    pub fn new(
        cohort: &Cohort,
        attribute: String,
        kind: SyncKind,
        interval: Duration,
        since: Timestamp,
    ) -> Self {
        Self {
            cohort_id: cohort.id,
            pinned_name: cohort.name.clone(),
            attribute,
            kind,
            status: SyncStatus::Stopped,
            pause: None,
            interval,
            next_due: None,
            since,
            baseline: 0,
            clean_up: None,
            former: Vec::new(),
            max_removal_share: None,
            last_full: None,
            full_wanted: false,
        }
    }

    /// What mParticle holds because of this sync.
    #[must_use]
    pub fn holding(&self) -> Holding {
        Holding { cohort: self.cohort_id, attribute: self.attribute.clone() }
    }
}

/// Reads every sync, in the order they were first started.
pub(super) fn load(connection: &Connection) -> Result<Vec<SyncRecord>, StoreError> {
    let holdings = holdings::load(connection)?;
    let mut statement = connection.prepare_cached(
        "SELECT cohort_id, pinned_name, attribute, kind, status, pause_cause, pause_reason, paused_at, held_run,
                interval_ms, next_due, since, max_removal_share, last_full, held_sample, full_wanted
         FROM syncs ORDER BY since, cohort_id",
    )?;
    let mut rows = statement.query([])?;
    let mut syncs = Vec::new();
    while let Some(row) = rows.next()? {
        let mut sync = read_row(row)?;
        take_holdings(&mut sync, &holdings);
        syncs.push(sync);
    }
    Ok(syncs)
}

/// Tells a sync what mParticle holds because of it.
fn take_holdings(sync: &mut SyncRecord, holdings: &[Stored]) {
    for stored in holdings.iter().filter(|stored| stored.cohort == sync.cohort_id) {
        if stored.former.attribute == sync.attribute {
            sync.baseline = stored.former.members;
            sync.clean_up = stored.former.clean_up;
        } else {
            sync.former.push(stored.former.clone());
        }
    }
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
            sample: serde_json::from_str(&row.get::<_, String>(14)?).map_err(|_| unknown("sample"))?,
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
        baseline: 0,
        clean_up: None,
        former: Vec::new(),
        max_removal_share: row.get(12)?,
        last_full: row.get::<_, Option<i64>>(13)?.map(time::read).transpose()?,
        full_wanted: row.get(15)?,
    })
}

impl Store {
    /// Records how a sync rests now and what is to become of its attributes, making it when it is new. Who
    /// holds an attribute is moved by settling alone and not touched here.
    pub fn save_sync(&mut self, sync: &SyncRecord) -> Result<(), StoreError> {
        let pause = sync.pause.as_ref();
        let sample = pause.map_or(&[][..], |pause| &pause.sample);
        let transaction = self.connection.savepoint()?;
        transaction
            .prepare_cached(
                "INSERT INTO syncs (cohort_id, pinned_name, attribute, kind, status, pause_cause, pause_reason,
                                    paused_at, held_run, interval_ms, next_due, since, max_removal_share,
                                    last_full, held_sample, full_wanted)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 ON CONFLICT (cohort_id) DO UPDATE SET
                        pinned_name = ?2, attribute = ?3, kind = ?4, status = ?5, pause_cause = ?6,
                        pause_reason = ?7, paused_at = ?8, held_run = ?9, interval_ms = ?10, next_due = ?11,
                        since = ?12, max_removal_share = ?13, last_full = ?14, held_sample = ?15,
                        full_wanted = ?16",
            )?
            .execute(params![
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
                sync.max_removal_share,
                sync.last_full.map(Timestamp::as_millisecond),
                // Texts always serialise.
                serde_json::to_string(sample).unwrap_or_else(|_| "[]".to_owned()),
                sync.full_wanted,
            ])?;
        holdings::set_clean_up(&transaction, &sync.holding(), sync.clean_up)?;
        for former in &sync.former {
            let holding = Holding { cohort: sync.cohort_id, attribute: former.attribute.clone() };
            holdings::set_clean_up(&transaction, &holding, former.clean_up)?;
        }
        Ok(transaction.commit()?)
    }
}
