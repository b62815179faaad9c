//! A disk without room: at any commit, from any commit on, at any page the file would grow by, and a real file
//! system that is full. The command says so and what to do, never that it succeeded; the database opens
//! afterwards, and once there is room the next run puts everything right.

use crate::chronicle::Chronicle;
use crate::world::{NAME, Output};
use futures_util::{StreamExt, stream};
use std::ops::Range;
use tokio::process::Command;

const AT_ONCE: usize = 2;
const RECURRING: &[&str] = &["sync", NAME, "--recurring", "--yes", "--json"];
const FIRST: Range<i64> = 0..350;
const LATER: Range<i64> = 60..430;
const LAST: Range<i64> = 30..400;
/// So many come in that the file, which has room left from the first export, must grow by many pages.
const GROWN: Range<i64> = 60..2500;

/// What is said of a full disk: what happened and what to do.
const SAID: &[&str] = &["the disk that holds the state directory is full", "free some space"];

/// Asserts that a command failed and said all of these words: on stderr, unless the end of the run could still be
/// recorded and its object says them.
fn complains(output: Output, words: &[&str]) {
    assert_eq!(output.code, Some(1), "{output:#?}");
    // Anything that is no object fails here.
    let objects = output.objects();
    let said = objects.iter().find_map(|run| run["error"].as_str()).unwrap_or_default();
    if output.err.is_empty() && words.iter().all(|word| said.contains(word)) {
        assert_eq!(objects[0]["outcome"], "failed", "{output:#?}");
    } else {
        output.complains(words);
    }
}

/// A fault that strikes while a cohort is exported or, once it was, what it became since is sent; whether the
/// command failed.
async fn strike(fault: String, became: Option<Range<i64>>, next: Range<i64>) -> bool {
    let mut chronicle = Chronicle::begin(FIRST).await;
    if let Some(became) = became {
        chronicle.converges(RECURRING).await;
        chronicle.becomes(became);
    }
    let output = chronicle.strike(RECURRING, &fault).await.unwrap();
    let failed = output.code != Some(0);
    if failed {
        assert!(!fault.starts_with("full-from") || !output.err.is_empty(), "{fault}: {output:#?}");
        complains(output, SAID);
    } else {
        output.object();
    }
    chronicle.becomes(next);
    chronicle.converges(RECURRING).await;
    failed
}

/// How often the command failed before it succeeded for the first time.
async fn until_it_succeeds<S>(first: u64, strike: impl Fn(u64) -> S) -> usize
where
    S: Future<Output = bool>,
{
    let struck = stream::iter(first..).map(strike).buffered(AT_ONCE);
    struck.take_while(|failed| std::future::ready(*failed)).count().await
}

