//! The columns of a list of requests, and what each shows of one: of all cohorts on the Live screen, of one run on
//! its page.
//!
//! ```text
//!   Time      Cohort       Side         Request         Users     Bytes  Status    ms  Try  Answer
//! ▌ 14:32:05  Churn risk   ▲ mParticle  batches           100    24,611     202   182    1
//!   14:32:04  Churn risk   ▼ Mixpanel   engage page 12  1,000   151,204     200   412    1
//! ```

use crate::sync::pages::{JournalLine, JournalRow, Side};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use std::sync::Arc;

/// A request with the name of the cohort it is about.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The request.
    pub row: JournalRow,
    /// The cohort's name when it came; a dash where it is about none.
    pub cohort: Arc<str>,
}

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Time,
    Cohort,
    Side,
    Request,
    Users,
    Bytes,
    Status,
    Milliseconds,
    Try,
    Answer,
}

const TIME: Column = Column::words("Time", [8, 8, 8], 0, 0);
const COHORT: Column = Column::words("Cohort", [10, 18, 28], 2, 2);
const SIDE: Column = Column::words("Side", [11, 11, 11], 2, 3);
const REQUEST: Column = Column::words("Request", [14, 14, 16], 2, 6);
const USERS: Column = Column::numbers("Users", [6, 7, 9], 1, 4);
const BYTES: Column = Column::numbers("Bytes", [9, 9, 9], 1, 8);
const STATUS: Column = Column::numbers("Status", [6, 6, 6], 1, 1);
const MILLISECONDS: Column = Column::numbers("ms", [6, 6, 7], 1, 5);
const TRY: Column = Column::numbers("Try", [3, 3, 3], 2, 7);
const ANSWER: Column = Column::words("Answer", [16, 16, 80], 2, 9);

/// The columns of requests about different cohorts. When, how it went and whose it is stay longest.
pub const OF_ALL: [Column; 10] =
    [TIME, COHORT, SIDE, REQUEST, USERS, BYTES, STATUS, MILLISECONDS, TRY, ANSWER];

/// The columns of the requests of one run.
pub const OF_RUN: [Column; 9] = {
    // What is asked tells the side as well.
    let (side, request) = (Column { priority: 6, ..SIDE }, Column { priority: 2, ..REQUEST });
    [TIME, side, request, USERS, BYTES, STATUS, MILLISECONDS, TRY, ANSWER]
};

const FIELDS: [Field; 10] = [
    Field::Time,
    Field::Cohort,
    Field::Side,
    Field::Request,
    Field::Users,
    Field::Bytes,
    Field::Status,
    Field::Milliseconds,
    Field::Try,
    Field::Answer,
];

