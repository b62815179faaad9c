//! What a run told mParticle, one user a line: who entered or left, by which identity, how it stands and when that
//! was answered. The list may have a million lines; only what is in view is at hand.

use super::Scene;
use super::page::Step;
use super::windowed::{Fresh, Rows, Windowed};
use crate::domain::{ChangeState, CohortId, Direction, Phase, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, ChangeRow, Question, Which, Window};
use crate::sync::snapshot::Snapshot;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::PART;
use std::hash::{DefaultHasher, Hash, Hasher};

const COLUMNS: [Column; 6] = [
    Column::words("±", [1, 1, 1], 0, 0),
    Column::words("Distinct id", [14, 24, 36], 1, 1),
    Column::numbers("MPID", [20, 20, 20], 2, 3),
    Column::words("State", [8, 8, 8], 2, 2),
    Column::words("When", [8, 8, 16], 2, 5),
    Column::words("Reason", [16, 36, 80], 2, 4),
];

/// The list.
pub struct Changes {
    cohort: CohortId,
    /// The run, or the one that is or was last at work.
    fixed: Option<RunId>,
    run: Option<RunId>,
    which: Which,
    mark: u64,
}

impl Changes {
    /// The changes of a run.
    #[must_use]
    pub fn of_run(cohort: CohortId, run: RunId, which: Which) -> Windowed<Self> {
        Windowed::of(Self { cohort, fixed: Some(run), run: Some(run), which, mark: 0 })
    }

    /// The changes of the last run of a cohort.
    #[must_use]
    pub fn of_last(cohort: CohortId) -> Windowed<Self> {
        Windowed::of(Self { cohort, fixed: None, run: None, which: Which::All, mark: 0 })
    }
}

/// The run whose changes are the newest: the one that sends, or else the last that ended.
fn last_run(snapshot: &Snapshot, cohort: CohortId) -> Option<RunId> {
    let sync = snapshot.cohort(cohort)?.sync.as_ref()?;
    let sending = sync.progress.as_ref().filter(|progress| progress.phase >= Phase::Send);
    sending.and_then(|progress| progress.id).or(sync.last_run.as_ref().map(|run| run.id))
}

/// Changes whenever a run has got on.
fn run_mark(snapshot: &Snapshot, cohort: CohortId, run: RunId) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(sync) = snapshot.cohort(cohort).and_then(|view| view.sync.as_ref()) {
        let at_work = sync.progress.as_ref().filter(|progress| progress.id == Some(run));
        let counts = at_work.map(|progress| &progress.counts);
        let answered =
            counts.map(|counts| (counts.requests, counts.retries, counts.accepted(), counts.rejected()));
        let read = counts.map(|counts| counts.read.fetched());
        let ended = sync.last_run.as_ref().is_some_and(|last| last.id == run);
        (answered, read, ended).hash(&mut hasher);
    }
    hasher.finish()
}

impl Rows for Changes {
    type Row = ChangeRow;

    const NAME: &'static str = "changes";

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn place(&self) -> Place {
        Place::Run
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::ShowUser,
            Action::OnlyRejected,
            Action::Copy,
            Action::Export,
            Action::NextPart,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) -> Fresh {
        let run = self.fixed.or_else(|| last_run(scene.snapshot, self.cohort));
        let mark = run.map_or(0, |run| run_mark(scene.snapshot, self.cohort, run));
        let is_other = std::mem::replace(&mut self.run, run) != run;
        let is_newer = std::mem::replace(&mut self.mark, mark) != mark;
        match (is_other, is_newer) {
            (true, _) => Fresh::Other,
            (false, true) => Fresh::Newer,
            (false, false) => Fresh::Same,
        }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        Some(Question::Changes { run: self.run?, which: self.which, offset, limit: PART })
    }

    fn window(&mut self, answer: &Answer) -> Option<(Window<ChangeRow>, Fresh)> {
        match answer {
            Answer::Changes(window) => Some((window.clone(), Fresh::Same)),
            _ => None,
        }
    }

    fn cell(&self, canvas: &Canvas<'_>, column: usize, row: &ChangeRow) -> Piece<'static> {
        cell(canvas, column, row)
    }

    fn remark(&self, total: Option<u64>, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let Some(run) = self.run else { return Vec::new() };
        let mut title = Vec::new();
        if self.fixed.is_none() {
            title.push(piece(Role::Muted, format!("run {run} · ")));
        }
        if let Some(total) = total {
            title.push(piece(Role::Text, text::count(total)));
        }
        if self.which == Which::Rejected {
            let key = scene.key(Action::OnlyRejected);
            title.push(piece(Role::Warn, format!(" rejected · {key} shows all")));
        }
        title
    }

    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        let words = match (self.run, self.which) {
            (None, _) => "There was no run yet.".to_owned(),
            (Some(_), Which::Rejected) => {
                format!("mParticle rejected nobody. {} shows all changes.", scene.key(Action::OnlyRejected))
            }
            (Some(_), Which::All) => {
                "No changes are kept: the run planned none, or it is older than the newest twenty that did."
                    .to_owned()
            }
        };
        (Role::Muted, words)
    }

    fn act(&self, action: Action, row: &ChangeRow, scene: Scene<'_>) -> Step {
        match action {
            Action::Open | Action::Look => Step::Show(facts(scene, row)),
            _ => Step::Done,
        }
    }

    fn user(&self, row: &ChangeRow) -> Option<String> {
        Some(name(row))
    }

    fn turn(&mut self, action: Action) -> Fresh {
        if action != Action::OnlyRejected {
            return Fresh::Same;
        }
        self.which = if self.which == Which::All { Which::Rejected } else { Which::All };
        Fresh::Other
    }

    fn listing(&self, _: Scene<'_>) -> Option<(String, Content)> {
        let run = self.run?;
        let part = if self.which == Which::Rejected { "rejected changes" } else { "changes" };
        Some((format!("{part} of run {run}"), Content::Changes(run, self.which)))
    }
}

fn cell(canvas: &Canvas<'_>, column: usize, row: &ChangeRow) -> Piece<'static> {
    let nothing = || piece(Role::Muted, "—");
    match column {
        0 if row.change.direction == Direction::Add => piece(Role::Good, "+"),
        0 => piece(Role::Text, "−"),
        1 => row.change.distinct_id.as_ref().map_or_else(nothing, |id| piece(Role::Text, id.to_string())),
        2 => row.change.identity.mpid().map_or_else(nothing, |mpid| piece(Role::Text, mpid.to_string())),
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
    row.change.distinct_id.as_ref().map_or_else(|| row.change.identity.to_string(), ToString::to_string)
}

fn facts(scene: Scene<'_>, row: &ChangeRow) -> Message {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    say("$distinct_id", row.change.distinct_id.as_deref().unwrap_or("not known"));
    match row.change.identity.mpid() {
        Some(mpid) => say("Sent by", &format!("MPID {mpid}")),
        None => say("Sent by", "$distinct_id"),
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
