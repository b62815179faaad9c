//! Whole runs against a feed that allows so many users a second: most of what it allows is used, and hardly
//! anything is refused once its pace is known.

use super::{duration, unattended};
use crate::world::*;
use cohort_sync::domain::Outcome;
use cohort_sync::sandbox::{DelayRange, Latency, SandboxOptions};
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
