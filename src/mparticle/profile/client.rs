//! Looking profiles up: one person at a time, by MPID or by the identity that carries `$distinct_id`, as fast as the
//! API allows and no faster. A token that the API refuses is renewed once; what passes by itself is tried again.

use super::error::{ProfileError, message, said};
use super::token::{ClientCredentials, Token, Tokens};
use super::wire::{Detail, HeldProfile};
use crate::domain::IdentityRef;
use crate::http::backoff::jitter;
use crate::http::{
    Answer, Backoff, Bytes, ContentType, FeedGate, Feedback, Limit, Line, Method, PacerOptions, Permit,
    Request, Transport, TransportError, Url,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Lookups a second that mParticle allows unless more was agreed on (mParticle reference, Limits).
pub const PROFILES_PER_SECOND: u32 = 15;

/// Lookups come in the order of asking, whoever asks.
const EVERYBODY: Line = Line { number: 0, shares: 1 };

/// Lookups on their way at once: enough for the rate when an answer takes half a second.
const AT_ONCE: usize = 8;

/// A lookup that takes longer is not answered any more.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A hundred attributes of four thousand characters, and some identities.
const BODY_LIMIT: usize = 4 << 20;

/// The setting that leads to the API.
const SETTING: &str = "base_url";

/// Where profiles are read and as whom.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The API, without a slash at its end; `/userprofile/v1/…` is appended.
    pub base_url: String,
    /// Where the token comes from.
    pub token_url: String,
    /// Who asks.
    pub credentials: ClientCredentials,
    /// The organization.
    pub org_id: u64,
    /// The account.
    pub account_id: u64,
    /// The workspace.
    pub workspace_id: u64,
    /// `production` or `development`; lookups by identity must say which.
    pub environment: String,
    /// The identity type that carries `$distinct_id`; must be an immutable one of the account.
    pub identity_type: String,
    /// The most lookups a second; see [`PROFILES_PER_SECOND`].
    pub profiles_per_second: u32,
    /// The timing of retries.
    pub backoff: Backoff,
}

/// One request and its answer, for a journal. Holds neither a credential nor anything of the profile.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was asked for: "token" or "profile".
    pub what: &'static str,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// How long it took.
    pub elapsed: Duration,
    /// Bytes of the request's body; of the answer's where there is none.
    pub bytes: usize,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// What came of it, in words.
    pub said: String,
    /// Whether it came to what it was for.
    pub is_well: bool,
}

impl Exchange {
    /// What the outside of an answer tells.
    pub(super) fn of(sent: &Result<Answer, TransportError>) -> Self {
        let answer = sent.as_ref().ok();
        Self {
            what: "",
            status: answer.map(|answer| answer.status),
            elapsed: answer.map_or(Duration::ZERO, |answer| answer.elapsed),
            bytes: answer.map_or(0, |answer| answer.body.len()),
            attempt: 1,
            said: String::new(),
            is_well: answer.is_some_and(Answer::is_success),
        }
    }
}

/// Hears of every request.
pub type Exchanged<'a> = dyn Fn(&Exchange) + Send + Sync + 'a;

/// The Profile API of one workspace. Cheap to clone; clones share the token and the pace.
#[derive(Debug, Clone)]
pub struct ProfileApi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    tokens: Tokens,
    gate: FeedGate,
    backoff: Backoff,
    /// `/userprofile/v1`.
    base: Url,
    /// Organization, account and workspace.
    place: [String; 3],
    environment: String,
    identity_type: String,
}

/// What an answer to a lookup means.
enum Verdict {
    Found(HeldProfile),
    NoProfile,
    /// The token is refused.
    Renew(ProfileError),
    Failed(ProfileError),
}

