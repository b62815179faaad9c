//! What becomes of attributes when a sync ends, moves to another attribute, or tells everyone again.

use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, Purpose, Removal, SyncKind, SyncStatus};
use cohort_sync::sandbox::{Effect, Fault, ProfileKey};
use cohort_sync::store::StoreError;
use cohort_sync::sync::command::{Command, Refusal, StartRequest};
use cohort_sync::sync::snapshot::Snapshot;
use std::sync::Arc;

/// Sends a command and waits until nothing is at work or due any more.
async fn done(world: &World, command: Command) -> Arc<Snapshot> {
    let before = world.snapshot().ended_runs.len();
    world.handle().send(command).await.unwrap();
    world
        .until("everything that follows has ended", |snapshot| {
            snapshot.ended_runs.len() > before && snapshot.active() == 0
        })
        .await
}

fn history(world: &World, n: i64, attribute: &str) -> Vec<Option<bool>> {
    world.control.attribute_history(&ProfileKey::Mpid(mpid(n)), attribute)
}

fn purposes(snapshot: &Snapshot) -> Vec<(Purpose, String)> {
    let ended = snapshot.ended_runs.iter();
    ended.map(|ended| (ended.run.purpose, ended.run.attribute.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_can_set_the_attribute_to_false_for_everybody() {
    for kind in [SyncKind::Recurring, SyncKind::OneTime] {
        let world = World::with_cohort(people(0, 350)).await;
        world.run_by(COHORT, Command::Start(request(kind))).await;
        done(&world, Command::StopAndCleanUp(COHORT, Removal::SetFalse)).await;
        assert_eq!(world.status(), SyncStatus::Stopped);
        assert!(world.current_members().is_empty());
        assert_eq!(world.members_in_mparticle(NAME).len(), 350, "they all have it as false");
        assert_eq!(world.reader().baseline(&held(NAME)).count(), 0);
        let sync = world.view(COHORT).sync.clone().unwrap();
        assert_eq!((sync.baseline, sync.clean_up), (0, None));
        let run = sync.last_run.unwrap();
        assert_eq!((run.counts.removes.accepted(), run.counts.adds.planned()), (350, 0));
        // The account of the cohort is that of the last read, not of the clean-up.
        assert_eq!(sync.last_account.unwrap().counts.adds.accepted(), 350);
        let again = world.refused(Command::StopAndCleanUp(COHORT, Removal::Delete)).await;
        assert!(matches!(again, Refusal::WrongStatus(_)), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_can_delete_the_attribute() {
    let world = World::with_cohort(people(0, 120)).await;
    world.sync().await;
    done(&world, Command::StopAndCleanUp(COHORT, Removal::Delete)).await;
    assert!(world.members_in_mparticle(NAME).is_empty());
    assert_eq!(history(&world, 5, NAME), [Some(true), None]);
    // A new start begins from nobody.
    let run = world.sync().await;
    assert_eq!(run.counts.adds.accepted(), 120);
    assert_eq!(world.current_members(), keys(0, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_was_stopped_long_ago_can_still_be_cleaned_up() {
    let world = World::with_cohort(people(0, 20)).await;
    world.sync().await;
    world.handle().send(Command::Stop(COHORT)).await.unwrap();
    assert_eq!(world.current_members().len(), 20);
    done(&world, Command::StopAndCleanUp(COHORT, Removal::SetFalse)).await;
    assert!(world.current_members().is_empty());
}

/// A run at work ends first, and whoever it has told is cleaned up as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_waits_for_the_run_at_work() {
    let world = World::with_cohort(people(0, 3_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 20 }).times(12));
    world.handle().send(Command::Start(request(SyncKind::Recurring))).await.unwrap();
    world
        .until("some are accepted", |snapshot| {
            let progress = snapshot.cohort(COHORT).and_then(|view| view.sync.as_ref()?.progress.clone());
            progress.is_some_and(|progress| progress.counts.accepted() >= 200)
        })
        .await;
    let snapshot = done(&world, Command::StopAndCleanUp(COHORT, Removal::SetFalse)).await;
    assert_eq!(
        purposes(&snapshot).into_iter().map(|(purpose, _)| purpose).collect::<Vec<_>>(),
        [Purpose::Update, Purpose::CleanUp(Removal::SetFalse)]
    );
    assert_eq!(world.status(), SyncStatus::Stopped);
    assert!(world.current_members().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_that_fails_is_taken_up_again_by_a_restart() {
    let mut world = World::with_cohort(people(0, 250)).await;
    world.sync().await;
    world.control.push_fault(Fault::mparticle(Effect::CutAfterApply).forever());
    done(&world, Command::StopAndCleanUp(COHORT, Removal::SetFalse)).await;
    assert_eq!(world.status(), SyncStatus::Failed);
    world.control.clear_faults();
    world.shut_down().await;
    world.settings.schedule = true;
    world.try_start().await.unwrap();
    // What is due waits for its next tick, and a person can be faster.
    world.handle().send(Command::Resume(COHORT)).await.unwrap();
    world
        .until("it is stopped", |snapshot| {
            snapshot.cohort(COHORT).is_some_and(|view| view.status() == SyncStatus::Stopped)
        })
        .await;
    assert!(world.current_members().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_moves_to_another_attribute() {
    for removal in Removal::ALL {
        let world = World::with_cohort(people(0, 250)).await;
        world.sync().await;
        world.control.set_members(COHORT.0, people(50, 250));
        let elsewhere = StartRequest {
            attribute: Some("Heavy users".to_owned()),
            former: removal,
            ..request(SyncKind::Recurring)
        };
        let snapshot = done(&world, Command::Start(elsewhere)).await;
        assert_eq!(
            purposes(&snapshot)[1..],
            [(Purpose::Update, "Heavy users".to_owned()), (Purpose::CleanUp(removal), NAME.to_owned())]
        );
        let now: Vec<String> = world
            .members_in_mparticle("Heavy users")
            .into_iter()
            .filter_map(|(key, value)| value.then_some(key))
            .collect();
        assert_eq!(now, keys(50, 250));
        assert!(world.current_members().is_empty(), "the old attribute has ended");
        let last = if removal == Removal::Delete { None } else { Some(false) };
        assert_eq!(history(&world, 3, NAME), [Some(true), last]);
        let sync = world.view(COHORT).sync.clone().unwrap();
        assert_eq!((sync.attribute.as_str(), sync.baseline), ("Heavy users", 250));
        assert!(sync.former.is_empty(), "{:?}", sync.former);
        assert_eq!((sync.status, sync.kind), (SyncStatus::Synced, SyncKind::Recurring));
        // The name is free again for another cohort.
        world.add_cohort(2, "Other", people(0, 5));
        world.refresh().await;
        let other = StartRequest {
            attribute: Some(NAME.to_owned()),
            ..StartRequest::new(CohortId(2), SyncKind::OneTime)
        };
        assert_eq!(world.run_by(CohortId(2), Command::Start(other)).await.counts.accepted(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_goes_on_after_a_restart_and_back_again() {
    let mut world = World::with_cohort(people(0, 250)).await;
    world.sync().await;
    // The new attribute is told, then the feed refuses everything.
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 1 }).times(3));
    world.control.push_fault(
        Fault::mparticle(Effect::Status { code: 403, body: String::new(), headers: Vec::new() }).forever(),
    );
    let to = |attribute: &str| StartRequest {
        attribute: Some(attribute.to_owned()),
        ..request(SyncKind::Recurring)
    };
    done(&world, Command::Start(to("New"))).await;
    assert_eq!(world.status(), SyncStatus::Paused);
    let sync = world.view(COHORT).sync.clone().unwrap();
    assert_eq!((sync.former.len(), sync.former[0].members), (1, 250));
    world.add_cohort(2, "Other", people(0, 5));
    world.shut_down().await;
    world.control.clear_faults();
    world.start().await;
    let taken = StartRequest {
        attribute: Some(NAME.to_owned()),
        ..StartRequest::new(CohortId(2), SyncKind::OneTime)
    };
    let refusal = world.refused(Command::Start(taken)).await;
    assert!(matches!(refusal, Refusal::AttributeTaken { .. }), "people still hold it: {refusal:?}");
    // Back to the first attribute: whoever holds it needs not be told, and the second one ends.
    let snapshot = done(&world, Command::Start(to(NAME))).await;
    let update = &snapshot.ended_runs[0].run;
    assert_eq!((update.counts.unchanged, update.counts.planned()), (250, 0));
    assert_eq!(world.current_members(), keys(0, 250));
    assert!(world.members_in_mparticle("New").into_values().all(|value| !value));
    let sync = world.view(COHORT).sync.clone().unwrap();
    assert!(sync.former.is_empty(), "{:?}", sync.former);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_tells_every_member_again_and_removes_who_left() {
    let world = World::with_cohort(people(0, 300)).await;
    world.sync().await;
    let first = world.view(COHORT).sync.clone().unwrap().last_full.unwrap();
    world.control.set_members(COHORT.0, people(20, 300));
    let run = world.run_by(COHORT, Command::FullRefresh(COHORT)).await;
    assert_eq!((run.outcome, run.purpose), (Some(Outcome::Succeeded), Purpose::FullRefresh));
    assert_eq!((run.counts.adds.accepted(), run.counts.removes.accepted()), (300, 20));
    assert_eq!(run.counts.unchanged, 0);
    assert_eq!(world.current_members(), keys(20, 300));
    assert_eq!(history(&world, 100, NAME), [Some(true), Some(true)], "never set back in between");
    let sync = world.view(COHORT).sync.clone().unwrap();
    assert!(sync.last_full.unwrap() > first);
    assert_eq!(sync.baseline, 300);
    let next = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((next.purpose, next.counts.planned()), (Purpose::Update, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_who_entered_in_a_full_refresh_from_whom_it_told_again() {
    let world = World::with_cohort(people(0, 300)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(20, 300));
    let run = world.run_by(COHORT, Command::FullRefresh(COHORT)).await;
    let mut turns = [0; 3];
    let mut before = 0;
    world
        .reader()
        .for_each_person::<StoreError>(&held(NAME), |person| {
            turns[person.presence.turns().count()] += 1;
            before += usize::from(person.presence.at(run.started_at));
            Ok(true)
        })
        .unwrap();
    assert_eq!(turns, [0, 300, 20], "20 entered and left, 280 entered once, 20 entered by the refresh");
    assert_eq!(before, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_comes_by_itself_when_it_is_time() {
    let mut world = World::new().await;
    world.add_cohort(COHORT.0, NAME, people(0, 30));
    world.settings.full_refresh_every = Some(std::time::Duration::from_millis(1));
    world.start().await;
    world.sync().await;
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.purpose, run.counts.adds.accepted()), (Purpose::FullRefresh, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_keeps_a_removal_limit_of_its_own() {
    let world = World::with_cohort(people(0, 200)).await;
    let strict = StartRequest { max_removal_share: Some(0.05), ..request(SyncKind::Recurring) };
    world.run_by(COHORT, Command::Start(strict)).await;
    world.control.set_members(COHORT.0, people(11, 189));
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(run.outcome, Some(Outcome::Paused), "11 of 200 are more than 5 %: {run:?}");
    let pause = world.view(COHORT).sync.clone().unwrap().pause.unwrap();
    assert_eq!(pause.sample.len(), 6);
    let gone = keys(0, 11);
    assert!(pause.sample.iter().all(|user| gone.contains(&format!("mpid {user}"))), "{:?}", pause.sample);
    let before = world.control.feed_requests().len();
    let run = world.run_by(COHORT, Command::Approve(COHORT)).await;
    assert_eq!(
        (run.counts.removes.accepted(), run.id),
        (11, world.view(COHORT).sync.clone().unwrap().last_run.unwrap().id)
    );
    assert_eq!(world.control.feed_requests().len() - before, 1);
    let loose = StartRequest { max_removal_share: Some(1.0), ..request(SyncKind::Recurring) };
    world.control.set_members(COHORT.0, people(180, 20));
    let run = world.run_by(COHORT, Command::Start(loose)).await;
    assert_eq!((run.outcome, run.counts.removes.accepted()), (Some(Outcome::Succeeded), 169));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_that_was_asked_for_is_not_forgotten_by_a_failure_or_a_restart() {
    let mut world = World::with_cohort(people(0, 250)).await;
    world.sync().await;
    let refused = Effect::Status { code: 403, body: String::new(), headers: Vec::new() };
    world.control.push_fault(Fault::mparticle(refused).forever());
    let run = world.run_by(COHORT, Command::FullRefresh(COHORT)).await;
    assert_eq!((run.purpose, run.outcome), (Purpose::FullRefresh, Some(Outcome::Paused)));
    world.shut_down().await;
    world.control.clear_faults();
    world.start().await;
    let run = world.sync().await;
    assert_eq!((run.purpose, run.counts.adds.accepted()), (Purpose::FullRefresh, 250));
    let next = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((next.purpose, next.counts.planned()), (Purpose::Update, 0), "once is enough");
}
