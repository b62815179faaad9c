//! A state file of format 1, as the program of that time left it: 150 people exported, then a run killed while 40 of
//! them were on their way (20 removes, 20 adds), then a run whose plan of 130 removes and 130 adds is held.

use super::{claimed, held, now};
use cohort_sync::domain::people::Narrow;
use cohort_sync::domain::plan::Wave;
use cohort_sync::domain::waterfall::Listed;
use cohort_sync::domain::{CohortId, Direction, PauseCause, Purpose, RunId, SyncStatus};
use cohort_sync::store::{Answered, DATABASE_FILE, JournalPlace, Reader, Store, StoreError, Which};
use std::fs;
use std::path::Path;

fn old_state() -> tempfile::TempDir {
    state_of("format_1.db")
}

fn state_of(name: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store").join(name);
    fs::copy(file, directory.path().join(DATABASE_FILE)).unwrap();
    directory
}

#[test]
fn nothing_is_lost_on_the_way_to_the_newest_format() {
    let directory = old_state();
    let mut store = Store::open(directory.path(), "a test").unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let syncs = reader.syncs().unwrap();
    let [sync] = syncs.as_slice() else { panic!("{syncs:?}") };
    assert_eq!((sync.cohort_id, sync.status, sync.baseline), (CohortId(1000), SyncStatus::Paused, 150));
    assert!(sync.former.is_empty() && sync.clean_up.is_none() && sync.max_removal_share.is_none());
    let pause = sync.pause.clone().unwrap();
    assert_eq!((pause.cause, pause.held_run), (PauseCause::Removals, Some(RunId(3))));
    assert_eq!(reader.baseline(&sync.holding()).map(Result::unwrap).count(), 150);
    assert_eq!(
        store.uncertain(&sync.holding()).unwrap().len(),
        40,
        "whose answer was lost is still in doubt"
    );
    assert_eq!(store.sample_of_removals(RunId(3), 5).unwrap().len(), 5);
    let runs = reader.runs(None, 10).unwrap();
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.purpose == Purpose::Update));

    // The held plan is sent and settled just as a plan of today.
    let (mut adds, mut removes) = (0, 0);
    for request in claimed(&mut store, RunId(3), Wave::Removes, 100) {
        for change in &request.changes {
            *if change.direction == Direction::Add { &mut adds } else { &mut removes } += 1;
        }
        let answered = Answered { in_doubt: false, rejected: Vec::new(), status: 202, tries: 1 };
        store.answer(RunId(3), request.first_position, &answered, now()).unwrap();
    }
    assert_eq!((adds, removes), (130, 130));
    let settled = store.settle(RunId(3), &sync.holding(), true).unwrap();
    assert_eq!((settled.baseline, settled.adds_accepted, settled.removes_accepted), (150, 130, 130));
    assert!(store.uncertain(&sync.holding()).unwrap().is_empty());
}

/// 300 people exported, 40 exchanged, then a run whose plan of 160 removes and 160 adds is held.
#[test]
fn a_state_of_format_2_goes_on() {
    let directory = state_of("format_2.db");
    assert!(matches!(Reader::open(directory.path()), Err(StoreError::Older { found: 2, .. })));
    let mut store = Store::open(directory.path(), "a test").unwrap();
    assert!(directory.path().join(format!("{DATABASE_FILE}.format-2.bak")).exists());
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.baseline(&power_users()).count(), 300);
    let journal = reader.journal(None, JournalPlace::Newest, 100).unwrap();
    assert!(journal.len() > 5 && journal.iter().all(|row| row.line.first_position.is_none()), "{journal:?}");
    let held = reader.syncs().unwrap().remove(0).pause.unwrap().held_run;
    assert_eq!(held, Some(RunId(3)));
    let waves = [Wave::Removes, Wave::Adds].map(|wave| claimed(&mut store, RunId(3), wave, 100));
    let planned: usize = waves.iter().flatten().map(|request| request.changes.len()).sum();
    assert_eq!(planned, 320);
}

/// 606 people exported, of whom 64 were told by their distinct id.
#[test]
fn a_state_of_format_3_goes_on() {
    let directory = state_of("format_3.db");
    assert!(matches!(Reader::open(directory.path()), Err(StoreError::Older { found: 3, .. })));
    let mut store = Store::open(directory.path(), "a test").unwrap();
    assert!(directory.path().join(format!("{DATABASE_FILE}.format-3.bak")).exists());
    let reader = Reader::open(directory.path()).unwrap();
    let sync = reader.syncs().unwrap().remove(0);
    assert_eq!(reader.baseline(&sync.holding()).map(Result::unwrap).count(), 606);
    let run = reader.run(RunId(1)).unwrap().unwrap();
    let lacking = reader.users_window(&run, Listed::Lacking, &Narrow::default(), 0, 100).unwrap();
    assert_eq!((lacking.total, lacking.rows.len()), (64 + 2, 64 + 2));
    let journal = reader.journal(None, JournalPlace::Newest, 100).unwrap();
    assert_eq!(journal.iter().filter(|row| row.line.first_position.is_some()).count(), 7);
    assert!(store.uncertain(&sync.holding()).unwrap().is_empty());
}

