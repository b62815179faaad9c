//! When to try again: exponential, with full jitter, and never earlier than the server asked. Whether to try
//! again at all is decided where the protocol is known.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The timing of retries. The default tries five times over about a minute at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// How often a request is tried in all, the first time included.
    pub tries: u32,
    /// The longest wait after the first try; it doubles with each further one.
    pub base: Duration,
    /// The longest wait that doubling leads to.
    pub ceiling: Duration,
    /// The longest `Retry-After` that is believed.
    pub retry_after_limit: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            tries: 5,
            base: Duration::from_secs(4),
            ceiling: Duration::from_secs(32),
            retry_after_limit: Duration::from_hours(1),
        }
    }
}

impl Backoff {
    /// How long to wait after a try has failed, or `None` to give up.
    ///
    /// `try_number` counts from 1; `random` is in 0..1 and spreads the waits over the whole range (full
    /// jitter), so that many senders do not come back at once.
    #[must_use]
    pub fn delay(&self, try_number: u32, random: f64, retry_after: Option<Duration>) -> Option<Duration> {
        if try_number >= self.tries {
            return None;
        }
        let doublings = try_number.saturating_sub(1).min(31);
        let longest = self.base.saturating_mul(1 << doublings).min(self.ceiling);
        let jittered = longest.mul_f64(random.clamp(0.0, 1.0));
        let floor = retry_after.unwrap_or_default().min(self.retry_after_limit);
        // Everyone was told the same moment, so the jitter comes on top of it.
        Some(if floor.is_zero() { jittered } else { floor + jittered.min(self.base) })
    }
}

/// A random number in 0..1 for [`Backoff::delay`]. The standard library's hasher is seeded afresh each time,
/// which is random enough to spread retries.
#[must_use]
pub fn jitter() -> f64 {
    // 53 bits are what a double holds exactly.
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceilings_double_and_the_fifth_failure_is_the_last() {
        let backoff = Backoff::default();
        let waits: Vec<_> = (1..=5).map(|n| backoff.delay(n, 1.0, None).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(4), Some(8), Some(16), Some(32), None]);
    }

    #[test]
    fn a_base_below_a_millisecond_is_fine() {
        let backoff = Backoff { base: Duration::from_nanos(3), ..Backoff::default() };
        assert_eq!(backoff.delay(1, 0.0, None), Some(Duration::ZERO));
        assert!(backoff.delay(4, 0.999, None).unwrap() <= Duration::from_nanos(24));
    }

    #[test]
    fn retry_after_is_believed_for_an_hour_at_most() {
        let wait = Backoff::default().delay(1, 0.0, Some(Duration::from_secs(u64::MAX)));
        assert_eq!(wait, Some(Duration::from_hours(1)));
    }

    proptest! {
        #[test]
        fn full_jitter_stays_between_zero_and_the_ceiling(
            tries in 1..100_u32, number in 0..200_u32, random in 0.0..1.0_f64, base in 0..10_000_000_000_u64,
        ) {
            let backoff = Backoff { tries, base: Duration::from_nanos(base), ..Backoff::default() };
            match backoff.delay(number, random, None) {
                None => prop_assert!(number >= tries),
                Some(wait) => prop_assert!(number < tries && wait <= backoff.ceiling),
            }
        }

        #[test]
        fn retry_after_is_a_floor(number in 1..5_u32, random in 0.0..1.0_f64, seconds in 0..3600_u64) {
            let asked = Duration::from_secs(seconds);
            prop_assert!(Backoff::default().delay(number, random, Some(asked)).unwrap() >= asked);
        }

        #[test]
        fn jitter_is_a_share(_run in 0..100_u8) {
            prop_assert!((0.0..1.0).contains(&jitter()));
        }
    }
}
