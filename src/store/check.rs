//! Examining a state directory without changing it: whether the state file is whole, what it holds, and which
//! copies of it lie beside it. Every question is asked on a connection that cannot write. What to say and do
//! about the answers is for whoever asks.

use super::migration::{NEWEST_FORMAT, check_not_newer, format_of};
use super::packing::unpack_changes;
use super::{DATABASE_FILE, Holding, StoreError, SyncRecord, baseline, runs, syncs};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What stands beside the state file while it is open: what is not yet written into it, and an index of that.
const COMPANIONS: [&str; 2] = [PENDING, "-shm"];

const PENDING: &str = "-wal";

/// Faults that are listed; more would not tell more.
const FAULTS_LISTED: usize = 20;

/// What an examination found.
#[derive(Debug)]
pub struct Examination {
    /// The state file, whether it exists or not.
    pub file: PathBuf,
    /// The files that make up the state, as far as they exist, the state file first. They mean something together
    /// only: what is newest may stand in a companion.
    pub parts: Vec<PathBuf>,
    /// What is kept in them, in bytes on disk.
    pub bytes: u64,
    /// How the state is.
    pub condition: Condition,
    /// Copies beside it, newest first; only looked for where the state itself is of no use.
    pub copies: Vec<SavedCopy>,
}

/// How the state is.
#[derive(Debug)]
pub enum Condition {
    /// There is no state file.
    Absent,
    /// There is a file in which nothing was ever recorded, or nothing is left.
    Empty,
    /// It could not be looked into, or is a newer program's.
    Closed(StoreError),
    /// It was looked into.
    Open(Contents),
}

/// What a look into the state found.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its format; `None` when it cannot even be told.
    pub format: Option<u32>,
    /// What is wrong with the file as a whole, in words; what is wrong with a baseline stands with its sync.
    pub faults: Vec<String>,
    /// Every sync; `None` when they cannot be read, or stand in an older format, which is only tested as a whole.
    pub syncs: Option<Vec<ExaminedSync>>,
    /// How many runs are recorded; `None` as above.
    pub runs: Option<u64>,
}

/// A sync and whether its baseline reads back.
#[derive(Debug)]
pub struct ExaminedSync {
    /// The sync.
    pub record: SyncRecord,
    /// The members of its baseline that read back.
    pub members: u64,
    /// Why the others do not.
    pub fault: Option<String>,
}

/// A copy of a state file.
#[derive(Debug)]
pub struct SavedCopy {
    /// Where it is.
    pub path: PathBuf,
    /// When it was written.
    pub written: Option<Timestamp>,
    /// Whether everything in it reads back and this program knows its format.
    pub is_usable: bool,
}

impl Contents {
    /// Whether the next start for writing brings the file to a newer format first.
    #[must_use]
    pub fn will_be_migrated(&self) -> bool {
        self.format.is_some_and(|format| format < NEWEST_FORMAT)
    }

    /// Whether anything does not read back.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        !self.faults.is_empty() || self.syncs.iter().flatten().any(|sync| sync.fault.is_some())
    }

    /// Whether everything reads back and is in the format that this program writes.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.is_damaged() && self.format == Some(NEWEST_FORMAT)
    }

    /// Keeps what was read. What cannot be read is a fault of the file, unless it may be read a moment later.
    fn note<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if is_passing(&error) => Err(error),
            Err(error) => {
                self.faults.push(fault(error));
                Ok(None)
            }
        }
    }
}

impl Condition {
    fn damaged(faults: Vec<String>) -> Self {
        Self::Open(Contents { faults, ..Contents::default() })
    }

    /// Whether the state is there and cannot be worked with as it is.
    fn is_useless(&self) -> bool {
        match self {
            Self::Absent | Self::Empty => true,
            Self::Closed(_) => false,
            Self::Open(contents) => contents.is_damaged(),
        }
    }
}

/// Examines a state directory. It reads every page and every chunk of the baselines, so it blocks for as long as
/// that takes. `may_try_to_write` also opens the file for writing, though nothing is written.
#[must_use]
pub fn examine(directory: &Path, may_try_to_write: bool) -> Examination {
    let file = directory.join(DATABASE_FILE);
    let condition = condition(&file, directory, may_try_to_write);
    let copies = if condition.is_useless() { copies(directory) } else { Vec::new() };
    // Looked for last, since looking into the state may itself leave empty companions behind.
    let companions = COMPANIONS.iter().map(|suffix| directory.join(format!("{DATABASE_FILE}{suffix}")));
    let parts: Vec<PathBuf> =
        std::iter::once(file.clone()).chain(companions).filter(|part| part.exists()).collect();
    let kept = [file.clone(), directory.join(format!("{DATABASE_FILE}{PENDING}"))];
    let bytes = kept.iter().filter_map(|part| part.metadata().ok()).map(|metadata| metadata.len()).sum();
    Examination { file, parts, bytes, condition, copies }
}

