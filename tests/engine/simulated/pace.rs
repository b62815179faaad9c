//! Whole runs against a feed that allows so many users a second: most of what it allows is used, and hardly
//! anything is refused once its pace is known.

use super::{duration, unattended};
use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind};
use cohort_sync::http::Backoff;
use cohort_sync::sandbox::{DelayRange, Effect, Fault, Latency, SandboxOptions};
use cohort_sync::sync::Settings;
use cohort_sync::sync::command::Command;
use std::time::Duration;
use tokio::time::Instant;

const LEARNING: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn what_a_feed_allows_is_used_and_hardly_a_request_refused() {
    for users_per_second in [270_u32, 1_000] {
        let answers = DelayRange { min: Duration::from_millis(20), max: Duration::from_millis(60) };
        let options = SandboxOptions {
            feed_users_per_second: Some(users_per_second),
            latency: Latency { feed: answers, ..Latency::NONE },
            ..SandboxOptions::quiet()
        };
        let mut world = World::simulated(unattended(), options).await;
        let count = i64::from(users_per_second) * 60;
        world.add_cohort(COHORT.0, NAME, people(0, count));
        world.start().await;
        let began = Instant::now();
        let run = world.export().await;
        assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), count.cast_unsigned()));

        let requests = world.control.feed_requests();
        let steady: Vec<_> =
            requests.iter().filter(|request| request.received.duration_since(began) > LEARNING).collect();
        let refused = steady.iter().filter(|request| request.status == Some(429)).count();
        assert!(refused * 50 < steady.len(), "{refused} of {} were refused", steady.len());
        let (first, last) = (steady[0].received, steady[steady.len() - 1].received);
        let taken: usize =
            steady.iter().filter(|request| request.applied).map(|request| request.batches).sum();
        let rate = taken as f64 / last.duration_since(first).as_secs_f64();
        let share = rate / f64::from(users_per_second);
        assert!(share >= 0.9, "{rate:.0} of {users_per_second} users a second, in {:?}", duration(&run));
    }
}

/// A connection that is cut says nothing about what the feed allows: the rate that was learnt before is the rate after.
#[tokio::test(start_paused = true)]
async fn a_cut_does_not_slow_down_what_comes_after_it() {
    let answers = DelayRange { min: Duration::from_millis(20), max: Duration::from_millis(60) };
    let options = SandboxOptions {
        feed_users_per_second: Some(270),
        latency: Latency { feed: answers, ..Latency::NONE },
        ..SandboxOptions::quiet()
    };
    // Chance must not lead a request through all of its tries while nobody answers.
    let backoff = Backoff { tries: 20, ..Backoff::default() };
    let mut world = World::simulated(Settings { backoff, ..unattended() }, options).await;
    let count = 270 * 60;
    world.add_cohort(COHORT.0, NAME, people(0, count));
    world.start().await;
    let began = Instant::now();
    world.handle().send(Command::Start(request(SyncKind::OneTime))).await.unwrap();
    world.pass(Duration::from_secs(20)).await;
    let cut = Duration::from_secs(5);
    world.control.push_fault(Fault::mparticle(Effect::CutBeforeApply).forever());
    world.pass(cut).await;
    world.control.clear_faults();
    let back = Instant::now();
    world.until("it ends", |snapshot| snapshot.active() == 0).await;
    let run = world.runs(COHORT).remove(0);
    assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), count.cast_unsigned()));
    let requests = world.control.feed_requests();
    let taken = |from: Instant, to: Instant| -> f64 {
        let within = requests.iter().filter(|request| request.applied && request.received >= from);
        within.filter(|request| request.received < to).map(|request| request.batches as f64).sum()
    };
    let first = requests.iter().find(|request| request.applied && request.received >= back).unwrap().received;
    let ten = Duration::from_secs(10);
    // Over twenty seconds, in which a refusal or two and the wait that was asked for then weigh little.
    let (before, after) = (taken(began + ten, began + 2 * ten), taken(first, first + 2 * ten) / 2.0);
    assert!(after >= before * 0.85, "{after} users in ten seconds after a cut, {before} before it");
    assert!(duration(&run) < Duration::from_mins(1) + cut + ten, "{:?}", duration(&run));
}
