//! A line that takes text: editing keys, paste, and a view that keeps the cursor in sight.

use crate::tui::canvas::Canvas;
use crate::tui::keymap::{Code, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::style::Modifier;
use std::fmt;
use tui_input::{Input, InputRequest};

/// An editable line.
#[derive(Clone, Default)]
pub struct TextInput {
    input: Input,
    /// Whether dots stand for what is typed.
    hidden: bool,
}

/// What is typed unseen is not printed either.
impl fmt::Debug for TextInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TextInput").field(&if self.hidden { "…" } else { self.value() }).finish()
    }
}

impl TextInput {
    /// A line that starts with a text, the cursor behind it.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self { input: Input::new(value.to_owned()), hidden: false }
    }

    /// An empty line for a credential: a dot is all that is seen of each character.
    #[must_use]
    pub fn hidden() -> Self {
        Self { hidden: true, ..Self::default() }
    }

    /// The text.
    #[must_use]
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Takes a key; tells whether the text or the cursor is another now.
    pub fn key(&mut self, key: Key) -> bool {
        let request = match (key.code, key.ctrl, key.alt) {
            (Code::Char(c), false, false) => InputRequest::InsertChar(c),
            (Code::Backspace, false, false) => InputRequest::DeletePrevChar,
            (Code::Delete, false, false) => InputRequest::DeleteNextChar,
            (Code::Left, false, false) => InputRequest::GoToPrevChar,
            (Code::Right, false, false) => InputRequest::GoToNextChar,
            (Code::Left, ..) | (Code::Char('b'), false, true) => InputRequest::GoToPrevWord,
            (Code::Right, ..) | (Code::Char('f'), false, true) => InputRequest::GoToNextWord,
            (Code::Home, ..) | (Code::Char('a'), true, _) => InputRequest::GoToStart,
            (Code::End, ..) | (Code::Char('e'), true, _) => InputRequest::GoToEnd,
            (Code::Char('w'), true, _) | (Code::Backspace, ..) => InputRequest::DeletePrevWord,
            (Code::Char('u'), true, _) => InputRequest::DeleteFromStart,
            (Code::Char('k'), true, _) => InputRequest::DeleteTillEnd,
            _ => return false,
        };
        self.input.handle(request);
        true
    }

    /// Takes pasted text; line breaks become spaces.
    pub fn paste(&mut self, pasted: &str) {
        for c in text::clean(pasted).chars() {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Draws the text with the cursor as a reversed cell; returns the cells it took.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        x: u16,
        y: u16,
        columns: u16,
        role: Role,
        focused: bool,
    ) -> u16 {
        if self.hidden {
            let dot = if canvas.glyphs.is_ascii() { "*" } else { "•" };
            let dots = Input::new(dot.repeat(self.value().chars().count())).with_cursor(self.input.cursor());
            return Self { input: dots, hidden: false }.draw(canvas, x, y, columns, role, focused);
        }
        if !focused || columns == 0 {
            return canvas.text(x, y, columns, role, self.value());
        }
        let value = text::clean(self.value());
        let before: String = self.value().chars().take(self.input.cursor()).collect();
        let before = text::clean(&before).into_owned();
        let after = value.strip_prefix(before.as_str()).unwrap_or_default();
        let room = usize::from(columns) - 1;
        let hidden = text::width(&before).saturating_sub(room);
        let left = text::tail(&before, hidden);
        let mut used = canvas.text(x, y, columns, role, left);
        let under = text::head(after, 1);
        let under = if under.is_empty() { " " } else { under };
        let cursor = canvas.style(role).add_modifier(Modifier::REVERSED);
        used += canvas.styled(x + used, y, columns - used, cursor, under);
        let rest = text::tail(after, 1);
        used + canvas.text(x + used, y, columns - used, role, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_printed() {
        let mut line = TextInput::hidden();
        line.paste("pl4nted");
        assert_eq!((line.value(), format!("{line:?}").as_str()), ("pl4nted", "TextInput(\"…\")"));
    }

    #[test]
    fn a_line_is_edited_with_the_usual_keys() {
        let mut line = TextInput::new("hello");
        for key in ["!", "backspace", "home", "delete", "H"] {
            assert!(line.key(key.parse().unwrap()));
        }
        assert_eq!(line.value(), "Hello");
        line.key("end".parse().unwrap());
        line.paste(" wor\nld\u{1b}");
        assert_eq!(line.value(), "Hello wor ld");
        assert!(!line.key("up".parse().unwrap()));
        line.key("ctrl-u".parse().unwrap());
        assert_eq!(line.value(), "");
    }
}
