//! Verifications as the engine sees them: which is at work, what becomes of its news, and when its findings may be
//! repaired. Carrying one out is `verify`'s, telling the wrong ones anew is a run of its own, see `repair`.

use super::command::{Refusal, VerifyRequest};
use super::engine::Engine;
use super::report::{CheckNews, Report};
use super::run::Job;
use super::snapshot::NoticeLevel;
use super::tools::Tools;
use super::verify::{Check, CheckError, CheckProgress, Record};
use crate::domain::verified::Verification;
use crate::domain::{CohortId, Purpose, SyncStatus, Trigger};
use crate::mparticle::profile::Exchange;
use crate::store::{JournalEntry, JournalLine, Side, SyncRecord};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Requests of one verification that are noted in the journal whatever came of them; after so many only those that
/// went wrong are, for a full check would push everything else out of it.
const NOTED: u64 = 1_000;

/// The verifications at work, and what ends each.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<CohortId, CancellationToken>);

impl Checks {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends them all between two lookups.
    pub(super) fn end(&self) {
        self.0.values().for_each(CancellationToken::cancel);
    }
}

impl Engine {
    /// Begins a verification.
    pub(super) fn verify(&mut self, request: &VerifyRequest) -> Result<(), Refusal> {
        let profiles = self.tools.profiles.clone().ok_or(Refusal::NoProfileApi)?;
        let sync = self.known(request.cohort)?;
        let cohort = request.cohort;
        if self.checks.0.contains_key(&cohort) {
            return Err(Refusal::WrongStatus("a verification of this cohort is at work already".to_owned()));
        }
        let stop = CancellationToken::new();
        let (reports, tools) = (self.tools.reports.clone(), self.tools.clone());
        let check = Check {
            directory: tools.directory.clone(),
            profiles,
            holding: sync.holding(),
            extent: request.extent,
            seed: request.seed,
            settling: self.settings.settling,
            clock: tools.clock.clone(),
            stop: stop.clone(),
            record: Record::Kept(tools.keeper.clone()),
            hear: Arc::new(note(tools, cohort)),
            tell: {
                let reports = reports.clone();
                Arc::new(move |progress| reports.tell(Report::Check(cohort, CheckNews::Progress(progress))))
            },
        };
        self.checks.0.insert(cohort, stop);
        let since = self.tools.clock.now();
        self.board.check_goes_on(cohort, CheckProgress { since, ..CheckProgress::default() });
        let work = tokio::spawn(check.carry_out());
        tokio::spawn(async move {
            let ended = match work.await {
                Ok(result) => result.map(|(verification, _)| verification),
                // A defect of ours; the log has the panic, and the check must not stay at work for ever.
                Err(_) => Err(CheckError::Ended),
            };
            reports.tell(Report::Check(cohort, CheckNews::Ended(Box::new(ended))));
        });
        tracing::info!(%cohort, extent = ?request.extent, "{}: verification begins", sync.attribute);
        Ok(())
    }

    /// Ends the verification of a cohort.
    pub(super) fn end_verification(&mut self, cohort: CohortId) -> Result<(), Refusal> {
        match self.checks.0.get(&cohort) {
            Some(stop) => {
                stop.cancel();
                Ok(())
            }
            None => Err(Refusal::WrongStatus("no verification of this cohort is at work".to_owned())),
        }
    }

