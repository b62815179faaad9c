//! What one run delivers: exactly the right set, each person once, by the right identity.

use crate::world::*;
use cohort_sync::domain::{Outcome, SyncKind, SyncStatus};
use cohort_sync::sandbox::{Effect, Fault, PersonSeed, SandboxOptions};
use cohort_sync::store::StoreError;
use cohort_sync::sync::command::{Command, StartRequest};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_export_delivers_exactly_the_members() {
    let world = World::with_cohort(people(0, 2_345)).await;
    let run = world.export().await;
    assert_eq!(run.outcome, Some(Outcome::Succeeded));
    assert_eq!((run.counts.read.matched, run.counts.accepted(), run.counts.requests), (2_345, 2_345, 24));
    assert_eq!(world.current_members(), keys(0, 2_345));
    assert_eq!(world.status(), SyncStatus::Exported);
    assert_eq!(world.control.repeated_batches(), 0);
    assert!(world.control.max_concurrent_queries_seen() <= 5);
    assert!(world.control.max_concurrent_feed_requests_seen() <= 4);
}

/// In simulated time, because a snapshot of a run that is over before anybody looks says nothing of its rate.
#[tokio::test(start_paused = true)]
async fn no_rate_is_in_use_once_nothing_is_sent() {
    let mut world = World::simulated(quick(), SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 2_000));
    world.start().await;
    world.control.set_feed_rate(Some(10_000));
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 400 }).forever());
    world.handle().send(Command::Start(request(SyncKind::OneTime))).await.unwrap();
    world.until("mParticle tells", |snapshot| snapshot.feed_rate_percent.is_some_and(|used| used > 0)).await;
    let rest = world.until("the end", |snapshot| snapshot.ended_runs.len() == 1).await;
    assert_eq!(rest.feed_rate_percent, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_sends_only_the_changes() {
    let world = World::with_cohort(people(0, 1_000)).await;
    world.sync().await;
    let before = world.control.feed_requests().len();
    world.control.set_members(COHORT.0, people(10, 1_000));
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(
        (run.counts.adds.accepted(), run.counts.removes.accepted(), run.counts.unchanged),
        (10, 10, 990)
    );
    // Whoever leaves is told first, in a request of their own; see `domain::plan::Wave`.
    assert_eq!(world.control.feed_requests().len() - before, 2);
    assert_eq!(world.current_members(), keys(10, 1_000));
    assert_eq!(world.status(), SyncStatus::Synced);
    let nothing = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((nothing.counts.planned(), nothing.counts.requests), (0, 0));
}

/// The traps of the design in one cohort.
fn mess() -> Vec<PersonSeed> {
    vec![
        PersonSeed::matched("a", -7),
        PersonSeed::matched_number("b", i64::MIN),
        PersonSeed::matched("b-again", i64::MIN),
        PersonSeed::matched("rounded", 8_553_083_063_767_933_000),
        PersonSeed::with_raw_mpid("junk", json!("<null>")),
        PersonSeed::with_raw_mpid("fraction", json!(1.5)),
        PersonSeed::with_raw_mpid("overflow", json!("9223372036854775808")),
        PersonSeed::unmatched("9d35cd7f-3f06-4549-91bf-198ee58bb58a"),
        PersonSeed::unmatched("$device:0f"),
        PersonSeed::without_profile("ghost"),
        PersonSeed { distinct_id: json!(42), properties: None },
        PersonSeed::unmatched("undefined"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_is_addressed_as_the_mission_says_and_counted_once() {
    let world = World::with_cohort(mess()).await;
    let run = world.export().await;
    let read = run.counts.read;
    assert_eq!(read.fetched(), 12);
    assert_eq!((read.matched, read.unmatched, read.unsendable, read.duplicates), (3, 7, 1, 1));
    assert_eq!((read.suspect, read.anonymous), (1, 1));
    let mut expected =
        vec![format!("mpid {}", i64::MIN), "mpid -7".to_owned(), "mpid 8553083063767933000".to_owned()];
    expected.extend(
        ["junk", "fraction", "overflow", "9d35cd7f-3f06-4549-91bf-198ee58bb58a", "$device:0f", "ghost", "42"]
            .map(|id| format!("customer_id {id}")),
    );
    expected.sort();
    assert_eq!(world.current_members(), expected);

    let mut unmatched = Vec::new();
    world
        .reader()
        .for_each_unmatched::<StoreError>(run.id, |rows| {
            unmatched.extend(rows.into_iter().map(|row| {
                let reason = row.remark.reason().token();
                (row.remark.distinct_id.unwrap(), reason, row.sendable)
            }));
            Ok(true)
        })
        .unwrap();
    unmatched.sort();
    let expected = [
        ("$device:0f", "anonymous", true),
        ("42", "no_profile", true),
        ("9d35cd7f-3f06-4549-91bf-198ee58bb58a", "missing", true),
        ("fraction", "not_an_integer", true),
        ("ghost", "no_profile", true),
        ("junk", "placeholder", true),
        ("overflow", "out_of_range", true),
        ("undefined", "missing", false),
    ];
    assert_eq!(unmatched, expected.map(|(id, reason, sent)| (id.into(), reason, sent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_has_the_form_of_the_mission() {
    let world = World::with_cohort(mess()).await;
    world.export().await;
    let mut seen = std::collections::HashSet::new();
    for request in world.control.feed_requests() {
        let batches: Vec<Value> = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        for batch in batches {
            let batch = batch.as_object().unwrap();
            assert_eq!(batch["environment"], "production");
            assert_eq!(batch["user_attributes"], json!({ NAME: true }));
            assert!(batch.contains_key("mpid") != batch.contains_key("user_identities"), "{batch:?}");
            if let Some(mpid) = batch.get("mpid") {
                assert!(mpid.is_i64(), "{mpid} must be an integer");
            }
            let id = batch["source_request_id"].as_str().unwrap().to_owned();
            assert!(seen.insert(id), "a source_request_id is used twice");
        }
    }
    assert_eq!(seen.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gains_an_mpid_leaves_under_the_old_identity_and_enters_under_the_new() {
    let world = World::with_cohort(vec![PersonSeed::unmatched("anna")]).await;
    world.sync().await;
    world.control.set_members(COHORT.0, vec![PersonSeed::matched("anna", 5)]);
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!((run.counts.adds.accepted(), run.counts.removes.accepted()), (1, 1));
    let told = world.members_in_mparticle(NAME);
    assert!(!told["customer_id anna"]);
    assert!(told["mpid 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_sends_nothing() {
    let world = World::with_cohort(people(0, 250)).await;
    let request = StartRequest { dry_run: true, ..request(SyncKind::OneTime) };
    let run = world.run_by(COHORT, Command::Start(request)).await;
    assert_eq!(run.outcome, Some(Outcome::DryRun));
    assert_eq!((run.counts.adds.planned(), run.counts.pending(), run.counts.requests), (250, 250, 0));
    assert_eq!(world.control.feed_requests().len(), 0);
    assert_eq!(world.status(), SyncStatus::NotSynced);
    // A real run afterwards still has everything to do.
    assert_eq!(world.export().await.counts.adds.accepted(), 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_of_exactly_full_pages_is_read_whole() {
    let world = World::with_cohort(people(0, 2_000)).await;
    assert_eq!(world.export().await.counts.accepted(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_cohort_is_exported_without_a_request() {
    let world = World::with_cohort(Vec::new()).await;
    let run = world.export().await;
    assert_eq!((run.outcome, run.counts.requests), (Some(Outcome::Succeeded), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_people_are_left_out_when_told_so() {
    let mut settings = quick();
    settings.reading.skip_anonymous = true;
    let mut world = World::with(settings).await;
    world.add_cohort(COHORT.0, NAME, vec![PersonSeed::unmatched("$device:1"), PersonSeed::matched("a", 1)]);
    world.start().await;
    let run = world.export().await;
    assert_eq!((run.counts.read.matched, run.counts.read.unsendable, run.counts.accepted()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_read_costs_one_query_whatever_its_size() {
    let world = World::with_cohort(people(0, 4_500)).await;
    let before = world.control.query_count();
    world.export().await;
    assert_eq!(world.control.query_count() - before, 1);
}

/// A read that breaks off half way says nothing about the cohort, so nothing is shown or listed from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_breaks_off_does_not_stand_for_the_cohort() {
    let mut members = people(0, 2_400);
    members.extend((0..30).map(|n| PersonSeed::unmatched(format!("lost-{n}"))));
    let world = World::with_cohort(members).await;
    let whole = world.export().await;
    world.control.push_fault(Fault::mixpanel(Effect::TruncatedBody).at_page(2).forever());
    for _ in 0..2 {
        let broken = world.run_by(COHORT, Command::RunNow(COHORT)).await;
        assert_eq!(broken.outcome, Some(Outcome::Failed));
        assert!(broken.counts.read.fetched() < 2_430, "{:?}", broken.counts.read);
    }
    let view = world.view(COHORT);
    let sync = view.sync.as_ref().unwrap();
    assert_eq!(sync.last_account.as_ref().unwrap().id, whole.id);
    assert_eq!(sync.trend.len(), 1);
    let reader = world.reader();
    assert_eq!(reader.last_account(COHORT).unwrap().unwrap().id, whole.id);
    let mut unmatched = 0;
    reader
        .for_each_unmatched::<StoreError>(whole.id, |rows| {
            unmatched += rows.len();
            Ok(true)
        })
        .unwrap();
    assert_eq!(unmatched, 30);
}
