//! Sentences about a cohort and its sync, shared by the detail pane, the full report behind Enter and the
//! dialogs. Those about attributes and who holds them are in `cohort_attributes`.

use super::Scene;
use super::cohort_attributes::{about_to, left_behind, purpose, unexplained};
use super::cohort_columns::counts;
use super::cohort_warnings::say_warnings;
use crate::domain::{Outcome, PauseCause, RunCounts, SyncKind, SyncStatus, Trigger};
use crate::sync::snapshot::{CohortView, Pause, RunView, Stretch, SyncView};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use jiff::Timestamp;
use std::time::Duration;

/// What happened, in a few words.
#[must_use]
pub fn pause_title(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Operator => "Paused by you",
        PauseCause::MixpanelCredentials => "Mixpanel refused the credentials",
        PauseCause::MixpanelPlan => "The Mixpanel plan lacks the Query API",
        PauseCause::MixpanelPermission => "Mixpanel does not let this account read the cohort",
        PauseCause::MparticleFeed => "mParticle refused the feed",
        PauseCause::Removals => "A plan with many removals waits for you",
        PauseCause::EmptyRead => "The cohort read back empty",
        PauseCause::CohortGone => "Mixpanel no longer lists the cohort",
    }
}

/// The action that takes a paused sync up again.
#[must_use]
pub fn remedy_action(cause: PauseCause) -> Action {
    match cause {
        cause if cause.holds_plan() => Action::Decide,
        PauseCause::Operator | PauseCause::CohortGone => Action::PauseResume,
        _ => Action::Reconnect,
    }
}

/// What the held plan would do; `None` when no plan is held.
#[must_use]
pub fn held_counts(sync: &SyncView, pause: &Pause) -> Option<String> {
    pause.held_run?;
    let counts = held_run(sync, pause)?;
    let (adds, removes) = (counts.adds.planned(), counts.removes.planned());
    let share = removes as f64 / sync.baseline.max(1) as f64;
    Some(format!(
        "The plan removes {} of {} users ({}) and adds {}.",
        text::count(removes),
        text::count(sync.baseline),
        text::percent(share),
        text::count(adds),
    ))
}

/// The accounts of the run whose plan is held.
#[must_use]
pub fn held_run<'s>(sync: &'s SyncView, pause: &Pause) -> Option<&'s RunCounts> {
    sync.last_run.as_ref().filter(|run| Some(run.id) == pause.held_run).map(|run| &run.counts)
}

/// The people that a held plan would remove, as many of the sample as fit; one who does not fit is cut.
#[must_use]
pub fn sample(sample: &[String], columns: usize) -> String {
    const BEFORE: &str = "removes for example ";
    const MORE: &str = ", …";
    let mut line = BEFORE.to_owned();
    for (index, person) in sample.iter().enumerate() {
        let person = text::clean(person);
        let gap = if index == 0 { "" } else { ", " };
        let is_last = index + 1 == sample.len();
        let needed = text::width(gap) + text::width(&person) + if is_last { 0 } else { text::width(MORE) };
        let room = columns.saturating_sub(text::width(&line));
        if needed > room {
            let rest = if index == 0 { text::cut(&person, room).into_owned() } else { MORE.to_owned() };
            return line + &rest;
        }
        line.push_str(gap);
        line.push_str(&person);
    }
    line
}

/// Whether a sync runs less often than it is meant to, because queries are short.
#[must_use]
pub fn is_stretched(sync: &SyncView, stretch: Option<&Stretch>) -> bool {
    stretch.is_some() && sync.kind == SyncKind::Recurring && sync.status != SyncStatus::Stopped
}

/// How often a sync runs, in words.
#[must_use]
pub fn rhythm(sync: &SyncView, stretch: Option<&Stretch>) -> String {
    match (sync.kind, stretch) {
        (SyncKind::OneTime, _) => "one-time, a snapshot".to_owned(),
        (SyncKind::Recurring, Some(stretch)) if is_stretched(sync, Some(stretch)) => {
            format!("every {}", stretch.instead(sync.interval))
        }
        (SyncKind::Recurring, _) => format!("every {}", text::interval(sync.interval)),
    }
}

