//! The demo as a newcomer meets it: it opens, a sync is started with keys and runs to its end, the window is
//! pulled about, and the shell gets a turn in between.

use crate::pty::{Pty, console, demo, is_consoles, is_shells};

#[test]
fn a_newcomer_exports_a_cohort_and_leaves() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = demo(home.path());
    pty.wait_until("a dozen cohorts", |screen| {
        let rows = screen.contents();
        ["Board members", "Power users", "Trial expiring", "新規ユーザー"]
            .iter()
            .all(|name| rows.contains(name))
    });
    pty.send("/imported");
    pty.wait_until("one cohort in the filter", |screen| {
        screen.contents().contains("Imported") && !screen.contents().contains("Board members")
    });
    pty.send("\r");
    pty.send("s");
    pty.wait_for("Export “Imported from the old CRM” to mParticle");
    pty.send("\x1b[B");
    pty.wait_for("(•) One-time");
    pty.send("\r");
    pty.wait_until("the sending of the export", |screen| screen.contents().contains("Sending"));
    pty.wait_for("✓ Exported");
    // Esc clears the filter and never quits.
    pty.send("\x1b");
    pty.wait_for("Board members");
    pty.send("q");
    // The demo's own syncs may be at work at this very moment; then it asks.
    let ended = pty.end_answering("Quit?", "\x1b[D\r");
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    assert_eq!(left_behind(home.path()), Vec::<String>::new());
}

#[test]
fn a_window_that_is_pulled_about_is_drawn_again() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = demo(home.path());
    for (columns, rows) in [(1, 1), (300, 100), (46, 14), (80, 24), (200, 2), (2, 200), (80, 24)] {
        let before = pty.byte_count();
        pty.resize(columns, rows);
        pty.wait_for_bytes(before);
        if columns >= 46 && rows >= 14 {
            pty.wait_until("a whole frame of the new size", |screen| {
                let lines: Vec<String> = screen.rows(0, columns).collect();
                let tabs = lines.get(1).is_some_and(|line| line.contains("1 Cohorts"));
                let corner = |line: &String| line.starts_with('╰') && line.ends_with('╯');
                tabs && lines.iter().rev().nth(1).is_some_and(corner)
            });
        }
    }
    // And as fast as a window manager can, without waiting in between.
    for step in 0..200 {
        pty.resize(20 + step % 150, 3 + step % 60);
    }
    pty.resize(100, 30);
    pty.wait_until("a whole frame after the storm", |screen| {
        let line = |row: usize| screen.rows(0, 100).nth(row).unwrap_or_default();
        line(1).contains("? help") && line(28).ends_with('╯')
    });
    pty.send("\x03");
    let ended = pty.end_answering("Quit?", "\x1b[D\r");
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn ctrl_c_is_understood_everywhere() {
    let home = tempfile::tempdir().unwrap();
    for (keys, shown) in
        [("", "Cohorts 13"), ("?", "Help"), (":", "commands"), ("/", "Cohorts"), ("o", "Sort"), ("6", "Log")]
    {
        let mut pty = demo(home.path());
        pty.send(keys);
        pty.wait_for(shown);
        pty.send("\x03");
        let ended = pty.end_answering("Quit?", "\x1b[D\r");
        assert_eq!(ended.code, 0, "after {keys:?}: {}", ended.text);
        ended.assert_restored();
    }
}

#[test]
fn the_shell_gets_a_turn_and_gives_it_back() {
    let home = tempfile::tempdir().unwrap();
    // A shell with job control, whose prompt says when it listens.
    let mut pty = Pty::run_with(home.path(), "sh", &["-i"], &[("PS1", "ready> ")]);
    pty.wait_for("ready>");
    pty.send(&format!("{} --demo\r", console().display()));
    pty.wait_for("Cohorts 13");
    for round in [1, 2] {
        pty.wait_until("the console has the terminal", is_consoles);
        pty.send("\x1a");
        pty.wait_until("the shell has the terminal", shell_listens);
        // Echo and line editing are the shell's again, so what is typed is carried out and its result seen.
        pty.send(&format!("echo turn-$(({round} + 40))\r"));
        pty.wait_for(&format!("turn-{}", round + 40));
        pty.send("fg\r");
        pty.wait_until("the console is back whole", |screen| {
            is_consoles(screen)
                && screen.contents().starts_with(" cohort-sync")
                && screen.contents().contains("Board members")
        });
    }
    // Keys still arrive.
    pty.send("?");
    pty.wait_for("Help");
    pty.send("\x03");
    pty.wait_until("the end, or the question", |screen| {
        is_shells(screen) || screen.contents().contains("Quit?")
    });
    if pty.text().contains("Quit?") {
        pty.send("\x1b[D\r");
    }
    pty.wait_until("the shell has the terminal", shell_listens);
    pty.send("echo left-with-$?; exit\r");
    pty.wait_for("left-with-0");
    pty.end().assert_restored();
}

/// The screen is given back before the line modes are; only the shell's prompt says that it reads again.
fn shell_listens(screen: &vt100::Screen) -> bool {
    is_shells(screen) && screen.contents().trim_end().ends_with("ready>")
}

/// What the demo forgot in the directory for temporary files, which here is the home.
fn left_behind(home: &std::path::Path) -> Vec<String> {
    let names = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.contains("demo")).collect()
}
