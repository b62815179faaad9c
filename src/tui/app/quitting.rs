//! Leaving: the question before, and the orderly end of the engine after it. What the question says is `questions`', and
//! where one goes next, if the program does not end, is `switching`'s.

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
        self.bound_for = None;
        self.dialogs.clear();
        vec![Effect::Send(Order { what: "stop".to_owned(), command: Command::Shutdown })]
    }

    /// Whether nothing is at work here that would end before its time.
    pub(super) fn cuts_nothing_short(&self) -> bool {
        let is_idle = self.snapshot.active() == 0 && self.snapshot.verifying() == 0;
        is_idle || self.snapshot.writer.is_read_only()
    }

    /// The engine has ended as it was asked to.
    pub(super) fn depart(&mut self) -> Effect {
        self.bound_for.take().map_or(Effect::Quit(None), Effect::Open)
    }
}
