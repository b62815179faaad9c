//! From what was typed to what can be worked with: places, configuration, log, clients and an engine. Every
//! command that needs an account begins here, so that all of them mean the same by it.

use super::args::Args;
use super::failure::Failure;
use crate::config::{
    BaseDirectories, Config, ConfigError, DeliveryConfig, Environment, InterfaceConfig, JournalConfig,
    Layers, Masks, Places, Request, SyncConfig, Word,
};
use crate::domain::ReadingRules;
use crate::domain::guard::GuardRules;
use crate::http::{Authorization, Backoff, Transport, TransportOptions};
use crate::mixpanel::{self, MixpanelError};
use crate::mparticle::ProfileApi;
use crate::mparticle::profile::{self, ClientCredentials, PROFILES_PER_SECOND};
use crate::mparticle::{self, Encoder, EventsApi, FeedUrl, Form, Route};
use crate::store::JournalLimits;
use crate::sync::command::Command;
use crate::sync::snapshot::Ended;
use crate::sync::{self, Clock, Handle, Parts, Settings};
use crate::telemetry::{self, Telemetry};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::JoinHandle;

/// Where things are, before anything of them was read.
#[derive(Clone)]
pub(super) struct Desk {
    pub args: Args,
    pub environment: Environment,
    pub places: Places,
    pub masks: Masks,
}

impl Desk {
    pub(super) fn set_up(args: Args, environment: Environment) -> Result<Self, Failure> {
        let places = Places::resolve(&args.selection(), &environment, BaseDirectories::of_system().as_ref())?;
        Ok(Self { args, environment, places, masks: Masks::new() })
    }

    /// The same for another profile: its tables of the file, and its own state.
    pub(super) fn in_profile(&self, profile: &str) -> Result<Self, Failure> {
        let mut args = self.args.clone();
        args.global.profile = Some(profile.to_owned());
        let environment = self.environment.clone();
        let places = Places::resolve(&args.selection(), &environment, BaseDirectories::of_system().as_ref())?;
        Ok(Self { args, environment, places, masks: self.masks.clone() })
    }

    /// Every value that was given, before anyone looks at what it says.
    pub(super) fn layers(&self) -> Result<Layers, ConfigError> {
        Layers::read(self.request())
    }

    /// What there is to read: file, profile, environment and flags.
    pub(super) fn request(&self) -> Request {
        Request {
            config_file: self.places.config_file.clone(),
            profile: self.places.profile.clone(),
            environment: self.environment.clone(),
            overrides: self.args.overrides(),
        }
    }

    /// The whole configuration, credentials included; they are masked from here on.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let config = self.layers()?.config()?;
        config.mask_with(&self.masks);
        Ok(config)
    }

    /// Looks and keys, which need no connection.
    pub(super) fn interface(&self) -> Result<InterfaceConfig, Failure> {
        Ok(self.layers()?.interface()?)
    }

    /// Starts the log.
    pub(super) fn log(&self) -> Result<Telemetry, Failure> {
        self.log_in(&self.places)
    }

    /// Starts the log of a state directory. A panic is written there as well, masked like everything.
    pub(super) fn log_in(&self, places: &Places) -> Result<Telemetry, Failure> {
        let level = self.args.log_level(&self.environment)?;
        let log = telemetry::init(&places.log_dir, level, &self.masks)?;
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            telemetry::record_panic(panic);
            print(panic);
        }));
        Ok(log)
    }
}

/// The clients of an account.
pub(super) struct Clients {
    pub mixpanel: mixpanel::Client,
    pub mparticle: mparticle::Client,
    pub profiles: Option<ProfileApi>,
    pub encoder: Encoder,
}

impl Clients {
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        let transport = Transport::new(TransportOptions::default()).map_err(MixpanelError::from)?;
        let connection = mixpanel::Connection {
            base_url: config.mixpanel.base_url.clone(),
            project_id: config.mixpanel.project_id,
            workspace_id: config.mixpanel.workspace_id,
            service_account: Authorization::basic(
                config.mixpanel.service_account.clone(),
                config.mixpanel.secret.expose(),
            ),
        };
        Ok(Self {
            mixpanel: mixpanel::Client::new(transport.clone(), connection)?
                .asking_for(config.mixpanel.profile_properties.clone()),
            mparticle: mparticle::Client::new(transport.clone(), route_of(config)?),
            profiles: profiles_of(transport, config, Backoff::default())?,
            encoder: encoder_of(config),
        })
    }
}

