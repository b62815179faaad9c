//! The one table: sorting by any column, a live filter, marks, a selection that follows its row and never an
//! index, and a body that builds only the rows in view. What the cells show is the screen's own.

use super::columns::{Arrangement, Column, Placed, place_some};
use super::filter::Filter;
use super::scroll;
use crate::tui::canvas::{Canvas, Target, View, cells};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A row that passed the filter.
#[derive(Debug, Clone)]
struct Row<K> {
    key: K,
    /// Its index in the data it was arranged from.
    index: usize,
    /// Which letters of its text the filter matched.
    matched: Vec<u32>,
}

/// What a table remembers between frames.
#[derive(Debug, Clone)]
pub struct TableState<K> {
    rows: Vec<Row<K>>,
    total: usize,
    selected: Option<K>,
    marks: BTreeSet<K>,
    /// What it is narrowed to.
    pub filter: Filter,
    /// By what it is sorted, and which columns are seen.
    pub arrangement: Arrangement,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

impl<K: Copy + Ord> TableState<K> {
    /// An empty table, sorted by a column.
    #[must_use]
    pub fn new(sort: usize) -> Self {
        Self {
            rows: Vec::new(),
            total: 0,
            selected: None,
            marks: BTreeSet::new(),
            filter: Filter::default(),
            arrangement: Arrangement::by(sort),
            view: None,
        }
    }

    /// Filters and sorts the data anew. A selected row that is gone leaves the selection to its neighbour.
    pub fn arrange<'d, D: 'd>(
        &mut self,
        data: &'d [D],
        describe: impl Fn(&'d D) -> (K, &'d str),
        compare: impl Fn(usize, &D, &D) -> Ordering,
    ) {
        self.arrange_pinned(data, describe, |_| false, compare);
    }

    /// The same with some rows that stay on top, whatever the order.
    pub fn arrange_pinned<'d, D: 'd>(
        &mut self,
        data: &'d [D],
        describe: impl Fn(&'d D) -> (K, &'d str),
        pinned: impl Fn(&D) -> bool,
        compare: impl Fn(usize, &D, &D) -> Ordering,
    ) {
        let place_before = self.position();
        let mut fuzzy = self.filter.fuzzy();
        let present: BTreeSet<K> = data.iter().map(|datum| describe(datum).0).collect();
        self.marks.retain(|key| present.contains(key));
        self.total = data.len();
        self.rows.clear();
        for (index, datum) in data.iter().enumerate() {
            let (key, text) = describe(datum);
            let matched = match &mut fuzzy {
                Some(fuzzy) => fuzzy.matched(text),
                None => Some(Vec::new()),
            };
            self.rows.extend(matched.map(|matched| Row { key, index, matched }));
        }
        let (sort, inverted) = (self.arrangement.sort, self.arrangement.inverted);
        self.rows.sort_by(|a, b| {
            let (a, b) = (&data[a.index], &data[b.index]);
            let order = compare(sort, a, b);
            pinned(b).cmp(&pinned(a)).then(if inverted { order.reverse() } else { order })
        });
        if self.position().is_none() {
            let nearest = place_before.unwrap_or(0).min(self.rows.len().saturating_sub(1));
            self.selected = self.rows.get(nearest).map(|row| row.key);
        }
    }

    /// The rows that pass the filter, in order.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.rows.iter().map(|row| row.key)
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<K> {
        self.selected
    }

    /// How many rows pass the filter.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row passes the filter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are without the filter.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    fn position(&self) -> Option<usize> {
        self.rows.iter().position(|row| Some(row.key) == self.selected)
    }

    /// Moves the selection by rows, stopping at either end.
    pub fn move_by(&mut self, rows: i64) {
        let here = self.position().unwrap_or(0);
        let there = i64::try_from(here).unwrap_or(i64::MAX).saturating_add(rows).max(0);
        self.select_line(usize::try_from(there).unwrap_or(0));
    }

    /// Selects a line of the arranged rows, the last when there are not so many.
    pub fn select_line(&mut self, line: usize) {
        let line = line.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(line).map(|row| row.key);
    }

    /// Marks the selected row or takes the mark away, and goes on to the next.
    pub fn toggle_mark(&mut self) {
        if let Some(key) = self.selected
            && !self.marks.remove(&key)
        {
            self.marks.insert(key);
        }
        self.move_by(1);
    }

    /// How many rows are marked.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.marks.len()
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self) {
        self.marks.clear();
    }

    /// What an action is for: the marked rows, or the selected one when none is marked.
    #[must_use]
    pub fn chosen(&self) -> Vec<K> {
        if self.marks.is_empty() {
            self.selected.into_iter().collect()
        } else {
            self.marks.iter().copied().collect()
        }
    }
}

/// The cell that a screen is asked to draw.
#[derive(Debug, Clone, Copy)]
pub struct CellAt<'t> {
    /// Which column.
    pub column: usize,
    /// Which datum of those the table was arranged from.
    pub index: usize,
    /// Where.
    pub area: Rect,
    /// The letters of the row's text that the filter matched.
    pub matched: &'t [u32],
}

