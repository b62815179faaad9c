//! How the engine carries out commands: each is checked against the board, refused with a reason or taken on.
//! The rules of who may do what when stand here and nowhere else.

use super::command::{AdoptRequest, Command, Refusal, StartRequest};
use super::engine::{Ending, Engine};
use super::next::next_job;
use super::report::Report;
use super::run::Job;
use super::snapshot::{NoticeLevel, Writer};
use crate::domain::cohort::check_attribute_name;
use crate::domain::{Cohort, CohortId, PauseCause, Purpose, Removal, RunId, SyncKind, SyncStatus, Trigger};
use crate::store::{FormerAttribute, PauseRecord, SyncRecord};
use tokio::sync::oneshot;

type Reply = oneshot::Sender<Result<(), Refusal>>;

impl Engine {
    /// Carries out a command and answers it.
    pub(super) fn carry_out(&mut self, command: Command, reply: Reply) {
        let answer = if self.stopping && !matches!(command, Command::Shutdown) {
            Err(Refusal::Stopping)
        } else if let (Writer::ReadOnly, false) =
            (&self.board.writer, matches!(command, Command::Shutdown | Command::Refresh))
        {
            Err(Refusal::ReadOnly(
                "this console was started with --read-only; nothing can be changed from here".to_owned(),
            ))
        } else {
            match command {
                Command::Adopt(request) => return self.adopt(request, reply),
                Command::Renew(renewal) => return self.renew(renewal, reply),
                Command::Refresh => {
                    self.list_cohorts();
                    Ok(())
                }
                Command::Start(request) => self.start(&request),
                Command::RunNow(cohort) => self.run_now(cohort, None),
                Command::FullRefresh(cohort) => self.run_now(cohort, Some(Purpose::FullRefresh)),
                Command::Pause(cohort) => self.pause(cohort),
                Command::Resume(cohort) => self.resume(cohort),
                Command::Stop(cohort) => self.stop(cohort),
                Command::StopAndCleanUp(cohort, removal) => self.stop_and_clean_up(cohort, removal),
                Command::Cancel(cohort) => self.cancel(cohort),
                Command::Approve(cohort) => self.approve(cohort),
                Command::Discard(cohort) => self.discard(cohort),
                Command::Verify(request) => self.verify(&request),
                Command::EndVerification(cohort) => self.end_verification(cohort),
                Command::Repair(cohort) => self.repair(cohort),
                Command::Adjust(settings) => {
                    self.adjust(settings);
                    Ok(())
                }
                Command::AskMixpanel(ask) => {
                    self.ask_mixpanel(ask);
                    Ok(())
                }
                Command::Remember { key, value } => {
                    self.remember(key, value);
                    Ok(())
                }
                Command::Shutdown => {
                    self.shut_down();
                    Ok(())
                }
            }
        };
        // Whoever asked may have stopped waiting; the command was carried out all the same.
        let _ = reply.send(answer);
    }

    fn start(&mut self, request: &StartRequest) -> Result<(), Refusal> {
        let id = request.cohort;
        let cohort = self.board.cohort(id).cloned().ok_or(Refusal::UnknownCohort(id))?;
        if let Some(reason) = super::board::not_exportable(&cohort) {
            return Err(Refusal::NotExportable(reason));
        }
        if self.board.is_active(id) {
            return Err(Refusal::AlreadyRunning);
        }
        let attribute = self.attribute_for(&cohort, request.attribute.as_deref())?;
        self.check_removal(request.former)?;
        let mut job = Job::full(id, Trigger::Operator);
        job.approve_removals = request.approve_removals;
        if request.full || self.board.sync(id).is_some_and(|sync| sync.full_wanted) {
            job.purpose = Purpose::FullRefresh;
        }
        if request.dry_run {
            job.dry_run = true;
            job.instead = Some((self.kind_for(id, request.kind), attribute));
        } else {
            self.pin(&cohort, attribute, request);
        }
        self.enqueue(job);
        Ok(())
    }

    /// The attribute a start would pin, checked against mParticle's limits and the other syncs.
    fn attribute_for(&self, cohort: &Cohort, asked: Option<&str>) -> Result<String, Refusal> {
        let existing = self.board.sync(cohort.id);
        let pinned = existing.map(|sync| sync.attribute.as_str());
        let attribute = asked.or(pinned).unwrap_or(&cohort.name);
        check_attribute_name(attribute).map_err(|error| Refusal::BadAttribute(error.to_string()))?;
        match self.board.owner_of(attribute, cohort.id) {
            None => Ok(attribute.to_owned()),
            Some(owner) => Err(Refusal::AttributeTaken {
                attribute: attribute.to_owned(),
                owner: owner.cohort_id,
                owner_name: self
                    .board
                    .cohort(owner.cohort_id)
                    .map_or_else(|| owner.pinned_name.clone(), |cohort| cohort.name.clone()),
            }),
        }
    }

