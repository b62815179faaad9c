//! The one way to put something on the screen: a drawing context that knows theme, glyphs and time, keeps
//! every write inside its area, cleans what comes from outside, and notes what a click on it would mean. It
//! knows no screen; layouts are the screens' own.

use super::action::Action;
use super::glyphs::Glyphs;
use super::screens::Screen;
use super::text;
use super::theme::{Role, Theme};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use std::borrow::Cow;

/// What a click on a place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Select this line of the list, counted from the first that is not scrolled away.
    Line(usize),
    /// Sort by this column.
    Header(usize),
    /// Open this screen.
    Tab(Screen),
    /// Open this part of the page.
    Part(usize),
    /// Run this action.
    Run(Action),
    /// Press this button, or choose this option, of the dialog on top.
    Option(usize),
    /// Nothing; shields what lies below a dialog.
    Shield,
}

/// What drawing learnt and the next input needs: where things are and how far lists are scrolled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitMap {
    areas: Vec<(Rect, Target)>,
    /// How the list of the screen fits.
    pub list: Option<View>,
    /// How the list of the dialog on top fits.
    pub dialog: Option<View>,
}

/// The part of a list that is in view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// The first line in view.
    pub offset: usize,
    /// How many lines fit.
    pub height: usize,
}

impl HitMap {
    /// What a click on a cell means; what was drawn last lies on top.
    #[must_use]
    pub fn at(&self, column: u16, row: u16) -> Option<Target> {
        let position = Position::new(column, row);
        self.areas.iter().rev().find(|(area, _)| area.contains(position)).map(|(_, target)| *target)
    }
}

/// A piece of a line: text and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// What it means.
    pub role: Role,
}

/// A piece of a line, briefly.
pub fn piece<'a>(role: Role, text: impl Into<Cow<'a, str>>) -> Piece<'a> {
    Piece { text: text.into(), role }
}

/// The cells that some pieces take together.
#[must_use]
pub fn width_of(pieces: &[Piece<'_>]) -> usize {
    pieces.iter().map(|piece| text::width(&piece.text)).sum()
}

/// Everything needed to draw.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    /// The looks.
    pub theme: Theme,
    /// The symbols.
    pub glyphs: Glyphs,
    /// The time of this frame.
    pub now: Timestamp,
    /// The operator's time zone.
    pub zone: &'a TimeZone,
    /// Whether anything may move.
    pub animations: bool,
    /// Where clicks go.
    pub hits: HitMap,
    on_selected: bool,
}

impl<'a> Canvas<'a> {
    /// A context that draws into a buffer.
    pub fn new(
        buffer: &'a mut Buffer,
        theme: Theme,
        glyphs: Glyphs,
        now: Timestamp,
        zone: &'a TimeZone,
    ) -> Self {
        let hits = HitMap::default();
        Self { buffer, theme, glyphs, now, zone, animations: true, hits, on_selected: false }
    }

