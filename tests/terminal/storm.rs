//! Much at once. The window is pulled about while somebody types: the size changes dozens of times a second, and not
//! a single key may be lost, though two events at the same moment are what a terminal library gets wrong most easily.
//! A thousand events a second are taken in, and no more drawn than an eye can follow.

use crate::pty::{Pty, console, demo};
use std::time::{Duration, Instant};

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

/// The most frames a second.
const FRAMES: f64 = 30.0;

#[test]
fn a_thousand_events_a_second_are_thirty_frames_a_second() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = demo(home.path());
    pty.wait_for("Power users");
    let (began, before) = (Instant::now(), pty.frame_count());
    // Keys are the events here, for each of them changes what is seen. The pause is what makes it a thousand a second.
    for _ in 0..1_000 {
        pty.send("jk");
        std::thread::sleep(Duration::from_millis(1));
    }
    pty.send("6");
    pty.wait_for("level");
    let (took, frames) = (began.elapsed().as_secs_f64(), pty.frame_count() - before);
    eprintln!("{frames} frames in {took:.2} s");
    // One frame may be under way at either end.
    #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
    let most = frames as f64 <= took.mul_add(FRAMES, 2.0);
    assert!(most && frames > 2, "{frames} frames in {took:.2} s");
    pty.send("q");
    pty.end_answering("Quit?", "\x1b[D\r").assert_restored();
}
