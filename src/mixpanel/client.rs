//! The two operations of the Query API, one request each. Retrying, paging and spending the budget are for
//! others; this file knows addresses, parameters and how many requests may be on their way.

use super::error::MixpanelError;
use super::lookup::Lookup;
use super::page::{PageHead, gather, read_page};
use super::wire::read_cohorts;
use crate::domain::harvest::{Gathering, Harvest};
use crate::domain::property::PropertyNames;
use crate::domain::{Cohort, CohortId, Profile, ReadingRules};
use crate::http::text::excerpt;
use crate::http::{Answer, Authorization, ContentType, MASK, Method, Replaceable, Request, Transport, Url};
use bytes::Bytes;
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Mixpanel answers or gives up within 488 s (its own proxy's deadline); waiting a little longer lets it
/// say so itself.
const TIMEOUT: Duration = Duration::from_secs(503);

/// A page of 1,000 profiles with two properties is some 150 kB; larger pages exist, this is beyond any of them.
const BODY_LIMIT: usize = 256 << 20;

/// Queries of a project at once (Mixpanel reference, Rate Limits). Whether free pages count is not said, so
/// they do here.
const CONCURRENT_QUERIES: usize = 5;

/// The properties an export needs; asking for less makes Mixpanel faster and the answer smaller.
pub(super) const OUTPUT_PROPERTIES: &str = r#"["$mparticle_user_id","$last_seen"]"#;

/// Where a project's cohorts are.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The region's host, or another one in tests; `/api/query/…` is appended.
    pub base_url: String,
    /// The project.
    pub project_id: u64,
    /// The data view, for projects that have them.
    pub workspace_id: Option<u64>,
    /// The service account.
    pub service_account: Authorization,
}

/// Asks Mixpanel; cheap to clone, and all clones share the limit of five requests at once.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    service_account: Replaceable<Authorization>,
    list_url: Url,
    engage_url: Url,
    places: Arc<Semaphore>,
    gathering: Gathering,
}

/// The name of a result set that Mixpanel keeps for paging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session(pub(super) String);

/// The cohort list.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The cohorts, in Mixpanel's order.
    pub cohorts: Vec<Cohort>,
    /// Entries without an id or a name, which cannot be worked with.
    pub skipped: usize,
    /// What the answer's headers told.
    pub heard: Heard,
}

/// What the outside of an answer told: for the journal, the quota ledger and the health of the connection.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// How long it took.
    pub elapsed: Duration,
    /// Bytes of the body.
    pub bytes: usize,
    /// The `RateLimit-Policy` header.
    pub rate_limit_policy: Option<String>,
    /// The `RateLimit` header.
    pub rate_limit: Option<String>,
    /// The `Date` header: Mixpanel's own clock.
    pub date: Option<Timestamp>,
}

/// What was asked and how it was answered, as far as anybody may see it: for the journal, whatever became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Method, address and parameters, a line each; the credential is masked.
    pub request: String,
    /// The HTTP status; `None` when there was no whole answer.
    pub status: Option<u16>,
    /// How long the answer took, or until it was given up.
    pub elapsed: Duration,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// The beginning of the answer, without the people of a page; or what went wrong.
    pub answer: String,
}

/// What came of a question, and the question itself.
#[derive(Debug)]
pub struct Asked<T> {
    /// For the journal.
    pub exchange: Exchange,
    /// For whoever asked.
    pub result: Result<T, MixpanelError>,
}

/// One page of a cohort's members, whole and read: `P` is what was made of its profiles.
#[derive(Debug)]
pub struct Page<P = Harvest> {
    /// Which page was asked for.
    pub number: u32,
    /// What the answer's headers told.
    pub heard: Heard,
    /// The people on it.
    pub people: P,
    pub(super) head: PageHead,
}

impl<P> Page<P> {
    /// Profiles on the page.
    #[must_use]
    pub fn profiles(&self) -> usize {
        self.head.profiles
    }

    /// How many the whole read will bring; only page 0 is to be believed.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.head.total
    }
}

impl Client {
    /// A client for one project.
    ///
    /// # Errors
    /// The base URL cannot be read.
    pub fn new(transport: Transport, connection: Connection) -> Result<Self, MixpanelError> {
        let address = |operation: &str| -> Result<Url, MixpanelError> {
            let base = connection.base_url.trim_end_matches('/');
            let mut url = Url::parse(&format!("{base}/api/query/{operation}"))
                .map_err(|error| MixpanelError::BadBaseUrl(error.to_string()))?;
            url.query_pairs_mut().append_pair("project_id", &connection.project_id.to_string());
            if let Some(workspace_id) = connection.workspace_id {
                url.query_pairs_mut().append_pair("workspace_id", &workspace_id.to_string());
            }
            Ok(url)
        };
        Ok(Self {
            list_url: address("cohorts/list")?,
            engage_url: address("engage")?,
            transport,
            service_account: Replaceable::new(connection.service_account),
            places: Arc::new(Semaphore::new(CONCURRENT_QUERIES)),
            gathering: Gathering::default(),
        })
    }

