//! The one way out of this program: a request with a deadline and a limit on the answer. It follows no redirect
//! and speaks plain http to loopback only, since either would hand a credential to a stranger. Retrying and
//! judging belong to the callers.

use super::{Answer, AnswerHeaders, Authorization, TransportError};
use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap};
use reqwest::{Url, redirect};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How the transport is set up.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Servers close idle connections after a minute or so; leaving
    /// first keeps requests from being cut on a connection that was just given up.
    pub idle_timeout: Duration,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), idle_timeout: Duration::from_secs(45) }
    }
}

/// What a request body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl ContentType {
    fn header(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// What a request does.
#[derive(Clone, Copy)]
pub enum Method<'a> {
    /// Asks for something that the URL names.
    Get,
    /// Hands something over.
    Post {
        /// What the body is.
        content_type: ContentType,
        /// The body; cloning it for a retry costs nothing.
        body: &'a Bytes,
    },
}

/// One request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What it does.
    pub method: Method<'a>,
    /// Where to.
    pub url: &'a Url,
    /// The credential, where it is not in the URL.
    pub authorization: Option<&'a Authorization>,
    /// From here to the last byte of the answer.
    pub timeout: Duration,
    /// The largest answer that is read, after decompression.
    pub body_limit: usize,
}

/// A cheap handle on the HTTP clients.
///
/// Loopback http has a client of its own: it needs no certificates, so the demo starts on a machine without
/// any, and it never goes through a proxy. The https client is set up at the first https request, because
/// reading the system's certificates takes longer than the first frame may.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    loopback: reqwest::Client,
    https: OnceLock<Result<reqwest::Client, String>>,
    options: TransportOptions,
    buffers: Buffers,
}

/// What answers were read into, to be used again: pages come by the thousand and are all of one size. The lock is held
/// for a push or a pop, never across an await.
#[derive(Default)]
struct Buffers(Mutex<Vec<BytesMut>>);

impl Buffers {
    /// As many as pages are on their way.
    const MOST: usize = 8;
    /// A larger answer is no page; its memory is given back.
    const LARGEST: usize = 4 << 20;

    fn take(&self) -> BytesMut {
        self.kept().pop().unwrap_or_default()
    }

    fn give_back(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut kept = self.kept();
        if kept.len() < Self::MOST && (1..=Self::LARGEST).contains(&buffer.capacity()) {
            kept.push(buffer);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        // A list of empty buffers is whole whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Transport {
    /// Sets up the client for loopback; the one for https follows when it is needed.
    pub fn new(options: TransportOptions) -> Result<Self, TransportError> {
        // Fails only where a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = builder(&options).no_proxy().tls_certs_only([]).build();
        let loopback = loopback.map_err(|error| TransportError::Setup { reason: chain(&error) })?;
        Ok(Self {
            shared: Arc::new(Shared {
                loopback,
                https: OnceLock::new(),
                options,
                buffers: Buffers::default(),
            }),
        })
    }

    /// Sends one request and reads the answer to its end.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, TransportError> {
        self.exchange(request).await.map(|(answer, _)| answer)
    }

    /// The same with every header of the answer.
    pub async fn exchange(&self, request: Request<'_>) -> Result<(Answer, HeaderMap), TransportError> {
        let client = self.client(request.url)?;
        let host = host(request.url);
        let started = Instant::now();
        let failed = |error| TransportError::of(error, &host, request.timeout);
        let url = request.url.clone();
        let mut outgoing = match request.method {
            Method::Get => client.get(url),
            Method::Post { content_type, body } => {
                client.post(url).header(header::CONTENT_TYPE, content_type.header()).body(body.clone())
            }
        };
        outgoing = outgoing.timeout(request.timeout);
        if let Some(authorization) = request.authorization {
            outgoing = authorization.apply(outgoing);
        }
        let mut incoming = outgoing.send().await.map_err(failed)?;
        let status = incoming.status().as_u16();
        let all = incoming.headers().clone();
        let headers = AnswerHeaders::read(&all);
        let mut body = self.shared.buffers.take();
        while let Some(chunk) = incoming.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > request.body_limit {
                return Err(TransportError::BodyTooLarge { host, limit: request.body_limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((Answer { status, headers, body: body.freeze(), elapsed: started.elapsed() }, all))
    }

    /// Takes the body of an answer that was read to its end, so that the next one needs no memory of its own.
    pub fn give_back(&self, body: Bytes) {
        // Somebody else may hold it still.
        if let Ok(buffer) = body.try_into_mut() {
            self.shared.buffers.give_back(buffer);
        }
    }

    /// Asks a host for nothing: whether it can be reached, over a connection that is trusted, and what time it has.
    pub async fn reach(&self, url: &Url, timeout: Duration) -> Result<Answer, TransportError> {
        let host = host(url);
        let started = Instant::now();
        let asked = self.client(url)?.head(url.clone()).timeout(timeout).send().await;
        let answer = asked.map_err(|error| TransportError::of(error, &host, timeout))?;
        let (status, headers) = (answer.status().as_u16(), AnswerHeaders::read(answer.headers()));
        Ok(Answer { status, headers, body: Bytes::new(), elapsed: started.elapsed() })
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportError> {
        match url.scheme() {
            "https" => {
                let client = self.shared.https.get_or_init(|| {
                    builder(&self.shared.options).https_only(true).build().map_err(|error| chain(&error))
                });
                client.as_ref().map_err(|reason| TransportError::Setup { reason: reason.clone() })
            }
            "http" if is_loopback(url) => Ok(&self.shared.loopback),
            "http" => Err(TransportError::BadUrl { reason: "http is allowed for loopback only, use https" }),
            _ => Err(TransportError::BadUrl { reason: "neither https nor http" }),
        }
    }
}

fn builder(options: &TransportOptions) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("cohort-sync/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(options.idle_timeout)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        .referer(false)
}

/// Whether a URL leads to this machine itself.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// Host and port, which may be shown; the rest of a URL may not.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_nobody_holds_is_used_again() {
        let transport = Transport::new(TransportOptions::default()).unwrap();
        let body = BytesMut::from(&b"a page"[..]).freeze();
        let (held, place) = (body.clone(), body.as_ptr());
        transport.give_back(held);
        assert_eq!(transport.shared.buffers.take().capacity(), 0, "somebody holds it");
        transport.give_back(body);
        let again = transport.shared.buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://127.0.0.1:1/", "http://127.8.8.8/", "http://[::1]:9/", "http://localhost/"] {
            assert!(is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://localhost.example.com/", "http://[2001:db8::1]/", "data:x"] {
            assert!(!is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
