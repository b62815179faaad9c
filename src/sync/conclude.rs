//! What the end of a run means for its sync: where it rests, when it is due again, and what the operator is
//! told. The run says how it ended; this file draws the conclusions.

use super::engine::{Ending, Engine};
use super::next;
use super::report::{RunEnd, SideNews};
use super::schedule;
use super::snapshot::NoticeLevel;
use crate::domain::number::thousands;
use crate::domain::{CohortId, PauseCause, Purpose, Removal, RunCounts, SyncKind, SyncStatus, Trigger};
use crate::store::{PauseRecord, RunRecord, Side, SyncRecord};
use jiff::Timestamp;

impl Engine {
    /// A dry run or a repair leaves its sync as it is, whether it ended of itself, failed or was refused. Only a
    /// clean-up that was asked for meanwhile waited for its end, and a repair that needs a person pauses the sync.
    pub(super) fn conclude_beside(&mut self, record: &RunRecord, end: &RunEnd, ending: Ending) {
        let now = self.tools.clock.now();
        self.mark_down(end);
        let is_repair = record.purpose == Purpose::Repair;
        let words = if is_repair { announcement(record, end) } else { dry_announcement(record, end) };
        self.announce(record, words, now);
        let Some(sync) = self.board.sync(record.cohort_id).cloned() else { return };
        match (ending, end) {
            (Ending::StopAndCleanUp(removal), _) => self.begin_clean_up(sync, removal),
            (Ending::OfItself, RunEnd::Paused { .. }) if is_repair => {
                self.rest_paused(sync, record, end, now);
            }
            _ => {}
        }
    }

    /// Draws the conclusions of a run's end.
    pub(super) fn conclude(&mut self, record: &RunRecord, end: &RunEnd, ending: Ending) {
        let now = self.tools.clock.now();
        self.mark_down(end);
        self.announce(record, announcement(record, end), now);
        let Some(sync) = self.board.sync(record.cohort_id).cloned() else { return };
        match (ending, end) {
            (Ending::Stop, _) => self.rest_stopped(sync),
            (Ending::StopAndCleanUp(removal), _) => self.begin_clean_up(sync, removal),
            (_, RunEnd::Paused { .. }) => self.rest_paused(sync, record, end, now),
            (Ending::Pause, _) => self.rest_paused_by_operator(sync),
            (Ending::Shutdown, RunEnd::Cancelled) => {
                // The next start goes on at once.
                let next_due = (sync.kind == SyncKind::Recurring).then_some(now);
                self.rest(SyncRecord { status: SyncStatus::Queued, pause: None, next_due, ..sync });
            }
            (_, RunEnd::Cancelled) => self.rest_after_cancel(sync, record.purpose),
            // Whoever wanted the clean-up to end must not see its next part begin.
            (Ending::Cancel, _) if sync.clean_up.is_some() => self.rest_after_cancel(sync, record.purpose),
            (_, RunEnd::Failed(_)) => self.rest_ended(sync, SyncStatus::Failed, now),
            (_, RunEnd::Succeeded | RunEnd::DryRun) => {
                self.rest_after_success(sync, record, now);
                if ending != Ending::Cancel {
                    self.go_on_cleaning_up(record);
                }
            }
        }
    }

    /// A sync waits for a person, because a run said so.
    fn rest_paused(&mut self, sync: SyncRecord, record: &RunRecord, end: &RunEnd, now: Timestamp) {
        let RunEnd::Paused { cause, reason, held } = end else { return };
        let pause = PauseRecord {
            cause: *cause,
            reason: reason.clone(),
            at: now,
            held_run: held.as_ref().map(|_| record.id),
            sample: held.clone().unwrap_or_default(),
        };
        self.rest(SyncRecord { status: SyncStatus::Paused, pause: Some(pause), next_due: None, ..sync });
    }

