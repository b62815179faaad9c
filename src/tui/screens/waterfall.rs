//! The counts of a cohort's last whole account as a waterfall: from what Mixpanel says to what mParticle accepted,
//! each line a count, a bar and what it means. Enter on a line opens the list behind it.

use super::cohort::UNMATCHED;
use super::page::{Page, Step};
use super::run::RunPage;
use super::verified::{self, VerifiedLine};
use super::wrong::WrongPage;
use super::{Scene, draw_emptiness};
use crate::domain::{CohortId, RunCounts};
use crate::sync::export::{Content, Table};
use crate::sync::snapshot::{CohortView, RunView, Snapshot};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, Target, View, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::{bar, scroll};
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Cells for the words in front, the count, and the widest bar.
const LABEL: u16 = 27;
const COUNT: u16 = 11;
const BAR: u16 = 32;
/// From this width on there is room for bars, and from which for what a line means.
const BAR_FROM: u16 = 60;
const MEANING_FROM: u16 = 76;

/// What is behind a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Nothing,
    Unmatched,
    Rejected,
    Wrong,
}

/// A line of the waterfall.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    label: Cow<'static, str>,
    count: i64,
    /// What stands in place of the count.
    figure: Option<String>,
    meaning: String,
    role: Role,
    /// Whether it has a bar: parts that were taken away have none.
    is_stock: bool,
    behind: Behind,
}

impl Line {
    fn stock(label: &'static str, count: u64, meaning: &str) -> Self {
        Self {
            label: label.into(),
            count: count.cast_signed(),
            figure: None,
            meaning: meaning.to_owned(),
            role: Role::Busy,
            is_stock: true,
            behind: Behind::Nothing,
        }
    }

    fn lost(label: &'static str, count: u64, meaning: &str) -> Self {
        Self { is_stock: false, count: -count.cast_signed(), ..Self::stock(label, count, meaning) }
    }

    fn over(self, behind: Behind) -> Self {
        Self { behind, ..self }
    }

    fn warns(self, role: Role) -> Self {
        Self { role: if self.count == 0 { self.role } else { role }, ..self }
    }
}

impl From<VerifiedLine> for Line {
    fn from(line: VerifiedLine) -> Self {
        let VerifiedLine { label, figure, meaning, role, has_list } = line;
        let behind = if has_list { Behind::Wrong } else { Behind::Nothing };
        Self { label: label.into(), count: 0, figure: Some(figure), meaning, role, is_stock: false, behind }
    }
}

/// The part.
pub struct Waterfall {
    cohort: CohortId,
    selected: usize,
    lines: usize,
    view: Option<View>,
}

impl Waterfall {
    /// The waterfall of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self { cohort, selected: 0, lines: 0, view: None }
    }

    fn lines(&self, snapshot: &Snapshot) -> Option<(Vec<Line>, RunView)> {
        let view = snapshot.cohort(self.cohort)?;
        let sync = view.sync.as_ref()?;
        let run = sync.last_account.clone()?;
        let mut lines = lines(view, &run.counts);
        lines.extend(verified::line(sync).map(Line::from));
        Some((lines, run))
    }
}

