//! Compare: people who were fetched, gathered and not in order, against the baseline on disk, up to the plan; beside
//! sorting and merging two packed files, SQLite's `EXCEPT` over keyed tables, once by the library that is built in and
//! once by the machine's own `sqlite3`, and `DuckDB`'s. What is not installed is not compared with.

use crate::people::{self, People};
use crate::table::{Table, median, shown, timed};
use cohort_sync::domain::diff::{Difference, diff};
use cohort_sync::domain::harvest::{Gathering, Harvest};
use cohort_sync::domain::membership::{Collector, Membership};
use cohort_sync::domain::plan::{Planner, Wave};
use cohort_sync::domain::property::Extras;
use cohort_sync::domain::sorted::Sorted;
use cohort_sync::domain::{CohortId, Profile, RawId};
use cohort_sync::mparticle::Encoder;
use cohort_sync::store::{Holding, Reader, Store, StoreError};
use rusqlite::Connection;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub fn measure(table: &mut Table) {
    for (count, words, times) in [(100_000, "100 k", 5), (1_000_000, "1 M", 5), (10_000_000, "10 M", 3)] {
        let directory = tempfile::tempdir().unwrap();
        let (before, now) = people::before_and_now(count);
        let work = format!("compare {words}");
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        before.write(&old);
        now.write(&new);
        let plain = median((0..times).map(|_| timed(|| sort_and_merge(&old, &new)).1).collect());
        let mut store = Store::open(directory.path(), "the benchmark").unwrap();
        store.adopt(&holding(), before.identities()).unwrap();
        let ours = median((0..times).map(|_| ours(directory.path(), &now)).collect());
        table.times(&work, ours, ("two packed files", plain), 2.0);
        let sqlite = sqlite_except(directory.path(), &before, &now);
        let built_in = format!("SQLite {} EXCEPT", rusqlite::version());
        table.times(&work, ours, (&built_in, sqlite), 0.125);
        match sqlite_tool_except(directory.path()) {
            Some((version, took)) => {
                table.times(&work, ours, (&format!("sqlite3 {version} EXCEPT"), took), 0.125);
            }
            None => println!("{work}: the sqlite3 tool is not installed, so it is not compared with"),
        }
        match duckdb_except(directory.path()) {
            Some(duckdb) => table.times(&work, ours, ("DuckDB EXCEPT", duckdb), 1.0),
            None => println!("{work}: DuckDB is not installed, so it is not compared with"),
        }
        let bytes = Reader::open(directory.path()).unwrap().bytes().unwrap();
        let each = bytes as f64 / before.len() as f64;
        let size = format!("{:.1} MB", bytes as f64 / 1e6);
        table.note(
            &format!("state of {words}"),
            size,
            "bytes a member".to_owned(),
            format!("{each:.1}"),
            "12".to_owned(),
        );
    }
}

fn holding() -> Holding {
    Holding { cohort: CohortId(1), attribute: "Power users".to_owned() }
}

/// From the last page that arrived to the plan.
fn ours(directory: &Path, now: &People) -> Duration {
    let collector = gather(now);
    let (planned, took) = timed(|| plan(directory, &collector.finish().0).unwrap());
    assert_eq!(planned, 2 * (now.mpids.len() / 100 + now.uuids.len() / 100), "planned changes");
    took
}

fn gather(people: &People) -> Collector {
    let mut collector = Collector::default();
    let mut page = Harvest::of_page(0, &Gathering::default());
    let mut taken = 0;
    let mut add = |distinct_id: &str, mparticle_user_id| {
        let distinct_id = RawId::Text(distinct_id.into());
        let extras = Extras::default();
        page.take(&Profile { distinct_id, mparticle_user_id, last_seen: None, has_profile: true, extras });
        taken += 1;
        if taken % 1_000 == 0 {
            let next = Harvest::of_page(taken / 1_000, &Gathering::default());
            collector.absorb(std::mem::replace(&mut page, next));
        }
    };
    for mpid in &people.mpids {
        add(&people::distinct_id(*mpid), RawId::Text(mpid.to_string().into()));
    }
    for uuid in &people.uuids {
        add(&uuid::Uuid::from_bytes(*uuid).hyphenated().to_string(), RawId::Missing);
    }
    collector.absorb(page);
    collector
}

