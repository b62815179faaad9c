//! The rhythm of recurring syncs over hours, and over what happens to clocks: a machine that slept, and an
//! operator or a time server that sets them.

use super::unattended;
use crate::world::*;
use cohort_sync::domain::{CohortId, SyncKind};
use cohort_sync::sandbox::SandboxOptions;
use cohort_sync::sync::Settings;
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::snapshot::SyncView;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_mins(15);

/// A world with one recurring sync that was delivered and is due in ten minutes.
async fn due_in_ten_minutes() -> World {
    let mut world = World::simulated(unattended(), SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.start().await;
    world.sync().await;
    world.pass(Duration::from_mins(5)).await;
    world
}

fn sync(world: &World) -> SyncView {
    world.view(COHORT).sync.clone().unwrap()
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

/// Whether a time is on the rhythm of a sync, give or take a second.
fn is_in_phase(world: &World, at: Timestamp) -> bool {
    let off = seconds_between(sync(world).since, at).rem_euclid(INTERVAL.as_secs_f64());
    off < 1.0 || off > INTERVAL.as_secs_f64() - 1.0
}

#[tokio::test(start_paused = true)]
async fn recurring_syncs_keep_their_rhythms_for_hours() {
    let mut world = World::simulated(unattended(), SandboxOptions::quiet()).await;
    let minutes = [15, 20, 60];
    for cohort in (1..).take(minutes.len()) {
        world.add_cohort(cohort, &format!("Cohort {cohort}"), people(0, 10));
    }
    world.start().await;
    let mut began = Vec::new();
    for (cohort, minutes) in (1..).map(CohortId).zip(minutes) {
        let interval = Some(Duration::from_mins(minutes));
        let start = StartRequest { cohort, interval, ..request(SyncKind::Recurring) };
        began.push(world.run_by(cohort, Command::Start(start)).await.started_at);
        world.pass(Duration::from_secs(100)).await;
    }
    world.pass(Duration::from_hours(6)).await;
    for ((cohort, minutes), began) in (1..).map(CohortId).zip(minutes).zip(began) {
        let runs = world.runs(cohort);
        assert_eq!(runs.len() as u64, 6 * 60 / minutes + 1);
        for (number, run) in (0_u32..).zip(&runs) {
            let expected = f64::from(number) * Duration::from_mins(minutes).as_secs_f64();
            let late = seconds_between(began, run.started_at) - expected;
            assert!((0.0..1.0).contains(&late), "run {number} of cohort {cohort} is {late} s late");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_makes_up_for_its_ticks_by_one_run() {
    let world = due_in_ten_minutes().await;
    world.clock.set_by(SignedDuration::from_hours(8));
    let woke = world.clock.now();
    world.pass(Duration::from_secs(30)).await;
    let runs = world.runs(COHORT);
    assert_eq!(runs.len(), 2);
    assert!(seconds_between(woke, runs[1].started_at) <= 30.0);
    let due = sync(&world).next_due.unwrap();
    assert!(seconds_between(woke, due) <= INTERVAL.as_secs_f64(), "{due}");
    assert!(is_in_phase(&world, due), "{due}");
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(world.runs(COHORT).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_silences_no_sync() {
    let world = due_in_ten_minutes().await;
    world.clock.set_by(SignedDuration::from_hours(-2));
    world.pass(Duration::from_secs(31)).await;
    let due = sync(&world).next_due.unwrap();
    assert!(seconds_between(world.clock.now(), due) <= INTERVAL.as_secs_f64(), "it shows {due}");
    assert!(is_in_phase(&world, due), "{due}");
    world.pass(INTERVAL).await;
    assert_eq!(world.runs(COHORT).len(), 2);
    world.pass(Duration::from_hours(2)).await;
    assert_eq!(world.runs(COHORT).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_keep_the_list_from_being_fetched() {
    let settings = Settings { list_every: Some(INTERVAL), ..unattended() };
    let mut world = World::simulated(settings, SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.start().await;
    world.pass(INTERVAL + Duration::from_mins(5)).await;
    assert_eq!(world.control.query_count(), 2);
    world.clock.set_by(SignedDuration::from_hours(-2));
    world.pass(INTERVAL).await;
    assert_eq!(world.control.query_count(), 3);
    world.pass(INTERVAL * 4).await;
    assert_eq!(world.control.query_count(), 7);
}
