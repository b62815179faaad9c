//! A simulated day of thirty recurring syncs that ask for twice the queries there are: shared evenly, and nothing
//! refused.

use super::unattended;
use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, SyncKind};
use cohort_sync::sandbox::SandboxOptions;
use cohort_sync::sync::Settings;
use cohort_sync::sync::command::{Command, StartRequest};
use std::time::Duration;

const SYNCS: u64 = 30;

#[tokio::test(start_paused = true)]
async fn thirty_syncs_share_sixty_queries_an_hour_for_a_day_and_none_is_refused() {
    let options = SandboxOptions { queries_per_hour: 60, ..SandboxOptions::quiet() };
    // The list is refreshed as well, as a console does.
    let settings = Settings { list_every: Some(Duration::from_mins(15)), ..unattended() };
    let mut world = World::simulated(settings, options).await;
    for n in 0..SYNCS {
        world.add_cohort(COHORT.0 + n, &format!("Cohort {n}"), people(n.cast_signed() * 10, 5));
    }
    world.start().await;
    for n in 0..SYNCS {
        let request = StartRequest::new(CohortId(COHORT.0 + n), SyncKind::Recurring);
        world.handle().send(Command::Start(request)).await.unwrap();
    }
    let snapshot = world
        .pass_until("all are delivered", Duration::from_mins(10), |snapshot| {
            snapshot.active() == 0 && snapshot.cohorts.iter().all(|view| view.sync.is_some())
        })
        .await;
    let said = "30 syncs share 60 queries an hour: every 32 min instead of 15";
    assert_eq!(snapshot.stretch.map(|stretch| stretch.to_string()).as_deref(), Some(said));
    assert!(snapshot.notices.iter().any(|notice| notice.text == said), "the console is told");

    world.pass(Duration::from_hours(24)).await;
    assert_eq!(world.control.refused_queries(), 0);
    let counts: Vec<usize> = (0..SYNCS)
        .map(|n| {
            let mut runs = world.runs(CohortId(COHORT.0 + n));
            // The day may end in the middle of one.
            runs.retain(|run| run.outcome.is_some());
            assert!(runs.iter().all(|run| run.outcome == Some(Outcome::Succeeded)), "{runs:#?}");
            runs.iter().for_each(assert_counts_add_up);
            runs.len()
        })
        .collect();
    // A day has 45 intervals of 31.6 minutes, and each sync has run once at the start.
    let (fewest, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*fewest >= 44 && *most <= 48, "{counts:?}");
    let listed = world.control.query_count() - counts.iter().sum::<usize>();
    assert!((12..=72).contains(&listed), "the list was refreshed {listed} times beside them");
}
