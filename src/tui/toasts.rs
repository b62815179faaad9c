//! Short messages that stack above the footer. Good news and warnings leave by themselves; errors stay until
//! somebody dismisses them. All of them are in the log as well. They share one box, so that what lies below stays
//! readable even on a small screen.
//!
//! ```text
//! ╭ esc dismisses errors · 1 more in the log ──────╮
//! │ done     Board members: 10 adds accepted       │
//! │ error    “Churn risk”: mParticle answered 403  │
//! ╰────────────────────────────────────────────────╯
//! ```

use super::canvas::{Canvas, Piece, cells, piece, width_of};
use super::text;
use super::theme::Role;
use crate::sync::snapshot::{NoticeLevel, Snapshot};
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// How long a message stays, by how much there is to take in.
const BRIEF: SignedDuration = SignedDuration::from_secs(5);
const LONGER: SignedDuration = SignedDuration::from_secs(10);
/// In its last moments a message is drawn muted, so that it does not vanish under the eye.
const FADING: SignedDuration = SignedDuration::from_millis(1_200);
/// More would hide the screen; the rest is in the log.
const SHOWN: usize = 3;
const KEPT: usize = 20;
/// The widest the box gets, the cells for the word in front, and how many lines a message may take.
const COLUMNS: u16 = 68;
const WORD: u16 = 9;
const LINES: usize = 4;

/// A message.
#[derive(Debug, Clone)]
struct Toast {
    level: NoticeLevel,
    text: String,
    born: Timestamp,
}

impl Toast {
    fn dies(&self) -> Option<Timestamp> {
        let life = match self.level {
            NoticeLevel::Error => return None,
            NoticeLevel::Warning => LONGER,
            NoticeLevel::Good | NoticeLevel::Info => BRIEF,
        };
        Some(self.born + life)
    }
}

/// The messages on the screen.
#[derive(Debug, Default)]
pub struct Toasts {
    stack: VecDeque<Toast>,
    /// The engine's notices up to this number were shown.
    seen: u64,
}

impl Toasts {
    /// Messages that begin after what the engine said before the console opened.
    #[must_use]
    pub fn after(snapshot: &Snapshot) -> Self {
        let seen = snapshot.notices.back().map_or(0, |notice| notice.number);
        Self { stack: VecDeque::new(), seen }
    }

    /// Adds a message; one that is there already only gets young again.
    pub fn push(&mut self, level: NoticeLevel, text: impl Into<String>, now: Timestamp) {
        let text = text.into();
        self.stack.retain(|toast| toast.text != text);
        self.stack.push_back(Toast { level, text, born: now });
        while self.stack.len() > KEPT {
            self.stack.pop_front();
        }
    }

    /// Takes in what the engine has to say that was not shown yet.
    pub fn take_in(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let seen = self.seen;
        for notice in snapshot.notices.iter().filter(|notice| notice.number > seen) {
            self.seen = notice.number;
            self.push(notice.level, notice.text.clone(), now);
        }
    }

    /// Lets go of what has had its time.
    pub fn age(&mut self, now: Timestamp) {
        self.stack.retain(|toast| toast.dies().is_none_or(|end| end > now));
    }

    /// Dismisses the newest error; tells whether there was one.
    pub fn dismiss(&mut self) -> bool {
        let newest = self.stack.iter().rposition(|toast| toast.dies().is_none());
        newest.and_then(|index| self.stack.remove(index)).is_some()
    }

    /// Whether anything will change by itself.
    #[must_use]
    pub fn are_ageing(&self) -> bool {
        self.stack.iter().any(|toast| toast.dies().is_some())
    }

    /// Draws the newest messages in a box at the bottom right of an area.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, dismiss: &str) {
        let width = COLUMNS.min(area.width.saturating_sub(2));
        if width < 24 {
            return;
        }
        let room = usize::from(width - WORD) - 4;
        let (mut lines, mut shown): (Vec<Vec<Line<'_>>>, usize) = (Vec::new(), 0);
        for toast in self.stack.iter().rev().take(SHOWN) {
            let next = lines_of(toast, canvas.now, room);
            let height = lines.iter().map(Vec::len).sum::<usize>() + next.len() + 2;
            if height > usize::from(area.height) {
                break;
            }
            lines.push(next);
            shown += 1;
        }
        if shown == 0 {
            return;
        }
        let lines: Vec<Line<'_>> = lines.into_iter().rev().flatten().collect();
        let heading = self.heading(shown, dismiss);
        let height = cells(lines.len() + 2);
        let widest = lines.iter().map(|line| text::width(&line.words)).max().unwrap_or(0) + usize::from(WORD);
        let width = cells(widest.max(width_of(&heading) + 2) + 4).min(width);
        let place = Rect::new(area.right() - width, area.bottom() - height, width, height);
        let newest = self.stack.iter().rev().take(shown);
        let role = newest.map(|toast| toast.role(canvas.now)).max_by_key(|role| severity(*role));
        canvas.clear(place);
        let inside = canvas.frame(place, role.unwrap_or(Role::Muted), &heading);
        for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
            canvas.text(inside.x + 1, y, WORD, line.role, line.word);
            canvas.text(
                inside.x + 1 + WORD,
                y,
                inside.width.saturating_sub(2 + WORD),
                line.text,
                &line.words,
            );
        }
    }

    /// What can be done about them, and how many are not shown.
    fn heading(&self, shown: usize, dismiss: &str) -> Vec<Piece<'static>> {
        let has_error = self.stack.iter().any(|toast| toast.level == NoticeLevel::Error);
        let hidden = self.stack.len() - shown;
        let says = [
            has_error.then(|| format!("{dismiss} dismisses errors")),
            (hidden > 0).then(|| format!("{hidden} more in the log")),
        ];
        let words = says.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        if words.is_empty() { Vec::new() } else { vec![piece(Role::Muted, words)] }
    }
}

