//! The console on an account: two of them on one state directory, leaving while a sync runs, coming back, and
//! what is written while nothing happens.

use crate::pty::{Pty, console};
use crate::world::{NAME, PEOPLE, World};
use cohort_sync::sandbox::{Effect, Fault};
use std::time::{Duration, Instant};

/// At most this many requests are in flight when something ends, so at most these are sent twice.
const IN_FLIGHT: u64 = 4 * 100;

/// A console in which a run is sending and cannot finish soon: each request takes so many milliseconds.
fn sending(world: &World, milliseconds: u64) -> Pty {
    world.control.push_fault(Fault::mparticle(Effect::Delay { milliseconds }).forever());
    let mut pty = world.open();
    pty.send("s");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_for("Sending");
    pty
}

/// Comes back without the delay and waits until everybody has arrived.
fn converge(world: &World) {
    world.control.clear_faults();
    let mut pty = world.open();
    pty.wait_for("● Synced");
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    assert_eq!(world.delivered(), PEOPLE as usize);
    assert!(world.control.repeated_batches() <= IN_FLIGHT, "{}", world.control.repeated_batches());
}

#[test]
fn a_second_console_only_looks() {
    let world = World::new();
    let first = world.open();
    let mut second = world.open();
    second.wait_for("READ-ONLY");
    second.send("s");
    let holder = format!("process {}", first.process());
    second.wait_until("who holds the state directory", |screen| {
        let text = screen.contents();
        text.contains("read-only") && text.contains(&holder) && !text.contains("Start sync")
    });
    second.send("q");
    let ended = second.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    assert!(!first.text().contains("READ-ONLY"));
    assert_eq!(world.control.feed_requests().len(), 0);
}

#[test]
fn quitting_while_a_sync_runs_asks_and_the_next_start_goes_on() {
    let world = World::new();
    let mut pty = sending(&world, 700);
    pty.send("q");
    pty.wait_until("what quitting does to the run", |screen| {
        let text = screen.contents();
        text.contains(&format!("“{NAME}” is being synced"))
            && text.contains("What mParticle accepted is")
            && text.contains("the next start goes on")
    });
    // The harmless answer has the focus.
    pty.send("\r");
    pty.wait_until("the question is gone", |screen| !screen.contents().contains("Quit?"));
    pty.send("q");
    pty.wait_for("Quit?");
    pty.send("\x1b[D\r");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    let delivered = world.delivered();
    assert!(delivered > 0 && delivered < PEOPLE as usize, "{delivered} were delivered");
    converge(&world);
}

#[test]
fn a_second_q_does_not_wait_for_the_requests_in_flight() {
    let world = World::new();
    let mut pty = sending(&world, 60_000);
    pty.send("q");
    pty.wait_for("Quit?");
    let asked = Instant::now();
    pty.send("\x1b[D\rq");
    let ended = pty.end();
    // Without the second q it is patient for ten seconds.
    assert!(asked.elapsed() < Duration::from_secs(9), "it took {:?}", asked.elapsed());
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
    converge(&world);
}

#[test]
fn a_signal_in_the_middle_of_a_run_loses_nothing() {
    for signal in ["TERM", "HUP"] {
        let world = World::new();
        let pty = sending(&world, 700);
        pty.signal(signal);
        let ended = pty.end();
        assert_eq!(ended.code, 0, "after {signal}: {}", ended.text);
        ended.assert_restored();
        assert!(world.delivered() < PEOPLE as usize);
        // What is left behind can be read, and says that the sync goes on.
        let status = world.headless(&["status", "--json"]);
        assert_eq!(status.status.code(), Some(0), "{}", String::from_utf8_lossy(&status.stderr));
        assert!(String::from_utf8_lossy(&status.stdout).contains("\"recurring\""));
        converge(&world);
    }
}

#[test]
fn a_terminal_that_is_closed_ends_the_console_in_order() {
    let world = World::new();
    let pty = sending(&world, 700);
    let process = pty.process();
    // Nobody is left to tell, so the code is not success; a crash would be another one.
    let code = pty.hang_up();
    assert!(code == 0 || code == 1, "process {process} ended with {code}");
    assert!(world.delivered() < PEOPLE as usize);
    converge(&world);
}

#[test]
fn an_idle_console_writes_nothing_but_its_clock() {
    let world = World::new();
    let pty = world.open();
    pty.wait_until("nothing to do", |screen| screen.contents().trim_end().ends_with("idle"));
    // The time on the clock changes: from here on nothing but the clock has a reason to be drawn.
    let settled = pty.byte_count();
    pty.wait_for_bytes(settled);
    let (bytes, frames) = (pty.byte_count(), pty.frame_count());
    // A stretch of time is what is measured here, so this is the one place that must let it pass.
    let stretch = Duration::from_secs(3);
    std::thread::sleep(stretch);
    let (bytes, frames) = (pty.byte_count() - bytes, pty.frame_count() - frames);
    eprintln!("{frames} frames and {bytes} bytes in {stretch:?}");
    assert!(frames <= 4, "{frames} frames in {stretch:?}");
    assert!(bytes <= frames * 120, "{bytes} bytes in {frames} frames");
}

#[test]
fn the_console_remembers_how_it_was_left() {
    let world = World::new();
    let mut pty = world.open();
    pty.send("/night\r");
    pty.wait_for("/ night");
    // This is written after a moment, whatever becomes of the process.
    let before = pty.process();
    pty.send("m");
    pty.wait_for("mouse off");
    pty.wait_until("what is remembered", |_| world.remembered().is_some_and(|kept| kept.contains("night")));
    assert_eq!(pty.process(), before);
    // And this at the end.
    pty.send("6q");
    assert_eq!(pty.end().code, 0);
    let mut pty = world.open_showing("Log", &[]);
    pty.send("1");
    pty.wait_for("/ night");
    pty.send("q");
    let ended = pty.end();
    ended.assert_restored();
    assert_eq!(ended.count("\x1b[?1000h"), 0, "the mouse was off");
    let kept = world.remembered();
    // Who only looks takes it up and changes nothing.
    let mut pty = Pty::run(world.home.path(), console(), &world.looking());
    pty.wait_for("/ night");
    pty.send("t6q");
    assert_eq!(pty.end().code, 0);
    assert_eq!(world.remembered(), kept);
}
