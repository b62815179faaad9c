//! `cohorts`: Mixpanel's list, asked now, beside what is remembered of each sync.

use super::{Rows, remark, state};
use crate::cli::account::{Clients, Desk, holder};
use crate::cli::args::ListArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Cell, Column};
use crate::config::Config;
use crate::domain::{Cohort, CohortId, SyncStatus};
use crate::store::{Store, StoreError, SyncRecord};
use crate::sync::export::seconds;
use jiff::Timestamp;
use std::collections::HashMap;

const COLUMNS: &[Column] = &[
    Column::number("cohort_id", "Id"),
    Column::text("cohort", "Cohort"),
    Column::number("count", "Users"),
    Column::text("status", "Status"),
    Column::text("kind", "Sync"),
    Column::text("attribute", "Attribute"),
    Column::number("baseline", "In mParticle"),
    Column::text("next_due_at", "Next"),
    Column::hidden("exportable"),
    Column::hidden("visible"),
    Column::hidden("description"),
    Column::hidden("created"),
];

/// Lists the cohorts.
pub(in crate::cli) async fn cohorts(desk: &Desk, config: &Config, list: &ListArgs) -> Result<Exit, Failure> {
    let asked_at = Timestamp::now();
    let listing = Clients::of(config)?.mixpanel.list_cohorts().await.result?;
    if listing.skipped > 0 {
        remark(&format!(
            "{} entries of Mixpanel's list have no id or name and are left out",
            listing.skipped
        ));
    }
    remember(desk, &listing.cohorts, asked_at).await?;
    let syncs: HashMap<CohortId, SyncRecord> = match state(&desk.places)? {
        Some(reader) => reader.syncs()?.into_iter().map(|sync| (sync.cohort_id, sync)).collect(),
        None => HashMap::new(),
    };
    let mut rows = Rows::begin(list, &desk.args.global, COLUMNS)?;
    for cohort in &listing.cohorts {
        if !rows.row(&cells(cohort, syncs.get(&cohort.id)))? {
            break;
        }
    }
    rows.finish()?;
    Ok(Exit::Done)
}

/// Keeps the list and notes the query it cost, unless another process keeps the state.
async fn remember(desk: &Desk, cohorts: &[Cohort], at: Timestamp) -> Result<(), Failure> {
    if desk.places.read_only {
        return Ok(());
    }
    let (directory, cohorts) = (desk.places.state_dir.clone(), cohorts.to_vec());
    let kept = tokio::task::spawn_blocking(move || {
        let mut store = Store::open(&directory, &holder("cohort-sync cohorts"))?;
        store.charge_query(at)?;
        store.save_cohorts(&cohorts, at)
    });
    match kept.await.unwrap_or(Err(StoreError::Closed)) {
        Ok(()) | Err(StoreError::InUse { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn cells(cohort: &Cohort, sync: Option<&SyncRecord>) -> [Cell; 12] {
    let status = sync.map_or(SyncStatus::NotSynced, |sync| sync.status);
    [
        Cell::Id(cohort.id.0),
        cohort.name.clone().into(),
        cohort.count.into(),
        status.token().into(),
        sync.map(|sync| sync.kind.token()).into(),
        sync.map(|sync| sync.attribute.clone()).into(),
        sync.map(|sync| sync.baseline).into(),
        sync.and_then(|sync| sync.next_due).map(seconds).into(),
        (!cohort.is_group()).into(),
        cohort.visible.into(),
        cohort.description.clone().into(),
        cohort.created.clone().into(),
    ]
}
