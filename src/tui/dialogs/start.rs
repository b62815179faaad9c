//! The start dialog: what an export of the chosen cohorts will do, then the choices.
//!
//! ```text
//! ╭ Export “Churn risk” to mParticle ────────────────────────────────────────╮
//! │  Sync type    (•) Recurring — every 15 min, adds and removes             │
//! │               ( ) One-time — a snapshot, never updated afterwards        │
//! │  Attribute    Churn risk                                                 │
//! │  Preview      51,002 users · 38,201 by $mparticle_user_id · …            │
//! │  [ Start sync ]  [ Dry run ]  [ Cancel ]                                 │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::start_preview::{self, Subject};
use super::{DialogInput, Order, Reply, draw_buttons, open};
use crate::domain::SyncKind;
use crate::domain::cohort::check_attribute_name;
use crate::sync::command::{Command, StartRequest};
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::keymap::{Code, Key};
use crate::tui::screens::Scene;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::text_input::TextInput;
use ratatui::layout::Rect;

/// Where the focus is; the order is the order on the screen.
const RECURRING: usize = 0;
const ONE_TIME: usize = 1;
const ATTRIBUTE: usize = 2;
const START: usize = 3;
const DRY_RUN: usize = 4;
const CANCEL: usize = 5;

const BUTTONS: [&str; 3] = ["Start sync", "Dry run", "Cancel"];
/// The widest the dialog gets, and the cells for its labels.
const COLUMNS: u16 = 74;
const LABEL: u16 = 13;

/// The dialog.
#[derive(Debug)]
pub struct StartDialog {
    subjects: Vec<Subject>,
    kind: SyncKind,
    attribute: TextInput,
    focus: usize,
    /// Attributes of other syncs, with the names of their cohorts.
    taken: Vec<(String, String)>,
}

impl StartDialog {
    /// For some cohorts, at least one. `taken` are the attributes that other syncs own.
    #[must_use]
    pub fn new(subjects: Vec<Subject>, taken: Vec<(String, String)>) -> Self {
        let kind = subjects.first().and_then(|subject| subject.kind).unwrap_or(SyncKind::Recurring);
        let name = subjects.first().map(|subject| subject.attribute.clone()).unwrap_or_default();
        let focus = if kind == SyncKind::Recurring { RECURRING } else { ONE_TIME };
        Self { subjects, kind, attribute: TextInput::new(&name), focus, taken }
    }

    /// The attribute can be chosen for one cohort that is not pinned to one yet.
    fn attribute_is_free(&self) -> bool {
        matches!(self.subjects.as_slice(), [subject] if subject.kind.is_none())
    }

