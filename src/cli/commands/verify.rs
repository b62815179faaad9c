//! `verify`: users are looked up in mParticle and compared with what it was told. The engine does the work; this file
//! starts it, waits, and repairs when asked to. Where another process writes the state directory, or nothing may be
//! written, the same is done beside it and not recorded.

mod beside;
mod report;

use super::awaiting::Awaiting;
use super::status::remembered;
use super::{remark, state};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::args::VerifyArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::harmless;
use crate::cli::progress::Progress;
use crate::cli::signals::asked_to_end;
use crate::config::{Config, lines_to_fill_in};
use crate::domain::verified::Verification;
use crate::domain::{Cohort, CohortId};
use crate::store::{Holding, StoreError};
use crate::sync::command::{Command, VerifyRequest};
use crate::sync::snapshot::{Snapshot, Trouble, VerificationView};
use crate::sync::verify::CheckError;
use crate::sync::{Handle, Settings};
use report::{Findings, Report, exit};

/// Verifies a cohort.
pub(in crate::cli) async fn verify(
    desk: &Desk,
    config: &Config,
    asked: &VerifyArgs,
) -> Result<Exit, Failure> {
    if config.mparticle.profile_api.is_none() {
        return Err(Failure::Usage(how_to_configure(desk)));
    }
    if asked.repair {
        must_write(&desk.places, "--repair")?;
    }
    let (cohort, holding) = subject(desk, &asked.cohort)?;
    let report = Report { desk, asked, name: harmless(&cohort.name).into_owned() };
    if desk.places.read_only {
        return beside::verify(&report, config, holding).await;
    }
    // Whom mParticle was told about is known here, so Mixpanel need not be asked for its list.
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(config) };
    let started = start_engine(&desk.places, config, settings, "cohort-sync verify").await;
    let (handle, engine) = match started {
        Err(Failure::Store(StoreError::InUse { holder, .. })) if !asked.repair => {
            remark(&format!("{holder} writes the state directory, so what is found is not recorded there"));
            return beside::verify(&report, config, holding).await;
        }
        started => started?,
    };
    let exit = with_engine(&report, &handle, cohort.id, &holding).await;
    let ended = end_engine(&handle, engine).await;
    let exit = exit?;
    ended?;
    Ok(exit)
}

/// The cohort that was named, and what its sync sets.
fn subject(desk: &Desk, wanted: &str) -> Result<(Cohort, Holding), Failure> {
    let never = |name: &str| {
        let name = harmless(name);
        Failure::Waiting(format!(
            "\"{name}\" was never exported, so there is nothing to verify; start with: cohort-sync sync \"{name}\""
        ))
    };
    let reader = state(&desk.places)?.ok_or_else(|| never(wanted))?;
    let (id, cohort) = remembered(&reader, wanted)?;
    let sync = reader.syncs()?.into_iter().find(|sync| sync.cohort_id == id);
    let holding = sync.ok_or_else(|| never(&cohort.name))?.holding();
    Ok((cohort, holding))
}

async fn with_engine(
    report: &Report<'_>,
    handle: &Handle,
    cohort: CohortId,
    holding: &Holding,
) -> Result<Exit, Failure> {
    let refused = |refusal| Failure::Refused { subject: report.name.clone(), refusal };
    let before = view(&handle.snapshots().borrow(), cohort).ended;
    let request = VerifyRequest { cohort, extent: report.asked.extent(), seed: beside::seed() };
    handle.send(Command::Verify(request)).await.map_err(refused)?;
    let verification = wait(report, handle, cohort, before).await?;
    let reader =
        state(&report.desk.places)?.ok_or_else(|| Failure::Failed("the state is gone".to_owned()))?;
    let found = reader.verification(holding)?;
    let findings = found.map_or(Findings::HandedBack(&[]), |(id, _)| Findings::Kept(&reader, id));
    report.tell(&verification, &findings)?;
    if !report.asked.repair || verification.wrong() == 0 {
        return Ok(exit(&verification));
    }
    let mut awaiting = Awaiting::new(handle, report.desk.args.global.json);
    handle.send(Command::Repair(cohort)).await.map_err(refused)?;
    awaiting.started(cohort);
    awaiting.wait().await?;
    Ok(awaiting.exit())
}

/// Waits until the verification has ended, and shows how it goes.
async fn wait(
    report: &Report<'_>,
    handle: &Handle,
    cohort: CohortId,
    before: u64,
) -> Result<Verification, Failure> {
    let mut snapshots = handle.snapshots();
    let mut progress = Progress::new(report.desk.args.global.json);
    let (mut asked_to_end, mut is_ending) = (Box::pin(asked_to_end()), false);
    let ended = loop {
        let view = view(&snapshots.borrow_and_update(), cohort);
        if view.ended > before {
            break view;
        }
        if let Some(check) = &view.check {
            progress.show_check(&report.name, check);
        }
        tokio::select! {
            changed = snapshots.changed() => {
                changed.map_err(|_| Failure::Failed("the engine stopped in the middle".to_owned()))?;
            }
            signal = &mut asked_to_end, if !is_ending => {
                signal.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                is_ending = true;
                // One that ended meanwhile refuses to be ended, which is fine.
                let _ = handle.send(Command::EndVerification(cohort)).await;
            }
        }
    };
    progress.clear();
    match (ended.trouble, ended.last) {
        (Some(trouble), _) => Err(failed(&report.name, trouble)),
        (None, Some(verification)) => Ok((*verification).clone()),
        (None, None) => Err(Failure::Failed("the verification came to nothing".to_owned())),
    }
}

fn view(snapshot: &Snapshot, cohort: CohortId) -> VerificationView {
    let sync = snapshot.cohort(cohort).and_then(|view| view.sync.as_ref());
    sync.map(|sync| sync.verification.clone()).unwrap_or_default()
}

fn failed(name: &str, Trouble { text, needs_person }: Trouble) -> Failure {
    let text = format!("{name}: {text}");
    if needs_person { Failure::Waiting(text) } else { Failure::Failed(text) }
}

impl From<CheckError> for Trouble {
    fn from(error: CheckError) -> Self {
        Self { needs_person: error.needs_person(), text: error.to_string() }
    }
}

/// What to write into the configuration, from the one table of settings.
fn how_to_configure(desk: &Desk) -> String {
    let section = "mparticle.profile_api";
    let lines: Vec<String> = lines_to_fill_in(section).iter().map(|line| format!("  {line}")).collect();
    format!(
        "verify looks users up with mParticle's Profile API, which is not configured. Ask mParticle for credentials of it \
         and add this to {}:\n  [{section}]\n{}",
        desk.places.config_file.display(),
        lines.join("\n")
    )
}
