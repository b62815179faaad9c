//! Comparing the people of a read with the baseline: three sorted streams merged into changes.
//! Where the baseline is read from belongs to `store`; what is sent, and when, to `sync`.

use super::change::{Change, Direction};
use super::identity::{Identity, IdentityRef};
use super::membership::MemberRef;
use std::cmp::Ordering;
use std::iter::Peekable;

/// What the comparison says about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference<'a> {
    /// A member whom mParticle already knows as one.
    Unchanged(MemberRef<'a>),
    /// mParticle must be told.
    Change(Change),
}

/// Merges the baseline, the members and the *uncertain*: people of earlier runs of whom nobody knows whether
/// mParticle took the request, because the answer was lost. Those are told again whatever the baseline says,
/// with what is true now, so that a lost answer never leaves an old value behind.
///
/// All three must be strictly ascending. A baseline that cannot be read ends the stream with its error.
pub fn diff<'a, E>(
    baseline: impl Iterator<Item = Result<Identity, E>>,
    members: impl Iterator<Item = MemberRef<'a>>,
    uncertain: impl Iterator<Item = Identity>,
) -> impl Iterator<Item = Result<Difference<'a>, E>> {
    let mut merge =
        Merge { baseline: baseline.peekable(), members: members.peekable(), uncertain: uncertain.peekable() };
    std::iter::from_fn(move || merge.next())
}

struct Merge<B: Iterator, M: Iterator, U: Iterator> {
    baseline: Peekable<B>,
    members: Peekable<M>,
    uncertain: Peekable<U>,
}

impl<'a, E, B, M, U> Merge<B, M, U>
where
    B: Iterator<Item = Result<Identity, E>>,
    M: Iterator<Item = MemberRef<'a>>,
    U: Iterator<Item = Identity>,
{
    fn next(&mut self) -> Option<Result<Difference<'a>, E>> {
        if let Some(Err(error)) = self.baseline.next_if(Result::is_err) {
            return Some(Err(error));
        }
        let known = self.baseline.peek().and_then(|item| item.as_ref().ok()).map(Identity::borrow);
        let member = self.members.peek().map(|member| member.identity);
        let doubted = self.uncertain.peek().map(Identity::borrow);
        let least = [known, member, doubted].into_iter().flatten().min()?;
        let at = |head: Option<IdentityRef<'_>>| head.is_some_and(|id| id.cmp(&least) == Ordering::Equal);
        let (in_baseline, is_member, is_uncertain) = (at(known), at(member), at(doubted));

        let known = if in_baseline { self.baseline.next().and_then(Result::ok) } else { None };
        let doubted = if is_uncertain { self.uncertain.next() } else { None };
        let member = if is_member { self.members.next() } else { None };
        Some(Ok(match (member, known.or(doubted)) {
            (Some(member), Some(_)) if in_baseline && !is_uncertain => Difference::Unchanged(member),
            (Some(member), _) => Difference::Change(member.enters()),
            (None, Some(identity)) => {
                let distinct_id = identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
                Difference::Change(Change { direction: Direction::Remove, identity, distinct_id })
            }
            // The least head is one of the three, so one of them was taken.
            (None, None) => return None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn run(
        baseline: &BTreeSet<i64>,
        members: &BTreeSet<i64>,
        uncertain: &BTreeSet<i64>,
    ) -> (Vec<i64>, Vec<i64>, usize) {
        let (mut adds, mut removes, mut unchanged) = (Vec::new(), Vec::new(), 0);
        let differences = diff(
            baseline.iter().map(|mpid| Ok::<_, Infallible>(Identity::Mpid(*mpid))),
            members.iter().map(|mpid| MemberRef { identity: IdentityRef::Mpid(*mpid), distinct_id: None }),
            uncertain.iter().map(|mpid| Identity::Mpid(*mpid)),
        );
        for difference in differences {
            match difference.unwrap() {
                Difference::Unchanged(_) => unchanged += 1,
                Difference::Change(Change { direction, identity: Identity::Mpid(mpid), .. }) => {
                    match direction {
                        Direction::Add => adds.push(mpid),
                        Direction::Remove => removes.push(mpid),
                    }
                }
                Difference::Change(other) => panic!("unexpected {other:?}"),
            }
        }
        (adds, removes, unchanged)
    }

    proptest! {
        #[test]
        fn the_merge_is_set_difference(
            baseline in prop::collection::btree_set(-20..20i64, 0..30),
            members in prop::collection::btree_set(-20..20i64, 0..30),
            uncertain in prop::collection::btree_set(-20..20i64, 0..10),
        ) {
            let (adds, removes, unchanged) = run(&baseline, &members, &uncertain);
            let settled: BTreeSet<i64> = baseline.difference(&uncertain).copied().collect();
            let expected_adds: Vec<i64> = members.difference(&settled).copied().collect();
            let told: BTreeSet<i64> = baseline.union(&uncertain).copied().collect();
            let expected_removes: Vec<i64> = told.difference(&members).copied().collect();
            prop_assert_eq!(adds, expected_adds);
            prop_assert_eq!(removes, expected_removes);
            prop_assert_eq!(unchanged, members.intersection(&settled).count());
        }

        #[test]
        fn nothing_to_do_when_both_sides_agree(members in prop::collection::btree_set(any::<i64>(), 0..40)) {
            let (adds, removes, unchanged) = run(&members, &members, &BTreeSet::new());
            prop_assert!(adds.is_empty() && removes.is_empty());
            prop_assert_eq!(unchanged, members.len());
        }
    }

    #[test]
    fn a_baseline_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
        let mut differences = diff([Err("damaged")].into_iter(), std::iter::empty(), std::iter::empty());
        assert_eq!(differences.next(), Some(Err("damaged")));
    }

    #[test]
    fn who_left_by_distinct_id_is_still_named() {
        let gone = Identity::of_distinct_id("$device:1");
        let mut differences =
            diff([Ok::<_, Infallible>(gone)].into_iter(), std::iter::empty(), std::iter::empty());
        let Some(Ok(Difference::Change(change))) = differences.next() else { panic!("no change") };
        assert_eq!(change.distinct_id.as_deref(), Some("$device:1"));
    }
}