fn lines(view: &CohortView, counts: &RunCounts) -> Vec<Line> {
    let (read, adds) = (&counts.read, &counts.adds);
    let fetched = read.fetched();
    let difference = view.cohort.count.map(|count| fetched.cast_signed() - count.cast_signed());
    let drift = match difference {
        None | Some(0) => "profiles of the last whole read".to_owned(),
        Some(more) => {
            let sign = if more < 0 { '−' } else { '+' };
            format!("{} between the two counts", text::signed(sign, more.unsigned_abs()))
        }
    };
    let mut lines = Vec::new();
    if let Some(count) = view.cohort.count {
        lines.push(Line::stock("Mixpanel says", count, "count in the cohort list"));
    }
    lines.extend([
        Line::stock("Fetched", fetched, &drift),
        Line::lost("  same person twice", read.duplicates, "further profiles of one identity"),
        Line::lost("  no usable identifier", read.unsendable, "no id at all, or not an id")
            .over(Behind::Unmatched)
            .warns(Role::Warn),
        Line::stock("Sent to mParticle", read.sendable(), ""),
        Line::stock("  by $mparticle_user_id", read.matched, "if mParticle knows it"),
    ]);
    if read.suspect > 0 {
        let meaning = "ends in zeros: written by JavaScript, will not match";
        lines.push(Line::stock("    suspect: rounded id", read.suspect, meaning).warns(Role::Bad));
    }
    let meaning = "matches only if it is the customer id in mParticle";
    lines.push(
        Line::stock("  by $distinct_id", read.unmatched, meaning).over(Behind::Unmatched).warns(Role::Warn),
    );
    if read.anonymous > 0 {
        lines.push(
            Line::stock("    anonymous", read.anonymous, "$device: ids of people nobody has identified")
                .over(Behind::Unmatched),
        );
    }
    let accepted = counts.unchanged + adds.accepted();
    lines.push(
        Line::stock("Accepted", accepted, "acknowledged by mParticle, now or before").warns(Role::Good),
    );
    let meaning = "mParticle refused these; Enter shows why";
    lines.push(Line::stock("Rejected", adds.rejected(), meaning).over(Behind::Rejected).warns(Role::Bad));
    if adds.pending() > 0 {
        lines.push(
            Line::stock("Pending", adds.pending(), "not answered; the next run tells them").warns(Role::Warn),
        );
    }
    let unexplained = read.sendable().cast_signed() - (counts.unchanged + adds.planned()).cast_signed();
    if unexplained != 0 {
        let line = Line::stock("Unexplained", 0, "this should not happen; please report it");
        lines.push(Line { count: unexplained, role: Role::Bad, is_stock: false, ..line });
    }
    lines
}

