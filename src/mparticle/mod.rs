//! mParticle: how changes are written, sent and judged, and how what it holds of somebody is looked up. One address, one
//! POST, one verdict; when to try again, how fast to send and what to remember is for others. The Profile API
//! ([`profile`]) has a pace and retries of its own, because nothing that was told hangs on it.

mod client;
mod encode;
mod members;
mod pattern;
pub mod profile;
mod verdict;

pub use client::{Client, EventsApi, FeedUrl, FeedUrlError, Route};
pub use encode::{Encoder, Form, Letter, RunEncoder, source_request_id};
pub use profile::ProfileApi;
pub use verdict::{Verdict, judge, judge_failure};
