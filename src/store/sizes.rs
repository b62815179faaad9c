//! How much room what is recorded takes, and giving back what was forgotten. What is forgotten, and when, belongs to
//! `prune`.

use super::{Reader, Store, StoreError};
use crate::domain::CohortId;
use rusqlite::Connection;

/// What the state file takes, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The file.
    pub file: u64,
    /// Of it, what was forgotten and is used again before the file grows.
    pub free: u64,
    /// The baselines of all syncs.
    pub baselines: u64,
    /// The members in them.
    pub members: u64,
    /// The plans of the runs whose changes are kept.
    pub plans: u64,
    /// What the last whole reads remarked.
    pub remarks: u64,
}

impl Sizes {
    /// What the baselines take for each member.
    #[must_use]
    pub fn bytes_a_member(&self) -> Option<f64> {
        (self.members > 0).then(|| self.baselines as f64 / self.members as f64)
    }
}

impl Reader {
    /// How much room everything takes. What is many is not read for it.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        measure(&self.connection)
    }
}

fn measure(connection: &Connection) -> Result<Sizes, StoreError> {
    let page = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let size = page("page_size")?;
    let number =
        |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
    // The length of a column is known without reading it.
    let column = |table: &str, column: &str| {
        number(&format!("SELECT coalesce(sum(length({column})), 0) FROM {table}"))
    };
    Ok(Sizes {
        file: (page("page_count")? * size).cast_unsigned(),
        free: (page("freelist_count")? * size).cast_unsigned(),
        baselines: column("baseline", "chunk")? + column("baseline", "first_key")?,
        members: number("SELECT coalesce(sum(members), 0) FROM holdings")?,
        plans: column("outbox_changes", "changes")?,
        remarks: column("remarks", "remarks")? + column("reads", "tallies")?,
    })
}

impl Store {
    /// Forgets what is beyond what is kept of every cohort, and writes the file anew without what was forgotten. Returns
    /// the sizes before and after. For as long as it works, the disk holds the file twice.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] where there is no room for that; the state stays as it is.
    pub fn vacuum(&mut self) -> Result<(Sizes, Sizes), StoreError> {
        let before = measure(&self.connection)?;
        let cohorts: Vec<CohortId> = {
            let mut statement = self.connection.prepare("SELECT DISTINCT cohort_id FROM runs")?;
            let found = statement.query_map([], |row| row.get::<_, i64>(0))?;
            found.map(|id| id.map(|id| CohortId(id.cast_unsigned()))).collect::<Result<_, _>>()?
        };
        for cohort in cohorts {
            self.prune(cohort)?;
        }
        self.connection.execute_batch("VACUUM")?;
        // Until the log is written back, the file is still as large as it was.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok((before, measure(&self.connection)?))
    }
}
