//! mParticle, as far as it can be judged without sending anything to the feed: whether its host can be reached, and what
//! the address looks like. A feed takes nothing that would change nothing, so its token is only tried by a sync or a
//! probe.

use super::finding::{Check, Finding, root_cause, sentence};
use super::network;
use crate::cli::account::Clients;
use crate::cli::failure::Exit;
use crate::config::{Config, DeliveryConfig, MparticleConfig, WebhookUrl, Word};
use crate::http::{Url, is_loopback};
use jiff::Timestamp;
use std::time::Duration;

/// Long enough for a slow network.
const PATIENCE: Duration = Duration::from_secs(15);

/// Looks at the way in, and asks its host for nothing.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let shape = shape(&config.mparticle, &config.mixpanel.base_url);
    let Ok(clients) = Clients::of(config) else { return vec![shape] };
    match clients.mparticle.reach(PATIENCE).await {
        Ok(answer) => {
            let clock = network::clock("mParticle", answer.headers.date, Timestamp::now());
            let found = format!("{} Its host can be reached.", shape.found);
            [Some(Finding { found, ..shape }), clock].into_iter().flatten().collect()
        }
        Err(error) => {
            let found = format!("{} {}", shape.found, sentence(&format!("{error}{}", root_cause(&error))));
            let remedy = "Check the network, any proxy and the certificates of this computer; then run `cohort-sync doctor` again.";
            vec![Finding::problem(Check::Mparticle, Exit::Failed, found, remedy)]
        }
    }
}

fn shape(config: &MparticleConfig, mixpanel_base_url: &str) -> Finding {
    match &config.delivery {
        DeliveryConfig::Feed { webhook_url, .. } => feed(config, webhook_url, mixpanel_base_url),
        DeliveryConfig::EventsApi { base_url, .. } => Finding::ok(
            Check::Mparticle,
            format!(
                "Changes go to the Events API at {base_url}; batches are labelled {}. Nothing was sent: `cohort-sync \
                 probe` sends exactly one user and shows the answer.",
                config.environment.as_str(),
            ),
        ),
    }
}

fn feed(config: &MparticleConfig, webhook_url: &WebhookUrl, mixpanel_base_url: &str) -> Finding {
    // The configuration was read, so this is a URL; were it not, there would be no host to name.
    let url = Url::parse(webhook_url.expose()).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("?");
    let scheme = url.as_ref().map_or("?", Url::scheme);
    let described = format!(
        "The webhook URL leads to {host} over {scheme} (token {}); batches are labelled {}. Nothing was sent, because \
         a feed has no harmless request: whether mParticle takes the token shows at the first sync.",
        webhook_url.masked(),
        config.environment.as_str(),
    );
    let stays_here = url.as_ref().is_some_and(is_loopback);
    let reads_elsewhere = Url::parse(mixpanel_base_url).is_ok_and(|base| !is_loopback(&base));
    if stays_here && reads_elsewhere {
        return Finding::warning(
            Check::Mparticle,
            format!("{described} It leads to this computer, while cohorts are read from a real Mixpanel."),
            "Unless that is meant, copy the Webhook URL from the Mixpanel Cohorts feed in mParticle (Setup > Inputs > Feeds).",
        );
    }
    match webhook_url.unusual() {
        Some(unusual) => Finding::warning(
            Check::Mparticle,
            format!("{described} It is unlike a feed of mParticle: {unusual}."),
            "Compare it with the Webhook URL of the Mixpanel Cohorts feed in mParticle (Setup > Inputs > Feeds).",
        ),
        None => Finding::ok(Check::Mparticle, described),
    }
}
