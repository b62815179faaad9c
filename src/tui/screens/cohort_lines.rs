//! How the detail pane sets its lines: facts beside each other, as many as fit, and line under line until there
//! is no room. What the facts are is said by `cohort_detail` and `cohort_run`.

use crate::domain::ReadCounts;
use crate::tui::canvas::{Canvas, Piece, piece, width_of};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Between two facts.
pub const GAP: &str = "   ";

/// Writes line under line until there is no room.
pub struct Lines {
    /// What is still free.
    pub area: Rect,
}

impl Lines {
    /// The next line's place, once.
    pub fn row(&mut self) -> Option<Rect> {
        let line = (self.area.height > 0).then_some(Rect { height: 1, ..self.area })?;
        self.skip(1);
        Some(line)
    }

    /// Leaves some lines out.
    pub fn skip(&mut self, lines: u16) {
        let lines = lines.min(self.area.height);
        self.area.y += lines;
        self.area.height -= lines;
    }

    /// Writes a line of facts.
    pub fn line(&mut self, canvas: &mut Canvas<'_>, pieces: &[Piece<'_>]) {
        let Some(area) = self.row() else { return };
        if width_of(pieces) <= usize::from(area.width) {
            canvas.line(area.x, area.y, area.width, pieces);
            return;
        }
        let mut tight: Vec<Piece<'_>> = pieces.iter().map(tightened).collect();
        // Half a fact is worse than none: the last ones go whole.
        while width_of(&tight) > usize::from(area.width)
            && let Some(gap) = pieces[..tight.len()].iter().rposition(|fact| fact.text == GAP)
        {
            tight.truncate(gap);
        }
        canvas.line(area.x, area.y, area.width, &tight);
    }

    /// Writes a text over at most so many lines.
    pub fn paragraph(&mut self, canvas: &mut Canvas<'_>, role: Role, text: &str, most: u16) {
        let area = Rect { height: self.area.height.min(most), ..self.area };
        let used = canvas.paragraph(area, role, text);
        self.skip(used);
    }
}

/// A gap between two facts is the first to give way.
fn tightened<'p>(fact: &'p Piece<'_>) -> Piece<'p> {
    let text = if fact.text == GAP { "  " } else { &fact.text };
    piece(fact.role, text)
}

/// Label in the second rank, value in the first, three cells to the next.
pub fn fact(pieces: &mut Vec<Piece<'static>>, label: &'static str, value: &str) {
    if !pieces.is_empty() {
        pieces.push(piece(Role::Text, GAP));
    }
    pieces.push(piece(Role::Muted, label));
    pieces.push(piece(Role::Text, format!(" {value}")));
}

/// Where the users of a read went.
#[must_use]
pub fn read_line(read: &ReadCounts) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    fact(&mut pieces, "matched", &text::count(read.matched));
    fact(&mut pieces, "unmatched", &text::count(read.unmatched));
    fact(&mut pieces, "unsendable", &text::count(read.unsendable));
    fact(&mut pieces, "duplicates", &text::count(read.duplicates));
    if read.suspect > 0 {
        fact(&mut pieces, "suspect", &text::count(read.suspect));
    }
    pieces
}

/// What became of the requests of a run.
pub fn outcome_facts(pieces: &mut Vec<Piece<'static>>, rejected: u64, retries: u64, requests: u64) {
    fact(pieces, "rejected", "");
    if let Some(value) = pieces.last_mut() {
        let role = if rejected > 0 { Role::Bad } else { Role::Text };
        *value = piece(role, format!(" {}", text::count(rejected)));
    }
    fact(pieces, "retries", &text::count(retries));
    fact(pieces, "requests", &text::count(requests));
}
