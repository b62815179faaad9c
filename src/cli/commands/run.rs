//! `run`: keeps every recurring sync on schedule until stopped, and says what happens.

use super::awaiting::sample_of;
use super::sync::summary;
use super::{remark, say, say_json};
use crate::cli::account::{Desk, must_write, settings_of, start_engine};
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::RunObject;
use crate::cli::signals::asked_to_end;
use crate::config::Config;
use crate::domain::{SyncKind, SyncStatus};
use crate::store::RunRecord;
use crate::sync::command::Command;
use crate::sync::snapshot::{ListState, Snapshot};
use std::sync::Arc;

/// Keeps the schedule.
pub(in crate::cli) async fn run(desk: &Desk, config: &Config) -> Result<Exit, Failure> {
    must_write(&desk.places, "run")?;
    let (handle, engine) = start_engine(&desk.places, config, settings_of(config), "cohort-sync run").await?;
    let mut snapshots = handle.snapshots();
    // Before the first snapshot with a number nothing that is remembered shows; taking that for the beginning
    // would tell old runs as news.
    let restored = snapshots.wait_for(|snapshot| snapshot.revision > 0).await;
    let first = restored.map_err(|_| Failure::Failed("the engine stopped".to_owned()))?.clone();
    greet(&first);
    let mut told = Told::of(&first);
    let mut asked_to_end = Box::pin(asked_to_end());
    loop {
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Err(Failure::Failed("the engine stopped".to_owned()));
                }
                let snapshot = snapshots.borrow_and_update().clone();
                for run in told.news(&snapshot) {
                    if desk.args.global.json { say_json(&RunObject::from(&*run))? } else { say(&summary(&run, sample_of(&snapshot, &run)))? }
                }
            }
            signal = &mut asked_to_end => {
                signal.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                break;
            }
        }
    }
    remark("ending after the requests in flight; the next start goes on from here");
    // The engine was asked to stop or is stopping already; the task tells when it has.
    let _ = handle.send(Command::Shutdown).await;
    engine.await.map_err(|error| Failure::Failed(format!("the engine broke down: {error}")))?;
    let last = snapshots.borrow().clone();
    for run in told.news(&last) {
        if desk.args.global.json {
            say_json(&RunObject::from(&*run))?;
        } else {
            say(&summary(&run, sample_of(&last, &run)))?;
        }
    }
    Ok(Exit::Done)
}

fn greet(snapshot: &Snapshot) {
    let recurring = |view: &&Arc<crate::sync::snapshot::CohortView>| {
        let kept = |sync: &crate::sync::snapshot::SyncView| {
            sync.kind == SyncKind::Recurring && sync.status != SyncStatus::Stopped
        };
        view.sync.as_ref().is_some_and(kept)
    };
    match snapshot.cohorts.iter().filter(recurring).count() {
        0 => {
            remark(
                "no cohort is synced recurringly yet; start one with: cohort-sync sync COHORT --recurring",
            );
        }
        number => remark(&format!("keeping {number} recurring syncs on schedule until ctrl-c")),
    }
}

/// What was already told, so that each run is told once.
struct Told {
    newest: u64,
    list_error: Option<String>,
    stretch: Option<String>,
}

impl Told {
    fn of(snapshot: &Snapshot) -> Self {
        let newest = snapshot.ended_runs.back().map_or(0, |ended| ended.number);
        Self { newest, list_error: None, stretch: None }
    }

    /// The runs that ended since.
    fn news(&mut self, snapshot: &Snapshot) -> Vec<Arc<RunRecord>> {
        if let ListState::Failed { error, .. } = &snapshot.list
            && self.list_error.as_ref() != Some(error)
        {
            remark(&format!("the cohort list did not arrive: {error}"));
            self.list_error = Some(error.clone());
        }
        let stretch = snapshot.stretch.map(|stretch| stretch.to_string());
        if let Some(text) = stretch.as_ref().filter(|_| stretch != self.stretch) {
            remark(text);
        }
        self.stretch = stretch;
        let ended = snapshot.ended_runs.iter().filter(|ended| ended.number > self.newest);
        let news = ended.map(|ended| Arc::clone(&ended.run)).collect();
        self.newest = snapshot.ended_runs.back().map_or(self.newest, |ended| ended.number);
        news
    }
}
