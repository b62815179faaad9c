//! The store against its rules: what is accepted is never forgotten, one process writes, and a file that is
//! not ours is refused with a reason.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up should fail")]

#[path = "store/history.rs"]
mod history;
#[path = "store/migration.rs"]
mod migration;
#[path = "store/pages.rs"]
mod pages;
#[path = "store/requests.rs"]
mod requests;
#[path = "store/search.rs"]
mod search;
#[path = "store/verification.rs"]
mod verification;

use cohort_sync::domain::plan::{PlannedRequest, Wave};
use cohort_sync::domain::{
    Change, CohortId, Direction, Identity, Outcome, Phase, Purpose, RunId, SyncKind, SyncStatus, Trigger,
};
use cohort_sync::store::{Answered, Holding, NewRun, OutboxRequest, Reader, Store, StoreError, SyncRecord};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

fn open(directory: &Path) -> Store {
    Store::open(directory, "a test").unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_770_000_000).unwrap()
}

fn add_sync(store: &mut Store) -> CohortId {
    store
        .save_sync(&SyncRecord {
            cohort_id: CohortId(1),
            pinned_name: "Power users".to_owned(),
            attribute: "Power users".to_owned(),
            kind: SyncKind::Recurring,
            status: SyncStatus::Queued,
            pause: None,
            interval: Duration::from_mins(15),
            next_due: None,
            since: now(),
            baseline: 0,
            clean_up: None,
            former: Vec::new(),
            max_removal_share: None,
            last_full: None,
            full_wanted: false,
        })
        .unwrap();
    CohortId(1)
}

/// What the sync holds.
/// Claims some of a plan and looks at it.
fn claimed(store: &mut Store, run: RunId, wave: Wave, limit: usize) -> Vec<OutboxRequest> {
    store.claim(run, wave, limit).unwrap().into_iter().map(|packed| packed.unpack().unwrap()).collect()
}

fn held() -> Holding {
    Holding { cohort: CohortId(1), attribute: "Power users".to_owned() }
}

fn begin(store: &mut Store, cohort: CohortId) -> RunId {
    store
        .begin_run(&NewRun {
            cohort_id: cohort,
            cohort: "Power users".to_owned(),
            attribute: "Power users".to_owned(),
            kind: SyncKind::Recurring,
            purpose: Purpose::Update,
            trigger: Trigger::Operator,
            started_at: now(),
        })
        .unwrap()
}

/// A plan with requests of `size` changes, in order of identity.
fn plan(changes: &BTreeSet<(Identity, bool)>, size: usize) -> Vec<PlannedRequest> {
    let changes: Vec<Change> = changes
        .iter()
        .map(|(identity, add)| Change {
            direction: if *add { Direction::Add } else { Direction::Remove },
            identity: identity.clone(),
            distinct_id: identity.borrow().distinct_id().map(|id| id.into_owned().into()),
        })
        .collect();
    let mut position = 0;
    changes
        .chunks(size)
        .map(|chunk| {
            let request =
                PlannedRequest { first_position: position, wave: Wave::Removes, changes: chunk.to_vec() };
            position += chunk.len() as u64;
            request
        })
        .collect()
}

fn baseline(directory: &Path) -> Vec<Identity> {
    Reader::open(directory).unwrap().baseline(&held()).collect::<Result<_, _>>().unwrap()
}

fn identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        (-40..40i64).prop_map(Identity::Mpid),
        (0..20u8).prop_map(|n| Identity::Uuid([n; 16])),
        "[a-d]{1,2}".prop_map(|text| Identity::Text(text.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn settling_is_what_sets_do(
        runs in prop::collection::vec(prop::collection::btree_map(identity(), (any::<bool>(), any::<bool>()), 0..40), 1..5)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        let sync = add_sync(&mut store);
        let mut expected = BTreeSet::new();
        for changes in runs {
            let run = begin(&mut store, sync);
            let planned: BTreeSet<(Identity, bool)> =
                changes.iter().map(|(identity, (add, _))| (identity.clone(), *add)).collect();
            store.write_plan(run, sync, &plan(&planned, 7), true).unwrap();
            for request in claimed(&mut store, run, Wave::Removes, 1_000) {
                let rejected: Vec<(usize, String)> = request.changes.iter().enumerate()
                    .filter(|(_, change)| changes[&change.identity].1)
                    .map(|(place, _)| (place, "no".to_owned()))
                    .collect();
                store.answer(run, request.first_position, &Answered { in_doubt: false, rejected, status: 202, tries: 1 }, now()).unwrap();
            }
            let settled = store.settle(run, &held(), true).unwrap();
            for (identity, (add, rejected)) in changes {
                if !rejected {
                    if add { expected.insert(identity); } else { expected.remove(&identity); }
                }
            }
            prop_assert_eq!(settled.baseline, expected.len() as u64);
            prop_assert_eq!(baseline(directory.path()), expected.iter().cloned().collect::<Vec<_>>());
        }
    }
}

#[test]
fn many_members_are_cut_into_chunks_and_merged_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let mut expected: BTreeSet<Identity> = BTreeSet::new();
    for (step, add) in [(3, true), (7, true), (6, false), (5, true)] {
        let run = begin(&mut store, sync);
        let changes: BTreeSet<(Identity, bool)> = (-30_000..30_000i64)
            .filter(|n| n % step == 0)
            .map(|n| (Identity::Mpid(n * 1_000_003), add))
            .collect();
        store.write_plan(run, sync, &plan(&changes, 100), true).unwrap();
        for request in claimed(&mut store, run, Wave::Removes, 10_000) {
            store.answer(run, request.first_position, &Answered::default(), now()).unwrap();
        }
        for (identity, _) in changes {
            if add {
                expected.insert(identity)
            } else {
                expected.remove(&identity)
            };
        }
        store.settle(run, &held(), true).unwrap();
        assert_eq!(baseline(directory.path()), expected.iter().cloned().collect::<Vec<_>>());
    }
}

