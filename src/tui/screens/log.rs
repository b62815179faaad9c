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
use crate::tui::widgets::filter::{Filter, Fuzzy};
use crate::tui::widgets::scroll;
use crate::tui::widgets::tail::Tail;
use ratatui::layout::Rect;

/// How many lines are kept; older ones are in the file.
const KEPT: usize = 5_000;
/// Cells for time and level.
const TIME: u16 = 9;
const LEVEL: u16 = 6;
/// Cells for the module, where there is room for it.
const TARGET: u16 = 16;
const TARGET_FROM: u16 = 80;

/// What the screen remembers.
pub struct LogScreen {
    lines: Tail<LogLine>,
    /// The number of the next line.
    next: i64,
    /// The filter that the lines were sifted by last.
    sifted: String,
    level: LogLevel,
    filter: Filter,
    /// Whether long lines are broken rather than cut.
    wrap: bool,
}

impl Default for LogScreen {
    fn default() -> Self {
        Self {
            lines: Tail::keeping(KEPT),
            next: 0,
            sifted: String::new(),
            level: LogLevel::Info,
            filter: Filter::default(),
            wrap: false,
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
            Action::Follow,
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
        self.lines.drawn(view);
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        Some(&mut self.filter)
    }

    fn move_by(&mut self, lines: i64) {
        self.lines.move_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.lines.select_line(line);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::LogLevel => self.next_level(),
            Action::Follow => self.lines.toggle_follow(),
            Action::LogWrap => self.wrap = !self.wrap,
            _ => {}
        }
        let Some(line) = self.lines.selected() else { return Step::Done };
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
        let total = self.lines.len();
        let mut view = self.lines.view(usize::from(inside.height));
        if self.wrap {
            view.offset = self.wrapped_offset(view.offset, inside);
        }
        canvas.hits.list = Some(view);
        let mut y = inside.y;
        for (index, line) in self.lines.from(view.offset) {
            if y >= inside.bottom() {
                break;
            }
            let room = Rect::new(inside.x, y, inside.width.saturating_sub(1), inside.bottom() - y);
            let used = self.draw_line(canvas, room, line, Some(index) == self.lines.position());
            canvas.target(Rect { height: used, ..room }, Target::Line(index));
            y += used;
        }
        if total == 0 {
            let text = if self.lines.total() == 0 { "Nothing was logged yet." } else { "No line matches." };
            canvas.text(inside.x + 1, inside.y, inside.width - 1, Role::Muted, text);
        }
        let track = Rect::new(inside.right() - 1, inside.y, 1, inside.height);
        scroll::draw_bar(canvas, track, view, total);
    }
}

impl LogScreen {
    /// Takes in a line.
    fn push(&mut self, line: LogLine) {
        let passes = passes(&line, self.level, self.filter.fuzzy().as_mut());
        self.lines.push(self.next, line, passes);
        self.next += 1;
    }

    /// Applies another level or another filter to all lines.
    fn sift(&mut self) {
        let (level, mut fuzzy) = (self.level, self.filter.fuzzy());
        self.sifted = self.filter.input.value().to_owned();
        self.lines.sift(|line| passes(line, level, fuzzy.as_mut()));
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

    /// Broken lines take more than one row, so the first in view is counted back from the selected one.
    fn wrapped_offset(&self, offset: usize, inside: Rect) -> usize {
        let Some(selected) = self.lines.position() else { return offset };
        let mut room = usize::from(inside.height);
        let mut first = selected;
        for index in (offset..=selected).rev() {
            let Some(line) = self.lines.row(index) else { break };
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
            piece(Role::Muted, format!("{} · {level} · ", count_of(self.lines.len(), self.lines.total()))),
        ];
        title.push(if self.lines.is_following() {
            piece(Role::Good, "following")
        } else {
            piece(Role::Warn, format!("stopped here, {} follows again", scene.key(Action::Follow)))
        });
        title
    }
}

fn text_columns(width: u16) -> usize {
    let before = 1 + TIME + LEVEL + if width >= TARGET_FROM { TARGET } else { 0 };
    usize::from(width.saturating_sub(before)).max(1)
}

/// Whether a line is shown.
fn passes(line: &LogLine, level: LogLevel, fuzzy: Option<&mut Fuzzy>) -> bool {
    line.level >= level && fuzzy.is_none_or(|fuzzy| fuzzy.score(&haystack(line)).is_some())
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
    fn level_and_filter_narrow() {
        let mut log = LogScreen::default();
        log.push(line(LogLevel::Debug, "page 1"));
        log.push(line(LogLevel::Error, "refused"));
        assert_eq!(log.lines.len(), 1);
        log.filter.input.paste("!refused");
        log.sift();
        assert!(log.lines.selected().is_none());
    }
}
