//! The right side of the detail pane: what is being accepted each second while a run sends, or how users and
//! matched share went over the last runs.
//!
//! ```text
//! accepted per second     peak 2.9 k       users           184,210  +1.2 %
//! ⣀⣤⣶⣿⣷⣤⣀⣀⣤⣶⣿⣿⣷⣄                        ⣀⣀⣀⡠⠤⠤⠒⠒⠉⠉
//! 60 s ago                     now       matched share, 12 runs   98.2 %
//! ```

use crate::sync::snapshot::{RunProgress, TrendPoint};
use crate::tui::canvas::{Canvas, piece};
use crate::tui::screens::cohort_columns::share_role;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::chart::{self, Range};
use ratatui::layout::Rect;

/// The matched share is drawn against at least five percentage points.
const LEAST_SPAN: f64 = 0.05;
/// Sixty seconds at two to a cell.
pub const WIDTH: u16 = 30;

/// Draws the last minute of a run.
pub fn draw_rate(canvas: &mut Canvas<'_>, area: Rect, progress: &RunProgress) {
    if area.height < 3 {
        return;
    }
    let values = rates(progress);
    let range = Range::from_zero(&values);
    heading(canvas, area, area.y, "accepted per second", &format!("peak {}", text::compact(range.high)));
    let rows = area.height - 2;
    chart::draw(canvas, Rect::new(area.x, area.y + 1, area.width, rows), &values, range, Role::Busy);
    let axis = area.bottom() - 1;
    canvas.text(area.x, axis, area.width, Role::Muted, "60 s ago");
    canvas.line_right(area.x, axis, area.width, &[piece(Role::Muted, "now")]);
}

/// Draws the last minute of a run in one line.
pub fn draw_rate_line(canvas: &mut Canvas<'_>, area: Rect, progress: &RunProgress) {
    let values = rates(progress);
    let chart = Rect { width: WIDTH.min(area.width), height: 1, ..area };
    chart::draw(canvas, chart, &values, Range::from_zero(&values), Role::Busy);
    let rest = area.width - chart.width;
    canvas.text(
        chart.right() + 1,
        area.y,
        rest.saturating_sub(1),
        Role::Muted,
        "accepted per second, last 60 s",
    );
}

fn rates(progress: &RunProgress) -> Vec<f64> {
    progress.accepted_per_second.iter().map(|accepted| f64::from(*accepted)).collect()
}

/// Draws users and matched share over the last runs; nothing while there were not two.
pub fn draw_trend(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint]) {
    let (Some(first), Some(last)) = (trend.first(), trend.last()) else { return };
    if trend.len() < 2 || area.height < 4 {
        return;
    }
    let upper = area.height.div_ceil(2);
    let users: Vec<f64> = trend.iter().map(|point| point.users as f64).collect();
    let sign = if last.users < first.users { '−' } else { '+' };
    let change = text::signed(sign, last.users.abs_diff(first.users));
    let label = format!("{}  {change}", text::count(last.users));
    heading(canvas, area, area.y, "users", &label);
    let chart = Rect::new(area.x, area.y + 1, area.width, upper - 1);
    chart::draw_line(canvas, chart, &users, Range::around(&users), Role::Text);

    let shares: Vec<f64> = trend.iter().map(|point| point.matched_share).collect();
    heading(
        canvas,
        area,
        area.y + upper,
        &format!("matched share, {} runs", trend.len()),
        &text::percent(last.matched_share),
    );
    let chart = Rect::new(area.x, area.y + upper + 1, area.width, area.height - upper - 1);
    let range = Range::around(&shares).spanning(LEAST_SPAN);
    chart::draw_line(canvas, chart, &shares, range, share_role(last.matched_share));
}

fn heading(canvas: &mut Canvas<'_>, area: Rect, y: u16, left: &str, right: &str) {
    canvas.text(area.x, y, area.width, Role::Muted, left);
    canvas.line_right(area.x, y, area.width, &[piece(Role::Text, right)]);
}
