//! What was recorded about a user: every telling that is still on record with its run, its request and the answer,
//! what the baselines say mParticle holds, what was remarked when cohorts were read, and what is forgotten. It reads
//! the whole history, so it belongs on a thread that may block.

use crate::domain::member::is_suspect;
use crate::domain::remark::{Remark, RemarkKind};
use crate::domain::user::{may_have_been, rounds_to};
use crate::domain::{CohortId, Direction, Identity, KnownIds, Purpose, RunId, SyncStatus, UserId};
use crate::store::{
    Fate, ForgottenRuns, FoundChange, Holding, NotedRequest, Reader, RunRecord, StoreError, SyncRecord,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Whom to look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserQuery {
    /// The id that was asked for.
    pub id: UserId,
    /// What else is known to be the user's, from Mixpanel.
    pub also: KnownIds,
}

impl UserQuery {
    /// A query about an id of which nothing else is known.
    #[must_use]
    pub fn new(id: UserId) -> Self {
        Self { id, also: KnownIds::default() }
    }
}

/// What was recorded about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Every id that the records join with the one that was asked for.
    pub ids: KnownIds,
    /// Every attribute that somebody was told of, or that a cohort would have.
    pub attributes: Vec<AttributeOnRecord>,
    /// What mParticle was told or is to be told, newest first.
    pub tellings: Vec<TellingOnRecord>,
    /// Older tellings that are on record too, beyond those that are listed.
    pub left_out: u64,
    /// What was remarked about the user's profiles, and others with the same MPID, in the last whole reads.
    pub remarks: Vec<RemarkOnRecord>,
    /// Changes that were looked through.
    pub looked_through: u64,
}

impl Recorded {
    /// What a state in which nothing was ever recorded has to say.
    #[must_use]
    pub fn nothing(ids: KnownIds) -> Self {
        let (tellings, remarks) = (Vec::new(), Vec::new());
        Self { ids, attributes: Vec::new(), tellings, left_out: 0, remarks, looked_through: 0 }
    }
}

/// Tellings that are listed; only somebody who flaps for days has more.
const TELLINGS_LISTED: usize = 500;

/// Remarks that are listed; an id such as 0 may stand in a hundred thousand profiles.
const REMARKS_LISTED: usize = 200;

/// Ids that are followed from one to the next.
const IDS_FOLLOWED: usize = 32;

/// An attribute of a cohort, and what is recorded of the user and it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeOnRecord {
    /// The cohort.
    pub cohort: CohortId,
    /// Its name in Mixpanel.
    pub name: String,
    /// The attribute in mParticle.
    pub attribute: String,
    /// How its sync rests.
    pub status: SyncStatus,
    /// Whether the sync has moved to another attribute since.
    pub is_former: bool,
    /// Those of the user's identities for which mParticle last acknowledged `true`.
    pub holders: Vec<Identity>,
    /// MPIDs that hold it and that JavaScript rounds to one of the user's.
    pub unrounded: Vec<i64>,
    /// What the last whole read of the cohort says; `None` while there was none.
    pub last_read: Option<LastRead>,
    /// What is forgotten.
    pub forgotten: ForgottenRuns,
}

/// A whole read of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// The run that read it.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
    /// Whether the user was in; `None` where the records cannot tell, because they do not say how the user was
    /// addressed.
    pub is_member: Option<bool>,
}

/// Something that mParticle was told, or is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellingOnRecord {
    /// The change and what became of it.
    pub found: FoundChange,
    /// The cohort's name at the time.
    pub cohort: String,
    /// The attribute it set.
    pub attribute: String,
    /// What the run was for.
    pub purpose: Purpose,
    /// When the run began.
    pub began: Timestamp,
    /// The last try of the request, while the journal holds it.
    pub request: Option<NotedRequest>,
}

/// A remark about a profile of the user, or about another one with the same MPID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemarkOnRecord {
    /// The run that read the profile.
    pub run: RunId,
    /// When that began.
    pub at: Timestamp,
    /// The cohort it was in.
    pub cohort: CohortId,
    /// What was remarked.
    pub remark: Remark,
}

/// Reads everything that is recorded about a user.
pub fn read(reader: &Reader, query: &UserQuery) -> Result<Recorded, StoreError> {
    let mut ids = KnownIds::of(&query.id);
    ids.merge(query.also.clone());
    let mut search = Search::through(reader, &ids, &query.id)?;
    if ids.merge(std::mem::take(&mut search.joined)) {
        // By an MPID that the records join with the $distinct_id, more may be found, and the other way round.
        search = Search::through(reader, &ids, &query.id)?;
    }
    let mut runs = Runs { reader, known: BTreeMap::new() };
    let tellings = search.tellings(&mut runs)?;
    let remarks = search.remarks(&mut runs)?;
    let is_told = query.also != KnownIds::default();
    let attributes = attributes(reader, &ids, &tellings, &remarks, is_told)?;
    let (left_out, looked_through) = (search.left_out, search.looked_through);
    Ok(Recorded { ids, attributes, tellings, left_out, remarks, looked_through })
}