    /// The same, asking for these properties of members too.
    #[must_use]
    pub fn asking_for(mut self, properties: PropertyNames) -> Self {
        self.gathering.properties = properties;
        self
    }

    /// The same, reading members by these rules.
    #[must_use]
    pub fn reading(mut self, rules: ReadingRules) -> Self {
        self.gathering.rules = rules;
        self
    }

    /// The same project as another service account, to try its credential. This client's is not changed by it.
    #[must_use]
    pub fn with_account(&self, service_account: Authorization) -> Self {
        Self { service_account: Replaceable::new(service_account), ..self.clone() }
    }

    /// Asks as the account of another client from now on; so do all clones of this one.
    pub fn take_account(&self, from: &Self) {
        self.service_account.replace(from.service_account.get());
    }

    /// Lists the project's cohorts; costs one query.
    ///
    /// # Errors
    /// See [`MixpanelError`]; [`MixpanelError::pause_cause`] tells whether a person is needed.
    pub async fn list_cohorts(&self) -> Asked<Listing> {
        const WHAT: &str = "the cohort list";
        self.ask(&self.list_url, Bytes::new(), WHAT, |answer, account| {
            let (cohorts, skipped) = read_cohorts(&answer.body).map_err(|error| {
                MixpanelError::of_body(&concealed(answer.clone(), account), WHAT, Some(&error))
            })?;
            let shown = start_of(&concealed(answer.clone(), account).body);
            Ok((Listing { cohorts, skipped, heard: heard(answer) }, shown))
        })
        .await
    }

    /// Reads one page of a cohort's members, by the client's rules. Page 0 goes without a session and costs one query;
    /// its session makes the others free.
    ///
    /// # Errors
    /// See [`MixpanelError`]; [`MixpanelError::SessionLost`] means starting over from page 0.
    pub async fn page(&self, cohort: CohortId, number: u32, session: Option<&Session>) -> Asked<Page> {
        let what = format!("page {number} of cohort {cohort}");
        let form = engage_form(cohort, number, session, &self.gathering.properties);
        self.engage(form, number, &what, |body| gather(body, number, &self.gathering)).await
    }

    /// Asks after one user; costs one query. An answer of more than one page is cut short, for it is no answer to
    /// such a question.
    ///
    /// # Errors
    /// See [`MixpanelError`].
    pub async fn look_up(&self, lookup: Lookup<'_>) -> Asked<Page<Vec<Profile<'static>>>> {
        let read = |body: &[u8]| {
            let (mut profiles, none) = (Vec::new(), PropertyNames::default());
            let head = read_page(body, &none, &mut |profile| profiles.push(profile.clone().into_owned()))?;
            Ok((profiles, head))
        };
        self.engage(lookup.form(), 0, &lookup.to_string(), read).await
    }

    /// Asks for a page and reads it where it arrived; half a page leaves nothing behind.
    async fn engage<P>(
        &self,
        form: Bytes,
        number: u32,
        what: &str,
        read: impl FnOnce(&[u8]) -> Result<(P, PageHead), serde_json::Error>,
    ) -> Asked<Page<P>> {
        self.ask(&self.engage_url, form, what, |answer, account| {
            let body_error = |error: Option<&serde_json::Error>| {
                MixpanelError::of_body(&concealed(answer.clone(), account), what, error)
            };
            let (people, head) = read(&answer.body).map_err(|error| body_error(Some(&error)))?;
            if !head.has_results {
                return Err(body_error(None));
            }
            let shown = head.in_brief();
            Ok((Page { number, heard: heard(answer), people, head }, shown))
        })
        .await
    }

    /// Sends one request; `read` makes of a 2xx what was asked for, and what may be shown of it.
    async fn ask<T>(
        &self,
        url: &Url,
        body: Bytes,
        what: &str,
        read: impl FnOnce(&Answer, &Authorization) -> Result<(T, String), MixpanelError>,
    ) -> Asked<T> {
        let mut exchange = Exchange { request: shown_request(url, &body), ..Exchange::default() };
        // The semaphore is never closed.
        let Ok(_place) = self.places.acquire().await else {
            return Asked { exchange, result: Err(MixpanelError::Cancelled) };
        };
        let account = self.service_account.get();
        let request = Request {
            method: Method::Post { content_type: ContentType::Form, body: &body },
            url,
            authorization: Some(&account),
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        };
        let sent = Instant::now();
        let answer = self.transport.send(request).await;
        exchange.elapsed = answer.as_ref().map_or_else(|_| sent.elapsed(), |answer| answer.elapsed);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                exchange.answer = error.to_string();
                return Asked { exchange, result: Err(error.into()) };
            }
        };
        (exchange.status, exchange.bytes) = (Some(answer.status), answer.body.len());
        if !answer.is_success() {
            let answer = concealed(answer, &account);
            exchange.answer = start_of(&answer.body);
            return Asked { exchange, result: Err(MixpanelError::of_answer(&answer, what)) };
        }
        let result = read(&answer, &account).map(|(asked, shown)| {
            exchange.answer = shown;
            asked
        });
        if let Err(error) = &result {
            exchange.answer = error.to_string();
        }
        self.transport.give_back(answer.body);
        Asked { exchange, result }
    }
}

