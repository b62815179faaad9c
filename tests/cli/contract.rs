//! What `sync --json` promises to scripts: one object a line, the documented fields in the documented order,
//! and numbers that are true.

use crate::world::{ID, NAME, World, keys, mpid, people};
use cohort_sync::sandbox::PersonSeed;
use serde_json::{Value, json};

/// The MPID in a profile's key.
fn mpid_of(key: &str) -> String {
    key.trim_start_matches("mpid ").to_owned()
}

const RUN_FIELDS: &[&str] = &[
    "run_id",
    "cohort_id",
    "cohort",
    "attribute",
    "kind",
    "outcome",
    "error",
    "started_at",
    "ended_at",
    "counts",
];
const COUNT_FIELDS: &[&str] = &[
    "fetched",
    "matched",
    "unmatched",
    "unsendable",
    "duplicates",
    "suspect",
    "adds",
    "removes",
    "unchanged",
    "accepted",
    "rejected",
    "pending",
    "requests",
    "retries",
];

/// Asserts that a line holds these keys in this order, wherever in it they are.
#[track_caller]
pub fn in_order(line: &str, fields: &[&str]) {
    let mut rest = line;
    for field in fields {
        let key = format!("\"{field}\":");
        let at = rest.find(&key).unwrap_or_else(|| panic!("{field} is missing or out of order in {line}"));
        rest = &rest[at + key.len()..];
    }
}

#[track_caller]
pub fn has_exactly(object: &Value, fields: &[&str]) {
    let mut wanted: Vec<&str> = fields.to_vec();
    let mut found: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted);
}

