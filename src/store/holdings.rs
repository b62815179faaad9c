//! Holdings: which attribute of which cohort somebody in mParticle holds, and what is to become of it. A baseline
//! belongs to a holding; a sync works on the one that bears its attribute, and the others are what it left behind.

use super::StoreError;
use crate::domain::{CohortId, Removal};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The name of a holding: a cohort and the attribute its members got.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holding {
    /// The cohort.
    pub cohort: CohortId,
    /// The attribute.
    pub attribute: String,
}

/// An attribute a sync does not set any more although people in mParticle still hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerAttribute {
    /// The attribute.
    pub attribute: String,
    /// Identities that hold it.
    pub members: u64,
    /// What they are to be told; `None` when they keep it.
    pub clean_up: Option<Removal>,
}

/// A holding as it is stored.
pub(super) struct Stored {
    pub cohort: CohortId,
    pub former: FormerAttribute,
}

/// Every holding that still means something.
pub(super) fn load(connection: &Connection) -> Result<Vec<Stored>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT cohort_id, attribute, members, clean_up FROM holdings
         WHERE members > 0 OR clean_up IS NOT NULL ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut holdings = Vec::new();
    while let Some(row) = rows.next()? {
        holdings.push(read_row(row)?);
    }
    Ok(holdings)
}

fn read_row(row: &Row<'_>) -> Result<Stored, StoreError> {
    let clean_up = match row.get::<_, Option<String>>(3)? {
        None => None,
        Some(token) => Some(Removal::from_token(&token).ok_or_else(|| StoreError::Damaged {
            what: "an attribute with an unknown clean-up".to_owned(),
        })?),
    };
    Ok(Stored {
        cohort: CohortId(row.get::<_, i64>(0)?.cast_unsigned()),
        former: FormerAttribute {
            attribute: row.get(1)?,
            members: row.get::<_, i64>(2)?.cast_unsigned(),
            clean_up,
        },
    })
}

/// The number of a holding, if there is one.
pub(super) fn find(connection: &Connection, holding: &Holding) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM holdings WHERE cohort_id = ?1 AND attribute = ?2")?
        .query_row(params![holding.cohort.0.cast_signed(), holding.attribute], |row| row.get(0))
        .optional()?)
}

/// The number of a holding, which is made when it is new.
pub(super) fn find_or_make(connection: &Connection, holding: &Holding) -> Result<i64, StoreError> {
    if let Some(id) = find(connection, holding)? {
        return Ok(id);
    }
    connection.execute(
        "INSERT INTO holdings (cohort_id, attribute) VALUES (?1, ?2)",
        params![holding.cohort.0.cast_signed(), holding.attribute],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Records what is to become of a holding.
pub(super) fn set_clean_up(
    connection: &Connection,
    holding: &Holding,
    clean_up: Option<Removal>,
) -> Result<(), StoreError> {
    let id = find_or_make(connection, holding)?;
    connection
        .prepare_cached("UPDATE holdings SET clean_up = ?2 WHERE id = ?1")?
        .execute(params![id, clean_up.map(Removal::token)])?;
    Ok(())
}