/// The way into mParticle, as configured.
fn route_of(config: &Config) -> Result<Route, Failure> {
    let route = match &config.mparticle.delivery {
        DeliveryConfig::Feed { webhook_url, .. } => FeedUrl::parse(webhook_url.expose()).map(Route::Feed),
        DeliveryConfig::EventsApi { key, secret, base_url } => {
            let authorization = Authorization::basic(key.clone(), secret.expose());
            EventsApi::at(base_url, authorization).map(Route::Events)
        }
    };
    route.map_err(|error| Failure::Usage(error.to_string()))
}

/// Where profiles are looked up, if that is configured.
fn profiles_of(
    transport: Transport,
    config: &Config,
    backoff: Backoff,
) -> Result<Option<ProfileApi>, Failure> {
    let Some(api) = &config.mparticle.profile_api else { return Ok(None) };
    let connection = profile::Connection {
        base_url: api.base_url.clone(),
        token_url: api.token_url.clone(),
        credentials: ClientCredentials::new(api.client_id.clone(), api.client_secret.expose()),
        org_id: api.org_id,
        account_id: api.account_id,
        workspace_id: api.workspace_id,
        environment: config.mparticle.environment.as_str().to_owned(),
        identity_type: config.mparticle.fallback_identity.as_str().to_owned(),
        profiles_per_second: PROFILES_PER_SECOND,
        backoff,
    };
    let profiles = ProfileApi::new(transport, connection);
    profiles.map(Some).map_err(|error| Failure::Usage(error.to_string()))
}

/// The same for somebody who wants to hear of the first failure, and not to wait for another try.
pub(super) fn impatient_profiles_of(config: &Config) -> Result<Option<ProfileApi>, Failure> {
    let transport = Transport::new(TransportOptions::default()).map_err(MixpanelError::from)?;
    profiles_of(transport, config, Backoff { tries: 1, ..Backoff::default() })
}

/// How changes are written, as configured.
pub(super) fn encoder_of(config: &Config) -> Encoder {
    let (environment, fallback) = (config.mparticle.environment, config.mparticle.fallback_identity);
    let encoder = Encoder::new(environment.as_str(), fallback.as_str());
    match config.mparticle.delivery {
        DeliveryConfig::Feed { members: true, .. } => {
            encoder.in_form(Form::Members { project_id: config.mixpanel.project_id })
        }
        _ => encoder,
    }
}

/// The engine's settings as configured.
pub(super) fn settings_of(config: &Config) -> Settings {
    pace_of(&config.sync, &config.journal)
}

/// The same from the sections that say it.
pub(super) fn pace_of(sync: &SyncConfig, journal: &JournalConfig) -> Settings {
    Settings {
        interval: sync.interval,
        full_refresh_every: sync.full_refresh_every,
        guard: GuardRules { max_removal_share: sync.max_removal_share },
        reading: ReadingRules { skip_anonymous: sync.skip_anonymous },
        concurrent_requests: sync.max_concurrent_requests,
        journal: JournalLimits { requests: journal.max_requests, age: journal.max_age },
        ..Settings::default()
    }
}

/// Starts an engine that writes the state directory; `doing` says what for, to whoever finds it in use.
pub(super) async fn start_engine(
    places: &Places,
    config: &Config,
    settings: Settings,
    doing: &str,
) -> Result<(Handle, JoinHandle<()>), Failure> {
    let Clients { mixpanel, mparticle, profiles, encoder } = Clients::of(config)?;
    let parts = Parts {
        directory: places.state_dir.clone(),
        holder: holder(doing),
        mixpanel,
        mparticle,
        profiles,
        encoder,
        clock: Clock::system(),
        read_only: false,
    };
    Ok(sync::start(parts, settings).await?)
}

/// Lets an engine end, and says what it could not record: a command that reports success has made it durable.
pub(super) async fn end_engine(handle: &Handle, engine: JoinHandle<()>) -> Result<(), Failure> {
    // The engine may be stopping already; the task tells when it has.
    let _ = handle.send(Command::Shutdown).await;
    engine.await.map_err(|error| Failure::Failed(format!("the engine broke down: {error}")))?;
    match &handle.snapshots().borrow().ended {
        Some(Ended::Unrecorded(reason)) => {
            Err(Failure::Failed(format!("not everything could be recorded: {reason}")))
        }
        _ => Ok(()),
    }
}

/// This process in words.
pub(super) fn holder(doing: &str) -> String {
    let since = Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%H:%M").to_string();
    format!("`{doing}` (process {}, since {since})", std::process::id())
}

/// Refuses what would change something when only looking is allowed.
pub(super) fn must_write(places: &Places, what: &str) -> Result<(), Failure> {
    if places.read_only {
        return Err(Failure::Waiting(format!(
            "{what} changes something, and --read-only forbids that; leave it out"
        )));
    }
    Ok(())
}
