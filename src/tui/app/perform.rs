//! What the actions of the console itself do: moving, finding, copying, opening. Those on syncs, which change
//! something beyond this screen, are in `operate`.

use super::{App, Effect};
use crate::sync::export::Form;
use crate::sync::snapshot::NoticeLevel;
use crate::tui::action::{Action, Group};
use crate::tui::clipboard::CopyWay;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::picker::{Entry, Picker};
use crate::tui::dialogs::sort::SortMenu;
use crate::tui::screens::page::Step;
use crate::tui::screens::tabs::Tabs;
use crate::tui::screens::{Scene, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::Arrangement;

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
        if let Some(screen) = Screen::opened_by(action) {
            self.show(screen);
            return Vec::new();
        }
        match action {
            Action::Quit | Action::QuitNow => return self.quit(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Mouse => return self.toggle_mouse(),
            Action::Export => return self.export(Form::Csv),
            Action::ExportJson => return self.export(Form::Json),
            Action::Back => self.back(),
            Action::Theme => self.next_theme(),
            Action::Help => self.open_help(),
            Action::Palette => self.open_palette(),
            Action::Profiles => return self.list_profiles(),
            Action::NextScreen => self.turn(Tabs::step_on),
            Action::PreviousScreen => self.turn(Tabs::step_back),
            Action::Filter => return self.begin_filter(),
            Action::ShowUser => self.show_user(),
            Action::Sort => self.open_sort_menu(),
            Action::InvertSort => self.invert_sort(),
            _ if action.spec().id.starts_with("move.") => self.travel(action),
            _ => return self.act(action),
        }
        Vec::new()
    }

    /// Lets the page do what only concerns it.
    fn act(&mut self, action: Action) -> Vec<Effect> {
        let step = self.on_page(|page, scene| page.act(action, scene));
        self.follow(step)
    }

    /// Does what a page asks for.
    pub(super) fn follow(&mut self, step: Step) -> Vec<Effect> {
        match step {
            // Whoever has parts has opened it already.
            Step::Done | Step::Part(_) => {}
            Step::Open(page) => {
                let Self { tabs, snapshot, settings, keymap, now, .. } = self;
                tabs.push(page, Scene { snapshot, settings, keymap, now: *now });
            }
            Step::Show(message) => self.dialogs.push(Dialog::Message(message)),
            Step::Copy(text, what) => return self.copy(text, &what),
            Step::Ask(question) => return vec![Effect::Ask(question)],
            Step::Edit(setting) => self.edit_setting(&setting),
        }
        Vec::new()
    }

    pub(super) fn show(&mut self, screen: Screen) {
        self.tabs.show(screen);
        self.rearrange();
    }

    fn turn(&mut self, turn: fn(&mut Tabs)) {
        turn(&mut self.tabs);
        self.rearrange();
    }

    fn travel(&mut self, action: Action) {
        let height = self.hits.list.map_or(10, |view| view.height);
        let page = i64::try_from(height).unwrap_or(10).max(1);
        let list = self.tabs.page_mut();
        match action {
            Action::Down => list.move_by(1),
            Action::Up => list.move_by(-1),
            Action::HalfDown => list.move_by((page / 2).max(1)),
            Action::HalfUp => list.move_by(-(page / 2).max(1)),
            Action::PageDown => list.move_by(page),
            Action::PageUp => list.move_by(-page),
            Action::First => list.select_line(0),
            Action::Last => list.select_line(usize::MAX),
            _ => {}
        }
    }

    /// Typing goes into the filter of the list, or else into the page's own line.
    fn begin_filter(&mut self) -> Vec<Effect> {
        let Some(filter) = self.tabs.page_mut().filter_mut() else { return self.act(Action::Filter) };
        filter.editing = true;
        Vec::new()
    }

    /// Shows everything about the selected user; going back leads to the list again.
    fn show_user(&mut self) {
        let Some(id) = self.tabs.page().user() else { return };
        self.tabs.visit(Screen::Users);
        self.on_page(|page, scene| page.look_up(&id, scene));
        self.rearrange();
    }

    fn open_sort_menu(&mut self) {
        if let Some((columns, arrangement)) = self.tabs.page().columns() {
            self.dialogs.push(Dialog::Sort(SortMenu::new(columns, arrangement.clone())));
        }
    }

    fn invert_sort(&mut self) {
        if let Some((_, arrangement)) = self.tabs.page().columns() {
            self.sort_by(arrangement.sort);
        }
    }

    pub(super) fn sort_by(&mut self, column: usize) {
        if let Some(arrangement) = self.tabs.page_mut().arrangement_mut() {
            arrangement.sort_by(column);
        }
        self.rearrange();
    }

    pub(super) fn arrange_columns(&mut self, wanted: Arrangement) {
        if let Some(arrangement) = self.tabs.page_mut().arrangement_mut() {
            *arrangement = wanted;
        }
        self.rearrange();
    }

    fn export(&mut self, form: Form) -> Vec<Effect> {
        let export = self.tabs.page().export(self.scene(), form);
        export.map(Effect::Export).into_iter().collect()
    }

    /// One level back: the filter, the marks, an error that stands there, the page. Never the program.
    fn back(&mut self) {
        if let Some(filter) = self.tabs.page_mut().filter_mut().filter(|f| f.is_active() || f.editing) {
            filter.clear();
            self.rearrange();
        } else if !self.tabs.page_mut().step_back() && !self.toasts.dismiss() {
            let Self { tabs, snapshot, settings, keymap, now, .. } = self;
            tabs.pop(Scene { snapshot, settings, keymap, now: *now });
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

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let here = self.tabs.page().place();
        let actions = Action::ALL.iter().copied().filter(move |action| action.spec().scope.covers(here));
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
