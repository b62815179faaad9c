//! The feed's side of the sandbox: what it applies, refuses and drops.

use super::*;

#[tokio::test]
async fn the_feed_applies_what_it_accepts() {
    let fixture = Fixture::quiet().await;
    let response = fixture.feed(&json!([batch(i64::MIN, true), batch(7, true)])).await.unwrap();
    assert_eq!(response.status(), 202);
    assert!(response.bytes().await.unwrap().is_empty());
    let single = json!({"environment": "development", "user_identities": {"customer_id": "ann"},
                        "user_attributes": {"Power users": true}});
    assert_eq!(fixture.feed(&single).await.unwrap().status(), 202);
    assert_eq!(fixture.feed(&json!([batch(7, false)])).await.unwrap().status(), 202);
    let ann = ProfileKey::Identity { kind: "customer_id".into(), value: "ann".into() };
    assert_eq!(fixture.holders("Power users"), [ProfileKey::Mpid(i64::MIN), ProfileKey::Mpid(7), ann]);
    let history = fixture.control.attribute_history(&ProfileKey::Mpid(7), "Power users");
    assert_eq!(history, [Some(true), Some(false)]);
    let requests = fixture.control.feed_requests();
    assert_eq!(requests.iter().map(|request| request.batches).collect::<Vec<_>>(), [2, 1, 1]);
    assert!(requests.iter().all(|request| request.applied && request.body.is_some()));
}

#[tokio::test]
async fn unknown_users_and_repeats_are_accepted_without_effect() {
    let fixture = Fixture::quiet().await;
    fixture.control.know_everyone(false);
    fixture.control.add_profile(ProfileKey::Mpid(1));
    let mut first = batch(1, true);
    first["source_request_id"] = json!("run-1-0");
    let mut repeat = batch(1, false);
    repeat["source_request_id"] = json!("run-1-0");
    assert_eq!(fixture.feed(&json!([first, batch(2, true)])).await.unwrap().status(), 202);
    assert_eq!(fixture.feed(&json!([repeat])).await.unwrap().status(), 202);
    assert_eq!(fixture.control.profiles_with("Power users"), [(ProfileKey::Mpid(1), json!(true))]);
    let requests = fixture.control.feed_requests();
    assert_eq!((requests[0].updated, requests[0].unknown, requests[1].repeated), (1, 1, 1));
    assert_eq!(fixture.control.repeated_batches(), 1);
}

#[tokio::test]
async fn some_invalid_batches_do_not_hold_up_the_others() {
    let fixture = Fixture::quiet().await;
    let wrong = json!({"environment": "production", "mpid": "12", "user_attributes": {"Power users": true}});
    let sent = json!([batch(1, true), wrong, batch(3, true)]);
    let response = fixture.feed(&sent).await.unwrap();
    assert_eq!(response.status(), 202);
    let position = sent.to_string().find("\"12\"").unwrap() + 4;
    let message = format!(
        "Error converting value &quot;12&quot; to type 'System.Int64'. Path '[1].mpid', line 1, position {position}."
    );
    assert_eq!(body(response).await, json!({"errors": [{"code": "BAD_REQUEST", "message": message}]}));
    assert_eq!(fixture.holders("Power users"), [ProfileKey::Mpid(1), ProfileKey::Mpid(3)]);
    let response = fixture.feed(&json!([wrong, wrong])).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(body(response).await["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_feed_has_limits_and_a_token() {
    let fixture = Fixture::quiet().await;
    assert_eq!(fixture.feed(&batches(0..100)).await.unwrap().status(), 202);
    assert_eq!(fixture.feed(&batches(0..101)).await.unwrap().status(), 400);
    assert_eq!(fixture.feed(&json!([])).await.unwrap().status(), 400);
    assert_eq!(fixture.feed(&json!("x".repeat(256 * 1024))).await.unwrap().status(), 413);
    let unknown = fixture.sandbox.webhook_url().replace(FEED_TOKEN, "us1-unknown");
    assert_eq!(fixture.client.post(unknown).body("[]").send().await.unwrap().status(), 401);
    let nowhere = format!("{}/v1/pdf/elsewhere/{FEED_TOKEN}", fixture.sandbox.mixpanel_base_url());
    assert_eq!(fixture.client.post(nowhere).body("[]").send().await.unwrap().status(), 404);
    fixture.control.set_feed_token_valid(false);
    assert_eq!(fixture.feed(&batches(0..1)).await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_feed_has_a_pace() {
    let fixture =
        Fixture::start(SandboxOptions { feed_users_per_second: Some(100), ..SandboxOptions::quiet() }).await;
    let response = fixture.feed(&batches(0..100)).await.unwrap();
    assert_eq!(header(&response, "X-mp-rate-limit-percentage-used"), Some("50"));
    let refused =
        [fixture.feed(&batches(0..100)).await.unwrap(), fixture.feed(&batches(0..100)).await.unwrap()];
    assert!(refused.iter().all(|response| response.status() == 429));
    assert!(refused.iter().all(|response| header(response, "X-mp-rate-limit-exceeded") == Some("\"feed\"")));
    assert_eq!(refused.iter().filter(|response| header(response, "Retry-After").is_some()).count(), 1);
    fixture.control.set_feed_rate(None);
    assert_eq!(fixture.feed(&batches(0..100)).await.unwrap().status(), 202);
}
