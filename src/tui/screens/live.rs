//! Screen 3: requests as they happen, of all cohorts, in both directions; above them how fast they go and how they fare.
//!
//! ```text
//! ╭ Live 9,820 · following ────────────────────────────────────────────────────────────╮
//! │  12.4 requests/s   2.7 k accepted users/s   3 of 744 failed   p95, last minute ⣤⣶⣷ │
//! │ latency p50  84 ms   p95  210 ms   p99  1.2 s                      peak 412 ms ⣿⣿⣿ │
//! ├────────────────────────────────────────────────────────────────────────────────────┤
//! │   Time      Cohort       Side         Request   Users     Bytes  Status   ms  Try   │
//! ```

use super::Scene;
use super::cohort_lines::{GAP, Lines};
use super::live_pace::{Figures, Pace};
use super::page::Page;
use super::request_list::RequestList;
use crate::sync::pages::{Answer, Question};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::chart::{self, Range};
use ratatui::layout::Rect;
use std::time::Duration;

/// From this height on there are two lines above the list, and from this width on a chart beside them.
const TALL: u16 = 14;
const WIDE: u16 = 70;
/// From this width on the chart says what it shows.
const EXPLAINED_FROM: u16 = 108;
/// Cells of the chart where there is room for a whole minute, and elsewhere.
const CHART: [u16; 2] = [30, 18];
/// Cells for what the chart shows.
const CAPTION: u16 = 17;

/// The screen.
pub struct LiveScreen {
    list: RequestList,
    pace: Pace,
}

impl Default for LiveScreen {
    fn default() -> Self {
        Self { list: RequestList::of(None), pace: Pace::default() }
    }
}

impl Page for LiveScreen {
    fn place(&self) -> Place {
        self.list.place()
    }

    fn hints(&self) -> &'static [Action] {
        self.list.hints()
    }

    fn part(&self) -> Option<&dyn Page> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Page> {
        Some(&mut self.list)
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        self.pace.forget_old(scene.now);
        self.list.arrange(scene);
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        for row in self.list.take(question, answer) {
            self.pace.note(&row.line);
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let inside = canvas.frame(area, Role::Faint, &self.title(scene));
        if inside.is_empty() {
            return;
        }
        let is_tall = inside.height >= TALL;
        let above = Rect {
            x: inside.x + 1,
            width: inside.width.saturating_sub(2),
            height: if is_tall { 2 } else { 1 },
            ..inside
        };
        match self.pace.figures(scene.now) {
            Some(figures) => draw_figures(canvas, above, &figures),
            None if self.list.is_empty() => {}
            None => {
                canvas.text(above.x, above.y, above.width, Role::Muted, "No request in the last minute.");
            }
        }
        let mut used = above.height;
        if is_tall {
            canvas.divide(area, inside.y + used, Role::Faint, &[]);
            used += 1;
        }
        let list = Rect { y: inside.y + used, height: inside.height.saturating_sub(used), ..inside };
        self.list.draw(canvas, scene, list);
    }
}

impl LiveScreen {
    fn title(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let count = self.list.count().map_or_else(String::new, |count| format!(" {count}"));
        let mut title = vec![piece(Role::Title, "Live"), piece(Role::Muted, format!("{count} · "))];
        title.push(self.list.following(scene));
        if let Some(filter) = self.list.narrowed_to() {
            title.extend([piece(Role::Muted, " · "), filter]);
        }
        title
    }
}

