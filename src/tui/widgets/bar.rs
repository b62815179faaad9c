//! Horizontal bars: a full one that moves by an eighth of a cell, for progress, and a slim one that moves by
//! half a cell, for tables and headers, where many full ones would grow together into a wall.

use crate::tui::canvas::{Canvas, cells};
use crate::tui::theme::Role;

/// Draws a full bar of `columns` cells, filled to a share of 0 to 1. A share above nothing always shows something,
/// and only a share of one is full.
pub fn draw(canvas: &mut Canvas<'_>, x: u16, y: u16, columns: u16, share: f64, role: Role) {
    let eighths = filled_eighths(columns, share);
    let (full, part) = (eighths / 8, eighths % 8);
    let style = canvas.theme.style(Role::Track).patch(canvas.style(role));
    let ascii = canvas.glyphs.is_ascii();
    let mut column = x;
    for _ in 0..full {
        column += canvas.styled(column, y, 1, style, canvas.glyphs.eighths(8));
    }
    if part > 0 && full < usize::from(columns) {
        column += canvas.styled(column, y, 1, style, canvas.glyphs.eighths(part));
    }
    let empty = usize::from(columns.saturating_sub(column - x));
    if !canvas.theme.is_reversing() && !ascii {
        canvas.styled(column, y, cells(empty), canvas.theme.style(Role::Track), &" ".repeat(empty));
    } else {
        canvas.text(column, y, cells(empty), Role::Faint, &"░".repeat(empty));
    }
}

/// Draws a slim bar, by the same rule at its ends.
pub fn draw_slim(canvas: &mut Canvas<'_>, x: u16, y: u16, columns: u16, share: f64, role: Role) {
    if canvas.glyphs.is_ascii() {
        draw(canvas, x, y, columns, share, role);
        return;
    }
    let eighths = filled_eighths(columns, share);
    let halves =
        if share < 1.0 { eighths.div_ceil(4).min(usize::from(columns) * 2 - 1) } else { eighths / 4 };
    let filled = "━".repeat(halves / 2) + if halves % 2 == 1 { "╸" } else { "" };
    let used = canvas.text(x, y, columns, role, &filled);
    let track = if canvas.theme.is_mono() { "─" } else { "━" };
    let rest = columns - used;
    canvas.text(x + used, y, rest, Role::Faint, &track.repeat(usize::from(rest)));
}

fn filled_eighths(columns: u16, share: f64) -> usize {
    let all = usize::from(columns) * 8;
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8 × 65,535")]
    let eighths = (share * all as f64).floor() as usize;
    if share > 0.0 && share < 1.0 { eighths.clamp(1, all.saturating_sub(1).max(1)) } else { eighths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_everything_is_full_and_only_nothing_is_empty() {
        assert_eq!(filled_eighths(8, 0.0), 0);
        assert_eq!(filled_eighths(8, 0.000_01), 1);
        assert_eq!(filled_eighths(8, 0.5), 32);
        assert_eq!(filled_eighths(8, 0.999_99), 63);
        assert_eq!(filled_eighths(8, 1.0), 64);
        assert_eq!(filled_eighths(8, f64::NAN), 0);
        assert_eq!(filled_eighths(0, 0.5), 1);
    }
}
