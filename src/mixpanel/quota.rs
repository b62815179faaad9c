//! The rolling hour of queries of a project, pure: what was spent, what is left, when the next slot frees.
//! Documented are 60 an hour; a project's own figure is learned from the `RateLimit-Policy` header. Pages with
//! a session are free and never come here. Persisting and waiting are for `sync`.

use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// The hourly limit of Mixpanel's documentation (Rate Limits).
const DOCUMENTED_LIMIT: u32 = 60;

/// The window, with some seconds on top, for the server's clock is not ours.
const WINDOW: SignedDuration = SignedDuration::from_secs(3_610);

/// What was spent of the rolling hour.
#[derive(Debug, Clone)]
pub struct Ledger {
    charges: VecDeque<Timestamp>,
    limit: u32,
    is_learned: bool,
    blocked_until: Option<Timestamp>,
}

impl Ledger {
    /// A ledger that knows of earlier charges, in any order.
    #[must_use]
    pub fn restored(charges: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut charges: Vec<Timestamp> = charges.into_iter().collect();
        charges.sort_unstable();
        Self { charges: charges.into(), limit: DOCUMENTED_LIMIT, is_learned: false, blocked_until: None }
    }

    /// Believes a limit that was learned earlier, until an answer tells another.
    #[must_use]
    pub fn with_limit(self, learned: Option<u32>) -> Self {
        Self { limit: learned.unwrap_or(self.limit).max(1), is_learned: learned.is_some(), ..self }
    }

    /// When the next query may be made; `None` when one may be made now.
    #[must_use]
    pub fn earliest(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.move_on(now);
        // The slot frees when enough of the oldest charges have left the window.
        let in_the_way = self.charges.len().checked_sub(self.limit as usize);
        let full = in_the_way.and_then(|place| self.charges.get(place)).map(|charge| ends(*charge));
        self.blocked_until.max(full)
    }

    /// Notes a charged query.
    pub fn charge(&mut self, now: Timestamp) {
        self.move_on(now);
        self.charges.push_back(now);
    }

    /// Forgets what is over. What lies ahead was noted before the clock was set back, and nobody can say how
    /// long ago; from now on is never too short, and no longer than the window.
    fn move_on(&mut self, now: Timestamp) {
        while self.charges.front().is_some_and(|charge| ends(*charge) <= now) {
            self.charges.pop_front();
        }
        for charge in self.charges.iter_mut().rev().take_while(|charge| **charge > now) {
            *charge = now;
        }
        self.blocked_until =
            self.blocked_until.filter(|until| *until > now).map(|until| until.min(ends(now)));
    }

    /// Takes a charge back that Mixpanel did not count.
    pub fn refund(&mut self, charge: Timestamp) {
        if let Some(place) = self.charges.iter().position(|known| *known == charge) {
            self.charges.remove(place);
        }
    }

    /// Learns from `RateLimit-Policy` (`"project";q=60;w=3600, …`) and `RateLimit` (`"project";r=12, …`). Other
    /// programs spend the same budget, so fewer left than we thought are taken as charges made just now.
    pub fn learn(&mut self, policy: Option<&str>, state: Option<&str>, now: Timestamp) {
        let hourly = policy.and_then(|policy| parameter(policy, "project", 'q'));
        if let Some(limit) = hourly.and_then(|limit| u32::try_from(limit).ok()).filter(|limit| *limit > 0) {
            self.limit = limit;
            self.is_learned = true;
        }
        if let Some(left) = state.and_then(|state| parameter(state, "project", 'r')) {
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let others = self.limit.saturating_sub(left).saturating_sub(self.used(now));
            (0..others).for_each(|_| self.charge(now));
        }
    }

