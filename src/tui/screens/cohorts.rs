//! Screen 1: the cohorts and how their export stands, with a pane below that follows the selection.
//!
//! ```text
//! ╭ Cohorts 12 · sort: status ──────────────────────────╮
//! │   Cohort        Users   Matched …   Status          │  the table: cohort_columns
//! │ ▌ Churn risk   51,002   ███▌░  …    ⠹ Sending 62 %  │
//! ├ Churn risk ─────────────────────────────────────────┤
//! │ ✓ Fetch ▸ ✓ Compare ▸ ⠹ Send …        ⣀⣤⣶⣿⣷⣤        │  the pane: cohort_detail
//! ╰─────────────────────────────────────────────────────╯
//! ```

use super::cohort::CohortPage;
use super::cohort_columns::{self, COLUMNS, SORT_AT_FIRST};
use super::page::{Page, Step};
use super::{Scene, cohort_attributes, cohort_detail, cohort_facts, cohort_listing, cohort_warnings};
use crate::domain::CohortId;
use crate::sync::export::Content;
use crate::sync::snapshot::{CohortView, ListState, Snapshot};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece, width_of};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::{Arrangement, Column};
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::table::{self, TableState};
use ratatui::layout::Rect;
use std::sync::Arc;

/// Below this height the whole box is the table's.
const PANE_FROM: u16 = 15;
/// How many lines the pane has inside, by the height there is.
const PANE_LINES: std::ops::RangeInclusive<u16> = 6..=7;

/// The cells a cohort's name keeps in the title of the pane, whatever follows it.
const LEAST_NAME: usize = 12;

/// What the screen remembers.
pub struct CohortsScreen {
    table: TableState<CohortId>,
}

impl Default for CohortsScreen {
    fn default() -> Self {
        Self { table: TableState::new(SORT_AT_FIRST) }
    }
}

impl Page for CohortsScreen {
    fn place(&self) -> Place {
        Place::Cohorts
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Decide,
            Action::Reconnect,
            Action::StartSync,
            Action::PauseResume,
            Action::RunNow,
            Action::StopSync,
            Action::Open,
            Action::Refresh,
            Action::Filter,
            Action::Sort,
            Action::Mark,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let describe = |view: &'_ Arc<CohortView>| view.cohort.id;
        self.table.arrange(
            &scene.snapshot.cohorts,
            |view| (describe(view), view.cohort.name.as_str()),
            |column, a, b| cohort_columns::compare(column, a, b),
        );
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
        let needs_row = matches!(action, Action::Open | Action::Look | Action::Copy | Action::Mark);
        (needs_row && self.table.is_empty()).then(|| "no cohort is selected".to_owned())
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        if action == Action::Mark {
            self.table.toggle_mark();
        }
        let Some(view) = self.selected(scene.snapshot) else { return Step::Done };
        match action {
            Action::Open => Step::Open(Box::new(CohortPage::of(view.cohort.id))),
            Action::Look => Step::Show(facts(scene, view)),
            Action::Copy => {
                let id = view.cohort.id.to_string();
                let what = format!("cohort id {id}");
                Step::Copy(id, what)
            }
            _ => Step::Done,
        }
    }

    fn step_back(&mut self) -> bool {
        let marked = self.table.marked() > 0;
        self.table.clear_marks();
        marked
    }

    fn subject(&self) -> Option<CohortId> {
        self.table.selected()
    }

    fn chosen(&self) -> Vec<CohortId> {
        self.table.chosen()
    }

    fn clear_marks(&mut self) {
        self.table.clear_marks();
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let listed = self.table.keys().filter_map(|id| scene.snapshot.cohort(id));
        Some(("cohorts".to_owned(), Content::Rows(cohort_listing::rows(listed))))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let title = self.title(canvas, scene);
        let inside = canvas.frame(area, Role::Faint, &title);
        if inside.is_empty() {
            return;
        }
        canvas.foot(area, &about_all(scene, area.width));
        let lines = (area.height / 4).clamp(*PANE_LINES.start(), *PANE_LINES.end());
        let selected = self.selected(scene.snapshot).filter(|_| area.height >= PANE_FROM);
        let Some(view) = selected else {
            self.draw_table(canvas, scene, inside);
            return;
        };
        let table = Rect { height: inside.height - lines - 1, ..inside };
        let pane = Rect::new(inside.x + 1, inside.bottom() - lines, inside.width.saturating_sub(2), lines);
        self.draw_table(canvas, scene, table);
        canvas.divide(area, table.bottom(), Role::Faint, &pane_title(view, area.width));
        cohort_detail::draw(canvas, scene, pane, view);
    }
}

impl CohortsScreen {
    /// The cohort under the selection.
    fn selected<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s Arc<CohortView>> {
        self.table.selected().and_then(|id| snapshot.cohort(id))
    }

    fn draw_table(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let cohorts = &scene.snapshot.cohorts;
        table::draw(canvas, area, &COLUMNS, &self.table, |canvas, at| {
            if let Some(view) = cohorts.get(at.index) {
                cohort_columns::draw_cell(canvas, at, view);
            }
        });
        if self.table.is_empty() {
            let inner = Rect::new(
                area.x + 3,
                area.y + 2,
                area.width.saturating_sub(6),
                area.height.saturating_sub(2),
            );
            let (role, text) = self.emptiness(scene);
            canvas.paragraph(inner, role, &text);
        }
    }

