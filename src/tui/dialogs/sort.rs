//! The columns of a table: each sorts by its letter, so that the sort key and the letter can be typed as one, and space
//! hides one or shows it again.

use super::{DialogInput, Reply, open};
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::{Arrangement, Column};
use ratatui::layout::Rect;

/// The menu.
#[derive(Debug)]
pub struct SortMenu {
    columns: &'static [Column],
    arrangement: Arrangement,
    focus: usize,
}

impl SortMenu {
    /// The columns, and how they are arranged now.
    #[must_use]
    pub fn new(columns: &'static [Column], arrangement: Arrangement) -> Self {
        Self { columns, focus: arrangement.sort, arrangement }
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
                Code::Char(' ') => {
                    self.arrangement.toggle(self.columns, self.focus);
                    return Reply::Arrange(self.arrangement.clone());
                }
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
        let title = [piece(Role::Title, "Sort by"), piece(Role::Muted, " · space hides")];
        let area = open(canvas, (26, cells(self.columns.len()) + 2), &title);
        for (index, (y, column)) in (area.y + 1..area.bottom()).zip(self.columns).enumerate() {
            let row = Rect::new(area.x, y, area.width, 1);
            if index == self.focus {
                canvas.tint(row, Role::Selected);
            }
            let hidden = self.arrangement.hides(index);
            let sign = match (index == self.arrangement.sort, hidden) {
                (true, _) => "now",
                (false, true) => "hidden",
                (false, false) => "",
            };
            let role = if hidden { Role::Muted } else { Role::Text };
            let draw = |canvas: &mut Canvas<'_>| {
                canvas.line(
                    row.x,
                    y,
                    row.width,
                    &[piece(Role::Key, format!(" {}  ", column.letter)), piece(role, column.title)],
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
