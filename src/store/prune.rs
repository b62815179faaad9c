//! How much history is kept: the newest runs of a cohort, and whatever still leaves somebody in doubt or waits for a
//! decision. When to prune is for whoever ends a run.

use super::runs::load_last_account;
use super::{Store, StoreError};
use crate::domain::CohortId;
use rusqlite::params;

/// Runs of a cohort whose changes and remarks are kept; older ones keep their counts only.
pub const RUNS_WITH_CHANGES: i64 = 20;

/// Runs of a cohort that are kept at all: a week of one every 15 minutes.
pub const RUNS_KEPT: i64 = 700;

impl Store {
    /// Forgets history beyond what is kept. Requests still in doubt are never forgotten.
    pub fn prune(&mut self, cohort: CohortId) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let nth = |offset: i64| -> Result<i64, StoreError> {
            Ok(transaction.query_row(
                "SELECT coalesce((SELECT id FROM runs WHERE cohort_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2), 0)",
                params![cohort.0.cast_signed(), offset],
                |row| row.get(0),
            )?)
        };
        // Runs that told nobody anything push nothing out: who is in doubt is read from those that did.
        let without_changes: i64 = transaction.query_row(
            "SELECT coalesce((SELECT id FROM runs WHERE cohort_id = ?1
                AND EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id)
                ORDER BY id DESC LIMIT 1 OFFSET ?2), 0)",
            params![cohort.0.cast_signed(), RUNS_WITH_CHANGES],
            |row| row.get(0),
        )?;
        let gone = nth(RUNS_KEPT)?;
        let of_cohort = "run_id IN (SELECT id FROM runs WHERE cohort_id = ?1 AND id <= ?2)";
        // What is in doubt and what waits for a decision is needed however old it is.
        let kept = "AND run_id NOT IN (SELECT run_id FROM rejections WHERE in_doubt = 1)
             AND state NOT IN ('claimed', 'doubted') AND NOT (state = 'planned' AND wave = 2)
             AND run_id NOT IN (SELECT held_run FROM syncs WHERE held_run IS NOT NULL)";
        for (table, also) in [("outbox", kept), ("rejections", "AND in_doubt = 0")] {
            transaction.execute(
                &format!("DELETE FROM {table} WHERE {of_cohort} {also}"),
                params![cohort.0.cast_signed(), without_changes],
            )?;
        }
        // Only the newest whole account explains the cohort; what a read that broke off remarked explains nothing.
        let newest = load_last_account(&transaction, cohort)?.map_or(0, |run| run.id.0);
        for table in ["remarks", "reads"] {
            transaction.execute(
                &format!("DELETE FROM {table} WHERE cohort_id = ?1 AND run_id <> ?2"),
                params![cohort.0.cast_signed(), newest],
            )?;
        }
        // A run whose changes are kept is kept with them, however many came after that changed nothing.
        transaction.execute(
            "DELETE FROM runs WHERE cohort_id = ?1 AND id <= ?2
                AND id NOT IN (SELECT run_id FROM outbox)
                AND id NOT IN (SELECT run_id FROM rejections WHERE in_doubt = 1)
                AND id NOT IN (SELECT held_run FROM syncs WHERE held_run IS NOT NULL)",
            params![cohort.0.cast_signed(), gone],
        )?;
        Ok(transaction.commit()?)
    }
}
