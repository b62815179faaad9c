//! One run, a straight line: fetch → compare → plan → guard → send → settle. Each step has a file of its own;
//! this one strings them together, keeps the run's record and reports how it ended.

use super::muster::Ticket;
use super::report::{RunEnd, RunNews};
use super::tools::Tools;
use super::{compare, doubt, fetch, repair, send};
use crate::domain::guard::{self, GuardRules};
use crate::domain::membership::Membership;
use crate::domain::number::thousands;
use crate::domain::{
    ChangeCounts, CohortId, Outcome, PauseCause, Phase, Purpose, ReadingRules, Removal, RunCounts, RunId,
    SyncKind, Trigger,
};
use crate::store::{NewRun, RunRecord, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A run that is to take place.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub cohort: CohortId,
    pub trigger: Trigger,
    pub purpose: Purpose,
    pub dry_run: bool,
    /// A person already agreed to whatever the guard would object to.
    pub approve_removals: bool,
    /// Send the plan of this run, which was held, instead of reading anew.
    pub held: Option<RunId>,
    /// Kind and attribute where they are not the sync's: of a dry run, which leaves the sync (if there is one) as
    /// it is, and of cleaning up a former attribute.
    pub instead: Option<(SyncKind, String)>,
    /// Its place among those that were ordered together, once it is queued.
    pub ticket: Option<Arc<Ticket>>,
}

impl Job {
    /// A run from fetch to settle.
    pub(super) fn full(cohort: CohortId, trigger: Trigger) -> Self {
        Self {
            cohort,
            trigger,
            purpose: Purpose::Update,
            dry_run: false,
            approve_removals: false,
            held: None,
            instead: None,
            ticket: None,
        }
    }

    /// Tells whoever holds the sync's attribute that it ends.
    pub(super) fn clean_up(cohort: CohortId, trigger: Trigger, removal: Removal) -> Self {
        Self { purpose: Purpose::CleanUp(removal), ..Self::full(cohort, trigger) }
    }

    /// Whether it leaves its sync as it is, however it ends: it says nothing about who is in the cohort.
    pub(super) fn is_beside(&self) -> bool {
        self.dry_run || self.purpose == Purpose::Repair
    }

    /// The rest of a run whose plan was held.
    pub(super) fn held(cohort: CohortId, run: RunId) -> Self {
        Self { held: Some(run), approve_removals: true, ..Self::full(cohort, Trigger::Operator) }
    }
}

/// A job with everything that was true when it started.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub job: Job,
    pub name: String,
    pub kind: SyncKind,
    pub attribute: String,
    pub baseline: u64,
    pub guard: GuardRules,
    pub reading: ReadingRules,
}

/// A run at work.
pub(super) struct Run {
    pub tools: Tools,
    pub order: Order,
    pub stop: CancellationToken,
    pub record: RunRecord,
    /// Whether this is an earlier run whose last requests are sent again; the engine hears of the new one only.
    is_earlier: bool,
    phase_began: Instant,
    /// When the accounts were last told.
    told: Instant,
    /// Whether the accounts were told as they stand.
    is_told: bool,
    saved: Instant,
    /// Whether the accounts in the store are those of the record.
    is_saved: bool,
}

/// How often the record of a working run is refreshed for processes that only look on.
const SAVED_EVERY: Duration = Duration::from_secs(1);

/// How often the accounts are told while answers come by the thousand; snapshots are not made more often.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// People of a held plan who are shown with the question.
const SAMPLE: usize = 6;

/// Carries out a job and reports its end, whatever happens.
pub(super) async fn run(tools: Tools, order: Order, stop: CancellationToken) {
    let mut run = Run::new(tools, order, stop);
    let end = match run.line().await {
        Ok(()) if run.order.job.dry_run => RunEnd::DryRun,
        Ok(()) => RunEnd::Succeeded,
        Err(end) => end,
    };
    let (end, baseline) = match run.settle(end).await {
        Ok((end, baseline)) => (run.close(end).await, baseline),
        Err(end) => {
            run.note_end(&end);
            (end, None)
        }
    };
    let cohort = run.order.job.cohort;
    let (reports, record) = (run.tools.reports.clone(), Box::new(run.record));
    reports.run(cohort, RunNews::Ended { record, end, baseline });
}

