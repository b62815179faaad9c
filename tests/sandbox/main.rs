//! The sandbox over real HTTP: what a client of either service gets to see, and what the scripted faults do to it.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod faults;
mod feed;
mod lookup;
mod profile_api;
mod query_api;

use std::time::{Duration, Instant};

use cohort_sync::sandbox::{
    CohortSeed, Control, Effect, FEED_TOKEN, Fault, Latency, PROJECT_ID, PersonSeed, ProfileKey,
    RejectedUsers, SECRET, SERVICE_ACCOUNT, Sandbox, SandboxOptions,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

struct Fixture {
    sandbox: Sandbox,
    control: Control,
    client: Client,
}

impl Fixture {
    async fn start(options: SandboxOptions) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Sandbox::start(options).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { control: sandbox.control(), sandbox, client }
    }

    async fn quiet() -> Self {
        Self::start(SandboxOptions::quiet()).await
    }

    /// A cohort 1 of so many matched people, on pages of ten.
    async fn with_people(count: i64) -> Self {
        let fixture = Self::start(SandboxOptions { page_size: 10, ..SandboxOptions::quiet() }).await;
        let members =
            (0..count).map(|number| PersonSeed::matched(format!("person-{number}"), number)).collect();
        fixture.control.add_cohort(cohort(1, members));
        fixture
    }

    async fn query(&self, path: &str, form: &str) -> reqwest::Result<Response> {
        let address =
            format!("{}/api/query/{path}?project_id={PROJECT_ID}", self.sandbox.mixpanel_base_url());
        let request = self.client.post(address).basic_auth(SERVICE_ACCOUNT, Some(SECRET));
        request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await
    }

    async fn page(&self, form: &str) -> Value {
        let response = self.query("engage", form).await.unwrap();
        assert_eq!(response.status(), 200);
        body(response).await
    }

    async fn feed(&self, batches: &Value) -> reqwest::Result<Response> {
        self.client.post(self.sandbox.webhook_url()).body(batches.to_string()).send().await
    }

    async fn inspect(&self, path: &str) -> Value {
        let address = format!("{}/sandbox/{path}", self.sandbox.mixpanel_base_url());
        body(self.client.get(address).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, what: &Value) -> StatusCode {
        let address = format!("{}/sandbox/{path}", self.sandbox.mixpanel_base_url());
        self.client.post(address).body(what.to_string()).send().await.unwrap().status()
    }

    fn holders(&self, attribute: &str) -> Vec<ProfileKey> {
        self.control.profiles_with(attribute).into_iter().map(|(key, _)| key).collect()
    }
}

async fn body(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn cohort(id: u64, members: Vec<PersonSeed>) -> CohortSeed {
    CohortSeed { id, name: format!("Cohort {id}"), members, ..CohortSeed::default() }
}

fn header<'response>(response: &'response Response, name: &str) -> Option<&'response str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn batch(mpid: i64, value: bool) -> Value {
    json!({"environment": "production", "mpid": mpid, "user_attributes": {"Power users": value}})
}

fn batches(mpids: std::ops::Range<i64>) -> Value {
    mpids.map(|mpid| batch(mpid, true)).collect()
}

const COHORT_1: &str = "filter_by_cohort=%7B%22id%22%3A1%7D";

#[tokio::test]
async fn only_loopback_is_served() {
    let listen = "0.0.0.0:0".parse().unwrap();
    assert!(Sandbox::start(SandboxOptions { listen, ..SandboxOptions::quiet() }).await.is_err());
}

#[tokio::test]
async fn the_inspection_endpoints_do_what_the_control_does() {
    let fixture = Fixture::quiet().await;
    let seed = json!({"id": 5, "name": "Made by HTTP", "members": [
        {"distinct_id": "ann", "properties": {"$mparticle_user_id": -8_553_083_063_767_933_171_i64}}, {"distinct_id": 7}]});
    assert_eq!(fixture.post("cohorts", &seed).await, 204);
    assert_eq!(fixture.inspect("cohorts/5/members").await, seed["members"]);
    let fault = json!({"side": "mparticle", "effect": {"kind": "cut_after_apply"}});
    assert_eq!(fixture.post("faults", &json!([fault, fault])).await, 204);
    assert!(fixture.feed(&batches(0..1)).await.is_err());
    assert_eq!(fixture.inspect("state").await["pending_faults"], 1);
    let address = format!("{}/sandbox/faults", fixture.sandbox.mixpanel_base_url());
    assert_eq!(fixture.client.delete(address).send().await.unwrap().status(), 204);
    let profiles = fixture.inspect("profiles?attribute=Power%20users").await;
    assert_eq!(profiles, json!([{"profile": {"mpid": 0}, "value": true, "history": [true]}]));
    let requests = fixture.inspect("requests").await;
    assert_eq!((&requests[0]["status"], &requests[0]["applied"]), (&Value::Null, &json!(true)));
    assert_eq!(requests[0]["body"], batches(0..1).to_string());
    let state = fixture.inspect("state").await;
    assert_eq!(state["attributes"], json!([{"attribute": "Power users", "true": 1, "false": 0}]));
    assert_eq!(state["cohorts"], json!([{"id": 5, "name": "Made by HTTP", "count": 2}]));
    assert_eq!(fixture.post("settings", &json!({"feed_token_valid": false})).await, 204);
    assert_eq!(fixture.feed(&batches(0..1)).await.unwrap().status(), 401);
    assert_eq!(fixture.post("faults", &json!({"side": "nobody"})).await, 400);
}

#[tokio::test]
async fn answers_take_their_time_and_dropping_the_sandbox_ends_them() {
    let range = Duration::from_millis(30);
    let latency = Latency::between(range, range);
    let fixture = Fixture::start(SandboxOptions { latency, ..SandboxOptions::quiet() }).await;
    let begin = Instant::now();
    assert_eq!(fixture.query("cohorts/list", "").await.unwrap().status(), 200);
    assert!(begin.elapsed() >= range);
    let address = fixture.sandbox.address();
    drop(fixture.sandbox);
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), gone).await.is_ok());
}
