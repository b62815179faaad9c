//! A text that is too long for a toast or a pane: an error with its cause, a log line, everything about a
//! cohort. It scrolls, and `y` copies it.

use super::{DialogInput, Reply, open};
use crate::tui::canvas::{Canvas, View, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::scroll;
use ratatui::layout::Rect;

/// The text.
#[derive(Debug, Default)]
pub struct Message {
    /// What it is about.
    pub title: String,
    /// What it says.
    pub text: String,
    /// How far it is scrolled.
    pub offset: usize,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

/// The widest the text may run.
const COLUMNS: u16 = 92;

impl Message {
    /// A text with a title.
    #[must_use]
    pub fn new(title: String, text: String) -> Self {
        Self { title, text, ..Self::default() }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        let page = self.view.map_or(1, |view| view.height.max(1));
        // What was drawn is the truth about how far one can scroll.
        let here = self.view.map_or(self.offset, |view| view.offset);
        match input {
            DialogInput::Scroll(lines) => {
                self.offset = here.saturating_add_signed(isize::try_from(lines).unwrap_or(0));
            }
            DialogInput::Key(key) => match key.code {
                Code::Enter | Code::Char('q') => return Reply::Close,
                Code::Char('y') => return Reply::Copy(self.text.clone()),
                Code::Char('j') | Code::Down => self.offset = here + 1,
                Code::Char('k') | Code::Up => self.offset = here.saturating_sub(1),
                Code::PageDown | Code::Char('d' | ' ') => self.offset = here + page,
                Code::PageUp | Code::Char('u') => self.offset = here.saturating_sub(page),
                Code::Char('g') | Code::Home => self.offset = 0,
                Code::Char('G') | Code::End => self.offset = usize::MAX / 2,
                _ => {}
            },
            DialogInput::Press(_) | DialogInput::Paste(_) => {}
        }
        Reply::Stay
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let whole = canvas.area();
        let width = COLUMNS.min(whole.width.saturating_sub(6));
        let lines = text::wrap(self.text.trim_end(), usize::from(width.saturating_sub(2)));
        let height = cells(lines.len() + 3).min(whole.height.saturating_sub(2));
        let area = open(canvas, (width, height), &[piece(Role::Title, &self.title)]);
        let body = Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(3));
        let room = usize::from(body.height);
        let view = View { offset: self.offset.min(lines.len().saturating_sub(room)), height: room };
        canvas.hits.dialog = Some(view);
        for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(view.offset)) {
            draw_line(canvas, Rect::new(body.x, y, body.width.saturating_sub(2), 1), line);
        }
        let track = Rect::new(area.right().saturating_sub(1), body.y, 1, body.height);
        scroll::draw_bar(canvas, track, view, lines.len());
        canvas.line(area.x, area.bottom().saturating_sub(1), area.width, &[
            piece(Role::Key, "y"),
            piece(Role::Muted, " copy  "),
            piece(Role::Key, "esc"),
            piece(Role::Muted, " close"),
        ]);
    }
}

/// A label at the start of a line is set off from what it labels.
fn draw_line(canvas: &mut Canvas<'_>, area: Rect, line: &str) {
    let label = line.split_once(": ").filter(|(label, _)| text::width(label) <= 28);
    let Some((label, value)) = label else {
        canvas.text(area.x, area.y, area.width, Role::Text, line);
        return;
    };
    canvas.line(area.x, area.y, area.width, &[
        piece(Role::Muted, format!("{label}  ")),
        piece(Role::Text, value),
    ]);
}
