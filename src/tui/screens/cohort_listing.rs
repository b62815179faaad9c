//! The cohorts as rows for a file: what the table shows, in full and without formatting.

use super::cohort_columns::{changes, counts, users};
use crate::sync::export::{Table, seconds};
use crate::sync::snapshot::CohortView;
use serde_json::Value;
use std::sync::Arc;

const COLUMNS: &[&str] = &[
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

/// A row a cohort.
pub fn rows<'c>(cohorts: impl Iterator<Item = &'c Arc<CohortView>>) -> Table {
    Table { columns: COLUMNS, rows: cohorts.map(|view| row(view)).collect() }
}

fn row(view: &CohortView) -> Vec<Value> {
    let sync = view.sync.as_ref();
    let last = sync.and_then(|sync| sync.last_run.as_ref());
    vec![
        view.cohort.id.0.into(),
        view.cohort.name.as_str().into(),
        view.attribute().into(),
        users(view).into(),
        counts(view).map(|counts| counts.read.matched).into(),
        counts(view).map(|counts| counts.read.unmatched).into(),
        changes(view).map(|(adds, _)| adds).into(),
        changes(view).map(|(_, removes)| removes).into(),
        sync.map(|sync| sync.kind.token()).into(),
        view.status().token().into(),
        last.map(|run| seconds(run.ended_at.unwrap_or(run.started_at))).into(),
        sync.and_then(|sync| sync.next_due).map(seconds).into(),
    ]
}