#[tokio::test(flavor = "multi_thread")]
async fn from_any_commit_on() {
    for became in [None, Some(LATER)] {
        let points = until_it_succeeds(1, |number| {
            let next = if number % 2 == 0 { LATER } else { LAST };
            strike(format!("full-from:{number}"), became.clone(), next)
        });
        let points = points.await;
        assert!(points > 15, "{points}");
        eprintln!("disk full from any of {points} commits on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_one_commit_only() {
    // Not every commit matters: a line of the journal may be lost.
    let struck = stream::iter(1..30);
    let struck = struck.map(|number| strike(format!("full-once:{number}"), Some(LATER), LAST));
    let failed = struck.buffered(AT_ONCE).filter(|failed| std::future::ready(*failed)).count().await;
    assert!(failed > 10, "{failed}");
    eprintln!("disk full at one commit: {failed} of 29 runs failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_any_page_the_file_would_grow_by() {
    for became in [None, Some(GROWN)] {
        let points =
            until_it_succeeds(0, |number| strike(format!("full-after-pages:{number}"), became.clone(), LAST));
        let points = points.await;
        assert!(points > 10, "{points}");
        eprintln!("disk full at any of {points} pages");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_once_and_where_they_look() {
    let mut chronicle = Chronicle::begin(FIRST).await;
    for fault in ["full-from:2", "full-from:20"] {
        let output = chronicle.strike(&["sync", NAME], fault).await.unwrap();
        output.exits(1).complains(SAID);
    }
    chronicle.converges(RECURRING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steering_that_could_not_be_recorded_is_no_success() {
    let mut chronicle = Chronicle::begin(FIRST).await;
    chronicle.converges(RECURRING).await;
    for (verb, then) in [("pause", "paused"), ("resume", "queued"), ("stop", "stopped")] {
        let before = chronicle.world.run(&["status", "--json"]).await.exits(0).object();
        let mut failures = 0;
        loop {
            let fault = format!("full-from:{}", failures + 1);
            let output = chronicle.strike(&[verb, NAME], &fault).await.unwrap();
            let standing = chronicle.world.run(&["status", "--json"]).await.exits(0).object();
            if output.code == Some(0) {
                assert_eq!(standing["status"], then, "{verb}");
                break;
            }
            assert_eq!(output.out, "", "{verb}, {fault}");
            complains(output, SAID);
            assert_eq!(standing, before, "{verb}, {fault}");
            failures += 1;
        }
        assert!(failures > 1, "{verb} failed {failures} times");
    }
}

/// Runs a command with a file system of so many KiB in place of the state directory, then gives it room and
/// keeps what is there.
const ON_A_SMALL_DISK: &str = r#"
size="$1" state="$2" kept="$3"; shift 3
mount -t tmpfs -o size="$size"k none "$state" || exit 99
"$@"; code=$?
mount -o remount,size=64m "$state" && cp -a "$state"/. "$kept" || exit 98
exit $code
"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_disk_of_any_size() {
    const OWN_MOUNTS: &[&str] = &["--user", "--map-root-user", "--mount", "sh", "-c"];
    let allowed = Command::new("unshare").args(OWN_MOUNTS).arg("mount -t tmpfs none /mnt").output().await;
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system lets nobody mount a small disk");
        return;
    }
    let mut failures = 0;
    loop {
        let mut chronicle = Chronicle::begin(FIRST).await;
        let (state, kept) = (chronicle.world.state(), chronicle.world.path("kept"));
        for directory in [&state, &kept] {
            std::fs::create_dir(directory).unwrap();
        }
        let mut command = Command::new("unshare");
        command.args(OWN_MOUNTS).args([ON_A_SMALL_DISK, "sh"]);
        command.arg((8 + 16 * failures).to_string()).args([&state, &kept]);
        let output = chronicle.strike_within(command, RECURRING).await;
        std::fs::remove_dir(&state).unwrap();
        std::fs::rename(&kept, &state).unwrap();
        chronicle.becomes(LATER);
        let failed = output.code != Some(0);
        if failed {
            complains(output, SAID);
        }
        chronicle.converges(RECURRING).await;
        if !failed {
            break;
        }
        failures += 1;
    }
    assert!(failures > 10, "{failures}");
    eprintln!("a real disk was full {failures} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_the_size_of_files_is_no_full_disk_but_said_as_well() {
    let mut failures = 0;
    loop {
        let mut chronicle = Chronicle::begin(FIRST).await;
        // Ignored, the signal leaves the write to fail, as a quota does. The blocks have 512 bytes, and SQLite's
        // shared memory needs the first 64.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 80 + 32 * failures);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]);
        let output = chronicle.strike_within(command, RECURRING).await;
        chronicle.becomes(LATER);
        let failed = output.code != Some(0);
        if failed {
            complains(output, &["cannot be read or written", "quota", "nothing that was accepted is lost"]);
        }
        chronicle.converges(RECURRING).await;
        if !failed {
            break;
        }
        failures += 1;
    }
    assert!(failures > 5, "{failures}");
    eprintln!("a quota was used up {failures} times");
}
