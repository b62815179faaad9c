//! The demo: the console on the built-in sandbox, with a few syncs under way.

use super::outfit::settings_for;
use super::{Desk, Exit, Failure, end};
use crate::cli::account::{settings_of, start_engine};
use crate::config::{
    Config, DeliveryConfig, FallbackIdentity, FeedEnvironment, InterfaceConfig, JournalConfig, MASK,
    MixpanelConfig, MparticleConfig, Places, ProfileApiConfig, Region, Secret, ShownSetting, SyncConfig,
    WebhookUrl, Word, format_duration,
};
use crate::domain::SyncKind;
use crate::domain::property::{DEFAULT_PROPERTIES, PropertyNames};
use crate::sandbox::{self, Sandbox, SandboxOptions};
use crate::sync::command::{Command, StartRequest};
use crate::sync::snapshot::{CohortView, ListState};
use crate::sync::{self, Handle};
use crate::tui::{self, Settings};
use std::sync::Arc;
use std::time::Duration;

/// The console on the built-in sandbox, with a state directory that goes away with it: the sandbox forgets
/// whom it was told, so remembering it here would be a lie at the next start.
pub(super) async fn demo(desk: &Desk, interface: InterfaceConfig) -> Result<Exit, Failure> {
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
    tui::run(None, handle, log.subscribe(), settings).await?;
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
