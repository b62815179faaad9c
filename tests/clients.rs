//! Both clients against tiny servers of their own, which misbehave in ways no orderly server offers: answers
//! cut in the middle, pages of another session, totals that lie.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "clients/profiles.rs"]
mod profiles;
#[path = "clients/server.rs"]
mod server;

use cohort_sync::domain::CohortId;
use cohort_sync::domain::membership::Collector;
use cohort_sync::http::{Authorization, Backoff, Bytes, Transport, TransportError, TransportOptions};
use cohort_sync::mixpanel::{Client, Connection, Heeded, MixpanelError, PageEvent, Rest, wait_to_retry};
use cohort_sync::mparticle::{self, FeedUrl};
use server::{Asked, Reply, Server};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "planted-secret-5d1c";
const TOKEN: &str = "us1-planted-token-77aa";
const COHORT: CohortId = CohortId(1000);
const SIZE: usize = 3;

/// A page of a cohort whose members are numbered.
fn page_of(number: usize, members: usize, session: &str, total: usize) -> String {
    let profiles: Vec<_> = (number * SIZE..members.min((number + 1) * SIZE))
        .map(|member| format!(r#"{{"$distinct_id":"u{member}","$properties":{{}}}}"#))
        .collect();
    format!(
        r#"{{"page":{number},"page_size":{SIZE},"session_id":"{session}","status":"ok","total":{total},"results":[{}]}}"#,
        profiles.join(",")
    )
}

/// An orderly cohort of so many members.
fn orderly(members: usize) -> impl Fn(&Asked, usize) -> Reply + Send + Sync {
    move |asked, _| Reply::new(200, page_of(asked.page(), members, "s1", members))
}

fn client_of(server: &Server) -> Client {
    let connection = Connection {
        base_url: server.url.clone(),
        project_id: 12345,
        workspace_id: Some(7),
        service_account: Authorization::basic("robot", SECRET),
    };
    Client::new(transport(), connection).unwrap()
}

fn heeded() -> Heeded {
    Heeded {
        backoff: Backoff {
            base: Duration::from_millis(1),
            ceiling: Duration::from_millis(4),
            ..Backoff::default()
        },
        stop: CancellationToken::new(),
        hear: Arc::new(|_| {}),
    }
}

/// Reads a cohort once, and returns who was read, in order.
async fn read(server: &Server, heeded: Heeded) -> Result<Vec<String>, MixpanelError> {
    let client = client_of(server);
    let first = client.page(COHORT, 0, None).await.result?;
    let mut rest = Rest::after(client, COHORT, &first, heeded)?;
    let mut collector = Collector::default();
    collector.absorb(first.people);
    while let Some(page) = rest.next().await? {
        collector.absorb(page.people);
    }
    let (membership, _) = collector.finish();
    assert_eq!(membership.counts().duplicates, 0, "somebody was read twice");
    Ok(membership.iter().map(|member| member.identity.to_string()).collect())
}

async fn loses_the_session(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> String {
    let server = Server::start(script).await;
    match read(&server, heeded()).await {
        Err(MixpanelError::SessionLost { said }) => said,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_member_is_read_once_and_paging_ends_by_its_own_rule() {
    for (members, pages) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (6, 3), (20, 7), (21, 8)] {
        let server = Server::start(orderly(members)).await;
        let people = read(&server, heeded()).await.unwrap();
        assert_eq!(people.len(), members);
        assert_eq!(server.pages_asked(), (0..pages).collect::<Vec<_>>(), "{members} members");
        let distinct: std::collections::HashSet<_> = people.iter().collect();
        assert_eq!(distinct.len(), members);
    }
}

#[tokio::test]
async fn a_compressed_page_is_read_and_a_cut_one_is_read_anew() {
    let server = Server::start(|asked, number| {
        assert!(asked.head.to_ascii_lowercase().contains("accept-encoding: gzip"), "{}", asked.head);
        let reply = Reply::new(200, page_of(asked.page(), 7, "s1", 7)).gzipped();
        if number == 1 { reply.cut() } else { reply }
    })
    .await;
    assert_eq!(read(&server, heeded()).await.unwrap().len(), 7);
    assert_eq!(server.pages_asked().len(), 4, "three pages, one of them twice");
}

#[tokio::test]
async fn a_total_that_is_too_low_or_missing_ends_nothing() {
    for total in ["\"total\":3", "\"total\":null", "\"total\":0"] {
        let server = Server::start(move |asked, _| {
            let page = page_of(asked.page(), 11, "s1", 999).replace("\"total\":999", total);
            Reply::new(200, page)
        })
        .await;
        assert_eq!(read(&server, heeded()).await.unwrap().len(), 11, "{total}");
    }
}

#[tokio::test]
async fn a_total_that_is_absurd_leads_to_few_requests_and_to_no_result() {
    let script = |asked: &Asked, _| Reply::new(200, page_of(asked.page(), 11, "s1", 1_000_000_000));
    let server = Server::start(script).await;
    let error = read(&server, heeded()).await.unwrap_err();
    assert!(matches!(error, MixpanelError::SessionLost { .. }), "{error:?}");
    assert!(server.asked().len() < 12, "{} requests", server.asked().len());
}

#[tokio::test]
async fn what_does_not_fit_together_is_never_spliced() {
    let other_session = |asked: &Asked, _| {
        let session = if asked.page() == 2 { "s2" } else { "s1" };
        Reply::new(200, page_of(asked.page(), 11, session, 11))
    };
    assert!(loses_the_session(other_session).await.contains("another session"));
    let other_page = |asked: &Asked, _| {
        let page = page_of(asked.page(), 11, "s1", 11);
        Reply::new(200, page.replace("\"page\":2,", "\"page\":1,"))
    };
    assert!(loses_the_session(other_page).await.contains("another page"));
    let short_in_the_middle = |asked: &Asked, _| {
        let members = if asked.page() == 1 { 5 } else { 11 };
        Reply::new(200, page_of(asked.page(), members, "s1", 11))
    };
    loses_the_session(short_in_the_middle).await;
    let somebody_missing = |asked: &Asked, _| Reply::new(200, page_of(asked.page(), 10, "s1", 11));
    assert!(loses_the_session(somebody_missing).await.contains("10 of the 11"));
    let expired = |asked: &Asked, _| match asked.page() {
        0 => Reply::new(200, page_of(0, 11, "s1", 11)),
        _ => Reply::new(400, r#"{"error":"request for page in uncached query for params"}"#),
    };
    assert!(loses_the_session(expired).await.contains("uncached query"));
}

#[tokio::test]
async fn a_read_has_four_pages_on_their_way_and_a_project_five_requests() {
    let slow = |asked: &Asked, _| orderly(60)(asked, 0).after(Duration::from_millis(20));
    let server = Server::start(slow).await;
    read(&server, heeded()).await.unwrap();
    assert_eq!(server.most_at_once.load(Ordering::SeqCst), 4);

    let server = Server::start(|_, _| Reply::new(200, "[]").after(Duration::from_millis(20))).await;
    let client = client_of(&server);
    let lists: Vec<_> = (0..12)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.list_cohorts().await.result.unwrap() })
        })
        .collect();
    for list in lists {
        list.await.unwrap();
    }
    assert_eq!(server.most_at_once.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_nobody_is_read_twice() {
    let failures: [fn(&Asked) -> Reply; 6] = [
        |_| Reply::new(503, ""),
        |_| {
            Reply::new(
                429,
                r#"{"error":"exceeded the concurrency limit (6/5 queries running concurrently)"}"#,
            )
        },
        |_| Reply::new(200, "<html><title>Gateway</title></html>").header("Content-Type: text/html"),
        |asked| orderly(11)(asked, 0).cut(),
        |asked| {
            let page = page_of(asked.page(), 11, "s1", 11);
            Reply::new(200, &page[..page.len() / 2])
        },
        |_| Reply::new(502, "").cut(),
    ];
    for (kind, failure) in failures.into_iter().enumerate() {
        let failed = AtomicUsize::new(0);
        let server = Server::start(move |asked, _| {
            if asked.page() == 2 && failed.fetch_add(1, Ordering::SeqCst) < 2 {
                failure(asked)
            } else {
                orderly(11)(asked, 0)
            }
        })
        .await;
        let retries = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&retries);
        let hear = move |event: PageEvent<'_>| {
            counted.fetch_add(usize::from(matches!(event, PageEvent::Retrying(..))), Ordering::SeqCst);
        };
        let people = read(&server, Heeded { hear: Arc::new(hear), ..heeded() }).await;
        assert_eq!(people.unwrap().len(), 11, "failure {kind}");
        assert_eq!(retries.load(Ordering::SeqCst), 2, "failure {kind}");
    }
}

#[tokio::test]
async fn the_fifth_failure_is_the_last_and_what_does_not_pass_is_tried_once() {
    let failing = |status, body: &'static str| {
        move |asked: &Asked, _: usize| match asked.page() {
            2 => Reply::new(status, body),
            _ => orderly(8)(asked, 0),
        }
    };
    let server = Server::start(failing(500, "")).await;
    let error = read(&server, heeded()).await.unwrap_err();
    assert!(matches!(error, MixpanelError::TooManyTries { tries: 5, .. }), "{error:?}");
    assert_eq!(server.pages_asked().iter().filter(|page| **page == 2).count(), 5);
    for status in [401, 402, 403, 404] {
        let server = Server::start(failing(status, r#"{"error":"no"}"#)).await;
        let error = read(&server, heeded()).await.unwrap_err();
        assert_eq!(error.pause_cause().is_some(), status != 404, "{error:?}");
        assert_eq!(server.pages_asked().iter().filter(|page| **page == 2).count(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_hourly_limit_is_not_waited_for_here() {
    let body =
        r#"{"error":"This request exceeded the rate limit (61/60 queries running in the last hour)."}"#;
    let server = Server::start(move |_, _| Reply::new(429, body).header("Retry-After: 3600")).await;
    let error = client_of(&server).list_cohorts().await.result.unwrap_err();
    let hour = Some(Duration::from_hours(1));
    assert!(
        matches!(&error, MixpanelError::BudgetSpent { retry_after, .. } if *retry_after == hour),
        "{error:?}"
    );
    assert!(error.is_not_charged());
    let error = wait_to_retry(error, 1, &heeded()).await.unwrap_err();
    assert!(matches!(error, MixpanelError::BudgetSpent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_can_be_stopped_while_it_waits_for_an_answer_and_for_a_retry() {
    let never = |asked: &Asked, _: usize| match asked.page() {
        0 => orderly(8)(asked, 0),
        _ => orderly(8)(asked, 0).after(Duration::from_hours(1)),
    };
    let refusing = |asked: &Asked, _: usize| match asked.page() {
        0 => orderly(8)(asked, 0),
        _ => Reply::new(503, "").header("Retry-After: 600"),
    };
    for server in [Server::start(never).await, Server::start(refusing).await] {
        let heeded = heeded();
        let stop = heeded.stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stop.cancel();
        });
        let ended = tokio::time::timeout(Duration::from_secs(10), read(&server, heeded)).await;
        let error = ended.expect("it stops promptly").unwrap_err();
        assert!(matches!(error, MixpanelError::Cancelled), "{error:?}");
    }
}

#[tokio::test]
async fn requests_are_what_the_reference_says() {
    let server = Server::start(|asked, _| {
        if asked.head.contains("/cohorts/list") {
            Reply::new(200, r#"[{"id":1000,"name":"One"},{"id":null}]"#)
                .header(r#"RateLimit-Policy: "project";q=240;w=3600"#)
        } else {
            orderly(4)(asked, 0)
        }
    })
    .await;
    let listing = client_of(&server).list_cohorts().await.result.unwrap();
    assert_eq!((listing.cohorts.len(), listing.skipped), (1, 1));
    assert_eq!(listing.heard.rate_limit_policy.as_deref(), Some(r#""project";q=240;w=3600"#));
    read(&server, heeded()).await.unwrap();
    let asked = server.asked();
    let query = "?project_id=12345&workspace_id=7 HTTP/1.1";
    assert!(asked[0].head.starts_with(&format!("POST /api/query/cohorts/list{query}")), "{}", asked[0].head);
    assert!(asked[1].head.starts_with(&format!("POST /api/query/engage{query}")), "{}", asked[1].head);
    for asked in &asked {
        let head = asked.head.to_ascii_lowercase();
        assert!(head.contains("authorization: basic cm9ib3q6"), "{head}");
        assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
        assert!(head.contains(concat!("user-agent: cohort-sync/", env!("CARGO_PKG_VERSION"))), "{head}");
    }
    assert!(!asked[1].body.contains("session_id"), "page 0 opens the session");
    assert!(asked[2].body.ends_with("&page=1&session_id=s1"), "{}", asked[2].body);
    assert!(asked[2].body.contains("include_all_users=true"));
}

fn transport() -> Transport {
    Transport::new(TransportOptions::default()).unwrap()
}

async fn post(url: &str) -> Result<cohort_sync::http::Answer, TransportError> {
    let feed = FeedUrl::parse(&format!("{url}/v1/pdf/mixpanelcohorts/{TOKEN}")).unwrap();
    mparticle::Client::new(transport(), feed).post(&Bytes::from_static(b"[]")).await
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::start(|_, _| Reply::new(202, "")).await;
    let location = format!("Location: {}/", elsewhere.url);
    let server = Server::start(move |_, _| Reply::new(307, "").header(&location)).await;
    assert_eq!(post(&server.url).await.unwrap().status, 307);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn plain_http_leaves_this_machine_in_no_case() {
    for url in ["http://192.0.2.1", "ftp://127.0.0.1"] {
        let error = post(url).await.unwrap_err();
        assert!(matches!(error, TransportError::BadUrl { .. }) && !error.may_have_arrived(), "{error:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_may_have_been_applied_and_a_refused_connection_was_not() {
    let server = Server::start(|_, _| Reply::new(202, r#"{"errors":[]}"#).cut()).await;
    let error = post(&server.url).await.unwrap_err();
    assert!(matches!(error, TransportError::Cut { .. }) && error.may_have_arrived(), "{error:?}");
    let error = post("http://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(error, TransportError::Connect { .. }) && !error.may_have_arrived(), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn no_text_shows_a_credential() {
    let cutting = Server::start(|_, _| Reply::new(200, "[]").cut()).await;
    let refusing = Server::start(|_, _| Reply::new(401, r#"{"error":"no"}"#)).await;
    let mut texts = vec![format!("{:?}", client_of(&refusing))];
    for url in ["http://127.0.0.1:1", &cutting.url, "http://192.0.2.1"] {
        note(&mut texts, &post(url).await.unwrap_err());
    }
    for server in [&cutting, &refusing] {
        note(&mut texts, &client_of(server).list_cohorts().await.result.unwrap_err());
    }
    let connection = Connection {
        base_url: "http://127.0.0.1:1".to_owned(),
        project_id: 1,
        workspace_id: None,
        service_account: Authorization::basic("robot", SECRET),
    };
    texts.push(format!("{connection:?}"));
    let client = Client::new(transport(), connection).unwrap();
    note(&mut texts, &client.list_cohorts().await.result.unwrap_err());
    for text in texts {
        for hidden in [SECRET, TOKEN, "cm9ib3q6", "/v1/pdf"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

/// Every way an error can be printed, its sources included.
fn note(texts: &mut Vec<String>, error: &(dyn Error + 'static)) {
    let mut error = Some(error);
    while let Some(cause) = error {
        texts.extend([format!("{cause}"), format!("{cause:?}"), format!("{cause:#?}")]);
        error = cause.source();
    }
}
