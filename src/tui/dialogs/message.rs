//! A text that is too long for a toast or a pane: an error with its cause, a log line, everything about a
//! cohort. It scrolls, and `y` copies it.

use super::{DialogInput, Reply, open};
use crate::tui::canvas::{Canvas, View, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::scroll;
use ratatui::layout::Rect;

/// What it says.
#[derive(Debug)]
pub enum Body {
    /// Running text.
    Text(String),
    /// Something to paste elsewhere, its lines indented as they are, below what is to be known about it. Only the
    /// code is copied.
    Code {
        /// What is to be known.
        note: String,
        /// What to paste.
        code: String,
    },
    /// Labels and values, set in two columns.
    Facts(Vec<(String, String)>),
}

/// The dialog.
#[derive(Debug)]
pub struct Message {
    title: String,
    body: Body,
    /// How far it is scrolled.
    offset: usize,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

/// The widest the text may run.
const COLUMNS: u16 = 92;
/// The widest label that still leaves room for its value.
const LABEL: usize = 26;

impl Message {
    /// A text with a title.
    #[must_use]
    pub fn new(title: String, body: Body) -> Self {
        Self { title, body, offset: 0, view: None }
    }

    /// The whole as one text, for the clipboard.
    fn whole(&self) -> String {
        match &self.body {
            Body::Text(text) | Body::Code { code: text, .. } => text.clone(),
            Body::Facts(facts) => {
                let line = |(label, value): &(String, String)| format!("{label}: {value}");
                facts.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The lines at a width: label (empty below its first line) and text.
    fn lines(&self, width: usize) -> Vec<(String, String)> {
        let facts = match &self.body {
            Body::Text(text) => {
                return text::wrap(text.trim_end(), width).into_iter().map(unlabelled).collect();
            }
            Body::Code { note, code } => {
                let note = text::wrap(note, width).into_iter().map(|line| (line, String::new()));
                let code = code.lines().flat_map(|line| code_lines(line, width));
                return note.chain([(String::new(), String::new())]).chain(code).collect();
            }
            Body::Facts(facts) => facts,
        };
        let widest = facts.iter().map(|(label, _)| text::width(label)).max().unwrap_or(0).min(LABEL);
        let room = width.saturating_sub(widest + 2).max(1);
        let mut lines = Vec::new();
        for (label, value) in facts {
            let mut label = text::fit(label, widest, text::Align::Left) + "  ";
            for part in text::wrap(value, room) {
                lines.push((std::mem::replace(&mut label, " ".repeat(widest + 2)), part));
            }
        }
        lines
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
                Code::Char('y') => return Reply::Copy(self.whole()),
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
        let width = COLUMNS.min(whole.width.saturating_sub(8));
        let lines = self.lines(usize::from(width.saturating_sub(2)));
        let height = cells(lines.len() + 3).min(whole.height.saturating_sub(2));
        let area = open(canvas, (width, height), &[piece(Role::Title, &self.title)]);
        let body = Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(3));
        let room = usize::from(body.height);
        let view = View { offset: self.offset.min(lines.len().saturating_sub(room)), height: room };
        canvas.hits.dialog = Some(view);
        for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(view.offset)) {
            let (label, text) = line;
            let pieces = [piece(Role::Muted, label), piece(Role::Text, text)];
            canvas.line(body.x, y, body.width.saturating_sub(2), &pieces);
        }
        let track = Rect::new(area.right().saturating_sub(1), body.y, 1, body.height);
        scroll::draw_bar(canvas, track, view, lines.len());
        canvas.line(
            area.x,
            area.bottom().saturating_sub(1),
            area.width,
            &[
                piece(Role::Key, "y"),
                piece(Role::Muted, " copy  "),
                piece(Role::Key, "esc"),
                piece(Role::Muted, " close"),
            ],
        );
    }
}

/// A line of code, broken where it must be, behind its own indentation.
fn code_lines(line: &str, width: usize) -> Vec<(String, String)> {
    let indentation = &line[..line.len() - line.trim_start().len()];
    let room = width.saturating_sub(indentation.len()).max(1);
    let parts = text::wrap(line.trim_start(), room);
    let parts = if parts.is_empty() { vec![String::new()] } else { parts };
    parts.into_iter().map(|part| unlabelled(format!("{indentation}{part}"))).collect()
}

fn unlabelled(text: String) -> (String, String) {
    (String::new(), text)
}
