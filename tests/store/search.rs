//! Looking one user up: the same rows as reading everything and keeping what is the user's, whatever the ids are.

use super::{add_sync, begin, held, identity, now, open, plan};
use cohort_sync::domain::plan::{PlannedRequest, Wave};
use cohort_sync::domain::remark::{Remark, RemarkKind};
use cohort_sync::domain::{
    Change, CohortId, Direction, Identity, KnownIds, NoMpid, Outcome, Phase, RunId, UserId,
};
use cohort_sync::store::{
    Answered, DATABASE_FILE, Fate, FoundChange, Holding, JournalEntry, JournalLine, Reader, Side, Store,
    StoreError,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

fn ids(id: &str) -> KnownIds {
    KnownIds::of(&UserId::parse(id).unwrap())
}

fn found(directory: &Path, ids: &KnownIds) -> Vec<FoundChange> {
    let mut found = Vec::new();
    Reader::open(directory).unwrap().find_changes(ids, |change| found.push(change)).unwrap();
    found
}

/// A plan of one wave with these very changes.
fn write(store: &mut Store, run: RunId, changes: &[Change], size: usize, sendable: bool) {
    let mut position = 0;
    for part in changes.chunks(size) {
        let request =
            PlannedRequest { first_position: position, wave: Wave::Removes, changes: part.to_vec() };
        store.write_plan(run, CohortId(1), &[request], sendable).unwrap();
        position += part.len() as u64;
    }
}

fn enters(identity: Identity, distinct_id: Option<&str>) -> Change {
    Change { direction: Direction::Add, identity, distinct_id: distinct_id.map(Into::into) }
}

fn distinct_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,3}",
        (0..30i64).prop_map(|n| n.to_string()),
        (0..9u8).prop_map(|n| uuid::Uuid::from_bytes([n; 16]).hyphenated().to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn looking_through_bytes_finds_whom_unpacking_finds(
        people in prop::collection::vec((identity(), prop::option::of(distinct_id())), 0..60),
        sought in prop_oneof![distinct_id(), (-40..40i64).prop_map(|n| n.to_string())],
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        let cohort = add_sync(&mut store);
        let run = begin(&mut store, cohort);
        let changes: Vec<Change> = people
            .into_iter()
            .map(|(identity, profile)| {
                let own = identity.borrow().distinct_id().map(std::borrow::Cow::into_owned);
                enters(identity, own.or(profile).as_deref())
            })
            .collect();
        write(&mut store, run, &changes, 7, true);
        let ids = ids(&sought);
        let expected: Vec<(u64, Change)> = (0..)
            .zip(changes.iter().cloned())
            .filter(|(_, change)| ids.name(&change.identity, change.distinct_id.as_deref()))
            .collect();
        let rows = found(directory.path(), &ids);
        prop_assert!(rows.iter().all(|row| row.first_position == row.position / 7 * 7));
        let rows: Vec<(u64, Change)> = rows.into_iter().map(|row| (row.position, row.change)).collect();
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn who_holds_an_attribute_is_who_is_in_the_baseline(
        people in prop::collection::btree_set(identity(), 0..40), sought in identity(),
        first in -50..50i64, wide in 0..60i64,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        store.adopt(&held(), people.iter().cloned().collect()).unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        prop_assert_eq!(reader.holds(&held(), &sought).unwrap(), people.contains(&sought));
        let range = first..=first + wide;
        let expected: Vec<i64> = people
            .iter()
            .filter_map(|id| match id {
                Identity::Mpid(mpid) if range.contains(mpid) => Some(*mpid),
                _ => None,
            })
            .collect();
        prop_assert_eq!(reader.mpids_within(&held(), &range).unwrap(), expected);
        let nobody = Holding { attribute: "Another".to_owned(), ..held() };
        prop_assert!(!reader.holds(&nobody, &sought).unwrap());
    }
}

#[test]
fn mpids_are_found_across_the_chunks_of_a_large_baseline() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    store.adopt(&held(), (0..30_000).map(|n| Identity::Mpid(n * 10)).collect()).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    for (range, expected) in [
        (-5..=15, vec![0, 10]),
        (40_945..=40_985, vec![40_950, 40_960, 40_970, 40_980]),
        (299_985..=400_000, vec![299_990]),
        (-9..=-1, Vec::new()),
    ] {
        assert_eq!(reader.mpids_within(&held(), &range).unwrap(), expected, "{range:?}");
    }
    assert!(reader.holds(&held(), &Identity::Mpid(299_990)).unwrap());
    assert!(!reader.holds(&held(), &Identity::Mpid(299_991)).unwrap());
}

