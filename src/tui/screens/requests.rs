//! The requests of a run that the journal still holds, oldest first, one a line; Enter shows what was answered. Also
//! how a list of a run learns that the run went on.

use super::Scene;
use super::page::Step;
use super::windowed::{Fresh, Rows, Windowed};
use crate::domain::{CohortId, RunId};
use crate::sync::pages::{Answer, JournalEntry, JournalRow, Question, Side, Window};
use crate::sync::snapshot::Snapshot;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::PART;
use std::hash::{DefaultHasher, Hash, Hasher};

const COLUMNS: [Column; 8] = [
    Column::words("Time", [8, 8, 8], 0, 0),
    Column::words("Side", [11, 11, 11], 2, 4),
    Column::words("Request", [12, 20, 40], 2, 2),
    Column::numbers("Users", [6, 7, 9], 1, 3),
    Column::numbers("Bytes", [9, 9, 11], 1, 7),
    Column::numbers("Status", [6, 6, 6], 2, 1),
    Column::numbers("ms", [6, 6, 7], 1, 5),
    Column::numbers("Try", [3, 3, 3], 2, 6),
];

/// Changes whenever a run has got on.
#[must_use]
pub fn run_mark(snapshot: &Snapshot, cohort: CohortId, run: RunId) -> u64 {
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

/// The list.
pub struct Requests {
    cohort: CohortId,
    run: RunId,
    mark: u64,
}

impl Requests {
    /// The requests of a run.
    #[must_use]
    pub fn of(cohort: CohortId, run: RunId) -> Windowed<Self> {
        Windowed::of(Self { cohort, run, mark: 0 })
    }
}

impl Rows for Requests {
    type Row = JournalRow;

    const NAME: &'static str = "requests";

    const COLUMNS: &'static [Column] = &COLUMNS;

    fn place(&self) -> Place {
        Place::Run
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Look, Action::Copy, Action::NextPart, Action::Back, Action::Palette]
    }

    fn arrange(&mut self, scene: Scene<'_>) -> Fresh {
        let mark = run_mark(scene.snapshot, self.cohort, self.run);
        let is_newer = std::mem::replace(&mut self.mark, mark) != mark;
        if is_newer { Fresh::Newer } else { Fresh::Same }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        Some(Question::Requests { run: self.run, offset, limit: PART })
    }

    fn window(&mut self, answer: &Answer) -> Option<(Window<JournalRow>, Fresh)> {
        match answer {
            Answer::Requests(window) => Some((window.clone(), Fresh::Same)),
            _ => None,
        }
    }

    fn cell(&self, canvas: &Canvas<'_>, column: usize, row: &JournalRow) -> Piece<'static> {
        cell(canvas, column, &row.entry)
    }

    fn remark(&self, total: Option<u64>, _: Scene<'_>) -> Vec<Piece<'static>> {
        total.map(|total| piece(Role::Text, text::plural(total, "request"))).into_iter().collect()
    }

    fn emptiness(&self, _: Scene<'_>) -> (Role, String) {
        let words = "The journal holds no request of this run; the Setup screen tells how many it keeps and for how long.";
        (Role::Muted, words.to_owned())
    }

    fn act(&self, action: Action, row: &JournalRow, scene: Scene<'_>) -> Step {
        match action {
            Action::Open => Step::Show(facts(scene, &row.entry)),
            Action::Copy => Step::Copy(row.entry.answer.clone(), "the answer".to_owned()),
            _ => Step::Done,
        }
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Mixpanel => "▼ Mixpanel",
        Side::Mparticle => "▲ mParticle",
    }
}

fn cell(canvas: &Canvas<'_>, column: usize, entry: &JournalEntry) -> Piece<'static> {
    match column {
        0 => piece(Role::Muted, text::clock(entry.at, canvas.zone)),
        1 => piece(Role::Text, side(entry.side)),
        2 => piece(Role::Text, entry.what.clone()),
        3 => piece(Role::Text, text::count(entry.users)),
        4 => piece(Role::Muted, text::count(entry.bytes)),
        5 => status(entry),
        6 => piece(Role::Text, text::count(u64::try_from(entry.elapsed.as_millis()).unwrap_or(u64::MAX))),
        _ if entry.attempt > 1 => piece(Role::Warn, entry.attempt.to_string()),
        _ => piece(Role::Muted, entry.attempt.to_string()),
    }
}

fn status(entry: &JournalEntry) -> Piece<'static> {
    match entry.status {
        None => piece(Role::Bad, "none"),
        Some(status @ 200..=299) => piece(Role::Good, status.to_string()),
        Some(429) => piece(Role::Warn, "429"),
        Some(status) => piece(Role::Bad, status.to_string()),
    }
}

fn facts(scene: Scene<'_>, entry: &JournalEntry) -> Message {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    say("Sent", &text::moment(scene.now, entry.at, &scene.settings.zone));
    say("To", side(entry.side).get(4..).unwrap_or_default());
    say("Asked", &entry.what);
    say("Users", &text::count(entry.users));
    say("Bytes", &text::count(entry.bytes));
    let status = entry.status.map_or_else(|| "no answer came".to_owned(), |status| status.to_string());
    say("Status", &format!("{status} after {} ms, try {}", entry.elapsed.as_millis(), entry.attempt));
    say("Answer", if entry.answer.is_empty() { "empty" } else { &entry.answer });
    Message::new("Request".to_owned(), Body::Facts(facts))
}
