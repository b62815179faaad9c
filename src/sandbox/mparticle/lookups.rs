//! The Profile API, and the endpoint that gives the tokens for it. Owns who may ask, how often, and what an answer looks
//! like; what the profiles hold is left to `profiles`.
//!
//! The public documentation names no answer for a profile that does not exist but 400 "or the requested profile is
//! invalid", so that is what is answered here; a script can make it anything else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::clock::scramble;
use super::super::fault::{Side, Target};
use super::super::parameters::Received;
use super::super::reply::Reply;
use super::super::state::{InProgress, Shared, State, Ticket};
use super::super::{ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, ORG_ID, SandboxOptions, WORKSPACE_ID};
use super::profiles::ProfileKey;

const AUDIENCE: &str = "https://api.mparticle.com";
const FIELDS: [&str; 5] =
    ["device_identities", "user_identities", "user_attributes", "audience_memberships", "attribution"];
/// The only identity by which a profile can be found: one that never changes.
const IMMUTABLE: &str = "customer_id";

/// What the two endpoints know.
#[derive(Debug)]
pub(in crate::sandbox) struct Lookups {
    pub running: InProgress,
    pub client_secret: String,
    /// Lookups a second; `None` is unlimited.
    pub limit: Option<u32>,
    lifetime: Duration,
    /// When each token that was given stops being one.
    tokens: HashMap<String, Instant>,
    seed: u64,
    /// Tokens given since the start.
    pub tokens_given: u64,
    /// Lookups since the start, refused ones included.
    pub asked: u64,
    /// Lookups that were refused because there were too many.
    pub refused: u64,
    allowance: f64,
    refilled: Instant,
}

impl Lookups {
    pub(super) fn new(options: &SandboxOptions) -> Self {
        Self {
            running: InProgress::default(),
            client_secret: CLIENT_SECRET.to_owned(),
            limit: options.profiles_per_second,
            lifetime: options.token_lifetime,
            tokens: HashMap::new(),
            seed: options.seed,
            tokens_given: 0,
            asked: 0,
            refused: 0,
            allowance: options.profiles_per_second.map_or(0.0, f64::from),
            refilled: Instant::now(),
        }
    }

    /// From now on no token that was given opens anything.
    pub(in crate::sandbox) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Whether one more lookup is within the limit; a second's worth may come at once.
    fn admit(&mut self) -> bool {
        self.asked += 1;
        let Some(limit) = self.limit.map(f64::from) else { return true };
        self.allowance = (self.allowance + limit * self.refilled.elapsed().as_secs_f64()).min(limit.max(1.0));
        self.refilled = Instant::now();
        if self.allowance < 1.0 {
            self.refused += 1;
            return false;
        }
        self.allowance -= 1.0;
        true
    }

    fn give_token(&mut self) -> String {
        self.tokens_given += 1;
        let noise = scramble(self.seed ^ self.tokens_given);
        let token = format!("sandbox-token-{}-{noise:016x}", self.tokens_given);
        self.tokens.insert(token.clone(), Instant::now() + self.lifetime);
        token
    }

    fn opens(&self, received: &Received) -> bool {
        let given = received.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|given| given.strip_prefix("Bearer "));
        token.and_then(|token| self.tokens.get(token)).is_some_and(|expires| *expires > Instant::now())
    }
}

/// Gives a token to whoever knows the secret.
pub(in crate::sandbox) async fn answer_token(shared: &Arc<Shared>, received: &Received) -> Reply {
    with_faults(shared, received, &[], |state| {
        if received.method != Method::POST {
            return Reply::empty(405);
        }
        let parameters = received.parameters();
        let is = |name, wanted: &str| parameters.get(name) == Some(wanted);
        if !is("grant_type", "client_credentials") || !is("audience", AUDIENCE) {
            return refuse_grant(400, "invalid_request", "grant_type or audience is missing or wrong");
        }
        if !is("client_id", CLIENT_ID) || !is("client_secret", &state.feed.lookups.client_secret) {
            return refuse_grant(401, "access_denied", "Unauthorized");
        }
        let lookups = &mut state.feed.lookups;
        let (token, seconds) = (lookups.give_token(), lookups.lifetime.as_secs());
        Reply::json(200, &json!({ "access_token": token, "expires_in": seconds, "token_type": "Bearer" }))
    })
    .await
}

fn refuse_grant(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": error, "error_description": description }))
}

/// Answers a lookup; `rest` is the path behind `/userprofile/v1/`.
pub(in crate::sandbox) async fn answer(shared: &Arc<Shared>, received: &Received, rest: &str) -> Reply {
    let asked = Asked::read(received, rest);
    let identities: Vec<Vec<String>> = asked.iter().map(|asked| vec![asked.person()]).collect();
    with_faults(shared, received, &identities, |state| match asked {
        None => Reply::empty(404),
        Some(asked) => look_up(state, received, &asked),
    })
    .await
}

