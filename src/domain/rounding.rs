//! Finding the exact ids that rounded ones were made of. JavaScript leaves nothing of an id's last digits, so only an
//! id that stands elsewhere can tell: on another profile, or with somebody who was a member before.

use super::user::{may_have_been, rounds_to};
use std::collections::{BTreeMap, VecDeque};

/// The rounded ids of which neighbours are known, each with the exact ids it may have been made of, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours(BTreeMap<i64, Vec<i64>>);

/// More than this would be nobody's evidence.
const EACH_AT_MOST: usize = 5;

impl Neighbours {
    /// Put together again from what was kept.
    #[must_use]
    pub fn restored(known: Vec<(i64, Vec<i64>)>) -> Self {
        Self(known.into_iter().collect())
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is known, in order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &[i64])> {
        self.0.iter().map(|(rounded, exact)| (*rounded, &**exact))
    }

    /// The exact ids that a rounded one may have been made of.
    #[must_use]
    pub fn of(&self, rounded: i64) -> &[i64] {
        self.0.get(&rounded).map_or(&[], Vec::as_slice)
    }

    /// Looks for neighbours of rounded ids among others; both must be ascending, and each is gone through once.
    ///
    /// # Errors
    /// The first that the other ids end with.
    pub fn look<E>(
        &mut self,
        rounded: impl IntoIterator<Item = i64>,
        others: impl IntoIterator<Item = Result<i64, E>>,
    ) -> Result<(), E> {
        let mut near: VecDeque<i64> = VecDeque::new();
        let mut others = others.into_iter().peekable();
        for rounded in rounded {
            let range = may_have_been(rounded);
            while near.front().is_some_and(|id| id < range.start()) {
                near.pop_front();
            }
            while let Some(next) = others.next_if(|next| next.as_ref().map_or(true, |id| id <= range.end())) {
                let id = next?;
                if id >= *range.start() {
                    near.push_back(id);
                }
            }
            for id in near.iter().filter(|id| rounds_to(**id, rounded)) {
                let known = self.0.entry(rounded).or_default();
                if known.len() < EACH_AT_MOST && !known.contains(id) {
                    known.push(*id);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::member::is_suspect;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn look(rounded: &BTreeSet<i64>, others: &BTreeSet<i64>) -> Neighbours {
        let mut found = Neighbours::default();
        let Ok(()) = found.look(rounded.iter().copied(), others.iter().copied().map(Ok::<_, Infallible>));
        found
    }

    proptest! {
        #[test]
        fn every_neighbour_is_found_and_nobody_else(ids in prop::collection::btree_set(i64::MIN + 4_096..i64::MAX - 4_096, 1..20), near in prop::collection::vec(-2_000..2_000_i64, 0..20)) {
            let rounded: BTreeSet<i64> = ids.iter().filter_map(|id| format!("{}", *id as f64).parse().ok()).filter(|id| is_suspect(*id)).collect();
            let others: BTreeSet<i64> = ids.iter().copied().chain(ids.iter().flat_map(|id| near.iter().map(|step| id.saturating_add(*step)))).collect();
            let found = look(&rounded, &others);
            for id in &rounded {
                let expected: Vec<i64> = others.iter().copied().filter(|other| rounds_to(*other, *id)).take(EACH_AT_MOST).collect();
                prop_assert_eq!(found.of(*id), &expected[..]);
            }
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        let mut found = Neighbours::default();
        assert_eq!(found.look([1 << 60], [Ok(0), Err("broken")]), Err("broken"));
        assert!(found.is_empty());
    }
}
