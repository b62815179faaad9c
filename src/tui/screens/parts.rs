//! The parts of a page: a line of titles of which one is open, switched by keys and clicks. What a part shows is its
//! own; where the line and the part stand is the page's.

use super::Scene;
use super::page::Page;
use crate::tui::canvas::{Canvas, Target, cells, piece, width_of};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// From this width on there is air between the titles.
const AIRY_FROM: u16 = 50;

/// The parts, and which of them is open.
pub struct Parts {
    parts: Vec<(&'static str, Box<dyn Page>)>,
    open: usize,
}

impl Parts {
    /// The first of some parts is open.
    #[must_use]
    pub fn new(parts: Vec<(&'static str, Box<dyn Page>)>) -> Self {
        Self { parts, open: 0 }
    }

    /// Opens a part, when there is one of that number.
    pub fn open(&mut self, part: usize) {
        if part < self.parts.len() {
            self.open = part;
        }
    }

    /// Opens the part so many further on, round and round.
    pub fn step(&mut self, steps: usize) {
        self.open = (self.open + steps) % self.parts.len().max(1);
    }

    /// Opens the part before.
    pub fn step_back(&mut self) {
        self.step(self.parts.len().saturating_sub(1));
    }

    /// The number of the open part.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.open
    }

    /// The open part.
    #[must_use]
    pub fn page(&self) -> &dyn Page {
        self.parts[self.open].1.as_ref()
    }

    /// The same, to change it.
    pub fn page_mut(&mut self) -> &mut dyn Page {
        self.parts[self.open].1.as_mut()
    }

    /// Draws the titles, and at the right what the open part says about itself, where there is room for that.
    pub fn draw_titles(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let gap = u16::from(area.width >= AIRY_FROM);
        let mut x = area.x;
        for (index, (title, _)) in self.parts.iter().enumerate().skip(self.first_title(area.width, gap)) {
            let room = Rect { x, width: area.right().saturating_sub(x), ..area };
            x += draw_title(canvas, room, title, index, index == self.open) + gap;
        }
        let remark = self.page().remark(scene);
        let room = area.right().saturating_sub(x + 1);
        if cells(width_of(&remark)) <= room {
            canvas.line_right(x, area.y, room, &remark);
        }
    }

    /// The first title to show so that the open one fits.
    fn first_title(&self, width: u16, gap: u16) -> usize {
        let wide = |index: usize| cells(text::width(self.parts[index].0)) + 2 + gap;
        let fits = |first: &usize| (*first..=self.open).map(wide).sum::<u16>() <= width + gap;
        (0..=self.open).find(fits).unwrap_or(self.open)
    }
}

/// Draws the title of a part, on which a click opens it; returns the cells it took.
pub fn draw_title(canvas: &mut Canvas<'_>, area: Rect, title: &str, part: usize, is_open: bool) -> u16 {
    // Brackets, so that the open one is told without colours too.
    let (role, words) =
        if is_open { (Role::Focus, format!("[{title}]")) } else { (Role::Muted, format!(" {title} ")) };
    let used = canvas.line(area.x, area.y, area.width, &[piece(role, words)]);
    canvas.target(Rect::new(area.x, area.y, used, 1), Target::Part(part));
    used
}
