//! Small charts: values as columns of braille dots, two values and four steps to a cell, or as plain columns
//! where only ASCII may be drawn.

use crate::tui::canvas::Canvas;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Where the dots of a braille cell are, bottom to top, in the left and in the right half.
const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
const BRAILLE: u32 = 0x2800;
const STEPS_ASCII: [char; 5] = [' ', '.', ':', '|', '#'];

/// Which values the bottom and the top of a chart stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The bottom.
    pub low: f64,
    /// The top.
    pub high: f64,
}

impl Range {
    /// From nothing to the largest value.
    #[must_use]
    pub fn from_zero(values: &[f64]) -> Self {
        Self { low: 0.0, high: values.iter().copied().fold(0.0, f64::max) }
    }

    /// Around the values, so that small changes show; a flat line runs in the middle.
    #[must_use]
    pub fn around(values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = ((high - low) * 0.5).max(high.abs() * 0.002).max(f64::MIN_POSITIVE);
        Self { low: low - margin, high: high + margin * 0.2 }
    }

    fn share(self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span > 0.0 { ((value - self.low) / span).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Draws the newest values that fit, the last at the right edge.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, values: &[f64], range: Range, role: Role) {
    let ascii = canvas.glyphs.is_ascii();
    let per_cell = if ascii { 1 } else { 2 };
    let columns = usize::from(area.width) * per_cell;
    let newest = &values[values.len().saturating_sub(columns)..];
    let heights: Vec<usize> = newest.iter().map(|value| steps(range.share(*value), area.height)).collect();
    let missing = columns - heights.len();
    let height_at = |column: usize| column.checked_sub(missing).map_or(0, |index| heights[index]);
    for row in 0..area.height {
        let floor = usize::from(area.height - 1 - row) * 4;
        let line: String = (0..usize::from(area.width))
            .map(|cell| match ascii {
                true => STEPS_ASCII[height_at(cell).saturating_sub(floor).min(4)],
                false => braille(height_at(2 * cell), height_at(2 * cell + 1), floor),
            })
            .collect();
        canvas.text(area.x, area.y + row, area.width, role, &line);
    }
}

/// A value above nothing is always seen, even next to a giant.
fn steps(share: f64, rows: u16) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 4 × 65,535")]
    let steps = (share * f64::from(rows) * 4.0).round() as usize;
    if share > 0.0 { steps.max(1) } else { steps }
}

fn braille(left: usize, right: usize, floor: usize) -> char {
    let mut dots = BRAILLE;
    for (half, height) in [left, right].into_iter().enumerate() {
        for (step, dot) in DOTS[half].iter().enumerate() {
            if height > floor + step {
                dots |= dot;
            }
        }
    }
    char::from_u32(dots).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_on_each_other() {
        assert_eq!(braille(0, 0, 0), '⠀');
        assert_eq!(braille(1, 4, 0), '⣸');
        assert_eq!(braille(4, 8, 4), '⢸');
    }

    #[test]
    fn small_values_are_seen() {
        assert_eq!(steps(0.0001, 1), 1);
        assert_eq!(steps(0.0, 3), 0);
        assert_eq!(steps(1.0, 3), 12);
    }

    #[test]
    fn a_flat_trend_has_a_range() {
        let range = Range::around(&[5.0, 5.0]);
        assert!(range.share(5.0) > 0.3 && range.share(5.0) <= 1.0);
        assert!(Range::from_zero(&[]).share(1.0).abs() < f64::EPSILON);
    }
}
