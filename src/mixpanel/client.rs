//! The two operations of the Query API, one request each. Retrying, paging and spending the budget are for
//! others; this file knows addresses, parameters and how many requests may be on their way.

use super::error::MixpanelError;
use super::lookup::Lookup;
use super::wire::{PageHead, read_cohorts, read_page};
use crate::domain::{Cohort, CohortId, Profile};
use crate::http::{Answer, Authorization, ContentType, Request, Transport, Url};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

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
    service_account: Authorization,
    list_url: Url,
    engage_url: Url,
    places: Arc<Semaphore>,
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
}

/// One page of a cohort's members, checked to be whole JSON.
#[derive(Debug, Clone)]
pub struct Page {
    /// Which page was asked for.
    pub number: u32,
    /// What the answer's headers told.
    pub heard: Heard,
    pub(super) head: PageHead,
    body: Bytes,
}

impl Page {
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

    /// Hands every profile to `each`, borrowed from the page.
    pub fn for_each(&self, mut each: impl FnMut(&Profile<'_>)) {
        // It was read to its end when it arrived, so it reads again.
        if let Err(error) = read_page(&self.body, &mut each) {
            tracing::error!(%error, "a page that was whole does not read a second time");
        }
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
            service_account: connection.service_account,
            places: Arc::new(Semaphore::new(CONCURRENT_QUERIES)),
        })
    }

    /// Lists the project's cohorts; costs one query.
    ///
    /// # Errors
    /// See [`MixpanelError`]; [`MixpanelError::pause_cause`] tells whether a person is needed.
    pub async fn list_cohorts(&self) -> Result<Listing, MixpanelError> {
        const WHAT: &str = "the cohort list";
        let answer = self.post(&self.list_url, Bytes::new(), WHAT).await?;
        let (cohorts, skipped) = read_cohorts(&answer.body)
            .map_err(|error| MixpanelError::of_body(&self.concealed(answer.clone()), WHAT, Some(&error)))?;
        Ok(Listing { cohorts, skipped, heard: heard(&answer) })
    }

    /// Reads one page of a cohort's members. Page 0 goes without a session and costs one query; its session
    /// makes the others free.
    ///
    /// # Errors
    /// See [`MixpanelError`]; [`MixpanelError::SessionLost`] means starting over from page 0.
    pub async fn page(
        &self,
        cohort: CohortId,
        number: u32,
        session: Option<&Session>,
    ) -> Result<Page, MixpanelError> {
        let what = format!("page {number} of cohort {cohort}");
        self.engage(engage_form(cohort, number, session), number, &what).await
    }

    /// Asks after one user; costs one query. An answer of more than one page is cut short, for it is no answer to
    /// such a question.
    ///
    /// # Errors
    /// See [`MixpanelError`].
    pub async fn look_up(&self, lookup: Lookup<'_>) -> Result<Page, MixpanelError> {
        self.engage(lookup.form(), 0, &lookup.to_string()).await
    }

    async fn engage(&self, form: Bytes, number: u32, what: &str) -> Result<Page, MixpanelError> {
        let answer = self.post(&self.engage_url, form, what).await?;
        let head = read_page(&answer.body, &mut |_| {})
            .map_err(|error| MixpanelError::of_body(&self.concealed(answer.clone()), what, Some(&error)))?;
        if !head.has_results {
            return Err(MixpanelError::of_body(&self.concealed(answer.clone()), what, None));
        }
        Ok(Page { number, heard: heard(&answer), head, body: answer.body })
    }

    async fn post(&self, url: &Url, body: Bytes, what: &str) -> Result<Answer, MixpanelError> {
        // The semaphore is never closed.
        let Ok(_place) = self.places.acquire().await else { return Err(MixpanelError::Cancelled) };
        let request = Request {
            url,
            authorization: Some(&self.service_account),
            content_type: ContentType::Form,
            body: &body,
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        };
        let answer = self.transport.post(request).await?;
        if answer.is_success() {
            Ok(answer)
        } else {
            Err(MixpanelError::of_answer(&self.concealed(answer), what))
        }
    }

    /// The answer without our credential, should it repeat it: what an error says is shown and kept. A page of
    /// members is left alone, for in it such a text would be somebody's id.
    fn concealed(&self, answer: Answer) -> Answer {
        Answer { body: self.service_account.conceal(answer.body), ..answer }
    }
}

/// The parameters of a page (Mixpanel reference, Query Profiles).
///
/// `include_all_users` is `true`, and said so although it is the default: a member without a profile is a
/// member all the same, counted by Mixpanel and addressable by `$distinct_id`, and leaving such people out
/// is just the kind of silent difference this program exists to explain.
fn engage_form(cohort: CohortId, number: u32, session: Option<&Session>) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("filter_by_cohort", &format!("{{\"id\":{cohort}}}"))
        .append_pair("include_all_users", "true")
        .append_pair("output_properties", OUTPUT_PROPERTIES)
        .append_pair("page", &number.to_string());
    if let Some(session) = session {
        form.append_pair("session_id", &session.0);
    }
    Bytes::from(form.finish())
}

fn heard(answer: &Answer) -> Heard {
    Heard {
        status: answer.status,
        elapsed: answer.elapsed,
        bytes: answer.body.len(),
        rate_limit_policy: answer.headers.rate_limit_policy.clone(),
        rate_limit: answer.headers.rate_limit.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_page() {
        let session = Session("1234567890-EX&AMPL".to_owned());
        let form = engage_form(CohortId(12345), 3, Some(&session));
        assert_eq!(
            std::str::from_utf8(&form).unwrap(),
            "filter_by_cohort=%7B%22id%22%3A12345%7D&include_all_users=true\
             &output_properties=%5B%22%24mparticle_user_id%22%2C%22%24last_seen%22%5D\
             &page=3&session_id=1234567890-EX%26AMPL"
        );
    }
}
