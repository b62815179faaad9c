//! The symbols the console draws with, as Unicode and as plain ASCII. Whoever draws names what a symbol
//! means; the letters around it, dashes and quotes included, are replaced one for one at the last moment,
//! so that no text has to be written twice.

use crate::domain::SyncStatus;

/// Frames of the spinner that turns while something is at work.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_ASCII: [&str; 4] = ["|", "/", "-", "\\"];

/// A full block and the seven fractions below it, for bars that move by an eighth of a cell.
const EIGHTHS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// The lines of a box.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Upper left, upper right, lower left and lower right corner.
    pub corners: [&'static str; 4],
    /// Along the top and the bottom.
    pub horizontal: &'static str,
    /// Along the sides.
    pub vertical: &'static str,
    /// Where a dividing line meets the left and the right side.
    pub tees: [&'static str; 2],
}

/// One of the two sets of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    ascii: bool,
}

impl Glyphs {
    /// Chooses the set.
    #[must_use]
    pub fn new(ascii: bool) -> Self {
        Self { ascii }
    }

    /// Whether nothing outside ASCII may be drawn.
    #[must_use]
    pub fn is_ascii(self) -> bool {
        self.ascii
    }

    /// The lines of a box.
    #[must_use]
    pub fn frame(self) -> Frame {
        if self.ascii {
            Frame { corners: ["+", "+", "+", "+"], horizontal: "-", vertical: "|", tees: ["+", "+"] }
        } else {
            Frame {
                corners: ["╭", "╮", "╰", "╯"], horizontal: "─", vertical: "│", tees: ["├", "┤"]
            }
        }
    }

    /// The spinner at a moment given in tenths of a second; it stands still when `tenths` is `None`.
    #[must_use]
    pub fn spinner(self, tenths: Option<i64>) -> &'static str {
        let frames: &[&str] = if self.ascii { &SPINNER_ASCII } else { &SPINNER };
        match tenths {
            None if self.ascii => "*",
            None => "◌",
            Some(tenths) => {
                let index = tenths.rem_euclid(i64::try_from(frames.len()).unwrap_or(1));
                frames[usize::try_from(index).unwrap_or(0)]
            }
        }
    }

    /// A part of a bar's cell, in eighths.
    #[must_use]
    pub fn eighths(self, eighths: usize) -> &'static str {
        match (self.ascii, eighths) {
            (true, 0..4) => ".",
            (true, _) => "#",
            (false, eighths) => EIGHTHS[eighths.min(8)],
        }
    }

    /// The symbol of a status that does not move; those at work show the spinner instead.
    #[must_use]
    pub fn status(self, status: SyncStatus) -> &'static str {
        let (unicode, ascii) = match status {
            SyncStatus::NotSynced => (" ", " "),
            SyncStatus::Queued => ("◌", "o"),
            SyncStatus::Fetching | SyncStatus::Comparing | SyncStatus::Sending => ("◌", "*"),
            SyncStatus::Synced => ("●", "@"),
            SyncStatus::Exported => ("✓", "v"),
            SyncStatus::Paused => ("‖", "="),
            SyncStatus::Failed => ("✗", "x"),
            SyncStatus::Stopped => ("■", "#"),
        };
        if self.ascii { ascii } else { unicode }
    }

    /// What stands in for a character outside ASCII that the program itself writes. Names keep theirs: they
    /// are data, and a question mark in their place would help nobody.
    #[must_use]
    pub fn plain(self, c: char) -> char {
        if !self.ascii {
            return c;
        }
        match c {
            '—' | '–' | '−' | '─' => '-',
            '·' | '░' => '.',
            '…' => '~',
            '‖' => '=',
            '“' | '”' => '"',
            '’' | '‘' => '\'',
            '→' | '▸' | '›' => '>',
            '←' | '‹' | '⏎' => '<',
            '▲' | '↑' => '^',
            '▼' | '▾' | '↓' | '✓' => 'v',
            '│' | '▕' | '▏' | '┃' | '▐' | '▌' => '|',
            '█' | '■' => '#',
            '●' => '@',
            '◐' => '%',
            '○' => 'o',
            '✗' | '×' => 'x',
            '±' => '+',
            '◆' | '•' => '*',
            '⚠' => '!',
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_symbols_are_ascii() {
        let glyphs = Glyphs::new(true);
        for status in SyncStatus::ALL {
            assert!(glyphs.status(status).is_ascii());
        }
        for tenths in 0..12 {
            assert!(glyphs.spinner(Some(tenths)).is_ascii());
        }
        for eighths in 0..=8 {
            assert!(glyphs.eighths(eighths).is_ascii());
        }
    }

    #[test]
    fn the_spinner_turns_before_the_epoch_too() {
        assert_eq!(Glyphs::new(false).spinner(Some(-1)), "⠏");
    }
}