fn condition(file: &Path, directory: &Path, may_try_to_write: bool) -> Condition {
    // Tried before the database is opened: closing a second handle later would drop the locks of the first.
    if let Err(source) = OpenOptions::new().read(true).write(may_try_to_write).open(file).map(drop::<File>) {
        return match source.kind() {
            std::io::ErrorKind::NotFound => Condition::Absent,
            _ => Condition::Closed(StoreError::Directory { path: file.to_owned(), source }),
        };
    }
    let looked = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        let format = format_of(&connection)?;
        check_not_newer(format, directory)?;
        if format > 0 {
            return Ok(Condition::Open(look_into(&connection)?));
        }
        Ok(Condition::Empty)
    });
    looked.unwrap_or_else(refused)
}

/// A file that does not open is damaged, unless it is only somebody else's for now.
fn refused(error: StoreError) -> Condition {
    match error {
        StoreError::Damaged { .. } => Condition::damaged(vec![fault(error)]),
        error => Condition::Closed(error),
    }
}

fn look_into(connection: &Connection) -> Result<Contents, StoreError> {
    let mut contents = Contents::default();
    // One transaction sees one state, however busy a writer is meanwhile.
    let begun = connection.unchecked_transaction().map_err(StoreError::from);
    let Some(transaction) = contents.note(begun)? else { return Ok(contents) };
    contents.format = contents.note(format_of(&transaction))?;
    let faults = contents.note(integrity(&transaction))?;
    contents.faults.extend(faults.unwrap_or_default());
    // The questions below are put to the newest format; an older one gets its answers when it is migrated.
    if contents.format == Some(NEWEST_FORMAT) {
        let runs = contents.note(runs::load(&transaction, None, isize::MAX.cast_unsigned()))?;
        contents.runs = runs.map(|runs| runs.len() as u64);
        contents.note(read_open_plans(&transaction))?;
        if let Some(records) = contents.note(syncs::load(&transaction))? {
            let syncs: Result<Vec<_>, _> =
                records.into_iter().map(|record| examine_sync(&transaction, record)).collect();
            contents.syncs = contents.note(syncs)?;
        }
    }
    Ok(contents)
}

/// What SQLite's own check of pages, indexes and values finds.
fn integrity(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FAULTS_LISTED})"))?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let lines = rows.iter().flat_map(|row| row.lines()).map(str::trim);
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).map(str::to_owned).collect())
}

fn examine_sync(connection: &Connection, record: SyncRecord) -> Result<ExaminedSync, StoreError> {
    let (members, mut fault) = examine_baseline(connection, &record.holding(), record.baseline)?;
    for former in &record.former {
        let holding = Holding { attribute: former.attribute.clone(), ..record.holding() };
        let (_, of_former) = examine_baseline(connection, &holding, former.members)?;
        fault = fault
            .or(of_former.map(|fault| format!("the former attribute \"{}\": {fault}", former.attribute)));
    }
    Ok(ExaminedSync { record, members, fault })
}

/// How many members of a baseline read back, and why the others do not.
fn examine_baseline(
    connection: &Connection,
    holding: &Holding,
    settled: u64,
) -> Result<(u64, Option<String>), StoreError> {
    let mut members = 0;
    for identity in baseline::read(connection, holding) {
        match identity {
            Ok(_) => members += 1,
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => return Ok((members, Some(fault(error)))),
        }
    }
    let missing =
        (members != settled).then(|| format!("{members} members are found where {settled} were settled"));
    Ok((members, missing))
}

/// Reads every planned change that is still to be sent, in doubt or to be settled.
fn read_open_plans(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT changes FROM whole_requests WHERE state IN ('planned', 'claimed', 'doubted')
             OR run_id IN (SELECT id FROM runs WHERE outcome IS NULL)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        unpack_changes(&row.get::<_, Vec<u8>>(0)?)?;
    }
    Ok(())
}

/// Whether another process only keeps the file to itself for a moment.
fn is_passing(error: &StoreError) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    match error {
        StoreError::Database(error) => {
            matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
        }
        _ => false,
    }
}

fn fault(error: StoreError) -> String {
    match error {
        StoreError::Damaged { what } => what,
        StoreError::Database(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// The files beside the state file that bear its name and something more, as a migration's copy does.
fn copies(directory: &Path) -> Vec<SavedCopy> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let prefix = format!("{DATABASE_FILE}.");
    let is_copy = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&prefix) && !COMPANIONS.iter().any(|suffix| name.ends_with(suffix)) && path.is_file()
    };
    let mut copies: Vec<SavedCopy> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_copy)
        .map(|path| SavedCopy {
            written: path.metadata().and_then(|it| it.modified()).ok().and_then(|at| at.try_into().ok()),
            is_usable: is_usable(&path),
            path,
        })
        .collect();
    copies.sort_by(|a, b| b.written.cmp(&a.written).then_with(|| a.path.cmp(&b.path)));
    copies
}

fn is_usable(copy: &Path) -> bool {
    let Some(path) = copy.to_str() else { return false };
    // Nobody writes a copy; opened as one that cannot change, it gets no companions that would stay behind.
    let address =
        format!("file:{}?immutable=1", path.replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let Ok(connection) = open(Path::new(&address), flags) else { return false };
    let known = |format| (1..=NEWEST_FORMAT).contains(&format);
    look_into(&connection).is_ok_and(|contents| !contents.is_damaged() && contents.format.is_some_and(known))
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}
