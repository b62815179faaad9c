//! How wrong mParticle is at most, given a sample of which some were wrong: an exact upper confidence bound, not an
//! estimate. Whoever says "0 of 598 were wrong" means to say "hardly anybody is", and this is how much that is.

/// How sure the bound is: in at most one of twenty samples the truth lies above it.
pub const CONFIDENCE: f64 = 0.95;

/// What was seen of a group from which a uniform sample was drawn, without replacement.
#[derive(Debug, Clone, Copy)]
pub struct Stratum<'a> {
    /// How many people the group has.
    pub people: u64,
    /// How many of them were looked at.
    pub checked: u64,
    /// How many of those were wrong.
    pub wrong: u64,
    /// The places of the wrong ones in the random order of the sample, ascending. Not needed of a group that was
    /// looked at as a whole.
    pub wrong_at: &'a [u64],
}

impl Stratum<'_> {
    fn is_whole(&self) -> bool {
        self.checked >= self.people
    }

    /// How many of the first `count` of the sample were wrong.
    fn wrong_among(&self, count: u64) -> u64 {
        self.wrong_at.partition_point(|place| *place < count) as u64
    }
}

/// The share of all people that is wrong, at most, with a confidence of [`CONFIDENCE`]; 0 for nobody.
///
/// Groups that were looked at as a whole count as they are. The others are pooled: of each sample as much is taken
/// from its beginning as the group has a share in them all, so that the pool is a proportional sample. The number of
/// wrong ones in it is a sum of independent draws with different chances, whose lower tail is no heavier than that of
/// a binomial with their mean (Hoeffding 1956), and drawing without replacement makes it lighter still; so the bound
/// of Clopper and Pearson for the mean holds. Rounding takes somewhat more than a group's share; the factor in front
/// makes up for that.
#[must_use]
pub fn upper_bound(strata: &[Stratum<'_>]) -> f64 {
    let people: u64 = strata.iter().map(|stratum| stratum.people).sum();
    if people == 0 {
        return 0.0;
    }
    let (whole, sampled): (Vec<&Stratum<'_>>, Vec<&Stratum<'_>>) =
        strata.iter().partition(|stratum| stratum.is_whole());
    let known: u64 = whole.iter().map(|stratum| stratum.wrong).sum();
    let rest: u64 = sampled.iter().map(|stratum| stratum.people).sum();
    (known as f64 + rest as f64 * bound_of_pool(&sampled, rest)) / people as f64
}

/// The bound for groups that were not looked at as a whole and have `people` together, as a share of these.
fn bound_of_pool(strata: &[&Stratum<'_>], people: u64) -> f64 {
    let share = |stratum: &Stratum<'_>| stratum.people as f64 / people as f64;
    // The size of the largest sample in which each group has its share.
    let size =
        strata.iter().map(|stratum| stratum.checked as f64 / share(stratum)).fold(f64::INFINITY, f64::min);
    if strata.is_empty() || size < 1.0 {
        return if strata.is_empty() { 0.0 } else { 1.0 };
    }
    let (mut pooled, mut wrong) = (0, 0);
    for stratum in strata {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a sample's size"
        )]
        let part = ((share(stratum) * size).ceil() as u64).min(stratum.checked);
        pooled += part;
        wrong += stratum.wrong_among(part);
    }
    (clopper_pearson(wrong, pooled, CONFIDENCE) * pooled as f64 / size).min(1.0)
}

