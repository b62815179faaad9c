//! Screen 2, and the history of one cohort: runs, newest first, those at work on top. The newest thousand are at
//! hand, so that they can be sorted and filtered; the title says when there are more.

use super::cohorts::count_of;
use super::page::{Page, Step};
use super::run::RunPage;
use super::run_columns::{self, COLUMNS};
use super::{Scene, run_listing};
use crate::domain::{CohortId, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, Question, RunRecord};
use crate::sync::snapshot::Snapshot;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::{Arrangement, Column};
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::table::{self, TableState};
use ratatui::layout::Rect;
use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Runs at hand: more than anybody scrolls through, and a few milliseconds to sort.
const AT_HAND: usize = 1_000;

/// A run with the words that a filter looks through.
struct Row {
    run: RunRecord,
    words: String,
}

impl Row {
    fn of(run: &RunRecord) -> Self {
        let outcome = run.outcome.map_or_else(|| "running".to_owned(), |outcome| outcome.to_string());
        let error = run.error.as_deref().unwrap_or_default();
        // The name comes first, because its letters are shown as matched.
        let words = format!(
            "{} {} {} {outcome} {error}",
            run.cohort,
            run_columns::kind(run),
            run_columns::trigger(run.trigger)
        );
        Self { run: run.clone(), words }
    }
}

/// What the table remembers.
pub struct RunsTable {
    /// Whose runs; everybody's on the screen of its own.
    cohort: Option<CohortId>,
    rows: Vec<Row>,
    kept: Option<u64>,
    table: TableState<Reverse<RunId>>,
    /// What the rows were asked for after; another value means that a run began or ended since.
    mark: u64,
    /// The mark when they were last asked for.
    asked: u64,
    loaded: Option<u64>,
    error: Option<String>,
}

impl Default for RunsTable {
    fn default() -> Self {
        Self::of(None)
    }
}

/// Changes whenever a run begins or ends.
#[must_use]
pub fn mark(snapshot: &Snapshot, cohort: Option<CohortId>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let concerned = snapshot.cohorts.iter().filter(|view| cohort.is_none_or(|id| view.cohort.id == id));
    for sync in concerned.filter_map(|view| view.sync.as_ref()) {
        let at_work = sync.progress.as_ref().and_then(|progress| progress.id);
        let last = sync.last_run.as_ref().map(|run| (run.id, run.ended_at));
        (sync.since, at_work, last).hash(&mut hasher);
    }
    hasher.finish()
}

impl RunsTable {
    /// The runs of a cohort, or of all.
    #[must_use]
    pub fn of(cohort: Option<CohortId>) -> Self {
        let mut table = TableState::new(0);
        if cohort.is_some() {
            table.arrangement = table.arrangement.without(run_columns::COHORT);
        }
        Self { cohort, rows: Vec::new(), kept: None, table, mark: 0, asked: 0, loaded: None, error: None }
    }

    fn question(&self) -> Question {
        Question::Runs { cohort: self.cohort, offset: 0, limit: AT_HAND }
    }

    fn selected(&self) -> Option<&RunRecord> {
        let Reverse(id) = self.table.selected()?;
        self.rows.iter().map(|row| &row.run).find(|run| run.id == id)
    }

