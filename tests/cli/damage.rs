//! A state directory that cannot be used, and a state file that is damaged: the error names what and what to
//! do, nothing wrong is sent, the file is kept for whoever can still save something from it, and putting a
//! backup in its place helps.

use crate::chronicle::Chronicle;
use crate::world::{NAME, Output, World, keys, people};
use cohort_sync::store::DATABASE_FILE;
use std::ops::Range;
use std::path::Path;

const RECURRING: &[&str] = &["sync", NAME, "--recurring", "--yes", "--json"];
const CHANGING: &[&[&str]] = &[RECURRING, &["run"], &["pause", NAME], &["stop", NAME]];
const READING: &[&[&str]] =
    &[&["status"], &["runs"], &["changes", "1"], &["counts", NAME], &["unmatched", NAME]];

/// What is said of damage: what it is and what to do.
const SAID: &[&str] = &["the state file is damaged", "Do not delete it", "cohort-sync doctor"];

const FIRST: Range<i64> = 0..5_000;
const LATER: Range<i64> = 1_000..6_000;

/// SQLite's own, and nobody sets another.
const PAGE: usize = 4096;

async fn at(world: &World, state: &Path, words: &[&str]) -> Output {
    let mut command = world.bare(words);
    command.arg("--config").arg(world.path("config.toml")).arg("--state-dir").arg(state);
    crate::world::finish(command.spawn().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_used_is_named_with_the_remedy() {
    let world = World::with(people(0, 5)).await;
    let file = world.path("a-file");
    std::fs::write(&file, "somebody's notes").unwrap();
    let inside = file.join("state");
    let mut places = vec![file.as_path(), &inside];
    // Not even root can make a directory there.
    if cfg!(target_os = "linux") {
        places.push(Path::new("/proc/cohort-sync"));
    }
    for place in places {
        let name = place.display().to_string();
        for words in CHANGING.iter().chain([&["cohorts"].as_slice()]) {
            let output = at(&world, place, words).await.exits(2).complains(&[&name, "--state-dir"]);
            assert_eq!(output.out, "", "{words:?}");
        }
        for words in READING.iter().filter(|_| place.starts_with(&file)) {
            let output = at(&world, place, words).await.exits(2);
            output.complains(&[&name, "owner and permissions", "--state-dir"]);
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "somebody's notes");
    assert_eq!(world.control.feed_requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_any_more_is_kept_byte_for_byte() {
    let world = World::with(people(0, 300)).await;
    world.run(RECURRING).await.exits(0);
    let path = world.state().join(DATABASE_FILE);
    let whole = std::fs::read(&path).unwrap();
    let sent = world.control.feed_requests().len();
    let mut beheaded = whole.clone();
    beheaded[..200].copy_from_slice(&noise(200, 7));
    for (what, damaged) in [
        ("garbage over the header", beheaded),
        ("cut in the middle", whole[..whole.len() / 2].to_vec()),
        ("cut within a page", whole[..whole.len() / 2 + 1_000].to_vec()),
        ("cut within the header", whole[..60].to_vec()),
        ("another file altogether", b"[mixpanel]\nregion = \"eu\"\n".repeat(40)),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        for words in CHANGING.iter().chain(READING) {
            let output = world.run(words).await.exits(1).complains(SAID);
            assert_eq!(output.out, "", "{what}, {words:?}");
            assert!(std::fs::read(&path).unwrap() == damaged, "{what}, {words:?}: the file was changed");
        }
        assert_eq!(world.control.feed_requests().len(), sent, "{what}");
    }
    std::fs::write(&path, &whole).unwrap();
    world.run(RECURRING).await.exits(0);
    assert_eq!(world.control.feed_requests().len(), sent, "everything was known again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_a_new_one() {
    let world = World::with(people(0, 300)).await;
    std::fs::create_dir(world.state()).unwrap();
    std::fs::write(world.state().join(DATABASE_FILE), "").unwrap();
    assert_eq!(world.run(&["runs", "--json"]).await.exits(0).out, "");
    world.run(RECURRING).await.exits(0);
    assert_eq!(world.delivered(NAME), keys(0, 300));
}

/// Numbers that look random.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A page of the database.
#[derive(Debug)]
struct Page {
    /// The table or index it belongs to.
    owner: String,
    number: usize,
    /// Whether nothing but packed content stands in it.
    is_packed: bool,
}

/// The pages of the database, found by SQLite itself.
fn pages(database: &Path) -> Vec<Page> {
    let connection = rusqlite::Connection::open(database).unwrap();
    // Everything must stand in the file itself.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let select = "SELECT name, pageno - 1, pagetype = 'overflow' AND unused = 0 FROM dbstat";
    let mut statement = connection.prepare(select).unwrap();
    let pages = statement.query_map([], |row| {
        Ok(Page { owner: row.get(0)?, number: row.get::<_, u32>(1)? as usize, is_packed: row.get(2)? })
    });
    pages.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Damages a page: noise all over it, or one bit in the middle, where SQLite itself sees nothing.
fn damage(whole: &[u8], page: usize, one_bit: bool) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    let place = &mut damaged[page * PAGE..(page + 1) * PAGE];
    if one_bit {
        place[PAGE / 2 + page] ^= 1;
    } else {
        place.copy_from_slice(&noise(PAGE, page as u64));
    }
    damaged
}

/// Where a run failed of damage, it says so in its object or on stderr.
fn says_damaged(output: Output) {
    let said: String = output.objects().iter().filter_map(|run| run["error"].as_str()).collect();
    Output { err: output.err.clone() + &said, ..output }.exits(1).complains(SAID);
}

/// Puts a damaged copy of the database in its place, without anything of an earlier one.
fn put(world: &World, database: &[u8]) {
    let path = world.state().join(DATABASE_FILE);
    for beside in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.state().join(format!("{DATABASE_FILE}{beside}")));
    }
    std::fs::write(path, database).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_within_the_baseline_is_noticed_before_anything_is_sent() {
    let mut chronicle = Chronicle::begin(FIRST).await;
    chronicle.converges(RECURRING).await;
    let path = chronicle.world.state().join(DATABASE_FILE);
    let pages = pages(&path);
    let whole = std::fs::read(&path).unwrap();
    let sent = chronicle.world.control.feed_requests().len();
    let noisy = pages.iter().filter(|page| page.owner.starts_with("baseline"));
    let packed = pages.iter().filter(|page| page.owner == "baseline" && page.is_packed);
    assert!(packed.clone().count() > 5, "{pages:?}");
    for (page, one_bit) in noisy.map(|page| (page, false)).chain(packed.map(|page| (page, true))) {
        let damaged = damage(&whole, page.number, one_bit);
        put(&chronicle.world, &damaged);
        let output = chronicle.world.run(RECURRING).await;
        says_damaged(output);
        assert_eq!(chronicle.world.control.feed_requests().len(), sent, "{page:?}");
        // The failed run is on record, so the file has changed, but what was damaged is left as it is.
        let place = page.number * PAGE..(page.number + 1) * PAGE;
        assert!(std::fs::read(&path).unwrap()[place.clone()] == damaged[place], "{page:?} was written");
    }
    put(&chronicle.world, &whole);
    chronicle.converges(RECURRING).await;
    assert_eq!(chronicle.world.control.feed_requests().len(), sent, "everything was known again");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_rest_of_a_run_that_was_cut_off_tells_nobody_what_is_not_so() {
    let mut chronicle = Chronicle::begin(FIRST).await;
    chronicle.converges(RECURRING).await;
    chronicle.becomes(LATER);
    assert!(chronicle.strike(RECURRING, "kill-before:40").await.is_none());
    let path = chronicle.world.state().join(DATABASE_FILE);
    let pages = pages(&path);
    let whole = std::fs::read(&path).unwrap();
    let noisy = pages.iter().filter(|page| !page.owner.starts_with("baseline"));
    let packed = pages.iter().filter(|page| page.owner == "outbox_changes" && page.is_packed);
    let damages = noisy.map(|page| (page, false)).chain(packed.map(|page| (page, true)));
    let (mut noticed, mut went_well) = (0, 0);
    for (page, one_bit) in damages.step_by(3) {
        put(&chronicle.world, &damage(&whole, page.number, one_bit));
        let output = chronicle.world.run(RECURRING).await;
        assert_eq!(chronicle.strangers(), 0, "{page:?}: {output:?}");
        if output.code == Some(0) {
            assert!(chronicle.is_delivered(), "{page:?}: {output:?}");
            went_well += 1;
        } else {
            says_damaged(output);
            noticed += 1;
        }
    }
    // Both happen; how often depends on how much of the file a run reads.
    assert!(noticed > 5 && went_well > 0, "{noticed} noticed, {went_well} went well");
    put(&chronicle.world, &whole);
    chronicle.world.run(RECURRING).await.exits(0);
    assert!(chronicle.is_delivered());
}
