//! The three ways into mParticle, and the probe that tells which of them a feed takes.

use crate::world::*;
use cohort_sync::sandbox::{self, Effect, Fault, PersonSeed};
use serde_json::json;

/// A world whose configuration goes another way.
async fn going(way: &str, members: Vec<PersonSeed>) -> World {
    let world = World::with(members).await;
    let secret = format!("\"{}\"", sandbox::SECRET);
    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    world.configure(&world.config(&secret, &webhook, &section(&world, way, sandbox::EVENTS_SECRET)));
    world
}

fn section(world: &World, way: &str, secret: &str) -> String {
    format!(
        "delivery = \"{way}\"\n[mparticle.events_api]\nkey = \"{}\"\nsecret = \"{secret}\"\nbase_url = \"{}\"\n",
        sandbox::EVENTS_KEY,
        world.sandbox.mixpanel_base_url(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_delivers_exactly_the_members() {
    for (way, requests) in [("feed", 25), ("feed-members", 3), ("events-api", 25)] {
        let world = going(way, people(0, 2_500)).await;
        let run = world.run(&["sync", NAME, "--recurring", "--json"]).await.exits(0).object();
        assert_eq!(run["counts"]["requests"], requests, "{way}");
        assert_eq!(world.delivered(NAME), keys(0, 2_500), "{way}");
        world.control.set_members(ID, people(100, 2_500));
        let run = world.run(&["sync", NAME, "--recurring", "--json"]).await.exits(0).object();
        assert_eq!((&run["counts"]["adds"], &run["counts"]["removes"]), (&json!(100), &json!(100)), "{way}");
        assert_eq!(world.delivered(NAME), keys(100, 2_500), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_members_that_fails_is_split_until_the_offender_stands_alone() {
    let world = going("feed-members", people(0, 1_200)).await;
    let refused = mpid(7).to_string();
    world.control.push_fault(Fault::mparticle(Effect::BadRequestIfContains { identity: refused }).forever());
    let run = world.run(&["sync", NAME, "--json"]).await.exits(0).object();
    assert_eq!((&run["counts"]["accepted"], &run["counts"]["rejected"]), (&json!(1_199), &json!(1)));
    let stop = world.run(&["stop", NAME, "--clean-up", "delete", "--yes"]).await.exits(3);
    stop.complains(&["cannot be deleted", "feed-members", "false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_says_where_it_stands() {
    let world = World::with(people(0, 5)).await;
    let (secret, webhook) =
        (format!("\"{}\"", sandbox::SECRET), format!("\"{}\"", world.sandbox.webhook_url()));
    world.configure(&world.config(&secret, &webhook, &section(&world, "events-api", "planted-wrong-secret")));
    let output = world.run(&["sync", NAME]).await.exits(3);
    for word in ["key and secret", "mparticle.events_api", "pod"] {
        assert!(output.out.contains(word), "{output:?}");
    }
    assert!(!output.out.contains("planted-wrong-secret"));
    // And what is missing is asked for only by the way that needs it.
    world.configure(&world.config(&secret, &webhook, "delivery = \"events-api\"\n"));
    let output = world.run(&["cohorts"]).await.exits(2);
    output.complains(&["events_api", "key", "secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_one_user_and_shows_everything() {
    for way in ["feed", "feed-members", "events-api"] {
        let world = going("feed", people(0, 3)).await;
        let user = mpid(1).to_string();
        let dry = world.run(&["probe", &user, "--dry-run", "--delivery", way]).await.exits(0);
        assert!(dry.out.contains("nothing was sent") && world.control.feed_requests().is_empty(), "{dry:?}");
        let output = world.run(&["probe", &user, "--delivery", way, "--attribute", "Seen"]).await.exits(0);
        for word in [way, "POST http://127.0.0.1", &user, "\"Seen\"", "ms", "content-length", "Live Stream"] {
            assert!(output.out.contains(word), "no {word:?} in {}", output.out);
        }
        for secret in [sandbox::FEED_TOKEN, sandbox::EVENTS_SECRET] {
            assert!(!output.out.contains(secret), "{}", output.out);
        }
        assert_eq!(world.delivered("Seen"), keys(1, 1), "{way}");
        let object =
            world.run(&["probe", &user, "--leaves", "--attribute", "Seen", "--json"]).await.exits(0).object();
        assert_eq!((&object["verdict"], &object["delivery"]), (&json!("accepted"), &json!("feed")));
        assert!(world.delivered("Seen").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_says_why() {
    let world = going("feed", people(0, 3)).await;
    world.control.push_fault(Fault::mparticle(Effect::Html { code: 502 }));
    let failed = world.run(&["probe", "ana@example.com"]).await.exits(1);
    assert!(failed.out.contains("HTTP 502") && failed.out.contains("Not now"), "{failed:?}");
    world.control.set_feed_token_valid(false);
    let refused = world.run(&["probe", "12", "--distinct-id"]).await.exits(3);
    assert!(refused.out.contains("customer_id") && refused.out.contains("webhook_url anew"), "{refused:?}");
    world.run(&["probe", "12", "--read-only"]).await.exits(3).complains(&["--read-only"]);
    world.run(&["probe", "12", "--delivery", "pigeon"]).await.exits(2).complains(&["events-api"]);
}
