//! Help and palette: both find an action by typing and run it with Enter. Help lists every key of the place
//! under headings; the palette lists only what can be done now, the best match first.

use super::{DialogInput, Reply, open};
use crate::tui::action::{Action, Group};
use crate::tui::canvas::{Canvas, Target, View, cells, piece};
use crate::tui::keymap::Code;
use crate::tui::screens::Scene;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::filter::Fuzzy;
use crate::tui::widgets::scroll;
use crate::tui::widgets::text_input::TextInput;
use ratatui::layout::Rect;

/// An action as it is listed.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What Enter runs.
    pub action: Action,
    /// Its keys, as the screen writes them.
    pub keys: String,
    /// Whether it can be done now.
    pub available: bool,
}

/// The list.
#[derive(Debug)]
pub struct Picker {
    title: &'static str,
    entries: Vec<Entry>,
    input: TextInput,
    /// Indices into `entries`, as listed now.
    shown: Vec<usize>,
    focus: usize,
    grouped: bool,
    footer: Vec<String>,
    /// What was in view in the last frame.
    pub view: Option<View>,
}

/// A line of the list.
enum Line {
    Heading(Group),
    Entry(usize),
}

/// The widest the list gets.
const COLUMNS: u16 = 90;
/// The palette is for typing, not for reading through.
const PALETTE_LINES: usize = 14;
/// Cells for the keys.
const KEYS: u16 = 16;

impl Picker {
    /// Help for a place. The footer says where configuration and log are.
    #[must_use]
    pub fn help(mut entries: Vec<Entry>, footer: Vec<String>) -> Self {
        entries.sort_by_key(|entry| entry.action.spec().group);
        Self::new("Help", entries, true, footer)
    }

    /// The palette.
    #[must_use]
    pub fn palette(entries: Vec<Entry>) -> Self {
        Self::new("Commands", entries, false, Vec::new())
    }

    fn new(title: &'static str, entries: Vec<Entry>, grouped: bool, footer: Vec<String>) -> Self {
        let shown = (0..entries.len()).collect();
        Self { title, entries, input: TextInput::default(), shown, focus: 0, grouped, footer, view: None }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        let last = self.shown.len().saturating_sub(1);
        let page = self.view.map_or(1, |view| view.height.max(1));
        match input {
            DialogInput::Press(index) => return self.run(index),
            DialogInput::Scroll(lines) => {
                let lines = isize::try_from(lines).unwrap_or(0);
                self.focus = self.focus.saturating_add_signed(lines).min(last);
            }
            DialogInput::Paste(text) => {
                self.input.paste(text);
                self.search();
            }
            DialogInput::Key(key) => match (key.code, key.ctrl) {
                (Code::Enter, _) => return self.run(self.focus),
                (Code::Down | Code::Tab, _) | (Code::Char('n'), true) => {
                    self.focus = (self.focus + 1).min(last);
                }
                (Code::Up | Code::BackTab, _) | (Code::Char('p'), true) => {
                    self.focus = self.focus.saturating_sub(1);
                }
                (Code::PageDown, _) | (Code::Char('d'), true) => self.focus = (self.focus + page).min(last),
                (Code::PageUp, _) => self.focus = self.focus.saturating_sub(page),
                _ => {
                    if self.input.key(key) {
                        self.search();
                    }
                }
            },
        }
        Reply::Stay
    }

    fn run(&self, index: usize) -> Reply {
        self.shown.get(index).map_or(Reply::Stay, |entry| Reply::Run(self.entries[*entry].action))
    }

