//! The columns of a table of runs: what each shows of a run, how it looks and how it sorts. A run at work shows the
//! counts of this moment.
//!
//! ```text
//!   Started    Cohort       Kind       Trigger   Took   Fetched     +    −  Rejected  Retries  Outcome
//! ▌ 14:29:06   Churn risk   update     schedule  0:41    51,002   312   12         0        2  ✓ succeeded
//! ```

use super::cohort_facts::took;
use crate::domain::{Outcome, Phase, Purpose, Removal, RunCounts, SyncKind, Trigger};
use crate::sync::pages::RunRecord;
use crate::sync::snapshot::{RunProgress, Snapshot};
use crate::tui::canvas::{Canvas, Piece, cells, piece};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::CellAt;
use std::cmp::Ordering;
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Started,
    Cohort,
    Kind,
    Trigger,
    Took,
    Fetched,
    Adds,
    Removes,
    Rejected,
    Retries,
    Outcome,
}

const FIELDS: [Field; 11] = [
    Field::Started,
    Field::Cohort,
    Field::Kind,
    Field::Trigger,
    Field::Took,
    Field::Fetched,
    Field::Adds,
    Field::Removes,
    Field::Rejected,
    Field::Retries,
    Field::Outcome,
];

/// The column that says whose run it is.
pub const COHORT: usize = 1;

/// The columns. When, whose and how it ended stay longest.
pub const COLUMNS: [Column; 11] = [
    Column::words("Started", [11, 11, 16], 0, 1).key('s').largest_first(true),
    Column::words("Cohort", [10, 18, 32], 2, 0).key('c'),
    Column::words("Kind", [9, 9, 12], 2, 8).key('k'),
    Column::words("Trigger", [8, 8, 8], 1, 10).key('t'),
    Column::numbers("Took", [6, 7, 8], 1, 5).key('d'),
    Column::numbers("Fetched", [9, 9, 10], 1, 6).key('f'),
    Column::numbers("+Adds", [8, 8, 10], 1, 3).key('a'),
    Column::numbers("−Removes", [8, 8, 10], 1, 4).key('r'),
    Column::numbers("Rejected", [8, 8, 8], 1, 7).key('x'),
    Column::numbers("Retries", [7, 7, 7], 1, 9).key('y'),
    Column::words("Outcome", [11, 12, 14], 2, 2).key('o'),
];

/// The run as it works now, when it does.
#[must_use]
pub fn progress<'s>(snapshot: &'s Snapshot, run: &RunRecord) -> Option<&'s RunProgress> {
    if run.outcome.is_some() {
        return None;
    }
    let progress = snapshot.cohort(run.cohort_id)?.sync.as_ref()?.progress.as_ref()?;
    (progress.id == Some(run.id)).then_some(progress)
}

/// What a run did in a word or two.
#[must_use]
pub fn kind(run: &RunRecord) -> &'static str {
    match (run.purpose, run.kind) {
        (Purpose::Update, SyncKind::Recurring) => "recurring",
        (Purpose::Update, SyncKind::OneTime) => "one-time",
        (Purpose::FullRefresh, _) => "everyone",
        (Purpose::Repair, _) => "repair",
        (Purpose::CleanUp(Removal::SetFalse), _) => "set false",
        (Purpose::CleanUp(Removal::Delete), _) => "delete",
    }
}

/// What started a run, in a word.
#[must_use]
pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Operator => "operator",
        Trigger::Schedule => "schedule",
        Trigger::Recovery => "recovery",
    }
}

/// How a run ended, or what it does.
#[must_use]
pub fn outcome(canvas: &Canvas<'_>, run: &RunRecord, progress: Option<&RunProgress>) -> Piece<'static> {
    let (role, sign, word) = match run.outcome {
        Some(Outcome::Succeeded) => (Role::Good, "✓", "succeeded"),
        Some(Outcome::Failed) => (Role::Bad, "✗", "failed"),
        Some(Outcome::Paused) => (Role::Warn, "‖", "paused"),
        Some(Outcome::Cancelled) => (Role::Warn, "■", "cancelled"),
        Some(Outcome::DryRun) => (Role::Key, "·", "dry run"),
        None => (Role::Busy, canvas.spinner(), phase(progress.map_or(run.phase, |progress| progress.phase))),
    };
    let share = progress.and_then(RunProgress::share).map(text::whole_percent);
    let share = share.map_or_else(String::new, |share| format!(" {share}"));
    piece(role, format!("{sign} {word}{share}"))
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "queued",
        Phase::Fetch => "fetch",
        Phase::Compare => "compare",
        Phase::Send => "send",
        Phase::Settle => "settle",
    }
}

