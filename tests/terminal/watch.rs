//! `status --watch` on a plain terminal, in a pipe and as objects, beside a process that writes.

use crate::pty::{Pty, console};
use crate::world::{NAME, World};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// A world whose one cohort was exported and stays in sync.
fn synced() -> World {
    let world = World::new();
    steer(&world, &["sync", NAME, "--recurring"]);
    world
}

fn steer(world: &World, words: &[&str]) {
    let output = world.headless(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_terminal_shows_one_table_that_follows_what_another_process_does() {
    let world = synced();
    let mut pty = Pty::run(world.home.path(), console(), &world.words(&["status", "--watch=0.1"]));
    pty.wait_for("synced");
    steer(&world, &["pause", NAME]);
    pty.wait_for("paused");
    for size in [(60, 20), (200, 3), (250, 30)] {
        let before = pty.byte_count();
        pty.resize(size.0, size.1);
        pty.wait_for_bytes(before);
        pty.wait_until("one whole table", |screen| {
            let text = screen.contents();
            text.matches("ctrl-c ends").count() == 1 && text.starts_with(|c: char| c.is_ascii_digit())
        });
    }
    pty.wait_for("paused");
    pty.send("\x03");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert_eq!(ended.text.matches(NAME).count(), 2, "name and attribute, once:\n{}", ended.text);
    assert!(!ended.text.contains("^C"), "{}", ended.text);
    // Nothing that would have to be undone.
    assert_eq!(ended.count("\x1b[?"), 0);
}

#[test]
fn a_pipe_gets_lines_only_for_what_changed() {
    for (words, lines) in [(&["status", "--watch=0.1", "--json"][..], 1), (&["status", "--watch=0.1"], 3)] {
        let world = synced();
        let mut child = world.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || (0..lines).map(|_| out.next().unwrap().unwrap()).collect::<Vec<_>>().join("\n");
        let first = next();
        assert!(first.contains(NAME) && !first.contains("paused"), "{first}");
        steer(&world, &["pause", NAME]);
        let second = next();
        assert!(second.contains("paused") && !second.contains('\x1b'), "{second}");
        interrupt(&mut child);
    }
}

#[test]
fn who_stops_reading_ends_it() {
    let world = synced();
    let mut child = world.command(&["status", "--watch=0.1"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    steer(&world, &["pause", NAME]);
    assert!(child.wait().unwrap().success());
}

fn interrupt(child: &mut Child) {
    let sent = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