/// A line of the box.
struct Line<'t> {
    role: Role,
    word: &'t str,
    text: Role,
    words: String,
}

impl Toast {
    /// Its colour; in its last moments it has none.
    fn role(&self, now: Timestamp) -> Role {
        match self.level {
            _ if self.dies().is_some_and(|end| end - FADING <= now) => Role::Muted,
            NoticeLevel::Good => Role::Good,
            NoticeLevel::Info => Role::Busy,
            NoticeLevel::Warning => Role::Warn,
            NoticeLevel::Error => Role::Bad,
        }
    }
}

/// The box is coloured by the gravest of what it holds.
fn severity(role: Role) -> u8 {
    match role {
        Role::Bad => 4,
        Role::Warn => 3,
        Role::Good => 2,
        Role::Busy => 1,
        _ => 0,
    }
}

/// A message in lines. Where it is too long its middle is left out: it begins with whom it is about and often ends with
/// the numbers.
fn lines_of(toast: &Toast, now: Timestamp, room: usize) -> Vec<Line<'static>> {
    let word = match toast.level {
        NoticeLevel::Good => "done",
        NoticeLevel::Info => "note",
        NoticeLevel::Warning => "warning",
        NoticeLevel::Error => "error",
    };
    let role = toast.role(now);
    let text = if role == Role::Muted { Role::Muted } else { Role::Text };
    let mut lines = text::wrap(&toast.text, room);
    if lines.len() > LINES {
        lines.truncate(LINES - 1);
        lines[LINES - 2] = text::cut(&format!("{} …", lines[LINES - 2]), room).into_owned();
        lines.push(last_words(&toast.text, room));
    }
    let word_of = |line| if line == 0 { word } else { "" };
    lines
        .into_iter()
        .enumerate()
        .map(|(line, words)| Line { role, word: word_of(line), text, words })
        .collect()
}

/// As many of the last words as fit.
fn last_words(text: &str, room: usize) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut taken = 0;
    for word in text.split_whitespace().rev() {
        taken += text::width(word) + usize::from(!words.is_empty());
        if taken > room {
            break;
        }
        words.push(word);
    }
    words.reverse();
    text::clean(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    #[test]
    fn errors_stay_and_the_rest_leaves() {
        let mut toasts = Toasts::default();
        toasts.push(NoticeLevel::Good, "sent", at(0));
        toasts.push(NoticeLevel::Error, "refused", at(0));
        assert!(toasts.are_ageing());
        toasts.age(at(60));
        assert!(!toasts.are_ageing());
        assert_eq!(toasts.stack.len(), 1);
        assert!(toasts.dismiss());
        assert!(!toasts.dismiss());
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let text = format!("{}: 1,140 adds accepted", "Q4 lifecycle campaign ".repeat(20));
        let toast = Toast { level: NoticeLevel::Good, text, born: at(0) };
        let lines = lines_of(&toast, at(0), 40);
        assert_eq!(lines.len(), LINES);
        assert!(lines[0].words.starts_with("Q4 lifecycle") && lines[LINES - 2].words.ends_with('…'));
        assert!(
            lines[LINES - 1].words.ends_with("campaign : 1,140 adds accepted"),
            "{}",
            lines[LINES - 1].words
        );
    }

    #[test]
    fn the_same_message_is_shown_once() {
        let mut toasts = Toasts::default();
        toasts.push(NoticeLevel::Info, "read-only", at(0));
        toasts.push(NoticeLevel::Info, "read-only", at(4));
        assert_eq!(toasts.stack.len(), 1);
        toasts.age(at(6));
        assert_eq!(toasts.stack.len(), 1);
    }
}
