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

    /// At least this high, so that a trifle does not look like a fall.
    #[must_use]
    pub fn spanning(self, least: f64) -> Self {
        let missing = (least - (self.high - self.low)).max(0.0) / 2.0;
        Self { low: self.low - missing, high: self.high + missing }
    }

    fn share(self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span > 0.0 { ((value - self.low) / span).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Draws values as a line that fills the area from edge to edge.
pub fn draw_line(canvas: &mut Canvas<'_>, area: Rect, values: &[f64], range: Range, role: Role) {
    if canvas.glyphs.is_ascii() {
        draw(canvas, area, &spread(values, usize::from(area.width)), range, role);
        return;
    }
    let top = usize::from(area.height) * 4;
    let level = |value: &f64| steps(range.share(*value), area.height).clamp(1, top.max(1)) - 1;
    let levels: Vec<usize> = spread(values, usize::from(area.width) * 2).iter().map(level).collect();
    // A step to the next value is drawn as a stroke, or the line would fall apart.
    let dots = |column: usize| {
        let here = levels.get(column).copied()?;
        let before = column.checked_sub(1).map_or(here, |column| levels[column]);
        let (low, high) = if before < here { (before + 1, here) } else { (here, before.max(here + 1) - 1) };
        Some(low.min(here)..=high.max(here))
    };
    for row in 0..area.height {
        let floor = usize::from(area.height - 1 - row) * 4;
        let line: String = (0..usize::from(area.width))
            .map(|cell| {
                let halves = [dots(2 * cell), dots(2 * cell + 1)];
                let lit = |half: usize, step: usize| {
                    halves[half].as_ref().is_some_and(|d| d.contains(&(floor + step)))
                };
                dots_to_char(lit)
            })
            .collect();
        canvas.text(area.x, area.y + row, area.width, role, &line);
    }
}

/// As many values as there are slots, drawn through the given ones.
fn spread(values: &[f64], slots: usize) -> Vec<f64> {
    let (Some(last), true) = (values.len().checked_sub(1), slots > 1) else { return values.to_vec() };
    let at = |slot: usize| {
        let exact = slot as f64 * last as f64 / (slots - 1) as f64;
        let left = slot * last / (slots - 1);
        let right = (left + 1).min(last);
        values[left] + (values[right] - values[left]) * (exact - left as f64)
    };
    (0..slots).map(at).collect()
}

/// Draws the newest values that fit as an area, the last at the right edge.
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
            .map(|cell| {
                if ascii {
                    STEPS_ASCII[height_at(cell).saturating_sub(floor).min(4)]
                } else {
                    braille(height_at(2 * cell), height_at(2 * cell + 1), floor)
                }
            })
            .collect();
        canvas.text(area.x, area.y + row, area.width, role, &line);
    }
}

/// Draws pairs of values as bars to either side of a line, the newest at the right edge: the first of each pair
/// upwards, the second downwards, both by the same measure.
pub fn draw_two_sided(canvas: &mut Canvas<'_>, area: Rect, [ups, downs]: [&[f64]; 2], roles: [Role; 2]) {
    let columns = usize::from(area.width) * 2;
    let wide = (columns / ups.len().max(1)).clamp(2, 8) / 2 * 2;
    let shown = (columns / wide).min(ups.len());
    let (ups, downs) = (&ups[ups.len() - shown..], &downs[downs.len().saturating_sub(shown)..]);
    let peak = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let sides = split_rows(area.height, peak(ups), peak(downs));
    // One measure for both: the one at which neither side is too high for its rows.
    let per_row = (peak(ups) / f64::from(sides[0].max(1))).max(peak(downs) / f64::from(sides[1].max(1)));
    for (side, values) in [ups, downs].into_iter().enumerate() {
        let rows = sides[side];
        let range = Range { low: 0.0, high: per_row * f64::from(rows) };
        let heights: Vec<usize> = values.iter().map(|value| steps(range.share(*value), rows)).collect();
        let height_at = |column: usize| {
            let from_right = columns - 1 - column;
            // The last column of each bar stays empty, so that bars are told apart.
            let is_gap = from_right.is_multiple_of(wide);
            heights.len().checked_sub(1 + from_right / wide).filter(|_| !is_gap).map_or(0, |bar| heights[bar])
        };
        for row in 0..rows {
            let (y, floor) = match side {
                0 => (area.y + row, usize::from(rows - 1 - row) * 4),
                _ => (area.y + sides[0] + row, usize::from(row) * 4),
            };
            let cell = |cell: usize| {
                let heights = [height_at(2 * cell), height_at(2 * cell + 1)];
                two_sided_cell(canvas.glyphs.is_ascii(), side == 0, heights, floor)
            };
            let line: String = (0..usize::from(area.width)).map(cell).collect();
            canvas.text(area.x, y, area.width, roles[side], &line);
        }
    }
}

/// Shares rows out by what either side needs, and leaves at least one to each where there are two.
fn split_rows(rows: u16, up: f64, down: f64) -> [u16; 2] {
    let share = if up + down > 0.0 { up / (up + down) } else { 0.5 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65,535")]
    let above = (f64::from(rows) * share).round() as u16;
    let above = if rows > 1 { above.clamp(1, rows - 1) } else { above };
    [above, rows - above]
}

/// A cell of such a chart: its dots, counted from the line outwards.
fn two_sided_cell(is_ascii: bool, is_up: bool, heights: [usize; 2], floor: usize) -> char {
    if is_ascii {
        let height = heights[0].max(heights[1]).saturating_sub(floor).min(4);
        return if is_up { STEPS_ASCII[height] } else { [' ', '\'', ':', '|', '#'][height] };
    }
    dots_to_char(|half, step| heights[half] > floor + if is_up { step } else { 3 - step })
}

/// A value above nothing is always seen, even next to a giant.
fn steps(share: f64, rows: u16) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 4 × 65,535")]
    let steps = (share * f64::from(rows) * 4.0).round() as usize;
    if share > 0.0 { steps.max(1) } else { steps }
}

fn braille(left: usize, right: usize, floor: usize) -> char {
    dots_to_char(|half, step| [left, right][half] > floor + step)
}

fn dots_to_char(lit: impl Fn(usize, usize) -> bool) -> char {
    let mut dots = BRAILLE;
    for (half, column) in DOTS.iter().enumerate() {
        for (step, dot) in column.iter().enumerate() {
            if lit(half, step) {
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
    fn bars_grow_away_from_the_line() {
        assert_eq!(two_sided_cell(false, true, [1, 0], 0), '⡀');
        assert_eq!(two_sided_cell(false, false, [1, 0], 0), '⠁');
        assert_eq!(two_sided_cell(false, false, [4, 6], 4), '⠘');
        assert_eq!(two_sided_cell(true, false, [2, 0], 0), ':');
    }

    #[test]
    fn both_sides_of_the_line_get_the_rows_they_need() {
        assert_eq!(split_rows(8, 12.0, 4.0), [6, 2]);
        assert_eq!(split_rows(8, 12.0, 0.0), [7, 1]);
        assert_eq!(split_rows(4, 0.0, 0.0), [2, 2]);
        assert_eq!(split_rows(1, 0.0, 1.0), [0, 1]);
    }

    #[test]
    fn a_line_goes_through_its_values() {
        assert_eq!(spread(&[0.0, 2.0], 3), [0.0, 1.0, 2.0]);
        assert_eq!(spread(&[1.0], 3), [1.0, 1.0, 1.0]);
        assert!(spread(&[], 3).is_empty());
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