    /// What was asked of the run is done; what follows depends on what it was for.
    fn rest_after_success(&mut self, sync: SyncRecord, record: &RunRecord, now: Timestamp) {
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
            let told_everyone = match record.purpose {
                Purpose::FullRefresh => true,
                Purpose::Update => record.counts.unchanged == 0,
                // A repair that was held and approved.
                Purpose::Repair | Purpose::CleanUp(_) => false,
            };
            let last_full = if told_everyone { Some(record.started_at) } else { sync.last_full };
            let status = match sync.kind {
                SyncKind::Recurring => SyncStatus::Synced,
                SyncKind::OneTime => SyncStatus::Exported,
            };
            let full_wanted = sync.full_wanted && !told_everyone;
            self.rest_ended(SyncRecord { last_full, full_wanted, ..sync }, status, now);
        }
    }

    /// Attributes that were left behind come after the one that took their place, and before the sync's own when
    /// all of them end.
    fn go_on_cleaning_up(&mut self, record: &RunRecord) {
        let sync = self.board.sync(record.cohort_id).filter(|_| !self.stopping);
        if let Some(job) = sync.and_then(|sync| next::clean_up_job(sync, record.trigger)) {
            self.enqueue(job);
        }
    }

    /// A sync is over. Whoever holds its attribute keeps it, or was told before; one that ends before its clean-up
    /// was done leaves everything else as it is, too.
    pub(super) fn rest_stopped(&mut self, sync: SyncRecord) {
        let mut sync = sync;
        if sync.clean_up.is_some() {
            for former in &mut sync.former {
                former.clean_up = None;
            }
        }
        self.rest(SyncRecord {
            status: SyncStatus::Stopped,
            pause: None,
            next_due: None,
            clean_up: None,
            full_wanted: false,
            ..sync
        });
    }

    /// A sync ends once whoever holds its attributes was told.
    pub(super) fn begin_clean_up(&mut self, sync: SyncRecord, removal: Removal) {
        let cohort = sync.cohort_id;
        self.rest_about_to_clean_up(sync, removal);
        let sync = self.board.sync(cohort);
        if let Some(job) = sync.and_then(|sync| next::clean_up_job(sync, Trigger::Operator)) {
            self.enqueue(job);
        }
    }

    /// A sync is going to end by a clean-up; it is queued until that is done, so that a crash changes nothing.
    pub(super) fn rest_about_to_clean_up(&mut self, sync: SyncRecord, removal: Removal) {
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
    }

    /// Logs how a run ended, and makes a notice of what is worth one: a person who started a run wants to hear
    /// of it, a schedule that does what it should is no news.
    fn announce(&mut self, record: &RunRecord, (level, text): (NoticeLevel, String), now: Timestamp) {
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
    /// clean-up wants those who are left to keep the attribute; whoever cancels anything else finds what is to
    /// become of a former attribute unchanged, so that a move goes on when the sync does.
    pub(super) fn rest_after_cancel(&mut self, sync: SyncRecord, cancelled: Purpose) {
        let now = self.tools.clock.now();
        if sync.clean_up.is_some() {
            return self.rest_stopped(sync);
        }
        let mut sync = sync;
        sync.full_wanted &= cancelled != Purpose::FullRefresh;
        let was_cleaning_up = matches!(cancelled, Purpose::CleanUp(_));
        if was_cleaning_up {
            for former in &mut sync.former {
                former.clean_up = None;
            }
        }
        let status = match sync.kind {
            SyncKind::Recurring => SyncStatus::Synced,
            // Only what was delivered cleans up after itself.
            SyncKind::OneTime if was_cleaning_up => SyncStatus::Exported,
            SyncKind::OneTime => SyncStatus::Stopped,
        };
        self.rest_ended(sync, status, now);
    }

    /// A side is known to be down when a run says that it waits for a person because of it.
    fn mark_down(&mut self, end: &RunEnd) {
        use PauseCause as Cause;
        if let RunEnd::Paused { cause, reason, .. } = end {
            let side = match cause {
                Cause::MixpanelCredentials | Cause::MixpanelPlan | Cause::MixpanelPermission => {
                    Side::Mixpanel
                }
                Cause::MparticleFeed => Side::Mparticle,
                Cause::Operator | Cause::Removals | Cause::EmptyRead | Cause::CohortGone => return,
            };
            self.board.side(side, SideNews::Down(reason.clone()));
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

/// How the end of a dry run is announced: nothing became of its sync.
fn dry_announcement(record: &RunRecord, end: &RunEnd) -> (NoticeLevel, String) {
    let cohort = &record.cohort;
    match end {
        RunEnd::Failed(reason) | RunEnd::Paused { reason, .. } => {
            (NoticeLevel::Error, format!("{cohort}: the dry run could not be finished: {reason}"))
        }
        RunEnd::Cancelled => (NoticeLevel::Info, format!("{cohort}: dry run ended on request")),
        RunEnd::Succeeded | RunEnd::DryRun => {
            let counts = &record.counts;
            let planned = changes(counts.adds.planned(), counts.removes.planned());
            (NoticeLevel::Info, format!("{cohort}: dry run, {planned} planned, nothing sent"))
        }
    }
}

/// How a run's end is announced.
fn announcement(record: &RunRecord, end: &RunEnd) -> (NoticeLevel, String) {
    let (cohort, counts) = (subject(record), &record.counts);
    match end {
        RunEnd::DryRun => dry_announcement(record, end),
        RunEnd::Succeeded if counts.rejected() > 0 => {
            let rejected = thousands(counts.rejected());
            (
                NoticeLevel::Warning,
                format!("{cohort}: {}, {rejected} rejected by mParticle", accepted(counts)),
            )
        }
        RunEnd::Succeeded => (NoticeLevel::Good, format!("{cohort}: {}", accepted(counts))),
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
        Purpose::Repair => format!("{cohort}, repaired"),
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
