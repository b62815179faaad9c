//! How fast requests go and how they fare, over the last minute: counts and latencies by the second, from which rates,
//! percentiles and the values of a small chart are read. Pure; the time is passed in.

use super::request_columns::{is_success, milliseconds};
use crate::sync::pages::JournalLine;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What is looked at.
pub const MINUTE: usize = 60;
/// Seconds that rates are averaged over: long enough to be calm, short enough to follow.
const AVERAGED: i64 = 10;
/// Latencies of one second that are kept. More requests than that nobody makes; they would be counted, not timed.
const TIMED: usize = 2_000;

/// What happened in one second.
#[derive(Debug, Default)]
struct Second {
    requests: u64,
    failed: u64,
    accepted: u64,
    /// Of the requests that were answered, in milliseconds, the shortest first.
    latencies: Vec<u64>,
}

/// The last minute, and whatever was noted since it was last looked at.
#[derive(Debug, Default)]
pub struct Pace {
    seconds: BTreeMap<i64, Second>,
}

/// What can be said of the last minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Requests that came to their end.
    pub requests: u64,
    /// Those that were not answered with a 2xx.
    pub failed: u64,
    /// Requests a second, over the last seconds.
    pub requests_per_second: f64,
    /// Users taken a second, over the last seconds.
    pub accepted_per_second: f64,
    /// The latencies that half, 95 and 99 of a hundred answers did not exceed, in milliseconds.
    pub latency: Option<[u64; 3]>,
    /// The same that 95 of a hundred did not exceed in each second, the present one last; 0 where there was none.
    pub by_second: [f64; MINUTE],
}

impl Pace {
    /// Takes a request into account.
    pub fn note(&mut self, line: &JournalLine) {
        let second = self.seconds.entry(line.at.as_second()).or_default();
        second.requests += 1;
        second.failed += u64::from(!is_success(line));
        second.accepted += line.accepted.unwrap_or_default();
        if line.status.is_some() && second.latencies.len() < TIMED {
            let latency = milliseconds(line);
            let place = second.latencies.partition_point(|shorter| *shorter <= latency);
            second.latencies.insert(place, latency);
        }
    }

    /// Forgets what is not of the last minute any more, or of a future that a clock set back left behind.
    pub fn forget_old(&mut self, now: Timestamp) {
        let window = window(now);
        self.seconds.retain(|second, _| window.contains(second));
    }

    /// What can be said; `None` when there was no request.
    #[must_use]
    pub fn figures(&self, now: Timestamp) -> Option<Figures> {
        let present = now.as_second();
        let minute = || self.seconds.range(window(now));
        let (first, _) = minute().next()?;
        // The present second is not over, so it would pull every average down.
        let averaged = (present - first).clamp(1, AVERAGED);
        let from = if present == *first { present } else { present - averaged };
        let rate = |count: fn(&Second) -> u64| {
            let sum: u64 = self.seconds.range(from..from + averaged).map(|(_, second)| count(second)).sum();
            sum as f64 / averaged as f64
        };
        let mut by_second = [0.0; MINUTE];
        for (at, second) in minute() {
            let ago = usize::try_from(present - at).unwrap_or(MINUTE);
            let slot = MINUTE.checked_sub(ago + 1).and_then(|slot| by_second.get_mut(slot));
            if let (Some(slot), Some(place)) = (slot, rank(second.latencies.len(), 95)) {
                *slot = second.latencies[place] as f64;
            }
        }
        Some(Figures {
            requests: minute().map(|(_, second)| second.requests).sum(),
            failed: minute().map(|(_, second)| second.failed).sum(),
            requests_per_second: rate(|second| second.requests),
            accepted_per_second: rate(|second| second.accepted),
            latency: percentiles(minute),
            by_second,
        })
    }
}

fn window(now: Timestamp) -> std::ops::RangeInclusive<i64> {
    let present = now.as_second();
    present.saturating_sub_unsigned(MINUTE as u64 - 1)..=present
}

