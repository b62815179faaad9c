//! The pane below the Cohorts table: everything about the selected cohort that fits in a few lines. What it
//! says depends on what the sync is doing; the last line always says which attribute goes where, and above it
//! stands what must not be overlooked. A run at work is drawn by `cohort_run`.
//!
//! ```text
//! ● Synced   every 15 min   next in 12 m, 14:44:47                    users             50,926  +933
//! last run 14:29:06 on schedule, took 0:41, succeeded                 ⣀⣀⣀⡠⠤⠤⠒⠒⠉⠉
//! matched 38,125   unmatched 12,801   unsendable 12   duplicates 64
//! “Old” is still held by 1,234 users; set to false after the next run
//! attribute “Churn risk” → feed us1-…a9f2 (production)
//! ```

use super::cohort_columns::{status_pieces, status_role};
use super::cohort_lines::{GAP, Lines, fact, outcome_facts, read_line};
use super::cohort_trend::{self, draw_rate, draw_trend};
use super::{Scene, cohort_attributes, cohort_facts, cohort_run, cohort_warnings};
use crate::domain::{PauseCause, Phase, Removal, SyncStatus};
use crate::sync::snapshot::{CohortView, Pause, RunView, SyncView};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Piece, cells, piece, width_of};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// From this width on the charts have a place of their own at the right.
const CHART_FROM: u16 = 100;
/// The cells an attribute keeps in its line, whatever else stands there.
const LEAST_NAME: usize = 12;
/// The most lines that notes take from what the sync is doing.
const NOTE_LINES: u16 = 2;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, view: &CohortView) {
    let wide = area.width >= CHART_FROM;
    let mut facts = area;
    if wide && has_chart(view) {
        facts.width -= cohort_trend::WIDTH + 3;
        let chart = Rect::new(area.right() - cohort_trend::WIDTH, area.y, cohort_trend::WIDTH, area.height);
        draw_chart(canvas, chart, view);
    }
    let attribute = Rect::new(facts.x, facts.bottom() - 1, facts.width, 1);
    canvas.line(attribute.x, attribute.y, attribute.width, &attribute_line(scene, view, facts.width));
    let noted = draw_notes(canvas, scene, Rect { height: facts.height - 1, ..facts }, view);
    let mut lines = Lines { area: Rect { height: facts.height - 1 - noted, ..facts } };
    match &view.sync {
        None => draw_unsynced(canvas, scene, &mut lines, view),
        Some(sync) => match (&sync.progress, &sync.pause) {
            (Some(progress), _) => cohort_run::draw(canvas, &mut lines, progress, wide),
            (None, Some(pause)) => draw_paused(canvas, scene, &mut lines, sync, pause),
            (None, None) => draw_resting(canvas, scene, &mut lines, view, sync),
        },
    }
}

/// Writes the notes so that they end at the bottom of an area; returns how many lines they took.
fn draw_notes(canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, view: &CohortView) -> u16 {
    let most = NOTE_LINES.min(area.height.saturating_sub(3));
    let mut left = most;
    let mut fitting = Vec::new();
    for (role, text) in cohort_warnings::notes(scene, view, usize::from(most), usize::from(area.width)) {
        let needed = cells(text::wrap(&text, usize::from(area.width)).len()).min(most);
        if needed > left {
            break;
        }
        left -= needed;
        fitting.push((role, text, needed));
    }
    let mut y = area.bottom() - (most - left);
    for (role, text, needed) in fitting {
        y += canvas.paragraph(Rect { y, height: needed, ..area }, role, &text);
    }
    most - left
}

fn has_chart(view: &CohortView) -> bool {
    view.sync.as_ref().is_some_and(|sync| match (&sync.progress, &sync.pause) {
        (Some(progress), _) => progress.phase >= Phase::Send && !progress.dry_run,
        (None, Some(_)) => false,
        (None, None) => sync.trend.len() > 1,
    })
}

fn draw_chart(canvas: &mut Canvas<'_>, area: Rect, view: &CohortView) {
    let Some(sync) = &view.sync else { return };
    match &sync.progress {
        Some(progress) => draw_rate(canvas, area, progress),
        None => draw_trend(canvas, area, &sync.trend),
    }
}

