//! What the end of a run means for its sync: where it rests, when it is due again, and what the operator is
//! told. The run says how it ended; this file draws the conclusions.

use super::engine::{Ending, Engine};
use super::next;
use super::report::RunEnd;
use super::run::Job;
use super::schedule;
use super::snapshot::NoticeLevel;
use crate::domain::number::thousands;
use crate::domain::{CohortId, Purpose, Removal, RunCounts, SyncKind, SyncStatus, Trigger};
use crate::store::{PauseRecord, RunRecord, SyncRecord};
use jiff::Timestamp;

impl Engine {
    /// Draws the conclusions of a run's end.
    pub(super) fn conclude(&mut self, record: &RunRecord, end: &RunEnd, ending: Ending) {
        let now = self.tools.clock.now();
        self.mark_down(end);
        self.announce(record, end, now);
        if *end == RunEnd::DryRun {
            return;
        }
        let Some(sync) = self.board.sync(record.cohort_id).cloned() else { return };
        match (ending, end) {
            (Ending::Stop, _) => self.rest_stopped(sync),
            (Ending::StopAndCleanUp(removal), _) => self.begin_clean_up(sync, removal),
            (_, RunEnd::Paused { cause, reason, held }) => {
                let pause = PauseRecord {
                    cause: *cause,
                    reason: reason.clone(),
                    at: now,
                    held_run: held.as_ref().map(|_| record.id),
                    sample: held.clone().unwrap_or_default(),
                };
                self.rest(SyncRecord {
                    status: SyncStatus::Paused,
                    pause: Some(pause),
                    next_due: None,
                    ..sync
                });
            }
            (Ending::Pause, _) => self.rest_paused_by_operator(sync),
            (Ending::Shutdown, RunEnd::Cancelled) => {
                // The next start goes on at once.
                let next_due = (sync.kind == SyncKind::Recurring).then_some(now);
                self.rest(SyncRecord { status: SyncStatus::Queued, pause: None, next_due, ..sync });
            }
            (_, RunEnd::Cancelled) => self.rest_after_cancel(sync),
            (_, RunEnd::Failed(_)) => self.rest_ended(sync, SyncStatus::Failed, now),
            (_, RunEnd::Succeeded | RunEnd::DryRun) => self.rest_after_success(sync, record, now),
        }
    }

    /// What was asked of the run is done; what follows depends on what it was for.
    fn rest_after_success(&mut self, sync: SyncRecord, record: &RunRecord, now: Timestamp) {
        let cohort = sync.cohort_id;
        let cleaned_up = matches!(record.purpose, Purpose::CleanUp(_));
        if cleaned_up && record.attribute == sync.attribute {
            self.rest_stopped(sync);
        } else if cleaned_up {
            let mut sync = sync;
            for former in sync.former.iter_mut().filter(|former| former.attribute == record.attribute) {
                // Whoever was rejected still holds it and is shown; trying again is for a person to decide.
                former.clean_up = None;
            }
            self.rest(sync.clone());
            sync.former.retain(|former| former.members > 0 || former.clean_up.is_some());
            self.board.put_sync(sync);
        } else {
            let told_everyone = record.purpose == Purpose::FullRefresh || record.counts.unchanged == 0;
            let last_full = if told_everyone { Some(record.started_at) } else { sync.last_full };
            let status = match sync.kind {
                SyncKind::Recurring => SyncStatus::Synced,
                SyncKind::OneTime => SyncStatus::Exported,
            };
            self.rest_ended(SyncRecord { last_full, ..sync }, status, now);
        }
        // Attributes that were left behind come after the one that took their place.
        let sync = self.board.sync(cohort).filter(|_| !self.stopping);
        if let Some(job) = sync.and_then(|sync| next::clean_up_of_former(sync, record.trigger)) {
            self.enqueue(job);
        }
    }

    /// A sync is over. Whoever holds its attribute keeps it, or was told before.
    pub(super) fn rest_stopped(&mut self, sync: SyncRecord) {
        self.rest(SyncRecord {
            status: SyncStatus::Stopped,
            pause: None,
            next_due: None,
            clean_up: None,
            ..sync
        });
    }

    /// A sync ends once whoever holds its attributes was told; it is queued so that a crash changes nothing.
    pub(super) fn begin_clean_up(&mut self, sync: SyncRecord, removal: Removal) {
        let cohort = sync.cohort_id;
        let mut sync = sync;
        for former in &mut sync.former {
            former.clean_up = Some(removal);
        }
        self.rest(SyncRecord {
            status: SyncStatus::Queued,
            pause: None,
            next_due: None,
            clean_up: Some(removal),
            ..sync
        });
        self.enqueue(Job::clean_up(cohort, Trigger::Operator, removal));
    }

