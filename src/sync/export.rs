//! Writing a list to a file for a spreadsheet: everything that is listed, however long, in the columns that the
//! command line writes. A file that is there is never touched; a list that breaks off leaves none.

use super::pages::{Archive, ChangeRow, UnmatchedRow, Which, last_verification};
use crate::domain::verification::WrongUser;
use crate::domain::{CohortId, IdentityRef, RunId};
use crate::store::{Reader, StoreError};
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::task;

/// How often a name is tried with another number behind it.
const NAMES_TRIED: u32 = 1_000;

/// A list to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What the file is called, before the time: "runs", "unmatched 1001".
    pub name: String,
    /// The time in its name.
    pub at: Timestamp,
    /// What stands in it.
    pub content: Content,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Rows that the reader has already, the names of the columns first.
    Rows(Vec<Vec<String>>),
    /// Who of a cohort lacked a valid `$mparticle_user_id` in its last whole account.
    Unmatched(CohortId),
    /// What a run told mParticle.
    Changes(RunId, Which),
    /// Whom the last verification of a cohort found wrong.
    Wrong(CohortId),
}

/// The columns of a list of unmatched users.
pub const UNMATCHED: [&str; 5] = ["distinct_id", "reason", "sent", "mparticle_user_id", "last_seen"];
/// The columns of a list of changes.
pub const CHANGES: [&str; 6] = ["distinct_id", "mpid", "change", "state", "reason", "at"];
/// The columns of a list of users about whom mParticle is wrong.
pub const WRONG: [&str; 9] =
    ["distinct_id", "mpid", "wrong", "group", "told", "told_at", "run_id", "holds", "looked_up_at"];

/// Writes a list into a directory under a name that is not taken yet; returns the path and how many rows it has.
pub(super) async fn write(
    archive: &Archive,
    directory: PathBuf,
    export: Export,
) -> Result<(PathBuf, u64), String> {
    match export.content {
        Content::Rows(_) => {
            let done = task::spawn_blocking(move || write_file(&directory, &export, None));
            done.await.map_err(|error| error.to_string())?
        }
        Content::Unmatched(_) | Content::Changes(..) | Content::Wrong(_) => {
            archive.with_reader(move |reader| Ok(write_file(&directory, &export, Some(reader)))).await?
        }
    }
}

fn write_file(directory: &Path, export: &Export, reader: Option<&Reader>) -> Result<(PathBuf, u64), String> {
    let (path, file) = create(directory, &stem(export))
        .map_err(|error| format!("no file can be made in {}: {error}", directory.display()))?;
    match fill(file, export, reader) {
        Ok(rows) => Ok((path, rows)),
        Err(error) => {
            // Half a list would pass for a whole one.
            drop(fs::remove_file(&path));
            Err(error.to_string())
        }
    }
}

/// What the list is and when, in letters that every file system takes.
fn stem(export: &Export) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = export.name.chars().map(plain).collect();
    format!("{name}-{}", export.at.strftime("%Y%m%d-%H%M%S"))
}

fn create(directory: &Path, stem: &str) -> io::Result<(PathBuf, File)> {
    let mut tried = 1;
    loop {
        let number = if tried == 1 { String::new() } else { format!("-{tried}") };
        let path = directory.join(format!("{stem}{number}.csv"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Who is in a cohort is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < NAMES_TRIED => tried += 1,
            Err(error) => return Err(error),
            Ok(file) => return Ok((path, file)),
        }
    }
}

/// Why a list could not be written.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file cannot be written: {0}")]
    File(#[from] io::Error),
    #[error("the file cannot be written: {0}")]
    List(#[from] csv::Error),
}

/// A list for a spreadsheet, lines ended as RFC 4180 asks.
pub fn csv_writer<W: Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to)
}

