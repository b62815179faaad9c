//! Syncs of one feed that are due together tell a user who changes in several of them once, and every cohort has exact
//! accounts of what is its own all the same.

use super::unattended;
use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, SyncKind};
use cohort_sync::sandbox::{DelayRange, Effect, Fault, Latency, RejectedUsers, SandboxOptions};
use cohort_sync::store::RunRecord;
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::pages::{Answer, Body, JournalPlace, Question};
use cohort_sync::sync::snapshot::CohortView;
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// Cohorts of so many people, each of which shares half of them with the next.
const SIZE: i64 = 400;

fn id(n: u64) -> CohortId {
    CohortId(COHORT.0 + n)
}

fn attribute(n: u64) -> String {
    format!("Cohort {n}")
}

fn first(n: u64) -> i64 {
    n.cast_signed() * SIZE / 2
}

async fn overlapping(cohorts: u64, options: SandboxOptions) -> World {
    let mut world = World::simulated(unattended(), options).await;
    for n in 0..cohorts {
        world.add_cohort(id(n).0, &attribute(n), people(first(n), SIZE));
    }
    world.start().await;
    world
}

async fn start_all(world: &World, cohorts: u64) {
    for n in 0..cohorts {
        let start = Command::Start(StartRequest::new(id(n), SyncKind::Recurring));
        world.handle().send(start).await.unwrap();
    }
}

async fn all_have_run(world: &World) {
    let has_run = |view: &CohortView| view.sync.as_ref().is_some_and(|sync| sync.last_run.is_some());
    let done = |view: &CohortView| !view.status().is_active() && has_run(view);
    world.until("all have run", |snapshot| snapshot.cohorts.iter().all(|view| done(view))).await;
}

fn run_of(world: &World, n: u64) -> RunRecord {
    let run = world.runs(id(n)).pop().unwrap();
    assert_counts_add_up(&run);
    run
}

fn holds(world: &World, n: u64) -> Vec<String> {
    let held = world.members_in_mparticle(&attribute(n));
    held.into_iter().filter(|(_, value)| *value).map(|(key, _)| key).collect()
}

