//! The engine: one task that owns the store and all truth. It takes commands, lets runs work, draws
//! conclusions from what they report, and publishes snapshots. It waits for nothing but its own channels:
//! whatever takes time (a query, a write, a run) happens in a task that reports back.

use super::board::Board;
use super::checks::Checks;
use super::command::Envelope;
use super::next::{due_at, next_job, trigger_of};
use super::publish::Publisher;
use super::recordings::{Recorded, Recordings};
use super::report::{Report, RunNews};
use super::run::Job;
use super::schedule::{self, Stretch};
use super::seats::Load;
use super::snapshot::{Ended, ListState, NoticeLevel};
use super::tools::{Settings, Tools};
use crate::domain::{CohortId, Phase, Removal, SyncKind};
use crate::mixpanel::MixpanelError;
use crate::store::SyncRecord;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

/// The engine's own state; see the module's description.
pub(super) struct Engine {
    pub(super) tools: Tools,
    pub(super) settings: Settings,
    pub(super) board: Board,
    pub(super) queue: VecDeque<Job>,
    pub(super) at_work: HashMap<CohortId, AtWork>,
    pub(super) checks: Checks,
    pub(super) runs: JoinSet<()>,
    pub(super) tasks: HashMap<task::Id, CohortId>,
    commands: mpsc::Receiver<Envelope>,
    reports: mpsc::UnboundedReceiver<Report>,
    pub(super) publisher: Publisher,
    pub(super) stopping: bool,
    /// Questions to the store whose answers nobody here waits for.
    recordings: Recordings,
    /// Why something could not be recorded.
    unrecorded: Option<String>,
}

/// A run at work, seen from the engine.
pub(super) struct AtWork {
    pub(super) stop: CancellationToken,
    pub(super) ending: Ending,
    /// Whether it leaves its sync as it is, however it ends.
    pub(super) is_beside: bool,
    /// The seat it holds until its plan is written.
    pub(super) seat: Option<Load>,
}

/// What becomes of a sync whose run was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nobody asked; the run's own end decides.
    OfItself,
    /// It rests paused.
    Pause,
    /// It rests stopped.
    Stop,
    /// Whoever holds its attribute is told that it ends, then it rests stopped.
    StopAndCleanUp(Removal),
    /// It stays on its schedule; a one-time export rests stopped.
    Cancel,
    /// The program ends; the next start goes on.
    Shutdown,
}

impl Engine {
    pub(super) fn new(
        tools: Tools,
        settings: Settings,
        board: Board,
        commands: mpsc::Receiver<Envelope>,
        reports: mpsc::UnboundedReceiver<Report>,
        publisher: Publisher,
    ) -> Self {
        Self {
            tools,
            settings,
            board,
            queue: VecDeque::new(),
            at_work: HashMap::new(),
            checks: Checks::default(),
            runs: JoinSet::new(),
            tasks: HashMap::new(),
            commands,
            reports,
            publisher,
            stopping: false,
            recordings: Recordings::default(),
            unrecorded: None,
        }
    }

    /// Tells readers what is stored of that which snapshots show.
    pub(super) fn recorded_so_far(&self) -> Recorded {
        self.recordings.watch()
    }

    /// Works until it is told to stop and the last run has ended.
    pub(super) async fn work(mut self) {
        if self.settings.list_on_start {
            self.list_cohorts();
        }
        loop {
            self.list_when_old();
            self.stretch_intervals();
            self.start_due();
            self.start_queued();
            self.publish();
            if self.stopping && self.at_work.is_empty() && self.checks.is_empty() {
                break;
            }
            self.next_event().await;
        }
        self.tools.keeper.close().await;
        // What was asked of the store last has been answered, but may not have been heard yet.
        while !self.recordings.are_done() || !self.reports.is_empty() {
            match self.reports.recv().await {
                Some(Report::Recorded(result)) => self.recorded(result),
                Some(Report::Adopted(cohort, baseline)) => self.board.adopted(cohort, baseline),
                Some(_) => {}
                None => break,
            }
        }
        self.board.queries = self.tools.budget.state();
        let ended = self.unrecorded.take().map_or(Ended::AsAsked, Ended::Unrecorded);
        self.publisher.publish_end(&mut self.board, self.tools.clock.now(), ended);
    }

