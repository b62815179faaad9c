//! How the start dialog looks.
//!
//! ```text
//! ╭ Export “Churn risk” to mParticle ────────────────────────────────────────╮
//! │  Sync type    (•) Recurring — every 15 min, adds and removes             │
//! │               ( ) One-time — a snapshot, never updated afterwards        │
//! │  Attribute    Churn risk 2                                               │
//! │               The sync moves from “Churn risk”, held by 50,926 users.    │
//! │               The old one ends once everyone was told the new one.       │
//! │  Old one      (•) set to false   ( ) deleted                             │
//! │  Preview      51,002 users · 38,201 by $mparticle_user_id · …            │
//! │  [ Start sync ]  [ Dry run ]  [ Cancel ]                                 │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use super::start::{Spot, StartDialog};
use super::start_preview::{self, Subject};
use super::{Button, Radio, draw_button_row, open};
use crate::domain::{Removal, SyncKind};
use crate::tui::canvas::{Canvas, Target, cells, piece};
use crate::tui::screens::{Scene, cohort_attributes};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The widest the dialog gets, and the cells for its labels.
const COLUMNS: u16 = 74;
const LABEL: u16 = 13;
/// Below this width notes take the room below the labels too.
const INDENTED_FROM: u16 = 60;

impl StartDialog {
    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        let width = COLUMNS.min(canvas.area().width.saturating_sub(6));
        let preview = start_preview::text(&self.told(), self.kind, canvas.now, canvas.zone, scene);
        let preview_lines = height(&preview, width.saturating_sub(LABEL));
        let indent = if width < INDENTED_FROM { 0 } else { LABEL };
        let rows = self.below_attribute();
        // An objection takes as much room as what it stands in for, so that nothing jumps while a name is typed.
        let moves = self
            .moved()
            .map_or(0, |subject| height(&self.where_it_moves(subject), width.saturating_sub(indent)));
        let lines = |row: &Row| match row {
            Row::Note(Role::Bad, note) => height(note, width.saturating_sub(indent)).max(moves),
            Row::Note(_, note) => height(note, width.saturating_sub(indent)),
            Row::NewName | Row::Former => 1,
        };
        let size = (width, 7 + rows.iter().map(lines).sum::<u16>() + preview_lines);
        let area = open(canvas, size, &[piece(Role::Title, self.title())]);
        let is_tight = area.height < size.1;
        let mut y = area.y + u16::from(!is_tight);
        self.draw_kinds(canvas, Rect { y, ..area }, scene);
        y += 2;
        self.draw_attribute(canvas, Rect { y, height: 1, ..area });
        y += 1;
        let last = area.bottom().saturating_sub(1);
        let below = Rect { x: area.x + indent, width: area.width.saturating_sub(indent), ..area };
        // What can be chosen always has its line; it is the notes that give way.
        let mut kept = cells(rows.iter().filter(|row| !matches!(row, Row::Note(..))).count());
        for row in &rows {
            let room = last.saturating_sub(y);
            match row {
                Row::Note(role, note) => {
                    let room = room.saturating_sub(kept);
                    canvas.paragraph(Rect { y, height: room, ..below }, *role, note);
                    y += lines(row).min(room);
                    continue;
                }
                _ if room == 0 => break,
                Row::NewName => self.draw_new_name(canvas, Rect { y, height: 1, ..below }),
                Row::Former => {
                    if indent > 0 {
                        canvas.text(area.x, y, indent, Role::Muted, "Old one");
                    }
                    self.draw_former(canvas, Rect { y, height: 1, ..below });
                }
            }
            (y, kept) = (y + 1, kept.saturating_sub(1));
        }
        y += u16::from(!is_tight);
        let room = Rect { y, height: last.saturating_sub(y), ..indented(area) };
        if room.height > 0 {
            canvas.text(area.x, y, LABEL, Role::Muted, "Preview");
        }
        canvas.paragraph(room, Role::Text, &preview);
        let labels = ["Start sync", "Dry run", "Cancel"];
        let buttons: Vec<Button<'_>> = Spot::BUTTONS
            .iter()
            .zip(labels)
            .map(|(spot, label)| Button { label, option: spot.option(), available: true })
            .collect();
        // Enter starts from anywhere, and this is where that is seen.
        let focus = if Spot::BUTTONS.contains(&self.focus) { self.focus } else { Spot::Start };
        let focus = Some(focus.option()).filter(|_| self.focus != Spot::NewName);
        draw_button_row(canvas, Rect { y: last, height: 1, ..area }, &buttons, focus);
    }

    /// The cohorts as the preview is to account for them: under another attribute nobody was told yet.
    fn told(&self) -> Vec<Subject> {
        let baseline = self.moved().map(|subject| self.holders_of_new(subject));
        let subjects = self.subjects.iter().cloned();
        subjects
            .map(|subject| Subject { baseline: baseline.unwrap_or(subject.baseline), ..subject })
            .collect()
    }

    /// Who holds the attribute in the field from an earlier time.
    fn holders_of_new(&self, subject: &Subject) -> u64 {
        let again = subject.former.iter().find(|(attribute, _)| attribute == self.attribute.value());
        again.map_or(0, |(_, members)| *members)
    }

    fn title(&self) -> String {
        match self.subjects.as_slice() {
            [subject] => format!("Export {} to mParticle", cohort_attributes::quoted(&subject.name)),
            subjects => format!("Export {} cohorts to mParticle", subjects.len()),
        }
    }

    fn draw_kinds(&self, canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>) {
        let interval = text::interval(start_preview::interval(&self.subjects, scene));
        // A run in between does not take a sync off its schedule.
        let goes_on = |subject: &Subject| subject.kind == Some(SyncKind::Recurring) && subject.resting;
        let (one_time, brief) = if self.subjects.iter().all(goes_on) {
            ("One-time — a run now, and the sync stays recurring", "One-time, a run now")
        } else {
            ("One-time — a snapshot, never updated afterwards", "One-time, a snapshot")
        };
        let options = [
            (
                Spot::Recurring,
                SyncKind::Recurring,
                format!("Recurring — every {interval}, adds and removes"),
                format!("Recurring, every {interval}"),
            ),
            (Spot::OneTime, SyncKind::OneTime, one_time.to_owned(), brief.to_owned()),
        ];
        canvas.text(area.x, area.y, LABEL, Role::Muted, "Sync type");
        let place = indented(area);
        for (y, (spot, kind, words, brief)) in (area.y..).zip(options) {
            let is_focused = self.focus == spot;
            let radio = Radio { option: spot.option(), is_made: kind == self.kind, is_focused };
            let fits = text::width(&words) + usize::from(Radio::SIGN) <= usize::from(place.width);
            radio.draw(canvas, Rect { y, height: 1, ..place }, if fits { &words } else { &brief });
        }
    }

    fn draw_attribute(&self, canvas: &mut Canvas<'_>, area: Rect) {
        canvas.text(area.x, area.y, LABEL, Role::Muted, "Attribute");
        let field = indented(area);
        let Some(subject) = self.single() else {
            canvas.text(field.x, field.y, field.width, Role::Text, "the name of each cohort");
            return;
        };
        let is_focused = self.focus == Spot::Attribute;
        let role = if is_focused { Role::Focus } else { Role::Text };
        let used = self.attribute.draw(canvas, field.x, field.y, field.width, role, is_focused);
        canvas.target(field, Target::Option(Spot::Attribute.option()));
        let remark = match subject.kind {
            Some(_) if self.moved().is_none() && is_focused => "  type to move the sync",
            Some(_) if self.moved().is_none() => "  pinned",
            _ => "",
        };
        let room = field.width.saturating_sub(used);
        if text::width(remark) <= usize::from(room) {
            canvas.text(field.x + used, field.y, room, Role::Muted, remark);
        }
    }

    /// What stands below the attribute, in the order the focus goes through it.
    fn below_attribute(&self) -> Vec<Row> {
        let Some(subject) = self.single() else { return Vec::new() };
        let mut rows = Vec::new();
        if let Some(name) = self.new_name() {
            let name = cohort_attributes::quoted(name);
            rows.push(Row::Note(Role::Warn, format!("In Mixpanel the cohort is called {name} now.")));
            rows.push(Row::NewName);
        }
        if let Some(objection) = self.objection() {
            rows.push(Row::Note(Role::Bad, objection));
        } else if self.moved().is_some() {
            rows.push(Row::Note(Role::Text, self.where_it_moves(subject)));
        } else if let Some(twin) = subject.namesake {
            let words = format!(
                "Cohort {twin} has nearly the same name; in mParticle the two attributes look alike."
            );
            rows.push(Row::Note(Role::Warn, words));
        }
        rows.extend(self.moved().map(|_| Row::Former));
        rows
    }

    fn where_it_moves(&self, subject: &Subject) -> String {
        let holders = match subject.baseline {
            0 => "which nobody is known to hold".to_owned(),
            users => format!("held by {}", text::plural(users, "user")),
        };
        let old = cohort_attributes::quoted(&subject.attribute);
        let again = match self.holders_of_new(subject) {
            0 => String::new(),
            users => format!(" The new one is held by {} from before.", text::plural(users, "user")),
        };
        format!(
            "The sync moves from {old}, {holders}.{again} The old one ends once everyone was told the new one."
        )
    }

    fn draw_new_name(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let is_focused = self.focus == Spot::NewName;
        let button = Button { label: "Move to that name", option: Spot::NewName.option(), available: true };
        draw_button_row(canvas, area, &[button], is_focused.then(|| Spot::NewName.option()));
    }

    fn draw_former(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let choices = [
            (Spot::Former, Removal::SetFalse, "set to false"),
            (Spot::FormerDelete, Removal::Delete, "deleted"),
        ];
        let mut x = area.x;
        for (spot, removal, words) in choices {
            let is_made = removal == self.former;
            let is_focused = is_made && self.focus == Spot::Former;
            let wide = Radio::SIGN + cells(text::width(words));
            let place = Rect { x, width: wide.min(area.right().saturating_sub(x)), ..area };
            Radio { option: spot.option(), is_made, is_focused }.draw(canvas, place, words);
            x += wide + 3;
        }
    }
}

/// A row below the attribute.
enum Row {
    Note(Role, String),
    NewName,
    Former,
}

/// The part of an area that stands beside the labels.
fn indented(area: Rect) -> Rect {
    Rect { x: area.x + LABEL, width: area.width.saturating_sub(LABEL), ..area }
}

fn height(text: &str, width: u16) -> u16 {
    cells(text::wrap(text, usize::from(width)).len())
}
