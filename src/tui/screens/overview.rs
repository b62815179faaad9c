//! The first part of a cohort's page: what the cohort is, how its export stands, and how the last runs went, as
//! charts of users, matched share, and adds against removes.

use super::cohort_columns::share_role;
use super::cohort_lines::{Lines, fact};
use super::page::{Page, Step};
use super::{Scene, cohort_detail, runs};
use crate::domain::CohortId;
use crate::sync::pages::{Answer, Question};
use crate::sync::snapshot::{CohortView, TrendPoint};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::chart::{self, Range};
use jiff::Timestamp;
use ratatui::layout::Rect;

/// The lines of the standing, as below the Cohorts table.
const STANDING: u16 = 7;
/// Below this height there are no charts.
const CHARTS_FROM: u16 = 5;
/// The lines of a chart with its heading and its axis.
const HIGHEST_CHART: u16 = 10;
/// From this width on the charts stand beside each other.
const BESIDE_FROM: u16 = 100;
/// The matched share is drawn against at least five percentage points.
const LEAST_SPAN: f64 = 0.05;

/// The part.
pub struct Overview {
    cohort: CohortId,
    /// How many people changed sides again and again, and since when that is known.
    flapping: Option<(u64, Option<Timestamp>)>,
    /// What that was asked for after; see [`runs::mark`].
    asked: Option<u64>,
    mark: u64,
}

impl Overview {
    /// The overview of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self { cohort, flapping: None, asked: None, mark: 0 }
    }

    /// That people come and go again and again, if there are any.
    fn draw_flapping(&self, canvas: &mut Canvas<'_>, lines: &mut Lines) {
        let Some((flapping @ 1.., since)) = self.flapping else { return };
        let since = since.map_or_else(
            || "since the first export".to_owned(),
            |since| format!("since {}", text::moment(canvas.now, since, canvas.zone)),
        );
        let users = text::plural(flapping, "user");
        let list = format!("cohort-sync changes --cohort {} --flapping", self.cohort);
        let words = format!("{users} changed sides at least three times {since}; {list} tells who");
        lines.paragraph(canvas, Role::Text, &words, 2);
    }
}

impl Page for Overview {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Decide,
            Action::Reconnect,
            Action::StartSync,
            Action::PauseResume,
            Action::RunNow,
            Action::StopSync,
            Action::Verify,
            Action::Repair,
            Action::NextPart,
            Action::Look,
            Action::Back,
            Action::Palette,
        ]
    }

    fn obstacle(&self, action: Action, _: Scene<'_>) -> Option<String> {
        (action == Action::Open).then(|| "there is nothing to open here".to_owned())
    }

    fn act(&mut self, action: Action, _: Scene<'_>) -> Step {
        match action {
            Action::Copy => Step::Copy(self.cohort.to_string(), format!("cohort id {}", self.cohort)),
            _ => Step::Done,
        }
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let at_work = scene.snapshot.cohort(self.cohort).is_some_and(|view| view.status().is_active());
        // Asked once a run has ended, for it reads everything that is kept.
        if !at_work {
            self.mark = runs::mark(scene.snapshot, Some(self.cohort));
        }
    }

    fn wants(&self) -> Vec<Question> {
        let is_known = self.asked == Some(self.mark);
        if is_known { Vec::new() } else { vec![Question::Flapping(self.cohort)] }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if *question != Question::Flapping(self.cohort) {
            return;
        }
        self.asked = Some(self.mark);
        // Without an answer there is nothing to remark.
        self.flapping = match answer {
            Ok(Answer::Flapping(users, since)) => Some((*users, *since)),
            _ => None,
        };
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let Some(view) = scene.snapshot.cohort(self.cohort) else { return };
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let mut lines = Lines { area };
        // Without a sync the standing says the same.
        if area.height > STANDING + 3 && view.sync.is_some() {
            lines.skip(1);
            draw_facts(canvas, &mut lines, view);
            self.draw_flapping(canvas, &mut lines);
            lines.skip(1);
        }
        let standing = STANDING.min(lines.area.height);
        // Narrower than where it would draw charts of its own, except those of a run at work.
        let at_work = view.sync.as_ref().is_some_and(|sync| sync.progress.is_some());
        let width = if at_work { area.width } else { area.width.min(99) };
        cohort_detail::draw(canvas, scene, Rect { height: standing, width, ..lines.area }, view);
        lines.skip(standing + 1);
        let trend = view.sync.as_ref().map_or(&[][..], |sync| &sync.trend);
        if trend.len() > 1 && lines.area.height >= CHARTS_FROM {
            // Higher than this a chart says no more.
            let height = lines.area.height.min(HIGHEST_CHART);
            draw_charts(canvas, Rect { height, ..lines.area }, trend);
        }
    }
}

