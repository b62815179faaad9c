//! `status`: how syncs stand, as recorded; another process that works on one is seen as well.

use super::{Rows, remark, say_json, state, warnings};
use crate::cli::account::Desk;
use crate::cli::args::ListArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::objects::StatusObject;
use crate::cli::output::{Cell, Column, Format};
use crate::cli::select::{self, Candidate};
use crate::config::Places;
use crate::domain::{Cohort, CohortId, SyncStatus};
use crate::store::{Reader, RunRecord, SyncRecord, WriterLock};
use crate::sync;
use crate::sync::export::seconds;

pub(super) const COLUMNS: &[Column] = &[
    Column::number("cohort_id", "Id"),
    Column::text("cohort", "Cohort"),
    Column::text("attribute", "Attribute"),
    Column::text("kind", "Sync"),
    Column::text("status", "Status"),
    Column::text("next_due_at", "Next"),
    Column::text("last_run_at", "Last run"),
    Column::number("matched", "Matched"),
    Column::number("unmatched", "Unmatched"),
    Column::number("accepted", "Accepted"),
    Column::number("rejected", "Rejected"),
    Column::text("reason", "Reason"),
];

/// How one cohort stands.
pub(super) struct Standing {
    pub cohort: Cohort,
    pub sync: Option<SyncRecord>,
    pub status: SyncStatus,
    pub last_run: Option<RunRecord>,
    /// Whether some program works on the state directory now.
    pub is_worked_on: bool,
}

/// What a run that is due waits for while nothing works on the state directory.
const WAITS_FOR_A_PROGRAM: &str = "due; `cohort-sync run` or the console carries it out";

impl Standing {
    pub(super) fn object(&self) -> StatusObject<'_> {
        StatusObject::new(
            &self.cohort,
            self.sync.as_ref(),
            self.status,
            self.last_run.as_ref(),
            self.reason(),
        )
    }

    /// Why it stands as it does, where that is not plain.
    fn reason(&self) -> Option<&str> {
        let pause = self.sync.as_ref().and_then(|sync| sync.pause.as_ref());
        match self.status {
            _ if pause.is_some() => pause.map(|pause| pause.reason.as_str()),
            SyncStatus::Failed => self.last_run.as_ref()?.error.as_deref(),
            // Somebody quit in the middle of a run, or resumed it by a command that keeps no schedule.
            SyncStatus::Queued if !self.is_worked_on => Some(WAITS_FOR_A_PROGRAM),
            _ => None,
        }
    }
}

/// Shows how syncs stand.
pub(in crate::cli) fn status(desk: &Desk, wanted: &[String], list: &ListArgs) -> Result<Exit, Failure> {
    let standings = match state(&desk.places)? {
        Some(reader) => standings(&reader, &desk.places)?,
        None => Vec::new(),
    };
    let chosen = choose(standings, wanted)?;
    if chosen.is_empty() {
        remark("nothing is synced yet; start with: cohort-sync sync COHORT");
    }
    if list.format(&desk.args.global) == Format::Json && list.output.is_none() {
        for standing in &chosen {
            say_json(&standing.object())?;
        }
        return Ok(Exit::Done);
    }
    let mut rows = Rows::begin(list, &desk.args.global, COLUMNS)?;
    for standing in &chosen {
        if !rows.row(&cells(standing))? {
            break;
        }
    }
    rows.finish()?;
    if list.format(&desk.args.global) == Format::Table && !chosen.is_empty() {
        let shown: Vec<CohortId> = chosen.iter().map(|standing| standing.cohort.id).collect();
        warnings::tell(&sync::look(&desk.places.state_dir)?, &shown);
    }
    Ok(Exit::Done)
}

