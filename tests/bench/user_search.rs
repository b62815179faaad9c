//! How long looking one user up takes in a history of a million changes, beside unpacking all of them, and by how much
//! memory grows meanwhile: `cargo bench --bench user_search`. It prints and judges nothing, for machines differ.

use cohort_sync::domain::plan::{PlannedRequest, Wave};
use cohort_sync::domain::{Change, CohortId, Direction, Identity, Purpose, SyncKind, Trigger, UserId};
use cohort_sync::store::{NewRun, Reader, Store, StoreError};
use cohort_sync::sync::user::{UserQuery, read};
use jiff::Timestamp;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

const CHANGES: u64 = 1_000_000;
/// As many runs as keep their changes.
const RUNS: u64 = 20;
const PER_REQUEST: u64 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    write_history(directory.path())?;
    let reader = Reader::open(directory.path())?;
    println!("{CHANGES} changes of {RUNS} runs, {:.0} MiB on disk", reader.bytes()? as f64 / 1_048_576.0);
    let begin = Instant::now();
    let mut seen = 0;
    for run in reader.runs(None, 100)? {
        reader.for_each_change::<StoreError>(run.id, |rows| {
            seen += rows.len() as u64;
            Ok(true)
        })?;
    }
    println!("unpacking all    {:>8.1?}   {seen} changes", begin.elapsed());
    let before = resident();
    for sought in ["user-77", "4e6a-no-such-user", &mpid(77).to_string(), "-5"] {
        let begin = Instant::now();
        let found = read(&reader, &UserQuery::new(UserId::parse(sought)?))?;
        let took = begin.elapsed();
        println!(
            "{sought:<22}{took:>8.1?}   {} tellings in {} changes",
            found.tellings.len(),
            found.looked_through
        );
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("memory grew by   {:>5} KiB", after.saturating_sub(before));
    }
    Ok(())
}

/// Every fifth user is known by `$distinct_id` alone, the others by MPID, as in a middling project.
fn write_history(directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut store = Store::open(directory, "the benchmark")?;
    let cohort = CohortId(1);
    for _ in 0..RUNS {
        let run = store.begin_run(&NewRun {
            cohort_id: cohort,
            cohort: "Power users".to_owned(),
            attribute: "Power users".to_owned(),
            kind: SyncKind::Recurring,
            purpose: Purpose::Update,
            trigger: Trigger::Schedule,
            started_at: Timestamp::from_second(1_770_000_000)?,
        })?;
        let requests: Vec<PlannedRequest> = (0..CHANGES / RUNS / PER_REQUEST)
            .map(|request| request * PER_REQUEST)
            .map(|first| PlannedRequest {
                first_position: first,
                wave: Wave::Adds,
                changes: (first..first + PER_REQUEST).map(change).collect(),
            })
            .collect();
        store.write_plan(run, cohort, &requests, true)?;
    }
    Ok(())
}

fn change(user: u64) -> Change {
    let distinct_id = format!("user-{user}");
    let identity =
        if user % 5 == 4 { Identity::of_distinct_id(&distinct_id) } else { Identity::Mpid(mpid(user)) };
    Change { direction: Direction::Add, identity, distinct_id: Some(distinct_id.into()) }
}

fn mpid(user: u64) -> i64 {
    user.wrapping_mul(0x9E37_79B9_7F4A_7C15).cast_signed()
}

/// Memory that is resident, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
