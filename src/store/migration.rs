//! Bringing a state file up to the format this program writes: one block of SQL a step and what SQL cannot do, all
//! in one transaction, after a copy of the file as it was. A file of a newer program is refused and not touched.

use super::{DATABASE_FILE, StoreError, packing, private_options};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The format this program writes.
pub(super) const NEWEST_FORMAT: u32 = 6;

/// What leads from one format to the next: a block of SQL, then whatever else there is to do.
type Step = (&'static str, fn(&Connection) -> Result<(), StoreError>);

/// The steps in order.
const STEPS: [Step; NEWEST_FORMAT as usize] = [
    (include_str!("schema/format_1.sql"), |_| Ok(())),
    (include_str!("schema/format_2.sql"), seal_blobs),
    (include_str!("schema/format_3.sql"), |_| Ok(())),
    (include_str!("schema/format_4.sql"), |_| Ok(())),
    (include_str!("schema/format_5.sql"), |_| Ok(())),
    (include_str!("schema/format_6.sql"), |_| Ok(())),
];

/// Applies what is missing of the schema. A file that holds something already is copied first.
pub(super) fn migrate(connection: &mut Connection, directory: &Path) -> Result<(), StoreError> {
    let found = format_of(connection)?;
    check_not_newer(found, directory)?;
    if found > 0 && found < NEWEST_FORMAT {
        let copy = copy_path(directory, found);
        keep_copy(connection, &copy)?;
        tracing::info!(found, NEWEST_FORMAT, copy = %copy.display(), "the state file is brought up to date");
    }
    let transaction = connection.transaction()?;
    for (format, (block, then)) in (1..).zip(STEPS).filter(|(format, _)| *format > found) {
        transaction.execute_batch(block)?;
        then(&transaction)?;
        transaction.pragma_update(None, "user_version", format)?;
    }
    Ok(transaction.commit()?)
}

/// Seals every blob, if it reads back as it is.
fn seal_blobs(connection: &Connection) -> Result<(), StoreError> {
    for (table, column, form, seal) in [
        ("baseline", "chunk", "form", packing::seal_old_chunk as fn(i64, Vec<u8>) -> _),
        ("outbox", "changes", "0", |_, blob| packing::seal_old_changes(blob)),
        ("remarks", "remarks", "0", |_, blob| packing::seal_old_remarks(blob)),
    ] {
        let mut select = connection.prepare(&format!(
            "SELECT id, {form}, {column} FROM {table} WHERE id > ?1 ORDER BY id LIMIT 1"
        ))?;
        let mut update = connection.prepare(&format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1"))?;
        let mut after = i64::MIN;
        let mut next = |after: i64| -> Result<Option<(i64, i64, Vec<u8>)>, StoreError> {
            let row = select.query_row([after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            Ok(row.optional()?)
        };
        while let Some((id, form, blob)) = next(after)? {
            update.execute(params![id, seal(form, blob)?])?;
            after = id;
        }
    }
    Ok(())
}

/// Checks that a connection that may not write can make sense of the file.
pub(super) fn check_readable(connection: &Connection, directory: &Path) -> Result<(), StoreError> {
    let found = format_of(connection)?;
    check_not_newer(found, directory)?;
    match found {
        0 => Err(StoreError::Absent { directory: directory.to_owned() }),
        NEWEST_FORMAT => Ok(()),
        found => Err(StoreError::Older { directory: directory.to_owned(), found }),
    }
}

/// The format of a state file; 0 is one without anything in it.
pub(super) fn format_of(connection: &Connection) -> Result<u32, StoreError> {
    let found = match connection.pragma_query_value(None, "user_version", |row| row.get(0)) {
        Ok(found) => found,
        Err(error) if was_cut_off_at_birth(connection, &error) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    if found == 0 {
        // What was cut off within its header, or is another program's, must not pass for a new file.
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            let what = "it holds tables, and does not tell their format".to_owned();
            return Err(StoreError::Damaged { what });
        }
    }
    Ok(found)
}

/// Whether whoever made the file was killed over its first page. The next one who writes clears that up; who only
/// reads cannot, and would hear of a file that is not writable.
fn was_cut_off_at_birth(connection: &Connection, error: &rusqlite::Error) -> bool {
    const FIRST_PAGE: u64 = 4096;
    let needs_rollback = error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK);
    let length = || connection.path().and_then(|path| fs::metadata(path).ok()).map(|file| file.len());
    needs_rollback && length().is_some_and(|length| length <= FIRST_PAGE)
}

pub(super) fn check_not_newer(found: u32, directory: &Path) -> Result<(), StoreError> {
    let known = NEWEST_FORMAT;
    if found > known {
        return Err(StoreError::Newer { directory: directory.to_owned(), found, known });
    }
    Ok(())
}

/// Where the copy of a file of an older format is kept.
fn copy_path(directory: &Path, format: u32) -> PathBuf {
    directory.join(format!("{DATABASE_FILE}.format-{format}.bak"))
}

/// Copies the file as it is, durably and under its name only when it is complete.
fn keep_copy(connection: &Connection, copy: &Path) -> Result<(), StoreError> {
    let unfinished = copy.with_extension("unfinished");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| StoreError::Directory { path, source }
    };
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&unfinished)(error)),
        _ => {}
    }
    private_options(OpenOptions::new().write(true).create_new(true))
        .open(&unfinished)
        .map_err(failed(&unfinished))?;
    {
        let mut target = Connection::open_with_flags(&unfinished, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        Backup::new(connection, &mut target)?.run_to_completion(1_000, Duration::ZERO, None)?;
    }
    fs::rename(&unfinished, copy).map_err(failed(copy))?;
    let directory = copy.parent().unwrap_or(Path::new("."));
    // The name must survive a power cut as well; not every system lets a directory be opened for that.
    if let Ok(opened) = fs::File::open(directory) {
        opened.sync_all().map_err(failed(directory))?;
    }
    Ok(())
}
