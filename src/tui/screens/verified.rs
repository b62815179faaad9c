//! What looking at mParticle found, as a line of the counts: the share that holds what was told and what is wrong with
//! the others, or how far a verification at work has come. Whom it found wrong is in `wrong`.

use crate::domain::number::thousands;
use crate::sync::snapshot::{CheckProgress, SyncView};
use crate::tui::text;
use crate::tui::theme::Role;
use jiff::Timestamp;
use std::time::Duration;

/// The line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLine {
    /// What stands in front.
    pub label: String,
    /// What stands where other lines have a count.
    pub figure: String,
    /// What that means.
    pub meaning: String,
    /// How the figure looks.
    pub role: Role,
    /// Whether there are wrong ones to list.
    pub has_list: bool,
}

/// The line of a sync; nothing where nobody looked yet.
#[must_use]
pub fn line(sync: &SyncView) -> Option<VerifiedLine> {
    let verification = &sync.verification;
    if let Some(check) = &verification.check {
        return Some(at_work(check));
    }
    let last = verification.last.as_ref()?;
    let role = match last.wrong() {
        0 => Role::Good,
        _ if last.found_nobody() => Role::Bad,
        _ => Role::Warn,
    };
    Some(VerifiedLine {
        label: last.title(),
        figure: last.share(),
        meaning: last.explanation(),
        role,
        has_list: last.wrong() > 0,
    })
}

fn at_work(check: &CheckProgress) -> VerifiedLine {
    let meaning = match &check.waiting {
        Some(waiting) => waiting.clone(),
        None if check.of == 0 => "chooses whom to look up".to_owned(),
        None => format!("{} of {} looked up", thousands(check.checked), thousands(check.of)),
    };
    VerifiedLine {
        label: "Verifying".to_owned(),
        figure: text::whole_percent(share(check)),
        meaning,
        role: Role::Busy,
        has_list: false,
    }
}

/// How far a verification has come, 0 to 1.
#[must_use]
pub fn share(check: &CheckProgress) -> f64 {
    if check.of == 0 { 0.0 } else { check.checked as f64 / check.of as f64 }
}

/// How far a verification has come and how long it still takes, in a few words.
#[must_use]
pub fn in_brief(check: &CheckProgress, now: Timestamp) -> String {
    let share = text::whole_percent(share(check));
    let passed = Duration::try_from(now.duration_since(check.since)).unwrap_or_default();
    // Before some are looked up there is nothing to go by.
    if check.checked < 15 || check.waiting.is_some() {
        return format!("verifying {share}");
    }
    let left = passed.mul_f64(check.of.saturating_sub(check.checked) as f64 / check.checked as f64);
    format!("verifying {share}  eta {}", text::stopwatch(left))
}
