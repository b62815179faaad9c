//! The line of the Users screen that an id is typed into, and the searches of before, which are kept in memory only.

use crate::domain::UserId;
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Target};
use crate::tui::keymap::{Code, Key};
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;
use ratatui::layout::Rect;

/// Searches that are remembered.
const RECENT: usize = 20;

/// What a key made of the line.
pub enum Typed {
    /// Another text, or none of its business any more.
    Text,
    /// An id to look up.
    Id(UserId),
}

/// The line.
pub struct SearchLine {
    input: TextInput,
    /// Whether it takes the keys.
    pub typing: bool,
    /// What is wrong with what was typed.
    pub wrong: Option<String>,
    /// The searches of before, newest first.
    recent: Vec<String>,
    /// Which of them stands in the line.
    browsed: Option<usize>,
}

impl Default for SearchLine {
    /// A line that waits for an id.
    fn default() -> Self {
        Self { input: TextInput::default(), typing: true, wrong: None, recent: Vec::new(), browsed: None }
    }
}

impl SearchLine {
    /// The searches of before, newest first.
    #[must_use]
    pub fn recent(&self) -> &[String] {
        &self.recent
    }

    /// Takes an id that is looked up now.
    pub fn begin(&mut self, id: &UserId) {
        self.recent.retain(|known| known != id.as_str());
        self.recent.insert(0, id.as_str().to_owned());
        self.recent.truncate(RECENT);
        self.leave(Some(id));
    }

    /// Takes the keys again, with nothing in it.
    pub fn enter(&mut self) {
        (self.input, self.typing) = (TextInput::default(), true);
    }

    /// Lets go of the keys; what was begun and not looked up gives way to what is shown.
    pub fn leave(&mut self, shown: Option<&UserId>) {
        (self.typing, self.wrong, self.browsed) = (false, None, None);
        if let Some(id) = shown {
            self.input = TextInput::new(id.as_str());
        }
    }

    /// Takes what cannot be anybody's id, to be mended.
    pub fn refuse(&mut self, text: &str, why: String) {
        (self.input, self.wrong, self.typing) = (TextInput::new(text), Some(why), true);
    }

    /// Takes pasted text, in place of what was looked up before.
    pub fn paste(&mut self, pasted: &str) {
        if !self.typing {
            self.enter();
        }
        self.wrong = None;
        self.input.paste(pasted.trim());
    }

    /// Takes a key; `None` when it has no use for it. `shown` is who is looked up now.
    pub fn key(&mut self, key: Key, shown: Option<&UserId>) -> Option<Typed> {
        match key.code {
            Code::Enter => match UserId::parse(self.input.value()) {
                Ok(id) => return Some(Typed::Id(id)),
                Err(wrong) => self.wrong = Some(wrong.to_string()),
            },
            Code::Esc => self.leave(shown),
            Code::Up => self.browse(true),
            Code::Down if self.browsed.is_none() => self.leave(shown),
            Code::Down => self.browse(false),
            _ if self.input.key(key) => (self.wrong, self.browsed) = (None, None),
            _ => return None,
        }
        Some(Typed::Text)
    }

    /// Puts a search of before into the line: an older one, or a newer one.
    fn browse(&mut self, older: bool) {
        let next = match (self.browsed, older) {
            (None, true) => Some(0),
            (Some(at), true) => Some((at + 1).min(self.recent.len().saturating_sub(1))),
            (Some(at), false) => at.checked_sub(1),
            (None, false) => None,
        };
        self.browsed = next.filter(|at| *at < self.recent.len());
        let text = self.browsed.map_or("", |at| self.recent[at].as_str());
        self.input = TextInput::new(text);
    }

    /// What the keys do while typing.
    #[must_use]
    pub fn hints(&self) -> Vec<(Code, &'static str)> {
        let mut hints = vec![(Code::Enter, "find")];
        if !self.recent.is_empty() {
            hints.push((Code::Up, "before"));
        }
        hints.extend([(Code::Esc, "leave the line"), (Code::Tab, "next screen")]);
        hints
    }

    /// Draws it; a click on it takes the keys.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let used = canvas.text(area.x, area.y, area.width, Role::Muted, "Find ");
        let (x, room) = (area.x + used, area.width.saturating_sub(used));
        if self.input.value().is_empty() && !self.typing {
            canvas.text(x, area.y, room, Role::Muted, "a $distinct_id or an MPID");
        } else {
            let role = if self.typing { Role::Focus } else { Role::Strong };
            self.input.draw(canvas, x, area.y, room, role, self.typing);
        }
        canvas.target(area, Target::Run(Action::Filter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut SearchLine, keys: &str) -> Option<String> {
        let mut found = None;
        for key in keys.split_whitespace() {
            if let Some(Typed::Id(id)) = line.key(key.parse().unwrap(), None) {
                line.begin(&id);
                found = Some(id.to_string());
            }
        }
        found
    }

    #[test]
    fn searches_of_before_come_back_newest_first() {
        let mut line = SearchLine::default();
        assert_eq!(press(&mut line, "a enter").as_deref(), Some("a"));
        line.enter();
        press(&mut line, "b enter");
        line.enter();
        press(&mut line, "a enter");
        assert_eq!(line.recent(), ["a", "b"]);
        line.enter();
        assert_eq!(press(&mut line, "up up up enter").as_deref(), Some("b"));
        line.enter();
        press(&mut line, "up up down down");
        assert_eq!((line.input.value(), line.typing), ("", true), "back to the empty line, still in it");
        press(&mut line, "down");
        assert!(!line.typing);
    }

    #[test]
    fn what_is_no_id_stays_with_the_reason_until_it_is_mended() {
        let mut line = SearchLine::default();
        assert_eq!(press(&mut line, "space enter"), None);
        assert!(line.wrong.as_ref().unwrap().contains("missing"));
        press(&mut line, "x");
        assert!(line.wrong.is_none() && line.typing);
        line.paste(" user-7\n");
        assert_eq!(line.input.value(), " xuser-7");
        line.leave(None);
        line.paste("user-8\n");
        assert_eq!((line.input.value(), line.typing), ("user-8", true));
    }
}
