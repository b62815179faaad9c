//! The options of `counts` and `unmatched`: which users of a cohort's account to list.

use super::ListArgs;
use crate::domain::reason::Reason;
use crate::domain::waterfall::Line;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The waterfall, or the users behind one of its lines.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CountsArgs {
    /// The cohort
    pub cohort: String,
    /// List the users behind a line of the counts instead
    #[arg(long, value_name = "LINE", value_parser = line())]
    pub users: Option<Line>,
    /// Of those, only users who may be missing for this reason
    #[arg(long, value_name = "REASON", value_parser = reason(), requires = "users")]
    pub reason: Option<Reason>,
    /// Say what share would match under another choice of identities, from the last read and without changing anything
    #[arg(long, conflicts_with = "users")]
    pub what_if: bool,
    /// How to write the users.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Who lacks a valid `$mparticle_user_id`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct UnmatchedArgs {
    /// The cohort
    pub cohort: String,
    /// Only users who lack it for this reason
    #[arg(long, value_name = "REASON", value_parser = reason())]
    pub reason: Option<Reason>,
    /// Count them by a property that was read, or by "reason", beside the matched, instead of listing them
    #[arg(long, value_name = "PROPERTY", conflicts_with = "reason")]
    pub group_by: Option<String>,
    /// How to write them.
    #[command(flatten)]
    pub list: ListArgs,
}

/// A line that has users behind it.
fn line() -> impl TypedValueParser<Value = Line> {
    let lines = Line::ALL.into_iter().filter(|line| line.listed().is_some()).map(Line::token);
    PossibleValuesParser::new(lines)
        .try_map(|text| Line::from_token(&text).ok_or("not one of the possible values"))
}

fn reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::token))
        .try_map(|text| Reason::from_token(&text).ok_or("not one of the possible values"))
}
