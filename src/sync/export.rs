//! Writing a list to a file, for a spreadsheet or a program: everything that is listed, however long, in the columns
//! that the command line writes. A file that is there is never touched; a list that breaks off leaves none.

mod name;

use super::pages::{Archive, ChangeRow, JournalEntry, Which, last_verification};
use crate::domain::people::{Narrow, UserRow};
use crate::domain::property::PropertyNames;
use crate::domain::reason::Reason;
use crate::domain::verification::WrongUser;
use crate::domain::waterfall::Listed;
use crate::domain::{CohortId, RunId};
use crate::store::{Reader, StoreError};
use jiff::Timestamp;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::task;

/// How often a name is tried with another number behind it.
const NAMES_TRIED: u32 = 1_000;

/// A list to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What the list is, as the file is to say it: "runs", "unmatched Power users".
    pub name: String,
    /// The time in its name.
    pub at: Timestamp,
    /// How it is written.
    pub form: Form,
    /// What stands in it.
    pub content: Content,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 4180, with a line of column names.
    Csv,
    /// One object a line.
    Json,
}

impl Form {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// Rows that are at hand, a value for each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub columns: &'static [&'static str],
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Rows that the reader has already.
    Rows(Table),
    /// The users behind a line of a cohort's last whole account, narrowed to some.
    Users(CohortId, Listed, Narrow),
    /// What a run told mParticle.
    Changes(RunId, Which),
    /// Entries of the journal, by their numbers; those that are forgotten meanwhile are left out.
    Journal(Vec<i64>),
    /// Whom the last verification of a cohort found wrong.
    Wrong(CohortId),
}

/// The columns of a list of users, whichever line of the counts they are behind.
pub const USERS: [&str; 8] =
    ["distinct_id", "reason", "sent", "mparticle_user_id", "last_seen", "mpid", "detail", "properties"];
/// The columns of a list of changes.
pub const CHANGES: [&str; 6] = ["distinct_id", "mpid", "change", "state", "reason", "at"];
/// The columns of a list of users about whom mParticle is wrong.
pub const WRONG: [&str; 9] =
    ["distinct_id", "mpid", "wrong", "group", "told", "told_at", "run_id", "holds", "looked_up_at"];

/// The columns of a list of requests.
const REQUESTS: [&str; 13] = [
    "at",
    "cohort_id",
    "cohort",
    "run_id",
    "side",
    "request",
    "users",
    "accepted",
    "bytes",
    "status",
    "milliseconds",
    "try",
    "answer",
];

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
        Content::Users(..) | Content::Changes(..) | Content::Wrong(_) | Content::Journal(_) => {
            archive.with_reader(move |reader| Ok(write_file(&directory, &export, Some(reader)))).await?
        }
    }
}

fn write_file(directory: &Path, export: &Export, reader: Option<&Reader>) -> Result<(PathBuf, u64), String> {
    let (path, file) = create(directory, &name::stem(&export.name, export.at), export.form)
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

fn create(directory: &Path, stem: &str, form: Form) -> io::Result<(PathBuf, File)> {
    let (mut tried, extension) = (1, form.extension());
    loop {
        let number = if tried == 1 { String::new() } else { format!("-{tried}") };
        let path = directory.join(format!("{stem}{number}.{extension}"));
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

/// Writes an object on a line of its own, in the order of the columns, which a JSON map would not keep.
///
/// # Errors
/// It cannot be written.
pub fn write_json<'v>(
    to: &mut impl Write,
    fields: impl Iterator<Item = (&'v str, Cow<'v, Value>)>,
) -> io::Result<()> {
    let mut before = '{';
    for (name, value) in fields {
        write!(to, "{before}{}:{value}", Value::from(name))?;
        before = ',';
    }
    to.write_all(b"}\n")
}

/// Where rows go.
enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Json(io::BufWriter<W>, &'static [&'static str]),
}

