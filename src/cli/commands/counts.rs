//! `counts`: every user of a cohort accounted for, from Mixpanel's own count to what mParticle accepted.

use super::status::last_account;
use super::{count, say, say_json};
use crate::cli::account::Desk;
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::CountsObject;
use crate::domain::Cohort;
use crate::domain::verified::Verification;
use crate::store::RunRecord;

/// Prints the waterfall of a cohort.
pub(in crate::cli) fn counts(desk: &Desk, wanted: &str) -> Result<Exit, Failure> {
    let (reader, cohort, run) = last_account(desk, wanted)?;
    let verification = reader.verification(&run.holding())?.map(|(_, verification)| verification);
    let verified = verification.as_ref().map(Verification::right);
    let object = CountsObject { verified, ..waterfall(&cohort, &run) };
    if desk.args.global.json {
        say_json(&object)?;
    } else {
        for line in lines(&cohort.name, &object) {
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
    let (read, adds) = (&run.counts.read, &run.counts.adds);
    let accepted = run.counts.unchanged + adds.accepted();
    let explained = accepted + adds.rejected() + adds.pending();
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
        accepted,
        rejected: adds.rejected(),
        pending: adds.pending(),
        verified: None,
        unexplained: read.sendable().cast_signed() - explained.cast_signed(),
    }
}

fn lines(name: &str, counts: &CountsObject) -> Vec<String> {
    let line = |label: &str, number: u64, meaning: &str| {
        format!("{label:<34}{:>14}  {meaning}", count(number)).trim_end().to_owned()
    };
    let mut lines = vec![super::super::output::harmless(name).into_owned()];
    if let Some(mixpanel) = counts.mixpanel {
        lines.push(line("Mixpanel says", mixpanel, "count in the cohort list"));
    }
    lines.extend([
        line("Fetched", counts.fetched, "profiles of the last read"),
        line("  same person twice", counts.duplicates, "further profiles of one identity"),
        line("  no usable identifier", counts.unsendable, "neither id can be sent"),
        line("Sent by $mparticle_user_id", counts.matched, ""),
        line("  suspect: rounded id", counts.suspect, "JavaScript wrote it, it will not match"),
        line("Sent by $distinct_id", counts.unmatched, "matches only if mParticle knows it"),
        line("  anonymous", counts.anonymous, "$device: ids"),
        line("Accepted by mParticle", counts.accepted, ""),
        line("Rejected by mParticle", counts.rejected, ""),
        line("Pending", counts.pending, "not answered yet"),
    ]);
    if counts.unexplained != 0 {
        lines.push(format!("{:<34}{:>14}  please report this", "Unexplained", counts.unexplained));
    }
    lines
}
