//! mParticle as this program reaches it, by one POST: the feed, whose URL is itself the credential, or the Events API
//! with a key and a secret.

use super::verdict::{self, Verdict};
use crate::http::{
    Answer, Authorization, ContentType, MASK, Method, Replaceable, Request, Transport, TransportError, Url,
    conceal,
};
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
pub struct FeedUrl(Arc<Feed>);

#[derive(PartialEq, Eq)]
struct Feed {
    url: Url,
    /// Where it leads, without the token.
    shown: String,
}

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
        let url = Url::parse(text.trim()).map_err(|_| FeedUrlError)?;
        let shown = masked(&url);
        Ok(Self(Arc::new(Feed { url, shown })))
    }
}

/// A webhook URL without the token. Of a path that is not as documented nothing is shown, for nobody knows where in it
/// the token stands.
fn masked(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    let path = if url.path().starts_with(FEED_PATH) { FEED_PATH } else { "/" };
    format!("{origin}{path}{MASK}")
}

impl fmt::Debug for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedUrl({}/…)", self.0.url.host_str().unwrap_or("?"))
    }
}

/// The Events API of a pod (mParticle documentation, HTTP Server Events: `POST /v2/bulkevents`, HTTP Basic with the
/// key and the secret of an input).
#[derive(Debug, Clone)]
pub struct EventsApi {
    url: Arc<Url>,
    authorization: Authorization,
}

impl EventsApi {
    /// The API at the host of a pod.
    ///
    /// # Errors
    /// The address is no URL.
    pub fn at(base_url: &str, authorization: Authorization) -> Result<Self, FeedUrlError> {
        let url = Url::parse(&format!("{}/v2/bulkevents", base_url.trim_end_matches('/')));
        Ok(Self { url: Arc::new(url.map_err(|_| FeedUrlError)?), authorization })
    }
}

/// The way into mParticle.
#[derive(Debug, Clone)]
pub enum Route {
    /// The Mixpanel Cohorts feed.
    Feed(FeedUrl),
    /// The Events API of an input.
    Events(EventsApi),
}

impl From<FeedUrl> for Route {
    fn from(url: FeedUrl) -> Self {
        Self::Feed(url)
    }
}

/// Sends request bodies to mParticle.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    route: Replaceable<Route>,
}

impl Client {
    /// A client for one way in.
    #[must_use]
    pub fn new(transport: Transport, route: impl Into<Route>) -> Self {
        Self { transport, route: Replaceable::new(route.into()) }
    }

    /// Another way in, to try it. This client's is not changed by it.
    #[must_use]
    pub fn with_route(&self, route: impl Into<Route>) -> Self {
        Self::new(self.transport.clone(), route)
    }

    /// The same Events API with another key and secret; `None` where changes go to a feed.
    #[must_use]
    pub fn with_key(&self, authorization: Authorization) -> Option<Self> {
        match &*self.route.get() {
            Route::Events(api) => {
                let url = Arc::clone(&api.url);
                Some(self.with_route(Route::Events(EventsApi { url, authorization })))
            }
            Route::Feed(_) => None,
        }
    }

    /// Whether changes go to a feed.
    #[must_use]
    pub fn is_feed(&self) -> bool {
        matches!(*self.route.get(), Route::Feed(_))
    }

    /// Sends by the way of another client from now on; so do all clones of this one.
    pub fn take_route(&self, from: &Self) {
        self.route.replace(from.route.get());
    }

    /// What stands above the body of a request: method and address, without anything that would open it.
    #[must_use]
    pub fn heading(&self) -> String {
        match &*self.route.get() {
            Route::Feed(feed) => format!("POST {}", feed.0.shown),
            Route::Events(api) => format!("POST {}", api.url),
        }
    }

    /// Sends one request and reads its answer; what that means is for [`Client::judge`] to say.
    ///
    /// # Errors
    /// There is no complete answer; [`TransportError::may_have_arrived`] tells whether mParticle may have
    /// applied the request all the same.
    pub async fn post(&self, body: &Bytes) -> Result<Answer, TransportError> {
        let route = self.route.get();
        self.transport.send(route.request(body)).await.map(|answer| route.concealed(answer))
    }

    /// The same with every header of the answer, to be shown.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn probe(&self, body: &Bytes) -> Result<(Answer, Vec<(String, String)>), TransportError> {
        let route = self.route.get();
        let (answer, headers) = self.transport.exchange(route.request(body)).await?;
        let text = |bytes: &[u8]| {
            let shown = route.conceal(Bytes::copy_from_slice(bytes));
            String::from_utf8_lossy(&shown).into_owned()
        };
        let headers =
            headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        Ok((route.concealed(answer), headers))
    }

    /// Asks the host, without any credential, whether it can be reached and what time it has; sends nothing to the feed.
    ///
    /// # Errors
    /// It cannot be reached, or not over a connection that is trusted.
    pub async fn reach(&self, timeout: Duration) -> Result<Answer, TransportError> {
        let route = self.route.get();
        let mut url = Url::clone(match &*route {
            Route::Feed(feed) => &feed.0.url,
            Route::Events(api) => &api.url,
        });
        url.set_path("/");
        url.set_query(None);
        self.transport.reach(&url, timeout).await
    }

    /// Judges an answer to a request of so many users, in the words of this way in.
    #[must_use]
    pub fn judge(&self, answer: &Answer, users: usize) -> Verdict {
        match *self.route.get() {
            Route::Feed(_) => verdict::judge(answer, users),
            Route::Events(_) => verdict::judge_events(answer, users),
        }
    }
}

impl Route {
    fn request<'a>(&'a self, body: &'a Bytes) -> Request<'a> {
        let (url, authorization) = match self {
            Route::Feed(feed) => (&feed.0.url, None),
            Route::Events(api) => (&*api.url, Some(&api.authorization)),
        };
        Request {
            method: Method::Post { content_type: ContentType::Json, body },
            url,
            authorization,
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        }
    }

    /// What an error says is shown and kept; a proxy that repeats the request must not tell the credential.
    fn concealed(&self, answer: Answer) -> Answer {
        Answer { body: self.conceal(answer.body), ..answer }
    }

    fn conceal(&self, text: Bytes) -> Bytes {
        match self {
            Route::Feed(FeedUrl(feed)) => {
                let url = &feed.url;
                let token = url.path_segments().and_then(|mut segments| segments.next_back());
                conceal(text, &[url.as_str(), token.unwrap_or_default()])
            }
            Route::Events(api) => api.authorization.conceal(text),
        }
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
        assert_eq!(odd.0.shown, "https://feeds.example/•••");
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
