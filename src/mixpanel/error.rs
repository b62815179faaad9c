//! What can go wrong with Mixpanel, sorted by what to do about it. The Query API documents no error answers,
//! so the sorting follows what was seen of it: a 400 may mean bad credentials, and a 402 is the plan.

use super::wire::error_text;
use crate::domain::PauseCause;
use crate::http::text::{describe, excerpt, is_html};
use crate::http::{Answer, TransportError};
use std::time::Duration;

/// Why Mixpanel did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixpanelError {
    /// Credentials, project or region do not fit.
    #[error(
        "Mixpanel refuses the credentials ({said}); check service_account, secret, project_id and region"
    )]
    Unauthorised {
        /// Mixpanel's words.
        said: String,
    },
    /// The plan does not include the Query API.
    #[error(
        "Mixpanel's plan of this project does not allow API calls ({said}); the Query API needs a Growth or Enterprise plan"
    )]
    PlanGate {
        /// Mixpanel's words.
        said: String,
    },
    /// The service account may not do this.
    #[error(
        "Mixpanel does not permit this ({said}); give the service account the Analyst role in the project"
    )]
    Forbidden {
        /// Mixpanel's words.
        said: String,
    },
    /// There is no such thing.
    #[error(
        "Mixpanel does not find {what} ({said}); it may have been deleted, or project_id or region is another project's"
    )]
    NotFound {
        /// What was asked for.
        what: String,
        /// Mixpanel's words.
        said: String,
    },
    /// The hour's queries are spent.
    #[error("Mixpanel's query budget is spent ({said})")]
    BudgetSpent {
        /// Mixpanel's words.
        said: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The same request may succeed a little later.
    #[error("Mixpanel did not answer {what} as it should: {said}")]
    Passing {
        /// What was asked for.
        what: String,
        /// What came instead.
        said: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// A page belongs to no session any more, so the read must start over.
    #[error("Mixpanel's session ended in the middle of the read ({said})")]
    SessionLost {
        /// Mixpanel's words, or what did not fit.
        said: String,
    },
    /// The request makes no sense to it.
    #[error("Mixpanel does not understand {what}: {said}")]
    BadRequest {
        /// What was asked for.
        what: String,
        /// Mixpanel's words.
        said: String,
    },
    /// The read ended without being whole, as often as it was tried; nothing may be concluded from it.
    #[error("the cohort could not be read whole in {reads} reads: {said}. Nothing was changed")]
    Incomplete {
        /// How often it was read.
        reads: u32,
        /// What was missing the last time.
        said: String,
    },
    /// There was no complete answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Every try of the policy failed.
    #[error("Mixpanel failed {tries} times; the last time: {last}")]
    TooManyTries {
        /// How often it was tried.
        tries: u32,
        /// What happened the last time.
        #[source]
        last: Box<MixpanelError>,
    },
    /// The base URL cannot be used.
    #[error("the Mixpanel base_url cannot be used: {0}")]
    BadBaseUrl(String),
    /// Asked to stop.
    #[error("asked to stop")]
    Cancelled,
}

impl MixpanelError {
    /// Sorts an answer that is not 2xx; `what` is what was asked for.
    pub(super) fn of_answer(answer: &Answer, what: &str) -> Self {
        let said = said(answer);
        let what = what.to_owned();
        let retry_after = answer.headers.retry_delay();
        match answer.status {
            400 if said.contains("Unable to authenticate request") => Self::Unauthorised { said },
            400 if said.contains("uncached query") => Self::SessionLost { said },
            401 => Self::Unauthorised { said },
            402 => Self::PlanGate { said },
            403 => Self::Forbidden { said },
            404 | 410 => Self::NotFound { what, said },
            429 if said.contains("running in the last hour") || is_whole_window(retry_after) => {
                Self::BudgetSpent { said, retry_after }
            }
            408 | 425 | 429 | 500.. => Self::Passing { what, said, retry_after },
            _ if is_html(answer.headers.content_type.as_deref(), &answer.body) => {
                Self::Passing { what, said, retry_after }
            }
            _ => Self::BadRequest { what, said },
        }
    }

    /// A 2xx whose body is not what it should be: a proxy's page, half a document, another document.
    pub(super) fn of_body(answer: &Answer, what: &str, error: Option<&serde_json::Error>) -> Self {
        let came = describe(answer.headers.content_type.as_deref(), &answer.body);
        let said = match error {
            Some(error) if error.is_eof() => {
                format!(
                    "the answer, JSON, was cut short after {} bytes; try again, and look for a proxy in between",
                    answer.body.len()
                )
            }
            Some(error) => format!(
                "{came} is not the JSON that was expected ({error}); check base_url and region, and whether a proxy answers instead"
            ),
            None => format!(
                "{came} is not what was expected; check base_url and region, and whether a proxy answers instead"
            ),
        };
        Self::Passing { what: what.to_owned(), said, retry_after: None }
    }

    /// What it puts a sync on pause for; `None` where time may help.
    #[must_use]
    pub fn pause_cause(&self) -> Option<PauseCause> {
        match self {
            Self::Unauthorised { .. } => Some(PauseCause::MixpanelCredentials),
            Self::PlanGate { .. } => Some(PauseCause::MixpanelPlan),
            Self::Forbidden { .. } => Some(PauseCause::MixpanelPermission),
            Self::TooManyTries { last, .. } => last.pause_cause(),
            _ => None,
        }
    }

    /// Whether the cohort itself may be the trouble, so that the list should be looked at.
    #[must_use]
    pub fn may_be_the_cohort(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::BadRequest { .. })
    }

    /// Whether Mixpanel does not charge the query: 401, 402 and 429 are free, and so is what never arrived.
    #[must_use]
    pub fn is_not_charged(&self) -> bool {
        match self {
            Self::Unauthorised { .. } | Self::PlanGate { .. } | Self::BudgetSpent { .. } => true,
            Self::Transport(error) => !error.may_have_arrived(),
            _ => false,
        }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Passing { .. } => true,
            Self::Transport(error) => error.is_transient(),
            _ => false,
        }
    }

    /// How long Mixpanel asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Passing { retry_after, .. } | Self::BudgetSpent { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A `Retry-After` of the whole hour is the hourly limit, whatever the text says.
