//! Verifying over time: the pace of lookups, the life of a token, and the time that mParticle is given to show what it
//! was told only just now.

use super::unattended;
use crate::verification::{ids, view};
use crate::world::{COHORT, NAME, World, mpid, people};
use cohort_sync::domain::verification::Extent;
use cohort_sync::mparticle::profile::PROFILES_PER_SECOND;
use cohort_sync::sandbox::{Effect, Fault, Latency, ProfileKey, SandboxOptions};
use cohort_sync::sync::Settings;
use cohort_sync::sync::command::{Command, Refusal, VerifyRequest};
use cohort_sync::sync::snapshot::Snapshot;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

async fn exported(options: SandboxOptions, count: i64) -> World {
    let mut world = World::simulated(Settings { schedule: false, ..unattended() }, options).await;
    world.profiles_per_second = PROFILES_PER_SECOND;
    world.add_cohort(COHORT.0, NAME, people(0, count));
    world.start().await;
    world
}

#[tokio::test(start_paused = true)]
async fn lookups_keep_to_the_documented_pace_and_none_is_refused() {
    let options = SandboxOptions { profiles_per_second: Some(15), ..SandboxOptions::quiet() };
    let world = exported(options, 700).await;
    world.export().await;
    let began = Instant::now();
    let verification = world.verify(Extent::Sample(600)).await;
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!((verification.checked(), verification.wrong()), (600, 0));
    assert!((39.0..46.0).contains(&seconds), "{seconds} s for 600 at 15 a second");
    assert_eq!(world.control.profile_lookups(), (600, 0), "none was refused");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_for_as_long_as_it_lives() {
    let hour = Duration::from_hours(1);
    let world = exported(SandboxOptions { token_lifetime: hour, ..SandboxOptions::quiet() }, 10).await;
    world.export().await;
    for (pause, tokens) in [(Duration::ZERO, 1), (Duration::from_mins(50), 1), (hour, 2)] {
        world.pass(pause).await;
        assert_eq!(world.verify(Extent::Full).await.checked(), 10);
        assert_eq!(world.control.tokens_given(), tokens, "after {pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn mparticle_gets_time_to_show_what_it_was_told_only_just_now() {
    let world = exported(SandboxOptions::quiet(), 30).await;
    world.drop_users(&ids([2, 3]));
    world.export().await;
    world.control.clear_faults();
    let request = VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 };
    let began = Instant::now();
    world.handle().send(Command::Verify(request)).await.unwrap();
    let waits = |snapshot: &Snapshot| view(snapshot).check.is_some_and(|check| check.waiting.is_some());
    let snapshot = world.until("it waits", waits).await;
    let words = view(&snapshot).check.unwrap().waiting.unwrap();
    assert_eq!(words, "2 told just now, again in 10 s");
    world.control.set_attribute(&ProfileKey::Mpid(mpid(2)), NAME, &Value::Bool(true));
    let snapshot = world.until("it ends", |snapshot| view(snapshot).ended == 1).await;
    let verification = view(&snapshot).last.unwrap();
    assert_eq!((verification.checked(), verification.missing()), (30, 1), "one needed time, one is missing");
    assert_eq!(world.control.profile_lookups().0, 30 + 2 + 1);
    assert!(began.elapsed() >= Duration::from_secs(30));
    // What was told long ago is believed at once.
    world.pass(Duration::from_mins(5)).await;
    let began = Instant::now();
    assert_eq!(world.verify(Extent::Full).await.missing(), 1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_it_is_looked_at_is_not_called_wrong() {
    let world = exported(SandboxOptions::quiet(), 30).await;
    world.sync().await;
    // The first lookup takes its time, and meanwhile a run tells some of the people something else.
    world
        .control
        .push_fault(Fault::profile_api(Effect::Delay { milliseconds: 20_000 }).at_path("userprofile"));
    let request = VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 };
    world.handle().send(Command::Verify(request)).await.unwrap();
    world
        .until("it looks people up", |snapshot| view(snapshot).check.is_some_and(|check| check.of == 30))
        .await;
    assert!(matches!(world.refused(Command::Verify(request)).await, Refusal::WrongStatus(_)));
    world.control.set_members(COHORT.0, people(10, 20));
    assert_eq!(world.sync().await.counts.removes.accepted(), 10);
    let snapshot = world.until("it ends", |snapshot| view(snapshot).ended == 1).await;
    let verification = view(&snapshot).last.unwrap();
    assert_eq!((verification.checked(), verification.wrong()), (20, 0), "{verification:?}");
}

/// A cut says nothing about the limit of the API, and whoever waits for another try holds nobody else up.
#[tokio::test(start_paused = true)]
async fn a_cut_costs_little_more_than_it_lasts() {
    let latency = Latency { feed: Latency::DEMO.feed, ..Latency::NONE };
    let options = SandboxOptions { profiles_per_second: Some(15), latency, ..SandboxOptions::quiet() };
    let world = exported(options, 609).await;
    world.export().await;
    let began = Instant::now();
    let request = VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 };
    world.handle().send(Command::Verify(request)).await.unwrap();
    let some = |snapshot: &Snapshot| view(snapshot).check.is_some_and(|check| check.checked > 50);
    world.until("it looks people up", some).await;
    world.control.push_fault(Fault::profile_api(Effect::CutBeforeApply).forever());
    world.pass(Duration::from_secs(5)).await;
    world.control.clear_faults();
    let snapshot = world.until("it ends", |snapshot| view(snapshot).ended == 1).await;
    assert_eq!(view(&snapshot).last.unwrap().checked(), 609);
    let seconds = began.elapsed().as_secs_f64();
    // 609 lookups at 15 a second, the cut, and the time until the first of those who wait tries again.
    assert!((45.0..56.0).contains(&seconds), "{seconds} s");
    assert_eq!(world.control.profile_lookups(), (609, 0), "none was refused");
}