/// One way through the whole history.
struct Search {
    /// The newest changes, in the order in which they were planned.
    changes: VecDeque<FoundChange>,
    left_out: u64,
    remarks: VecDeque<(RunId, CohortId, Remark)>,
    looked_through: u64,
    /// What belongs to the id that was asked for, by what was found.
    joined: KnownIds,
}

impl Search {
    fn through(reader: &Reader, ids: &KnownIds, asked: &UserId) -> Result<Self, StoreError> {
        let mut search = Self {
            changes: VecDeque::new(),
            left_out: 0,
            remarks: VecDeque::new(),
            looked_through: 0,
            joined: KnownIds::default(),
        };
        search.looked_through = reader.find_changes(ids, |found| {
            let mpid = found.change.identity.mpid();
            join(&mut search.joined, asked, mpid, found.change.distinct_id.as_deref());
            search.changes.push_back(found);
            if search.changes.len() > TELLINGS_LISTED {
                search.changes.pop_front();
                search.left_out += 1;
            }
        })?;
        reader.find_remarks(ids, |run, cohort, remark| {
            join(&mut search.joined, asked, remark.mpid(), remark.distinct_id.as_deref());
            search.remarks.push_back((run, cohort, remark));
            if search.remarks.len() > REMARKS_LISTED {
                search.remarks.pop_front();
            }
        })?;
        Ok(search)
    }

    fn tellings(&mut self, runs: &mut Runs<'_>) -> Result<Vec<TellingOnRecord>, StoreError> {
        let mut changes: Vec<FoundChange> = self.changes.drain(..).collect();
        changes.sort_by_key(|found| std::cmp::Reverse((found.run, found.position)));
        let (reader, mut tellings) = (runs.reader, Vec::with_capacity(changes.len()));
        for found in changes {
            // What is on record belongs to a run that is, or was until a moment ago.
            let Some(run) = runs.find(found.run)? else { continue };
            let request = match found.fate {
                Fate::Planned | Fate::DryRun => None,
                _ => reader.request_about(found.run, found.position)?,
            };
            tellings.push(TellingOnRecord {
                cohort: run.cohort.clone(),
                attribute: run.attribute.clone(),
                purpose: run.purpose,
                began: run.started_at,
                request,
                found,
            });
        }
        Ok(tellings)
    }

    fn remarks(&mut self, runs: &mut Runs<'_>) -> Result<Vec<RemarkOnRecord>, StoreError> {
        let mut remarks = Vec::new();
        for (run, cohort, remark) in self.remarks.drain(..) {
            if let Some(at) = runs.find(run)?.map(|run| run.started_at) {
                remarks.push(RemarkOnRecord { run, at, cohort, remark });
            }
        }
        remarks.sort_by_key(|remark| std::cmp::Reverse(remark.run));
        Ok(remarks)
    }
}

/// Follows an MPID and a `$distinct_id` that were found together from the one that was asked for to the other.
fn join(ids: &mut KnownIds, asked: &UserId, mpid: Option<i64>, distinct_id: Option<&str>) {
    let (Some(mpid), Some(distinct_id)) = (mpid, distinct_id) else { return };
    if distinct_id == asked.as_str() && ids.mpids.len() < IDS_FOLLOWED {
        ids.mpids.insert(mpid);
    }
    if asked.mpid() == Some(mpid) && ids.distinct_ids.len() < IDS_FOLLOWED {
        ids.distinct_ids.insert(distinct_id.into());
    }
}

/// Runs, each read once.
struct Runs<'a> {
    reader: &'a Reader,
    known: BTreeMap<RunId, Option<RunRecord>>,
}

impl Runs<'_> {
    fn find(&mut self, id: RunId) -> Result<Option<&RunRecord>, StoreError> {
        if !self.known.contains_key(&id) {
            self.known.insert(id, self.reader.run(id)?);
        }
        Ok(self.known.get(&id).and_then(Option::as_ref))
    }
}

/// A cohort that is or was exported, or at least read, with what holds for it.
struct Exported {
    cohort: CohortId,
    name: String,
    attribute: String,
    sync: Option<SyncRecord>,
    account: Option<RunRecord>,
    holders: Vec<Identity>,
}

