//! The console: chooses between the account, the demo and the welcome screen, starts what lies behind it, and opens one
//! profile after another on the same terminal for as long as the person goes over to others.

mod demo;
mod outfit;

use super::account::{Clients, Desk, settings_of, start_engine};
use super::commands::doctor::trial::attempt;
use super::failure::{Exit, Failure};
use crate::config::guide::Guide;
use crate::config::{Config, ConfigError, Places};
use crate::store::{Reader, StoreError};
use crate::sync::snapshot::{NoticeLevel, Writer};
use crate::sync::{self, Handle};
use crate::telemetry::Telemetry;
use crate::tui::keymap::Keymap;
use crate::tui::{self, Departure, Settings, TuiError, WelcomeChoice};
use demo::demo;
use outfit::settings_for;
use std::path::PathBuf;
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
                        println!("{}. {left} Then `cohort-sync` opens the console.", finished.done);
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

/// Works on the account of a profile, and on that of another whenever the person goes over to one.
async fn on_account(desk: &Desk, config: Config) -> Result<Exit, Failure> {
    let mut log = desk.log()?;
    let mut open = Open::on(desk.clone(), &config, &log).await?;
    let mut stage = None;
    loop {
        let departure = tui::run(stage, open.handle, log.subscribe(), open.settings).await?;
        end(open.engine).await?;
        let Departure::Open { profile, stage: kept, left } = departure else { return Ok(Exit::Done) };
        stage = Some(kept);
        let is_anew = profile == open.desk.places.profile;
        open = go_over(&open.desk, &profile, &mut log).await?;
        if is_anew {
            open.settings.left = left;
        }
    }
}

/// An account that is worked on.
struct Open {
    desk: Desk,
    handle: Handle,
    engine: Option<JoinHandle<()>>,
    settings: Settings,
}

impl Open {
    async fn on(desk: Desk, config: &Config, log: &Telemetry) -> Result<Self, Failure> {
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let settings = settings_for(&desk, &config.interface, Some(config), &desk.places, Some(log));
        // Once the engine is at work nothing must keep the console from opening.
        Keymap::new(&settings.keys).map_err(TuiError::from)?;
        let (handle, engine) = engine_or_view(&desk.places, config).await?;
        let settings = Settings { remembered: remembered(desk.places.state_dir.clone()).await, ..settings };
        Ok(Self { desk, handle, engine, settings })
    }

    async fn profile(desk: Desk, log: &mut Telemetry) -> Result<Self, Failure> {
        let config = desk.config()?;
        log.move_to(&desk.places.log_dir)?;
        Self::on(desk, &config, log).await
    }

    fn greeting(self, level: NoticeLevel, words: String) -> Self {
        let settings = Settings { greeting: Some((level, words)), ..self.settings };
        Self { settings, ..self }
    }
}

/// Opens a profile; when that does not work, the one that the person came from.
async fn go_over(from: &Desk, profile: &str, log: &mut Telemetry) -> Result<Open, Failure> {
    let is_anew = profile == from.places.profile;
    let wanted = match from.in_profile(profile) {
        Ok(desk) => Open::profile(desk, log).await,
        Err(failure) => Err(failure),
    };
    match wanted {
        Ok(open) if is_anew => {
            Ok(open
                .greeting(NoticeLevel::Good, "opened anew: every setting of the file is in force".to_owned()))
        }
        Ok(open) => {
            let Settings { project_id, region, environment, .. } = &open.settings;
            let project = project_id.map_or_else(String::new, |project| format!("project {project}, "));
            let words = format!("this is “{profile}”: {project}{region}, {environment}");
            Ok(open.greeting(NoticeLevel::Good, words))
        }
        Err(failure) if is_anew => Err(failure),
        Err(failure) => {
            let back = Open::profile(from.clone(), log).await?;
            Ok(back.greeting(NoticeLevel::Error, format!("“{profile}” was not opened: {failure}")))
        }
    }
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
