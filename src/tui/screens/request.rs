//! One request: how it went, what was asked and what was answered, as far as either is kept, credentials masked. Both
//! stand beside each other where there is room, and else one at a time.
//!
//! ```text
//! ╭ Request 4711 · batches · Churn risk ─────────────────────────────╮
//! │ ▲ mParticle   202 after 182 ms   100 users, 98 taken             │
//! │ answered 14:32:07.123   sent 14:32:06.941   24,611 bytes   run 41│
//! ├ [Request] ─────────────────────── Answer ────────────────────────┤
//! │ POST https://inbound.mparticle… │ {                              │
//! ╰──────────────────────────────────────────────────────────────────╯
//! ```

use super::Scene;
use super::cohort_lines::{Lines, fact};
use super::page::{Page, Step};
use super::parts::draw_title;
use super::request_columns::{RequestRow, is_success, milliseconds, refused, side, status, status_role};
use super::request_texts::{Said, answer_text, request_text};
use crate::sync::pages::{Answer, JournalEntry, JournalLine, Question, Side};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::document::Document;
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

/// From this width on request and answer stand beside each other.
const SIDE_BY_SIDE_FROM: u16 = 100;
/// What a line of a request takes, with a few cells to spare.
const LONGEST_LINE: u16 = 90;
/// The lines above them.
const FACTS: u16 = 2;
/// What the two are called.
const TITLES: [&str; 2] = ["Request", "Answer"];

/// The whole entry of the journal.
enum Entry {
    Reading,
    Known(Box<JournalEntry>),
    Forgotten,
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// The page.
pub struct RequestPage {
    row: RequestRow,
    entry: Entry,
    said: Said,
    /// Request and answer.
    texts: [Document; 2],
    /// Which of them keys are for.
    open: usize,
}

impl RequestPage {
    /// A request, with what is known of it until more is read.
    #[must_use]
    pub fn of(row: RequestRow) -> Self {
        let line = &row.row.line;
        // What one came for: of what went well what was said, of anything else what came back.
        let went_well = is_success(line) && refused(line) == 0 && line.side == Side::Mparticle;
        let said = if body_of(line).is_some() { Said::OnItsWay } else { Said::Unknown };
        let open = usize::from(!went_well);
        let mut page = Self { row, entry: Entry::Reading, said, texts: Default::default(), open };
        page.write();
        page
    }

    /// Writes down both texts as far as they are known.
    fn write(&mut self) {
        let line = &self.row.row.line;
        let both = |role, words: &str| {
            let mut text = Document::default();
            text.say(role, words);
            [text.clone(), text]
        };
        self.texts = match &self.entry {
            Entry::Reading => both(Role::Muted, "Reading…"),
            Entry::Unreadable(error) => both(Role::Bad, &format!("The request cannot be read: {error}")),
            Entry::Forgotten => {
                both(Role::Muted, "The journal has forgotten this request; it keeps the newest ten thousand.")
            }
            Entry::Known(entry) => {
                [request_text(line, &entry.request, &self.said), answer_text(line, &entry.answer)]
            }
        };
    }

    fn title(&self, columns: u16) -> Vec<Piece<'static>> {
        let what =
            format!("Request {} · {}", text::count(self.row.row.id.unsigned_abs()), self.row.row.line.what);
        let room = usize::from(columns).saturating_sub(text::width(&what) + 8);
        let mut title = vec![piece(Role::Title, what)];
        if self.row.row.line.cohort.is_some() {
            title.push(piece(Role::Muted, " · "));
            title.push(piece(Role::Title, text::cut(&self.row.cohort, room).into_owned()));
        }
        title
    }

    fn draw_facts(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let line = &self.row.row.line;
        let mut lines = Lines { area };
        lines.line(canvas, &outcome(line));
        let elapsed = SignedDuration::try_from(line.elapsed).unwrap_or_default();
        let mut when = Vec::new();
        let ended = if line.status.is_some() { "answered" } else { "failed" };
        fact(&mut when, ended, &to_the_millisecond(canvas, line.at, canvas.now));
        let sent = line.at.saturating_sub(elapsed).unwrap_or(line.at);
        fact(&mut when, "sent", &to_the_millisecond(canvas, sent, line.at));
        let direction = if line.side == Side::Mparticle { "bytes sent" } else { "bytes received" };
        fact(&mut when, direction, &text::count(line.bytes));
        if let Some(run) = line.run {
            fact(&mut when, "run", &run.to_string());
        }
        if let Some(cohort) = line.cohort {
            fact(&mut when, "cohort", &cohort.to_string());
        }
        lines.line(canvas, &when);
    }