    /// All there is to draw on.
    #[must_use]
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// How a role looks where drawing stands now.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        if self.on_selected { self.theme.on_selected(role) } else { self.theme.style(role) }
    }

    /// The spinner's symbol at this moment.
    #[must_use]
    pub fn spinner(&self) -> &'static str {
        self.glyphs.spinner(self.animations.then(|| self.now.as_millisecond() / 100))
    }

    /// Writes a text, cut to `columns`; returns the cells it took.
    pub fn text(&mut self, x: u16, y: u16, columns: u16, role: Role, text: &str) -> u16 {
        let style = self.style(role);
        self.styled(x, y, columns, style, text)
    }

    /// Writes a text in a style that is no role of its own, such as a role with a background.
    pub fn styled(&mut self, x: u16, y: u16, columns: u16, style: Style, text: &str) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
            return 0;
        }
        let columns = columns.min(area.right() - x);
        let text = text::cut(text, usize::from(columns));
        let text = self.plain(&text);
        let (end, _) = self.buffer.set_stringn(x, y, &text, usize::from(columns), whole(style));
        end - x
    }

    /// Writes pieces one after the other, cut to `columns`; returns the cells they took.
    pub fn line(&mut self, x: u16, y: u16, columns: u16, pieces: &[Piece<'_>]) -> u16 {
        let mut used = 0;
        for piece in pieces {
            let room = columns - used;
            used += self.text(x.saturating_add(used), y, room, piece.role, &piece.text);
            if text::width(&piece.text) > usize::from(room) {
                // The line ends with the ellipsis of the piece that was cut.
                break;
            }
        }
        used
    }

    /// Writes pieces so that they end at the right edge of `columns`; returns the cells they took.
    pub fn line_right(&mut self, x: u16, y: u16, columns: u16, pieces: &[Piece<'_>]) -> u16 {
        let wanted = cells(width_of(pieces)).min(columns);
        self.line(x + (columns - wanted), y, wanted, pieces)
    }

    /// Breaks a text over the lines of an area; returns how many lines it took. What does not fit shows as an
    /// ellipsis.
    pub fn paragraph(&mut self, area: Rect, role: Role, text: &str) -> u16 {
        let mut lines = text::wrap(text, usize::from(area.width));
        let shown = lines.len().min(usize::from(area.height));
        if let (true, Some(last)) = (shown < lines.len(), shown.checked_sub(1)) {
            let room = usize::from(area.width).saturating_sub(1);
            lines[last] = format!("{}…", text::head(&lines[last], room).trim_end());
        }
        for (row, line) in (area.y..).zip(&lines[..shown]) {
            self.text(area.x, row, area.width, role, line);
        }
        cells(shown)
    }

    /// Gives the cells of an area the look of a role, keeping what they say.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        self.buffer.set_style(area.intersection(self.buffer.area), style);
    }

    /// Draws with the shades that read well on a selected row.
    pub fn on_selected(&mut self, draw: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.on_selected, true);
        draw(self);
        self.on_selected = before;
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
        // A wide sign that begins just outside would be printed over the first column.
        let Some(outside) = area.x.checked_sub(1) else { return };
        for y in area.y..area.bottom() {
            if let Some(cell) =
                self.buffer.cell_mut((outside, y)).filter(|cell| text::width(cell.symbol()) > 1)
            {
                cell.set_symbol(" ");
            }
        }
    }

    /// Draws a box with a title in its upper edge, and returns the area inside.
    pub fn frame(&mut self, area: Rect, role: Role, title: &[Piece<'_>]) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let glyphs = self.glyphs.frame();
        let [upper_left, upper_right, lower_left, lower_right] = glyphs.corners;
        let inside = usize::from(area.width - 2);
        let edge = glyphs.horizontal.repeat(inside);
        self.text(area.x, area.y, area.width, role, &format!("{upper_left}{edge}{upper_right}"));
        self.text(area.x, area.bottom() - 1, area.width, role, &format!("{lower_left}{edge}{lower_right}"));
        for y in area.y + 1..area.bottom() - 1 {
            self.text(area.x, y, 1, role, glyphs.vertical);
            self.text(area.right() - 1, y, 1, role, glyphs.vertical);
        }
        self.title(area, area.y, title);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// Divides a box at a row, with a title in the dividing line.
    pub fn divide(&mut self, area: Rect, y: u16, role: Role, title: &[Piece<'_>]) {
        if area.width < 2 {
            return;
        }
        let glyphs = self.glyphs.frame();
        let edge = glyphs.horizontal.repeat(usize::from(area.width - 2));
        self.text(area.x, y, area.width, role, &format!("{}{edge}{}", glyphs.tees[0], glyphs.tees[1]));
        self.title(area, y, title);
    }

    /// Writes a remark into the lower edge of a box.
    pub fn foot(&mut self, area: Rect, remark: &[Piece<'_>]) {
        if area.height > 1 {
            self.title(area, area.bottom() - 1, remark);
        }
    }

    fn title(&mut self, area: Rect, y: u16, title: &[Piece<'_>]) {
        if title.is_empty() || area.width < 6 {
            return;
        }
        let room = area.width - 4;
        self.text(area.x + 1, y, 1, Role::Text, " ");
        let used = self.line(area.x + 2, y, room, title);
        self.text(area.x + 2 + used, y, 1, Role::Text, " ");
    }

    /// Notes what a click on an area means.
    pub fn target(&mut self, area: Rect, target: Target) {
        self.hits.areas.push((area, target));
    }

    /// Puts a text through the glyph set, letter by letter.
    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.glyphs.is_ascii() && !text.is_ascii() {
            Cow::Owned(text.chars().map(|c| self.glyphs.plain(c)).collect())
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// A style that leaves nothing of what was there before except a background and the reversal of a selected
/// row: ratatui lays styles over each other, and a border's grey would shine through a title.
fn whole(style: Style) -> Style {
    let kept = style.add_modifier | Modifier::REVERSED;
    Style { fg: style.fg.or(Style::reset().fg), sub_modifier: Modifier::all() - kept, ..style }
}

/// A number of cells as ratatui counts them; no terminal is wider than that.
#[must_use]
pub fn cells(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{ColourDepth, ThemeChoice};

    #[test]
    fn nothing_is_written_outside_the_buffer() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        let theme = Theme::new(ThemeChoice::Dark, ColourDepth::True);
        let zone = TimeZone::UTC;
        let mut canvas = Canvas::new(&mut buffer, theme, Glyphs::new(false), Timestamp::UNIX_EPOCH, &zone);
        assert_eq!(canvas.text(1, 0, 10, Role::Text, "日本"), 1);
        assert_eq!(canvas.text(0, 4, 10, Role::Text, "x"), 0);
        canvas.frame(Rect::new(0, 0, 40, 40), Role::Faint, &[]);
        canvas.tint(Rect::new(2, 0, 40, 40), Role::Selected);
    }

    #[test]
    fn what_was_drawn_last_is_hit_first() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 10));
        let theme = Theme::new(ThemeChoice::Dark, ColourDepth::True);
        let zone = TimeZone::UTC;
        let mut canvas = Canvas::new(&mut buffer, theme, Glyphs::new(false), Timestamp::UNIX_EPOCH, &zone);
        canvas.target(Rect::new(0, 0, 10, 10), Target::Line(3));
        canvas.target(Rect::new(0, 0, 2, 2), Target::Shield);
        assert_eq!(canvas.hits.at(1, 1), Some(Target::Shield));
        assert_eq!(canvas.hits.at(5, 5), Some(Target::Line(3)));
        assert_eq!(canvas.hits.at(20, 5), None);
    }
}