/// Draws heading, rows in view and scroll bar. The first two cells of a row hold the sign of the selection and
/// the mark.
pub fn draw<K: Copy + Ord>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    columns: &[Column],
    state: &TableState<K>,
    mut cell: impl FnMut(&mut Canvas<'_>, CellAt<'_>),
) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    let Arrangement { sort, inverted, .. } = state.arrangement;
    let placed = place_some(columns, area.width - GUTTER - 1, |column| !state.arrangement.hides(column));
    let heading = Rect { x: area.x + GUTTER, ..area };
    draw_heading(canvas, heading, columns, &placed, Some((sort, inverted)));
    let view = scroll::view(state.view, state.position(), state.rows.len(), usize::from(body.height));
    canvas.hits.list = Some(view);
    for (line, (y, row)) in (body.y..body.bottom()).zip(state.rows.iter().skip(view.offset)).enumerate() {
        let whole = Rect::new(body.x, y, body.width - 1, 1);
        let selected = Some(row.key) == state.selected;
        if selected {
            canvas.tint(whole, Role::Selected);
        }
        let mut draw_row = |canvas: &mut Canvas<'_>| {
            if selected {
                // On a reversed row a half block would read as a gap.
                let sign = if canvas.theme.is_reversing() { "▸" } else { "▌" };
                canvas.text(body.x, y, 1, Role::Focus, sign);
            }
            if state.marks.contains(&row.key) {
                canvas.text(body.x + 1, y, 1, Role::Key, "◆");
            }
            for placed in &placed {
                let area = Rect::new(body.x + GUTTER + placed.x, y, placed.width, 1);
                cell(canvas, CellAt { column: placed.column, index: row.index, area, matched: &row.matched });
            }
        };
        if selected {
            canvas.on_selected(&mut draw_row);
        } else {
            draw_row(canvas);
        }
        canvas.target(whole, Target::Line(view.offset + line));
    }
    let track = Rect::new(area.right() - 1, body.y, 1, body.height);
    scroll::draw_bar(canvas, track, view, state.rows.len());
}

/// Cells for the sign of the selection and the mark.
const GUTTER: u16 = 3;

/// Draws the headings; the column that sorts has an arrow. Numbers have it in front, words behind, so that headings
/// stay above what they head.
pub(super) fn draw_heading(
    canvas: &mut Canvas<'_>,
    area: Rect,
    columns: &[Column],
    placed: &[Placed],
    sort: Option<(usize, bool)>,
) {
    for Placed { column, x, width } in placed {
        let Column { title, align, gap, largest_first, .. } = columns[*column];
        let (start, end) = (area.x + x, area.x + x + width);
        let sorted = sort.is_some_and(|(by, _)| by == *column);
        let role = if sorted { Role::Focus } else { Role::Muted };
        let arrow = if sort.is_some_and(|(_, inverted)| inverted) == largest_first { "▲" } else { "▼" };
        let title = text::cut(title, usize::from(*width));
        let wide = cells(text::width(&title));
        let title_x = if align == Align::Right { end - wide } else { start };
        canvas.text(title_x, area.y, *width, role, &title);
        if sorted && align == Align::Right && (gap > 0 || wide < *width) {
            canvas.text(title_x - 1, area.y, 1, role, arrow);
        } else if sorted && align == Align::Left {
            canvas.text(title_x + wide + 1, area.y, 1, role, arrow);
        }
        if sort.is_some() {
            canvas.target(Rect::new(start, area.y, *width, 1), Target::Header(*column));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["delta", "alpha", "charlie", "bravo"];

    fn arranged(state: &mut TableState<usize>, names: &[&str]) {
        let data: Vec<(usize, &str)> =
            names.iter().map(|name| (NAMES.iter().position(|n| n == name).unwrap(), *name)).collect();
        state.arrange(&data, |(key, name)| (*key, *name), |_, a, b| a.1.cmp(b.1));
    }

    fn keys(state: &TableState<usize>) -> Vec<usize> {
        state.rows.iter().map(|row| row.key).collect()
    }

    #[test]
    fn the_selection_stays_with_its_row() {
        let mut state = TableState::new(0);
        arranged(&mut state, &NAMES);
        assert_eq!(keys(&state), [1, 3, 2, 0]);
        state.select_line(2);
        assert_eq!(state.selected(), Some(2));
        state.arrangement.sort_by(0);
        arranged(&mut state, &NAMES);
        assert_eq!(keys(&state), [0, 2, 3, 1]);
        assert_eq!((state.selected(), state.position()), (Some(2), Some(1)));
    }

    #[test]
    fn a_vanished_row_leaves_the_selection_to_its_neighbour() {
        let mut state = TableState::new(0);
        arranged(&mut state, &NAMES);
        state.move_by(99);
        assert_eq!(state.selected(), Some(0));
        arranged(&mut state, &["alpha", "bravo", "charlie"]);
        assert_eq!(state.selected(), Some(2));
        arranged(&mut state, &[]);
        assert_eq!(state.selected(), None);
        state.move_by(-1);
        state.toggle_mark();
        assert!(state.chosen().is_empty());
    }

    #[test]
    fn marks_survive_sorting_and_go_with_their_rows() {
        let mut state = TableState::new(0);
        arranged(&mut state, &NAMES);
        state.toggle_mark();
        state.toggle_mark();
        assert_eq!(state.chosen(), [1, 3]);
        arranged(&mut state, &["alpha", "delta"]);
        assert_eq!(state.chosen(), [1]);
        state.clear_marks();
        assert_eq!(state.chosen(), [state.selected().unwrap()]);
    }

    #[test]
    fn the_filter_narrows_and_keeps_the_count_of_all() {
        let mut state = TableState::new(0);
        state.filter.input.paste("!a");
        arranged(&mut state, &NAMES);
        assert_eq!((state.len(), state.total()), (0, 4));
        state.filter.clear();
        state.filter.input.paste("rli");
        arranged(&mut state, &NAMES);
        assert_eq!(keys(&state), [2]);
        assert_eq!(state.rows[0].matched, [3, 4, 5]);
    }
}
