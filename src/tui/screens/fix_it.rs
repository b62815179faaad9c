//! How to give users an id who lack one: what those users have in common beside the matched, whether it gets better, and
//! what to paste where. Enter on a group lists its users, on a remedy shows it; the text is copied digit for digit.

use super::cohort_columns::share_role;
use super::fix_it_draw::{draw_group, draw_heading, draw_remedy, headline, name, what_if};
use super::page::{Page, Step};
use super::people;
use super::setup_entry::Entry;
use super::{Scene, draw_emptiness, snippets};
use crate::domain::grouping::{BY_REASON, Group, Grouping, most_striking};
use crate::domain::people::Narrow;
use crate::domain::what_if::{Outlook, outlooks};
use crate::domain::{CohortId, Reason, RunId};
use crate::sync::export::{Content, Table};
use crate::sync::pages::{Answer, Question, Study};
use crate::sync::snapshot::RunView;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, Target, View, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::chart::{self, Range};
use crate::tui::widgets::scroll;
use ratatui::layout::Rect;

/// Groups that are shown; whoever is in smaller ones is in the export.
const GROUPS_SHOWN: usize = 8;
/// From this width on there is a chart of the matched share.
const CHART_FROM: u16 = 90;
/// The matched share is drawn against at least five percentage points.
const LEAST_SPAN: f64 = 0.05;

/// What else has to be so, whichever way the id gets there.
const SWITCHES: [(&str, &str); 3] = [
    (
        "Use Mixpanel People is on",
        "mParticle: Connections, the Mixpanel output. Off, no profile reaches Mixpanel.",
    ),
    ("Include User Attributes is on", "The same place. Off, $mparticle_user_id is not forwarded."),
    (
        "Create Profile Only If Logged In is on",
        "The same place. Off, anonymous people become members nobody can reach.",
    ),
];

/// A line that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Group(usize),
    Snippet(Entry),
    Switch(&'static str, &'static str),
}

/// The part.
pub struct FixIt {
    cohort: CohortId,
    /// Which grouping is shown; the most striking one until somebody chooses.
    chosen: Option<usize>,
    study: Option<Study>,
    error: Option<String>,
    account: Option<RunId>,
    is_stale: bool,
    is_asked: bool,
    selected: usize,
    view: Option<View>,
}

impl FixIt {
    /// The part of a cohort.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self {
            cohort,
            chosen: None,
            study: None,
            error: None,
            account: None,
            is_stale: true,
            is_asked: false,
            selected: 0,
            view: None,
        }
    }

    fn place(&self) -> usize {
        let Some(study) = &self.study else { return 0 };
        let striking = most_striking(&study.groupings)
            .and_then(|(found, _)| study.groupings.iter().position(|grouping| grouping == found));
        self.chosen.or(striking).unwrap_or_default().min(study.groupings.len().saturating_sub(1))
    }

    fn grouping(&self) -> Option<&Grouping> {
        self.study.as_ref()?.groupings.get(self.place())
    }

    fn lines(&self) -> Vec<Line> {
        let groups = self.grouping().map_or(0, |grouping| grouping.groups.len().min(GROUPS_SHOWN));
        let snippets = [snippets::WEB, snippets::IOS, snippets::ANDROID, snippets::RULE].map(Line::Snippet);
        let switches = SWITCHES.map(|(need, how)| Line::Switch(need, how));
        (0..groups).map(Line::Group).chain(snippets).chain(switches).collect()
    }

    /// Who is in a group, narrowed from everybody who lacks an id.
    fn narrow(&self, group: &Group) -> Narrow {
        match self.grouping() {
            Some(grouping) if grouping.by == BY_REASON => {
                Narrow::to(group.value.as_deref().and_then(Reason::from_token))
            }
            _ => Narrow::to_group(self.place(), group.value.as_deref()),
        }
    }

    /// The account that was studied, unless a newer one has taken its place.
    fn account<'s>(&self, scene: Scene<'s>) -> Option<&'s RunView> {
        let sync = scene.snapshot.cohort(self.cohort)?.sync.as_ref()?;
        sync.last_account
            .as_ref()
            .filter(|account| Some(account.id) == self.study.as_ref().map(|study| study.run))
    }

    fn outlooks(&self, scene: Scene<'_>) -> Option<Vec<Outlook>> {
        let (study, account) = (self.study.as_ref()?, self.account(scene)?);
        let (read, fallback) = (&account.counts.read, &scene.settings.fallback_identity);
        Some(outlooks(read, &study.shapes, study.tallies.as_ref(), fallback))
    }
}

