//! The Live screen in a terminal: requests of a sync that was just started are seen to arrive, one is opened and left
//! again; the same beside a process that writes; and a flood of them leads to no more frames than anything else.

use crate::pty::{Pty, console, demo};
use crate::world::{NAME, World};
use cohort_sync::sandbox::{Effect, Fault};
use cohort_sync::store::{DATABASE_FILE, Store};
use std::time::{Duration, Instant};

/// How many requests the title of the Live screen counts.
fn listed(screen: &vt100::Screen) -> Option<usize> {
    let text = screen.contents();
    let (_, after) = text.split_once("╭ Live ")?;
    after.split(' ').next()?.replace(',', "").parse().ok()
}

#[test]
fn requests_of_the_demo_arrive_and_one_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = demo(home.path());
    pty.send("/imported");
    pty.wait_until("one cohort in the filter", |screen| !screen.contents().contains("Board members"));
    pty.send("\r");
    pty.send("s");
    pty.wait_for("[ Start sync ]");
    pty.send("\r");
    pty.wait_for("Sending");
    pty.send("3");
    let mut before = None;
    pty.wait_until("requests that arrive by themselves", |screen| {
        let now = listed(screen);
        let more = before.zip(now).is_some_and(|(before, now)| now > before);
        before = before.or(now);
        more && screen.contents().contains("following") && screen.contents().contains("▲ mParticle")
    });
    pty.wait_for("▼ Mixpanel");
    // Only what was sent for that cohort, then the one before the newest.
    let filter = "side:mparticle cohort:imported status:202";
    pty.send(&format!("/{filter}\r"));
    pty.wait_until("only what was sent, and some of it", |screen| {
        let text = screen.contents();
        let is_kept = text.contains(&format!("· / {filter} "));
        is_kept && !text.contains("▼ Mixpanel") && listed(screen).is_some_and(|listed| listed > 2)
    });
    pty.send("k");
    pty.wait_for("f follows");
    pty.send("\r");
    pty.wait_until("request and answer", |screen| {
        let text = screen.contents();
        text.contains("/v1/pdf/mixpanelcohorts/•••")
            && text.contains("\"Imported from the old CRM\": true")
            && (text.contains("all accepted") || text.contains("refused"))
    });
    let other = if pty.text().contains("[Request]") { "[Answer]" } else { "[Request]" };
    pty.send("l");
    pty.wait_for(other);
    pty.send("\x1b");
    pty.wait_for("f follows");
    pty.send("f");
    pty.wait_for("· following");
    pty.send("q");
    let ended = pty.end_answering("Quit?", "\x1b[D\r");
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn whoever_only_looks_sees_the_requests_of_the_process_that_writes() {
    let world = World::new();
    assert!(world.headless(&["sync", NAME, "--recurring"]).status.success());
    let mut writer = Pty::run(world.home.path(), console(), &world.words(&["run"]));
    writer.wait_for("on schedule");
    let mut pty = Pty::run(world.home.path(), console(), &world.looking());
    pty.wait_for("READ-ONLY");
    pty.send("3");
    pty.wait_for("▲ mParticle");
    // Then another process writes, and makes a run in which a request is refused at first.
    writer.send("\x03");
    assert_eq!(writer.end().code, 0);
    world.control.push_fault(Fault::mparticle(Effect::Status {
        code: 429,
        body: "{\"message\":\"slow down\"}".to_owned(),
        headers: Vec::new(),
    }));
    world.control.add_made_up_cohort(2, "Day shift", 150);
    assert!(world.headless(&["sync", "Day shift"]).status.success());
    pty.wait_until("the requests of the other process", |screen| {
        let text = screen.contents();
        text.contains("Day shift") && text.contains("429") && text.contains("slow down")
    });
    pty.send("/status:429\r");
    pty.wait_for("Live 1 of");
    pty.send("\r");
    pty.wait_until("what was said, read from the other's state", |screen| {
        let text = screen.contents();
        text.contains("\"Day shift\": true") && text.contains("\"message\": \"slow down\"")
    });
    pty.send("q");
    let ended = pty.end();
    assert_eq!(ended.code, 0, "{}", ended.text);
    ended.assert_restored();
}

#[test]
fn a_thousand_requests_a_second_draw_no_more_than_thirty_frames() {
    let world = World::new();
    let state = world.home.path().join("state");
    let store = Store::open(&state, "the test").unwrap();
    let mut pty = Pty::run(world.home.path(), console(), &world.looking());
    pty.wait_for("READ-ONLY");
    pty.send("3");
    pty.wait_for("No request was made yet");
    let journal = rusqlite::Connection::open(state.join(DATABASE_FILE)).unwrap();
    let (began, frames) = (Instant::now(), pty.frame_count());
    let (mut written, mut was_full) = (0_u32, false);
    while began.elapsed() < Duration::from_secs(3) {
        let at = i64::try_from(began.elapsed().as_millis()).unwrap();
        journal
            .execute(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50)
                 INSERT INTO journal (at, side, what, users, bytes, status, elapsed_ms, try, answer)
                 SELECT ?1, 'mparticle', 'batches', 100, 24000, 202, 80, 1, '' FROM n",
                [at],
            )
            .unwrap();
        written += 50;
        let is_full = pty.text().matches("batches").count() > 20;
        assert!(is_full || !was_full, "the list was empty for a moment:\n{}", pty.text());
        was_full = is_full;
        // Fifty each fiftieth of a second and a little; what is measured is a stretch of time.
        std::thread::sleep(
            (began + Duration::from_millis(u64::from(written))).saturating_duration_since(Instant::now()),
        );
    }
    let wanted = usize::try_from(written).unwrap();
    pty.wait_until("all of them", |screen| listed(screen) == Some(wanted));
    let (frames, took) = (pty.frame_count() - frames, began.elapsed());
    eprintln!("{written} requests and {frames} frames in {took:?}");
    assert!(written >= 2_500, "only {written} were written");
    assert!(frames as f64 <= 30.0 * took.as_secs_f64() + 1.0, "{frames} frames in {took:?}");
    drop(store);
    pty.send("q");
    assert_eq!(pty.end().code, 0);
}
