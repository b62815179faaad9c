//! The other commands: lists in three formats, counts, status and steering, the configuration, and what is
//! generated. Each is read as a script or an operator would.

use crate::contract::{has_exactly, in_order};
use crate::world::{ID, NAME, World, finish, keys, mpid, people};
use cohort_sync::sandbox::PersonSeed;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

const COUNTS: &[&str] = &[
    "cohort_id",
    "mixpanel",
    "fetched",
    "duplicates",
    "unsendable",
    "matched",
    "suspect",
    "unmatched",
    "anonymous",
    "accepted",
    "rejected",
    "pending",
    "verified",
    "unexplained",
];
const STATUS: &[&str] =
    &["cohort_id", "cohort", "attribute", "kind", "status", "reason", "next_due_at", "last_run"];

#[tokio::test(flavor = "multi_thread")]
async fn status_and_steering() {
    let world = World::with(people(0, 20)).await;
    let none = world.run(&["status", "--json"]).await.exits(0);
    assert_eq!(none.out, "");
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    let output = world.run(&["status", "--json"]).await.exits(0);
    in_order(&output.out, STATUS);
    let standing = output.object();
    has_exactly(&standing, STATUS);
    assert_eq!((&standing["status"], &standing["kind"]), (&json!("synced"), &json!("recurring")));
    assert_eq!(standing["last_run"]["counts"]["accepted"], 20);
    assert!(standing["next_due_at"].is_string());

    for (verb, status) in [("pause", "paused"), ("resume", "queued"), ("stop", "stopped")] {
        let object = world.run(&[verb, &ID.to_string(), "--json"]).await.exits(0).object();
        let now = world.run(&["status", NAME, "--json"]).await.exits(0).object();
        assert_eq!(object, now, "{verb}");
        // A resumed sync is due now; whoever keeps the schedule says that it is queued.
        assert!(
            now["status"] == status || verb == "resume" && now["next_due_at"].is_string(),
            "{verb}: {now}"
        );
    }
    let told = world.run(&["resume", NAME]).await.exits(0);
    assert_eq!(told.err, "");
    assert!(told.out.contains(NAME) && told.out.contains("cohort-sync run"), "{told:?}");
    assert_eq!(world.delivered(NAME), keys(0, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_unmatched() {
    let mut members = people(0, 5);
    members.extend([
        PersonSeed::unmatched("cid, with \"comma\""),
        PersonSeed::without_profile("$device:0d"),
        PersonSeed::unmatched(77),
        PersonSeed::with_raw_mpid("dora", json!("12x")),
        PersonSeed::unmatched("undefined"),
        PersonSeed::matched("again", mpid(1)),
    ]);
    let world = World::with(members).await;
    world.export().await;
    let output = world.run(&["counts", NAME, "--json"]).await.exits(0);
    in_order(&output.out, COUNTS);
    let counts = output.object();
    has_exactly(&counts, COUNTS);
    assert_eq!(
        counts,
        json!({
            "cohort_id": ID, "mixpanel": 11, "fetched": 11, "duplicates": 1, "unsendable": 1, "matched": 5,
            "suspect": 0, "unmatched": 4, "anonymous": 1, "accepted": 9, "rejected": 0, "pending": 0,
            "verified": null, "unexplained": 0,
        })
    );
    let people_read = world.run(&["counts", NAME]).await.exits(0).out;
    assert!(people_read.starts_with("Power users\n"), "{people_read}");

    let objects = world.run(&["unmatched", NAME, "--json"]).await.exits(0).objects();
    let mut ids: Vec<&str> = objects.iter().filter_map(|user| user["distinct_id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["$device:0d", "77", "cid, with \"comma\"", "dora", "undefined"]);
    let file = world.path("unmatched.csv");
    let words = ["unmatched", NAME, "--format", "csv", "-o", file.to_str().unwrap()];
    let written = world.run(&words).await.exits(0);
    assert_eq!((written.out.as_str(), written.err.as_str()), ("", ""));
    let csv = std::fs::read_to_string(&file).unwrap();
    let columns = "distinct_id,reason,sent,mparticle_user_id,last_seen,mpid,detail,properties\r\n";
    assert!(csv.starts_with(columns), "{csv}");
    assert!(csv.contains("\r\n\"cid, with \"\"comma\"\"\","), "{csv}");
    assert_eq!(csv.lines().count(), 6);
    let fields: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    has_exactly(&objects[0], &fields);
    let nowhere = world.path("absent/users.csv");
    let words = ["unmatched", NAME, "-o", nowhere.to_str().unwrap()];
    world.run(&words).await.exits(1).complains(&["absent/users.csv", "directory exists"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_behind_a_line_of_the_counts() {
    let mut members = people(0, 5);
    members.extend([
        PersonSeed::unmatched("cid"),
        PersonSeed::without_profile("$device:0d"),
        PersonSeed::matched("again", mpid(1)),
    ]);
    let world = World::with(members).await;
    world.export().await;
    let listed = async |line: &str, more: &[&str]| {
        let words = ["counts", NAME, "--users", line, "--json"];
        world.run(&[&words, more].concat()).await.exits(0).objects()
    };
    let counts = world.run(&["counts", NAME, "--json"]).await.exits(0).object();
    for line in ["fetched", "duplicates", "unsendable", "matched", "suspect", "unmatched", "anonymous"] {
        assert_eq!(listed(line, &[]).await.len() as u64, counts[line], "{line}");
    }
    let twice = listed("duplicates", &[]).await.remove(0);
    assert_eq!((&twice["distinct_id"], &twice["mpid"]), (&json!("again"), &json!(mpid(1))));
    assert_eq!((&twice["reason"], &twice["detail"]), (&json!("duplicate"), &json!("counted as user-1")));
    assert_eq!(listed("accepted", &["--reason", "anonymous"]).await.len(), 1);
    let csv = world.run(&["counts", NAME, "--users", "matched", "--format", "csv"]).await.exits(0).out;
    assert_eq!(csv.lines().count(), 6, "{csv}");
    world.run(&["counts", NAME, "--users", "mixpanel"]).await.exits(2).complains(&["mixpanel", "matched"]);
    world.run(&["counts", NAME, "--format", "csv"]).await.exits(2).complains(&["--users LINE", "matched"]);
    world.run(&["counts", NAME, "--reason", "missing"]).await.exits(2).complains(&["--users"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_those_without_an_id_have_in_common() {
    let with = |person: PersonSeed, os: &str, more: &[(&str, i64)]| {
        let mut properties = person.properties.unwrap_or_default();
        properties.insert("$os".to_owned(), json!(os));
        properties.extend(more.iter().map(|(name, mpid)| ((*name).to_owned(), json!(mpid.to_string()))));
        PersonSeed { properties: Some(properties), ..person }
    };
    let mut members: Vec<PersonSeed> =
        people(0, 6).into_iter().map(|person| with(person, "iOS", &[])).collect();
    members.push(with(PersonSeed::unmatched("ann@example.com"), "Android", &[("mp_lib", mpid(77))]));
    members.push(with(PersonSeed::unmatched("bob"), "Android", &[]));
    members.push(PersonSeed::unmatched("$device:0d"));
    let world = World::with(members).await;
    world.run(&["sync", NAME, "--dry-run"]).await.exits(0);
    let groups = world.run(&["unmatched", NAME, "--group-by", "$os", "--json"]).await.exits(0).objects();
    assert_eq!(
        groups,
        [
            json!({"property": "$os", "value": "Android", "users": 2, "share": 0.6667, "matched_share": 0.0}),
            json!({"property": "$os", "value": null, "users": 1, "share": 0.3333, "matched_share": 0.0}),
        ]
    );
    let reasons =
        world.run(&["unmatched", NAME, "--group-by", "reason", "--format", "csv"]).await.exits(0).out;
    assert!(reasons.contains("reason,missing,2,0.6667,"), "{reasons}");
    let words = ["unmatched", NAME, "--group-by", "plan"];
    world.run(&words).await.exits(2).complains(&["\"plan\" was not read", "$os", "profile_properties"]);

    let outlooks = world.run(&["counts", NAME, "--what-if", "--json"]).await.exits(0).objects();
    let of = |choice: &str| {
        let found = outlooks.iter().find(|outlook| outlook["choice"] == choice).unwrap();
        (found["by_mpid"].as_u64().unwrap(), found["by_distinct_id"].as_u64().unwrap())
    };
    assert_eq!(of("as_it_is"), (6, 2), "a device is nobody's customer id");
    assert_eq!(of("other_fallback"), (6, 1), "one of them is an e-mail address");
    assert_eq!(of("else_property"), (7, 1));
    assert_eq!(of("everybody_with_mpid"), (8, 0));
    let people_read = world.run(&["counts", NAME, "--what-if"]).await.exits(0).out;
    assert!(people_read.contains("mp_lib where $mparticle_user_id is missing"), "{people_read}");
    world.run(&["counts", NAME, "--what-if", "--users", "matched"]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_changes() {
    let world = World::with(people(0, 3)).await;
    assert_eq!(world.run(&["runs", "--json"]).await.exits(0).out, "");
    world.export().await;
    world.control.set_members(ID, people(1, 3));
    let second = world.export().await;
    let runs = world.run(&["runs", NAME, "--json"]).await.exits(0).objects();
    assert_eq!(runs.iter().map(|run| run["run_id"].as_i64()).collect::<Vec<_>>(), [Some(2), Some(1)]);
    assert_eq!(runs[0], second);
    let table = world.run(&["runs"]).await.exits(0).out;
    assert_eq!(table.lines().count(), 3, "{table}");
    let changes = world.run(&["changes", "2", "--json"]).await.exits(0);
    in_order(&changes.out, &["distinct_id", "mpid", "change", "state", "reason", "at"]);
    let mut found: Vec<(Value, Value)> =
        changes.objects().iter().map(|change| (change["mpid"].clone(), change["change"].clone())).collect();
    found.sort_by_key(|(_, change)| change.to_string());
    assert_eq!(found, [(json!(mpid(3)), json!("add")), (json!(mpid(0)), json!("remove"))]);
    let csv = world.run(&["changes", "2", "--format", "csv"]).await.exits(0).out;
    assert!(csv.starts_with("distinct_id,mpid,change,state,reason,at\r\n"), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_does_not_push_the_rest_away() {
    let world = World::with(people(0, 3)).await;
    let long = "日本 long name ".repeat(14);
    let long = long.trim();
    world.add(2000, long, people(0, 3));
    let table = world.run(&["cohorts"]).await.exits(0).out;
    for line in table.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) < 160, "{line}");
    }
    assert!(table.contains('…'), "{table}");
    let objects = world.run(&["cohorts", "--json"]).await.exits(0).objects();
    assert_eq!(objects[1]["cohort"], long);
    let csv = world.run(&["cohorts", "--format", "csv"]).await.exits(0).out;
    assert!(csv.contains(long), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_leaves_early_is_no_failure() {
    let world = World::with((0..20_000).map(|n| PersonSeed::unmatched(format!("user-{n}"))).collect()).await;
    world.run(&["sync", NAME, "--dry-run"]).await.exits(0);
    for words in
        [["unmatched", NAME, "--json"].as_slice(), &["changes", "1", "--format", "csv"], &["changes", "1"]]
    {
        let mut command = world.command(words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).await.unwrap();
        assert!(!first.is_empty());
        let output = finish(child).await.exits(0);
        assert_eq!(output.err, "", "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_can_be_written_shown_and_found() {
    let world = World::new().await;
    let written = world.path("xdg-config/cohort-sync/config.toml");
    let run = async |words: &[&str]| finish(world.bare(words).spawn().unwrap()).await;
    let found = run(&["config", "path", "--json"]).await.exits(0).object();
    assert_eq!(found["config_file"], json!(written));
    assert_eq!(found["state_dir"], json!(world.path("xdg-state/cohort-sync/default")));
    run(&["config", "init"]).await.exits(0);
    assert_eq!(std::fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);
    let place = written.display().to_string();
    run(&["config", "init"]).await.exits(2).complains(&[&place, "left as it is"]);
    let shown = run(&["config", "show"]).await.exits(2);
    assert!(shown.out.contains("sync.interval = \"15m\"  # "), "{shown:?}");
    world.run(&["config", "show"]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_names_every_command() {
    let world = World::new().await;
    for words in [
        ["completions", "bash"].as_slice(),
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
        &["--help"],
    ] {
        let output = finish(world.bare(words).spawn().unwrap()).await.exits(0);
        assert_eq!(output.err, "");
        for command in ["cohorts", "sync", "status", "unmatched", "sandbox"] {
            assert!(output.out.contains(command), "{command} in {words:?}");
        }
    }
}
