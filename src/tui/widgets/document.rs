//! A text to read at length: lines that are set in and may begin with a name, scrolled by rows. A line that is too
//! long goes on below, to the letter, for in JSON a space more or less may be the very thing one looks for.

use super::scroll;
use crate::tui::canvas::{Canvas, View, cells, piece};
use crate::tui::theme::Role;
use crate::tui::{json, text};
use ratatui::layout::Rect;

/// Cells for each level that a line is set in.
const STEP: usize = 2;
/// However far a line is set in, so many cells are left for what it says.
const LEAST_ROOM: usize = 16;

/// A line.
#[derive(Debug, Clone)]
struct Line {
    level: usize,
    /// What it begins with, of the second rank.
    name: String,
    role: Role,
    value: String,
    /// Which entry of a list begins here, for whoever looks for it.
    place: Option<usize>,
}

/// The text.
#[derive(Debug, Clone, Default)]
pub struct Document {
    lines: Vec<Line>,
    offset: usize,
    view: Option<View>,
}

impl Document {
    /// Adds a line, or several where there are line breaks in it.
    pub fn say(&mut self, role: Role, words: &str) {
        let line = |value: &str| Line { role, value: clean(value), ..Line::default() };
        self.lines.extend(words.split('\n').map(line));
    }

    /// Adds a line that begins with a name.
    pub fn say_named(&mut self, name: &str, value: &str) {
        self.lines.push(Line { name: clean(name), value: clean(value), ..Line::default() });
    }

    /// Adds a text that came from elsewhere: laid out when it is JSON, else as it is.
    pub fn quote(&mut self, words: &str) {
        match json::lines(words) {
            None => self.say(Role::Text, words),
            Some(lines) => self.lines.extend(lines.into_iter().map(|line| Line {
                level: line.level,
                name: clean(&line.name),
                value: clean(&line.value),
                place: line.place,
                ..Line::default()
            })),
        }
    }

    /// The whole, as it is copied.
    #[must_use]
    pub fn whole(&self) -> String {
        let line = |line: &Line| format!("{}{}{}", " ".repeat(line.level * STEP), line.name, line.value);
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Scrolls by rows.
    pub fn scroll_by(&mut self, rows: i64) {
        // What was drawn is the truth about how far one can scroll.
        let here = self.view.map_or(self.offset, |view| view.offset);
        self.offset = here.saturating_add_signed(isize::try_from(rows).unwrap_or_default());
    }

    /// Scrolls to a row.
    pub fn scroll_to(&mut self, row: usize) {
        self.offset = row;
    }

    /// Remembers what of it the last frame showed.
    pub fn drawn(&mut self, view: Option<View>) {
        self.view = view;
        self.offset = view.map_or(self.offset, |view| view.offset);
    }

    /// Draws what is in view, and a scroll bar; returns what that is.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> View {
        let columns = usize::from(area.width.saturating_sub(2)).max(1);
        let heights: Vec<usize> = self.lines.iter().map(|line| line.height(columns)).collect();
        let (total, height) = (heights.iter().sum::<usize>(), usize::from(area.height));
        let view = View { offset: self.offset.min(total.saturating_sub(height)), height };
        let mut above = 0;
        for (line, tall) in self.lines.iter().zip(heights) {
            let hidden = view.offset.saturating_sub(above);
            if hidden < tall && above < view.offset + height {
                let y = area.y + cells(above.saturating_sub(view.offset));
                line.draw(
                    canvas,
                    Rect { y, height: area.bottom().saturating_sub(y), ..area },
                    columns,
                    hidden,
                );
            }
            above += tall;
        }
        let track = Rect::new(area.right().saturating_sub(1), area.y, 1, area.height);
        scroll::draw_bar(canvas, track, view, total);
        view
    }
}

impl Default for Line {
    fn default() -> Self {
        Self { level: 0, name: String::new(), role: Role::Text, value: String::new(), place: None }
    }
}

impl Line {
    /// How far it is set in where so many columns are left.
    fn indent(&self, columns: usize) -> usize {
        (self.level * STEP).min(columns.saturating_sub(LEAST_ROOM))
    }

    fn height(&self, columns: usize) -> usize {
        let room = columns - self.indent(columns);
        if text::width(&self.name) + text::width(&self.value) <= room {
            return 1;
        }
        self.rows(columns).len()
    }

    /// Its rows; one after the other they are the line, letter by letter.
    fn rows(&self, columns: usize) -> Vec<String> {
        let mut room = columns - self.indent(columns);
        let whole = format!("{}{}", self.name, self.value);
        let mut rest = whole.as_str();
        let mut rows = Vec::new();
        loop {
            let part = head_in_words(rest, room);
            rows.push(part.to_owned());
            rest = &rest[part.len()..];
            // A single character wider than the whole line has no place at all.
            if rest.is_empty() || part.is_empty() {
                return rows;
            }
            if rows.len() == 1 {
                // What goes on is set in further, so that it is not taken for a line of its own.
                room = room.saturating_sub(STEP).max(1);
            }
        }
    }

    /// Draws it without its first rows.
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, columns: usize, hidden: usize) {
        let x = area.x + cells(self.indent(columns));
        let mut name = self.name.len();
        for (index, row) in self.rows(columns).iter().enumerate() {
            let named = row.floor_char_boundary(name.min(row.len()));
            name -= named;
            let Some(line) = index.checked_sub(hidden).map(cells).filter(|line| *line < area.height) else {
                continue;
            };
            let x = if index == 0 { x } else { x + cells(STEP) };
            let room = area.right().saturating_sub(x + 1);
            let used = canvas.text(x, area.y + line, room, Role::Muted, &row[..named]);
            let used = used + canvas.text(x + used, area.y + line, room - used, self.role, &row[named..]);
            if let (0, Some(place)) = (index, self.place) {
                let place = piece(Role::Faint, place.to_string());
                canvas.line_right(x + used, area.y + line, room - used, &[place]);
            }
        }
    }
}

/// The beginning of a text that fits, up to the end of a word where one ends in the second half of it.
fn head_in_words(rest: &str, room: usize) -> &str {
    let part = text::head(rest, room);
    let end = part.rfind(' ').map(|space| space + 1);
    match end.filter(|end| part.len() < rest.len() && *end > part.len() / 2) {
        Some(end) => &part[..end],
        None => part,
    }
}

fn clean(words: &str) -> String {
    text::clean(words).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_laid_out_and_anything_else_stays() {
        let mut document = Document::default();
        document.say(Role::Muted, "POST /x\nAuthorization: Basic •••");
        document.quote(r#"{"a":{"b":[1,{"c":2}]}}"#);
        document.quote("upstream connect error");
        assert_eq!(
            document.whole(),
            "POST /x\nAuthorization: Basic •••\n{\n  \"a\": {\n    \"b\": [\n      1,\n      { \"c\": 2 }\n    ]\n  }\n}\nupstream connect error"
        );
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_in_a_long_line(name in "[a-z é日]{0,30}", value in "[a-z  日🎉]{0,90}", level in 0..9_usize, columns in 1..60_usize) {
            let line = Line { level, name, value, ..Line::default() };
            let rows = line.rows(columns);
            prop_assert_eq!(rows.len(), line.height(columns));
            let room = columns - line.indent(columns);
            if room > 4 {
                prop_assert_eq!(rows.concat(), format!("{}{}", line.name, line.value));
                prop_assert!(rows.iter().all(|row| text::width(row) <= room));
            }
        }
    }
}
