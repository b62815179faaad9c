//! Giving room back to the disk: what is kept stays, what was forgotten goes, and whoever stands in the way is named.

use crate::world::{ID, NAME, World, people};
use std::fs;
use std::path::Path;

/// How large the state file is.
fn size(world: &World) -> u64 {
    fs::metadata(world.state().join(cohort_sync::store::DATABASE_FILE)).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_is_given_back_and_what_is_kept_stays() {
    let world = World::with(people(0, 20)).await;
    // Many who lack an id are remarked upon; the next read forgets them.
    let strangers = |count: usize| {
        let stranger = |n| cohort_sync::sandbox::PersonSeed::unmatched(format!("somebody-{n}@example.com"));
        (0..count).map(stranger).collect::<Vec<_>>()
    };
    world.control.set_members(ID, strangers(20_000));
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    world.control.set_members(ID, strangers(20_000).into_iter().chain(people(0, 20)).collect());
    for _ in 0..3 {
        world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    }
    let before = size(&world);
    let output = world.run(&["vacuum"]).await.exits(0);
    assert!(output.out.starts_with("the state file takes "), "{output:?}");
    assert!(size(&world) < before, "{} of {before} bytes", size(&world));
    let object = world.run(&["vacuum", "--json"]).await.exits(0).object();
    assert_eq!(object["bytes_after"], size(&world));
    let run = world.run(&["sync", NAME, "--recurring", "--json"]).await.exits(0).object();
    assert_eq!(run["counts"]["unchanged"], 20_020, "the baseline is what it was");
    let unmatched = world.run(&["unmatched", NAME, "--json"]).await.exits(0);
    assert_eq!(unmatched.objects().len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_in_the_way_is_named_and_nothing_is_made_where_there_was_nothing() {
    let world = World::with(people(0, 5)).await;
    world.run(&["vacuum"]).await.exits(2).complains(&["there is no state in"]);
    assert!(!world.state().exists() || !Path::new(&world.state()).join("cohort-sync.db").exists());
    world.export().await;
    world.run(&["vacuum", "--read-only"]).await.exits(3).complains(&["--read-only"]);
    let _store = cohort_sync::store::Store::open(&world.state(), "somebody else").unwrap();
    world.run(&["vacuum"]).await.exits(3).complains(&["in use by somebody else"]);
}
