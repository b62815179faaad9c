//! Typing while the window is pulled about: the size changes dozens of times a second, and not a single key may
//! be lost. Two events at the same moment are what a terminal library gets wrong most easily.

use crate::pty::{Pty, console};

/// How often it is tried; the two events must coincide, which is a matter of luck.
const ROUNDS: u16 = 25;

#[test]
fn no_key_is_lost_while_the_window_changes_its_size() {
    let home = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let nothing: [&str; 0] = [];
        let mut pty = Pty::run(home.path(), console(), &nothing);
        pty.wait_for("Look around in the demo");
        for step in 0..50 {
            pty.resize(60 + step + round, 20 + step % 20);
            if step == 25 {
                pty.send("q");
            }
        }
        // Were the key lost, the console would wait for ever.
        let ended = pty.end();
        assert_eq!(ended.code, 0, "in round {round}: {}", ended.text);
        ended.assert_restored();
    }
}
