//! How membership moves with time. The made-up people stand on a line and a cohort is a stretch of it; both of its ends
//! swing slowly to and fro, so people join, leave and come back, and nothing has to be stored. Owns the swinging; who
//! stands where is left to `people`.

use std::time::Duration;

/// A quarter of an hour of a real project passes in this time, so that somebody who watches sees numbers move.
const QUARTER_HOUR: Duration = Duration::from_secs(20);
/// The farthest an end swings, per mille of the cohort's size.
const SWING_PER_MILLE: u32 = 80;

/// A cohort's stretch of the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Where the stretch begins when its first end is at rest.
    pub first: u32,
    /// How many people it covers when both ends are at rest.
    pub size: u32,
    /// How much of the cohort passes each end in a quarter of an hour, per mille. Zero stands still.
    pub turnover_per_mille: u32,
    /// Sets cohorts apart, so that they do not all turn at the same moment.
    pub phase: u64,
}

impl Stretch {
    /// The first position and the end (not included) after this much time.
    pub(super) fn at(self, age: Duration) -> (u32, u32) {
        if self.turnover_per_mille == 0 {
            return (self.first, self.first + self.size);
        }
        let swing =
            u32::try_from(u64::from(self.size) * u64::from(SWING_PER_MILLE) / 1_000).unwrap_or(0).max(1);
        let quarter_hour = as_millis(QUARTER_HOUR);
        let one_way = (quarter_hour * u64::from(SWING_PER_MILLE) / u64::from(self.turnover_per_mille)).max(1);
        let age = as_millis(age);
        let first_end = self.first + pendulum(age + self.phase % one_way, one_way, swing);
        // A different length keeps the two ends out of step, so that the size changes as well as who is in.
        let last_way = one_way * 137 / 100 + 1;
        let last_end = self.first + self.size + pendulum(age + self.phase % last_way, last_way, swing);
        (first_end, last_end)
    }
}

impl Stretch {
    /// The first position and the end (not included) of everybody who is ever in.
    pub(super) fn farthest(self) -> (u32, u32) {
        let swing = u64::from(self.size) * u64::from(SWING_PER_MILLE) / 1_000;
        (self.first, self.first + self.size + u32::try_from(swing).unwrap_or(0).max(1))
    }
}

/// Goes evenly from 0 to `swing` in `one_way` milliseconds, and back again.
fn pendulum(age: u64, one_way: u64, swing: u32) -> u32 {
    let moment = age % (2 * one_way);
    let distance = if moment < one_way { moment } else { 2 * one_way - moment };
    u32::try_from(u64::from(swing) * distance / one_way).unwrap_or(swing)
}

fn as_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Stretch = Stretch { first: 1_000, size: 500_000, turnover_per_mille: 5, phase: 12_345 };

    #[test]
    fn each_quarter_hour_moves_a_small_share() {
        let mut before = LARGE.at(Duration::ZERO);
        for tick in 1..200 {
            let now = LARGE.at(QUARTER_HOUR * tick);
            let moved = before.0.abs_diff(now.0) + before.1.abs_diff(now.1);
            assert!((500..=10_000).contains(&moved), "{moved} people moved in tick {tick}");
            before = now;
        }
    }

    #[test]
    fn a_cohort_never_leaves_its_place() {
        for hours in 0..2_000 {
            let (first, end) = LARGE.at(Duration::from_mins(hours * 60));
            assert!((1_000..=41_000).contains(&first));
            assert!((501_000..=541_000).contains(&end));
        }
    }

    #[test]
    fn a_small_cohort_moves_by_single_people_and_a_still_one_does_not() {
        let small = Stretch { first: 0, size: 10, ..LARGE };
        let sizes: Vec<u32> =
            (0..200).map(|tick| small.at(QUARTER_HOUR * tick)).map(|(a, b)| b - a).collect();
        assert!(sizes.iter().all(|size| (9..=11).contains(size)), "{sizes:?}");
        let still = Stretch { turnover_per_mille: 0, ..LARGE };
        assert_eq!(still.at(Duration::from_hours(9)), (1_000, 501_000));
    }
}
