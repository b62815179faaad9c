//! The rules that find what deserves a look: pure, on the few facts of each cohort that they need. What each of them
//! says is in [`super::lint`].

use super::cohort::CohortId;
use super::counts::ReadCounts;
use super::lint::{ATTRIBUTES_LIMIT, Lint, Other, SYNCS_LIMIT, USERS_LIMIT};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// From this share of a limit on it is near.
const NEAR: f64 = 0.8;

/// About 0.6 % of true ids look rounded by chance (see [`super::member::is_suspect`]); more than this do not.
const SUSPECT_SHARE: f64 = 0.02;

/// In a small cohort chance alone makes a share of one or two users, so there must be so many of them.
const SUSPECT_USERS: u64 = 5;

/// A matched share moves by a little from read to read; by so much it has fallen.
const FALL: f64 = 0.05;

/// In a cohort of a handful every user is many points, so a fall must be one of so many users too.
const FALL_USERS: f64 = 10.0;

/// Profiles that come and go without anybody entering or leaving are told of from this share of the cohort on.
const MOVE: f64 = 0.01;

/// What the rules need to know of a cohort.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts<'a> {
    /// Its number.
    pub id: CohortId,
    /// Its name in Mixpanel.
    pub name: &'a str,
    /// Whether it can be exported at all.
    pub is_exportable: bool,
    /// The attribute that is set, or would be.
    pub attribute: &'a str,
    /// Attributes that somebody holds because of it, or is being told.
    pub holds: Vec<&'a str>,
    /// How many users it has, as far as known.
    pub users: Option<u64>,
    /// Whether it is kept up to date.
    pub is_recurring: bool,
    /// How long a run takes and how often one is to start, where that can be compared.
    pub pace: Option<Pace>,
    /// The last whole read.
    pub last: Option<LastRead>,
    /// The reads that are kept, oldest first, the last one included.
    pub reads: Vec<Reading>,
}

/// How fast a sync is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long the last run took.
    pub took: Duration,
    /// How often one is to start.
    pub interval: Duration,
}

/// The last whole read and what came of comparing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// Where its profiles went.
    pub counts: ReadCounts,
    /// People who entered or left by it.
    pub changes: u64,
}

/// One read of a cohort.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Profiles.
    pub users: u64,
    /// The share with a valid MPID, 0 to 1.
    pub matched_share: f64,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What concerns one cohort, the most pressing first.
    pub cohorts: BTreeMap<CohortId, Vec<Lint>>,
    /// What concerns all of them together.
    pub project: Vec<Lint>,
}

impl Found {
    /// What concerns a cohort.
    #[must_use]
    pub fn of(&self, cohort: CohortId) -> &[Lint] {
        self.cohorts.get(&cohort).map_or(&[], Vec::as_slice)
    }
}

