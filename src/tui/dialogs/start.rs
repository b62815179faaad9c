//! The start dialog: what an export of the chosen cohorts will do, then the choices. A sync that exists can be
//! moved to another attribute here; what becomes of the one it leaves is then a choice too. How the dialog looks is
//! in `start_draw`.

use super::start_preview::Subject;
use super::{DialogInput, Order, Reply};
use crate::domain::cohort::check_attribute_name;
use crate::domain::{Removal, SyncKind};
use crate::sync::command::{Command, StartRequest};
use crate::tui::keymap::{Code, Key};
use crate::tui::widgets::text_input::TextInput;

/// Where the focus can be, in the order on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Recurring,
    OneTime,
    Attribute,
    /// Write the name the cohort has now into the attribute.
    NewName,
    /// What becomes of the attribute that is left: one line, so that passing by does not choose.
    Former,
    /// The other choice of that line, for the mouse alone.
    FormerDelete,
    Start,
    DryRun,
    Cancel,
}

impl Spot {
    const ALL: [Self; 9] = [
        Self::Recurring,
        Self::OneTime,
        Self::Attribute,
        Self::NewName,
        Self::Former,
        Self::FormerDelete,
        Self::Start,
        Self::DryRun,
        Self::Cancel,
    ];

    /// The buttons, in order.
    pub(super) const BUTTONS: [Self; 3] = [Self::Start, Self::DryRun, Self::Cancel];

    /// The number of a place for the mouse.
    pub(super) fn option(self) -> usize {
        Self::ALL.iter().position(|other| *other == self).unwrap_or(usize::MAX)
    }

    fn is_button(self) -> bool {
        Self::BUTTONS.contains(&self)
    }
}

/// The dialog.
#[derive(Debug)]
pub struct StartDialog {
    pub(super) subjects: Vec<Subject>,
    pub(super) kind: SyncKind,
    pub(super) attribute: TextInput,
    /// What whoever holds the attribute of before is told when the sync moves.
    pub(super) former: Removal,
    pub(super) focus: Spot,
    /// Attributes of other syncs, with the names of their cohorts.
    taken: Vec<(String, String)>,
}

impl StartDialog {
    /// For some cohorts, at least one. `taken` are the attributes that other syncs own.
    #[must_use]
    pub fn new(subjects: Vec<Subject>, taken: Vec<(String, String)>) -> Self {
        let kind = subjects.first().and_then(|subject| subject.kind).unwrap_or(SyncKind::Recurring);
        let name = subjects.first().map(|subject| subject.attribute.clone()).unwrap_or_default();
        let focus = if kind == SyncKind::Recurring { Spot::Recurring } else { Spot::OneTime };
        let attribute = TextInput::new(&name);
        Self { subjects, kind, attribute, former: Removal::default(), focus, taken }
    }

    /// The only cohort, whose attribute can be chosen; several get the names they have.
    pub(super) fn single(&self) -> Option<&Subject> {
        match self.subjects.as_slice() {
            [subject] => Some(subject),
            _ => None,
        }
    }

    /// The sync that is to move to another attribute.
    pub(super) fn moved(&self) -> Option<&Subject> {
        self.single().filter(|subject| subject.kind.is_some() && subject.attribute != self.attribute.value())
    }

    /// The name the cohort was given after its attribute was pinned, as long as no other is chosen.
    pub(super) fn new_name(&self) -> Option<&str> {
        let subject = self.single().filter(|_| self.moved().is_none())?;
        subject.new_name.as_deref().filter(|name| *name != self.attribute.value())
    }

    /// What can have the focus now, in order.
    fn spots(&self) -> Vec<Spot> {
        let is_offered = |spot: &Spot| match spot {
            Spot::Attribute => self.single().is_some(),
            Spot::NewName => self.new_name().is_some(),
            Spot::Former => self.moved().is_some(),
            Spot::FormerDelete => false,
            _ => true,
        };
        Spot::ALL.into_iter().filter(is_offered).collect()
    }

    /// Why the attribute cannot be used, if so. What is pinned already was found good once.
    pub(super) fn objection(&self) -> Option<String> {
        self.single().filter(|subject| subject.kind.is_none() || self.moved().is_some())?;
        let name = self.attribute.value();
        if let Err(error) = check_attribute_name(name) {
            return Some(error.to_string());
        }
        let owner = self.taken.iter().find(|(attribute, _)| attribute == name)?;
        Some(format!("the sync of “{}” already owns this attribute", owner.1))
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        match input {
            DialogInput::Press(option) => self.click(option),
            DialogInput::Paste(text) if self.focus == Spot::Attribute => {
                self.attribute.paste(text);
                Reply::Stay
            }
            DialogInput::Key(key) => self.key(key),
            DialogInput::Paste(_) | DialogInput::Scroll(_) => Reply::Stay,
        }
    }

