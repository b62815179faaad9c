//! What a run told mParticle, one user a line: who entered or left, by which identity, how it stands and when that
//! was answered. The list may have a million lines; only what is in view is at hand.

use super::page::{Page, Step};
use super::requests::run_mark;
use super::{Scene, draw_emptiness};
use crate::domain::{ChangeState, CohortId, Direction, IdentityRef, Phase, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, ChangeRow, Question, Which};
use crate::sync::snapshot::Snapshot;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::{LongList, PART};
use ratatui::layout::Rect;

const COLUMNS: [Column; 6] = [
    column("±", [1, 1, 1], 0, Align::Left, 0),
    column("Distinct id", [14, 24, 32], 1, Align::Left, 1),
    column("MPID", [20, 20, 20], 2, Align::Right, 3),
    column("State", [8, 8, 8], 2, Align::Left, 2),
    column("When", [8, 8, 16], 2, Align::Left, 5),
    column("Reason", [16, 36, 80], 2, Align::Left, 4),
];

const fn column(title: &'static str, widths: [u16; 3], gap: u16, align: Align, priority: u8) -> Column {
    Column { title, letter: ' ', widths, gap, align, largest_first: false, priority }
}

/// The list.
pub struct ChangesList {
    cohort: CohortId,
    /// The run, or the one that is or was last at work.
    fixed: Option<RunId>,
    run: Option<RunId>,
    which: Which,
    mark: u64,
    list: LongList<ChangeRow>,
}

impl ChangesList {
    /// The changes of a run.
    #[must_use]
    pub fn of_run(cohort: CohortId, run: RunId, which: Which) -> Self {
        Self { fixed: Some(run), run: Some(run), which, ..Self::of_last(cohort) }
    }

    /// The changes of the last run of a cohort.
    #[must_use]
    pub fn of_last(cohort: CohortId) -> Self {
        Self { cohort, fixed: None, run: None, which: Which::All, mark: 0, list: LongList::default() }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        Some(Question::Changes { run: self.run?, which: self.which, offset, limit: PART })
    }

    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        match (self.list.error(), self.list.total()) {
            (Some(error), _) => (Role::Bad, format!("The changes cannot be read: {error}")),
            (None, _) if self.run.is_none() => (Role::Muted, "There was no run yet.".to_owned()),
            (None, None) => (Role::Muted, "Reading the changes…".to_owned()),
            (None, Some(_)) if self.which == Which::Rejected => {
                let key = scene.key(Action::OnlyRejected);
                (Role::Muted, format!("mParticle rejected nobody. {key} shows all changes."))
            }
            (None, Some(_)) => (
                Role::Muted,
                "No changes are kept: the run planned none, or it is older than the newest twenty."
                    .to_owned(),
            ),
        }
    }
}

/// The run whose changes are the newest: the one that sends, or else the last that ended.
fn last_run(snapshot: &Snapshot, cohort: CohortId) -> Option<RunId> {
    let sync = snapshot.cohort(cohort)?.sync.as_ref()?;
    let sending = sync.progress.as_ref().filter(|progress| progress.phase >= Phase::Send);
    sending.and_then(|progress| progress.id).or(sync.last_run.as_ref().map(|run| run.id))
}