    /// Ranks by the words on the screen first: the title, then the help line, then the name and the keys.
    fn search(&mut self) {
        self.focus = 0;
        if self.input.value().trim().is_empty() {
            self.shown = (0..self.entries.len()).collect();
            return;
        }
        let mut fuzzy = Fuzzy::new(self.input.value());
        let mut ranked: Vec<(u32, usize)> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let spec = entry.action.spec();
            let best = [
                fuzzy.score(spec.title).map(|score| score * 3),
                fuzzy.score(spec.help),
                fuzzy.score(spec.id),
                fuzzy.score(&entry.keys).map(|score| score * 2),
            ];
            ranked.extend(best.into_iter().flatten().max().map(|score| (score, index)));
        }
        ranked.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        self.shown = ranked.into_iter().map(|(_, index)| index).collect();
    }

    fn lines(&self) -> Vec<Line> {
        let headings = self.grouped && self.input.value().trim().is_empty();
        let mut lines = Vec::new();
        let mut group = None;
        for (position, entry) in self.shown.iter().enumerate() {
            let here = self.entries[*entry].action.spec().group;
            if headings && group != Some(here) {
                lines.push(Line::Heading(here));
                group = Some(here);
            }
            lines.push(Line::Entry(position));
        }
        lines
    }

    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        let whole = canvas.area();
        let width = COLUMNS.min(whole.width.saturating_sub(6));
        let most = self.entries.len() + if self.grouped { 5 } else { 0 };
        let most = if self.grouped { most } else { most.min(PALETTE_LINES) };
        let height = cells(most + 3 + self.footer.len()).min(whole.height.saturating_sub(2));
        let context = if self.grouped { " · type to search, Enter runs" } else { "" };
        let title = [piece(Role::Title, self.title), piece(Role::Muted, context)];
        let area = open(canvas, (width, height), &title);
        let prompt = canvas.text(area.x, area.y, 2, Role::Key, if self.grouped { "/ " } else { ": " });
        self.input.draw(canvas, area.x + prompt, area.y, area.width.saturating_sub(prompt), Role::Text, true);
        let footer = if area.height > 12 { cells(self.footer.len()) } else { 0 };
        let taken = 2 + if footer > 0 { footer + 1 } else { 0 };
        let body = Rect::new(area.x, area.y + 2, area.width, area.height.saturating_sub(taken));
        self.draw_body(canvas, scene, body);
        for (y, line) in (area.bottom().saturating_sub(footer)..area.bottom()).zip(&self.footer) {
            canvas.text(area.x, y, area.width, Role::Muted, line);
        }
    }

    fn draw_body(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, body: Rect) {
        let lines = self.lines();
        let focused = lines.iter().position(|line| matches!(line, Line::Entry(at) if *at == self.focus));
        let mut view = scroll::view(self.view, focused, lines.len(), usize::from(body.height));
        if self.focus == 0 {
            // The heading above the first entry is part of it.
            view.offset = 0;
        }
        canvas.hits.dialog = Some(view);
        if lines.is_empty() {
            canvas.text(body.x, body.y, body.width, Role::Muted, "Nothing matches.");
        }
        for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(view.offset)) {
            let row = Rect::new(body.x, y, body.width.saturating_sub(1), 1);
            match line {
                Line::Heading(group) => drop(canvas.text(row.x, y, row.width, Role::Focus, group.title())),
                Line::Entry(position) => self.draw_entry(canvas, scene, row, *position),
            }
        }
        let track = Rect::new(body.right().saturating_sub(1), body.y, 1, body.height);
        scroll::draw_bar(canvas, track, view, lines.len());
    }

    fn draw_entry(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, row: Rect, position: usize) {
        let entry = &self.entries[self.shown[position]];
        let spec = entry.action.spec();
        let focused = position == self.focus;
        if focused {
            canvas.tint(row, Role::Selected);
        }
        let refused = spec.changes_state && scene.snapshot.writer.is_read_only();
        let role = if entry.available && !refused { Role::Text } else { Role::Muted };
        let keys = text::fit(&entry.keys, usize::from(KEYS.min(row.width / 5)), text::Align::Left);
        let draw = |canvas: &mut Canvas<'_>| {
            let pieces = [piece(Role::Key, format!(" {keys}")), piece(role, spec.help)];
            canvas.line(row.x, row.y, row.width, &pieces);
        };
        if focused {
            canvas.on_selected(draw);
        } else {
            draw(canvas);
        }
        canvas.target(row, Target::Option(position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picker() -> Picker {
        let entries = Action::ALL.iter().map(|action| Entry {
            action: *action,
            keys: action.spec().keys.join(" "),
            available: true,
        });
        Picker::palette(entries.collect())
    }

    fn type_into(picker: &mut Picker, text: &str) {
        picker.handle(DialogInput::Paste(text));
    }

    #[test]
    fn the_best_match_is_what_enter_runs() {
        for (typed, action) in
            [("pause", Action::PauseResume), ("thm", Action::Theme), ("refr", Action::Refresh)]
        {
            let mut picker = picker();
            type_into(&mut picker, typed);
            let reply = picker.handle(DialogInput::Key("enter".parse().unwrap()));
            assert!(matches!(reply, Reply::Run(run) if run == action), "{typed}: {reply:?}");
        }
    }

    #[test]
    fn nothing_found_runs_nothing() {
        let mut picker = picker();
        type_into(&mut picker, "qqqqzzzz");
        assert!(matches!(picker.handle(DialogInput::Key("enter".parse().unwrap())), Reply::Stay));
        picker.handle(DialogInput::Key("down".parse().unwrap()));
        assert_eq!(picker.focus, 0);
    }
}
