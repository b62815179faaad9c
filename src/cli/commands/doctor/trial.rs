//! What the setup guide tries, with the checks of `doctor` and in its words: each wrong turn has one sentence and one
//! remedy, wherever it is met.

use super::finding::{Finding, Verdict};
use super::{mixpanel, mparticle};
use crate::cli::commands::probe;
use crate::cli::failure::Exit;
use crate::config::guide::{Found, Guide, Question, Sign, Trial};
use crate::config::{Config, FeedEnvironment};

/// Tries something with the configuration as answered so far.
pub(in crate::cli) async fn attempt(guide: &Guide, trial: Trial) -> Vec<Found> {
    let config = match guide.config() {
        Ok(config) => config,
        Err(error) => {
            let remedy =
                Some("Something outside this guide (a variable, a flag) stands in its way.".to_owned());
            return vec![Found { sign: Sign::Problem, text: error.to_string(), remedy, blames: None }];
        }
    };
    match trial {
        Trial::Mparticle => found(mparticle::check(&config).await),
        Trial::Mixpanel => found(mixpanel::check(&config, None).await),
        Trial::Probe => probed(config, guide.probe().unwrap_or_default()).await,
    }
}

fn found(findings: Vec<Finding>) -> Vec<Found> {
    // Who is asked to go on with the guide is not sent elsewhere.
    let here = |remedy: String| {
        remedy.replace("un `cohort-sync doctor` again", "un it again").replace("; then run it again", "")
    };
    let of = |finding: Finding| Found {
        sign: match finding.verdict {
            Verdict::Ok => Sign::Ok,
            Verdict::Warning => Sign::Warning,
            Verdict::Problem(_) => Sign::Problem,
        },
        text: finding.found,
        remedy: finding.remedy.map(here),
        blames: None,
    };
    findings.into_iter().map(of).collect()
}

/// Evidence is gathered where it does no harm, whatever the environment will be.
async fn probed(mut config: Config, user: &str) -> Vec<Found> {
    config.mparticle.environment = FeedEnvironment::Development;
    let (whole, meaning, exit) = probe::told(&config, user).await;
    let verdict = |sign, remedy: Option<&str>, blames| Found {
        sign,
        text: meaning,
        remedy: remedy.map(str::to_owned),
        blames,
    };
    let verdict = match exit {
        Exit::Done => verdict(Sign::Ok, None, None),
        Exit::Refused => {
            let remedy = "Go through the answers again; the Webhook URL is asked for first.";
            verdict(Sign::Problem, Some(remedy), Some(Question::WebhookUrl))
        }
        _ => {
            let remedy = "Go through the answers again to try the other form, or somebody else.";
            verdict(Sign::Problem, Some(remedy), None)
        }
    };
    vec![Found { sign: Sign::Note, text: whole, remedy: None, blames: None }, verdict]
}
