//! How the app draws a frame: header, tabs, the open screen, footer, toasts, and the dialogs on top.

use super::operate;
use super::{App, PATIENCE};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, HitMap, cells, piece, width_of};
use crate::tui::frame::{self, Hint};
use crate::tui::glyphs::Glyphs;
use crate::tui::screens::Scene;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::filter::Filter;
use jiff::SignedDuration;
use ratatui::Frame;
use ratatui::layout::{Margin, Rect};

/// Below this size there is only one line that says so.
const LEAST: (u16, u16) = (40, 10);

impl App {
    /// What there is to draw from besides a screen's own state.
    pub(super) fn scene(&self) -> Scene<'_> {
        Scene { snapshot: &self.snapshot, settings: &self.settings, keymap: &self.keymap, now: self.now }
    }

    /// Draws a frame and tells where things are on it.
    pub fn draw(&self, frame: &mut Frame<'_>) -> HitMap {
        let area = frame.area();
        let glyphs = Glyphs::new(self.settings.ascii);
        let mut canvas = Canvas::new(frame.buffer_mut(), self.theme, glyphs, self.now, &self.settings.zone);
        canvas.animations = self.settings.animations;
        let scene = self.scene();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let words =
                format!("cohort-sync needs {}×{}, this is {}×{}", LEAST.0, LEAST.1, area.width, area.height);
            canvas.text(area.x, area.y + area.height / 2, area.width, Role::Text, &words);
            return canvas.hits;
        }
        let row = |y: u16| Rect::new(area.x, y, area.width, 1);
        let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
        frame::draw_header(&mut canvas, scene, row(area.y));
        frame::draw_tabs(&mut canvas, scene, row(area.y + 1), self.tabs.screen());
        self.tabs.page().draw(&mut canvas, scene, body);
        let footer = row(area.bottom() - 1);
        if let Some(filter) = self.tabs.page().filter().filter(|filter| filter.editing) {
            draw_filter(&mut canvas, footer, filter, self.tabs.page().filter_words());
        } else if self.stopping.is_some() {
            self.draw_stopping(&mut canvas, scene, footer);
        } else if self.tabs.page().is_typing() {
            frame::draw_keys(&mut canvas, scene, footer, &self.tabs.page().typing_hints());
        } else {
            frame::draw_footer(&mut canvas, scene, footer, &self.hints());
        }
        let inside = body.inner(Margin::new(1, 1));
        self.toasts.draw(&mut canvas, inside, &scene.key(Action::Back));
        for dialog in &self.dialogs {
            canvas.tint(area, Role::Muted);
            dialog.draw(&mut canvas, scene);
        }
        canvas.hits
    }

    fn hints(&self) -> Vec<Hint> {
        let page = self.tabs.page();
        let selected = page.subject().and_then(|id| self.snapshot.cohort(id));
        let hints = page.hints().iter().map(|action| {
            let usual = || operate::title_now(*action, selected.map(|view| &**view));
            let title = page.title_of(*action).unwrap_or_else(usual);
            Hint { action: *action, title, available: self.obstacle(*action).is_none() }
        });
        // What only rarely fits stays out of the way until it does.
        let rare = [
            Action::Decide,
            Action::Reconnect,
            Action::RunNow,
            Action::Repair,
            Action::Tick,
            Action::UndoSetting,
        ];
        let again = selected.is_some_and(|view| view.sync.is_some());
        let fits = |hint: &Hint| {
            let quiet = rare.contains(&hint.action) || (again && hint.action == Action::StartSync);
            hint.available || !quiet
        };
        // A held plan is decided on; the key that pauses would only lead to the same question.
        let held = selected.is_some_and(|view| operate::is_held(view));
        hints.filter(fits).filter(|hint| !held || hint.action != Action::PauseResume).collect()
    }

    fn draw_stopping(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let waited = self.stopping.map_or(SignedDuration::ZERO, |since| self.now.duration_since(since));
        let spinner = canvas.spinner();
        let words = if let Some(profile) = &self.bound_for {
            let waited = waited.as_secs().max(0);
            let whom = text::cut(profile, 24);
            format!(" {spinner} going over to {whom} after the requests in flight… {waited} s")
        } else {
            let left = (PATIENCE - waited).as_secs().max(0);
            format!(" {spinner} stopping after the requests in flight… {left} s")
        };
        canvas.text(area.x, area.y, area.width, Role::Warn, &words);
        let force = [piece(Role::Key, scene.key(Action::Quit)), piece(Role::Muted, " quits now ")];
        canvas.line_right(area.x, area.y, area.width, &force);
    }
}

/// The filter, with what can be typed in it where that leaves room for typing.
fn draw_filter(canvas: &mut Canvas<'_>, area: Rect, filter: &Filter, words: Option<&str>) {
    const KEYS: &str = "enter keeps · esc clears";
    const TYPING: usize = 30;
    let used = canvas.text(area.x + 1, area.y, 2, Role::Key, "/ ");
    let hints = words.map(|words| [format!("{words} · {KEYS} "), format!("{words} ")]);
    let fits = |hint: &String| text::width(hint) + TYPING <= usize::from(area.width);
    let hint = hints.into_iter().flatten().find(fits).unwrap_or_else(|| format!("{KEYS} · ! inverts "));
    let hint = [piece(Role::Muted, hint)];
    let right = cells(width_of(&hint));
    let room = area.width.saturating_sub(used + right + 3);
    filter.input.draw(canvas, area.x + 1 + used, area.y, room, Role::Focus, filter.editing);
    canvas.line_right(area.x, area.y, area.width, &hint);
}
