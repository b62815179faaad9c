//! The columns of the Cohorts table: what each shows of a cohort, how it looks and how it sorts.
//!
//! ```text
//!   Cohort        Users   Matched          Unmatched   +Adds −Removes  Sync       Status          Last  Next
//! ▌ Churn risk   51,002   ━━━━━╸━ 74.9 %     12,801    +312      −12  recurring  ⠹ Sending 62 %   now     ·
//! ```

use super::cohort_attributes::unexplained;
use crate::domain::{PauseCause, Phase, Purpose, RunCounts, SyncKind, SyncStatus};
use crate::sync::snapshot::{CohortView, RunProgress};
use crate::tui::canvas::{Canvas, Piece, cells, piece, width_of};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::CellAt;
use std::cmp::Ordering;
use unicode_segmentation::UnicodeSegmentation;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the headings")]
pub enum Field {
    Cohort,
    Users,
    Matched,
    Unmatched,
    Adds,
    Removes,
    Sync,
    Status,
    Last,
    Next,
}

/// The fields in the order of the columns.
pub const FIELDS: [Field; 10] = [
    Field::Cohort,
    Field::Users,
    Field::Matched,
    Field::Unmatched,
    Field::Adds,
    Field::Removes,
    Field::Sync,
    Field::Status,
    Field::Last,
    Field::Next,
];

/// The columns. Status stays longest beside the name, because it is what calls for a person.
pub const COLUMNS: [Column; 10] = [
    Column::words("Cohort", [12, 20, 36], 0, 0).key('c'),
    Column::numbers("Users", [9, 9, 10], 1, 2).key('u'),
    Column::numbers("Matched", [7, 14, 20], 2, 3).key('m').largest_first(false),
    Column::numbers("Unmatched", [9, 9, 10], 2, 6).key('x'),
    Column::numbers("+Adds", [8, 8, 10], 1, 4).key('a'),
    Column::numbers("−Removes", [8, 8, 10], 1, 5).key('r'),
    Column::words("Sync", [9, 9, 9], 2, 9).key('k'),
    Column::words("Status", [16, 16, 16], 2, 1).key('s'),
    Column::numbers("Last", [4, 4, 4], 1, 7).key('l').largest_first(false),
    Column::numbers("Next", [4, 4, 4], 2, 8).key('n').largest_first(false),
];

/// The column the table is sorted by at first.
pub const SORT_AT_FIRST: usize = 7;

/// The accounts to show: those of the run at work once it has read something, else those of the last run that
/// counted everyone. A read that broke off says nothing about a cohort.
#[must_use]
pub fn counts(view: &CohortView) -> Option<&RunCounts> {
    let sync = view.sync.as_ref()?;
    let running = sync.progress.as_ref().map(|progress| &progress.counts);
    let last = sync.last_account.as_ref().map(|run| &run.counts);
    [running, last].into_iter().flatten().find(|counts| counts.read.fetched() > 0).or(last)
}

/// Users as fetched, or as Mixpanel counts them while nothing was.
#[must_use]
pub fn users(view: &CohortView) -> Option<u64> {
    counts(view).map(|counts| counts.read.fetched()).filter(|fetched| *fetched > 0).or(view.cohort.count)
}

/// Adds and removes: what the run at work has planned, or what the last run got accepted.
#[must_use]
pub fn changes(view: &CohortView) -> Option<(u64, u64)> {
    let sync = view.sync.as_ref()?;
    if let Some(progress) = sync.progress.as_ref().filter(|progress| progress.phase >= Phase::Send) {
        return Some((progress.counts.adds.planned(), progress.counts.removes.planned()));
    }
    let counts = sync.last_run.as_ref()?.counts;
    Some((counts.adds.accepted(), counts.removes.accepted()))
}

/// A share of matched users is good from nine in ten on, and bad below half.
#[must_use]
pub fn share_role(share: f64) -> Role {
    match share {
        share if share >= 0.9 => Role::Good,
        share if share >= 0.5 => Role::Warn,
        _ => Role::Bad,
    }
}

/// What a status means.
#[must_use]
pub fn status_role(view: &CohortView) -> Role {
    match view.status() {
        SyncStatus::Fetching | SyncStatus::Comparing | SyncStatus::Sending | SyncStatus::Queued => Role::Busy,
        SyncStatus::Synced | SyncStatus::Exported => Role::Good,
        SyncStatus::Paused if pause_cause(view) == Some(PauseCause::Operator) => Role::Text,
        SyncStatus::Paused => Role::Warn,
        SyncStatus::Failed => Role::Bad,
        SyncStatus::NotSynced | SyncStatus::Stopped => Role::Muted,
    }
}

fn pause_cause(view: &CohortView) -> Option<PauseCause> {
    view.sync.as_ref()?.pause.as_ref().map(|pause| pause.cause)
}

