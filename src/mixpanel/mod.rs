//! Mixpanel's Query API as far as an export needs it: the cohort list, and the members of a cohort page by
//! page, read whole or not at all. Facts about the API come from Mixpanel's published OpenAPI file and
//! reference pages; where those are silent, the code says what it assumes.

mod client;
mod error;
mod quota;
mod read;
mod wire;

pub use client::{Asked, Client, Connection, Exchange, Heard, Listing, Page, Session};
pub use error::MixpanelError;
pub use quota::Ledger;
pub use read::{Heeded, PageEvent, Rest, wait_to_retry};
