//! Taking up what was remembered, and telling what is to be remembered now. What was said for this start alone,
//! by a flag or a variable, wins over what is remembered and is not remembered itself.

use super::App;
use crate::sync::snapshot::Writer;
use crate::tui::memory::{Choice, Memory};
use crate::tui::screens::Screen;
use crate::tui::screens::cohort_columns::COLUMNS;
use crate::tui::screens::page::Page;
use crate::tui::text;
use crate::tui::theme::{Theme, ThemeChoice};

impl App {
    /// Takes up what was remembered, as far as it still means something.
    pub(super) fn recall(&mut self, memory: Memory) {
        if let Some(cohorts) = self.tabs.root_mut(Screen::Cohorts) {
            let column = |word: &String| COLUMNS.iter().position(|column| column.title == word);
            if let Some(column) = memory.sort.as_ref().and_then(column) {
                cohorts.set_order(column, memory.inverted);
            }
            if let Some(filter) = cohorts.filter_mut() {
                filter.input.paste(&memory.filter);
            }
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
        let cohorts = self.tabs.root(Screen::Cohorts);
        let order = cohorts.and_then(Page::order);
        let filter =
            cohorts.and_then(Page::filter).map(|filter| text::clean(filter.input.value()).into_owned());
        (self.snapshot.writer == Writer::ThisProcess).then(|| Memory {
            screen: Some(id_of(self.tabs.screen()).to_owned()),
            sort: order.map(|(column, _)| COLUMNS[column].title.to_owned()),
            inverted: order.is_some_and(|(_, inverted)| inverted),
            filter: filter.unwrap_or_default(),
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
