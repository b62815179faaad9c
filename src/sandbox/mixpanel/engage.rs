//! Reading profiles, page by page: the members of a cohort, or whoever a filter chooses. Owns what the parameters mean
//! and what a page looks like; the frozen results are left to `sessions`, the filters to `selector`.

use serde_json::{Map, Value, json};

use super::super::fault::Effect;
use super::super::parameters::Parameters;
use super::super::reply::Reply;
use super::super::state::State;
use super::super::world::PersonSeed;
use super::selector::{Expression, Filter};
use super::sessions::Session;

/// A request that cannot be served, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub message: String,
}

fn refuse(status: u16, message: impl Into<String>) -> Refusal {
    Refusal { status, message: message.into() }
}

fn uncached() -> Refusal {
    refuse(400, "request for page in uncached query for params")
}

/// A request for one page of profiles.
#[derive(Debug, PartialEq)]
pub(super) struct EngageRequest {
    /// Of whose members; of everybody when `None`.
    cohort: Option<u64>,
    filter: Option<Filter>,
    include_all_users: bool,
    output_properties: Option<Vec<String>>,
    page: u64,
    page_size: usize,
    session_id: Option<String>,
}

/// The page that is asked for, for the faults.
pub(super) fn page_of(parameters: &Parameters) -> u64 {
    parameters.get("page").and_then(|page| page.parse().ok()).unwrap_or(0)
}

/// The cohort that is asked for, for the faults.
pub(super) fn cohort_of(parameters: &Parameters) -> Option<u64> {
    let filter: Value = serde_json::from_str(parameters.get("filter_by_cohort")?).ok()?;
    filter.get("id")?.as_u64()
}

impl EngageRequest {
    pub(super) fn read(parameters: &Parameters, largest_page: usize) -> Result<Self, Refusal> {
        for unserved in ["behaviors", "distinct_ids", "data_group_id", "as_of_timestamp"] {
            if parameters.get(unserved).is_some() {
                // Ignoring a filter would answer with the wrong people.
                return Err(refuse(400, format!("The sandbox does not serve the parameter {unserved}")));
            }
        }
        let filter = filter_of(parameters)?;
        let cohort = cohort_of(parameters);
        // A question about everybody that names nobody is not what anybody meant to ask.
        let is_left_out = parameters.get("filter_by_cohort").is_none() && filter.is_some();
        if cohort.is_none() && !is_left_out {
            return Err(refuse(400, "Invalid parameter: filter_by_cohort"));
        }
        let include_all_users =
            match parameters.get("include_all_users").map(str::to_ascii_lowercase).as_deref() {
                None | Some("true" | "1") => true,
                Some("false" | "0") => false,
                Some(_) => return Err(refuse(400, "Invalid parameter: include_all_users")),
            };
        let output_properties = match parameters.get("output_properties").map(serde_json::from_str) {
            None => None,
            Some(Ok(names)) => Some(names),
            Some(Err(_)) => return Err(refuse(400, "Invalid parameter: output_properties")),
        };
        let page = match parameters.get("page").map(str::parse) {
            None => 0,
            Some(Ok(page)) => page,
            Some(Err(_)) => return Err(refuse(400, "Invalid parameter: page")),
        };
        let page_size = match parameters.get("page_size").map(str::parse::<usize>) {
            None => largest_page,
            Some(Ok(size)) if size > 0 => size.min(largest_page),
            Some(_) => return Err(refuse(400, "Invalid parameter: page_size")),
        };
        let session_id = parameters.get("session_id").map(str::to_owned);
        if page > 0 && session_id.is_none() {
            return Err(refuse(400, "Invalid parameter: page > 0 requires session_id"));
        }
        Ok(Self { cohort, filter, include_all_users, output_properties, page, page_size, session_id })
    }

    /// Later pages must repeat the question of the first one.
    fn question(&self) -> String {
        format!(
            "{:?} {:?} {} {:?} {}",
            self.cohort, self.filter, self.include_all_users, self.output_properties, self.page_size
        )
    }
}

