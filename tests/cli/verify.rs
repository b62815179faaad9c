//! `verify`: what it promises to scripts, what people read, and what it does beside another process.

use crate::contract::{has_exactly, in_order};
use crate::world::{ID, NAME, PATIENCE, World, finish, mpid, people};
use cohort_sync::sandbox::{DroppedUsers, Effect, Fault, PersonSeed};
use serde_json::{Value, json};
use std::process::Stdio;

const FIELDS: &[&str] = &["cohort_id", "checked", "missing", "stale", "confidence", "drift_upper_bound"];

const COLUMNS: &str = "distinct_id,mpid,wrong,group,told,told_at,run_id,holds,looked_up_at";

impl World {
    /// With the Profile API configured, and 20 people of whom mParticle dropped two without a word.
    pub async fn with_dropped() -> Self {
        let mut members = people(0, 19);
        members.push(PersonSeed::unmatched("ann, \"the\" customer"));
        let world = Self::with(members).await;
        world.configure_profile_api();
        let dropped = vec![mpid(3).to_string(), "ann, \"the\" customer".to_owned()];
        let effect = Effect::DropUsers { users: DroppedUsers::Identities(dropped) };
        world.control.push_fault(Fault::mparticle(effect));
        world.export().await;
        world.age();
        world
    }

    /// Lets what was told be an hour old: whoever was told only just now is given time, and no test can wait for that.
    fn age(&self) {
        let state = rusqlite::Connection::open(self.state().join("cohort-sync.db")).unwrap();
        state.execute("UPDATE outbox SET answered_at = answered_at - 3600000", []).unwrap();
    }

