//! Looking one user up in what was recorded: the changes that were told or planned, the remarks about reads, the
//! baselines. Changes by the million are looked through as bytes and unpacked only where the user's stand, so that
//! memory does not grow and a million take a fraction of a second. What it all means for the user is `sync`'s.

use super::columns::{Part, RemarkForm, RemarkRef};
use super::packing::{self, unpack_changes};
use super::requests::NotedRequest;
use super::{Holding, Reader, StoreError, baseline, holdings, time};
use crate::domain::remark::Remark;
use crate::domain::{Change, CohortId, Identity, KnownIds, RunId};
use jiff::Timestamp;
use memchr::memmem::Finder;
use rusqlite::{OptionalExtension, Row, params};
use std::ops::RangeInclusive;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Covered by a 2xx.
    Accepted,
    /// Refused for good, in mParticle's words.
    Rejected(String),
    /// It left, perhaps, and no answer came.
    Unanswered,
    /// No answer came, and a later run told the user anew.
    ToldAgain,
    /// It has not left yet.
    Planned,
    /// A dry run's, never to be sent.
    DryRun,
}

impl Fate {
    /// The word in JSON.
    #[must_use]
    pub fn token(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unanswered => "unanswered",
            Self::ToldAgain => "told_again",
            Self::Planned => "planned",
            Self::DryRun => "dry_run",
        }
    }

    /// In a word or two; mParticle's own words about a rejection come beside it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unanswered => "not answered",
            Self::ToldAgain => "not answered, told again",
            Self::Planned => "not sent yet",
            Self::DryRun => "dry run, never sent",
        }
    }
}

/// A change that is on record about a user, with the request it was part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundChange {
    /// The run that planned it.
    pub run: RunId,
    /// The cohort it is about.
    pub cohort: CohortId,
    /// Its position within the run.
    pub position: u64,
    /// The position of the first change of its request, which names the request.
    pub first_position: u64,
    /// Changes in the request.
    pub users: u64,
    /// What was to be told.
    pub change: Change,
    /// What became of it.
    pub fate: Fate,
    /// When mParticle answered.
    pub answered_at: Option<Timestamp>,
    /// What it answered.
    pub http_status: Option<u16>,
    /// How many tries it took.
    pub tries: u32,
}

/// Runs that told something of which only the counts are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgottenRuns {
    /// How many, of those whose counts are kept.
    pub runs: u64,
    /// When the last of them began.
    pub until: Option<Timestamp>,
}

impl Reader {
    /// Hands every change on record about a user to `each`, oldest plan first; returns how many changes were looked
    /// through. Every blob's seal is checked, so that a damaged one is not taken for one without the user.
    pub fn find_changes(&self, ids: &KnownIds, mut each: impl FnMut(FoundChange)) -> Result<u64, StoreError> {
        let needles = needles_in_changes(ids)?;
        // In the order of the rows, which is how they lie in the file.
        let mut statement = self.connection.prepare_cached(
            "SELECT run_id, cohort_id, first_position, users, state, answered_at, http_status, tries, changes
             FROM whole_requests ORDER BY id",
        )?;
        let (mut rows, mut looked_through) = (statement.query([])?, 0);
        while let Some(row) = rows.next()? {
            let blob = row.get_ref(8)?.as_blob().map_err(rusqlite::Error::from)?;
            looked_through += row.get::<_, i64>(3)?.cast_unsigned();
            let packed = packing::unsealed_changes(blob)?;
            if !needles.iter().any(|needle| needle.find(packed).is_some()) {
                continue;
            }
            let first: i64 = row.get(2)?;
            for (change, position) in unpack_changes(blob)?.into_iter().zip(first..) {
                if ids.name(&change.identity, change.distinct_id.as_deref()) {
                    each(self.found(row, change, position)?);
                }
            }
        }
        Ok(looked_through)
    }

    fn found(&self, row: &Row<'_>, change: Change, position: i64) -> Result<FoundChange, StoreError> {
        let run: i64 = row.get(0)?;
        let state: String = row.get(4)?;
        let fate = match state.as_str() {
            "answered" => self.rejection(run, position)?.map_or(Fate::Accepted, Fate::Rejected),
            "planned" => Fate::Planned,
            "superseded" => Fate::ToldAgain,
            "dry" => Fate::DryRun,
            _ => Fate::Unanswered,
        };
        Ok(FoundChange {
            run: RunId(run),
            cohort: CohortId(row.get::<_, i64>(1)?.cast_unsigned()),
            position: position.cast_unsigned(),
            first_position: row.get::<_, i64>(2)?.cast_unsigned(),
            users: row.get::<_, i64>(3)?.cast_unsigned(),
            change,
            fate,
            answered_at: row.get::<_, Option<i64>>(5)?.map(time::read).transpose()?,
            http_status: row.get(6)?,
            tries: row.get(7)?,
        })
    }

