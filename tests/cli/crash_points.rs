//! Killed at every commit of the store, before and after it is durable, in a first export, in a recurring sync
//! and in a recovery from an earlier kill; and at random moments while the cohort changes. Each time the next
//! run must put everything right, see `chronicle`. The fault points exist in debug builds only.

use crate::chronicle::Chronicle;
use crate::world::NAME;
use cohort_sync::sandbox::{Effect, Fault};
use futures_util::{StreamExt, stream};
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Worlds at once: each has a process of the program and a sandbox, and the machine may have two cores.
const AT_ONCE: usize = 2;

const EXPORT: &[&str] = &["sync", NAME, "--yes", "--json"];
const RECURRING: &[&str] = &["sync", NAME, "--recurring", "--yes", "--json"];

/// The members of the first export.
const FIRST: Range<i64> = 0..350;
/// 60 have left, 80 have joined.
const LATER: Range<i64> = 60..430;
/// Once more, with some who come back.
const LAST: Range<i64> = 30..400;

/// Kills at the first commit, the second and so on, before and after each, until the process survives.
async fn sweep<S>(scenario: &str, story: impl Fn(String) -> S) -> usize
where
    S: Future<Output = Option<usize>>,
{
    let began = Instant::now();
    let mut kills = 0;
    let mut points = Vec::new();
    for kind in ["kill-before", "kill-after"] {
        let told = stream::iter(1..).map(|number| story(format!("{kind}:{number}")));
        let killed = told.buffered(AT_ONCE).take_while(|kills| std::future::ready(kills.is_some()));
        let killed: Vec<usize> = killed.filter_map(std::future::ready).collect().await;
        kills += killed.iter().sum::<usize>();
        points.push(killed.len());
    }
    assert!(points.iter().all(|points| *points > 15), "{scenario}: the process outlived most of {points:?}");
    eprintln!("{scenario}: {kills} kills at {points:?} commits in {:.1} s", began.elapsed().as_secs_f64());
    kills
}

/// Kills a first export, or a sync of a cohort that was exported before; `None` when it lived on.
async fn kill_once(was_exported: bool, fault: String, next: Range<i64>) -> Option<usize> {
    let mut chronicle = Chronicle::begin(FIRST).await;
    let words = if was_exported { RECURRING } else { EXPORT };
    if was_exported {
        chronicle.converges(words).await;
        chronicle.becomes(LATER);
    }
    if chronicle.strike(words, &fault).await.is_some() {
        return None;
    }
    chronicle.becomes(next);
    chronicle.converges(words).await;
    Some(chronicle.kills)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_export_killed_at_every_commit_is_taken_up() {
    sweep("first export", |fault| kill_once(false, fault, FIRST)).await;
    sweep("first export, then another cohort", |fault| kill_once(false, fault, LATER)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recurring_sync_killed_at_every_commit_is_taken_up() {
    sweep("recurring sync", |fault| kill_once(true, fault, LATER)).await;
    sweep("recurring sync, then another cohort", |fault| kill_once(true, fault, LAST)).await;
}

/// Points of the first export from before there is a plan to after everything is settled.
const FIRST_POINTS: Range<u64> = 15..31;

/// Kills a first export, then the recovery from that, then looks at what the third run makes of it.
async fn kill_twice(first: String, then: String, next: Range<i64>) -> usize {
    let mut chronicle = Chronicle::begin(FIRST).await;
    assert!(chronicle.strike(EXPORT, &first).await.is_none(), "it outlived {first}");
    chronicle.becomes(LATER);
    // It may live on, for how much there is to recover depends on the first kill.
    chronicle.strike(EXPORT, &then).await;
    chronicle.becomes(next);
    chronicle.converges(EXPORT).await;
    chronicle.kills
}

async fn kill_each_twice(pairs: impl Iterator<Item = (String, String, Range<i64>)>) -> usize {
    let began = Instant::now();
    let worlds = stream::iter(pairs).map(|(first, then, next)| kill_twice(first, then, next));
    let kills: Vec<usize> = worlds.buffered(AT_ONCE).collect().await;
    let kills = kills.iter().sum();
    eprintln!("recovery: {kills} kills in {:.1} s", began.elapsed().as_secs_f64());
    kills
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_killed_at_every_commit_is_taken_up_as_well() {
    let pairs = (1..=36_u64).flat_map(|number| {
        ["kill-before", "kill-after"].map(|kind| {
            // Every point of the first run comes up, against changing points of the second.
            let first = FIRST_POINTS.start + (number * 5) % (FIRST_POINTS.end - FIRST_POINTS.start);
            // Every other time somebody leaves before the rest is told.
            let next = if number % 2 == 0 { LATER } else { LAST };
            (format!("kill-after:{first}"), format!("{kind}:{number}"), next)
        })
    });
    let kills = kill_each_twice(pairs).await;
    assert!(kills > 100, "only {kills} kills");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "every pair of points, some thousand kills, takes several minutes"]
async fn every_pair_of_kills() {
    let pairs = FIRST_POINTS.flat_map(|first| {
        (1..=36_u64).flat_map(move |second| {
            [LATER, LAST].map(|next| (format!("kill-after:{first}"), format!("kill-after:{second}"), next))
        })
    });
    let kills = kill_each_twice(pairs).await;
    assert!(kills > 1_000, "only {kills} kills");
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_while_the_cohort_changes_leave_no_trace() {
    const WORLDS: u64 = 8;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let given = std::env::var("CRASH_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed: u64 = given.unwrap_or(clock.as_secs());
    // Shown when the test fails; the moments of the kills still depend on the machine.
    println!("CRASH_SEED={seed}");
    let began = Instant::now();
    let worlds = stream::iter(0..WORLDS).map(|world| wander(Dice(seed.wrapping_mul(WORLDS) + world + 1)));
    let kills: Vec<usize> = worlds.buffered(AT_ONCE).collect().await;
    let kills: usize = kills.iter().sum();
    assert!(kills > 40, "only {kills} processes were killed in time");
    eprintln!("random moments: {kills} kills in {:.1} s", began.elapsed().as_secs_f64());
}

/// A world in which the cohort changes and the process is killed, some times before each run that may end. The
/// feed and the pages take their time, so that the process can be hit anywhere.
async fn wander(mut dice: Dice) -> usize {
    let mut chronicle = Chronicle::begin(FIRST).await;
    for _ in 0..5 {
        for _ in 0..=dice.below(3) {
            let (from, length) = (dice.below(100).cast_signed(), 300 + dice.below(100).cast_signed());
            let rare = 2 + dice.below(9).cast_signed();
            chronicle.becomes((from..from + length).filter(|n| n % rare != 0));
            chronicle
                .world
                .control
                .push_fault(Fault::mparticle(Effect::Delay { milliseconds: dice.below(12) }).forever());
            let mut child = chronicle.world.command(RECURRING).spawn().unwrap();
            // Not for luck: any moment will do, the end of the run included.
            tokio::time::sleep(Duration::from_micros(dice.below(140_000))).await;
            child.kill().await.unwrap();
            chronicle.ended(child.wait().await.unwrap());
            chronicle.world.control.clear_faults();
        }
        chronicle.converges(RECURRING).await;
    }
    chronicle.kills
}