/// What stands in a column of [`OF_ALL`].
#[must_use]
pub fn cell_of_all(canvas: &Canvas<'_>, column: usize, row: &RequestRow) -> Piece<'static> {
    show(canvas, FIELDS[column], row)
}

/// What stands in a column of [`OF_RUN`].
#[must_use]
pub fn cell_of_run(canvas: &Canvas<'_>, column: usize, row: &RequestRow) -> Piece<'static> {
    // The cohort, which is the same in all of them, is the second column of the others.
    cell_of_all(canvas, if column == 0 { 0 } else { column + 1 }, row)
}

fn show(canvas: &Canvas<'_>, field: Field, row: &RequestRow) -> Piece<'static> {
    let line = &row.row.line;
    match field {
        Field::Time => piece(Role::Muted, text::clock(line.at, canvas.zone)),
        Field::Cohort if line.cohort.is_none() => piece(Role::Muted, row.cohort.to_string()),
        Field::Cohort => piece(Role::Text, row.cohort.to_string()),
        Field::Side => piece(Role::Text, side(line.side)),
        Field::Request => piece(Role::Text, line.what.clone()),
        Field::Users => users(line),
        Field::Bytes => piece(Role::Muted, text::count(line.bytes)),
        Field::Status => piece(status_role(line), status(line)),
        Field::Milliseconds => piece(Role::Text, text::count(milliseconds(line))),
        Field::Try if line.attempt > 1 => piece(Role::Warn, line.attempt.to_string()),
        Field::Try => piece(Role::Muted, line.attempt.to_string()),
        // What went well has nothing to say that the other columns do not.
        Field::Answer if refused(line) == 0 && is_success(line) => piece(Role::Muted, ""),
        Field::Answer => piece(Role::Muted, gist(&row.row.said).to_owned()),
    }
}

/// Which way a request went, as a sign and a word.
#[must_use]
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Mixpanel => "▼ Mixpanel",
        Side::Mparticle => "▲ mParticle",
    }
}

/// What an answer says in words, where it is JSON with a message in it; else the answer.
fn gist(said: &str) -> &str {
    let words_of = |name: &str| {
        let (_, value) = said.split_once(name)?;
        let words = value.trim_start().strip_prefix('"')?;
        Some(words.split('"').next().unwrap_or(words)).filter(|words| !words.is_empty())
    };
    ["\"message\":", "\"error\":"].into_iter().find_map(words_of).unwrap_or(said)
}

/// How many users were in it; where not all of them were taken, how many were.
fn users(line: &JournalLine) -> Piece<'static> {
    match line.accepted.filter(|_| refused(line) > 0) {
        Some(accepted) => piece(Role::Bad, format!("{}/{}", text::count(accepted), text::count(line.users))),
        None if line.users == 0 => piece(Role::Muted, "0"),
        None => piece(Role::Text, text::count(line.users)),
    }
}

/// How many users an answer that is a success did not take.
#[must_use]
pub fn refused(line: &JournalLine) -> u64 {
    let accepted = line.accepted.filter(|_| is_success(line));
    accepted.map_or(0, |accepted| line.users.saturating_sub(accepted))
}

/// Whether the answer was a 2xx.
#[must_use]
pub fn is_success(line: &JournalLine) -> bool {
    line.status.is_some_and(|status| (200..300).contains(&status))
}

/// The HTTP status, in a word where there is none.
#[must_use]
pub fn status(line: &JournalLine) -> String {
    line.status.map_or_else(|| "none".to_owned(), |status| status.to_string())
}

/// How good or bad the status is.
#[must_use]
pub fn status_role(line: &JournalLine) -> Role {
    match line.status {
        _ if is_success(line) => Role::Good,
        // It was too fast, and is told again a little later.
        Some(429) => Role::Warn,
        _ => Role::Bad,
    }
}

/// How long it took.
#[must_use]
pub fn milliseconds(line: &JournalLine) -> u64 {
    u64::try_from(line.elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A line for the clipboard: everything that the list shows of a request.
#[must_use]
pub fn in_words(row: &RequestRow) -> String {
    let line = &row.row.line;
    format!(
        "{} {} {} {} {} users {} bytes {} {} ms try {}",
        line.at,
        row.cohort,
        line.side.token(),
        line.what,
        line.users,
        line.bytes,
        status(line),
        milliseconds(line),
        line.attempt
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_by_its_message() {
        assert_eq!(gist(r#"{"errors":[{"index":17,"message":"No such MPID."}]}"#), "No such MPID.");
        assert_eq!(gist(r#"{"error": "Internal server err"#), "Internal server err");
        for other in ["upstream connect error", "", r#"{"error":{"code":7}}"#, r#"{"message":"#] {
            assert_eq!(gist(other), other);
        }
    }

    #[test]
    fn both_lists_have_a_field_for_each_column() {
        assert_eq!(FIELDS.len(), OF_ALL.len());
        let without_cohort: Vec<&str> =
            OF_ALL.iter().map(|column| column.title).filter(|title| *title != "Cohort").collect();
        assert_eq!(without_cohort, OF_RUN.map(|column| column.title));
    }
}