    fn rejection(&self, run: i64, position: i64) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT reason FROM rejections WHERE run_id = ?1 AND position = ?2")?
            .query_row(params![run, position], |row| row.get(0))
            .optional()?)
    }

    /// Hands every remark about a profile that is the user's, or that has one of the user's MPIDs, to `each`, with the
    /// run that read it.
    pub fn find_remarks(
        &self,
        ids: &KnownIds,
        mut each: impl FnMut(RunId, CohortId, Remark),
    ) -> Result<(), StoreError> {
        let needles = needles_in_remarks(ids);
        let mut statement = self
            .connection
            .prepare_cached("SELECT run_id, cohort_id, remarks, form FROM remarks ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let blob = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let packed = packing::unsealed_remarks(blob)?;
            if !needles.iter().any(|needle| needle.find(packed).is_some()) {
                continue;
            }
            let (run, cohort) = (RunId(row.get(0)?), CohortId(row.get::<_, i64>(1)?.cast_unsigned()));
            let part = Part::read(RemarkForm::from_number(row.get(3)?)?, blob)?;
            for remark in part.iter().map(RemarkRef::to_owned).filter(|remark| is_about(remark, ids)) {
                each(run, cohort, remark);
            }
        }
        Ok(())
    }

    /// Whether mParticle last acknowledged somebody as a holder of an attribute.
    pub fn holds(&self, holding: &Holding, identity: &Identity) -> Result<bool, StoreError> {
        match holdings::find(&self.connection, holding)? {
            Some(id) => baseline::contains(&self.connection, id, identity),
            None => Ok(false),
        }
    }

    /// The MPIDs within a range that hold an attribute.
    pub fn mpids_within(
        &self,
        holding: &Holding,
        range: &RangeInclusive<i64>,
    ) -> Result<Vec<i64>, StoreError> {
        match holdings::find(&self.connection, holding)? {
            Some(id) => baseline::mpids_within(&self.connection, id, range),
            None => Ok(Vec::new()),
        }
    }

    /// The last try of the request that told about a change, if the journal still holds it.
    pub fn request_about(&self, run: RunId, position: u64) -> Result<Option<NotedRequest>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM journal WHERE run_id = ?1 AND first_position <= ?2
                AND first_position + users > ?2 ORDER BY id DESC LIMIT 1",
        )?;
        let (run, position) = self.noted_with(run, position)?.unwrap_or((run, position));
        let found =
            statement.query_row(params![run.0, position.cast_signed()], |row| row.get(0)).optional()?;
        found.map_or(Ok(None), |id| self.request(id))
    }

    /// The runs of a cohort that told something and whose changes are not kept any more.
    pub fn forgotten_runs(&self, cohort: CohortId) -> Result<ForgottenRuns, StoreError> {
        let (runs, until): (i64, Option<i64>) = self
            .connection
            .prepare_cached(
                "SELECT count(*), max(started_at) FROM runs WHERE cohort_id = ?1 AND outcome IS NOT NULL
                    AND adds_accepted + adds_rejected + removes_accepted + removes_rejected > 0
                    AND NOT EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id)",
            )?
            .query_row([cohort.0.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(ForgottenRuns { runs: runs.cast_unsigned(), until: until.map(time::read).transpose()? })
    }
}

/// What the user's ids look like among packed changes. A needle that is found proves nothing; one that is not found
/// proves that the user is not there.
pub(super) fn needles_in_changes(ids: &KnownIds) -> Result<Vec<Finder<'static>>, StoreError> {
    let mut needles = Vec::new();
    for mpid in &ids.mpids {
        needles.push(packing::bytes_of_identity(&Identity::Mpid(*mpid))?);
    }
    for id in &ids.distinct_ids {
        needles.push(packing::bytes_of_text(id)?);
        // A UUID is packed as text beside an MPID, and as its bytes where it is the address.
        let identity = Identity::of_distinct_id(id);
        if matches!(identity, Identity::Uuid(_)) {
            needles.push(packing::bytes_of_identity(&identity)?);
        }
    }
    Ok(finders(&needles))
}

/// The same among packed remarks, where an MPID stands as it was written in Mixpanel.
fn needles_in_remarks(ids: &KnownIds) -> Vec<Finder<'static>> {
    let mpids = ids.mpids.iter().map(|mpid| mpid.to_string().into_bytes());
    let distinct_ids = ids.distinct_ids.iter().map(|id| id.as_bytes().to_vec());
    finders(&mpids.chain(distinct_ids).collect::<Vec<_>>())
}

fn finders(needles: &[Vec<u8>]) -> Vec<Finder<'static>> {
    needles.iter().map(|needle| Finder::new(needle).into_owned()).collect()
}

/// Whether a remark is about a profile of the user, or one that has an MPID of the user.
fn is_about(remark: &Remark, ids: &KnownIds) -> bool {
    let is_profile = remark.distinct_id.as_deref().is_some_and(|id| ids.distinct_ids.contains(id));
    is_profile || remark.mpid().is_some_and(|mpid| ids.mpids.contains(&mpid))
}
