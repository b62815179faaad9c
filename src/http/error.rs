//! What can go wrong before there is a complete answer. No text here contains a URL path, because the path of
//! the mParticle feed is a credential: reqwest's errors are stripped of their URL before they are kept.

use std::error::Error;
use std::fmt;
use std::io;

/// Why there is no complete answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection came about, so nothing was sent.
    #[error("could not connect to {host}: {failure}")]
    Connect {
        /// The host that was asked for.
        host: String,
        /// What kept the connection from coming about.
        failure: ConnectFailure,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// The answer did not arrive in time; the request may have been applied.
    #[error("{host} did not answer within {seconds} s")]
    TimedOut {
        /// The host that was asked.
        host: String,
        /// The time allowed.
        seconds: u64,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// The connection ended before the answer was complete; the request may have been applied.
    #[error("{host} closed the connection before its answer was complete")]
    Cut {
        /// The host that was asked.
        host: String,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is larger than anything this service should send; the request may have been applied.
    #[error("the answer of {host} is larger than {limit} bytes")]
    BodyTooLarge {
        /// The host that was asked.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The address is not one a request may go to; nothing was sent.
    #[error("the address cannot be used: {reason}")]
    BadUrl {
        /// What is wrong with it; never the address itself.
        reason: &'static str,
    },
    /// The request could not be built; nothing was sent.
    #[error("the request could not be built")]
    BadRequest(#[source] reqwest::Error),
    /// The HTTP client itself could not be set up, mostly for want of root certificates.
    #[error("the HTTPS client could not be set up; are the system's root certificates installed? {reason}")]
    Setup {
        /// What the TLS library said.
        reason: String,
    },
}

impl TransportError {
    /// Whether the service may have received and applied the request all the same.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Cut { .. } | Self::BodyTooLarge { .. } => true,
            Self::Connect { .. } | Self::BadUrl { .. } | Self::BadRequest(_) | Self::Setup { .. } => false,
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::TimedOut { .. } | Self::Cut { .. })
    }

    /// Sorts what reqwest reports, after taking the URL out of it.
    pub(super) fn of(error: reqwest::Error, host: &str, allowed: std::time::Duration) -> Self {
        let source = error.without_url();
        let host = host.to_owned();
        if source.is_builder() {
            Self::BadRequest(source)
        } else if source.is_connect() {
            Self::Connect { host, failure: ConnectFailure::of(&source), source }
        } else if source.is_timeout() {
            Self::TimedOut { host, seconds: allowed.as_secs(), source }
        } else {
            Self::Cut { host, source }
        }
    }
}

/// What kept a connection from coming about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Nobody listens there.
    Refused,
    /// The name has no address.
    UnknownHost,
    /// The TLS handshake failed.
    Tls,
    /// The network has no way there.
    Unreachable,
    /// No connection within the time allowed for one.
    NoAnswer,
    /// Something else; the source says what.
    Other,
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the connection was refused; nothing listens there, so check the address and any proxy",
            Self::UnknownHost => "the name could not be resolved; check the host name and the network",
            Self::Tls => {
                "the TLS handshake failed; check the system's clock and certificates, and any proxy in between"
            }
            Self::Unreachable => "the network is unreachable; check the connection and any proxy",
            Self::NoAnswer => "nobody answered in time; check the network and any proxy",
            Self::Other => "the connection failed",
        })
    }
}

impl ConnectFailure {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_dns() {
            return Self::UnknownHost;
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            if error.is::<rustls::Error>() {
                return Self::Tls;
            }
            if let Some(found) = error.downcast_ref::<io::Error>().and_then(Self::of_io) {
                return found;
            }
            cause = error.source();
        }
        if error.is_timeout() { Self::NoAnswer } else { Self::Other }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        // tokio-rustls wraps the TLS error in an I/O error, where `source` skips it.
        if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) {
            return Some(Self::Tls);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Some(Self::Unreachable),
            io::ErrorKind::TimedOut => Some(Self::NoAnswer),
            _ => None,
        }
    }
}
