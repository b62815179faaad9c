//! What is remembered: one SQLite file in the state directory, written by one process. This file opens it;
//! its neighbours hold the typed questions, a file a subject. Nobody outside can tell that it is SQLite,
//! and nothing in here knows when or why something is recorded: that is the engine's business.

mod baseline;
mod check;
mod cohorts;
mod columns;
mod doubts;
#[cfg(debug_assertions)]
mod fault_point;
mod history;
mod holdings;
mod keeper;
mod last_told;
mod lock;
mod migration;
mod outbox;
mod packing;
mod pages;
mod parcel;
mod prune;
mod reader;
mod remarks;
mod requests;
mod rows;
mod runs;
mod search;
mod sizes;
mod study;
mod syncs;
mod told;
mod trail;
mod users;
mod verifications;
mod wrong_users;

pub use baseline::Settled;
pub use check::{Condition, Contents, Examination, ExaminedSync, SavedCopy, examine};
pub use cohorts::RememberedCohorts;
pub use history::PersonRow;
pub use holdings::{FormerAttribute, Holding};
pub use keeper::{Active, Activity, Keeper};
pub use last_told::LastTold;
pub use lock::WriterLock;
pub use outbox::{Answered, OutboxRequest, PackedRequest};
pub use pages::{JournalPlace, JournalRow, Which, Window};
pub use parcel::{Part, SizeOf, batches_of};
pub use prune::{RUNS_KEPT, RUNS_WITH_CHANGES};
pub use reader::{ChangeRow, Reader, UnmatchedRow};
pub use requests::{JournalExtent, NotedRequest, RequestFilter, StatusFilter};
pub use runs::{NewRun, RunRecord, TrendPoint};
pub use search::{Fate, ForgottenRuns, FoundChange};
pub use sizes::Sizes;
pub use study::Study;
pub use syncs::{PauseRecord, SyncRecord};
pub use told::Scope;
pub use trail::{
    ANSWER_CHARACTERS, JOURNAL_MOST, JournalEntry, JournalLimits, JournalLine, ONE_COHORT, Side,
};
pub use verifications::VerificationId;

use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The database's name in the state directory.
pub const DATABASE_FILE: &str = "cohort-sync.db";

