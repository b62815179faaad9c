//! Mixpanel's hourly budget of queries over hours: who waits for it, what is said meanwhile, and that it is
//! remembered by the next engine.

use super::unattended;
use crate::world::*;
use cohort_sync::domain::{Outcome, Trigger};
use cohort_sync::sandbox::SandboxOptions;
use cohort_sync::sync::command::Command;
use cohort_sync::sync::snapshot::Snapshot;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::time::Duration;

fn waiting(snapshot: &Snapshot) -> Option<String> {
    snapshot.cohort(COHORT)?.sync.as_ref()?.progress.as_ref()?.waiting.clone()
}

#[tokio::test(start_paused = true)]
async fn the_fourth_query_of_three_an_hour_waits_for_its_slot_across_a_restart() {
    let options = SandboxOptions { queries_per_hour: 3, ..SandboxOptions::quiet() };
    let mut world = World::simulated(unattended(), options).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    let first_query = world.clock.now();
    world.start().await;
    world.sync().await;
    world.pass(Duration::from_mins(5)).await;
    world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(world.control.query_count(), 3);
    world.handle().send(Command::RunNow(COHORT)).await.unwrap();
    let waits = world.until("the fourth waits", |snapshot| waiting(snapshot).is_some()).await;
    let budget = waits.queries;
    assert_eq!((budget.used, budget.limit, budget.left(), budget.learned), (3, 3, 0, true));
    let slot = budget.next_slot.unwrap();
    let after = slot.duration_since(first_query);
    assert!(after >= SignedDuration::from_hours(1) && after < SignedDuration::from_secs(3_620), "{after:?}");
    let says = slot.to_zoned_datetime(TimeZone::system()).strftime("%H:%M").to_string();
    assert!(waiting(&waits).unwrap().contains(&says), "{waits:#?}");

    world.pass(Duration::from_mins(30)).await;
    world.shut_down().await;
    assert_eq!(world.control.query_count(), 3, "it waits, and asks nothing meanwhile");
    world.pass(Duration::from_mins(5)).await;
    world.try_start().await.unwrap();
    let waits = world.until("the next engine waits as well", |snapshot| waiting(snapshot).is_some()).await;
    assert_eq!((waits.queries.used, waits.queries.next_slot), (3, Some(slot)));

    world.until("the slot is free", |snapshot| snapshot.active() == 0).await;
    let run = world.runs(COHORT).pop().unwrap();
    assert_eq!((run.trigger, run.outcome), (Trigger::Recovery, Some(Outcome::Succeeded)));
    let late = run.ended_at.unwrap().duration_since(slot);
    assert!(late >= SignedDuration::ZERO && late < SignedDuration::from_secs(2), "{late:?}");

    // The ticks of the next hours ask for four an hour and get three.
    world.pass(Duration::from_hours(3)).await;
    let queries = world.control.query_count();
    assert!((10..=13).contains(&queries), "{queries}");
    assert_eq!(world.control.refused_queries(), 0);
}