fn draw_paused(canvas: &mut Canvas<'_>, scene: Scene<'_>, lines: &mut Lines, sync: &SyncView, pause: &Pause) {
    let at = text::moment(canvas.now, pause.at, canvas.zone);
    let title = cohort_facts::pause_title(pause.cause);
    lines.line(
        canvas,
        &[
            piece(Role::Warn, format!("‖ {title}")),
            piece(Role::Muted, format!("   {}, {at}", text::ago(canvas.now, pause.at))),
        ],
    );
    let held = cohort_facts::held_counts(sync, pause);
    let remedy = remedy_height(scene, lines.area.width, pause);
    // A person who paused it knows why, and of a held plan the counts say more than the reason.
    let spare = lines.area.height.saturating_sub(remedy);
    if pause.cause != PauseCause::Operator && (held.is_none() || spare > 2) {
        lines.paragraph(canvas, Role::Text, &pause.reason, 2);
    }
    if let Some(held) = held {
        lines.line(canvas, &[piece(Role::Strong, held)]);
    }
    if lines.area.height > remedy && !pause.sample.is_empty() {
        let room = usize::from(lines.area.width);
        lines.line(canvas, &[piece(Role::Text, cohort_facts::sample(&pause.sample, room))]);
    }
    draw_remedy(canvas, scene, lines, pause);
}

/// The key that takes a paused sync up again and the word for it.
fn remedy_key(scene: Scene<'_>, pause: &Pause) -> [Piece<'static>; 2] {
    let action = cohort_facts::remedy_action(pause.cause);
    let what = if pause.cause == PauseCause::Operator { "resume" } else { action.spec().title };
    [piece(Role::Key, scene.key(action)), piece(Role::Text, format!(" {what}   "))]
}

fn remedy_height(scene: Scene<'_>, width: u16, pause: &Pause) -> u16 {
    let room = usize::from(width).saturating_sub(width_of(&remedy_key(scene, pause)));
    cells(text::wrap(pause.cause.remedy(), room).len()).min(2)
}

fn draw_remedy(canvas: &mut Canvas<'_>, scene: Scene<'_>, lines: &mut Lines, pause: &Pause) {
    let Some(area) = lines.row() else { return };
    let used = canvas.line(area.x, area.y, area.width, &remedy_key(scene, pause));
    let rest = Rect::new(area.x + used, area.y, area.width - used, 1 + lines.area.height.min(1));
    let more = canvas.paragraph(rest, Role::Muted, pause.cause.remedy());
    lines.skip(more.saturating_sub(1));
}

fn draw_resting(
    canvas: &mut Canvas<'_>,
    scene: Scene<'_>,
    lines: &mut Lines,
    view: &CohortView,
    sync: &SyncView,
) {
    let stretch = scene.snapshot.stretch.as_ref();
    let mut first = status_pieces(canvas, view);
    let role = if cohort_facts::is_stretched(sync, stretch) { Role::Warn } else { Role::Text };
    first.extend([piece(Role::Text, GAP), piece(role, cohort_facts::rhythm(sync, stretch))]);
    if let Some(due) = sync.next_due {
        let at = text::moment(canvas.now, due, canvas.zone);
        let words = format!("next in {}, {at}", text::until(canvas.now, due));
        first.extend([piece(Role::Text, GAP), piece(Role::Muted, words)]);
    }
    lines.line(canvas, &first);
    if let Some(about_to) = cohort_attributes::about_to(sync) {
        lines.paragraph(canvas, Role::Text, &about_to, 2);
    }
    let Some(run) = &sync.last_run else {
        lines.line(canvas, &[piece(Role::Muted, "No run has ended yet.")]);
        return;
    };
    lines.line(canvas, &cohort_facts::run_line(canvas, run));
    if let Some(error) = &run.error {
        let role = if view.status() == SyncStatus::Failed { status_role(view) } else { Role::Text };
        lines.paragraph(canvas, role, error, 2);
        if view.status() == SyncStatus::Failed {
            let key = piece(Role::Key, scene.key(Action::RunNow));
            lines.line(canvas, &[key, piece(Role::Muted, " tries again now; what was accepted is kept")]);
        }
    }
    draw_accounts(canvas, lines, run);
    let mut standing = Vec::new();
    if let Some(told) = sync.last_full.filter(|_| sync.baseline > 0) {
        fact(&mut standing, "everyone told", &text::ago(canvas.now, told));
    }
    if let Some(share) = sync.max_removal_share {
        fact(&mut standing, "asks before removing over", &cohort_facts::limit(share));
    }
    lines.line(canvas, &standing);
}

