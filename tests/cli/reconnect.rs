//! `reconnect` for each side and each way into mParticle: tried, kept where the old one was, and what was paused goes
//! on; a wrong one changes nothing.

use crate::world::*;
use cohort_sync::sandbox::{self, SECRET};
use cohort_sync::store::Store;

const FRESH: &str = "pl4nted-fresh-s3cret";

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_mixpanel_secret_is_tried_kept_and_lets_the_sync_go_on() {
    let world = World::with(people(0, 5)).await;
    world.run(&["sync", NAME, "--recurring"]).await.exits(0);
    world.control.set_secret(FRESH);
    world.run(&["sync", NAME]).await.exits(3);
    let before = world.text("config.toml");

    let wrong = world.run_with(&["reconnect", "mixpanel"], "mistyped-s3cret").await.exits(3);
    let wrong = wrong.complains(&["Mixpanel", "refuses the credentials", "nothing was changed"]);
    assert!(!format!("{wrong:?}").contains("mistyped"), "{wrong:?}");
    world.run_with(&["reconnect", "mixpanel"], " \n").await.exits(2).complains(&["empty"]);
    assert_eq!(world.text("config.toml"), before);

    let output = world.run_with(&["reconnect", "mixpanel"], &format!("{FRESH}\n")).await.exits(0);
    assert!(!format!("{output:?}").contains(FRESH), "{output:?}");
    for said in [
        "Mixpanel took the new secret; the sync that was paused goes on.",
        "kept where the old one was",
        "config.toml:5",
    ] {
        assert!(output.out.contains(said), "no {said:?} in {output:?}");
    }
    assert_eq!(world.text("config.toml"), before.replace(SECRET, FRESH));
    let status = world.run(&["status", NAME, "--json"]).await.exits(0).object();
    assert_eq!(status["status"], "queued", "{status}");
    world.run(&["sync", NAME]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_named() {
    let world = World::with(people(0, 5)).await;
    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    world.configure(&world.config("{ env = \"THEIR_SECRET\" }", &webhook, ""));
    let mut command = world.command(&["reconnect", "mixpanel", "--json"]);
    command.env("THEIR_SECRET", "old").stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, SECRET.as_bytes()).await.unwrap();
    drop(input);
    let object = finish(child).await.exits(0).object();
    assert!(object["kept_at"].is_null(), "{object}");
    assert!(object["not_kept"].as_str().unwrap().contains("THEIR_SECRET"), "{object}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_into_mparticle_is_renewed() {
    let world = World::with(people(0, 5)).await;
    let file = world.private_file("webhook", &world.sandbox.webhook_url());
    let secret = format!("\"{SECRET}\"");
    for way in ["feed", "feed-members"] {
        world.configure(&world.config(&secret, "{ file = \"webhook\" }", &format!("delivery = \"{way}\"\n")));
        world.control.set_feed_token_valid(false);
        world.run(&["sync", NAME, "--full"]).await.exits(3);
        world.control.set_feed_token_valid(true);
        world
            .run_with(&["reconnect", "mparticle"], "ftp://nonsense/x")
            .await
            .exits(2)
            .complains(&["is not a URL"]);
        let url = world.sandbox.webhook_url();
        let output = world.run_with(&["reconnect", "mparticle"], &url).await.exits(0);
        assert!(
            output.out.contains("the next request shows") && output.out.contains("goes on"),
            "{output:?}"
        );
        assert!(!format!("{output:?}").contains(sandbox::FEED_TOKEN), "{output:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{url}\n"));
        world.run(&["sync", NAME]).await.exits(0);
    }

    let events = format!(
        "delivery = \"events-api\"\n[mparticle.events_api]\nkey = \"other\"\nsecret = \"old-events-s3cret\"\nbase_url = \"{}\"\n",
        world.sandbox.mixpanel_base_url(),
    );
    world.configure(&world.config(&secret, "{ file = \"webhook\" }", &events));
    world.run(&["sync", NAME, "--full"]).await.exits(3);
    let words = ["reconnect", "mparticle", "--account", sandbox::EVENTS_KEY];
    world.run_with(&words, sandbox::EVENTS_SECRET).await.exits(0);
    let text = world.text("config.toml");
    assert!(text.contains(&format!("key = \"{}\"", sandbox::EVENTS_KEY)), "{text}");
    assert!(text.contains(&format!("secret = \"{}\"", sandbox::EVENTS_SECRET)), "{text}");
    world.run(&["sync", NAME]).await.exits(0);
    world.run_with(&["reconnect", "profile-api"], "x").await.exits(2).complains(&["mparticle.profile_api"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_a_secret_that_cannot_be_tried_now() {
    let world = World::with(people(0, 5)).await;
    let holder = Store::open(&world.state(), "`cohort-sync run` (process 7)").unwrap();
    let output = world.run_with(&["reconnect", "mixpanel"], "never-read").await.exits(3);
    output.complains(&[
        "`cohort-sync run` (process 7) is at work with the old credential",
        "press c there",
        "start it anew",
    ]);
    drop(holder);
}
