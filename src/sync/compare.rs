//! Compare and plan: the people who were read are merged with the baseline, and the changes are written to the
//! outbox as they come, so that memory does not grow with the plan. The merging blocks and works on a thread
//! of its own; the writing goes through the store's.

use super::report::{RunEnd, RunNews};
use super::run::Run;
use crate::domain::diff::{Difference, diff};
use crate::domain::membership::Membership;
use crate::domain::plan::{PlannedRequest, Planner, Wave};
use crate::domain::sorted::Sorted;
use crate::domain::{Change, Direction, Identity, IdentityRef, Phase, Purpose, RunCounts};
use crate::mparticle::Encoder;
use crate::store::{Holding, Reader, StoreError};
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio::task;

/// Requests written in one transaction: some megabytes at most.
const REQUESTS_TOGETHER: usize = 64;

/// Merges, plans and writes the plan; the run's accounts then hold what is planned.
pub(super) async fn compare(run: &mut Run, membership: Membership) -> Result<(), RunEnd> {
    run.enter(Phase::Compare).await?;
    let holding = run.record.holding();
    let uncertain = run.ask(move |store| store.uncertain(&holding)).await?;
    let (planned, mut arriving) = mpsc::channel(2);
    let work = Comparison {
        directory: run.tools.directory.clone(),
        holding: run.record.holding(),
        tells_everyone: run.record.purpose == Purpose::FullRefresh,
        encoder: run.tools.encoder.clone(),
        uncertain: uncertain.into_iter().collect(),
        counts: run.record.counts,
        left: Left::default(),
        written: Written { planned, together: Vec::with_capacity(REQUESTS_TOGETHER) },
    };
    // The merging reads the store past the keeper, for as long as this function waits for it.
    let _reading = run.tools.keeper.reading();
    let merging = task::spawn_blocking(move || work.merge(&membership));
    let (id, cohort, sendable) = (run.record.id, run.record.cohort_id, !run.order.job.dry_run);
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
    holding: Holding,
    /// Whether members who are in the baseline are told as well.
    tells_everyone: bool,
    encoder: Encoder,
    uncertain: Sorted,
    counts: RunCounts,
    left: Left,
    written: Written,
}

impl Comparison {
    fn merge(mut self, membership: &Membership) -> Result<RunCounts, StoreError> {
        let reader = Reader::open(&self.directory)?;
        let (encoder, attribute) = (self.encoder.clone(), self.holding.attribute.clone());
        let size_of = |change: &Change| encoder.upper_bound(&attribute, change);
        let mut planner = Planner::new(self.encoder.limits(), size_of);
        let mut is_wanted = true;
        let uncertain = std::mem::take(&mut self.uncertain);
        diff(reader.baseline_blocks(&self.holding), membership, &uncertain, |difference| {
            let (wave, change) = match difference {
                Difference::Unchanged(member) if self.tells_everyone => {
                    (Wave::Refresh, Some(member.enters()))
                }
                Difference::Enters(_) => (Wave::Adds, difference.change()),
                Difference::Leaves(_) => (Wave::Removes, difference.change()),
                Difference::Unchanged(_) => (Wave::Refresh, None),
            };
            let Some(change) = change else {
                self.counts.unchanged += 1;
                return ControlFlow::Continue(());
            };
            self.counts.plan(change.direction);
            self.left.note(&change);
            is_wanted = self.written.take(planner.take(wave, change));
            if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if !is_wanted {
            return Ok(self.counts);
        }
        if !self.tells_everyone {
            for identity in self.reached_by_removals(&reader, membership, &uncertain)? {
                self.counts.unchanged -= 1;
                self.counts.plan(Direction::Add);
                let change = Change { direction: Direction::Add, identity, distinct_id: None };
                if !self.written.take(planner.take(Wave::AddsAgain, change)) {
                    return Ok(self.counts);
                }
            }
        }
        for request in planner.finish() {
            self.written.take(Some(request));
        }
        self.written.flush();
        Ok(self.counts)
    }

    /// Members in the baseline by MPID of whom another identity leaves: the `false` for that one may reach the
    /// very same profile, so they are told again after it. (Whoever enters anew is told after the removals
    /// anyway.)
    fn reached_by_removals(
        &self,
        reader: &Reader,
        membership: &Membership,
        in_doubt: &Sorted,
    ) -> Result<BTreeSet<Identity>, StoreError> {
        if self.left.is_nobody() {
            return Ok(BTreeSet::new());
        }
        let asked = membership.mpids_of(|profile| self.left.has(profile));
        let told_anyway = |mpid: &i64| in_doubt.contains(IdentityRef::Mpid(*mpid));
        let asked = asked.into_iter().filter(|mpid| !told_anyway(mpid)).map(Identity::Mpid).collect();
        reader.members_among(&self.holding, &asked)
    }
}

/// The `$distinct_id`s that leave. Hashes are kept rather than texts; a collision tells somebody again who need
/// not have been, which is harmless.
#[derive(Default)]
struct Left {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Left {
    fn note(&mut self, change: &Change) {
        let is_distinct_id = change.identity.mpid().is_none();
        if change.direction == Direction::Remove && is_distinct_id {
            self.hashes.insert(self.hasher.hash_one(change.identity.borrow()));
        }
    }

    fn is_nobody(&self) -> bool {
        self.hashes.is_empty()
    }

    fn has(&self, distinct_id: IdentityRef<'_>) -> bool {
        self.hashes.contains(&self.hasher.hash_one(distinct_id))
    }
}

/// The way to the store.
struct Written {
    planned: mpsc::Sender<Vec<PlannedRequest>>,
    together: Vec<PlannedRequest>,
}

impl Written {
    /// Passes a request on; false when nobody takes the plan any more, because the run was asked to end.
    fn take(&mut self, request: Option<PlannedRequest>) -> bool {
        self.together.extend(request);
        self.together.len() < REQUESTS_TOGETHER || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.together.is_empty() || self.planned.blocking_send(std::mem::take(&mut self.together)).is_ok()
    }
}
