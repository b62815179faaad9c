//! Who of a cohort lacked a valid `$mparticle_user_id` in its last whole account, one user a line: why, what the
//! property held instead, whether the user is sent all the same, and when Mixpanel last saw them.

use super::Scene;
use super::page::Step;
use super::windowed::{Fresh, Rows, Windowed};
use crate::domain::{CohortId, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, Question, UnmatchedRow, Window};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::PART;

const COLUMNS: [Column; 5] = [
    Column::words("Distinct id", [16, 28, 44], 0, 0),
    Column::words("Reason", [20, 24, 40], 2, 1),
    Column::words("Holds instead", [13, 16, 24], 2, 3),
    Column::words("Sent", [4, 4, 4], 2, 2),
    Column::words("Last seen", [19, 19, 19], 2, 4),
];

/// The list.
pub struct Unmatched {
    cohort: CohortId,
    /// The run that read what is at hand.
    run: Option<RunId>,
    /// The last whole account that the snapshot knows.
    account: Option<RunId>,
}

impl Unmatched {
    /// The list of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Windowed<Self> {
        Windowed::of(Self { cohort, run: None, account: None })
    }
}

impl Rows for Unmatched {
    type Row = UnmatchedRow;

    const NAME: &'static str = "users";

    const COLUMNS: &'static [Column] = &COLUMNS;

    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::ShowUser,
            Action::Copy,
            Action::Export,
            Action::NextPart,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) -> Fresh {
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let account = sync.and_then(|sync| sync.last_account.as_ref()).map(|run| run.id);
        let is_newer = std::mem::replace(&mut self.account, account) != account;
        if is_newer { Fresh::Newer } else { Fresh::Same }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        Some(Question::Unmatched { cohort: self.cohort, offset, limit: PART })
    }

    fn window(&mut self, answer: &Answer) -> Option<(Window<UnmatchedRow>, Fresh)> {
        let Answer::Unmatched(run, window) = answer else { return None };
        let before = std::mem::replace(&mut self.run, *run);
        // Rows of two reads must not stand beside each other as one list.
        let is_other = before.is_some() && before != *run;
        Some((window.clone(), if is_other { Fresh::Other } else { Fresh::Same }))
    }

    fn cell(&self, _: &Canvas<'_>, column: usize, row: &UnmatchedRow) -> Piece<'static> {
        cell(column, row)
    }

    fn remark(&self, total: Option<u64>, _: Scene<'_>) -> Vec<Piece<'static>> {
        // Before anybody was read, a zero would be a claim.
        let total = total.filter(|_| self.run.is_some());
        total.map(|total| piece(Role::Text, text::plural(total, "user"))).into_iter().collect()
    }

    fn emptiness(&self, _: Scene<'_>) -> (Role, String) {
        let (role, words) = match self.run {
            None => (Role::Muted, "The cohort was not read to its end yet; a run or a dry run does that."),
            Some(_) => (Role::Good, "Every user has a valid $mparticle_user_id; there is nobody to list."),
        };
        (role, words.to_owned())
    }

    fn act(&self, action: Action, row: &UnmatchedRow, _: Scene<'_>) -> Step {
        match action {
            Action::Open | Action::Look => Step::Show(facts(row)),
            _ => Step::Done,
        }
    }

    fn user(&self, row: &UnmatchedRow) -> Option<String> {
        row.remark.distinct_id.as_ref().map(ToString::to_string)
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let view = scene.snapshot.cohort(self.cohort)?;
        Some((format!("unmatched {}", view.cohort.name), Content::Unmatched(self.cohort)))
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
    row.remark.reason().to_string()
}

fn facts(row: &UnmatchedRow) -> Message {
    let remark = &row.remark;
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or("nothing").to_owned();
    let why = remark.reason().to_string();
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