/// Every attribute that the user may have something to do with, in the order of Mixpanel's list.
fn attributes(
    reader: &Reader,
    ids: &KnownIds,
    tellings: &[TellingOnRecord],
    remarks: &[RemarkOnRecord],
    is_told: bool,
) -> Result<Vec<AttributeOnRecord>, StoreError> {
    let exported = exported(reader, ids)?;
    let is_unmatched = |remark: &RemarkOnRecord| {
        matches!(remark.remark.kind, RemarkKind::Unmatched(_) | RemarkKind::Unsendable(_))
    };
    let is_held = exported.iter().any(|exported| !exported.holders.is_empty());
    // Without knowing how the user is addressed, somebody who entered by an MPID long ago looks just like somebody who
    // never did.
    let is_address_known = is_told || is_held || !tellings.is_empty() || remarks.iter().any(is_unmatched);
    let mut found = Vec::new();
    for exported in exported {
        let Exported { cohort, name, attribute, sync, account, holders } = exported;
        let last_read = account.map(|run| {
            let is_member =
                was_member(&run, tellings, remarks, attribute == run.attribute && !holders.is_empty());
            LastRead {
                run: run.id,
                at: run.started_at,
                is_member: is_member.or(is_address_known.then_some(false)),
            }
        });
        let current = AttributeOnRecord {
            status: sync.as_ref().map_or(SyncStatus::NotSynced, |sync| sync.status),
            is_former: false,
            unrounded: unrounded(reader, cohort, &attribute, ids)?,
            forgotten: reader.forgotten_runs(cohort)?,
            cohort,
            name,
            attribute,
            holders,
            last_read,
        };
        let mut formers = Vec::new();
        for former in sync.map(|sync| sync.former).unwrap_or_default() {
            let holders = self::holders(reader, cohort, &former.attribute, ids)?;
            if !holders.is_empty() {
                let (attribute, unrounded) = (former.attribute, Vec::new());
                formers.push(AttributeOnRecord {
                    attribute,
                    holders,
                    unrounded,
                    is_former: true,
                    ..current.clone()
                });
            }
        }
        found.push(current);
        found.extend(formers);
    }
    Ok(found)
}

fn exported(reader: &Reader, ids: &KnownIds) -> Result<Vec<Exported>, StoreError> {
    let mut syncs: BTreeMap<CohortId, SyncRecord> =
        reader.syncs()?.into_iter().map(|sync| (sync.cohort_id, sync)).collect();
    let listed = reader.cohorts()?.cohorts.into_iter().map(|(cohort, _)| (cohort.id, cohort.name));
    let mut cohorts: Vec<(CohortId, String)> = listed.collect();
    let is_listed = |id: CohortId| cohorts.iter().any(|(listed, _)| *listed == id);
    let unlisted: Vec<_> = syncs
        .values()
        .filter(|sync| !is_listed(sync.cohort_id))
        .map(|sync| (sync.cohort_id, sync.pinned_name.clone()))
        .collect();
    cohorts.extend(unlisted);
    let mut exported = Vec::new();
    for (cohort, name) in cohorts {
        let (sync, account) = (syncs.remove(&cohort), reader.last_account(cohort)?);
        let pinned = sync.as_ref().map(|sync| sync.attribute.clone());
        let Some(attribute) = pinned.or_else(|| account.as_ref().map(|run| run.attribute.clone())) else {
            continue;
        };
        let holders = holders(reader, cohort, &attribute, ids)?;
        exported.push(Exported { cohort, name, attribute, sync, account, holders });
    }
    Ok(exported)
}

fn holders(
    reader: &Reader,
    cohort: CohortId,
    attribute: &str,
    ids: &KnownIds,
) -> Result<Vec<Identity>, StoreError> {
    let holding = Holding { cohort, attribute: attribute.to_owned() };
    let mut holders = Vec::new();
    for identity in ids.identities() {
        if reader.holds(&holding, &identity)? {
            holders.push(identity);
        }
    }
    Ok(holders)
}

fn unrounded(
    reader: &Reader,
    cohort: CohortId,
    attribute: &str,
    ids: &KnownIds,
) -> Result<Vec<i64>, StoreError> {
    let holding = Holding { cohort, attribute: attribute.to_owned() };
    let mut found = Vec::new();
    for rounded in ids.mpids.iter().filter(|mpid| is_suspect(**mpid)) {
        let near = reader.mpids_within(&holding, &may_have_been(*rounded))?;
        found.extend(near.into_iter().filter(|mpid| rounds_to(*mpid, *rounded)));
    }
    Ok(found)
}

/// Whether the user was in a cohort by a whole read of it; `None` where nothing of that read names the user.
fn was_member(
    account: &RunRecord,
    tellings: &[TellingOnRecord],
    remarks: &[RemarkOnRecord],
    is_held: bool,
) -> Option<bool> {
    let of_cohort = || tellings.iter().filter(|telling| telling.found.cohort == account.cohort_id);
    let mut planned = of_cohort().filter(|telling| telling.found.run == account.id).peekable();
    if planned.peek().is_some() {
        // Whoever is addressed anew leaves under one identity and enters under another.
        return Some(planned.any(|telling| telling.found.change.direction == Direction::Add));
    }
    if remarks.iter().any(|remark| remark.run == account.id) || is_held {
        return Some(true);
    }
    // Taken out by a clean-up, which reads nobody: what was read before that is not on record.
    let is_taken_out = of_cohort().any(|telling| telling.found.run > account.id && !telling.purpose.reads());
    is_taken_out.then_some(true)
}