#[test]
fn every_change_says_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let people: BTreeSet<(Identity, bool)> = (0..6).map(|n| (Identity::Mpid(n), true)).collect();
    let runs: Vec<RunId> = (0..3).map(|_| begin(&mut store, cohort)).collect();
    // Told and answered, with one refusal; then claimed and never answered; then a dry run.
    store.write_plan(runs[0], cohort, &plan(&people, 3), true).unwrap();
    store.claim(runs[0], Wave::Removes, 1).unwrap();
    let refused = vec![(1, "no such user".to_owned())];
    let answered = Answered { rejected: refused, in_doubt: false, status: 202, tries: 2 };
    store.answer(runs[0], 0, &answered, now()).unwrap();
    store.write_plan(runs[1], cohort, &plan(&people, 3), true).unwrap();
    store.claim(runs[1], Wave::Removes, 1).unwrap();
    store.write_plan(runs[2], cohort, &plan(&people, 3), false).unwrap();

    let fates = |mpid: i64| -> Vec<Fate> {
        found(directory.path(), &ids(&mpid.to_string())).into_iter().map(|row| row.fate).collect()
    };
    assert_eq!(fates(0), [Fate::Accepted, Fate::Unanswered, Fate::DryRun]);
    let rejected = Fate::Rejected("no such user".to_owned());
    assert_eq!(fates(1), [rejected, Fate::Unanswered, Fate::DryRun]);
    assert_eq!(fates(4), [Fate::Planned, Fate::Planned, Fate::DryRun]);
    let told = &found(directory.path(), &ids("2"))[0];
    assert_eq!((told.position, told.first_position, told.users), (2, 0, 3));
    assert_eq!((told.http_status, told.tries, told.answered_at), (Some(202), 2, Some(now())));

    let next = begin(&mut store, cohort);
    store.settle(next, &held(), true).unwrap();
    assert_eq!(fates(0)[1], Fate::ToldAgain, "once a later run told everything it planned");
}

#[test]
fn a_damaged_request_is_not_taken_for_one_without_the_user() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let run = begin(&mut store, cohort);
    write(&mut store, run, &[enters(Identity::Mpid(5), Some("ann"))], 1, true);
    drop(store);
    let connection = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    let blob: Vec<u8> =
        connection.query_row("SELECT changes FROM outbox_changes", [], |row| row.get(0)).unwrap();
    let turned: Vec<u8> = blob.iter().map(|byte| if *byte == b'n' { b'm' } else { *byte }).collect();
    connection.execute("UPDATE outbox_changes SET changes = ?1", [turned]).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let read = reader.find_changes(&ids("ann"), |_| {});
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
}

#[test]
fn remarks_are_found_by_profile_and_by_what_the_property_held() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let run = begin(&mut store, cohort);
    let remark = |id: &str, kind, evidence: Option<&str>| Remark {
        distinct_id: Some(id.into()),
        kind,
        evidence: evidence.map(Into::into),
        last_seen: None,
        counted_profile: None,
        properties: Box::default(),
    };
    let remarks = [
        remark("ann", RemarkKind::Unmatched(NoMpid::Placeholder), Some("<null>")),
        remark("bob", RemarkKind::Duplicate, Some("77")),
        remark("cid", RemarkKind::Suspect, Some("8553083063767933000")),
        remark("dan", RemarkKind::Duplicate, Some(" 77 ")),
        remark("annabel", RemarkKind::Unmatched(NoMpid::NotAnInteger), Some("77.5")),
    ];
    store.add_remarks(run, cohort, &remarks.into_iter().collect()).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let names = |id: &str| {
        let mut names = Vec::new();
        reader
            .find_remarks(&ids(id), |of, cohort, remark| {
                assert_eq!((of, cohort), (run, CohortId(1)));
                names.push(remark.distinct_id.unwrap().to_string());
            })
            .unwrap();
        names.sort();
        names
    };
    assert_eq!(names("ann"), ["ann"]);
    assert_eq!(names("77"), ["bob", "dan"]);
    assert_eq!(names("8553083063767933000"), ["cid"]);
    assert!(names("8553083063767933171").is_empty());
}

#[test]
fn a_change_leads_to_its_request_and_a_forgotten_run_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let run = begin(&mut store, cohort);
    for (first, attempt, status) in [(0, 1, 202), (100, 1, 503), (100, 2, 202)] {
        let entry = JournalEntry {
            line: JournalLine {
                at: now(),
                run: Some(run),
                cohort: Some(cohort),
                side: Side::Mparticle,
                what: "batches".to_owned(),
                first_position: Some(first),
                users: 100,
                bytes: 4_000,
                status: Some(status),
                elapsed: Duration::from_millis(41),
                attempt,
                accepted: None,
            },
            request: String::new(),
            answer: String::new(),
        };
        store.journal(&entry).unwrap();
    }
    let reader = Reader::open(directory.path()).unwrap();
    let asked = |position| reader.request_about(run, position).unwrap().map(|row| row.entry.line.attempt);
    assert_eq!((asked(99), asked(100), asked(199), asked(200)), (Some(1), Some(2), Some(2), None));

    assert_eq!(reader.forgotten_runs(cohort).unwrap().runs, 0);
    let mut record = reader.run(run).unwrap().unwrap();
    record.counts.adds = cohort_sync::domain::ChangeCounts::restored(5, 5, 0).unwrap();
    (record.outcome, record.phase) = (Some(Outcome::Succeeded), Phase::Settle);
    store.save_run(&record).unwrap();
    let forgotten = reader.forgotten_runs(cohort).unwrap();
    assert_eq!((forgotten.runs, forgotten.until), (1, Some(now())), "its changes are not on record");
}
