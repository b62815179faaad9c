//! Short messages that stack above the footer. Good news and warnings leave by themselves; errors stay until
//! somebody dismisses them. All of them are in the log as well.

use super::canvas::{Canvas, cells, piece};
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
/// The widest a message gets, and how many lines it may take.
const COLUMNS: u16 = 58;
const LINES: usize = 3;

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

    /// Draws the newest messages upwards from the bottom right of an area.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, dismiss: &str) {
        let width = COLUMNS.min(area.width.saturating_sub(2));
        if width < 20 || area.height < 3 {
            return;
        }
        let mut bottom = area.bottom();
        let hidden = self.stack.len().saturating_sub(SHOWN);
        for toast in self.stack.iter().rev().take(SHOWN) {
            let inner = usize::from(width) - 4;
            let mut lines = text::wrap(&toast.text, inner);
            if lines.len() > LINES {
                lines.truncate(LINES);
                lines[LINES - 1] = text::cut(&format!("{} …", lines[LINES - 1]), inner).into_owned();
            }
            let height = cells(lines.len()) + 2;
            if bottom < area.y + height {
                return;
            }
            let place = Rect::new(area.right() - width, bottom - height, width, height);
            draw_one(canvas, place, toast, &lines, dismiss);
            bottom -= height;
        }
        if hidden > 0 && bottom > area.y {
            let words = format!(" {hidden} more in the log ");
            let wide = cells(text::width(&words));
            let x = area.right().saturating_sub(wide);
            canvas.text(x, bottom - 1, wide, Role::Muted, &words);
        }
    }
}

fn draw_one(canvas: &mut Canvas<'_>, place: Rect, toast: &Toast, lines: &[String], dismiss: &str) {
    let (role, title) = match toast.level {
        NoticeLevel::Good => (Role::Good, "done"),
        NoticeLevel::Info => (Role::Busy, "note"),
        NoticeLevel::Warning => (Role::Warn, "warning"),
        NoticeLevel::Error => (Role::Bad, "error"),
    };
    let fading = toast.dies().is_some_and(|end| end - FADING <= canvas.now);
    let (role, text) = if fading { (Role::Muted, Role::Muted) } else { (role, Role::Text) };
    canvas.clear(place);
    let mut heading = vec![piece(role, title)];
    if toast.level == NoticeLevel::Error {
        heading.push(piece(Role::Muted, format!(" · {dismiss} dismisses")));
    }
    let inside = canvas.frame(place, role, &heading);
    for (y, line) in (inside.y..inside.bottom()).zip(lines) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), text, line);
    }
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
    fn the_same_message_is_shown_once() {
        let mut toasts = Toasts::default();
        toasts.push(NoticeLevel::Info, "read-only", at(0));
        toasts.push(NoticeLevel::Info, "read-only", at(4));
        assert_eq!(toasts.stack.len(), 1);
        toasts.age(at(6));
        assert_eq!(toasts.stack.len(), 1);
    }
}
