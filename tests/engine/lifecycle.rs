//! Starting, pausing, resuming, stopping; what may not be done; and the guard that waits for a person.

use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, PauseCause, SyncKind, SyncStatus};
use cohort_sync::sandbox::{CohortSeed, Effect, Fault};
use cohort_sync::sync::command::{Command, Refusal, StartRequest};
use cohort_sync::sync::snapshot::Snapshot;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_runs_recurring_syncs_and_survives_a_restart() {
    let mut settings = quick();
    settings.schedule = true;
    settings.interval = Duration::from_millis(50);
    let mut world = World::with(settings).await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.start().await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(1, 10));
    world.until("the next tick delivers", |_| world.current_members() == keys(1, 10)).await;
    world.shut_down().await;
    world.control.set_members(COHORT.0, people(2, 10));
    world.try_start().await.unwrap();
    world.until("the schedule goes on", |_| world.current_members() == keys(2, 10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_are_taken_up_at_work_and_at_the_next_start() {
    let hour = Duration::from_hours(1);
    let mut world = World::with(quick()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 200));
    world.start().await;
    world.sync().await;
    let interval = |world: &World| world.view(COHORT).sync.as_ref().unwrap().interval;
    assert_eq!(interval(&world), quick().interval);
    let mut strict = quick();
    strict.interval = hour;
    strict.guard.max_removal_share = 0.0;
    world.handle().send(Command::Adjust(strict)).await.unwrap();
    let has = |snapshot: &Snapshot, wanted: Duration| {
        snapshot.cohort(COHORT).and_then(|view| Some(view.sync.as_ref()?.interval == wanted)) == Some(true)
    };
    world.until("it follows", |snapshot| has(snapshot, hour)).await;
    assert!(world.snapshot().notices.back().unwrap().text.contains("1 recurring sync runs every 1 h"));
    // The guard of the next run goes by it.
    world.control.set_members(COHORT.0, people(1, 199));
    world.handle().send(Command::RunNow(COHORT)).await.unwrap();
    world.until("one removal is too many now", |snapshot| snapshot.paused() == 1).await;
    world.handle().send(Command::Approve(COHORT)).await.unwrap();
    world.until("it goes on", |snapshot| snapshot.active() == 0 && snapshot.paused() == 0).await;
    world.shut_down().await;
    // Nobody at work heard of this one; the syncs follow all the same.
    world.settings.interval = Duration::from_mins(40);
    world.try_start().await.unwrap();
    world.until("it has followed", |snapshot| has(snapshot, Duration::from_mins(40))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sync_waits_and_a_resumed_one_goes_on() {
    let world = World::with_cohort(people(0, 10)).await;
    world.sync().await;
    world.handle().send(Command::Pause(COHORT)).await.unwrap();
    world.until("it is paused", |snapshot| snapshot.paused() == 1).await;
    assert!(matches!(world.refused(Command::RunNow(COHORT)).await, Refusal::WrongStatus(_)));
    world.handle().send(Command::Resume(COHORT)).await.unwrap();
    world.until("it is queued", |snapshot| snapshot.paused() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_between_requests_with_everything_accepted_recorded() {
    let world = World::with_cohort(people(0, 5_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 20 }).forever());
    world.handle().send(Command::Start(request(SyncKind::Recurring))).await.unwrap();
    world
        .until("some are accepted", |snapshot| {
            let progress = snapshot.cohort(COHORT).and_then(|view| view.sync.as_ref()?.progress.clone());
            progress.is_some_and(|progress| progress.counts.accepted() >= 300)
        })
        .await;
    world.handle().send(Command::Pause(COHORT)).await.unwrap();
    let snapshot = world.until("it is paused", |snapshot| snapshot.paused() == 1).await;
    let run = snapshot.cohort(COHORT).unwrap().sync.as_ref().unwrap().last_run.clone().unwrap();
    assert_eq!(run.outcome, Some(Outcome::Cancelled));
    assert!(run.counts.pending() > 0);
    assert_counts_add_up(&run);
    let baseline: Vec<_> = world.reader().baseline(&held(NAME)).map(Result::unwrap).collect();
    assert_eq!(baseline.len() as u64, run.counts.accepted());
    assert_eq!(world.current_members().len(), baseline.len());
    world.control.clear_faults();
    let rest = world.sync().await;
    assert_eq!(rest.counts.adds.accepted(), 5_000 - run.counts.accepted());
    assert_eq!(world.control.repeated_batches(), 0);
    assert_eq!(world.current_members(), keys(0, 5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_sync_keeps_its_baseline_and_a_new_start_goes_on_from_it() {
    let world = World::with_cohort(people(0, 10)).await;
    world.sync().await;
    world.handle().send(Command::Stop(COHORT)).await.unwrap();
    world
        .until("it is stopped", |snapshot| snapshot.cohort(COHORT).unwrap().status() == SyncStatus::Stopped)
        .await;
    world.control.set_members(COHORT.0, people(5, 10));
    let run = world.sync().await;
    assert_eq!((run.counts.adds.accepted(), run.counts.removes.accepted()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_removes_more_than_half_waits_and_is_sent_exactly_when_approved() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    let before = world.control.feed_requests().len();
    world.control.set_members(COHORT.0, people(0, 90));
    let held = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(held.outcome, Some(Outcome::Paused));
    assert_eq!((held.counts.removes.planned(), held.counts.pending()), (110, 110));
    assert_eq!(world.control.feed_requests().len(), before, "nothing is sent before a person agrees");
    let pause = world.view(COHORT).sync.as_ref().unwrap().pause.clone().unwrap();
    assert_eq!((pause.cause, pause.held_run), (PauseCause::Removals, Some(held.id)));
    assert_eq!(world.refused(Command::Resume(COHORT)).await, Refusal::PlanHeld);

    // The cohort moves on meanwhile; what was approved is what was shown.
    world.control.set_members(COHORT.0, people(0, 200));
    let approved = world.run_by(COHORT, Command::Approve(COHORT)).await;
    assert_eq!((approved.id, approved.outcome), (held.id, Some(Outcome::Succeeded)));
    assert_eq!(approved.counts.removes.accepted(), 110);
    assert_eq!(world.current_members(), keys(0, 90));
    let next = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(next.counts.adds.accepted(), 110);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_plan_is_forgotten() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, Vec::new());
    let held = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(held.outcome, Some(Outcome::Paused));
    assert_eq!(
        world.view(COHORT).sync.as_ref().unwrap().pause.as_ref().unwrap().cause,
        PauseCause::EmptyRead
    );
    world.handle().send(Command::Discard(COHORT)).await.unwrap();
    world.until("it waits for its tick", |snapshot| snapshot.paused() == 0).await;
    world.control.set_members(COHORT.0, people(0, 200));
    assert_eq!(world.run_by(COHORT, Command::RunNow(COHORT)).await.counts.planned(), 0);
    assert_eq!(world.current_members(), keys(0, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_agreed_beforehand_is_not_asked() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(0, 1));
    let request = StartRequest { approve_removals: true, ..request(SyncKind::Recurring) };
    let run = world.run_by(COHORT, Command::Start(request)).await;
    assert_eq!(run.counts.removes.accepted(), 199);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_that_is_gone_pauses_and_nothing_is_removed() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    world.control.remove_cohort(COHORT.0);
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(run.outcome, Some(Outcome::Paused));
    assert_eq!(
        world.view(COHORT).sync.as_ref().unwrap().pause.as_ref().unwrap().cause,
        PauseCause::CohortGone
    );
    assert!(!world.view(COHORT).listed);
    assert_eq!(world.current_members(), keys(0, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_done_is_refused_with_a_reason() {
    let mut world = World::new().await;
    world.add_cohort(COHORT.0, NAME, people(0, 10));
    world.add_cohort(2, NAME, people(5, 10));
    world.add_cohort(3, &"x".repeat(257), people(5, 10));
    world.control.add_cohort(CohortSeed {
        id: 4,
        name: "Companies".to_owned(),
        description: String::new(),
        members: people(0, 1),
        group: true,
    });
    world.start().await;
    world.sync().await;
    let start =
        |cohort| Command::Start(StartRequest { cohort: CohortId(cohort), ..request(SyncKind::OneTime) });
    assert!(matches!(world.refused(start(2)).await, Refusal::AttributeTaken { owner: COHORT, .. }));
    assert!(matches!(world.refused(start(3)).await, Refusal::BadAttribute(_)));
    assert!(matches!(world.refused(start(4)).await, Refusal::NotExportable(_)));
    assert!(matches!(world.refused(start(99)).await, Refusal::UnknownCohort(CohortId(99))));
    let apart = StartRequest {
        cohort: CohortId(2),
        attribute: Some("Apart".to_owned()),
        ..request(SyncKind::OneTime)
    };
    assert_eq!(world.run_by(CohortId(2), Command::Start(apart)).await.attribute, "Apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_keeps_the_attribute() {
    let world = World::with_cohort(people(0, 10)).await;
    world.sync().await;
    world.control.rename(COHORT.0, "Heavy users");
    world.refresh().await;
    assert!(world.view(COHORT).renamed());
    world.control.set_members(COHORT.0, people(0, 11));
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.attribute.as_str(), run.cohort.as_str()), (NAME, "Heavy users"));
    assert_eq!(world.current_members(), keys(0, 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_never_overlaps_with_itself() {
    let world = World::with_cohort(people(0, 2_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 50 }).forever());
    world.handle().send(Command::Start(request(SyncKind::OneTime))).await.unwrap();
    assert_eq!(world.refused(Command::Start(request(SyncKind::OneTime))).await, Refusal::AlreadyRunning);
    assert_eq!(world.refused(Command::RunNow(COHORT)).await, Refusal::AlreadyRunning);
}
