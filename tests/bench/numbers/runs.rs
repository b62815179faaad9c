//! Whole runs of the program in a process of its own: a first one, which tells mParticle everybody, and a recurring one
//! that finds one in a hundred gone and as many come. Sending stands beside a load generator that posts bodies of the same
//! size to the same sink; a tick beside the sum of its parts; memory and settling are those of ten million.

use crate::people::{self, People};
use crate::program::{self, Took};
use crate::services::{COHORT, CONNECTIONS, Services};
use crate::table::{Table, median, shown, timed};
use cohort_sync::domain::{CohortId, Phase};
use cohort_sync::store::{Reader, RunRecord};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SYNC: [&str; 4] = ["sync", "Power users", "--recurring", "--yes"];

/// A run and what it took.
struct Measured {
    took: Took,
    record: RunRecord,
}

impl Measured {
    fn phase(&self, phase: Phase) -> Duration {
        self.record.phases.iter().filter(|(known, _)| *known == phase).map(|(_, took)| *took).sum()
    }

    fn told(&self) -> u64 {
        self.record.counts.accepted()
    }

    fn phases(&self) -> String {
        let phases = self.record.phases.iter();
        phases
            .map(|(phase, took)| format!("{} {}", phase.token(), shown(*took)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn sync(home: &Path) -> Measured {
    let took = program::run(home, &SYNC);
    let record =
        Reader::open(&home.join("state")).unwrap().runs(Some(CohortId(COHORT)), 1).unwrap().remove(0);
    let measured = Measured { took, record };
    println!("a run: {} in all; {}", shown(measured.took.wall), measured.phases());
    measured
}

/// A first run and a tick after it, over so many people.
fn first_and_tick(services: &Services, count: usize) -> (Measured, Measured, People, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    services.configure(&home.path().join("config.toml"));
    let (before, now) = people::before_and_now(count);
    services.hold(&before);
    let first = sync(home.path());
    assert_eq!(first.told(), before.len() as u64);
    services.hold(&now);
    let tick = sync(home.path());
    assert_eq!(tick.told(), 2 * (now.mpids.len() / 100 + now.uuids.len() / 100) as u64);
    (first, tick, before, home)
}

pub fn measure(table: &mut Table) {
    let services = Services::start();
    let (first, tick, _, _) = first_and_tick(&services, 1_000_000);
    let (requests, bytes) = services.posted();
    send(table, &services, &first, bytes / requests);
    let parts = first.phase(Phase::Fetch)
        + tick.phase(Phase::Compare)
        + first.phase(Phase::Send).mul_f64(tick.told() as f64 / first.told() as f64)
        + tick.phase(Phase::Settle);
    table.times("tick of 1 M", tick.took.wall, ("its parts", parts), 2.0);
}

/// Sending, users a second and processor time a user, beside what a load generator posts.
fn send(table: &mut Table, services: &Services, first: &Measured, size: u64) {
    let took = first.phase(Phase::Send).as_secs_f64();
    let (users, requests) = (first.told() as f64 / took, first.record.counts.requests as f64 / took);
    let cost = first.took.processor.map(|time| time.as_secs_f64() / first.told() as f64 * 1e6);
    let work = format!(
        "send {:.0} users a second{}",
        users,
        cost.map_or(String::new(), |cost| format!(", {cost:.1} µs of processor each with reading them"))
    );
    match load_generator(services, size) {
        Some(beside) => table.note(
            &work,
            format!("{requests:.0} requests a second"),
            format!("wrk {beside:.0}, bodies of {size} bytes"),
            format!("{:.2}", requests / beside),
            "at least 0.25".to_owned(),
        ),
        None => println!("{work}: wrk is not installed, so it is not compared with"),
    }
}

/// Requests a second that `wrk` posts to the same sink; `None` where it is not installed.
fn load_generator(services: &Services, size: u64) -> Option<f64> {
    let script = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::fs::write(script.path(), format!("wrk.method = 'POST'\nwrk.body = string.rep('x', {size})\n"))
        .unwrap();
    let words = ["-t1", "-d5s", "-c", &CONNECTIONS.to_string(), "-s"];
    let done = Command::new("wrk").args(words).arg(script.path()).arg(services.feed_url()).output().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Some(rate?.trim().parse().unwrap())
}

/// Ten million: memory at the peak, and settling one in a hundred.
pub fn largest(table: &mut Table) {
    const MOST: f64 = 24.0;
    const BESIDE: f64 = 64.0 * 1024.0 * 1024.0;
    let services = Services::start();
    let count = 10_000_000;
    let (first, tick, before, home) = first_and_tick(&services, count);
    for (what, run) in [("first run of 10 M", &first), ("tick of 10 M", &tick)] {
        let Some(peak) = run.took.peak else {
            println!("{what}: the system does not tell how much memory a process holds");
            continue;
        };
        table.note(
            &format!("memory, {what}"),
            format!("{:.0} MiB", peak as f64 / 1024.0 / 1024.0),
            "bytes a member beside 64 MiB".to_owned(),
            format!("{:.1}", (peak as f64 - BESIDE).max(0.0) / count as f64),
            format!("{MOST}"),
        );
    }
    let path = home.path().join("plain");
    let plain = median((0..5).map(|_| timed(|| before.write(&path)).1).collect());
    table.times("settle 1 % of 10 M", tick.phase(Phase::Settle), ("writing the packed set", plain), 3.0);
}
