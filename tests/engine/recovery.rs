//! Crashes between any two steps, seen from the next start. The process is not killed here (see the runs of
//! the real binary for that); the engine is dropped in the middle of its work, which leaves the same files.

use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind, SyncStatus};
use cohort_sync::sandbox::{Effect, Fault};
use cohort_sync::sync::command::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_in_the_middle_is_taken_up_by_the_next_start() {
    let mut world = World::with_cohort(people(0, 3_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 20 }).forever());
    world.handle().send(Command::Start(request(SyncKind::OneTime))).await.unwrap();
    world
        .until("some are accepted", |snapshot| {
            let progress = snapshot.cohort(COHORT).and_then(|view| view.sync.as_ref()?.progress.clone());
            progress.is_some_and(|progress| progress.counts.accepted() >= 500)
        })
        .await;
    world.shut_down().await;
    let accepted = world.reader().baseline(&held(NAME)).count();
    assert!((500..3_000).contains(&accepted), "{accepted}");
    world.control.clear_faults();
    world.settings.schedule = true;
    world.try_start().await.unwrap();
    let snapshot = world
        .until("the export is taken up and delivered", |snapshot| {
            snapshot.cohort(COHORT).is_some_and(|view| view.status() == SyncStatus::Exported)
        })
        .await;
    let run = snapshot.cohort(COHORT).unwrap().sync.as_ref().unwrap().last_run.clone().unwrap();
    assert_eq!(run.outcome, Some(Outcome::Succeeded));
    assert_eq!(run.counts.unchanged, accepted as u64);
    assert_eq!(world.current_members(), keys(0, 3_000));
    assert_eq!(world.control.repeated_batches(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_looks_on_and_may_change_nothing() {
    use cohort_sync::sync::command::Refusal;
    use cohort_sync::sync::snapshot::Writer;
    let world = World::with_cohort(people(0, 100)).await;
    let looker =
        cohort_sync::sync::observe(world.state().to_owned(), Writer::Other("the test".to_owned()), None);
    let looker = looker.await.unwrap();
    world.sync().await;
    let mut snapshots = looker.snapshots();
    let seen = snapshots
        .wait_for(|snapshot| snapshot.cohort(COHORT).is_some_and(|view| view.status() == SyncStatus::Synced));
    let seen = tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.unwrap().unwrap().clone();
    assert_eq!(seen.cohort(COHORT).unwrap().sync.as_ref().unwrap().baseline, 100);
    assert!(matches!(looker.send(Command::RunNow(COHORT)).await, Err(Refusal::ReadOnly(_))));
    looker.send(Command::Shutdown).await.unwrap();
}
