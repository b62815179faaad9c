//! What `verify` says: the accounts in words or as an object, and the list of those who are wrong.

use crate::cli::account::Desk;
use crate::cli::args::VerifyArgs;
use crate::cli::commands::history::mpid;
use crate::cli::commands::{Rows, count, remark, say, say_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::VerifyObject;
use crate::cli::output::{Cell, Column, Format};
use crate::domain::verification::{Group, WrongUser};
use crate::domain::verified::Verification;
use crate::store::{Reader, VerificationId};
use crate::sync::export::seconds;

/// The columns of the list of those who are wrong.
const COLUMNS: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::number("mpid", "MPID"),
    Column::text("wrong", "Wrong"),
    Column::text("group", "Group"),
    Column::text("told", "Told"),
    Column::text("told_at", "Told at"),
    Column::number("run_id", "Run"),
    Column::text("holds", "mParticle holds"),
    Column::hidden("looked_up_at"),
];

/// Those who are wrong, wherever they are.
pub(super) enum Findings<'f> {
    /// In the state directory.
    Kept(&'f Reader, VerificationId),
    /// In memory.
    HandedBack(&'f [WrongUser]),
}

/// How a verification is told.
pub(super) struct Report<'r> {
    pub desk: &'r Desk,
    pub asked: &'r VerifyArgs,
    /// The cohort's, safe to print.
    pub name: String,
}

impl Report<'_> {
    /// Says what a verification came to, and lists those who are wrong.
    pub(super) fn tell(&self, verification: &Verification, findings: &Findings<'_>) -> Result<(), Failure> {
        let list = &self.asked.list;
        let is_json = self.desk.args.global.json;
        // A list for programs must stand alone on standard output.
        let is_list_alone =
            list.output.is_none() && list.format.is_some_and(|format| format != Format::Table);
        if is_json {
            say_json(&VerifyObject::from(verification))?;
        } else {
            for line in self.lines(verification) {
                if is_list_alone { remark(&line) } else { say(&line)? }
            }
        }
        if verification.found_nobody() {
            remark(
                "Not one of them has a profile in mParticle. Before believing that, check org_id, account_id and workspace_id in [mparticle.profile_api], and the environment.",
            );
        }
        let is_table = list.output.is_none() && !is_list_alone;
        if (is_json && list.output.is_none()) || (is_table && verification.wrong() == 0) {
            return Ok(());
        }
        if is_table {
            say("")?;
        }
        self.list(findings)?;
        if is_table && !self.asked.repair {
            remark("\nWith --repair, whoever is found wrong is told again what they were told before.");
        }
        Ok(())
    }

    fn lines(&self, verification: &Verification) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.name, verification.summary())];
        for (group, account) in Group::ALL.into_iter().zip(&verification.groups) {
            let (checked, people, wrong) =
                (count(account.checked), count(account.people), count(account.wrong));
            let fault = crate::domain::verification::Fault::of_told(group.told()).token();
            let label = group.token();
            lines.push(format!("  {label:<8}{checked:>10} of {people:>10} checked {wrong:>10} {fault}"));
        }
        if verification.wrong() > 0 {
            lines.push(format!("  {}", verification.explanation()));
        }
        lines
    }

    fn list(&self, findings: &Findings<'_>) -> Result<(), Failure> {
        let mut rows = Rows::begin(&self.asked.list, &self.desk.args.global, COLUMNS)?;
        match findings {
            Findings::HandedBack(users) => {
                write(&mut rows, users)?;
            }
            Findings::Kept(reader, id) => {
                reader.for_each_wrong_user::<Failure>(*id, |users| write(&mut rows, &users))?;
            }
        }
        rows.finish()
    }
}

/// How the command ends when nothing more is done about it.
pub(super) fn exit(verification: &Verification) -> Exit {
    if verification.wrong() > 0 { Exit::Failed } else { Exit::Done }
}

/// Writes some users; false once nobody reads any more.
fn write(rows: &mut Rows, users: &[WrongUser]) -> Result<bool, Failure> {
    for user in users {
        if !rows.row(&cells(user))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cells(user: &WrongUser) -> [Cell; 9] {
    [
        user.distinct_id.as_deref().into(),
        mpid(user.identity.mpid()),
        user.fault().token().into(),
        user.group.token().into(),
        user.group.told().to_string().into(),
        user.told_by.map(|(_, at)| seconds(at)).into(),
        user.told_by.map_or(Cell::Null, |(run, _)| Cell::Id(run.0.unsigned_abs())),
        user.held.to_string().into(),
        seconds(user.looked_at).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::COLUMNS;
    use crate::sync::export::WRONG;

    #[test]
    fn the_list_has_the_same_columns_wherever_it_is_written() {
        assert!(COLUMNS.iter().map(|column| column.name).eq(WRONG));
    }
}
