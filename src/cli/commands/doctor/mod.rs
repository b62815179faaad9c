//! `doctor`: looks at everything a sync depends on and says what to do where something is wrong. This file is
//! the list of checks in their order; each group has a file of its own and hands back findings, and `report`
//! prints them. A check never stops the ones after it, and none of them changes or mends anything.

mod cohorts;
mod configuration;
mod directories;
mod finding;
mod journal;
mod mixpanel;
mod mparticle;
mod network;
mod profile_api;
mod report;
mod start_anew;
mod state;
mod terminal;
pub(in crate::cli) mod trial;

use crate::cli::account::Desk;
use crate::cli::args::Args;
use crate::cli::failure::{Exit, Failure};
use crate::config::{Environment, Masks};
use finding::{Check, Finding, taken_apart};
use report::Report;

/// Runs every check and prints what each found.
pub(in crate::cli) async fn doctor(args: Args, environment: Environment) -> Result<Exit, Failure> {
    match Desk::set_up(args.clone(), environment.clone()) {
        Ok(desk) => examine(&with_whole_paths(desk)).await,
        // Without places there is nothing to look at, but the answer keeps its form.
        Err(failure) => {
            let mut report = Report::new(&args.global, &environment, Masks::new());
            let (found, remedy) = taken_apart(&failure.to_string(), "");
            let remedy =
                remedy.unwrap_or_else(|| "Correct it, then run `cohort-sync doctor` again.".to_owned());
            report.add(Finding::problem(Check::Configuration, failure.exit(), found, remedy))?;
            report.finish()
        }
    }
}

/// Whoever is told what to do may be in another directory by then, or be somebody else.
fn with_whole_paths(mut desk: Desk) -> Desk {
    let (places, global) = (&mut desk.places, &mut desk.args.global);
    let given = [&mut global.config, &mut global.state_dir].into_iter().flatten();
    let decided = [&mut places.config_file, &mut places.state_dir, &mut places.log_dir];
    for path in given.chain(decided) {
        if let Ok(whole) = std::path::absolute(&path) {
            *path = whole;
        }
    }
    desk
}

async fn examine(desk: &Desk) -> Result<Exit, Failure> {
    let mut report = Report::new(&desk.args.global, &desk.environment, desk.masks.clone());
    let (findings, config) = configuration::check(desk);
    report.add_all(findings)?;
    report.add_all(directories::check(&desk.places))?;
    let state = state::check(desk).await;
    report.add_all(state.findings)?;
    report.add(network::check(&desk.environment))?;
    report.add_all(cohorts::check(desk).await)?;
    if let Some(config) = &config {
        report.add_all(journal::check(desk, config.journal).await.into_iter().collect())?;
    }
    if let Some(config) = &config {
        let may_note = state.is_sound && !desk.places.read_only;
        report.add_all(mixpanel::check(config, may_note.then_some(&desk.places)).await)?;
        report.add_all(mparticle::check(config).await)?;
        report.add_all(profile_api::check(config).await.into_iter().collect())?;
    } else {
        let remedy = "Correct the configuration first, then run `cohort-sync doctor` again.";
        for (check, what) in [
            (Check::Mixpanel, "Mixpanel was not asked"),
            (Check::Mparticle, "The webhook URL was not looked at"),
        ] {
            let found = format!("{what}, because the configuration cannot be used.");
            report.add(Finding::warning(check, found, remedy))?;
        }
    }
    report.add_all(terminal::check(desk))?;
    report.finish()
}