fn fill(to: impl Write, export: &Export, reader: Option<&Reader>) -> Result<u64, Trouble> {
    let (mut to, mut rows) = (csv_writer(to), 0);
    match (&export.content, reader) {
        (Content::Rows(lines), _) => {
            for line in lines {
                to.write_record(line)?;
            }
            rows = (lines.len() as u64).saturating_sub(1);
        }
        (Content::Unmatched(cohort), Some(reader)) => {
            to.write_record(UNMATCHED)?;
            if let Some(run) = reader.last_account(*cohort)? {
                reader.for_each_unmatched::<Trouble>(run.id, |users| {
                    rows += users.len() as u64;
                    users.iter().try_for_each(|user| to.write_record(unmatched(user)))?;
                    Ok(true)
                })?;
            }
        }
        (Content::Changes(run, which), Some(reader)) => {
            to.write_record(CHANGES)?;
            reader.for_each_change::<Trouble>(*run, |changes| {
                let fits = |row: &&ChangeRow| *which == Which::All || row.reason.is_some();
                for row in changes.iter().filter(fits) {
                    rows += 1;
                    to.write_record(change(row))?;
                }
                Ok(true)
            })?;
        }
        (Content::Wrong(cohort), Some(reader)) => {
            to.write_record(WRONG)?;
            if let Some(id) = last_verification(reader, *cohort)? {
                reader.for_each_wrong_user::<Trouble>(id, |users| {
                    rows += users.len() as u64;
                    users.iter().try_for_each(|user| to.write_record(wrong(user)))?;
                    Ok(true)
                })?;
            }
        }
        (Content::Unmatched(_) | Content::Changes(..) | Content::Wrong(_), None) => {
            return Err(StoreError::Closed.into());
        }
    }
    to.flush()?;
    Ok(rows)
}

fn unmatched(row: &UnmatchedRow) -> [String; 5] {
    let remark = &row.remark;
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    [
        text(&remark.distinct_id),
        remark.reason().to_owned(),
        row.sendable.to_string(),
        text(&remark.evidence),
        text(&remark.last_seen),
    ]
}

fn change(row: &ChangeRow) -> [String; 6] {
    let mpid = match row.change.identity.borrow() {
        IdentityRef::Mpid(mpid) => mpid.to_string(),
        IdentityRef::Uuid(_) | IdentityRef::Text(_) => String::new(),
    };
    [
        row.change.distinct_id.as_deref().unwrap_or_default().to_owned(),
        mpid,
        row.change.direction.token().to_owned(),
        row.state.token().to_owned(),
        row.reason.clone().unwrap_or_default(),
        row.at.map(seconds).unwrap_or_default(),
    ]
}

fn wrong(user: &WrongUser) -> [String; 9] {
    let mpid = match user.identity.borrow() {
        IdentityRef::Mpid(mpid) => mpid.to_string(),
        IdentityRef::Uuid(_) | IdentityRef::Text(_) => String::new(),
    };
    let (run, told_at) =
        user.told_by.map_or_else(Default::default, |(run, at)| (run.to_string(), seconds(at)));
    [
        user.distinct_id.as_deref().unwrap_or_default().to_owned(),
        mpid,
        user.fault().token().to_owned(),
        user.group.token().to_owned(),
        user.group.told().to_string(),
        told_at,
        run,
        user.held.to_string(),
        seconds(user.looked_at),
    ]
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["x,\"y\"".to_owned(), "日本".to_owned()]];
        Export {
            name: "changes of run 7".to_owned(),
            at: "2026-01-31T14:32:07Z".parse().unwrap(),
            content: Content::Rows(rows),
        }
    }

    #[tokio::test]
    async fn a_file_that_is_there_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        for expected in ["changes-of-run-7-20260131-143207.csv", "changes-of-run-7-20260131-143207-2.csv"] {
            let written = write(&Archive::Absent, directory.path().to_owned(), export()).await.unwrap();
            assert_eq!(written, (directory.path().join(expected), 1));
            let text = fs::read_to_string(&written.0).unwrap();
            assert_eq!(text, "a,b\r\n\"x,\"\"y\"\"\",日本\r\n");
        }
    }

    #[tokio::test]
    async fn without_a_state_directory_a_long_list_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let export = Export { content: Content::Unmatched(CohortId(1)), ..export() };
        let error = write(&Archive::Absent, directory.path().to_owned(), export).await.unwrap_err();
        assert!(error.contains("no state directory"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
