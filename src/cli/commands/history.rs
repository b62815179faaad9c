//! `runs` and `changes`: what was recorded, as lists. They read the state and need no account.

use super::status::remembered;
use super::{Rows, remark, say_json, state};
use crate::cli::account::Desk;
use crate::cli::args::ListArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::{ChangeObject, RunObject};
use crate::cli::output::{Cell, Column, Format};
use crate::domain::RunId;
use crate::store::{ChangeRow, Reader, RunRecord, WriterLock};
use crate::sync::export::seconds;

/// Runs that are listed; more are rarely looked at, and all are in the state file.
const RUNS_LISTED: usize = 10_000;

const RUN_COLUMNS: &[Column] = &[
    Column::number("run_id", "Run"),
    Column::hidden("cohort_id"),
    Column::text("cohort", "Cohort"),
    Column::hidden("attribute"),
    Column::hidden("kind"),
    Column::text("purpose", "Purpose"),
    Column::hidden("trigger"),
    Column::text("outcome", "Outcome"),
    Column::text("started_at", "Started"),
    Column::number("seconds", "Took s"),
    Column::number("fetched", "Fetched"),
    Column::number("adds", "Adds"),
    Column::number("removes", "Removes"),
    Column::number("accepted", "Accepted"),
    Column::number("rejected", "Rejected"),
    Column::number("pending", "Pending"),
    Column::hidden("retries"),
    Column::text("error", "Error"),
];

/// Lists runs, newest first.
pub(in crate::cli) fn runs(desk: &Desk, cohort: Option<&str>, list: &ListArgs) -> Result<Exit, Failure> {
    let runs = match state(&desk.places)? {
        None => Vec::new(),
        Some(reader) => {
            let cohort = cohort.map(|wanted| remembered(&reader, wanted)).transpose()?;
            reader.runs(cohort.map(|(id, _)| id), RUNS_LISTED)?
        }
    };
    if runs.is_empty() {
        remark("there was no run yet; start one with: cohort-sync sync COHORT");
    }
    if list.format(&desk.args.global) == Format::Json && list.output.is_none() {
        for run in &runs {
            say_json(&RunObject::from(run))?;
        }
        return Ok(Exit::Done);
    }
    // Nobody works on a run when nobody holds the lock.
    let unended = if WriterLock::holder(&desk.places.state_dir).is_some() { "running" } else { "cut off" };
    let mut rows = Rows::begin(list, &desk.args.global, RUN_COLUMNS)?;
    for run in &runs {
        if !rows.row(&run_cells(run, unended))? {
            break;
        }
    }
    rows.finish()?;
    Ok(Exit::Done)
}

fn run_cells(run: &RunRecord, unended: &'static str) -> [Cell; 18] {
    let counts = &run.counts;
    let took = run.ended_at.map(|ended| ended.duration_since(run.started_at).as_secs_f64());
    [
        Cell::Id(run.id.0.unsigned_abs()),
        Cell::Id(run.cohort_id.0),
        run.cohort.clone().into(),
        run.attribute.clone().into(),
        run.kind.token().into(),
        run.purpose.token().into(),
        run.trigger.token().into(),
        run.outcome.map_or(unended, crate::domain::Outcome::token).into(),
        seconds(run.started_at).into(),
        took.map_or(Cell::Null, |took| Cell::Decimal((took * 10.0).round() / 10.0)),
        counts.read.fetched().into(),
        counts.adds.planned().into(),
        counts.removes.planned().into(),
        counts.accepted().into(),
        counts.rejected().into(),
        counts.pending().into(),
        counts.retries.into(),
        run.error.clone().into(),
    ]
}

const CHANGE_COLUMNS: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::number("mpid", "MPID"),
    Column::text("change", "Change"),
    Column::text("state", "State"),
    Column::text("reason", "Reason"),
    Column::text("at", "At"),
];

/// Lists what a run changed.
pub(super) fn changes(desk: &Desk, run: u64, list: &ListArgs) -> Result<Exit, Failure> {
    let run = RunId(run.cast_signed());
    let reader = known_run(desk, run)?;
    let mut rows = Rows::begin(list, &desk.args.global, CHANGE_COLUMNS)?;
    reader.for_each_change::<Failure>(run, |changes| {
        for row in &changes {
            if !rows.row(&change_cells(row))? {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    rows.finish()?;
    Ok(Exit::Done)
}

/// What a change says, in the order of the columns of `changes`.
pub(super) fn change_cells(row: &ChangeRow) -> [Cell; 6] {
    let change = ChangeObject::from(row);
    [
        change.distinct_id.into(),
        mpid(change.mpid),
        change.change.into(),
        change.state.into(),
        change.reason.into(),
        change.at.into(),
    ]
}

/// A JSON number: exact for every reader that keeps 64-bit integers.
pub(super) fn mpid(mpid: Option<i64>) -> Cell {
    mpid.map_or(Cell::Null, |mpid| Cell::Json(mpid.into()))
}

fn known_run(desk: &Desk, run: RunId) -> Result<Reader, Failure> {
    let unknown = || Failure::Usage(format!("there is no run {run}; list them with: cohort-sync runs"));
    let reader = state(&desk.places)?.ok_or_else(unknown)?;
    reader.run(run)?.ok_or_else(unknown)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::CHANGE_COLUMNS;
    use crate::sync::export::CHANGES;

    #[test]
    fn a_list_has_the_same_columns_wherever_it_is_written() {
        assert!(CHANGE_COLUMNS.iter().map(|column| column.name).eq(CHANGES));
    }
}
