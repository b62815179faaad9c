//! The screens, one file each, and what they have in common. A screen owns its list, its filter and its
//! scrolling; it draws from a [`Scene`] and asks the app to act. A new screen is a file with its
//! [`page::Page`], a line in [`Screen`] and the action that opens it; the app needs no change.

pub mod changes;
pub mod cohort;
pub mod cohort_attributes;
pub mod cohort_columns;
pub mod cohort_detail;
pub mod cohort_facts;
pub mod cohort_lines;
pub mod cohort_listing;
pub mod cohort_run;
pub mod cohort_trend;
pub mod cohort_warnings;
pub mod cohorts;
pub mod fix_it;
pub mod fix_it_draw;
pub mod guide;
pub mod journal_reading;
pub mod live;
pub mod live_pace;
pub mod log;
pub mod overview;
pub mod page;
pub mod parts;
pub mod people;
pub mod request;
pub mod request_columns;
pub mod request_filter;
pub mod request_list;
pub mod request_texts;
pub mod run;
pub mod run_columns;
pub mod run_listing;
pub mod runs;
pub mod setup;
pub mod setup_checks;
pub mod setup_entry;
pub mod setup_facts;
pub mod snippets;
pub mod tabs;
pub mod user_search;
pub mod users;
pub mod users_draw;
pub mod users_line;
pub mod users_rows;
pub mod users_state;
pub mod verified;
pub mod waterfall;
pub mod welcome;
pub mod windowed;
pub mod wrong;

use super::action::Action;
use super::canvas::Canvas;
use super::keymap::Keymap;
use super::settings::Settings;
use super::theme::Role;
use crate::sync::snapshot::Snapshot;
use jiff::Timestamp;
use page::Page;
use ratatui::layout::Rect;

/// Makes a page.
type NewPage = fn() -> Box<dyn Page>;

/// A screen that a key opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Screen {
    /// The cohorts and their syncs.
    #[default]
    Cohorts,
    /// The runs of all cohorts.
    Runs,
    /// Requests as they happen.
    Live,
    /// One user, by either id.
    Users,
    /// Both connections, the limits, what each side needs.
    Setup,
    /// The program's own log.
    Log,
}

impl Screen {
    /// Every screen, in the order of the tabs.
    pub const ALL: [Self; 6] = [Self::Cohorts, Self::Runs, Self::Live, Self::Users, Self::Setup, Self::Log];

    /// All that has to be named for a screen: the word on its tab, the action that opens it, and its first page.
    fn parts(self) -> (&'static str, Action, NewPage) {
        match self {
            Self::Cohorts => ("Cohorts", Action::ShowCohorts, || Box::<cohorts::CohortsScreen>::default()),
            Self::Runs => ("Runs", Action::ShowRuns, || Box::<runs::RunsTable>::default()),
            Self::Live => ("Live", Action::ShowLive, || Box::<live::LiveScreen>::default()),
            Self::Users => ("Users", Action::ShowUsers, || Box::<users::UsersScreen>::default()),
            Self::Setup => ("Setup", Action::ShowSetup, || Box::<setup::SetupScreen>::default()),
            Self::Log => ("Log", Action::ShowLog, || Box::<log::LogScreen>::default()),
        }
    }

    /// The word on its tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.parts().0
    }

    /// The action that opens it.
    #[must_use]
    pub fn action(self) -> Action {
        self.parts().1
    }

    /// The page that it opens with.
    #[must_use]
    pub fn page(self) -> Box<dyn Page> {
        self.parts().2()
    }

    /// The screen that an action opens.
    #[must_use]
    pub fn opened_by(action: Action) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| screen.action() == action)
    }
}

/// What a screen draws from besides its own state.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The engine's picture.
    pub snapshot: &'a Snapshot,
    /// What the console was told at its start.
    pub settings: &'a Settings,
    /// Which keys to name.
    pub keymap: &'a Keymap,
    /// What time it is.
    pub now: Timestamp,
}

impl Scene<'_> {
    /// The key of an action, in the glyphs that may be drawn.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        self.keymap.label(action, self.settings.ascii).unwrap_or_else(|| ":".to_owned())
    }
}

/// Says in a list why there is nothing in it.
fn draw_emptiness(canvas: &mut Canvas<'_>, area: Rect, (role, text): (Role, String)) {
    let (width, height) = (area.width.saturating_sub(4), area.height.saturating_sub(2));
    canvas.paragraph(Rect::new(area.x + 2, area.y + 2, width, height), role, &text);
}
