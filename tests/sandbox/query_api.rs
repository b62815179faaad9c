//! Mixpanel's side of the sandbox: pages, refusals and quotas as a client sees them.

use super::*;

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
async fn people_of_the_demo_come_and_go_but_a_read_stays_as_it_began() {
    let fixture = Fixture::start(SandboxOptions::demo()).await;
    let everyone = "filter_by_cohort=%7B%22id%22%3A5167401%7D";
    let first = fixture.page(everyone).await;
    let next = format!("{everyone}&page=1&session_id={}", first["session_id"].as_str().unwrap());
    let second = fixture.page(&next).await;
    let changed = async { while fixture.page(everyone).await["results"] == first["results"] {} };
    assert!(tokio::time::timeout(Duration::from_secs(30), changed).await.is_ok());
    assert_eq!(fixture.page(&next).await["results"], second["results"]);
}
