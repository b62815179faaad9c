//! Changing settings from the Setup screen: the question, what its answer changes on the screen, and taking it back.

use super::{App, Effect};
use crate::config::ShownSetting;
use crate::config::edit::Edited;
use crate::sync::snapshot::NoticeLevel;
use crate::tui::action::Action;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::edit::EditDialog;
use crate::tui::frame;

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
        matches!(self.snapshot.writer, crate::sync::snapshot::Writer::ReadOnly)
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

    pub(super) fn configured(&mut self, result: Result<Box<(Edited, Vec<ShownSetting>)>, String>) {
        let asked = self.dialogs.iter().position(|dialog| matches!(dialog, Dialog::Edit(_)));
        match result {
            Ok(done) => {
                let (edited, all) = *done;
                if let Some(place) = asked {
                    self.dialogs.remove(place);
                    // What takes back a change is none itself, or one could never get further back than once.
                    self.undo.push(edited.undo.clone());
                    self.undo.drain(..self.undo.len().saturating_sub(MOST));
                }
                self.settings.configured = all;
                let Edited { setting, was, value, overridden, .. } = &edited;
                let undo = self.scene().key(Action::UndoSetting);
                let words = match overridden {
                    None => format!(
                        "{setting} is {value} from the next start on (was {was}); {undo} takes it back"
                    ),
                    Some(by) => format!("{setting} was written, but {by} overrides it: it stays {value}"),
                };
                self.say(NoticeLevel::Good, words);
                self.rearrange();
            }
            Err(reason) => match asked.and_then(|place| self.dialogs.get_mut(place)) {
                Some(Dialog::Edit(dialog)) => dialog.was_refused(reason),
                _ => self.say(NoticeLevel::Error, format!("the setting was not changed: {reason}")),
            },
        }
    }
}