    /// Why there is nothing to see, and what to do about it.
    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        if self.table.total() > 0 {
            return (
                Role::Muted,
                format!("No cohort matches. {} clears the filter.", scene.key(Action::Back)),
            );
        }
        let refresh = scene.key(Action::Refresh);
        match &scene.snapshot.list {
            ListState::Never => {
                (Role::Muted, format!("No cohorts yet. {refresh} asks Mixpanel for the list."))
            }
            ListState::Loading(_) => (Role::Muted, "Asking Mixpanel for the list of cohorts…".to_owned()),
            ListState::Listed(_) => (
                Role::Muted,
                format!(
                    "Mixpanel lists no cohorts in this project. Create one there, then {refresh} to refresh."
                ),
            ),
            ListState::Failed { error, .. } => (Role::Bad, format!("{error}\n\n{refresh} tries again.")),
        }
    }

    fn title(&self, canvas: &Canvas<'_>, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let table = &self.table;
        let mut title =
            vec![piece(Role::Title, "Cohorts "), piece(Role::Muted, count_of(table.len(), table.total()))];
        if table.marked() > 0 {
            title.push(piece(Role::Key, format!(" · {} marked", table.marked())));
        }
        if table.filter.is_active() && !table.filter.editing {
            title.push(piece(Role::Key, format!(" · / {}", table.filter.input.value())));
        }
        let Arrangement { sort, inverted, .. } = table.arrangement;
        let order = if inverted == COLUMNS[sort].largest_first { "▲" } else { "▼" };
        let sort = COLUMNS[sort].title.to_lowercase();
        let warnings = cohort_warnings::count(scene.snapshot);
        if warnings > 0 {
            title.push(piece(Role::Warn, format!(" · {}", text::plural(warnings as u64, "warning"))));
        }
        title.push(piece(Role::Muted, format!(" · sort: {sort} {order}")));
        match &scene.snapshot.list {
            ListState::Loading(_) => {
                title.push(piece(Role::Busy, format!(" · {} refreshing", canvas.spinner())));
            }
            ListState::Failed { shown, .. } if table.total() > 0 => {
                let since =
                    shown.map_or_else(String::new, |at| format!(" {} old", text::age(canvas.now, at)));
                title.push(piece(Role::Bad, format!(" · list{since}: refresh failed")));
            }
            ListState::Never | ListState::Listed(_) | ListState::Failed { .. } => {}
        }
        title
    }
}

/// Everything about a cohort, to read at length and to copy.
#[must_use]
pub fn facts(scene: Scene<'_>, view: &CohortView) -> Message {
    let title = text::clean(&view.cohort.name).into_owned();
    Message::new(title, Body::Facts(cohort_facts::report(scene, view, scene.now)))
}

/// `12`, or `3 of 12` while a filter narrows.
#[must_use]
pub fn count_of(shown: usize, total: usize) -> String {
    if shown == total { total.to_string() } else { format!("{shown} of {total}") }
}

/// The name, and after it what must be seen whole; a long name gives way to that.
fn pane_title(view: &CohortView, columns: u16) -> Vec<Piece<'_>> {
    let mut after = vec![piece(Role::Muted, format!(" · {}", view.cohort.id))];
    if !view.listed {
        after.push(piece(Role::Warn, " · no longer listed by Mixpanel"));
    }
    let progress = view.sync.as_ref().and_then(|sync| sync.progress.as_ref());
    if let Some(what) =
        progress.and_then(|progress| cohort_attributes::purpose(progress.purpose, &progress.attribute))
    {
        after.push(piece(Role::Busy, format!(" · {what}")));
    }
    let room = usize::from(columns).saturating_sub(width_of(&after) + 4).max(LEAST_NAME);
    let mut title = vec![piece(Role::Title, text::cut(&view.cohort.name, room))];
    title.append(&mut after);
    title
}

/// What holds for all cohorts together, in as many words as fit: that intervals are stretched, and what deserves a look.
fn about_all(scene: Scene<'_>, columns: u16) -> Vec<Piece<'static>> {
    let stretch = scene.snapshot.stretch.as_ref().map(|stretch| {
        let syncs = text::plural(stretch.syncs as u64, "sync");
        let verb = if stretch.syncs == 1 { "has" } else { "share" };
        [stretch.to_string(), format!("{syncs} {verb} {} queries an hour", stretch.queries)]
    });
    let lints = scene.snapshot.lints.iter().map(|lint| [format!("! {}", lint.seen()), String::new()]);
    let mut remark: Vec<Piece<'static>> = Vec::new();
    for words in stretch.into_iter().chain(lints) {
        let gap = if remark.is_empty() { "" } else { " · " };
        let room = usize::from(columns).saturating_sub(4 + width_of(&remark) + text::width(gap));
        let fitting = words.into_iter().find(|words| !words.is_empty() && text::width(words) <= room);
        remark.extend(fitting.map(|words| piece(Role::Warn, format!("{gap}{words}"))));
    }
    remark
}