/// What the cohort is, and since when it is exported.
fn draw_facts(canvas: &mut Canvas<'_>, lines: &mut Lines, view: &CohortView) {
    let cohort = &view.cohort;
    if !cohort.description.trim().is_empty() {
        lines.paragraph(canvas, Role::Text, &cohort.description, 2);
    }
    let mut about = Vec::new();
    fact(&mut about, "created", &cohort.created);
    if let Some(count) = cohort.count {
        fact(&mut about, "Mixpanel counts", &text::plural(count, "user"));
    }
    if let Some(sync) = &view.sync {
        fact(&mut about, "sync", &sync.kind.to_string());
        fact(&mut about, "since", &text::moment(canvas.now, sync.since, canvas.zone));
    }
    lines.line(canvas, &about);
}

fn draw_charts(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint]) {
    let count: u16 = if area.width >= BESIDE_FROM { 3 } else { 2 };
    let width = area.width.saturating_sub(3 * (count - 1)) / count;
    let place = |index: u16| Rect { x: area.x + index * (width + 3), width, ..area };
    if count == 3 {
        draw_users(canvas, place(0), trend);
        draw_share(canvas, place(1), trend);
    } else {
        draw_share(canvas, place(0), trend);
    }
    draw_changes(canvas, place(count - 1), trend);
}

/// Draws heading and time axis; returns what is left for the chart.
fn frame(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint], left: &str, right: &str) -> Rect {
    canvas.text(area.x, area.y, area.width, Role::Muted, left);
    canvas.line_right(area.x, area.y, area.width, &[piece(Role::Text, right)]);
    let axis = area.bottom() - 1;
    if let (Some(first), Some(last)) = (trend.first(), trend.last()) {
        let from = text::moment(canvas.now, first.at, canvas.zone);
        let to = text::moment(canvas.now, last.at, canvas.zone);
        canvas.text(area.x, axis, area.width, Role::Muted, &from);
        if text::width(&from) + text::width(&to) < usize::from(area.width) {
            canvas.line_right(area.x, axis, area.width, &[piece(Role::Muted, to)]);
        }
    }
    Rect { y: area.y + 1, height: area.height - 2, ..area }
}

fn draw_users(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint]) {
    let values: Vec<f64> = trend.iter().map(|point| point.users as f64).collect();
    let last = trend.last().map_or(0, |point| point.users);
    let chart = frame(canvas, area, trend, "users", &text::count(last));
    chart::draw_line(canvas, chart, &values, Range::around(&values), Role::Text);
}

fn draw_share(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint]) {
    let values: Vec<f64> = trend.iter().map(|point| point.matched_share).collect();
    let last = trend.last().map_or(0.0, |point| point.matched_share);
    let chart = frame(canvas, area, trend, "matched share", &text::percent(last));
    let range = Range::around(&values).spanning(LEAST_SPAN);
    chart::draw_line(canvas, chart, &values, range, share_role(last));
}

fn draw_changes(canvas: &mut Canvas<'_>, area: Rect, trend: &[TrendPoint]) {
    let adds: Vec<f64> = trend.iter().map(|point| point.adds as f64).collect();
    let removes: Vec<f64> = trend.iter().map(|point| point.removes as f64).collect();
    let most = |values: &[f64]| text::compact(values.iter().copied().fold(0.0, f64::max));
    let peak = format!("at most +{} −{}", most(&adds), most(&removes));
    let heading = format!("adds and removes, {} runs", trend.len());
    let wide = text::width(&heading) + text::width(&peak) + 2 <= usize::from(area.width);
    let heading = if wide { heading } else { "+ / −".to_owned() };
    let chart = frame(canvas, area, trend, &heading, &peak);
    chart::draw_two_sided(canvas, chart, [&adds, &removes], [Role::Good, Role::Warn]);
}