    /// Takes in how a verification goes.
    pub(super) fn check_news(&mut self, cohort: CohortId, news: CheckNews) {
        let ended = match news {
            // What comes after its end is not news any more.
            CheckNews::Progress(_) if !self.checks.0.contains_key(&cohort) => return,
            CheckNews::Progress(progress) => return self.board.check_goes_on(cohort, progress),
            CheckNews::Ended(ended) => *ended,
        };
        self.checks.0.remove(&cohort);
        let name = self.board.cohort(cohort).map_or_else(|| cohort.to_string(), |cohort| cohort.name.clone());
        let (level, text) = match &ended {
            Ok(verification) => announcement(&name, verification),
            Err(CheckError::Ended) => {
                (NoticeLevel::Info, format!("{name}: verification ended on request; nothing of it is kept"))
            }
            Err(error) => (NoticeLevel::Error, format!("{name} could not be verified: {error}")),
        };
        match level {
            NoticeLevel::Error => tracing::error!(%cohort, "{text}"),
            NoticeLevel::Warning => tracing::warn!(%cohort, "{text}"),
            NoticeLevel::Good | NoticeLevel::Info => tracing::info!(%cohort, "{text}"),
        }
        self.board.notice(level, Some(cohort), text, self.tools.clock.now());
        self.board.check_ended(cohort, ended);
    }

    /// Puts a run into the queue that tells those anew whom the last verification found wrong.
    pub(super) fn repair(&mut self, cohort: CohortId) -> Result<(), Refusal> {
        let sync = self.known(cohort)?;
        if self.board.is_active(cohort) {
            return Err(Refusal::AlreadyRunning);
        }
        if let Some(refusal) = why_not_repair(&sync, self.board.verified(cohort)) {
            return Err(Refusal::WrongStatus(refusal));
        }
        self.enqueue(Job { purpose: Purpose::Repair, ..Job::full(cohort, Trigger::Operator) });
        Ok(())
    }
}

/// Why nobody can be told anew; `None` when somebody can.
fn why_not_repair(sync: &SyncRecord, verified: Option<&Verification>) -> Option<String> {
    let words = match sync.status {
        SyncStatus::Paused => "this sync is paused; resume it first",
        SyncStatus::Stopped => "this sync is stopped; start it again first",
        _ if sync.clean_up.is_some() => "this sync is about to clean up after itself",
        _ => match verified {
            None => "this cohort was not verified yet; verify it first",
            Some(verified) if verified.wrong() == 0 => {
                "the last verification found nobody wrong; there is nothing to repair"
            }
            Some(verified) if verified.found_nobody() => {
                "mParticle showed not one of the profiles that were looked up, so telling them again would reach nobody; check org_id, account_id, workspace_id and the environment first, then verify again"
            }
            Some(_) => return None,
        },
    };
    Some(words.to_owned())
}

fn announcement(name: &str, verification: &Verification) -> (NoticeLevel, String) {
    let summary = verification.summary();
    if verification.found_nobody() {
        let words =
            "not one of them has a profile; check org_id, account_id and workspace_id before believing that";
        return (NoticeLevel::Warning, format!("{name}: {summary}; {words}"));
    }
    if verification.wrong() == 0 {
        return (NoticeLevel::Good, format!("{name}: {summary}"));
    }
    (NoticeLevel::Warning, format!("{name}: {summary}; {}", verification.explanation()))
}

/// Notes requests in the journal, and what went wrong in the log.
fn note(tools: Tools, cohort: CohortId) -> impl Fn(&Exchange) + Send + Sync {
    let noted = AtomicU64::new(0);
    move |exchange| {
        if !exchange.is_well {
            tracing::info!(%cohort, attempt = exchange.attempt, "Profile API: {}", exchange.said);
        }
        if exchange.is_well && noted.fetch_add(1, Ordering::Relaxed) >= NOTED {
            return;
        }
        let line = JournalLine {
            at: tools.clock.now(),
            run: None,
            cohort: Some(cohort),
            side: Side::Mparticle,
            what: exchange.what.to_owned(),
            first_position: None,
            users: u64::from(exchange.what == "profile"),
            bytes: exchange.bytes as u64,
            status: exchange.status,
            elapsed: exchange.elapsed,
            attempt: exchange.attempt,
            accepted: None,
        };
        let request = format!("Profile API: {}", exchange.what);
        tools.journal(JournalEntry { line, request, answer: exchange.said.clone() });
    }
}
