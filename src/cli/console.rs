//! The console: chooses between the account, the demo and the welcome screen, and starts what lies behind it.

use super::account::{Clients, Desk, settings_of, start_engine};
use super::commands::doctor::trial::attempt;
use super::failure::{Exit, Failure};
use crate::config::guide::Guide;
use crate::config::{
    Clock, ColorChoice, Config, ConfigError, DeliveryConfig, Environment, FallbackIdentity, FeedEnvironment,
    InterfaceConfig, JournalConfig, MASK, MixpanelConfig, MparticleConfig, Places, ProfileApiConfig, Region,
    Secret, ShownSetting, SyncConfig, Theme, WebhookUrl, Word, format_duration,
};
use crate::domain::SyncKind;
use crate::domain::property::{DEFAULT_PROPERTIES, PropertyNames};
use crate::mparticle::profile::PROFILES_PER_SECOND;
use crate::sandbox::{self, Sandbox, SandboxOptions};
use crate::store::{Reader, StoreError};
use crate::sync::command::{Command, StartRequest};
use crate::sync::snapshot::{CohortView, ListState, Writer};
use crate::sync::{self, Handle};
use crate::telemetry::Telemetry;
use crate::tui::surroundings::Surroundings;
use crate::tui::{self, ColourDepth, Settings, ThemeChoice, WelcomeChoice};
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Opens the console.
pub(super) async fn console(desk: &Desk) -> Result<Exit, Failure> {
    let interface = desk.interface()?;
    if desk.args.demo {
        return demo(desk, interface).await;
    }
    match desk.config() {
        Ok(config) => on_account(desk, config).await,
        Err(Failure::Config(ConfigError::Missing { path })) => {
            let settings = settings_for(desk, &interface, None, &desk.places, None);
            let explanation = format!("There is no configuration at {}.", path.display());
            let attempt = |guide: Guide, trial| async move { attempt(&guide, trial).await };
            match tui::welcome(&settings, Some(explanation), attempt).await? {
                WelcomeChoice::Configured(finished) => match finished.left_to_do {
                    // What has to be set in the shell cannot be there yet.
                    Some(left) => {
                        let path = finished.config_file.display();
                        println!("Wrote {path}. {left} Then `cohort-sync` opens the console.");
                        Ok(Exit::Done)
                    }
                    None => on_account(desk, desk.config()?).await,
                },
                WelcomeChoice::Demo => demo(desk, interface).await,
                WelcomeChoice::Quit => Ok(Exit::Done),
            }
        }
        Err(failure) => Err(failure),
    }
}

async fn on_account(desk: &Desk, config: Config) -> Result<Exit, Failure> {
    let log = desk.log()?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let (handle, engine) = engine_or_view(&desk.places, &config).await?;
    let settings = settings_for(desk, &config.interface, Some(&config), &desk.places, Some(&log));
    let settings = Settings { remembered: remembered(desk.places.state_dir.clone()).await, ..settings };
    tui::run(handle, log.subscribe(), settings).await?;
    end(engine).await
}

/// What the console had remembered. Without it the console opens as configured, so a failure is no reason to
/// stay away; if it is one of the state file, whoever works with that reports it.
async fn remembered(state_dir: PathBuf) -> Option<String> {
    let read = move || Reader::open(&state_dir)?.remembered(tui::memory::KEY);
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(kept)) => kept,
        Ok(Err(error)) => {
            tracing::debug!(%error, "what the console looked like cannot be read");
            None
        }
        Err(_) => None,
    }
}

/// An engine of our own, or a view of the one that another process runs.
async fn engine_or_view(
    places: &Places,
    config: &Config,
) -> Result<(Handle, Option<JoinHandle<()>>), Failure> {
    if places.read_only {
        return Ok((view(places, config, Writer::ReadOnly).await?, None));
    }
    match start_engine(places, config, settings_of(config), "cohort-sync").await {
        Ok((handle, engine)) => Ok((handle, Some(engine))),
        Err(Failure::Store(StoreError::InUse { holder, .. })) => {
            Ok((view(places, config, Writer::Other(holder)).await?, None))
        }
        Err(failure) => Err(failure),
    }
}

