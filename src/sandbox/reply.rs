//! An answer and what becomes of it on its way. Owns the faults that are about bytes: an answer instead of work, a body
//! that trickles or breaks off, a connection that is cut; the answers themselves are left to the services.

use std::fmt::Display;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::fault::Effect;

/// The body type of every answer.
pub(super) type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// An answer before it is sent.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    delivery: Delivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Whole,
    Truncated,
    Slow(Duration),
    Cut,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), delivery: Delivery::Whole }
    }

    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => Self::text(status, "application/json", text),
            Err(error) => Self::text(500, "text/plain", error.to_string()),
        }
    }

    pub(super) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::empty(status).header(CONTENT_TYPE.as_str(), content_type) }
    }

    pub(super) fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// What is answered instead of working, if the effect is of that kind.
    pub(super) fn instead_of_work(effect: &Effect) -> Option<Self> {
        Some(match effect {
            Effect::Status { code, body, headers } => {
                let kind =
                    if body.trim_start().starts_with(['{', '[']) { "application/json" } else { "text/plain" };
                let reply = Self::text(*code, kind, body.clone());
                headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
            }
            Effect::RetryAfterSeconds { seconds } => Self::empty(429).header(RETRY_AFTER.as_str(), seconds),
            Effect::RetryAfterDate { seconds } => {
                let date = SystemTime::now() + Duration::from_secs(*seconds);
                Self::empty(429).header(RETRY_AFTER.as_str(), httpdate::fmt_http_date(date))
            }
            Effect::Html { code } => Self::text(*code, "text/html", PROXY_PAGE),
            Effect::CutBeforeApply | Effect::CutThenApply { .. } => {
                Self { delivery: Delivery::Cut, ..Self::empty(0) }
            }
            _ => return None,
        })
    }

    /// Lets the effect spoil the delivery, if it is of that kind.
    pub(super) fn spoiled_by(self, effect: &Effect) -> Self {
        let delivery = match effect {
            Effect::TruncatedBody => Delivery::Truncated,
            Effect::SlowBody { milliseconds } => Delivery::Slow(Duration::from_millis(*milliseconds)),
            Effect::CutAfterApply => Delivery::Cut,
            _ => return self,
        };
        Self { delivery, ..self }
    }

    /// The status that the client gets to see; none when the connection is cut.
    pub(super) fn status_sent(&self) -> Option<u16> {
        (self.delivery != Delivery::Cut).then_some(self.status)
    }

    /// An error makes hyper close the connection without an answer.
    pub(super) fn into_response(self) -> io::Result<Response<ReplyBody>> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = match self.delivery {
            Delivery::Cut => return Err(cut()),
            Delivery::Whole => Full::new(self.body).map_err(|never| match never {}).boxed_unsync(),
            Delivery::Slow(time) => trickle(&self.body, time),
            Delivery::Truncated => {
                // Even an empty body is announced as longer than it is, or nothing would be missing.
                response = response.header(CONTENT_LENGTH, self.body.len().max(32));
                break_off(self.body.slice(..self.body.len() / 2))
            }
        };
        response.body(body).map_err(io::Error::other)
    }
}

const PROXY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\n\
                          <body><center><h1>The upstream server did not answer</h1></center><hr></body></html>\n";

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the script cuts this connection")
}

fn break_off(half: Bytes) -> ReplyBody {
    let frames = stream::unfold(Some(half), |half| async {
        if let Some(half) = half {
            return Some((Ok(Frame::data(half)), None));
        }
        // hyper sends what it has while a body makes it wait; without a wait the client would not even see the status.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Err(cut()), None))
    });
    StreamBody::new(Box::pin(frames)).boxed_unsync()
}

/// Sends the body in ten pieces spread over the time. An empty body waits once and ends.
fn trickle(body: &Bytes, time: Duration) -> ReplyBody {
    let size = body.len().div_ceil(10).max(1);
    let mut pieces: Vec<Bytes> =
        (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size))).collect();
    if pieces.is_empty() {
        pieces.push(Bytes::new());
    }
    let pause = time / u32::try_from(pieces.len()).unwrap_or(10);
    let frames = stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        let piece = pieces.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok(Frame::data(piece)), pieces))
    });
    StreamBody::new(Box::pin(frames)).boxed_unsync()
}
