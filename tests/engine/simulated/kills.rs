//! Engines that are killed in the middle of a run, and what the next one makes of it.

use super::unattended;
use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind, SyncStatus, Trigger};
use cohort_sync::sandbox::{DelayRange, Latency, SandboxOptions};
use cohort_sync::sync::command::Command;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_is_taken_up_by_the_next_engine() {
    let answers = Duration::from_millis(200);
    let latency = Latency { feed: DelayRange { min: answers, max: answers }, ..Latency::NONE };
    let options = SandboxOptions { latency, ..SandboxOptions::quiet() };
    let mut world = World::simulated(unattended(), options).await;
    world.add_cohort(COHORT.0, NAME, people(0, 5_000));
    world.start().await;
    world.handle().send(Command::Start(request(SyncKind::Recurring))).await.unwrap();
    for accepted in [1_000, 2_000, 3_000] {
        let is_so_far = |_: &_| world.current_members().len() >= accepted;
        world.until("some are accepted", is_so_far).await;
        world.kill().await;
        world.pass(Duration::from_secs(10)).await;
        world.try_start().await.unwrap();
    }
    world.until("the rest is delivered", |_| world.status() == SyncStatus::Synced).await;
    let runs = world.runs(COHORT);
    let outcomes: Vec<_> = runs.iter().map(|run| run.outcome).collect();
    assert_eq!(outcomes.last(), Some(&Some(Outcome::Succeeded)));
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert!(runs[1..].iter().all(|run| run.trigger == Trigger::Recovery));
    assert_eq!(world.current_members(), keys(0, 5_000));
}