/// The write-ahead log is cut back to so many bytes when it has been written into the file.
const LARGEST_LOG: i64 = 16 << 20;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be made or opened.
    #[error("cannot use the state directory: {path}: {source}; check its owner and permissions, or name another with --state-dir", path = path.display())]
    Directory {
        /// What could not be made or opened.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process writes it.
    #[error("the state directory {directory} is in use by {holder}; stop that one first, or look on with --read-only", directory = directory.display())]
    InUse {
        /// The state directory.
        directory: PathBuf,
        /// The process that has it, in words.
        holder: String,
    },
    /// Written by a newer version of this program.
    #[error("the state in {directory} was written by a newer cohort-sync (format {found}, this one knows {known}); update this program, or name another directory with --state-dir", directory = directory.display())]
    Newer {
        /// The state directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// Written by an older version, and this process may not bring it up to date.
    #[error("the state in {directory} was written by an older cohort-sync (format {found}); start the program once without --read-only to bring it up to date, which keeps a copy", directory = directory.display())]
    Older {
        /// The state directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Nothing was ever recorded here, and this process may not begin.
    #[error("there is no state in {directory} yet", directory = directory.display())]
    Absent {
        /// The state directory.
        directory: PathBuf,
    },
    /// What was read back cannot be what was written.
    #[error(
        "the state file is damaged: {what}; nothing more is sent. Do not delete it: `cohort-sync doctor` tells what still reads, and how to go on without losing removals"
    )]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// The disk is full.
    #[error(
        "the disk that holds the state directory is full; free some space, then run it again: nothing that was accepted is lost"
    )]
    DiskFull,
    /// The system will not let the file be read or written: a failing disk, a quota, permissions.
    #[error(
        "the state file cannot be read or written: {0}; check the disk, its quota and the permissions of the state directory, then run it again: nothing that was accepted is lost"
    )]
    Unusable(#[source] rusqlite::Error),
    /// Any other trouble with the database.
    #[error("the state file failed: {0}")]
    Database(#[source] rusqlite::Error),
    /// The store's thread is gone.
    #[error("the store has been closed")]
    Closed,
}

impl StoreError {
    /// The same for somebody else whom it concerns.
    #[must_use]
    pub fn for_another(&self) -> Self {
        let again = |error: &rusqlite::Error| match error {
            rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
            other => rusqlite::Error::ToSqlConversionFailure(other.to_string().into()),
        };
        match self {
            Self::DiskFull => Self::DiskFull,
            Self::Closed => Self::Closed,
            Self::Damaged { what } => Self::Damaged { what: what.clone() },
            Self::Unusable(error) => Self::Unusable(again(error)),
            Self::Database(error) => Self::Database(again(error)),
            // Those are about opening, which happens once.
            opening => Self::Database(rusqlite::Error::ToSqlConversionFailure(opening.to_string().into())),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        #[cfg(debug_assertions)]
        if fault_point::turned_back(&error) {
            return Self::DiskFull;
        }
        // SQLite has no better word for a disk on which not even its shared memory finds room.
        let no_room = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        if error.sqlite_error().is_some_and(|error| error.extended_code == no_room) {
            return Self::DiskFull;
        }
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::DiskFull,
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged { what: error.to_string() },
            Some(CannotOpen | PermissionDenied | ReadOnly | SystemIoFailure) => Self::Unusable(error),
            None => match error {
                // Without the statement, which says nothing to the operator.
                rusqlite::Error::SqlInputError { msg, .. } => Self::Damaged { what: msg },
                error if is_about_what_was_read(&error) => Self::Damaged { what: error.to_string() },
                error => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

/// Whether SQLite handed out something that this program never wrote: its statements and its schema are fixed.
fn is_about_what_was_read(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, QueryReturnedNoRows, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | QueryReturnedNoRows
            | Utf8Error(..)
    )
}

/// The store, open for writing by this process.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    installation: String,
    journal_limits: JournalLimits,
    _lock: WriterLock,
}

impl Store {
    /// Opens the state directory for writing, making it (mode 0700) and bringing the schema up to date.
    ///
    /// # Errors
    /// See [`StoreError`]; on [`StoreError::InUse`] a [`Reader`] can still be opened.
    pub fn open(directory: &Path, holder: &str) -> Result<Self, StoreError> {
        make_directory(directory)?;
        let lock = WriterLock::take(directory, holder)?;
        let path = directory.join(DATABASE_FILE);
        // SQLite would make the file with the process's umask; made first, it is ours alone from the start.
        private_options(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .map_err(|source| StoreError::Directory { path: path.clone(), source })?;
        let mut connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        #[cfg(debug_assertions)]
        fault_point::arm(&mut connection)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        // Asked before anything is written: a file that is not ours stays as it is.
        migration::check_not_newer(migration::format_of(&connection)?, directory)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // FULL makes every commit durable: an acknowledgement must survive a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What a large change leaves of the log is given back once it is written into the file.
        connection.pragma_update(None, "journal_size_limit", LARGEST_LOG)?;
        migration::migrate(&mut connection, directory)?;
        let installation = installation(&connection)?;
        Ok(Self { connection, installation, journal_limits: JournalLimits::default(), _lock: lock })
    }

    /// Does several things in one transaction, so that they become durable at the cost of one. What each does by itself
    /// is still done whole or not at all.
    ///
    /// # Errors
    /// Nothing of it was kept: the transaction could not be ended, or something in it made the database take it back,
    /// which [`Store::is_together`] tells at once.
    pub fn together(&mut self, work: impl FnOnce(&mut Self)) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        work(self);
        // Of a transaction that the database took back, COMMIT says that there is none.
        self.connection.execute_batch("COMMIT").map_err(|error| {
            // The error that counts is the first; what is gone cannot be taken back again.
            let _ = self.connection.execute_batch("ROLLBACK");
            error.into()
        })
    }

    /// Whether the transaction of [`Store::together`] is still open. SQLite takes it back by itself when the disk is
    /// full or cannot be read.
    #[must_use]
    pub fn is_together(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// A random name of this state directory; `source_request_id`s of two directories never meet.
    #[must_use]
    pub fn installation(&self) -> &str {
        &self.installation
    }
}

fn installation(connection: &Connection) -> Result<String, StoreError> {
    connection.execute(
        "INSERT OR IGNORE INTO meta (key, value) VALUES ('installation', lower(hex(randomblob(6))))",
        [],
    )?;
    Ok(connection.query_row("SELECT value FROM meta WHERE key = 'installation'", [], |row| row.get(0))?)
}

fn make_directory(directory: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let failed = |source| StoreError::Directory { path: directory.to_owned(), source };
    builder.create(directory).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A directory that was there before may be open to others; who is in a cohort is nobody else's business.
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Files of the state directory are readable by their owner alone.
fn private_options(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

mod time {
    //! Times in the database are milliseconds since 1970.
    use super::StoreError;
    use jiff::Timestamp;
    use std::time::Duration;

    pub fn read(milliseconds: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(milliseconds)
            .map_err(|_| StoreError::Damaged { what: format!("the time {milliseconds}") })
    }

    pub fn milliseconds(duration: Duration) -> i64 {
        i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
    }

    pub fn duration(milliseconds: i64) -> Duration {
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
    }
}