/// Two matched, two unmatched of whom one is anonymous, one unsendable, one twice, one rounded.
fn mess() -> Vec<PersonSeed> {
    vec![
        PersonSeed::matched("ann", mpid(1)),
        PersonSeed::matched_number("bob", mpid(2)),
        PersonSeed::matched("ann-again", mpid(1)),
        PersonSeed::unmatched("cid"),
        PersonSeed::without_profile("$device:0d"),
        PersonSeed::unmatched("undefined"),
        PersonSeed::matched("rounded", 8_553_083_063_767_933_000),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_object_with_true_numbers() {
    let world = World::with(mess()).await;
    let output = world.run(&["--json", "sync", NAME]).await.exits(0);
    assert_eq!(output.err, "", "nobody watches a pipe");
    let run = output.object();
    in_order(&output.out, RUN_FIELDS);
    in_order(&output.out, COUNT_FIELDS);
    has_exactly(&run, RUN_FIELDS);
    has_exactly(&run["counts"], COUNT_FIELDS);
    assert_eq!(run["run_id"], 1);
    assert_eq!(run["cohort_id"], ID);
    assert_eq!((&run["cohort"], &run["attribute"]), (&json!(NAME), &json!(NAME)));
    assert_eq!((&run["kind"], &run["outcome"]), (&json!("one_time"), &json!("succeeded")));
    assert_eq!(run["error"], Value::Null);
    for moment in ["started_at", "ended_at"] {
        let text = run[moment].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(), "{text}");
    }
    assert_eq!(
        run["counts"],
        json!({
            "fetched": 7, "matched": 3, "unmatched": 2, "unsendable": 1, "duplicates": 1, "suspect": 1,
            "adds": 5, "removes": 0, "unchanged": 0, "accepted": 5, "rejected": 0, "pending": 0,
            "requests": 1, "retries": 0,
        })
    );
    assert_eq!(world.delivered(NAME).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_plans_and_sends_nothing() {
    let world = World::with(people(0, 250)).await;
    let run = world.run(&["sync", &ID.to_string(), "--dry-run", "--json"]).await.exits(0).object();
    assert_eq!(run["outcome"], "dry_run");
    let counts = &run["counts"];
    assert_eq!(
        (&counts["adds"], &counts["pending"], &counts["accepted"]),
        (&json!(250), &json!(250), &json!(0))
    );
    assert_eq!(world.control.feed_requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_recurring_run_sends_only_changes() {
    let world = World::with(people(0, 300)).await;
    let words = ["sync", NAME, "--recurring", "--json"];
    let first = world.run(&words).await.exits(0).object();
    assert_eq!((&first["kind"], &first["counts"]["accepted"]), (&json!("recurring"), &json!(300)));
    world.control.set_members(ID, people(10, 295));
    let second = world.run(&words).await.exits(0).object();
    let counts = &second["counts"];
    assert_eq!(
        (&counts["adds"], &counts["removes"], &counts["unchanged"]),
        (&json!(5), &json!(10), &json!(290))
    );
    assert_eq!(counts["accepted"], 15);
    assert_eq!(world.delivered(NAME), keys(10, 295));
    let sent: usize = world.control.feed_requests().iter().map(|request| request.batches).sum();
    assert_eq!(sent, 315);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_cohorts_give_an_object_each_and_naming_one_twice_runs_it_once() {
    let world = World::with(people(0, 3)).await;
    world.add(2000, "Others", people(5, 4));
    let objects = world.run(&["sync", NAME, "Others", "1000", "--json"]).await.exits(0).objects();
    let mut ids: Vec<u64> = objects.iter().map(|run| run["cohort_id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1000, 2000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attribute_can_be_chosen_and_moved() {
    let world = World::with(people(0, 3)).await;
    let run = world.run(&["sync", NAME, "--attribute", "vip", "--json"]).await.exits(0).object();
    assert_eq!(run["attribute"], "vip");
    assert_eq!(world.delivered("vip"), keys(0, 3));
    assert!(world.delivered(NAME).is_empty());
    // It stays pinned until another one is named; then each of the two runs has its object.
    assert_eq!(world.run(&["sync", NAME, "--json"]).await.exits(0).object()["attribute"], "vip");
    let dry = world.run(&["sync", NAME, "--attribute", "other", "--dry-run", "--json"]).await.exits(0);
    let warning = "a move to \"other\"; then \"vip\" would be set to false for the 3 users";
    assert_eq!(dry.complains(&[warning]).object()["counts"]["adds"], 3);
    let moved = world.run(&["sync", NAME, "--attribute", "other", "--json"]).await.exits(0);
    let moved = moved.complains(&["moving to \"other\"", "\"vip\" is set to false for the 3 users"]);
    let attributes: Vec<_> = moved.objects().iter().map(|run| run["attribute"].clone()).collect();
    assert_eq!(attributes, ["other", "vip"]);
    assert_eq!(world.delivered("other"), keys(0, 3));
    assert!(world.delivered("vip").is_empty());
    let deleted = world.run(&["sync", NAME, "--attribute", "third", "--clean-up", "delete"]).await.exits(0);
    assert!(deleted.out.contains("\"other\" deleted for whoever held it"), "{}", deleted.out);
    assert!(world.control.profiles_with("other").is_empty());
    world.run(&["sync", NAME, "--clean-up", "delete"]).await.exits(2).complains(&["--attribute"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_cleans_up_when_asked_and_agreed_to() {
    let world = World::with(people(0, 120)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    let asked = world.run(&["stop", NAME, "--clean-up", "false"]).await.exits(3);
    asked.complains(&["sets \"Power users\" (held by 120 users) to false", "--yes"]);
    assert_eq!(world.delivered(NAME).len(), 120, "nothing was done unasked");
    let output = world.run(&["stop", NAME, "--clean-up", "false", "--yes"]).await.exits(0);
    assert!(output.out.contains("nobody holds its attribute any more"), "{}", output.out);
    assert!(world.delivered(NAME).is_empty());
    let status = world.run(&["status", NAME, "--json"]).await.exits(0).object();
    assert_eq!(status["status"], "stopped");
    let table = world.run(&["status", NAME, "--format", "csv"]).await.exits(0).out;
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains(",,,120,0,"), "a clean-up reads nobody, which is no cohort of nobody: {row}");
    let again = world.run(&["stop", NAME, "--clean-up", "delete", "--yes"]).await.exits(3);
    again.complains(&["nothing to clean up"]);
    world.run(&["stop", NAME, "--yes"]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_and_a_limit_of_its_own_are_flags() {
    let world = World::with(people(0, 150)).await;
    world.run(&["sync", NAME, "--max-removal-share", "0.02"]).await.exits(0);
    let run = world.run(&["sync", NAME, "--full", "--json"]).await.exits(0).object();
    assert_eq!((&run["counts"]["adds"], &run["counts"]["unchanged"]), (&json!(150), &json!(0)));
    world.control.set_members(ID, people(5, 145));
    let held = world.run(&["sync", NAME]).await.exits(3);
    assert!(held.out.contains("more than 2 %"), "{}", held.out);
    let some = keys(0, 5).into_iter().filter(|key| held.out.contains(&mpid_of(key))).count();
    assert_eq!(some, 5, "a sample of who would be removed: {}", held.out);
    let resumed = world.run(&["resume", NAME]).await.exits(3);
    resumed.complains(&["waits for your decision", "approve", "discard", "--yes"]);
    world.run(&["sync", NAME, "--yes"]).await.exits(0);
    world.run(&["sync", NAME, "--max-removal-share", "2"]).await.exits(2).complains(&["from 0 to 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_summary_and_no_progress_in_a_pipe() {
    let world = World::with(mess()).await;
    let output = world.run(&["sync", NAME]).await.exits(0);
    assert_eq!(output.err, "");
    assert!(output.out.starts_with("Power users: done in "), "{}", output.out);
    assert!(output.out.contains("7 fetched"), "{}", output.out);
    assert!(output.out.contains("+5 −0: 5 accepted, 0 rejected, 0 pending"), "{}", output.out);
    assert_eq!(output.out.lines().count(), 1);
}
