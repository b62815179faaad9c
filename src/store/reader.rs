//! Reading beside the writer: a second connection that cannot write, for comparing, for paging through long
//! lists, and for a process that finds the state directory in use. WAL lets it read while another writes.

use super::packing::unpack_changes;
use super::{
    DATABASE_FILE, Holding, RememberedCohorts, RunRecord, StoreError, SyncRecord, baseline, cohorts,
    migration, runs, syncs, time, trail,
};
use crate::domain::remark::{Remark, RemarkKind};
use crate::domain::sorted::Block;
use crate::domain::{Change, ChangeState, CohortId, Identity, RunId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::collections::HashMap;
use std::path::Path;

/// A reading connection to a state directory. It blocks, so it belongs on a blocking thread.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
}

/// One user who lacks a valid `$mparticle_user_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedRow {
    /// What is known of the profile.
    pub remark: Remark,
    /// Whether it is sent by `$distinct_id` all the same.
    pub sendable: bool,
}

impl From<Remark> for UnmatchedRow {
    fn from(remark: Remark) -> Self {
        Self { sendable: matches!(remark.kind, RemarkKind::Unmatched(_)), remark }
    }
}

/// One change of a run with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its position within the run.
    pub position: u64,
    /// What was to be told.
    pub change: Change,
    /// How it stands.
    pub state: ChangeState,
    /// mParticle's words, when rejected.
    pub reason: Option<String>,
    /// When mParticle answered.
    pub at: Option<Timestamp>,
}

/// A request of the outbox as it is stored.
pub(super) struct RequestRow {
    pub first_position: i64,
    state: String,
    answered_at: Option<i64>,
    pub changes: Vec<u8>,
}

impl RequestRow {
    /// Reads `first_position`, `state`, `answered_at` and `changes`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            first_position: row.get(0)?,
            state: row.get(1)?,
            answered_at: row.get(2)?,
            changes: row.get(3)?,
        })
    }
}

