//! The journal keeps to its limits, by number and by age, and finds requests by what they were about.

use super::{add_sync, begin, claimed, held, now, open, plan};
use cohort_sync::domain::plan::Wave;
use cohort_sync::domain::{CohortId, Identity, KnownIds, UserId};
use cohort_sync::store::{
    Answered, JournalEntry, JournalExtent, JournalLimits, JournalLine, NotedRequest, Reader, RequestFilter,
    Side, StatusFilter, StoreError,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

fn line(at: Timestamp) -> JournalLine {
    JournalLine {
        at,
        run: None,
        cohort: Some(CohortId(1)),
        side: Side::Mparticle,
        what: "batches".to_owned(),
        first_position: None,
        users: 100,
        bytes: 4_000,
        status: Some(202),
        elapsed: Duration::from_millis(41),
        attempt: 1,
        accepted: Some(100),
    }
}

fn whole(line: JournalLine) -> JournalEntry {
    JournalEntry { line, request: String::new(), answer: "{}".to_owned() }
}

fn entry(at: Timestamp) -> JournalEntry {
    whole(line(at))
}

fn found(directory: &Path, filter: &RequestFilter) -> Vec<i64> {
    let mut ids = Vec::new();
    let take = |row: NotedRequest| {
        ids.push(row.id);
        Ok(true)
    };
    Reader::open(directory).unwrap().for_each_request::<StoreError>(filter, take).unwrap();
    ids
}

#[test]
fn there_are_never_more_requests_than_the_limit_and_never_far_fewer() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let limits = JournalLimits { requests: 100, age: Duration::from_hours(1) };
    store.limit_journal(limits, now()).unwrap();
    for number in 1..=317_u64 {
        store.journal(&entry(now())).unwrap();
        let extent = Reader::open(directory.path()).unwrap().journal_extent().unwrap();
        assert!(extent.requests <= 100 && extent.requests >= number.min(95), "{extent:?} of {number}");
    }
    // A smaller limit holds at once.
    store.limit_journal(JournalLimits { requests: 20, ..limits }, now()).unwrap();
    assert!(Reader::open(directory.path()).unwrap().journal_extent().unwrap().requests <= 20);
}

#[test]
fn a_request_is_forgotten_when_it_is_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let limits = JournalLimits { requests: 100, age: Duration::from_hours(1) };
    store.limit_journal(limits, now()).unwrap();
    let minute = |number: i64| now() + SignedDuration::from_mins(number);
    for number in 0..90 {
        store.journal(&entry(minute(number))).unwrap();
    }
    let oldest = |directory: &Path| Reader::open(directory).unwrap().journal_extent().unwrap().oldest;
    assert!(oldest(directory.path()) >= Some(minute(24)), "as of a few minutes before the last");
    store.limit_journal(limits, minute(100)).unwrap();
    assert_eq!(oldest(directory.path()), Some(minute(40)));
    store.limit_journal(limits, minute(1_000)).unwrap();
    assert_eq!(Reader::open(directory.path()).unwrap().journal_extent().unwrap(), JournalExtent::default());
}

#[test]
fn requests_are_found_by_what_they_were_about() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let at = |second: i64| now() + SignedDuration::from_secs(second);
    let run = begin(&mut store, CohortId(1));
    let statuses = [Some(202), Some(429), None, Some(500), Some(202)];
    for (second, status) in (0..).zip(statuses) {
        store.journal(&whole(JournalLine { status, ..line(at(second)) })).unwrap();
    }
    let mixpanel = JournalLine { side: Side::Mixpanel, cohort: Some(CohortId(2)), ..line(at(9)) };
    store.journal(&whole(JournalLine { run: Some(run), ..mixpanel })).unwrap();
    let all = RequestFilter::default;
    let by = |filter: RequestFilter| found(directory.path(), &filter);
    let status = |status| by(RequestFilter { status: Some(status), side: Some(Side::Mparticle), ..all() });
    assert_eq!(by(all()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(status(StatusFilter::Between(202, 202)), [5, 1]);
    assert_eq!(status(StatusFilter::Between(400, 599)), [4, 2]);
    assert_eq!(status(StatusFilter::Unanswered), [3]);
    assert_eq!(status(StatusFilter::Failed), [4, 3, 2]);
    assert_eq!(by(RequestFilter { cohort: Some(CohortId(2)), ..all() }), [6]);
    assert_eq!(by(RequestFilter { run: Some(run), ..all() }), [6]);
    assert_eq!(by(RequestFilter { since: Some(at(2)), until: Some(at(4)), ..all() }), [5, 4, 3]);
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.request(4).unwrap().unwrap().entry.line.status, Some(500));
    assert_eq!(reader.request(7).unwrap(), None);
}

#[test]
fn the_requests_of_a_user_are_those_that_carried_them_whole_or_split() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let run = begin(&mut store, cohort);
    let people: BTreeSet<(Identity, bool)> = (0..10).map(|n| (Identity::Mpid(n), true)).collect();
    store.write_plan(run, cohort, &plan(&people, 5), true).unwrap();
    let claimed = claimed(&mut store, run, Wave::Removes, 10);
    let sent = |first: u64, users: u64| {
        whole(JournalLine { run: Some(run), first_position: Some(first), users, ..line(now()) })
    };
    // The second request was refused as a whole, split, and each half sent again.
    for (first, users) in [(0, 5), (5, 5), (5, 2), (7, 3)] {
        store.journal(&sent(first, users)).unwrap();
    }
    store.split(run, &claimed[1], 2).unwrap();
    for first in [0, 5, 7] {
        store.answer(run, first, &Answered::default(), now()).unwrap();
    }
    store.settle(run, &held(), true).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let positions = reader.positions_of(&KnownIds::of(&UserId::parse("8").unwrap())).unwrap();
    let mut carried = Vec::new();
    reader
        .for_each_request::<StoreError>(&RequestFilter::default(), |row| {
            if row.carried(&positions) {
                carried.push(row.id);
            }
            Ok(true)
        })
        .unwrap();
    assert_eq!(carried, [4, 2]);
}
