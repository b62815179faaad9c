//! Seats: how many runs may hold what they have read in memory. A run takes a seat until its plan is written; sending
//! needs next to no memory, so any number may be at that. Pure; the queue is the engine's.

/// Members from which on a cohort counts as large: its read holds some ten megabytes and takes minutes.
const LARGE: u64 = 500_000;

/// How much a run holds while it has a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// A cohort of half a million or more.
    Large,
    /// A smaller one, or one whose size is not known.
    Light,
}

impl Load {
    /// By the members that Mixpanel last counted.
    pub(super) fn of(members: Option<u64>) -> Self {
        if members.is_some_and(|members| members >= LARGE) { Self::Large } else { Self::Light }
    }
}

/// Which of those who wait, in order, is seated next. Large ones never take more than half of the seats: that bounds
/// the memory, and a small cohort never waits until all the large ones are read. They cannot be passed by for ever,
/// since whoever stands first gets the next seat that is free for them.
pub(super) fn next_to_be_seated(
    seats: usize,
    seated: impl Iterator<Item = Load>,
    mut waiting: impl Iterator<Item = Load>,
) -> Option<usize> {
    let (mut all, mut large) = (0, 0);
    for load in seated {
        all += 1;
        large += usize::from(load == Load::Large);
    }
    if all >= seats {
        return None;
    }
    let has_room_for_large = large < (seats / 2).max(1);
    waiting.position(|load| load == Load::Light || has_room_for_large)
}

#[cfg(test)]
mod tests {
    use super::Load::{Large, Light};
    use super::*;

    fn next(seats: usize, seated: &[Load], waiting: &[Load]) -> Option<usize> {
        next_to_be_seated(seats, seated.iter().copied(), waiting.iter().copied())
    }

    #[test]
    fn the_first_is_seated_while_there_are_seats() {
        assert_eq!(next(4, &[], &[Large, Light]), Some(0));
        assert_eq!(next(4, &[Light; 3], &[Light]), Some(0));
        assert_eq!(next(4, &[Light; 4], &[Light]), None);
        assert_eq!(next(4, &[], &[]), None);
    }

    #[test]
    fn large_ones_leave_half_of_the_seats_to_the_others() {
        assert_eq!(next(4, &[Large; 2], &[Large, Large, Light]), Some(2));
        assert_eq!(next(4, &[Large; 2], &[Large]), None);
        assert_eq!(next(4, &[Large, Light, Light], &[Large, Light]), Some(0), "nobody passes the first by");
        assert_eq!(next(1, &[], &[Large]), Some(0), "a single seat serves everybody");
    }

    #[test]
    fn a_cohort_of_unknown_size_is_no_reason_to_wait() {
        assert_eq!([None, Some(499_999), Some(500_000)].map(Load::of), [Light, Light, Large]);
    }
}
