//! Verifications: the accounts of the newest one of each attribute. Whom it found wrong is in `wrong_users`; carrying
//! one out is for others.

use super::{Holding, Reader, Store, StoreError, time};
use crate::domain::CohortId;
use crate::domain::verification::Extent;
use crate::domain::verified::{GroupAccount, Verification};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

/// The number of a verification, counted up in one state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerificationId(pub i64);

const COLUMNS: &str = "id, cohort_id, attribute, sample, began_at, ended_at, accounts, drift_upper_bound";

type Written = [u64; 6];

fn written(account: &GroupAccount) -> Written {
    let GroupAccount { people, checked, found, wrong, without_profile, without_attribute } = *account;
    [people, checked, found, wrong, without_profile, without_attribute]
}

fn read_account(
    [people, checked, found, wrong, without_profile, without_attribute]: Written,
) -> GroupAccount {
    GroupAccount { people, checked, found, wrong, without_profile, without_attribute }
}

fn read_row(row: &Row<'_>) -> Result<(VerificationId, Verification), StoreError> {
    let accounts: Vec<Written> = serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or_default();
    let groups = <[Written; 3]>::try_from(accounts)
        .map_err(|_| StoreError::Damaged { what: "a verification with unreadable accounts".to_owned() })?;
    let sample = row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned);
    let verification = Verification {
        cohort_id: CohortId(row.get::<_, i64>(1)?.cast_unsigned()),
        attribute: row.get(2)?,
        extent: sample.map_or(Extent::Full, Extent::Sample),
        began_at: time::read(row.get(4)?)?,
        ended_at: time::read(row.get(5)?)?,
        groups: groups.map(read_account),
        drift_upper_bound: row.get(7)?,
    };
    Ok((VerificationId(row.get(0)?), verification))
}

/// The newest of a holding that has ended.
fn load_newest(
    connection: &Connection,
    holding: &Holding,
) -> Result<Option<(VerificationId, Verification)>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM verifications
         WHERE cohort_id = ?1 AND attribute = ?2 AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1"
    ))?;
    let mut rows = statement.query(params![holding.cohort.0.cast_signed(), holding.attribute])?;
    rows.next()?.map(read_row).transpose()
}

impl Store {
    /// Records that a verification begins.
    pub fn begin_verification(
        &mut self,
        holding: &Holding,
        extent: Extent,
        at: Timestamp,
    ) -> Result<VerificationId, StoreError> {
        let sample = match extent {
            Extent::Sample(size) => Some(size.cast_signed()),
            Extent::Full => None,
        };
        self.connection.execute(
            "INSERT INTO verifications (cohort_id, attribute, sample, began_at) VALUES (?1, ?2, ?3, ?4)",
            params![holding.cohort.0.cast_signed(), holding.attribute, sample, at.as_millisecond()],
        )?;
        Ok(VerificationId(self.connection.last_insert_rowid()))
    }

    /// Records what a verification came to; the ones before it are forgotten.
    pub fn end_verification(&mut self, id: VerificationId, came_to: &Verification) -> Result<(), StoreError> {
        let accounts = serde_json::to_string(&came_to.groups.each_ref().map(written))
            .map_err(|error| StoreError::Damaged { what: error.to_string() })?;
        let transaction = self.connection.savepoint()?;
        transaction.execute(
            "UPDATE verifications SET ended_at = ?2, accounts = ?3, drift_upper_bound = ?4 WHERE id = ?1",
            params![id.0, came_to.ended_at.as_millisecond(), accounts, came_to.drift_upper_bound],
        )?;
        let of_same = "cohort_id = ?1 AND attribute = ?2 AND id < ?3";
        forget(&transaction, of_same, params![came_to.cohort_id.0.cast_signed(), came_to.attribute, id.0])?;
        Ok(transaction.commit()?)
    }

    /// Forgets a verification that did not come to an end.
    pub fn drop_verification(&mut self, id: VerificationId) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        forget(&transaction, "id = ?1", params![id.0])?;
        Ok(transaction.commit()?)
    }

    /// Forgets verifications that a crash cut off.
    pub fn drop_unfinished_verifications(&mut self) -> Result<(), StoreError> {
        let transaction = self.connection.savepoint()?;
        forget(&transaction, "ended_at IS NULL", [])?;
        Ok(transaction.commit()?)
    }
}

fn forget(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params + Clone,
) -> Result<(), StoreError> {
    let found = format!("SELECT id FROM verifications WHERE {condition}");
    connection.execute(
        &format!("DELETE FROM wrong_users WHERE verification_id IN ({found})"),
        parameters.clone(),
    )?;
    connection.execute(&format!("DELETE FROM verifications WHERE {condition}"), parameters)?;
    Ok(())
}

impl Reader {
    /// The newest verification of an attribute of a cohort, if there is one.
    pub fn verification(
        &self,
        holding: &Holding,
    ) -> Result<Option<(VerificationId, Verification)>, StoreError> {
        load_newest(&self.connection, holding)
    }

    /// The newest verification of every attribute.
    pub fn verifications(&self) -> Result<Vec<Verification>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM verifications WHERE id IN
                 (SELECT max(id) FROM verifications WHERE ended_at IS NOT NULL GROUP BY cohort_id, attribute)"
        ))?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read_row(row)?.1);
        }
        Ok(found)
    }
}
