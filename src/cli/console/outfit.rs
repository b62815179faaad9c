//! What the console is told before it starts, gathered from configuration, command line and environment.

use super::Desk;
use crate::cli::account::pace_of;
use crate::config::{Config, DeliveryConfig, FallbackIdentity, InterfaceConfig, Places, Word};
use crate::mparticle::profile::PROFILES_PER_SECOND;
use crate::telemetry::Telemetry;
use crate::tui::Settings;
use crate::tui::surroundings::Surroundings;
use std::time::Duration;

/// Everything the console is told.
pub(super) fn settings_for(
    desk: &Desk,
    interface: &InterfaceConfig,
    config: Option<&Config>,
    places: &Places,
    log: Option<&Telemetry>,
) -> Settings {
    let mut settings = Settings {
        profile: places.profile.clone(),
        project_id: config.map(|config| config.mixpanel.project_id),
        region: config.map_or_else(String::new, |config| config.mixpanel.region.as_str().to_uppercase()),
        feed: config.map_or_else(String::new, |config| feed_of(&config.mparticle.delivery).0),
        feed_host: config.map_or_else(String::new, |config| feed_of(&config.mparticle.delivery).1),
        feed_doubt: config.and_then(|config| config.mparticle.webhook_url()?.unusual()),
        configured: desk.layers().map(|layers| layers.shown()).unwrap_or_default(),
        editing: Some(desk.request()),
        pace: pace_of,
        masks: desk.masks.clone(),
        environment: config
            .map_or_else(String::new, |config| config.mparticle.environment.as_str().to_owned()),
        demo: false,
        surroundings: Surroundings::detect(|name| desk.environment.text(name)),
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
        ..Settings::default()
    };
    settings.dress(interface, &desk.environment);
    settings
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
    use super::*;
    use crate::cli::args::Args;
    use crate::config::Environment;

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
