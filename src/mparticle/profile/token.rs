//! The token that opens the Profile API: asked for with client credentials (RFC 6749, section 4.4), kept until it
//! expires, and given up when the API refuses it. Nothing prints a credential or a token.

use super::client::{Exchange, Exchanged};
use super::error::{ProfileError, said};
use crate::http::backoff::jitter;
use crate::http::{
    Answer, Authorization, Backoff, Bytes, ContentType, Method, Replaceable, Request, Transport, Url, conceal,
};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What the token is for (mParticle reference, Profile API); the same wherever the API itself is.
const AUDIENCE: &str = "https://api.mparticle.com";

/// A token takes up to three seconds to get.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A token is some kilobytes at most.
const BODY_LIMIT: usize = 1 << 20;

/// A token is given up this long before it expires, or a tenth of its life where that is less, so that no request is
/// refused on its way.
const MARGIN: Duration = Duration::from_mins(1);

/// How long a token is kept whose life nobody told; mParticle's are said to live for eight hours.
const UNTOLD: Duration = Duration::from_mins(30);

/// The setting that leads to the token endpoint.
const SETTING: &str = "token_url";

/// A client of mParticle's API and its secret, which nothing can print.
#[derive(Clone)]
pub struct ClientCredentials {
    pair: Arc<(String, String)>,
}

impl ClientCredentials {
    /// Takes them into custody.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self { pair: Arc::new((client_id.into(), client_secret.into())) }
    }

    /// The request for a token.
    fn body(&self) -> Bytes {
        let (client_id, client_secret) = &*self.pair;
        let body = json!({
            "client_id": client_id,
            "client_secret": client_secret,
            "audience": AUDIENCE,
            "grant_type": "client_credentials",
        });
        body.to_string().into()
    }

    /// Takes the secret out of what a server answered, plain or as it stands in JSON.
    fn conceal(&self, body: Bytes) -> Bytes {
        let secret = &self.pair.1;
        let quoted = serde_json::Value::from(secret.as_str()).to_string();
        conceal(body, &[secret, quoted.trim_matches('"')])
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCredentials(…)")
    }
}

/// A token that is worth trying.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub authorization: Authorization,
    /// Tells it from those before and after it.
    number: u64,
    expires: Instant,
}

/// Keeps the token.
#[derive(Debug)]
pub(super) struct Tokens {
    transport: Transport,
    url: Url,
    credentials: Replaceable<ClientCredentials>,
    backoff: Backoff,
    /// Held while a token is asked for, so that ten lookups that lack one ask for one, not ten.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    asked: u64,
}

/// What the endpoint answers; the token itself goes straight into custody.
#[derive(Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    expires_in: Option<f64>,
}

impl Tokens {
    pub(super) fn new(
        transport: Transport,
        url: Url,
        credentials: ClientCredentials,
        backoff: Backoff,
    ) -> Self {
        let credentials = Replaceable::new(credentials);
        Self { transport, url, credentials, backoff, kept: Mutex::default() }
    }

