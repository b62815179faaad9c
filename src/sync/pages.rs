//! What a reader may ask of the state directory beyond the snapshot: lists as long as a history or a cohort, a window
//! at a time. Questions are values, so that a reader can tell whether an answer is still wanted; they are answered
//! on a thread that may block. Writing lists to files is `export`'s.

pub use crate::store::{
    ANSWER_CHARACTERS, ChangeRow, JOURNAL_MOST, JournalEntry, JournalExtent, JournalLine, JournalPlace,
    JournalRow, RUNS_KEPT, RUNS_WITH_CHANGES, RunRecord, Side, Sizes, Study, Which, Window,
};

use super::user::{self, Recorded, UserQuery};
use crate::domain::parcel::Batch;
use crate::domain::people::{Narrow, UserRow};
use crate::domain::verification::WrongUser;
use crate::domain::waterfall::Listed;
use crate::domain::{Change, CohortId, RunId};
use crate::mparticle::{Encoder, Letter};
use crate::store::{Part, Reader, StoreError, VerificationId, batches_of};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task;

/// A question about what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// Runs, newest first: of all cohorts or of one.
    Runs {
        /// The cohort.
        cohort: Option<CohortId>,
        /// From which position on.
        offset: u64,
        /// How many at most.
        limit: usize,
    },
    /// One run.
    Run(RunId),
    /// What a run told mParticle, one user a row.
    Changes {
        /// The run.
        run: RunId,
        /// All of it or a part.
        which: Which,
        /// From which position on.
        offset: u64,
        /// How many at most.
        limit: usize,
    },
    /// The users behind a line of a cohort's last whole account.
    Users {
        /// The cohort.
        cohort: CohortId,
        /// Which of them.
        listed: Listed,
        /// What they are narrowed to.
        narrow: Narrow,
        /// From which position on.
        offset: u64,
        /// How many at most.
        limit: usize,
    },
    /// Entries of the journal: of one run, or of all runs and none.
    Journal {
        /// The run.
        run: Option<RunId>,
        /// From where on.
        place: JournalPlace,
        /// How many at most.
        limit: usize,
    },
    /// An entry of the journal, whole.
    Entry(i64),
    /// Whom the last verification of what a cohort's sync sets found wrong.
    Wrong {
        /// The cohort.
        cohort: CohortId,
        /// From which position on.
        offset: u64,
        /// How many at most.
        limit: usize,
    },
    /// What those who lack an MPID have in common, in a cohort's last whole account.
    Study(CohortId),
    /// How large what was recorded is.
    Size,
    /// How much of it the request journal holds.
    JournalExtent,
    /// How many people of a cohort changed sides again and again.
    Flapping(CohortId),
    /// Everything about one user; looks through the whole history.
    User(UserQuery),
    /// What a request to mParticle said: so many changes of a run from a position on.
    Body {
        /// The run.
        run: RunId,
        /// The position of its first change.
        first_position: u64,
        /// How many changes it had.
        users: usize,
    },
}

impl Question {
    /// From which position on a window was asked for; `None` where no window was.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Runs { offset, .. }
            | Self::Changes { offset, .. }
            | Self::Users { offset, .. }
            | Self::Wrong { offset, .. } => Some(*offset),
            Self::Run(_)
            | Self::Journal { .. }
            | Self::Entry(_)
            | Self::Study(_)
            | Self::Size
            | Self::JournalExtent
            | Self::Flapping(_)
            | Self::User(_)
            | Self::Body { .. } => None,
        }
    }

    /// What tells how often it may be asked: whatever came to the journal since is one question, asked again and
    /// again, though it begins somewhere else each time.
    #[must_use]
    pub fn kind(&self) -> Self {
        match self {
            Self::Journal { run, place: JournalPlace::After(_), limit } => {
                Self::Journal { run: *run, place: JournalPlace::After(0), limit: *limit }
            }
            question => question.clone(),
        }
    }
}

/// The answer to a [`Question`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Some runs.
    Runs(Window<RunRecord>),
    /// The run, unless it is forgotten.
    Run(Option<Box<RunRecord>>),
    /// Some changes.
    Changes(Window<ChangeRow>),
    /// Some users, and the run that read them; `None` while no account is whole.
    Users(Option<RunId>, Window<UserRow>),
    /// Some entries.
    Journal(Vec<JournalRow>),
    /// The entry, unless it is forgotten.
    Entry(Option<Box<JournalEntry>>),
    /// Some wrong users.
    Wrong(Window<WrongUser>),
    /// What they have in common; `None` while no account is whole.
    Study(Option<Box<Study>>),
    /// What takes how much.
    Size(Sizes),
    /// The journal.
    JournalExtent(JournalExtent),
    /// How many people, and since when everything that was told is kept; `None` when nothing was forgotten.
    Flapping(u64, Option<Timestamp>),
    /// What was recorded about the user.
    User(Box<Recorded>),
    /// What the request said; `None` when its run is forgotten.
    Body(Option<Body>),
}

