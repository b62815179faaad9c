//! Leaving: the question before, and the orderly end of the engine after it. What the question says is `questions`'.

use super::{App, Effect};
use crate::sync::command::Command;
use crate::tui::dialogs::{Dialog, Order};

impl App {
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        if self.stopping.is_some() {
            return vec![Effect::Quit(None)];
        }
        // Whoever says so again while being asked has answered.
        if self.dialogs.last().is_some_and(Dialog::asks_to_quit) {
            return self.begin_to_stop();
        }
        self.dialogs.clear();
        self.ask_to_quit()
    }

    /// Asks the engine to end; the console follows when it has, or when patience runs out.
    pub(super) fn begin_to_stop(&mut self) -> Vec<Effect> {
        self.stopping.get_or_insert(self.now);
        self.dialogs.clear();
        vec![Effect::Send(Order { what: "stop".to_owned(), command: Command::Shutdown })]
    }
}