/// A view of what another process does, or of what was recorded.
async fn view(places: &Places, config: &Config, writer: Writer) -> Result<Handle, Failure> {
    let Clients { encoder, profiles, .. } = Clients::of(config)?;
    let handle = sync::observe(places.state_dir.clone(), writer, Some(encoder)).await?;
    Ok(handle.looking_up(profiles))
}

async fn end(engine: Option<JoinHandle<()>>) -> Result<Exit, Failure> {
    if let Some(engine) = engine {
        // The person was shown how it stops and may have chosen not to wait for it.
        match tokio::time::timeout(Duration::from_secs(2), engine).await {
            Ok(ended) => ended.map_err(|error| Failure::Failed(format!("the engine broke down: {error}")))?,
            Err(_) => {
                tracing::warn!(
                    "left before the engine had stopped; the next start settles what was accepted"
                );
            }
        }
    }
    Ok(Exit::Done)
}

/// The console on the built-in sandbox, with a state directory that goes away with it: the sandbox forgets
/// whom it was told, so remembering it here would be a lie at the next start.
async fn demo(desk: &Desk, interface: InterfaceConfig) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("the demo cannot start: {error}"));
    let directory = tempfile::Builder::new().prefix("cohort-sync-demo-").tempdir().map_err(failed)?;
    let state_dir = directory.path().to_owned();
    let places = Places { log_dir: state_dir.join("log"), state_dir, ..desk.places.clone() };
    let log = desk.log_in(&places)?;
    // A demo is looked at for minutes, not hours, so it may ask more often than a real project could.
    let options = SandboxOptions { queries_per_hour: 1_200, ..SandboxOptions::demo() };
    let sandbox = Sandbox::start(options).await.map_err(failed)?;
    let config = demo_config(&sandbox, interface)?;
    let pace = sync::Settings { list_every: Some(Duration::from_secs(15)), ..settings_of(&config) };
    let (handle, engine) = start_engine(&places, &config, pace, "cohort-sync --demo").await?;
    let opening = tokio::spawn(begin_some_syncs(handle.clone()));
    let settings = settings_for(desk, &config.interface, Some(&config), &places, Some(&log));
    let settings = Settings {
        profile: "demo".to_owned(),
        demo: true,
        editing: None,
        feed_users_per_second: 2_700.0,
        configured: demo_settings(&config),
        ..settings
    };
    tui::run(handle, log.subscribe(), settings).await?;
    opening.abort();
    end(Some(engine)).await
}

/// A console on which nothing ever happened shows little, so the demo opens with a few syncs under way.
async fn begin_some_syncs(handle: Handle) {
    let mut snapshots = handle.snapshots();
    let listed = snapshots.wait_for(|snapshot| matches!(snapshot.list, ListState::Listed(_))).await;
    // The borrow of the channel must end before the next await.
    let Ok(listed) = listed.map(|snapshot| Arc::clone(&snapshot)) else { return };
    let small = |view: &&Arc<CohortView>| {
        view.not_exportable.is_none() && view.cohort.count.is_some_and(|count| count < DEMO_SYNCED_BELOW)
    };
    let cohorts: Vec<_> = listed.cohorts.iter().filter(small).map(|view| view.cohort.id).collect();
    for cohort in cohorts {
        let request = StartRequest::new(cohort, SyncKind::Recurring);
        if let Err(refusal) = handle.send(Command::Start(request)).await {
            tracing::warn!(%cohort, %refusal, "the demo could not begin a sync");
        }
    }
}

/// Cohorts of the demo smaller than this are synced from the start; the larger ones are left to the person.
const DEMO_SYNCED_BELOW: u64 = 10_000;

