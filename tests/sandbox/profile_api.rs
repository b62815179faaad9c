//! The Profile API: who may ask and how often, and that it shows what the feed has really applied.

use super::*;
use cohort_sync::sandbox::{ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, DroppedUsers, ORG_ID, WORKSPACE_ID};

impl Fixture {
    async fn ask_for_token(&self, secret: &str) -> Response {
        let body = json!({
            "client_id": CLIENT_ID, "client_secret": secret, "audience": "https://api.mparticle.com",
            "grant_type": "client_credentials",
        });
        self.client.post(self.sandbox.token_url()).body(body.to_string()).send().await.unwrap()
    }

    async fn token(&self) -> String {
        let given = body(self.ask_for_token(CLIENT_SECRET).await).await;
        assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(28_800)));
        given["access_token"].as_str().unwrap().to_owned()
    }

    fn profiles(&self) -> String {
        format!("{}/userprofile/v1", self.sandbox.profile_api_base_url())
    }

    async fn by_mpid(&self, token: &str, mpid: &str) -> Response {
        let fields = "fields=user_attributes,user_identities";
        let address = format!("{}/{ORG_ID}/{ACCOUNT_ID}/{WORKSPACE_ID}/{mpid}?{fields}", self.profiles());
        self.client.get(address).bearer_auth(token).send().await.unwrap()
    }

    async fn by_identity(&self, token: &str, kind: &str, value: &str) -> Response {
        let place = format!("{ORG_ID}/{ACCOUNT_ID}/{WORKSPACE_ID}");
        let address = format!("{}/resolve/{place}?fields=user_attributes", self.profiles());
        let body = json!({ "environment_type": "production", "identity": { "type": kind, "value": value } });
        self.client.post(address).body(body.to_string()).bearer_auth(token).send().await.unwrap()
    }
}

#[tokio::test]
async fn only_a_token_opens_it_and_only_for_a_while() {
    let fixture = Fixture::quiet().await;
    assert_eq!(fixture.ask_for_token("wrong").await.status(), 401);
    let token = fixture.token().await;
    assert_eq!(fixture.by_mpid(&token, "7").await.status(), 200);
    assert_eq!(fixture.by_mpid("another", "7").await.status(), 401);
    fixture.control.expire_tokens();
    assert_eq!(fixture.by_mpid(&token, "7").await.status(), 401);
    fixture.control.set_client_secret("changed");
    assert_eq!(fixture.ask_for_token(CLIENT_SECRET).await.status(), 401);
    let options = SandboxOptions { token_lifetime: Duration::ZERO, ..SandboxOptions::quiet() };
    let short_lived = Fixture::start(options).await;
    let given = body(short_lived.ask_for_token(CLIENT_SECRET).await).await;
    assert_eq!(short_lived.by_mpid(given["access_token"].as_str().unwrap(), "7").await.status(), 401);
    assert_eq!(fixture.control.counts().tokens_given, 1);
}

#[tokio::test]
async fn it_shows_what_the_feed_has_applied_with_every_value_as_a_text() {
    let fixture = Fixture::quiet().await;
    let dropped = DroppedUsers::Identities(vec!["2".to_owned()]);
    fixture.control.push_fault(Fault::mparticle(Effect::DropUsers { users: dropped }));
    assert_eq!(fixture.feed(&batches(0..4)).await.unwrap().status(), 202, "dropped without a word");
    let token = fixture.token().await;
    let held = |answer: Value| answer["user_attributes"].clone();
    assert_eq!(held(body(fixture.by_mpid(&token, "1").await).await), json!({ "Power users": "true" }));
    assert_eq!(held(body(fixture.by_mpid(&token, "2").await).await), json!({}));
    assert_eq!(fixture.control.feed_requests()[0].dropped, 1);

    let ann = ProfileKey::Identity { kind: "customer_id".to_owned(), value: "ann".to_owned() };
    fixture.control.link_profile(ann, ProfileKey::Mpid(3));
    let linked = body(fixture.by_identity(&token, "customer_id", "ann").await).await;
    assert_eq!((&linked["mpid"], &held(linked.clone())), (&json!(3), &json!({ "Power users": "true" })));
    let identities = body(fixture.by_mpid(&token, "3").await).await["user_identities"].clone();
    assert_eq!(identities, json!([{ "type": "customer_id", "encoding": "none", "value": "ann" }]));
    fixture.control.set_attribute(&ProfileKey::Mpid(3), "Power users", &Value::Null);
    assert_eq!(held(body(fixture.by_mpid(&token, "3").await).await), json!({}));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_documented() {
    let fixture = Fixture::quiet().await;
    fixture.control.know_everyone(false);
    let token = fixture.token().await;
    let unknown = fixture.by_mpid(&token, "7").await;
    assert_eq!(unknown.status(), 400);
    assert!(body(unknown).await["errors"][0]["message"].as_str().unwrap().contains("profile is invalid"));
    fixture.control.add_profile(ProfileKey::Mpid(7));
    assert_eq!(fixture.by_mpid(&token, "7").await.status(), 200);
    assert_eq!(fixture.by_identity(&token, "email", "a@b.c").await.status(), 400, "not immutable");
    let elsewhere = format!("{}/{ORG_ID}/{ACCOUNT_ID}/9/7?fields=user_attributes", fixture.profiles());
    assert_eq!(fixture.client.get(elsewhere).bearer_auth(&token).send().await.unwrap().status(), 403);
    let fieldless = format!("{}/{ORG_ID}/{ACCOUNT_ID}/{WORKSPACE_ID}/7", fixture.profiles());
    assert_eq!(fixture.client.get(fieldless).bearer_auth(&token).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn too_many_lookups_a_second_are_refused_and_faults_strike_here_alone() {
    let fixture = Fixture::quiet().await;
    fixture.control.set_profile_rate(Some(2));
    let token = fixture.token().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = fixture.by_mpid(&token, "7").await;
        assert_eq!(header(&answer, "Retry-After").is_some(), answer.status() == 429);
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.ends_with(&[429, 429]), "{statuses:?}");
    fixture.control.set_profile_rate(None);
    fixture.control.push_fault(Fault::profile_api(Effect::Html { code: 502 }).at_path("userprofile"));
    assert_eq!(fixture.feed(&batches(0..1)).await.unwrap().status(), 202);
    assert_eq!(fixture.by_mpid(&token, "7").await.status(), 502);
    assert_eq!(fixture.by_mpid(&token, "7").await.status(), 200);
}

#[tokio::test]
async fn a_share_of_the_users_can_be_dropped() {
    let fixture = Fixture::quiet().await;
    let fault = Fault::mparticle(Effect::DropUsers { users: DroppedUsers::PerMille(100) });
    fixture.control.push_fault(fault.forever());
    for start in (0..2_000).step_by(100) {
        fixture.feed(&batches(start..start + 100)).await.unwrap();
    }
    let held = fixture.holders("Power users").len();
    assert!((1_740..=1_860).contains(&held), "{held}");
}