/// What the last run read and what mParticle answered.
fn draw_accounts(canvas: &mut Canvas<'_>, lines: &mut Lines, run: &RunView) {
    let counts = &run.counts;
    let mut pieces = Vec::new();
    if run.purpose.reads() {
        lines.line(canvas, &read_line(&counts.read));
        fact(&mut pieces, "adds", &text::signed('+', counts.adds.accepted()));
        fact(&mut pieces, "removes", &text::signed('−', counts.removes.accepted()));
    } else {
        let words = cohort_attributes::purpose(run.purpose, &run.attribute).unwrap_or_default();
        pieces.push(piece(Role::Text, words));
        fact(&mut pieces, "told", &text::count(counts.accepted()));
    }
    outcome_facts(&mut pieces, counts.rejected(), counts.retries, counts.requests);
    lines.line(canvas, &pieces);
}

fn draw_unsynced(canvas: &mut Canvas<'_>, scene: Scene<'_>, lines: &mut Lines, view: &CohortView) {
    if let Some(reason) = &view.not_exportable {
        lines.paragraph(canvas, Role::Warn, reason, 2);
    } else {
        let key = piece(Role::Key, scene.key(Action::StartSync));
        lines.line(
            canvas,
            &[piece(Role::Muted, "Not synced.  "), key, piece(Role::Text, " starts an export")],
        );
    }
    let mut pieces = Vec::new();
    if let Some(count) = view.cohort.count {
        fact(&mut pieces, "Mixpanel counts", &text::plural(count, "user"));
    }
    fact(&mut pieces, "created", &view.cohort.created);
    lines.line(canvas, &pieces);
    if !view.cohort.description.trim().is_empty() {
        lines.paragraph(canvas, Role::Text, &view.cohort.description, 3);
    }
}

/// Which attribute goes where, and whatever about its name deserves a warning.
fn attribute_line(scene: Scene<'_>, view: &CohortView, columns: u16) -> Vec<Piece<'static>> {
    if view.not_exportable.is_some() && view.sync.is_none() {
        return Vec::new();
    }
    // A resting sync says so in a sentence; a paused one has no room for another.
    let ending = view.sync.as_ref().filter(|sync| sync.pause.is_some()).and_then(|sync| sync.clean_up);
    let (role, verb) = match ending {
        Some(Removal::SetFalse) => (Role::Warn, "about to set to false: "),
        Some(Removal::Delete) => (Role::Warn, "about to delete: "),
        None if view.renamed() => (Role::Warn, "renamed; attribute pinned as "),
        None => (Role::Muted, "attribute "),
    };
    let settings = scene.settings;
    let after = [
        piece(Role::Muted, " → feed "),
        piece(Role::Text, settings.feed.clone()),
        piece(Role::Muted, format!(" ({})", settings.environment)),
    ];
    let columns = usize::from(columns);
    let room = columns.saturating_sub(text::width(verb) + width_of(&after) + 2).max(LEAST_NAME);
    let name = format!("“{}”", text::cut(view.attribute(), room));
    let mut pieces = vec![piece(role, verb), piece(Role::Text, name)];
    pieces.extend(after);
    if let Some(sync) = view.sync.as_ref().filter(|sync| sync.baseline > 0) {
        let more = [piece(Role::Muted, "   acknowledged "), piece(Role::Text, text::count(sync.baseline))];
        if width_of(&pieces) + width_of(&more) <= columns {
            pieces.extend(more);
        }
    }
    pieces
}
