//! The soak: an hour of simulated time in which everything goes wrong at once. Twelve syncs, members who come, go
//! and change their ids, faults of every kind on both sides, a person who presses keys, a clock that is set, and
//! engines that are killed every other second. Afterwards mParticle must hold exactly what Mixpanel says, and every
//! account must add up. Not in the default run: `cargo test --test engine soak -- --ignored --nocapture`.
//!
//! `SOAK_MINUTES` (60) and `SOAK_SEED` change how long and which way it goes.

use crate::world::*;
use cohort_sync::domain::{CohortId, Outcome, Removal, SyncKind, SyncStatus};
use cohort_sync::http::Backoff;
use cohort_sync::sandbox::{
    DelayRange, Effect, Fault, Latency, PersonSeed, ProfileKey, RejectedUsers, SandboxOptions,
};
use cohort_sync::sync::Settings;
use cohort_sync::sync::command::{Command, StartRequest};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const SYNCS: u64 = 12;
/// People there are; every cohort takes some of them.
const PEOPLE: i64 = 600;

/// Numbers that look random and come again with the same seed (the generator known as splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    fn between(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(low + self.below(high - low))
    }
}

#[derive(Debug, Default)]
struct Survived {
    kills: u32,
    faults: u32,
    commands: u32,
    refused_commands: u32,
    changes_of_membership: u32,
    clock_jumps: u32,
}

/// The cohorts as Mixpanel has them, and which of their people have an MPID.
struct Truth {
    members: Vec<BTreeSet<i64>>,
    matched: BTreeSet<i64>,
}

fn id(sync: usize) -> CohortId {
    CohortId(COHORT.0 + sync as u64)
}

fn attribute(sync: usize) -> String {
    format!("Cohort {sync}")
}

impl World {
    /// A cohort's people as Mixpanel has them: `$distinct_id` and whether there is an MPID.
    fn members_of(&self, cohort: u64) -> BTreeMap<String, bool> {
        let named = |person: PersonSeed| {
            let has_mpid = person.properties.is_some_and(|all| all.contains_key("$mparticle_user_id"));
            (person.distinct_id.as_str().unwrap_or_default().to_owned(), has_mpid)
        };
        self.control.members(cohort).into_iter().map(named).collect()
    }
}

impl Truth {
    fn new(chance: &mut Chance) -> Self {
        let members = (0..SYNCS).map(|_| (0..PEOPLE).filter(|_| chance.one_in(3)).collect()).collect();
        Self { members, matched: (0..PEOPLE).filter(|_| !chance.one_in(4)).collect() }
    }

    fn people(&self, sync: usize) -> Vec<PersonSeed> {
        self.members[sync]
            .iter()
            .map(|n| {
                let distinct_id = format!("user-{n}");
                if self.matched.contains(n) {
                    PersonSeed::matched(distinct_id, mpid(*n))
                } else {
                    PersonSeed::unmatched(distinct_id)
                }
            })
            .collect()
    }

    /// Some people join and leave a cohort, now and then nearly everybody, and some gain or lose their MPID.
    fn change(&mut self, sync: usize, chance: &mut Chance) {
        let share = if chance.one_in(12) { 2 } else { 30 };
        for n in 0..PEOPLE {
            if chance.one_in(share) && !self.members[sync].remove(&n) {
                self.members[sync].insert(n);
            }
            if chance.one_in(400) && !self.matched.remove(&n) {
                self.matched.insert(n);
            }
        }
    }

    fn publish(&self, world: &World) {
        for sync in 0..self.members.len() {
            world.control.set_members(id(sync).0, self.people(sync));
        }
    }
}

fn status(code: u16, body: &str) -> Effect {
    Effect::Status { code, body: body.to_owned(), headers: Vec::new() }
}