    /// Draws both texts, or the one that keys are for.
    fn draw_texts(&self, canvas: &mut Canvas<'_>, area: Rect, titles: u16) {
        if area.width < SIDE_BY_SIDE_FROM {
            let mut x = area.x + 1;
            for (part, title) in TITLES.into_iter().enumerate() {
                let room = Rect::new(x, titles, area.right().saturating_sub(x), 1);
                x += draw_title(canvas, room, title, part, part == self.open) + 1;
            }
            let view = self.texts[self.open].draw(canvas, inset(area));
            canvas.hits.list = Some(view);
            return;
        }
        // What is sent has the longer lines: a `source_request_id` alone takes this many cells.
        let left = (area.width * 2 / 3).min(LONGEST_LINE);
        let panes = [
            Rect { width: left, ..area },
            Rect { x: area.x + left + 1, width: area.width - left - 1, ..area },
        ];
        let vertical = canvas.glyphs.frame().vertical;
        for y in area.y..area.bottom() {
            canvas.text(area.x + left, y, 1, Role::Faint, vertical);
        }
        for (part, pane) in panes.into_iter().enumerate() {
            let title = Rect { y: titles, height: 1, ..inset(pane) };
            draw_title(canvas, title, TITLES[part], part, part == self.open);
            let view = self.texts[part].draw(canvas, inset(pane));
            if part == self.open {
                canvas.hits.list = Some(view);
            }
        }
    }
}

/// A cell of air at the left.
fn inset(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }
}

/// The question for what a request to mParticle said.
fn body_of(line: &JournalLine) -> Option<Question> {
    let users = usize::try_from(line.users).ok()?;
    Some(Question::Body { run: line.run?, first_position: line.first_position?, users })
}

/// How it went.
fn outcome(line: &JournalLine) -> Vec<Piece<'static>> {
    let mut pieces = vec![piece(Role::Strong, side(line.side))];
    let after = text::count(milliseconds(line));
    let mark = if is_success(line) { "✓" } else { "✗" };
    let status = match line.status {
        Some(_) => format!("{mark} {} after {after} ms", status(line)),
        None => format!("{mark} no answer in {after} ms"),
    };
    pieces.extend([piece(Role::Text, "   "), piece(status_role(line), status)]);
    if line.attempt > 1 {
        pieces.extend([piece(Role::Text, "   "), piece(Role::Warn, format!("try {}", line.attempt))]);
    }
    if line.users > 0 {
        pieces.extend([piece(Role::Text, "   "), piece(Role::Text, text::plural(line.users, "user"))]);
        match line.accepted {
            Some(_) if refused(line) > 0 => {
                pieces.push(piece(Role::Bad, format!(", {} refused", text::count(refused(line)))));
            }
            Some(_) if is_success(line) => pieces.push(piece(Role::Good, ", all accepted")),
            _ => {}
        }
    }
    pieces
}

/// The time of day, with the date in front unless it is that of another moment.
fn to_the_millisecond(canvas: &Canvas<'_>, at: Timestamp, other: Timestamp) -> String {
    let [at, other] = [at, other].map(|at| at.to_zoned_datetime(canvas.zone.clone()));
    let format = if at.date() == other.date() { "%H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    at.strftime(format).to_string()
}

impl Page for RequestPage {
    fn place(&self) -> Place {
        Place::Request
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Copy, Action::NextPart, Action::Back, Action::Palette]
    }

    fn drawn(&mut self, view: Option<View>) {
        self.texts[self.open].drawn(view);
    }

    fn move_by(&mut self, lines: i64) {
        self.texts[self.open].scroll_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.texts[self.open].scroll_to(line);
    }

    fn open_part(&mut self, part: usize) {
        self.open = part.min(TITLES.len() - 1);
    }

    fn act(&mut self, action: Action, _: Scene<'_>) -> Step {
        match action {
            Action::NextPart | Action::PreviousPart => self.open = 1 - self.open,
            Action::Copy => {
                let what = TITLES[self.open].to_lowercase();
                return Step::Copy(self.texts[self.open].whole(), format!("the {what}"));
            }
            _ => {}
        }
        Step::Done
    }

    fn wants(&self) -> Vec<Question> {
        let entry = matches!(self.entry, Entry::Reading).then_some(Question::Entry(self.row.row.id));
        let is_lacking = matches!(self.said, Said::OnItsWay) && !matches!(self.entry, Entry::Unreadable(_));
        let body = body_of(&self.row.row.line).filter(|_| is_lacking);
        entry.into_iter().chain(body).collect()
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let is_own = *question == Question::Entry(self.row.row.id)
            || Some(question) == body_of(&self.row.row.line).as_ref();
        if !is_own {
            return;
        }
        match answer {
            Ok(Answer::Entry(entry)) => self.entry = entry.clone().map_or(Entry::Forgotten, Entry::Known),
            Ok(Answer::Body(body)) => self.said = body.clone().map_or(Said::Forgotten, Said::Known),
            Ok(_) => return,
            Err(error) => self.entry = Entry::Unreadable(error.clone()),
        }
        self.write();
    }

    fn draw(&self, canvas: &mut Canvas<'_>, _: Scene<'_>, area: Rect) {
        let inside = canvas.frame(area, Role::Faint, &self.title(area.width));
        if inside.is_empty() {
            return;
        }
        let above = FACTS.min(inside.height);
        let facts = Rect::new(inside.x + 1, inside.y, inside.width.saturating_sub(2), above);
        self.draw_facts(canvas, facts);
        let y = inside.y + above;
        canvas.divide(area, y, Role::Faint, &[]);
        let texts = Rect { y: y + 1, height: inside.bottom().saturating_sub(y + 1), ..inside };
        self.draw_texts(canvas, texts, y);
    }
}