    /// A recurring sync that is not stopped stays recurring: running it once more must not take it off its
    /// schedule.
    fn kind_for(&self, id: CohortId, asked: SyncKind) -> SyncKind {
        match self.board.sync(id) {
            Some(sync) if sync.kind == SyncKind::Recurring && sync.status != SyncStatus::Stopped => {
                SyncKind::Recurring
            }
            _ => asked,
        }
    }

    fn pin(&mut self, cohort: &Cohort, attribute: String, request: &StartRequest) {
        let now = self.tools.clock.now();
        let kind = self.kind_for(cohort.id, request.kind);
        let existing = self.board.sync(cohort.id).cloned();
        let kept = existing.as_ref().filter(|sync| sync.attribute == attribute);
        let goes_on = existing.as_ref().filter(|sync| sync.kind == kind);
        let interval =
            request.interval.or(goes_on.map(|sync| sync.interval)).unwrap_or(self.settings.interval);
        let since = kept.filter(|sync| sync.status != SyncStatus::Stopped).map_or(now, |sync| sync.since);
        let own_limit = existing.as_ref().and_then(|sync| sync.max_removal_share);
        let (baseline, former) = left_behind(existing.as_ref(), &attribute, request.former);
        self.rest(SyncRecord {
            pinned_name: kept.map_or_else(|| cohort.name.clone(), |sync| sync.pinned_name.clone()),
            status: SyncStatus::Queued,
            next_due: (kind == SyncKind::Recurring).then_some(now),
            baseline,
            former,
            max_removal_share: request.max_removal_share.or(own_limit),
            last_full: kept.and_then(|sync| sync.last_full),
            full_wanted: request.full || kept.is_some_and(|sync| sync.full_wanted),
            ..SyncRecord::new(cohort, attribute, kind, interval, since)
        });
    }

    pub(super) fn known(&self, id: CohortId) -> Result<SyncRecord, Refusal> {
        match self.board.sync(id) {
            Some(sync) => Ok(sync.clone()),
            None if self.board.cohort(id).is_some() => {
                Err(Refusal::WrongStatus("this cohort is not synced; start an export first".to_owned()))
            }
            None => Err(Refusal::UnknownCohort(id)),
        }
    }

    fn run_now(&mut self, id: CohortId, purpose: Option<Purpose>) -> Result<(), Refusal> {
        let sync = self.known(id)?;
        if self.board.is_active(id) {
            return Err(Refusal::AlreadyRunning);
        }
        match sync.status {
            SyncStatus::Paused => {
                Err(Refusal::WrongStatus("this sync is paused; resume it first".to_owned()))
            }
            SyncStatus::Stopped => {
                Err(Refusal::WrongStatus("this sync is stopped; start it again first".to_owned()))
            }
            _ => {
                let mut sync = sync;
                sync.full_wanted |= purpose == Some(Purpose::FullRefresh);
                if sync.kind == SyncKind::OneTime {
                    // Not delivered until this run has ended; a crash in the middle of it must not hide that.
                    sync.status = SyncStatus::Queued;
                }
                self.rest(sync.clone());
                self.enqueue(self.next_job_of(&sync));
                Ok(())
            }
        }
    }

    fn pause(&mut self, id: CohortId) -> Result<(), Refusal> {
        let sync = self.known(id)?;
        let waited = self.unqueue(id);
        let is_beside = waited.as_ref().map_or_else(|| self.is_beside(id), Job::is_beside);
        let ended = self.end_run(id, Ending::Pause) || waited.is_some();
        match (sync.kind, sync.status) {
            // A dry run or a repair ends, and there is nothing else to pause.
            (_, SyncStatus::Paused | SyncStatus::Stopped) if ended => Ok(()),
            (SyncKind::OneTime, status) if ended && is_beside && status != SyncStatus::Queued => Ok(()),
            (_, SyncStatus::Paused) => Err(Refusal::WrongStatus("this sync is already paused".to_owned())),
            (_, SyncStatus::Stopped) => {
                Err(Refusal::WrongStatus("this sync is stopped; there is nothing to pause".to_owned()))
            }
            (SyncKind::OneTime, status) if !ended && status != SyncStatus::Queued => {
                Err(Refusal::WrongStatus(
                    "a one-time export has nothing to pause once its run has ended".to_owned(),
                ))
            }
            _ => {
                // At once, although a run at work has yet to end: what was acknowledged must survive a crash.
                self.rest_paused_by_operator(sync);
                Ok(())
            }
        }
    }

