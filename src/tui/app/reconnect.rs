//! Renewing credentials: for whom the question is asked, and what its answer changes on the screen.

use super::operate::{is_refused, order};
use super::{App, Effect};
use crate::domain::PauseCause;
use crate::sync::command::Command;
use crate::sync::snapshot::{Health, NoticeLevel};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::reconnect::ReconnectDialog;
use crate::tui::text;

impl App {
    /// Asks for a fresh credential of whoever refused the chosen syncs, or is down.
    pub(super) fn ask_to_reconnect(&mut self) -> Vec<Effect> {
        let refused: Vec<_> = self.chosen().into_iter().filter(|view| is_refused(view)).collect();
        let again = refused
            .iter()
            .map(|view| {
                let what = format!("reconnect “{}”", text::clean(&view.cohort.name));
                order(&what, Command::Resume(view.cohort.id))
            })
            .collect();
        let pause = refused.iter().find_map(|view| view.sync.as_ref()?.pause.as_ref());
        let why = pause.map(|pause| (pause.cause, pause.reason.clone())).or_else(|| self.whoever_is_down());
        let dialog = ReconnectDialog::new(&self.settings, why, again);
        self.dialogs.push(Dialog::Reconnect(Box::new(dialog)));
        self.tabs.page_mut().clear_marks();
        Vec::new()
    }

    fn whoever_is_down(&self) -> Option<(PauseCause, String)> {
        match (&self.snapshot.mixpanel, &self.snapshot.mparticle) {
            (Health::Down(reason), _) => Some((PauseCause::MixpanelCredentials, reason.clone())),
            (_, Health::Down(reason)) => Some((PauseCause::MparticleFeed, reason.clone())),
            _ => None,
        }
    }

    /// The answer goes to the dialog that asked, or to a toast when it was closed meanwhile.
    pub(super) fn renewed(&mut self, result: Result<String, String>) {
        let asked = self.dialogs.iter().position(|dialog| matches!(dialog, Dialog::Reconnect(_)));
        match (result, asked) {
            (Ok(words), asked) => {
                if let Some(place) = asked {
                    self.dialogs.remove(place);
                }
                self.say(NoticeLevel::Good, words);
            }
            (Err(reason), Some(place)) => {
                if let Some(Dialog::Reconnect(dialog)) = self.dialogs.get_mut(place) {
                    dialog.was_refused(reason);
                }
            }
            (Err(reason), None) => {
                self.say(NoticeLevel::Error, format!("the credentials were not taken: {reason}"));
            }
        }
    }
}
