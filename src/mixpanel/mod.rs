//! Mixpanel's Query API as far as an export needs it: the cohort list, the members of a cohort page by page, read
//! whole or not at all, and one user. Facts about the API come from Mixpanel's published OpenAPI file and
//! reference pages; where those are silent, the code says what it assumes.

mod client;
mod error;
mod json;
mod lookup;
mod page;
mod quota;
mod read;
mod wire;

pub use client::{Asked, Client, Connection, Exchange, Heard, Listing, Page, Session};
pub use error::MixpanelError;
pub use lookup::Lookup;
pub use page::{PageHead, gather};
pub use quota::Ledger;
pub use read::{Heeded, PageEvent, Rest, wait_to_retry};
