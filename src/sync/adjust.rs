//! Taking up other settings while the engine works: from the next run, request or tick on everything goes by them.
//! Recurring syncs whose interval is the configured one follow it, at once or at the next start; what a sync was given
//! for itself stays.

use super::engine::Engine;
use super::schedule;
use super::snapshot::NoticeLevel;
use super::tools::Settings;
use crate::domain::SyncKind;
use crate::store::SyncRecord;
use jiff::Timestamp;
use std::time::Duration;

impl Engine {
    /// Goes by other settings from now on. What makes this engine what it is (its schedule, its seats) stays.
    pub(super) fn adjust(&mut self, wanted: Settings) {
        let former = self.settings.interval;
        let Settings { interval, full_refresh_every, guard, reading, concurrent_requests, journal, .. } =
            wanted;
        self.settings = Settings {
            interval,
            full_refresh_every,
            guard,
            reading,
            concurrent_requests,
            journal,
            ..self.settings
        };
        self.tools.concurrent_requests = concurrent_requests;
        self.tools.gate.allow(concurrent_requests);
        let now = self.tools.clock.now();
        self.record(move |store| {
            store.limit_journal(journal, now)?;
            store.remember_interval(interval)
        });
        let followers: Vec<SyncRecord> =
            self.board.syncs().filter_map(|sync| following(sync, former, interval, now)).collect();
        if !followers.is_empty() {
            let whom = match followers.len() {
                1 => "1 recurring sync runs".to_owned(),
                many => format!("{many} recurring syncs run"),
            };
            let text = format!("{whom} every {} from now on", in_words(interval));
            self.board.notice(NoticeLevel::Info, None, text, now);
        }
        for sync in followers {
            self.rest(sync);
        }
        self.publisher.changed();
    }
}

/// A recurring sync at the interval that is configured now, if it was at the one configured before. A tick that has come
/// already stays; one to come keeps its phase.
pub(super) fn following(
    sync: &SyncRecord,
    former: Duration,
    wanted: Duration,
    now: Timestamp,
) -> Option<SyncRecord> {
    if sync.kind != SyncKind::Recurring || sync.interval != former || former == wanted {
        return None;
    }
    let next_due = sync.next_due.map(|due| match due.checked_sub(former) {
        Ok(last) if due > now => schedule::next_due(Some(last), wanted, now),
        _ => due,
    });
    Some(SyncRecord { interval: wanted, next_due, ..sync.clone() })
}

/// An interval in its largest whole unit.
fn in_words(interval: Duration) -> String {
    match interval.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cohort, CohortId};

    const QUARTER: Duration = Duration::from_mins(15);
    const HOUR: Duration = Duration::from_hours(1);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn sync(kind: SyncKind, due: i64) -> SyncRecord {
        let cohort = Cohort {
            id: CohortId(1),
            name: "a".to_owned(),
            description: String::new(),
            count: None,
            created: String::new(),
            visible: true,
            data_group_id: None,
        };
        let sync = SyncRecord::new(&cohort, "a".to_owned(), kind, QUARTER, at(0));
        SyncRecord { next_due: Some(at(due)), ..sync }
    }

    #[test]
    fn whoever_has_the_configured_interval_follows_it_in_phase() {
        let due = |sync: &SyncRecord, now| {
            let followed = following(sync, QUARTER, HOUR, at(now)).unwrap();
            assert_eq!(followed.interval, HOUR);
            followed.next_due.unwrap()
        };
        // The last tick was at 15; the next is an hour after it.
        assert_eq!(due(&sync(SyncKind::Recurring, 30), 20), at(75));
        // A tick that has come is not put off.
        assert_eq!(due(&sync(SyncKind::Recurring, 30), 31), at(30));
        let back = SyncRecord { interval: HOUR, ..sync(SyncKind::Recurring, 75) };
        assert_eq!(following(&back, HOUR, QUARTER, at(20)).unwrap().next_due, Some(at(30)));
        assert_eq!(following(&back, HOUR, QUARTER, at(50)).unwrap().next_due, Some(at(60)));
    }

    #[test]
    fn others_stay_as_they_are() {
        assert_eq!(following(&sync(SyncKind::OneTime, 30), QUARTER, HOUR, at(20)), None);
        assert_eq!(following(&sync(SyncKind::Recurring, 30), HOUR, QUARTER, at(20)), None);
        assert_eq!(following(&sync(SyncKind::Recurring, 30), QUARTER, QUARTER, at(20)), None);
    }
}
