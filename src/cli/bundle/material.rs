//! What a bundle is made of, as it is found here: nothing in it is fit to be handed on yet. And every id that is known, to be
//! taken out of it.

use super::conceal::Gathering;
use crate::cli::account::Desk;
use crate::cli::commands::waterfall;
use crate::cli::failure::Failure;
use crate::cli::objects::CountsObject;
use crate::config::ShownSetting;
use crate::domain::{Cohort, Identity};
use crate::store::{
    ChangeRow, Holding, JournalExtent, NotedRequest, Reader, RequestFilter, RunRecord, Scope, StoreError,
};
use crate::sync::{self, snapshot::Snapshot};
use crate::telemetry::LOG_FILE;
use jiff::Timestamp;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

/// Records of runs that are taken in; no state has more.
const RUNS: usize = 100_000;

/// The log files, the newest first; see `telemetry`.
const LOGS: [&str; 3] = ["", ".1", ".2"];

/// Everything, as it is found.
pub(in crate::cli) struct Material {
    /// Every setting, credentials masked; or why it cannot be read.
    pub settings: Result<Vec<ShownSetting>, String>,
    /// Cohorts and syncs.
    pub snapshot: Snapshot,
    /// The counts of every cohort that was read.
    pub counts: Vec<CountsObject>,
    /// Every run that is kept, newest first.
    pub runs: Vec<RunRecord>,
    /// The journal, newest first.
    pub requests: Vec<NotedRequest>,
    /// How much of it there is.
    pub extent: JournalExtent,
    /// Each log file with its name.
    pub logs: Vec<(String, String)>,
    /// Runs of which nobody can say any more whom they were about.
    pub forgotten: HashSet<i64>,
    /// Runs that are kept at all.
    pub known: HashSet<i64>,
    /// The size of the state.
    pub bytes: u64,
    /// When all this was found.
    pub at: Timestamp,
}

impl Material {
    /// Gathers what is not in the state itself, and how the syncs stand. It blocks.
    pub(super) fn gather(desk: &Desk, has_state: bool) -> Result<Self, Failure> {
        // Whatever is masked nowhere else is masked by what the credentials are now.
        let settings = match desk.config() {
            Ok(_) => desk.layers().map(|layers| layers.shown()).map_err(|error| error.to_string()),
            Err(failure) => desk.layers().map(|layers| layers.shown()).map_err(|_| failure.to_string()),
        };
        let directory = &desk.places.log_dir;
        let logs = logs(directory).map_err(|error| {
            Failure::Failed(format!("the log in {} cannot be read: {error}", directory.display()))
        })?;
        let snapshot = if has_state { sync::look(&desk.places.state_dir)? } else { Snapshot::default() };
        Ok(Self {
            settings,
            snapshot,
            counts: Vec::new(),
            runs: Vec::new(),
            requests: Vec::new(),
            extent: JournalExtent::default(),
            logs,
            forgotten: HashSet::new(),
            known: HashSet::new(),
            bytes: 0,
            at: Timestamp::now(),
        })
    }

    /// Takes in what is recorded: at the same moment as the ids, or some would be forgotten in between, and after the log,
    /// which must tell of nothing that is not known yet.
    pub(super) fn take_state(&mut self, reader: &Reader) -> Result<(), Failure> {
        for (cohort, _) in reader.cohorts()?.cohorts {
            self.counts.extend(reader.last_account(cohort.id)?.map(|run| waterfall(&cohort, &run)));
        }
        self.forgotten = reader.runs_with_lost_changes()?.into_iter().map(|run| run.0).collect();
        self.runs = reader.runs(None, RUNS)?;
        self.known = self.runs.iter().map(|run| run.id.0).collect();
        self.extent = reader.journal_extent()?;
        self.bytes = reader.bytes()?;
        reader.for_each_request::<StoreError>(&RequestFilter::default(), |row| {
            self.requests.push(row);
            Ok(true)
        })?;
        Ok(())
    }

    /// Whether nobody can say whom a run was about, so that its words cannot be cleaned.
    pub(super) fn is_forgotten(&self, run: i64) -> bool {
        self.forgotten.contains(&run) || !self.known.contains(&run)
    }
}

fn logs(directory: &Path) -> io::Result<Vec<(String, String)>> {
    let mut logs = Vec::new();
    for suffix in LOGS {
        let name = format!("{LOG_FILE}{suffix}");
        match fs::read(directory.join(&name)) {
            Ok(bytes) => logs.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(logs)
}

/// Gathers every id that is known: of whom mParticle was told or is to be, of whom it holds, and of the last reads.
pub(super) fn gather_ids(reader: &Reader, gathering: &mut Gathering) -> Result<(), StoreError> {
    reader.for_each_told::<StoreError>(&Scope::default(), None, |_, rows| {
        for ChangeRow { change, .. } in &rows {
            take(gathering, &change.identity);
            change.distinct_id.iter().for_each(|id| gathering.take(id));
        }
        Ok(true)
    })?;
    for sync in reader.syncs()? {
        let former = sync.former.iter().map(|former| former.attribute.clone());
        for attribute in former.chain([sync.attribute.clone()]) {
            for identity in reader.baseline(&Holding { cohort: sync.cohort_id, attribute }) {
                take(gathering, &identity?);
            }
        }
    }
    for (Cohort { id, .. }, _) in reader.cohorts()?.cohorts {
        let Some(run) = reader.last_account(id)? else { continue };
        reader.for_each_unmatched::<StoreError>(run.id, |users| {
            for user in &users {
                let ids = [&user.remark.distinct_id, &user.remark.evidence];
                ids.into_iter().flatten().for_each(|id| gathering.take(id));
            }
            Ok(true)
        })?;
    }
    Ok(())
}

fn take(gathering: &mut Gathering, identity: &Identity) {
    gathering.take(&identity.to_string());
}
