//! The columns one can sort by, each with its letter; it opens at the sort key, so that the key and the letter
//! can be typed as one.

use super::{DialogInput, Reply, open};
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use ratatui::layout::Rect;

/// The menu.
#[derive(Debug)]
pub struct SortMenu {
    columns: &'static [Column],
    current: usize,
    focus: usize,
}

impl SortMenu {
    /// The columns, and by which the table is sorted now.
    #[must_use]
    pub fn new(columns: &'static [Column], current: usize) -> Self {
        Self { columns, current, focus: current }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        let last = self.columns.len().saturating_sub(1);
        match input {
            DialogInput::Press(column) => return Reply::SortBy(column),
            DialogInput::Key(key) => match key.code {
                Code::Enter => return Reply::SortBy(self.focus),
                Code::Down | Code::Tab => self.focus = if self.focus == last { 0 } else { self.focus + 1 },
                Code::Up | Code::BackTab => self.focus = self.focus.checked_sub(1).unwrap_or(last),
                Code::Char(letter) => {
                    let column = self.columns.iter().position(|column| column.letter == letter);
                    return column.map_or(Reply::Close, Reply::SortBy);
                }
                _ => {}
            },
            DialogInput::Paste(_) | DialogInput::Scroll(_) => {}
        }
        Reply::Stay
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let area = open(canvas, (24, cells(self.columns.len()) + 2), &[piece(Role::Title, "Sort by")]);
        for (index, (y, column)) in (area.y + 1..area.bottom()).zip(self.columns).enumerate() {
            let row = Rect::new(area.x, y, area.width, 1);
            if index == self.focus {
                canvas.tint(row, Role::Selected);
            }
            let sign = if index == self.current { "now" } else { "" };
            let draw = |canvas: &mut Canvas<'_>| {
                canvas.line(
                    row.x,
                    y,
                    row.width,
                    &[piece(Role::Key, format!(" {}  ", column.letter)), piece(Role::Text, column.title)],
                );
                canvas.line_right(row.x, y, row.width, &[piece(Role::Muted, sign)]);
            };
            if index == self.focus {
                canvas.on_selected(draw);
            } else {
                draw(canvas);
            }
            canvas.target(row, Target::Option(index));
        }
    }
}
