//! Every way out of the console that nobody chose: signals, an error, and a panic in the middle of it.

use crate::pty::{Pty, demo};
use cohort_sync::sync::Handle;
use cohort_sync::sync::snapshot::Snapshot;
use cohort_sync::tui::{self, Settings};
use std::io::Write;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, watch};

/// Set for the copy of this test program that shows a console and panics.
const PANICKING: &str = "COHORT_SYNC_TEST_PANICS";

#[test]
fn a_signal_ends_the_console_in_order() {
    for name in ["TERM", "HUP", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let pty = demo(home.path());
        pty.signal(name);
        let ended = pty.end();
        assert_eq!(ended.code, 0, "after {name}: {}", ended.text);
        ended.assert_restored();
        // The state directory of a demo goes away with it.
        let left = std::fs::read_dir(home.path()).unwrap();
        assert!(left.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("demo")));
    }
}

/// The binary has no way to panic on purpose, and should have none. So this program starts itself in the
/// pseudo-terminal, opens the real welcome screen through the library, and panics beside it when it is told
/// to: on the thread that draws, as a mistake in drawing would.
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let pty = panicking(home.path(), "here");
    pty.wait_for("Look around in the demo");
    pty.signal("USR1");
    let ended = pty.end();
    assert_eq!(ended.code, 101, "{}", ended.text);
    ended.assert_restored();
    assert!(ended.text.contains("a planned mistake"), "{}", ended.text);
    let written = String::from_utf8_lossy(&ended.bytes).into_owned();
    assert!(
        written.rfind("\x1b[?1049l") < written.find("a planned mistake"),
        "said into the screen: {written:?}"
    );
}

#[test]
fn a_panic_elsewhere_leaves_the_screen_alone_and_is_reported_in_the_end() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = panicking(home.path(), "elsewhere");
    pty.wait_for("Look around in the demo");
    pty.signal("USR1");
    let panicked = home.path().join("panicked");
    pty.wait_until("the panic to be over", |_| panicked.exists());
    assert!(pty.text().contains("Look around in the demo") && !pty.text().contains("a planned mistake"));
    pty.send("q");
    let ended = pty.end();
    ended.assert_restored();
    assert!(ended.text.contains("a planned mistake"), "{}", ended.text);
}

fn panicking(home: &std::path::Path, place: &str) -> Pty {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "leaving::a_console_that_panics_when_told_to", "--nocapture"];
    Pty::run_with(home, this, &arguments, &[(PANICKING, place)])
}

/// The console of the two tests above; nothing to test when it is not they who start it.
#[test]
fn a_console_that_panics_when_told_to() {
    let Ok(place) = std::env::var(PANICKING) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut told = signal(SignalKind::user_defined1()).unwrap();
        let settings = Settings::default();
        let console = tui::welcome(&settings, None, |_, _| async { Vec::new() });
        tokio::pin!(console);
        tokio::select! {
            choice = &mut console => drop(choice.unwrap()),
            _ = told.recv() => {
                assert!(place != "here", "a planned mistake");
                let elsewhere = std::thread::spawn(|| panic!("a planned mistake"));
                assert!(elsewhere.join().is_err());
                // The test looks for this file; the bell makes it look, and shows nothing.
                std::fs::write("panicked", "").unwrap();
                print!("\x07");
                std::io::stdout().flush().unwrap();
                console.await.unwrap();
            }
        }
    });
}

/// Set for the copy of this test program that shows a console whose engine ends by itself.
const LEFT_ALONE: &str = "COHORT_SYNC_TEST_LEFT_ALONE";

#[test]
fn an_error_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "leaving::a_console_whose_engine_ends_when_told_to", "--nocapture"];
    let pty = Pty::run_with(home.path(), this, &arguments, &[(LEFT_ALONE, "1")]);
    pty.wait_for("Cohorts");
    pty.signal("USR1");
    let ended = pty.end();
    ended.assert_restored();
    assert!(ended.text.contains("the engine stopped: it ended without saying why"), "{}", ended.text);
}

/// The console of the test above; nothing to test when it is not that which starts it.
#[test]
fn a_console_whose_engine_ends_when_told_to() {
    if std::env::var(LEFT_ALONE).is_err() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let mut told = signal(SignalKind::user_defined1()).unwrap();
        let (commands, _nobody_listens) = mpsc::channel(1);
        let (snapshots, shown) = watch::channel(Arc::new(Snapshot::default()));
        let (_, log) = broadcast::channel(1);
        tokio::spawn(async move {
            told.recv().await;
            drop(snapshots);
        });
        let settings = Settings { notify: cohort_sync::config::Notify::Bell, ..Settings::default() };
        tui::run(None, Handle::new(commands, shown), log, settings).await.err().unwrap()
    });
    print!("{error}");
    std::io::stdout().flush().unwrap();
}