/// What a request to mParticle said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Its bytes, written anew as they were sent.
    AsSent(String),
    /// Its changes, where nobody knows how they are written.
    Changes(Vec<ChangeRow>),
}

/// Answers in place of a state directory.
pub type Responder = Arc<dyn Fn(&Question) -> Result<Answer, String> + Send + Sync>;

/// Where answers come from. Clones share what is open.
#[derive(Clone, Default)]
pub(super) enum Archive {
    /// There is none.
    #[default]
    Absent,
    /// A state directory, and the connection to it while nobody uses it.
    Directory(Arc<PathBuf>, Arc<Mutex<Option<Reader>>>, Option<Arc<Encoder>>),
    /// A test that stands in for one.
    Responder(Responder),
}

impl Archive {
    /// The archive in a state directory; with an encoder it can also show what requests said, to the letter.
    pub(super) fn of(directory: &Path, encoder: Option<Encoder>) -> Self {
        Self::Directory(Arc::new(directory.to_owned()), Arc::default(), encoder.map(Arc::new))
    }

    /// Answers a question.
    pub(super) async fn read(&self, question: Question) -> Result<Answer, String> {
        if let Self::Responder(respond) = self {
            return respond(&question);
        }
        let encoder = if let Self::Directory(_, _, encoder) = self { encoder.clone() } else { None };
        self.with_reader(move |reader| answer(reader, &question, encoder.as_deref())).await
    }

    /// Does something with a connection on a thread that may block.
    pub(super) async fn with_reader<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, String> {
        let Self::Directory(directory, idle, _) = self else {
            return Err("there is no state directory to read".to_owned());
        };
        let (directory, idle) = (directory.clone(), idle.clone());
        let done = task::spawn_blocking(move || {
            // Taken out while in use, so that two questions at once do not wait for each other.
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).take();
            let reader = kept.map_or_else(|| Reader::open(&directory), Ok)?;
            let result = work(&reader)?;
            *idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
            Ok(result)
        });
        done.await.unwrap_or(Err(StoreError::Closed)).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Directory(directory, ..) => f.debug_tuple("Directory").field(directory).finish(),
            Self::Responder(_) => f.write_str("Responder"),
        }
    }
}

fn answer(reader: &Reader, question: &Question, encoder: Option<&Encoder>) -> Result<Answer, StoreError> {
    Ok(match *question {
        Question::Runs { cohort, offset, limit } => Answer::Runs(reader.runs_window(cohort, offset, limit)?),
        Question::Run(run) => Answer::Run(reader.run(run)?.map(Box::new)),
        Question::Changes { run, which, offset, limit } => {
            Answer::Changes(reader.changes_window(run, which, offset, limit)?)
        }
        Question::Users { cohort, listed, ref narrow, offset, limit } => match reader.last_account(cohort)? {
            Some(run) => {
                Answer::Users(Some(run.id), reader.users_window(&run, listed, narrow, offset, limit)?)
            }
            None => Answer::Users(None, Window { offset, total: 0, rows: Vec::new() }),
        },
        Question::Entry(id) => Answer::Entry(reader.journal_entry(id)?.map(Box::new)),
        Question::Wrong { cohort, offset, limit } => {
            Answer::Wrong(match last_verification(reader, cohort)? {
                Some(id) => reader.wrong_users_window(id, offset, limit)?,
                None => Window { offset, total: 0, rows: Vec::new() },
            })
        }
        Question::Study(cohort) => {
            let account = reader.last_account(cohort)?;
            Answer::Study(account.map(|run| reader.study(&run)).transpose()?.map(Box::new))
        }
        Question::Size => Answer::Size(reader.sizes()?),
        Question::JournalExtent => Answer::JournalExtent(reader.journal_extent()?),
        Question::Flapping(cohort) => {
            let sync = reader.syncs()?.into_iter().find(|sync| sync.cohort_id == cohort);
            let flapping = sync.map_or(Ok(0), |sync| reader.flapping(&sync.holding()))?;
            Answer::Flapping(flapping, reader.complete_since(cohort)?)
        }
        Question::User(ref query) => Answer::User(Box::new(user::read(reader, query)?)),
        Question::Journal { run, place, limit } => Answer::Journal(reader.journal(run, place, limit)?),
        Question::Body { run, first_position, users } => {
            Answer::Body(body(reader, run, first_position, users, encoder)?)
        }
    })
}

