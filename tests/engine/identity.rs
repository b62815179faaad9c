//! One person under several identities, and the order in which values land: an older one never on a newer one.

use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind};
use cohort_sync::sandbox::{Effect, Fault, PersonSeed, ProfileKey, RejectedUsers};
use cohort_sync::sync::command::{Command, StartRequest};

fn customer(value: &str) -> ProfileKey {
    ProfileKey::Identity { kind: "customer_id".to_owned(), value: value.to_owned() }
}

/// People whom mParticle knows by customer id and by MPID as one.
fn link(world: &World, count: i64) {
    for n in 0..count {
        world.control.link_profile(customer(&format!("user-{n}")), ProfileKey::Mpid(mpid(n)));
    }
}

fn unmatched(first: i64, count: i64) -> Vec<PersonSeed> {
    (first..first + count).map(|n| PersonSeed::unmatched(format!("user-{n}"))).collect()
}

fn history(world: &World, n: i64) -> Vec<Option<bool>> {
    world.control.attribute_history(&ProfileKey::Mpid(mpid(n)), NAME)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gains_an_mpid_leaves_under_the_old_identity_first() {
    let world = World::with_cohort(unmatched(0, 350)).await;
    link(&world, 350);
    world.sync().await;
    world.control.set_members(COHORT.0, people(0, 350));
    let request = StartRequest { approve_removals: true, ..request(SyncKind::Recurring) };
    // A slow feed with parallel senders is where a race would show.
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 5 }).times(3));
    let run = world.run_by(COHORT, Command::Start(request)).await;
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.accepted()), (350, 350));
    for n in 0..350 {
        assert_eq!(history(&world, n), [Some(true), Some(false), Some(true)], "user-{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_an_mpid_leaves_under_the_old_identity_first() {
    let world = World::with_cohort(people(0, 150)).await;
    link(&world, 150);
    world.sync().await;
    world.control.set_members(COHORT.0, unmatched(0, 150));
    let request = StartRequest { approve_removals: true, ..request(SyncKind::Recurring) };
    world.run_by(COHORT, Command::Start(request)).await;
    for n in 0..150 {
        assert_eq!(history(&world, n).last(), Some(&Some(true)), "user-{n}");
    }
}

/// The old identity was refused at first, so its removal comes when the new one is long in the baseline.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_removal_under_an_old_identity_does_not_undo_the_new_one() {
    let world = World::with_cohort([unmatched(0, 1), people(1, 200)].concat()).await;
    link(&world, 1);
    world.sync().await;
    world.control.set_members(COHORT.0, people(0, 201));
    let refused = Effect::BadRequestIfContains { identity: "user-0".to_owned() };
    world.control.push_fault(Fault::mparticle(refused).forever());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.rejected(), run.counts.adds.accepted()), (1, 1), "{run:?}");
    world.control.clear_faults();
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.accepted()), (1, 1), "told again: {run:?}");
    assert_eq!(run.counts.unchanged, 200);
    assert_eq!(history(&world, 0).last(), Some(&Some(true)));
    assert_eq!(world.current_members(), keys(0, 201));
    let nothing = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((nothing.counts.planned(), nothing.counts.unchanged), (0, 201));
}

/// Two profiles of one person, one of them by customer id: when that one takes on the MPID, nobody new enters.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_joins_another_does_not_take_the_person_out() {
    let twin = PersonSeed::unmatched("twin");
    let world = World::with_cohort([people(0, 120), vec![twin]].concat()).await;
    world.control.link_profile(customer("twin"), ProfileKey::Mpid(mpid(7)));
    world.sync().await;
    world
        .control
        .set_members(COHORT.0, [people(0, 120), vec![PersonSeed::matched("twin", mpid(7))]].concat());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(run.outcome, Some(Outcome::Succeeded));
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.accepted()), (1, 1));
    assert_eq!(history(&world, 7).last(), Some(&Some(true)));
}

/// Removals that could not be delivered keep the adds back, since they may concern the same profiles.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_enters_before_whoever_leaves_was_told() {
    let world = World::with_cohort(people(0, 300)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(100, 300));
    world.control.push_fault(Fault::mparticle(Effect::CutAfterApply).forever());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(run.outcome, Some(Outcome::Failed));
    for n in 300..400 {
        assert!(history(&world, n).is_empty(), "user-{n} was told before the removals were answered");
    }
    world.control.clear_faults();
    world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(world.current_members(), keys(100, 300));
}

