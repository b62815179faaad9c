//! `counts`: every user of a cohort accounted for, from Mixpanel's own count to what mParticle accepted.

use super::status::last_account;
use super::{count, people, say, say_json};
use crate::cli::account::Desk;
use crate::cli::args::CountsArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::CountsObject;
use crate::cli::output::Format;
use crate::domain::Cohort;
use crate::domain::people::Narrow;
use crate::domain::verified::Verification;
use crate::domain::waterfall::{Line, Waterfall};
use crate::store::RunRecord;

/// Prints the waterfall of a cohort, or the users behind a line of it.
pub(in crate::cli) fn counts(desk: &Desk, asked: &CountsArgs) -> Result<Exit, Failure> {
    if let Some(listed) = asked.users.and_then(Line::listed) {
        let narrow = Narrow::to(asked.reason);
        return people::users(desk, &asked.cohort, listed, &narrow, &asked.list);
    }
    if asked.what_if {
        return people::what_if(desk, &asked.cohort, &asked.list);
    }
    let is_a_list =
        matches!(asked.list.format, Some(Format::Csv | Format::Table)) || asked.list.output.is_some();
    if is_a_list {
        let lines: Vec<&str> =
            Line::ALL.into_iter().filter(|line| line.listed().is_some()).map(Line::token).collect();
        let lines = lines.join(", ");
        return Err(Failure::Usage(format!(
            "--format and -o go with a list: add --users LINE, one of {lines}"
        )));
    }
    let (reader, cohort, run) = last_account(desk, &asked.cohort)?;
    let verification = reader.verification(&run.holding())?.map(|(_, verification)| verification);
    let verified = verification.as_ref().map(Verification::right);
    let object = CountsObject { verified, ..waterfall(&cohort, &run) };
    if desk.args.global.json || asked.list.format == Some(Format::Json) {
        say_json(&object)?;
    } else {
        for line in lines(&cohort, &Waterfall::of(cohort.count, &run.counts)) {
            say(&line)?;
        }
        if let Some(verification) = verification {
            let (title, share) = (verification.title(), verification.share());
            say(&format!("{title:<34}{share:>14}  {}", verification.explanation()))?;
        }
    }
    Ok(Exit::Done)
}

/// The members of the last read, by where they stand with mParticle. `accepted` is who mParticle has
/// acknowledged as a member, whenever that was; what of the last run was refused or is still open comes beside.
pub(in crate::cli) fn waterfall(cohort: &Cohort, run: &RunRecord) -> CountsObject {
    let read = &run.counts.read;
    let waterfall = Waterfall::of(cohort.count, &run.counts);
    let of = |line| waterfall.count(line).unwrap_or_default().unsigned_abs();
    CountsObject {
        cohort_id: cohort.id.0,
        mixpanel: cohort.count,
        fetched: read.fetched(),
        duplicates: read.duplicates,
        unsendable: read.unsendable,
        matched: read.matched,
        suspect: read.suspect,
        unmatched: read.unmatched,
        anonymous: read.anonymous,
        accepted: of(Line::Accepted),
        rejected: of(Line::Rejected),
        pending: of(Line::Pending),
        verified: None,
        unexplained: waterfall.count(Line::Unexplained).unwrap_or_default(),
    }
}

fn lines(cohort: &Cohort, waterfall: &Waterfall) -> Vec<String> {
    let mut lines = vec![super::super::output::harmless(&cohort.name).into_owned()];
    for line in Line::ALL {
        let Some(number) = waterfall.count(line) else { continue };
        // What is usually nobody is not worth a line that says so.
        let is_rare = matches!(line, Line::Drift | Line::Unexplained | Line::Left);
        if is_rare && number == 0 {
            continue;
        }
        let sign = if number < 0 { "-" } else { "" };
        let shown = format!("{sign}{}", count(number.unsigned_abs()));
        let (label, meaning) = words(line);
        lines.push(format!("{label:<34}{shown:>14}  {meaning}").trim_end().to_owned());
    }
    lines
}

/// What a line is called, and what it means.
fn words(line: Line) -> (&'static str, &'static str) {
    match line {
        Line::Mixpanel => ("Mixpanel says", "count in the cohort list"),
        Line::Drift => ("  joined or left meanwhile", "between the two counts"),
        Line::Fetched => ("Fetched", "profiles of the last read"),
        Line::Duplicates => ("  same person twice", "further profiles of one identity"),
        Line::Unsendable => ("  no usable identifier", "neither id can be sent"),
        Line::Sendable => ("Sent to mParticle", ""),
        Line::Matched => ("  by $mparticle_user_id", ""),
        Line::Suspect => ("    suspect: rounded id", "JavaScript wrote it, it will not match"),
        Line::Unmatched => ("  by $distinct_id", "matches only if mParticle knows it"),
        Line::Anonymous => ("    anonymous", "$device: ids"),
        Line::Accepted => ("Accepted by mParticle", ""),
        Line::Rejected => ("Rejected by mParticle", ""),
        Line::Pending => ("Pending", "not answered yet"),
        Line::Unexplained => ("Unexplained", "please report this"),
        Line::Left => ("Left since", "told false"),
        Line::Verified => ("Verified", ""),
    }
}