    /// A token that has not expired: the one that is kept, or a new one.
    pub(super) async fn get(&self, hear: &Exchanged<'_>) -> Result<Token, ProfileError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.token.as_ref().filter(|token| token.expires > Instant::now()) {
            return Ok(token.clone());
        }
        kept.asked += 1;
        let number = kept.asked;
        let (authorization, life) = self.ask_patiently(hear).await?;
        let token = Token { authorization, number, expires: Instant::now() + life };
        kept.token = Some(token.clone());
        Ok(token)
    }

    /// The API refused this token, so another is asked for next time.
    pub(super) async fn give_up(&self, refused: &Token) {
        let mut kept = self.kept.lock().await;
        // Whoever was refused later may have seen it replaced already.
        if kept.token.as_ref().is_some_and(|token| token.number == refused.number) {
            kept.token = None;
        }
    }

    /// Tries other credentials once, and keeps them and the token they got when they are taken.
    pub(super) async fn renew(
        &self,
        credentials: ClientCredentials,
        hear: &Exchanged<'_>,
    ) -> Result<(), ProfileError> {
        let trial = Self::new(self.transport.clone(), self.url.clone(), credentials, self.backoff);
        let (authorization, life) = trial.ask(1, hear).await?;
        let mut kept = self.kept.lock().await;
        self.credentials.replace(trial.credentials.get());
        kept.asked += 1;
        kept.token = Some(Token { authorization, number: kept.asked, expires: Instant::now() + life });
        Ok(())
    }

    async fn ask_patiently(&self, hear: &Exchanged<'_>) -> Result<(Authorization, Duration), ProfileError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.ask(tries, hear).await {
                Err(error) if error.is_passing() => error,
                other => return other,
            };
            let Some(delay) = self.backoff.delay(tries, jitter(), error.retry_after()) else {
                return Err(ProfileError::TooManyTries { tries, last: Box::new(error) });
            };
            tokio::time::sleep(delay).await;
        }
    }

    async fn ask(
        &self,
        attempt: u32,
        hear: &Exchanged<'_>,
    ) -> Result<(Authorization, Duration), ProfileError> {
        let credentials = self.credentials.get();
        let body = credentials.body();
        let request = Request {
            method: Method::Post { content_type: ContentType::Json, body: &body },
            url: &self.url,
            authorization: None,
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        };
        let sent = self.transport.send(request).await;
        let mut exchange = Exchange { what: "token", bytes: body.len(), attempt, ..Exchange::of(&sent) };
        let result = match sent {
            Err(error) => Err(error.into()),
            Ok(answer) => judge(answer, &credentials),
        };
        exchange.said = match &result {
            Ok((_, life)) => format!("a token, kept for {} s", life.as_secs()),
            Err(error) => error.to_string(),
        };
        hear(&exchange);
        result
    }
}

fn judge(answer: Answer, credentials: &ClientCredentials) -> Result<(Authorization, Duration), ProfileError> {
    let given: Option<Given<'_>> =
        if answer.is_success() { serde_json::from_slice(&answer.body).ok() } else { None };
    if let Some(given) = given.filter(|given| !given.access_token.is_empty()) {
        return Ok((Authorization::bearer(given.access_token.as_ref()), life(given.expires_in)));
    }
    // What is left is no token, but may repeat the secret.
    let answer = Answer { body: credentials.conceal(answer.body), ..answer };
    Err(match ProfileError::of_stranger(&answer, SETTING) {
        Some(error) => error,
        None if matches!(answer.status, 400 | 401 | 403) => ProfileError::Credentials { said: said(&answer) },
        // Nothing of a 2xx is repeated: what did not read may still be a token.
        None if answer.is_success() => ProfileError::NotTheApi {
            came: format!("an answer without a token (HTTP {})", answer.status),
            setting: SETTING,
        },
        None => ProfileError::of_body(&answer, SETTING),
    })
}

/// How long a token is kept that is said to live for so many seconds.
fn life(expires_in: Option<f64>) -> Duration {
    let told = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A year is as good as for ever, and cannot overflow a clock.
    let told = told.map_or(UNTOLD, |life| life.min(Duration::from_hours(365 * 24)));
    told.saturating_sub(MARGIN.min(told / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_up_a_little_before_it_expires() {
        assert_eq!(life(Some(28_800.0)), Duration::from_mins(8 * 60 - 1));
        assert_eq!(life(Some(20.0)), Duration::from_secs(18));
        assert_eq!(life(Some(0.0)), Duration::ZERO);
        for untold in [None, Some(-1.0), Some(f64::NAN)] {
            assert_eq!(life(untold), Duration::from_mins(29), "{untold:?}");
        }
        assert!(life(Some(1e300)) <= UNTOLD, "what no clock can hold is not believed");
    }

    #[test]
    fn neither_secret_nor_request_can_be_printed() {
        let credentials = ClientCredentials::new("robot", "pl4nted \"secret\"");
        assert!(!format!("{credentials:?}").contains("pl4nted"));
        let echo = credentials.conceal(credentials.body());
        let echo = String::from_utf8(echo.to_vec()).unwrap();
        assert!(echo.contains("robot") && !echo.contains("pl4nted"), "{echo}");
    }
}
