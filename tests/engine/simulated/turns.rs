//! Many syncs on one feed: whoever has little to tell does not wait for those who have much, and those who have much
//! come to their end all the same.

use super::{duration, unattended};
use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, SyncKind};
use cohort_sync::sandbox::SandboxOptions;
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::snapshot::CohortView;
use std::time::Duration;

const BIG: u64 = 6;
const SMALL: u64 = 54;

/// More big ones than read at once, all of them started before the small ones.
#[tokio::test(start_paused = true)]
async fn sixty_syncs_of_mixed_sizes_share_a_feed_and_the_small_ones_do_not_wait_for_the_big_ones() {
    let options = SandboxOptions { feed_users_per_second: Some(1_000), ..SandboxOptions::quiet() };
    let mut world = World::simulated(unattended(), options).await;
    let size = |n: u64| if n < BIG { 6_000 } else { 20 + (n * 37 % 200).cast_signed() };
    for n in 0..BIG + SMALL {
        // Nobody is in two of them, so that nothing can be told together.
        let people = people(n.cast_signed() * 100_000, size(n));
        world.add_cohort(COHORT.0 + n, &format!("Cohort {n}"), people);
    }
    world.start().await;
    for n in 0..BIG + SMALL {
        let request = StartRequest::new(CohortId(COHORT.0 + n), SyncKind::OneTime);
        world.handle().send(Command::Start(request)).await.unwrap();
    }
    let has_run = |view: &CohortView| view.sync.as_ref().is_some_and(|sync| sync.last_run.is_some());
    world.until("all have run", |snapshot| snapshot.cohorts.iter().all(|view| has_run(view))).await;
    let took = |n: u64| {
        let run = world.runs(CohortId(COHORT.0 + n)).remove(0);
        assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), size(n).cast_unsigned()));
        duration(&run)
    };
    let slowest_small = (BIG..BIG + SMALL).map(took).max().unwrap();
    let slowest_big = (0..BIG).map(took).max().unwrap();
    // Somewhat over 6,000 users are everything that all the small ones have to tell, and 36,000 what the big ones have.
    assert!(slowest_small < Duration::from_secs(20), "a small one took {slowest_small:?}");
    assert!(
        slowest_big > Duration::from_secs(36) && slowest_big < Duration::from_secs(70),
        "{slowest_big:?}"
    );
    println!(
        "the slowest of the small ones took {slowest_small:?}, the slowest of the big ones {slowest_big:?}"
    );
}