impl Page for FixIt {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::Copy,
            Action::GroupBy,
            Action::WhatIf,
            Action::Export,
            Action::NextPart,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let account = sync.and_then(|sync| sync.last_account.as_ref()).map(|run| run.id);
        self.is_stale |= std::mem::replace(&mut self.account, account) != account;
        self.selected = self.selected.min(self.lines().len().saturating_sub(1));
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let share = sync.and_then(|sync| sync.last_account.as_ref()?.counts.matched_share());
        let words = share.map(|share| piece(share_role(share), format!("{} matched", text::percent(share))));
        words.into_iter().collect()
    }

    fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        let lines = isize::try_from(lines).unwrap_or(0);
        self.select_line(self.selected.saturating_add_signed(lines));
    }

    fn select_line(&mut self, line: usize) {
        self.selected = line.min(self.lines().len().saturating_sub(1));
    }

    fn obstacle(&self, action: Action, _: Scene<'_>) -> Option<String> {
        let nothing = "nothing was read to its end yet; a run or a dry run does that";
        let is_known = self.study.is_some();
        matches!(action, Action::GroupBy | Action::WhatIf).then(|| nothing.to_owned()).filter(|_| !is_known)
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::GroupBy => {
                let count = self.study.as_ref().map_or(1, |study| study.groupings.len()).max(1);
                self.chosen = Some((self.place() + 1) % count);
                self.selected = 0;
                return Step::Done;
            }
            Action::WhatIf => {
                let outlooks = self.outlooks(scene);
                let suspect = self.account(scene).map_or(0, |account| account.counts.read.suspect);
                return outlooks.map_or(Step::Done, |outlooks| Step::Show(what_if(&outlooks, suspect)));
            }
            _ => {}
        }
        let lines = self.lines();
        match (lines.get(self.selected), action) {
            (Some(Line::Group(place)), Action::Open | Action::Copy) => {
                let Some((grouping, group)) =
                    self.grouping().and_then(|grouping| Some((grouping, grouping.groups.get(*place)?)))
                else {
                    return Step::Done;
                };
                let name = name(grouping, group);
                if action == Action::Copy {
                    return Step::Copy(name, "the group".to_owned());
                }
                let title = format!("{}: {}", grouping.by, text::cut(&name, 24));
                Step::Open(people::of_group(self.cohort, self.narrow(group), title))
            }
            (Some(Line::Snippet(entry)), Action::Copy) => {
                let (code, what) = entry.copied();
                Step::Copy(code, what)
            }
            (Some(Line::Snippet(Entry::Snippet { title, note, code })), Action::Open | Action::Look) => {
                let (note, code) = ((*note).to_owned(), (*code).to_owned());
                Step::Show(Message::new((*title).to_owned(), Body::Code { note, code }))
            }
            (Some(Line::Switch(need, how)), Action::Copy) => {
                Step::Copy(format!("{need}: {how}"), "the setting".to_owned())
            }
            (Some(Line::Switch(need, how)), Action::Open | Action::Look) => {
                Step::Show(Message::new((*need).to_owned(), Body::Text((*how).to_owned())))
            }
            _ => Step::Done,
        }
    }

    fn wants(&self) -> Vec<Question> {
        let wants = self.is_stale && !self.is_asked && self.error.is_none();
        wants.then_some(Question::Study(self.cohort)).into_iter().collect()
    }

    fn asked(&mut self, question: &Question) {
        if *question == Question::Study(self.cohort) {
            (self.is_asked, self.is_stale) = (true, false);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if *question != Question::Study(self.cohort) {
            return;
        }
        self.is_asked = false;
        match answer {
            Ok(Answer::Study(study)) => self.study = study.as_deref().cloned(),
            Ok(_) => {}
            Err(error) => self.error = Some(error.clone()),
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let grouping = self.grouping()?;
        let row = |group: &Group| {
            vec![
                group.value.as_deref().into(),
                group.users.into(),
                group.share().into(),
                group.matched_share().into(),
            ]
        };
        let columns = &["value", "users", "share", "matched_share"];
        let table = Table { columns, rows: grouping.groups.iter().map(row).collect() };
        let cohort = &scene.snapshot.cohort(self.cohort)?.cohort.name;
        Some((format!("unmatched by {} {cohort}", grouping.by), Content::Rows(table)))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let Some(study) = &self.study else {
            let words = match (&self.error, self.account) {
                (Some(error), _) => (Role::Bad, format!("What was read cannot be read again: {error}")),
                (None, None) => {
                    let words = "The cohort was not read to its end yet; a run or a dry run does that.";
                    (Role::Muted, words.to_owned())
                }
                (None, Some(_)) => (Role::Muted, "Counting what they have in common…".to_owned()),
            };
            draw_emptiness(canvas, area, words);
            return;
        };
        let head = self.draw_head(canvas, scene, area, study);
        let below = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
        let lines = self.lines();
        let rows = rows(&lines, usize::from(below.height));
        let at = rows.iter().position(|row| *row == Row::Line(self.selected)).unwrap_or_default();
        let view = scroll::view(self.view, Some(at), rows.len(), usize::from(below.height));
        canvas.hits.list = Some(view);
        for (y, row) in (below.y..below.bottom()).zip(rows.iter().skip(view.offset)) {
            let place = Rect::new(below.x, y, below.width.saturating_sub(1), 1);
            let index = match *row {
                Row::Line(index) => index,
                Row::Groups => {
                    self.draw_grouping(canvas, place, &scene.key(Action::GroupBy));
                    continue;
                }
                Row::Remedies => {
                    let words = "What to paste, and what to switch on";
                    canvas.text(place.x + 2, y, place.width.saturating_sub(2), Role::Title, words);
                    continue;
                }
                Row::Gap => continue,
            };
            if index == self.selected {
                canvas.tint(place, Role::Selected);
                canvas.on_selected(|canvas| {
                    canvas.text(place.x, y, 1, Role::Focus, "▌");
                    self.draw_line(canvas, place, &lines[index]);
                });
            } else {
                self.draw_line(canvas, place, &lines[index]);
            }
            canvas.target(place, Target::Line(index));
        }
    }
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// The heading of the groups.
    Groups,
    /// The heading of what helps.
    Remedies,
    /// Nothing.
    Gap,
    /// A line by its number.
    Line(usize),
}

/// The rows of the list; where there is room, the two halves stand apart.
fn rows(lines: &[Line], height: usize) -> Vec<Row> {
    let groups = lines.iter().filter(|line| matches!(line, Line::Group(_))).count();
    let mut rows = vec![Row::Groups];
    rows.extend((0..groups).map(Row::Line));
    if lines.len() + 3 <= height {
        rows.push(Row::Gap);
    }
    rows.push(Row::Remedies);
    rows.extend((groups..lines.len()).map(Row::Line));
    rows
}

impl FixIt {
    /// What stands above the list, and how high that is.
    fn draw_head(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect, study: &Study) -> u16 {
        if area.height < 12 {
            return 0;
        }
        let words = headline(study).map_or_else(
            || piece(Role::Muted, "Nothing they share sets them apart from the matched."),
            |words| piece(Role::Warn, words),
        );
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let trend = sync.map_or(&[][..], |sync| &sync.trend);
        let has_chart = area.width >= CHART_FROM && trend.len() > 1;
        let room = if has_chart { area.width - 36 } else { area.width - 3 };
        canvas.line(area.x + 2, area.y + 1, room, &[words]);
        if has_chart {
            let shares: Vec<f64> = trend.iter().map(|point| point.matched_share).collect();
            let last = shares.last().copied().unwrap_or_default();
            let place = Rect::new(area.right() - 32, area.y, 30, 2);
            canvas.text(place.x, area.y, 30, Role::Muted, &format!("matched share, {} runs", trend.len()));
            let range = Range::around(&shares).spanning(LEAST_SPAN);
            let below = Rect { y: area.y + 1, height: 1, ..place };
            chart::draw_line(canvas, below, &shares, range, share_role(last));
        }
        if let ([first, .., last], false) = (trend, has_chart) {
            let points = (last.matched_share - first.matched_share) * 100.0;
            let sign = if points < 0.0 { '−' } else { '+' };
            let words = format!("{sign}{:.1} points in {} runs", points.abs(), trend.len());
            canvas.line_right(area.x, area.y, area.width - 1, &[piece(Role::Muted, words)]);
        }
        3
    }

    fn draw_grouping(&self, canvas: &mut Canvas<'_>, row: Rect, key: &str) {
        let Some(grouping) = self.grouping() else { return };
        let groups = grouping.groups.len();
        let more =
            if groups > GROUPS_SHOWN { format!(", {GROUPS_SHOWN} of {groups} shown") } else { String::new() };
        draw_heading(canvas, row, &grouping.by, &format!("{key} next{more}"));
    }

    fn draw_line(&self, canvas: &mut Canvas<'_>, row: Rect, line: &Line) {
        let x = row.x + 2;
        match line {
            Line::Group(place) => {
                let found =
                    self.grouping().and_then(|grouping| Some((grouping, grouping.groups.get(*place)?)));
                if let Some((grouping, group)) = found {
                    draw_group(canvas, row, grouping, group);
                }
            }
            Line::Snippet(entry) => {
                let Entry::Snippet { title, note, .. } = entry else { return };
                draw_remedy(canvas, x, row, title, note);
            }
            Line::Switch(need, how) => {
                draw_remedy(canvas, x, row, need, how);
            }
        }
    }
}
