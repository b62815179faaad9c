//! The sandbox over real HTTP: what a client of either service gets to see, and what the scripted faults do to it.

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
async fn the_demo_starts_at_once_and_lists_its_cohorts() {
    let begin = Instant::now();
    let fixture = Fixture::start(SandboxOptions::demo()).await;
    assert!(begin.elapsed() < Duration::from_millis(500), "took {:?}", begin.elapsed());
    let cohorts = body(fixture.query("cohorts/list", "").await.unwrap()).await;
    let cohorts = cohorts.as_array().unwrap();
    assert!((12..=14).contains(&cohorts.len()));
    assert_eq!(cohorts.iter().filter(|cohort| !cohort["data_group_id"].is_null()).count(), 1);
    let counts: Vec<u64> = cohorts.iter().map(|cohort| cohort["count"].as_u64().unwrap()).collect();
    assert!(counts.iter().any(|count| *count > 450_000) && counts.iter().any(|count| *count < 15));
    let page =
        fixture.page("filter_by_cohort=%7B%22id%22%3A5167401%7D&output_properties=%5B%22%24os%22%5D").await;
    assert_eq!(page["results"].as_array().unwrap().len(), 1_000);
    assert_eq!(page["results"][0]["$properties"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_come_from_the_moment_of_the_first_one() {
    let fixture = Fixture::with_people(25).await;
    let first = fixture.page(COHORT_1).await;
    assert_eq!((&first["page"], &first["page_size"], &first["total"]), (&json!(0), &json!(10), &json!(25)));
    assert_eq!(first["status"], "ok");
    fixture.control.set_members(1, Vec::new());
    let session = first["session_id"].as_str().unwrap();
    let last = fixture.page(&format!("{COHORT_1}&page=2&session_id={session}")).await;
    let ids: Vec<&str> =
        last["results"].as_array().unwrap().iter().map(|one| one["$distinct_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["person-20", "person-21", "person-22", "person-23", "person-24"]);
    assert_eq!(fixture.control.query_count(), 1, "pages of a session are free");
    assert_eq!(fixture.page(COHORT_1).await["total"], 0);
}

#[tokio::test]
async fn people_come_as_they_were_seeded() {
    let fixture = Fixture::quiet().await;
    fixture.control.add_cohort(cohort(
        1,
        vec![
            PersonSeed::matched("ann", -8_553_083_063_767_933_171),
            PersonSeed::matched_number(9_007_199_254_740_993_u64, i64::MAX),
            PersonSeed::unmatched("bob"),
            PersonSeed::without_profile("$device:1"),
        ],
    ));
    let form = format!("{COHORT_1}&output_properties=%5B%22%24mparticle_user_id%22%5D");
    let expected = json!([
        {"$distinct_id": "ann", "$properties": {"$mparticle_user_id": "-8553083063767933171"}},
        {"$distinct_id": 9_007_199_254_740_993_u64, "$properties": {"$mparticle_user_id": i64::MAX}},
        {"$distinct_id": "bob", "$properties": {}},
        {"$distinct_id": "$device:1"},
    ]);
    assert_eq!(fixture.page(&form).await["results"], expected);
    let with_profile = fixture.page(&format!("{form}&include_all_users=false")).await;
    assert_eq!((with_profile["results"].as_array().unwrap().len(), &with_profile["total"]), (3, &json!(3)));
}

#[tokio::test]
async fn wrong_questions_are_refused() {
    let fixture = Fixture::with_people(25).await;
    let first = fixture.page(COHORT_1).await;
    let session = first["session_id"].as_str().unwrap();
    let uncached = "request for page in uncached query for params";
    for (form, status, message) in [
        ("filter_by_cohort=1".to_owned(), 400, "Invalid parameter: filter_by_cohort"),
        (format!("{COHORT_1}&page=1"), 400, "requires session_id"),
        (format!("{COHORT_1}&page=1&session_id=123-ABCDEF"), 400, uncached),
        (format!("{COHORT_1}&include_all_users=false&page=1&session_id={session}"), 400, uncached),
        ("filter_by_cohort=%7B%22id%22%3A99%7D".to_owned(), 404, "could not be found"),
    ] {
        let response = fixture.query("engage", &form).await.unwrap();
        assert_eq!(response.status(), status, "{form}");
        let body = body(response).await;
        assert!(body["error"].as_str().unwrap().contains(message), "{form}: {body}");
    }
    fixture.control.expire_sessions();
    let response = fixture.query("engage", &format!("{COHORT_1}&page=1&session_id={session}")).await.unwrap();
    assert!(body(response).await["error"].as_str().unwrap().contains(uncached));
}

#[tokio::test]
async fn credentials_and_plan_are_checked_and_cost_nothing() {
    let fixture = Fixture::quiet().await;
    fixture.control.set_plan_allows_api(false);
    let response = fixture.query("cohorts/list", "").await.unwrap();
    assert_eq!(response.status(), 402);
    assert!(
        body(response).await["error"].as_str().unwrap().starts_with("Your plan does not allow API calls")
    );
    fixture.control.set_secret("another");
    let response = fixture.query("cohorts/list", "").await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(header(&response, "RateLimit"), Some("\"project\";r=60000, \"project-concurrency\";r=4"));
    assert_eq!(fixture.control.query_count(), 0);
}

#[tokio::test]
async fn the_hourly_quota_runs_out() {
    let fixture = Fixture::start(SandboxOptions { queries_per_hour: 2, ..SandboxOptions::quiet() }).await;
    for left in ["r=1,", "r=0,"] {
        let response = fixture.query("cohorts/list", "").await.unwrap();
        assert!(header(&response, "RateLimit").unwrap().contains(left));
        let policy = "\"project\";q=2;w=3600, \"project-concurrency\";q=5;qu=\"concurrent-requests\"";
        assert_eq!(header(&response, "RateLimit-Policy"), Some(policy));
    }
    let response = fixture.query("cohorts/list", "").await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "Retry-After"), Some("3600"));
    assert!(header(&response, "RateLimit").unwrap().starts_with("\"project\";r=0;t=3600, "));
    let error = body(response).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("(3/2 queries running in the last hour)"), "{error}");
    assert_eq!(fixture.control.query_count(), 2);
}

#[tokio::test]
async fn too_many_queries_at_once_are_refused() {
    let options = SandboxOptions { concurrent_queries: 1, ..SandboxOptions::quiet() };
    let fixture = Fixture::start(options).await;
    fixture.control.push_fault(Fault::mixpanel(Effect::Delay { milliseconds: 30_000 }));
    let slow = fixture.query("cohorts/list", "");
    let quick = async {
        loop {
            // The slow query is known to be in progress once its fault has struck.
            if fixture.control.pending_faults().is_empty() {
                return fixture.query("cohorts/list", "").await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    let response = tokio::select! { _ = slow => panic!("the slow query came first"), quick = quick => quick };
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "Retry-After"), Some("10"));
    let error = body(response).await["error"].as_str().unwrap().to_owned();
    assert!(error.ends_with("(2/1 queries running concurrently)."), "{error}");
    assert_eq!(fixture.control.max_concurrent_queries_seen(), 2);
}

#[tokio::test]
async fn reads_can_be_spoilt() {
    let fixture = Fixture::with_people(25).await;
    fixture.control.push_fault(Fault::mixpanel(Effect::EmptyRead).for_cohort(1));
    let empty = fixture.page(COHORT_1).await;
    assert_eq!((&empty["total"], &empty["results"]), (&json!(0), &json!([])));
    let first = fixture.page(COHORT_1).await;
    let session = first["session_id"].as_str().unwrap();
    let next = format!("{COHORT_1}&page=1&session_id={session}");
    fixture.control.push_fault(Fault::mixpanel(Effect::WrongSession).at_page(1));
    fixture.control.push_fault(Fault::mixpanel(Effect::ShortPage).at_page(1));
    fixture.control.push_fault(Fault::mixpanel(Effect::SessionExpired).at_page(1));
    assert_ne!(fixture.page(&next).await["session_id"], first["session_id"]);
    assert_eq!(fixture.page(&next).await["results"].as_array().unwrap().len(), 9);
    assert_eq!(fixture.query("engage", &next).await.unwrap().status(), 400);
    assert_eq!(fixture.page(&next).await["results"].as_array().unwrap().len(), 10);
}

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

#[tokio::test]
async fn scripted_answers_replace_the_work() {
    let fixture = Fixture::quiet().await;
    let headers = vec![("X-Reason".to_owned(), "maintenance".to_owned())];
    fixture.control.push_fault(Fault::mparticle(Effect::Status { code: 503, body: "later".into(), headers }));
    fixture.control.push_fault(Fault::mparticle(Effect::RetryAfterSeconds { seconds: 3 }));
    fixture.control.push_fault(Fault::mparticle(Effect::RetryAfterDate { seconds: 3 }));
    fixture.control.push_fault(Fault::mparticle(Effect::Html { code: 200 }));
    let sent = batches(0..1);
    let unavailable = fixture.feed(&sent).await.unwrap();
    assert_eq!((unavailable.status().as_u16(), header(&unavailable, "X-Reason")), (503, Some("maintenance")));
    assert_eq!(header(&fixture.feed(&sent).await.unwrap(), "Retry-After"), Some("3"));
    let dated = fixture.feed(&sent).await.unwrap();
    assert!(header(&dated, "Retry-After").unwrap().ends_with("GMT"));
    let page = fixture.feed(&sent).await.unwrap();
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, Some("text/html")));
    assert!(fixture.control.profiles_with("Power users").is_empty());
    assert!(fixture.control.feed_requests().iter().all(|request| !request.applied));
}

#[tokio::test]
async fn connections_are_cut_before_or_after_the_work() {
    let fixture = Fixture::quiet().await;
    fixture.control.push_fault(Fault::mparticle(Effect::CutBeforeApply));
    assert!(fixture.feed(&batches(0..1)).await.is_err());
    assert!(fixture.holders("Power users").is_empty());
    fixture.control.push_fault(Fault::mparticle(Effect::CutAfterApply));
    assert!(fixture.feed(&batches(0..1)).await.is_err());
    assert_eq!(fixture.holders("Power users").len(), 1);
    let statuses: Vec<_> =
        fixture.control.feed_requests().iter().map(|request| (request.status, request.applied)).collect();
    assert_eq!(statuses, [(None, false), (None, true)]);
}

#[tokio::test]
async fn bodies_break_off_or_trickle() {
    let fixture = Fixture::with_people(5).await;
    fixture.control.push_fault(Fault::mixpanel(Effect::TruncatedBody));
    let response = fixture.query("engage", COHORT_1).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    fixture.control.push_fault(Fault::mparticle(Effect::TruncatedBody));
    assert!(fixture.feed(&batches(0..1)).await.unwrap().bytes().await.is_err());
    fixture.control.push_fault(Fault::mixpanel(Effect::SlowBody { milliseconds: 200 }));
    let begin = Instant::now();
    assert_eq!(fixture.page(COHORT_1).await["total"], 5);
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn certain_users_are_refused() {
    let fixture = Fixture::quiet().await;
    let users = RejectedUsers::Identities(vec!["2".to_owned()]);
    fixture.control.push_fault(Fault::mparticle(Effect::RejectUsers { users }));
    let response = fixture.feed(&batches(0..4)).await.unwrap();
    assert_eq!(response.status(), 202);
    let errors = body(response).await;
    assert!(errors["errors"][0]["message"].as_str().unwrap().contains("Path '[2].mpid', line 1, position "));
    assert_eq!(fixture.holders("Power users").len(), 3);

    fixture.control.push_fault(Fault::mparticle(Effect::RejectUsers { users: RejectedUsers::EveryNth(2) }));
    let errors = body(fixture.feed(&batches(10..20)).await.unwrap()).await;
    assert_eq!(errors["errors"].as_array().unwrap().len(), 5);

    fixture.control.push_fault(Fault::mparticle(Effect::RejectWithoutIndex { users: 1 }));
    let response = fixture.feed(&batches(20..22)).await.unwrap();
    assert_eq!(response.status(), 202);
    assert!(!body(response).await.to_string().contains("Path"));
    assert!(!fixture.holders("Power users").contains(&ProfileKey::Mpid(20)));

    let poison = Fault::mparticle(Effect::BadRequestIfContains { identity: "31".to_owned() }).forever();
    fixture.control.push_fault(poison);
    assert_eq!(fixture.feed(&batches(30..32)).await.unwrap().status(), 400);
    assert_eq!(fixture.feed(&batches(30..31)).await.unwrap().status(), 202);
    assert_eq!(fixture.feed(&batches(31..32)).await.unwrap().status(), 400);
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
async fn a_large_made_up_cohort_is_read_to_its_end() {
    let fixture = Fixture::start(SandboxOptions { page_size: 5_000, ..SandboxOptions::quiet() }).await;
    fixture.control.add_made_up_cohort(1, "Crowd", 20_000);
    let first = fixture.page(COHORT_1).await;
    let session = first["session_id"].as_str().unwrap();
    let mut mpids = Vec::new();
    for page in 0..=4 {
        let page = fixture.page(&format!("{COHORT_1}&page={page}&session_id={session}")).await;
        let results = page["results"].as_array().unwrap();
        mpids.extend(
            results.iter().map(|one| one["$properties"]["$mparticle_user_id"].as_str().unwrap().to_owned()),
        );
    }
    mpids.sort_unstable();
    mpids.dedup();
    assert_eq!(mpids.len(), 20_000);
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