impl Reader {
    /// Opens the state directory for reading.
    ///
    /// # Errors
    /// [`StoreError::Absent`] when nothing was recorded there yet, [`StoreError::Newer`] and [`StoreError::Older`]
    /// when a program of another format did.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(DATABASE_FILE);
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(StoreError::Absent { directory: directory.to_owned() }),
            // Something that cannot be looked into must not pass for something that is not there.
            Err(source) => return Err(StoreError::Directory { path: directory.to_owned(), source }),
        }
        let connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        migration::check_readable(&connection, directory)?;
        Ok(Self { connection })
    }

    /// Does something that must see the state as it is at one moment, whatever is recorded meanwhile: a baseline that is
    /// settled while it is read would pass for a damaged one. What is recorded meanwhile cannot be tidied up until this
    /// ends, so it is for what has to be, and never within itself.
    pub fn at_one_moment<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let _held = self.connection.unchecked_transaction().map_err(StoreError::from)?;
        work(self)
    }

    /// The remembered cohort list.
    pub fn cohorts(&self) -> Result<RememberedCohorts, StoreError> {
        cohorts::load(&self.connection)
    }

    /// Every sync.
    pub fn syncs(&self) -> Result<Vec<SyncRecord>, StoreError> {
        syncs::load(&self.connection)
    }

    /// Runs, newest first: all of them or one cohort's.
    pub fn runs(&self, cohort: Option<CohortId>, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        runs::load(&self.connection, cohort, limit)
    }

    /// The newest runs of every cohort that have ended, at most `each` a cohort, oldest first.
    pub fn recent_runs(&self, each: usize) -> Result<Vec<RunRecord>, StoreError> {
        runs::load_recent(&self.connection, each)
    }

    /// The runs that have not ended, with the phase they are in. While nobody holds the writer's lock, these
    /// are runs that a crash cut off.
    pub fn working_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        runs::load_working(&self.connection)
    }

    /// One run.
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        runs::load_one(&self.connection, run)
    }

    /// Who holds an attribute because of a cohort, in order.
    pub fn baseline(&self, holding: &Holding) -> impl Iterator<Item = Result<Identity, StoreError>> {
        baseline::read(&self.connection, holding)
    }

    /// The same a block at a time, for whoever compares all of it.
    pub fn baseline_blocks(&self, holding: &Holding) -> impl Iterator<Item = Result<Block, StoreError>> {
        baseline::blocks(&self.connection, holding)
    }

    /// The queries charged since a time, oldest first.
    pub fn queries_since(&self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        trail::queries_since(&self.connection, since)
    }

    /// How many queries Mixpanel allowed the project in an hour when it last told.
    pub fn query_limit(&self) -> Result<Option<u32>, StoreError> {
        trail::query_limit(&self.connection)
    }

    /// What the console asked to be remembered.
    pub fn remembered(&self, key: &str) -> Result<Option<String>, StoreError> {
        trail::remembered(&self.connection, key)
    }

    /// How large the database is.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok((number("page_count")? * number("page_size")?).cast_unsigned())
    }

    /// What tells this installation from others, once a writer has chosen it.
    pub fn installation(&self) -> Result<Option<String>, StoreError> {
        let chosen = "SELECT value FROM meta WHERE key = 'installation'";
        Ok(self.connection.query_row(chosen, [], |row| row.get(0)).optional()?)
    }

    /// A number that changes whenever the writer has committed something; cheap to ask for.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// The newest ended run of a cohort that read and compared all its people; its remarks are kept. `None` when
    /// there was none yet.
    pub fn last_account(&self, cohort: CohortId) -> Result<Option<RunRecord>, StoreError> {
        runs::load_last_account(&self.connection, cohort)
    }

    /// Hands every change of a run to `each`, a request at a time. `each` returns whether to go on.
    pub fn for_each_change<E: From<StoreError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(Vec<ChangeRow>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut after = -1_i64;
        while let Some((first_position, rows)) = self.next_changes(run, after)? {
            after = first_position;
            if !each(rows)? {
                break;
            }
        }
        Ok(())
    }

    /// The changes of the first request of a plan after the given position.
    pub(super) fn next_changes(
        &self,
        run: RunId,
        after: i64,
    ) -> Result<Option<(i64, Vec<ChangeRow>)>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT first_position, state, answered_at, changes FROM whole_requests
                 WHERE run_id = ?1 AND first_position > ?2 ORDER BY first_position LIMIT 1",
            )?
            .query_row(params![run.0, after], RequestRow::read)
            .optional()?;
        let Some(request) = found else { return Ok(None) };
        Ok(Some((request.first_position, self.rows_of(run, &request)?)))
    }

    /// The changes of a request, each with what became of it.
    pub(super) fn rows_of(&self, run: RunId, request: &RequestRow) -> Result<Vec<ChangeRow>, StoreError> {
        let at = request.answered_at.map(time::read).transpose()?;
        let changes = unpack_changes(&request.changes)?;
        let mut reasons = self.rejections(run, request.first_position, changes.len())?;
        let rows = changes.into_iter().zip(request.first_position..).map(|(change, position)| {
            let reason = reasons.remove(&position);
            let state = match (request.state.as_str(), &reason) {
                ("answered", Some(_)) => ChangeState::Rejected,
                ("answered", None) => ChangeState::Accepted,
                _ => ChangeState::Pending,
            };
            ChangeRow { position: position.cast_unsigned(), change, state, reason, at }
        });
        Ok(rows.collect())
    }

    fn rejections(&self, run: RunId, first: i64, length: usize) -> Result<HashMap<i64, String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT position, reason FROM rejections WHERE run_id = ?1 AND position >= ?2 AND position < ?3",
        )?;
        let rows = statement
            .query_map(params![run.0, first, first + length.cast_signed() as i64], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
