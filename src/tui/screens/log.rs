//! Screen 6: the program's own log. The newest line stays in view until somebody scrolls; then the view stays
//! where it is and says so.
//!
//! ```text
//! ╭ Log 214 · info and above · following ───────────────╮
//! │ 14:32:05 WARN   sync::send   429, next try in 2 s   │
//! │ 14:32:07 INFO   sync::run    accepted 100           │
//! ╰─────────────────────────────────────────────────────╯
//! ```

use super::Scene;
use super::cohorts::count_of;
use super::page::{Page, Step};
use crate::telemetry::{LogLevel, LogLine};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, Target, View, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::scroll;
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// How many lines are kept; older ones are in the file.
const KEPT: usize = 5_000;
/// Cells for time and level.
const TIME: u16 = 9;
const LEVEL: u16 = 6;
/// Cells for the module, where there is room for it.
const TARGET: u16 = 16;
const TARGET_FROM: u16 = 80;

/// A line with the number that the selection goes by.
struct Entry {
    number: u64,
    line: LogLine,
}

/// What the screen remembers.
pub struct LogScreen {
    lines: VecDeque<Entry>,
    /// The numbers of those that pass level and filter, oldest first.
    shown: VecDeque<u64>,
    next: u64,
    selected: Option<u64>,
    /// The filter that `shown` goes by.
    sifted: String,
    level: LogLevel,
    filter: Filter,
    /// Whether the newest line stays in view.
    follow: bool,
    /// Whether long lines are broken rather than cut.
    wrap: bool,
    /// What was in view in the last frame.
    view: Option<View>,
}

impl Default for LogScreen {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            shown: VecDeque::new(),
            next: 0,
            selected: None,
            sifted: String::new(),
            level: LogLevel::Info,
            filter: Filter::default(),
            follow: true,
            wrap: false,
            view: None,
        }
    }
}

impl Page for LogScreen {
    fn place(&self) -> Place {
        Place::Log
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::LogLevel,
            Action::LogFollow,
            Action::LogWrap,
            Action::Filter,
            Action::Copy,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, _: Scene<'_>) {
        if self.sifted != *self.filter.input.value() {
            self.sift();
        }
    }

    fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        Some(&mut self.filter)
    }

    fn move_by(&mut self, lines: i64) {
        self.step(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.select(line);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::LogLevel => self.next_level(),
            Action::LogFollow => self.toggle_follow(),
            Action::LogWrap => self.wrap = !self.wrap,
            _ => {}
        }
        let Some(line) = self.selected() else { return Step::Done };
        match action {
            Action::Open | Action::Look => {
                let at = text::moment(scene.now, line.at, &scene.settings.zone);
                Step::Show(Message::new(format!("{at} · {}", line.target), Body::Text(line.text.clone())))
            }
            Action::Copy => {
                Step::Copy(format!("{} {} {}", line.at, line.target, line.text), "the line".to_owned())
            }
            _ => Step::Done,
        }
    }

    fn note(&mut self, line: &LogLine) {
        self.push(line.clone());
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let inside = canvas.frame(area, Role::Faint, &self.title(scene));
        if inside.is_empty() {
            return;
        }
        let total = self.shown.len();
        let mut view = scroll::view(self.view, self.position(), total, usize::from(inside.height));
        if self.wrap {
            view.offset = self.wrapped_offset(view.offset, inside);
        }
        canvas.hits.list = Some(view);
        let mut y = inside.y;
        for (index, number) in self.shown.iter().enumerate().skip(view.offset) {
            let Some(line) = self.line(*number) else { continue };
            if y >= inside.bottom() {
                break;
            }
            let room = Rect::new(inside.x, y, inside.width.saturating_sub(1), inside.bottom() - y);
            let selected = Some(*number) == self.selected;
            let used = self.draw_line(canvas, room, line, selected);
            canvas.target(Rect { height: used, ..room }, Target::Line(index));
            y += used;
        }
        if total == 0 {
            let text = if self.lines.is_empty() { "Nothing was logged yet." } else { "No line matches." };
            canvas.text(inside.x + 1, inside.y, inside.width - 1, Role::Muted, text);
        }
        let track = Rect::new(inside.right() - 1, inside.y, 1, inside.height);
        scroll::draw_bar(canvas, track, view, total);
    }
}

