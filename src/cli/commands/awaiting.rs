//! Waiting for runs that were just started: shows how they go, ends them between requests when asked to, and
//! tells of each run that ended. What was started and why is for the commands.

use super::sync::summary;
use super::{remark, say, say_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::RunObject;
use crate::cli::progress::Progress;
use crate::cli::signals::asked_to_end;
use crate::domain::{CohortId, Outcome};
use crate::store::RunRecord;
use crate::sync::Handle;
use crate::sync::command::Command;
use crate::sync::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// The runs of some cohorts, from before they are started until the last has ended.
pub(super) struct Awaiting {
    json: bool,
    handle: Handle,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    cohorts: BTreeSet<CohortId>,
    /// Cohorts of which no run has ended yet.
    outstanding: BTreeSet<CohortId>,
    /// The last ended run that was told of.
    told: u64,
    exit: Exit,
}

impl Awaiting {
    /// To be made before anything is started.
    pub(super) fn new(handle: &Handle, json: bool) -> Self {
        let snapshots = handle.snapshots();
        let told = newest(&snapshots.borrow());
        Self {
            json,
            handle: handle.clone(),
            snapshots,
            cohorts: BTreeSet::new(),
            outstanding: BTreeSet::new(),
            told,
            exit: Exit::Done,
        }
    }

    /// A run of this cohort was started.
    pub(super) fn started(&mut self, cohort: CohortId) {
        self.cohorts.insert(cohort);
        self.outstanding.insert(cohort);
    }

    /// Something else went wrong on the way. A failed run weighs more than one that waits for a person: it is
    /// the one nobody expects.
    pub(super) fn worsen(&mut self, exit: Exit) {
        self.exit = match (self.exit, exit) {
            (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
            (now, Exit::Done) => now,
            (_, worse) => worse,
        };
    }

    /// How it all ended.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Waits until every run has ended, and whatever runs follow from them.
    pub(super) async fn wait(&mut self) -> Result<(), Failure> {
        let mut progress = Progress::new(self.json);
        let mut asked_to_end = Box::pin(asked_to_end());
        let mut ending = false;
        loop {
            let snapshot = self.snapshots.borrow_and_update().clone();
            self.tell_news(&snapshot, &mut progress)?;
            let active: Vec<CohortId> =
                self.cohorts.iter().copied().filter(|cohort| is_active(&snapshot, *cohort)).collect();
            if active.is_empty() && self.outstanding.is_empty() {
                break;
            }
            progress.show(&snapshot, active.into_iter());
            tokio::select! {
                changed = self.snapshots.changed() => {
                    changed.map_err(|_| Failure::Failed("the engine stopped in the middle".to_owned()))?;
                }
                signal = &mut asked_to_end, if !ending => {
                    signal.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                    ending = true;
                    progress.clear();
                    remark("ending after the requests in flight; what was accepted is kept");
                    for cohort in &self.cohorts {
                        // A run that ended meanwhile refuses to be cancelled, which is fine.
                        let _ = self.handle.send(Command::Cancel(*cohort)).await;
                    }
                }
            }
        }
        progress.clear();
        Ok(())
    }

    fn tell_news(&mut self, snapshot: &Snapshot, progress: &mut Progress) -> Result<(), Failure> {
        for ended in &snapshot.ended_runs {
            if ended.number > self.told && self.cohorts.contains(&ended.run.cohort_id) {
                progress.clear();
                self.outstanding.remove(&ended.run.cohort_id);
                self.tell(&ended.run, snapshot)?;
            }
        }
        self.told = newest(snapshot);
        Ok(())
    }

    fn tell(&mut self, run: &RunRecord, snapshot: &Snapshot) -> Result<(), Failure> {
        self.worsen(match run.outcome {
            Some(Outcome::Succeeded | Outcome::DryRun) => Exit::Done,
            Some(Outcome::Paused) => Exit::Refused,
            Some(Outcome::Failed | Outcome::Cancelled) | None => Exit::Failed,
        });
        if self.json { say_json(&RunObject::from(run)) } else { say(&summary(run, sample_of(snapshot, run))) }
    }
}

/// Some of the people whose removal a run holds back.
pub(super) fn sample_of<'s>(snapshot: &'s Snapshot, run: &RunRecord) -> &'s [String] {
    let sync = snapshot.cohort(run.cohort_id).and_then(|view| view.sync.as_ref());
    let pause = sync.and_then(|sync| sync.pause.as_ref());
    pause.filter(|pause| pause.held_run == Some(run.id)).map_or(&[], |pause| &pause.sample)
}

fn newest(snapshot: &Snapshot) -> u64 {
    snapshot.ended_runs.back().map_or(0, |ended| ended.number)
}

fn is_active(snapshot: &Snapshot, cohort: CohortId) -> bool {
    snapshot.cohort(cohort).is_some_and(|view| view.status().is_active())
}
