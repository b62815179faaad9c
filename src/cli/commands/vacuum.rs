//! `vacuum`: the state file written anew without what was forgotten. History is forgotten by itself as runs end, and the
//! room is used again; this gives it back to the disk.

use super::{say, say_json};
use crate::cli::account::{holder, must_write};
use crate::cli::failure::{Exit, Failure};
use crate::config::Places;
use crate::store::{DATABASE_FILE, Store, StoreError};
use serde::Serialize;
use tokio::task;

/// What it came to, as JSON.
#[derive(Serialize)]
struct Vacuumed {
    bytes_before: u64,
    bytes_after: u64,
}

/// Gives back what was forgotten.
pub(in crate::cli) async fn vacuum(places: &Places, json: bool) -> Result<Exit, Failure> {
    must_write(places, "vacuum")?;
    let directory = places.state_dir.clone();
    if !directory.join(DATABASE_FILE).exists() {
        return Err(StoreError::Absent { directory }.into());
    }
    let working =
        task::spawn_blocking(move || Store::open(&directory, &holder("cohort-sync vacuum"))?.vacuum());
    let worked = working.await.map_err(|error| Failure::Failed(format!("tidying up broke down: {error}")))?;
    let (before, after) = worked?;
    if json {
        say_json(&Vacuumed { bytes_before: before.file, bytes_after: after.file })?;
        return Ok(Exit::Done);
    }
    let size = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    say(&format!(
        "the state file takes {} now; it took {}, of which {} were free",
        size(after.file),
        size(before.file),
        size(before.free)
    ))?;
    Ok(Exit::Done)
}
