//! Taking up what was remembered, and telling what is to be remembered now. What was said for this start alone,
//! by a flag or a variable, wins over what is remembered and is not remembered itself.

use super::App;
use crate::sync::snapshot::Writer;
use crate::tui::memory::{Choice, List, Memory};
use crate::tui::screens::Screen;
use crate::tui::screens::page::Page;
use crate::tui::text;
use crate::tui::theme::{Theme, ThemeChoice};

impl App {
    /// Takes up what was remembered, as far as it still means something.
    pub(super) fn recall(&mut self, memory: Memory) {
        for screen in Screen::ALL {
            if let (Some(list), Some(page)) = (memory.lists.get(id_of(screen)), self.tabs.root_mut(screen)) {
                take_up(page, list);
            }
        }
        if let Some(ticks) = self.tabs.root_mut(Screen::Setup).and_then(Page::ticks_mut) {
            ticks.clone_from(&memory.ticks);
        }
        let screen = |word: &String| Screen::ALL.into_iter().find(|screen| id_of(*screen) == word);
        if let Some(screen) = memory.screen.as_ref().and_then(screen) {
            self.tabs.show(screen);
        }
        self.on_page(|page, scene| page.arrange(scene));
        let insisted = self.settings.insisted;
        if let Some(choice) = memory.theme.as_ref().filter(|_| !insisted.theme)
            && choice.instead_of == self.settings.theme.token()
            && let Some(theme) = ThemeChoice::named(&choice.chosen, &self.settings.themes())
        {
            self.theme = Theme::new(theme, self.settings.colour);
        }
        if let Some(choice) = memory.mouse.as_ref().filter(|_| !insisted.mouse)
            && choice.instead_of == on_or_off(self.settings.mouse)
        {
            self.mouse = choice.chosen == on_or_off(true);
        }
        self.memory = memory;
    }

    /// Whether the mouse is listened to.
    #[must_use]
    pub fn wants_mouse(&self) -> bool {
        self.mouse
    }

    /// What is to be remembered now; `None` while somebody else writes the state directory.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let roots = Screen::ALL.into_iter().filter_map(|screen| Some((screen, self.tabs.root(screen)?)));
        let lists =
            roots.filter_map(|(screen, page)| Some((id_of(screen).to_owned(), left(page)?))).collect();
        (self.snapshot.writer == Writer::ThisProcess).then(|| Memory {
            screen: Some(id_of(self.tabs.screen()).to_owned()),
            lists,
            ticks: self.tabs.root(Screen::Setup).and_then(Page::ticks).cloned().unwrap_or_default(),
            ..self.memory.clone()
        })
    }

    /// Notes that a person chose the theme that is shown now.
    pub(super) fn note_theme(&mut self) {
        let (chosen, configured) = (self.theme.choice().token(), self.settings.theme.token());
        self.memory.theme = choice(chosen, configured);
    }

    /// Notes that a person turned the mouse on or off.
    pub(super) fn note_mouse(&mut self) {
        self.memory.mouse = choice(on_or_off(self.mouse), on_or_off(self.settings.mouse));
    }
}

/// Arranges a list as it was left.
fn take_up(page: &mut dyn Page, list: &List) {
    let Some((columns, _)) = page.columns() else { return };
    let find = |title: &String| columns.iter().position(|column| column.title == title);
    if let Some(arrangement) = page.arrangement_mut() {
        if let Some(column) = list.sort.as_ref().and_then(find) {
            (arrangement.sort, arrangement.inverted) = (column, list.inverted);
        }
        for column in list.hidden.iter().filter_map(find) {
            arrangement.toggle(columns, column);
        }
    }
    if let Some(filter) = page.filter_mut() {
        filter.input.paste(&list.filter);
    }
}

/// How a list is left; `None` where there is nothing to arrange.
fn left(page: &dyn Page) -> Option<List> {
    let (columns, arrangement) = page.columns()?;
    let hidden = (0..columns.len()).filter(|column| arrangement.hides(*column));
    let filter = page.filter().map(|filter| text::clean(filter.input.value()).into_owned());
    Some(List {
        sort: Some(columns[arrangement.sort].title.to_owned()),
        inverted: arrangement.inverted,
        hidden: hidden.map(|column| columns[column].title.to_owned()).collect(),
        filter: filter.unwrap_or_default(),
    })
}

/// A screen's name that outlives another word on its tab.
fn id_of(screen: Screen) -> &'static str {
    screen.action().spec().id
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A choice, unless it is what is configured anyway.
fn choice(chosen: &str, configured: &str) -> Option<Choice> {
    (chosen != configured).then(|| Choice { chosen: chosen.to_owned(), instead_of: configured.to_owned() })
}
