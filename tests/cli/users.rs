//! `user`: one user by either id, with and without Mixpanel, for people and for programs.

use crate::contract::{has_exactly, in_order};
use crate::world::{ID, NAME, World, finish, mpid, people};
use cohort_sync::sandbox::PersonSeed;
use serde_json::{Value, json};

const USER: &[&str] = &[
    "id",
    "found",
    "verdict",
    "mixpanel",
    "identity",
    "other_profiles",
    "cohorts",
    "transitions",
    "transitions_left_out",
    "changes_searched",
    "mparticle",
];
const MIXPANEL: &[&str] = &["asked_at", "not_answered", "queries_spent", "queries_left", "profiles"];
const IDENTITY: &[&str] = &[
    "sent_by",
    "mpid",
    "distinct_id",
    "reason",
    "suspect",
    "mparticle_user_id",
    "last_seen",
    "source",
    "run_id",
    "as_of",
];
const COHORT: &[&str] = &[
    "cohort_id",
    "cohort",
    "attribute",
    "former_attribute",
    "status",
    "member",
    "source",
    "run_id",
    "as_of",
    "not_answered",
    "holds",
    "grade",
    "words",
    "unrounded_mpids",
    "forgotten_runs",
    "forgotten_until",
    "seen",
    "verified",
];
const MPARTICLE: &[&str] = &[
    "asked_at",
    "not_answered",
    "asked_for",
    "found",
    "mpid",
    "opted_out",
    "last_stored",
    "identities",
    "audiences",
];
const TRANSITION: &[&str] = &[
    "run_id",
    "cohort_id",
    "cohort",
    "attribute",
    "change",
    "value",
    "mpid",
    "distinct_id",
    "state",
    "reason",
    "planned_at",
    "sent_at",
    "answered_at",
    "request",
    "users",
    "http_status",
    "tries",
    "answer",
];