/// 645 people exported, then 17 more; chunks without layers over them.
#[test]
fn a_state_of_format_4_goes_on() {
    let directory = state_of("format_4.db");
    assert!(matches!(Reader::open(directory.path()), Err(StoreError::Older { found: 4, .. })));
    let mut store = Store::open(directory.path(), "a test").unwrap();
    assert!(directory.path().join(format!("{DATABASE_FILE}.format-4.bak")).exists());
    let reader = Reader::open(directory.path()).unwrap();
    let sync = reader.syncs().unwrap().remove(0);
    assert_eq!(reader.baseline(&sync.holding()).map(Result::unwrap).count(), 662);
    // The newest run settles once more, and changes nothing.
    let settled = store.settle(RunId(2), &sync.holding(), true).unwrap();
    assert_eq!((settled.baseline, settled.adds_accepted), (662, 17));
}

#[test]
fn the_file_is_copied_before_it_is_changed() {
    let directory = old_state();
    let copy = directory.path().join(format!("{DATABASE_FILE}.format-1.bak"));
    drop(Store::open(directory.path(), "a test").unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The copy is the old state, whole: put in its place, it is brought up to date like the file itself was.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(&copy, elsewhere.path().join(DATABASE_FILE)).unwrap();
    assert!(matches!(Reader::open(elsewhere.path()), Err(StoreError::Older { found: 1, .. })));
    drop(Store::open(elsewhere.path(), "a test").unwrap());
    assert_eq!(Reader::open(elsewhere.path()).unwrap().baseline(&power_users()).count(), 150);
    // A file of today is not copied.
    fs::remove_file(&copy).unwrap();
    drop(Store::open(directory.path(), "a test").unwrap());
    assert!(!copy.exists());
}

fn power_users() -> cohort_sync::store::Holding {
    cohort_sync::store::Holding { cohort: CohortId(1000), ..held() }
}

#[test]
fn a_copy_that_cannot_be_made_leaves_the_file_as_it_was() {
    let directory = old_state();
    let path = directory.path().join(DATABASE_FILE);
    let before = fs::read(&path).unwrap();
    // A directory stands where the copy would be written.
    fs::create_dir_all(directory.path().join("cohort-sync.db.format-1.unfinished/occupied")).unwrap();
    let error = Store::open(directory.path(), "a test").unwrap_err();
    assert!(matches!(error, StoreError::Directory { .. }), "{error}");
    let format = |path: &Path| -> u32 {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    assert_eq!(format(&path), 1);
    assert_eq!(fs::read(&path).unwrap().len(), before.len());
}

#[test]
fn whoever_only_reads_says_how_to_bring_it_up_to_date() {
    let directory = old_state();
    let error = Reader::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains("without --read-only"), "{error}");
}

/// 603 people exported, then eight, eight, nine and nine more; the process was killed over the last nine.
#[test]
fn a_state_of_format_5_goes_on() {
    let directory = state_of("format_5.db");
    let connection = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    connection
        .execute("UPDATE outbox SET state = 'claimed', answered_at = NULL WHERE run_id = 5", [])
        .unwrap();
    drop(connection);
    assert!(matches!(Reader::open(directory.path()), Err(StoreError::Older { found: 5, .. })));
    let mut store = Store::open(directory.path(), "a test").unwrap();
    assert!(directory.path().join(format!("{DATABASE_FILE}.format-5.bak")).exists());
    let reader = Reader::open(directory.path()).unwrap();
    let sync = reader.syncs().unwrap().remove(0);
    assert_eq!(store.uncertain(&sync.holding()).unwrap().len(), 9);
    let told = (1..=5).map(|run| reader.changes_window(RunId(run), Which::All, 0, 1_000).unwrap().rows.len());
    assert_eq!(told.collect::<Vec<_>>(), [603, 8, 8, 9, 9]);
    let request = store.claimed(RunId(5)).unwrap().remove(0);
    store.answer(RunId(5), request.first_position, &Answered::default(), now()).unwrap();
    let settled = store.settle(RunId(5), &sync.holding(), true).unwrap();
    assert_eq!((settled.baseline, settled.adds_accepted), (637, 9));
}

/// What a request says lies apart from it; a request without it is damage, and nobody is passed over.
#[test]
fn a_request_whose_changes_are_gone_is_noticed() {
    let directory = state_of("format_2.db");
    drop(Store::open(directory.path(), "a test").unwrap());
    let connection = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    connection.execute("DELETE FROM outbox_changes", []).unwrap();
    drop(connection);
    let mut store = Store::open(directory.path(), "a test").unwrap();
    assert!(matches!(store.claim(RunId(3), Wave::Removes, 1), Err(StoreError::Damaged { .. })));
    let reader = Reader::open(directory.path()).unwrap();
    assert!(matches!(reader.changes_window(RunId(3), Which::All, 0, 1), Err(StoreError::Damaged { .. })));
}
