//! From values to the configuration: checks what each value says, fetches the credentials, and collects
//! everything that is wrong or missing so that one look shows it all.

use super::address::{self, WebhookUrl};
use super::duration::parse_duration;
use super::errors::{ConfigError, Fault, MissingSetting, Origin, Problem};
use super::layers::{DEFAULT_PROFILE, Given, Layers};
use super::model::{
    Config, DeliveryConfig, Insisted, InterfaceConfig, InterfaceFeatures, JournalConfig, KeyBinding,
    MixpanelConfig, MparticleConfig, ProfileApiConfig, SyncConfig,
};
use super::secrets::{Secret, SecretSource};
use super::settings::{self, Need, SETTINGS};
use super::value::{Value, positive, properties};
use super::words::{Delivery, Pod, Region, Word};
use crate::domain::property::PropertyNames;

impl Layers {
    /// The whole configuration, credentials fetched.
    ///
    /// # Errors
    /// There is none, or it cannot be used; every problem and every missing setting is listed at once. No
    /// command is run for a configuration that is wrong anyway.
    pub fn config(self) -> Result<Config, ConfigError> {
        if !self.is_configured() {
            return Err(ConfigError::Missing { path: self.request.config_file });
        }
        let mut builder = Builder::new(self);
        builder.note_missing();
        let parts = builder.parts();
        let credentials = match &parts {
            Some(parts) if builder.is_sound() => builder.credentials(parts),
            _ => None,
        };
        match (parts, credentials) {
            (Some(parts), Some(credentials)) if builder.is_sound() => {
                Ok(builder.assemble(parts, credentials))
            }
            _ => Err(builder.into_error()),
        }
    }

    /// What is wrong with the values, without fetching any credential. Used where they are only shown.
    ///
    /// # Errors
    /// Everything that is wrong or missing.
    pub fn check(self) -> Result<(), ConfigError> {
        if !self.is_configured() {
            return Err(ConfigError::Missing { path: self.request.config_file });
        }
        let mut builder = Builder::new(self);
        builder.note_missing();
        builder.parts();
        if builder.is_sound() { Ok(()) } else { Err(builder.into_error()) }
    }

    /// Everything that is wrong with the values, whatever is missing; no credential is fetched for it.
    pub(super) fn all_problems(self) -> Vec<Problem> {
        let mut builder = Builder::new(self);
        builder.parts();
        builder.problems
    }
}

/// Everything but the credentials.
struct Parts {
    region: Region,
    base_url: String,
    project_id: u64,
    workspace_id: Option<u64>,
    service_account: String,
    profile_properties: PropertyNames,
    delivery: Delivery,
    events_key: String,
    events_base_url: String,
    environment: super::words::FeedEnvironment,
    fallback_identity: super::words::FallbackIdentity,
    profile_api: Option<ProfileApiParts>,
    sync: SyncConfig,
    journal: JournalConfig,
    interface: InterfaceConfig,
}

/// The Profile API without its credential.
struct ProfileApiParts {
    client_id: String,
    org_id: u64,
    account_id: u64,
    workspace_id: u64,
    base_url: String,
    token_url: String,
}

struct Credentials {
    secret: Secret,
    delivery: DeliveryConfig,
    client_secret: Option<Secret>,
}

pub(super) struct Builder {
    pub(super) layers: Layers,
    pub(super) problems: Vec<Problem>,
    missing: Vec<MissingSetting>,
}

const PROFILE_API: &str = "mparticle.profile_api";

impl Builder {
    fn new(mut layers: Layers) -> Self {
        let problems = std::mem::take(&mut layers.problems);
        Self { layers, problems, missing: Vec::new() }
    }

    /// The same of some sections alone, whatever is wrong elsewhere.
    pub(super) fn of_sections(layers: Layers, sections: &[&str]) -> Self {
        let mut builder = Self::new(layers);
        let is_of = |problem: &Problem, section: &&str| {
            problem.setting.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
        };
        builder.problems.retain(|problem| sections.iter().any(|section| is_of(problem, section)));
        builder
    }

