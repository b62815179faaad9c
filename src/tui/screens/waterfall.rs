//! The counts of a cohort's last whole account as a waterfall: from what Mixpanel says to what mParticle accepted,
//! each line a count, a bar and what it means. Enter on a line opens the users behind it.

use super::page::{Page, Step};
use super::people;
use super::verified::{self, VerifiedLine};
use super::wrong::WrongPage;
use super::{Scene, draw_emptiness};
use crate::domain::CohortId;
use crate::domain::waterfall::{Line, Listed, Waterfall as Account};
use crate::sync::export::{Content, Table};
use crate::sync::snapshot::RunView;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, Target, View, cells, piece};
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

/// A line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: Line,
    label: Cow<'static, str>,
    count: i64,
    /// What stands in place of the count.
    figure: Option<String>,
    meaning: Cow<'static, str>,
    role: Role,
    /// Whether it has a bar: parts that were taken away have none.
    is_stock: bool,
    behind: Option<Listed>,
}

impl From<VerifiedLine> for Row {
    fn from(line: VerifiedLine) -> Self {
        let VerifiedLine { label, figure, meaning, role, has_list } = line;
        Self {
            line: Line::Verified,
            label: label.into(),
            count: 0,
            figure: Some(figure),
            meaning: meaning.into(),
            role,
            is_stock: false,
            behind: has_list.then_some(Listed::Wrong),
        }
    }
}

/// The part.
pub struct Waterfall {
    cohort: CohortId,
    selected: usize,
    /// The lines there are; which one is selected stays when others come and go.
    lines: Vec<Line>,
    view: Option<View>,
}

impl Waterfall {
    /// The waterfall of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self { cohort, selected: 0, lines: Vec::new(), view: None }
    }

    fn lines(&self, scene: Scene<'_>) -> Option<(Vec<Row>, RunView)> {
        let view = scene.snapshot.cohort(self.cohort)?;
        let sync = view.sync.as_ref()?;
        let run = sync.last_account.clone()?;
        let account = Account::of(view.cohort.count, &run.counts);
        let mut lines = rows(&account, &scene.settings.fallback_identity);
        lines.extend(verified::line(sync).map(Row::from));
        Some((lines, run))
    }
}

fn rows(account: &Account, fallback: &str) -> Vec<Row> {
    let shown = |line: &Line| {
        let count = account.count(*line)?;
        // What is nobody and usually is, is not worth a line that says so.
        let is_rare = matches!(
            line,
            Line::Drift | Line::Suspect | Line::Anonymous | Line::Pending | Line::Unexplained | Line::Left
        );
        (count != 0 || !is_rare).then(|| row(*line, count, account, fallback))
    };
    Line::ALL.iter().filter_map(shown).collect()
}

fn row(line: Line, count: i64, account: &Account, fallback: &str) -> Row {
    let (label, meaning, role): (_, Cow<'static, str>, _) = match line {
        Line::Mixpanel => ("Mixpanel says", "count in the cohort list".into(), Role::Busy),
        Line::Drift => ("  joined or left meanwhile", "between the two counts".into(), Role::Busy),
        Line::Fetched => ("Fetched", "profiles of the last whole read".into(), Role::Busy),
        Line::Duplicates => ("  same person twice", "further profiles of one identity".into(), Role::Busy),
        Line::Unsendable => ("  no usable identifier", "no id at all, or not an id".into(), Role::Warn),
        Line::Sendable => ("Sent to mParticle", "".into(), Role::Busy),
        Line::Matched => ("  by $mparticle_user_id", "if mParticle knows it".into(), Role::Busy),
        Line::Suspect => ("    suspect: rounded id", suspicion(account).into(), Role::Bad),
        Line::Unmatched => {
            let meaning = format!("matches only if it is the {} in mParticle", fallback.replace('_', " "));
            ("  by $distinct_id", meaning.into(), Role::Warn)
        }
        Line::Anonymous => {
            ("    anonymous", "$device: ids of people nobody has identified".into(), Role::Busy)
        }
        Line::Accepted => ("Accepted", "acknowledged by mParticle, now or before".into(), Role::Good),
        Line::Rejected => ("Rejected", "mParticle refused these; Enter shows why".into(), Role::Bad),
        Line::Pending => ("Pending", "not answered; the next run tells them".into(), Role::Warn),
        Line::Unexplained => ("Unexplained", "this should not happen; please report it".into(), Role::Bad),
        Line::Left => ("Left since", left(account).into(), Role::Busy),
        Line::Verified => ("Verified", "".into(), Role::Busy),
    };
    let is_loss = matches!(line, Line::Duplicates | Line::Unsendable);
    let is_stock = !is_loss && !matches!(line, Line::Drift | Line::Unexplained | Line::Left);
    Row {
        line,
        label: label.into(),
        count: if is_loss { -count } else { count },
        figure: None,
        meaning,
        role: if count == 0 { Role::Busy } else { role },
        is_stock,
        behind: line.listed().filter(|_| count != 0),
    }
}

