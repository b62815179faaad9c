//! Going over from one profile to another in the console: each has its own services, state and log, and the terminal is
//! not given back in between.

use crate::pty::{Pty, console};
use crate::world::{NAME, PEOPLE, World};
use cohort_sync::sandbox::{Effect, Fault, PROJECT_ID, SECRET, SERVICE_ACCOUNT};
use std::fs::OpenOptions;
use std::io::Write;

/// The cohort that only the second account has.
const OTHER: &str = "Day shift";
const OTHERS: u32 = 60;

/// Writes profiles into the configuration: one for another account, and one that makes no sense.
fn with_profiles(world: &World, second: &World) {
    second.control.add_made_up_cohort(2, OTHER, OTHERS);
    let text = format!(
        "[profiles.broken.mixpanel]\nregion = \"mars\"\n\
         [profiles.second.mixpanel]\nproject_id = {PROJECT_ID}\nservice_account = \"{SERVICE_ACCOUNT}\"\n\
         secret = \"{SECRET}\"\nbase_url = \"{}\"\n\
         [profiles.second.mparticle]\nwebhook_url = \"{}\"\nenvironment = \"development\"\n",
        second.sandbox.mixpanel_base_url(),
        second.sandbox.webhook_url(),
    );
    let path = world.home.path().join("config.toml");
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Opens the list of profiles and chooses one, counted from the one that is open.
fn choose(pty: &mut Pty, steps: &str) {
    pty.send("P");
    pty.wait_for("opens it anew");
    pty.send(steps);
    pty.send("\r");
}

#[test]
fn another_profile_is_opened_on_the_same_terminal() {
    let (world, second) = (World::new(), World::new());
    with_profiles(&world, &second);
    let mut pty = world.open();
    choose(&mut pty, "jj");
    pty.wait_for("this is “second”");
    pty.wait_for(OTHER);
    pty.wait_for("DEVELOPMENT");
    // Its syncs are its own.
    pty.send("/day\rs");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_for("● Synced");
    assert_eq!(second.control.profiles_with(OTHER).len(), OTHERS as usize);
    assert_eq!(world.control.feed_requests().len(), 0);
    // Back again, where nothing is known of it.
    choose(&mut pty, "kk");
    pty.wait_for("this is “default”");
    pty.wait_until("the first account alone", |screen| {
        screen.contents().contains(NAME) && !screen.contents().contains(OTHER)
    });
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    assert_eq!(ended.count("\x1b[?1049h"), 1, "the terminal is taken once");
    let log =
        |place: &str| std::fs::read_to_string(world.home.path().join(place).join("cohort-sync.log")).unwrap();
    assert!(!log("state/second/log").contains(SECRET) && !log("state/log").contains(OTHER));
}

#[test]
fn a_profile_that_cannot_be_used_says_why_and_leaves_one_where_one_is() {
    let (world, second) = (World::new(), World::new());
    with_profiles(&world, &second);
    let mut pty = world.open();
    choose(&mut pty, "j");
    pty.wait_for("Not opened");
    pty.wait_for("mars");
    pty.send("\x1b");
    pty.wait_until("the console as it was", |screen| {
        screen.contents().contains(NAME) && !screen.contents().contains("Not opened")
    });
    pty.send("q");
    assert_eq!(pty.end().code, 0);
}

#[test]
fn going_over_while_a_sync_runs_asks_and_it_goes_on_when_one_comes_back() {
    let (world, second) = (World::new(), World::new());
    with_profiles(&world, &second);
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds: 400 }).forever());
    let mut pty = world.open();
    pty.send("s");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_for("Sending");
    choose(&mut pty, "jj");
    pty.wait_for("Go over to “second”?");
    pty.send("\x1b[D\r");
    pty.wait_for(OTHER);
    assert!(world.delivered() < PEOPLE as usize);
    world.control.clear_faults();
    choose(&mut pty, "kk");
    pty.wait_for("● Synced");
    assert_eq!(world.delivered(), PEOPLE as usize);
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn the_same_profile_is_opened_anew_with_what_the_file_says_now() {
    let world = World::new();
    let mut pty = world.open();
    let path = world.home.path().join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap() + "environment = \"development\"\n";
    std::fs::write(&path, text).unwrap();
    choose(&mut pty, "");
    pty.wait_for("opened anew");
    pty.wait_for("DEVELOPMENT");
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn whoever_cannot_get_there_is_taken_back() {
    let (world, second) = (World::new(), World::new());
    with_profiles(&world, &second);
    world.headless(&["cohorts"]);
    let mut pty = Pty::run(world.home.path(), console(), &world.looking());
    pty.wait_for("READ-ONLY");
    choose(&mut pty, "jj");
    // Who only looks makes no state, and there is none of that profile yet.
    pty.wait_for("“second” was not opened: there is no state in");
    pty.wait_for(NAME);
    world.headless(&["--profile", "second", "cohorts"]);
    choose(&mut pty, "jj");
    pty.wait_for("this is “second”");
    pty.wait_for("READ-ONLY");
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn a_setting_of_the_connection_is_taken_up_and_taken_back_by_connecting_anew() {
    let world = World::new();
    let path = world.home.path().join("config.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    let mut pty = world.open();
    // The settings are the last section, and the project is the second of them.
    pty.send("5]]]]]]]jj\r");
    pty.wait_for("mixpanel.project_id ─");
    pty.send("\x1577\r");
    pty.wait_for("Connect anew?");
    pty.send("\x1b[D\r");
    pty.wait_for("opened anew");
    pty.wait_for("default · 77 ·");
    pty.wait_for("▌  mixpanel.project_id");
    // The profile that was opened anew knows what to take back.
    pty.send("U");
    pty.wait_for("Connect anew?");
    pty.send("\x1b[D\r");
    pty.wait_for(&format!("default · {PROJECT_ID} ·"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn a_setting_of_the_looks_is_taken_up_at_once() {
    let world = World::new();
    let mut pty = world.open();
    pty.send("5]]]]]]]");
    pty.wait_for("▾ Settings");
    // The last settings are those of the looks; the mouse is the fifth from below.
    pty.send("Gkkkk\r");
    pty.wait_for("ui.mouse ─");
    let listening = "\x1b[?1000l";
    pty.send("\x15false\r");
    pty.wait_for("ui.mouse is false now, was true");
    pty.wait_for_written(listening);
    pty.send("U");
    pty.wait_for("ui.mouse is true now, was false");
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}
