//! The failure policy: every fault of either service, scripted, and what the run makes of it.

use crate::world::*;
use cohort_sync::domain::{Outcome, PauseCause, SyncKind};
use cohort_sync::sandbox::{Effect, Fault, RejectedUsers};
use cohort_sync::store::RunRecord;
use cohort_sync::sync::command::{Command, StartRequest};

async fn with_fault(people_count: i64, fault: Fault) -> (World, RunRecord) {
    let world = World::with_cohort(people(0, people_count)).await;
    world.control.push_fault(fault);
    let run = world.export().await;
    (world, run)
}

fn status(code: u16, body: &str) -> Effect {
    Effect::Status { code, body: body.to_owned(), headers: Vec::new() }
}

/// Faults that pass are survived without a trace in the result.
#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_retried() {
    let faults = [
        Fault::mparticle(status(503, "")).times(3),
        Fault::mparticle(Effect::RetryAfterSeconds { seconds: 1 }),
        Fault::mparticle(Effect::RetryAfterDate { seconds: 1 }),
        Fault::mparticle(Effect::Html { code: 502 }).times(2),
        Fault::mparticle(Effect::Html { code: 200 }),
        Fault::mparticle(Effect::CutBeforeApply),
        Fault::mparticle(Effect::CutAfterApply),
        Fault::mixpanel(status(500, r#"{"error":"oops"}"#)).at_path("engage").times(2),
        Fault::mixpanel(Effect::Html { code: 502 }).at_path("engage"),
        Fault::mixpanel(Effect::Html { code: 200 }).at_path("engage"),
        Fault::mixpanel(Effect::TruncatedBody).at_path("engage"),
        Fault::mixpanel(Effect::CutBeforeApply).at_page(1),
        Fault::mixpanel(Effect::SlowBody { milliseconds: 200 }).at_page(2),
        Fault::mixpanel(Effect::SessionExpired).at_page(1),
        Fault::mixpanel(Effect::WrongSession).at_page(1),
        Fault::mixpanel(Effect::ShortPage).at_page(1),
    ];
    for fault in faults {
        let described = format!("{fault:?}");
        let began = std::time::Instant::now();
        let (world, run) = with_fault(2_500, fault).await;
        eprintln!("{:?} {described}", began.elapsed());
        assert_eq!(run.outcome, Some(Outcome::Succeeded), "{described}: {:?}", run.error);
        assert_eq!(run.counts.accepted(), 2_500, "{described}");
        assert_eq!(world.current_members(), keys(0, 2_500), "{described}");
        assert!(world.control.pending_faults().is_empty(), "{described} never struck");
    }
}

/// Faults that stay end the run, keep what was accepted, and the next run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_fails_the_run_and_the_next_goes_on() {
    let faults = [
        Fault::mparticle(status(503, "")).forever(),
        Fault::mparticle(Effect::CutAfterApply).forever(),
        Fault::mixpanel(status(500, "")).at_page(1).forever(),
        Fault::mixpanel(Effect::TruncatedBody).at_path("engage").forever(),
        Fault::mixpanel(Effect::ShortPage).at_page(0).forever(),
        Fault::mixpanel(Effect::WrongSession).at_page(1).forever(),
    ];
    for fault in faults {
        let described = format!("{fault:?}");
        let (world, run) = with_fault(2_500, fault).await;
        assert_eq!(run.outcome, Some(Outcome::Failed), "{described}");
        assert!(run.error.as_ref().is_some_and(|error| error.len() > 20), "{described}: {:?}", run.error);
        world.control.clear_faults();
        let next = world.export().await;
        assert_eq!(next.outcome, Some(Outcome::Succeeded), "{described}: {:?}", next.error);
        assert_eq!(world.current_members(), keys(0, 2_500), "{described}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_user_is_found_by_halving_and_the_others_are_delivered() {
    let bad = mpid(77).to_string();
    let (world, run) =
        with_fault(250, Fault::mparticle(Effect::BadRequestIfContains { identity: bad }).forever()).await;
    assert_eq!(run.outcome, Some(Outcome::Succeeded));
    assert_eq!((run.counts.accepted(), run.counts.rejected()), (249, 1));
    assert_eq!(world.current_members().len(), 249);
    let mut rejected = Vec::new();
    world
        .reader()
        .for_each_change::<cohort_sync::store::StoreError>(run.id, |rows| {
            rejected.extend(rows.into_iter().filter(|row| row.reason.is_some()));
            Ok(true)
        })
        .unwrap();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].change.distinct_id.as_deref(), Some("user-77"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_202_with_errors_rejects_exactly_those_it_names() {
    let fault = Fault::mparticle(Effect::RejectUsers { users: RejectedUsers::EveryNth(10) });
    let (world, run) = with_fault(100, fault).await;
    assert_eq!((run.counts.accepted(), run.counts.rejected()), (90, 10));
    assert_eq!(world.current_members().len(), 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_202_whose_errors_name_nobody_is_cleared_up_by_sending_apart() {
    let (world, run) = with_fault(100, Fault::mparticle(Effect::RejectWithoutIndex { users: 3 })).await;
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.error);
    assert_eq!(run.counts.accepted() + run.counts.rejected(), 100);
    assert_eq!(world.current_members().len() as u64, run.counts.accepted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_of_many_that_is_too_large_is_split() {
    let (world, run) = with_fault(100, Fault::mparticle(status(413, "")).times(3)).await;
    assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Succeeded), 100), "{:?}", run.error);
    assert_eq!(world.current_members(), keys(0, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_pauses_and_resuming_goes_on() {
    let unauthenticated = r#"{"error":"Unable to authenticate request"}"#;
    let gate = r#"{"error":"Your plan does not allow API calls. Upgrade at mixpanel.com/pricing"}"#;
    let cases = [
        (Fault::mparticle(status(401, "")), PauseCause::MparticleFeed),
        (Fault::mparticle(status(403, "")), PauseCause::MparticleFeed),
        (Fault::mparticle(status(404, "")), PauseCause::MparticleFeed),
        (Fault::mixpanel(status(401, "")).at_path("engage"), PauseCause::MixpanelCredentials),
        (Fault::mixpanel(status(400, unauthenticated)).at_path("engage"), PauseCause::MixpanelCredentials),
        (Fault::mixpanel(status(402, gate)).at_path("engage"), PauseCause::MixpanelPlan),
        (
            Fault::mixpanel(status(403, r#"{"error":"Permission denied"}"#)).at_path("engage"),
            PauseCause::MixpanelPermission,
        ),
    ];
    for (fault, cause) in cases {
        let described = format!("{fault:?}");
        let (world, run) = with_fault(250, fault.forever()).await;
        assert_eq!(run.outcome, Some(Outcome::Paused), "{described}");
        let pause = world.view(COHORT).sync.as_ref().unwrap().pause.clone().unwrap();
        assert_eq!((pause.cause, pause.held_run), (cause, None), "{described}");
        assert_eq!(world.reader().baseline(&held(NAME)).count(), 0, "{described}");
        world.control.clear_faults();
        let next = world.export().await;
        assert_eq!((next.outcome, next.counts.accepted()), (Some(Outcome::Succeeded), 250), "{described}");
    }
}

/// The lost answer: mParticle took the add, nobody heard so, and the person left before the next run.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_never_leaves_an_old_value_behind() {
    let (world, run) = with_fault(50, Fault::mparticle(Effect::CutAfterApply).forever()).await;
    assert_eq!(run.outcome, Some(Outcome::Failed));
    assert_eq!(world.current_members(), keys(0, 50), "the sandbox applied what it never answered");
    world.control.clear_faults();
    world.control.set_members(COHORT.0, people(10, 40));
    let next = world.export().await;
    assert_eq!(next.counts.removes.accepted(), 10);
    assert_eq!(world.current_members(), keys(10, 40));
}

/// A retry is refused for some although the try before it was taken: they may have the attribute all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_after_a_lost_answer_proves_nothing() {
    let world = World::with_cohort(people(0, 100)).await;
    world.control.push_fault(Fault::mparticle(Effect::CutAfterApply));
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users: RejectedUsers::EveryNth(10) }));
    let run = world.sync().await;
    assert_eq!((run.counts.accepted(), run.counts.rejected()), (90, 10));
    assert_eq!(world.current_members().len(), 100, "the try that nobody heard of was taken");
    // Everybody leaves: those who were rejected are told as well, although no baseline knows them.
    world.control.set_members(COHORT.0, people(100, 150));
    let request = StartRequest { approve_removals: true, ..request(SyncKind::Recurring) };
    let run = world.run_by(COHORT, Command::Start(request)).await;
    assert_eq!((run.counts.removes.accepted(), run.counts.adds.accepted()), (100, 150), "{run:?}");
    assert_eq!(world.current_members(), keys(100, 150));
    let nothing = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((nothing.counts.planned(), nothing.counts.unchanged), (0, 150), "and then no more");
}

/// Whoever is in doubt stays so while mParticle keeps refusing, and not a moment longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_outlives_runs_that_are_refused() {
    let world = World::with_cohort(people(0, 20)).await;
    world.control.push_fault(Fault::mparticle(Effect::CutAfterApply));
    let refused = RejectedUsers::Identities(vec![mpid(7).to_string()]);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users: refused }).forever());
    world.sync().await;
    world.control.set_members(COHORT.0, people(10, 10));
    for _ in 0..3 {
        let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
        assert_eq!((run.outcome, run.counts.rejected()), (Some(Outcome::Succeeded), 1), "{run:?}");
        assert_eq!(world.current_members().len(), 11, "it cannot be told");
    }
    world.control.clear_faults();
    world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(world.current_members(), keys(10, 10));
    assert_eq!(world.run_by(COHORT, Command::RunNow(COHORT)).await.counts.planned(), 0);
}

/// Most of a request was taken, nobody knows who was not, and before the parts could tell, the feed refuses us.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_in_part_stays_in_doubt_when_the_feed_refuses() {
    let world = World::with_cohort(people(0, 100)).await;
    world.control.push_fault(Fault::mparticle(Effect::RejectWithoutIndex { users: 3 }));
    world.control.push_fault(Fault::mparticle(status(403, "")).forever());
    let run = world.sync().await;
    assert_eq!((run.outcome, run.counts.accepted()), (Some(Outcome::Paused), 0), "{run:?}");
    assert_eq!(world.current_members().len(), 97);
    world.control.clear_faults();
    world.control.set_members(COHORT.0, people(90, 30));
    world.sync().await;
    assert_eq!(world.current_members(), keys(90, 30), "whoever was taken and left is told");
}