impl Page for ChangesList {
    fn place(&self) -> Place {
        Place::Run
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::OnlyRejected,
            Action::Copy,
            Action::Export,
            Action::NextPart,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let run = self.fixed.or_else(|| last_run(scene.snapshot, self.cohort));
        if run != self.run {
            self.run = run;
            self.list.clear();
        }
        let mark = run.map_or(0, |run| run_mark(scene.snapshot, self.cohort, run));
        if mark != self.mark {
            self.mark = mark;
            self.list.refresh();
        }
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let Some(run) = self.run else { return Vec::new() };
        let mut title = Vec::new();
        if self.fixed.is_none() {
            title.push(piece(Role::Muted, format!("run {run} · ")));
        }
        if let Some(total) = self.list.total() {
            title.push(piece(Role::Text, text::count(total)));
        }
        if self.which == Which::Rejected {
            let key = scene.key(Action::OnlyRejected);
            title.push(piece(Role::Warn, format!(" rejected · {key} shows all")));
        }
        title
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

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        if action == Action::OnlyRejected {
            self.which = if self.which == Which::All { Which::Rejected } else { Which::All };
            self.list.clear();
        }
        let Some(row) = self.list.selected() else { return Step::Done };
        match action {
            Action::Open | Action::Look => Step::Show(facts(scene, row)),
            Action::Copy => {
                let id = name(row);
                let what = format!("the id {}", text::clean(&id));
                Step::Copy(id, what)
            }
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        self.list.wants().into_iter().filter_map(|offset| self.question(offset)).collect()
    }

    fn asked(&mut self, question: &Question) {
        if let Question::Changes { offset, .. } = question {
            self.list.asked(*offset);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let Question::Changes { offset, .. } = question else { return };
        if self.question(*offset).as_ref() != Some(question) {
            return;
        }
        match answer {
            Ok(Answer::Changes(window)) => self.list.take(Ok(window.clone())),
            Ok(_) => {}
            Err(error) => self.list.take(Err(error.clone())),
        }
    }

    fn listing(&self, _: Scene<'_>) -> Option<(String, Content)> {
        let run = self.run.filter(|_| self.list.total() != Some(0))?;
        let part = if self.which == Which::Rejected { "rejected changes" } else { "changes" };
        Some((format!("{part} of run {run}"), Content::Changes(run, self.which)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        self.list.draw(canvas, area, &COLUMNS, |canvas, column, area, row| {
            let cell = cell(canvas, column, row);
            match COLUMNS[column].align {
                Align::Left => canvas.line(area.x, area.y, area.width, &[cell]),
                Align::Right => canvas.line_right(area.x, area.y, area.width, &[cell]),
            };
        });
        if self.list.total().unwrap_or_default() == 0 {
            draw_emptiness(canvas, area, self.emptiness(scene));
        }
    }
}

fn cell(canvas: &Canvas<'_>, column: usize, row: &ChangeRow) -> Piece<'static> {
    let nothing = || piece(Role::Muted, "—");
    match column {
        0 if row.change.direction == Direction::Add => piece(Role::Good, "+"),
        0 => piece(Role::Text, "−"),
        1 => row.change.distinct_id.as_ref().map_or_else(nothing, |id| piece(Role::Text, id.to_string())),
        2 => match row.change.identity.borrow() {
            IdentityRef::Mpid(mpid) => piece(Role::Text, mpid.to_string()),
            IdentityRef::Uuid(_) | IdentityRef::Text(_) => nothing(),
        },
        3 => state(row.state),
        4 => row.at.map_or_else(nothing, |at| piece(Role::Muted, text::moment(canvas.now, at, canvas.zone))),
        _ => piece(Role::Bad, row.reason.clone().unwrap_or_default()),
    }
}

fn state(state: ChangeState) -> Piece<'static> {
    let role = match state {
        ChangeState::Accepted => Role::Good,
        ChangeState::Rejected => Role::Bad,
        ChangeState::Pending => Role::Muted,
    };
    piece(role, state.token())
}

/// What somebody is called: the `$distinct_id`, or the MPID where only that is known.
fn name(row: &ChangeRow) -> String {
    let mpid = match row.change.identity.borrow() {
        IdentityRef::Mpid(mpid) => mpid.to_string(),
        IdentityRef::Uuid(_) | IdentityRef::Text(_) => String::new(),
    };
    row.change.distinct_id.as_ref().map_or(mpid, ToString::to_string)
}

fn facts(scene: Scene<'_>, row: &ChangeRow) -> Message {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    say("$distinct_id", row.change.distinct_id.as_deref().unwrap_or("not known"));
    match row.change.identity.borrow() {
        IdentityRef::Mpid(mpid) => say("Sent by", &format!("MPID {mpid}")),
        IdentityRef::Uuid(_) | IdentityRef::Text(_) => say("Sent by", "$distinct_id"),
    }
    say("Change", if row.change.direction == Direction::Add { "enters the cohort" } else { "leaves it" });
    say("State", row.state.token());
    if let Some(reason) = &row.reason {
        say("mParticle says", reason);
    }
    if let Some(at) = row.at {
        say("Answered", &text::moment(scene.now, at, &scene.settings.zone));
    }
    Message::new("Change".to_owned(), Body::Facts(facts))
}
