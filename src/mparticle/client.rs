//! The feed of mParticle as this program reaches it: a URL that is itself the credential, and one POST.

use crate::http::{Answer, ContentType, MASK, Request, Transport, TransportError, Url, conceal};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a slow answer, short enough that a run does not hang on a dead connection.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Answers are empty or a list of errors; more than this is not from mParticle.
const BODY_LIMIT: usize = 4 << 20;

/// What stands in front of the token in every webhook URL that mParticle hands out, and may be shown.
const FEED_PATH: &str = "/v1/pdf/mixpanelcohorts/";

/// The webhook URL of a feed. Its path holds the token, so nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedUrl(Arc<Url>);

/// Why a text is no webhook URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the webhook URL cannot be read; copy it anew from the Mixpanel Cohorts feed in mParticle")]
pub struct FeedUrlError;

impl FeedUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// The text is no URL; the message does not repeat it.
    pub fn parse(text: &str) -> Result<Self, FeedUrlError> {
        Url::parse(text.trim()).map(|url| Self(Arc::new(url))).map_err(|_| FeedUrlError)
    }

    /// Where it leads, without the token. Of a path that is not as documented nothing is shown, for nobody knows
    /// where in it the token stands.
    fn masked(&self) -> String {
        let origin = self.0.origin().ascii_serialization();
        let path = if self.0.path().starts_with(FEED_PATH) { FEED_PATH } else { "/" };
        format!("{origin}{path}{MASK}")
    }
}

impl fmt::Debug for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedUrl({}/…)", self.0.host_str().unwrap_or("?"))
    }
}

/// Sends request bodies to a feed.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    url: FeedUrl,
}

impl Client {
    /// A client for one feed.
    #[must_use]
    pub fn new(transport: Transport, url: FeedUrl) -> Self {
        Self { transport, url }
    }

    /// What stands above the body of a request: method and address, without the token.
    #[must_use]
    pub fn heading(&self) -> String {
        format!("POST {}", self.url.masked())
    }

    /// Sends one request and reads its answer; what that means is for [`super::judge`] to say.
    ///
    /// # Errors
    /// There is no complete answer; [`TransportError::may_have_arrived`] tells whether mParticle may have
    /// applied the request all the same.
    pub async fn post(&self, body: &Bytes) -> Result<Answer, TransportError> {
        let request = Request {
            url: &self.url.0,
            authorization: None,
            content_type: ContentType::Json,
            body,
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        };
        let answer = self.transport.post(request).await?;
        // What an error says is shown and kept; a proxy that repeats the URL must not tell the token.
        let url = &self.url.0;
        let token = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        Ok(Answer { body: conceal(answer.body, &[url.as_str(), token]), ..answer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::TransportOptions;

    #[tokio::test]
    async fn the_token_is_in_no_text_that_can_be_printed() {
        let token = "us1-planted-token-0123456789";
        let url = FeedUrl::parse(&format!("http://127.0.0.1:1/v1/pdf/mixpanelcohorts/{token}")).unwrap();
        let client = Client::new(Transport::new(TransportOptions::default()).unwrap(), url);
        let error = client.post(&Bytes::from_static(b"[]")).await.unwrap_err();
        assert_eq!(client.heading(), "POST http://127.0.0.1:1/v1/pdf/mixpanelcohorts/•••");
        let odd = FeedUrl::parse(&format!("https://user:pass@feeds.example/{token}/in?key={token}")).unwrap();
        assert_eq!(odd.masked(), "https://feeds.example/•••");
        for text in [format!("{client:?}"), format!("{error:?}"), error.to_string()] {
            assert!(!text.contains(token), "{text}");
        }
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            assert!(!format!("{cause} {cause:?}").contains(token));
            source = cause.source();
        }
        assert!(!error.may_have_arrived());
        assert_eq!(FeedUrl::parse("not a url at all").unwrap_err(), FeedUrlError);
    }
}
