//! The screens, one file each, and what they have in common. A screen owns its list, its filter and its
//! scrolling; it draws from a [`Scene`] and asks the app to act. A new screen is a variant here, a file
//! beside this one and an arm in `app`.

pub mod cohort_attributes;
pub mod cohort_columns;
pub mod cohort_detail;
pub mod cohort_facts;
pub mod cohort_lines;
pub mod cohort_run;
pub mod cohort_trend;
pub mod cohorts;
pub mod log;
pub mod welcome;

use super::action::{Action, Scope};
use super::keymap::Keymap;
use super::settings::Settings;
use crate::sync::snapshot::Snapshot;

/// A screen that a key opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Screen {
    /// The cohorts and their syncs.
    #[default]
    Cohorts,
    /// The program's own log.
    Log,
}

impl Screen {
    /// Every screen, in the order of the tabs.
    pub const ALL: [Self; 2] = [Self::Cohorts, Self::Log];

    /// The word on its tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Cohorts => "Cohorts",
            Self::Log => "Log",
        }
    }

    /// The action that opens it.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Cohorts => Action::ShowCohorts,
            Self::Log => Action::ShowLog,
        }
    }

    /// Which keys work on it.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::Cohorts => Scope::Cohorts,
            Self::Log => Scope::Log,
        }
    }

    /// What the footer offers on it, the most useful first.
    #[must_use]
    pub fn hints(self) -> &'static [Action] {
        match self {
            Self::Cohorts => &[
                Action::Decide,
                Action::Reconnect,
                Action::StartSync,
                Action::PauseResume,
                Action::RunNow,
                Action::StopSync,
                Action::Open,
                Action::Refresh,
                Action::Filter,
                Action::Sort,
                Action::Mark,
                Action::Palette,
            ],
            Self::Log => &[
                Action::Open,
                Action::LogLevel,
                Action::LogFollow,
                Action::LogWrap,
                Action::Filter,
                Action::Copy,
                Action::Palette,
            ],
        }
    }

    /// The screen `steps` further on, round and round.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        let index = Self::ALL.iter().position(|screen| *screen == self).unwrap_or(0);
        Self::ALL[(index + steps) % Self::ALL.len()]
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
}

impl Scene<'_> {
    /// The key of an action, in the glyphs that may be drawn.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        self.keymap.label(action, self.settings.ascii).unwrap_or_else(|| ":".to_owned())
    }
}