impl Run {
    fn new(tools: Tools, order: Order, stop: CancellationToken) -> Self {
        let record = RunRecord {
            // Until the store has given it a number.
            id: RunId(0),
            cohort_id: order.job.cohort,
            cohort: order.name.clone(),
            attribute: order.attribute.clone(),
            kind: order.kind,
            purpose: order.job.purpose,
            trigger: order.job.trigger,
            phase: Phase::Queued,
            outcome: None,
            error: None,
            started_at: tools.clock.now(),
            ended_at: None,
            counts: RunCounts::default(),
            phases: Vec::new(),
        };
        let now = Instant::now();
        Self {
            tools,
            order,
            stop,
            record,
            is_earlier: false,
            phase_began: now,
            told: now,
            is_told: true,
            saved: now,
            is_saved: true,
        }
    }

    /// An earlier run, taken up for its last requests.
    pub(super) fn earlier(&self, record: RunRecord) -> Self {
        let mut earlier = Self::new(self.tools.clone(), self.order.clone(), self.stop.clone());
        earlier.record = record;
        earlier.is_earlier = true;
        earlier
    }

    /// The line itself; an early end is an error, so that `?` can carry it.
    async fn line(&mut self) -> Result<(), RunEnd> {
        if let Some(held) = self.order.job.held {
            self.take_up(held).await?;
            doubt::clear(self).await?;
        } else {
            self.begin().await?;
            doubt::clear(self).await?;
            match self.record.purpose {
                Purpose::Update | Purpose::FullRefresh => {
                    let membership = fetch::fetch(self).await?;
                    compare::compare(self, membership).await?;
                }
                Purpose::CleanUp(_) => compare::compare(self, Membership::default()).await?,
                Purpose::Repair => repair::plan(self).await?,
            }
            self.ask_guard().await?;
        }
        if self.order.job.dry_run {
            return Ok(());
        }
        send::send(self).await
    }

    /// Records that the run starts, after closing what a crash may have left open.
    async fn begin(&mut self) -> Result<(), RunEnd> {
        let new = NewRun {
            cohort_id: self.record.cohort_id,
            cohort: self.record.cohort.clone(),
            attribute: self.record.attribute.clone(),
            kind: self.record.kind,
            purpose: self.record.purpose,
            trigger: self.record.trigger,
            started_at: self.record.started_at,
        };
        self.record.id = self
            .ask(move |store| {
                store.recover(Some(new.cohort_id), INTERRUPTED, new.started_at)?;
                store.begin_run(&new)
            })
            .await?;
        let (run, cohort, by) = (self.record.id, &self.record.cohort, self.record.trigger.token());
        tracing::info!(%run, by, "{cohort}: run begins");
        self.tell(RunNews::Began(self.record.id, self.record.started_at));
        Ok(())
    }

    /// Takes up a run whose plan was held and is now approved.
    async fn take_up(&mut self, held: RunId) -> Result<(), RunEnd> {
        let record = self.ask(move |store| store.run(held)).await?;
        self.record = record.ok_or_else(|| RunEnd::Failed(format!("the held plan of run {held} is gone")))?;
        self.record.outcome = None;
        self.record.error = None;
        self.record.ended_at = None;
        // It was left when it was held; the time since then is nobody's.
        self.record.phase = Phase::Queued;
        self.tell(RunNews::Began(held, self.record.started_at));
        self.tell(RunNews::Counts(Box::new(self.record.counts)));
        Ok(())
    }