impl<W: Write> Sink<W> {
    fn begin(to: W, form: Form, columns: &'static [&'static str]) -> Result<Self, Trouble> {
        Ok(match form {
            Form::Csv => {
                let mut to = csv_writer(to);
                to.write_record(columns)?;
                Self::Csv(Box::new(to))
            }
            Form::Json => Self::Json(io::BufWriter::new(to), columns),
        })
    }

    fn row(&mut self, values: &[Value]) -> Result<(), Trouble> {
        match self {
            Self::Csv(to) => to.write_record(values.iter().map(|value| plain(value).into_owned()))?,
            Self::Json(to, columns) => {
                write_json(to, columns.iter().copied().zip(values.iter().map(Cow::Borrowed)))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Trouble> {
        match self {
            Self::Csv(mut to) => to.flush()?,
            Self::Json(mut to, _) => to.flush()?,
        }
        Ok(())
    }
}

/// A value as a spreadsheet shows it.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn fill(to: impl Write, export: &Export, reader: Option<&Reader>) -> Result<u64, Trouble> {
    let mut rows = 0;
    let sink = match (&export.content, reader) {
        (Content::Rows(table), _) => {
            let mut sink = Sink::begin(to, export.form, table.columns)?;
            table.rows.iter().try_for_each(|row| sink.row(row))?;
            rows = table.rows.len() as u64;
            sink
        }
        (Content::Users(cohort, listed, narrow), Some(reader)) => {
            let mut sink = Sink::begin(to, export.form, &USERS)?;
            if let Some(run) = reader.last_account(*cohort)? {
                let names = names_of(reader, run.id)?;
                reader.for_each_user::<Trouble>(&run, *listed, narrow, |user| {
                    rows += 1;
                    sink.row(&user_values(&user, &names))?;
                    Ok(true)
                })?;
            }
            sink
        }
        (Content::Changes(run, which), Some(reader)) => {
            let mut sink = Sink::begin(to, export.form, &CHANGES)?;
            reader.for_each_change::<Trouble>(*run, |changes| {
                let fits = |row: &&ChangeRow| *which == Which::All || row.reason.is_some();
                for row in changes.iter().filter(fits) {
                    rows += 1;
                    sink.row(&change(row))?;
                }
                Ok(true)
            })?;
            sink
        }
        (Content::Wrong(cohort), Some(reader)) => {
            let mut sink = Sink::begin(to, export.form, &WRONG)?;
            if let Some(id) = last_verification(reader, *cohort)? {
                reader.for_each_wrong_user::<Trouble>(id, |users| {
                    rows += users.len() as u64;
                    users.iter().try_for_each(|user| sink.row(&wrong(user)))?;
                    Ok(true)
                })?;
            }
            sink
        }
        (Content::Journal(entries), Some(reader)) => {
            let mut sink = Sink::begin(to, export.form, &REQUESTS)?;
            let names: HashMap<CohortId, String> =
                reader.cohorts()?.cohorts.into_iter().map(|(cohort, _)| (cohort.id, cohort.name)).collect();
            for number in entries {
                if let Some(entry) = reader.journal_entry(*number)? {
                    rows += 1;
                    sink.row(&request(&entry, &names))?;
                }
            }
            sink
        }
        (Content::Users(..) | Content::Changes(..) | Content::Wrong(_) | Content::Journal(_), None) => {
            return Err(StoreError::Closed.into());
        }
    };
    sink.finish()?;
    Ok(rows)
}

/// The names of the properties that were fetched with a run's read.
///
/// # Errors
/// They cannot be read.
pub fn names_of(reader: &Reader, run: RunId) -> Result<PropertyNames, StoreError> {
    Ok(reader.tallies(run)?.map(|tallies| tallies.names().clone()).unwrap_or_default())
}

/// What a user says, in the order of [`USERS`].
#[must_use]
pub fn user_values(user: &UserRow, names: &PropertyNames) -> [Value; 8] {
    let held = names
        .iter()
        .zip(&user.properties)
        .filter_map(|(name, value)| value.as_deref().map(|value| (name.to_owned(), Value::from(value))));
    let properties: serde_json::Map<String, Value> = held.collect();
    [
        user.distinct_id.as_deref().into(),
        user.reason.map(Reason::token).into(),
        user.sent.into(),
        user.holds.as_deref().into(),
        user.last_seen.as_deref().into(),
        user.mpid.into(),
        user.detail.as_deref().into(),
        if properties.is_empty() { Value::Null } else { Value::Object(properties) },
    ]
}

fn change(row: &ChangeRow) -> [Value; 6] {
    [
        row.change.distinct_id.as_deref().into(),
        row.change.identity.mpid().into(),
        row.change.direction.token().into(),
        row.state.token().into(),
        row.reason.clone().into(),
        row.at.map(seconds).into(),
    ]
}

fn wrong(user: &WrongUser) -> [Value; 9] {
    [
        user.distinct_id.as_deref().into(),
        user.identity.mpid().into(),
        user.fault().token().into(),
        user.group.token().into(),
        user.group.told().into(),
        user.told_by.map(|(_, at)| seconds(at)).into(),
        user.told_by.map(|(run, _)| run.0).into(),
        user.held.to_string().into(),
        seconds(user.looked_at).into(),
    ]
}

fn request(entry: &JournalEntry, names: &HashMap<CohortId, String>) -> [Value; 13] {
    let line = &entry.line;
    [
        line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
        line.cohort.map(|cohort| cohort.0).into(),
        line.cohort.and_then(|cohort| names.get(&cohort)).cloned().into(),
        line.run.map(|run| run.0).into(),
        line.side.token().into(),
        line.what.as_str().into(),
        line.users.into(),
        line.accepted.into(),
        line.bytes.into(),
        line.status.into(),
        u64::try_from(line.elapsed.as_millis()).unwrap_or(u64::MAX).into(),
        line.attempt.into(),
        entry.answer.as_str().into(),
    ]
}

/// A time as lists write it.
#[must_use]
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        let rows =
            vec![vec!["x,\"y\"".into(), "日本".into()], vec![Value::Null, 9_007_199_254_740_993_i64.into()]];
        Export {
            name: "changes of run 7".to_owned(),
            at: "2026-01-31T14:32:07Z".parse().unwrap(),
            form: Form::Csv,
            content: Content::Rows(Table { columns: &["a", "b"], rows }),
        }
    }

    #[tokio::test]
    async fn json_is_one_object_a_line_in_the_order_of_the_columns() {
        let directory = tempfile::tempdir().unwrap();
        let export = Export { form: Form::Json, ..export() };
        let (path, rows) = write(&Archive::Absent, directory.path().to_owned(), export).await.unwrap();
        assert_eq!((path.extension().unwrap().to_str(), rows), (Some("json"), 2));
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text, "{\"a\":\"x,\\\"y\\\"\",\"b\":\"日本\"}\n{\"a\":null,\"b\":9007199254740993}\n");
    }

    #[tokio::test]
    async fn a_file_that_is_there_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        for expected in ["changes-of-run-7-20260131-143207.csv", "changes-of-run-7-20260131-143207-2.csv"] {
            let written = write(&Archive::Absent, directory.path().to_owned(), export()).await.unwrap();
            assert_eq!(written, (directory.path().join(expected), 2));
            let text = fs::read_to_string(&written.0).unwrap();
            assert_eq!(text, "a,b\r\n\"x,\"\"y\"\"\",日本\r\n,9007199254740993\r\n");
        }
    }

    #[tokio::test]
    async fn without_a_state_directory_a_long_list_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let export =
            Export { content: Content::Users(CohortId(1), Listed::Lacking, Narrow::default()), ..export() };
        let error = write(&Archive::Absent, directory.path().to_owned(), export).await.unwrap_err();
        assert!(error.contains("no state directory"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
