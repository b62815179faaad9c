//! The exit codes: 0 done, 1 a run failed, 2 usage or configuration, 3 refused or waiting for a person.

use crate::world::{ID, NAME, World, finish, keys, people};
use cohort_sync::sandbox::{CohortSeed, Effect, Fault, RejectedUsers};
use serde_json::json;

fn status(code: u16) -> Effect {
    Effect::Status { code, body: String::new(), headers: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_never_recovers_fails_the_run() {
    // The only test that waits for the whole backoff; `Retry-After` keeps it short.
    let world = World::with(people(0, 150)).await;
    let busy =
        Effect::Status { code: 503, body: String::new(), headers: vec![("Retry-After".into(), "1".into())] };
    world.control.push_fault(Fault::mparticle(busy).forever());
    let run = world.run(&["sync", NAME, "--json"]).await.exits(1).object();
    assert_eq!(run["outcome"], "failed");
    assert!(run["error"].as_str().unwrap().contains("503"), "{run}");
    let counts = &run["counts"];
    assert_eq!((&counts["accepted"], &counts["pending"]), (&json!(0), &json!(150)));
    assert!(counts["retries"].as_u64().unwrap() >= 4, "{run}");
    world.control.clear_faults();
    world.export().await;
    assert_eq!(world.delivered(NAME), keys(0, 150));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rejected_user_is_no_failure() {
    let world = World::with(people(1, 5)).await;
    let users = RejectedUsers::Identities(vec![crate::world::mpid(3).to_string()]);
    world.control.push_fault(Fault::mparticle(Effect::RejectUsers { users }).forever());
    let run = world.export().await;
    assert_eq!((&run["counts"]["accepted"], &run["counts"]["rejected"]), (&json!(4), &json!(1)));
    let changes = world.run(&["changes", "1", "--json"]).await.exits(0).objects();
    let rejected: Vec<_> = changes.iter().filter(|change| change["state"] == "rejected").collect();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["mpid"], json!(crate::world::mpid(3)));
    assert!(rejected[0]["reason"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_must_settle_pauses() {
    for (fault, words) in [
        (Fault::mparticle(status(401)), ["mParticle", "webhook_url"]),
        (Fault::mparticle(status(403)), ["mParticle", "webhook_url"]),
        (Fault::mparticle(status(404)), ["mParticle", "webhook_url"]),
        (Fault::mixpanel(status(401)).at_path("engage"), ["Mixpanel", "secret"]),
        (Fault::mixpanel(status(402)).at_path("engage"), ["Mixpanel", "plan"]),
        (Fault::mixpanel(status(403)).at_path("engage"), ["Mixpanel", "project"]),
    ] {
        let world = World::with(people(0, 5)).await;
        world.control.push_fault(fault.clone().forever());
        let run = world.run(&["sync", NAME, "--recurring", "--json"]).await.exits(3).object();
        assert_eq!(run["outcome"], "paused", "{fault:?}");
        let error = run["error"].as_str().unwrap();
        for word in words {
            assert!(error.contains(word), "{fault:?}: {error}");
        }
        let standing = world.run(&["status", "--json"]).await.exits(0).object();
        assert_eq!(standing["status"], "paused", "{fault:?}");
        assert_eq!(standing["reason"], run["error"]);
        world.control.clear_faults();
        world.run(&["sync", NAME, "--recurring"]).await.exits(0);
        assert_eq!(world.delivered(NAME), keys(0, 5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_needs_a_person_is_told_apart_from_one_that_failed() {
    for (code, exit, words) in [
        (401, 3, ["secret", "service_account"]),
        (402, 3, ["plan", "Mixpanel"]),
        (403, 3, ["project", "Mixpanel"]),
    ] {
        let world = World::with(people(0, 5)).await;
        world.control.push_fault(Fault::mixpanel(status(code)).forever());
        for command in [["cohorts", "--json"].as_slice(), &["sync", NAME, "--json"]] {
            let output = world.run(command).await.exits(exit).complains(&words);
            assert_eq!(output.out, "", "{code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_removals_wait_for_a_yes() {
    let world = World::with(people(0, 200)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    world.control.set_members(ID, people(0, 50));
    let before = world.control.feed_requests().len();
    let output = world.run(&["sync", NAME, "--recurring"]).await.exits(3);
    assert!(
        output.out.contains("150") && output.out.contains("200") && output.out.contains("--yes"),
        "{output:?}"
    );
    assert_eq!(world.control.feed_requests().len(), before);
    assert_eq!(world.delivered(NAME), keys(0, 200));
    let run = world.run(&["sync", NAME, "--recurring", "--yes", "--json"]).await.exits(0).object();
    assert_eq!(run["counts"]["removes"], 150);
    assert_eq!(world.delivered(NAME), keys(0, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_plan_is_approved_as_it_is_or_forgotten() {
    let world = World::with(people(0, 200)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    world.run(&["approve", NAME]).await.exits(3).complains(&[NAME, "no plan"]);
    world.control.set_members(ID, people(0, 50));
    world.run(&["sync", NAME, "--recurring"]).await.exits(3);
    let before = world.control.feed_requests().len();
    world.run(&["discard", NAME]).await.exits(0);
    assert_eq!((world.control.feed_requests().len(), world.delivered(NAME)), (before, keys(0, 200)));

    world.run(&["sync", NAME, "--recurring"]).await.exits(3);
    // Who has left since is not in the plan that was looked at.
    world.control.set_members(ID, people(0, 10));
    let run = world.run(&["approve", NAME, "--json"]).await.exits(0).objects().remove(0);
    assert_eq!(run["counts"]["removes"], 150);
    assert_eq!(world.delivered(NAME), keys(0, 50));
    world.run(&["discard", NAME]).await.exits(3).complains(&[NAME, "no plan"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_start_is_refused() {
    let world = World::with(people(0, 5)).await;
    world.add(2000, "Others", people(5, 5));
    world.add(3000, &"n".repeat(257), people(0, 5));
    let group = CohortSeed { id: 4000, name: "Companies".into(), group: true, ..CohortSeed::default() };
    world.control.add_cohort(group);
    world.export().await;
    let before = world.control.feed_requests().len();
    for (words, said) in [
        (["sync", "Others", "--attribute", NAME].as_slice(), ["Others", "already belongs", "--attribute"]),
        (&["sync", "3000"], ["256", "257", "--attribute"]),
        (&["sync", "Companies"], ["Companies", "group", "cohort of users"]),
        (&["sync", NAME, "--read-only"], ["sync", "--read-only", "changes"]),
        (&["pause", NAME, "--read-only"], ["pause", "--read-only", "changes"]),
    ] {
        let output = world.run(words).await.exits(3).complains(&said);
        assert_eq!(output.out, "", "{words:?}");
    }
    assert_eq!(world.control.feed_requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_has_one_writer_and_any_number_of_readers() {
    let world = World::with(people(0, 3_000)).await;
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 30 }).forever());
    let first = world.command(&["sync", NAME, "--json"]).spawn().unwrap();
    world.feed_has_answered(1).await;
    let second = world.run(&["sync", NAME]).await.exits(3);
    let process = format!("process {}", first.id().unwrap());
    let directory = world.state().display().to_string();
    second.complains(&["in use", "cohort-sync sync", &process, &directory, "--read-only"]);
    world.run(&["pause", NAME]).await.exits(3).complains(&["in use"]);
    let standing = world.run(&["status", NAME, "--json"]).await.exits(0).object();
    assert_eq!(standing["status"], "sending");
    world.run(&["cohorts"]).await.exits(0);
    world.run(&["cohorts", "--read-only"]).await.exits(0);
    world.run(&["runs"]).await.exits(0);
    finish(first).await.exits(0);
    assert_eq!(world.delivered(NAME), keys(0, 3_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_leaves_no_trace() {
    let world = World::with(people(0, 5)).await;
    world.run(&["cohorts", "--read-only"]).await.exits(0);
    world.run(&["status", "--read-only"]).await.exits(0);
    assert!(!world.state().exists());
}
