//! Cutting changes into requests that mParticle takes: at most a hundred users and 256 KiB each.
//! How large a change becomes on the wire is the encoder's knowledge, so it is passed in.

use super::change::Change;

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

/// A request of the plan. The position of a change within the run never changes afterwards, not even when a
/// request is split, because the `source_request_id` derives from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    /// The position of the first change within the run.
    pub first_position: u64,
    /// What it tells, in order of position.
    pub changes: Vec<Change>,
}

/// Cuts a stream of changes into requests, keeping their order; `size_of` gives an upper bound in bytes.
///
/// A change larger than the limit still gets a request of its own: mParticle shall judge it, not we.
pub fn requests<E>(
    changes: impl Iterator<Item = Result<Change, E>>,
    limits: RequestLimits,
    size_of: impl Fn(&Change) -> usize,
) -> impl Iterator<Item = Result<PlannedRequest, E>> {
    let mut changes = changes.peekable();
    let mut position = 0;
    std::iter::from_fn(move || {
        let mut request = PlannedRequest { first_position: position, changes: Vec::new() };
        let mut bytes = 0;
        while let Some(Ok(next)) = changes.peek() {
            let size = size_of(next);
            let full = request.changes.len() >= limits.users || bytes + size > limits.bytes;
            if full && !request.changes.is_empty() {
                break;
            }
            bytes += size;
            request.changes.extend(changes.next().and_then(Result::ok));
        }
        if request.changes.is_empty() {
            return changes.next().map(|item| item.map(|_| request));
        }
        position += request.changes.len() as u64;
        Some(Ok(request))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Identity};
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn change(mpid: i64) -> Change {
        Change { direction: Direction::Add, identity: Identity::Mpid(mpid), distinct_id: None }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_reordered_or_over_the_limits(
            sizes in prop::collection::vec(1..60usize, 0..300),
            users in 1..20usize,
            bytes in 60..500usize,
        ) {
            let changes = (0..sizes.len()).map(|n| Ok::<_, Infallible>(change(i64::try_from(n).unwrap())));
            let size_of = |change: &Change| match change.identity {
                Identity::Mpid(mpid) => sizes[usize::try_from(mpid).unwrap()],
                _ => 0,
            };
            let planned: Vec<_> =
                requests(changes, RequestLimits { users, bytes }, size_of).map(Result::unwrap).collect();
            let mut position = 0;
            for request in &planned {
                prop_assert_eq!(request.first_position, position);
                prop_assert!(!request.changes.is_empty() && request.changes.len() <= users);
                prop_assert!(request.changes.iter().map(size_of).sum::<usize>() <= bytes);
                for change in &request.changes {
                    prop_assert_eq!(&change.identity, &Identity::Mpid(i64::try_from(position).unwrap()));
                    position += 1;
                }
            }
            prop_assert_eq!(position, sizes.len() as u64);
        }
    }

    #[test]
    fn a_change_over_the_limit_stands_alone() {
        let changes = [1, 2, 3].map(|mpid| Ok::<_, Infallible>(change(mpid))).into_iter();
        let size_of = |change: &Change| if change.identity == Identity::Mpid(2) { 900 } else { 10 };
        let planned = requests(changes, RequestLimits { users: 100, bytes: 500 }, size_of);
        let lengths: Vec<_> = planned.map(|request| request.unwrap().changes.len()).collect();
        assert_eq!(lengths, [1, 1, 1]);
    }

    #[test]
    fn an_error_ends_the_plan_after_what_came_before_it() {
        let changes = [Ok(change(1)), Err("gone")].into_iter();
        let mut planned = requests(changes, RequestLimits::default(), |_| 1);
        assert!(planned.next().unwrap().is_ok());
        assert_eq!(planned.next(), Some(Err("gone")));
        assert_eq!(planned.next(), None);
    }
}
