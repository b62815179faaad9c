//! Windows of long lists: the same rows as reading from the start, wherever they begin.

use super::{add_sync, begin, claimed, now, open, plan};
use cohort_sync::domain::people::{Narrow, UserRow};
use cohort_sync::domain::plan::Wave;
use cohort_sync::domain::remark::{Remark, RemarkKind};
use cohort_sync::domain::waterfall::Listed;
use cohort_sync::domain::{CohortId, Identity, NoMpid, RunId};
use cohort_sync::store::{
    Answered, ChangeRow, DATABASE_FILE, JOURNAL_MOST, JournalEntry, JournalLine, JournalPlace, Reader, Side,
    StoreError, Which,
};
use std::collections::BTreeSet;
use std::time::Duration;

const PEOPLE: i64 = 103;

#[test]
fn changes_are_the_same_from_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let run = begin(&mut store, sync);
    let people: BTreeSet<_> = (0..PEOPLE).map(|mpid| (Identity::Mpid(mpid), false)).collect();
    store.write_plan(run, sync, &plan(&people, 10), true).unwrap();
    for request in claimed(&mut store, run, Wave::Removes, 5) {
        let rejected = vec![(3, "no such user".to_owned())];
        let answered = Answered { in_doubt: false, rejected, status: 202, tries: 1 };
        store.answer(run, request.first_position, &answered, now()).unwrap();
    }
    let reader = Reader::open(directory.path()).unwrap();
    let mut all: Vec<ChangeRow> = Vec::new();
    reader
        .for_each_change::<StoreError>(run, |rows| {
            all.extend(rows);
            Ok(true)
        })
        .unwrap();
    assert_eq!(all.len(), 103);
    for offset in [0, 1, 9, 10, 55, 99, 102, 103, 5_000] {
        let window = reader.changes_window(run, Which::All, offset, 17).unwrap();
        let expected: Vec<_> = all.iter().skip(usize::try_from(offset).unwrap()).take(17).cloned().collect();
        assert_eq!((window.total, window.rows), (103, expected), "from {offset}");
    }
    let rejected = reader.changes_window(run, Which::Rejected, 1, 2).unwrap();
    let positions: Vec<u64> = rejected.rows.iter().map(|row| row.position).collect();
    assert!(rejected.rows.iter().all(|row| row.reason.as_deref() == Some("no such user")));
    assert_eq!((rejected.total, positions), (5, vec![13, 23]));
    assert_eq!(reader.changes_window(RunId(99), Which::All, 0, 5).unwrap().total, 0);
}

#[test]
fn unmatched_people_are_the_same_from_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let run = begin(&mut store, sync);
    let remark = |number: i64| Remark {
        distinct_id: Some(format!("user-{number}").into()),
        kind: RemarkKind::Unmatched(NoMpid::Missing),
        evidence: None,
        last_seen: None,
        counted_profile: None,
        properties: Box::default(),
    };
    for first in (0..PEOPLE).step_by(25) {
        let part = (first..(first + 25).min(PEOPLE)).map(remark).collect();
        store.add_remarks(run, sync, &part).unwrap();
    }
    let reader = Reader::open(directory.path()).unwrap();
    for offset in [0_u64, 1, 24, 25, 60, 102, 103] {
        let record = reader.run(run).unwrap().unwrap();
        let window = reader.users_window(&record, Listed::Lacking, &Narrow::default(), offset, 30).unwrap();
        let first = offset.cast_signed();
        let expected: Vec<_> = (first..(first + 30).min(PEOPLE)).map(|n| Some(format!("user-{n}"))).collect();
        let names: Vec<_> = window.rows.iter().map(UserRow::name).collect();
        assert_eq!((window.total, names), (103, expected), "from {offset}");
    }
}

fn entry(number: usize, run: Option<RunId>) -> JournalEntry {
    let line = JournalLine {
        at: now(),
        run,
        cohort: Some(CohortId(1)),
        side: Side::Mparticle,
        what: format!("batch {number}"),
        first_position: Some(100),
        users: 100,
        accepted: Some(99),
        bytes: 4_000,
        status: Some(202),
        elapsed: Duration::from_millis(41),
        attempt: 1,
    };
    JournalEntry { line, request: "POST https://x/•••".to_owned(), answer: "é".repeat(300) }
}

#[test]
fn the_journal_is_read_from_either_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    let run = begin(&mut store, sync);
    for number in 1..=9 {
        let entry = entry(number, number.is_multiple_of(2).then_some(run));
        assert_eq!(usize::try_from(store.journal(&entry).unwrap()), Ok(number));
    }
    let reader = Reader::open(directory.path()).unwrap();
    let ids = |run, place| -> Vec<i64> {
        reader.journal(run, place, 3).unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!(ids(None, JournalPlace::Newest), [9, 8, 7]);
    assert_eq!(ids(None, JournalPlace::Before(7)), [6, 5, 4]);
    assert_eq!(ids(None, JournalPlace::After(7)), [8, 9]);
    assert_eq!(ids(Some(run), JournalPlace::Newest), [8, 6, 4]);
    assert_eq!(ids(Some(run), JournalPlace::After(3)), [4, 6, 8]);
    assert_eq!(reader.newest_journal_entry().unwrap(), 9);
}

#[test]
fn a_list_of_requests_holds_the_beginning_of_each_answer_and_an_entry_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let written = entry(1, None);
    store.journal(&written).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let row = reader.journal(None, JournalPlace::Newest, 1).unwrap().remove(0);
    assert_eq!((&row.line, row.said.as_str()), (&written.line, "é".repeat(160).as_str()));
    assert_eq!(reader.journal_entry(row.id).unwrap(), Some(written));
    assert_eq!(reader.journal_entry(2).unwrap(), None);
}

#[test]
fn the_journal_never_holds_more_than_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let reader = Reader::open(directory.path()).unwrap();
    let held = || {
        let oldest = reader.journal(None, JournalPlace::After(0), 1).unwrap()[0].id;
        usize::try_from(reader.newest_journal_entry().unwrap() - oldest + 1).unwrap()
    };
    // Each entry is a commit of its own and waits for the disk, so most of them are put there together.
    let many = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    many.execute_batch(&format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9900)
         INSERT INTO journal (at, side, what, users, bytes, elapsed_ms, try, answer)
         SELECT {}, 'mixpanel', 'engage', 0, 0, 0, 1, '' FROM n",
        entry(1, None).line.at.as_millisecond(),
    ))
    .unwrap();
    for number in 9_901..=JOURNAL_MOST + 600 {
        store.journal(&entry(number, None)).unwrap();
        assert!(held() <= JOURNAL_MOST, "{} after {number}", held());
    }
    assert!(held() >= JOURNAL_MOST - 500, "{}", held());
}

#[test]
fn runs_are_counted_and_paged() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let sync = add_sync(&mut store);
    for cohort in [sync, CohortId(2), sync, sync] {
        begin(&mut store, cohort);
    }
    let reader = Reader::open(directory.path()).unwrap();
    let ids = |cohort, offset| {
        let window = reader.runs_window(cohort, offset, 2).unwrap();
        (window.total, window.rows.iter().map(|run| run.id.0).collect::<Vec<_>>())
    };
    assert_eq!(ids(None, 0), (4, vec![4, 3]));
    assert_eq!(ids(Some(sync), 1), (3, vec![3, 1]));
}