    /// A sync rests paused because a person said so.
    pub(super) fn rest_paused_by_operator(&mut self, sync: SyncRecord) {
        let pause = PauseRecord {
            cause: PauseCause::Operator,
            reason: "paused by you".to_owned(),
            at: self.tools.clock.now(),
            held_run: None,
            sample: Vec::new(),
        };
        self.rest(SyncRecord { status: SyncStatus::Paused, pause: Some(pause), next_due: None, ..sync });
    }

    pub(super) fn resume(&mut self, id: CohortId) -> Result<(), Refusal> {
        let sync = self.known(id)?;
        if self.board.is_active(id) {
            return Err(Refusal::AlreadyRunning);
        }
        if sync.pause.as_ref().is_some_and(|pause| pause.held_run.is_some()) {
            return Err(Refusal::PlanHeld);
        }
        match sync.status {
            SyncStatus::Paused | SyncStatus::Failed | SyncStatus::Stopped => {
                self.take_up_again(sync);
                Ok(())
            }
            _ => Err(Refusal::WrongStatus("this sync is neither paused, failed nor stopped".to_owned())),
        }
    }

    /// Puts a sync back on its way; without a schedule in this process, the next one that has one runs it.
    fn take_up_again(&mut self, sync: SyncRecord) {
        let now = self.tools.clock.now();
        let next_due = (sync.kind == SyncKind::Recurring).then_some(now);
        let sync = SyncRecord { status: SyncStatus::Queued, pause: None, next_due, ..sync };
        self.rest(sync.clone());
        if self.settings.schedule {
            self.enqueue(self.next_job_of(&sync));
        }
    }

    /// The run a sync needs next, started by a person.
    fn next_job_of(&self, sync: &SyncRecord) -> Job {
        next_job(sync, Trigger::Operator, self.settings.full_refresh_every, self.tools.clock.now())
    }

    fn stop(&mut self, id: CohortId) -> Result<(), Refusal> {
        let sync = self.known(id)?;
        let waited = self.unqueue(id);
        let ended = self.end_run(id, Ending::Stop) || waited.is_some();
        if sync.status == SyncStatus::Stopped {
            // What ended was a dry run.
            let refusal = Refusal::WrongStatus("this sync is already stopped".to_owned());
            return if ended { Ok(()) } else { Err(refusal) };
        }
        // At once, as above.
        self.rest_stopped(sync);
        Ok(())
    }

    /// Also for a sync that is stopped or delivered, as long as somebody holds an attribute because of it.
    /// Refuses what the form in which mParticle is told cannot say.
    fn check_removal(&self, removal: Removal) -> Result<(), Refusal> {
        let can = removal == Removal::SetFalse || self.tools.encoder.can_delete();
        if can { Ok(()) } else { Err(Refusal::CannotDelete) }
    }

    fn stop_and_clean_up(&mut self, id: CohortId, removal: Removal) -> Result<(), Refusal> {
        self.check_removal(removal)?;
        let sync = self.known(id)?;
        let left: u64 = sync.former.iter().map(|former| former.members).sum();
        let is_over = matches!(sync.status, SyncStatus::Stopped | SyncStatus::Exported);
        if is_over && sync.baseline + left == 0 {
            return Err(Refusal::WrongStatus(format!(
                "nobody holds \"{}\" because of this sync; there is nothing to clean up",
                sync.attribute
            )));
        }
        self.unqueue(id);
        if self.end_run(id, Ending::StopAndCleanUp(removal)) {
            self.rest_about_to_clean_up(sync, removal);
        } else {
            self.begin_clean_up(sync, removal);
        }
        Ok(())
    }

    fn cancel(&mut self, id: CohortId) -> Result<(), Refusal> {
        if self.end_run(id, Ending::Cancel) {
            return Ok(());
        }
        if let Some(job) = self.unqueue(id) {
            if let Some(sync) = self.board.sync(id).filter(|_| !job.is_beside()).cloned() {
                self.rest_after_cancel(sync, job.purpose);
            }
            return Ok(());
        }
        Err(Refusal::WrongStatus("no run of this sync is at work".to_owned()))
    }

    fn held(&self, id: CohortId) -> Result<(SyncRecord, RunId), Refusal> {
        let sync = self.known(id)?;
        match sync.pause.as_ref().and_then(|pause| pause.held_run) {
            Some(run) => Ok((sync, run)),
            None => Err(Refusal::WrongStatus("no plan of this sync waits for approval".to_owned())),
        }
    }