impl Page for Waterfall {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::Verify,
            Action::Repair,
            Action::Copy,
            Action::Export,
            Action::NextPart,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        self.lines = self.lines(scene.snapshot).map_or(0, |(lines, _)| lines.len());
        self.selected = self.selected.min(self.lines.saturating_sub(1));
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let Some((_, run)) = self.lines(scene.snapshot) else { return Vec::new() };
        let at = text::moment(scene.now, run.ended_at.unwrap_or(run.started_at), &scene.settings.zone);
        vec![piece(Role::Muted, format!("run {}, {at}", run.id))]
    }

    fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        let lines = isize::try_from(lines).unwrap_or(0);
        self.select_line(self.selected.saturating_add_signed(lines));
    }

    fn select_line(&mut self, line: usize) {
        self.selected = line.min(self.lines.saturating_sub(1));
    }

    fn obstacle(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let found = self.lines(scene.snapshot);
        let line = found.as_ref().and_then(|(lines, _)| lines.get(self.selected));
        let is_dead = line.is_none_or(|line| line.behind == Behind::Nothing);
        (action == Action::Open && is_dead).then(|| "there is no list behind this line".to_owned())
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        let Some((lines, run)) = self.lines(scene.snapshot) else { return Step::Done };
        let Some(line) = lines.get(self.selected) else { return Step::Done };
        match (action, line.behind) {
            (Action::Open, Behind::Unmatched) => Step::Part(UNMATCHED),
            (Action::Open, Behind::Rejected) => Step::Open(Box::new(RunPage::at_rejected(&run))),
            (Action::Open, Behind::Wrong) => Step::Open(Box::new(WrongPage::of(self.cohort))),
            (Action::Copy, _) => Step::Copy(line.count.to_string(), "the count".to_owned()),
            _ => Step::Done,
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let (lines, _) = self.lines(scene.snapshot)?;
        let row = |line: Line| {
            let count = line.figure.map_or_else(|| line.count.into(), serde_json::Value::from);
            vec![line.label.trim().into(), count, line.meaning.into()]
        };
        let table =
            Table { columns: &["line", "count", "meaning"], rows: lines.into_iter().map(row).collect() };
        let name = &scene.snapshot.cohort(self.cohort)?.cohort.name;
        Some((format!("counts {name}"), Content::Rows(table)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let Some((lines, _)) = self.lines(scene.snapshot) else {
            let words = "The cohort was not read to its end yet; a run or a dry run does that.".to_owned();
            draw_emptiness(canvas, area, (Role::Muted, words));
            return;
        };
        let body =
            if area.height > 14 { Rect { y: area.y + 1, height: area.height - 1, ..area } } else { area };
        let most = lines.iter().filter(|line| line.is_stock).map(|line| line.count).max().unwrap_or(1).max(1);
        let view = scroll::view(self.view, Some(self.selected), lines.len(), usize::from(body.height));
        canvas.hits.list = Some(view);
        for (y, (index, line)) in (body.y..body.bottom()).zip(lines.iter().enumerate().skip(view.offset)) {
            let row = Rect::new(body.x, y, body.width.saturating_sub(1), 1);
            let is_selected = index == self.selected;
            if is_selected {
                canvas.tint(row, Role::Selected);
                canvas.on_selected(|canvas| {
                    canvas.text(row.x, y, 1, Role::Focus, "▌");
                    draw_line(canvas, row, line, most);
                });
            } else {
                draw_line(canvas, row, line, most);
            }
            canvas.target(row, Target::Line(index));
        }
    }
}

fn draw_line(canvas: &mut Canvas<'_>, row: Rect, line: &Line, most: i64) {
    let mut x = row.x + 2;
    let left = |x: u16| row.right().saturating_sub(x);
    let is_head = !line.label.starts_with(' ');
    let label = LABEL.min(left(x).saturating_sub(COUNT));
    canvas.text(x, row.y, label, if is_head { Role::Strong } else { Role::Text }, &line.label);
    x += label;
    let count = if let Some(figure) = &line.figure {
        figure.clone()
    } else if line.count < 0 {
        text::signed('−', line.count.unsigned_abs())
    } else {
        text::count(line.count.unsigned_abs())
    };
    let is_alarm = matches!(line.role, Role::Bad | Role::Warn) && line.count != 0;
    let role = if is_alarm || line.figure.is_some() {
        line.role
    } else if line.count == 0 {
        Role::Muted
    } else {
        Role::Text
    };
    canvas.line_right(x, row.y, COUNT.min(left(x)), &[piece(role, count)]);
    x += COUNT + 2;
    if row.width >= BAR_FROM {
        let room = if row.width >= MEANING_FROM { BAR.min(row.width / 6) } else { left(x).saturating_sub(1) };
        if line.is_stock && line.count > 0 {
            bar::draw_slim(canvas, x, row.y, room, line.count as f64 / most as f64, line.role);
        }
        // A share has no bar, so what it means may have the bar's room where its own is too small.
        let fits = text::width(&line.meaning) <= usize::from(left(x + room + 2));
        if fits || line.figure.is_none() {
            x += room + 2;
        }
    }
    if row.width >= MEANING_FROM {
        canvas.text(x, row.y, left(x), Role::Muted, &line.meaning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChangeCounts, Cohort, ReadCounts};

    fn view() -> CohortView {
        let cohort = Cohort {
            id: CohortId(1),
            name: "Churn risk".to_owned(),
            description: String::new(),
            count: Some(110),
            created: String::new(),
            visible: true,
            data_group_id: None,
        };
        CohortView { cohort, listed: true, not_exportable: None, lints: Vec::new(), sync: None }
    }

    fn counts() -> RunCounts {
        RunCounts {
            read: ReadCounts {
                matched: 70,
                unmatched: 20,
                unsendable: 6,
                duplicates: 4,
                suspect: 0,
                anonymous: 0,
            },
            adds: ChangeCounts::restored(30, 27, 3).unwrap_or_default(),
            unchanged: 60,
            ..RunCounts::default()
        }
    }

    fn count_of(lines: &[Line], label: &str) -> Option<i64> {
        lines.iter().find(|line| line.label.trim() == label).map(|line| line.count)
    }

    #[test]
    fn the_lines_add_up() {
        let lines = lines(&view(), &counts());
        let of = |label| count_of(&lines, label).unwrap_or_default();
        assert_eq!(
            of("Fetched") + of("same person twice") + of("no usable identifier"),
            of("Sent to mParticle")
        );
        assert_eq!(of("by $mparticle_user_id") + of("by $distinct_id"), of("Sent to mParticle"));
        assert_eq!(of("Accepted") + of("Rejected"), of("Sent to mParticle"));
        assert_eq!((count_of(&lines, "Unexplained"), count_of(&lines, "Pending")), (None, None));
    }

    #[test]
    fn what_cannot_be_explained_is_said() {
        let counts = RunCounts { unchanged: 58, ..counts() };
        assert_eq!(count_of(&lines(&view(), &counts), "Unexplained"), Some(2));
    }
}