impl LogScreen {
    /// Takes in a line; the oldest leaves when there are too many.
    fn push(&mut self, line: LogLine) {
        if self.lines.len() == KEPT
            && let Some(oldest) = self.lines.pop_front()
            && self.shown.front() == Some(&oldest.number)
        {
            self.shown.pop_front();
        }
        let number = self.next;
        self.next += 1;
        let entry = Entry { number, line };
        if self.passes(&entry) {
            self.shown.push_back(number);
        }
        self.lines.push_back(entry);
        self.settle_selection();
    }

    fn passes(&self, entry: &Entry) -> bool {
        let fits = |filter: &Filter| {
            filter.fuzzy().is_none_or(|mut fuzzy| fuzzy.score(&haystack(&entry.line)).is_some())
        };
        entry.line.level >= self.level && fits(&self.filter)
    }

    /// Applies another level or another filter to all lines.
    fn sift(&mut self) {
        let mut fuzzy = self.filter.fuzzy();
        self.sifted = self.filter.input.value().to_owned();
        let level = self.level;
        let passing = self.lines.iter().filter(|entry| {
            let matches = |fuzzy: &mut crate::tui::widgets::filter::Fuzzy| {
                fuzzy.score(&haystack(&entry.line)).is_some()
            };
            entry.line.level >= level && fuzzy.as_mut().is_none_or(matches)
        });
        self.shown = passing.map(|entry| entry.number).collect();
        self.settle_selection();
    }

    /// While following, the newest line is the selected one; else the selection stays, or goes to the nearest.
    fn settle_selection(&mut self) {
        let gone = self.selected.is_none_or(|number| self.shown.binary_search(&number).is_err());
        if self.follow {
            self.selected = self.shown.back().copied();
        } else if gone {
            let after = self.shown.partition_point(|number| Some(*number) < self.selected);
            self.selected = self.shown.get(after).or(self.shown.back()).copied();
        }
    }

    fn position(&self) -> Option<usize> {
        self.shown.binary_search(&self.selected?).ok()
    }

    /// Moves the selection; at the newest line following begins again.
    fn step(&mut self, lines: i64) {
        let here = i64::try_from(self.position().unwrap_or(0)).unwrap_or(i64::MAX);
        self.select(usize::try_from(here.saturating_add(lines).max(0)).unwrap_or(0));
    }

    /// Selects a line of those shown, the last when there are not so many.
    fn select(&mut self, line: usize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.shown.get(line.min(last)).copied();
        self.follow = line >= last;
    }

    /// Goes to the next level: the threshold rises, then starts over.
    fn next_level(&mut self) {
        self.level = match self.level {
            LogLevel::Debug => LogLevel::Info,
            LogLevel::Info => LogLevel::Warn,
            LogLevel::Warn => LogLevel::Error,
            LogLevel::Error => LogLevel::Debug,
        };
        self.sift();
    }

    /// Follows the newest line, or stays here.
    fn toggle_follow(&mut self) {
        self.follow = !self.follow;
        self.settle_selection();
    }

    /// The selected line.
    fn selected(&self) -> Option<&LogLine> {
        self.line(self.selected?)
    }

    fn line(&self, number: u64) -> Option<&LogLine> {
        let first = self.lines.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.lines.get(index).map(|entry| &entry.line)
    }

    /// Broken lines take more than one row, so the first in view is counted back from the selected one.
    fn wrapped_offset(&self, offset: usize, inside: Rect) -> usize {
        let Some(selected) = self.position() else { return offset };
        let mut room = usize::from(inside.height);
        let mut first = selected;
        for index in (offset..=selected).rev() {
            let Some(line) = self.shown.get(index).and_then(|number| self.line(*number)) else { break };
            let rows = text::wrap(&line.text, text_columns(inside.width - 1)).len();
            let Some(left) = room.checked_sub(rows) else { break };
            (room, first) = (left, index);
        }
        first
    }

