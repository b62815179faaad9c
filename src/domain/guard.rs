//! The guard between planning and sending: plans that would empty a cohort in mParticle wait for a person.
//! What it costs to be wrong decides the rules: a removal that should not have been reaches every audience
//! within minutes, a held one can still be sent.

use super::counts::RunCounts;
use super::status::PauseCause;

/// When a plan needs a person's word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardRules {
    /// The largest share of the baseline that may be removed unasked, 0 to 1.
    pub max_removal_share: f64,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self { max_removal_share: 0.5 }
    }
}

/// A baseline smaller than this changes by half too easily for a share to mean anything.
const SMALLEST_GUARDED_BASELINE: u64 = 100;

/// Decides whether the plan of a run that read the cohort may be sent unasked; `Some` names why not.
#[must_use]
pub fn objection(rules: GuardRules, baseline: u64, counts: &RunCounts) -> Option<PauseCause> {
    if baseline > 0 && counts.read.fetched() == 0 {
        return Some(PauseCause::EmptyRead);
    }
    objection_to_removals(rules, baseline, counts)
}

/// The same for a plan that does not come from a read.
#[must_use]
pub fn objection_to_removals(rules: GuardRules, baseline: u64, counts: &RunCounts) -> Option<PauseCause> {
    let removals = counts.removes.planned();
    let too_many = removals as f64 > rules.max_removal_share * baseline as f64;
    (baseline >= SMALLEST_GUARDED_BASELINE && too_many).then_some(PauseCause::Removals)
}

#[cfg(test)]
mod tests {
    use super::super::Direction;
    use super::*;

    fn counts(matched: u64, removals: u64) -> RunCounts {
        let mut counts = RunCounts::default();
        counts.read.matched = matched;
        (0..removals).for_each(|_| counts.plan(Direction::Remove));
        counts
    }

    #[test]
    fn half_may_go_but_not_more() {
        let rules = GuardRules::default();
        assert_eq!(objection(rules, 100, &counts(50, 50)), None);
        assert_eq!(objection(rules, 100, &counts(49, 51)), Some(PauseCause::Removals));
        assert_eq!(objection(rules, 99, &counts(1, 98)), None);
    }

    #[test]
    fn an_empty_read_of_a_cohort_that_was_not_is_held_at_any_size() {
        assert_eq!(objection(GuardRules::default(), 1, &counts(0, 1)), Some(PauseCause::EmptyRead));
        assert_eq!(objection(GuardRules::default(), 0, &counts(0, 0)), None);
    }
}
