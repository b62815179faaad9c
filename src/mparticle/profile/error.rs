//! What can go wrong with the Profile API, sorted by what to do about it. No message names a person or a credential.

use crate::http::text::{EXCERPT_LIMIT, describe, excerpt, is_html, unescape};
use crate::http::{Answer, TransportError};
use serde_json::Value;
use std::time::Duration;

/// Why a profile could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The token endpoint refuses the client.
    #[error(
        "mParticle gives no token for these client credentials ({said}); check client_id and client_secret in [mparticle.profile_api], and that the Profile API is enabled for the account"
    )]
    Credentials {
        /// mParticle's words.
        said: String,
    },
    /// The API refuses a token that was only just given.
    #[error(
        "the Profile API does not accept the token that mParticle has just given ({said}); check that token_url and base_url in [mparticle.profile_api] belong together, and that the Profile API is enabled for the account"
    )]
    TokenRefused {
        /// mParticle's words.
        said: String,
    },
    /// The client may not read these profiles.
    #[error(
        "mParticle does not let these credentials read profiles here ({said}); check org_id, account_id and workspace_id in [mparticle.profile_api]"
    )]
    Forbidden {
        /// mParticle's words.
        said: String,
    },
    /// The lookup makes no sense to it.
    #[error(
        "mParticle does not understand the lookup ({said}); check org_id, account_id and workspace_id in [mparticle.profile_api], and that fallback_identity is an immutable identity of the account, for only by those are profiles found"
    )]
    BadRequest {
        /// mParticle's words.
        said: String,
    },
    /// Somebody else answered.
    #[error(
        "{came} came instead of an answer of mParticle's; check {setting} in [mparticle.profile_api], and any proxy in between"
    )]
    NotTheApi {
        /// What came.
        came: String,
        /// Which address leads there.
        setting: &'static str,
    },
    /// The same request may succeed a little later.
    #[error("mParticle's Profile API did not answer as it should: {said}")]
    Passing {
        /// What came instead.
        said: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// There was no complete answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Every try of the policy failed.
    #[error(
        "mParticle's Profile API failed {tries} times, so nothing more was looked up; try again later. The last time: {last}"
    )]
    TooManyTries {
        /// How often it was tried.
        tries: u32,
        /// What happened the last time.
        #[source]
        last: Box<ProfileError>,
    },
    /// The address in the configuration cannot be used.
    #[error("{setting} in [mparticle.profile_api] cannot be used: {reason}")]
    BadAddress {
        /// Which address.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ProfileError {
    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Passing { .. } => true,
            Self::Transport(error) => error.is_transient(),
            _ => false,
        }
    }

    /// How long mParticle asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Passing { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether a person must change something before it is worth trying again.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self {
            Self::Passing { .. } => false,
            Self::Transport(error) => !error.is_transient(),
            Self::TooManyTries { last, .. } => last.needs_person(),
            _ => true,
        }
    }

    /// Sorts what neither endpoint answers in the ordinary course of things; `setting` led there. Whatever is left
    /// is the caller's to judge.
    pub(super) fn of_stranger(answer: &Answer, setting: &'static str) -> Option<Self> {
        let kind = answer.headers.content_type.as_deref();
        match answer.status {
            408 | 425 | 429 | 500.. => {
                Some(Self::Passing { said: said(answer), retry_after: answer.headers.retry_delay() })
            }
            300..=399 => {
                Some(Self::NotTheApi { came: format!("a redirection (HTTP {})", answer.status), setting })
            }
            _ if is_html(kind, &answer.body) => {
                let came = format!("{} (HTTP {})", describe(kind, &answer.body), answer.status);
                Some(Self::NotTheApi { came, setting })
            }
            _ => None,
        }
    }

    /// A 2xx whose body is not what it should be.
    pub(super) fn of_body(answer: &Answer, setting: &'static str) -> Self {
        let came = describe(answer.headers.content_type.as_deref(), &answer.body);
        Self::NotTheApi { came: format!("{came} (HTTP {})", answer.status), setting }
    }
}

/// Status and words of an answer, in one line.
pub(super) fn said(answer: &Answer) -> String {
    let described = || describe(answer.headers.content_type.as_deref(), &answer.body);
    let words = message(&answer.body).map_or_else(described, |text| excerpt(&text, EXCERPT_LIMIT));
    format!("HTTP {}: {words}", answer.status)
}

/// What a JSON error says, in one of the shapes that are common: OAuth's (RFC 6749), or mParticle's of the other APIs.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let places = ["/errors/0/message", "/error_description", "/message", "/error/message", "/error"];
    let text = places.iter().find_map(|place| value.pointer(place).and_then(Value::as_str))?;
    (!text.trim().is_empty()).then(|| unescape(text).into_owned())
}
