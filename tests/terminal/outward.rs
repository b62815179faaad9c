//! What the console says past its own screen: the title of the window, the clipboard, and calls to a person
//! who looks elsewhere. Each is told by the bytes that the terminal receives.

use crate::pty::Pty;
use crate::world::{NAME, World};
use std::os::unix::fs::PermissionsExt;

const PUSH: &str = "\x1b[22;2t";
const POP: &str = "\x1b[23;2t";
/// The number of the one cohort, in base64 as OSC 52 carries it.
const COPIED: &str = "\x1b]52;c;MQ==\x07";

/// A console whose feed refuses everything, so that the first sync pauses.
fn refused(world: &World, variables: &[(&str, &str)]) -> Pty {
    world.control.set_feed_token_valid(false);
    world.open_with(variables)
}

fn start_sync(pty: &mut Pty) {
    pty.send("s");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_until("the pause", |screen| screen.contents().contains("Paused"));
}

#[test]
fn the_title_tells_how_the_syncs_stand_and_the_old_one_comes_back() {
    let world = World::new();
    let mut pty = refused(&world, &[]);
    pty.wait_for_written("\x1b[22;2t\x1b]2;cohort-sync default\x07");
    start_sync(&mut pty);
    pty.wait_for_written("\x1b]2;cohort-sync default · 1 syncing\x07");
    pty.wait_for_written("\x1b]2;cohort-sync default · 1 paused\x07");
    pty.send("q");
    let ended = pty.end();
    ended.assert_restored();
    // Nothing is told twice in a row.
    let written = ended.written();
    let titles = written.split("\x1b]2;").skip(1);
    let names: Vec<&str> = titles.filter_map(|rest| rest.split('\x07').next()).collect();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert_eq!((ended.count(PUSH), ended.count(POP)), (1, 1));
}

#[test]
fn the_title_can_be_left_alone() {
    let world = World::new();
    let mut pty = world.open_with(&[("COHORT_SYNC_UI_TITLE", "false")]);
    pty.send("q");
    let ended = pty.end();
    ended.assert_restored();
    assert_eq!((ended.count("\x1b]2;"), ended.count(PUSH), ended.count(POP)), (0, 0, 0));
}

#[test]
fn without_a_desktop_the_terminal_is_asked_to_copy() {
    let world = World::new();
    let over_ssh = [("DISPLAY", ":10"), ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")];
    for variables in [&[][..], &over_ssh] {
        let mut pty = world.open_with(variables);
        pty.send("y");
        pty.wait_for("cohort id 1 sent to the terminal's clipboard (OSC 52)");
        pty.wait_for_written(COPIED);
        pty.send("q");
        pty.end().assert_restored();
    }
}

#[test]
fn inside_a_multiplexer_the_text_is_wrapped() {
    let world = World::new();
    let tmux = "\x1b]52;c;MQ==\x07\x1bPtmux;\x1b\x1b]52;c;MQ==\x07\x1b\\";
    let screen = "\x1bP\x1b]52;c;MQ==\x07\x1b\\";
    for (variable, expected) in [("TMUX", tmux), ("STY", screen)] {
        let mut pty = world.open_with(&[(variable, "1")]);
        pty.send("y");
        pty.wait_for_written(expected);
        pty.send("q");
        pty.end().assert_restored();
    }
}

#[test]
fn on_a_desktop_its_own_tool_copies_and_the_next_when_it_fails() {
    let world = World::new();
    let tools = world.home.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let took = world.home.path().join("took");
    for (name, script) in [
        ("xclip", "#!/bin/sh\nexit 1\n".to_owned()),
        ("xsel", format!("#!/bin/sh\ncat > '{}'\n", took.display())),
    ] {
        std::fs::write(tools.join(name), script).unwrap();
        std::fs::set_permissions(tools.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut pty = world.open_with(&[("DISPLAY", ":0"), ("PATH", &path)]);
    pty.send("y");
    pty.wait_for("cohort id 1 copied (xsel)");
    assert_eq!(std::fs::read_to_string(&took).unwrap(), "1");
    pty.send("q");
    let ended = pty.end();
    ended.assert_restored();
    assert_eq!(ended.count("\x1b]52"), 0);
}

#[test]
fn a_pause_calls_the_person_once_as_configured() {
    let words = format!("the sync of \"{NAME}\" is paused");
    let osc_9 = format!("\x1b]9;cohort-sync: {words}\x07");
    let osc_777 = format!("\x1b]777;notify;cohort-sync;{words}\x07");
    let in_tmux = format!("\x1bPtmux;\x1b\x1b]9;cohort-sync: {words}\x07\x1b\\");
    for (notify, terminal, expected) in [
        ("desktop", ("TERM", "xterm-256color"), osc_9.as_str()),
        ("desktop", ("TERM", "foot"), &osc_777),
        ("desktop", ("TMUX", "1"), &in_tmux),
    ] {
        let world = World::new();
        let mut pty = refused(&world, &[("COHORT_SYNC_UI_NOTIFY", notify), terminal]);
        start_sync(&mut pty);
        pty.wait_for_written(expected);
        pty.send("q");
        let ended = pty.end();
        ended.assert_restored();
        assert_eq!(ended.count(expected), 1);
    }
}

#[test]
fn the_bell_rings_only_for_who_looks_elsewhere() {
    for (focus, rings) in [("", 1), ("\x1b[O", 1), ("\x1b[I", 0)] {
        let world = World::new();
        let mut pty =
            refused(&world, &[("COHORT_SYNC_UI_NOTIFY", "bell"), ("COHORT_SYNC_UI_TITLE", "false")]);
        pty.send(focus);
        start_sync(&mut pty);
        pty.send("q");
        let ended = pty.end();
        ended.assert_restored();
        assert_eq!(ended.count("\x07"), rings, "after {focus:?}");
        assert_eq!((ended.count("\x1b[?1004h"), ended.count("\x1b[?1004l")), (1, 1));
    }
}
