//! Parcels: one request that tells of several cohorts. Whoever changes in more than one of them is told in one batch
//! with several attributes, since what a feed takes is counted in batches (mParticle reference, limits: at most 100
//! attributes a user). Pure: who stands where in such a request. What is recorded of it belongs to `store`.

use super::change::Change;
use super::identity::IdentityRef;
use super::plan::RequestLimits;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most attributes of one user in a request, and so the most cohorts that send together.
pub const MOST_ATTRIBUTES: usize = 100;

/// Where something that is said of a person stands: in which part of the parcel, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The part, which is of one cohort.
    pub part: usize,
    /// The place within the part.
    pub place: usize,
}

/// Everything that is said of one person, the parts in order. Each is one batch.
pub type Batch = Vec<Spot>;

/// The batches of a parcel, in order of identity: the same parts give the same batches, however often they are asked
/// for.
#[must_use]
pub fn batches<'a>(parts: impl IntoIterator<Item = &'a [Change]>) -> Vec<Batch> {
    let mut people: BTreeMap<IdentityRef<'a>, Batch> = BTreeMap::new();
    for (part, changes) in parts.into_iter().enumerate() {
        for (place, change) in changes.iter().enumerate() {
            people.entry(change.identity.borrow()).or_default().push(Spot { part, place });
        }
    }
    people.into_values().collect()
}

/// How many changes, from the front of each queue, go into the next parcel. The queues must be in order of identity;
/// `size_of` is an upper bound of a change's bytes, told whether it is the first that is said of the person. A person
/// over the limit still gets a parcel: mParticle shall judge it, not we.
pub fn fill(
    queues: &[VecDeque<Change>],
    limits: RequestLimits,
    size_of: &dyn Fn(usize, &Change, bool) -> usize,
) -> Vec<usize> {
    let mut taken = vec![0; queues.len()];
    let mut heads: BTreeSet<(IdentityRef<'_>, usize)> = queues
        .iter()
        .enumerate()
        .filter_map(|(queue, changes)| Some((changes.front()?.identity.borrow(), queue)))
        .collect();
    let (mut users, mut bytes) = (0, 0);
    while let Some((person, _)) = heads.first().copied() {
        let mut theirs = Vec::new();
        while let Some((_, queue)) = heads.first().copied().filter(|(identity, _)| *identity == person) {
            heads.pop_first();
            theirs.push(queue);
        }
        let said = |queue: &usize| queues[*queue].get(taken[*queue]);
        let size: usize = theirs
            .iter()
            .enumerate()
            .filter_map(|(number, queue)| Some(size_of(*queue, said(queue)?, number == 0)))
            .sum();
        if users > 0 && (users >= limits.users || bytes + size > limits.bytes) {
            break;
        }
        (users, bytes) = (users + 1, bytes + size);
        for queue in theirs {
            taken[queue] += 1;
            if let Some(next) = queues[queue].get(taken[queue]) {
                heads.insert((next.identity.borrow(), queue));
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Identity};
    use super::*;
    use proptest::prelude::*;

    fn change(mpid: i64) -> Change {
        Change { direction: Direction::Add, identity: Identity::Mpid(mpid), distinct_id: None }
    }

    fn queue(people: impl IntoIterator<Item = i64>) -> VecDeque<Change> {
        people.into_iter().map(change).collect()
    }

    #[test]
    fn whoever_is_in_several_parts_is_one_batch() {
        let parts = [queue([1, 2, 5]), queue([2, 3]), queue([2])].map(Vec::from);
        let spot = |part, place| Spot { part, place };
        assert_eq!(
            batches(parts.iter().map(Vec::as_slice)),
            [vec![spot(0, 0)], vec![spot(0, 1), spot(1, 0), spot(2, 0)], vec![spot(1, 1)], vec![spot(0, 2)]]
        );
    }

    proptest! {
        #[test]
        fn parcels_hold_everybody_once_and_nobody_twice_within_the_limits(
            given in prop::collection::vec(prop::collection::btree_set(0..60_i64, 0..40), 1..6),
            users in 1..20_usize,
            bytes in 20..200_usize,
        ) {
            let mut queues: Vec<_> = given.iter().map(|people| queue(people.iter().copied())).collect();
            let everybody: BTreeSet<i64> = given.iter().flatten().copied().collect();
            let size = |_: usize, _: &Change, is_first: bool| if is_first { 10 } else { 3 };
            let (mut told, mut number) = (0, 0);
            while queues.iter().any(|queue| !queue.is_empty()) {
                let taken = fill(&queues, RequestLimits { users, bytes }, &size);
                let parts: Vec<Vec<Change>> =
                    queues.iter_mut().zip(&taken).map(|(queue, taken)| queue.drain(..taken).collect()).collect();
                let batches = batches(parts.iter().map(Vec::as_slice));
                prop_assert!(!batches.is_empty() && batches.len() <= users);
                let cost: usize = batches.iter().map(|batch| 10 + 3 * (batch.len() - 1)).sum();
                prop_assert!(cost <= bytes || batches.len() == 1);
                told += batches.len();
                number += batches.iter().map(Vec::len).sum::<usize>();
            }
            prop_assert_eq!(told, everybody.len(), "a batch for each person, whatever the number of cohorts");
            prop_assert_eq!(number, given.iter().map(BTreeSet::len).sum::<usize>());
        }
    }
}
