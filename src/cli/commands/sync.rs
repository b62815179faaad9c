//! `sync`: one run now of each named cohort, one-time unless it is or becomes recurring. The engine does the
//! work; this file starts it, waits and says how it ended.

use super::awaiting::Awaiting;
use super::{count, remark};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::args::SyncArgs;
use crate::cli::failure::{Exit, Failure, report, ways_out_of_a_hold};
use crate::cli::select::{self, Candidate};
use crate::config::Config;
use crate::domain::{CohortId, Outcome, Purpose, Removal, SyncKind};
use crate::store::RunRecord;
use crate::sync::command::{Command, StartRequest};
use crate::sync::snapshot::{ListState, Snapshot};
use crate::sync::{Handle, Settings};
use std::sync::Arc;
use tokio::sync::watch;

/// Runs the named cohorts.
pub(in crate::cli) async fn sync(desk: &Desk, config: &Config, asked: &SyncArgs) -> Result<Exit, Failure> {
    must_write(&desk.places, "sync")?;
    let settings = Settings { schedule: false, ..settings_of(config) };
    let (handle, engine) = start_engine(&desk.places, config, settings, "cohort-sync sync").await?;
    let mut awaiting = Awaiting::new(&handle, desk.args.global.json);
    let result = start_and_wait(&handle, asked, &mut awaiting).await;
    let ended = end_engine(&handle, engine).await;
    result?;
    ended?;
    Ok(awaiting.exit())
}

async fn start_and_wait(handle: &Handle, asked: &SyncArgs, awaiting: &mut Awaiting) -> Result<(), Failure> {
    let mut snapshots = handle.snapshots();
    let candidates = list(&mut snapshots).await?;
    // Nothing is started unless every name is known: half of what was asked would be a surprise. Who names a
    // cohort twice, by id and by name perhaps, wants it once.
    let mut chosen: Vec<(CohortId, &String)> = Vec::new();
    for wanted in &asked.cohorts {
        let id = select::find(wanted, &candidates)?;
        if !chosen.iter().any(|(known, _)| *known == id) {
            chosen.push((id, wanted));
        }
    }
    for (id, wanted) in chosen {
        announce_move(&snapshots.borrow(), id, asked);
        match handle.send(Command::Start(request(id, asked))).await {
            Ok(()) => awaiting.started(id),
            Err(refusal) => {
                let failure = Failure::Refused { subject: wanted.clone(), refusal };
                awaiting.worsen(report(&failure));
            }
        }
    }
    awaiting.wait().await
}

/// Says beforehand what becomes of the attribute that is left behind.
fn announce_move(snapshot: &Snapshot, cohort: CohortId, asked: &SyncArgs) {
    let sync = snapshot.cohort(cohort).and_then(|view| view.sync.as_ref());
    let (Some(sync), Some(attribute)) = (sync, asked.attribute.as_ref()) else { return };
    if sync.attribute != *attribute && sync.baseline > 0 {
        let (held, former) = (count(sync.baseline), &sync.attribute);
        let ended = match asked.clean_up.unwrap_or_default() {
            Removal::SetFalse => "set to false",
            Removal::Delete => "deleted",
        };
        // The counts of a dry run are those of the new attribute alone.
        let (moving, is) = if asked.dry_run { ("a move", "would be") } else { ("moving", "is") };
        remark(&format!(
            "{moving} to \"{attribute}\"; then \"{former}\" {is} {ended} for the {held} users who hold it"
        ));
    }
}

/// Waits for Mixpanel's list. Without it the remembered one serves, for what is known needs no list.
pub(super) async fn list(snapshots: &mut watch::Receiver<Arc<Snapshot>>) -> Result<Vec<Candidate>, Failure> {
    let arrived = snapshots.wait_for(|snapshot| {
        matches!(snapshot.list, ListState::Listed(_) | ListState::Failed { .. }) && snapshot.revision > 1
    });
    let snapshot = arrived.await.map_err(|_| Failure::Failed("the engine stopped".to_owned()))?.clone();
    let candidates: Vec<Candidate> = snapshot
        .cohorts
        .iter()
        .map(|view| Candidate { id: view.cohort.id, name: view.cohort.name.clone() })
        .collect();
    match &snapshot.list {
        ListState::Failed { error, needs_person, .. } if candidates.is_empty() => {
            Err(if *needs_person { Failure::Waiting(error.clone()) } else { Failure::Failed(error.clone()) })
        }
        ListState::Failed { error, .. } => {
            remark(&format!("going by the remembered cohort list, for Mixpanel's did not arrive: {error}"));
            Ok(candidates)
        }
        _ => Ok(candidates),
    }
}

fn request(cohort: CohortId, asked: &SyncArgs) -> StartRequest {
    let kind = if asked.recurring { SyncKind::Recurring } else { SyncKind::OneTime };
    StartRequest {
        attribute: asked.attribute.clone(),
        dry_run: asked.dry_run,
        approve_removals: asked.yes,
        full: asked.full,
        former: asked.clean_up.unwrap_or_default(),
        max_removal_share: asked.max_removal_share,
        ..StartRequest::new(cohort, kind)
    }
}

/// How a run ended, for people; `sample` are some of those whose removal it holds back.
pub(super) fn summary(run: &RunRecord, sample: &[String]) -> String {
    let counts = &run.counts;
    let name = crate::cli::output::harmless(&run.cohort).into_owned();
    let took = run.ended_at.map_or(0.0, |ended| ended.duration_since(run.started_at).as_secs_f64());
    let read = format!(
        "{} fetched ({} by $mparticle_user_id, {} by $distinct_id, {} unsendable, {} duplicates)",
        count(counts.read.fetched()),
        count(counts.read.matched),
        count(counts.read.unmatched),
        count(counts.read.unsendable),
        count(counts.read.duplicates),
    );
    let read = match run.purpose {
        Purpose::Update => read,
        Purpose::FullRefresh => format!("{read}, everyone told again"),
        Purpose::Repair => "told again what they were told before".to_owned(),
        Purpose::CleanUp(removal) => {
            let attribute = crate::cli::output::harmless(&run.attribute);
            match removal {
                Removal::SetFalse => format!("\"{attribute}\" set to false for whoever held it"),
                Removal::Delete => format!("\"{attribute}\" deleted for whoever held it"),
            }
        }
    };
    let (adds, removes) = (count(counts.adds.planned()), count(counts.removes.planned()));
    let sent = format!(
        "+{adds} −{removes}: {} accepted, {} rejected, {} pending",
        count(counts.accepted()),
        count(counts.rejected()),
        count(counts.pending())
    );
    let how = match run.outcome {
        Some(Outcome::Succeeded) => "done",
        Some(Outcome::DryRun) => "dry run, nothing was sent",
        Some(Outcome::Paused) => "paused",
        Some(Outcome::Cancelled) => "ended on request; run it again to go on",
        Some(Outcome::Failed) | None => "failed",
    };
    let mut text = format!("{name}: {how} in {took:.1} s · {read} · {sent} · run {}", run.id);
    if let Some(error) = &run.error {
        text.push_str("\n  ");
        text.push_str(error);
        if run.outcome == Some(Outcome::Paused) && counts.pending() > 0 && error.contains("would remove") {
            text.push_str(&ways_out_of_a_hold(&name, run.id));
        }
        if !sample.is_empty() {
            text.push_str("\n  Among those who would be removed: ");
            text.push_str(&crate::cli::output::harmless(&sample.join(", ")));
        }
    }
    text
}
