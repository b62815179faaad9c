//! Verifying with the Profile API: exactly the wrong ones are found, nobody is called wrong who is not, and a repair
//! tells exactly those again, as a run like any other.

use crate::world::{COHORT, NAME, World, held, mpid, people};
use cohort_sync::domain::verification::{Extent, Fault, Group, Held, WrongUser};
use cohort_sync::domain::verified::Verification;
use cohort_sync::domain::{Identity, Outcome, PauseCause, Purpose, RunId, SyncStatus};
use cohort_sync::sandbox::{DroppedUsers, Effect, Fault as Scripted, PersonSeed, ProfileKey};
use cohort_sync::store::StoreError;
use cohort_sync::sync::command::{Command, Refusal, VerifyRequest};
use cohort_sync::sync::export::{Content, Export, Form, WRONG};
use cohort_sync::sync::pages::{Answer, JournalPlace, Question};
use cohort_sync::sync::snapshot::{NoticeLevel, Snapshot, VerificationView};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

pub fn view(snapshot: &Snapshot) -> VerificationView {
    let view = snapshot.cohort(COHORT).and_then(|view| view.sync.as_ref());
    view.map(|sync| sync.verification.clone()).unwrap_or_default()
}

impl World {
    /// Verifies, and returns what is known afterwards.
    async fn check(&self, extent: Extent) -> VerificationView {
        let before = view(&self.snapshot()).ended;
        let request = VerifyRequest { cohort: COHORT, extent, seed: 7 };
        self.handle().send(Command::Verify(request)).await.unwrap();
        let snapshot = self.until("the verification ends", |snapshot| view(snapshot).ended > before).await;
        view(&snapshot)
    }

    pub async fn verify(&self, extent: Extent) -> Verification {
        let view = self.check(extent).await;
        assert_eq!(view.trouble, None);
        (*view.last.unwrap()).clone()
    }

    fn wrong(&self) -> Vec<WrongUser> {
        let reader = self.reader();
        let (id, _) = reader.verification(&held(NAME)).unwrap().unwrap();
        let mut wrong = Vec::new();
        reader
            .for_each_wrong_user::<StoreError>(id, |users| {
                wrong.extend(users);
                Ok(true)
            })
            .unwrap();
        wrong
    }

    async fn repair(&self) -> cohort_sync::store::RunRecord {
        self.run_by(COHORT, Command::Repair(COHORT)).await
    }

    pub fn drop_users(&self, identities: &[String]) {
        let users = DroppedUsers::Identities(identities.to_vec());
        self.control.push_fault(Scripted::mparticle(Effect::DropUsers { users }).forever());
    }
}

pub fn ids(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    numbers.into_iter().map(|number| mpid(number).to_string()).collect()
}

fn named(wrong: &[WrongUser], fault: Fault) -> BTreeSet<String> {
    wrong.iter().filter(|user| user.fault() == fault).map(|user| user.identity.to_string()).collect()
}

