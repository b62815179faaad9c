//! Choosing whom to look at: a sample of given size from a stream of unknown length, every member as likely as any
//! other and none twice, in memory that grows with the sample only. Also how a sample is divided among groups.
//! What is done with those who were chosen is for others.

use fastrand::Rng;

/// Keeps a uniform sample of what passes by (Vitter's algorithm R): after `n` items each of them has been kept with
/// the same probability. The same seed and the same stream give the same sample.
#[derive(Debug)]
pub struct Reservoir<T> {
    size: usize,
    passed: u64,
    kept: Vec<T>,
    rng: Rng,
}

impl<T> Reservoir<T> {
    /// An empty one that keeps at most `size` items.
    #[must_use]
    pub fn new(size: usize, seed: u64) -> Self {
        Self { size, passed: 0, kept: Vec::new(), rng: Rng::with_seed(seed) }
    }

    /// Lets an item pass by.
    pub fn offer(&mut self, item: T) {
        self.passed += 1;
        if self.kept.len() < self.size {
            self.kept.push(item);
            return;
        }
        let place = self.rng.u64(..self.passed);
        // Beyond the sample lies everybody who is not kept.
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.kept.get_mut(place)) {
            *kept = item;
        }
    }

    /// How many passed by.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// The sample in random order, so that every beginning of it is a uniform sample as well.
    #[must_use]
    pub fn finish(mut self) -> Vec<T> {
        self.rng.shuffle(&mut self.kept);
        self.kept
    }
}

/// The smallest part of a sample that a group gets, however few its people are beside the others: a tenth.
/// Whoever was told last is the most likely to be wrong, and there are often few of them.
const LEAST_PART: u64 = 10;

/// Divides a sample of `size` among groups of so many people: each has a tenth of it or all its people, and what
/// is left is divided in proportion. The parts add up to `size`, or to everybody when there are not so many.
#[must_use]
pub fn allocate<const GROUPS: usize>(people: [u64; GROUPS], size: u64) -> [u64; GROUPS] {
    let everybody: u64 = people.iter().sum();
    if size >= everybody {
        return people;
    }
    let mut parts = [0; GROUPS];
    let least = (size / LEAST_PART).max(1);
    let mut left = size;
    for (part, people) in parts.iter_mut().zip(people) {
        *part = people.min(least).min(left);
        left -= *part;
    }
    let open: u64 = everybody - parts.iter().sum::<u64>();
    let to_divide = left;
    for (part, people) in parts.iter_mut().zip(people) {
        let more = share_of(to_divide, people - *part, open);
        *part += more;
        left -= more;
    }
    // What rounding left over goes to whoever has the most people that are not looked at.
    while left > 0 {
        let neediest = (0..GROUPS).max_by_key(|group| people[*group] - parts[*group]);
        let Some(group) = neediest.filter(|group| people[*group] > parts[*group]) else { break };
        parts[group] += 1;
        left -= 1;
    }
    parts
}

/// `whole * part / of`, rounded down, without overflow.
fn share_of(whole: u64, part: u64, of: u64) -> u64 {
    if of == 0 {
        return 0;
    }
    let share = u128::from(whole) * u128::from(part) / u128::from(of);
    // No larger than `whole`, for `part` is not larger than `of`.
    u64::try_from(share).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(size: usize, seed: u64, items: u64) -> Vec<u64> {
        let mut reservoir = Reservoir::new(size, seed);
        (0..items).for_each(|item| reservoir.offer(item));
        assert_eq!(reservoir.passed(), items);
        reservoir.finish()
    }

    #[test]
    fn everybody_is_as_likely_as_anybody_at_every_place() {
        const ROUNDS: u64 = 20_000;
        let (mut chosen, mut first) = ([0_u64; 40], [0_u64; 40]);
        for seed in 0..ROUNDS {
            let sample = sample(10, seed, 40);
            first[usize::try_from(sample[0]).unwrap()] += 1;
            for item in sample {
                chosen[usize::try_from(item).unwrap()] += 1;
            }
        }
        // Five standard deviations of a count with these chances.
        let bound = |chance: f64| 5.0 * (ROUNDS as f64 * chance * (1.0 - chance)).sqrt();
        for item in 0..40 {
            assert!(
                (chosen[item] as f64 - ROUNDS as f64 / 4.0).abs() < bound(0.25),
                "{item}: {}",
                chosen[item]
            );
            assert!(
                (first[item] as f64 - ROUNDS as f64 / 40.0).abs() < bound(0.025),
                "{item}: {}",
                first[item]
            );
        }
    }

    #[test]
    fn the_same_seed_chooses_the_same_people() {
        assert_eq!(sample(20, 7, 1_000), sample(20, 7, 1_000));
        assert_ne!(sample(20, 7, 1_000), sample(20, 8, 1_000));
    }

    #[test]
    fn few_are_looked_at_as_well_and_the_rest_is_in_proportion() {
        assert_eq!(allocate([20, 5, 184_190], 600), [20, 5, 575]);
        assert_eq!(allocate([5_000, 0, 95_000], 600), [83, 0, 517]);
        assert_eq!(allocate([100, 100, 100], 600), [100, 100, 100]);
        assert_eq!(allocate([0, 0, 50], 1), [0, 0, 1]);
        assert_eq!(allocate([0, 0, 0], 600), [0, 0, 0]);
    }

    proptest! {
        #[test]
        fn nobody_is_chosen_twice(size in 0..60_usize, seed: u64, items in 0..200_u64) {
            let mut sample = sample(size, seed, items);
            prop_assert_eq!(sample.len() as u64, items.min(size as u64));
            sample.sort_unstable();
            sample.dedup();
            prop_assert_eq!(sample.len() as u64, items.min(size as u64));
        }

        #[test]
        fn the_parts_are_the_sample(people in prop::array::uniform3(0..1_000_000_000_u64), size in 1..100_000_u64) {
            let parts = allocate(people, size);
            prop_assert_eq!(parts.iter().sum::<u64>(), size.min(people.iter().sum()));
            for (part, people) in parts.into_iter().zip(people) {
                prop_assert!(part <= people);
            }
        }
    }
}