#[test]
fn a_start_after_a_crash_keeps_what_was_accepted_and_doubts_what_was_claimed() {
    let directory = tempfile::tempdir().unwrap();
    let changes: BTreeSet<(Identity, bool)> = (0..6).map(|n| (Identity::Mpid(n), true)).collect();
    let (sync, run) = {
        let mut store = open(directory.path());
        let sync = add_sync(&mut store);
        let run = begin(&mut store, sync);
        store.write_plan(run, sync, &plan(&changes, 2), true).unwrap();
        let claimed = claimed(&mut store, run, Wave::Removes, 2);
        store.answer(run, claimed[0].first_position, &Answered::default(), now()).unwrap();
        (sync, run)
    };
    let mut store = open(directory.path());
    assert_eq!(store.recover(None, "cut off", now()).unwrap(), [CohortId(1)]);
    assert_eq!(baseline(directory.path()), [Identity::Mpid(0), Identity::Mpid(1)]);
    assert_eq!(store.uncertain(&held()).unwrap(), [Identity::Mpid(2), Identity::Mpid(3)]);
    let record = Reader::open(directory.path()).unwrap().run(run).unwrap().unwrap();
    assert_eq!(record.outcome, Some(Outcome::Failed));
    assert_eq!(record.counts.accepted(), 2);
    assert_eq!(
        record.counts.planned(),
        record.counts.accepted() + record.counts.rejected() + record.counts.pending()
    );

    // The doubt ends once a later run has told everything it planned.
    let next = begin(&mut store, sync);
    store.settle(next, &held(), false).unwrap();
    assert_eq!(store.uncertain(&held()).unwrap().len(), 2);
    store.settle(next, &held(), true).unwrap();
    assert_eq!(store.uncertain(&held()).unwrap(), []);
}

#[test]
fn a_doubt_ends_with_the_answer_to_a_later_request_even_of_a_run_that_failed() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let cohort = add_sync(&mut store);
    let changes: BTreeSet<(Identity, bool)> = (0..4).map(|n| (Identity::Mpid(n), true)).collect();
    let lost = begin(&mut store, cohort);
    store.write_plan(lost, cohort, &plan(&changes, 1), true).unwrap();
    store.claim(lost, Wave::Removes, 4).unwrap();
    // The next run hears of the first two, one of them refused, loses the third again, and breaks off.
    let next = begin(&mut store, cohort);
    store.write_plan(next, cohort, &plan(&changes, 1), true).unwrap();
    store.claim(next, Wave::Removes, 3).unwrap();
    let refused = Answered { in_doubt: false, rejected: vec![(0, "no".to_owned())], status: 400, tries: 1 };
    store.answer(next, 0, &Answered::default(), now()).unwrap();
    store.answer(next, 1, &refused, now()).unwrap();
    store.settle(next, &held(), false).unwrap();
    let doubtful: Vec<Identity> = (1..4).map(Identity::Mpid).collect();
    assert_eq!(store.uncertain(&held()).unwrap(), doubtful);
    // A third that loses the first one anew puts it back in doubt.
    let third = begin(&mut store, cohort);
    store.write_plan(third, cohort, &plan(&changes, 1), true).unwrap();
    store.claim(third, Wave::Removes, 1).unwrap();
    assert_eq!(store.uncertain(&held()).unwrap().len(), 4);
}

