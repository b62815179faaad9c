//! Verifying without an engine of one's own: beside a process that writes the state directory, or where nothing may be
//! written. What is found is told, and kept nowhere.

use super::report::{Findings, Report, exit};
use super::{Trouble, failed};
use crate::cli::account::{Clients, settings_of};
use crate::cli::failure::{Exit, Failure};
use crate::cli::progress::Progress;
use crate::cli::signals::asked_to_end;
use crate::config::Config;
use crate::mparticle::profile::Exchange;
use crate::store::Holding;
use crate::sync::Clock;
use crate::sync::verify::{Check, CheckProgress, Record};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Verifies, and tells what was found.
pub(super) async fn verify(report: &Report<'_>, config: &Config, holding: Holding) -> Result<Exit, Failure> {
    let Some(profiles) = Clients::of(config)?.profiles else { return Ok(Exit::Usage) };
    let (progress, mut goes_on) = watch::channel(CheckProgress::default());
    let stop = CancellationToken::new();
    let check = Check {
        directory: report.desk.places.state_dir.clone(),
        profiles,
        holding,
        extent: report.asked.extent(),
        seed: seed(),
        settling: settings_of(config).settling,
        clock: Clock::system(),
        stop: stop.clone(),
        record: Record::HandedBack,
        hear: Arc::new(|exchange: &Exchange| {
            tracing::debug!(status = exchange.status, "Profile API: {}", exchange.said);
        }),
        tell: Arc::new(move |now| drop(progress.send_replace(now))),
    };
    let mut check = Box::pin(check.carry_out());
    let mut shown = Progress::new(report.desk.args.global.json);
    let (mut asked_to_end, mut is_ending) = (Box::pin(asked_to_end()), false);
    let ended = loop {
        tokio::select! {
            ended = &mut check => break ended,
            Ok(()) = goes_on.changed() => shown.show_check(&report.name, &goes_on.borrow_and_update()),
            signal = &mut asked_to_end, if !is_ending => {
                signal.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                is_ending = true;
                stop.cancel();
            }
        }
    };
    shown.clear();
    let (verification, wrong) = ended.map_err(|error| failed(&report.name, Trouble::from(error)))?;
    report.tell(&verification, &Findings::HandedBack(&wrong))?;
    Ok(exit(&verification))
}

/// A seed nobody can foresee, so that no two verifications look at the same sample.
pub(super) fn seed() -> u64 {
    RandomState::new().hash_one(0_u8)
}
