//! The requests that the journal holds, oldest first, one a line: of all cohorts as they happen, on the Live screen, or
//! of one run, on its page. The newest stays in view until somebody scrolls. Enter opens a request.

use super::journal_reading::{Came, Reading};
use super::page::{Page, Step};
use super::request::RequestPage;
use super::request_columns::{self, OF_ALL, OF_RUN, RequestRow};
use super::request_filter::{Sieve, WORDS};
use super::{Scene, draw_emptiness};
use crate::domain::{CohortId, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, JOURNAL_MOST, JournalRow, Question};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::tail::Tail;
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::sync::Arc;

/// The list.
pub struct RequestList {
    /// Whose requests; everybody's when `None`.
    run: Option<RunId>,
    reading: Reading,
    /// What came and has still to get the names of its cohorts.
    incoming: Vec<Came>,
    tail: Tail<RequestRow>,
    filter: Filter,
    /// The filter as it was read last, and what it means.
    sifted: String,
    sieve: Sieve,
}

impl RequestList {
    /// The requests of a run, or of everybody.
    #[must_use]
    pub fn of(run: Option<RunId>) -> Self {
        Self {
            run,
            reading: Reading::of(run),
            incoming: Vec::new(),
            // As many as the journal may hold, so that all of it can be scrolled to, and not one more.
            tail: Tail::keeping(JOURNAL_MOST),
            filter: Filter::default(),
            sifted: String::new(),
            sieve: Sieve::default(),
        }
    }

    /// Takes in an answer; returns the requests that were not at hand before.
    pub fn take(&mut self, question: &Question, answer: &Result<Answer, String>) -> &[JournalRow] {
        match self.reading.take(question, answer) {
            Some(came) => self.incoming.push(came),
            None => return &[],
        }
        self.incoming.last().map_or(&[], Came::rows)
    }

    /// How many requests are shown, of how many; `None` until that is known.
    #[must_use]
    pub fn count(&self) -> Option<String> {
        let count = |number: usize| text::count(number as u64);
        let (shown, total) = (self.tail.len(), self.tail.total());
        let words =
            if shown == total { count(total) } else { format!("{} of {}", count(shown), count(total)) };
        self.reading.has_begun().then_some(words)
    }

    /// Whether there is no request at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tail.total() == 0
    }

    /// What the list is narrowed to, once that is not being typed any more.
    #[must_use]
    pub fn narrowed_to(&self) -> Option<Piece<'static>> {
        let is_shown = self.filter.is_active() && !self.filter.editing;
        is_shown.then(|| piece(Role::Key, format!("/ {}", self.filter.input.value())))
    }

    /// Whether the newest stays in view; else what came since and how to see it.
    #[must_use]
    pub fn following(&self, scene: Scene<'_>) -> Piece<'static> {
        if self.tail.is_following() {
            return piece(Role::Good, "following");
        }
        // On the page of a run the other key means something else.
        let action = if self.run.is_some() { Action::Last } else { Action::Follow };
        let key = scene.key(action);
        match self.tail.newer() {
            0 => piece(Role::Warn, format!("stopped here, {key} follows again")),
            newer => {
                let newer = text::count(newer as u64);
                piece(Role::Warn, format!("stopped, {key} follows, {newer} newer"))
            }
        }
    }

    fn sift(&mut self) {
        self.sifted = self.filter.input.value().to_owned();
        self.sieve = Sieve::of(&self.sifted);
        let sieve = &mut self.sieve;
        self.tail.sift(|row| sieve.passes(row));
    }

    /// Why there is nothing to see, and what to do about it.
    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        if let Some(error) = self.reading.error() {
            return (Role::Bad, format!("The requests cannot be read: {error}"));
        }
        let words = match self.run {
            _ if !self.reading.has_begun() => "Reading the requests…".to_owned(),
            _ if self.tail.total() > 0 => {
                format!("No request matches. {} clears the filter.", scene.key(Action::Back))
            }
            Some(_) => "The journal holds no request of this run; it keeps the newest ten thousand of all."
                .to_owned(),
            None => {
                "No request was made yet. Each will show here as it happens: ▼ what is read from Mixpanel, \
                     ▲ what is sent to mParticle."
                    .to_owned()
            }
        };
        (Role::Muted, words)
    }
}

