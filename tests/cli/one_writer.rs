//! One process writes a state directory: while it works, whoever else would change something is told who it is
//! and since when, and whoever looks sees how far it has come. Once it is gone, by whatever end, the next may.

use crate::world::{ID, NAME, PATIENCE, World, finish, keys, people};
use cohort_sync::sandbox::{Effect, Fault, PersonSeed};
use serde_json::{Value, json};
use tokio::process::Child;

/// 400 have an id, 3 do not.
const KNOWN: i64 = 400;

/// Everybody who is in the cohort while the other process works.
const ALL: i64 = 2_400;

fn members(matched: i64) -> Vec<PersonSeed> {
    let mut members = people(0, matched);
    members.extend((0..3).map(|n| PersonSeed::unmatched(format!("without-{n}"))));
    members
}

/// A world with a first account, in which the feed answers five requests more and then falls silent.
async fn about_to_stall() -> World {
    let world = World::with(members(KNOWN)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    world.control.set_members(ID, members(ALL));
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 2 }).times(5));
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 600_000 }).forever());
    world
}

async fn object(world: &World, words: &[&str]) -> Value {
    world.run(words).await.exits(0).objects().remove(0)
}

/// Waits until others see that the five answers were recorded, although nothing moves any more.
async fn shows_its_progress(world: &World) -> Value {
    let seen = async {
        loop {
            let run = object(world, &["runs", "--json"]).await;
            if run["counts"]["accepted"] == 500 {
                return run;
            }
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap()
}

/// What others may and may not do while `holder`, started as `command`, works.
async fn is_respected(world: &World, holder: &Child, command: &str) {
    let run = shows_its_progress(world).await;
    assert_eq!((&run["outcome"], &run["ended_at"]), (&Value::Null, &Value::Null), "{run}");
    let counts = &run["counts"];
    assert_eq!((&counts["adds"], &counts["unchanged"]), (&json!(ALL - KNOWN), &json!(KNOWN + 3)), "{run}");
    assert_eq!(counts["pending"], json!(ALL - KNOWN - 500), "{run}");

    let standing = object(world, &["status", NAME, "--json"]).await;
    assert_eq!(standing["status"], "sending");
    // The last run is the last that has ended.
    assert_eq!(standing["last_run"]["counts"]["accepted"], json!(KNOWN + 3));
    let id = run["run_id"].to_string();
    let changes = world.run(&["changes", &id, "--json"]).await.exits(0).objects();
    let accepted = changes.iter().filter(|change| change["state"] == "accepted").count();
    assert_eq!((accepted, changes.len()), (500, usize::try_from(ALL - KNOWN).unwrap()));
    let counts = object(world, &["counts", NAME, "--json"]).await;
    assert_eq!((&counts["accepted"], &counts["unexplained"]), (&json!(KNOWN + 3), &json!(0)), "{counts}");
    assert_eq!(world.run(&["unmatched", NAME, "--json"]).await.exits(0).objects().len(), 3);
    world.run(&["cohorts", "--json"]).await.exits(0);

    let process = format!("(process {}, since ", holder.id().unwrap());
    let directory = world.state().display().to_string();
    let sent = world.control.feed_requests().len();
    for words in [
        ["sync", NAME].as_slice(),
        &["sync", NAME, "--dry-run", "--json"],
        &["run"],
        &["pause", NAME],
        &["resume", NAME],
        &["stop", NAME],
    ] {
        let output =
            world.run(words).await.exits(3).complains(&[&directory, "is in use by", command, &process]);
        assert_eq!(output.out, "", "{words:?}");
    }
    assert_eq!(world.control.feed_requests().len(), sent, "nobody sent anything meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_sync_is_stalled_others_look_on() {
    let world = about_to_stall().await;
    let mut holder = world.command(&["sync", NAME]).spawn().unwrap();
    is_respected(&world, &holder, "`cohort-sync sync`").await;
    assert!(world.run(&["runs"]).await.exits(0).out.contains(" running "));
    assert!(object(&world, &["status", NAME, "--json"]).await["reason"].is_null());
    holder.kill().await.unwrap();

    // Dead, it holds nothing: what it was doing was cut off, and the next one takes it up.
    let cut_off = object(&world, &["status", NAME, "--json"]).await;
    assert_eq!(cut_off["status"], "queued");
    let reason = cut_off["reason"].as_str().unwrap();
    assert!(reason.contains("`cohort-sync run`"), "nothing works on it, so it says what would: {reason}");
    assert!(world.run(&["status"]).await.exits(0).out.contains(reason));
    assert!(world.run(&["runs"]).await.exits(0).out.contains(" cut off "));
    world.control.clear_faults();
    world.run(&["sync", NAME]).await.exits(0);
    assert_eq!(object(&world, &["status", NAME, "--json"]).await["status"], "synced");
    assert!(world.delivered(NAME).is_superset(&keys(0, ALL)));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_run_keeps_the_schedule_others_look_on() {
    let world = about_to_stall().await;
    // Due at once instead of in a quarter of an hour.
    world.run(&["pause", NAME]).await.exits(0);
    world.run(&["resume", NAME]).await.exits(0);
    let mut holder = world.command(&["run"]).spawn().unwrap();
    is_respected(&world, &holder, "`cohort-sync run`").await;
    holder.kill().await.unwrap();

    // The next `run` takes up at once what the last one was doing.
    world.control.clear_faults();
    let next = world.command(&["run"]).spawn().unwrap();
    let delivered =
        async { while object(&world, &["status", NAME, "--json"]).await["status"] != "synced" {} };
    tokio::time::timeout(PATIENCE, delivered).await.unwrap();
    assert!(world.delivered(NAME).is_superset(&keys(0, ALL)));
    crate::crash::send("TERM", next.id().unwrap()).await;
    finish(next).await.exits(0);
}