#[test]
fn a_released_request_is_not_in_doubt_and_a_split_one_keeps_its_positions() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let run = begin(&mut store, sync);
    let changes: BTreeSet<(Identity, bool)> = (0..5).map(|n| (Identity::Mpid(n), true)).collect();
    store.write_plan(run, sync, &plan(&changes, 5), true).unwrap();
    let claimed = claimed(&mut store, run, Wave::Removes, 1);
    store.split(run, &claimed[0], 2).unwrap();
    store
        .answer(
            run,
            2,
            &Answered { in_doubt: false, rejected: vec![(1, "bad".to_owned())], status: 400, tries: 1 },
            now(),
        )
        .unwrap();
    store.release(run, 0).unwrap();
    assert_eq!(store.uncertain(&held()).unwrap(), []);
    let mut rows = Vec::new();
    let reader = Reader::open(directory.path()).unwrap();
    reader
        .for_each_change::<StoreError>(run, |page| {
            rows.extend(page.into_iter().map(|row| (row.position, row.state.token(), row.reason)));
            Ok(true)
        })
        .unwrap();
    let expected = [
        (0, "pending", None),
        (1, "pending", None),
        (2, "accepted", None),
        (3, "rejected", Some("bad".to_owned())),
        (4, "accepted", None),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn one_process_writes_and_the_second_hears_who() {
    let directory = tempfile::tempdir().unwrap();
    let _first = Store::open(directory.path(), "cohort-sync run, process 4711").unwrap();
    let error = Store::open(directory.path(), "another").unwrap_err();
    assert!(error.to_string().contains("in use by cohort-sync run, process 4711"), "{error}");
    assert!(Reader::open(directory.path()).is_ok());
}

#[cfg(unix)]
#[test]
fn everything_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("deep/state");
    let _store = open(&directory);
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_newer_state_and_a_file_that_is_no_database_are_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let path = directory.path().join(cohort_sync::store::DATABASE_FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(Store::open(directory.path(), "t"), Err(StoreError::Newer { found: 99, .. })));

    std::fs::write(&path, "this is not a database, whatever its name says".repeat(100)).unwrap();
    let error = Store::open(directory.path(), "t").unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is not"));
}

#[test]
fn another_programs_database_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(cohort_sync::store::DATABASE_FILE);
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in [Store::open(directory.path(), "t").map(drop), Reader::open(directory.path()).map(drop)] {
        assert!(matches!(error, Err(StoreError::Damaged { .. })), "{error:?}");
    }
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn a_chunk_of_the_baseline_that_is_gone_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let run = begin(&mut store, sync);
    let changes: BTreeSet<(Identity, bool)> = (0..20_000).map(|n| (Identity::Mpid(n), true)).collect();
    store.write_plan(run, sync, &plan(&changes, 100), true).unwrap();
    for request in claimed(&mut store, run, Wave::Removes, 1_000) {
        store.answer(run, request.first_position, &Answered::default(), now()).unwrap();
    }
    store.settle(run, &held(), true).unwrap();
    drop(store);
    let connection =
        rusqlite::Connection::open(directory.path().join(cohort_sync::store::DATABASE_FILE)).unwrap();
    connection.execute("DELETE FROM baseline WHERE id = (SELECT max(id) FROM baseline)", []).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let read: Result<Vec<Identity>, StoreError> = reader.baseline(&held()).collect();
    assert!(matches!(read, Err(StoreError::Damaged { .. })));
}

#[test]
fn history_is_pruned_but_never_what_is_in_doubt() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let doubtful = begin(&mut store, sync);
    let changes: BTreeSet<(Identity, bool)> = [(Identity::Mpid(1), true)].into();
    store.write_plan(doubtful, sync, &plan(&changes, 1), true).unwrap();
    store.claim(doubtful, Wave::Removes, 1).unwrap();
    for _ in 0..800 {
        begin(&mut store, sync);
    }
    store.prune(CohortId(1)).unwrap();
    let runs = Reader::open(directory.path()).unwrap().runs(Some(CohortId(1)), 10_000).unwrap();
    assert_eq!(runs.len(), 701);
    assert_eq!(store.uncertain(&held()).unwrap(), [Identity::Mpid(1)]);
    let mut record = runs[0].clone();
    record.outcome = Some(Outcome::Succeeded);
    record.phase = Phase::Settle;
    store.save_run(&record).unwrap();
}

#[test]
fn history_is_forgotten_a_little_at_a_time_and_sizes_tell() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    // More rows than are forgotten at once, in a run that is pushed out by those after it.
    for run in 0..=cohort_sync::store::RUNS_WITH_CHANGES {
        let id = begin(&mut store, sync);
        let people = if run == 0 { 1_200 } else { 1 };
        let changes: BTreeSet<(Identity, bool)> = (0..people).map(|n| (Identity::Mpid(n), true)).collect();
        store.write_plan(id, sync, &plan(&changes, 1), true).unwrap();
        for request in claimed(&mut store, id, Wave::Removes, 2_000) {
            store.answer(id, request.first_position, &Answered::default(), now()).unwrap();
        }
        store.settle(id, &held(), true).unwrap();
    }
    let reader = Reader::open(directory.path()).unwrap();
    let before = reader.sizes().unwrap();
    assert_eq!(before.members, 1_200);
    assert!(before.bytes_a_member().unwrap() < 12.0, "{before:?}");
    let mut steps = 1;
    while store.prune_some(sync).unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 3);
    let after = reader.sizes().unwrap();
    assert!(after.plans < before.plans / 10 && after.free > before.free, "{before:?} {after:?}");
    let (_, tidied) = store.vacuum().unwrap();
    assert_eq!((tidied.free, tidied.members, tidied.plans), (0, 1_200, after.plans));
    assert!(tidied.file < after.file);
}
