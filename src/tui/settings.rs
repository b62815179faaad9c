//! What the console is told before it starts: everything that comes from the configuration, the command line
//! or the environment, already read by the caller. The console itself reads none of them.

use super::surroundings::Surroundings;
use super::theme::{ColourDepth, ThemeChoice};
use crate::config::edit::Change;
use crate::config::{Insisted, JournalConfig, Masks, Notify, Request, ShownSetting, SyncConfig};
use crate::sync;
use crate::sync::snapshot::NoticeLevel;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a console leaves to the one that opens the same profile anew.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// What takes back the changes of settings made so far, the last one last.
    pub undo: Vec<Change>,
    /// What was selected on the Setup screen.
    pub selected: Option<String>,
}

/// How the console shall look and what it says about where it is connected.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the configuration")]
pub struct Settings {
    /// The name of the configuration profile.
    pub profile: String,
    /// Mixpanel's number of the project.
    pub project_id: Option<u64>,
    /// Mixpanel's region.
    pub region: String,
    /// The mParticle feed, masked.
    pub feed: String,
    /// The host that the feed is at.
    pub feed_host: String,
    /// What is unlike every address of a feed that mParticle hands out.
    pub feed_doubt: Option<&'static str>,
    /// Every setting as `config show` has it: credentials masked, each with where it comes from.
    pub configured: Vec<ShownSetting>,
    /// What the configuration is read from, to change it; `None` in the demo, where there is nothing to change.
    pub editing: Option<Request>,
    /// What the engine is to go by when other settings are configured.
    pub pace: fn(&SyncConfig, &JournalConfig) -> sync::Settings,
    /// What the console before left, if this profile was opened anew.
    pub left: Left,
    /// Where a fresh credential is entered, so that no log shows it.
    pub masks: Masks,
    /// mParticle's environment: production or development.
    pub environment: String,
    /// Connected to the sandbox.
    pub demo: bool,
    /// The theme to start with.
    pub theme: ThemeChoice,
    /// The themes of the operator's own.
    pub own_themes: Vec<ThemeChoice>,
    /// Draw nothing outside ASCII except names.
    pub ascii: bool,
    /// How many colours the terminal shows; see [`ColourDepth::detect`].
    pub colour: ColourDepth,
    /// Whether anything may move by itself.
    pub animations: bool,
    /// Whether to listen to the mouse from the start.
    pub mouse: bool,
    /// Whether the window's title tells how the syncs stand.
    pub title: bool,
    /// How to call a person when a sync pauses or fails.
    pub notify: Notify,
    /// What was given for this start alone.
    pub insisted: Insisted,
    /// What is said to whoever comes from another profile.
    pub greeting: Option<(NoticeLevel, String)>,
    /// What the console remembered, as it was kept; see [`super::memory`].
    pub remembered: Option<String>,
    /// What the terminal stands in.
    pub surroundings: Surroundings,
    /// In which zone times are shown.
    pub zone: TimeZone,
    /// Whether to show the time of day, which costs one frame a second.
    pub clock: bool,
    /// Keys that replace the defaults: action to keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Where the configuration was read from, for help.
    pub config_path: Option<String>,
    /// Where what happens is recorded.
    pub state_dir: Option<String>,
    /// Where the log is written, for help.
    pub log_path: Option<String>,
    /// How often a recurring sync runs.
    pub interval: Duration,
    /// The identity type that carries `$distinct_id` in mParticle.
    pub fallback_identity: String,
    /// Users a second that can be looked up in mParticle; `None` where its Profile API is not configured.
    pub profiles_per_second: Option<u32>,
    /// Users a second the feed takes, for estimates; mParticle's documented default is 270.
    pub feed_users_per_second: f64,
}

impl Settings {
    /// What `config show` has for a setting, if it is given.
    #[must_use]
    pub fn configured(&self, key: &str) -> Option<&ShownSetting> {
        self.configured.iter().find(|setting| setting.key == key && !setting.json.is_null())
    }

    /// The text of a setting, empty where it has none.
    #[must_use]
    pub fn text_of(&self, key: &str) -> &str {
        self.configured(key).and_then(|setting| setting.json.as_str()).unwrap_or_default()
    }

    /// Every theme there is, in the order in which the theme key goes through them.
    #[must_use]
    pub fn themes(&self) -> Vec<ThemeChoice> {
        ThemeChoice::ALL.into_iter().chain(self.own_themes.iter().copied()).collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: "default".to_owned(),
            project_id: None,
            region: "us".to_owned(),
            feed: String::new(),
            feed_host: String::new(),
            feed_doubt: None,
            configured: Vec::new(),
            editing: None,
            pace: |_, _| sync::Settings::default(),
            left: Left::default(),
            masks: Masks::new(),
            environment: "production".to_owned(),
            demo: false,
            theme: ThemeChoice::default(),
            own_themes: Vec::new(),
            ascii: false,
            colour: ColourDepth::default(),
            animations: true,
            mouse: true,
            title: true,
            notify: Notify::Off,
            insisted: Insisted::default(),
            greeting: None,
            remembered: None,
            surroundings: Surroundings::default(),
            zone: TimeZone::system(),
            clock: true,
            keys: BTreeMap::new(),
            config_path: None,
            state_dir: None,
            log_path: None,
            interval: Duration::from_mins(15),
            fallback_identity: "customer_id".to_owned(),
            profiles_per_second: None,
            feed_users_per_second: 270.0,
        }
    }
}