    async fn next_event(&mut self) {
        let wake = self.next_wake();
        tokio::select! {
            // Commands first: a person waits for each, and reports come by the thousand.
            biased;
            Some(envelope) = self.commands.recv() => self.command(envelope),
            Some(report) = self.reports.recv() => {
                self.take(report);
                // What else has arrived is taken at once, so that a burst makes one snapshot, not hundreds.
                for _ in 0..1_000 {
                    let Ok(report) = self.reports.try_recv() else { break };
                    self.take(report);
                }
            }
            Some(ended) = self.runs.join_next_with_id() => self.task_ended(ended),
            () = tokio::time::sleep(wake) => {}
        }
    }

    /// How long nothing needs to be done if nobody says anything.
    fn next_wake(&self) -> Duration {
        let now = self.tools.clock.now();
        let due = self
            .settings
            .schedule
            .then(|| self.board.syncs().filter_map(due_at).min())
            .flatten()
            .map(|due| schedule::wait_until(due, now))
            // What is due but cannot start yet is started by the report of the run it waits for.
            .filter(|wait| !wait.is_zero());
        let list = self.list_due().map(|due| schedule::wait_until(due, now)).filter(|wait| !wait.is_zero());
        let meters = (!self.at_work.is_empty()).then_some(Duration::from_millis(500));
        let publication = self.publisher.due_in();
        [due, list, meters, publication].into_iter().flatten().min().unwrap_or(Duration::from_secs(30))
    }

    fn publish(&mut self) {
        self.board.queries = self.tools.budget.state();
        let now = self.tools.clock.now();
        self.publisher.publish(&mut self.board, now, !self.at_work.is_empty());
    }

    /// Queues what the schedule says is due.
    fn start_due(&mut self) {
        if self.stopping || !self.settings.schedule {
            return;
        }
        let now = self.tools.clock.now();
        self.heed_a_clock_set_back(now);
        let every = self.settings.full_refresh_every;
        let due: Vec<Job> = self
            .board
            .syncs()
            .filter(|sync| !self.board.is_active(sync.cohort_id))
            .filter(|sync| due_at(sync).is_some_and(|due| due <= now))
            .map(|sync| next_job(sync, trigger_of(sync), every, now))
            .collect();
        for job in due {
            self.enqueue(job);
        }
    }

    /// Works out whether the recurring syncs ask for more queries than there are, and says so when that changes.
    fn stretch_intervals(&mut self) {
        let said = |stretch: Option<Stretch>| stretch.map(|stretch| stretch.to_string());
        let before = said(self.board.stretch_to(self.tools.budget.state().limit));
        let stretch = self.board.stretch;
        if said(stretch) == before {
            return;
        }
        match said(stretch) {
            None => tracing::info!("there are queries enough again: every sync keeps its own interval"),
            Some(text) => {
                tracing::info!("{text}");
                if self.settings.schedule {
                    self.board.notice(NoticeLevel::Info, None, text, self.tools.clock.now());
                }
            }
        }
        self.publisher.changed();
    }

    /// How often a sync runs, given how many queries there are.
    pub(super) fn interval_given(&self, interval: Duration) -> Duration {
        self.board.stretch.map_or(interval, |stretch| stretch.given(interval))
    }

    /// Ticks that were set before the clock was set back must not keep their syncs silent until it catches up.
    fn heed_a_clock_set_back(&mut self, now: Timestamp) {
        let brought_back = |sync: &SyncRecord| {
            let next_due = schedule::brought_back(sync.next_due?, self.interval_given(sync.interval), now)?;
            Some(SyncRecord { next_due: Some(next_due), ..sync.clone() })
        };
        let syncs: Vec<SyncRecord> = self.board.syncs().filter_map(brought_back).collect();
        for sync in syncs {
            tracing::info!(cohort = %sync.cohort_id, "the clock was set back; the next tick comes earlier by it");
            self.rest(sync);
            self.publisher.changed();
        }
    }

