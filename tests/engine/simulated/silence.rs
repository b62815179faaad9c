//! Answers that never come, or never end: each is given up after the time allowed for it and asked for again,
//! so that no run hangs.

use super::{duration, unattended};
use crate::world::*;
use cohort_sync::domain::Outcome;
use cohort_sync::sandbox::{Effect, Fault, SandboxOptions};
use std::time::Duration;

const NEVER: u64 = 24 * 3_600 * 1_000;

/// Exports some people while one answer does not come, and returns how long the run took.
async fn export_with(fault: Fault) -> (World, Duration) {
    let mut world = World::simulated(unattended(), SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 2_500));
    world.start().await;
    let described = format!("{fault:?}");
    world.control.push_fault(fault);
    let run = world.export().await;
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{described}: {:?}", run.error);
    assert_eq!(world.current_members(), keys(0, 2_500), "{described}");
    let took = duration(&run);
    (world, took)
}

/// The time allowed, one wait of at most four seconds, and the steps in which time passes.
fn assert_given_up_after(took: Duration, seconds: u64) {
    let allowed = Duration::from_secs(seconds);
    assert!(took >= allowed && took < allowed + Duration::from_secs(12), "{took:?} rather than {allowed:?}");
}

#[tokio::test(start_paused = true)]
async fn mixpanel_is_waited_for_as_long_as_its_own_proxy_waits() {
    for effect in [Effect::Delay { milliseconds: NEVER }, Effect::SlowBody { milliseconds: NEVER }] {
        for page in [0, 1] {
            let fault = Fault::mixpanel(effect.clone()).at_path("engage").at_page(page);
            let (world, took) = export_with(fault).await;
            assert_given_up_after(took, 503);
            // Whoever gave up on page 0 cannot know that Mixpanel did not count it: the list, and one or two.
            assert_eq!(world.snapshot().queries.used, if page == 0 { 3 } else { 2 });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn mparticle_is_waited_for_a_minute() {
    for effect in [Effect::Delay { milliseconds: NEVER }, Effect::SlowBody { milliseconds: NEVER }] {
        let (_, took) = export_with(Fault::mparticle(effect)).await;
        assert_given_up_after(took, 60);
    }
}
