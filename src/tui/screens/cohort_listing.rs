//! The cohorts as rows for a file: what the table shows, in full and without formatting.

use super::cohort_columns::{changes, counts, users};
use crate::sync::snapshot::CohortView;
use std::sync::Arc;

const COLUMNS: [&str; 12] = [
    "cohort_id",
    "cohort",
    "attribute",
    "users",
    "matched",
    "unmatched",
    "adds",
    "removes",
    "sync",
    "status",
    "last_run_at",
    "next_due_at",
];

/// The names of the columns, then a row a cohort.
pub fn rows<'c>(cohorts: impl Iterator<Item = &'c Arc<CohortView>>) -> Vec<Vec<String>> {
    let header = COLUMNS.map(str::to_owned).to_vec();
    std::iter::once(header).chain(cohorts.map(|view| row(view))).collect()
}

fn row(view: &CohortView) -> Vec<String> {
    let number = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let time = |at: Option<jiff::Timestamp>| {
        at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    };
    let sync = view.sync.as_ref();
    let last = sync.and_then(|sync| sync.last_run.as_ref());
    vec![
        view.cohort.id.to_string(),
        view.cohort.name.clone(),
        view.attribute().to_owned(),
        number(users(view)),
        number(counts(view).map(|counts| counts.read.matched)),
        number(counts(view).map(|counts| counts.read.unmatched)),
        number(changes(view).map(|(adds, _)| adds)),
        number(changes(view).map(|(_, removes)| removes)),
        sync.map(|sync| sync.kind.token().to_owned()).unwrap_or_default(),
        view.status().token().to_owned(),
        time(last.map(|run| run.ended_at.unwrap_or(run.started_at))),
        time(sync.and_then(|sync| sync.next_due)),
    ]
}
