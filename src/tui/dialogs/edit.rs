//! The dialog that gives one setting another value in the configuration file. What a value must be is decided where
//! the file is read; a value that is refused comes back here with the words for it.
//!
//! ```text
//! ╭ sync.interval ───────────────────────────────────────────────────────────╮
//! │  How often a recurring sync runs.                                        │
//! │  A value is a duration such as "15m", "90s" or "1h30m".                  │
//! │                                                                          │
//! │  › 1h                                                                    │
//! │                                                                          │
//! │  Now 15m · default                                                       │
//! │  Enter writes it, nothing takes it out of the file, esc leaves it        │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::{DialogInput, Reply, open};
use crate::config::ShownSetting;
use crate::config::edit::Change;
use crate::config::settings::{self, Form, Setting, is_of_connection};
use crate::tui::canvas::{Canvas, cells, piece};
use crate::tui::keymap::{Code, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;

/// The widest the text may run.
const COLUMNS: u16 = 72;

/// The dialog.
#[derive(Debug)]
pub struct EditDialog {
    setting: &'static Setting,
    shown: ShownSetting,
    input: TextInput,
    writing: bool,
    refused: Option<String>,
}

impl EditDialog {
    /// For a setting of the table, as it is shown now.
    #[must_use]
    pub fn new(shown: ShownSetting) -> Option<Self> {
        let setting = settings::find(&shown.key)?;
        let is_given = !shown.json.is_null() && setting.form != Form::Secret;
        let input = TextInput::new(if is_given { bare(&shown.value) } else { "" });
        Some(Self { setting, shown, input, writing: false, refused: None })
    }

    /// It was not written; what was typed stays, to be corrected.
    pub fn was_refused(&mut self, reason: String) {
        self.writing = false;
        self.refused = Some(reason);
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        if self.writing {
            return Reply::Stay;
        }
        match input {
            DialogInput::Key(key) => return self.key(key),
            DialogInput::Paste(text) => {
                self.input.paste(text.trim());
                self.refused = None;
            }
            DialogInput::Press(_) | DialogInput::Scroll(_) => {}
        }
        Reply::Stay
    }

    fn key(&mut self, key: Key) -> Reply {
        if key.code != Code::Enter {
            self.input.key(key);
            self.refused = None;
            return Reply::Stay;
        }
        let typed = self.input.value().trim();
        let change = if typed.is_empty() {
            Change::unset(self.setting.name)
        } else if self.setting.form == Form::Secret && !typed.starts_with('{') {
            self.refused =
                Some("here it is only said where the credential is, as in { env = \"NAME\" }".to_owned());
            return Reply::Stay;
        } else {
            Change::set(self.setting.name, typed)
        };
        match change {
            Ok(change) => {
                self.writing = true;
                Reply::Configure(change)
            }
            Err(error) => {
                self.refused = Some(error.to_string());
                Reply::Stay
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let wrapped = |words: &str| text::wrap(words, usize::from(width));
        let above: Vec<String> =
            [self.setting.about.to_owned(), format!("A value is {}.", self.setting.expected)]
                .iter()
                .flat_map(|words| wrapped(words))
                .collect();
        let (role, below) = match &self.refused {
            Some(refused) => (Role::Bad, wrapped(&format!("Not written: {refused}"))),
            None if self.writing => (Role::Busy, wrapped("It is being written …")),
            None => {
                (Role::Muted, wrapped(&format!("Now {} · {}", bare(&self.shown.value), self.shown.origin)))
            }
        };
        let hint = if is_of_connection(self.setting.name) {
            "Enter writes it to the file and offers to connect anew; an empty line takes it out; esc leaves it as it is."
        } else {
            "Enter writes it to the file and takes it up at once; an empty line takes it out; esc leaves it as it is."
        };
        let hint = wrapped(hint);
        let wanted = cells(above.len() + below.len() + hint.len()) + 3;
        let area = open(canvas, (width, wanted), &[piece(Role::Title, self.setting.name)]);
        let air = u16::from(area.height >= wanted);
        // Where there is little room the line to type on matters more than what it is about.
        let spare = area.height.saturating_sub(1 + cells(below.len()));
        let mut y = area.y;
        for line in above.iter().take(usize::from(spare)) {
            canvas.text(area.x, y, area.width, Role::Text, line);
            y += 1;
        }
        y += air;
        let used = canvas.text(area.x, y, area.width, Role::Focus, "› ");
        self.input.draw(
            canvas,
            area.x + used,
            y,
            area.width.saturating_sub(used),
            Role::Focus,
            !self.writing,
        );
        y += 1 + air;
        for (role, line) in
            below.iter().map(|line| (role, line)).chain(hint.iter().map(|line| (Role::Muted, line)))
        {
            if y < area.bottom() {
                canvas.text(area.x, y, area.width, role, line);
                y += 1;
            }
        }
    }
}

/// A value without the quotes that TOML needs and people do not.
fn bare(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}
