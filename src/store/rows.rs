//! How a request lies in the state file: how it stands in `outbox`, which is written whenever something becomes of it, and
//! what it says in `outbox_changes`, under the same id, which is written once and cut when a request is. The view
//! `whole_requests` has both. What requests mean is for `outbox` and `parcel`.

use super::StoreError;
use super::packing::pack_changes;
use crate::domain::plan::Wave;
use crate::domain::{Change, CohortId, RunId};
use rusqlite::{Connection, params};

/// Where a new request belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub run: RunId,
    pub cohort: CohortId,
    pub wave: Wave,
    pub first_position: u64,
}

/// Adds a request.
pub(super) fn add(
    connection: &Connection,
    place: Place,
    state: &str,
    changes: &[Change],
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (run_id, cohort_id, first_position, users, state, wave)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            place.run.0,
            place.cohort.0.cast_signed(),
            place.first_position.cast_signed(),
            changes.len().cast_signed(),
            state,
            place.wave.number().cast_signed(),
        ])?;
    say(connection, connection.last_insert_rowid(), changes)
}

/// Writes what a request says.
pub(super) fn say(connection: &Connection, id: i64, changes: &[Change]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO outbox_changes (id, changes) VALUES (?1, ?2)")?
        .execute(params![id, pack_changes(changes)?])?;
    Ok(())
}

/// Adds a request behind another that it was cut off: it stands as that one does, and says nothing yet. Returns its id.
pub(super) fn add_behind(
    connection: &Connection,
    id: i64,
    first_position: i64,
    users: usize,
) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (run_id, cohort_id, first_position, users, state, wave, parcel)
             SELECT run_id, cohort_id, ?2, ?3, state, wave, parcel FROM outbox WHERE id = ?1",
        )?
        .execute(params![id, first_position, users.cast_signed()])?;
    Ok(connection.last_insert_rowid())
}

/// Notes how many users a request has.
pub(super) fn count(connection: &Connection, id: i64, users: usize) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE outbox SET users = ?2 WHERE id = ?1")?
        .execute(params![id, users.cast_signed()])?;
    Ok(())
}

/// Cuts a request before one of its changes, unless nothing would stand before or behind the cut.
pub(super) fn cut(
    connection: &Connection,
    run: RunId,
    first_position: i64,
    changes: &[Change],
    place: usize,
) -> Result<(), StoreError> {
    let Some((front, back)) = changes.split_at_checked(place) else { return Ok(()) };
    if front.is_empty() || back.is_empty() {
        return Ok(());
    }
    let id = connection
        .prepare_cached("SELECT id FROM outbox WHERE run_id = ?1 AND first_position = ?2")?
        .query_row(params![run.0, first_position], |row| row.get(0))?;
    let behind = add_behind(connection, id, first_position + place.cast_signed() as i64, back.len())?;
    say(connection, behind, back)?;
    count(connection, id, front.len())?;
    say(connection, id, front)
}
