//! Comparing the people of a read with the baseline: three sorted lists merged into changes, form by form, so that ten
//! million members are compared in a fraction of a second. Where the baseline is read from belongs to `store`; what is
//! sent, and when, to `sync`.

use super::change::{Change, Direction};
use super::identity::IdentityRef;
use super::matched::Matched;
use super::membership::{MemberRef, Membership};
use super::sorted::{Block, Sorted};
use std::cmp::Ordering;
use std::ops::ControlFlow;

/// What the comparison says about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference<'a> {
    /// A member whom mParticle already knows as one.
    Unchanged(MemberRef<'a>),
    /// A member of whom mParticle must be told.
    Enters(MemberRef<'a>),
    /// Somebody of whom mParticle must be told that they are no member.
    Leaves(IdentityRef<'a>),
}

impl Difference<'_> {
    /// The change that tells mParticle of it; `None` for a member it knows.
    #[must_use]
    pub fn change(self) -> Option<Change> {
        match self {
            Self::Unchanged(_) => None,
            Self::Enters(member) => Some(member.enters()),
            Self::Leaves(identity) => Some(Change {
                direction: Direction::Remove,
                identity: identity.to_owned(),
                distinct_id: identity.distinct_id().map(|id| id.into_owned().into_boxed_str()),
            }),
        }
    }
}

/// Merges the baseline, the members and the *uncertain*: people of earlier runs of whom nobody knows whether
/// mParticle took the request, because the answer was lost. Those are told again whatever the baseline says,
/// with what is true now, so that a lost answer never leaves an old value behind.
///
/// All three must be strictly ascending. Everybody is handed to `each`, in order, until it breaks off.
///
/// # Errors
/// A baseline that cannot be read ends the comparison with its error.
pub fn diff<E>(
    baseline: impl IntoIterator<Item = Result<Block, E>>,
    members: &Membership,
    uncertain: &Sorted,
    mut each: impl FnMut(Difference<'_>) -> ControlFlow<()>,
) -> Result<(), E> {
    let mut mpids = Part { members: &members.matched, doubted: &uncertain.mpids };
    let mut uuids = Part { members: &members.uuids, doubted: &uncertain.uuids };
    let mut texts = Part { members: &members.texts, doubted: &uncertain.texts };
    let mut at = 0;
    for block in baseline {
        let block = block?;
        let form = match block {
            Block::Mpids(_) => 0,
            Block::Uuids(_) => 1,
            Block::Texts(_) => 2,
        };
        // Whoever has another form than the baseline's next block comes before it.
        let mut flow = ControlFlow::Continue(());
        if at == 0 && form > 0 {
            flow = mpids.finish(&mut |found| each(members.mpid_difference(&found)));
        }
        if at <= 1 && form > 1 && flow.is_continue() {
            flow = uuids.finish(&mut |found| each(uuid_difference(&found)));
        }
        at = form;
        if flow.is_continue() {
            flow = match &block {
                Block::Mpids(known) => mpids.take(known, &mut |found| each(members.mpid_difference(&found))),
                Block::Uuids(known) => uuids.take(known, &mut |found| each(uuid_difference(&found))),
                Block::Texts(known) => texts.take(known, &mut |found| each(text_difference(&found))),
            };
        }
        if flow.is_break() {
            return Ok(());
        }
    }
    let mut flow = mpids.finish(&mut |found| each(members.mpid_difference(&found)));
    if flow.is_continue() {
        flow = uuids.finish(&mut |found| each(uuid_difference(&found)));
    }
    if flow.is_continue() {
        // Nobody comes after them who could be left out.
        let _ = texts.finish(&mut |found| each(text_difference(&found)));
    }
    Ok(())
}

/// What the merge found of one person, of any form.
pub(super) enum Found<'a, M, K> {
    Unchanged(&'a M),
    Enters(&'a M),
    Leaves(&'a K),
}

fn uuid_difference<'a>(found: &Found<'a, [u8; 16], [u8; 16]>) -> Difference<'a> {
    let member = |uuid: &'a [u8; 16]| MemberRef::by_own_id(IdentityRef::Uuid(uuid));
    match found {
        Found::Unchanged(uuid) => Difference::Unchanged(member(uuid)),
        Found::Enters(uuid) => Difference::Enters(member(uuid)),
        Found::Leaves(uuid) => Difference::Leaves(IdentityRef::Uuid(uuid)),
    }
}

fn text_difference<'a>(found: &Found<'a, Box<str>, Box<str>>) -> Difference<'a> {
    let member = |text: &'a str| MemberRef::by_own_id(IdentityRef::Text(text));
    match found {
        Found::Unchanged(text) => Difference::Unchanged(member(text)),
        Found::Enters(text) => Difference::Enters(member(text)),
        Found::Leaves(text) => Difference::Leaves(IdentityRef::Text(text)),
    }
}