/// Applies every rule.
#[must_use]
pub fn lint(cohorts: &[Facts<'_>]) -> Found {
    let mut found = Found { project: project(cohorts), ..Found::default() };
    let exportable: Vec<&Facts<'_>> = cohorts.iter().filter(|facts| facts.is_exportable).collect();
    let (shared, similar) = (shared_attributes(&exportable), similar_names(&exportable));
    for facts in exportable {
        let pairs = [shared.get(&facts.id), similar.get(&facts.id)].into_iter().flatten().cloned();
        let own = [
            suspect_ids(facts),
            share_fell(facts),
            slow_sync(facts),
            count_moved(facts),
            many_users(facts),
            facts.attribute.starts_with('$').then_some(Lint::ReservedName),
        ];
        let of_cohort: Vec<Lint> = pairs.chain(own.into_iter().flatten()).collect();
        if !of_cohort.is_empty() {
            found.cohorts.insert(facts.id, of_cohort);
        }
    }
    found
}

fn is_near(number: u64, limit: u64) -> bool {
    number as f64 >= limit as f64 * NEAR
}

fn project(cohorts: &[Facts<'_>]) -> Vec<Lint> {
    let syncs = cohorts.iter().filter(|facts| facts.is_recurring).count() as u64;
    let held: BTreeSet<&str> = cohorts.iter().flat_map(|facts| facts.holds.iter().copied()).collect();
    let attributes = held.len() as u64;
    let many_syncs = is_near(syncs, SYNCS_LIMIT).then_some(Lint::ManySyncs { syncs });
    let many_attributes =
        is_near(attributes, ATTRIBUTES_LIMIT).then_some(Lint::ManyAttributes { attributes });
    many_syncs.into_iter().chain(many_attributes).collect()
}

/// Cohorts of which another one sets the same attribute, or has left people with it.
fn shared_attributes(cohorts: &[&Facts<'_>]) -> HashMap<CohortId, Lint> {
    let mut by_attribute: BTreeMap<&str, Vec<&Facts<'_>>> = BTreeMap::new();
    for facts in cohorts {
        let own: BTreeSet<&str> = facts.holds.iter().copied().chain([facts.attribute]).collect();
        for attribute in own {
            by_attribute.entry(attribute).or_default().push(facts);
        }
    }
    pairs(by_attribute.into_values(), Lint::SharedAttribute)
}

/// Cohorts whose names differ from another's in nothing but case or spaces. Names that are equal to the letter stand
/// for one attribute, which is another matter.
fn similar_names(cohorts: &[&Facts<'_>]) -> HashMap<CohortId, Lint> {
    let mut by_name: BTreeMap<String, Vec<&Facts<'_>>> = BTreeMap::new();
    for facts in cohorts {
        let plain = facts.name.split_whitespace().collect::<String>().to_lowercase();
        by_name.entry(plain).or_default().push(facts);
    }
    let apart = by_name.into_values().map(|mut alike| {
        let mut seen = BTreeSet::new();
        alike.retain(|facts| seen.insert(facts.name));
        alike
    });
    pairs(apart, Lint::SimilarName)
}

/// Each of several that belong together, with the first other one. Groups come in order, so that every look at the same
/// cohorts finds the same.
fn pairs<'f>(
    groups: impl Iterator<Item = Vec<&'f Facts<'f>>>,
    lint: impl Fn(Other) -> Lint,
) -> HashMap<CohortId, Lint> {
    let mut found = HashMap::new();
    for group in groups {
        for facts in &group {
            if let Some(other) = group.iter().find(|other| other.id != facts.id) {
                let other = Other { id: other.id, name: other.name.to_owned() };
                found.entry(facts.id).or_insert_with(|| lint(other));
            }
        }
    }
    found
}

fn many_users(facts: &Facts<'_>) -> Option<Lint> {
    let users = facts.users.filter(|users| is_near(*users, USERS_LIMIT))?;
    Some(Lint::ManyUsers { users })
}

fn slow_sync(facts: &Facts<'_>) -> Option<Lint> {
    let Pace { took, interval } = facts.pace.filter(|pace| pace.took > pace.interval)?;
    Some(Lint::SlowSync { took, interval })
}

fn suspect_ids(facts: &Facts<'_>) -> Option<Lint> {
    let ReadCounts { matched, suspect, .. } = facts.last?.counts;
    let are_many = suspect >= SUSPECT_USERS && suspect as f64 > matched as f64 * SUSPECT_SHARE;
    are_many.then_some(Lint::SuspectIds { suspect, matched })
}

/// Compares the last read with the best one that is kept. A read of less than half as many users says nothing: the
/// cohort was another one then.
fn share_fell(facts: &Facts<'_>) -> Option<Lint> {
    let (last, earlier) = facts.reads.split_last()?;
    let comparable = earlier.iter().enumerate().filter(|(_, read)| read.users >= last.users / 2);
    let (place, best) = comparable.max_by(|(_, a), (_, b)| a.matched_share.total_cmp(&b.matched_share))?;
    let fall = best.matched_share - last.matched_share;
    let is_one = fall >= FALL && fall * last.users as f64 >= FALL_USERS;
    is_one.then(|| Lint::MatchedShareFell {
        from: best.matched_share,
        to: last.matched_share,
        reads: earlier.len() - place,
    })
}

fn count_moved(facts: &Facts<'_>) -> Option<Lint> {
    let last = facts.last.filter(|last| last.changes == 0)?;
    let [.., before, newest] = facts.reads.as_slice() else { return None };
    let to = last.counts.fetched();
    // Where the last read is not the newest of those kept, there is nothing to compare.
    let moved = before.users.abs_diff(to) as f64;
    let is_told = newest.users == to && moved > 0.0 && moved >= before.users.max(to) as f64 * MOVE;
    is_told.then_some(Lint::CountMoved { from: before.users, to })
}

#[cfg(test)]
mod tests;