    /// Why the attribute cannot be used, if so.
    fn objection(&self) -> Option<String> {
        if !self.attribute_is_free() {
            return None;
        }
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
            DialogInput::Press(option) => {
                self.go_to(option);
                if option >= START { self.choose(option) } else { Reply::Stay }
            }
            DialogInput::Paste(text) if self.focus == ATTRIBUTE && self.attribute_is_free() => {
                self.attribute.paste(text);
                Reply::Stay
            }
            DialogInput::Key(key) => self.key(key),
            DialogInput::Paste(_) | DialogInput::Scroll(_) => Reply::Stay,
        }
    }

    fn key(&mut self, key: Key) -> Reply {
        let editing = self.focus == ATTRIBUTE && self.attribute_is_free();
        match key.code {
            Code::Enter => return self.choose(self.focus),
            Code::Tab => self.step(1),
            Code::BackTab => self.step(CANCEL),
            Code::Down => self.go_to((self.focus + 1).min(START)),
            Code::Up if self.focus >= START => self.go_to(ATTRIBUTE),
            Code::Up if self.focus == ATTRIBUTE => self.go_to(ONE_TIME),
            Code::Up => self.go_to(RECURRING),
            _ if editing => drop(self.attribute.key(key)),
            Code::Right | Code::Char('l') if self.focus >= START => self.go_to((self.focus + 1).min(CANCEL)),
            Code::Left | Code::Char('h') if self.focus >= START => self.go_to((self.focus - 1).max(START)),
            Code::Char('j') => self.go_to((self.focus + 1).min(START)),
            Code::Char('k') => self.go_to(self.focus.min(ATTRIBUTE).saturating_sub(1)),
            Code::Char(' ') if self.focus < ATTRIBUTE => self.go_to(1 - self.focus),
            Code::Char('q') => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }

    fn step(&mut self, steps: usize) {
        self.go_to((self.focus + steps) % (CANCEL + 1));
        if self.focus == ATTRIBUTE && !self.attribute_is_free() {
            self.go_to(if steps == 1 { START } else { ONE_TIME });
        }
    }

    /// Moves the focus; a sync type is chosen by going to it.
    fn go_to(&mut self, focus: usize) {
        self.focus = focus;
        match focus {
            RECURRING => self.kind = SyncKind::Recurring,
            ONE_TIME => self.kind = SyncKind::OneTime,
            _ => {}
        }
    }

    /// Enter starts from anywhere but the other buttons.
    fn choose(&mut self, focus: usize) -> Reply {
        if focus == CANCEL {
            return Reply::Close;
        }
        if self.objection().is_some() {
            self.focus = ATTRIBUTE;
            return Reply::Stay;
        }
        let dry_run = focus == DRY_RUN;
        Reply::Send(self.subjects.iter().map(|subject| self.order(subject, dry_run)).collect())
    }

    fn order(&self, subject: &Subject, dry_run: bool) -> Order {
        let what = format!("start “{}”", subject.name);
        let again = subject.kind == Some(self.kind) && self.kind == SyncKind::Recurring && subject.resting;
        if again && !dry_run {
            return Order { what, command: Command::RunNow(subject.id) };
        }
        let named = self.attribute_is_free() && self.attribute.value() != subject.name;
        let request = StartRequest {
            attribute: named.then(|| self.attribute.value().to_owned()),
            dry_run,
            ..StartRequest::new(subject.id, self.kind)
        };
        Order { what, command: Command::Start(request) }
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let text_width = usize::from(width.saturating_sub(LABEL));
        let preview = start_preview::text(&self.subjects, self.kind, canvas.now, canvas.zone, scene);
        let preview_lines = cells(text::wrap(&preview, text_width).len());
        let note = self.note();
        let note_lines = cells(note.as_ref().map_or(0, |(_, note)| text::wrap(note, text_width).len()));
        let title = self.title();
        let size = (width, 7 + note_lines + preview_lines);
        let area = open(canvas, size, &[piece(Role::Title, title)]);
        let tight = area.height < size.1;
        let mut y = area.y + u16::from(!tight);
        self.draw_kinds(canvas, Rect { y, ..area }, scene);
        y += 2;
        self.draw_attribute(canvas, Rect { y, height: 1, ..area });
        y += 1;
        if let Some((role, note)) = note {
            let room = Rect::new(area.x + LABEL, y, area.width.saturating_sub(LABEL), note_lines);
            y += canvas.paragraph(room.intersection(area), role, &note);
        }
        y += u16::from(!tight);
        canvas.text(area.x, y, LABEL, Role::Muted, "Preview");
        let room = Rect::new(
            area.x + LABEL,
            y,
            area.width.saturating_sub(LABEL),
            area.bottom().saturating_sub(y + 1),
        );
        canvas.paragraph(room, Role::Text, &preview);
        let focus = self.focus.saturating_sub(START);
        let buttons = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        draw_buttons(canvas, buttons, &BUTTONS, Some(focus), START);
    }

    fn title(&self) -> String {
        match self.subjects.as_slice() {
            [subject] => format!("Export “{}” to mParticle", subject.name),
            subjects => format!("Export {} cohorts to mParticle", subjects.len()),
        }
    }

    fn draw_kinds(&self, canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>) {
        let interval = text::interval(scene.settings.interval);
        let options = [
            (SyncKind::Recurring, format!("Recurring — every {interval}, adds and removes")),
            (SyncKind::OneTime, "One-time — a snapshot, never updated afterwards".to_owned()),
        ];
        canvas.text(area.x, area.y, LABEL, Role::Muted, "Sync type");
        for (index, (kind, words)) in options.into_iter().enumerate() {
            let y = area.y + cells(index);
            let sign = match (kind == self.kind, canvas.glyphs.is_ascii()) {
                (true, false) => "(•) ",
                (true, true) => "(*) ",
                (false, _) => "( ) ",
            };
            let role = if self.focus == index { Role::Focus } else { Role::Text };
            let row = Rect::new(area.x + LABEL, y, area.width.saturating_sub(LABEL), 1);
            canvas.line(row.x, y, row.width, &[piece(role, sign), piece(role, words)]);
            canvas.target(row, Target::Option(index));
        }
    }

    fn draw_attribute(&self, canvas: &mut Canvas<'_>, area: Rect) {
        canvas.text(area.x, area.y, LABEL, Role::Muted, "Attribute");
        let field = Rect::new(area.x + LABEL, area.y, area.width.saturating_sub(LABEL), 1);
        if self.subjects.len() > 1 {
            canvas.text(field.x, field.y, field.width, Role::Text, "the name of each cohort");
        } else if self.attribute_is_free() {
            let focused = self.focus == ATTRIBUTE;
            let role = if focused { Role::Focus } else { Role::Text };
            self.attribute.draw(canvas, field.x, field.y, field.width, role, focused);
            canvas.target(field, Target::Option(ATTRIBUTE));
        } else {
            let words = [piece(Role::Text, self.attribute.value()), piece(Role::Muted, "  pinned")];
            canvas.line(field.x, field.y, field.width, &words);
        }
    }

    /// What stands below the attribute: an objection, or that somebody else's is nearly the same.
    fn note(&self) -> Option<(Role, String)> {
        if let Some(objection) = self.objection() {
            return Some((Role::Bad, objection));
        }
        let [subject] = self.subjects.as_slice() else { return None };
        let twin = subject.same_name_as?;
        let words =
            format!("Cohort {twin} has nearly the same name; in mParticle the two attributes look alike.");
        Some((Role::Warn, words))
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
}
