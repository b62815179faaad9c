//! The users behind a line of a cohort's counts, as lists: `unmatched`, and `counts --users`. They read the state and
//! need no account.

use super::Rows;
use super::status::last_account;
use crate::cli::account::Desk;
use crate::cli::args::{ListArgs, UnmatchedArgs};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Cell, Column};
use crate::domain::people::Narrow;
use crate::domain::waterfall::Listed;
use crate::sync::export::{names_of, user_values};
use serde_json::Value;

const COLUMNS: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::text("reason", "Reason"),
    Column::text("sent", "Sent"),
    Column::text("mparticle_user_id", "$mparticle_user_id"),
    Column::text("last_seen", "Last seen"),
    Column::number("mpid", "MPID"),
    Column::text("detail", "Detail"),
    Column::hidden("properties"),
];

/// Lists the users of a cohort who lack a valid `$mparticle_user_id`.
pub(in crate::cli) fn unmatched(desk: &Desk, asked: &UnmatchedArgs) -> Result<Exit, Failure> {
    let narrow = Narrow::to(asked.reason);
    users(desk, &asked.cohort, Listed::Lacking, &narrow, &asked.list)
}

/// Lists the users behind a line.
pub(super) fn users(
    desk: &Desk,
    cohort: &str,
    listed: Listed,
    narrow: &Narrow,
    list: &ListArgs,
) -> Result<Exit, Failure> {
    let (reader, _, run) = last_account(desk, cohort)?;
    let names = names_of(&reader, run.id)?;
    let mut rows = Rows::begin(list, &desk.args.global, COLUMNS)?;
    reader.for_each_user::<Failure>(&run, listed, narrow, |user| {
        rows.row(&user_values(&user, &names).map(cell))
    })?;
    rows.finish()?;
    Ok(Exit::Done)
}

/// Numbers stay as they are: an MPID is exact for every reader that keeps 64-bit integers.
fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(answer) => Cell::Bool(answer),
        Value::String(text) => Cell::Text(text),
        other => Cell::Json(other),
    }
}

#[cfg(test)]
mod tests {
    use super::COLUMNS;
    use crate::sync::export::USERS;

    #[test]
    fn a_list_has_the_same_columns_wherever_it_is_written() {
        assert!(COLUMNS.iter().map(|column| column.name).eq(USERS));
    }
}