/// The cause of a pause in a word that fits the column.
fn brief(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Operator => "by you",
        PauseCause::MixpanelCredentials => "401",
        PauseCause::MixpanelPlan => "402",
        PauseCause::MixpanelPermission => "403",
        PauseCause::MparticleFeed => "feed",
        PauseCause::Removals | PauseCause::EmptyRead => "held",
        PauseCause::CohortGone => "gone",
    }
}

/// The status in glyph and words.
#[must_use]
pub fn status_pieces(canvas: &Canvas<'_>, view: &CohortView) -> Vec<Piece<'static>> {
    let role = status_role(view);
    if view.not_exportable.is_some() && view.sync.is_none() {
        return vec![piece(role, "  Can't export")];
    }
    let status = view.status();
    let progress = view.sync.as_ref().and_then(|sync| sync.progress.as_ref());
    let at_work = status.is_active() && status != SyncStatus::Queued;
    let glyph = if at_work { canvas.spinner() } else { canvas.glyphs.status(status) };
    let word = match progress.filter(|_| at_work).map(|progress| progress.purpose) {
        Some(Purpose::CleanUp(_)) => "Cleaning".to_owned(),
        Some(Purpose::Repair) => "Repairing".to_owned(),
        _ => status.to_string(),
    };
    let mut pieces = vec![piece(role, format!("{glyph} {word}"))];
    let share = progress.and_then(RunProgress::share);
    if matches!(status, SyncStatus::Fetching | SyncStatus::Sending)
        && let Some(share) = share
    {
        pieces.push(piece(role, format!(" {}", text::whole_percent(share))));
    } else if status == SyncStatus::Paused
        && let Some(cause) = pause_cause(view)
    {
        pieces.push(piece(role, format!(" {}", brief(cause))));
    }
    pieces
}

/// Draws one cell.
pub fn draw_cell(canvas: &mut Canvas<'_>, at: CellAt<'_>, view: &CohortView) {
    let pieces = match FIELDS[at.column] {
        Field::Cohort => return draw_name(canvas, at, view),
        Field::Matched => return draw_matched(canvas, at, view),
        Field::Users => vec![number(users(view))],
        Field::Unmatched => vec![number(counts(view).map(|counts| counts.read.unmatched))],
        Field::Adds => vec![change('+', changes(view).map(|(adds, _)| adds))],
        Field::Removes => vec![change('−', changes(view).map(|(_, removes)| removes))],
        Field::Sync => vec![match &view.sync {
            Some(sync) if view.status() == SyncStatus::Stopped => piece(Role::Muted, sync.kind.to_string()),
            Some(sync) => piece(Role::Text, sync.kind.to_string()),
            None => nothing(),
        }],
        Field::Status => status_pieces(canvas, view),
        Field::Last => vec![last(canvas, view)],
        Field::Next => vec![next(canvas, view)],
    };
    let area = at.area;
    match COLUMNS[at.column].align {
        Align::Left => canvas.line(area.x, area.y, area.width, &pieces),
        Align::Right => canvas.line_right(area.x, area.y, area.width, &pieces),
    };
}

fn nothing() -> Piece<'static> {
    piece(Role::Muted, "—")
}

fn number(count: Option<u64>) -> Piece<'static> {
    count.map_or_else(nothing, |count| match count {
        0 => piece(Role::Muted, "0"),
        count => piece(Role::Text, text::count(count)),
    })
}

fn change(sign: char, count: Option<u64>) -> Piece<'static> {
    count.map_or_else(nothing, |count| match count {
        0 => piece(Role::Muted, "0"),
        count => piece(Role::Text, text::signed(sign, count)),
    })
}

