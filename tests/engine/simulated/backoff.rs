//! Waiting before the next try, by the timing that ships: how long a run tries in vain, and that nobody speaks
//! to a feed that asked for silence.

use super::{duration, unattended};
use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind, SyncStatus, Trigger};
use cohort_sync::sandbox::{DelayRange, Effect, Fault, Latency, SandboxOptions};
use cohort_sync::sync::command::Command;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn time_stands_still_while_requests_are_on_their_way() {
    let mut world = World::simulated(unattended(), SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 3_000));
    world.start().await;
    let run = world.sync().await;
    assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), 3_000));
    // It takes no time at all, but for a few of the shortest steps where the machine is very busy.
    assert!(duration(&run) < Duration::from_secs(1), "{:?}", duration(&run));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_down_is_tried_five_times_over_a_minute_and_the_next_tick_delivers() {
    let mut world = World::simulated(unattended(), SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 50));
    world.start().await;
    let down = Effect::Status { code: 503, body: String::new(), headers: Vec::new() };
    world.control.push_fault(Fault::mparticle(down).forever());
    let failed = world.sync().await;
    assert_eq!((failed.outcome, failed.counts.retries), (Some(Outcome::Failed), 4));
    assert_eq!(world.control.feed_requests().len(), 5);
    // The waits add up to 0 to 60 s, evenly spread; that they come to less than a second happens to one run in
    // a few hundred thousand. Each may end a step late.
    let took = duration(&failed);
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(70), "{took:?}");
    assert_eq!(world.status(), SyncStatus::Failed);

    world.control.clear_faults();
    world.until("the next tick delivers", |_| world.status() == SyncStatus::Synced).await;
    let runs = world.runs(COHORT);
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[1].trigger, runs[1].counts.accepted()), (Trigger::Schedule, 50));
    let after = runs[1].started_at.duration_since(runs[0].started_at).as_secs_f64();
    assert!((900.0..901.0).contains(&after), "{after}");
    assert_eq!(world.current_members(), keys(0, 50));
}

/// Four senders are at work when one of them is told to wait; all of them must.
#[tokio::test(start_paused = true)]
async fn nobody_speaks_to_a_feed_that_asked_for_silence() {
    // A date is to the second, so it may name a moment up to a second earlier than was asked for.
    for (effect, silence) in [
        (Effect::RetryAfterSeconds { seconds: 30 }, Duration::from_secs(30)),
        (Effect::RetryAfterDate { seconds: 30 }, Duration::from_secs(29)),
    ] {
        let described = format!("{effect:?}");
        let answers = Duration::from_millis(200);
        let latency = Latency { feed: DelayRange { min: answers, max: answers }, ..Latency::NONE };
        let options = SandboxOptions { latency, ..SandboxOptions::quiet() };
        let mut world = World::simulated(unattended(), options).await;
        world.add_cohort(COHORT.0, NAME, people(0, 5_000));
        world.start().await;
        world.handle().send(Command::Start(request(SyncKind::Recurring))).await.unwrap();
        let four = |_: &_| world.control.max_concurrent_feed_requests_seen() == 4;
        world.until("four requests are on their way", four).await;
        world.control.push_fault(Fault::mparticle(effect));
        world.until("it is refused", |_| world.control.pending_faults().is_empty()).await;
        world.until("it ends", |snapshot| snapshot.active() == 0).await;

        let requests = world.control.feed_requests();
        let refused = requests.iter().find(|request| request.status == Some(429)).unwrap();
        let answered = refused.received + answers;
        // The refusal is heard at the end of the step in which it is sent.
        let heard = answered + Duration::from_millis(100);
        let hasty: Vec<_> = requests
            .iter()
            .map(|request| request.received)
            .filter(|received| *received > heard && *received < answered + silence)
            .map(|received| received - answered)
            .collect();
        assert!(hasty.is_empty(), "{described}: {hasty:?}");
        assert!(requests.iter().any(|request| request.received > answered + silence), "{described}");
        let run = world.runs(COHORT).remove(0);
        assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), 5_000), "{described}");
        assert_eq!(world.current_members(), keys(0, 5_000), "{described}");
    }
}
