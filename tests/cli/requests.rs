//! The flight recorder: requests are found by what they were about, shown to the letter, and sent again to a sandbox on
//! this computer and nowhere else.

use crate::contract::{has_exactly, in_order};
use crate::world::{NAME, Output, World, mpid, people};
use cohort_sync::sandbox::{self, Effect, Fault, Sandbox, SandboxOptions};
use serde_json::Value;

const FIELDS: &[&str] = &[
    "request_id",
    "at",
    "side",
    "run_id",
    "cohort_id",
    "cohort",
    "what",
    "users",
    "bytes",
    "status",
    "elapsed_ms",
    "attempt",
    "body",
    "body_is",
    "answer",
];

/// One user in each of two requests refused, the others taken.
async fn world() -> World {
    let world = World::with(people(0, 150)).await;
    let refusal = Effect::Status {
        code: 400,
        body: format!(
            "{{\"errors\":[{{\"code\":\"BAD\",\"message\":\"no: {}\"}}]}}",
            world.sandbox.webhook_url()
        ),
        headers: vec![],
    };
    world.control.push_fault(Fault::mparticle(refusal).times(1));
    world.run(&["sync", NAME, "--json"]).await;
    world
}

fn ids(output: &Output) -> Vec<u64> {
    output.objects().iter().map(|object| object["request_id"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_newest_first_and_by_what_they_were_about() {
    let world = world().await;
    let all = world.run(&["requests", "--json"]).await.exits(0);
    let objects = all.objects();
    assert!(ids(&all).is_sorted_by(|a, b| a > b) && objects.len() >= 4, "{all:#?}");
    assert!(all.err.contains(&format!("{} of the {} that are kept since", objects.len(), objects.len())));
    let count = async |words: &[&str]| {
        let words: Vec<&str> = ["requests", "--json"].iter().chain(words).copied().collect();
        world.run(&words).await.exits(0).objects()
    };
    let of = |side: &str| objects.iter().filter(|object| object["side"] == side).count();
    assert_eq!(count(&["--side", "mixpanel"]).await.len(), of("mixpanel"));
    assert_eq!(count(&["--side", "mparticle"]).await.len(), of("mparticle"));
    let refused = count(&["--status", "failed"]).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((&refused[0]["status"], &refused[0]["cohort"]), (&Value::from(400), &Value::from(NAME)));
    assert_eq!(count(&["--status", "4xx"]).await, refused);
    assert_eq!(count(&["--status", "none"]).await.len(), 0);
    // The list of cohorts was asked for by nobody's run.
    let of_run = objects.iter().filter(|object| object["run_id"] == 1).count();
    assert_eq!(count(&["--run", "1", "--cohort", NAME]).await.len(), of_run);
    assert_eq!(of_run, objects.len() - 1);
    assert_eq!(count(&["--run", "2"]).await.len(), 0);
    assert_eq!(count(&["--until", "1 day ago"]).await.len(), 0);
    // Whoever was in the refused request was sent again in a smaller one.
    let first = mpid(0).to_string();
    let of_user = count(&["--user", &first]).await;
    assert!((1..=8).contains(&of_user.len()), "{of_user:?}");
    assert!(of_user.iter().all(|object| object["side"] == "mparticle"));
    let table = world.run(&["requests"]).await.exits(0);
    assert!(table.out.lines().next().unwrap().contains("Asked") && !table.out.contains(sandbox::FEED_TOKEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_shown_to_the_letter_and_without_credentials() {
    let world = world().await;
    let listed = world.run(&["requests", "--side", "mparticle", "--json"]).await.exits(0);
    let sent = world.control.feed_requests();
    assert_eq!(sent.len(), ids(&listed).len());
    let mut bodies: Vec<String> = sent
        .iter()
        .map(|request| String::from_utf8(request.body.as_ref().unwrap().to_vec()).unwrap())
        .collect();
    bodies.sort();
    let mut shown = Vec::new();
    for id in ids(&listed) {
        let output = world.run(&["requests", &id.to_string(), "--json"]).await.exits(0);
        in_order(output.out.trim(), FIELDS);
        let object = output.object();
        has_exactly(&object, FIELDS);
        assert_eq!(object["body_is"], "to the letter");
        shown.push(object["body"].as_str().unwrap().to_owned());
        let text = world.run(&["requests", &id.to_string()]).await.exits(0);
        assert!(
            text.out.contains("\n    \"mpid\": ") && text.out.contains("Body, to the letter"),
            "{text:#?}"
        );
        assert!(!text.out.contains(sandbox::FEED_TOKEN), "{text:#?}");
    }
    shown.sort();
    assert_eq!(shown, bodies, "each as the feed received it");

    let mixpanel = world.run(&["requests", "--side", "mixpanel", "--json"]).await.exits(0);
    let id = ids(&mixpanel)[0].to_string();
    let output = world.run(&["requests", &id]).await.exits(0);
    assert!(output.out.contains("engage page 0") && output.out.contains("not kept"), "{output:#?}");
    let refused = world.run(&["requests", &id, "--resend-to-sandbox"]).await.exits(2);
    refused.complains(&["went to Mixpanel"]);
    world.run(&["requests", "99999"]).await.exits(2).complains(&["holds no request 99999"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_body_goes_to_a_sandbox_and_its_answer_is_printed() {
    let world = world().await;
    let refused = world.run(&["requests", "--status", "400", "--json"]).await.exits(0);
    let id = ids(&refused)[0].to_string();
    let original =
        world.control.feed_requests().into_iter().find(|request| request.status == Some(400)).unwrap();
    let other = Sandbox::start(SandboxOptions::quiet()).await.unwrap();
    let url = other.webhook_url();
    let output = world.run(&["requests", &id, "--resend-to-sandbox", &url, "--json"]).await.exits(0);
    assert_eq!(output.object()["status"], 202, "{output:#?}");
    let received = other.control().feed_requests();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, original.body);
    let before = world.control.feed_requests().len();
    let output = world.run(&["requests", &id, "--resend-to-sandbox", &url]).await.exits(0);
    assert!(output.out.contains(&format!("of request {id} sent to http://127.0.0.1:")), "{output:#?}");
    assert!(!output.out.contains(sandbox::FEED_TOKEN), "{output:#?}");
    assert_eq!(world.control.feed_requests().len(), before, "nothing goes to the feed of the configuration");
    for outside in [
        "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-x",
        "http://10.0.0.1:8080/",
        "http://example.com/",
    ] {
        let output = world.run(&["requests", &id, "--resend-to-sandbox", outside]).await.exits(2);
        output.complains(&["only an address of this computer"]);
    }
    drop(other);
    let gone = world.run(&["requests", &id, "--resend-to-sandbox", "http://127.0.0.1:1/x"]).await.exits(1);
    gone.complains(&["to have a sandbox listen there: cohort-sync sandbox"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rebuilt_to_the_letter_is_said_and_not_sent() {
    let world = world().await;
    let listed = world.run(&["requests", "--side", "mparticle", "--json"]).await.exits(0);
    let id = ids(&listed)[0].to_string();
    let secret = format!("\"{}\"", sandbox::SECRET);
    let webhook = format!("\"{}\"", world.sandbox.webhook_url());
    world.configure(&world.config(&secret, &webhook, "environment = \"development\"\n"));
    let output = world.run(&["requests", &id]).await.exits(0);
    assert!(output.out.contains("NOT as it was sent"), "{output:#?}");
    let url = world.sandbox.webhook_url();
    let refused = world.run(&["requests", &id, "--resend-to-sandbox", &url]).await.exits(3);
    refused.complains(&["not sent again", "not known to the letter"]);
    std::fs::remove_file(world.path("config.toml")).unwrap();
    let output = world.run(&["requests", &id]).await.exits(0);
    assert!(output.out.contains("Body, as changes\n+ "), "{output:#?}");
    assert!(output.err.contains("shown as changes"), "{output:#?}");
}
