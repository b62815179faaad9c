//! A run in words and as a row for a file: in full and without formatting.

use super::cohort_attributes::purpose;
use super::cohort_facts::{say_counts, started_by, took};
use super::{Scene, run_columns};
use crate::domain::Phase;
use crate::sync::export::{Table, seconds};
use crate::sync::pages::RunRecord;
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use serde_json::Value;

const COLUMNS: &[&str] = &[
    "run_id",
    "cohort_id",
    "cohort",
    "attribute",
    "kind",
    "purpose",
    "trigger",
    "outcome",
    "started_at",
    "seconds",
    "fetched",
    "adds",
    "removes",
    "accepted",
    "rejected",
    "pending",
    "retries",
    "error",
];

/// A row a run.
pub fn rows<'r>(runs: impl Iterator<Item = &'r RunRecord>) -> Table {
    Table { columns: COLUMNS, rows: runs.map(row).collect() }
}

fn row(run: &RunRecord) -> Vec<Value> {
    let counts = &run.counts;
    let tenths = |took: std::time::Duration| (took.as_secs_f64() * 10.0).round() / 10.0;
    vec![
        run.id.0.into(),
        run.cohort_id.0.into(),
        run.cohort.as_str().into(),
        run.attribute.as_str().into(),
        run.kind.token().into(),
        run.purpose.token().into(),
        run.trigger.token().into(),
        run.outcome.map_or("running", crate::domain::Outcome::token).into(),
        seconds(run.started_at).into(),
        took(run).map(tenths).into(),
        counts.read.fetched().into(),
        counts.adds.planned().into(),
        counts.removes.planned().into(),
        counts.accepted().into(),
        counts.rejected().into(),
        counts.pending().into(),
        counts.retries.into(),
        run.error.clone().into(),
    ]
}

/// The name of a phase.
#[must_use]
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "Queued",
        Phase::Fetch => "Fetch",
        Phase::Compare => "Compare",
        Phase::Send => "Send",
        Phase::Settle => "Settle",
    }
}

/// Everything about a run, to read at length and to copy.
#[must_use]
pub fn facts(scene: Scene<'_>, run: &RunRecord) -> Message {
    let zone = &scene.settings.zone;
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    say("Run", &format!("number {} of “{}”, cohort {}", run.id, run.cohort, run.cohort_id));
    say("Attribute", &run.attribute);
    let what = purpose(run.purpose, &run.attribute);
    say("Purpose", &what.unwrap_or_else(|| "telling who entered and who left".to_owned()));
    say("Kind", run_columns::kind(run));
    let started = text::moment(scene.now, run.started_at, zone);
    say("Started", &format!("{started} {}", started_by(run.trigger)));
    let outcome = run.outcome.map_or_else(|| "at work".to_owned(), |outcome| outcome.to_string());
    let took = took(run).map_or_else(String::new, |took| format!(" after {}", text::stopwatch(took)));
    say("Outcome", &format!("{outcome}{took}"));
    for (at, took) in &run.phases {
        say(&format!("  {}", phase(*at)), &text::stopwatch(*took));
    }
    if let Some(error) = &run.error {
        say("Error", error);
    }
    say_counts(&mut say, &run.counts);
    Message::new(format!("Run {} · {}", run.id, text::clean(&run.cohort)), Body::Facts(facts))
}
