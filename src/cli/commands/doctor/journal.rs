//! The request journal: how much it holds, and how much of it is kept.

use super::finding::{Check, Finding};
use crate::cli::account::Desk;
use crate::config::JournalConfig;
use crate::domain::number::{length, thousands};
use crate::store::Reader;
use crate::sync::export::seconds;
use crate::tui::text::plural;

/// Looks at the journal of a state that is there.
pub(super) async fn check(desk: &Desk, kept: JournalConfig) -> Option<Finding> {
    let directory = desk.places.state_dir.clone();
    let looked = tokio::task::spawn_blocking(move || Reader::open(&directory)?.journal_extent()).await;
    // A state that cannot be read has a finding of its own already.
    let Ok(Ok(extent)) = looked else { return None };
    let since = extent.oldest.map_or_else(String::new, |oldest| format!(" since {}", seconds(oldest)));
    let found = format!(
        "{}{since} can be looked into with `cohort-sync requests`. At most {} are kept, none for longer than {} (journal.max_requests, journal.max_age).",
        plural(extent.requests, "request"),
        thousands(kept.max_requests),
        length(kept.max_age),
    );
    Some(Finding::ok(Check::Journal, found))
}