async fn with_faults(
    shared: &Arc<Shared>,
    received: &Received,
    identities: &[Vec<String>],
    work: impl FnOnce(&mut State) -> Reply,
) -> Reply {
    let _ticket = Ticket::take(shared, |state| &mut state.feed.lookups.running);
    let target =
        Target { side: Side::ProfileApi, path: &received.path, page: None, cohort: None, identities };
    let effect = shared.strike(&target, shared.options.latency.feed).await;
    if let Some(instead) = effect.as_ref().and_then(Reply::instead_of_work) {
        return instead;
    }
    let reply = work(&mut shared.lock());
    match &effect {
        Some(effect) => reply.spoiled_by(effect),
        None => reply,
    }
}

/// A lookup as it was asked.
struct Asked {
    place: [String; 3],
    whom: Whom,
}

enum Whom {
    Mpid(String),
    /// What the body says, as far as it reads.
    Identity(Value),
}

impl Asked {
    fn read(received: &Received, rest: &str) -> Option<Self> {
        let parts: Vec<&str> = rest.split('/').collect();
        let (place, whom) = match parts.as_slice() {
            ["resolve", place @ ..] if received.method == Method::POST => {
                (place, Whom::Identity(serde_json::from_slice(&received.body).unwrap_or_default()))
            }
            [place @ .., mpid] if received.method == Method::GET => (place, Whom::Mpid((*mpid).to_owned())),
            _ => return None,
        };
        let place: [&str; 3] = place.try_into().ok()?;
        Some(Self { place: place.map(str::to_owned), whom })
    }

    /// Whom it is about, for the faults.
    fn person(&self) -> String {
        match &self.whom {
            Whom::Mpid(mpid) => mpid.clone(),
            Whom::Identity(body) => {
                body.pointer("/identity/value").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
        }
    }

    fn key(&self) -> Result<ProfileKey, Reply> {
        let body = match &self.whom {
            Whom::Mpid(mpid) => {
                return mpid
                    .parse()
                    .map(ProfileKey::Mpid)
                    .map_err(|_| bad_request("The mpid is not a number."));
            }
            Whom::Identity(body) => body,
        };
        let text = |pointer| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if !["production", "development"].contains(&text("/environment_type")) {
            return Err(bad_request("environment_type must be production or development."));
        }
        if text("/identity/type") != IMMUTABLE {
            let message = format!("The identity type \"{}\" is not immutable.", text("/identity/type"));
            return Err(bad_request(&message));
        }
        let value = text("/identity/value");
        if value.is_empty() {
            return Err(bad_request("identity.value is missing."));
        }
        Ok(ProfileKey::Identity { kind: IMMUTABLE.to_owned(), value: value.to_owned() })
    }
}

fn bad_request(message: &str) -> Reply {
    Reply::json(400, &json!({ "errors": [{ "code": "BAD_REQUEST", "message": message }] }))
}

fn look_up(state: &mut State, received: &Received, asked: &Asked) -> Reply {
    if !state.feed.lookups.opens(received) {
        return Reply::json(401, &json!({ "message": "Unauthorized" }));
    }
    if !state.feed.lookups.admit() {
        return Reply::empty(429).header(RETRY_AFTER.as_str(), 1);
    }
    if asked.place != [ORG_ID, ACCOUNT_ID, WORKSPACE_ID].map(|id| id.to_string()) {
        return Reply::json(403, &json!({ "message": "Forbidden" }));
    }
    let parameters = received.parameters();
    let fields: Vec<&str> =
        parameters.get("fields").into_iter().flat_map(|fields| fields.split(',')).collect();
    if fields.is_empty() || fields.iter().any(|field| !FIELDS.contains(field)) {
        return bad_request("fields is missing or names an unknown field.");
    }
    let key = match asked.key() {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    match state.feed.profiles.look_up(&key) {
        None => bad_request("The requested profile is invalid."),
        Some(profile) => {
            Reply::json(200, &written(profile.mpid, &profile.identities, &profile.attributes, &fields))
        }
    }
}

/// A profile as the API writes it: of the fields only those that were asked for, and every attribute as a text.
fn written(
    mpid: i64,
    identities: &[(String, String)],
    attributes: &BTreeMap<String, Value>,
    fields: &[&str],
) -> Value {
    let mut profile = Map::new();
    let mut put = |name: &str, value: Value| profile.insert(name.to_owned(), value);
    put("mpid", mpid.into());
    put("is_opted_out", false.into());
    put("limit_ad_tracking", Value::Null);
    put("account_userattributes", Value::Null);
    for field in fields {
        let value = match *field {
            "user_attributes" => attributes
                .iter()
                .map(|(name, value)| (name.clone(), as_text(value)))
                .collect::<Map<_, _>>()
                .into(),
            "user_identities" => identities
                .iter()
                .map(|(kind, value)| json!({ "type": kind, "encoding": "none", "value": value }))
                .collect::<Vec<_>>()
                .into(),
            _ => json!([]),
        };
        put(field, value);
    }
    profile.into()
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        other => other.clone(),
    }
}
