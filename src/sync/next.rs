//! What a sync does next by itself, and when: pure decisions on its record. Doing it is the engine's.

use super::run::Job;
use crate::domain::{Purpose, Removal, SyncKind, SyncStatus, Trigger};
use crate::store::{FormerAttribute, SyncRecord};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// When a sync is due by itself. A one-time export is only while it was never delivered or has yet to clean up
/// after itself; whoever is paused or stopped waits for a person.
pub(super) fn due_at(sync: &SyncRecord) -> Option<Timestamp> {
    let at_once = Some(Timestamp::UNIX_EPOCH);
    match (sync.kind, sync.status) {
        (_, SyncStatus::Paused | SyncStatus::Stopped) => None,
        _ if sync.clean_up.is_some() => sync.next_due.or(at_once),
        (SyncKind::Recurring, SyncStatus::Queued | SyncStatus::Synced | SyncStatus::Failed) => {
            sync.next_due.or(at_once)
        }
        (SyncKind::OneTime, SyncStatus::Queued) => at_once,
        (SyncKind::OneTime, SyncStatus::Exported) => former_to_clean_up(sync).and(at_once),
        _ => None,
    }
}

/// What started a run that is due by itself: a sync that rests queued was cut off before its run had ended.
pub(super) fn trigger_of(sync: &SyncRecord) -> Trigger {
    if sync.status == SyncStatus::Queued { Trigger::Recovery } else { Trigger::Schedule }
}

/// The run that a sync needs next.
pub(super) fn next_job(
    sync: &SyncRecord,
    trigger: Trigger,
    full_refresh_every: Option<Duration>,
    now: Timestamp,
) -> Job {
    let only_cleans_up =
        sync.clean_up.is_some() || (sync.status == SyncStatus::Exported && trigger != Trigger::Operator);
    if only_cleans_up && let Some(job) = clean_up_job(sync, trigger) {
        return job;
    }
    let mut job = Job::full(sync.cohort_id, trigger);
    let is_due = sync.kind == SyncKind::Recurring && full_refresh_is_due(sync, full_refresh_every, now);
    if sync.full_wanted || is_due {
        job.purpose = Purpose::FullRefresh;
    }
    job
}

/// The run that tells whoever holds an attribute that it ends, if one is to be. Former attributes come before the
/// sync's own: it is that one's clean-up which ends the sync, and a sync that has ended does nothing by itself.
pub(super) fn clean_up_job(sync: &SyncRecord, trigger: Trigger) -> Option<Job> {
    let Some((former, removal)) = former_to_clean_up(sync) else {
        return sync.clean_up.map(|removal| Job::clean_up(sync.cohort_id, trigger, removal));
    };
    let mut job = Job::clean_up(sync.cohort_id, trigger, removal);
    job.instead = Some((sync.kind, former.attribute.clone()));
    Some(job)
}

fn former_to_clean_up(sync: &SyncRecord) -> Option<(&FormerAttribute, Removal)> {
    sync.former.iter().find_map(|former| Some((former, former.clean_up?)))
}

/// Whether mParticle was told every member so long ago that it is time again.
fn full_refresh_is_due(sync: &SyncRecord, every: Option<Duration>, now: Timestamp) -> bool {
    let last = sync.last_full.unwrap_or(sync.since);
    every
        .and_then(|every| SignedDuration::try_from(every).ok())
        .is_some_and(|every| now.duration_since(last) >= every)
}

/// Whether a sync whose run was cut off by a crash is taken up at once. Not when a person had ended it, and
/// not when it had nothing left to deliver: what was cut off then was a dry run.
pub(super) fn goes_on_after_a_crash(sync: &SyncRecord) -> bool {
    matches!(sync.status, SyncStatus::Queued | SyncStatus::Synced | SyncStatus::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CohortId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn sync(kind: SyncKind, status: SyncStatus) -> SyncRecord {
        SyncRecord {
            cohort_id: CohortId(1),
            pinned_name: "New".to_owned(),
            attribute: "New".to_owned(),
            kind,
            status,
            pause: None,
            interval: Duration::from_mins(15),
            next_due: None,
            since: at(0),
            baseline: 10,
            clean_up: None,
            former: Vec::new(),
            max_removal_share: None,
            last_full: None,
            full_wanted: false,
        }
    }

    fn with_former(kind: SyncKind, status: SyncStatus) -> SyncRecord {
        let former =
            FormerAttribute { attribute: "Old".to_owned(), members: 3, clean_up: Some(Removal::Delete) };
        SyncRecord { former: vec![former], ..sync(kind, status) }
    }

    #[test]
    fn whoever_waits_for_a_person_is_never_due() {
        for kind in [SyncKind::OneTime, SyncKind::Recurring] {
            for status in [SyncStatus::Paused, SyncStatus::Stopped] {
                let cleaning = SyncRecord { clean_up: Some(Removal::SetFalse), ..with_former(kind, status) };
                assert_eq!(due_at(&cleaning), None);
            }
        }
        assert_eq!(due_at(&sync(SyncKind::OneTime, SyncStatus::Exported)), None);
        assert_eq!(due_at(&sync(SyncKind::OneTime, SyncStatus::Failed)), None);
    }

    #[test]
    fn a_clean_up_comes_before_anything_else() {
        for status in [SyncStatus::Queued, SyncStatus::Failed] {
            let cleaning =
                SyncRecord { clean_up: Some(Removal::SetFalse), ..sync(SyncKind::OneTime, status) };
            assert!(due_at(&cleaning).is_some());
            let job = next_job(&cleaning, Trigger::Schedule, Some(Duration::from_secs(1)), at(100));
            assert_eq!(job.purpose, Purpose::CleanUp(Removal::SetFalse));
            assert_eq!(job.instead, None);
            // Its own attribute ends last, for with that the sync is over.
            let cleaning =
                SyncRecord { clean_up: Some(Removal::SetFalse), ..with_former(SyncKind::Recurring, status) };
            let job = next_job(&cleaning, Trigger::Schedule, None, at(100));
            assert_eq!(job.instead, Some((SyncKind::Recurring, "Old".to_owned())));
        }
    }

    #[test]
    fn a_delivered_export_still_cleans_up_the_attribute_it_left() {
        let moved = with_former(SyncKind::OneTime, SyncStatus::Exported);
        assert_eq!(due_at(&moved), Some(Timestamp::UNIX_EPOCH));
        let job = next_job(&moved, Trigger::Schedule, None, at(0));
        assert_eq!(job.purpose, Purpose::CleanUp(Removal::Delete));
        assert_eq!(job.instead, Some((SyncKind::OneTime, "Old".to_owned())));
        // A recurring one tells the new attribute first, at its next tick.
        let recurring = with_former(SyncKind::Recurring, SyncStatus::Synced);
        assert_eq!(next_job(&recurring, Trigger::Schedule, None, at(0)).purpose, Purpose::Update);
    }

    #[test]
    fn everyone_is_told_again_when_it_is_time() {
        let day = Duration::from_hours(24);
        let synced =
            SyncRecord { last_full: Some(at(1_000)), ..sync(SyncKind::Recurring, SyncStatus::Synced) };
        let purpose = |every, now| next_job(&synced, Trigger::Schedule, every, now).purpose;
        assert_eq!(purpose(Some(day), at(1_000 + 86_399)), Purpose::Update);
        assert_eq!(purpose(Some(day), at(1_000 + 86_400)), Purpose::FullRefresh);
        assert_eq!(purpose(None, at(1_000_000)), Purpose::Update);
    }
}
