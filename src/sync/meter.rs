//! How fast users are being accepted: a ring of the last sixty seconds, from which rate and time left are
//! read. Pure; the time is passed in.

use jiff::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Seconds the ring remembers, and the console draws.
const SECONDS: usize = 60;

/// Seconds the rate is averaged over: long enough to be calm, short enough to follow.
const AVERAGED: usize = 8;

/// Counts accepted users by the second.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    counts: VecDeque<u32>,
    second: i64,
    started: i64,
}

impl Meter {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { counts: VecDeque::from([0; SECONDS]), second: now.as_second(), started: now.as_second() }
    }

    /// Moves the ring on to the present second.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let steps = usize::try_from(now.as_second() - self.second).unwrap_or_default();
        for _ in 0..steps.min(SECONDS) {
            self.counts.pop_front();
            self.counts.push_back(0);
        }
        self.second = self.second.max(now.as_second());
    }

    pub(super) fn count(&mut self, users: u64, now: Timestamp) {
        self.advance(now);
        if let Some(current) = self.counts.back_mut() {
            *current = current.saturating_add(u32::try_from(users).unwrap_or(u32::MAX));
        }
    }

    /// Users accepted in each of the last sixty seconds, the present one last.
    pub(super) fn per_second(&self) -> Vec<u32> {
        self.counts.iter().copied().collect()
    }

    /// Users a second, over the last whole seconds since the start.
    pub(super) fn rate(&self) -> f64 {
        let whole = usize::try_from(self.second - self.started).unwrap_or_default().min(AVERAGED);
        if whole == 0 {
            return f64::from(self.counts.back().copied().unwrap_or_default());
        }
        let sum: u64 = self.counts.iter().rev().skip(1).take(whole).map(|count| u64::from(*count)).sum();
        sum as f64 / whole as f64
    }

    /// How long `pending` users take at the present rate; `None` while nothing moves.
    pub(super) fn eta(&self, pending: u64) -> Option<Duration> {
        let rate = self.rate();
        (rate > 0.0).then(|| Duration::try_from_secs_f64(pending as f64 / rate).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_rate_is_that_of_the_last_whole_seconds() {
        let mut meter = Meter::new(at(100));
        for second in 100..110 {
            meter.count(500, at(second));
        }
        meter.advance(at(110));
        assert!((meter.rate() - 500.0).abs() < 1e-9);
        assert_eq!(meter.eta(5_000), Some(Duration::from_secs(10)));
        assert_eq!(meter.per_second().len(), SECONDS);
    }

    #[test]
    fn a_clock_set_back_or_far_ahead_does_no_harm() {
        let mut meter = Meter::new(at(100));
        meter.count(7, at(50));
        meter.count(7, at(1_000_000));
        assert_eq!(meter.per_second().iter().sum::<u32>(), 7);
        assert_eq!(Meter::new(at(0)).eta(1), None);
    }
}
