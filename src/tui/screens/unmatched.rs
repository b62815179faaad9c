//! Who of a cohort lacked a valid `$mparticle_user_id` in its last whole account, one user a line: why, what the
//! property held instead, whether the user is sent all the same, and when Mixpanel last saw them.

use super::page::{Page, Step};
use super::{Scene, draw_emptiness};
use crate::domain::membership::RemarkKind;
use crate::domain::{CohortId, RunId};
use crate::sync::export::{self, Content};
use crate::sync::pages::{Answer, Question, UnmatchedRow};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::{LongList, PART};
use ratatui::layout::Rect;

const COLUMNS: [Column; 5] = [
    column("Distinct id", [16, 28, 44], 0, 0),
    column("Reason", [20, 24, 40], 2, 1),
    column("Holds instead", [13, 16, 24], 2, 3),
    column("Sent", [4, 4, 4], 2, 2),
    column("Last seen", [19, 19, 19], 2, 4),
];

const fn column(title: &'static str, widths: [u16; 3], gap: u16, priority: u8) -> Column {
    Column { title, letter: ' ', widths, gap, align: Align::Left, largest_first: false, priority }
}

/// The list.
pub struct UnmatchedList {
    cohort: CohortId,
    /// The run that read what is at hand.
    run: Option<RunId>,
    /// The last whole account that the snapshot knows.
    account: Option<RunId>,
    list: LongList<UnmatchedRow>,
}

impl UnmatchedList {
    /// The list of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self { cohort, run: None, account: None, list: LongList::default() }
    }

    fn question(&self, offset: u64) -> Question {
        Question::Unmatched { cohort: self.cohort, offset, limit: PART }
    }

    fn emptiness(&self) -> (Role, String) {
        match (self.list.error(), self.list.total()) {
            (Some(error), _) => (Role::Bad, format!("The users cannot be read: {error}")),
            (None, None) => (Role::Muted, "Reading the users…".to_owned()),
            (None, Some(_)) if self.run.is_none() => (
                Role::Muted,
                "The cohort was not read to its end yet; a run or a dry run does that.".to_owned(),
            ),
            (None, Some(_)) => {
                (Role::Good, "Every user has a valid $mparticle_user_id; there is nobody to list.".to_owned())
            }
        }
    }
}

impl Page for UnmatchedList {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Copy, Action::Export, Action::NextPart, Action::Back, Action::Palette]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let account = sync.and_then(|sync| sync.last_account.as_ref()).map(|run| run.id);
        if account != self.account {
            self.account = account;
            self.list.refresh();
        }
    }

    fn remark(&self, _: Scene<'_>) -> Vec<Piece<'static>> {
        // Before anybody was read, a zero would be a claim.
        let total = self.list.total().filter(|_| self.run.is_some());
        total.map(|total| piece(Role::Text, text::plural(total, "user"))).into_iter().collect()
    }

    fn drawn(&mut self, view: Option<View>) {
        self.list.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        self.list.move_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.list.select_line(line);
    }

    fn act(&mut self, action: Action, _: Scene<'_>) -> Step {
        let Some(row) = self.list.selected() else { return Step::Done };
        match (action, &row.remark.distinct_id) {
            (Action::Open | Action::Look, _) => Step::Show(facts(row)),
            (Action::Copy, Some(id)) => Step::Copy(id.to_string(), format!("the id {}", text::clean(id))),
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        self.list.wants().into_iter().map(|offset| self.question(offset)).collect()
    }

    fn asked(&mut self, question: &Question) {
        if let Question::Unmatched { offset, .. } = question {
            self.list.asked(*offset);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let Question::Unmatched { offset, .. } = question else { return };
        if self.question(*offset) != *question {
            return;
        }
        match answer {
            Ok(Answer::Unmatched(run, window)) => {
                if self.run.is_some() && self.run != *run {
                    // Rows of two reads must not stand beside each other as one list.
                    let position = self.list.position();
                    self.list.clear();
                    self.list.take(Ok(window.clone()));
                    self.list.select_line(usize::try_from(position).unwrap_or(usize::MAX));
                } else {
                    self.list.take(Ok(window.clone()));
                }
                self.run = *run;
            }
            Ok(_) => {}
            Err(error) => self.list.take(Err(error.clone())),
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let view = scene.snapshot.cohort(self.cohort).filter(|_| self.list.total() != Some(0))?;
        Some((format!("unmatched {}", view.cohort.name), Content::Unmatched(self.cohort)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, _: Scene<'_>, area: Rect) {
        self.list.draw(canvas, area, &COLUMNS, |canvas, column, area, row| {
            canvas.line(area.x, area.y, area.width, &[cell(column, row)]);
        });
        if self.list.total().unwrap_or_default() == 0 {
            draw_emptiness(canvas, area, self.emptiness());
        }
    }
}

fn cell(column: usize, row: &UnmatchedRow) -> Piece<'static> {
    let nothing = || piece(Role::Muted, "—");
    let text = |text: &Option<Box<str>>, role| {
        text.as_ref().map_or_else(nothing, |text| piece(role, text.to_string()))
    };
    let remark = &row.remark;
    match column {
        0 => text(&remark.distinct_id, Role::Text),
        1 => piece(Role::Text, reason(row)),
        2 => text(&remark.evidence, Role::Warn),
        3 if row.sendable => piece(Role::Muted, "yes"),
        3 => piece(Role::Bad, "no"),
        _ => text(&remark.last_seen, Role::Muted),
    }
}

/// Why somebody lacks an MPID, in a few words.
fn reason(row: &UnmatchedRow) -> String {
    match (export::reason(row), row.remark.kind) {
        ("anonymous", _) => "anonymous, left out".to_owned(),
        (_, RemarkKind::Unmatched(reason) | RemarkKind::Unsendable(reason)) => {
            reason.to_string().replace("$mparticle_user_id", "id")
        }
        (word, _) => word.to_owned(),
    }
}

fn facts(row: &UnmatchedRow) -> Message {
    let remark = &row.remark;
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or("nothing").to_owned();
    let why = match remark.kind {
        RemarkKind::Unmatched(reason) | RemarkKind::Unsendable(reason) => reason.to_string(),
        kind => kind.token().to_owned(),
    };
    let sent = if row.sendable {
        "by $distinct_id; it reaches the person only if mParticle knows that id"
    } else {
        "not at all: there is no id that mParticle could be told"
    };
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let facts = vec![
        fact("$distinct_id", text(&remark.distinct_id)),
        fact("Why", why),
        fact("$mparticle_user_id holds", text(&remark.evidence)),
        fact("Sent", sent.to_owned()),
        fact("Last seen", text(&remark.last_seen)),
    ];
    Message::new("Unmatched user".to_owned(), Body::Facts(facts))
}