/// The client gave up on a request, the server did not: a copy arrives long after newer values were told.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_copy_of_an_old_request_lands_on_nothing_newer() {
    let world = World::with_cohort(people(0, 150)).await;
    let late = Effect::CutThenApply { milliseconds: 1_500 };
    world.control.push_fault(Fault::mparticle(late).forever());
    let run = world.sync().await;
    assert_eq!(run.outcome, Some(Outcome::Failed));
    let sent = world.control.feed_requests().len();
    world.control.clear_faults();
    world.control.set_members(COHORT.0, people(10, 140));
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.outcome, run.counts.removes.accepted()), (Some(Outcome::Succeeded), 10), "{run:?}");
    assert_eq!(world.current_members(), keys(10, 140));
    // What was sent again went under the run that was in doubt, and is told of there.
    let first = world.reader().run(cohort_sync::domain::RunId(1)).unwrap().unwrap();
    assert_eq!((first.outcome, first.counts.accepted()), (Some(Outcome::Failed), 150));
    let answered = world.control.feed_requests().len() - sent;
    let arrived = || world.control.feed_requests().len() >= 2 * sent + answered;
    for _ in 0..600 {
        if arrived() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(arrived(), "the late copies never came");
    assert_eq!(world.current_members(), keys(10, 140), "and changed nothing");
    assert!(world.control.repeated_batches() >= 150);
}

/// The removal by MPID was refused at first, so it comes when the person is long a member by customer id. Nobody
/// can know that the two are one, so whoever entered meanwhile is told again.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_removal_under_an_old_mpid_is_made_good_by_the_next_run() {
    let world = World::with_cohort(people(0, 201)).await;
    link(&world, 1);
    world.sync().await;
    world.control.set_members(COHORT.0, [unmatched(0, 1), people(1, 200)].concat());
    let refused = RejectedUsers::Identities(vec![mpid(0).to_string()]);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users: refused }).forever());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.rejected(), run.counts.adds.accepted()), (1, 1), "{run:?}");
    world.control.clear_faults();
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.planned()), (1, 0), "{run:?}");
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.adds.accepted(), run.counts.unchanged), (1, 200), "{run:?}");
    assert_eq!(history(&world, 0).last(), Some(&Some(true)));
    let nothing = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((nothing.counts.planned(), nothing.counts.unchanged), (0, 201));
}

/// The removal was answered, and the run ended before the member it may have reached was told again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_to_be_told_again_is_told_by_the_next_run() {
    let world = World::with_cohort([people(0, 120), unmatched(500, 1)].concat()).await;
    world.control.link_profile(customer("user-500"), ProfileKey::Mpid(mpid(7)));
    world.sync().await;
    let joined = PersonSeed::matched("user-500", mpid(7));
    world.control.set_members(COHORT.0, [people(0, 120), vec![joined]].concat());
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 1 }));
    let refused = Effect::Status { code: 403, body: String::new(), headers: Vec::new() };
    world.control.push_fault(Fault::mparticle(refused).forever());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.outcome, run.counts.removes.accepted()), (Some(Outcome::Paused), 1), "{run:?}");
    assert_eq!(history(&world, 7).last(), Some(&Some(false)), "the removal reached the very same profile");
    world.control.clear_faults();
    let run = world.sync().await;
    assert_eq!((run.counts.adds.accepted(), run.counts.unchanged), (1, 119), "{run:?}");
    assert_eq!(world.current_members(), keys(0, 120));
    assert_eq!(world.run_by(COHORT, Command::RunNow(COHORT)).await.counts.planned(), 0);
}

/// The removal under the customer id was refused, so it is in the baseline still when the person, whose MPID is
/// gone again, is a member under it once more; the removal by MPID reaches the same profile.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_under_an_identity_that_could_not_leave_is_told() {
    let world = World::with_cohort([unmatched(0, 1), people(1, 200)].concat()).await;
    link(&world, 1);
    world.sync().await;
    world.control.set_members(COHORT.0, people(0, 201));
    let refused = RejectedUsers::Identities(vec!["user-0".to_owned()]);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users: refused }).forever());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.rejected(), run.counts.adds.accepted()), (1, 1), "{run:?}");
    world.control.clear_faults();
    world.control.set_members(COHORT.0, [unmatched(0, 1), people(1, 200)].concat());
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.accepted()), (1, 1), "{run:?}");
    assert_eq!(history(&world, 0).last(), Some(&Some(true)));
    assert_eq!(world.run_by(COHORT, Command::RunNow(COHORT)).await.counts.planned(), 0);
}