/// Reads how every known cohort stands.
pub(super) fn standings(reader: &Reader, places: &Places) -> Result<Vec<Standing>, Failure> {
    let mut syncs = reader.syncs()?;
    let mut last_runs = reader.recent_runs(1)?;
    // What is at work is only true while somebody holds the lock; otherwise it was cut off.
    let is_worked_on = WriterLock::holder(&places.state_dir).is_some();
    let working = if is_worked_on { reader.working_runs()? } else { Vec::new() };
    let standings = reader.cohorts()?.cohorts.into_iter().map(|(cohort, _)| {
        let sync = take(&mut syncs, |sync| sync.cohort_id == cohort.id);
        let at_work = working.iter().find(|run| run.cohort_id == cohort.id);
        let resting = sync.as_ref().map_or(SyncStatus::NotSynced, |sync| sync.status);
        let status = at_work.map_or(resting, |run| SyncStatus::during(run.phase));
        let last_run = take(&mut last_runs, |run| run.cohort_id == cohort.id);
        Standing { cohort, sync, status, last_run, is_worked_on }
    });
    Ok(standings.collect())
}

fn take<T>(from: &mut Vec<T>, wanted: impl Fn(&T) -> bool) -> Option<T> {
    from.iter().position(wanted).map(|place| from.swap_remove(place))
}

/// The cohorts that were named, in that order; every synced one when none was.
pub(super) fn choose(mut standings: Vec<Standing>, wanted: &[String]) -> Result<Vec<Standing>, Failure> {
    if wanted.is_empty() {
        standings.retain(|standing| standing.sync.is_some());
        return Ok(standings);
    }
    let candidates = candidates(&standings);
    let mut chosen: Vec<Standing> = Vec::new();
    for name in wanted {
        let id = select::find(name, &candidates)?;
        chosen.extend(take(&mut standings, |standing| standing.cohort.id == id));
    }
    Ok(chosen)
}

pub(super) fn candidates(standings: &[Standing]) -> Vec<Candidate> {
    standings
        .iter()
        .map(|standing| Candidate { id: standing.cohort.id, name: standing.cohort.name.clone() })
        .collect()
}

/// Finds a cohort in what is remembered.
pub(super) fn remembered(reader: &Reader, wanted: &str) -> Result<(CohortId, Cohort), Failure> {
    let cohorts = reader.cohorts()?.cohorts;
    let candidates: Vec<Candidate> =
        cohorts.iter().map(|(cohort, _)| Candidate { id: cohort.id, name: cohort.name.clone() }).collect();
    let id = select::find(wanted, &candidates)?;
    let found = cohorts.into_iter().find(|(cohort, _)| cohort.id == id);
    found
        .map(|(cohort, _)| (id, cohort))
        .ok_or_else(|| Failure::Usage(format!("there is no cohort \"{wanted}\"")))
}

/// The account of a cohort's last whole read, for the lists and counts that explain it.
///
/// The cohort is unknown, or was never read to the end; the message says how to read it.
pub(super) fn last_account(desk: &Desk, wanted: &str) -> Result<(Reader, Cohort, RunRecord), Failure> {
    let never = |name: &str| {
        let remedy = format!("read it with: cohort-sync sync \"{name}\" --dry-run");
        Failure::Usage(format!("\"{name}\" was never read to the end; {remedy}"))
    };
    let reader = state(&desk.places)?.ok_or_else(|| never(wanted))?;
    let (id, cohort) = remembered(&reader, wanted)?;
    let run = reader.last_account(id)?.ok_or_else(|| never(&cohort.name))?;
    Ok((reader, cohort, run))
}

pub(super) fn cells(standing: &Standing) -> [Cell; 12] {
    let Standing { cohort, sync, status, last_run, .. } = standing;
    let sync = sync.as_ref();
    let run = last_run.as_ref();
    // A clean-up reads nobody, which must not look like a cohort of nobody.
    let read = run.filter(|run| run.purpose.reads()).map(|run| run.counts.read);
    [
        Cell::Id(cohort.id.0),
        cohort.name.clone().into(),
        sync.map_or(&cohort.name, |sync| &sync.attribute).clone().into(),
        sync.map(|sync| sync.kind.token()).into(),
        status.token().into(),
        sync.and_then(|sync| sync.next_due).map(seconds).into(),
        run.and_then(|run| run.ended_at).map(seconds).into(),
        read.map(|read| read.matched).into(),
        read.map(|read| read.unmatched).into(),
        run.map(|run| run.counts.accepted()).into(),
        run.map(|run| run.counts.rejected()).into(),
        standing.reason().map(str::to_owned).into(),
    ]
}