    async fn ask_guard(&self) -> Result<(), RunEnd> {
        if self.order.job.approve_removals || self.order.job.dry_run {
            return Ok(());
        }
        let (counts, baseline, rules) = (&self.record.counts, self.order.baseline, self.order.guard);
        let objection = match self.record.purpose {
            Purpose::Update | Purpose::FullRefresh => guard::objection(rules, baseline, counts),
            Purpose::Repair => guard::objection_to_removals(rules, baseline, counts),
            // It removes everybody, and that was agreed to before it began.
            Purpose::CleanUp(_) => None,
        };
        let Some(cause) = objection else { return Ok(()) };
        let (removals, baseline) = (thousands(counts.removes.planned()), thousands(baseline));
        let reason = match cause {
            PauseCause::EmptyRead => format!(
                "the cohort read back empty, but mParticle holds {baseline} users of it; sending this would remove them all"
            ),
            _ if self.record.purpose == Purpose::Repair => format!(
                "this would tell mParticle again of {removals} users that they have left, beside {baseline} who are in; that is more than {:.0} %",
                self.order.guard.max_removal_share * 100.0
            ),
            _ => format!(
                "this would remove {removals} of the {baseline} users that mParticle holds, more than {:.0} %",
                self.order.guard.max_removal_share * 100.0
            ),
        };
        let id = self.record.id;
        let sample = self.ask(move |store| store.sample_of_removals(id, SAMPLE)).await?;
        let sample = sample.iter().map(ToString::to_string).collect();
        Err(RunEnd::Paused { cause, reason, held: Some(sample) })
    }

    /// Moves the baseline by what was accepted, however the run ended. A held plan has nothing to settle yet.
    ///
    /// When that fails the record must stay open, so that the next run or start settles it: a run that is closed
    /// is never settled again, and what was accepted in it would be forgotten.
    async fn settle(&mut self, end: RunEnd) -> Result<(RunEnd, Option<u64>), RunEnd> {
        let nothing_sent = matches!(end, RunEnd::Paused { held: Some(_), .. } | RunEnd::DryRun);
        if nothing_sent || self.record.id == RunId(0) {
            return Ok((end, None));
        }
        let is_done = end == RunEnd::Succeeded;
        if is_done && self.enter(Phase::Settle).await.is_err() {
            tracing::warn!(run = %self.record.id, "the phase of a run could not be recorded");
        }
        // A repair tells nobody anew of whom it is not known what they were told last, so they stay in doubt.
        let complete = is_done && self.record.purpose != Purpose::Repair;
        let baseline = self.settle_accepted(complete).await?;
        Ok((end, Some(baseline)))
    }

    /// Merges what was accepted into the baseline, whose size it returns, and reads the accounts back: what the
    /// store holds is what counts.
    pub(super) async fn settle_accepted(&mut self, complete: bool) -> Result<u64, RunEnd> {
        let (id, holding) = (self.record.id, self.record.holding());
        let settled = self.ask(move |store| store.settle(id, &holding, complete)).await?;
        let recount = |planned, accepted, rejected| {
            ChangeCounts::restored(planned, accepted, rejected).unwrap_or_else(|| {
                tracing::error!(run = %id, planned, accepted, rejected, "more answers than changes");
                ChangeCounts::default()
            })
        };
        let counts = &mut self.record.counts;
        counts.adds = recount(counts.adds.planned(), settled.adds_accepted, settled.adds_rejected);
        counts.removes =
            recount(counts.removes.planned(), settled.removes_accepted, settled.removes_rejected);
        Ok(settled.baseline)
    }

    /// Notes how the run ended in its record, without writing it.
    fn note_end(&mut self, end: &RunEnd) {
        let (outcome, error) = match end {
            RunEnd::Succeeded => (Outcome::Succeeded, None),
            RunEnd::DryRun => (Outcome::DryRun, None),
            RunEnd::Failed(error) => (Outcome::Failed, Some(error.clone())),
            RunEnd::Paused { reason, .. } => (Outcome::Paused, Some(reason.clone())),
            RunEnd::Cancelled => (Outcome::Cancelled, None),
        };
        self.leave_phase();
        self.record.outcome = Some(outcome);
        self.record.error = error;
        self.record.ended_at = Some(self.tools.clock.now());
    }

