//! Sentences about a cohort and its sync, shared by the detail pane, the full report behind Enter and the
//! dialogs.

use super::cohort_columns::counts;
use crate::domain::{Outcome, PauseCause, RunCounts, SyncKind, Trigger};
use crate::sync::snapshot::{CohortView, Pause, RunView, SyncView};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use jiff::Timestamp;
use jiff::tz::TimeZone;
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

/// How often a sync runs, in words.
#[must_use]
pub fn rhythm(sync: &SyncView) -> String {
    match sync.kind {
        SyncKind::OneTime => "one-time, a snapshot".to_owned(),
        SyncKind::Recurring => format!("every {}", text::interval(sync.interval)),
    }
}

/// How long a run took.
#[must_use]
pub fn took(run: &RunView) -> Option<Duration> {
    run.ended_at?.duration_since(run.started_at).try_into().ok()
}

fn started_by(trigger: Trigger) -> &'static str {
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
    vec![
        piece(Role::Muted, "last run "),
        piece(Role::Text, started),
        piece(Role::Muted, format!(" {}{took}, ", started_by(run.trigger))),
        piece(role, word),
    ]
}

/// Everything about a cohort as labels and values, for reading at length and for copying.
#[must_use]
pub fn report(view: &CohortView, now: Timestamp, zone: &TimeZone) -> Vec<(String, String)> {
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
    let Some(sync) = &view.sync else { return facts };
    say(
        "Attribute",
        &format!("“{}”, pinned when the cohort was called “{}”", sync.attribute, sync.pinned_name),
    );
    say("Sync", &format!("{}, since {}", rhythm(sync), text::moment(now, sync.since, zone)));
    say("Acknowledged by mParticle", &text::plural(sync.baseline, "user"));
    if let Some(pause) = &sync.pause {
        say("Paused", &format!("{}, {}", text::moment(now, pause.at, zone), pause_title(pause.cause)));
        say("Because", &pause.reason);
        say("What helps", pause.cause.remedy());
        if let Some(held) = held_counts(sync, pause) {
            say("Held", &held);
        }
    }
    if let Some(run) = &sync.last_run {
        let outcome = run.outcome.map_or_else(|| "at work".to_owned(), |outcome| outcome.to_string());
        let started = text::moment(now, run.started_at, zone);
        say("Last run", &format!("number {}, {started}, {}, {outcome}", run.id, started_by(run.trigger)));
        if let Some(error) = &run.error {
            say("Error", error);
        }
    }
    if let Some(counts) = counts(view) {
        say_counts(&mut say, counts);
    }
    facts
}

fn say_counts(say: &mut impl FnMut(&str, &str), counts: &RunCounts) {
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
