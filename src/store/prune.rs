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

/// Rows that are forgotten at once: some megabytes, so that nobody who asks the store waits long.
const AT_ONCE: usize = 500;

impl Store {
    /// Forgets all history beyond what is kept. Requests still in doubt are never forgotten.
    pub fn prune(&mut self, cohort: CohortId) -> Result<(), StoreError> {
        while self.prune_some(cohort)? {}
        Ok(())
    }

    /// Forgets some of the history beyond what is kept; returns whether more of it may be left.
    pub fn prune_some(&mut self, cohort: CohortId) -> Result<bool, StoreError> {
        let transaction = self.connection.savepoint()?;
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
        // Only the newest whole account explains the cohort; what a read that broke off remarked explains nothing.
        let newest = load_last_account(&transaction, cohort)?.map_or(0, |run| run.id.0);
        let delete = |table: &str, which: &str, run: i64| {
            transaction.execute(
                &format!(
                    "DELETE FROM {table} WHERE rowid IN
                        (SELECT rowid FROM {table} WHERE {which} LIMIT {AT_ONCE})"
                ),
                params![cohort.0.cast_signed(), run],
            )
        };
        let of_cohort = "run_id IN (SELECT id FROM runs WHERE cohort_id = ?1 AND id <= ?2)";
        // What is in doubt and what waits for a decision is needed however old it is.
        let kept = "run_id NOT IN (SELECT run_id FROM rejections WHERE in_doubt = 1)
             AND state NOT IN ('claimed', 'doubted') AND NOT (state = 'planned' AND wave = 2)
             AND run_id NOT IN (SELECT held_run FROM syncs WHERE held_run IS NOT NULL)";
        // A run whose changes are kept is kept with them, however many came after that changed nothing.
        let without_any = "cohort_id = ?1 AND id <= ?2
             AND id NOT IN (SELECT run_id FROM outbox)
             AND id NOT IN (SELECT run_id FROM rejections WHERE in_doubt = 1)
             AND id NOT IN (SELECT held_run FROM syncs WHERE held_run IS NOT NULL)";
        let forgotten = [
            delete("outbox", &format!("{of_cohort} AND {kept}"), without_changes)?,
            delete("rejections", &format!("{of_cohort} AND in_doubt = 0"), without_changes)?,
            delete("remarks", "cohort_id = ?1 AND run_id <> ?2", newest)?,
            delete("reads", "cohort_id = ?1 AND run_id <> ?2", newest)?,
            delete("runs", without_any, gone)?,
        ];
        transaction.commit()?;
        Ok(forgotten.contains(&AT_ONCE))
    }
}
