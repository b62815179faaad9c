//! A list of which only the part in view is at hand: it scrolls at once to any place, says which parts it lacks, and
//! shows a sign for a row until that has come. Rows that were there stay while newer ones are on their way. What the
//! rows are, and how they are asked for, is the screen's.

use super::columns::Column;
use super::rows::{self, Extent};
use crate::sync::pages::Window;
use crate::tui::canvas::{Canvas, Piece, View};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// Rows asked for at once: several screens full, and a fraction of a millisecond to read.
pub const PART: usize = 256;
/// Parts kept; those farthest from the view leave first.
const PARTS_KEPT: usize = 16;
/// The height that is assumed before a frame was drawn.
const HEIGHT_AT_FIRST: usize = 40;

struct Part<T> {
    rows: Vec<T>,
    version: u64,
}

/// The list.
pub struct LongList<T> {
    parts: BTreeMap<u64, Part<T>>,
    total: Option<u64>,
    selected: u64,
    version: u64,
    /// The version when a part was last asked for.
    asked: BTreeMap<u64, u64>,
    error: Option<String>,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

impl<T> Default for LongList<T> {
    fn default() -> Self {
        Self {
            parts: BTreeMap::new(),
            total: None,
            selected: 0,
            version: 0,
            asked: BTreeMap::new(),
            error: None,
            view: None,
        }
    }
}

impl<T> LongList<T> {
    /// How many rows there are, once that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// What went wrong when rows were last asked for.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The position of the selected row.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.selected
    }

    /// The selected row, when it is at hand.
    #[must_use]
    pub fn selected(&self) -> Option<&T> {
        self.row(self.selected)
    }

    /// A row, when it is at hand.
    #[must_use]
    pub fn row(&self, position: u64) -> Option<&T> {
        let part = self.parts.get(&(position / PART as u64))?;
        part.rows.get(usize::try_from(position % PART as u64).ok()?)
    }

    /// Everything may have changed: what is at hand stays until newer rows are.
    pub fn refresh(&mut self) {
        self.version += 1;
        self.error = None;
    }

    /// It is another list now.
    pub fn clear(&mut self) {
        *self = Self { version: self.version + 1, view: self.view, ..Self::default() };
    }

    /// The positions of the parts that are in view, or about to be, and not at hand as they are now.
    #[must_use]
    pub fn wants(&self) -> Vec<u64> {
        if self.error.is_some() {
            return Vec::new();
        }
        let first = self.view.map_or(0, |view| view.offset as u64);
        let height = self.view.map_or(HEIGHT_AT_FIRST, |view| view.height) as u64;
        // The view follows the selection at the next frame, so both are needed.
        let (from, to) = (first.min(self.selected), (first + height).max(self.selected + 1));
        let (from, to) = if to - from > 2 * PART as u64 {
            (self.selected.saturating_sub(height), self.selected + height)
        } else {
            (from, to)
        };
        let last = self.total.map_or(0, |total| total.saturating_sub(1) / PART as u64);
        let parts = from / PART as u64..=(to / PART as u64).min(last);
        let is_current = |part: &u64| self.parts.get(part).is_some_and(|at| at.version == self.version);
        parts.filter(|part| !is_current(part)).map(|part| part * PART as u64).collect()
    }

    /// Learns that the rows from a position on were asked for: what changes from now on, they may not show.
    pub fn asked(&mut self, offset: u64) {
        self.asked.insert(offset / PART as u64, self.version);
    }

    /// Takes in rows that were asked for.
    pub fn take(&mut self, window: Result<Window<T>, String>) {
        let window = match window {
            Ok(window) => window,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        self.total = Some(window.total);
        self.selected = self.selected.min(window.total.saturating_sub(1));
        let part = window.offset / PART as u64;
        let version = self.asked.remove(&part).unwrap_or(self.version);
        self.parts.insert(part, Part { rows: window.rows, version });
        let here = self.selected / PART as u64;
        while self.parts.len() > PARTS_KEPT
            && let Some(farthest) = self.parts.keys().copied().max_by_key(|part| part.abs_diff(here))
        {
            self.parts.remove(&farthest);
        }
    }

    /// Moves the selection by rows, stopping at either end.
    pub fn move_by(&mut self, rows: i64) {
        let last = self.total.unwrap_or_default().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(rows).min(last);
    }

    /// Selects a row, the last when there are not so many.
    pub fn select_line(&mut self, line: usize) {
        self.selected = (line as u64).min(self.total.unwrap_or_default().saturating_sub(1));
    }

    /// Draws heading, rows in view and scroll bar; `cell` says what stands in a column of a row that is at hand.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        columns: &[Column],
        cell: impl Fn(&Canvas<'_>, usize, &T) -> Piece<'static>,
    ) {
        let total = usize::try_from(self.total.unwrap_or_default()).unwrap_or(usize::MAX);
        let extent = Extent {
            columns,
            total,
            selected: Some(usize::try_from(self.selected).unwrap_or(usize::MAX)),
            view: self.view,
        };
        rows::draw(canvas, area, extent, |position| self.row(position as u64), cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: u64 = 1_000_000;

    fn window(offset: u64, total: u64) -> Window<u64> {
        Window { offset, total, rows: (offset..(offset + PART as u64).min(total)).collect() }
    }

    fn filled() -> LongList<u64> {
        let mut list = LongList { view: Some(View { offset: 0, height: 20 }), ..LongList::default() };
        assert_eq!(list.wants(), [0]);
        list.take(Ok(window(0, TOTAL)));
        list
    }

    #[test]
    fn only_what_comes_into_view_is_asked_for() {
        let mut list = filled();
        assert!(list.wants().is_empty());
        list.select_line(usize::MAX);
        assert_eq!((list.position(), list.selected()), (TOTAL - 1, None));
        let start = (TOTAL - 1) / PART as u64 * PART as u64;
        assert_eq!(list.wants(), [start], "nothing between the ends is read");
        list.take(Ok(window(start, TOTAL)));
        assert_eq!(list.selected(), Some(&(TOTAL - 1)));
        list.move_by(-300);
        list.view = Some(View { offset: 999_690, height: 20 });
        assert_eq!(list.wants(), [start - PART as u64]);
    }

    #[test]
    fn rows_stay_while_newer_ones_are_on_their_way() {
        let mut list = filled();
        list.move_by(7);
        list.refresh();
        assert_eq!((list.wants(), list.selected()), (vec![0], Some(&7)));
        list.take(Ok(window(0, 5)));
        assert_eq!((list.selected(), list.total()), (Some(&4), Some(5)));
    }

    #[test]
    fn an_error_is_not_asked_for_again_until_something_changes() {
        let mut list = filled();
        list.refresh();
        list.take(Err("the disk is gone".to_owned()));
        assert_eq!((list.wants(), list.error()), (Vec::new(), Some("the disk is gone")));
        list.refresh();
        assert_eq!(list.wants(), [0]);
    }

    #[test]
    fn memory_does_not_grow_with_scrolling() {
        let mut list = filled();
        for part in 0..100 {
            list.select_line(part * PART);
            list.take(Ok(window(part as u64 * PART as u64, TOTAL)));
        }
        assert_eq!(list.parts.len(), PARTS_KEPT);
        assert!(list.selected().is_some());
    }
}