fn last(canvas: &Canvas<'_>, view: &CohortView) -> Piece<'static> {
    let Some(sync) = &view.sync else { return nothing() };
    if view.status().is_active() {
        return piece(Role::Text, "now");
    }
    match &sync.last_run {
        Some(run) => piece(Role::Text, text::age(canvas.now, run.ended_at.unwrap_or(run.started_at))),
        None => piece(Role::Muted, "·"),
    }
}

fn next(canvas: &Canvas<'_>, view: &CohortView) -> Piece<'static> {
    match &view.sync {
        None => nothing(),
        Some(sync) => match sync.next_due.filter(|_| !view.status().is_active()) {
            Some(due) => piece(Role::Text, text::until(canvas.now, due)),
            None => piece(Role::Muted, "·"),
        },
    }
}

/// The name, the letters that the filter matched, and a sign where the detail pane has a warning.
fn draw_name(canvas: &mut Canvas<'_>, at: CellAt<'_>, view: &CohortView) {
    let role = if view.not_exportable.is_some() { Role::Muted } else { Role::Text };
    let sign = match warnings(view) {
        0 => None,
        1 => Some(piece(Role::Warn, " !")),
        many => Some(piece(Role::Warn, format!(" !{many}"))),
    };
    let room = at.area.width.saturating_sub(cells(width_of(sign.as_slice())));
    let name = text::cut(&view.cohort.name, usize::from(room)).into_owned();
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    if at.matched.is_empty() || name != view.cohort.name {
        pieces.push(piece(role, name.as_str()));
    } else {
        for (index, grapheme) in (0_u32..).zip(name.graphemes(true)) {
            let role = if at.matched.contains(&index) { Role::Match } else { role };
            pieces.push(piece(role, grapheme));
        }
    }
    pieces.extend(sign);
    canvas.line(at.area.x, at.area.y, at.area.width, &pieces);
}

/// How many things about the cohort deserve a look even while its sync is well.
#[must_use]
pub fn warnings(view: &CohortView) -> usize {
    let is_unexplained = view.sync.as_ref().is_some_and(|sync| unexplained(sync).is_some());
    let own = [!view.listed, view.renamed(), is_unexplained];
    own.into_iter().filter(|is_so| *is_so).count() + view.lints.len()
}

fn draw_matched(canvas: &mut Canvas<'_>, at: CellAt<'_>, view: &CohortView) {
    let area = at.area;
    let Some(share) = counts(view).and_then(RunCounts::matched_share) else {
        canvas.line_right(area.x, area.y, area.width, &[nothing()]);
        return;
    };
    let label = [piece(Role::Text, text::percent(share))];
    let wide = width_of(&label).max(7);
    let room = usize::from(area.width).saturating_sub(wide + 1);
    if room >= 4 {
        bar::draw_slim(canvas, area.x, area.y, u16::try_from(room).unwrap_or(0), share, share_role(share));
    }
    canvas.line_right(area.x, area.y, area.width, &label);
}

/// Orders two cohorts by a column; the name decides between equals, and the id between namesakes.
#[must_use]
pub fn compare(column: usize, a: &CohortView, b: &CohortView) -> Ordering {
    let order = match FIELDS[column] {
        Field::Cohort => Ordering::Equal,
        Field::Users => largest_first(users(a), users(b)),
        Field::Matched => share_of(a).total_cmp(&share_of(b)),
        Field::Unmatched => largest_first(unmatched(a), unmatched(b)),
        Field::Adds => largest_first(changes(a).map(|c| c.0), changes(b).map(|c| c.0)),
        Field::Removes => largest_first(changes(a).map(|c| c.1), changes(b).map(|c| c.1)),
        Field::Sync => kind_rank(a).cmp(&kind_rank(b)),
        Field::Status => status_rank(a).cmp(&status_rank(b)),
        Field::Last => last_at(b).cmp(&last_at(a)),
        Field::Next => next_at(a).cmp(&next_at(b)),
    };
    let (name_a, name_b) = (&a.cohort.name, &b.cohort.name);
    // Letter by letter: this runs for every pair of rows at every snapshot, and allocates nothing.
    let by_name =
        || name_a.chars().flat_map(char::to_lowercase).cmp(name_b.chars().flat_map(char::to_lowercase));
    order.then_with(by_name).then(a.cohort.id.cmp(&b.cohort.id))
}

/// What can never be exported comes after what nobody has exported yet.
fn status_rank(view: &CohortView) -> (usize, bool) {
    (rank(view.status()), view.not_exportable.is_some())
}

fn largest_first(a: Option<u64>, b: Option<u64>) -> Ordering {
    b.cmp(&a)
}

fn unmatched(view: &CohortView) -> Option<u64> {
    counts(view).map(|counts| counts.read.unmatched)
}

/// The worst share first; what has none last.
fn share_of(view: &CohortView) -> f64 {
    counts(view).and_then(RunCounts::matched_share).unwrap_or(2.0)
}

fn kind_rank(view: &CohortView) -> u8 {
    match view.sync.as_ref().map(|sync| sync.kind) {
        Some(SyncKind::Recurring) => 0,
        Some(SyncKind::OneTime) => 1,
        None => 2,
    }
}

/// A run goes through several statuses; they rank as one, so that no row hops about while it works.
fn rank(status: SyncStatus) -> usize {
    if status.is_active() {
        return 0;
    }
    1 + SyncStatus::ALL.iter().position(|other| *other == status).unwrap_or(0)
}

fn last_at(view: &CohortView) -> Option<jiff::Timestamp> {
    view.sync.as_ref()?.last_run.as_ref().map(|run| run.ended_at.unwrap_or(run.started_at))
}

/// What is due next first; what is not due at all last.
fn next_at(view: &CohortView) -> jiff::Timestamp {
    let due = view.sync.as_ref().and_then(|sync| sync.next_due);
    due.unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_letter_of_its_own() {
        let letters: std::collections::HashSet<char> = COLUMNS.iter().map(|column| column.letter).collect();
        assert_eq!(letters.len(), COLUMNS.len());
        assert_eq!(FIELDS[SORT_AT_FIRST], Field::Status);
    }

    #[test]
    fn a_row_does_not_hop_while_its_run_works() {
        assert_eq!(rank(SyncStatus::Queued), rank(SyncStatus::Sending));
        assert!(rank(SyncStatus::Sending) < rank(SyncStatus::Failed));
        assert!(rank(SyncStatus::Paused) < rank(SyncStatus::NotSynced));
    }
}