fn demo_config(sandbox: &Sandbox, interface: InterfaceConfig) -> Result<Config, Failure> {
    let webhook_url = WebhookUrl::parse(&sandbox.webhook_url())
        .map_err(|error| Failure::Failed(format!("the demo's own URL does not read: {error}")))?;
    Ok(Config {
        profile: "demo".to_owned(),
        mixpanel: MixpanelConfig {
            region: Region::Us,
            base_url: sandbox.mixpanel_base_url(),
            project_id: sandbox::PROJECT_ID,
            workspace_id: None,
            service_account: sandbox::SERVICE_ACCOUNT.to_owned(),
            secret: Secret::new(sandbox::SECRET),
            profile_properties: PropertyNames::of(DEFAULT_PROPERTIES),
        },
        mparticle: MparticleConfig {
            delivery: DeliveryConfig::Feed { webhook_url, members: false },
            environment: FeedEnvironment::Production,
            fallback_identity: FallbackIdentity::CustomerId,
            profile_api: Some(ProfileApiConfig {
                client_id: sandbox::CLIENT_ID.to_owned(),
                client_secret: Secret::new(sandbox::CLIENT_SECRET),
                org_id: sandbox::ORG_ID,
                account_id: sandbox::ACCOUNT_ID,
                workspace_id: sandbox::WORKSPACE_ID,
                base_url: sandbox.profile_api_base_url(),
                token_url: sandbox.token_url(),
            }),
        },
        sync: SyncConfig {
            interval: Duration::from_secs(30),
            max_concurrent_requests: 8,
            ..SyncConfig::default()
        },
        journal: JournalConfig::default(),
        interface,
        warnings: Vec::new(),
    })
}

/// What `config show` would say of the demo, had it a configuration.
fn demo_settings(config: &Config) -> Vec<ShownSetting> {
    let (mixpanel, sync) = (&config.mixpanel, &config.sync);
    let settings: [(&str, serde_json::Value); 15] = [
        ("mixpanel.project_id", mixpanel.project_id.into()),
        ("mixpanel.base_url", mixpanel.base_url.clone().into()),
        ("mixpanel.service_account", mixpanel.service_account.clone().into()),
        ("mixpanel.secret", MASK.into()),
        ("mparticle.webhook_url", MASK.into()),
        ("mparticle.environment", config.mparticle.environment.as_str().into()),
        ("mparticle.profile_api.client_id", sandbox::CLIENT_ID.into()),
        ("mparticle.profile_api.client_secret", MASK.into()),
        ("mparticle.profile_api.workspace_id", sandbox::WORKSPACE_ID.into()),
        ("mparticle.profile_api.base_url", mixpanel.base_url.clone().into()),
        ("sync.interval", format_duration(sync.interval).into()),
        ("sync.max_removal_share", sync.max_removal_share.into()),
        ("sync.max_concurrent_requests", sync.max_concurrent_requests.into()),
        ("journal.max_requests", config.journal.max_requests.into()),
        ("journal.max_age", format_duration(config.journal.max_age).into()),
    ];
    let shown = settings.map(|(key, json)| ShownSetting {
        key: key.to_owned(),
        value: json.to_string(),
        json,
        origin: "the demo".to_owned(),
    });
    shown.into()
}

