//! Compare and plan: the people who were read are merged with the baseline, and the changes are written to the
//! outbox as they come, so that memory does not grow with the plan. The merging blocks and works on a thread
//! of its own; the writing goes through the store's.

use super::report::{RunEnd, RunNews};
use super::run::Run;
use crate::domain::diff::{Difference, diff};
use crate::domain::membership::Membership;
use crate::domain::plan::{PlannedRequest, RequestLimits, requests};
use crate::domain::{Change, CohortId, Identity, Phase, RunCounts};
use crate::mparticle::Encoder;
use crate::store::{Reader, StoreError};
use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio::task;

/// Requests written in one transaction: some megabytes at most.
const REQUESTS_TOGETHER: usize = 64;

/// Merges, plans and writes the plan; the run's accounts then hold what is planned.
pub(super) async fn compare(run: &mut Run, membership: Membership) -> Result<(), RunEnd> {
    run.enter(Phase::Compare).await?;
    let cohort = run.order.job.cohort;
    let uncertain = run.ask(move |store| store.uncertain(cohort)).await?;
    let work = Comparison {
        directory: run.tools.directory.clone(),
        cohort,
        attribute: run.order.attribute.clone(),
        encoder: run.tools.encoder.clone(),
        uncertain,
        counts: run.record.counts,
    };
    let (planned, mut arriving) = mpsc::channel(2);
    // The merging reads the store past the keeper, for as long as this function waits for it.
    let _reading = run.tools.keeper.reading();
    let merging = task::spawn_blocking(move || work.merge(&membership, &planned));
    let (id, sendable) = (run.record.id, !run.order.job.dry_run);
    while let Some(batch) = arriving.recv().await {
        if run.stop.is_cancelled() {
            return Err(RunEnd::Cancelled);
        }
        run.ask(move |store| store.write_plan(id, cohort, &batch, sendable)).await?;
    }
    let counts = merging
        .await
        .map_err(|error| RunEnd::Failed(format!("comparing broke down, a defect of this program: {error}")))?
        .map_err(|error| RunEnd::Failed(error.to_string()))?;
    run.record.counts = counts;
    run.tell(RunNews::Counts(Box::new(counts)));
    Ok(())
}

struct Comparison {
    directory: PathBuf,
    cohort: CohortId,
    attribute: String,
    encoder: Encoder,
    uncertain: Vec<Identity>,
    counts: RunCounts,
}

impl Comparison {
    fn merge(
        self,
        membership: &Membership,
        planned: &mpsc::Sender<Vec<PlannedRequest>>,
    ) -> Result<RunCounts, StoreError> {
        let reader = Reader::open(&self.directory)?;
        let mut counts = self.counts;
        let changes = diff(reader.baseline(self.cohort), membership.iter(), self.uncertain.into_iter())
            .filter_map(|difference| match difference {
                Ok(Difference::Unchanged) => {
                    counts.unchanged += 1;
                    None
                }
                Ok(Difference::Change(change)) => {
                    counts.plan(change.direction);
                    Some(Ok(change))
                }
                Err(error) => Some(Err(error)),
            });
        let size_of = |change: &Change| self.encoder.upper_bound(&self.attribute, change);
        let mut together = Vec::with_capacity(REQUESTS_TOGETHER);
        for request in requests(changes, RequestLimits::default(), size_of) {
            together.push(request?);
            if together.len() == REQUESTS_TOGETHER
                && planned.blocking_send(std::mem::take(&mut together)).is_err()
            {
                // Nobody takes the plan any more: the run was asked to end, and its accounts are not needed.
                return Ok(self.counts);
            }
        }
        if !together.is_empty() {
            // As above: a receiver that is gone has stopped.
            let _ = planned.blocking_send(together);
        }
        Ok(counts)
    }
}
