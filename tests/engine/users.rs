//! One user: what was recorded, what Mixpanel says now, and what is made of both, against the truth of the sandbox.

use crate::world::*;
use cohort_sync::domain::judgement::{Addressing, Grade, Judgement};
use cohort_sync::domain::verdict::MixpanelSays;
use cohort_sync::domain::{CohortId, Identity, NoMpid, Removal, SyncKind, UserId};
use cohort_sync::sandbox::{CohortSeed, Effect, Fault, PersonSeed, SandboxOptions};
use cohort_sync::store::{Fate, Store};
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::pages::{Answer, Question};
use cohort_sync::sync::snapshot::Writer;
use cohort_sync::sync::user::{
    Account, HeldByMparticle, LiveAnswer, LiveQuestion, Recorded, Source, UserQuery,
};
use cohort_sync::sync::{self, Clock, Handle};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

fn id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

async fn recorded(handle: &Handle, query: UserQuery) -> Recorded {
    match handle.read(Question::User(query)).await.unwrap() {
        Answer::User(recorded) => *recorded,
        other => panic!("{other:?}"),
    }
}

/// What the records alone say.
async fn on_record(world: &World, text: &str) -> Account {
    let recorded = recorded(world.handle(), UserQuery::new(id(text))).await;
    Account::of(&id(text), recorded, None, &BTreeMap::new(), HeldByMparticle::NotAsked)
}

/// What the records and Mixpanel say.
async fn account(world: &World, text: &str) -> (Account, LiveAnswer) {
    let live = world.handle().ask(LiveQuestion::Profiles(id(text))).await.unwrap();
    let query = UserQuery { id: id(text), also: live.ids() };
    let recorded = recorded(world.handle(), query).await;
    (Account::of(&id(text), recorded, Some(&live), &BTreeMap::new(), HeldByMparticle::NotAsked), live)
}

fn judgement(account: &Account) -> &Judgement {
    &account.attributes[0].judgement
}

fn words(world: &World, account: &Account) -> String {
    account.verdict(world.clock.now(), "customer_id").words
}