impl ProfileApi {
    /// A client that has not asked for anything yet.
    ///
    /// # Errors
    /// [`ProfileError::BadAddress`] when an address cannot be read.
    pub fn new(transport: Transport, connection: Connection) -> Result<Self, ProfileError> {
        let read = |setting, address: &str| {
            Url::parse(address)
                .map_err(|error| ProfileError::BadAddress { setting, reason: error.to_string() })
        };
        let base = format!("{}/userprofile/v1", connection.base_url.trim_end_matches('/'));
        let token_url = read("token_url", &connection.token_url)?;
        let Connection { credentials, backoff, org_id, account_id, workspace_id, .. } = connection;
        let shared = Shared {
            base: read(SETTING, &base)?,
            tokens: Tokens::new(transport.clone(), token_url, credentials, backoff),
            transport,
            gate: FeedGate::new(PacerOptions {
                max_in_flight: AT_ONCE,
                most_per_second: Some(connection.profiles_per_second),
                ..PacerOptions::default()
            }),
            backoff,
            place: [org_id, account_id, workspace_id].map(|id| id.to_string()),
            environment: connection.environment,
            identity_type: connection.identity_type,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Whether an identity of a profile is one of those by which people are addressed here.
    #[must_use]
    pub fn is_addressed_by(&self, identity_type: &str) -> bool {
        self.shared.identity_type == identity_type
    }

    /// Asks for a token with other credentials, and works with them from now on when they are taken; so do all clones.
    ///
    /// # Errors
    /// They were not taken, or nobody could be asked; everything is as it was.
    pub async fn renew(
        &self,
        credentials: ClientCredentials,
        hear: &Exchanged<'_>,
    ) -> Result<(), ProfileError> {
        self.shared.tokens.renew(credentials, hear).await
    }

    /// Looks one person up; `None` when mParticle has no such profile. Waits for its turn, so that all lookups
    /// together stay within the API's limit. A future that is dropped leaves no trace.
    ///
    /// # Errors
    /// See [`ProfileError`]; each says what to do.
    pub async fn look_up(
        &self,
        person: IdentityRef<'_>,
        detail: Detail,
        hear: &Exchanged<'_>,
    ) -> Result<Option<HeldProfile>, ProfileError> {
        let (url, body) = self.shared.request(person, detail);
        let (mut tries, mut is_renewed) = (0, false);
        loop {
            tries += 1;
            let token = self.shared.tokens.get(hear).await?;
            let error = match self.shared.ask(&url, body.as_ref(), &token, tries, hear).await {
                Verdict::Found(profile) => return Ok(Some(profile)),
                Verdict::NoProfile => return Ok(None),
                Verdict::Renew(error) => {
                    self.shared.tokens.give_up(&token).await;
                    // Once it may have expired early or been revoked; a new one that is refused is another matter.
                    if std::mem::replace(&mut is_renewed, true) {
                        return Err(error);
                    }
                    continue;
                }
                Verdict::Failed(error) if error.is_passing() => error,
                Verdict::Failed(error) => return Err(error),
            };
            let Some(delay) = self.shared.backoff.delay(tries, jitter(), error.retry_after()) else {
                return Err(ProfileError::TooManyTries { tries, last: Box::new(error) });
            };
            tokio::time::sleep(delay).await;
        }
    }
}

impl Shared {
    /// Where to ask for somebody, and with which body if with any.
    fn request(&self, person: IdentityRef<'_>, detail: Detail) -> (Url, Option<Bytes>) {
        let (mpid, body) = match person {
            IdentityRef::Mpid(mpid) => (Some(mpid.to_string()), None),
            other => {
                let identity = json!({ "type": self.identity_type, "value": other.to_string() });
                let body = json!({ "environment_type": self.environment, "identity": identity });
                (None, Some(Bytes::from(body.to_string())))
            }
        };
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(body.as_ref().map(|_| "resolve")).extend(&self.place).extend(mpid);
        }
        url.query_pairs_mut().append_pair("fields", detail.fields());
        (url, body)
    }

    async fn ask(
        &self,
        url: &Url,
        body: Option<&Bytes>,
        token: &Token,
        attempt: u32,
        hear: &Exchanged<'_>,
    ) -> Verdict {
        let method = match body {
            None => Method::Get,
            Some(body) => Method::Post { content_type: ContentType::Json, body },
        };
        let authorization = Some(&token.authorization);
        let request = Request { method, url, authorization, timeout: TIMEOUT, body_limit: BODY_LIMIT };
        let permit = self.gate.enter(EVERYBODY, 1).await;
        let sent = self.transport.send(request).await;
        self.pace(permit, &sent);
        let mut exchange = Exchange { what: "profile", attempt, ..Exchange::of(&sent) };
        exchange.bytes = body.map_or(exchange.bytes, Bytes::len);
        let verdict = match sent {
            Err(error) => Verdict::Failed(error.into()),
            Ok(answer) => judge(&Answer { body: token.authorization.conceal(answer.body), ..answer }),
        };
        (exchange.said, exchange.is_well) = match &verdict {
            Verdict::Found(profile) => {
                (format!("a profile with {} attributes", profile.attributes.len()), true)
            }
            Verdict::NoProfile => ("no such profile".to_owned(), true),
            Verdict::Renew(error) | Verdict::Failed(error) => (error.to_string(), false),
        };
        hear(&exchange);
        verdict
    }

    fn pace(&self, permit: Permit, sent: &Result<Answer, TransportError>) {
        let feedback = match sent {
            Ok(answer) if answer.status == 429 => {
                Feedback::Refused { limit: Limit::Other, retry_after: answer.headers.retry_delay() }
            }
            Ok(answer) if answer.status >= 500 => {
                Feedback::Failed { retry_after: answer.headers.retry_delay() }
            }
            Ok(answer) => Feedback::Answered { elapsed: answer.elapsed, percent_used: None },
            Err(_) => Feedback::Failed { retry_after: None },
        };
        self.gate.answered(permit, feedback);
    }
}

/// The published answers are 200, 400, 401, 403, 429 and 5xx. Which of them a profile that does not exist gets is not
/// said in so many words ("400 … or the requested profile is invalid"), so a 404 of the API's own counts as that, and
/// a 400 that speaks of the profile; any other 400 is a mistake in the configuration, which must not look like
/// people who are missing.
fn judge(answer: &Answer) -> Verdict {
    if let Some(error) = ProfileError::of_stranger(answer, SETTING) {
        return Verdict::Failed(error);
    }
    match answer.status {
        200..=299 => match HeldProfile::read(&answer.body) {
            Ok(profile) => Verdict::Found(profile),
            Err(_) => Verdict::Failed(ProfileError::of_body(answer, SETTING)),
        },
        401 => Verdict::Renew(ProfileError::TokenRefused { said: said(answer) }),
        403 => Verdict::Failed(ProfileError::Forbidden { said: said(answer) }),
        404 | 410 => Verdict::NoProfile,
        400 if message(&answer.body).is_some_and(|text| text.to_ascii_lowercase().contains("profile")) => {
            Verdict::NoProfile
        }
        _ => Verdict::Failed(ProfileError::BadRequest { said: said(answer) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Identity;
    use crate::http::{AnswerHeaders, TransportOptions};
    use proptest::prelude::*;

    fn api() -> ProfileApi {
        let connection = Connection {
            base_url: "https://api.mparticle.com".to_owned(),
            token_url: "https://sso.auth.mparticle.com/oauth/token".to_owned(),
            credentials: ClientCredentials::new("robot", "secret"),
            org_id: 1,
            account_id: 2,
            workspace_id: 3,
            environment: "production".to_owned(),
            identity_type: "customer_id".to_owned(),
            profiles_per_second: PROFILES_PER_SECOND,
            backoff: Backoff::default(),
        };
        ProfileApi::new(Transport::new(TransportOptions::default()).unwrap(), connection).unwrap()
    }

    #[test]
    fn people_are_asked_for_as_the_documentation_says() {
        let (url, body) = api().shared.request(IdentityRef::Mpid(-7), Detail::Attributes);
        let fields = "user_attributes%2Cuser_identities";
        assert_eq!(
            url.as_str(),
            format!("https://api.mparticle.com/userprofile/v1/1/2/3/-7?fields={fields}")
        );
        assert_eq!(body, None);
        let identity = Identity::of_distinct_id("a \"b\"/é");
        let (url, body) = api().shared.request(identity.borrow(), Detail::Everything);
        let fields = format!("{fields}%2Caudience_memberships");
        assert_eq!(
            url.as_str(),
            format!("https://api.mparticle.com/userprofile/v1/resolve/1/2/3?fields={fields}")
        );
        let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let identity = json!({ "type": "customer_id", "value": "a \"b\"/é" });
        assert_eq!(body, json!({ "environment_type": "production", "identity": identity }));
    }

    fn verdict(status: u16, body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Answer { status, headers: AnswerHeaders::default(), body, elapsed: Duration::ZERO };
        match judge(&answer) {
            Verdict::Found(_) => "found".to_owned(),
            Verdict::NoProfile => "none".to_owned(),
            Verdict::Renew(error) => format!("renew: {error}"),
            Verdict::Failed(error) => {
                format!("{}: {error}", if error.is_passing() { "again" } else { "over" })
            }
        }
    }

    #[test]
    fn every_answer_has_one_meaning_and_every_failure_a_remedy() {
        assert_eq!(verdict(200, r#"{"mpid":1,"user_attributes":{}}"#), "found");
        assert_eq!(verdict(404, ""), "none");
        let invalid = r#"{"errors":[{"code":"BAD_REQUEST","message":"The requested profile is invalid."}]}"#;
        assert_eq!(verdict(400, invalid), "none");
        for (status, body, begins, says) in [
            (400, r#"{"message":"fields is required"}"#, "over", "org_id, account_id and workspace_id"),
            (401, "", "renew", "token_url and base_url"),
            (403, r#"{"message":"no"}"#, "over", "org_id, account_id and workspace_id"),
            (404, "<html><title>nginx</title>", "over", "titled “nginx” (HTTP 404)"),
            (200, "<!doctype html><title>Sign in</title>", "over", "check base_url"),
            (200, "{}", "over", "check base_url"),
            (302, "", "over", "redirection"),
            (429, "", "again", "HTTP 429"),
            (503, "<html>", "again", "HTTP 503"),
            (418, "", "over", "HTTP 418"),
        ] {
            let found = verdict(status, body);
            assert!(found.starts_with(begins) && found.contains(says), "{status} {body}: {found}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_judging_panic(status in 100..600_u16, body in "\\PC{0,80}") {
            let _ = verdict(status, &body);
        }
    }
}
