//! The accounts of a run. Totals are never stored, only computed from their parts, so that
//! fetched = matched + unmatched + unsendable + duplicates and planned = accepted + rejected + pending
//! hold by construction (rule 8 of the design).

use super::change::Direction;

/// Where the profiles of one read went: each is counted in exactly one of the first four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// People addressed by a valid `$mparticle_user_id`.
    pub matched: u64,
    /// People addressed by `$distinct_id` because they lack a valid `$mparticle_user_id`.
    pub unmatched: u64,
    /// Profiles with no usable identifier at all.
    pub unsendable: u64,
    /// Further profiles of a person who is already counted.
    pub duplicates: u64,
    /// Of `matched`: ids that JavaScript has rounded.
    pub suspect: u64,
    /// Of `unmatched`: anonymous `$device:` ids.
    pub anonymous: u64,
}

impl ReadCounts {
    /// Profiles read from Mixpanel.
    #[must_use]
    pub fn fetched(&self) -> u64 {
        self.matched + self.unmatched + self.unsendable + self.duplicates
    }

    /// People whose membership mParticle can be told.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.matched + self.unmatched
    }
}

/// How the changes in one direction stand. `accepted + rejected` never exceeds `planned`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    planned: u64,
    accepted: u64,
    rejected: u64,
}

impl ChangeCounts {
    /// Counts read back from the store.
    ///
    /// Returns `None` when more was answered than was planned, which no run of ours writes.
    #[must_use]
    pub fn restored(planned: u64, accepted: u64, rejected: u64) -> Option<Self> {
        (accepted.checked_add(rejected)? <= planned).then_some(Self { planned, accepted, rejected })
    }

    /// Changes the run set out to deliver.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.planned
    }

    /// Changes that a 2xx of mParticle covers.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Changes mParticle refused for good.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Changes without a final answer.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.planned - self.accepted - self.rejected
    }
}

/// Everything a run counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// What was read.
    pub read: ReadCounts,
    /// People entering.
    pub adds: ChangeCounts,
    /// People leaving.
    pub removes: ChangeCounts,
    /// People already in the baseline who are still members.
    pub unchanged: u64,
    /// Requests to mParticle that were answered or gave up, first tries only.
    pub requests: u64,
    /// Further tries of those requests.
    pub retries: u64,
}

impl RunCounts {
    /// The account of one direction.
    #[must_use]
    pub fn direction(&self, direction: Direction) -> &ChangeCounts {
        match direction {
            Direction::Add => &self.adds,
            Direction::Remove => &self.removes,
        }
    }

    fn direction_mut(&mut self, direction: Direction) -> &mut ChangeCounts {
        match direction {
            Direction::Add => &mut self.adds,
            Direction::Remove => &mut self.removes,
        }
    }

    /// Notes one planned change.
    pub fn plan(&mut self, direction: Direction) {
        self.direction_mut(direction).planned += 1;
    }

    /// Notes that mParticle accepted one change; more than was planned is not counted.
    pub fn accept(&mut self, direction: Direction) {
        let counts = self.direction_mut(direction);
        counts.accepted += u64::from(counts.pending() > 0);
    }

    /// Notes that mParticle rejected one change; more than was planned is not counted.
    pub fn reject(&mut self, direction: Direction) {
        let counts = self.direction_mut(direction);
        counts.rejected += u64::from(counts.pending() > 0);
    }

    /// Changes in both directions.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.adds.planned + self.removes.planned
    }

    /// Accepted changes in both directions.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.adds.accepted + self.removes.accepted
    }

    /// Rejected changes in both directions.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.adds.rejected + self.removes.rejected
    }

    /// Changes without a final answer in both directions.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.adds.pending() + self.removes.pending()
    }

    /// People of a compared read who are neither in the baseline already nor planned as an add, or planned
    /// without having been read. Zero unless this program is wrong; only a whole account can tell.
    #[must_use]
    pub fn unexplained(&self) -> u64 {
        self.read.sendable().abs_diff(self.unchanged + self.adds.planned)
    }

    /// The share of sendable people who have a valid `$mparticle_user_id`, 0 to 1; `None` for nobody.
    #[must_use]
    pub fn matched_share(&self) -> Option<f64> {
        let people = self.read.sendable();
        (people > 0).then(|| self.read.matched as f64 / people as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn planned_is_always_accepted_plus_rejected_plus_pending(events in prop::collection::vec((0..3u8, any::<bool>()), 0..200)) {
            let mut counts = RunCounts::default();
            for (event, add) in events {
                let direction = if add { Direction::Add } else { Direction::Remove };
                match event {
                    0 => counts.plan(direction),
                    1 => counts.accept(direction),
                    _ => counts.reject(direction),
                }
                prop_assert_eq!(counts.planned(), counts.accepted() + counts.rejected() + counts.pending());
            }
        }
    }

    #[test]
    fn counts_that_cannot_be_are_refused() {
        assert_eq!(ChangeCounts::restored(2, 2, 1), None);
        assert_eq!(ChangeCounts::restored(u64::MAX, u64::MAX, 1), None);
        assert!(ChangeCounts::restored(3, 2, 1).is_some());
    }
}