/// A limit as a percentage, with a decimal only where it has one.
#[must_use]
pub fn limit(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

/// How long a run took.
#[must_use]
pub fn took(run: &RunView) -> Option<Duration> {
    run.ended_at?.duration_since(run.started_at).try_into().ok()
}

/// What started a run.
#[must_use]
pub fn started_by(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Operator => "by you",
        Trigger::Schedule => "on schedule",
        Trigger::Recovery => "to go on after an interruption",
    }
}

/// When the last run was, what started it, how long it took and how it ended.
#[must_use]
pub fn run_line(canvas: &Canvas<'_>, run: &RunView) -> Vec<Piece<'static>> {
    let (role, word) = match run.outcome {
        Some(Outcome::Succeeded) => (Role::Good, "succeeded"),
        Some(Outcome::Failed) => (Role::Bad, "failed"),
        Some(Outcome::Paused) => (Role::Warn, "paused"),
        Some(Outcome::Cancelled) => (Role::Warn, "was ended early"),
        Some(Outcome::DryRun) => (Role::Key, "dry run, nothing sent"),
        None => (Role::Busy, "at work in another process"),
    };
    let started = text::moment(canvas.now, run.started_at, canvas.zone);
    let took = took(run).map_or_else(String::new, |took| format!(", took {}", text::stopwatch(took)));
    let mut pieces = vec![
        piece(Role::Muted, "last run "),
        piece(Role::Text, started),
        piece(Role::Muted, format!(" {}", started_by(run.trigger))),
    ];
    // A clean-up has no read to account for, and a line of its own there.
    if let Some(purpose) = purpose(run.purpose, &run.attribute).filter(|_| run.purpose.reads()) {
        pieces.extend([piece(Role::Muted, ", "), piece(Role::Text, purpose)]);
    }
    pieces.extend([piece(Role::Muted, format!("{took}, ")), piece(role, word)]);
    pieces
}

/// Everything about a cohort as labels and values, for reading at length and for copying.
#[must_use]
pub fn report(scene: Scene<'_>, view: &CohortView, now: Timestamp) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    let cohort = &view.cohort;
    say("Cohort", &format!("{}, number {}", cohort.name, cohort.id));
    if !cohort.description.trim().is_empty() {
        say("Description", &cohort.description);
    }
    say("Created in Mixpanel", &cohort.created);
    say(
        "Mixpanel counts",
        &cohort.count.map_or_else(|| "unknown".to_owned(), |count| text::plural(count, "user")),
    );
    if let Some(reason) = &view.not_exportable {
        say("Cannot be exported", reason);
    }
    say("Status", &view.status().to_string());
    say_warnings(&mut say, view);
    let Some(sync) = &view.sync else { return facts };
    let zone = &scene.settings.zone;
    if let Some(words) = unexplained(sync) {
        say("Wrong", &words);
    }
    if let Some(progress) = &sync.progress {
        let words = purpose(progress.purpose, &progress.attribute);
        say("At work", &words.unwrap_or_else(|| "telling who entered and who left".to_owned()));
    }
    say_standing(&mut say, scene, view.status(), sync, now);
    if let Some(pause) = &sync.pause {
        say("Paused", &format!("{}, {}", text::moment(now, pause.at, zone), pause_title(pause.cause)));
        say("Because", &pause.reason);
        say("What helps", pause.cause.remedy());
        if let Some(held) = held_counts(sync, pause) {
            say("Held", &held);
        }
        if !pause.sample.is_empty() {
            say("  would be removed", &format!("{}, for example", pause.sample.join(", ")));
        }
    }
    if let Some(run) = &sync.last_run {
        let outcome = run.outcome.map_or_else(|| "at work".to_owned(), |outcome| outcome.to_string());
        let started = text::moment(now, run.started_at, zone);
        let what = purpose(run.purpose, &run.attribute).map_or_else(String::new, |what| format!("{what}, "));
        let by = started_by(run.trigger);
        say("Last run", &format!("number {}, {started}, {by}, {what}{outcome}", run.id));
        if let Some(error) = &run.error {
            say("Error", error);
        }
    }
    if let Some(counts) = counts(view) {
        say_counts(&mut say, counts);
    }
    facts
}

/// What a sync is set to do, and what mParticle holds because of it.
fn say_standing(
    say: &mut impl FnMut(&str, &str),
    scene: Scene<'_>,
    status: SyncStatus,
    sync: &SyncView,
    now: Timestamp,
) {
    let zone = &scene.settings.zone;
    let pinned = format!("“{}”, pinned when the cohort was called “{}”", sync.attribute, sync.pinned_name);
    say("Attribute", &pinned);
    let stretch = scene.snapshot.stretch.as_ref();
    let since = text::moment(now, sync.since, zone);
    say("Sync", &format!("{}, since {since}", rhythm(sync, stretch)));
    if let Some(stretch) = stretch.filter(|_| is_stretched(sync, stretch)) {
        say("  stretched", &stretch.to_string());
    }
    if let Some(share) = sync.max_removal_share {
        say("Asks before removing over", &format!("{} of its users", limit(share)));
    }
    say("Acknowledged by mParticle", &text::plural(sync.baseline, "user"));
    if let Some(told) = sync.last_full {
        say("Everyone told", &format!("{}, {}", text::ago(now, told), text::moment(now, told, zone)));
    }
    if let Some(verified) = &sync.verification.last {
        let at = text::moment(now, verified.ended_at, zone);
        say("Verified", &format!("{}, at {at}", verified.summary()));
    }
    if let Some(trouble) = &sync.verification.trouble {
        say("Could not be verified", &trouble.text);
    }
    if let Some(about_to) = about_to(sync) {
        say("About to end", &about_to);
    }
    for former in &sync.former {
        say("Former attribute", &left_behind(former, status, &scene.key(Action::StopSync)));
    }
}

/// The accounts of a run, each count with its name.
pub fn say_counts(say: &mut impl FnMut(&str, &str), counts: &RunCounts) {
    let read = &counts.read;
    let of = |count| text::count(count);
    say("Fetched", &of(read.fetched()));
    say("  matched", &format!("{}, of these {} with rounded ids", of(read.matched), of(read.suspect)));
    say("  unmatched", &format!("{}, of these {} anonymous", of(read.unmatched), of(read.anonymous)));
    say("  unsendable", &of(read.unsendable));
    say("  same person twice", &of(read.duplicates));
    say("Planned", &format!("+{} −{}", of(counts.adds.planned()), of(counts.removes.planned())));
    say("  accepted", &of(counts.accepted()));
    say("  rejected", &of(counts.rejected()));
    say("  pending", &of(counts.pending()));
    say("Requests", &format!("{}, retries {}", of(counts.requests), of(counts.retries)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_sample_is_cut_between_people_and_between_graphemes() {
        let several = people(&["-5183712098411029934", "ana@example.com", "日本の太郎"]);
        let whole = "removes for example -5183712098411029934, ana@example.com, 日本の太郎";
        assert_eq!(sample(&several, 200), whole);
        assert_eq!(sample(&several, text::width(whole)), whole);
        assert_eq!(
            sample(&several, text::width(whole) - 1),
            "removes for example -5183712098411029934, ana@example.com, …"
        );
        assert_eq!(sample(&several, 44), "removes for example -5183712098411029934, …");
        assert_eq!(sample(&people(&["日本の太郎"]), 26), "removes for example 日本…");
        for columns in 20..100 {
            assert!(text::width(&sample(&several, columns)) <= columns, "{columns}");
        }
    }

    #[test]
    fn limits_read_as_they_were_written() {
        assert_eq!((limit(0.2), limit(0.29), limit(0.125)), ("20 %".into(), "29 %".into(), "12.5 %".into()));
    }
}