/// Draws one cell.
pub fn draw_cell(canvas: &mut Canvas<'_>, at: CellAt<'_>, run: &RunRecord, snapshot: &Snapshot) {
    let progress = progress(snapshot, run);
    let counts: &RunCounts = progress.map_or(&run.counts, |progress| &progress.counts);
    let (adds, removes) = changes(run, counts);
    let cell = match FIELDS[at.column] {
        Field::Cohort => return draw_name(canvas, at, run),
        Field::Started => piece(Role::Text, started(canvas, run, at.area.width)),
        Field::Kind => piece(Role::Text, kind(run)),
        Field::Trigger => piece(Role::Muted, trigger(run.trigger)),
        Field::Took => duration(canvas, run),
        Field::Fetched if !run.purpose.reads() => piece(Role::Muted, "—"),
        Field::Fetched => number(counts.read.fetched()),
        Field::Adds => piece(role_of(adds), text::signed('+', adds)),
        Field::Removes => piece(role_of(removes), text::signed('−', removes)),
        Field::Rejected if counts.rejected() > 0 => piece(Role::Bad, text::count(counts.rejected())),
        Field::Retries if counts.retries > 0 => piece(Role::Warn, text::count(counts.retries)),
        Field::Rejected | Field::Retries => number(0),
        Field::Outcome => outcome(canvas, run, progress),
    };
    let area = at.area;
    match COLUMNS[at.column].align {
        Align::Left => canvas.line(area.x, area.y, area.width, &[cell]),
        Align::Right => canvas.line_right(area.x, area.y, area.width, &[cell]),
    };
}

/// What mParticle accepted; of a dry run and of a held plan, what it would have been told.
#[must_use]
pub fn changes(run: &RunRecord, counts: &RunCounts) -> (u64, u64) {
    let is_plan = run.outcome == Some(Outcome::DryRun);
    let of = |change: &crate::domain::ChangeCounts| {
        if is_plan { change.planned() } else { change.accepted() }
    };
    (of(&counts.adds), of(&counts.removes))
}

fn role_of(count: u64) -> Role {
    if count == 0 { Role::Muted } else { Role::Text }
}

fn number(count: u64) -> Piece<'static> {
    piece(role_of(count), text::count(count))
}

fn started(canvas: &Canvas<'_>, run: &RunRecord, columns: u16) -> String {
    let (now, at) = (
        canvas.now.to_zoned_datetime(canvas.zone.clone()),
        run.started_at.to_zoned_datetime(canvas.zone.clone()),
    );
    let format = match (now.date() == at.date(), columns >= 16) {
        (true, _) => "%H:%M:%S",
        (false, true) => "%Y-%m-%d %H:%M",
        (false, false) => "%m-%d %H:%M",
    };
    at.strftime(format).to_string()
}

fn duration(canvas: &Canvas<'_>, run: &RunRecord) -> Piece<'static> {
    let running = || Duration::try_from(canvas.now.duration_since(run.started_at)).ok();
    match took(run).or_else(|| running().filter(|_| run.outcome.is_none())) {
        Some(took) => piece(Role::Text, text::stopwatch(took)),
        None => piece(Role::Muted, "—"),
    }
}

fn draw_name(canvas: &mut Canvas<'_>, at: CellAt<'_>, run: &RunRecord) {
    let name = text::cut(&run.cohort, usize::from(at.area.width)).into_owned();
    if at.matched.is_empty() || name != run.cohort {
        canvas.text(at.area.x, at.area.y, at.area.width, Role::Text, &name);
        return;
    }
    let mut x = at.area.x;
    for (index, grapheme) in (0_u32..).zip(name.graphemes(true)) {
        let role = if at.matched.contains(&index) { Role::Match } else { Role::Text };
        x += canvas.text(x, at.area.y, cells(text::width(grapheme)), role, grapheme);
    }
}

/// Orders two runs by a column: those at work first, the newest first between equals.
#[must_use]
pub fn compare(column: usize, a: &RunRecord, b: &RunRecord) -> Ordering {
    let largest = |of: fn(&RunRecord) -> u64| of(b).cmp(&of(a));
    let order = match FIELDS[column] {
        Field::Started => Ordering::Equal,
        Field::Cohort => a.cohort.to_lowercase().cmp(&b.cohort.to_lowercase()),
        Field::Kind => kind(a).cmp(kind(b)),
        Field::Trigger => trigger(a.trigger).cmp(trigger(b.trigger)),
        Field::Took => took(b).cmp(&took(a)),
        Field::Fetched => largest(|run| run.counts.read.fetched()),
        Field::Adds => largest(|run| changes(run, &run.counts).0),
        Field::Removes => largest(|run| changes(run, &run.counts).1),
        Field::Rejected => largest(|run| run.counts.rejected()),
        Field::Retries => largest(|run| run.counts.retries),
        Field::Outcome => rank(a).cmp(&rank(b)),
    };
    order.then(b.id.cmp(&a.id))
}

/// What needs a look comes first.
fn rank(run: &RunRecord) -> u8 {
    match run.outcome {
        None => 0,
        Some(Outcome::Failed) => 1,
        Some(Outcome::Paused) => 2,
        Some(Outcome::Cancelled) => 3,
        Some(Outcome::DryRun) => 4,
        Some(Outcome::Succeeded) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_letter_of_its_own() {
        let letters: std::collections::HashSet<char> = COLUMNS.iter().map(|column| column.letter).collect();
        assert_eq!(letters.len(), COLUMNS.len());
    }
}
