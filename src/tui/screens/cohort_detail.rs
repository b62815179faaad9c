//! The pane below the Cohorts table: everything about the selected cohort that fits in a few lines. What it
//! says depends on what the sync is doing; the last line always says which attribute goes where.
//!
//! ```text
//! ✓ Fetch 51,002 ▸ ✓ Compare ▸ ⠹ Send 324 planned ▸ · Settle          accepted per second   peak 2.9 k
//! ███████████████▌        62 %   201/324   2.7 k users/s   eta 0:03   ⣀⣤⣶⣿⣷⣤⣀⣀⣤⣶⣿⣿⣷⣄
//! adds +190/312   removes −11/12   rejected 0   retries 2   requests 4
//! attribute “Churn risk” → feed us1-…a9f2 (production)
//! ```

use super::cohort_columns::{status_pieces, status_role};
use super::cohort_trend::{self, draw_rate, draw_rate_line, draw_trend};
use super::{Scene, cohort_facts};
use crate::domain::{ChangeCounts, PauseCause, Phase, ReadCounts, SyncStatus};
use crate::sync::snapshot::{CohortView, Pause, RunProgress, SyncView};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Piece, piece, width_of};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use ratatui::layout::Rect;
use std::cmp::Ordering;

/// From this width on the charts have a place of their own at the right.
const CHART_FROM: u16 = 100;
/// Between two facts.
const GAP: &str = "   ";
/// The widest progress bar that still reads as one.
const BAR: u16 = 46;

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
    let mut lines = Lines { area: Rect { height: facts.height - 1, ..facts } };
    match &view.sync {
        None => draw_unsynced(canvas, scene, &mut lines, view),
        Some(sync) => match (&sync.progress, &sync.pause) {
            (Some(progress), _) => draw_running(canvas, &mut lines, progress, wide),
            (None, Some(pause)) => draw_paused(canvas, scene, &mut lines, sync, pause),
            (None, None) => draw_resting(canvas, scene, &mut lines, view, sync),
        },
    }
}

/// Writes line under line until there is no room.
struct Lines {
    area: Rect,
}

impl Lines {
    /// The next line's place, once.
    fn next(&mut self) -> Option<Rect> {
        let line = (self.area.height > 0).then_some(Rect { height: 1, ..self.area })?;
        self.skip(1);
        Some(line)
    }

    fn skip(&mut self, lines: u16) {
        let lines = lines.min(self.area.height);
        self.area.y += lines;
        self.area.height -= lines;
    }

    fn line(&mut self, canvas: &mut Canvas<'_>, pieces: &[Piece<'_>]) {
        let Some(area) = self.next() else { return };
        if width_of(pieces) <= usize::from(area.width) {
            canvas.line(area.x, area.y, area.width, pieces);
            return;
        }
        let mut tight: Vec<Piece<'_>> = pieces.iter().map(tightened).collect();
        // Half a fact is worse than none: the last ones go whole.
        while width_of(&tight) > usize::from(area.width)
            && let Some(gap) = pieces[..tight.len()].iter().rposition(|fact| fact.text == GAP)
        {
            tight.truncate(gap);
        }
        canvas.line(area.x, area.y, area.width, &tight);
    }

    fn paragraph(&mut self, canvas: &mut Canvas<'_>, role: Role, text: &str, most: u16) {
        let area = Rect { height: self.area.height.min(most), ..self.area };
        let used = canvas.paragraph(area, role, text);
        self.skip(used);
    }
}

