//! What the actions of the console itself do: moving, finding, copying, opening. Those on syncs, which change
//! something beyond this screen, are in `operate`.

use super::{App, Effect};
use crate::sync::snapshot::NoticeLevel;
use crate::tui::action::{Action, Group};
use crate::tui::clipboard::CopyWay;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::dialogs::picker::{Entry, Picker};
use crate::tui::dialogs::sort::SortMenu;
use crate::tui::screens::cohort_columns::COLUMNS;
use crate::tui::screens::{Screen, cohort_facts};
use crate::tui::text;
use crate::tui::theme::Theme;

impl App {
    /// Does an action, or says why not.
    pub fn run(&mut self, action: Action) -> Vec<Effect> {
        if let Some(obstacle) = self.obstacle(action) {
            self.say(NoticeLevel::Warning, obstacle);
            return Vec::new();
        }
        if action.spec().changes_state {
            return self.operate(action);
        }
        match action {
            Action::Quit | Action::QuitNow => return self.quit(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Mouse => return self.toggle_mouse(),
            Action::Copy => return self.copy_selected(),
            Action::Open => self.open_selected(),
            Action::Back => self.back(),
            Action::Theme => self.next_theme(),
            Action::Help => self.open_help(),
            Action::Palette => self.open_palette(),
            Action::ShowCohorts => self.screen = Screen::Cohorts,
            Action::ShowLog => self.screen = Screen::Log,
            Action::NextScreen => self.screen = self.screen.step(1),
            Action::PreviousScreen => self.screen = self.screen.step(Screen::ALL.len() - 1),
            Action::Filter => self.filter_mut().editing = true,
            Action::Sort => self.dialogs.push(Dialog::Sort(SortMenu::new(&COLUMNS, self.cohorts.table.sort))),
            Action::InvertSort => self.sort_by(self.cohorts.table.sort),
            Action::Mark => self.cohorts.table.toggle_mark(),
            Action::LogLevel => self.log.next_level(),
            Action::LogFollow => self.log.toggle_follow(),
            Action::LogWrap => self.log.wrap = !self.log.wrap,
            _ => self.travel(action),
        }
        Vec::new()
    }

    fn travel(&mut self, action: Action) {
        let page = i64::try_from(self.hits.list.map_or(10, |view| view.height)).unwrap_or(10).max(1);
        match action {
            Action::Down => self.move_by(1),
            Action::Up => self.move_by(-1),
            Action::HalfDown => self.move_by((page / 2).max(1)),
            Action::HalfUp => self.move_by(-(page / 2).max(1)),
            Action::PageDown => self.move_by(page),
            Action::PageUp => self.move_by(-page),
            Action::First => self.select_line(0),
            Action::Last => self.select_line(usize::MAX),
            _ => {}
        }
    }

    pub(super) fn move_by(&mut self, lines: i64) {
        match self.screen {
            Screen::Cohorts => self.cohorts.table.move_by(lines),
            Screen::Log => self.log.move_by(lines),
        }
    }

    pub(super) fn select_line(&mut self, line: usize) {
        match self.screen {
            Screen::Cohorts => self.cohorts.table.select_line(line),
            Screen::Log => self.log.select_line(line),
        }
    }

    pub(super) fn sort_by(&mut self, column: usize) {
        self.cohorts.table.sort_by(column);
        self.cohorts.arrange(&self.snapshot);
    }

    /// One level back: the filter, the marks, an error that stands there. Never the program.
    fn back(&mut self) {
        if self.filter().is_active() || self.filter().editing {
            self.filter_mut().clear();
            self.rearrange();
        } else if self.screen == Screen::Cohorts && self.cohorts.table.marked() > 0 {
            self.cohorts.table.clear_marks();
        } else {
            self.toasts.dismiss();
        }
    }

    fn next_theme(&mut self) {
        let choice = self.theme.choice().next(&self.settings.themes());
        self.theme = Theme::new(choice, self.settings.colour);
        self.note_theme();
        self.say(NoticeLevel::Info, format!("theme: {}", choice.token()));
    }

    fn toggle_mouse(&mut self) -> Vec<Effect> {
        self.mouse = !self.mouse;
        self.note_mouse();
        let words = if self.mouse { "mouse on" } else { "mouse off: the terminal selects text now" };
        self.say(NoticeLevel::Info, words);
        vec![Effect::Mouse(self.mouse)]
    }

    #[expect(clippy::unused_self, reason = "one of the things the console does, called like the others")]
    pub(super) fn copy(&mut self, text: String, what: &str) -> Vec<Effect> {
        vec![Effect::Copy { text, what: what.to_owned() }]
    }

    /// Says which way a text went. Only a tool tells that it has it; a terminal may be set to ignore it.
    pub(super) fn say_copied(&mut self, what: &str, way: CopyWay) {
        match way {
            CopyWay::Tool(tool) => self.say(NoticeLevel::Good, format!("{what} copied ({tool})")),
            CopyWay::Terminal => {
                self.say(NoticeLevel::Info, format!("{what} sent to the terminal's clipboard (OSC 52)"));
            }
            CopyWay::TooLong => {
                let words = format!("{what}: too long for the terminal's clipboard; nothing was copied");
                self.say(NoticeLevel::Warning, words);
            }
        }
    }

    fn copy_selected(&mut self) -> Vec<Effect> {
        let selected = match self.screen {
            Screen::Cohorts => self.cohorts.selected(&self.snapshot).map(|view| view.cohort.id.to_string()),
            Screen::Log => {
                self.log.selected().map(|line| format!("{} {} {}", line.at, line.target, line.text))
            }
        };
        let Some(text) = selected else { return Vec::new() };
        let what =
            if self.screen == Screen::Log { "the line".to_owned() } else { format!("cohort id {text}") };
        self.copy(text, &what)
    }

    fn open_selected(&mut self) {
        let message = match self.screen {
            Screen::Cohorts => self.cohorts.selected(&self.snapshot).map(|view| {
                let title = text::clean(&view.cohort.name).into_owned();
                Message::new(title, Body::Facts(cohort_facts::report(self.scene(), view, self.now)))
            }),
            Screen::Log => self.log.selected().map(|line| {
                let title =
                    format!("{} · {}", text::moment(self.now, line.at, &self.settings.zone), line.target);
                Message::new(title, Body::Text(line.text.clone()))
            }),
        };
        self.dialogs.extend(message.map(Dialog::Message));
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let here = self.screen.scope();
        let actions = Action::ALL.iter().copied().filter(move |action| action.spec().scope.meets(here));
        actions.map(|action| {
            let keys = self.keymap.keys(action).iter().map(|key| key.label(self.settings.ascii));
            let keys = keys.collect::<Vec<_>>().join(" ");
            Entry { action, keys, available: self.obstacle(action).is_none() }
        })
    }

    fn open_help(&mut self) {
        let entries = self.entries().filter(|entry| entry.action != Action::QuitNow).collect();
        let path = |label: &str, path: &Option<String>| path.as_ref().map(|path| format!("{label} {path}"));
        let footer = [
            path("configuration", &self.settings.config_path),
            path("log file     ", &self.settings.log_path),
            self.mouse.then(|| "hold shift (or option) to select text while the mouse is on".to_owned()),
        ];
        self.dialogs.push(Dialog::Picker(Picker::help(entries, footer.into_iter().flatten().collect())));
    }

    fn open_palette(&mut self) {
        let hidden = [Action::Palette, Action::QuitNow, Action::Back];
        let moves =
            |action: Action| action.spec().group == Group::Move && action.spec().id.starts_with("move.");
        let entries = self
            .entries()
            .filter(|entry| entry.available && !hidden.contains(&entry.action) && !moves(entry.action));
        self.dialogs.push(Dialog::Picker(Picker::palette(entries.collect())));
    }
}