    /// Mixpanel refused a query until then, whatever the ledger says.
    pub fn exhausted_until(&mut self, until: Timestamp) {
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// Queries charged in the window.
    #[must_use]
    pub fn used(&mut self, now: Timestamp) -> u32 {
        self.move_on(now);
        u32::try_from(self.charges.len()).unwrap_or(u32::MAX)
    }

    /// What may be spent in an hour.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Whether the limit was read from Mixpanel's headers.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.is_learned
    }
}

/// When a charge leaves the window.
fn ends(charge: Timestamp) -> Timestamp {
    charge.saturating_add(WINDOW).unwrap_or(Timestamp::MAX)
}

/// The value of a parameter of one item of a structured header: `"project";q=60;w=3600, "other";q=5`.
fn parameter(header: &str, item: &str, name: char) -> Option<u64> {
    let found = header
        .split(',')
        .map(str::trim)
        .find(|part| part.split(';').next().is_some_and(|key| key.trim().trim_matches('"') == item))?;
    let value = found.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim().len() == name.len_utf8() && key.trim().starts_with(name)).then_some(value)
    })?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_headers_of_a_real_answer_are_read() {
        let policy = r#""project";q=240;w=3600, "project-concurrency";q=5;qu="concurrent-requests""#;
        assert_eq!(parameter(policy, "project", 'q'), Some(240));
        assert_eq!(parameter(policy, "project-concurrency", 'q'), Some(5));
        assert_eq!(parameter(r#""project";r=0;t=3600, "project-concurrency";r=3"#, "project", 'r'), Some(0));
        let mut ledger = Ledger::restored([]);
        ledger.learn(Some(policy), Some(r#""project";r=200"#), at(0));
        assert_eq!((ledger.limit(), ledger.used(at(0)), ledger.is_learned()), (240, 40, true));
    }

    #[test]
    fn the_sixty_first_query_waits_for_the_first_to_leave_the_hour() {
        let mut ledger = Ledger::restored([]);
        for second in 0..60 {
            assert_eq!(ledger.earliest(at(second)), None);
            ledger.charge(at(second));
        }
        assert_eq!(ledger.earliest(at(60)), Some(at(3_610)));
        assert_eq!(ledger.earliest(at(3_610)), None);
        ledger.refund(at(30));
        assert_eq!(ledger.earliest(at(60)), None);
        ledger.exhausted_until(at(90));
        assert_eq!(ledger.earliest(at(60)), Some(at(90)));
    }

    #[test]
    fn a_clock_that_is_set_back_closes_the_budget_for_no_longer_than_the_window() {
        let mut ledger = Ledger::restored([at(9_000), at(10_000), at(100)]).with_limit(Some(2));
        ledger.exhausted_until(at(10_060));
        assert_eq!(ledger.earliest(at(2_000)), Some(at(5_610)));
        assert_eq!((ledger.used(at(2_000)), ledger.limit(), ledger.is_learned()), (3, 2, true));
        assert_eq!(ledger.used(at(4_000)), 2);
        assert_eq!(ledger.earliest(at(5_610)), None);
    }

    proptest! {
        #[test]
        fn whoever_waits_as_told_never_spends_more_than_the_limit_in_an_hour(
            limit in 1..8u64, steps in prop::collection::vec(0..2_000i64, 1..60),
        ) {
            let mut ledger = Ledger::restored([]);
            ledger.learn(Some(&format!("\"project\";q={limit};w=3600")), None, at(0));
            let (mut now, mut spent) = (0, Vec::new());
            for step in steps {
                now += step;
                if let Some(free) = ledger.earliest(at(now)) {
                    now = free.as_second();
                }
                prop_assert_eq!(ledger.earliest(at(now)), None);
                ledger.charge(at(now));
                spent.push(now);
                let in_hour = spent.iter().filter(|charge| **charge > now - 3_600).count() as u64;
                prop_assert!(in_hour <= limit);
            }
        }

        #[test]
        fn no_header_panics(header in "\\PC{0,60}") {
            Ledger::restored([]).learn(Some(&header), Some(&header), at(0));
        }
    }
}