/// The last verification of what a cohort's sync sets now.
pub(super) fn last_verification(
    reader: &Reader,
    cohort: CohortId,
) -> Result<Option<VerificationId>, StoreError> {
    let sync = reader.syncs()?.into_iter().find(|sync| sync.cohort_id == cohort);
    let Some(sync) = sync else { return Ok(None) };
    Ok(reader.verification(&sync.holding())?.map(|(id, _)| id))
}

/// What a request said. Its changes are taken by position, for the outbox may have split it since.
pub fn body(
    reader: &Reader,
    run: RunId,
    first_position: u64,
    users: usize,
    encoder: Option<&Encoder>,
) -> Result<Option<Body>, StoreError> {
    let parts = reader.parts_told_with(run, first_position)?;
    if parts.len() > 1
        && let Some(parts) = told_with(&parts, run, first_position, users)
    {
        return joint_body(reader, &parts, encoder);
    }
    let Some(record) = reader.run(run)? else { return Ok(None) };
    let rows = reader.changes_window(run, Which::All, first_position, users)?.rows;
    // Where part of a plan is forgotten, what comes after it must not pass for it.
    let is_whole = rows.iter().zip(first_position..).all(|(row, position)| row.position == position);
    if rows.len() < users || !is_whole {
        return Ok(None);
    }
    let (Some(encoder), Some(installation)) = (encoder, reader.installation()?) else {
        return Ok(Some(Body::Changes(rows)));
    };
    let letter = Letter {
        installation: &installation,
        run,
        began: record.started_at,
        cohort: record.cohort_id,
        attribute: &record.attribute,
        removal: record.purpose.removal(),
    };
    let changes: Vec<_> = rows.into_iter().map(|row| row.change).collect();
    let bytes = encoder.letter(&letter, first_position, &changes);
    Ok(Some(Body::AsSent(String::from_utf8_lossy(&bytes).into_owned())))
}

/// Of the parts of a request of several runs those of its people who were in this one: it may be a half of what first
/// left. Nothing when it was about a user who was told apart, or when part of it is forgotten.
fn told_with(parts: &[Part], run: RunId, first_position: u64, users: usize) -> Option<Vec<Part>> {
    let batches = batches_of(parts);
    let told = half_that_begins(parts, &batches, (run, first_position), users)?;
    let mut of_parts: BTreeMap<usize, Part> = BTreeMap::new();
    for spot in told.iter().flatten() {
        let part = &parts[spot.part];
        let first_position = part.first_position + spot.place as u64;
        let new = || Part { run: part.run, first_position, changes: Vec::new() };
        of_parts.entry(spot.part).or_insert_with(new).changes.push(part.changes[spot.place].clone());
    }
    let is_joint = of_parts.values().any(|part| part.run != run);
    is_joint.then(|| of_parts.into_values().collect())
}

/// Those of the batches that are one request: all of them, or a half, or a half of that, as they are split. A request is
/// known by the run and position of the first part's first change, and by its length.
fn half_that_begins<'a>(
    parts: &[Part],
    batches: &'a [Batch],
    wanted: (RunId, u64),
    users: usize,
) -> Option<&'a [Batch]> {
    let first = batches.iter().flatten().min()?;
    let part = parts.get(first.part)?;
    if batches.len() == users && (part.run, part.first_position + first.place as u64) == wanted {
        return Some(batches);
    }
    if batches.len() <= users.max(1) {
        return None;
    }
    let (front, back) = batches.split_at(batches.len() / 2);
    half_that_begins(parts, front, wanted, users).or_else(|| half_that_begins(parts, back, wanted, users))
}

/// What a request of several runs said.
fn joint_body(
    reader: &Reader,
    parts: &[Part],
    encoder: Option<&Encoder>,
) -> Result<Option<Body>, StoreError> {
    let (Some(encoder), Some(installation)) = (encoder, reader.installation()?) else { return Ok(None) };
    let mut records = Vec::new();
    for part in parts {
        let Some(record) = reader.run(part.run)? else { return Ok(None) };
        records.push(record);
    }
    let letters: Vec<(Letter<'_>, u64, &[Change])> = parts
        .iter()
        .zip(&records)
        .map(|(part, record)| {
            let letter = Letter {
                installation: &installation,
                run: record.id,
                began: record.started_at,
                cohort: record.cohort_id,
                attribute: &record.attribute,
                removal: record.purpose.removal(),
            };
            (letter, part.first_position, part.changes.as_slice())
        })
        .collect();
    let bytes = encoder.joint_letter(&letters);
    Ok(Some(Body::AsSent(String::from_utf8_lossy(&bytes).into_owned())))
}
