//! Asking about the past: who was a member at a moment, what was told between two, what one user was told, who flaps, and
//! what is forgotten.

use crate::world::{NAME, Output, World, mpid, people};
use cohort_sync::sandbox::PersonSeed;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A world in which users 0 to 4 were members, then 2 to 6, then 0 to 4 again; and the moments after each run.
async fn world() -> (World, [String; 3]) {
    let world = World::with(people(0, 5)).await;
    let mut moments = Vec::new();
    for first in [0, 2, 0] {
        world.control.set_members(1000, people(first, 5));
        world.run(&["sync", NAME, "--yes", "--json"]).await.exits(0);
        moments.push(Timestamp::now().to_string());
        // The store keeps milliseconds, and what comes next must not fall into this one.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    (world, moments.try_into().unwrap())
}

fn mpids(output: &Output) -> BTreeSet<i64> {
    output.objects().iter().map(|object| object["mpid"].as_i64().unwrap()).collect()
}

fn of(first: i64) -> BTreeSet<i64> {
    (first..first + 5).map(mpid).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_those_of_the_moment() {
    let (world, [first, second, third]) = world().await;
    for (at, expected) in [(&first, of(0)), (&second, of(2)), (&third, of(0))] {
        let output = world.run(&["members", NAME, "--at", at, "--json"]).await.exits(0);
        assert_eq!(mpids(&output), expected, "{output:#?}");
        assert!(output.err.contains("5 users held the attribute \"Power users\" at"), "{output:#?}");
    }
    let output = world.run(&["members", NAME, "--json"]).await.exits(0);
    assert_eq!(mpids(&output), of(0));
    assert!(output.err.contains("now, by what mParticle accepted"), "{output:#?}");
    let object = &output.objects()[0];
    assert_eq!(object.as_object().unwrap().keys().collect::<Vec<_>>(), ["distinct_id", "mpid", "since"]);
    // Whoever came back has been a member since then, the others since the beginning.
    let since: BTreeSet<String> =
        output.objects().iter().map(|object| object["since"].as_str().unwrap().to_owned()).collect();
    assert!(!since.is_empty() && since.len() <= 2, "{since:?}");
    let before = world.run(&["members", NAME, "--at", "1 day ago", "--json"]).await.exits(0);
    assert_eq!(before.out, "", "nobody was told anything then, and nothing is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_between_two_moments_are_those_of_the_runs_between() {
    let (world, [first, second, _]) = world().await;
    let words = ["changes", "--cohort", NAME, "--since", &first, "--until", &second, "--json"];
    let output = world.run(&words).await.exits(0);
    let told: Vec<(i64, &str)> = vec![(0, "remove"), (1, "remove"), (5, "add"), (6, "add")];
    let expected: BTreeSet<(i64, String)> =
        told.into_iter().map(|(n, change)| (mpid(n), change.to_owned())).collect();
    let found: BTreeSet<(i64, String)> = output
        .objects()
        .iter()
        .map(|object| {
            assert_eq!((&object["run_id"], &object["cohort"]), (&json!(2), &json!(NAME)));
            (object["mpid"].as_i64().unwrap(), object["change"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(output.err, "2 adds and 2 removes accepted\n");
    let keys: Vec<String> = output.objects()[0].as_object().unwrap().keys().cloned().collect();
    let all = "at attribute change cohort cohort_id distinct_id mpid reason run_id state";
    assert_eq!(keys.join(" "), all);
    let csv = world.run(&["changes", "--since", "1h", "--format", "csv"]).await.exits(0);
    assert!(
        csv.out.starts_with("distinct_id,mpid,change,state,reason,at,run_id,cohort_id,cohort,attribute\r\n")
    );
    assert_eq!(csv.out.lines().count(), 1 + 5 + 4 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_is_found_by_either_id_and_flapping_ones_are_listed() {
    let (world, _) = world().await;
    let directions = |output: &Output| -> Vec<Value> {
        output.objects().iter().map(|object| object["change"].clone()).collect()
    };
    let wanted = mpid(1).to_string();
    for id in ["user-1", wanted.as_str()] {
        let output = world.run(&["changes", "--user", id, "--json"]).await.exits(0);
        assert_eq!(directions(&output), [json!("add"), json!("remove"), json!("add")], "{output:#?}");
        assert!(output.err.contains("is also known as"), "{output:#?}");
    }
    let nobody = world.run(&["changes", "--user", "nobody", "--json"]).await.exits(0);
    assert_eq!(nobody.out, "");
    assert!(nobody.err.contains("told nothing about this user"), "{nobody:#?}");

    let output = world.run(&["changes", "--cohort", NAME, "--flapping", "--json"]).await.exits(0);
    assert_eq!(mpids(&output), BTreeSet::from([mpid(0), mpid(1)]));
    let object = &output.objects()[0];
    assert_eq!((&object["turns"], &object["entered"], &object["left"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(object["member"], json!(true));
    assert!(output.err.starts_with("2 users changed sides at least three times since"), "{output:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_said() {
    let world = World::with(people(0, 1)).await;
    let begin = Timestamp::now().to_string();
    for number in 0..22 {
        world.control.set_members(1000, people(0, 1 + number));
        world.export().await;
    }
    let output = world.run(&["changes", "--cohort", NAME, "--since", "1 day ago", "--json"]).await.exits(0);
    assert_eq!(output.out.lines().count(), 20);
    assert!(output.err.contains("only the changes of the last 20 runs"), "{output:#?}");
    assert!(output.err.contains("\"Power users\" before 20"), "{output:#?}");
    world.run(&["members", NAME, "--at", &begin]).await.exits(2).complains(&[
        "who was a member of \"Power users\" at",
        "is forgotten",
        "or a later moment",
    ]);
    let output = world.run(&["members", NAME, "--json"]).await.exits(0);
    assert_eq!(output.out.lines().count(), 22);
    assert!(output.err.contains("since when is known from"), "{output:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_asked_of_a_state_and_of_cohorts_that_exist() {
    let world = World::new().await;
    world.run(&["members", "zzz"]).await.exits(2).complains(&["told nothing yet"]);
    let output = world.run(&["changes", "--user", "anna"]).await.exits(0);
    assert!(output.err.contains("told nothing yet"), "{output:#?}");
    world.add(1000, NAME, vec![PersonSeed::unmatched("anna")]);
    world.export().await;
    world.run(&["members", "zzz"]).await.exits(2).complains(&["there is no cohort \"zzz\""]);
    world.run(&["changes", "--cohort", "zzz", "--flapping"]).await.exits(2).complains(&["no cohort"]);
    world.run(&["members", NAME, "--at", "2999-01-01"]).await.exits(2).complains(&["still to come"]);
}
