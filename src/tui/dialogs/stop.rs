//! The stop dialog: what becomes of the attribute that people in mParticle hold, and, where they are to be told,
//! a word to type before they are. Letters never answer, the answer that changes nothing has the focus, and a
//! wrong word does nothing. How it looks is in `stop_draw`.

use super::stop_subject::{Subject, word_to_type};
use super::{DialogInput, Order, Reply};
use crate::domain::{CohortId, Removal};
use crate::sync::command::Command;
use crate::sync::snapshot::Snapshot;
use crate::tui::keymap::{Code, Key};
use crate::tui::widgets::text_input::TextInput;

/// What becomes of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Whoever holds them keeps them.
    Leave,
    /// Whoever holds them is told that they end.
    End(Removal),
}

/// Where the focus can be, in the order on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Leave,
    SetFalse,
    Delete,
    Go,
    EndRun,
    NotNow,
    Word,
    Agree,
    Back,
}

impl Spot {
    const ALL: [Self; 9] = [
        Self::Leave,
        Self::SetFalse,
        Self::Delete,
        Self::Go,
        Self::EndRun,
        Self::NotNow,
        Self::Word,
        Self::Agree,
        Self::Back,
    ];

    pub(super) fn fate(self) -> Option<Fate> {
        match self {
            Self::Leave => Some(Fate::Leave),
            Self::SetFalse => Some(Fate::End(Removal::SetFalse)),
            Self::Delete => Some(Fate::End(Removal::Delete)),
            _ => None,
        }
    }

    fn is_button(self) -> bool {
        self.fate().is_none() && self != Self::Word
    }
}

/// What the focus steps over.
#[derive(Debug, Clone, Copy)]
enum Steps {
    /// Every place.
    Spots,
    /// The choices as one, so that passing by does not choose.
    Groups,
    /// Buttons alone.
    Buttons,
}

/// The dialog.
#[derive(Debug)]
pub struct StopDialog {
    pub(super) subjects: Vec<Subject>,
    pub(super) fate: Fate,
    /// Set once the choice is made and the word is asked for.
    pub(super) agreeing_to: Option<Removal>,
    pub(super) typed: TextInput,
    pub(super) focus: Spot,
}

impl StopDialog {
    /// For some syncs, at least one.
    #[must_use]
    pub fn new(subjects: Vec<Subject>) -> Self {
        let mut dialog = Self {
            subjects,
            fate: Fate::Leave,
            agreeing_to: None,
            typed: TextInput::default(),
            focus: Spot::NotNow,
        };
        dialog.leave_what_is_gone();
        dialog
    }

    /// Takes in how its syncs stand now. One that has nothing left to end stays as it was: a question does not
    /// vanish under the hands of whoever answers it.
    pub fn refresh(&mut self, snapshot: &Snapshot) {
        for subject in &mut self.subjects {
            if let Some(now) = snapshot.cohort(subject.id).and_then(|view| Subject::of(view)) {
                *subject = now;
            }
        }
        self.leave_what_is_gone();
    }

    /// Moves choice and focus off what is no longer offered, to where Enter does no harm.
    fn leave_what_is_gone(&mut self) {
        if self.are_over() && self.fate == Fate::Leave {
            self.fate = Fate::End(Removal::SetFalse);
            self.focus = Spot::NotNow;
        }
        if !self.spots().contains(&self.focus) {
            self.focus = Spot::NotNow;
        }
    }

    /// Whether none of the syncs does anything by itself any more.
    pub(super) fn are_over(&self) -> bool {
        self.subjects.iter().all(|subject| subject.is_over)
    }

    /// What can have the focus now, in order.
    pub(super) fn spots(&self) -> Vec<Spot> {
        if self.agreeing_to.is_some() {
            return vec![Spot::Word, Spot::Agree, Spot::Back];
        }
        let can_end_run = self.subjects.iter().any(Subject::can_end_run);
        let is_offered = |spot: &Spot| match spot {
            Spot::Leave => !self.are_over(),
            Spot::EndRun => can_end_run,
            Spot::Word | Spot::Agree | Spot::Back => false,
            Spot::SetFalse | Spot::Delete | Spot::Go | Spot::NotNow => true,
        };
        Spot::ALL.into_iter().filter(is_offered).collect()
    }

    /// The number of a place for the mouse.
    pub(super) fn option(spot: Spot) -> usize {
        Spot::ALL.iter().position(|other| *other == spot).unwrap_or(usize::MAX)
    }

    /// Whether the word was typed.
    pub(super) fn is_agreed(&self) -> bool {
        self.typed.value().trim() == word_to_type(&self.subjects).1
    }

    /// Goes back from the word to the choice; false where there is nothing to go back to.
    pub fn step_back(&mut self) -> bool {
        if self.agreeing_to.take().is_none() {
            return false;
        }
        self.typed = TextInput::default();
        self.focus = self.chosen();
        true
    }

