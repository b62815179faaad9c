//! When one person was a member, as far as mParticle was told: the accepted changes that are kept, read forwards, and
//! what must have been so before the first of them. Where the changes are kept is for others, and so is what was
//! forgotten.

use super::change::Direction;
use jiff::Timestamp;

/// A change about one person that mParticle accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// When it was accepted.
    pub at: Timestamp,
    /// Whether the person entered or left.
    pub direction: Direction,
    /// Whether it told only what mParticle held already.
    pub repeats: bool,
}

/// One person's membership over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whether the person is in the baseline now.
    pub in_baseline: bool,
    /// What was accepted, in the order in which it was.
    pub told: Vec<Told>,
}

/// How often a person has changed sides to count as one who flaps: in, out and in again, or the other way round.
pub const FLAPS_FROM: usize = 3;

impl Presence {
    /// Whether the person was a member before the first change that is kept: whoever enters was not, whoever leaves or
    /// is told again was. Without any change it has been as it is now.
    #[must_use]
    pub fn before(&self) -> bool {
        match self.told.first() {
            None => self.in_baseline,
            Some(told) => told.repeats || told.direction == Direction::Remove,
        }
    }

    /// Whether the person was a member at a moment.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> bool {
        let last = self.told.iter().rev().find(|told| told.at <= moment);
        last.map_or_else(|| self.before(), |told| told.direction == Direction::Add)
    }

    /// The changes that changed something, in order.
    pub fn turns(&self) -> impl Iterator<Item = Told> {
        let mut is_member = self.before();
        self.told.iter().copied().filter(move |told| {
            let was_member = std::mem::replace(&mut is_member, told.direction == Direction::Add);
            was_member != is_member
        })
    }

    /// Since when the person has been a member who is one at a moment; `None` when that is longer than anything is kept.
    #[must_use]
    pub fn member_since(&self, moment: Timestamp) -> Option<Timestamp> {
        let turns = self.turns().filter(|told| told.at <= moment);
        turns.last().filter(|told| told.direction == Direction::Add).map(|told| told.at)
    }

    /// Whether the person changes sides again and again.
    #[must_use]
    pub fn flaps(&self) -> bool {
        self.turns().nth(FLAPS_FROM - 1).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Add, Remove};
    use super::*;
    use proptest::prelude::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn told(at: i64, direction: Direction) -> Told {
        Told { at: second(at), direction, repeats: false }
    }

    fn again(at: i64) -> Told {
        Told { repeats: true, ..told(at, Add) }
    }

    #[test]
    fn whoever_entered_was_not_there_before_and_whoever_is_told_again_was() {
        let entered = Presence { in_baseline: true, told: vec![told(10, Add), again(20)] };
        assert_eq!([9, 10, 25].map(|at| entered.at(second(at))), [false, true, true]);
        assert_eq!(entered.member_since(second(25)), Some(second(10)));
        let steady = Presence { in_baseline: true, told: vec![again(20)] };
        assert!(steady.at(second(1)) && steady.member_since(second(30)).is_none());
        let left = Presence { in_baseline: false, told: vec![told(10, Remove)] };
        assert_eq!([9, 10].map(|at| left.at(second(at))), [true, false]);
        let unknown = Presence { in_baseline: true, told: Vec::new() };
        assert!(unknown.at(second(-5)) && unknown.turns().next().is_none());
    }

    #[test]
    fn in_out_and_in_again_flaps_and_repeats_do_not() {
        let with = |told: &[Told]| Presence { in_baseline: true, told: told.to_vec() };
        assert!(!with(&[told(1, Add), told(2, Remove)]).flaps());
        assert!(with(&[told(1, Add), told(2, Remove), told(3, Add)]).flaps());
        assert!(with(&[told(1, Remove), told(2, Add), told(3, Remove)]).flaps());
        assert!(!with(&[told(1, Add), again(2), again(3), told(4, Add)]).flaps());
    }

    proptest! {
        /// A person who enters and leaves by turns is found where a replay of that puts them, whatever was forgotten.
        #[test]
        fn any_moment_is_as_it_was(
            begins in any::<bool>(),
            steps in prop::collection::vec((1..5i64, any::<bool>()), 0..20),
            forgotten in 0..20usize,
            moment in 0..110i64,
        ) {
            let (mut at, mut is_member, mut kept) = (10, begins, Vec::new());
            let mut was = vec![(0, begins)];
            for (later, turns) in steps {
                at += later;
                // Whoever stays a member may be told so again; nobody is told to stay away.
                if turns {
                    is_member = !is_member;
                } else if !is_member {
                    continue;
                }
                kept.push(Told {
                    at: second(at),
                    direction: if is_member { Add } else { Remove },
                    repeats: !turns,
                });
                was.push((at, is_member));
            }
            let forgotten = forgotten.min(kept.len());
            let from = if forgotten == 0 { 0 } else { kept[forgotten - 1].at.as_second() };
            let presence = Presence { in_baseline: is_member, told: kept.split_off(forgotten) };
            let moment = moment.max(from);
            let expected = was.iter().rev().find(|(at, _)| *at <= moment).unwrap().1;
            prop_assert_eq!(presence.at(second(moment)), expected);
            prop_assert_eq!(presence.at(second(1_000)), is_member);
        }
    }
}
