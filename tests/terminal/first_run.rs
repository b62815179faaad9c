//! The first run, as somebody new goes through it: from an empty home to a finished first sync, all of it typed.

use crate::pty::{Pty, console};
use crate::world::{NAME, PEOPLE, World};
use cohort_sync::sandbox::{FEED_TOKEN, PROJECT_ID, SECRET, SERVICE_ACCOUNT};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[test]
fn from_an_empty_home_to_a_finished_first_sync() {
    let world = World::new();
    let config = world.home.path().join("config.toml");
    std::fs::remove_file(&config).unwrap();
    let began = Instant::now();
    let mut pty = Pty::run(world.home.path(), console(), &world.words(&[]));
    pty.wait_for("Connect your own project");
    pty.send("\r");
    pty.wait_for("Only Update Profiles");
    // A wrong turn is told where it is taken.
    pty.send("us1-typed-token\r");
    pty.wait_for("That is not a URL");
    pty.send("\x15");
    pty.send(&world.sandbox.webhook_url());
    pty.send("\r");
    pty.wait_for("Environment");
    pty.send("\r");
    pty.wait_for("Its host can be reached");
    pty.send("\r");
    pty.wait_for("2 of 4");
    for answer in [world.sandbox.mixpanel_base_url(), PROJECT_ID.to_string(), SERVICE_ACCOUNT.to_owned()] {
        pty.send(&answer);
        pty.send("\r");
    }
    pty.wait_for("it is not shown");
    pty.send("mistyped-secret\r");
    pty.wait_for("refuses the");
    pty.send("\r");
    // Enter keeps the first three; the secret is typed anew.
    pty.send("\r\r\r");
    pty.wait_for("it is not shown");
    pty.send(SECRET);
    pty.send("\r");
    pty.wait_for("accepts the credentials");
    pty.send("\r");
    pty.wait_for("3 of 4");
    pty.send("\r\r");
    pty.wait_for("4 of 4");
    pty.send("config\r");
    pty.wait_for("Wrote ");
    let seen = pty.text();
    assert!(!seen.contains(SECRET) && !seen.contains(FEED_TOKEN), "{seen}");
    pty.send("\r");
    pty.wait_for(NAME);
    pty.send("s");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_for("● Synced");
    assert!(began.elapsed() < Duration::from_mins(2), "{:?}", began.elapsed());
    assert_eq!(world.delivered(), PEOPLE as usize);
    let mode = std::fs::metadata(&config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert!(!ended.written().contains(SECRET) && !ended.written().contains(FEED_TOKEN));
    ended.assert_restored();
}

#[test]
fn the_same_on_a_plain_terminal() {
    let world = World::new();
    std::fs::remove_file(world.home.path().join("config.toml")).unwrap();
    let mut pty = Pty::run(world.home.path(), console(), &world.words(&["setup"]));
    pty.wait_for("Webhook URL:");
    pty.send(&world.sandbox.webhook_url());
    pty.send("\r");
    pty.wait_for("Environment [production]:");
    pty.send("\r");
    pty.wait_for("Region [us]:");
    pty.send("usa\r");
    pty.wait_for("is no region of Mixpanel");
    pty.send(&world.sandbox.mixpanel_base_url());
    pty.send("\r");
    pty.wait_for("Project id:");
    pty.send(&PROJECT_ID.to_string());
    pty.send("\r");
    pty.wait_for("Service account:");
    pty.send(SERVICE_ACCOUNT);
    pty.send("\r");
    pty.wait_for("Secret:");
    pty.send(SECRET);
    pty.send("\r");
    pty.wait_for("Form [feed]:");
    pty.send("\r");
    pty.wait_for("User [skip]:");
    pty.send("\r");
    pty.wait_for("Keep them in [config]:");
    pty.send("\r");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert!(!ended.written().contains(SECRET) && !ended.written().contains(FEED_TOKEN));
    let sync = world.headless(&["sync", NAME, "--recurring"]);
    assert!(sync.status.success(), "{sync:?}");
    assert_eq!(world.delivered(), PEOPLE as usize);
}

#[test]
fn whoever_leaves_at_the_secret_gets_the_terminal_back() {
    let world = World::new();
    let config = world.home.path().join("config.toml");
    std::fs::remove_file(&config).unwrap();
    let mut pty = Pty::run(world.home.path(), console(), &world.words(&["setup"]));
    pty.wait_for("Webhook URL:");
    // Pasted at once: had the question come before the terminal stopped echoing, this would be seen now and then.
    pty.send(&world.sandbox.webhook_url());
    pty.send("\x03");
    let ended = pty.end();
    assert_eq!(ended.code, 2, "{}", ended.text);
    assert!(!ended.written().contains(FEED_TOKEN), "{}", ended.text);
    assert!(ended.text.contains("before: Webhook URL") && !config.exists(), "{}", ended.text);
}