fn filter_of(parameters: &Parameters) -> Result<Option<Filter>, Refusal> {
    match (parameters.get("distinct_id"), parameters.get("where")) {
        (None, None) => Ok(None),
        // The documentation does not say that they go together, nor which of them would win.
        (Some(_), _) if parameters.get("filter_by_cohort").is_some() => {
            Err(refuse(400, "The sandbox does not serve distinct_id together with filter_by_cohort"))
        }
        (Some(_), Some(_)) => Err(refuse(400, "The sandbox does not serve distinct_id together with where")),
        (Some(id), None) => Ok(Some(Filter::DistinctId(id.to_owned()))),
        (None, Some(text)) => match Expression::read(text) {
            Some(expression) => Ok(Some(Filter::Where(expression))),
            None => Err(refuse(400, format!("The sandbox does not serve the expression {text}"))),
        },
    }
}

/// Answers one page; the effect may spoil it.
pub(super) fn answer(
    state: &mut State,
    request: &EngageRequest,
    effect: Option<&Effect>,
) -> Result<Reply, Refusal> {
    if effect == Some(&Effect::SessionExpired) {
        state.query_api.sessions.close(request.session_id.as_deref().unwrap_or_default());
        return Err(uncached());
    }
    let (session_id, session) = session(state, request, effect == Some(&Effect::FilterIgnored))?;
    let start = usize::try_from(request.page).unwrap_or(usize::MAX).saturating_mul(request.page_size);
    let mut people = session.snapshot.people(start, start.saturating_add(request.page_size));
    let mut total = session.snapshot.len();
    match effect {
        Some(Effect::ShortPage) => {
            people.pop();
        }
        Some(Effect::EmptyRead) => {
            people.clear();
            total = 0;
        }
        _ => {}
    }
    let session_id =
        if effect == Some(&Effect::WrongSession) { state.query_api.sessions.invent_id() } else { session_id };
    let results: Vec<Value> = people.into_iter().map(|person| result(person, request)).collect();
    // The documentation calls the total the number of users in the payload. The first page says how many match in
    // all, which is what clients rely on; later pages take the documentation at its word.
    let total = if request.page == 0 { total } else { results.len() };
    let body = json!({
        "page": request.page,
        "page_size": request.page_size,
        "results": results,
        "session_id": session_id,
        "status": "ok",
        "total": total,
    });
    Ok(Reply::json(200, &body))
}

fn session(
    state: &mut State,
    request: &EngageRequest,
    is_filter_ignored: bool,
) -> Result<(String, Session), Refusal> {
    let question = request.question();
    if let Some(id) = &request.session_id {
        let session = state.query_api.sessions.find(id, &question).ok_or_else(uncached)?;
        return Ok((id.clone(), session));
    }
    let snapshot = match (&request.filter, request.cohort) {
        (Some(filter), cohort) if !is_filter_ignored => {
            state.world.people_who(cohort, filter.ids().as_deref(), |person| filter.accepts(person))
        }
        (_, Some(cohort)) => state.world.snapshot(cohort, !request.include_all_users),
        (_, None) => state.world.people_who(None, None, |_| true),
    };
    let unknown = || refuse(404, format!("Cohort {} could not be found", request.cohort.unwrap_or_default()));
    let snapshot = snapshot.ok_or_else(unknown)?;
    let session = Session { question, snapshot };
    Ok((state.query_api.sessions.open(session.clone()), session))
}

/// One entry of `results`. Somebody without a profile has no `$properties` at all.
fn result(person: PersonSeed, request: &EngageRequest) -> Value {
    let mut entry = Map::from_iter([("$distinct_id".to_owned(), person.distinct_id)]);
    if let Some(mut properties) = person.properties {
        if let Some(wanted) = &request.output_properties {
            properties.retain(|name, _| wanted.iter().any(|wanted| wanted == name));
        }
        entry.insert("$properties".to_owned(), Value::Object(properties));
    }
    Value::Object(entry)
}
