//! The client of the Profile API: against a server of its own that misbehaves, and against the sandbox.

use crate::server::{Asked, Reply, Server};
use crate::transport;
use cohort_sync::domain::{Identity, IdentityRef};
use cohort_sync::http::{Backoff, TransportError};
use cohort_sync::mparticle::ProfileApi;
use cohort_sync::mparticle::profile::{
    ClientCredentials, Connection, Detail, Exchange, HeldProfile, ProfileError,
};
use cohort_sync::sandbox::{self, Effect, Fault, ProfileKey, Sandbox, SandboxOptions};
use serde_json::json;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const SECRET: &str = "planted-client-secret-3e9a";
const TOKEN: &str = "planted-access-token-81bd";

fn connection(base_url: &str, token_url: String) -> Connection {
    Connection {
        base_url: base_url.to_owned(),
        token_url,
        credentials: ClientCredentials::new("robot", SECRET),
        org_id: 1,
        account_id: 2,
        workspace_id: 3,
        environment: "production".to_owned(),
        identity_type: "customer_id".to_owned(),
        profiles_per_second: 1_000,
        backoff: Backoff {
            tries: 3,
            base: Duration::from_millis(1),
            ceiling: Duration::from_millis(4),
            ..Backoff::default()
        },
    }
}

fn api(server: &Server) -> ProfileApi {
    let connection = connection(&server.url, format!("{}/oauth/token", server.url));
    ProfileApi::new(transport(), connection).unwrap()
}

fn is_token(asked: &Asked) -> bool {
    asked.head.starts_with("POST /oauth/token ")
}

fn token(number: usize, expires_in: u64) -> Reply {
    Reply::new(
        200,
        json!({ "access_token": format!("{TOKEN}-{number}"), "expires_in": expires_in }).to_string(),
    )
}

