//! Runs that are ended, fail or are refused at an awkward moment, and what that leaves of their syncs: nothing that
//! was over begins anew, nothing that was to be cleaned up is forgotten, and what was acknowledged survives a crash.

use crate::simulated::unattended;
use crate::world::*;
use cohort_sync::domain::{Identity, Outcome, Purpose, Removal, SyncKind, SyncStatus};
use cohort_sync::sandbox::{DelayRange, Effect, Fault, Latency, SandboxOptions};
use cohort_sync::sync::command::{AdoptRequest, Command, StartRequest};
use cohort_sync::sync::snapshot::{RunProgress, Snapshot};
use std::time::Duration;

fn status(code: u16) -> Effect {
    Effect::Status { code, body: String::new(), headers: Vec::new() }
}

fn dry() -> Command {
    Command::Start(StartRequest { dry_run: true, ..request(SyncKind::Recurring) })
}

fn move_to(attribute: &str) -> Command {
    Command::Start(StartRequest { attribute: Some(attribute.to_owned()), ..request(SyncKind::Recurring) })
}

fn progress(snapshot: &Snapshot) -> Option<RunProgress> {
    snapshot.cohort(COHORT).and_then(|view| view.sync.as_ref()?.progress.clone())
}

async fn send(world: &World, command: Command) {
    world.handle().send(command).await.unwrap();
}

/// Sends a command and waits until a run has ended and nothing more is at work.
async fn done(world: &World, command: Command) {
    let before = world.snapshot().ended_runs.len();
    send(world, command).await;
    let is_done = |snapshot: &Snapshot| snapshot.ended_runs.len() > before && snapshot.active() == 0;
    world.until("nothing is at work any more", is_done).await;
}

/// Who has an attribute as `true`.
fn holders(world: &World, attribute: &str) -> usize {
    world.members_in_mparticle(attribute).into_values().filter(|value| *value).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_its_sync_as_it_is_however_it_ends() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(0, 20));
    let held = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    let is_held =
        || world.view(COHORT).sync.as_ref().unwrap().pause.as_ref().unwrap().held_run == Some(held.id);
    for rests in [SyncStatus::Paused, SyncStatus::Stopped] {
        if rests == SyncStatus::Stopped {
            send(&world, Command::Stop(COHORT)).await;
        }
        // Refused, given up, cancelled.
        world.control.push_fault(Fault::mixpanel(status(401)).forever());
        assert_eq!(world.run_by(COHORT, dry()).await.outcome, Some(Outcome::Paused));
        assert_eq!(world.status(), rests);
        world.control.clear_faults();
        world.control.push_fault(Fault::mixpanel(status(500)).forever());
        assert_eq!(world.run_by(COHORT, dry()).await.outcome, Some(Outcome::Failed));
        assert_eq!(world.status(), rests);
        world.control.clear_faults();
        world.control.push_fault(Fault::mixpanel(Effect::Delay { milliseconds: 300 }).forever());
        send(&world, dry()).await;
        world.until("it reads", |snapshot| progress(snapshot).is_some_and(|run| run.id.is_some())).await;
        done(&world, Command::Cancel(COHORT)).await;
        assert_eq!(world.status(), rests);
        let sync = world.view(COHORT).sync.clone().unwrap();
        assert_eq!((sync.next_due, sync.last_run.unwrap().outcome), (None, Some(Outcome::Cancelled)));
        assert!(rests == SyncStatus::Stopped || is_held(), "the plan still waits for its decision");
        world.control.clear_faults();
    }
}

/// The attribute a sync left ends first and its own last: only then is the sync over, so that no failure on the way
/// finds it stopped and puts it back on its schedule.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_of_two_attributes_that_fails_in_the_middle_never_exports_again() {
    for interruption in [status(500), status(403)] {
        let world = World::with_cohort(people(0, 250)).await;
        world.sync().await;
        // The new attribute is told; then the feed refuses to take the old one back.
        world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 1 }).times(3));
        world.control.push_fault(Fault::mparticle(status(403)).forever());
        done(&world, move_to("New")).await;
        world.control.clear_faults();

        world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 1 }).times(3));
        world.control.push_fault(Fault::mparticle(interruption).forever());
        done(&world, Command::StopAndCleanUp(COHORT, Removal::SetFalse)).await;
        assert_eq!((holders(&world, NAME), holders(&world, "New")), (0, 250));
        world.control.clear_faults();
        send(&world, Command::Resume(COHORT)).await;
        let is_queued = |snapshot: &Snapshot| snapshot.cohort(COHORT).unwrap().status() == SyncStatus::Queued;
        world.until("it is due again", is_queued).await;
        let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
        assert_eq!(run.purpose, Purpose::CleanUp(Removal::SetFalse));
        assert_eq!(world.status(), SyncStatus::Stopped);
        assert_eq!((holders(&world, NAME), holders(&world, "New")), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_cancelled_goes_on_when_it_is_run_again() {
    let world = World::with_cohort(people(0, 2_000)).await;
    world.sync().await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 30 }).forever());
    send(&world, move_to("New")).await;
    let some = |snapshot: &Snapshot| progress(snapshot).is_some_and(|run| run.counts.accepted() >= 200);
    world.until("some are told", some).await;
    done(&world, Command::Cancel(COHORT)).await;
    assert_eq!(world.current_members().len(), 2_000, "nobody lost the old attribute yet");
    world.control.clear_faults();
    done(&world, move_to("New")).await;
    assert_eq!((holders(&world, NAME), holders(&world, "New")), (0, 2_000));
    assert!(world.view(COHORT).sync.clone().unwrap().former.is_empty());
}

/// The command line adopts, ends the engine at once and says how many it holds now.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_snapshot_knows_of_the_last_adoption() {
    for _ in 0..20 {
        let mut world = World::with_cohort(people(0, 5)).await;
        let people = (0..150).map(|n| Identity::Mpid(mpid(n))).collect();
        let snapshots = world.handle().snapshots();
        send(&world, Command::Adopt(AdoptRequest { cohort: COHORT, attribute: None, people })).await;
        world.shut_down().await;
        let last = snapshots.borrow().clone();
        assert_eq!(last.cohort(COHORT).unwrap().sync.as_ref().unwrap().baseline, 150);
    }
}

/// A run at work ends between two requests, which takes its time; a crash meanwhile must not undo the command.
#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_survives_a_kill_before_the_run_has_ended() {
    let answers = Duration::from_millis(400);
    let latency = Latency { feed: DelayRange { min: answers, max: answers }, ..Latency::NONE };
    let clean_up = Command::StopAndCleanUp(COHORT, Removal::SetFalse);
    let commands = [
        (Command::Pause(COHORT), SyncStatus::Paused, false),
        (Command::Stop(COHORT), SyncStatus::Stopped, false),
        (clean_up, SyncStatus::Stopped, true),
    ];
    for (command, rests, cleans_up) in commands {
        let options = SandboxOptions { latency, ..SandboxOptions::quiet() };
        let mut world = World::simulated(unattended(), options).await;
        world.add_cohort(COHORT.0, NAME, people(0, 5_000));
        world.start().await;
        send(&world, Command::Start(request(SyncKind::Recurring))).await;
        world.until("some are accepted", |_| world.current_members().len() >= 1_000).await;
        send(&world, command).await;
        world.kill().await;
        world.pass(Duration::from_secs(10)).await;
        let told = world.current_members().len();
        world.try_start().await.unwrap();
        world.pass(Duration::from_mins(5)).await;
        assert_eq!(world.status(), rests);
        let expected = if cleans_up { 0 } else { told };
        assert_eq!(world.current_members().len(), expected);
    }
}