    /// The place of the choice that is made.
    fn chosen(&self) -> Spot {
        Spot::ALL.into_iter().find(|spot| spot.fate() == Some(self.fate)).unwrap_or(Spot::NotNow)
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        match input {
            DialogInput::Press(option) => {
                let spot = Spot::ALL.get(option).copied().filter(|spot| self.spots().contains(spot));
                let Some(spot) = spot else { return Reply::Stay };
                self.go_to(spot);
                if spot.is_button() { self.press(spot) } else { Reply::Stay }
            }
            DialogInput::Paste(text) if self.focus == Spot::Word => {
                self.typed.paste(text);
                Reply::Stay
            }
            DialogInput::Key(key) => self.key(key),
            DialogInput::Paste(_) | DialogInput::Scroll(_) => Reply::Stay,
        }
    }

    fn key(&mut self, key: Key) -> Reply {
        match key.code {
            Code::Enter => return self.press(self.focus),
            Code::Tab => self.step(1, Steps::Groups),
            Code::BackTab => self.step(-1, Steps::Groups),
            Code::Down => self.go_down(),
            Code::Up => self.go_up(),
            _ if self.focus == Spot::Word => drop(self.typed.key(key)),
            Code::Right | Code::Char('l') if self.focus.is_button() => self.step(1, Steps::Buttons),
            Code::Left | Code::Char('h') if self.focus.is_button() => self.step(-1, Steps::Buttons),
            Code::Char('j') => self.go_down(),
            Code::Char('k') => self.go_up(),
            Code::Char('q') => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }

    /// Moves the focus; a choice is made by going to it.
    fn go_to(&mut self, spot: Spot) {
        self.focus = spot;
        if let Some(fate) = spot.fate() {
            self.fate = fate;
        }
    }

    /// One place further, round and round.
    fn step(&mut self, by: isize, steps: Steps) {
        let is_step = |spot: &Spot| match steps {
            Steps::Spots => true,
            Steps::Groups => spot.fate().is_none_or(|fate| fate == self.fate),
            Steps::Buttons => spot.is_button(),
        };
        let spots: Vec<Spot> = self.spots().into_iter().filter(is_step).collect();
        let here = spots.iter().position(|spot| *spot == self.focus).unwrap_or(0);
        // There is always a button.
        let next = here.checked_add_signed(by).unwrap_or(spots.len() - 1) % spots.len();
        self.go_to(spots[next]);
    }

    fn go_down(&mut self) {
        if !self.focus.is_button() {
            self.step(1, Steps::Spots);
        }
    }

    /// From the buttons back to the choice as it is: passing by must not choose another.
    fn go_up(&mut self) {
        let first = self.spots().first().copied();
        match self.focus {
            spot if Some(spot) == first => {}
            spot if !spot.is_button() => self.step(-1, Steps::Spots),
            _ if self.agreeing_to.is_some() => self.go_to(Spot::Word),
            _ => self.go_to(self.chosen()),
        }
    }

    /// Enter on a choice is as good as on the first button.
    fn press(&mut self, spot: Spot) -> Reply {
        match (spot, self.agreeing_to) {
            (Spot::NotNow, _) => Reply::Close,
            (Spot::EndRun, _) => {
                Reply::Send(self.orders(Subject::can_end_run, "end the run of", Command::Cancel))
            }
            (Spot::Back, _) => {
                self.step_back();
                Reply::Stay
            }
            (Spot::Word | Spot::Agree, Some(removal)) if self.is_agreed() => {
                Reply::Send(self.orders(|_| true, "clean up", |id| Command::StopAndCleanUp(id, removal)))
            }
            (Spot::Word | Spot::Agree, _) => {
                self.focus = Spot::Word;
                Reply::Stay
            }
            (Spot::Leave | Spot::SetFalse | Spot::Delete | Spot::Go, _) => match self.fate {
                Fate::Leave => Reply::Send(self.orders(|subject| !subject.is_over, "stop", Command::Stop)),
                Fate::End(removal) => {
                    self.agreeing_to = Some(removal);
                    self.focus = Spot::Word;
                    Reply::Stay
                }
            },
        }
    }

    fn orders(
        &self,
        fits: impl Fn(&Subject) -> bool,
        verb: &str,
        command: impl Fn(CohortId) -> Command,
    ) -> Vec<Order> {
        let fitting = self.subjects.iter().filter(|subject| fits(subject));
        let order = |subject: &Subject| Order {
            what: format!("{verb} “{}”", subject.name),
            command: command(subject.id),
        };
        fitting.map(order).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(id: u64, name: &str) -> Subject {
        Subject {
            id: CohortId(id),
            name: name.to_owned(),
            attributes: vec![(name.to_owned(), 50)],
            is_over: false,
            is_running: false,
            is_cleaning: false,
        }
    }

    fn one() -> StopDialog {
        StopDialog::new(vec![subject(7, "Churn risk")])
    }

    fn press(dialog: &mut StopDialog, keys: &str) -> Reply {
        let mut reply = Reply::Stay;
        for key in keys.split(' ') {
            reply = dialog.handle(DialogInput::Key(key.parse().unwrap()));
        }
        reply
    }

    fn enter(dialog: &mut StopDialog, text: &str) -> Vec<String> {
        dialog.handle(DialogInput::Paste(text));
        sent(press(dialog, "enter"))
    }

    fn sent(reply: Reply) -> Vec<String> {
        match reply {
            Reply::Send(orders) => orders.iter().map(|order| format!("{:?}", order.command)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_harmless_answer_has_the_focus() {
        assert!(matches!(press(&mut one(), "enter"), Reply::Close));
        assert_eq!(sent(press(&mut one(), "left enter")), ["Stop(CohortId(7))"]);
        assert_eq!(sent(press(&mut one(), "up enter")), ["Stop(CohortId(7))"]);
    }

    #[test]
    fn letters_never_answer() {
        for keys in ["x", "y", "s", "space", "d y", "y space x", "up x s d y", "up down d"] {
            let mut dialog = one();
            assert!(matches!(press(&mut dialog, keys), Reply::Stay), "{keys}");
            assert!(dialog.agreeing_to.is_none(), "{keys}");
        }
        let mut dialog = one();
        press(&mut dialog, "up down down enter tab");
        assert!(matches!(press(&mut dialog, "y s x space"), Reply::Stay));
    }

    #[test]
    fn the_name_must_be_typed_exactly() {
        let mut dialog = one();
        press(&mut dialog, "up down enter");
        assert_eq!(dialog.agreeing_to, Some(Removal::SetFalse));
        for wrong in ["", "churn risk", "Churn risks", "Churn  risk", "7", "y"] {
            dialog.typed = TextInput::default();
            assert_eq!(enter(&mut dialog, wrong), Vec::<String>::new(), "{wrong}");
            assert!(sent(press(&mut dialog, "tab enter")).is_empty(), "the button waits for the name too");
            assert_eq!(dialog.focus, Spot::Word);
        }
        dialog.typed = TextInput::default();
        assert_eq!(enter(&mut dialog, "Churn risk"), ["StopAndCleanUp(CohortId(7), SetFalse)"]);
    }

    #[test]
    fn deleting_is_a_choice_of_its_own() {
        let mut dialog = one();
        press(&mut dialog, "up j j enter C h u r n space r i s k tab");
        assert_eq!(sent(press(&mut dialog, "enter")), ["StopAndCleanUp(CohortId(7), Delete)"]);
    }

    #[test]
    fn passing_by_the_buttons_chooses_nothing() {
        let mut dialog = one();
        press(&mut dialog, "up j down down down up");
        assert_eq!((dialog.focus, dialog.fate), (Spot::Delete, Fate::End(Removal::Delete)));
        press(&mut dialog, "tab tab tab");
        assert_eq!((dialog.focus, dialog.fate), (Spot::Delete, Fate::End(Removal::Delete)));
        press(&mut dialog, "up up up up up");
        assert_eq!((dialog.focus, dialog.fate), (Spot::Leave, Fate::Leave));
    }

    #[test]
    fn what_is_over_is_only_cleaned_up() {
        let over = Subject { is_over: true, ..subject(7, "Churn risk") };
        let mut dialog = StopDialog::new(vec![over]);
        assert!(!dialog.spots().contains(&Spot::Leave));
        assert!(sent(press(&mut dialog, "left enter")).is_empty());
        assert_eq!(enter(&mut dialog, "Churn risk"), ["StopAndCleanUp(CohortId(7), SetFalse)"]);
    }

    #[test]
    fn several_are_agreed_to_by_their_number_and_each_gets_what_fits_it() {
        let over = Subject { is_over: true, ..subject(8, "Old") };
        let running = Subject { is_running: true, ..subject(9, "Busy") };
        let all = || StopDialog::new(vec![subject(7, "Churn risk"), over.clone(), running.clone()]);
        assert_eq!(sent(press(&mut all(), "up enter")), ["Stop(CohortId(7))", "Stop(CohortId(9))"]);
        assert_eq!(sent(press(&mut all(), "left enter")), ["Cancel(CohortId(9))"]);
        let mut dialog = all();
        press(&mut dialog, "up j enter");
        assert!(enter(&mut dialog, "2").is_empty());
        dialog.typed = TextInput::default();
        assert_eq!(enter(&mut dialog, "3").len(), 3);
    }

    #[test]
    fn back_leads_to_the_choice_and_forgets_the_word() {
        let mut dialog = one();
        press(&mut dialog, "up j j enter C h");
        assert!(dialog.step_back());
        assert_eq!((dialog.focus, dialog.typed.value()), (Spot::Delete, ""));
        assert!(!dialog.step_back());
        press(&mut dialog, "enter tab tab enter");
        assert_eq!(dialog.agreeing_to, None);
    }
}