/// 300 people of whom two were dropped on their way in; then 40 leave of whom three keep it, 10 come of whom one was
/// dropped, and somebody else's input overwrites one who stays.
async fn world_with_known_defects() -> World {
    let mut members = people(0, 300);
    members.extend((0..40).map(|number| PersonSeed::unmatched(format!("cid-{number}"))));
    let world = World::with_cohort(members).await;
    let mut dropped = ids([5, 6]);
    dropped.push("cid-7".to_owned());
    world.drop_users(&dropped);
    world.sync().await;
    world.control.clear_faults();
    let mut members = people(40, 270);
    members.extend((0..40).map(|number| PersonSeed::unmatched(format!("cid-{number}"))));
    world.control.set_members(COHORT.0, members);
    world.drop_users(&ids([0, 1, 2, 305]));
    world.sync().await;
    world.control.clear_faults();
    world.control.set_attribute(&ProfileKey::Mpid(mpid(100)), NAME, &json!("vip"));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_check_finds_exactly_those_who_are_wrong() {
    let world = world_with_known_defects().await;
    let verification = world.verify(Extent::Full).await;
    let wrong = world.wrong();
    // Of those who were dropped on their way in, two left later, and so are right not to have it.
    let missing: BTreeSet<String> = ids([100, 305]).into_iter().chain(["cid-7".to_owned()]).collect();
    assert_eq!(named(&wrong, Fault::Missing), missing);
    assert_eq!(named(&wrong, Fault::Stale), ids([0, 1, 2]).into_iter().collect());
    let [adds, removes, steady] = verification.groups;
    assert_eq!((adds.people, removes.people, steady.people), (10, 40, 300));
    assert_eq!((adds.wrong, removes.wrong, steady.wrong), (1, 3, 2));
    assert!(verification.groups.iter().all(|group| group.checked == group.people));
    assert!((verification.drift_upper_bound - 6.0 / 350.0).abs() < 1e-12, "the share itself");
    assert_eq!((verification.missing(), verification.stale()), (3, 3));

    let of = |id: &str| wrong.iter().find(|user| user.identity.to_string() == id).unwrap();
    let added = of(&mpid(305).to_string());
    assert_eq!(
        (added.group, &added.held, added.told_by.map(|(run, _)| run)),
        (Group::Adds, &Held::NoAttribute, Some(RunId(2)))
    );
    assert_eq!(added.distinct_id.as_deref(), Some("user-305"));
    let overwritten = of(&mpid(100).to_string());
    assert_eq!((overwritten.held.to_string().as_str(), overwritten.group), ("\"vip\"", Group::Steady));
    assert_eq!(of("cid-7").distinct_id.as_deref(), Some("cid-7"));
    assert_eq!(of(&mpid(0).to_string()).told_by.map(|(run, _)| run), Some(RunId(2)));

    let notice = world.snapshot().notices.back().cloned().unwrap();
    assert_eq!(notice.level, NoticeLevel::Warning);
    let words = "Power users: all 350 checked, 6 wrong: 1.8 % drift; 2 have no such attribute, 1 holds another value, 3 are still true in mParticle";
    assert_eq!(notice.text, words);
    assert_eq!(world.control.profile_lookups(), (350, 0));
    assert_eq!(world.control.tokens_given(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_takes_some_of_each_group_and_the_same_seed_takes_the_same() {
    let world = world_with_known_defects().await;
    let first = world.verify(Extent::Sample(60)).await;
    let found = world.wrong();
    let [adds, removes, steady] = first.groups;
    assert_eq!(adds.checked + removes.checked + steady.checked, 60);
    assert!(adds.checked >= 6 && removes.checked >= 6 && steady.checked > 30, "{first:?}");
    assert!(first.drift_upper_bound >= 6.0 / 350.0 && first.drift_upper_bound < 0.2, "{first:?}");
    world.verify(Extent::Sample(60)).await;
    let people = |wrong: &[WrongUser]| wrong.iter().map(|user| user.identity.clone()).collect::<Vec<_>>();
    assert_eq!(people(&world.wrong()), people(&found));
    // Larger than everybody is everybody.
    assert!(world.verify(Extent::Sample(9_999)).await.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_tells_exactly_the_wrong_ones_again_and_changes_nothing_else() {
    let world = world_with_known_defects().await;
    world.verify(Extent::Full).await;
    let (before, status) = (world.view(COHORT), world.status());
    let sent = world.control.feed_requests().len();
    let run = world.repair().await;
    assert_eq!((run.purpose, run.outcome), (Purpose::Repair, Some(Outcome::Succeeded)));
    assert_eq!((run.counts.adds.accepted(), run.counts.removes.accepted()), (3, 3));
    assert_eq!((run.counts.read.fetched(), run.counts.requests), (0, 2));
    let requests = world.control.feed_requests().split_off(sent);
    assert_eq!(requests.iter().map(|request| request.batches).sum::<usize>(), 6);
    assert_eq!(
        requests.iter().map(|request| request.repeated).sum::<usize>(),
        0,
        "mParticle must not take them for repeats"
    );
    let after = world.view(COHORT);
    let of = |view: &cohort_sync::sync::snapshot::CohortView| {
        let sync = view.sync.clone().unwrap();
        (sync.baseline, sync.next_due, sync.last_full, sync.last_account.map(|run| run.id))
    };
    assert_eq!((of(&after), world.status()), (of(&before), status), "the sync is as it was");
    let again = world.verify(Extent::Full).await;
    assert_eq!((again.wrong(), world.wrong()), (0, vec![]));
    let refusal = world.refused(Command::Repair(COHORT)).await;
    assert!(refusal.to_string().contains("nothing to repair"), "{refusal}");
    let next = world.sync().await;
    assert_eq!(
        (next.purpose, next.counts.planned()),
        (Purpose::Update, 0),
        "the next run goes on as if nothing were"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_an_older_value_by_a_repair() {
    let world = World::with_cohort(people(0, 20)).await;
    world.drop_users(&ids([3, 4, 5]));
    world.sync().await;
    world.control.clear_faults();
    assert_eq!(world.verify(Extent::Full).await.missing(), 3);
    // One of them leaves before the repair; the answer about another is lost, so nobody knows what holds.
    world.control.set_members(COHORT.0, people(4, 16));
    world.sync().await;
    world.control.set_members(COHORT.0, people(5, 15));
    let lost = Scripted::mparticle(Effect::Status { code: 500, body: String::new(), headers: vec![] });
    world.control.push_fault(lost.forever());
    assert_eq!(world.sync().await.outcome, Some(Outcome::Failed));
    world.control.clear_faults();
    let run = world.repair().await;
    assert_eq!((run.counts.adds.planned(), run.counts.removes.planned()), (1, 0), "{run:?}");
    let key = |number| ProfileKey::Mpid(mpid(number));
    assert_eq!(world.control.attribute_history(&key(5), NAME), [Some(true)]);
    assert_eq!(world.control.attribute_history(&key(3), NAME).last(), Some(&Some(false)));
    // The doubt is still there, and the next run clears it.
    assert_eq!(world.reader().uncertain(&held(NAME)).unwrap().len(), 1);
    assert_eq!(world.sync().await.outcome, Some(Outcome::Succeeded));
    assert_eq!(world.current_members().len(), 15);
    assert_eq!(world.verify(Extent::Full).await.wrong(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_a_member_by_another_identity_is_not_stale() {
    let world = World::with_cohort(vec![PersonSeed::unmatched("ann"), PersonSeed::unmatched("bob")]).await;
    world.sync().await;
    // Ann gained an MPID: she leaves under the old identity and enters under the new one, and both are one profile.
    let ann = ProfileKey::Identity { kind: "customer_id".to_owned(), value: "ann".to_owned() };
    world.control.link_profile(ann.clone(), ProfileKey::Mpid(1));
    world.control.set_members(COHORT.0, vec![PersonSeed::matched("ann", 1), PersonSeed::unmatched("bob")]);
    world.sync().await;
    let verification = world.verify(Extent::Full).await;
    assert_eq!((verification.checked(), verification.wrong()), (3, 0), "{:?}", world.wrong());
    // The other way round: she lost it again.
    world.control.set_members(COHORT.0, vec![PersonSeed::unmatched("ann"), PersonSeed::unmatched("bob")]);
    world.sync().await;
    let verification = world.verify(Extent::Full).await;
    assert_eq!(verification.wrong(), 0, "{:?}", world.wrong());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_of_many_removals_waits_for_a_word() {
    let world = World::with_cohort(people(0, 300)).await;
    world.sync().await;
    world.control.set_members(COHORT.0, people(160, 140));
    world.drop_users(&ids(0..160));
    world.run_by(COHORT, Command::Start(approved())).await;
    world.control.clear_faults();
    assert_eq!(world.verify(Extent::Full).await.stale(), 160);
    let run = world.repair().await;
    assert_eq!((run.outcome, world.status()), (Some(Outcome::Paused), SyncStatus::Paused));
    let pause = world.view(COHORT).sync.clone().unwrap().pause.unwrap();
    assert_eq!((pause.cause, pause.held_run), (PauseCause::Removals, Some(run.id)));
    assert!(pause.reason.contains("again of 160 users that they have left"), "{}", pause.reason);
    assert!(world.refused(Command::Repair(COHORT)).await.to_string().contains("paused"));
    let run = world.run_by(COHORT, Command::Approve(COHORT)).await;
    assert_eq!(
        (run.purpose, run.outcome, run.counts.removes.accepted()),
        (Purpose::Repair, Some(Outcome::Succeeded), 160)
    );
    assert_eq!(world.status(), SyncStatus::Synced);
    assert_eq!(world.verify(Extent::Full).await.wrong(), 0);
}

fn approved() -> cohort_sync::sync::command::StartRequest {
    let request = crate::world::request(cohort_sync::domain::SyncKind::Recurring);
    cohort_sync::sync::command::StartRequest { approve_removals: true, ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_export_stays_exported_whatever_becomes_of_a_repair() {
    let world = World::with_cohort(people(0, 30)).await;
    world.drop_users(&ids([3]));
    world.export().await;
    world.verify(Extent::Full).await;
    let run = world.repair().await;
    assert_eq!((run.outcome, world.status()), (Some(Outcome::Succeeded), SyncStatus::Exported));
    assert_eq!(world.verify(Extent::Full).await.missing(), 1, "dropped once more");
    world.control.clear_faults();
    world.control.push_fault(Scripted::mparticle(Effect::RetryAfterSeconds { seconds: 0 }).forever());
    assert_eq!((world.repair().await.outcome, world.status()), (Some(Outcome::Failed), SyncStatus::Exported));
    world.control.clear_faults();
    world.control.set_feed_token_valid(false);
    assert_eq!((world.repair().await.outcome, world.status()), (Some(Outcome::Paused), SyncStatus::Paused));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_survives_a_restart_and_belongs_to_its_attribute() {
    let mut world = world_with_known_defects().await;
    let verification = world.verify(Extent::Full).await;
    world.shut_down().await;
    world.start().await;
    let remembered = view(&world.snapshot()).last.unwrap();
    assert_eq!((remembered.groups, remembered.extent), (verification.groups, Extent::Full));
    assert_eq!(remembered.drift_upper_bound.to_bits(), verification.drift_upper_bound.to_bits());
    assert_eq!(world.wrong().len(), 6);
    let moved = crate::world::request(cohort_sync::domain::SyncKind::Recurring);
    let moved = cohort_sync::sync::command::StartRequest { attribute: Some("vip".to_owned()), ..moved };
    world.run_by(COHORT, Command::Start(moved)).await;
    assert_eq!(view(&world.snapshot()).last, None, "nobody looked at that one yet");
    assert!(world.refused(Command::Repair(COHORT)).await.to_string().contains("not verified yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_to_do_and_keeps_what_was_known() {
    let world = World::with_cohort(people(0, 12)).await;
    let refusal =
        world.refused(Command::Verify(VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 })).await;
    assert!(refusal.to_string().contains("start an export first"), "{refusal}");
    world.export().await;
    let verification = world.verify(Extent::Full).await;
    for (effect, says, needs_person) in [
        (
            Effect::Status { code: 403, body: String::new(), headers: vec![] },
            "org_id, account_id and workspace_id",
            true,
        ),
        (Effect::Html { code: 200 }, "check base_url", true),
        (Effect::Status { code: 503, body: String::new(), headers: vec![] }, "try again later", false),
        (Effect::CutBeforeApply, "try again later", false),
    ] {
        world.control.push_fault(Scripted::profile_api(effect).at_path("userprofile").forever());
        let view = world.check(Extent::Full).await;
        world.control.clear_faults();
        let trouble = view.trouble.unwrap();
        assert!(trouble.text.contains(says) && trouble.needs_person == needs_person, "{trouble:?}");
        assert_eq!(view.last.as_deref(), Some(&verification), "what was known stays");
    }
    world.control.set_client_secret("changed");
    world.control.expire_tokens();
    assert!(world.check(Extent::Full).await.trouble.unwrap().text.contains("client_id and client_secret"));
    let reader = world.reader();
    let journal = reader.journal(None, JournalPlace::Newest, 200).unwrap();
    let looked: Vec<_> = journal.iter().filter(|row| row.line.what == "profile").collect();
    assert!(looked.iter().any(|row| row.line.status == Some(403)) && looked.len() > 12, "{looked:?}");
    assert!(journal.iter().any(|row| row.line.what == "token" && row.said.starts_with("a token, kept for")));
    assert!(!format!("{journal:?}").contains("sandbox-token"), "no token is in the journal");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_found_at_all_is_not_believed_enough_to_repair() {
    let world = World::with_cohort(people(0, 12)).await;
    world.control.know_everyone(false);
    world.export().await;
    let verification = world.verify(Extent::Full).await;
    assert_eq!((verification.missing(), verification.found_nobody()), (12, true));
    assert!(world.snapshot().notices.back().unwrap().text.contains("check org_id"));
    let refusal = world.refused(Command::Repair(COHORT)).await;
    assert!(refusal.to_string().contains("not one of the profiles"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_ends_when_asked_to_and_with_the_program() {
    let mut world = World::with_cohort(people(0, 12)).await;
    world.export().await;
    let request = VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 };
    let slow = Scripted::profile_api(Effect::Delay { milliseconds: 600_000 }).forever();
    world.control.push_fault(slow);
    world.handle().send(Command::Verify(request)).await.unwrap();
    world.handle().send(Command::EndVerification(COHORT)).await.unwrap();
    let snapshot = world.until("it ends", |snapshot| view(snapshot).ended == 1).await;
    assert!(view(&snapshot).trouble.unwrap().text.contains("not kept"));
    assert!(matches!(world.refused(Command::EndVerification(COHORT)).await, Refusal::WrongStatus(_)));
    world.handle().send(Command::Verify(request)).await.unwrap();
    world.shut_down().await;
    assert_eq!(world.reader().verification(&held(NAME)).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lookups_wait_for_is_told_until_they_go_on() {
    let world = World::with_cohort(people(0, 12)).await;
    world.export().await;
    // Long enough to be seen, since tests try again at once otherwise.
    let busy = Effect::RetryAfterSeconds { seconds: 2 };
    world.control.push_fault(Scripted::profile_api(busy).forever());
    let request = VerifyRequest { cohort: COHORT, extent: Extent::Full, seed: 1 };
    world.handle().send(Command::Verify(request)).await.unwrap();
    let waiting = |snapshot: &Snapshot| view(snapshot).check.and_then(|check| check.waiting);
    let is_trouble =
        |snapshot: &Snapshot| waiting(snapshot).is_some_and(|words| words.starts_with("tries again: "));
    world.until("the trouble is told", is_trouble).await;
    world.control.clear_faults();
    let snapshot = world.until("it ends", |snapshot| view(snapshot).ended == 1).await;
    assert_eq!(view(&snapshot).last.unwrap().checked(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_wrong_are_read_a_page_at_a_time_and_written_to_a_file() {
    let world = world_with_known_defects().await;
    let page = async |offset, limit| match world
        .handle()
        .read(Question::Wrong { cohort: COHORT, offset, limit })
        .await
        .unwrap()
    {
        Answer::Wrong(window) => window,
        other => panic!("{other:?}"),
    };
    assert_eq!((page(0, 100).await.total, page(0, 100).await.rows.len()), (0, 0), "nobody looked yet");
    world.verify(Extent::Full).await;
    let wrong = world.wrong();
    assert_eq!((page(0, 4).await.total, page(0, 4).await.rows), (6, wrong[..4].to_vec()));
    assert_eq!(page(4, 4).await.rows, wrong[4..]);

    let content = Content::Wrong(COHORT);
    let export = Export { name: "wrong".to_owned(), at: Timestamp::now(), form: Form::Csv, content };
    let (path, rows) = world.handle().export(world.directory.path().to_owned(), export).await.unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!((rows, text.lines().next()), (6, Some(WRONG.join(",").as_str())));
    let overwritten = text.lines().find(|line| line.starts_with("user-100,")).unwrap();
    let (said, _) = overwritten.rsplit_once(',').unwrap();
    let told_at = said.split(',').nth(5).unwrap();
    let expected = format!("user-100,{},missing,steady,true,{told_at},1,\"\"\"vip\"\"\"", mpid(100));
    assert_eq!(said, expected);
    assert!(told_at.parse::<Timestamp>().is_ok(), "{told_at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_can_be_looked_up() {
    let world = World::with_cohort(people(0, 3)).await;
    world.export().await;
    let ann = Identity::Mpid(mpid(1));
    let now = world.clock.now();
    let profile = world.handle().look_up(&ann, now).await.unwrap().profile.unwrap();
    assert_eq!((profile.mpid, profile.held(NAME).to_string()), (Some(mpid(1)), "\"true\"".to_owned()));
    world.control.know_everyone(false);
    let nobody = world.handle().look_up(&Identity::of_distinct_id("nobody"), now).await.unwrap();
    assert_eq!((nobody.at, nobody.profile), (now, None));
}
