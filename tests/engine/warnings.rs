//! What deserves a look, found by the engine in what it reads, and found alike by whoever only looks at the state.

use crate::world::{COHORT, NAME, World, people, quick};
use cohort_sync::domain::lint::{Lint, Other};
use cohort_sync::domain::{CohortId, SyncKind};
use cohort_sync::sandbox::{Effect, Fault, PersonSeed};
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::{self, Settings};
use std::time::Duration;

/// Warnings by cohort, as the engine shows them; another process that looks at the state must find the same.
async fn found(world: &World, cohort: CohortId) -> Vec<Lint> {
    world.is_recorded().await;
    let shown = world.view(cohort).lints.clone();
    let looked = sync::look(world.state()).unwrap();
    assert_eq!(looked.cohort(cohort).unwrap().lints, shown);
    assert_eq!(looked.lints, world.snapshot().lints);
    shown
}

fn unmatched(first: i64, count: i64) -> Vec<PersonSeed> {
    (first..first + count).map(|n| PersonSeed::unmatched(format!("user-{n}"))).collect()
}

/// An id that JavaScript has rounded.
fn rounded(n: i64) -> PersonSeed {
    PersonSeed::matched(format!("rounded-{n}"), 8_553_083_063_767_933_000 + n * 1_024_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_attributes_are_looked_at_as_soon_as_cohorts_are_listed() {
    let mut world = World::new().await;
    world.add_cohort(COHORT.0, NAME, people(0, 3));
    world.add_cohort(1001, "power  users", people(0, 3));
    world.add_cohort(1002, "$City", people(0, 3));
    world.add_cohort(1003, "Unlike any other", people(0, 3));
    world.start().await;
    let other = |id, name: &str| Other { id: CohortId(id), name: name.to_owned() };
    assert_eq!(found(&world, COHORT).await, [Lint::SimilarName(other(1001, "power  users"))]);
    assert_eq!(found(&world, CohortId(1001)).await, [Lint::SimilarName(other(1000, NAME))]);
    assert_eq!(found(&world, CohortId(1002)).await, [Lint::ReservedName]);
    assert_eq!(found(&world, CohortId(1003)).await, []);

    // Under an attribute of its own it takes another cohort's name.
    let mut request = StartRequest::new(CohortId(1003), SyncKind::OneTime);
    request.attribute = Some("$City".to_owned());
    world.run_by(CohortId(1003), Command::Start(request)).await;
    let shared = Lint::SharedAttribute(other(1003, "Unlike any other"));
    assert_eq!(found(&world, CohortId(1002)).await, [shared, Lint::ReservedName]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_falls_and_rounded_ids_are_found_after_the_read() {
    let world = World::with_cohort(people(0, 200)).await;
    world.sync().await;
    assert_eq!(found(&world, COHORT).await, []);
    let mut members = people(0, 150);
    members.extend(unmatched(1_000, 40));
    members.extend((0..10).map(rounded));
    world.control.set_members(COHORT.0, members);
    let run = world.sync().await;
    // A few more look rounded by chance.
    let suspect = run.counts.read.suspect;
    assert!((10..14).contains(&suspect), "{run:?}");
    let fell = Lint::MatchedShareFell { from: 1.0, to: 0.8, reads: 1 };
    assert_eq!(found(&world, COHORT).await, [Lint::SuspectIds { suspect, matched: 160 }, fell]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_moves_while_nobody_enters_or_leaves_is_found() {
    let world = World::with_cohort(people(0, 50)).await;
    world.sync().await;
    // Further profiles of people who are in it already.
    let again = (0..5).map(|n| PersonSeed::matched(format!("again-{n}"), crate::world::mpid(n)));
    world.control.set_members(COHORT.0, people(0, 50).into_iter().chain(again).collect());
    let run = world.sync().await;
    assert_eq!((run.counts.planned(), run.counts.read.duplicates), (0, 5), "{run:?}");
    assert_eq!(found(&world, COHORT).await, [Lint::CountMoved { from: 50, to: 55 }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_longer_than_its_interval_is_found_once_it_is_no_first_export() {
    let interval = Duration::from_millis(200);
    let mut world = World::with(Settings { interval, ..quick() }).await;
    world.add_cohort(COHORT.0, NAME, people(0, 3));
    world.start().await;
    let slow_by = Duration::from_millis(300);
    let slow = || Fault::mixpanel(Effect::Delay { milliseconds: 300 });
    world.control.push_fault(slow());
    world.sync().await;
    assert_eq!(found(&world, COHORT).await, []);
    world.control.push_fault(slow());
    world.sync().await;
    let shown = found(&world, COHORT).await;
    assert!(
        matches!(&shown[..], [Lint::SlowSync { took, interval: asked }] if *took >= slow_by && *asked == interval),
        "{shown:?}"
    );
    world.sync().await;
    assert_eq!(found(&world, COHORT).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_recurring_syncs_as_a_project_may_have_are_told_of() {
    let mut world = World::new().await;
    for number in 0..48 {
        world.add_cohort(2_000 + number, &format!("Cohort {number}"), people(0, 1));
    }
    world.start().await;
    for number in 0..48 {
        let cohort = CohortId(2_000 + number);
        world.run_by(cohort, Command::Start(StartRequest::new(cohort, SyncKind::Recurring))).await;
    }
    found(&world, CohortId(2_000)).await;
    assert_eq!(world.snapshot().lints, [Lint::ManySyncs { syncs: 48 }]);
}