/// The percentiles of some seconds together. Each second's latencies are in order, so that the values are found by
/// halving what they can be and counting how many are below, without putting thousands in order for each frame.
fn percentiles<'s, S: Iterator<Item = (&'s i64, &'s Second)>>(seconds: impl Fn() -> S) -> Option<[u64; 3]> {
    let count: usize = seconds().map(|(_, second)| second.latencies.len()).sum();
    let longest = seconds().filter_map(|(_, second)| second.latencies.last()).max()?;
    let not_above = |value: u64| -> usize {
        seconds().map(|(_, second)| second.latencies.partition_point(|latency| *latency <= value)).sum()
    };
    let at = |percent| {
        let place = rank(count, percent)?;
        let (mut low, mut high) = (0, *longest);
        while low < high {
            let middle = low.midpoint(high);
            if not_above(middle) > place { high = middle } else { low = middle + 1 }
        }
        Some(low)
    };
    Some([at(50)?, at(95)?, at(99)?])
}

/// The place, in order, of the value that so many of a hundred do not exceed (the nearest rank).
fn rank(count: usize, percent: usize) -> Option<usize> {
    (count * percent).div_ceil(100).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::pages::Side;
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use std::time::Duration;

    fn line(second: i64, latency: u64, status: Option<u16>) -> JournalLine {
        JournalLine {
            at: Timestamp::from_second(second).unwrap() + SignedDuration::from_millis(300),
            run: None,
            cohort: None,
            side: Side::Mparticle,
            what: "batches".to_owned(),
            first_position: None,
            users: 100,
            accepted: status.map(|status| if status == 202 { 98 } else { 0 }),
            bytes: 1,
            status,
            elapsed: Duration::from_millis(latency),
            attempt: 1,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn rates_are_those_of_the_last_seconds_and_counts_those_of_the_minute() {
        let mut pace = Pace::default();
        for second in 1_000..1_060 {
            for _ in 0..4 {
                pace.note(&line(second, 80, Some(202)));
            }
        }
        pace.note(&line(1_059, 9, None));
        let figures = pace.figures(at(1_060)).unwrap();
        assert_eq!((figures.requests, figures.failed), (59 * 4 + 1, 1));
        assert!((figures.requests_per_second - 4.1).abs() < 1e-9, "{figures:?}");
        assert!((figures.accepted_per_second - 392.0).abs() < 1e-9, "{figures:?}");
        assert_eq!(figures.latency, Some([80, 80, 80]), "what was not answered has no latency");
        assert!(
            (figures.by_second[MINUTE - 2] - 80.0).abs() < 1e-9 && figures.by_second[MINUTE - 1].abs() < 1e-9
        );
    }

    #[test]
    fn a_run_that_just_began_is_not_averaged_over_the_time_before() {
        let mut pace = Pace::default();
        pace.note(&line(1_000, 80, Some(202)));
        assert!((pace.figures(at(1_000)).unwrap().requests_per_second - 1.0).abs() < 1e-9);
        pace.note(&line(1_001, 80, Some(202)));
        assert!((pace.figures(at(1_002)).unwrap().requests_per_second - 1.0).abs() < 1e-9);
        assert_eq!(pace.figures(at(1_090)), None);
    }

    #[test]
    fn memory_does_not_grow_with_time_or_requests_and_a_clock_set_back_starts_anew() {
        let mut pace = Pace::default();
        for second in 0..5_000 {
            pace.note(&line(second, 1, Some(200)));
            pace.forget_old(at(second));
        }
        assert_eq!(pace.seconds.len(), MINUTE);
        for _ in 0..2 * TIMED {
            pace.note(&line(100, 1, Some(200)));
        }
        pace.forget_old(at(100));
        assert_eq!((pace.seconds.len(), pace.seconds[&100].latencies.len()), (1, TIMED));
        assert_eq!(pace.figures(at(100)).unwrap().requests, 2 * TIMED as u64);
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_all_latencies_in_order(
            latencies in prop::collection::vec(0..5_000_u64, 1..300),
        ) {
            let mut pace = Pace::default();
            for (second, latency) in (1_000..1_060).cycle().zip(&latencies) {
                pace.note(&line(second, *latency, Some(200)));
            }
            let mut sorted = latencies.clone();
            sorted.sort_unstable();
            let expected = [50, 95, 99].map(|p| sorted[(latencies.len() * p).div_ceil(100) - 1]);
            prop_assert_eq!(pace.figures(at(1_059)).unwrap().latency, Some(expected));
        }
    }
}