    /// Logs how a run ended, and makes a notice of what is worth one: a person who started a run wants to hear
    /// of it, a schedule that does what it should is no news.
    fn announce(&mut self, record: &RunRecord, end: &RunEnd, now: Timestamp) {
        let (level, text) = announcement(record, end);
        match level {
            NoticeLevel::Error => tracing::error!(run = %record.id, "{text}"),
            NoticeLevel::Warning => tracing::warn!(run = %record.id, "{text}"),
            NoticeLevel::Good | NoticeLevel::Info => tracing::info!(run = %record.id, "{text}"),
        }
        if level != NoticeLevel::Good || record.trigger == Trigger::Operator {
            self.board.notice(level, Some(record.cohort_id), text, now);
        }
    }

    fn rest_ended(&mut self, sync: SyncRecord, status: SyncStatus, now: Timestamp) {
        let interval = self.interval_given(sync.interval);
        let goes_on = sync.kind == SyncKind::Recurring || sync.clean_up.is_some();
        let next_due = goes_on.then(|| schedule::next_due(sync.next_due, interval, now));
        self.rest(SyncRecord { status, pause: None, next_due, ..sync });
    }

    /// A cancelled recurring sync waits for its next tick; a cancelled one-time export is over. Whoever cancels a
    /// clean-up wants those who are left to keep the attribute.
    pub(super) fn rest_after_cancel(&mut self, sync: SyncRecord) {
        let now = self.tools.clock.now();
        if sync.clean_up.is_some() {
            return self.rest_stopped(sync);
        }
        let mut sync = sync;
        for former in &mut sync.former {
            former.clean_up = None;
        }
        match sync.kind {
            SyncKind::Recurring => self.rest_ended(sync, SyncStatus::Synced, now),
            SyncKind::OneTime => self.rest_ended(sync, SyncStatus::Stopped, now),
        }
    }

    /// A run ended in a defect of this program: its record is closed by the next run or start.
    pub(super) fn run_broke_down(&mut self, cohort: CohortId) {
        let now = self.tools.clock.now();
        let text =
            "The run ended in a defect of this program; the log has the details. What was accepted is kept";
        self.board.notice(NoticeLevel::Error, Some(cohort), text.to_owned(), now);
        if let Some(sync) = self.board.sync(cohort).cloned() {
            self.rest_ended(sync, SyncStatus::Failed, now);
        }
    }
}

/// How a run's end is announced.
fn announcement(record: &RunRecord, end: &RunEnd) -> (NoticeLevel, String) {
    let (cohort, counts) = (subject(record), &record.counts);
    match end {
        RunEnd::Succeeded if counts.rejected() > 0 => {
            let rejected = thousands(counts.rejected());
            (
                NoticeLevel::Warning,
                format!("{cohort}: {}, {rejected} rejected by mParticle", accepted(counts)),
            )
        }
        RunEnd::Succeeded => (NoticeLevel::Good, format!("{cohort}: {}", accepted(counts))),
        RunEnd::DryRun => {
            let planned = changes(counts.adds.planned(), counts.removes.planned());
            (NoticeLevel::Info, format!("{cohort}: dry run, {planned} planned, nothing sent"))
        }
        RunEnd::Failed(error) => (NoticeLevel::Error, format!("{cohort}: {error}")),
        RunEnd::Paused { reason, .. } => (NoticeLevel::Error, format!("{cohort} is paused: {reason}")),
        RunEnd::Cancelled => {
            (NoticeLevel::Info, format!("{cohort}: run ended on request, {}", accepted(counts)))
        }
    }
}

/// What an announcement is about.
fn subject(record: &RunRecord) -> String {
    let (cohort, attribute) = (&record.cohort, &record.attribute);
    match record.purpose {
        Purpose::Update => cohort.clone(),
        Purpose::FullRefresh => format!("{cohort}, everyone again"),
        Purpose::CleanUp(Removal::SetFalse) => format!("{cohort}, setting \"{attribute}\" to false"),
        Purpose::CleanUp(Removal::Delete) => format!("{cohort}, deleting \"{attribute}\""),
    }
}

fn accepted(counts: &RunCounts) -> String {
    let (adds, removes) = (counts.adds.accepted(), counts.removes.accepted());
    if adds + removes == 0 { "no changes".to_owned() } else { format!("{} accepted", changes(adds, removes)) }
}

fn changes(adds: u64, removes: u64) -> String {
    let named = |number: u64, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", thousands(number)),
    };
    match (adds, removes) {
        (0, removes) => named(removes, "remove", "removes"),
        (adds, 0) => named(adds, "add", "adds"),
        (adds, removes) => {
            format!("{} and {}", named(adds, "add", "adds"), named(removes, "remove", "removes"))
        }
    }
}
