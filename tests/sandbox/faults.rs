//! What the scripted faults do to requests and answers.

use super::*;

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
    for _ in 0..2 {
        assert_eq!(
            fixture.query("engage", &next).await.unwrap().status(),
            400,
            "a session that is lost stays lost"
        );
    }
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

    let users = RejectedUsers::Identities(vec!["ann".to_owned()]);
    fixture.control.push_fault(Fault::mparticle(Effect::RejectUsers { users }));
    let ann = json!({"environment": "production", "user_identities": {"customer_id": "ann"}});
    let errors = body(fixture.feed(&json!([batch(5, true), ann])).await.unwrap()).await;
    assert!(
        errors["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("Path '[1].user_identities.customer_id', line 1")
    );

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