/// A gap between two facts is the first to give way.
fn tightened<'p>(fact: &'p Piece<'_>) -> Piece<'p> {
    let text = if fact.text == GAP { "  " } else { &fact.text };
    piece(fact.role, text)
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

/// Label in the second rank, value in the first, three cells to the next.
fn fact(pieces: &mut Vec<Piece<'static>>, label: &'static str, value: &str) {
    if !pieces.is_empty() {
        pieces.push(piece(Role::Text, GAP));
    }
    pieces.push(piece(Role::Muted, label));
    pieces.push(piece(Role::Text, format!(" {value}")));
}

fn draw_running(canvas: &mut Canvas<'_>, lines: &mut Lines, progress: &RunProgress, wide: bool) {
    let phases = phase_line(canvas, progress);
    lines.line(canvas, &phases);
    if let Some(area) = lines.next() {
        draw_progress(canvas, area, progress);
    }
    if progress.stopping {
        lines.line(
            canvas,
            &[piece(Role::Warn, "Ends at the next request boundary; what was accepted is kept.")],
        );
    } else if let Some(waiting) = progress.waiting.as_ref().filter(|_| progress.share().is_some()) {
        lines.line(canvas, &[piece(Role::Warn, format!("waits: {waiting}"))]);
    }
    if progress.phase >= Phase::Send {
        lines.line(canvas, &change_line(progress));
        if !wide
            && !progress.dry_run
            && let Some(area) = lines.next()
        {
            draw_rate_line(canvas, area, progress);
        }
    }
    if progress.phase >= Phase::Fetch {
        lines.line(canvas, &read_line(&progress.counts.read));
    }
}

fn phase_line(canvas: &Canvas<'_>, progress: &RunProgress) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for phase in Phase::WORK {
        if !pieces.is_empty() {
            pieces.push(piece(Role::Faint, " ▸ "));
        }
        let word = phase_words(phase, progress);
        match phase.cmp(&progress.phase) {
            Ordering::Less => {
                pieces.push(piece(Role::Good, "✓ "));
                pieces.push(piece(Role::Text, word));
            }
            Ordering::Equal => pieces.push(piece(Role::Busy, format!("{} {word}", canvas.spinner()))),
            Ordering::Greater => pieces.push(piece(Role::Muted, format!("· {word}"))),
        }
    }
    if progress.dry_run {
        pieces.push(piece(Role::Key, "   dry run: nothing is sent"));
    }
    pieces
}

fn phase_words(phase: Phase, progress: &RunProgress) -> String {
    let counts = &progress.counts;
    match phase {
        Phase::Queued => "Queued".to_owned(),
        Phase::Fetch if counts.read.fetched() > 0 => format!("Fetch {}", text::count(counts.read.fetched())),
        Phase::Fetch => "Fetch".to_owned(),
        Phase::Compare => "Compare".to_owned(),
        Phase::Send if progress.phase >= Phase::Send => {
            format!("Send {} planned", text::count(counts.planned()))
        }
        Phase::Send => "Send".to_owned(),
        Phase::Settle => "Settle".to_owned(),
    }
}

fn draw_progress(canvas: &mut Canvas<'_>, area: Rect, progress: &RunProgress) {
    let Some(share) = progress.share() else {
        let words = progress.waiting.clone().unwrap_or_else(|| match progress.phase {
            Phase::Queued => "waits for its turn".to_owned(),
            Phase::Fetch => "asks Mixpanel for the first page".to_owned(),
            _ => "compares with what mParticle last acknowledged".to_owned(),
        });
        canvas.line(area.x, area.y, area.width, &[piece(Role::Busy, words)]);
        return;
    };
    let numbers = progress_numbers(progress, share);
    let wide = u16::try_from(width_of(&numbers)).unwrap_or(u16::MAX);
    let bar = area.width.saturating_sub(wide).min(BAR);
    bar::draw(canvas, area.x, area.y, bar, share, Role::Busy);
    canvas.line(area.x + bar, area.y, area.width - bar, &numbers);
}

/// Fixed widths, so that nothing wanders while the numbers run.
fn progress_numbers(progress: &RunProgress, share: f64) -> Vec<Piece<'static>> {
    let counts = &progress.counts;
    let (done, of) = match progress.phase {
        Phase::Fetch => (counts.read.fetched(), progress.expected.unwrap_or_default()),
        _ => (counts.planned() - counts.pending(), counts.planned()),
    };
    let of = text::count(of);
    let done = text::fit(&text::count(done), of.len(), text::Align::Right);
    let mut pieces = vec![
        piece(Role::Strong, format!(" {:>5}", text::whole_percent(share))),
        piece(Role::Text, format!("  {done}/{of}")),
    ];
    if progress.rate > 0.0 {
        pieces.push(piece(Role::Text, format!("  {:>5}", text::compact(progress.rate))));
        pieces.push(piece(Role::Muted, " users/s"));
    }
    if let Some(eta) = progress.eta {
        pieces.push(piece(Role::Muted, "  eta "));
        pieces.push(piece(Role::Text, text::stopwatch(eta)));
    }
    pieces
}