    fn title(&self) -> Vec<Piece<'static>> {
        let table = &self.table;
        let mut title = vec![piece(Role::Title, "Runs")];
        if self.kept.is_some() {
            title.push(piece(Role::Muted, format!(" {}", count_of(table.len(), table.total()))));
        }
        if let Some(kept) = self.kept.filter(|kept| *kept > self.rows.len() as u64) {
            title.push(piece(Role::Muted, format!(" · the newest of {}", text::count(kept))));
        }
        if table.filter.is_active() && !table.filter.editing {
            title.push(piece(Role::Key, format!(" · / {}", table.filter.input.value())));
        }
        let Arrangement { sort, inverted, .. } = table.arrangement;
        let order = if inverted == COLUMNS[sort].largest_first { "▲" } else { "▼" };
        let sort = COLUMNS[sort].title.to_lowercase();
        title.push(piece(Role::Muted, format!(" · sort: {sort} {order}")));
        title
    }

    /// Why there is nothing to see, and what to do about it.
    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        match (&self.error, self.loaded) {
            (Some(error), _) => (Role::Bad, format!("The runs cannot be read: {error}")),
            (None, None) => (Role::Muted, "Reading the runs…".to_owned()),
            (None, Some(_)) if self.table.total() > 0 => {
                (Role::Muted, format!("No run matches. {} clears the filter.", scene.key(Action::Back)))
            }
            (None, Some(_)) => {
                let place = if self.cohort.is_some() { "" } else { " on the Cohorts screen" };
                let key = scene.key(Action::StartSync);
                (Role::Muted, format!("There was no run yet. {key}{place} starts one."))
            }
        }
    }

    fn draw_rows(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        table::draw(canvas, area, &COLUMNS, &self.table, |canvas, at| {
            if let Some(row) = self.rows.get(at.index) {
                run_columns::draw_cell(canvas, at, &row.run, scene.snapshot);
            }
        });
        if self.table.is_empty() {
            let (role, text) = self.emptiness(scene);
            let (width, height) = (area.width.saturating_sub(6), area.height.saturating_sub(2));
            canvas.paragraph(Rect::new(area.x + 3, area.y + 2, width, height), role, &text);
        }
    }
}

impl Page for RunsTable {
    fn place(&self) -> Place {
        Place::Runs
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Filter, Action::Sort, Action::Copy, Action::Export, Action::Palette]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let mark = mark(scene.snapshot, self.cohort);
        if mark != self.mark {
            (self.mark, self.error) = (mark, None);
        }
        self.sort();
    }

    fn drawn(&mut self, view: Option<View>) {
        self.table.view = view;
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.table.filter)
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        Some(&mut self.table.filter)
    }

    fn move_by(&mut self, lines: i64) {
        self.table.move_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.table.select_line(line);
    }

    fn columns(&self) -> Option<(&'static [Column], &Arrangement)> {
        Some((&COLUMNS, &self.table.arrangement))
    }

    fn arrangement_mut(&mut self) -> Option<&mut Arrangement> {
        Some(&mut self.table.arrangement)
    }

    fn obstacle(&self, action: Action, _: Scene<'_>) -> Option<String> {
        let needs_row = matches!(action, Action::Open | Action::Look | Action::Copy);
        (needs_row && self.table.is_empty()).then(|| "no run is selected".to_owned())
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        let Some(run) = self.selected() else { return Step::Done };
        match action {
            Action::Open => Step::Open(Box::new(RunPage::of(run))),
            Action::Look => Step::Show(run_listing::facts(scene, run)),
            Action::Copy => Step::Copy(run.id.to_string(), format!("run id {}", run.id)),
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        let is_current = self.loaded == Some(self.mark) || self.error.is_some();
        if is_current { Vec::new() } else { vec![self.question()] }
    }

    fn asked(&mut self, question: &Question) {
        if *question == self.question() {
            self.asked = self.mark;
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if *question != self.question() {
            return;
        }
        match answer {
            Ok(Answer::Runs(window)) => {
                self.rows = window.rows.iter().map(Row::of).collect();
                self.kept = Some(window.total);
                self.loaded = Some(self.asked);
            }
            Ok(_) => {}
            Err(error) => self.error = Some(error.clone()),
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        if self.rows.is_empty() {
            return None;
        }
        let find = |id: Reverse<RunId>| self.rows.iter().map(|row| &row.run).find(|run| run.id == id.0);
        let rows = run_listing::rows(self.table.keys().filter_map(find));
        let name = self.cohort.and_then(|id| scene.snapshot.cohort(id));
        let name = name.map_or_else(|| "runs".to_owned(), |view| format!("runs {}", view.cohort.name));
        Some((name, Content::Rows(rows)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        if self.cohort.is_some() {
            self.draw_rows(canvas, scene, area);
            return;
        }
        let inside = canvas.frame(area, Role::Faint, &self.title());
        if !inside.is_empty() {
            self.draw_rows(canvas, scene, inside);
        }
    }
}

impl RunsTable {
    /// Runs at work stay on top, whatever the order.
    fn sort(&mut self) {
        self.table.arrange_pinned(
            &self.rows,
            |row| (Reverse(row.run.id), row.words.as_str()),
            |row| row.run.outcome.is_none(),
            |column, a, b| run_columns::compare(column, &a.run, &b.run),
        );
    }
}