    fn draw_line(&self, canvas: &mut Canvas<'_>, area: Rect, line: &LogLine, selected: bool) -> u16 {
        let columns = text_columns(area.width);
        let wrapped = if self.wrap { text::wrap(&line.text, columns) } else { vec![line.text.clone()] };
        let rows = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).min(area.height);
        if selected {
            canvas.tint(Rect { height: rows, ..area }, Role::Selected);
        }
        let draw = |canvas: &mut Canvas<'_>| {
            let (role, word) = level_look(line.level);
            let time = text::clock(line.at, canvas.zone);
            let mut x = area.x + 1;
            canvas.text(x, area.y, TIME, Role::Muted, &time);
            x += TIME;
            canvas.text(x, area.y, LEVEL, role, word);
            x += LEVEL;
            if area.width >= TARGET_FROM {
                let target = line.target.strip_prefix("cohort_sync::").unwrap_or(&line.target);
                canvas.text(x, area.y, TARGET - 1, Role::Muted, target);
                x += TARGET;
            }
            for (y, part) in (area.y..area.y + rows).zip(&wrapped) {
                canvas.text(x, y, area.right().saturating_sub(x), text_role(line.level), part);
            }
        };
        if selected {
            canvas.on_selected(draw);
        } else {
            draw(canvas);
        }
        rows
    }

    fn title(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        let level = match self.level {
            LogLevel::Debug => "everything",
            LogLevel::Info => "info and above",
            LogLevel::Warn => "warnings and errors",
            LogLevel::Error => "errors",
        };
        let mut title = vec![
            piece(Role::Title, "Log "),
            piece(Role::Muted, format!("{} · {level} · ", count_of(self.shown.len(), self.lines.len()))),
        ];
        title.push(if self.follow {
            piece(Role::Good, "following")
        } else {
            piece(Role::Warn, format!("stopped here, {} follows again", scene.key(Action::LogFollow)))
        });
        title
    }
}

fn text_columns(width: u16) -> usize {
    let before = 1 + TIME + LEVEL + if width >= TARGET_FROM { TARGET } else { 0 };
    usize::from(width.saturating_sub(before)).max(1)
}

fn haystack(line: &LogLine) -> String {
    format!("{} {}", line.target, line.text)
}

fn level_look(level: LogLevel) -> (Role, &'static str) {
    match level {
        LogLevel::Debug => (Role::Muted, "DEBUG"),
        LogLevel::Info => (Role::Busy, "INFO"),
        LogLevel::Warn => (Role::Warn, "WARN"),
        LogLevel::Error => (Role::Bad, "ERROR"),
    }
}

fn text_role(level: LogLevel) -> Role {
    if level == LogLevel::Debug { Role::Muted } else { Role::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: LogLevel, text: &str) -> LogLine {
        LogLine { at: jiff::Timestamp::UNIX_EPOCH, level, target: "sync".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn following_stops_when_one_scrolls_and_begins_again_at_the_end() {
        let mut log = LogScreen::default();
        for number in 0..5 {
            log.push(line(LogLevel::Info, &number.to_string()));
        }
        assert_eq!(log.selected().unwrap().text, "4");
        log.move_by(-2);
        log.push(line(LogLevel::Info, "5"));
        assert_eq!((log.selected().unwrap().text.as_str(), log.follow), ("2", false));
        log.move_by(99);
        log.push(line(LogLevel::Info, "6"));
        assert_eq!((log.selected().unwrap().text.as_str(), log.follow), ("6", true));
    }

    #[test]
    fn only_so_many_lines_are_kept() {
        let mut log = LogScreen::default();
        for number in 0..KEPT + 3 {
            log.push(line(LogLevel::Info, &number.to_string()));
        }
        assert_eq!((log.lines.len(), log.shown.len()), (KEPT, KEPT));
        log.select_line(0);
        assert_eq!(log.selected().unwrap().text, "3");
    }

    #[test]
    fn level_and_filter_narrow() {
        let mut log = LogScreen::default();
        log.push(line(LogLevel::Debug, "page 1"));
        log.push(line(LogLevel::Error, "refused"));
        assert_eq!(log.shown.len(), 1);
        log.filter.input.paste("!refused");
        log.sift();
        assert!(log.selected().is_none());
    }
}
