//! From what the engine remembers to the facts that the rules of [`crate::domain::linting`] look at. The board asks
//! for them when it makes a snapshot, so that the console and the headless commands find the same.

use super::board::{History, not_exportable};
use super::snapshot::Stretch;
use crate::domain::linting::{Facts, LastRead, Pace, Reading};
use crate::domain::{Cohort, Purpose, SyncKind, SyncStatus};
use crate::store::{RunRecord, SyncRecord};
use std::time::Duration;

/// What is known of a cohort.
pub(super) fn facts<'a>(
    cohort: &'a Cohort,
    sync: Option<&'a SyncRecord>,
    history: Option<&'a History>,
    stretch: Option<&Stretch>,
) -> Facts<'a> {
    let last = history.and_then(|history| history.last_account.as_ref());
    let goes_on = sync.filter(|sync| sync.kind == SyncKind::Recurring && sync.status != SyncStatus::Stopped);
    Facts {
        id: cohort.id,
        name: &cohort.name,
        is_exportable: not_exportable(cohort).is_none(),
        attribute: sync.map_or(&cohort.name, |sync| &sync.attribute),
        holds: sync.map_or_else(Vec::new, holds),
        users: last.map(|run| run.counts.read.fetched()).max(cohort.count),
        is_recurring: goes_on.is_some(),
        pace: goes_on.zip(last).and_then(|(sync, run)| pace(sync, run, stretch)),
        last: last.map(|run| LastRead { counts: run.counts.read, changes: run.counts.planned() }),
        reads: history.map_or_else(Vec::new, |history| {
            let reading = |point: &super::snapshot::TrendPoint| Reading {
                users: point.users,
                matched_share: point.matched_share,
            };
            history.trend.iter().map(reading).collect()
        }),
    }
}

/// The attributes that somebody holds because of a sync, or is being told. One that was stopped before mParticle
/// acknowledged anybody holds nothing.
fn holds(sync: &SyncRecord) -> Vec<&str> {
    let own = (sync.baseline > 0 || sync.status != SyncStatus::Stopped).then_some(sync.attribute.as_str());
    let former =
        sync.former.iter().filter(|former| former.members > 0).map(|former| former.attribute.as_str());
    own.into_iter().chain(former).collect()
}

/// How the last run compares with the time between two. The first export of everybody, and telling everyone again,
/// take long by nature and say nothing about the runs that come after.
fn pace(sync: &SyncRecord, run: &RunRecord, stretch: Option<&Stretch>) -> Option<Pace> {
    let is_usual = run.purpose == Purpose::Update && run.counts.unchanged > 0;
    // Not from start to end: a plan that was held waited for a person in between. In the milliseconds that the store
    // keeps, so that whoever reads it finds the same.
    let took = run.phases.iter().map(|(_, took)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)).sum();
    let took = Duration::from_millis(took);
    let interval = stretch.map_or(sync.interval, |stretch| stretch.given(sync.interval));
    is_usual.then_some(Pace { took, interval })
}