fn plan(directory: &Path, membership: &Membership) -> Result<usize, StoreError> {
    let reader = Reader::open(directory)?;
    let encoder = Encoder::new("production", "customer_id");
    let mut planner = Planner::new(encoder.limits(), |change| encoder.upper_bound("Power users", change));
    let mut changes = 0;
    diff(reader.baseline_blocks(&holding()), membership, &Sorted::default(), |difference| {
        let wave = if matches!(difference, Difference::Leaves(_)) { Wave::Removes } else { Wave::Adds };
        if let Some(change) = difference.change() {
            let request = planner.take(wave, change);
            changes += request.map_or(0, |request| request.changes.len());
        }
        ControlFlow::Continue(())
    })?;
    changes += planner.finish().map(|request| request.changes.len()).sum::<usize>();
    Ok(changes)
}

/// The same as plainly as can be: both files read, the new one sorted, merged.
fn sort_and_merge(old: &Path, new: &Path) -> (People, People) {
    let (old, mut new) = (People::read(old), People::read(new));
    new.mpids.sort_unstable();
    new.uuids.sort_unstable();
    let (mut gone, mut come) = (People::default(), People::default());
    merge(&old.mpids, &new.mpids, &mut gone.mpids, &mut come.mpids);
    merge(&old.uuids, &new.uuids, &mut gone.uuids, &mut come.uuids);
    (gone, come)
}

fn merge<T: Ord + Copy>(old: &[T], new: &[T], gone: &mut Vec<T>, come: &mut Vec<T>) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    while let (Some(was), Some(is)) = (old.peek(), new.peek()) {
        match was.cmp(is) {
            Ordering::Less => gone.extend(old.next()),
            Ordering::Greater => come.extend(new.next()),
            Ordering::Equal => {
                old.next();
                new.next();
            }
        }
    }
    gone.extend(old);
    come.extend(new);
}

/// What SQL asks: both differences.
const EXCEPT: [&str; 2] = [
    "SELECT count(*) FROM (SELECT id FROM old EXCEPT SELECT id FROM new);",
    "SELECT count(*) FROM (SELECT id FROM new EXCEPT SELECT id FROM old);",
];

/// Both differences of two tables that are loaded already, keyed by the id as text.
fn sqlite_except(directory: &Path, before: &People, now: &People) -> Duration {
    let connection = Connection::open(directory.join("except.db")).unwrap();
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").unwrap();
    for (table, people) in [("old", before), ("new", now)] {
        let mut ids: Vec<String> = people.mpids.iter().map(ToString::to_string).collect();
        ids.extend(people.uuids.iter().map(|uuid| uuid::Uuid::from_bytes(*uuid).hyphenated().to_string()));
        ids.sort_unstable();
        connection
            .execute_batch(&format!("BEGIN; CREATE TABLE {table} (id TEXT PRIMARY KEY) WITHOUT ROWID"))
            .unwrap();
        let mut insert = connection.prepare(&format!("INSERT INTO {table} VALUES (?1)")).unwrap();
        for id in &ids {
            insert.execute([id]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    let ask = |question| connection.query_row::<i64, _, _>(question, [], |row| row.get(0)).unwrap();
    let (counts, took) = timed(|| EXCEPT.map(ask));
    let changes = usize::try_from(counts.iter().sum::<i64>()).unwrap();
    assert_eq!(changes, 2 * (now.mpids.len() / 100 + now.uuids.len() / 100));
    took
}

/// The same by the machine's own `sqlite3` over the same tables, with its version; `None` where it is not installed. It
/// plans `EXCEPT` as its version does: older ones copy what is to be left out into a tree of its own.
fn sqlite_tool_except(directory: &Path) -> Option<(String, Duration)> {
    let output = |words: &[&str]| {
        let done = Command::new("sqlite3").args(words).current_dir(directory).output().ok()?;
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let version = output(&["--version"])?.split_whitespace().next()?.to_owned();
    let (counts, took) = timed(|| output(&["except.db", &EXCEPT.concat()]));
    let counts = counts?;
    let counts: Vec<&str> = counts.lines().collect();
    assert!(counts.len() == 2 && counts[0] == counts[1], "{counts:?}");
    Some((version, took))
}

/// The same in `DuckDB`, over the tables that SQLite has written; `None` where it is not installed.
fn duckdb_except(directory: &Path) -> Option<Duration> {
    let shell = |script: &str| {
        let database = directory.join("except.duckdb");
        Command::new("duckdb")
            .arg(database)
            .arg("-c")
            .arg(script)
            .output()
            .ok()
            .filter(|done| done.status.success())
    };
    let tables = directory.join("except.db");
    let load = ["old", "new"].map(|table| {
        format!("CREATE TABLE {table} AS SELECT * FROM sqlite_scan('{}', '{table}');", tables.display())
    });
    shell(&load.concat())?;
    let (done, took) = timed(|| shell(&EXCEPT.concat()));
    done.map(|_| took).inspect(|took| println!("DuckDB with its start: {}", shown(*took)))
}
