//! The inspection endpoints under `/sandbox/`, for tests that run the real binary and for whoever is curious. Owns their
//! paths and JSON; everything they do is left to `Control`.

use std::sync::Arc;

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::control::Control;
use super::fault::Fault;
use super::parameters::Received;
use super::reply::Reply;
use super::state::Shared;
use super::world::CohortSeed;

/// Answers one request; `rest` is the path behind `/sandbox/`.
pub(super) fn answer(shared: &Arc<Shared>, received: &Received, rest: &str) -> Reply {
    let control = Control::new(Arc::clone(shared));
    let path: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match (&received.method, path.as_slice()) {
        (&Method::GET, ["state"]) => Reply::json(200, &control.counts()),
        (&Method::GET, ["requests"]) => Reply::json(200, &control.feed_requests()),
        (&Method::GET, ["profiles"]) => profiles(&control, received),
        (&Method::GET, ["faults"]) => Reply::json(200, &control.pending_faults()),
        (&Method::GET, ["cohorts", id, "members"]) => {
            with_id(id, |id| Reply::json(200, &control.members(id)))
        }
        (&Method::POST, ["cohorts"]) => each(received, |cohort: CohortSeed| control.add_cohort(cohort)),
        (&Method::DELETE, ["cohorts", id]) => with_id(id, |id| {
            control.remove_cohort(id);
            Reply::empty(204)
        }),
        (&Method::POST, ["faults"]) => each(received, |fault: Fault| control.push_fault(fault)),
        (&Method::DELETE, ["faults"]) => {
            control.clear_faults();
            Reply::empty(204)
        }
        (&Method::POST, ["settings"]) => each(received, |settings: Settings| settings.apply(&control)),
        _ => Reply::empty(404),
    }
}

/// What a test may switch while the sandbox runs; what is missing stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    know_everyone: Option<bool>,
    feed_token_valid: Option<bool>,
    plan_allows_api: Option<bool>,
    secret: Option<String>,
    client_secret: Option<String>,
    /// Users a second; zero is unlimited.
    feed_rate: Option<u32>,
    /// Lookups a second; zero is unlimited.
    profile_rate: Option<u32>,
    #[serde(default)]
    expire_tokens: bool,
    #[serde(default)]
    expire_sessions: bool,
}

impl Settings {
    fn apply(self, control: &Control) {
        if let Some(everyone) = self.know_everyone {
            control.know_everyone(everyone);
        }
        if let Some(valid) = self.feed_token_valid {
            control.set_feed_token_valid(valid);
        }
        if let Some(allowed) = self.plan_allows_api {
            control.set_plan_allows_api(allowed);
        }
        if let Some(secret) = self.secret {
            control.set_secret(&secret);
        }
        if let Some(rate) = self.feed_rate {
            control.set_feed_rate((rate > 0).then_some(rate));
        }
        if let Some(secret) = self.client_secret {
            control.set_client_secret(&secret);
        }
        if let Some(rate) = self.profile_rate {
            control.set_profile_rate((rate > 0).then_some(rate));
        }
        if self.expire_tokens {
            control.expire_tokens();
        }
        if self.expire_sessions {
            control.expire_sessions();
        }
    }
}

fn profiles(control: &Control, received: &Received) -> Reply {
    let parameters = received.parameters();
    let Some(attribute) = parameters.get("attribute") else {
        return wrong("say which attribute: /sandbox/profiles?attribute=NAME");
    };
    let found = control.profiles_with(attribute).into_iter().map(|(key, value)| {
        let history = control.attribute_history(&key, attribute);
        json!({ "profile": key, "value": value, "history": history })
    });
    Reply::json(200, &found.collect::<Vec<Value>>())
}

fn with_id(id: &str, answer: impl FnOnce(u64) -> Reply) -> Reply {
    id.parse().map_or_else(|_| wrong("a cohort id is a number"), answer)
}

/// Takes one thing or a list of things.
fn each<T: DeserializeOwned>(received: &Received, act: impl Fn(T)) -> Reply {
    let things: Result<Vec<T>, _> = match serde_json::from_slice::<Value>(&received.body) {
        Ok(Value::Array(list)) => list.into_iter().map(serde_json::from_value).collect(),
        Ok(single) => serde_json::from_value(single).map(|thing| vec![thing]),
        Err(error) => Err(error),
    };
    match things {
        Ok(things) => {
            things.into_iter().for_each(act);
            Reply::empty(204)
        }
        Err(error) => wrong(&error.to_string()),
    }
}

fn wrong(message: &str) -> Reply {
    Reply::json(400, &json!({ "error": message }))
}