/// What a rounded id means; a whole cohort of them has one cause.
fn suspicion(account: &Account) -> String {
    let of = |line| account.count(line).unwrap_or_default().max(0) as f64;
    let share = of(Line::Suspect) / of(Line::Matched).max(1.0);
    if share < WHOLE_COHORT_SUSPECT {
        return "ends in zeros: written by JavaScript, will not match".to_owned();
    }
    format!("{} of the ids: whatever writes them rounds every one", text::whole_percent(share))
}

/// From this share of rounded ids on they are no accident: about 0.6 % of true ids look rounded by chance.
const WHOLE_COHORT_SUSPECT: f64 = 0.02;

fn left(account: &Account) -> String {
    match account.still_held() {
        0 => "told false, and mParticle accepted it".to_owned(),
        still => format!("told false; {} not accepted yet", text::count(still)),
    }
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
        let lines: Vec<Line> =
            self.lines(scene).map_or_else(Vec::new, |(rows, _)| rows.iter().map(|row| row.line).collect());
        let held = self.lines.get(self.selected);
        let place = held.and_then(|held| lines.iter().position(|line| line == held));
        self.lines = lines;
        self.select_line(place.unwrap_or(self.selected));
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let Some((_, run)) = self.lines(scene) else { return Vec::new() };
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
        self.selected = line.min(self.lines.len().saturating_sub(1));
    }

    fn obstacle(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let found = self.lines(scene);
        let line = found.as_ref().and_then(|(lines, _)| lines.get(self.selected));
        let is_dead = line.is_none_or(|line| line.behind.is_none());
        (action == Action::Open && is_dead).then(|| "there is no list behind this line".to_owned())
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        let Some((lines, _)) = self.lines(scene) else { return Step::Done };
        let Some(line) = lines.get(self.selected) else { return Step::Done };
        match (action, line.behind) {
            (Action::Open, Some(Listed::Wrong)) => Step::Open(Box::new(WrongPage::of(self.cohort))),
            (Action::Open, Some(listed)) => Step::Open(people::behind(self.cohort, listed)),
            (Action::Copy, _) => Step::Copy(line.count.to_string(), "the count".to_owned()),
            _ => Step::Done,
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let (lines, _) = self.lines(scene)?;
        let row = |line: Row| {
            let count = line.figure.map_or_else(|| line.count.into(), serde_json::Value::from);
            vec![line.label.trim().into(), count, line.meaning.as_ref().into()]
        };
        let table =
            Table { columns: &["line", "count", "meaning"], rows: lines.into_iter().map(row).collect() };
        let name = &scene.snapshot.cohort(self.cohort)?.cohort.name;
        Some((format!("counts {name}"), Content::Rows(table)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let Some((lines, _)) = self.lines(scene) else {
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
        let below = body.y + cells(lines.len()) + 1;
        if let Some(line) = lines.get(self.selected) {
            draw_whole_meaning(
                canvas,
                Rect { y: below, height: body.bottom().saturating_sub(below), ..body },
                line,
            );
        }
    }
}

/// Says below the lines what the selected one means, if its own row has no room for that.
fn draw_whole_meaning(canvas: &mut Canvas<'_>, area: Rect, line: &Row) {
    let [_, room] = rooms(area.width.saturating_sub(1), line);
    if text::width(&line.meaning) <= usize::from(room) {
        return;
    }
    let width = area.width.saturating_sub(4);
    for (y, words) in (area.y..area.bottom()).zip(text::wrap(&line.meaning, usize::from(width))) {
        canvas.text(area.x + 2, y, width, Role::Muted, &words);
    }
}

fn draw_line(canvas: &mut Canvas<'_>, row: Rect, line: &Row, most: i64) {
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
    let [bar_room, meaning_room] = rooms(row.width, line);
    if bar_room > 0 && line.is_stock && line.count > 0 {
        bar::draw_slim(canvas, x, row.y, bar_room, line.count as f64 / most as f64, line.role);
    }
    canvas.text(row.right().saturating_sub(meaning_room), row.y, meaning_room, Role::Muted, &line.meaning);
}

/// How wide in a row of a width the bar of a line is, and what it means.
fn rooms(width: u16, line: &Row) -> [u16; 2] {
    let rest = width.saturating_sub(2 + LABEL + COUNT + 2);
    if width < BAR_FROM {
        return [0, 0];
    }
    if width < MEANING_FROM {
        return [rest.saturating_sub(1), 0];
    }
    let bar = BAR.min(width / 6);
    let meaning = rest.saturating_sub(bar + 2);
    // A share has no bar, so what it means may have the bar's room where its own is too small.
    let is_wide = line.figure.is_some() && text::width(&line.meaning) > usize::from(meaning);
    [bar, if is_wide { rest } else { meaning }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChangeCounts, ReadCounts, RunCounts};

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

    fn lines(counts: &RunCounts) -> Vec<Row> {
        rows(&Account::of(Some(110), counts), "customer_id")
    }

    fn count_of(lines: &[Row], label: &str) -> Option<i64> {
        lines.iter().find(|line| line.label.trim() == label).map(|line| line.count)
    }

    #[test]
    fn the_lines_add_up() {
        let lines = lines(&counts());
        let of = |label| count_of(&lines, label).unwrap_or_default();
        assert_eq!(of("Mixpanel says") + of("joined or left meanwhile"), of("Fetched"));
        assert_eq!(
            of("Fetched") + of("same person twice") + of("no usable identifier"),
            of("Sent to mParticle")
        );
        assert_eq!(of("by $mparticle_user_id") + of("by $distinct_id"), of("Sent to mParticle"));
        assert_eq!(of("Accepted") + of("Rejected"), of("Sent to mParticle"));
        assert_eq!((count_of(&lines, "Unexplained"), count_of(&lines, "Pending")), (None, None));
    }

    #[test]
    fn what_does_not_fit_beside_a_line_is_known_to_not_fit() {
        let lines = lines(&counts());
        let line = |label: &str| lines.iter().find(|line| line.label.trim() == label).unwrap();
        let fits =
            |width, label| text::width(&line(label).meaning) <= usize::from(rooms(width, line(label))[1]);
        assert!(fits(117, "by $distinct_id") && !fits(77, "by $distinct_id"));
        assert!(!fits(59, "Fetched"), "below that there is only room for numbers");
    }

    #[test]
    fn what_cannot_be_explained_is_said() {
        let counts = RunCounts { unchanged: 58, ..counts() };
        assert_eq!(count_of(&lines(&counts), "Unexplained"), Some(2));
    }

    #[test]
    fn a_cohort_of_rounded_ids_is_told_from_a_few() {
        let meaning = |suspect| {
            let read = ReadCounts { suspect, ..counts().read };
            let lines = lines(&RunCounts { read, ..counts() });
            lines.iter().find(|line| line.label.contains("suspect")).map(|line| line.meaning.to_string())
        };
        assert_eq!(meaning(0), None);
        assert!(meaning(1).unwrap().contains("ends in zeros"));
        assert!(meaning(68).unwrap().contains("97 % of the ids"), "{:?}", meaning(68));
    }
}