    /// Puts a run into the queue.
    pub(super) fn enqueue(&mut self, mut job: Job) {
        job.ticket = Some(self.tools.muster.expect());
        let now = self.tools.clock.now();
        let (kind, attribute) = self.pinned(&job);
        self.board.queue(&job, kind, &attribute, now);
        self.queue.push_back(job);
        self.publisher.changed();
    }

    /// The kind and attribute a job works under.
    pub(super) fn pinned(&self, job: &Job) -> (SyncKind, String) {
        match (&job.instead, self.board.sync(job.cohort)) {
            (Some((kind, attribute)), _) => (*kind, attribute.clone()),
            (None, Some(sync)) => (sync.kind, sync.attribute.clone()),
            (None, None) => (SyncKind::OneTime, String::new()),
        }
    }

    /// What becomes of the sync whose run is at work.
    pub(super) fn ending_of(&self, cohort: CohortId) -> Option<Ending> {
        self.at_work.get(&cohort).map(|at_work| at_work.ending)
    }

    /// Asks the run of a cohort to end at the next request boundary; false when none is at work.
    pub(super) fn end_run(&mut self, cohort: CohortId, ending: Ending) -> bool {
        let Some(at_work) = self.at_work.get_mut(&cohort) else { return false };
        at_work.stop.cancel();
        at_work.ending = ending;
        self.board.mark_stopping(cohort);
        self.publisher.changed();
        true
    }

    /// Whether the run at work for a cohort leaves its sync as it is.
    pub(super) fn is_beside(&self, cohort: CohortId) -> bool {
        self.at_work.get(&cohort).is_some_and(|at_work| at_work.is_beside)
    }

    /// Takes the run of a cohort that waits out of the queue.
    pub(super) fn unqueue(&mut self, cohort: CohortId) -> Option<Job> {
        let place = self.queue.iter().position(|job| job.cohort == cohort)?;
        self.board.unqueue(cohort);
        self.publisher.changed();
        self.queue.remove(place)
    }

    fn command(&mut self, envelope: Envelope) {
        self.publisher.changed();
        let Envelope { command, reply } = envelope;
        self.carry_out(command, reply);
    }

    fn take(&mut self, report: Report) {
        let now = self.tools.clock.now();
        self.publisher.changed();
        match report {
            Report::Run(cohort, RunNews::Ended { record, end, baseline }) => {
                let at_work = self.at_work.remove(&cohort);
                let ending = at_work.as_ref().map_or(Ending::OfItself, |at_work| at_work.ending);
                self.board.run_ended(*record.clone(), baseline);
                if at_work.is_some_and(|at_work| at_work.is_beside) {
                    self.conclude_beside(&record, &end, ending);
                } else {
                    self.conclude(&record, &end, ending);
                }
            }
            Report::Run(cohort, news) => {
                // What it read is compared and forgotten.
                if let (RunNews::Phase(Phase::Send), Some(at_work)) = (&news, self.at_work.get_mut(&cohort)) {
                    at_work.seat = None;
                }
                self.board.news(cohort, news, now);
            }
            Report::Listed(Ok(cohorts)) => self.list_arrived(cohorts),
            Report::Listed(Err(error)) => self.list_failed(&error, now),
            Report::Side(side, news) => self.board.side(side, news),
            Report::Adopted(cohort, baseline) => self.board.adopted(cohort, baseline),
            Report::Check(cohort, news) => self.check_news(cohort, news),
            Report::Journaled(entry) => self.board.journaled = self.board.journaled.max(entry),
            Report::Renewed(renewed) => self.renewed(renewed),
            Report::Recorded(result) => self.recorded(result),
        }
    }

