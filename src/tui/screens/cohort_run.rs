//! A run at work in the detail pane: its phases with marks, progress with eta, and its counters.
//!
//! ```text
//! ✓ Fetch 51,002 ▸ ✓ Compare ▸ ⠹ Send 324 planned ▸ · Settle
//! ███████████████▌        62 %   201/324   2.7 k users/s   eta 0:03
//! adds +190/312   removes −11/12   rejected 0   retries 2   requests 4
//! ```

use super::cohort_lines::{Lines, fact, outcome_facts, read_line};
use super::cohort_trend::draw_rate_line;
use crate::domain::{ChangeCounts, Phase, Purpose};
use crate::sync::snapshot::RunProgress;
use crate::tui::canvas::{Canvas, Piece, piece, width_of};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use ratatui::layout::Rect;
use std::cmp::Ordering;

/// The widest progress bar that still reads as one.
const BAR: u16 = 46;

/// Draws it. Where the pane is wide, the rate has a chart of its own beside these lines.
pub fn draw(canvas: &mut Canvas<'_>, lines: &mut Lines, progress: &RunProgress, wide: bool) {
    let phases = phase_line(canvas, progress);
    lines.line(canvas, &phases);
    if let Some(area) = lines.row() {
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
            && let Some(area) = lines.row()
        {
            draw_rate_line(canvas, area, progress);
        }
    }
    if progress.phase >= Phase::Fetch && progress.purpose.reads() {
        lines.line(canvas, &read_line(&progress.counts.read));
    }
}

fn phase_line(canvas: &Canvas<'_>, progress: &RunProgress) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    // Whoever holds the attribute is known here; nobody is read for that.
    for phase in Phase::WORK.into_iter().filter(|phase| *phase != Phase::Fetch || progress.purpose.reads()) {
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
            _ if progress.purpose == Purpose::Repair => "looks up who was found wrong".to_owned(),
            _ if !progress.purpose.reads() => "looks up who holds the attribute".to_owned(),
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

fn change_line(progress: &RunProgress) -> Vec<Piece<'static>> {
    let counts = &progress.counts;
    let of =
        |change: &ChangeCounts, accepted: String| format!("{accepted}/{}", text::count(change.planned()));
    let mut pieces = Vec::new();
    if progress.purpose.reads() {
        let (adds, removes) = (&counts.adds, &counts.removes);
        fact(&mut pieces, "adds", &of(adds, text::signed('+', adds.accepted())));
        fact(&mut pieces, "removes", &of(removes, text::signed('−', removes.accepted())));
    } else {
        let told = format!("{}/{}", text::count(counts.accepted()), text::count(counts.planned()));
        fact(&mut pieces, "told", &told);
    }
    outcome_facts(&mut pieces, counts.rejected(), counts.retries, counts.requests);
    pieces
}