#[tokio::test(start_paused = true)]
async fn twenty_cohorts_that_overlap_by_half_need_little_more_than_half_of_the_batches() {
    const COHORTS: u64 = 20;
    let world = overlapping(COHORTS, SandboxOptions::quiet()).await;
    start_all(&world, COHORTS).await;
    all_have_run(&world).await;
    for n in 0..COHORTS {
        let run = run_of(&world, n);
        let came_to = (run.outcome, run.counts.adds.accepted());
        assert_eq!(came_to, (Some(Outcome::Succeeded), SIZE.cast_unsigned()), "{:?}", run.error);
        assert!(holds(&world, n) == keys(first(n), SIZE), "{}", attribute(n));
    }
    let requests = world.control.feed_requests();
    let batches: usize = requests.iter().map(|request| request.batches).sum();
    let apart = usize::try_from(SIZE).unwrap() * 20;
    let share = batches as f64 / apart as f64;
    println!("{batches} batches rather than {apart}: {:.1} %", share * 100.0);
    assert!(share <= 0.6, "{batches} batches rather than {apart}");
    let told: Vec<Value> = requests
        .iter()
        .flat_map(|request| serde_json::from_slice::<Vec<Value>>(request.body.as_deref().unwrap()).unwrap())
        .collect();
    let ids: HashSet<&str> = told.iter().map(|batch| batch["source_request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), told.len(), "every batch has an id of its own");

    // What the journal says that was sent is what was sent, to the letter.
    let journal = world.reader().journal(None, JournalPlace::Newest, 1_000).unwrap();
    let lines = journal.into_iter().map(|row| row.line).filter(|line| line.first_position.is_some());
    let mut shown = HashSet::new();
    for line in lines {
        assert!(line.what.contains("cohorts") || line.what == "batches", "{}", line.what);
        let (run, first_position) = (line.run.unwrap(), line.first_position.unwrap());
        let users = usize::try_from(line.users).unwrap();
        let asked = world.handle().read(Question::Body { run, first_position, users }).await;
        let Ok(Answer::Body(Some(Body::AsSent(body)))) = asked else { panic!("{line:?}: {asked:?}") };
        shown.insert(body.into_bytes());
    }
    assert_eq!(shown.len(), requests.len());
    assert!(requests.iter().all(|request| shown.contains(request.body.as_deref().unwrap())));

    // The next tick: some leave everywhere, and those who are in two cohorts leave both at once.
    let before = world.control.feed_requests().len();
    for n in 0..COHORTS {
        world.control.set_members(id(n).0, people(first(n) + 40, SIZE - 40));
    }
    world.pass(Duration::from_mins(17)).await;
    all_have_run(&world).await;
    for n in 0..COHORTS {
        let run = run_of(&world, n);
        assert_eq!((run.outcome, run.counts.removes.accepted()), (Some(Outcome::Succeeded), 40), "{run:?}");
        assert!(holds(&world, n) == keys(first(n) + 40, SIZE - 40), "{}", attribute(n));
    }
    assert!(world.control.feed_requests().len() > before);
}

/// Some users are refused as such, one only on account of one attribute.
#[tokio::test(start_paused = true)]
async fn a_rejection_is_told_to_each_cohort_that_it_concerns_and_to_no_other() {
    let world = overlapping(3, SandboxOptions::quiet()).await;
    // In the first cohort alone; in the first two; in the last two.
    let refused: Vec<String> = [10, SIZE / 2 + 10, SIZE + 10].iter().map(|n| mpid(*n).to_string()).collect();
    let users = RejectedUsers::Identities(refused);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users }).forever());
    start_all(&world, 3).await;
    all_have_run(&world).await;
    let rejected: Vec<u64> = (0..3).map(|n| run_of(&world, n).counts.rejected()).collect();
    assert_eq!(
        rejected,
        [2, 2, 1],
        "the first two of them are in the first cohort, the last two in the second"
    );
    for n in 0..3 {
        let run = run_of(&world, n);
        assert_eq!(run.outcome, Some(Outcome::Succeeded));
        assert_eq!(run.counts.accepted() + run.counts.rejected(), SIZE.cast_unsigned());
        let held = holds(&world, n);
        assert_eq!(held.len() as u64, run.counts.accepted(), "what is accepted is held");
    }
    // Whoever was refused is told again and taken by the next tick.
    world.control.clear_faults();
    world.pass(Duration::from_mins(17)).await;
    all_have_run(&world).await;
    for n in 0..3 {
        assert!(holds(&world, n) == keys(first(n), SIZE), "{}", attribute(n));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_as_a_whole_is_split_until_the_offender_stands_alone() {
    let world = overlapping(3, SandboxOptions::quiet()).await;
    let culprit = mpid(SIZE / 2 + 10).to_string();
    world.control.push_fault(Fault::mparticle(Effect::BadRequestIfContains { identity: culprit }).forever());
    start_all(&world, 3).await;
    all_have_run(&world).await;
    let rejected: Vec<u64> = (0..3).map(|n| run_of(&world, n).counts.rejected()).collect();
    assert_eq!(rejected, [1, 1, 0]);
    for n in 0..3 {
        assert_eq!(
            holds(&world, n).len() as u64,
            SIZE.cast_unsigned() - rejected[usize::try_from(n).unwrap()]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_convoy_that_was_cut_off_is_taken_up_by_the_next_engine_and_nothing_is_lost() {
    let answers = Duration::from_millis(200);
    let latency = Latency { feed: DelayRange { min: answers, max: answers }, ..Latency::NONE };
    let mut world = overlapping(5, SandboxOptions { latency, ..SandboxOptions::quiet() }).await;
    // Answers that are lost after the request was applied, too.
    world.control.push_fault(Fault::mparticle(Effect::CutAfterApply).times(3));
    start_all(&world, 5).await;
    for _ in 0..4 {
        world.pass(Duration::from_millis(700)).await;
        world.kill().await;
        world.pass(Duration::from_secs(10)).await;
        world.try_start().await.unwrap();
        world.until("it shows what it remembers", |snapshot| snapshot.revision > 0).await;
    }
    world.pass(Duration::from_mins(20)).await;
    all_have_run(&world).await;
    for n in 0..5 {
        assert!(holds(&world, n) == keys(first(n), SIZE), "{}", attribute(n));
        assert_eq!(run_of(&world, n).outcome, Some(Outcome::Succeeded));
        let baseline = world.view(id(n)).sync.as_ref().unwrap().baseline;
        assert_eq!(baseline, SIZE.cast_unsigned());
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_asked_to_end_leaves_the_others_to_go_on() {
    let answers = Duration::from_secs(1);
    let latency = Latency { feed: DelayRange { min: answers, max: answers }, ..Latency::NONE };
    let world = overlapping(4, SandboxOptions { latency, ..SandboxOptions::quiet() }).await;
    start_all(&world, 4).await;
    world.until("some is told", |_| holds(&world, 1).len() > 50).await;
    world.handle().send(Command::Pause(id(1))).await.unwrap();
    all_have_run(&world).await;
    for n in [0, 2, 3] {
        assert_eq!(run_of(&world, n).outcome, Some(Outcome::Succeeded));
        assert!(holds(&world, n) == keys(first(n), SIZE), "{}", attribute(n));
    }
    let stopped = run_of(&world, 1);
    assert_eq!(stopped.outcome, Some(Outcome::Cancelled));
    assert_eq!(holds(&world, 1).len() as u64, stopped.counts.accepted());
    world.handle().send(Command::Resume(id(1))).await.unwrap();
    world.until("the rest is told", |_| holds(&world, 1) == keys(first(1), SIZE)).await;
}