fn fault(chance: &mut Chance) -> Fault {
    let times = 1 + u32::try_from(chance.below(6)).unwrap();
    let milliseconds = chance.below(2_000);
    let of_feed = |effect| Fault::mparticle(effect);
    let of_query = |effect| Fault::mixpanel(effect).at_path("engage");
    let fault = match chance.below(27) {
        0 => of_feed(status(503, "")),
        1 => of_feed(status(500, "<html>oops</html>")),
        2 => of_feed(status(429, "")),
        3 => of_feed(Effect::RetryAfterSeconds { seconds: 1 }),
        4 => of_feed(Effect::Html { code: 502 }),
        5 => of_feed(Effect::Html { code: 200 }),
        6 => of_feed(Effect::CutBeforeApply),
        7 => of_feed(Effect::CutAfterApply),
        8 => of_feed(Effect::CutThenApply { milliseconds }),
        9 => of_feed(Effect::TruncatedBody),
        10 => of_feed(Effect::SlowBody { milliseconds }),
        11 => of_feed(Effect::Delay { milliseconds }),
        12 => of_feed(Effect::RejectUsers { users: RejectedUsers::EveryNth(7) }),
        13 => of_feed(Effect::RejectWithoutIndex { users: 2 }),
        14 => of_feed(status(413, "")),
        15 => of_feed(status(403, "")),
        16 => of_feed(status(400, r#"{"errors":[{"message":"no"}]}"#)),
        17 => of_query(status(500, r#"{"error":"oops"}"#)),
        18 => of_query(status(401, "")),
        19 => of_query(status(402, r#"{"error":"Your plan does not allow API calls."}"#)),
        20 => of_query(Effect::Html { code: 502 }),
        21 => of_query(Effect::CutBeforeApply),
        22 => of_query(Effect::TruncatedBody),
        23 => of_query(Effect::SessionExpired),
        24 => of_query(Effect::WrongSession),
        25 => of_query(Effect::ShortPage),
        _ => of_query(Effect::EmptyRead),
    };
    fault.times(times)
}

fn command(chance: &mut Chance) -> Command {
    let cohort = id(usize::try_from(chance.below(SYNCS)).unwrap());
    match chance.below(9) {
        0 => Command::Pause(cohort),
        1 => Command::Approve(cohort),
        2 => Command::Discard(cohort),
        3 => Command::RunNow(cohort),
        4 => Command::FullRefresh(cohort),
        5 => Command::Cancel(cohort),
        6 => Command::Stop(cohort),
        7 => Command::StopAndCleanUp(cohort, Removal::ALL[usize::from(chance.one_in(2))]),
        _ => Command::Resume(cohort),
    }
}

fn recurring(sync: usize) -> StartRequest {
    let interval = Some(Duration::from_mins(1));
    let attribute = Some(attribute(sync));
    StartRequest { interval, attribute, ..StartRequest::new(id(sync), SyncKind::Recurring) }
}

/// Takes everything up again that waits for somebody; held plans are decided on in this way.
async fn put_right(world: &World, decide: fn(CohortId) -> Command) {
    for sync in 0..usize::try_from(SYNCS).unwrap() {
        let view = world.view(id(sync));
        let resting = view.sync.as_ref();
        let is_held = resting.and_then(|sync| sync.pause.as_ref()).is_some_and(|p| p.held_run.is_some());
        let command = match resting.map(|sync| sync.status) {
            Some(SyncStatus::Paused) if is_held => decide(id(sync)),
            Some(SyncStatus::Paused) => Command::Resume(id(sync)),
            None | Some(SyncStatus::Stopped | SyncStatus::NotSynced) => Command::Start(recurring(sync)),
            _ => continue,
        };
        // Something else may have come first; the next round sees to it.
        let _ = world.handle().send(command).await;
    }
}

async fn chaos(world: &mut World, truth: &mut Truth, chance: &mut Chance, survived: &mut Survived) {
    let minutes = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let end = tokio::time::Instant::now() + Duration::from_mins(minutes);
    while tokio::time::Instant::now() < end {
        world.pass(chance.between(20, 1_200)).await;
        for _ in 0..chance.below(4) {
            world.control.push_fault(fault(chance));
            survived.faults += 1;
        }
        if world.control.pending_faults().len() > 12 {
            world.control.clear_faults();
        }
        if chance.one_in(3) {
            truth.change(usize::try_from(chance.below(SYNCS)).unwrap(), chance);
            truth.publish(world);
            survived.changes_of_membership += 1;
        }
        if chance.one_in(4) {
            survived.commands += 1;
            survived.refused_commands += u32::from(world.handle().send(command(chance)).await.is_err());
        }
        if chance.one_in(5) {
            put_right(world, Command::Discard).await;
        }
        if chance.one_in(200) {
            let minutes = i64::try_from(chance.below(60)).unwrap() - 30;
            world.clock.set_by(SignedDuration::from_mins(minutes));
            survived.clock_jumps += 1;
        }
        if !chance.one_in(10) {
            world.kill().await;
            survived.kills += 1;
            world.try_start().await.unwrap();
            world.until("it shows what it remembers", |snapshot| snapshot.revision > 0).await;
        }
    }
}

#[ignore = "minutes long; run it by name, see the top of the file"]
#[tokio::test(start_paused = true)]
async fn soak() {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let mut chance = Chance(seed);
    let latency = Latency {
        pages: DelayRange { min: Duration::from_millis(2), max: Duration::from_millis(30) },
        feed: DelayRange { min: Duration::from_millis(2), max: Duration::from_millis(60) },
    };
    let options = SandboxOptions { latency, page_size: 50, seed, ..SandboxOptions::quiet() };
    let settings = Settings {
        list_on_start: false,
        list_every: None,
        full_refresh_every: Some(Duration::from_mins(7)),
        backoff: Backoff {
            base: Duration::from_millis(40),
            ceiling: Duration::from_millis(200),
            ..Backoff::default()
        },
        ..Settings::default()
    };
    let mut world = World::simulated(settings, options).await;
    for n in 0..PEOPLE {
        let customer = ProfileKey::Identity { kind: "customer_id".to_owned(), value: format!("user-{n}") };
        world.control.link_profile(customer, ProfileKey::Mpid(mpid(n)));
    }
    let mut truth = Truth::new(&mut chance);
    for sync in 0..usize::try_from(SYNCS).unwrap() {
        world.add_cohort(id(sync).0, &attribute(sync), truth.people(sync));
    }
    world.start().await;
    put_right(&world, Command::Discard).await;
    let mut survived = Survived::default();
    chaos(&mut world, &mut truth, &mut chance, &mut survived).await;

    // The storm is over: whatever waits for somebody is taken up, and every sync gets its peace for two runs.
    world.control.clear_faults();
    for _ in 0..5 {
        // What was held in the storm may be old; what is held in peace is what the storm made of the membership.
        put_right(&world, Command::Approve).await;
        world.pass(Duration::from_mins(2)).await;
    }
    world
        .pass_until("every sync rests", Duration::from_mins(5), |snapshot| {
            snapshot.cohorts.iter().all(|view| view.status() == SyncStatus::Synced)
        })
        .await;
    judge(&world, &truth, &survived, seed);
}

/// Everything that was told of one person in one cohort, for whoever must find out what went wrong.
fn story(world: &World, sync: usize, n: i64, should: bool) -> String {
    let (name, customer, mpid) = (attribute(sync), format!("user-{n}"), mpid(n));
    let mut lines = vec![format!("{name}: user-{n} (mpid {mpid}) should be {should}")];
    for request in world.control.feed_requests() {
        let body = request.body.as_deref().unwrap_or_default();
        let batches: Vec<serde_json::Value> = serde_json::from_slice(body).unwrap_or_default();
        for batch in batches {
            let told = batch["user_attributes"].get(&name).cloned();
            let deleted = batch["deleted_user_attributes"]
                .as_array()
                .is_some_and(|all| all.contains(&name.as_str().into()));
            let is_meant = batch["mpid"].as_i64() == Some(mpid)
                || batch["user_identities"]["customer_id"] == customer.as_str();
            if is_meant && (told.is_some() || deleted) {
                let by = if batch["mpid"].is_null() { "customer id" } else { "mpid" };
                lines.push(format!(
                    "  {:?} {by} {told:?} {} answered {:?}, applied {}, {} repeats",
                    request.received,
                    batch["source_request_id"],
                    request.status,
                    request.applied,
                    request.repeated
                ));
            }
        }
    }
    let history = world.control.attribute_history(&ProfileKey::Mpid(mpid), &name);
    let matched = world.members_of(id(sync).0);
    lines.push(format!("  values in order: {history:?}; in Mixpanel: {:?}", matched.get(&customer)));
    for run in world.runs(id(sync)) {
        lines.push(format!(
            "  run {} {:?} {:?}: {:?} {:?}",
            run.id, run.purpose, run.outcome, run.counts.adds, run.error
        ));
    }
    lines.join("\n")
}

fn judge(world: &World, truth: &Truth, survived: &Survived, seed: u64) {
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for sync in 0..usize::try_from(SYNCS).unwrap() {
        let expected: BTreeMap<String, bool> =
            truth.members[sync].iter().map(|n| (key_text(&ProfileKey::Mpid(mpid(*n))), true)).collect();
        let held: BTreeMap<String, bool> =
            world.members_in_mparticle(&attribute(sync)).into_iter().filter(|(_, value)| *value).collect();
        for n in 0..PEOPLE {
            let key = key_text(&ProfileKey::Mpid(mpid(n)));
            let (is, should) = (held.contains_key(&key), expected.contains_key(&key));
            assert!(is == should, "seed {seed}, {}", story(world, sync, n, should));
        }
        for run in world.runs(id(sync)).iter().filter(|run| run.outcome.is_some()) {
            assert_counts_add_up(run);
            *outcomes
                .entry(run.outcome.map_or_else(String::new, |outcome: Outcome| outcome.to_string()))
                .or_default() += 1;
        }
    }
    let requests = world.control.feed_requests();
    let cut = requests.iter().filter(|request| request.status.is_none()).count();
    println!("seed {seed}: {survived:?}");
    println!(
        "{} requests reached the feed, {cut} of them without an answer; {} batches were repeats; runs kept: {outcomes:?}",
        requests.len(),
        world.control.repeated_batches()
    );
}