    /// Writes how the run ended. What could not be written is said, for it changes how the run ended.
    async fn close(&mut self, end: RunEnd) -> RunEnd {
        self.note_end(&end);
        if self.record.id == RunId(0) {
            return end;
        }
        let record = self.record.clone();
        let written = self.ask(move |store| store.save_run(&record)).await;
        self.tools.forget_old_history(self.record.cohort_id);
        match written {
            Ok(()) => end,
            Err(failed) => {
                self.note_end(&failed);
                failed
            }
        }
    }

    /// Enters the next phase, and leaves the one before with its time.
    pub(super) async fn enter(&mut self, phase: Phase) -> Result<(), RunEnd> {
        self.leave_phase();
        self.record.phase = phase;
        self.tell(RunNews::Phase(phase));
        self.save().await
    }

    /// The baseline is another than when the run was ordered.
    pub(super) fn baseline_became(&mut self, baseline: u64) {
        self.order.baseline = baseline;
    }

    fn leave_phase(&mut self) {
        let left = self.record.phase;
        if left != Phase::Queued {
            let took = self.phase_began.elapsed();
            match self.record.phases.iter_mut().find(|(phase, _)| *phase == left) {
                Some((_, total)) => *total += took,
                None => self.record.phases.push((left, took)),
            }
        }
        self.phase_began = Instant::now();
    }

    /// Refreshes the record for processes that only look on.
    pub(super) async fn save(&mut self) -> Result<(), RunEnd> {
        (self.saved, self.is_saved) = (Instant::now(), true);
        let record = self.record.clone();
        self.ask(move |store| store.save_run(&record)).await
    }

    /// Tells how the accounts stand, and refreshes the record for processes that only look on.
    pub(super) async fn counted(&mut self) -> Result<(), RunEnd> {
        self.tell_counts();
        self.is_saved = false;
        self.refresh().await
    }

    /// The same where it comes by the thousand: told no more often than anybody sees it. Whoever calls this refreshes the
    /// run whenever that is due, and when nothing more comes.
    pub(super) async fn counted_one_of_many(&mut self) -> Result<(), RunEnd> {
        (self.is_told, self.is_saved) = (false, false);
        self.refresh().await
    }

    /// Tells and saves what is due.
    pub(super) async fn refresh(&mut self) -> Result<(), RunEnd> {
        if !self.is_told && self.told.elapsed() >= TOLD_EVERY {
            self.tell_counts();
        }
        if !self.is_saved && self.saved.elapsed() >= SAVED_EVERY { self.save().await } else { Ok(()) }
    }

    /// Waits until something is to be told or saved although nothing new has come; for ever when all of it is.
    pub(super) async fn until_refresh_is_due(&self) {
        let told = (!self.is_told).then(|| self.told + TOLD_EVERY);
        let saved = (!self.is_saved).then(|| self.saved + SAVED_EVERY);
        match told.into_iter().chain(saved).min() {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Tells how the accounts stand.
    pub(super) fn tell_counts(&mut self) {
        self.tell(RunNews::Counts(Box::new(self.record.counts)));
        (self.told, self.is_told) = (Instant::now(), true);
    }

    /// Tells the engine something about this run.
    pub(super) fn tell(&self, news: RunNews) {
        if self.is_earlier {
            return;
        }
        self.tools.reports.run(self.order.job.cohort, news);
    }

    /// Asks the store; what it cannot do ends the run.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, RunEnd> {
        self.tools.keeper.ask(question).await.map_err(|error| RunEnd::Failed(error.to_string()))
    }
}

/// What is said of a run that a crash cut off.
pub(super) const INTERRUPTED: &str =
    "the program ended in the middle of this run; what was accepted until then is kept";
