//! Aligned columns. Widths are counted in terminal cells, so names in any script line up; long
//! texts are cut, so that one of them does not push the rest off the screen.

use super::{Align, Column};
use std::borrow::Cow;
use std::io::{self, Write};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A longer text is cut: the whole of it is in the CSV and the JSON.
const WIDEST_CELL: usize = 60;

/// Narrower than this a text says nothing any more.
const NARROWEST_TEXT: usize = 8;

/// Between two columns.
const GAP: &str = "  ";

/// A table that collects its rows until the widths are known.
pub(super) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        let columns = columns.iter().filter_map(|column| Some((column.header?, column.align))).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row of harmless texts, one for each column with a header.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Writes the rows. `room` is the width of the terminal they go to, `None` for anything else.
    pub(super) fn write(&self, to: &mut impl Write, room: Option<usize>) -> io::Result<()> {
        let widths = self.widths(room);
        let headers: Vec<&str> = self.columns.iter().map(|(header, _)| *header).collect();
        self.line(to, &widths, &headers, room)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(to, &widths, &cells, room)?;
        }
        Ok(())
    }

    /// How wide each column is shown. Numbers are never cut: half a number is a wrong one. The last column
    /// pushes nothing away, so without a terminal to fit into it is left whole.
    fn widths(&self, room: Option<usize>) -> Vec<usize> {
        let last = self.columns.len().saturating_sub(1);
        let columns = self.columns.iter().enumerate();
        let mut widths: Vec<usize> = columns
            .map(|(at, (header, align))| match align {
                Align::Left if room.is_some() || at != last => self.natural(at, header).min(WIDEST_CELL),
                Align::Left | Align::Right => self.natural(at, header),
            })
            .collect();
        let Some(room) = room else { return widths };
        // The widest gives way first, so that what is short stays whole.
        while widths.iter().map(|width| width + GAP.len()).sum::<usize>() > room + GAP.len() {
            let texts = self.columns.iter().zip(&mut widths).filter(|((_, align), _)| *align == Align::Left);
            let widest = texts.map(|(_, width)| width).max().filter(|width| **width > NARROWEST_TEXT);
            let Some(widest) = widest else { break };
            *widest -= 1;
        }
        widths
    }

    fn natural(&self, at: usize, header: &str) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.width()).fold(header.width(), usize::max)
    }

    fn line(
        &self,
        to: &mut impl Write,
        widths: &[usize],
        cells: &[&str],
        room: Option<usize>,
    ) -> io::Result<()> {
        let mut line = String::new();
        for (((_, align), width), cell) in self.columns.iter().zip(widths).zip(cells) {
            let cell = cut(cell, *width);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([&cell, padding.as_str(), GAP]),
                Align::Right => line.extend([padding.as_str(), &cell, GAP]),
            }
        }
        let line = line.trim_end();
        writeln!(to, "{}", room.map_or(Cow::Borrowed(line), |room| cut(line, room)))
    }
}

/// The text in at most so many cells of a terminal, with an ellipsis where something was left out.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut left = width.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        let Some(rest) = left.checked_sub(grapheme.width()) else { break };
        left = rest;
        shown.push_str(grapheme);
    }
    shown.push('…');
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] =
        &[Column::text("name", "Name"), Column::number("users", "Users"), Column::text("reason", "Reason")];

    fn written(room: Option<usize>) -> Vec<String> {
        let mut table = Table::new(COLUMNS);
        table.row(vec!["日本".repeat(50), "184,210".to_owned(), "r".repeat(90)]);
        table.row(vec!["x".to_owned(), "1".to_owned(), "-".to_owned()]);
        let mut text = Vec::new();
        table.write(&mut text, room).unwrap();
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_long_text_leaves_room_for_the_others() {
        let lines = written(None);
        assert!(lines[1].contains("日…") && lines[1].contains("  184,210  "), "{lines:?}");
        assert!(lines[1].ends_with(&"r".repeat(90)), "the last column is whole");
        assert_eq!(lines[2].find('1'), Some(WIDEST_CELL + GAP.len() + 6));
    }

    #[test]
    fn a_table_fits_its_terminal() {
        for room in [20, 40, 80, 200] {
            for line in written(Some(room)) {
                assert!(line.width() <= room, "{} > {room}: {line}", line.width());
            }
        }
        assert!(written(Some(40))[1].contains("184,210"), "numbers stay whole");
    }
}