/// The answer without our credential, should it repeat it: what an error says is shown and kept. A page of
/// members is left alone, for in it such a text would be somebody's id.
fn concealed(answer: Answer, account: &Authorization) -> Answer {
    Answer { body: account.conceal(answer.body), ..answer }
}

/// The parameters of a page (Mixpanel reference, Query Profiles).
///
/// `include_all_users` is `true`, and said so although it is the default: a member without a profile is a
/// member all the same, counted by Mixpanel and addressable by `$distinct_id`, and leaving such people out
/// is just the kind of silent difference this program exists to explain.
fn engage_form(
    cohort: CohortId,
    number: u32,
    session: Option<&Session>,
    properties: &PropertyNames,
) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("filter_by_cohort", &format!("{{\"id\":{cohort}}}"))
        .append_pair("include_all_users", "true")
        .append_pair("output_properties", &output_properties(properties))
        .append_pair("page", &number.to_string());
    if let Some(session) = session {
        form.append_pair("session_id", &session.0);
    }
    Bytes::from(form.finish())
}

/// What an export needs, and these besides; each once.
fn output_properties(properties: &PropertyNames) -> Cow<'static, str> {
    let needed = ["$mparticle_user_id", "$last_seen"];
    if properties.iter().all(|name| needed.contains(&name)) {
        return Cow::Borrowed(OUTPUT_PROPERTIES);
    }
    let more = properties.iter().filter(|name| !needed.contains(name));
    let names: Vec<&str> = needed.into_iter().chain(more).collect();
    Cow::Owned(serde_json::Value::from(names).to_string())
}

/// A request as a person reads it: address and parameters, decoded, a line each.
fn shown_request(url: &Url, form: &[u8]) -> String {
    let mut lines = vec![format!("POST {url}"), format!("Authorization: Basic {MASK}")];
    lines.extend(form_urlencoded::parse(form).map(|(name, value)| format!("{name}={value}")));
    lines.join("\n")
}

/// The beginning of an answer's body. Nobody reads more of it than the journal keeps.
fn start_of(body: &[u8]) -> String {
    const BYTES: usize = 16 * 1024;
    const CHARACTERS: usize = 4_000;
    excerpt(&String::from_utf8_lossy(&body[..body.len().min(BYTES)]), CHARACTERS)
}

fn heard(answer: &Answer) -> Heard {
    Heard {
        status: answer.status,
        elapsed: answer.elapsed,
        bytes: answer.body.len(),
        rate_limit_policy: answer.headers.rate_limit_policy.clone(),
        rate_limit: answer.headers.rate_limit.clone(),
        date: answer.headers.date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_page() {
        let session = Session("1234567890-EX&AMPL".to_owned());
        let form = engage_form(CohortId(12345), 3, Some(&session), &PropertyNames::default());
        assert_eq!(
            std::str::from_utf8(&form).unwrap(),
            "filter_by_cohort=%7B%22id%22%3A12345%7D&include_all_users=true\
             &output_properties=%5B%22%24mparticle_user_id%22%2C%22%24last_seen%22%5D\
             &page=3&session_id=1234567890-EX%26AMPL"
        );
        let url = Url::parse("https://mixpanel.com/api/query/engage?project_id=7").unwrap();
        assert_eq!(
            shown_request(&url, &form),
            "POST https://mixpanel.com/api/query/engage?project_id=7\n\
             Authorization: Basic •••\n\
             filter_by_cohort={\"id\":12345}\n\
             include_all_users=true\n\
             output_properties=[\"$mparticle_user_id\",\"$last_seen\"]\n\
             page=3\n\
             session_id=1234567890-EX&AMPL"
        );
    }

    #[test]
    fn properties_are_asked_for_once() {
        let names = PropertyNames::of(["$os", "$last_seen", "a \"b\""]);
        let expected = r#"["$mparticle_user_id","$last_seen","$os","a \"b\""]"#;
        assert_eq!(output_properties(&names), expected);
        assert_eq!(output_properties(&PropertyNames::of(["$last_seen"])), OUTPUT_PROPERTIES);
    }
}