fn is_whole_window(retry_after: Option<Duration>) -> bool {
    retry_after.is_some_and(|wait| wait >= Duration::from_mins(10))
}

fn said(answer: &Answer) -> String {
    let text = error_text(&answer.body).map(|text| excerpt(&text, 300));
    let text = text.unwrap_or_else(|| describe(answer.headers.content_type.as_deref(), &answer.body));
    format!("HTTP {}: {text}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::AnswerHeaders;

    fn of(status: u16, body: &str) -> MixpanelError {
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        let answer = Answer { status, headers: AnswerHeaders::default(), body, elapsed: Duration::ZERO };
        MixpanelError::of_answer(&answer, "the cohort list")
    }

    #[test]
    fn answers_are_sorted_by_what_to_do() {
        use PauseCause::{MixpanelCredentials, MixpanelPermission, MixpanelPlan};
        let auth = r#"{"error": "Unable to authenticate request"}"#;
        let gate = r#"{"error": "Your plan does not allow API calls. Upgrade at mixpanel.com/pricing"}"#;
        for (status, body, cause) in [
            (401, "", Some(MixpanelCredentials)),
            (400, auth, Some(MixpanelCredentials)),
            (402, gate, Some(MixpanelPlan)),
            (403, r#"{"error": "Permission denied"}"#, Some(MixpanelPermission)),
            (400, r#"{"error": "Invalid parameter: filter_by_cohort"}"#, None),
            (500, "", None),
        ] {
            assert_eq!(of(status, body).pause_cause(), cause, "{status} {body}");
        }
        let hourly = "Query rate limit exceeded for project_id: 1. This request exceeded the rate limit (61/60 queries running in the last hour).";
        assert!(matches!(of(429, &format!(r#"{{"error": "{hourly}"}}"#)), MixpanelError::BudgetSpent { .. }));
        let concurrent =
            r#"{"error": "This request exceeded the concurrency limit (6/5 queries running concurrently)."}"#;
        assert!(of(429, concurrent).is_passing());
        assert!(of(503, "<html><title>Down</title></html>").to_string().contains("titled “Down”"));
        assert!(matches!(
            of(400, r#"{"error": "request for page in uncached query for params"}"#),
            MixpanelError::SessionLost { .. }
        ));
    }
}
