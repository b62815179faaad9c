//! Mixpanel's Query API, as far as cohorts need it: `cohorts/list` and `engage`. Owns the way of a request through
//! credentials, plan and quota; paging is left to `engage` and `sessions`, counting to `quota`.
//!
//! Where the documentation is silent, the stricter reading is served: pages of a session count as running queries although
//! they cost none, and `total` can be trusted on the first page only.

mod engage;
mod quota;
mod selector;
mod sessions;

use serde_json::{Value, json};

use super::SandboxOptions;
use super::fault::{Effect, Side, Target};
use super::parameters::{Parameters, Received};
use super::reply::Reply;
use super::state::{InProgress, Shared, State, Ticket};
use super::{PROJECT_ID, SECRET, SERVICE_ACCOUNT};
use engage::EngageRequest;
use quota::Quota;
use sessions::Sessions;

/// What the Query API knows besides the world.
#[derive(Debug)]
pub(super) struct QueryApi {
    pub secret: String,
    pub plan_allows_api: bool,
    pub running: InProgress,
    pub quota: Quota,
    pub sessions: Sessions,
    pub query_count: usize,
}

impl QueryApi {
    pub(super) fn new(options: &SandboxOptions) -> Self {
        Self {
            secret: SECRET.to_owned(),
            plan_allows_api: true,
            running: InProgress::default(),
            quota: Quota::new(options.queries_per_hour, options.concurrent_queries),
            sessions: Sessions::new(options.session_lifetime),
            query_count: 0,
        }
    }

    fn charge(&mut self) {
        self.quota.charge();
        self.query_count += 1;
    }
}

/// Pages of a session that is already paid for cost nothing.
fn is_free(received: &Received, parameters: &Parameters) -> bool {
    received.path == "/api/query/engage" && parameters.get("session_id").is_some()
}

/// Answers one request, quota headers included.
pub(super) async fn answer(shared: &Shared, received: &Received) -> Reply {
    let _ticket = Ticket::take(shared, |state| &mut state.query_api.running);
    let parameters = received.parameters();
    let is_engage = received.path == "/api/query/engage";
    let target = Target {
        side: Side::Mixpanel,
        path: &received.path,
        page: is_engage.then(|| engage::page_of(&parameters)),
        cohort: engage::cohort_of(&parameters),
        identities: &[],
    };
    // A request too many is turned away at once; it does not take part in what it would have to wait for.
    let crowded = {
        let mut state = shared.lock();
        let running = state.query_api.running.now;
        state
            .query_api
            .quota
            .is_crowded(running)
            .then(|| quota::concurrency_exceeded(&mut state.query_api, running))
    };
    if let Some(reply) = crowded {
        return reply;
    }
    let effect = shared.strike(&target, shared.options.latency.pages).await;
    let mut state = shared.lock();
    if let Some(reply) = effect.as_ref().and_then(Reply::instead_of_work) {
        // A scripted failure of the service costs a query like a real one; refusals and cut connections do not. It
        // carries no quota headers, as the answers of proxies and of a service that sheds load do not.
        if !is_free(received, &parameters) && !matches!(reply.status, 0 | 401 | 402 | 429) {
            state.query_api.charge();
        }
        return reply;
    }
    let reply = charge_and_work(shared, &mut state, received, &parameters, effect.as_ref());
    let reply = with_quota_headers(&mut state.query_api, reply);
    match &effect {
        Some(effect) => reply.spoiled_by(effect),
        None => reply,
    }
}

/// Admission, then the quota, then the work. What is refused before or because of the quota is not charged.
fn charge_and_work(
    shared: &Shared,
    state: &mut State,
    received: &Received,
    parameters: &Parameters,
    effect: Option<&Effect>,
) -> Reply {
    if let Err(refusal) = admit(&state.query_api, received, parameters) {
        return refusal;
    }
    if !is_free(received, parameters) {
        if state.query_api.quota.is_spent() {
            let address = format!("http://{}{}", shared.address, received.target());
            return quota::hourly_exceeded(&mut state.query_api, &address);
        }
        state.query_api.charge();
    }
    if received.path == "/api/query/cohorts/list" {
        return list_cohorts(state);
    }
    EngageRequest::read(parameters, shared.options.page_size)
        .and_then(|request| engage::answer(state, &request, effect))
        .unwrap_or_else(|refusal| error(refusal.status, &received.target(), &refusal.message))
}

fn admit(api: &QueryApi, received: &Received, parameters: &Parameters) -> Result<(), Reply> {
    let refuse = |status, message: &str| Err(error(status, &received.target(), message));
    if !matches!(received.path.as_str(), "/api/query/cohorts/list" | "/api/query/engage") {
        return refuse(404, "Not found");
    }
    if received.method != hyper::Method::POST {
        return refuse(405, "Method not allowed");
    }
    if !received.has_credentials(SERVICE_ACCOUNT, &api.secret) {
        return refuse(401, "Invalid service account credentials");
    }
    match parameters.get("project_id").map(str::parse::<u64>) {
        None => return refuse(400, "Missing required parameter: project_id"),
        Some(Ok(PROJECT_ID)) => {}
        Some(Ok(_)) => return refuse(403, "Permission denied"),
        Some(Err(_)) => return refuse(400, "Invalid parameter: project_id"),
    }
    if !api.plan_allows_api {
        let message = "Your plan does not allow API calls. Upgrade at mixpanel.com/pricing";
        return Err(Reply::json(402, &json!({ "error": message })));
    }
    Ok(())
}

fn list_cohorts(state: &State) -> Reply {
    let cohorts: Vec<Value> = state
        .world
        .cohorts()
        .map(|(id, cohort, count)| {
            json!({
                "id": id,
                "project_id": PROJECT_ID,
                "name": cohort.name,
                "description": cohort.description,
                "data_group_id": cohort.data_group_id,
                "count": count,
                "is_visible": u8::from(cohort.is_visible),
                "created": cohort.created,
            })
        })
        .collect();
    Reply::json(200, &cohorts)
}

fn error(status: u16, target: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "request": target, "error": message }))
}

fn with_quota_headers(api: &mut QueryApi, reply: Reply) -> Reply {
    let running = api.running.now;
    if reply.has_header(quota::RATE_LIMIT) {
        return reply;
    }
    reply
        .header(quota::RATE_LIMIT_POLICY, api.quota.policy())
        .header(quota::RATE_LIMIT, api.quota.remaining(running))
}