/// Whether Mixpanel says that the profiles of an answer are in the cohort.
async fn is_member(world: &World, live: &LiveAnswer) -> bool {
    let distinct_ids = live.ids().distinct_ids.into_iter().collect();
    let question = LiveQuestion::Members { cohort: COHORT, distinct_ids };
    !world.handle().ask(question).await.unwrap().profiles.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_followed_in_and_out_by_either_id() {
    let world = World::with_cohort(people(0, 250)).await;
    world.sync().await;
    let by_mpid = mpid(7).to_string();
    for sought in ["user-7", &by_mpid] {
        let account = on_record(&world, sought).await;
        assert!(
            matches!(judgement(&account), Judgement::ToldTrue(Identity::Mpid(found), Some(_)) if *found == mpid(7))
        );
        assert_eq!(account.attributes[0].membership.is_member, Some(true), "{account:#?}");
        let told = &account.recorded.tellings[0];
        assert_eq!((told.found.fate.clone(), told.found.http_status), (Fate::Accepted, Some(202)));
        let request = told.request.as_ref().unwrap();
        assert!(request.entry.line.first_position <= Some(told.found.position), "{request:?}");
        assert_eq!(account.recorded.looked_through, 250);
        let words = words(&world, &account);
        assert!(words.contains("was told true by MPID just now and accepted it"), "{words}");
    }

    world.control.set_members(COHORT.0, people(8, 242));
    world.run_by(COHORT, Command::RunNow(COHORT)).await;
    for sought in ["user-7", &by_mpid] {
        let account = on_record(&world, sought).await;
        let fates: Vec<_> = account.recorded.tellings.iter().map(|told| told.found.run.0).collect();
        assert_eq!(fates, [2, 1], "newest first, and who left by MPID is still joined with the $distinct_id");
        assert!(matches!(judgement(&account), Judgement::ToldOtherwise(..)), "{account:#?}");
        assert_eq!(account.attributes[0].membership.is_member, Some(false));
    }
    // Somebody else of whom nothing changed since.
    let account = on_record(&world, "user-9").await;
    assert_eq!(account.attributes[0].membership.is_member, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_live_question_costs_one_query_and_is_answered_by_mixpanel() {
    let world = World::with_cohort(people(0, 5)).await;
    world.sync().await;
    let (queries, budget) = (world.control.query_count(), world.snapshot().queries.used);
    let (account, live) = account(&world, "user-3").await;
    assert_eq!(live.profiles.len(), 1);
    assert!(matches!(account.address.as_ref().unwrap().source, Source::Mixpanel(_)));
    assert_eq!(world.control.query_count(), queries + 1);
    assert!(is_member(&world, &live).await);
    world.control.set_members(COHORT.0, [people(0, 3), people(4, 1)].concat());
    world.add_cohort(2, "Elsewhere", people(3, 1));
    assert!(!is_member(&world, &live).await, "as it is now, whatever the last read said");
    assert_eq!(world.control.query_count(), queries + 3);
    world.until("the budget shows it", |snapshot| snapshot.queries.used == budget + 3).await;
    assert_eq!(live.queries.used, budget + 1);
    let journal = world.reader().journal(None, cohort_sync::store::JournalPlace::Newest, 3).unwrap();
    let asked: Vec<&str> = journal.iter().map(|row| row.line.what.as_str()).collect();
    assert_eq!(asked, ["engage: one user in a cohort", "engage: one user in a cohort", "engage: one user"]);
    assert!(journal.iter().all(|row| !row.line.what.contains("user-3") && row.said.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_an_mpid_is_told_why_and_what_to_do() {
    let members = vec![
        PersonSeed::unmatched("ann"),
        PersonSeed::with_raw_mpid("bob", json!("<null>")),
        PersonSeed::without_profile("$device:1"),
        PersonSeed::with_raw_mpid("undefined", json!("12x")),
    ];
    let world = World::with_cohort(members).await;
    world.sync().await;
    for (sought, reason, grade) in [
        ("ann", NoMpid::Missing, Grade::Doubtful),
        ("bob", NoMpid::Placeholder, Grade::Doubtful),
        ("$device:1", NoMpid::NoProfile, Grade::Doubtful),
        ("undefined", NoMpid::NotAnInteger, Grade::Bad),
    ] {
        let account = on_record(&world, sought).await;
        let address = account.address.as_ref().unwrap();
        match &address.addressing {
            Addressing::DistinctId { reason: Some(found), .. } | Addressing::Nothing { reason: found } => {
                assert_eq!(*found, reason, "{sought}");
            }
            other => panic!("{sought}: {other:?}"),
        }
        let verdict = account.verdict(world.clock.now(), "customer_id");
        assert_eq!(verdict.grade, grade, "{sought}: {verdict:?}");
        assert_eq!(account.attributes[0].membership.is_member, Some(true), "{sought}");
    }
    let words = words(&world, &on_record(&world, "ann").await);
    assert!(words.contains("No $mparticle_user_id: sent by $distinct_id as customer_id; reaches a profile only where that is its customer id."), "{words}");
    let (device, live) = account(&world, "$device:1").await;
    assert_eq!((device.mixpanel, live.profiles.len()), (MixpanelSays::Nobody, 0), "there is no profile");
    assert!(device.is_somebody());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rounded_id_leads_to_the_one_it_was() {
    const TRUE_ID: i64 = 8_553_083_063_767_933_171;
    let rounded = 8_553_083_063_767_933_000;
    let members = vec![PersonSeed::matched("rounded", rounded), PersonSeed::matched("exact", TRUE_ID)];
    let world = World::with_cohort(members).await;
    world.sync().await;
    let account = on_record(&world, "rounded").await;
    assert_eq!(account.attributes[0].record.unrounded, [TRUE_ID]);
    let verdict = account.verdict(world.clock.now(), "customer_id");
    assert_eq!(verdict.grade, Grade::Bad);
    assert!(verdict.words.starts_with("Mixpanel sends an MPID that was rounded by JavaScript (8553083063767933000); the profile it should reach is not this one but 8553083063767933171."), "{verdict:?}");
    // Asked as a number, the neighbour is near; the profile that was asked for is exact.
    world.control.set_members(
        COHORT.0,
        vec![PersonSeed::matched_number("rounded", rounded), PersonSeed::matched("exact", TRUE_ID)],
    );
    let live = world.handle().ask(LiveQuestion::Profiles(id(&TRUE_ID.to_string()))).await.unwrap();
    let names = |profiles: &[cohort_sync::sync::user::LiveProfile]| -> Vec<String> {
        profiles.iter().map(|one| one.profile.distinct_id.evidence().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (names(&live.profiles), names(&live.near)),
        (vec!["exact".to_owned()], vec!["rounded".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_profiles_with_the_same_mpid_are_named() {
    let twins = ["one", "two", "three"].map(|name| PersonSeed::matched(name, 77));
    let world = World::with_cohort(twins.to_vec()).await;
    world.sync().await;
    let others = |account: &Account| {
        let mut names: Vec<String> = account.others.iter().map(|other| other.distinct_id.clone()).collect();
        names.sort();
        names
    };
    for sought in ["one", "two", "three"] {
        let account = on_record(&world, sought).await;
        let mut expected: Vec<&str> =
            ["one", "three", "two"].into_iter().filter(|name| *name != sought).collect();
        expected.sort_unstable();
        assert_eq!(others(&account), expected, "{sought}");
        assert_eq!(account.attributes[0].membership.is_member, Some(true), "{sought}");
    }
    let (account, live) = account(&world, "77").await;
    assert_eq!((live.profiles.len(), account.others.len()), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gained_an_mpid_is_one_user_with_two_identities() {
    let world = World::with_cohort(vec![PersonSeed::unmatched("user-1")]).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(1, 1));
    let (readdressed, _) = account(&world, "user-1").await;
    assert!(
        matches!(judgement(&readdressed), Judgement::Readdressed(Identity::Text(was)) if &**was == "user-1")
    );
    world
        .run_by(
            COHORT,
            Command::Start(StartRequest { approve_removals: true, ..request(SyncKind::Recurring) }),
        )
        .await;
    for sought in ["user-1", &mpid(1).to_string()] {
        let account = on_record(&world, sought).await;
        let told: Vec<bool> = account
            .recorded
            .tellings
            .iter()
            .map(|told| told.found.change.direction.attribute_value())
            .collect();
        assert_eq!(told, [true, false, true], "{sought}");
        assert!(matches!(judgement(&account), Judgement::ToldTrue(Identity::Mpid(_), _)), "{account:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_clean_ups_are_said_as_they_are() {
    let world = World::with_cohort(people(0, 3)).await;
    let users = cohort_sync::sandbox::RejectedUsers::Identities(vec![mpid(1).to_string()]);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users }).forever());
    world.sync().await;
    let refused = on_record(&world, "user-1").await;
    assert!(matches!(judgement(&refused), Judgement::Refused(..)), "{refused:#?}");
    assert_eq!(
        refused.attributes[0].membership.is_member,
        Some(true),
        "mParticle's no changes nothing about that"
    );
    world.control.clear_faults();
    world.handle().send(Command::StopAndCleanUp(COHORT, Removal::Delete)).await.unwrap();
    world
        .until("the clean-up has ended", |snapshot| snapshot.ended_runs.len() == 2 && snapshot.active() == 0)
        .await;
    let told = words(&world, &on_record(&world, "user-0").await);
    assert!(told.contains("mParticle was told to delete it by MPID just now and accepted it"), "{told}");
    let tellings = on_record(&world, "user-0").await.recorded.tellings;
    assert_eq!(cohort_sync::sync::user::account::value_of(&tellings[0]).words(), "to delete it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_only_the_baseline_names_is_unknown_until_mixpanel_is_asked() {
    let mut elsewhere = World::new().await;
    elsewhere.add_cohort(COHORT.0, NAME, people(0, 3));
    // As if the run that told them were forgotten: the state of before holds nothing but the baseline.
    let mut store = Store::open(elsewhere.state(), "the test").unwrap();
    store.adopt(&held(NAME), (0..3).map(|n| Identity::Mpid(mpid(n))).collect()).unwrap();
    drop(store);
    elsewhere.start().await;
    elsewhere.sync().await;
    let unknown = on_record(&elsewhere, "user-1").await;
    assert!(!unknown.is_on_record());
    assert_eq!(unknown.attributes[0].membership.is_member, None, "it would be wrong to say no");
    let (known, _) = account(&elsewhere, "user-1").await;
    assert!(matches!(judgement(&known), Judgement::HoldsTrue(Identity::Mpid(_))), "{known:#?}");
    assert_eq!(known.attributes[0].membership.is_member, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_nobody_and_costs_one_query() {
    let world = World::with_cohort(people(0, 3)).await;
    world.sync().await;
    let queries = world.control.query_count();
    let (nobody, _) = account(&world, "nobody-by-that-name").await;
    assert!(!nobody.is_somebody());
    assert!(words(&world, &nobody).starts_with("Nobody by that id"));
    assert_eq!(world.control.query_count(), queries + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_question_is_not_used() {
    let world = World::with_cohort(people(0, 30)).await;
    world.control.push_fault(Fault::mixpanel(Effect::FilterIgnored).at_path("engage"));
    let distinct_ids = vec!["user-3".into()];
    let error = world.handle().ask(LiveQuestion::Members { cohort: COHORT, distinct_ids }).await.unwrap_err();
    assert!(error.contains("29 others, so nothing is concluded"), "{error}");
    world.control.push_fault(Fault::mixpanel(Effect::FilterIgnored).at_path("engage"));
    let error = world.handle().ask(LiveQuestion::Profiles(id("user-3"))).await.unwrap_err();
    assert!(error.contains("others"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_question_is_not_charged_and_a_spent_hour_is_not_asked() {
    let options = SandboxOptions { queries_per_hour: 2, ..SandboxOptions::quiet() };
    let mut world = World::of(quick(), options, Clock::system(), None).await;
    world.add_cohort(COHORT.0, NAME, people(0, 3));
    world.start().await;
    world.control.set_secret("another");
    let error = world.handle().ask(LiveQuestion::Profiles(id("user-1"))).await.unwrap_err();
    assert!(error.contains("refuses the credentials"), "{error}");
    world.until("it is taken back", |snapshot| snapshot.queries.used == 1).await;
    world.control.set_secret(cohort_sync::sandbox::SECRET);
    world.handle().ask(LiveQuestion::Profiles(id("user-1"))).await.unwrap();
    let error = world.handle().ask(LiveQuestion::Profiles(id("user-1"))).await.unwrap_err();
    assert!(error.contains("no query is left in this hour; the next is free at"), "{error}");
    assert_eq!((world.control.query_count(), world.control.refused_queries()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_looks_on_reads_the_records_and_asks_nobody() {
    let world = World::with_cohort(people(0, 3)).await;
    world.sync().await;
    let queries = world.control.query_count();
    let writer = Writer::Other("somebody".to_owned());
    let observer = sync::observe(world.state().to_owned(), writer, None).await.unwrap();
    let error = observer.ask(LiveQuestion::Profiles(id("user-1"))).await.unwrap_err();
    assert!(error.contains("the test keeps the account of Mixpanel's queries"), "{error}");
    let found = recorded(&observer, UserQuery::new(id("user-1"))).await;
    assert_eq!((found.tellings.len(), world.control.query_count()), (1, queries));
    observer.send(Command::Shutdown).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_that_was_only_read_in_a_dry_run_is_answered_too() {
    let world = World::with_cohort(people(0, 3)).await;
    world.control.add_cohort(CohortSeed {
        id: 5,
        name: "Dry".to_owned(),
        members: people(2, 3),
        ..CohortSeed::default()
    });
    world.refresh().await;
    let dry = StartRequest { dry_run: true, ..StartRequest::new(CohortId(5), SyncKind::OneTime) };
    world.handle().send(Command::Start(dry)).await.unwrap();
    world.until("the dry run ends", |snapshot| snapshot.ended_runs.len() == 1).await;
    let account = on_record(&world, "user-2").await;
    let names: Vec<&str> = account.attributes.iter().map(|one| one.record.name.as_str()).collect();
    assert_eq!(names, ["Dry"]);
    assert_eq!(
        (judgement(&account), account.attributes[0].membership.is_member),
        (&Judgement::NotExported, Some(true))
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_longer_than_a_person_waits_is_given_up() {
    let settings = crate::simulated::unattended();
    let mut world = World::simulated(settings, SandboxOptions::quiet()).await;
    world.add_cohort(COHORT.0, NAME, people(0, 3));
    world.start().await;
    world.control.push_fault(Fault::mixpanel(Effect::Delay { milliseconds: 300_000 }).at_path("engage"));
    let handle = world.handle().clone();
    let asked = tokio::spawn(async move { handle.ask(LiveQuestion::Profiles(id("user-1"))).await });
    world.pass(Duration::from_secs(59)).await;
    assert!(!asked.is_finished());
    world.pass(Duration::from_secs(3)).await;
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.contains("did not answer within 60 s"), "{error}");
}
