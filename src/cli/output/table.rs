//! Aligned columns. Widths are counted in terminal cells, so names in any script line up.

use super::{Align, Column};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

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

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, (header, _))| self.width(at, header)).collect();
        let headers: Vec<&str> = self.columns.iter().map(|(header, _)| *header).collect();
        self.line(to, &widths, &headers)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(to, &widths, &cells)?;
        }
        Ok(())
    }

    fn width(&self, at: usize, header: &str) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.get(at))
            .map(|cell| cell.width())
            .fold(header.width(), usize::max)
    }

    fn line(&self, to: &mut impl Write, widths: &[usize], cells: &[&str]) -> io::Result<()> {
        let mut line = String::new();
        for (((_, align), width), cell) in self.columns.iter().zip(widths).zip(cells) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([cell, padding.as_str(), "  "]),
                Align::Right => line.extend([padding.as_str(), cell, "  "]),
            }
        }
        writeln!(to, "{}", line.trim_end())
    }
}
