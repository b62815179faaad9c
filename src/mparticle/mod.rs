//! mParticle: how changes are written, sent and judged. One feed URL, one POST, one verdict; when to try
//! again, how fast to send and what to remember is for others.

mod client;
mod encode;
mod verdict;

pub use client::{Client, FeedUrl, FeedUrlError};
pub use encode::{Encoder, Letter, source_request_id};
pub use verdict::{Verdict, judge, judge_failure};
