//! A run in words and as a row for a file: in full and without formatting.

use super::cohort_attributes::purpose;
use super::cohort_facts::{say_counts, started_by, took};
use super::{Scene, run_columns};
use crate::domain::Phase;
use crate::sync::pages::RunRecord;
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use jiff::Timestamp;

const COLUMNS: [&str; 18] = [
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

/// The names of the columns, then a row a run.
pub fn rows<'r>(runs: impl Iterator<Item = &'r RunRecord>) -> Vec<Vec<String>> {
    let header = COLUMNS.map(str::to_owned).to_vec();
    std::iter::once(header).chain(runs.map(row)).collect()
}

fn row(run: &RunRecord) -> Vec<String> {
    let counts = &run.counts;
    let took = took(run).map(|took| format!("{:.1}", took.as_secs_f64()));
    vec![
        run.id.to_string(),
        run.cohort_id.to_string(),
        run.cohort.clone(),
        run.attribute.clone(),
        run.kind.token().to_owned(),
        run.purpose.token().to_owned(),
        run.trigger.token().to_owned(),
        run.outcome.map_or("running", crate::domain::Outcome::token).to_owned(),
        time(run.started_at),
        took.unwrap_or_default(),
        counts.read.fetched().to_string(),
        counts.adds.planned().to_string(),
        counts.removes.planned().to_string(),
        counts.accepted().to_string(),
        counts.rejected().to_string(),
        counts.pending().to_string(),
        counts.retries.to_string(),
        run.error.clone().unwrap_or_default(),
    ]
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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
