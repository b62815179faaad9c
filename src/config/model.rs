//! The configuration as the rest of the program sees it: every value present, checked and of its own type.

use super::address::WebhookUrl;
use super::masks::Masks;
use super::secrets::Secret;
use super::themes::OwnTheme;
use super::words::{Clock, ColorChoice, FallbackIdentity, FeedEnvironment, Notify, Region, Theme};
use crate::domain::property::PropertyNames;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The profile it belongs to; "default" unless another was chosen.
    pub profile: String,
    /// The Mixpanel side.
    pub mixpanel: MixpanelConfig,
    /// The mParticle side.
    pub mparticle: MparticleConfig,
    /// How syncs behave.
    pub sync: SyncConfig,
    /// How much of the request journal is kept.
    pub journal: JournalConfig,
    /// The console.
    pub interface: InterfaceConfig,
    /// What looks wrong though it may work, in words.
    pub warnings: Vec<String>,
}

impl Config {
    /// Hides every credential of this configuration wherever the masks are applied.
    pub fn mask_with(&self, masks: &Masks) {
        masks.add_basic(&self.mixpanel.service_account, &self.mixpanel.secret);
        match &self.mparticle.delivery {
            DeliveryConfig::Feed { webhook_url, .. } => webhook_url.mask_with(masks),
            DeliveryConfig::EventsApi { key, secret, .. } => masks.add_basic(key, secret),
        }
        if let Some(api) = &self.mparticle.profile_api {
            masks.add(&api.client_secret);
        }
    }
}

/// How to read cohorts from Mixpanel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixpanelConfig {
    /// Where the project's data is kept.
    pub region: Region,
    /// The address of the API without a slash at its end; clients append `/api/query/…`.
    pub base_url: String,
    /// The project.
    pub project_id: u64,
    /// A data view other than the whole project.
    pub workspace_id: Option<u64>,
    /// The user name of the service account.
    pub service_account: String,
    /// Its secret.
    pub secret: Secret,
    /// Properties of profiles that are read besides the ids.
    pub profile_properties: PropertyNames,
}

/// How to write attributes to mParticle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MparticleConfig {
    /// How changes get there.
    pub delivery: DeliveryConfig,
    /// What batches are labelled with.
    pub environment: FeedEnvironment,
    /// The identity that carries `$distinct_id`.
    pub fallback_identity: FallbackIdentity,
    /// How to read profiles, when that is set up.
    pub profile_api: Option<ProfileApiConfig>,
}

impl MparticleConfig {
    /// The feed's address, where changes go to a feed.
    #[must_use]
    pub fn webhook_url(&self) -> Option<&WebhookUrl> {
        match &self.delivery {
            DeliveryConfig::Feed { webhook_url, .. } => Some(webhook_url),
            DeliveryConfig::EventsApi { .. } => None,
        }
    }
}

/// How changes reach mParticle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryConfig {
    /// The Mixpanel Cohorts feed.
    Feed {
        /// Its address.
        webhook_url: WebhookUrl,
        /// Whether it is told in Mixpanel's own form instead of batches.
        members: bool,
    },
    /// The Events API of an input.
    EventsApi {
        /// The input's key.
        key: String,
        /// Its secret.
        secret: Secret,
        /// The pod's host without a slash at its end.
        base_url: String,
    },
}

/// How to read profiles from mParticle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileApiConfig {
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The organization.
    pub org_id: u64,
    /// The account.
    pub account_id: u64,
    /// The workspace.
    pub workspace_id: u64,
    /// Where profiles are read, without a slash at its end.
    pub base_url: String,
    /// Where the token comes from.
    pub token_url: String,
}

/// How syncs behave.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncConfig {
    /// How often a recurring sync runs; never zero.
    pub interval: Duration,
    /// A run that would remove more than this share of the baseline waits for a person, 0 to 1.
    pub max_removal_share: f64,
    /// How often a recurring sync tells mParticle every member again; never by itself when `None`.
    pub full_refresh_every: Option<Duration>,
    /// Whether anonymous people (`$device:…`) are left out.
    pub skip_anonymous: bool,
    /// How many requests to mParticle are under way at once, 1 to 32.
    pub max_concurrent_requests: usize,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(15),
            max_removal_share: 0.5,
            full_refresh_every: None,
            skip_anonymous: false,
            max_concurrent_requests: 4,
        }
    }
}

/// How much of the request journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalConfig {
    /// How many requests at most, 100 to a million.
    pub max_requests: u64,
    /// How long each of them at most; never zero.
    pub max_age: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { max_requests: 10_000, max_age: Duration::from_hours(24 * 30) }
    }
}

/// The console's looks and keys. Available without any connection, for the demo and the welcome screen.
#[derive(Debug, Clone, PartialEq)]
pub struct InterfaceConfig {
    /// The colours; what the operator's own theme is based on when `own_theme` names one.
    pub theme: Theme,
    /// The operator's own theme to begin with.
    pub own_theme: Option<String>,
    /// Every theme of the operator's own, by name.
    pub own_themes: Vec<OwnTheme>,
    /// When output is coloured.
    pub color: ColorChoice,
    /// Which time is shown.
    pub clock: Clock,
    /// What was given for this start alone.
    pub insisted: Insisted,
    /// How a person is called when a sync pauses or fails.
    pub notify: Notify,
    /// What it draws with and listens to.
    pub features: InterfaceFeatures,
    /// The operator's own keys: action name to its bindings. The console knows the actions.
    pub keys: BTreeMap<String, KeyBinding>,
}

/// Which settings were given by a flag or a variable, so that nothing that is remembered may stand in their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Insisted {
    /// The theme.
    pub theme: bool,
    /// The mouse.
    pub mouse: bool,
}

/// What the console draws with and listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the configuration")]
pub struct InterfaceFeatures {
    /// ASCII characters only.
    pub ascii: bool,
    /// Spinners turn and toasts fade.
    pub animations: bool,
    /// Clicks and the wheel are taken.
    pub mouse: bool,
    /// The window's title tells how the syncs stand.
    pub title: bool,
}

impl Default for InterfaceFeatures {
    fn default() -> Self {
        Self { ascii: false, animations: true, mouse: true, title: true }
    }
}

impl Default for InterfaceConfig {
    fn default() -> Self {
        Self {
            theme: Theme::Auto,
            own_theme: None,
            own_themes: Vec::new(),
            color: ColorChoice::Auto,
            clock: Clock::Local,
            notify: Notify::Off,
            insisted: Insisted::default(),
            features: InterfaceFeatures::default(),
            keys: BTreeMap::new(),
        }
    }
}

/// The keys for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The keys as written, such as `ctrl-r`; empty to unbind the action.
    pub keys: Vec<String>,
    /// Where they were written, for a message about a key or action that does not exist.
    pub origin: super::errors::Origin,
}
