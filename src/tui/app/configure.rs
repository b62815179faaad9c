//! Changing settings from the Setup screen: the question, what its answer changes here, in the engine and on the screen,
//! and taking it back. What only connecting anew can take up is offered as that.

use super::{App, Effect, Reconfigured};
use crate::config::edit::Edited;
use crate::config::settings::is_of_connection;
use crate::config::{Adjustable, Notify};
use crate::sync::command::Command;
use crate::sync::snapshot::{NoticeLevel, Writer};
use crate::tui::action::Action;
use crate::tui::dialogs::confirm::{Confirm, Deed};
use crate::tui::dialogs::edit::EditDialog;
use crate::tui::dialogs::{Dialog, Order};
use crate::tui::frame;
use crate::tui::keymap::Keymap;
use crate::tui::screens::Screen;
use crate::tui::screens::page::Page;
use crate::tui::settings::Left;
use crate::tui::theme::{Role, Theme};

/// Changes that can be taken back; nobody remembers more.
const MOST: usize = 50;

impl App {
    /// Why no setting can be changed here.
    pub(super) fn why_not_configure(&self) -> Option<String> {
        match &self.settings.editing {
            None => Some("the demo has no configuration file; `cohort-sync setup` makes one".to_owned()),
            Some(_) => frame::holder(&self.snapshot.writer).filter(|_| self.is_read_only()),
        }
    }

    /// Another process that writes the state is no reason to leave the configuration alone; `--read-only` is.
    fn is_read_only(&self) -> bool {
        matches!(self.snapshot.writer, Writer::ReadOnly)
    }

    /// What whoever opens this profile anew takes up.
    pub(in crate::tui) fn into_left(self) -> Left {
        let selected = self.tabs.root(Screen::Setup).and_then(Page::selected_name);
        Left { undo: self.undo, selected }
    }

    /// Selects on the Setup screen what was selected there before the profile was opened anew.
    pub(super) fn go_on_from_what_was_left(&mut self) {
        if let Some(name) = self.settings.left.selected.take()
            && let Some(page) = self.tabs.root_mut(Screen::Setup)
        {
            page.select_named(name);
            self.rearrange();
        }
    }

    /// How a person is called now.
    pub(in crate::tui) fn notify(&self) -> Notify {
        self.settings.notify
    }

    pub(super) fn edit_setting(&mut self, setting: &str) {
        if let Some(obstacle) = self.why_not_configure() {
            return self.say(NoticeLevel::Warning, obstacle);
        }
        let shown = self.settings.configured.iter().find(|shown| shown.key == setting).cloned();
        if let Some(dialog) = shown.and_then(EditDialog::new) {
            self.dialogs.push(Dialog::Edit(Box::new(dialog)));
        } else {
            let words = format!("{setting} is changed in the file itself, or with `cohort-sync config set`");
            self.say(NoticeLevel::Info, words);
        }
    }

    /// Takes back the last change.
    pub(super) fn undo_setting(&mut self) -> Vec<Effect> {
        match self.undo.pop() {
            Some(change) => vec![Effect::Configure(change)],
            None => Vec::new(),
        }
    }

    pub(super) fn configured(&mut self, result: Result<Box<Reconfigured>, String>) -> Vec<Effect> {
        let asked = self.dialogs.iter().position(|dialog| matches!(dialog, Dialog::Edit(_)));
        let done = match result {
            Ok(done) => *done,
            Err(reason) => {
                match asked.and_then(|place| self.dialogs.get_mut(place)) {
                    Some(Dialog::Edit(dialog)) => dialog.was_refused(reason),
                    _ => self.say(NoticeLevel::Error, format!("the setting was not changed: {reason}")),
                }
                return Vec::new();
            }
        };
        let Reconfigured { edited, shown, adjustable } = done;
        if let Some(place) = asked {
            self.dialogs.remove(place);
            // What takes back a change is none itself, or one could never get further back than once.
            self.undo.push(edited.undo.clone());
            self.undo.drain(..self.undo.len().saturating_sub(MOST));
        }
        self.settings.configured = shown;
        let effects = self.take_up(&edited, adjustable);
        self.rearrange();
        effects
    }