    fn configure_profile_api(&self) {
        let secret = format!("\"{}\"", cohort_sync::sandbox::SECRET);
        let webhook = format!("\"{}\"", self.sandbox.webhook_url());
        let api = self.profile_api(&format!("\"{}\"", cohort_sync::sandbox::CLIENT_SECRET));
        self.configure(&self.config(&secret, &webhook, &api));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_one_object_with_true_numbers_and_the_wrong_ones_go_to_a_file() {
    let world = World::with_dropped().await;
    let output =
        world.run(&["verify", NAME, "--full", "--json", "-o", "wrong.csv", "--format", "csv"]).await.exits(1);
    let object = output.object();
    in_order(&output.out, FIELDS);
    has_exactly(&object, FIELDS);
    assert_eq!(
        object,
        json!({ "cohort_id": ID, "checked": 20, "missing": 2, "stale": 0, "confidence": 0.95, "drift_upper_bound": 0.1 })
    );
    let file = std::fs::read_to_string(world.path("wrong.csv")).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!((lines[0], lines.len()), (COLUMNS, 3));
    assert!(lines[1].starts_with(&format!("user-3,{},missing,adds,true,20", mpid(3))), "{file}");
    assert!(lines[2].starts_with("\"ann, \"\"the\"\" customer\",,missing,adds,true,20"), "{file}");
    assert!(lines[1].contains(",1,no such attribute,20"), "{file}");

    let counts = world.run(&["counts", NAME, "--json"]).await.exits(0).object();
    assert_eq!((&counts["verified"], &counts["accepted"]), (&json!(18), &json!(20)));
    let counts = world.run(&["counts", NAME]).await.exits(0).out;
    let line = counts.lines().last().unwrap();
    assert!(
        line.starts_with("Verified (all 20)") && line.contains("90.0 %  2 have no such attribute"),
        "{counts}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_line_a_group_and_then_the_list() {
    let world = World::with_dropped().await;
    let output = world.run(&["verify", NAME, "--full"]).await.exits(1).complains(&["With --repair"]);
    let lines: Vec<&str> = output.out.lines().collect();
    assert_eq!(lines[0], "Power users: all 20 checked, 2 wrong: 10.0 % drift");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(lines[1]), "adds 20 of 20 checked 2 missing");
    assert_eq!(words(lines[2]), "removes 0 of 0 checked 0 stale");
    assert_eq!(words(lines[3]), "steady 0 of 0 checked 0 missing");
    assert_eq!(lines[4], "  2 have no such attribute in mParticle");
    assert!(lines[6].starts_with("Distinct id") && lines[6].contains("mParticle holds"), "{output:?}");
    assert!(lines[7].starts_with("user-3"), "{output:?}");
    assert!(!output.out.to_lowercase().contains("accepted"), "accepted is another word: {output:?}");
    // A list for programs stands alone on standard output.
    let csv = world.run(&["verify", NAME, "--full", "--format", "csv"]).await.exits(1);
    assert_eq!((csv.out.lines().next(), csv.out.lines().count()), (Some(COLUMNS), 3));
    csv.complains(&["all 20 checked, 2 wrong"]);
    let sample = world.run(&["verify", NAME, "--sample", "5", "--json"]).await.object();
    assert_eq!(sample["checked"], 5);
    assert!(sample["drift_upper_bound"].as_f64().unwrap() > 0.4, "five say little: {sample}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_follows_as_a_run_of_its_own() {
    let world = World::with_dropped().await;
    let output = world.run(&["verify", NAME, "--full", "--repair", "--json"]).await.exits(0);
    let [verified, run] = output.objects().try_into().unwrap();
    assert_eq!(verified["missing"], 2);
    assert_eq!(
        (&run["outcome"], &run["counts"]["adds"], &run["counts"]["accepted"]),
        (&json!("succeeded"), &json!(2), &json!(2))
    );
    let output = world.run(&["verify", NAME, "--full"]).await.exits(0);
    assert_eq!(output.out.lines().next(), Some("Power users: all 20 checked, 0 wrong: 0.0 % drift"));
    assert_eq!((output.out.lines().count(), output.err.as_str()), (4, ""));
    let runs = world.run(&["runs", "--format", "csv"]).await.exits(0).out;
    assert!(runs.lines().nth(1).unwrap().contains(",repair,operator,succeeded,"), "{runs}");
    let status = world.run(&["status", NAME, "--json"]).await.exits(0).object();
    assert_eq!(status["status"], "exported");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_what_to_do() {
    let world = World::with(people(0, 3)).await;
    let output = world.run(&["verify", NAME]).await.exits(2);
    output.complains(&[
        "not configured",
        "[mparticle.profile_api]",
        "client_secret",
        "workspace_id",
        "config.toml",
    ]);
    world.configure_profile_api();
    world.run(&["verify", NAME]).await.exits(3).complains(&["never exported", "cohort-sync sync"]);
    world.export().await;
    world.run(&["verify", "Pwer users"]).await.exits(2).complains(&["did you mean \"Power users\""]);
    world
        .run(&["verify", NAME, "--repair", "--read-only"])
        .await
        .exits(3)
        .complains(&["--read-only forbids"]);
    world.run(&["verify", NAME, "--sample", "0"]).await.exits(2).complains(&["--sample"]);
    world
        .run(&["verify", NAME, "--json", "--format", "csv"])
        .await
        .exits(2)
        .complains(&["leave one of them out"]);
    world.control.set_client_secret("changed");
    world.run(&["verify", NAME]).await.exits(3).complains(&["client_id and client_secret"]);
    let null = world.run(&["counts", NAME, "--json"]).await.object();
    assert_eq!(null["verified"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_another_process_nothing_is_recorded() {
    let world = World::with_dropped().await;
    let mut daemon = world.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    world.is_held().await;
    let output = world.run(&["verify", NAME, "--full", "--json"]).await.exits(1);
    let output = output.complains(&["cohort-sync run", "not recorded"]);
    assert_eq!(output.object()["missing"], 2);
    world
        .run(&["verify", NAME, "--full", "--repair"])
        .await
        .exits(3)
        .complains(&["in use by", "cohort-sync run"]);
    daemon.kill().await.unwrap();
    let read_only = world.run(&["verify", NAME, "--full", "--read-only"]).await.exits(1);
    assert!(read_only.out.contains("user-3"), "{read_only:?}");
    let counts = world.run(&["counts", NAME, "--json"]).await.object();
    assert_eq!(counts["verified"], Value::Null, "nothing of it was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_ended_and_then_keeps_nothing() {
    let world = World::with_dropped().await;
    world.control.push_fault(Fault::profile_api(Effect::Delay { milliseconds: 600_000 }).forever());
    let child = world.command(&["verify", NAME]).spawn().unwrap();
    let asked = async {
        while world.control.max_concurrent_lookups_seen() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
    let id = child.id().unwrap().to_string();
    std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    finish(child).await.exits(1).complains(&["ended before it was complete"]);
}