fn profile() -> Reply {
    Reply::new(200, r#"{"mpid":7,"user_attributes":{"a":"true"}}"#)
}

async fn look_up(api: &ProfileApi) -> Result<Option<HeldProfile>, ProfileError> {
    api.look_up(IdentityRef::Mpid(7), Detail::Attributes, &|_| {}).await
}

/// How often the token endpoint and the API were asked.
fn counts(server: &Server) -> (usize, usize) {
    let tokens = server.asked().iter().filter(|asked| is_token(asked)).count();
    (tokens, server.asked().len() - tokens)
}

/// A lookup that the API answers with this, the first few times.
async fn answered(times: usize, reply: Reply) -> (Result<Option<HeldProfile>, ProfileError>, (usize, usize)) {
    let left = Mutex::new(times);
    let server = Server::start(move |asked, number| {
        if is_token(asked) {
            return token(number, 3_600);
        }
        let mut left = left.lock().unwrap();
        if *left == 0 {
            return profile();
        }
        *left -= 1;
        reply.clone()
    })
    .await;
    let found = look_up(&api(&server)).await;
    (found, counts(&server))
}

fn is_found(found: &Result<Option<HeldProfile>, ProfileError>) -> bool {
    matches!(found, Ok(Some(profile)) if profile.mpid == Some(7))
}

#[tokio::test]
async fn a_token_serves_many_lookups_and_is_asked_for_once_however_many_wait_for_it() {
    let server = Server::start(|asked, number| {
        if is_token(asked) { token(number, 3_600).after(Duration::from_millis(30)) } else { profile() }
    })
    .await;
    let api = api(&server);
    let lookups = (0..6).map(|_| look_up(&api));
    let found = futures_util::future::join_all(lookups).await;
    assert!(found.iter().all(is_found), "{found:?}");
    assert!(is_found(&look_up(&api.clone()).await), "clones share it");
    assert_eq!(counts(&server), (1, 7));
    let asked = server.asked();
    let first = asked.iter().find(|asked| is_token(asked)).unwrap();
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    let expected = json!({
        "client_id": "robot", "client_secret": SECRET, "audience": "https://api.mparticle.com",
        "grant_type": "client_credentials",
    });
    assert_eq!(body, expected);
    let other = asked.iter().find(|asked| !is_token(asked)).unwrap();
    assert!(other.head.starts_with("GET /userprofile/v1/1/2/3/7?fields="), "{}", other.head);
    assert!(other.head.to_lowercase().contains(&format!("authorization: bearer {TOKEN}-")), "{}", other.head);
}

#[tokio::test]
async fn a_token_that_has_expired_is_replaced_before_it_is_refused() {
    let server =
        Server::start(|asked, number| if is_token(asked) { token(number, 0) } else { profile() }).await;
    let api = api(&server);
    for _ in 0..3 {
        assert!(is_found(&look_up(&api).await));
    }
    assert_eq!(counts(&server), (3, 3));
}

#[tokio::test]
async fn a_401_renews_the_token_once_and_a_second_one_is_the_answer() {
    let (found, counts) = answered(1, Reply::new(401, "")).await;
    assert!(is_found(&found), "{found:?}");
    assert_eq!(counts, (2, 2));
    let (found, counts) = answered(9, Reply::new(401, r#"{"message":"Unauthorized"}"#)).await;
    let error = found.unwrap_err();
    assert!(matches!(error, ProfileError::TokenRefused { .. }) && error.needs_person(), "{error:?}");
    assert_eq!(counts, (2, 2));
}

#[tokio::test]
async fn what_a_person_must_mend_is_not_tried_again() {
    for (reply, says) in [
        (Reply::new(403, r#"{"message":"Forbidden"}"#), "org_id, account_id and workspace_id"),
        (Reply::new(400, r#"{"message":"fields is wrong"}"#), "fallback_identity is an immutable identity"),
        (Reply::new(404, "<html><title>nginx</title></html>"), "an HTML page titled “nginx” (HTTP 404)"),
        (Reply::new(200, "<!DOCTYPE html><title>Sign in</title>"), "check base_url"),
        (Reply::new(301, "").header("Location: http://127.0.0.1:9/"), "a redirection (HTTP 301)"),
    ] {
        let (found, (_, lookups)) = answered(9, reply).await;
        let error = found.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.needs_person(), "{error}");
        assert_eq!(lookups, 1, "{error}");
    }
    let (found, _) = answered(9, Reply::new(404, "")).await;
    assert!(matches!(found, Ok(None)), "{found:?}");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_given_up_in_the_end() {
    for reply in [
        Reply::new(429, "").header("Retry-After: 0"),
        Reply::new(503, ""),
        Reply::new(502, "<html><title>Bad gateway</title></html>"),
        profile().cut(),
    ] {
        let (found, (tokens, lookups)) = answered(2, reply.clone()).await;
        assert!(is_found(&found), "{found:?}");
        assert_eq!((tokens, lookups), (1, 3), "the third try is the last");
        let (found, (_, lookups)) = answered(9, reply).await;
        let error = found.unwrap_err();
        assert!(matches!(error, ProfileError::TooManyTries { tries: 3, .. }), "{error:?}");
        assert!(error.to_string().contains("try again later") && !error.needs_person(), "{error}");
        assert_eq!(lookups, 3);
    }
}

#[tokio::test]
async fn everybody_waits_as_long_as_mparticle_asks() {
    let (began, refusal) = (Instant::now(), Reply::new(429, "").header("Retry-After: 1"));
    let (found, _) = answered(1, refusal).await;
    assert!(is_found(&found) && began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_client_without_a_token_says_what_to_check() {
    for (reply, says) in [
        (
            Reply::new(401, r#"{"error":"access_denied","error_description":"Unauthorized"}"#),
            "client_id and client_secret",
        ),
        (Reply::new(400, r#"{"error":"invalid_client"}"#), "HTTP 400: invalid_client"),
        (Reply::new(404, ""), "check token_url"),
        (Reply::new(200, "<html><title>Sign in</title></html>"), "check token_url"),
        (Reply::new(200, r#"{"expires_in":5}"#), "an answer without a token"),
        (Reply::new(500, ""), "failed 3 times"),
    ] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let error = look_up(&api(&server)).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let nobody = connection("http://127.0.0.1:9", "http://127.0.0.1:9/token".to_owned());
    let error = look_up(&ProfileApi::new(transport(), nobody).unwrap()).await.unwrap_err();
    let ProfileError::TooManyTries { last, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*last, ProfileError::Transport(TransportError::Connect { .. })), "{last:?}");
    let bad = connection("nonsense", "https://sso.auth.mparticle.com/oauth/token".to_owned());
    assert!(ProfileApi::new(transport(), bad).unwrap_err().to_string().contains("base_url"));
}

#[tokio::test]
async fn neither_secret_nor_token_leaves_the_client() {
    let server = Server::start(|asked, number| match number {
        // Whoever repeats what it was sent repeats the secret, and later the token.
        0 => Reply::new(500, asked.body.clone()),
        1 => token(1, 3_600),
        2 => Reply::new(503, asked.head.clone()),
        _ => Reply::new(403, json!({ "message": asked.head.clone() }).to_string()),
    })
    .await;
    let heard: Mutex<Vec<Exchange>> = Mutex::default();
    let hear = |exchange: &Exchange| heard.lock().unwrap().push(exchange.clone());
    let api = api(&server);
    let error = api.look_up(IdentityRef::Mpid(7), Detail::Attributes, &hear).await.unwrap_err();
    let heard = heard.into_inner().unwrap();
    assert_eq!(
        heard.iter().map(|exchange| exchange.status).collect::<Vec<_>>(),
        [500, 200, 503, 403].map(Some)
    );
    let all = format!("{error} {error:?} {heard:?} {api:?}");
    assert!(!all.contains(SECRET) && !all.contains(TOKEN), "{all}");
    assert!(all.contains("•••"), "the server did repeat them: {all}");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_is_not_answered_ends_by_itself() {
    let server = Server::start(|asked, number| {
        if is_token(asked) { token(number, 3_600) } else { profile().after(Duration::from_hours(1)) }
    })
    .await;
    let error = look_up(&api(&server)).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within 30 s"), "{error}");
}

#[tokio::test]
async fn the_sandbox_is_understood() {
    let sandbox = Sandbox::start(SandboxOptions::quiet()).await.unwrap();
    let control = sandbox.control();
    control.know_everyone(false);
    let own = connection(&sandbox.profile_api_base_url(), sandbox.token_url());
    let own = Connection {
        credentials: ClientCredentials::new(sandbox::CLIENT_ID, sandbox::CLIENT_SECRET),
        org_id: sandbox::ORG_ID,
        account_id: sandbox::ACCOUNT_ID,
        workspace_id: sandbox::WORKSPACE_ID,
        ..own
    };
    let api = ProfileApi::new(transport(), own.clone()).unwrap();
    assert_eq!(look_up(&api).await.unwrap(), None);
    let ann = ProfileKey::Identity { kind: "customer_id".to_owned(), value: "ann".to_owned() };
    control.add_profile(ProfileKey::Mpid(7));
    control.link_profile(ann, ProfileKey::Mpid(7));
    control.set_attribute(&ProfileKey::Mpid(7), "vip", &json!(true));
    let by_mpid = look_up(&api).await.unwrap().unwrap();
    let ann = Identity::of_distinct_id("ann");
    let by_identity = api.look_up(ann.borrow(), Detail::Everything, &|_| {}).await.unwrap().unwrap();
    assert_eq!(by_identity, by_mpid);
    assert_eq!(by_mpid.identities, [("customer_id".to_owned(), "ann".to_owned())]);
    assert_eq!(by_mpid.held("vip").to_string(), "\"true\"");

    control.expire_tokens();
    assert!(is_found(&look_up(&api).await), "a token that is gone is renewed");
    control.push_fault(Fault::profile_api(Effect::RetryAfterSeconds { seconds: 0 }));
    assert!(is_found(&look_up(&api).await));
    let elsewhere = ProfileApi::new(transport(), Connection { workspace_id: 9, ..own }).unwrap();
    assert!(matches!(look_up(&elsewhere).await, Err(ProfileError::Forbidden { .. })));
}