/// The one-sided upper bound of Clopper and Pearson: the largest chance with which so few wrong ones, or fewer, are
/// still seen in 1 − `confidence` of all samples. Nothing was seen when `checked` is 0, so anything is possible.
#[must_use]
pub fn clopper_pearson(wrong: u64, checked: u64, confidence: f64) -> f64 {
    if wrong >= checked {
        return 1.0;
    }
    let ways = ln_choose(checked, wrong);
    // The chance of seeing so few falls as the share rises, so halving finds the share; 60 times is all the digits
    // that a double has.
    let (mut low, mut high) = (wrong as f64 / checked as f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if chance_of_at_most(wrong, checked, middle, ways) > 1.0 - confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The chance that at most `wrong` of `checked` are wrong when each is with a chance of `share`; `ways` is the
/// logarithm of in how many ways exactly `wrong` can be. Summed from the largest term downwards, each from the one
/// before, so that nothing overflows and what is too small to count ends the sum.
fn chance_of_at_most(wrong: u64, checked: u64, share: f64, ways: f64) -> f64 {
    let right = (checked - wrong) as f64;
    let mut term = (ways + wrong as f64 * share.ln() + right * (-share).ln_1p()).exp();
    let mut sum = term;
    for count in (1..=wrong).rev() {
        term *= count as f64 / (checked - count + 1) as f64 * (1.0 - share) / share;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// The logarithm of the binomial coefficient.
fn ln_choose(of: u64, choose: u64) -> f64 {
    let choose = choose.min(of - choose);
    (1..=choose).map(|number| ((of - choose + number) as f64 / number as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sampling::{Reservoir, allocate};
    use proptest::prelude::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 5e-5
    }

    #[test]
    fn the_bounds_are_those_of_the_tables() {
        // One-sided 95 %: the quantiles of the beta distribution with these counts.
        for (wrong, checked, bound) in [
            (0, 598, 0.004_997),
            (0, 10, 0.258_866),
            (1, 10, 0.394_163),
            (5, 100, 0.102_253),
            (50, 100, 0.586_389),
        ] {
            let found = clopper_pearson(wrong, checked, CONFIDENCE);
            assert!(close(found, bound), "{wrong} of {checked}: {found}");
        }
        assert!(close(clopper_pearson(0, 0, CONFIDENCE), 1.0));
        assert!(close(clopper_pearson(7, 7, CONFIDENCE), 1.0));
        // Many at once neither overflow nor take long.
        let found = clopper_pearson(50_000, 100_000, CONFIDENCE);
        assert!((0.502..0.503).contains(&found), "{found}");
    }

    fn stratum(people: u64, checked: u64, wrong_at: &[u64]) -> Stratum<'_> {
        Stratum { people, checked, wrong: wrong_at.len() as u64, wrong_at }
    }

    #[test]
    fn a_full_check_leaves_no_doubt() {
        let strata = [stratum(20, 20, &[3]), stratum(0, 0, &[]), stratum(80, 80, &[1, 2, 3])];
        assert!(close(upper_bound(&strata), 0.04));
        assert!(close(upper_bound(&[]), 0.0));
    }

    #[test]
    fn one_group_alone_has_the_bound_of_its_sample() {
        let bound = upper_bound(&[stratum(184_210, 598, &[])]);
        assert!(bound < 0.005 && close(bound, 0.004_981), "{bound}");
        // Those who are known to be right make it a little better, not worse.
        assert!(upper_bound(&[stratum(184_210, 598, &[]), stratum(1_000, 1_000, &[])]) < bound);
        assert!(close(upper_bound(&[stratum(10, 0, &[]), stratum(90, 90, &[])]), 0.1), "nobody looked");
    }

    /// A population whose groups are wrong in different shares, sampled as a verification samples it.
    fn bound_covers(people: [u64; 3], wrong: [u64; 3], size: u64, seed: u64) -> bool {
        let parts = allocate(people, size);
        let mut places: Vec<Vec<u64>> = Vec::new();
        for group in 0..3 {
            let mut reservoir = Reservoir::new(usize::try_from(size).unwrap(), seed * 3 + group as u64);
            (0..people[group]).for_each(|person| reservoir.offer(person < wrong[group]));
            let sample = reservoir.finish().into_iter().take(usize::try_from(parts[group]).unwrap());
            places
                .push((0..).zip(sample).filter_map(|(place, is_wrong)| is_wrong.then_some(place)).collect());
        }
        let strata: Vec<Stratum<'_>> =
            (0..3).map(|group| stratum(people[group], parts[group], &places[group])).collect();
        let truth = wrong.iter().sum::<u64>() as f64 / people.iter().sum::<u64>() as f64;
        truth <= upper_bound(&strata) + 1e-12
    }

    /// How many of so many seeded samples have a bound that covers the truth, for several populations.
    fn covered(samples: u64) -> Vec<usize> {
        let populations = [
            ([0, 0, 4_000], [0, 0, 60]),
            ([40, 12, 4_000], [30, 1, 20]),
            ([600, 100, 4_000], [60, 0, 4]),
            ([600, 100, 4_000], [0, 20, 80]),
            ([1_800, 1_800, 1_800], [180, 2, 400]),
            ([500, 500, 500], [5, 5, 5]),
        ];
        let covers = |(people, wrong): ([u64; 3], [u64; 3])| {
            (0..samples).filter(|seed| bound_covers(people, wrong, 300, *seed)).count()
        };
        populations.into_iter().map(covers).collect()
    }

    #[test]
    fn the_truth_lies_below_the_bound_in_ninety_five_of_a_hundred_samples() {
        let covered = covered(100);
        assert!(covered.iter().all(|samples| *samples >= 95), "{covered:?} of 100");
    }

    #[test]
    fn and_that_is_no_accident_of_these_hundred() {
        // Three standard deviations below what a bound that is exact to the last sample would have.
        let covered = covered(1_000);
        assert!(covered.iter().all(|samples| *samples >= 929), "{covered:?} of 1,000");
    }

    proptest! {
        #[test]
        fn the_bound_is_where_so_few_become_improbable(checked in 1..3_000_u64, part in 0.0..1.0_f64) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `checked`")]
            let wrong = (checked as f64 * part) as u64;
            let bound = clopper_pearson(wrong, checked, CONFIDENCE);
            prop_assert!(bound > wrong as f64 / checked as f64 && bound <= 1.0);
            let chance = chance_of_at_most(wrong, checked, bound, ln_choose(checked, wrong));
            prop_assert!(wrong == checked || (chance - 0.05).abs() < 1e-6, "{}", chance);
        }
    }
}
