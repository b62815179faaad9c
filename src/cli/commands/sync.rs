//! `sync`: one run now of each named cohort, one-time unless it is or becomes recurring. The engine does the
//! work; this file starts it, waits, shows progress and says how it ended.

use super::{count, remark, say, say_json};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::args::SyncArgs;
use crate::cli::failure::{Exit, Failure, report};
use crate::cli::objects::RunObject;
use crate::cli::progress::Progress;
use crate::cli::select::{self, Candidate};
use crate::cli::signals::asked_to_end;
use crate::config::Config;
use crate::domain::{CohortId, Outcome, SyncKind};
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
    let mut syncing =
        Syncing { desk, handle: handle.clone(), snapshots: handle.snapshots(), exit: Exit::Done };
    let result = syncing.work(asked).await;
    let ended = end_engine(&handle, engine).await;
    result?;
    ended?;
    Ok(syncing.exit)
}

struct Syncing<'d> {
    desk: &'d Desk,
    handle: Handle,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    exit: Exit,
}

/// A run that was started and is waited for.
struct Awaited {
    cohort: CohortId,
    /// The last run of this cohort before; the one that is waited for is another.
    before: Option<RunRecord>,
}

impl Syncing<'_> {
    async fn work(&mut self, asked: &SyncArgs) -> Result<(), Failure> {
        let candidates = self.list().await?;
        // Nothing is started unless every name is known: half of what was asked would be a surprise. Who
        // names a cohort twice, by id and by name perhaps, wants it once.
        let mut chosen: Vec<(CohortId, &String)> = Vec::new();
        for wanted in &asked.cohorts {
            let id = select::find(wanted, &candidates)?;
            if !chosen.iter().any(|(known, _)| *known == id) {
                chosen.push((id, wanted));
            }
        }
        let mut awaited = Vec::new();
        for (id, wanted) in chosen {
            let before = last_run(&self.snapshots.borrow(), id);
            match self.handle.send(Command::Start(request(id, asked))).await {
                Ok(()) => awaited.push(Awaited { cohort: id, before }),
                Err(refusal) => {
                    let failure = Failure::Refused { subject: wanted.clone(), refusal };
                    self.worsen(report(&failure));
                }
            }
        }
        self.wait(awaited).await
    }

    /// Waits for Mixpanel's list. Without it the remembered one serves, for what is known needs no list.
    async fn list(&mut self) -> Result<Vec<Candidate>, Failure> {
        let arrived = self.snapshots.wait_for(|snapshot| {
            matches!(snapshot.list, ListState::Listed(_) | ListState::Failed { .. }) && snapshot.revision > 1
        });
        let snapshot = arrived.await.map_err(|_| Failure::Failed("the engine stopped".to_owned()))?.clone();
        let candidates: Vec<Candidate> = snapshot
            .cohorts
            .iter()
            .map(|view| Candidate { id: view.cohort.id, name: view.cohort.name.clone() })
            .collect();
        match &snapshot.list {
            ListState::Failed { error, needs_person, .. } if candidates.is_empty() => Err(if *needs_person {
                Failure::Waiting(error.clone())
            } else {
                Failure::Failed(error.clone())
            }),
            ListState::Failed { error, .. } => {
                remark(&format!(
                    "going by the remembered cohort list, for Mixpanel's did not arrive: {error}"
                ));
                Ok(candidates)
            }
            _ => Ok(candidates),
        }
    }

    /// Waits for every run, shows how they go, and ends them between requests when asked to.
    async fn wait(&mut self, mut awaited: Vec<Awaited>) -> Result<(), Failure> {
        let mut progress = Progress::new(self.desk.args.global.json);
        let mut asked_to_end = Box::pin(asked_to_end());
        let mut ending = false;
        while !awaited.is_empty() {
            let snapshot = self.snapshots.borrow_and_update().clone();
            let mut left = Vec::new();
            for run in awaited {
                match ended(&snapshot, &run) {
                    Some(record) => {
                        progress.clear();
                        self.tell(&record)?;
                    }
                    None => left.push(run),
                }
            }
            awaited = left;
            progress.show(&snapshot, awaited.iter().map(|run| run.cohort));
            if awaited.is_empty() {
                break;
            }
            tokio::select! {
                changed = self.snapshots.changed() => {
                    changed.map_err(|_| Failure::Failed("the engine stopped in the middle".to_owned()))?;
                }
                signal = &mut asked_to_end, if !ending => {
                    signal.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                    ending = true;
                    progress.clear();
                    remark("ending after the requests in flight; what was accepted is kept");
                    for run in &awaited {
                        // A run that ended meanwhile refuses to be cancelled, which is fine.
                        let _ = self.handle.send(Command::Cancel(run.cohort)).await;
                    }
                }
            }
        }
        progress.clear();
        Ok(())
    }

    fn tell(&mut self, run: &RunRecord) -> Result<(), Failure> {
        self.worsen(match run.outcome {
            Some(Outcome::Succeeded | Outcome::DryRun) => Exit::Done,
            Some(Outcome::Paused) => Exit::Refused,
            Some(Outcome::Failed | Outcome::Cancelled) | None => Exit::Failed,
        });
        if self.desk.args.global.json { say_json(&RunObject::from(run)) } else { say(&summary(run)) }
    }

    /// A failed run weighs more than one that waits for a person: it is the one nobody expects.
    fn worsen(&mut self, exit: Exit) {
        self.exit = match (self.exit, exit) {
            (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
            (now, Exit::Done) => now,
            (_, worse) => worse,
        };
    }
}

fn request(cohort: CohortId, asked: &SyncArgs) -> StartRequest {
    StartRequest {
        cohort,
        kind: if asked.recurring { SyncKind::Recurring } else { SyncKind::OneTime },
        attribute: asked.attribute.clone(),
        dry_run: asked.dry_run,
        approve_removals: asked.yes,
        interval: None,
    }
}

fn last_run(snapshot: &Snapshot, cohort: CohortId) -> Option<RunRecord> {
    snapshot.cohort(cohort)?.sync.as_ref()?.last_run.clone()
}

/// The record of a run once it has ended.
fn ended(snapshot: &Snapshot, run: &Awaited) -> Option<RunRecord> {
    let view = snapshot.cohort(run.cohort)?;
    if view.status().is_active() {
        return None;
    }
    last_run(snapshot, run.cohort).filter(|record| run.before.as_ref() != Some(record))
}

/// How a run ended, for people.
pub(super) fn summary(run: &RunRecord) -> String {
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
            text.push_str("\n  To agree, run it again with --yes; to look first: cohort-sync changes ");
            text.push_str(&run.id.to_string());
        }
    }
    text
}