    /// What was read, unless something of it was wrong.
    pub(super) fn unless_wrong<T>(self, read: Option<T>) -> Result<T, ConfigError> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(self.into_error()),
        }
    }

    fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.missing.is_empty()
    }

    fn into_error(self) -> ConfigError {
        ConfigError::Invalid {
            path: self.layers.request.config_file,
            problems: self.problems,
            missing: self.missing,
        }
    }

    fn note_missing(&mut self) {
        let profile_api = self.has_profile_api();
        let by_events_api = self.is_by_events_api();
        for setting in SETTINGS {
            let needed = match setting.need {
                Need::Required => true,
                Need::Optional => false,
                Need::WithItsSection => profile_api,
                Need::ByFeed => !by_events_api,
                Need::ByEventsApi => by_events_api,
            };
            // A setting that was given and is wrong is reported as wrong, not as missing too.
            let reported = self.problems.iter().any(|problem| problem.setting == setting.name);
            if needed && !reported && !self.layers.values.contains_key(setting.name) {
                let table = match self.layers.request.profile.as_str() {
                    DEFAULT_PROFILE => setting.section().to_owned(),
                    profile => format!("profiles.{profile}.{}", setting.section()),
                };
                self.missing.push(MissingSetting { setting, table });
            }
        }
    }

    fn is_by_events_api(&self) -> bool {
        let delivery = self.layers.values.get("mparticle.delivery");
        delivery.and_then(|given| word(&given.value)) == Some(Delivery::EventsApi)
    }

    fn has_profile_api(&self) -> bool {
        self.layers.values.keys().any(|name| name.starts_with(PROFILE_API))
    }

    /// Reads one value; a value that does not fit is noted as a problem.
    fn read<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let given = self.layers.values.get(name)?;
        let value = read(&given.value);
        if value.is_none() {
            let expected = settings::find(name).map_or("something else", |setting| setting.expected);
            let fault = Fault::Unfit { found: given.value.to_string(), expected };
            self.problems.push(Problem { origin: given.origin.clone(), setting: name.to_owned(), fault });
        }
        value
    }

    fn address(&mut self, name: &str) -> Option<String> {
        let given = self.layers.values.get(name)?;
        let Value::Text(text) = &given.value else { return None };
        match address::base_address(text) {
            Ok(address) => Some(address),
            Err(error) => {
                let origin = given.origin.clone();
                self.problems.push(Problem {
                    origin,
                    setting: name.to_owned(),
                    fault: Fault::Address(error),
                });
                None
            }
        }
    }

    /// Reads everything but the credentials. Each line runs, whatever the lines before it found.
    fn parts(&mut self) -> Option<Parts> {
        let region = self.read("mixpanel.region", word::<Region>);
        let base_url = self.address("mixpanel.base_url");
        let project_id = self.read("mixpanel.project_id", positive);
        let workspace_id = self.read("mixpanel.workspace_id", positive);
        let service_account = self.read("mixpanel.service_account", filled);
        let profile_properties = self.read("mixpanel.profile_properties", properties);
        let delivery = self.read("mparticle.delivery", word);
        let events_key = self.read("mparticle.events_api.key", filled);
        let pod = self.read("mparticle.events_api.pod", word::<Pod>);
        let events_base_url = self.address("mparticle.events_api.base_url");
        let environment = self.read("mparticle.environment", word);
        let fallback_identity = self.read("mparticle.fallback_identity", word);
        let profile_api = self.profile_api();
        let sync = self.sync();
        let journal = self.journal();
        let interface = self.interface();
        Some(Parts {
            region: region?,
            base_url: base_url.unwrap_or_else(|| region.map_or("", Region::base_url).to_owned()),
            project_id: project_id?,
            workspace_id,
            service_account: service_account?,
            profile_properties: profile_properties?,
            delivery: delivery?,
            events_base_url: events_base_url.unwrap_or_else(|| {
                let pod = pod.unwrap_or_else(|| Pod::of_key(events_key.as_deref().unwrap_or_default()));
                pod.events_base_url().to_owned()
            }),
            events_key: events_key.unwrap_or_default(),
            environment: environment?,
            fallback_identity: fallback_identity?,
            profile_api,
            sync: sync?,
            journal: journal?,
            interface: interface?,
        })
    }

    fn profile_api(&mut self) -> Option<ProfileApiParts> {
        if !self.has_profile_api() {
            return None;
        }
        let client_id = self.read("mparticle.profile_api.client_id", filled);
        let org_id = self.read("mparticle.profile_api.org_id", positive);
        let account_id = self.read("mparticle.profile_api.account_id", positive);
        let workspace_id = self.read("mparticle.profile_api.workspace_id", positive);
        let base_url = self.address("mparticle.profile_api.base_url");
        let token_url = self.address("mparticle.profile_api.token_url");
        Some(ProfileApiParts {
            client_id: client_id?,
            org_id: org_id?,
            account_id: account_id?,
            workspace_id: workspace_id?,
            base_url: base_url.unwrap_or_else(|| "https://api.mparticle.com".to_owned()),
            token_url: token_url.unwrap_or_else(|| "https://sso.auth.mparticle.com/oauth/token".to_owned()),
        })
    }

    pub(super) fn sync(&mut self) -> Option<SyncConfig> {
        let interval = self.read("sync.interval", |value| parse_duration(text(value)?));
        let max_removal_share = self.read("sync.max_removal_share", share);
        let full_refresh_every = self.read("sync.full_refresh_every", |value| match text(value)? {
            off if off.trim().eq_ignore_ascii_case("off") => Some(None),
            duration => parse_duration(duration).map(Some),
        });
        let skip_anonymous = self.read("sync.skip_anonymous", switch);
        let max_concurrent_requests = self.read("sync.max_concurrent_requests", |value| {
            positive(value).filter(|number| *number <= 32).and_then(|number| usize::try_from(number).ok())
        });
        Some(SyncConfig {
            interval: interval?,
            max_removal_share: max_removal_share?,
            full_refresh_every: full_refresh_every?,
            skip_anonymous: skip_anonymous?,
            max_concurrent_requests: max_concurrent_requests?,
        })
    }

    pub(super) fn journal(&mut self) -> Option<JournalConfig> {
        let max_requests = self.read("journal.max_requests", |value| {
            positive(value).filter(|number| (100..=1_000_000).contains(number))
        });
        let max_age = self.read("journal.max_age", |value| parse_duration(text(value)?));
        Some(JournalConfig { max_requests: max_requests?, max_age: max_age? })
    }

    pub(super) fn interface(&mut self) -> Option<InterfaceConfig> {
        let own_themes = self.own_themes();
        let theme = self.theme(&own_themes);
        let color = self.read("ui.color", word);
        let clock = self.read("ui.clock", word);
        let ascii = self.read("ui.ascii", switch);
        let animations = self.read("ui.animations", switch);
        let mouse = self.read("ui.mouse", switch);
        let title = self.read("ui.title", switch);
        let notify = self.read("ui.notify", word);
        let is_insisted = |name: &str| {
            let origin = self.layers.values.get(name).map(|given| &given.origin);
            matches!(origin, Some(Origin::Environment(_) | Origin::Flag(_)))
        };
        let insisted = Insisted { theme: is_insisted("ui.theme"), mouse: is_insisted("ui.mouse") };
        let keys = self.layers.bindings().filter_map(|(action, Given { value, origin })| match value {
            Value::Texts(keys) => {
                Some((action.to_owned(), KeyBinding { keys: keys.clone(), origin: origin.clone() }))
            }
            _ => None,
        });
        let (theme, own_theme) = theme?;
        Some(InterfaceConfig {
            theme,
            own_theme,
            own_themes,
            color: color?,
            clock: clock?,
            keys: keys.collect(),
            notify: notify?,
            insisted,
            features: InterfaceFeatures {
                ascii: ascii?,
                animations: animations?,
                mouse: mouse?,
                title: title?,
            },
        })
    }

    fn credentials(&mut self, parts: &Parts) -> Option<Credentials> {
        let secret = self.fetch("mixpanel.secret").map(|(secret, _)| secret);
        let delivery = match parts.delivery {
            Delivery::EventsApi => self.events_api(parts),
            Delivery::Feed => self.feed(false),
            Delivery::FeedMembers => self.feed(true),
        };
        let client_secret = self.fetch("mparticle.profile_api.client_secret").map(|(secret, _)| secret);
        Some(Credentials { secret: secret?, delivery: delivery?, client_secret })
    }

    fn events_api(&mut self, parts: &Parts) -> Option<DeliveryConfig> {
        let (secret, _) = self.fetch("mparticle.events_api.secret")?;
        let (key, base_url) = (parts.events_key.clone(), parts.events_base_url.clone());
        Some(DeliveryConfig::EventsApi { key, secret, base_url })
    }

    fn feed(&mut self, members: bool) -> Option<DeliveryConfig> {
        let (url, origin) = self.fetch("mparticle.webhook_url")?;
        match WebhookUrl::parse(url.expose()) {
            Ok(webhook_url) => Some(DeliveryConfig::Feed { webhook_url, members }),
            Err(error) => {
                let setting = "mparticle.webhook_url".to_owned();
                self.problems.push(Problem { origin, setting, fault: Fault::Address(error) });
                None
            }
        }
    }

    fn fetch(&mut self, name: &str) -> Option<(Secret, Origin)> {
        let Given { value: Value::Secret(source), origin } = self.layers.values.get(name)? else {
            return None;
        };
        match SecretSource::fetch(source, &self.layers.request.environment) {
            Ok(secret) => Some((secret, origin.clone())),
            Err(error) => {
                let (origin, setting) = (origin.clone(), name.to_owned());
                self.problems.push(Problem { origin, setting, fault: Fault::Secret(error) });
                None
            }
        }
    }

    fn assemble(self, parts: Parts, credentials: Credentials) -> Config {
        let mut warnings = self.layers.warnings;
        if let DeliveryConfig::Feed { webhook_url, .. } = &credentials.delivery
            && let Some(unusual) = webhook_url.unusual()
        {
            warnings.push(format!("mparticle.webhook_url is unlike a feed of mParticle: {unusual}"));
        }
        let profile_api = parts.profile_api.zip(credentials.client_secret);
        Config {
            profile: self.layers.request.profile,
            mixpanel: MixpanelConfig {
                region: parts.region,
                base_url: parts.base_url,
                project_id: parts.project_id,
                workspace_id: parts.workspace_id,
                service_account: parts.service_account,
                secret: credentials.secret,
                profile_properties: parts.profile_properties,
            },
            mparticle: MparticleConfig {
                delivery: credentials.delivery,
                environment: parts.environment,
                fallback_identity: parts.fallback_identity,
                profile_api: profile_api.map(|(api, client_secret)| ProfileApiConfig {
                    client_id: api.client_id,
                    client_secret,
                    org_id: api.org_id,
                    account_id: api.account_id,
                    workspace_id: api.workspace_id,
                    base_url: api.base_url,
                    token_url: api.token_url,
                }),
            },
            sync: parts.sync,
            journal: parts.journal,
            interface: parts.interface,
            warnings,
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn filled(value: &Value) -> Option<String> {
    text(value).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn word<W: Word>(value: &Value) -> Option<W> {
    W::from_word(text(value)?)
}

fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Switch(switch) => Some(*switch),
        _ => None,
    }
}

fn share(value: &Value) -> Option<f64> {
    let share = match value {
        Value::Decimal(number) => *number,
        Value::Integer(number) => f64::from(i32::try_from(*number).ok()?),
        _ => return None,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}