    fn recorded(&mut self, result: Result<(), String>) {
        self.recordings.answered();
        if let Err(error) = result {
            tracing::error!(%error, "could not record");
            self.board.notice(NoticeLevel::Error, None, error.clone(), self.tools.clock.now());
            self.unrecorded = Some(error);
        }
    }

    /// A run's task ended; only a panic says anything new here, for a run reports its own end first.
    fn task_ended(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let Some(cohort) = self.tasks.remove(&id) else { return };
        if let Err(error) = ended {
            tracing::error!(%cohort, %error, "a run ended in a defect of this program");
            self.at_work.remove(&cohort);
            self.board.unqueue(cohort);
            self.run_broke_down(cohort);
            self.publisher.changed();
        }
    }

    /// When the cohort list is to be fetched again by itself.
    fn list_due(&self) -> Option<Timestamp> {
        let every = self.settings.list_every.filter(|_| self.settings.schedule)?;
        let shown = match &self.board.list {
            ListState::Listed(at) => *at,
            // A list that failed is asked for again by a person, or by the next start.
            ListState::Never | ListState::Loading(_) | ListState::Failed { .. } => return None,
        };
        let due = shown.saturating_add(every).ok()?;
        let now = self.tools.clock.now();
        // Nobody can say how old a list is that was fetched before the clock was set back.
        Some(if schedule::brought_back(due, every, now).is_some() { now } else { due })
    }

    fn list_when_old(&mut self) {
        let now = self.tools.clock.now();
        let budget = self.tools.budget.state();
        // While syncs need all the queries, the list still gets one of those that are kept for such things.
        let is_very_old = self
            .list_due()
            .zip(self.settings.list_every)
            .and_then(|(due, every)| due.checked_add(every.saturating_mul(3)).ok())
            .is_some_and(|due| due <= now);
        let can_afford = budget.left() > if is_very_old { 0 } else { budget.limit / 4 };
        if !self.stopping && can_afford && self.list_due().is_some_and(|due| due <= now) {
            self.list_cohorts();
        }
    }

    /// Asks Mixpanel for the cohort list.
    pub(super) fn list_cohorts(&mut self) {
        if matches!(self.board.list, ListState::Loading(_)) {
            return;
        }
        self.board.list = ListState::Loading(self.board.listed_at());
        self.publisher.changed();
        let tools = self.tools.clone();
        tokio::spawn(async move {
            let listed = tools.list_cohorts(&CancellationToken::new()).await;
            tools.reports.tell(Report::Listed(listed));
        });
    }

    fn list_failed(&mut self, error: &MixpanelError, now: Timestamp) {
        let text = format!("The cohort list did not arrive: {error}");
        self.board.notice(NoticeLevel::Error, None, text, now);
        self.board.list = ListState::Failed {
            shown: self.board.listed_at(),
            error: error.to_string(),
            needs_person: error.pause_cause().is_some(),
        };
    }

    pub(super) fn list_arrived(&mut self, cohorts: Vec<crate::domain::Cohort>) {
        let now = self.tools.clock.now();
        self.board.take_list(cohorts.clone(), now);
        self.record(move |store| store.save_cohorts(&cohorts, now));
    }

    /// Changes how a sync rests, on the board and in the store.
    pub(super) fn rest(&mut self, sync: SyncRecord) {
        self.board.put_sync(sync.clone());
        self.record(move |store| store.save_sync(&sync));
    }

    /// Records something without waiting for it; a failure comes back as a report.
    pub(super) fn record(
        &mut self,
        question: impl FnOnce(&mut crate::store::Store) -> Result<(), crate::store::StoreError> + Send + 'static,
    ) {
        self.recordings.asked();
        let (answer, reports) = (self.tools.keeper.ask(question), self.tools.reports.clone());
        tokio::spawn(async move {
            reports.tell(Report::Recorded(answer.await.map_err(|error| error.to_string())));
        });
    }
}
