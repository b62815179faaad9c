//! Starting where something is missing: no configuration, or no terminal.

use crate::pty::{Pty, console};
use std::process::{Command, Stdio};

const NOTHING: [&str; 0] = [];

#[test]
fn without_a_configuration_the_welcome_offers_the_demo() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = Pty::run(home.path(), console(), &NOTHING);
    pty.wait_for("There is no configuration");
    pty.wait_for("Look around in the demo");
    pty.wait_for("Connect your own project");
    // A key that means nothing here does nothing, and the window may change.
    pty.send("x");
    let before = pty.byte_count();
    pty.resize(80, 24);
    pty.wait_for_bytes(before);
    pty.wait_for("Look around in the demo");
    pty.send("d");
    pty.wait_for("Cohorts 13");
    pty.wait_for("DEMO");
    pty.send("q");
    let ended = pty.end_answering("Quit?", "\x1b[D\r");
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn the_welcome_can_be_left() {
    for key in ["q", "\x03"] {
        let home = tempfile::tempdir().unwrap();
        let mut pty = Pty::run(home.path(), console(), &NOTHING);
        pty.wait_for("Look around in the demo");
        pty.send(key);
        let ended = pty.end();
        assert_eq!(ended.code, 0, "{}", ended.text);
        ended.assert_restored();
        assert_eq!(
            std::fs::read_dir(home.path()).unwrap().count(),
            0,
            "looking at the welcome wrote something"
        );
    }
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    for arguments in [&["--demo"][..], &[]] {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(console());
        command.args(arguments).env_clear().env("HOME", home.path()).env("TMPDIR", home.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("needs a terminal") && said.contains("cohort-sync cohorts"), "{said}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to standard output");
    }
}

#[test]
fn output_that_goes_elsewhere_is_no_terminal_either() {
    let home = tempfile::tempdir().unwrap();
    let script = r#""$0" --demo > elsewhere; echo "code $?""#;
    let pty = Pty::run(home.path(), "sh", &["-c", script, &console().display().to_string()]);
    let ended = pty.end();
    assert!(ended.text.contains("needs a terminal") && ended.text.contains("code 2"), "{}", ended.text);
    assert!(!ended.bytes.contains(&0x1b), "control sequences without a console");
    assert_eq!(std::fs::read(home.path().join("elsewhere")).unwrap(), b"");
}
