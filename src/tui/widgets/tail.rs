//! A list that grows at its end and forgets its beginning, as a log does. The newest row stays in view until somebody
//! scrolls; then selection and view stay with their rows, whatever comes and goes. What the rows are, and which of them
//! a filter lets through, is the screen's.

use super::columns::Column;
use super::rows::{self, Extent};
use super::scroll;
use crate::tui::canvas::{Canvas, Piece, View};
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// A row with the number that the selection goes by; numbers only grow from row to row.
struct Numbered<T> {
    number: i64,
    row: T,
}

/// The list.
pub struct Tail<T> {
    rows: VecDeque<Numbered<T>>,
    /// The numbers of those that the filter lets through, oldest first.
    shown: VecDeque<i64>,
    /// How many rows are kept.
    most: usize,
    selected: Option<i64>,
    /// The newest row at the moment when following ended; `None` while following.
    stopped_at: Option<i64>,
    view: Option<View>,
}

impl<T> Tail<T> {
    /// An empty list that keeps so many rows and follows the newest.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        let (rows, shown) = (VecDeque::new(), VecDeque::new());
        Self { rows, shown, most, selected: None, stopped_at: None, view: None }
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        *self = Self { view: self.view, ..Self::keeping(self.most) };
    }

    /// Adds the newest row; the oldest leaves when there are too many.
    pub fn push(&mut self, number: i64, row: T, is_shown: bool) {
        if self.rows.len() >= self.most
            && let Some(oldest) = self.rows.pop_front()
            && self.shown.front() == Some(&oldest.number)
        {
            self.shown.pop_front();
            self.shift_view(-1);
        }
        self.rows.push_back(Numbered { number, row });
        if is_shown {
            self.shown.push_back(number);
        }
        self.settle();
    }

    /// Adds a row older than all others, unless there are as many as are kept.
    pub fn push_older(&mut self, number: i64, row: T, is_shown: bool) {
        if self.rows.len() >= self.most {
            return;
        }
        self.rows.push_front(Numbered { number, row });
        if is_shown {
            self.shown.push_front(number);
            self.shift_view(1);
        }
        self.settle();
    }

    /// Shows the rows that pass, and no others. The selected row stays on the line of the screen that it is on.
    pub fn sift(&mut self, mut passes: impl FnMut(&T) -> bool) {
        let line = self.position().zip(self.view).map(|(at, view)| at.saturating_sub(view.offset));
        self.shown = self.rows.iter().filter(|at| passes(&at.row)).map(|at| at.number).collect();
        self.settle();
        let offset = self.position().zip(line).map(|(at, line)| at.saturating_sub(line));
        if let (Some(view), Some(offset)) = (&mut self.view, offset) {
            view.offset = offset;
        }
    }

    /// While following, the newest row is the selected one; else the selection stays, or goes to the nearest.
    fn settle(&mut self) {
        if self.is_following() {
            self.selected = self.shown.back().copied();
        } else if self.position().is_none() {
            let after = self.shown.partition_point(|number| Some(*number) < self.selected);
            // A filter that lets nothing through must not lose the place.
            self.selected = self.shown.get(after).or(self.shown.back()).copied().or(self.selected);
        }
    }

    /// Rows came or went above what is in view.
    fn shift_view(&mut self, by: isize) {
        if let Some(view) = &mut self.view {
            view.offset = view.offset.saturating_add_signed(by);
        }
    }

    /// Whether the newest row stays in view.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// Follows the newest row from now on.
    pub fn follow(&mut self) {
        self.stopped_at = None;
        self.settle();
    }

    /// Stays where it is from now on.
    pub fn stop(&mut self) {
        self.stopped_at.get_or_insert(self.rows.back().map_or(i64::MIN, |newest| newest.number));
    }

    /// Follows, or stays.
    pub fn toggle_follow(&mut self) {
        if self.is_following() {
            self.stop();
        } else {
            self.follow();
        }
    }

    /// How many of the rows shown came since following ended.
    #[must_use]
    pub fn newer(&self) -> usize {
        let seen = |stopped_at| self.shown.partition_point(|number| *number <= stopped_at);
        self.stopped_at.map_or(0, |stopped_at| self.shown.len() - seen(stopped_at))
    }

    /// How many rows are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether no row is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many rows there are, shown or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.rows.len()
    }

    /// The numbers of the rows shown, oldest first.
    pub fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.shown.iter().copied()
    }

    /// The rows shown from a position on, with their positions.
    pub fn from(&self, position: usize) -> impl Iterator<Item = (usize, &T)> {
        (position..self.shown.len()).filter_map(|position| Some((position, self.row(position)?)))
    }

    /// A row of those shown.
    #[must_use]
    pub fn row(&self, position: usize) -> Option<&T> {
        let number = self.shown.get(position)?;
        let at = self.rows.binary_search_by_key(number, |at| at.number).ok()?;
        self.rows.get(at).map(|at| &at.row)
    }

    /// The position of the selected row among those shown.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.shown.binary_search(&self.selected?).ok()
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<&T> {
        self.row(self.position()?)
    }

    /// Moves the selection by rows; at the newest one following begins again.
    pub fn move_by(&mut self, rows: i64) {
        let here = i64::try_from(self.position().unwrap_or(0)).unwrap_or(i64::MAX);
        self.select_line(usize::try_from(here.saturating_add(rows).max(0)).unwrap_or(0));
    }

    /// Selects a row of those shown, the last when there are not so many.
    pub fn select_line(&mut self, line: usize) {
        let last = self.shown.len().saturating_sub(1);
        if line >= last {
            self.follow();
        } else {
            self.stop();
            self.selected = self.shown.get(line).copied();
        }
    }

    /// Remembers what of it the last frame showed.
    pub fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    /// What is in view where so many rows fit.
    #[must_use]
    pub fn view(&self, height: usize) -> View {
        scroll::view(self.view, self.position(), self.shown.len(), height)
    }

    /// Draws heading, rows in view and scroll bar; `cell` says what stands in a column of a row.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        columns: &[Column],
        cell: impl Fn(&Canvas<'_>, usize, &T) -> Piece<'static>,
    ) {
        let (total, selected) = (self.shown.len(), self.position());
        let extent = Extent { columns, total, selected, view: self.view };
        rows::draw(canvas, area, extent, |position| self.row(position), cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows that say their own numbers, `0..count`, in a view of five lines.
    fn filled(count: i64) -> Tail<i64> {
        let mut tail = Tail::keeping(20);
        for number in 0..count {
            tail.push(number, number, true);
        }
        tail.drawn(Some(tail.view(5)));
        tail
    }

    /// The line of the screen that the selected row is on.
    fn line(tail: &Tail<i64>) -> usize {
        tail.position().unwrap() - tail.view(5).offset
    }

    #[test]
    fn following_stops_when_one_scrolls_and_begins_again_at_the_end() {
        let mut tail = filled(5);
        assert_eq!(tail.selected(), Some(&4));
        tail.move_by(-2);
        tail.push(5, 5, true);
        assert_eq!((tail.selected(), tail.is_following(), tail.newer()), (Some(&2), false, 1));
        tail.move_by(99);
        tail.push(6, 6, true);
        assert_eq!((tail.selected(), tail.is_following(), tail.newer()), (Some(&6), true, 0));
    }

    #[test]
    fn only_so_many_rows_are_kept_and_the_view_stays_with_its_rows() {
        let mut tail = filled(20);
        tail.move_by(-3);
        let before = (tail.selected().copied(), line(&tail));
        for number in 20..25 {
            tail.push(number, number, true);
            assert_eq!((tail.selected().copied(), line(&tail)), before);
        }
        assert_eq!((tail.total(), tail.row(0)), (20, Some(&5)));
        for number in 25..99 {
            tail.push(number, number, true);
        }
        assert_eq!(tail.position(), Some(0), "what is gone leaves the selection to its neighbour");
    }

    #[test]
    fn older_rows_come_in_above_without_moving_anything() {
        let mut tail = filled(0);
        for number in 10..18 {
            tail.push(number, number, true);
        }
        tail.move_by(-2);
        tail.drawn(Some(tail.view(5)));
        let before = (tail.selected().copied(), line(&tail));
        for number in (0..10).rev() {
            tail.push_older(number, number, number % 2 == 0);
        }
        assert_eq!((tail.selected().copied(), line(&tail)), before);
        assert_eq!(tail.numbers().take(6).collect::<Vec<_>>(), [0, 2, 4, 6, 8, 10]);
    }

    #[test]
    fn a_filter_keeps_the_selected_row_on_its_line_or_takes_the_next() {
        let mut tail = filled(20);
        tail.move_by(-9);
        tail.drawn(Some(tail.view(5)));
        tail.move_by(2);
        let before = (tail.selected().copied(), line(&tail));
        assert_eq!(before, (Some(12), 2));
        tail.sift(|number| number % 2 == 0);
        assert_eq!((tail.selected().copied(), line(&tail)), before);
        tail.sift(|number| number % 5 == 0);
        assert_eq!(tail.selected(), Some(&15));
        tail.sift(|_| false);
        assert!(tail.is_empty() && tail.selected().is_none());
        tail.sift(|_| true);
        assert_eq!(tail.selected(), Some(&15));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_selection_holds_its_row(steps in prop::collection::vec((0..4_u8, -9..9_i64), 0..60)) {
            let mut tail = filled(8);
            let mut next = 8;
            for (kind, amount) in steps {
                let before = (tail.selected().copied(), tail.is_following());
                match kind {
                    0 => { tail.push(next, next, amount > -5); next += 1; }
                    1 => tail.move_by(amount),
                    2 => tail.sift(|number| number % 4 != amount.rem_euclid(4)),
                    _ => tail.toggle_follow(),
                }
                let selected = tail.selected().copied();
                prop_assert_eq!(selected.is_none(), tail.is_empty());
                if kind == 0 && !before.1 && before.0.is_some_and(|row| tail.numbers().any(|n| n == row)) {
                    prop_assert_eq!(selected, before.0);
                }
                if tail.is_following() {
                    prop_assert_eq!(selected, tail.numbers().last());
                }
                tail.drawn(Some(tail.view(5)));
            }
        }
    }
}
