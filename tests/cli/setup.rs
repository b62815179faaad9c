//! `setup` with its answers piped in: from an empty home to a finished first sync, and every wrong turn with its
//! sentence and its remedy, word for word.

use crate::doctor_golden::named;
use crate::world::*;
use cohort_sync::sandbox::{self, Effect, FEED_TOKEN, Fault, SECRET, SERVICE_ACCOUNT};
use std::os::unix::fs::PermissionsExt;

/// The answers, a line each; some of them replaced.
fn answers(world: &World, wrong: &[(usize, &str)]) -> String {
    let mut answers = [
        world.sandbox.webhook_url(),
        String::new(),
        world.sandbox.mixpanel_base_url(),
        sandbox::PROJECT_ID.to_string(),
        SERVICE_ACCOUNT.to_owned(),
        SECRET.to_owned(),
        String::new(),
        mpid(1).to_string(),
        "config".to_owned(),
    ];
    for (place, text) in wrong {
        (*text).clone_into(&mut answers[*place]);
    }
    answers.join("\n") + "\n"
}

async fn empty(people: i64) -> World {
    let world = World::with(crate::world::people(0, people)).await;
    std::fs::remove_file(world.path("config.toml")).unwrap();
    world
}

/// What is said, compared with what was said before; no credential is in it and nothing is written.
async fn golden(name: &str, world: &World, wrong: &[(usize, &str)], code: i32) {
    let output = world.run_with(&["setup"], &answers(world, wrong)).await.exits(code);
    let all = format!("{output:?}");
    for planted in [SECRET, FEED_TOKEN, "mistyped-s3cret"] {
        assert!(!all.contains(planted), "{name}: {output:#?}");
    }
    assert!(!world.path("config.toml").exists(), "{name}");
    let trouble = output.out.rfind("✗").map_or("", |place| &output.out[place..]);
    let told = format!("{trouble}{}\nexit {code}", output.err.trim_end());
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots"
    }, {
        insta::assert_snapshot!(format!("setup_{name}"), named(world, &told));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_cannot_be_right() {
    let world = empty(5).await;
    for (name, place, answer) in [
        ("url_is_none", 0, "us1-0123456789abcdef"),
        ("url_is_not_secure", 0, "http://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-x"),
        ("url_without_token", 0, "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/"),
        ("environment", 1, "prod"),
        ("region", 2, "usa"),
        ("region_address", 2, "http://mixpanel.example.com"),
        ("project_is_a_name", 3, "acme"),
        ("project_is_a_token", 3, "0123456789abcdef0123456789abcdef"),
        ("account_is_a_person", 4, "ana@example.com"),
        ("secret_is_two", 5, "one two"),
        ("form", 6, "events-api"),
        ("keep", 8, "cloud"),
    ] {
        golden(name, &world, &[(place, answer)], 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_turns_that_a_service_finds() {
    let status = |code: u16, body: &str| Effect::Status { code, body: body.to_owned(), headers: Vec::new() };
    let world = empty(5).await;
    golden("wrong_secret", &world, &[(5, "mistyped-s3cret")], 3).await;
    golden("nowhere", &world, &[(2, "http://127.0.0.1:1")], 3).await;
    golden("feed_nowhere", &world, &[(0, "http://127.0.0.1:1/v1/pdf/mixpanelcohorts/us1-x")], 3).await;
    for (name, effect) in [
        (
            "wrong_region",
            status(400, "{\"error\":\"Unable to authenticate request: project is in another region\"}"),
        ),
        ("expired_account", status(401, "{\"error\":\"service account expired\"}")),
        ("free_plan", status(402, "{\"error\":\"this feature requires a paid plan\"}")),
    ] {
        world.control.push_fault(Fault::mixpanel(effect).forever());
        golden(name, &world, &[], 3).await;
        world.control.clear_faults();
    }
    // A consumer may list cohorts and not see who is in them.
    world.control.push_fault(Fault::mixpanel(status(403, "")).for_cohort(ID).forever());
    golden("consumer_role", &world, &[], 3).await;
    world.control.clear_faults();
    world.control.set_feed_token_valid(false);
    golden("token_refused", &world, &[], 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_home_to_a_finished_first_sync() {
    let world = empty(5).await;
    let output = world.run_with(&["setup"], &answers(&world, &[])).await.exits(0);
    let probed = world.control.profiles_with("cohort-sync probe");
    assert_eq!(probed.len(), 1, "exactly one user was told: {probed:?}");
    // Where lines break depends on how many digits the ports and the milliseconds of an answer have.
    let unbroken = output.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["1 of 4", "accepts the credentials", "has 1 cohort", "HTTP 202", "Live Stream", "Wrote "] {
        assert!(unbroken.contains(said), "no {said:?} in {}", output.out);
    }
    for secret in [SECRET, FEED_TOKEN] {
        assert!(!format!("{output:?}").contains(secret), "{output:?}");
    }
    let mode = std::fs::metadata(world.path("config.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(world.text("config.toml").contains("# The webhook URL of the feed."), "the comments are there");
    world.run(&["config", "check"]).await.exits(0);
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    assert_eq!(world.delivered(NAME), keys(0, 5));
    // And never over another.
    let before = world.text("config.toml");
    let again = world.run_with(&["setup"], &answers(&world, &[])).await.exits(2);
    again.complains(&["exists already and was left as it is", "config set", "--profile NAME setup"]);
    assert_eq!(world.text("config.toml"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_kept_where_they_are_wanted() {
    for (keep, kept) in [("files", "two files"), ("env", "variables"), ("command", "commands")] {
        let world = empty(5).await;
        let commands = "\ncat MIXPANEL\ncat MPARTICLE\n";
        let answers =
            answers(&world, &[(7, "skip"), (8, keep)]) + if keep == "command" { &commands[1..] } else { "" };
        let object = world.run_with(&["setup", "--json"], &answers).await.exits(0).object();
        assert!(object["credentials_in"].as_str().unwrap().contains(kept), "{object}");
        assert_eq!(object["left_to_do"].is_null(), keep == "files", "{object}");
        let text = world.text("config.toml");
        assert!(!text.contains(SECRET) && !text.contains(FEED_TOKEN), "{text}");
        assert!(world.control.feed_requests().is_empty(), "nobody was told anything");
        world.private_file("MIXPANEL", SECRET);
        world.private_file("MPARTICLE", &world.sandbox.webhook_url());
        let mut command = world.command(&["cohorts"]);
        command.env("MIXPANEL_SECRET", SECRET).env("MPARTICLE_WEBHOOK_URL", world.sandbox.webhook_url());
        finish(command.spawn().unwrap()).await.exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_its_own_can_be_the_first() {
    let world = empty(5).await;
    world.run_with(&["setup", "--profile", "eu"], &answers(&world, &[(7, "skip")])).await.exits(0);
    assert!(world.text("config.toml").contains("[profiles.eu.mixpanel]"));
    world.run(&["cohorts", "--profile", "eu"]).await.exits(0);
    world.run(&["cohorts"]).await.exits(2).complains(&["mixpanel.project_id is missing"]);
    world.run_with(&["setup"], "").await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_added_to_the_file_and_what_stands_there_stays() {
    let world = World::with(people(0, 5)).await;
    let before = world.text("config.toml") + "[sync]\ninterval = \"1h\" # mine\n";
    world.private_file("config.toml", &before);
    let output =
        world.run_with(&["--profile", "eu-2", "setup"], &answers(&world, &[(7, "skip"), (8, "files")])).await;
    let output = output.exits(0);
    assert!(output.out.contains("the profile “eu-2” that is added to"), "{}", output.out);
    assert!(output.out.contains("Added the profile eu-2 to"), "{}", output.out);
    assert!(output.out.contains("`cohort-sync --profile eu-2 cohorts`"), "{}", output.out);
    let after = world.text("config.toml");
    assert!(after.starts_with(&before), "{after}");
    // Its credentials have files of their own.
    assert!(after.contains("secret = { file = \"eu-2-mixpanel-secret\" }"), "{after}");
    assert_eq!(world.text("eu-2-mixpanel-secret").trim(), SECRET);
    world.run(&["--profile", "eu-2", "cohorts"]).await.exits(0);
    world.run(&["cohorts"]).await.exits(0);
    // And never over another.
    let again = world.run_with(&["--profile", "eu-2", "setup"], "").await.exits(2);
    again.complains(&["the profile eu-2 stands in", "config set KEY VALUE"]);
    // Nor is a credential's file that holds something else.
    world.private_file("third-mixpanel-secret", "somebody else's");
    let third = answers(&world, &[(7, "skip"), (8, "files")]);
    let third = world.run_with(&["--profile", "third", "setup"], &third).await.exits(1);
    third.complains(&["third-mixpanel-secret exists already and was left as it is"]);
    assert_eq!(world.text("config.toml"), after);
    assert_eq!(world.text("third-mixpanel-secret"), "somebody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_says_what_it_shares_and_is_not_added_where_it_could_not_be_read() {
    let world = World::with(people(0, 5)).await;
    let top = "[mixpanel]\nworkspace_id = 7\nbase_url = \"http://127.0.0.1:9\"\n";
    world.private_file("config.toml", top);
    let path = world.path("config.toml");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let plain = answers(&world, &[(7, "skip")]);
    let output = world.run_with(&["--profile", "eu", "setup"], &plain).await.exits(1);
    assert!(
        output.out.contains("From the top of that file it takes over mixpanel.workspace_id;"),
        "{}",
        output.out
    );
    output.complains(&["credential in plain text", "chmod 600"]);
    assert_eq!(world.text("config.toml"), top);
    let in_variables = answers(&world, &[(7, "skip"), (8, "env")]);
    let output = world.run_with(&["--profile", "eu", "setup"], &in_variables).await.exits(0);
    assert!(output.out.contains("Set MIXPANEL_SECRET_EU and MPARTICLE_WEBHOOK_URL_EU"), "{}", output.out);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "no credential was written into it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_feed_is_asked_for_key_and_secret() {
    let world = empty(5).await;
    // A real pod follows from the key; only the sandbox's address must be given.
    let given = [
        "events-api".to_owned(),
        sandbox::EVENTS_KEY.to_owned(),
        sandbox::EVENTS_SECRET.to_owned(),
        String::new(),
        world.sandbox.mixpanel_base_url(),
        sandbox::PROJECT_ID.to_string(),
        SERVICE_ACCOUNT.to_owned(),
        SECRET.to_owned(),
        mpid(1).to_string(),
        "config".to_owned(),
    ];
    let address = world.sandbox.mixpanel_base_url();
    let output = world
        .run_where(
            &["setup"],
            &(given.join("\n") + "\n"),
            &[("COHORT_SYNC_MPARTICLE_EVENTS_API_BASE_URL", &address)],
        )
        .await
        .exits(0);
    assert!(output.out.contains("Changes go to the Events API"), "{}", output.out);
    assert!(!format!("{output:?}").contains(sandbox::EVENTS_SECRET), "{output:?}");
    assert_eq!(world.control.profiles_with("cohort-sync probe").len(), 1);
    let text = world.text("config.toml");
    for line in ["delivery = \"events-api\"", &format!("key = \"{}\"", sandbox::EVENTS_KEY)] {
        assert!(text.lines().any(|given| given == line), "no {line} in {text}");
    }
    assert!(!text.contains("\nwebhook_url"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_end_early_write_nothing() {
    let world = empty(5).await;
    let all = answers(&world, &[]);
    let few = all.split_inclusive('\n').take(5).collect::<String>();
    world.run_with(&["setup"], &few).await.exits(2).complains(&["the answers ended before: Secret"]);
    assert!(!world.path("config.toml").exists());
}
