//! How the console looks and what it listens to, from what is configured and what the terminal can: at its start, and
//! again when one of these settings is changed.

use super::settings::Settings;
use super::theme::{ColourDepth, ThemeChoice};
use crate::config::{Clock, ColorChoice, Environment, InterfaceConfig, Theme};
use jiff::tz::TimeZone;

impl Settings {
    /// Takes up looks and keys.
    pub fn dress(&mut self, interface: &InterfaceConfig, environment: &Environment) {
        let colour = ColourDepth::chosen(environment, interface.color);
        let (theme, colour) = match interface.theme {
            Theme::Auto | Theme::Dark => (ThemeChoice::Dark, colour),
            Theme::Light => (ThemeChoice::Light, colour),
            Theme::HighContrast => (ThemeChoice::HighContrast, colour),
            Theme::Ansi => (ThemeChoice::Dark, colour.min(ColourDepth::Ansi16)),
            Theme::Mono => (ThemeChoice::Mono, colour),
        };
        self.own_themes = interface.own_themes.iter().map(ThemeChoice::own).collect();
        let own = interface.own_theme.as_ref().and_then(|name| ThemeChoice::named(name, &self.own_themes));
        self.theme = own.unwrap_or(theme);
        self.colour = colour;
        self.ascii = interface.features.ascii;
        self.animations = interface.features.animations;
        self.mouse = interface.features.mouse;
        self.title = interface.features.title;
        self.notify = interface.notify;
        self.insisted = interface.insisted;
        self.zone = match interface.clock {
            Clock::Local => TimeZone::system(),
            Clock::Utc => TimeZone::UTC,
        };
        self.keys =
            interface.keys.iter().map(|(action, binding)| (action.clone(), binding.keys.clone())).collect();
    }
}

impl ColourDepth {
    /// The colours the terminal has and the operator wants.
    #[must_use]
    pub fn chosen(environment: &Environment, choice: ColorChoice) -> Self {
        let text = |name| environment.text(name);
        match choice {
            ColorChoice::Never => Self::None,
            ColorChoice::Auto => Self::detect(text("NO_COLOR"), text("COLORTERM"), text("TERM")),
            ColorChoice::Always => Self::detect(None, text("COLORTERM"), text("TERM")),
        }
    }
}