    /// Goes by the file as it is now, as far as that can be done here, and says how far.
    fn take_up(&mut self, edited: &Edited, adjustable: Result<Adjustable, String>) -> Vec<Effect> {
        let Edited { setting, was, value, overridden, .. } = edited;
        let undo = self.scene().key(Action::UndoSetting);
        let written = format!("{setting} is {value} now, was {was}; {undo} takes it back");
        let adjustable = match (overridden, adjustable) {
            (Some(by), _) => {
                let words = format!("{setting} was written, but {by} overrides it: it stays {value}");
                self.say(NoticeLevel::Good, words);
                return Vec::new();
            }
            (None, Err(reason)) => {
                self.say(NoticeLevel::Warning, format!("{setting} was written, but not taken up: {reason}"));
                return Vec::new();
            }
            (None, Ok(adjustable)) => adjustable,
        };
        if is_of_connection(setting) {
            self.offer_to_connect_anew(edited);
            return Vec::new();
        }
        if setting.starts_with("ui.") {
            self.say(NoticeLevel::Good, written);
            return self.dress(&adjustable);
        }
        self.settings.interval = adjustable.sync.interval;
        if frame::holder(&self.snapshot.writer).is_some() {
            let words = format!("{written}; whoever writes the state takes it up at the next start");
            self.say(NoticeLevel::Good, words);
            return Vec::new();
        }
        self.say(NoticeLevel::Good, written);
        let settings = (self.settings.pace)(&adjustable.sync, &adjustable.journal);
        let what = format!("take up {setting}");
        vec![Effect::Send(Order { what, command: Command::Adjust(settings) })]
    }

    /// Takes up other looks and keys. What was chosen here over the old configuration gives way to the new one.
    fn dress(&mut self, adjustable: &Adjustable) -> Vec<Effect> {
        let Some(request) = self.settings.editing.clone() else { return Vec::new() };
        let (theme, mouse) = (self.settings.theme, self.settings.mouse);
        self.settings.dress(&adjustable.interface, &request.environment);
        let chosen = if self.settings.theme == theme { self.theme.choice() } else { self.settings.theme };
        self.theme = Theme::new(chosen, self.settings.colour);
        self.note_theme();
        if self.settings.mouse != mouse {
            self.mouse = self.settings.mouse;
            self.note_mouse();
        }
        // Keys that make no sense were refused before they were written.
        if let Ok(keymap) = Keymap::new(&self.settings.keys) {
            self.keymap = keymap;
        }
        vec![Effect::Suit]
    }

    /// Credentials and addresses are what the clients were made of.
    fn offer_to_connect_anew(&mut self, edited: &Edited) {
        let Edited { setting, was, value, .. } = edited;
        let (undo, profiles) = (self.scene().key(Action::UndoSetting), self.scene().key(Action::Profiles));
        self.say(
            NoticeLevel::Good,
            format!(
                "{setting} is {value} in the file, was {was}; {undo} takes it back, {profiles} connects anew"
            ),
        );
        let mut body = vec![
            (Role::Strong, format!("{setting} is {value} in the file now; it was {was}.")),
            (
                Role::Text,
                "It takes effect when the console connects anew: the profile is opened again here, and lists the cohorts \
                 with one query."
                    .to_owned(),
            ),
        ];
        if setting == "mixpanel.project_id" && self.settings.project_id.is_some() {
            let words = "What is recorded here belongs to the project before. For another project beside it make a profile, \
                         which has a state of its own: `cohort-sync setup --profile NAME`.";
            body.push((Role::Warn, words.to_owned()));
        }
        let is_told = !self.cuts_nothing_short();
        if is_told {
            body.extend(self.what_leaving_does(Some(&self.settings.profile)));
        }
        let choices = vec![("Connect anew", Deed::OpenAnew(is_told))];
        self.dialogs.push(Dialog::Confirm(Confirm::new("Connect anew?".to_owned(), body, choices, "Later")));
    }
}
