//! A question before something that cannot be taken back at once. It says what will happen, and the answer
//! that changes nothing has the focus.

use super::{DialogInput, Order, Reply, buttons_width, draw_buttons, open};
use crate::tui::canvas::{Canvas, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// What an answer leads to.
#[derive(Debug)]
pub enum Deed {
    /// Nothing.
    Nothing,
    /// These commands.
    Send(Vec<Order>),
    /// The end of the console.
    Quit,
    /// The present profile anew, if it can be used; whether it was said what that cuts short.
    OpenAnew(bool),
    /// The end of the console on this profile, and the beginning on that one.
    LeaveFor(String),
}

/// The question.
#[derive(Debug)]
pub struct Confirm {
    /// What it is about.
    pub title: String,
    /// What will happen, a paragraph each.
    pub body: Vec<(Role, String)>,
    choices: Vec<(&'static str, Deed)>,
    focus: usize,
}

/// The widest the text may run.
const COLUMNS: u16 = 72;

impl Confirm {
    /// A question whose last answer is the harmless one.
    #[must_use]
    pub fn new(
        title: String,
        body: Vec<(Role, String)>,
        mut choices: Vec<(&'static str, Deed)>,
        no: &'static str,
    ) -> Self {
        choices.push((no, Deed::Nothing));
        let focus = choices.len() - 1;
        Self { title, body, choices, focus }
    }

    /// The answer that leaves what is open here, if one does.
    #[must_use]
    pub fn leaving(&self) -> Option<&Deed> {
        let mut deeds = self.choices.iter().map(|(_, deed)| deed);
        deeds.find(|deed| matches!(deed, Deed::Quit | Deed::LeaveFor(_)))
    }

    /// Whether one of the answers ends the console.
    #[must_use]
    pub fn asks_to_quit(&self) -> bool {
        self.choices.iter().any(|(_, deed)| matches!(deed, Deed::Quit))
    }

    /// Takes an input. Letters choose nothing: a key pressed for something else must not answer.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        let last = self.choices.len() - 1;
        match input {
            DialogInput::Press(index) => self.choose(index),
            DialogInput::Key(key) => match key.code {
                Code::Enter => self.choose(self.focus),
                Code::Left | Code::BackTab | Code::Up | Code::Char('h' | 'k') => {
                    self.focus = self.focus.checked_sub(1).unwrap_or(last);
                    Reply::Stay
                }
                Code::Right | Code::Tab | Code::Down | Code::Char('l' | 'j') => {
                    self.focus = if self.focus == last { 0 } else { self.focus + 1 };
                    Reply::Stay
                }
                Code::Char('q') => Reply::Close,
                _ => Reply::Stay,
            },
            DialogInput::Paste(_) | DialogInput::Scroll(_) => Reply::Stay,
        }
    }

    fn choose(&mut self, index: usize) -> Reply {
        let deed = self.choices.get_mut(index).map(|(_, deed)| std::mem::replace(deed, Deed::Nothing));
        match deed {
            None => Reply::Stay,
            Some(Deed::Nothing) => Reply::Close,
            Some(Deed::Send(orders)) => Reply::Send(orders),
            Some(Deed::Quit) => Reply::Quit,
            Some(Deed::OpenAnew(is_told)) => Reply::OpenAnew(is_told),
            Some(Deed::LeaveFor(profile)) => Reply::LeaveFor(profile),
        }
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let labels: Vec<&str> = self.choices.iter().map(|(label, _)| *label).collect();
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6)).max(buttons_width(&labels));
        let lines: usize =
            self.body.iter().map(|(_, text)| text::wrap(text, usize::from(width)).len() + 1).sum();
        let area = open(canvas, (width, cells(lines) + 2), &[piece(Role::Title, &self.title)]);
        // The lines between paragraphs are the first to give way.
        let air = u16::from(area.height >= cells(lines) + 2);
        let mut y = area.y + air;
        for (role, text) in &self.body {
            let room = area.bottom().saturating_sub(y + 1);
            let needed = cells(text::wrap(text, usize::from(area.width)).len());
            if needed > room && y > area.y + air {
                // Half a sentence says less than none; what matters stands first.
                break;
            }
            y += canvas.paragraph(Rect::new(area.x, y, area.width, room), *role, text) + air;
        }
        let buttons = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        draw_buttons(canvas, buttons, &labels, Some(self.focus), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harmless_answer_has_the_focus() {
        let mut confirm = Confirm::new("Quit?".to_owned(), Vec::new(), vec![("Quit", Deed::Quit)], "Stay");
        let enter = DialogInput::Key("enter".parse().unwrap());
        assert!(matches!(confirm.handle(enter), Reply::Close));
        confirm.handle(DialogInput::Key("left".parse().unwrap()));
        assert!(matches!(confirm.handle(enter), Reply::Quit));
        assert!(matches!(confirm.handle(DialogInput::Press(7)), Reply::Stay));
    }
}
