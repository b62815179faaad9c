//! Starting runs: which of those that are queued begins, and with what it is sent on its way. What is queued and when is
//! the engine's.

use super::engine::{AtWork, Ending, Engine};
use super::run::{self, Job};
use super::seats::{Load, next_to_be_seated};
use crate::domain::guard::GuardRules;
use tokio_util::sync::CancellationToken;

impl Engine {
    /// The queued run for which there is a seat, if there is one.
    fn next_to_start(&mut self) -> Option<(Job, Load)> {
        let load = |job: &Job| {
            let reads = job.held.is_none() && job.purpose.reads();
            Load::of(self.board.cohort(job.cohort).filter(|_| reads).and_then(|cohort| cohort.count))
        };
        let seated = self.at_work.values().filter_map(|at_work| at_work.seat);
        let place = next_to_be_seated(self.settings.concurrent_runs, seated, self.queue.iter().map(load))?;
        let load = load(&self.queue[place]);
        self.queue.remove(place).map(|job| (job, load))
    }

    /// Starts queued runs while there are seats.
    pub(super) fn start_queued(&mut self) {
        while !self.stopping {
            let Some((job, load)) = self.next_to_start() else { break };
            let (cohort, is_beside) = (job.cohort, job.is_beside());
            let (kind, attribute) = self.pinned(&job);
            let name =
                self.board.cohort(cohort).map_or_else(|| attribute.clone(), |cohort| cohort.name.clone());
            let sync = self.board.sync(cohort);
            let baseline = sync.map_or(0, |sync| sync.baseline);
            let own_limit = sync.and_then(|sync| sync.max_removal_share);
            let guard =
                GuardRules { max_removal_share: own_limit.unwrap_or(self.settings.guard.max_removal_share) };
            let stop = CancellationToken::new();
            let order =
                run::Order { job, name, kind, attribute, baseline, guard, reading: self.settings.reading };
            let task = self.runs.spawn(run::run(self.tools.clone(), order, stop.clone()));
            self.tasks.insert(task.id(), cohort);
            self.at_work
                .insert(cohort, AtWork { stop, ending: Ending::OfItself, is_beside, seat: Some(load) });
        }
    }
}
