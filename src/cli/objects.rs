//! The JSON objects of the command line's contract: what other programs read. Field names and their order are
//! fixed; whoever changes one breaks somebody's script.

use crate::domain::drift::CONFIDENCE;
use crate::domain::verified::Verification;
use crate::domain::{Cohort, RunCounts, SyncStatus};
use crate::store::{ChangeRow, RunRecord, SyncRecord};
use crate::sync::export::seconds;
use serde::Serialize;

/// A run.
#[derive(Debug, Serialize)]
pub(super) struct RunObject<'a> {
    run_id: i64,
    cohort_id: u64,
    cohort: &'a str,
    attribute: &'a str,
    kind: &'static str,
    outcome: Option<&'static str>,
    error: Option<&'a str>,
    started_at: String,
    ended_at: Option<String>,
    counts: CountsOfRun,
}

/// The accounts of a run.
#[derive(Debug, Serialize)]
struct CountsOfRun {
    fetched: u64,
    matched: u64,
    unmatched: u64,
    unsendable: u64,
    duplicates: u64,
    suspect: u64,
    adds: u64,
    removes: u64,
    unchanged: u64,
    accepted: u64,
    rejected: u64,
    pending: u64,
    requests: u64,
    retries: u64,
}

impl From<&RunCounts> for CountsOfRun {
    fn from(counts: &RunCounts) -> Self {
        Self {
            fetched: counts.read.fetched(),
            matched: counts.read.matched,
            unmatched: counts.read.unmatched,
            unsendable: counts.read.unsendable,
            duplicates: counts.read.duplicates,
            suspect: counts.read.suspect,
            adds: counts.adds.planned(),
            removes: counts.removes.planned(),
            unchanged: counts.unchanged,
            accepted: counts.accepted(),
            rejected: counts.rejected(),
            pending: counts.pending(),
            requests: counts.requests,
            retries: counts.retries,
        }
    }
}

impl<'a> From<&'a RunRecord> for RunObject<'a> {
    fn from(run: &'a RunRecord) -> Self {
        Self {
            run_id: run.id.0,
            cohort_id: run.cohort_id.0,
            cohort: &run.cohort,
            attribute: &run.attribute,
            kind: run.kind.token(),
            outcome: run.outcome.map(crate::domain::Outcome::token),
            error: run.error.as_deref(),
            started_at: seconds(run.started_at),
            ended_at: run.ended_at.map(seconds),
            counts: (&run.counts).into(),
        }
    }
}

/// A cohort's sync as it stands.
#[derive(Debug, Serialize)]
pub(super) struct StatusObject<'a> {
    cohort_id: u64,
    cohort: &'a str,
    attribute: &'a str,
    kind: Option<&'static str>,
    status: &'static str,
    reason: Option<&'a str>,
    next_due_at: Option<String>,
    last_run: Option<RunObject<'a>>,
}

impl<'a> StatusObject<'a> {
    /// `status` and `reason` are passed apart because what works in another process decides them.
    pub(super) fn new(
        cohort: &'a Cohort,
        sync: Option<&'a SyncRecord>,
        status: SyncStatus,
        last_run: Option<&'a RunRecord>,
        reason: Option<&'a str>,
    ) -> Self {
        Self {
            cohort_id: cohort.id.0,
            cohort: &cohort.name,
            attribute: sync.map_or(&cohort.name, |sync| &sync.attribute),
            kind: sync.map(|sync| sync.kind.token()),
            status: status.token(),
            reason,
            next_due_at: sync.and_then(|sync| sync.next_due).map(seconds),
            last_run: last_run.map(RunObject::from),
        }
    }
}

/// The waterfall of a cohort.
#[derive(Debug, Serialize)]
pub(super) struct CountsObject {
    pub cohort_id: u64,
    pub mixpanel: Option<u64>,
    pub fetched: u64,
    pub duplicates: u64,
    pub unsendable: u64,
    pub matched: u64,
    pub suspect: u64,
    pub unmatched: u64,
    pub anonymous: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub pending: u64,
    pub verified: Option<u64>,
    pub unexplained: i64,
}

/// A change of a run.
#[derive(Debug, Serialize)]
pub(super) struct ChangeObject<'a> {
    pub distinct_id: Option<&'a str>,
    /// A JSON number: exact for every reader that keeps 64-bit integers.
    pub mpid: Option<i64>,
    pub change: &'static str,
    pub state: &'static str,
    pub reason: Option<&'a str>,
    pub at: Option<String>,
}

impl<'a> From<&'a ChangeRow> for ChangeObject<'a> {
    fn from(row: &'a ChangeRow) -> Self {
        Self {
            distinct_id: row.change.distinct_id.as_deref(),
            mpid: row.change.identity.mpid(),
            change: row.change.direction.token(),
            state: row.state.token(),
            reason: row.reason.as_deref(),
            at: row.at.map(seconds),
        }
    }
}

/// What a verification came to.
#[derive(Debug, Serialize)]
pub(super) struct VerifyObject {
    cohort_id: u64,
    checked: u64,
    missing: u64,
    stale: u64,
    confidence: f64,
    /// Rounded up to a millionth, for a bound must not look better than it is.
    drift_upper_bound: f64,
}

impl From<&Verification> for VerifyObject {
    fn from(verification: &Verification) -> Self {
        Self {
            cohort_id: verification.cohort_id.0,
            checked: verification.checked(),
            missing: verification.missing(),
            stale: verification.stale(),
            confidence: CONFIDENCE,
            drift_upper_bound: (verification.drift_upper_bound * 1e6).ceil() / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CohortId, Direction, Outcome, Phase, RunId, SyncKind, Trigger};
    use jiff::Timestamp;

    #[test]
    fn a_run_is_written_as_the_contract_says() {
        let mut counts = RunCounts::default();
        counts.read.matched = 2;
        counts.read.unmatched = 1;
        counts.read.suspect = 1;
        counts.plan(Direction::Add);
        counts.plan(Direction::Add);
        counts.accept(Direction::Add);
        counts.requests = 1;
        let run = RunRecord {
            purpose: crate::domain::Purpose::Update,
            id: RunId(7),
            cohort_id: CohortId(1000),
            cohort: "Power users".to_owned(),
            attribute: "Power users".to_owned(),
            kind: SyncKind::OneTime,
            trigger: Trigger::Operator,
            phase: Phase::Settle,
            outcome: Some(Outcome::Succeeded),
            error: None,
            started_at: Timestamp::from_millisecond(1_769_860_800_250).unwrap(),
            ended_at: Timestamp::from_second(1_769_860_803).ok(),
            counts,
            phases: Vec::new(),
        };
        assert_eq!(
            serde_json::to_string(&RunObject::from(&run)).unwrap(),
            concat!(
                r#"{"run_id":7,"cohort_id":1000,"cohort":"Power users","attribute":"Power users","kind":"one_time","#,
                r#""outcome":"succeeded","error":null,"started_at":"2026-01-31T12:00:00Z","ended_at":"2026-01-31T12:00:03Z","#,
                r#""counts":{"fetched":3,"matched":2,"unmatched":1,"unsendable":0,"duplicates":0,"suspect":1,"adds":2,"#,
                r#""removes":0,"unchanged":0,"accepted":1,"rejected":0,"pending":1,"requests":1,"retries":0}}"#
            )
        );
    }
}
