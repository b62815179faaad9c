//! The users behind a line of a cohort's counts, as lists: `unmatched`, and `counts --users`. They read the state and
//! need no account.

use super::Rows;
use super::status::last_account;
use crate::cli::account::Desk;
use crate::cli::args::{ListArgs, UnmatchedArgs};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Cell, Column};
use crate::config::Word as _;
use crate::domain::people::Narrow;
use crate::domain::waterfall::Listed;
use crate::domain::what_if::outlooks;
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
    if let Some(by) = &asked.group_by {
        return groups(desk, &asked.cohort, by, &asked.list);
    }
    let narrow = Narrow::to(asked.reason);
    users(desk, &asked.cohort, Listed::Lacking, &narrow, &asked.list)
}

const GROUP_COLUMNS: &[Column] = &[
    Column::hidden("property"),
    Column::text("value", "Value"),
    Column::number("users", "Users"),
    Column::number("share", "Share"),
    Column::number("matched_share", "Of the matched"),
];

/// Counts those who lack a valid `$mparticle_user_id` by what they have in common.
fn groups(desk: &Desk, cohort: &str, by: &str, list: &ListArgs) -> Result<Exit, Failure> {
    let (reader, _, run) = last_account(desk, cohort)?;
    let study = reader.study(&run)?;
    let Some(grouping) = study.groupings.iter().find(|grouping| grouping.by == by) else {
        let known: Vec<&str> = study.groupings.iter().map(|grouping| grouping.by.as_str()).collect();
        let known = known.join(", ");
        return Err(Failure::Usage(format!(
            "\"{by}\" was not read; there is {known}. mixpanel.profile_properties says what the next run reads"
        )));
    };
    let mut rows = Rows::begin(list, &desk.args.global, GROUP_COLUMNS)?;
    for group in &grouping.groups {
        let share = |share: f64| Cell::Decimal((share * 10_000.0).round() / 10_000.0);
        let cells = [
            by.into(),
            group.value.as_deref().into(),
            group.users.into(),
            share(group.share()),
            group.matched_share().map_or(Cell::Null, share),
        ];
        if !rows.row(&cells)? {
            break;
        }
    }
    rows.finish()?;
    Ok(Exit::Done)
}

const OUTLOOK_COLUMNS: &[Column] = &[
    Column::hidden("choice"),
    Column::text("identity", "Identity"),
    Column::number("by_mpid", "By MPID"),
    Column::number("by_distinct_id", "By $distinct_id at most"),
    Column::number("people", "People"),
    Column::number("share", "Share"),
    Column::number("share_at_most", "At most"),
];

/// Says what share would match under another choice of identities.
pub(super) fn what_if(desk: &Desk, cohort: &str, list: &ListArgs) -> Result<Exit, Failure> {
    let (reader, _, run) = last_account(desk, cohort)?;
    let study = reader.study(&run)?;
    // The read may be looked at without an account; then the usual identity type is assumed.
    let fallback =
        desk.config().ok().map_or("customer_id", |config| config.mparticle.fallback_identity.as_str());
    let outlooks = outlooks(&run.counts.read, &study.shapes, study.tallies.as_ref(), fallback);
    let mut rows = Rows::begin(list, &desk.args.global, OUTLOOK_COLUMNS)?;
    for outlook in &outlooks {
        let share = |share: f64| Cell::Decimal((share * 10_000.0).round() / 10_000.0);
        let cells = [
            outlook.choice.token().into(),
            outlook.choice.words().into(),
            outlook.by_mpid.into(),
            outlook.by_distinct_id.into(),
            outlook.people.into(),
            share(outlook.share()),
            share(outlook.share_at_most()),
        ];
        if !rows.row(&cells)? {
            break;
        }
    }
    rows.finish()?;
    Ok(Exit::Done)
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
