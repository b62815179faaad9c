//! What deserves a look about cohorts and their syncs though every run may succeed: a finding each. What is looked for
//! is `domain::linting`'s; the console shows the same.

use super::finding::{Check, Finding, sentence};
use crate::cli::account::Desk;
use crate::cli::commands::warnings;
use crate::sync;
use crate::tui::text::plural;

/// Looks at what is remembered of the cohorts; nothing is asked of Mixpanel for it.
pub(super) async fn check(desk: &Desk) -> Vec<Finding> {
    let directory = desk.places.state_dir.clone();
    let looked = tokio::task::spawn_blocking(move || sync::look(&directory)).await;
    // A state that cannot be read has a finding of its own already.
    let Ok(Ok(snapshot)) = looked else { return Vec::new() };
    let found: Vec<Finding> = warnings::of(&snapshot)
        .map(|(whom, lint)| {
            let said = format!("{} {}", sentence(&format!("{whom}{}", lint.seen())), lint.matters());
            Finding::warning(Check::Cohorts, said, lint.advice())
        })
        .collect();
    if found.is_empty() && !snapshot.cohorts.is_empty() {
        let looked_at = plural(snapshot.cohorts.len() as u64, "cohort");
        return vec![Finding::ok(Check::Cohorts, format!("Nothing about the {looked_at} deserves a look."))];
    }
    found
}