async fn object(world: &World, words: &[&str]) -> Value {
    let words = [&["user"], words, &["--json"]].concat();
    world.run(&words).await.exits(0).object()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_one_object_with_every_field() {
    let world = World::with(people(0, 20)).await;
    world.export().await;
    let queries = world.control.query_count();
    let output = world.run(&["user", "user-3", "--cohort", NAME, "--json"]).await.exits(0);
    in_order(&output.out, USER);
    let user = output.object();
    for (part, fields) in [
        (&user, USER),
        (&user["mixpanel"], MIXPANEL),
        (&user["identity"], IDENTITY),
        (&user["cohorts"][0], COHORT),
        (&user["transitions"][0], TRANSITION),
        (&user["verdict"], &["grade", "words", "next"]),
    ] {
        has_exactly(part, fields);
    }
    assert_eq!(world.control.query_count(), queries + 2, "the profile and the cohort");
    assert_eq!((&user["found"], &user["verdict"]["grade"]), (&json!(true), &json!("good")));
    assert_eq!(user["mparticle"], Value::Null, "it cannot be asked");
    assert_eq!(user["mixpanel"]["queries_spent"], 2);
    assert_eq!(user["mixpanel"]["profiles"][0]["distinct_id"], "user-3");
    assert_eq!(user["identity"]["mpid"], json!(mpid(3)), "an integer, to the digit");
    let cohort = &user["cohorts"][0];
    assert_eq!((&cohort["cohort_id"], &cohort["member"]), (&json!(ID), &json!(true)));
    assert_eq!(
        (&cohort["source"], &cohort["holds"]),
        (&json!("mixpanel"), &json!([{"mpid": mpid(3), "distinct_id": null}]))
    );
    let told = &user["transitions"][0];
    assert_eq!(
        (&told["value"], &told["state"], &told["http_status"]),
        (&json!(true), &json!("accepted"), &json!(202))
    );
    assert_eq!(
        (&told["mpid"], &told["users"], &user["changes_searched"]),
        (&json!(mpid(3)), &json!(20), &json!(20))
    );
    assert!(output.err.contains("asking Mixpanel: 2 queries"), "{output:?}");

    // By MPID it is the same user; half of them are negative, which must not look like an option.
    for n in [3, 4] {
        let by_mpid = object(&world, &[&mpid(n).to_string()]).await;
        assert_eq!(by_mpid["identity"]["distinct_id"], format!("user-{n}"), "{by_mpid}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_verdict_and_what_it_rests_on() {
    let members = vec![PersonSeed::unmatched("ann"), PersonSeed::matched("bob", 8_553_083_063_767_933_000)];
    let world = World::with(members).await;
    world.export().await;
    let ann = world.run(&["user", "ann"]).await.exits(0).out;
    for line in [
        "ann\n\n“Power users”: mParticle was told true by $distinct_id ",
        "No $mparticle_user_id: sent by $distinct_id as customer_id; reaches a profile only where that is its customer id.",
        "Next: Set $mparticle_user_id on the profile in Mixpanel",
        ": one profile has this id\n",
        "are left in this hour\n",
        "  Sent by             $distinct_id as customer_id: no $mparticle_user_id\n",
        "    In the cohort       yes, by run 1, begun at ",
        "    mParticle accepted  true for $distinct_id ann\n",
        "\"Power users\" true by $distinct_id ann: accepted (HTTP 202 for a request of 2 users)\n",
        "  2 changes were looked through\n",
    ] {
        assert!(ann.contains(line), "no {line:?} in\n{ann}");
    }
    let bob = world.run(&["user", "bob"]).await.exits(0).out;
    assert!(bob.contains("looks rounded by JavaScript (8553083063767933000)"), "{bob}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mixpanel_the_records_answer_and_say_so() {
    let world = World::with(people(0, 3)).await;
    world.export().await;
    let queries = world.control.query_count();
    for (words, reason) in [
        (["user", "user-1", "--recorded"], "--recorded was given"),
        (["user", "user-1", "--read-only"], "--read-only was given"),
    ] {
        let told = world.run(&words).await.exits(0).out;
        assert!(told.contains(&format!("  Not asked           {reason}\n")), "{told}");
        assert!(told.contains("was told true by MPID"), "{told}");
    }
    assert_eq!(world.control.query_count(), queries);

    // Beside a process that has the state, and with it the account of the queries.
    let mut command = world.command(&["run"]);
    let mut running = command.spawn().unwrap();
    world.is_held().await;
    let told = object(&world, &["user-1"]).await;
    assert_eq!(told["mixpanel"]["queries_spent"], 0);
    let reason = told["mixpanel"]["not_answered"].as_str().unwrap();
    assert!(reason.contains("cohort-sync run") && reason.contains("ask there"), "{reason}");
    assert_eq!(told["cohorts"][0]["member"], true);
    running.kill().await.unwrap();

    world.control.set_secret("another");
    let refused = object(&world, &["user-1"]).await;
    let reason = refused["mixpanel"]["not_answered"].as_str().unwrap();
    assert!(reason.contains("refuses the credentials"), "{reason}");
    assert_eq!((&refused["found"], &refused["mixpanel"]["queries_spent"]), (&json!(true), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_an_answer_and_no_failure() {
    let world = World::with(people(0, 3)).await;
    let never = world.run(&["user", "nobody"]).await.exits(0).out;
    assert!(never.contains("Nobody by that id: Mixpanel has no profile with it"), "{never}");
    world.export().await;
    let nobody = object(&world, &["nobody", "--cohort", NAME]).await;
    assert_eq!((&nobody["found"], &nobody["identity"]), (&json!(false), &Value::Null));
    assert_eq!(nobody["cohorts"][0]["member"], Value::Null, "nothing says no");
    assert_eq!(
        nobody["cohorts"][0]["not_answered"],
        "Mixpanel can only be asked about a profile that it has"
    );
    let nowhere = world.path("nowhere");
    let mut command = world.bare(&["user", "nobody", "--recorded", "--json", "--state-dir"]);
    let output = finish(command.arg(&nowhere).spawn().unwrap()).await.exits(0);
    assert_eq!(output.object()["changes_searched"], 0);
    assert!(!nowhere.exists(), "looking makes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobodys_id_and_what_is_not_meant_is_refused() {
    let world = World::with(people(0, 3)).await;
    let long = "x".repeat(257);
    for (words, complaint) in [
        (vec!["user", " "], "an id is missing: a $distinct_id or an MPID"),
        (vec!["user", &long], "257 characters"),
        (vec!["user", "a\u{1b}b"], "control character"),
        (vec!["user", "a", "--cohort", "Nonesuch"], "cohort-sync cohorts"),
        (vec!["user", "a", "--cohort", NAME, "--recorded"], "cannot be used with"),
    ] {
        let output = world.run(&words).await.exits(2).complains(&[complaint]);
        assert_eq!(output.out, "", "{words:?}");
    }
    assert_eq!(world.control.query_count(), 0);
}

/// Accepted is one thing and seen another, so both are told, and a user whom mParticle dropped is not well.
#[tokio::test(flavor = "multi_thread")]
async fn what_mparticle_holds_is_seen_and_set_beside_what_it_accepted() {
    let world = World::with_dropped().await;
    let seen = object(&world, &["user-1"]).await;
    has_exactly(&seen["mparticle"], MPARTICLE);
    assert_eq!(
        (&seen["mparticle"]["found"], &seen["mparticle"]["mpid"], &seen["mparticle"]["asked_for"]["mpid"]),
        (&json!(true), &json!(mpid(1)), &json!(mpid(1)))
    );
    assert_eq!(
        (&seen["cohorts"][0]["seen"], &seen["cohorts"][0]["verified"]),
        (&json!("\"true\""), &json!(true))
    );
    assert_eq!(seen["verdict"]["grade"], "good");
    assert!(seen["verdict"]["words"].as_str().unwrap().starts_with("In mParticle: yes, by MPID. "), "{seen}");

    let dropped = object(&world, &["user-3"]).await;
    assert_eq!(
        (&dropped["cohorts"][0]["seen"], &dropped["cohorts"][0]["verified"]),
        (&json!("no such attribute"), &json!(false))
    );
    assert_eq!(dropped["verdict"]["grade"], "bad");
    let lines = world.run(&["user", "user-3", "--read-only"]).await.exits(0).out;
    for line in [
        "In mParticle there is a profile by MPID, and “Power users” is not there, though mParticle accepted it.",
        "Next: Verify the cohort and repair it",
        &format!("\nIn mParticle\n  Profile             found by MPID {}\n", mpid(3)),
        "    And                 seen in mParticle: the profile has no such attribute, though it accepted true\n",
    ] {
        assert!(lines.contains(line), "no {line:?} in\n{lines}");
    }
    let lookups = world.control.profile_lookups();
    let recorded = object(&world, &["user-3", "--recorded"]).await;
    assert_eq!(recorded["mparticle"], Value::Null);
    assert_eq!(world.control.profile_lookups(), lookups, "nobody is asked about what is on record");

    world.control.set_client_secret("another");
    let refused = object(&world, &["user-1"]).await;
    assert!(refused["mparticle"]["not_answered"].as_str().unwrap().contains("client_secret"), "{refused}");
    assert_eq!(
        (&refused["mparticle"]["found"], &refused["verdict"]["grade"]),
        (&Value::Null, &json!("good"))
    );
}
