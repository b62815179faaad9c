//! The requests of a run that the journal still holds, oldest first, one a line; Enter shows what was answered. Also
//! how a list of a run learns that the run went on.

use super::page::{Page, Step};
use super::{Scene, draw_emptiness};
use crate::domain::{CohortId, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, JournalEntry, JournalRow, Question, Side};
use crate::sync::snapshot::Snapshot;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::{LongList, PART};
use ratatui::layout::Rect;
use std::hash::{DefaultHasher, Hash, Hasher};

const COLUMNS: [Column; 8] = [
    column("Time", [8, 8, 8], 0, Align::Left, 0),
    column("Side", [11, 11, 11], 2, Align::Left, 4),
    column("Request", [12, 20, 40], 2, Align::Left, 2),
    column("Users", [6, 7, 9], 1, Align::Right, 3),
    column("Bytes", [9, 9, 11], 1, Align::Right, 7),
    column("Status", [6, 6, 6], 2, Align::Right, 1),
    column("ms", [6, 6, 7], 1, Align::Right, 5),
    column("Try", [3, 3, 3], 2, Align::Right, 6),
];

const fn column(title: &'static str, widths: [u16; 3], gap: u16, align: Align, priority: u8) -> Column {
    Column { title, letter: ' ', widths, gap, align, largest_first: false, priority }
}

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
pub struct RequestsList {
    cohort: CohortId,
    run: RunId,
    mark: u64,
    list: LongList<JournalRow>,
}

impl RequestsList {
    /// The requests of a run.
    #[must_use]
    pub fn of(cohort: CohortId, run: RunId) -> Self {
        Self { cohort, run, mark: 0, list: LongList::default() }
    }

    fn question(&self, offset: u64) -> Question {
        Question::Requests { run: self.run, offset, limit: PART }
    }

    fn emptiness(&self) -> (Role, String) {
        match (self.list.error(), self.list.total()) {
            (Some(error), _) => (Role::Bad, format!("The requests cannot be read: {error}")),
            (None, None) => (Role::Muted, "Reading the requests…".to_owned()),
            (None, Some(_)) => (
                Role::Muted,
                "The journal holds no request of this run; it keeps the newest ten thousand.".to_owned(),
            ),
        }
    }
}

impl Page for RequestsList {
    fn place(&self) -> Place {
        Place::Run
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Look, Action::Copy, Action::NextPart, Action::Back, Action::Palette]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let mark = run_mark(scene.snapshot, self.cohort, self.run);
        if mark != self.mark {
            self.mark = mark;
            self.list.refresh();
        }
    }

    fn remark(&self, _: Scene<'_>) -> Vec<Piece<'static>> {
        self.list.total().map(|total| piece(Role::Text, text::plural(total, "request"))).into_iter().collect()
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
        let Some(row) = self.list.selected() else { return Step::Done };
        match action {
            Action::Open => Step::Show(facts(scene, &row.entry)),
            Action::Copy => Step::Copy(row.entry.answer.clone(), "the answer".to_owned()),
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        self.list.wants().into_iter().map(|offset| self.question(offset)).collect()
    }

    fn asked(&mut self, question: &Question) {
        if let Question::Requests { offset, .. } = question {
            self.list.asked(*offset);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let Question::Requests { offset, .. } = question else { return };
        if self.question(*offset) != *question {
            return;
        }
        match answer {
            Ok(Answer::Requests(window)) => self.list.take(Ok(window.clone())),
            Ok(_) => {}
            Err(error) => self.list.take(Err(error.clone())),
        }
    }

    fn listing(&self, _: Scene<'_>) -> Option<(String, Content)> {
        None
    }

    fn draw(&self, canvas: &mut Canvas<'_>, _: Scene<'_>, area: Rect) {
        self.list.draw(canvas, area, &COLUMNS, |canvas, column, area, row| {
            let cell = cell(canvas, column, &row.entry);
            match COLUMNS[column].align {
                Align::Left => canvas.line(area.x, area.y, area.width, &[cell]),
                Align::Right => canvas.line_right(area.x, area.y, area.width, &[cell]),
            };
        });
        if self.list.total().unwrap_or_default() == 0 {
            draw_emptiness(canvas, area, self.emptiness());
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
