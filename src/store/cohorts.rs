//! The last cohort list, remembered so that the console opens with something to read and a synced cohort
//! that vanished from Mixpanel still has its name.

use super::{Store, StoreError, time};
use crate::domain::{Cohort, CohortId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The cohort list as it was remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RememberedCohorts {
    /// Each cohort, and whether Mixpanel still lists it.
    pub cohorts: Vec<(Cohort, bool)>,
    /// When Mixpanel was asked last.
    pub listed_at: Option<Timestamp>,
}

/// Reads the remembered list.
pub(super) fn load(connection: &Connection) -> Result<RememberedCohorts, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, description, users, created, visible, data_group_id, listed FROM cohorts ORDER BY listed DESC, place",
    )?;
    let cohorts = statement.query_map([], read_row)?.collect::<Result<_, _>>()?;
    let listed_at: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = 'cohorts_listed_at'", [], |row| row.get(0))
        .optional()?;
    let listed_at = listed_at.and_then(|text| text.parse().ok()).map(time::read).transpose()?;
    Ok(RememberedCohorts { cohorts, listed_at })
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<(Cohort, bool)> {
    let cohort = Cohort {
        id: CohortId(row.get::<_, i64>(0)?.cast_unsigned()),
        name: row.get(1)?,
        description: row.get(2)?,
        count: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
        created: row.get(4)?,
        visible: row.get(5)?,
        data_group_id: row.get(6)?,
    };
    Ok((cohort, row.get(7)?))
}

impl Store {
    /// Replaces the remembered list. Cohorts that are synced but no longer listed are kept, marked so.
    pub fn save_cohorts(&mut self, cohorts: &[Cohort], at: Timestamp) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        transaction.execute("UPDATE cohorts SET listed = 0", [])?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO cohorts (id, place, listed, name, description, users, created, visible, data_group_id)
                 VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for (place, cohort) in cohorts.iter().enumerate() {
                insert.execute(params![
                    cohort.id.0.cast_signed(),
                    place.cast_signed(),
                    cohort.name,
                    cohort.description,
                    cohort.count.map(u64::cast_signed),
                    cohort.created,
                    cohort.visible,
                    cohort.data_group_id,
                ])?;
            }
        }
        transaction.execute(
            "DELETE FROM cohorts WHERE listed = 0 AND id NOT IN (SELECT cohort_id FROM syncs)",
            [],
        )?;
        transaction.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('cohorts_listed_at', ?1)",
            [at.as_millisecond().to_string()],
        )?;
        Ok(transaction.commit()?)
    }
}