    fn click(&mut self, option: usize) -> Reply {
        match Spot::ALL.get(option).copied() {
            None => Reply::Stay,
            Some(spot @ (Spot::Former | Spot::FormerDelete)) => {
                self.former = if spot == Spot::Former { Removal::SetFalse } else { Removal::Delete };
                self.go_to(Spot::Former);
                Reply::Stay
            }
            Some(spot) => {
                self.go_to(spot);
                if spot.is_button() || spot == Spot::NewName { self.press(spot) } else { Reply::Stay }
            }
        }
    }

    fn key(&mut self, key: Key) -> Reply {
        match key.code {
            Code::Enter => return self.press(self.focus),
            Code::Tab => self.step(1, true),
            Code::BackTab => self.step(-1, true),
            Code::Down => self.go_down(),
            Code::Up => self.go_up(),
            _ if self.focus == Spot::Attribute => drop(self.attribute.key(key)),
            Code::Right | Code::Char('l') if self.focus.is_button() && self.focus != Spot::Cancel => {
                self.step(1, false);
            }
            Code::Left | Code::Char('h') if self.focus.is_button() && self.focus != Spot::Start => {
                self.step(-1, false);
            }
            Code::Left | Code::Right | Code::Char('h' | 'l' | ' ') if self.focus == Spot::Former => {
                self.former = match self.former {
                    Removal::SetFalse => Removal::Delete,
                    Removal::Delete => Removal::SetFalse,
                };
            }
            Code::Char('j') => self.go_down(),
            Code::Char('k') => self.go_up(),
            Code::Char(' ') => match self.focus {
                Spot::Recurring => self.go_to(Spot::OneTime),
                Spot::OneTime => self.go_to(Spot::Recurring),
                Spot::NewName => return self.press(Spot::NewName),
                _ => {}
            },
            Code::Char('q') => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }

    /// One place further, round and round; with the sync types as one, passing by does not choose another.
    fn step(&mut self, by: isize, in_groups: bool) {
        let is_other =
            |spot: &Spot| matches!(spot, Spot::Recurring | Spot::OneTime) && *spot != self.chosen_kind();
        let mut spots = self.spots();
        spots.retain(|spot| !in_groups || !is_other(spot));
        let here = spots.iter().position(|spot| *spot == self.focus).unwrap_or(0);
        let next = here.checked_add_signed(by).unwrap_or(spots.len() - 1) % spots.len();
        self.go_to(spots[next]);
    }

    fn chosen_kind(&self) -> Spot {
        match self.kind {
            SyncKind::Recurring => Spot::Recurring,
            SyncKind::OneTime => Spot::OneTime,
        }
    }

    fn go_down(&mut self) {
        if !self.focus.is_button() {
            self.step(1, false);
        }
    }

    fn go_up(&mut self) {
        if self.focus.is_button() {
            // Whichever button it is, the line above them is the same.
            self.focus = Spot::Start;
        }
        match self.focus {
            Spot::Recurring => {}
            Spot::OneTime => self.go_to(Spot::Recurring),
            _ => self.step(-1, true),
        }
    }

    /// Moves the focus; a sync type is chosen by going to it.
    fn go_to(&mut self, spot: Spot) {
        self.focus = spot;
        match spot {
            Spot::Recurring => self.kind = SyncKind::Recurring,
            Spot::OneTime => self.kind = SyncKind::OneTime,
            _ => {}
        }
    }

    /// Enter starts from anywhere but the other buttons.
    fn press(&mut self, spot: Spot) -> Reply {
        match spot {
            Spot::Cancel => return Reply::Close,
            Spot::NewName => {
                if let Some(name) = self.new_name() {
                    self.attribute = TextInput::new(name);
                }
                self.focus = Spot::Attribute;
                return Reply::Stay;
            }
            _ => {}
        }
        if self.objection().is_some() {
            self.focus = Spot::Attribute;
            return Reply::Stay;
        }
        let dry_run = spot == Spot::DryRun;
        Reply::Send(self.subjects.iter().map(|subject| self.order(subject, dry_run)).collect())
    }

    fn order(&self, subject: &Subject, dry_run: bool) -> Order {
        let what = format!("start “{}”", subject.name);
        let is_moved = self.moved().is_some();
        let again = subject.kind == Some(self.kind) && self.kind == SyncKind::Recurring && subject.resting;
        if again && !dry_run && !is_moved {
            return Order { what, command: Command::RunNow(subject.id) };
        }
        let is_named = subject.kind.is_none() && self.attribute.value() != subject.name;
        let named = self.single().is_some() && (is_moved || is_named);
        let request = StartRequest {
            attribute: named.then(|| self.attribute.value().to_owned()),
            dry_run,
            former: self.former,
            ..StartRequest::new(subject.id, self.kind)
        };
        Order { what, command: Command::Start(request) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CohortId;

    fn subject(kind: Option<SyncKind>) -> Subject {
        Subject {
            id: CohortId(7),
            name: "Churn".to_owned(),
            attribute: "Churn".to_owned(),
            kind,
            resting: kind.is_some(),
            ..Subject::default()
        }
    }

    fn press(dialog: &mut StartDialog, keys: &str) -> Reply {
        let mut reply = Reply::Stay;
        for key in keys.split(' ') {
            reply = dialog.handle(DialogInput::Key(key.parse().unwrap()));
        }
        reply
    }

    fn request(reply: Reply) -> StartRequest {
        match reply {
            Reply::Send(mut orders) => match orders.remove(0).command {
                Command::Start(request) => request,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn enter_starts_a_recurring_sync_of_that_name() {
        let mut dialog = StartDialog::new(vec![subject(None)], Vec::new());
        let request = request(press(&mut dialog, "enter"));
        assert_eq!((request.kind, request.attribute, request.dry_run), (SyncKind::Recurring, None, false));
    }

    #[test]
    fn kind_attribute_and_dry_run_are_chosen_with_the_arrows() {
        let mut dialog = StartDialog::new(vec![subject(None)], Vec::new());
        let request = request(press(&mut dialog, "down down ! down right enter"));
        assert_eq!(request.kind, SyncKind::OneTime);
        assert_eq!((request.attribute.as_deref(), request.dry_run), (Some("Churn!"), true));
    }

    #[test]
    fn passing_by_the_sync_types_chooses_neither() {
        let mut dialog = StartDialog::new(vec![subject(None)], Vec::new());
        let request = request(press(&mut dialog, "tab ! up down tab up up tab tab enter"));
        assert_eq!((request.kind, request.attribute.as_deref()), (SyncKind::Recurring, Some("Churn!")));
    }

    #[test]
    fn a_taken_attribute_cannot_be_started() {
        let taken = vec![("Churn".to_owned(), "Other".to_owned())];
        let mut dialog = StartDialog::new(vec![subject(None)], taken);
        assert!(matches!(press(&mut dialog, "enter"), Reply::Stay));
        assert!(matches!(press(&mut dialog, "tab tab tab enter"), Reply::Close));
    }

    #[test]
    fn a_resting_recurring_sync_just_runs() {
        let mut dialog = StartDialog::new(vec![subject(Some(SyncKind::Recurring))], Vec::new());
        let Reply::Send(orders) = press(&mut dialog, "enter") else { panic!("not sent") };
        assert!(matches!(orders[0].command, Command::RunNow(CohortId(7))));
    }

    #[test]
    fn a_sync_that_exists_moves_by_editing_its_attribute() {
        let mut dialog = StartDialog::new(vec![subject(Some(SyncKind::Recurring))], Vec::new());
        press(&mut dialog, "down down 2");
        assert!(dialog.moved().is_some());
        let moved = request(press(&mut dialog, "enter"));
        assert_eq!((moved.attribute.as_deref(), moved.former), (Some("Churn2"), Removal::SetFalse));
        let deleted = request(press(&mut dialog, "down right down enter"));
        assert_eq!((deleted.attribute.as_deref(), deleted.former), (Some("Churn2"), Removal::Delete));
        // Back at what is pinned, it is a run like any other.
        press(&mut dialog, "up up backspace");
        assert_eq!(dialog.spots().len(), 6);
        let Reply::Send(orders) = press(&mut dialog, "up up enter") else { panic!("not sent") };
        assert!(matches!(orders[0].command, Command::RunNow(CohortId(7))));
    }

    #[test]
    fn passing_by_the_attribute_that_is_left_chooses_nothing() {
        let mut dialog = StartDialog::new(vec![subject(Some(SyncKind::Recurring))], Vec::new());
        press(&mut dialog, "down down 2 down down up up down down");
        assert_eq!((dialog.focus, dialog.former), (Spot::Start, Removal::SetFalse));
    }

    #[test]
    fn a_renamed_cohort_offers_its_new_name() {
        let renamed =
            Subject { new_name: Some("Churn 2026".to_owned()), ..subject(Some(SyncKind::Recurring)) };
        let mut dialog = StartDialog::new(vec![renamed], Vec::new());
        assert!(matches!(press(&mut dialog, "down down down enter"), Reply::Stay));
        assert_eq!((dialog.attribute.value(), dialog.new_name()), ("Churn 2026", None));
        assert_eq!(request(press(&mut dialog, "enter")).attribute.as_deref(), Some("Churn 2026"));
    }

    #[test]
    fn several_keep_their_names() {
        let subjects = vec![subject(Some(SyncKind::Recurring)), subject(None)];
        let mut dialog = StartDialog::new(subjects, Vec::new());
        let Reply::Send(orders) = press(&mut dialog, "down down right enter") else { panic!("not sent") };
        for order in orders {
            let Command::Start(request) = order.command else { panic!("{:?}", order.command) };
            assert_eq!((request.attribute, request.dry_run), (None, true));
        }
    }
}