fn read_line(read: &ReadCounts) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    fact(&mut pieces, "matched", &text::count(read.matched));
    fact(&mut pieces, "unmatched", &text::count(read.unmatched));
    fact(&mut pieces, "unsendable", &text::count(read.unsendable));
    fact(&mut pieces, "duplicates", &text::count(read.duplicates));
    if read.suspect > 0 {
        fact(&mut pieces, "suspect", &text::count(read.suspect));
    }
    pieces
}

fn change_line(progress: &RunProgress) -> Vec<Piece<'static>> {
    let counts = &progress.counts;
    let of = |sign, change: &ChangeCounts| {
        format!("{}/{}", text::signed(sign, change.accepted()), text::count(change.planned()))
    };
    let mut pieces = Vec::new();
    fact(&mut pieces, "adds", &of('+', &counts.adds));
    fact(&mut pieces, "removes", &of('−', &counts.removes));
    outcome_facts(&mut pieces, counts.rejected(), counts.retries, counts.requests);
    pieces
}

fn outcome_facts(pieces: &mut Vec<Piece<'static>>, rejected: u64, retries: u64, requests: u64) {
    fact(pieces, "rejected", "");
    if let Some(value) = pieces.last_mut() {
        let role = if rejected > 0 { Role::Bad } else { Role::Text };
        *value = piece(role, format!(" {}", text::count(rejected)));
    }
    fact(pieces, "retries", &text::count(retries));
    fact(pieces, "requests", &text::count(requests));
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
    // A person who paused it knows why; the title says it already.
    if pause.cause != PauseCause::Operator {
        lines.paragraph(canvas, Role::Text, &pause.reason, 2);
    }
    if let Some(held) = cohort_facts::held_counts(sync, pause) {
        lines.line(canvas, &[piece(Role::Strong, held)]);
    }
    let key = scene.key(cohort_facts::remedy_action(pause.cause));
    let what = cohort_facts::remedy_action(pause.cause).spec().title;
    let what = if pause.cause == PauseCause::Operator { "resume" } else { what };
    if let Some(area) = lines.next() {
        let used = canvas.line(
            area.x,
            area.y,
            area.width,
            &[piece(Role::Key, key), piece(Role::Text, format!(" {what}   "))],
        );
        let rest = Rect::new(area.x + used, area.y, area.width - used, 1 + lines.area.height.min(1));
        let more = canvas.paragraph(rest, Role::Muted, pause.cause.remedy());
        lines.skip(more.saturating_sub(1));
    }
}

fn draw_resting(
    canvas: &mut Canvas<'_>,
    scene: Scene<'_>,
    lines: &mut Lines,
    view: &CohortView,
    sync: &SyncView,
) {
    let mut first = status_pieces(canvas, view);
    first.push(piece(Role::Text, format!("   {}", cohort_facts::rhythm(sync))));
    if let Some(due) = sync.next_due {
        let at = text::moment(canvas.now, due, canvas.zone);
        first.push(piece(Role::Muted, format!("   next in {}, {at}", text::until(canvas.now, due))));
    }
    lines.line(canvas, &first);
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
    lines.line(canvas, &read_line(&run.counts.read));
    let mut pieces = Vec::new();
    fact(&mut pieces, "adds", &text::signed('+', run.counts.adds.accepted()));
    fact(&mut pieces, "removes", &text::signed('−', run.counts.removes.accepted()));
    outcome_facts(&mut pieces, run.counts.rejected(), run.counts.retries, run.counts.requests);
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
    let verb = if view.renamed() { "renamed; attribute pinned as " } else { "attribute " };
    let role = if view.renamed() { Role::Warn } else { Role::Muted };
    let settings = scene.settings;
    let mut pieces = vec![
        piece(role, verb),
        piece(Role::Text, format!("“{}”", view.attribute())),
        piece(Role::Muted, " → feed "),
        piece(Role::Text, settings.feed.clone()),
        piece(Role::Muted, format!(" ({})", settings.environment)),
    ];
    if let Some(twin) = view.same_name_as {
        pieces.push(piece(Role::Warn, format!("   cohort {twin} has nearly the same name")));
    } else if let Some(sync) = &view.sync
        && sync.baseline > 0
    {
        let more = [piece(Role::Muted, "   acknowledged "), piece(Role::Text, text::count(sync.baseline))];
        if width_of(&pieces) + width_of(&more) <= usize::from(columns) {
            pieces.extend(more);
        }
    }
    pieces
}
