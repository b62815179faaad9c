//! What both clients share: one transport, the typed answer with its headers, the timing of retries and the
//! pace of a feed. What an answer *means* is not decided here but where its protocol is known, in `mixpanel`
//! and `mparticle`.

mod answer;
mod authorization;
pub mod backoff;
mod conceal;
mod error;
mod gate;
pub mod pacing;
mod replaceable;
pub mod text;
mod transport;
pub mod turns;
mod window;

pub use answer::{Answer, AnswerHeaders, RetryAfter};
pub use authorization::Authorization;
pub use backoff::Backoff;
pub use bytes::Bytes;
pub use conceal::{MASK, conceal};
pub use error::{ConnectFailure, TransportError};
pub use gate::{FeedGate, Permit};
pub use pacing::{Admission, Feedback, Limit, Pacer, PacerOptions};
pub use replaceable::Replaceable;
pub use reqwest::Url;
pub use transport::{ContentType, Method, Request, Transport, TransportOptions, is_loopback};
pub use turns::Line;
