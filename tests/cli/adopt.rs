//! Taking people over whom another integration, or a state that was lost, has told.

use crate::world::{ID, NAME, World, keys, mpid, people};
use std::fmt::Write as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_is_made_anew_without_losing_removals() {
    let world = World::with(people(0, 150)).await;
    world.export().await;
    // The state is gone, and meanwhile ten left and five joined.
    std::fs::remove_dir_all(world.state()).unwrap();
    world.control.set_members(ID, people(10, 145));
    let mut file = String::from("\"mpid\",\"email\"\n");
    for n in 0..150 {
        writeln!(file, "\"{}\",\"somebody@example.com\"", mpid(n)).unwrap();
    }
    let path = world.path("audience.csv");
    std::fs::write(&path, file).unwrap();
    let path = path.to_str().unwrap();
    let output = world.run(&["adopt", NAME, path]).await.exits(0);
    assert!(output.out.contains("150 ids were read; 150 users are now taken to hold"), "{output:?}");
    let run = world.run(&["sync", NAME, "--recurring", "--json"]).await.exits(0).object();
    assert_eq!((&run["counts"]["removes"], &run["counts"]["adds"]), (&10.into(), &5.into()));
    assert_eq!(run["counts"]["unchanged"], 140);
    assert_eq!(world.delivered(NAME), keys(10, 145));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_fit_changes_nothing() {
    let world = World::with(people(0, 5)).await;
    let path = world.path("ids.txt");
    let given = path.to_str().unwrap();
    world.run(&["adopt", NAME, given]).await.exits(2).complains(&["ids.txt cannot be read"]);
    std::fs::write(&path, "mpid\n7\nanna@example.com\n").unwrap();
    let output = world.run(&["adopt", NAME, given]).await.exits(2);
    output.complains(&["line 3", "\"anna@example.com\"", "--as distinct-id", "nothing was done"]);
    std::fs::write(&path, "\n\n").unwrap();
    world.run(&["adopt", NAME, given]).await.exits(2).complains(&["there is no id in"]);
    std::fs::write(&path, "anna@example.com\n").unwrap();
    world.run(&["adopt", "Nobody", given, "--as", "distinct-id"]).await.exits(2);
    world.run(&["adopt", NAME, given, "--as", "distinct-id", "--read-only"]).await.exits(3);
    let run = world.run(&["sync", NAME, "--json"]).await.exits(0).object();
    assert_eq!(run["counts"]["removes"], 0, "nobody was taken over");
    world.run(&["adopt", NAME, given, "--as", "distinct-id"]).await.exits(0);
    let run = world.run(&["sync", NAME, "--json"]).await.exits(0).object();
    assert_eq!(run["counts"]["removes"], 1);
    let elsewhere = world.run(&["adopt", NAME, given, "--as", "distinct-id", "--attribute", "vip"]).await;
    elsewhere.exits(3).complains(&["this sync sets \"Power users\"", "--attribute"]);
}