/// Draws rates and latencies, and beside them the chart.
fn draw_figures(canvas: &mut Canvas<'_>, area: Rect, figures: &Figures) {
    if area.height < 2 {
        Lines { area }.line(canvas, &briefly(figures));
        return;
    }
    let caption = if area.width >= EXPLAINED_FROM { CAPTION } else { 0 };
    let chart = match area.width {
        0..WIDE => 0,
        WIDE..EXPLAINED_FROM => CHART[1],
        EXPLAINED_FROM.. => CHART[0],
    };
    let mut lines = Lines { area: Rect { width: area.width - chart - caption - 1, ..area } };
    lines.line(canvas, &rates(figures, if caption > 0 { " accepted users/s" } else { " users/s" }));
    lines.line(canvas, &latencies(figures));
    let chart = Rect { x: area.right() - chart, width: chart, ..area };
    // Braille has two values to a cell; of letters, each stands for two, so that the minute fits as well.
    let per_letter = if canvas.glyphs.is_ascii() { 2 } else { 1 };
    let peak_of = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let values: Vec<f64> = figures.by_second.chunks(per_letter).map(peak_of).collect();
    chart::draw(canvas, chart, &values, Range::from_zero(&values), Role::Busy);
    if caption > 0 {
        let at = Rect { x: chart.x - caption, width: caption - 1, ..area };
        canvas.line_right(at.x, at.y, at.width, &[piece(Role::Muted, "p95, last minute")]);
        let peak = format!("peak {}", latency(peak_of(&values)));
        canvas.line_right(at.x, at.y + 1, at.width, &[piece(Role::Muted, peak)]);
    }
}

/// How many, a second, and how many failed; numbers stand in a fixed width, so that nothing moves when they change.
fn rates(figures: &Figures, accepted: &'static str) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    number(&mut pieces, &rate(figures.requests_per_second), 5, " requests/s");
    pieces.push(piece(Role::Text, GAP));
    number(&mut pieces, &rate(figures.accepted_per_second), 5, accepted);
    pieces.push(piece(Role::Text, GAP));
    let (role, unit) = if figures.failed > 0 { (Role::Bad, Role::Bad) } else { (Role::Text, Role::Muted) };
    pieces.push(piece(role, text::count(figures.failed)));
    pieces.push(piece(unit, format!(" of {} failed", text::count(figures.requests))));
    pieces
}

fn latencies(figures: &Figures) -> Vec<Piece<'static>> {
    let mut pieces = vec![piece(Role::Muted, "latency ")];
    let Some(percentiles) = figures.latency else {
        pieces.push(piece(Role::Muted, "nothing was answered"));
        return pieces;
    };
    for (label, value) in ["p50", "p95", "p99"].into_iter().zip(percentiles) {
        if pieces.len() > 1 {
            pieces.push(piece(Role::Text, GAP));
        }
        pieces.push(piece(Role::Muted, label));
        pieces.push(piece(Role::Text, text::fit(&latency(value as f64), 7, Align::Right)));
    }
    pieces
}

/// What fits in a line of a small pane: what failed, if anything did, before what went well.
fn briefly(figures: &Figures) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    number(&mut pieces, &rate(figures.requests_per_second), 5, "/s");
    pieces.push(piece(Role::Text, GAP));
    if figures.failed > 0 {
        pieces.push(piece(Role::Bad, format!("{} failed", text::count(figures.failed))));
    } else {
        number(&mut pieces, &rate(figures.accepted_per_second), 5, " users/s");
    }
    if let Some([_, p95, _]) = figures.latency {
        pieces.extend([piece(Role::Text, GAP), piece(Role::Muted, "p95")]);
        pieces.push(piece(Role::Text, text::fit(&latency(p95 as f64), 7, Align::Right)));
    }
    pieces
}

fn number(pieces: &mut Vec<Piece<'static>>, value: &str, columns: usize, unit: &'static str) {
    pieces.push(piece(Role::Text, text::fit(value, columns, Align::Right)));
    pieces.push(piece(Role::Muted, unit));
}

/// A rate in at most five cells: `0.4`, `12.4`, `271`, `2.7 k`.
fn rate(per_second: f64) -> String {
    if per_second < 99.95 { format!("{per_second:.1}") } else { text::compact(per_second) }
}

/// A latency in at most seven cells: `84 ms`, `1.2 s`, `48 s`.
fn latency(milliseconds: f64) -> String {
    if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else {
        text::brief(Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_latencies_keep_to_their_cells() {
        assert_eq!([0.0, 0.44, 99.94, 271.4, 2_712.0].map(rate), ["0.0", "0.4", "99.9", "271", "2.7 k"]);
        let latencies = [0.0, 84.0, 999.0, 1_234.0, 48_000.0, 503_000.0].map(latency);
        assert_eq!(latencies, ["0 ms", "84 ms", "999 ms", "1.2 s", "48 s", "8:23"]);
    }
}
