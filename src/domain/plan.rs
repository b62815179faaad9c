//! Cutting changes into requests that mParticle takes: at most a hundred users and 256 KiB each, in waves that
//! keep an older value from landing on a newer one. How large a change becomes on the wire is the encoder's
//! knowledge, so it is passed in.

use super::change::{Change, Direction};

/// What one request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Batches (one user each) in a request; mParticle documents 100.
    pub users: usize,
    /// Bytes of a request; mParticle documents 256 KB, and it is not said whether that is 1,000 or 1,024 each.
    pub bytes: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        // The brackets and commas around the batches fit into what is left below 256,000.
        Self { users: 100, bytes: 250_000 }
    }
}

/// A part of a plan that is sent only when the part before it was answered.
///
/// One person may be known to mParticle under several identities. Whoever gained an MPID leaves under the old
/// identity and enters under the new one, and both reach the same profile: the `false` must land first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wave {
    /// Whoever leaves.
    Removes,
    /// Whoever enters.
    Adds,
    /// Members of the baseline whose profile a removal of the first wave may have reached: told again.
    AddsAgain,
    /// All other members of the baseline, when everyone is told again. Apart from whoever enters, so that the history
    /// can tell the two from each other.
    Refresh,
}

impl Wave {
    /// The waves in the order they are sent.
    pub const ALL: [Self; 4] = [Self::Removes, Self::Adds, Self::AddsAgain, Self::Refresh];

    /// The wave a change belongs to by its direction.
    #[must_use]
    pub fn of(direction: Direction) -> Self {
        match direction {
            Direction::Remove => Self::Removes,
            Direction::Add => Self::Adds,
        }
    }

    /// Its place in [`Wave::ALL`], which is also its number in the store.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize
    }

    /// Whether it tells only what mParticle holds already.
    #[must_use]
    pub fn repeats(self) -> bool {
        matches!(self, Self::AddsAgain | Self::Refresh)
    }

    /// The wave that follows.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self.number() + 1).copied()
    }
}

/// A request of the plan. The position of a change within the run never changes afterwards, not even when a
/// request is split, because the `source_request_id` derives from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    /// The position of the first change within the run.
    pub first_position: u64,
    /// When it is sent.
    pub wave: Wave,
    /// What it tells, in order of position.
    pub changes: Vec<Change>,
}

/// Gathers changes into requests, keeping their order within each wave.
#[derive(Debug)]
pub struct Planner<S> {
    limits: RequestLimits,
    size_of: S,
    open: [Open; Wave::ALL.len()],
    position: u64,
}

/// A request that is not full yet.
#[derive(Debug, Default)]
struct Open {
    changes: Vec<Change>,
    bytes: usize,
}

impl<S: Fn(&Change) -> usize> Planner<S> {
    /// A planner without changes; `size_of` gives an upper bound of a change's bytes.
    pub fn new(limits: RequestLimits, size_of: S) -> Self {
        Self { limits, size_of, open: Default::default(), position: 0 }
    }

    /// Takes a change, and hands back the request it did not fit into any more.
    ///
    /// A change larger than the limit still gets a request of its own: mParticle shall judge it, not we.
    pub fn take(&mut self, wave: Wave, change: Change) -> Option<PlannedRequest> {
        let size = (self.size_of)(&change);
        let open = &self.open[wave.number()];
        let full = open.changes.len() >= self.limits.users || open.bytes + size > self.limits.bytes;
        let request = if full { self.close(wave) } else { None };
        let open = &mut self.open[wave.number()];
        open.changes.push(change);
        open.bytes += size;
        request
    }

    /// The requests that were not full.
    pub fn finish(mut self) -> impl Iterator<Item = PlannedRequest> {
        Wave::ALL.into_iter().filter_map(move |wave| self.close(wave))
    }

    fn close(&mut self, wave: Wave) -> Option<PlannedRequest> {
        let changes = std::mem::take(&mut self.open[wave.number()]).changes;
        if changes.is_empty() {
            return None;
        }
        let first_position = self.position;
        self.position += changes.len() as u64;
        Some(PlannedRequest { first_position, wave, changes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;
    use proptest::prelude::*;

    fn change(mpid: i64, direction: Direction) -> Change {
        Change { direction, identity: Identity::Mpid(mpid), distinct_id: None }
    }

    fn plan(
        changes: impl IntoIterator<Item = Change>,
        limits: RequestLimits,
        size_of: impl Fn(&Change) -> usize,
    ) -> Vec<PlannedRequest> {
        let mut planner = Planner::new(limits, size_of);
        let mut requests: Vec<_> = changes
            .into_iter()
            .filter_map(|change| planner.take(Wave::of(change.direction), change))
            .collect();
        requests.extend(planner.finish());
        requests
    }

    proptest! {
        #[test]
        fn nothing_is_lost_reordered_within_a_wave_or_over_the_limits(
            given in prop::collection::vec((1..60usize, any::<bool>()), 0..300),
            users in 1..20usize,
            bytes in 60..500usize,
        ) {
            let number = |change: &Change| match change.identity {
                Identity::Mpid(mpid) => usize::try_from(mpid).unwrap(),
                _ => 0,
            };
            let changes: Vec<Change> = given
                .iter()
                .zip(0..)
                .map(|((_, add), n)| change(n, if *add { Direction::Add } else { Direction::Remove }))
                .collect();
            let size_of = |change: &Change| given[number(change)].0;
            let planned = plan(changes.clone(), RequestLimits { users, bytes }, size_of);
            let mut position = 0;
            for request in &planned {
                prop_assert_eq!(request.first_position, position);
                prop_assert!(!request.changes.is_empty() && request.changes.len() <= users);
                prop_assert!(request.changes.iter().map(size_of).sum::<usize>() <= bytes);
                position += request.changes.len() as u64;
            }
            for direction in [Direction::Remove, Direction::Add] {
                let of_wave = planned.iter().filter(|request| request.wave == Wave::of(direction));
                let told: Vec<&Change> = of_wave.flat_map(|request| &request.changes).collect();
                let asked: Vec<&Change> = changes.iter().filter(|change| change.direction == direction).collect();
                prop_assert_eq!(told, asked);
            }
        }
    }

    #[test]
    fn a_change_over_the_limit_stands_alone() {
        let size_of = |change: &Change| if change.identity == Identity::Mpid(2) { 900 } else { 10 };
        let changes = [1, 2, 3].map(|mpid| change(mpid, Direction::Add));
        let planned = plan(changes, RequestLimits { users: 100, bytes: 500 }, size_of);
        let lengths: Vec<_> = planned.iter().map(|request| request.changes.len()).collect();
        assert_eq!(lengths, [1, 1, 1]);
    }

    #[test]
    fn waves_follow_each_other() {
        assert_eq!(Wave::Removes.next(), Some(Wave::Adds));
        assert_eq!(Wave::Refresh.next(), None);
        for (place, wave) in Wave::ALL.into_iter().enumerate() {
            assert_eq!(wave.number(), place);
        }
    }
}