fn settings_for(
    desk: &Desk,
    interface: &InterfaceConfig,
    config: Option<&Config>,
    places: &Places,
    log: Option<&Telemetry>,
) -> Settings {
    let colour = colour_depth(&desk.environment, interface.color);
    let (theme, colour) = match interface.theme {
        Theme::Auto | Theme::Dark => (ThemeChoice::Dark, colour),
        Theme::Light => (ThemeChoice::Light, colour),
        Theme::HighContrast => (ThemeChoice::HighContrast, colour),
        Theme::Ansi => (ThemeChoice::Dark, colour.min(ColourDepth::Ansi16)),
        Theme::Mono => (ThemeChoice::Mono, colour),
    };
    let own_themes: Vec<ThemeChoice> = interface.own_themes.iter().map(ThemeChoice::own).collect();
    let own_theme = interface.own_theme.as_ref().and_then(|name| ThemeChoice::named(name, &own_themes));
    Settings {
        profile: places.profile.clone(),
        project_id: config.map(|config| config.mixpanel.project_id),
        region: config.map_or_else(String::new, |config| config.mixpanel.region.as_str().to_uppercase()),
        feed: config.map_or_else(String::new, |config| feed_of(&config.mparticle.delivery).0),
        feed_host: config.map_or_else(String::new, |config| feed_of(&config.mparticle.delivery).1),
        configured: desk.layers().map(|layers| layers.shown()).unwrap_or_default(),
        editing: Some(desk.request()),
        masks: desk.masks.clone(),
        environment: config
            .map_or_else(String::new, |config| config.mparticle.environment.as_str().to_owned()),
        demo: false,
        theme: own_theme.unwrap_or(theme),
        own_themes,
        ascii: interface.features.ascii,
        colour,
        animations: interface.features.animations,
        mouse: interface.features.mouse,
        title: interface.features.title,
        notify: interface.notify,
        insisted: interface.insisted,
        remembered: None,
        surroundings: Surroundings::detect(|name| desk.environment.text(name)),
        zone: match interface.clock {
            Clock::Local => TimeZone::system(),
            Clock::Utc => TimeZone::UTC,
        },
        clock: true,
        keys: interface.keys.iter().map(|(action, binding)| (action.clone(), binding.keys.clone())).collect(),
        config_path: Some(places.config_file.display().to_string()),
        state_dir: Some(places.state_dir.display().to_string()),
        log_path: log.map(|log| log.path().display().to_string()),
        interval: config.map_or(Duration::from_mins(15), |config| config.sync.interval),
        fallback_identity: config
            .map_or(FallbackIdentity::CustomerId, |config| config.mparticle.fallback_identity)
            .as_str()
            .to_owned(),
        profiles_per_second: config
            .and_then(|config| config.mparticle.profile_api.as_ref())
            .map(|_| PROFILES_PER_SECOND),
        feed_users_per_second: 270.0,
    }
}

/// The colours the terminal has and the operator wants.
pub(super) fn colour_depth(environment: &Environment, choice: ColorChoice) -> ColourDepth {
    let text = |name| environment.text(name);
    match choice {
        ColorChoice::Never => ColourDepth::None,
        ColorChoice::Auto => ColourDepth::detect(text("NO_COLOR"), text("COLORTERM"), text("TERM")),
        ColorChoice::Always => ColourDepth::detect(None, text("COLORTERM"), text("TERM")),
    }
}

/// What changes are sent to, without anything that would open it, and its host.
fn feed_of(delivery: &DeliveryConfig) -> (String, String) {
    match delivery {
        DeliveryConfig::Feed { webhook_url, .. } => (webhook_url.masked(), webhook_url.host()),
        DeliveryConfig::EventsApi { base_url, .. } => {
            let host = base_url.split_once("://").map_or(base_url.as_str(), |(_, rest)| rest);
            (format!("Events API at {host}"), host.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::Args;
    use super::*;

    #[test]
    fn no_credential_enters_the_console() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().display().to_string();
        let variables = [
            ("COHORT_SYNC_MIXPANEL_PROJECT_ID", "12345"),
            ("COHORT_SYNC_MIXPANEL_SERVICE_ACCOUNT", "sync.ab12cd.mp-service-account"),
            ("COHORT_SYNC_MIXPANEL_SECRET", "pl4nted-secret"),
            (
                "COHORT_SYNC_MPARTICLE_WEBHOOK_URL",
                "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-pl4nted-0123456789abcdef",
            ),
        ];
        let environment: Environment = variables.into_iter().collect();
        let flags = ["cohort-sync", "--config", &format!("{root}/none.toml"), "--state-dir", &root];
        let desk = Desk::set_up(Args::try_read(flags).unwrap(), environment).unwrap();
        let config = desk.config().unwrap();
        let settings = settings_for(&desk, &config.interface, Some(&config), &desk.places, None);
        assert_eq!(settings.feed_host, "inbound.mparticle.com");
        assert!(settings.configured.iter().any(|setting| setting.key == "mixpanel.secret"));
        let all = format!("{settings:?}");
        assert!(!all.contains("pl4nted"), "{all}");
    }
}