/// What a member is sorted by.
pub(super) trait Keyed<K> {
    fn key(&self) -> &K;
}

impl Keyed<i64> for Matched {
    fn key(&self) -> &i64 {
        &self.mpid
    }
}

impl Keyed<[u8; 16]> for [u8; 16] {
    fn key(&self) -> &[u8; 16] {
        self
    }
}

impl Keyed<Box<str>> for Box<str> {
    fn key(&self) -> &Box<str> {
        self
    }
}

/// The members and the uncertain of one form whom the merge has not come to.
struct Part<'a, M, K> {
    members: &'a [M],
    doubted: &'a [K],
}

impl<M: Keyed<K>, K: Ord> Part<'_, M, K> {
    /// Merges the next people of the baseline, and everybody who stands before the last of them.
    fn take(
        &mut self,
        known: &[K],
        each: &mut impl FnMut(Found<'_, M, K>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for known in known {
            self.before(Some(known), each)?;
            let is_doubted = self.doubted.split_off_first_if(|doubted| doubted == known).is_some();
            match self.members.split_off_first_if(|member| member.key() == known) {
                Some(member) if is_doubted => each(Found::Enters(member))?,
                Some(member) => each(Found::Unchanged(member))?,
                None => each(Found::Leaves(known))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Merges whoever is not in the baseline.
    fn finish(&mut self, each: &mut impl FnMut(Found<'_, M, K>) -> ControlFlow<()>) -> ControlFlow<()> {
        self.before(None, each)
    }

    fn before(
        &mut self,
        limit: Option<&K>,
        each: &mut impl FnMut(Found<'_, M, K>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let is_before = |key: &K| limit.is_none_or(|limit| key < limit);
        loop {
            let member = self.members.first().filter(|member| is_before(member.key()));
            let doubted = self.doubted.first().filter(|doubted| is_before(doubted));
            let order = match (member, doubted) {
                (None, None) => return ControlFlow::Continue(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(member), Some(doubted)) => member.key().cmp(doubted),
            };
            let doubted = self.doubted.split_off_first_if(|_| order.is_ge());
            match self.members.split_off_first_if(|_| order.is_le()) {
                Some(member) => each(Found::Enters(member))?,
                None => doubted.map_or(ControlFlow::Continue(()), |gone| each(Found::Leaves(gone)))?,
            }
        }
    }
}

/// Taking the first of a slice off, if it is as wanted.
trait SplitFirst<'a, T> {
    fn split_off_first_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Option<&'a T>;
}

impl<'a, T> SplitFirst<'a, T> for &'a [T] {
    fn split_off_first_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Option<&'a T> {
        let (first, rest) = self.split_first()?;
        is_wanted(first).then(|| {
            *self = rest;
            first
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::harvest::{Gathering, Harvest};
    use super::super::member::RawId;
    use super::super::membership::Collector;
    use super::super::property::Extras;
    use super::super::{Identity, Profile};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn membership(people: &BTreeSet<Identity>) -> Membership {
        let mut page = Harvest::of_page(0, &Gathering::default());
        for person in people {
            let text = RawId::Text(person.to_string().into());
            let (distinct_id, mparticle_user_id) = match person {
                Identity::Mpid(_) => (RawId::Missing, text),
                Identity::Uuid(_) | Identity::Text(_) => (text, RawId::Missing),
            };
            let extras = Extras::default();
            let profile =
                Profile { distinct_id, mparticle_user_id, last_seen: None, has_profile: true, extras };
            page.take(&profile);
        }
        let mut collector = Collector::default();
        collector.absorb(page);
        collector.finish().0
    }

    fn blocks(people: &BTreeSet<Identity>, size: usize) -> Vec<Result<Block, Infallible>> {
        let Sorted { mpids, uuids, texts } = people.iter().cloned().collect();
        let mpids = mpids.chunks(size).map(|block| Ok(Block::Mpids(block.to_vec())));
        let uuids = uuids.chunks(size).map(|block| Ok(Block::Uuids(block.to_vec())));
        mpids.chain(uuids).chain(texts.chunks(size).map(|block| Ok(Block::Texts(block.to_vec())))).collect()
    }

    fn person() -> impl Strategy<Value = Identity> {
        prop_oneof![
            (-12..12i64).prop_map(Identity::Mpid),
            (0..8u8).prop_map(|n| Identity::Uuid([n; 16])),
            "[a-d]{1,2}".prop_map(|text| Identity::Text(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn the_merge_is_set_difference(
            baseline in prop::collection::btree_set(person(), 0..40),
            members in prop::collection::btree_set(person(), 0..40),
            uncertain in prop::collection::btree_set(person(), 0..12),
            size in 1..9usize,
        ) {
            let (mut adds, mut removes, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
            let doubted: Sorted = uncertain.iter().cloned().collect();
            let Ok(()) = diff(blocks(&baseline, size), &membership(&members), &doubted, |difference| {
                match &difference {
                    Difference::Unchanged(member) => unchanged.push(member.identity.to_owned()),
                    Difference::Enters(member) => adds.push(member.identity.to_owned()),
                    Difference::Leaves(identity) => removes.push((*identity).to_owned()),
                }
                ControlFlow::Continue(())
            });
            let settled: BTreeSet<Identity> = baseline.difference(&uncertain).cloned().collect();
            let told: BTreeSet<Identity> = baseline.union(&uncertain).cloned().collect();
            prop_assert_eq!(adds, members.difference(&settled).cloned().collect::<Vec<_>>());
            prop_assert_eq!(removes, told.difference(&members).cloned().collect::<Vec<_>>());
            prop_assert_eq!(unchanged, members.intersection(&settled).cloned().collect::<Vec<_>>());
        }

        #[test]
        fn whoever_breaks_off_hears_no_more(
            baseline in prop::collection::btree_set(person(), 0..20),
            members in prop::collection::btree_set(person(), 0..20),
            after in 1..5usize,
        ) {
            let mut heard = 0;
            let Ok(()) = diff(blocks(&baseline, 3), &membership(&members), &Sorted::default(), |_| {
                heard += 1;
                if heard == after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            prop_assert_eq!(heard, after.min(baseline.union(&members).count()));
        }
    }

    #[test]
    fn a_baseline_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
        let mut heard = 0;
        let compared = diff([Err("damaged")], &Membership::default(), &Sorted::default(), |_| {
            heard += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((compared, heard), (Err("damaged"), 0));
    }

    #[test]
    fn who_left_by_distinct_id_is_still_named() {
        let gone = Identity::of_distinct_id("$device:1");
        let change = Difference::Leaves(gone.borrow()).change().unwrap();
        assert_eq!(change.distinct_id.as_deref(), Some("$device:1"));
        assert_eq!(change.direction, Direction::Remove);
    }
}
