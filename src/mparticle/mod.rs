//! mParticle: how changes are written, sent and judged. One address, one POST, one verdict; when to try again, how
//! fast to send and what to remember is for others.

mod client;
mod encode;
mod members;
mod verdict;

pub use client::{Client, EventsApi, FeedUrl, FeedUrlError, Route};
pub use encode::{Encoder, Form, Letter, source_request_id};
pub use verdict::{Verdict, judge, judge_failure};