impl Page for RequestList {
    fn place(&self) -> Place {
        if self.run.is_some() { Place::Run } else { Place::Live }
    }

    fn hints(&self) -> &'static [Action] {
        use Action::{Back, Copy, Export, Filter, Follow, Look, NextPart, Open, Palette};
        match self.run {
            Some(_) => &[Open, Look, Filter, Copy, Export, NextPart, Back, Palette],
            None => &[Open, Follow, Filter, Copy, Export, Palette],
        }
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let Some(count) = self.count() else { return Vec::new() };
        let noun = if self.tail.total() == 1 { "request" } else { "requests" };
        let mut remark: Vec<_> = self.narrowed_to().into_iter().collect();
        if !remark.is_empty() {
            remark.push(piece(Role::Muted, " · "));
        }
        remark.push(piece(Role::Text, format!("{count} {noun}")));
        if self.tail.newer() > 0 {
            remark.extend([piece(Role::Muted, " · "), self.following(scene)]);
        }
        remark
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        self.reading.tell(scene.snapshot.journaled);
        if self.sifted != self.filter.input.value() {
            self.sift();
        }
        let mut names = Names::default();
        for came in std::mem::take(&mut self.incoming) {
            if matches!(came, Came::First(_)) {
                self.tail.clear();
            }
            for row in came.rows() {
                let row = RequestRow { cohort: names.of(row.line.cohort, scene), row: row.clone() };
                let (id, passes) = (row.row.id, self.sieve.passes(&row));
                match came {
                    Came::Newer(_) => self.tail.push(id, row, passes),
                    Came::First(_) | Came::Older(_) => self.tail.push_older(id, row, passes),
                }
            }
        }
    }

    fn drawn(&mut self, view: Option<View>) {
        self.tail.drawn(view);
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        Some(&mut self.filter)
    }

    fn filter_words(&self) -> Option<&'static str> {
        Some(WORDS)
    }

    fn move_by(&mut self, lines: i64) {
        self.tail.move_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.tail.select_line(line);
    }

    fn obstacle(&self, action: Action, _: Scene<'_>) -> Option<String> {
        let needs_row =
            matches!(action, Action::Open | Action::Copy) || (action == Action::Look && self.run.is_none());
        (needs_row && self.tail.selected().is_none()).then(|| "no request is selected".to_owned())
    }

    fn act(&mut self, action: Action, _: Scene<'_>) -> Step {
        if action == Action::Follow {
            self.tail.toggle_follow();
        }
        let Some(row) = self.tail.selected().cloned() else { return Step::Done };
        match action {
            Action::Open | Action::Look => {
                // Whoever comes back finds the request where it was.
                self.tail.stop();
                Step::Open(Box::new(RequestPage::of(row)))
            }
            Action::Copy => Step::Copy(request_columns::in_words(&row), "the request".to_owned()),
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        self.reading.wants()
    }

    fn asked(&mut self, question: &Question) {
        self.reading.asked(question);
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        self.take(question, answer);
    }

    fn listing(&self, _: Scene<'_>) -> Option<(String, Content)> {
        let name = self.run.map_or_else(|| "requests".to_owned(), |run| format!("requests of run {run}"));
        (!self.tail.is_empty()).then(|| (name, Content::Journal(self.tail.numbers().collect())))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        match self.run {
            Some(_) => self.tail.draw(canvas, area, &OF_RUN, request_columns::cell_of_run),
            None => self.tail.draw(canvas, area, &OF_ALL, request_columns::cell_of_all),
        }
        if self.tail.is_empty() {
            draw_emptiness(canvas, area, self.emptiness(scene));
        }
    }
}

/// The names of cohorts, each looked up and kept once.
#[derive(Default)]
struct Names(HashMap<Option<CohortId>, Arc<str>>);

impl Names {
    fn of(&mut self, cohort: Option<CohortId>, scene: Scene<'_>) -> Arc<str> {
        let look_up = || match cohort {
            None => "—".into(),
            Some(id) => match scene.snapshot.cohort(id) {
                Some(view) => view.cohort.name.as_str().into(),
                None => format!("cohort {id}").into(),
            },
        };
        Arc::clone(self.0.entry(cohort).or_insert_with(look_up))
    }
}
