//! Being killed, and being asked to end, in the middle of sending: nothing accepted is forgotten, and at most
//! the requests in flight are sent again.

use crate::world::{ID, NAME, Output, World, finish, keys, people};
use cohort_sync::sandbox::{Effect, Fault};
use serde_json::json;
use std::collections::BTreeSet;
use tokio::process::Command;

const MEMBERS: i64 = 3_000;
/// Users in one request, times the requests that may be in flight.
const IN_FLIGHT: u64 = 4 * 100;

/// Slow enough that a signal sent after the first answers finds most of the work still to be done.
async fn slow_world() -> World {
    let world = World::with(people(0, MEMBERS)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 60 }).forever());
    world
}

/// A feed that answers so many requests and then falls silent, so that a kill always comes in the middle,
/// however slow the machine is.
async fn world_that_stalls_after(answers: usize) -> World {
    let world = World::with(people(0, MEMBERS)).await;
    let answered = u32::try_from(answers).unwrap();
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 2 }).times(answered));
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 600_000 }).forever());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_taken_up_again() {
    for answered in [1, 2, 7, 13, 20, 27] {
        let world = world_that_stalls_after(answered).await;
        let mut child = world.command(&["sync", NAME]).spawn().unwrap();
        world.feed_has_answered(answered).await;
        child.kill().await.unwrap();
        let before = world.delivered(NAME).len();
        assert!(before < 3_000, "it was killed too late to tell anything, after {before}");
        world.control.clear_faults();
        let output = world.run(&["sync", NAME, "--json"]).await.exits(0);
        assert_eq!(world.delivered(NAME), keys(0, MEMBERS), "killed after {answered} answers: {output:?}");
        let again = sent_again(&world);
        assert!(again <= IN_FLIGHT, "{again} users were sent again after {answered} answers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_while_it_removes_is_taken_up_again() {
    let world = World::with(people(0, MEMBERS)).await;
    world.export().await;
    world.control.set_members(ID, people(1_000, MEMBERS));
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 15 }).forever());
    for answered in [34, 41] {
        let mut child = world.command(&["sync", NAME]).spawn().unwrap();
        world.feed_has_answered(answered).await;
        child.kill().await.unwrap();
    }
    world.control.clear_faults();
    world.run(&["sync", NAME]).await.exits(0);
    assert_eq!(world.delivered(NAME), keys(1_000, MEMBERS));
    let changes = sent_in_all(&world) - 3_000;
    assert!(changes <= 2_000 + 2 * IN_FLIGHT, "{changes} changes were sent for 2,000");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_and_sigint_end_between_requests() {
    for signal in ["TERM", "INT", "HUP"] {
        let world = slow_world().await;
        let child = world.command(&["sync", NAME, "--json"]).spawn().unwrap();
        world.feed_has_answered(5).await;
        send(signal, child.id().unwrap()).await;
        let output = finish(child).await.exits(1).complains(&["what was accepted is kept"]);
        let run = output.object();
        assert_eq!(run["outcome"], "cancelled", "{signal}");
        // Whom the feed has taken and what we recorded are the same: nothing acknowledged was lost.
        let delivered = world.delivered(NAME).len();
        assert_eq!(run["counts"]["accepted"], json!(delivered), "{signal}");
        assert!(delivered < 3_000, "it was asked too late to tell anything");
        let listed = world.run(&["cohorts", "--json"]).await.exits(0).object();
        assert_eq!(listed["baseline"], json!(delivered), "{signal}");
        world.control.clear_faults();
        let rest = world.export().await;
        assert_eq!(rest["counts"]["unchanged"], json!(delivered), "{signal}");
        assert_eq!(world.delivered(NAME), keys(0, MEMBERS));
        assert_eq!(world.control.repeated_batches(), 0, "{signal}");
        assert_eq!(sent_again(&world), 0, "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_keeps_the_schedule_until_it_is_asked_to_end() {
    let world = slow_world().await;
    world.run(&["sync", NAME, "--recurring", "--dry-run"]).await.exits(0);
    let started: Output = world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    assert!(started.out.contains("done"), "{started:?}");
    world.control.set_members(ID, people(0, MEMBERS + 1_500));
    world.run(&["pause", NAME]).await.exits(0);
    world.run(&["resume", NAME]).await.exits(0);
    let before = world.control.feed_requests().len();
    let child = world.command(&["run", "--json"]).spawn().unwrap();
    world.feed_has_answered(before + 3).await;
    send("TERM", child.id().unwrap()).await;
    let output = finish(child).await.exits(0);
    assert_eq!(output.object()["outcome"], "cancelled");
    world.control.clear_faults();
    world.export().await;
    assert_eq!(world.delivered(NAME), keys(0, MEMBERS + 1_500));
    assert_eq!(world.control.repeated_batches(), 0);
}

pub async fn send(signal: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
    assert!(sent.await.unwrap().success());
}

/// Users in all requests that reached the feed.
fn sent_in_all(world: &World) -> u64 {
    world.control.feed_requests().iter().map(|request| request.batches as u64).sum()
}

/// How many users were sent more than once, counted in the bodies so that a repeat under another request id
/// shows as well.
fn sent_again(world: &World) -> u64 {
    let mut people = BTreeSet::new();
    for request in world.control.feed_requests() {
        let batches: Vec<serde_json::Value> = serde_json::from_slice(&request.body.unwrap()).unwrap();
        people.extend(batches.iter().map(|batch| batch["mpid"].as_i64().unwrap()));
    }
    sent_in_all(world) - people.len() as u64
}