    fn approve(&mut self, id: CohortId) -> Result<(), Refusal> {
        let (sync, run) = self.held(id)?;
        if self.board.is_active(id) {
            return Err(Refusal::AlreadyRunning);
        }
        self.rest(SyncRecord { status: SyncStatus::Queued, pause: None, ..sync });
        self.enqueue(Job::held(id, run));
        Ok(())
    }

    fn discard(&mut self, id: CohortId) -> Result<(), Refusal> {
        let (sync, run) = self.held(id)?;
        let now = self.tools.clock.now();
        let (status, next_due) = match sync.kind {
            SyncKind::Recurring => {
                let interval = self.interval_given(sync.interval);
                (SyncStatus::Synced, Some(super::schedule::next_due(sync.next_due, interval, now)))
            }
            SyncKind::OneTime => (SyncStatus::Stopped, None),
        };
        let text = format!("The plan of run {run} was discarded; nothing was sent");
        self.board.notice(NoticeLevel::Info, Some(id), text, now);
        self.rest(SyncRecord { status, pause: None, next_due, ..sync });
        Ok(())
    }

    /// Pins the attribute, and answers once the people are recorded as its holders.
    fn adopt(&mut self, request: AdoptRequest, reply: Reply) {
        match self.pin_for_adoption(&request) {
            Err(refusal) => {
                // Whoever asked may have stopped waiting; nothing was done.
                let _ = reply.send(Err(refusal));
            }
            Ok(sync) => {
                let (cohort, holding) = (sync.cohort_id, sync.holding());
                self.rest(sync);
                let adopted = self.tools.keeper.ask(move |store| store.adopt(&holding, request.people));
                let reports = self.tools.reports.clone();
                tokio::spawn(async move {
                    let answer = match adopted.await {
                        Ok(baseline) => {
                            reports.tell(Report::Adopted(cohort, baseline));
                            Ok(())
                        }
                        Err(error) => Err(Refusal::Store(error.to_string())),
                    };
                    // As above; what was recorded is recorded.
                    let _ = reply.send(answer);
                });
            }
        }
    }

    /// The sync as it rests while people are taken over: a new one is stopped until somebody starts it.
    fn pin_for_adoption(&self, request: &AdoptRequest) -> Result<SyncRecord, Refusal> {
        let id = request.cohort;
        let cohort = self.board.cohort(id).ok_or(Refusal::UnknownCohort(id))?;
        if self.board.is_active(id) {
            return Err(Refusal::AlreadyRunning);
        }
        let attribute = self.attribute_for(cohort, request.attribute.as_deref())?;
        let Some(sync) = self.board.sync(id) else {
            let now = self.tools.clock.now();
            let interval = self.settings.interval;
            return Ok(SyncRecord::new(cohort, attribute, SyncKind::Recurring, interval, now));
        };
        if sync.pause.as_ref().is_some_and(|pause| pause.held_run.is_some()) {
            return Err(Refusal::PlanHeld);
        }
        if sync.attribute != attribute {
            return Err(Refusal::WrongStatus(format!(
                "this sync sets \"{}\", not \"{attribute}\"; move it first with: cohort-sync sync {id} --attribute \"{attribute}\"",
                sync.attribute
            )));
        }
        Ok(sync.clone())
    }

    fn shut_down(&mut self) {
        self.stopping = true;
        self.checks.end();
        for job in std::mem::take(&mut self.queue) {
            self.board.unqueue(job.cohort);
        }
        let at_work: Vec<CohortId> = self.at_work.keys().copied().collect();
        for cohort in at_work {
            // A run that was already asked to end keeps the ending it was asked for.
            if self.ending_of(cohort) == Some(Ending::OfItself) {
                self.end_run(cohort, Ending::Shutdown);
            }
        }
    }
}

/// What a sync holds under the attribute it is about to set, and what it leaves behind under others. A former
/// attribute that is taken up again goes on from those who still hold it.
fn left_behind(
    existing: Option<&SyncRecord>,
    attribute: &str,
    removal: Removal,
) -> (u64, Vec<FormerAttribute>) {
    let Some(sync) = existing else { return (0, Vec::new()) };
    if sync.attribute == attribute {
        return (sync.baseline, sync.former.clone());
    }
    let (again, mut former): (Vec<_>, Vec<_>) =
        sync.former.iter().cloned().partition(|former| former.attribute == attribute);
    // Even where nobody is known to hold it, a request whose answer was lost may have told somebody.
    former.push(FormerAttribute {
        attribute: sync.attribute.clone(),
        members: sync.baseline,
        clean_up: Some(removal),
    });
    (again.first().map_or(0, |former| former.members), former)
}
