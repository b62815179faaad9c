//! An answer as both clients read it: status, the headers that steer retries and pacing, the whole body, and
//! how long it took.

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// A complete answer: the body was read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers somebody here reads.
    pub headers: AnswerHeaders,
    /// The body, decompressed.
    pub body: Bytes,
    /// From the start of the request to the last byte of the answer.
    pub elapsed: Duration,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The headers that somebody reads, parsed as far as they can be without knowing the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerHeaders {
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// `RateLimit-Policy`, which tells Mixpanel's quota.
    pub rate_limit_policy: Option<String>,
    /// `RateLimit`, which tells what is left of it.
    pub rate_limit: Option<String>,
    /// `X-mp-rate-limit-exceeded`, without the quotes that mParticle's documentation prints around the value.
    pub mp_rate_limit_exceeded: Option<String>,
    /// `X-mp-rate-limit-percentage-used`; values above 255 count as 255.
    pub mp_rate_limit_percentage_used: Option<u8>,
    /// `Content-Type`, lower case.
    pub content_type: Option<String>,
    /// `Date`: the server's own clock, so that `Retry-After` dates need no clock of ours.
    pub date: Option<Timestamp>,
}

/// `Retry-After` in either of its two forms (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds from now.
    Seconds(u64),
    /// At this moment by the server's clock.
    At(Timestamp),
}

impl AnswerHeaders {
    /// Reads the headers; what cannot be read counts as absent.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        Self {
            retry_after: text("retry-after").as_deref().and_then(RetryAfter::parse),
            rate_limit_policy: text("ratelimit-policy"),
            rate_limit: text("ratelimit"),
            mp_rate_limit_exceeded: text("x-mp-rate-limit-exceeded")
                .map(|value| value.trim_matches('"').trim().to_ascii_lowercase()),
            mp_rate_limit_percentage_used: text("x-mp-rate-limit-percentage-used")
                .as_deref()
                .and_then(parse_percentage),
            content_type: text("content-type").map(|value| value.to_ascii_lowercase()),
            date: text("date").as_deref().and_then(parse_date),
        }
    }

    /// How long the server asked to wait. A date is measured against the server's own `Date`; without one it
    /// says nothing, and the caller falls back to its own backoff.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        match self.retry_after? {
            RetryAfter::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            RetryAfter::At(moment) => {
                let delay = moment.duration_since(self.date?);
                Some(Duration::try_from(delay).unwrap_or(Duration::ZERO))
            }
        }
    }
}

impl RetryAfter {
    /// Reads a header value; `None` for anything that is neither seconds nor an HTTP date.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim().trim_matches('"');
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than 64 bits hold still means "a very long time".
            return Some(Self::Seconds(value.parse().unwrap_or(u64::MAX)));
        }
        parse_date(value).map(Self::At)
    }
}

fn parse_date(value: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()
}

fn parse_percentage(value: &str) -> Option<u8> {
    let value = value.trim_matches('"').trim_end_matches('%').trim();
    let whole = value.split_once('.').map_or(value, |(whole, _)| whole);
    let whole: u64 = whole.parse().ok()?;
    Some(u8::try_from(whole).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn read(pairs: &[(&'static str, &str)]) -> AnswerHeaders {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        AnswerHeaders::read(&headers.collect())
    }

    #[test]
    fn retry_after_may_be_seconds() {
        let headers = read(&[("retry-after", " 30 ")]);
        assert_eq!(headers.retry_after, Some(RetryAfter::Seconds(30)));
        assert_eq!(headers.retry_delay(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn retry_after_may_be_a_date_by_the_clock_of_the_server() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        let later = ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(&[date, later]).retry_delay(), Some(Duration::from_secs(30)));
        let earlier = ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT");
        assert_eq!(read(&[date, earlier]).retry_delay(), Some(Duration::ZERO));
        assert_eq!(read(&[later]).retry_delay(), None, "no Date, nothing to measure against");
    }

    #[test]
    fn values_may_stand_in_quotes() {
        let headers =
            read(&[("x-mp-rate-limit-exceeded", "\"Feed\""), ("x-mp-rate-limit-percentage-used", "92")]);
        assert_eq!(headers.mp_rate_limit_exceeded.as_deref(), Some("feed"));
        assert_eq!(headers.mp_rate_limit_percentage_used, Some(92));
    }

    #[test]
    fn percentages_come_in_several_spellings() {
        for (value, expected) in [
            ("92%", Some(92)),
            ("92.7", Some(92)),
            ("1000", Some(255)),
            ("-1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(parse_percentage(value), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_of_retry_after_panics(value in "\\PC{0,40}") {
            let _ = RetryAfter::parse(&value);
        }
    }
}
