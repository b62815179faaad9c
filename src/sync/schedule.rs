//! When a recurring sync runs next: pure arithmetic on times that are passed in. Ticks that were missed (the
//! machine slept, the program was not running, a run took longer than the interval) are made up for by one
//! run, never by several, and the rhythm keeps its phase.

use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::time::Duration;

/// The first tick after `now` on the rhythm of `interval` that passes through `previous`.
#[must_use]
pub fn next_due(previous: Option<Timestamp>, interval: Duration, now: Timestamp) -> Timestamp {
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let now_at = now.as_millisecond();
    let anchor = previous.unwrap_or(now).as_millisecond();
    if anchor > now_at && anchor.saturating_sub(now_at) <= interval {
        // A run between two ticks (a person wanted it now) does not move the next one.
        return Timestamp::from_millisecond(anchor).unwrap_or(Timestamp::MAX);
    }
    // A tick farther in the future means that the clock was set back; the rhythm starts anew.
    let anchor = anchor.min(now_at);
    let missed = (now_at - anchor) / interval;
    let next = anchor.saturating_add(interval.saturating_mul(missed.saturating_add(1)));
    Timestamp::from_millisecond(next).unwrap_or(Timestamp::MAX)
}

/// Where a tick belongs that is further ahead than the rhythm of `interval` allows, because the clock was set
/// back since it was set: to the first tick after `now` on the same rhythm. `None` for a tick within reach.
/// Clocks that are kept in time are set back a little now and then; that must not repeat the last tick.
#[must_use]
pub fn brought_back(due: Timestamp, interval: Duration, now: Timestamp) -> Option<Timestamp> {
    const A_LITTLE: i64 = 60_000;
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let (due, now) = (due.as_millisecond(), now.as_millisecond());
    let ahead = due - now;
    if ahead <= interval.saturating_add(A_LITTLE) {
        return None;
    }
    let over = (ahead - 1) / interval;
    Timestamp::from_millisecond(due - over * interval).ok()
}

/// How long until `due`; zero when it is past. Never longer than half a minute, so that a machine that slept
/// or whose clock was set finds out soon.
#[must_use]
pub fn wait_until(due: Timestamp, now: Timestamp) -> Duration {
    const LONGEST: Duration = Duration::from_secs(30);
    let left = due.duration_since(now);
    if left <= SignedDuration::ZERO { Duration::ZERO } else { left.unsigned_abs().min(LONGEST) }
}

/// Recurring syncs ask for more queries an hour than there are, so each one's interval is stretched alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// How many syncs share the queries.
    pub syncs: usize,
    /// Queries an hour, of which a few are kept for a person.
    pub queries: u32,
    /// By how much every interval is longer, above 1.
    factor: f64,
    /// The interval that all of them ask for, if they agree.
    asked: Option<Duration>,
}

impl Stretch {
    /// The stretch that syncs of these intervals need; `None` when there are queries enough.
    #[must_use]
    pub fn of(intervals: &[Duration], queries: u32) -> Option<Self> {
        const HOUR: f64 = 3_600.0;
        // One in twenty is kept for a person who refreshes the list or runs something now.
        let scheduled = f64::from(queries.saturating_sub((queries / 20).max(1)).max(1));
        let needed: f64 = intervals.iter().map(|interval| HOUR / interval.as_secs_f64().max(1.0)).sum();
        let first = intervals.first().copied();
        (needed > scheduled).then(|| Self {
            syncs: intervals.len(),
            queries,
            factor: needed / scheduled,
            asked: first.filter(|first| intervals.iter().all(|interval| interval == first)),
        })
    }

    /// How long an interval becomes.
    #[must_use]
    pub fn given(&self, interval: Duration) -> Duration {
        interval.mul_f64(self.factor)
    }

    /// The same in words, beside what was asked for: `21 min instead of 15`. Exact enough to tell the two apart.
    #[must_use]
    pub fn instead(&self, asked: Duration) -> String {
        let (unit, seconds) = if asked < Duration::from_mins(2) { ("s", 1.0) } else { ("min", 60.0) };
        let (given, asked) = (self.given(asked).as_secs_f64() / seconds, asked.as_secs_f64() / seconds);
        if given.round() > asked.round() {
            format!("{given:.0} {unit} instead of {asked:.0}")
        } else {
            format!("{given:.1} {unit} instead of {asked:.1}")
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (syncs, queries) = (self.syncs, self.queries);
        match syncs {
            1 => write!(f, "1 sync has {queries} queries an hour: ")?,
            _ => write!(f, "{syncs} syncs share {queries} queries an hour: ")?,
        }
        match self.asked {
            Some(asked) => write!(f, "every {}", self.instead(asked)),
            None => write!(f, "every interval is {:.1} times as long", self.factor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_missed_tick_is_made_up_once_and_the_phase_is_kept() {
        let interval = Duration::from_mins(15);
        assert_eq!(next_due(Some(at(0)), interval, at(10)), at(900));
        assert_eq!(next_due(Some(at(0)), interval, at(900)), at(1800));
        assert_eq!(next_due(Some(at(0)), interval, at(10_000)), at(10_800));
        assert_eq!(next_due(None, interval, at(7)), at(907));
        assert_eq!(next_due(Some(at(5_000)), interval, at(7)), at(907));
        assert_eq!(next_due(Some(at(900)), interval, at(300)), at(900));
    }

    #[test]
    fn intervals_stretch_when_queries_are_short() {
        let quarter = Duration::from_mins(15);
        assert_eq!(Stretch::of(&[quarter; 14], 60), None);
        let twenty = Stretch::of(&[quarter; 20], 60).unwrap();
        assert_eq!(twenty.to_string(), "20 syncs share 60 queries an hour: every 21 min instead of 15");
        let mixed = Stretch::of(&[Duration::from_mins(1), quarter], 60).unwrap();
        assert_eq!(
            mixed.to_string(),
            "2 syncs share 60 queries an hour: every interval is 1.1 times as long"
        );
        assert!(Stretch::of(&[], 0).is_none());
        let instead =
            |interval, factor| Stretch { syncs: 1, queries: 60, factor, asked: None }.instead(interval);
        assert_eq!(instead(Duration::from_secs(30), 1.05), "32 s instead of 30");
        assert_eq!(instead(quarter, 1.02), "15.3 min instead of 15.0");
        assert_eq!(instead(Duration::from_hours(1), 1.5), "90 min instead of 60");
    }

    #[test]
    fn a_clock_that_was_set_back_brings_ticks_back_in_phase() {
        let interval = Duration::from_mins(15);
        assert_eq!(brought_back(at(8_100), interval, at(300)), Some(at(900)));
        assert_eq!(brought_back(at(8_100), interval, at(0)), Some(at(900)));
        assert_eq!(brought_back(at(900), interval, at(0)), None);
        assert_eq!(brought_back(at(900), interval, at(-60)), None);
        assert_eq!(brought_back(at(900), interval, at(5_000)), None);
    }

    proptest! {
        #[test]
        fn stretched_syncs_ask_for_no_more_than_there_is(
            minutes in prop::collection::vec(1..120u64, 1..60), queries in 2..400u32,
        ) {
            let intervals: Vec<Duration> = minutes.into_iter().map(Duration::from_mins).collect();
            let stretch = Stretch::of(&intervals, queries);
            let given = |interval: &Duration| stretch.map_or(*interval, |stretch| stretch.given(*interval));
            let an_hour: f64 = intervals.iter().map(|interval| 3_600.0 / given(interval).as_secs_f64()).sum();
            prop_assert!(an_hour < f64::from(queries));
            prop_assert!(intervals.iter().all(|interval| given(interval) >= *interval));
        }

        #[test]
        fn a_tick_that_is_brought_back_is_the_next_one_of_its_rhythm(
            due in -1_000_000..1_000_000i64,
            interval in 1..100_000u64,
            now in -1_000_000..1_000_000i64,
        ) {
            let every = interval.cast_signed();
            match brought_back(at(due), Duration::from_secs(interval), at(now)) {
                None => prop_assert!(due <= now + every + 60),
                Some(next) => {
                    let next = next.as_second();
                    prop_assert!(next > now && next <= now + every && next < due);
                    prop_assert_eq!((due - next) % every, 0);
                }
            }
        }

        #[test]
        fn the_next_tick_is_always_ahead_and_at_most_an_interval_away(
            previous in prop::option::of(-1_000_000..1_000_000i64),
            interval in 1..100_000u64,
            now in -1_000_000..1_000_000i64,
        ) {
            let next = next_due(previous.map(at), Duration::from_secs(interval), at(now));
            prop_assert!(next > at(now));
            prop_assert!(next <= at(now + interval.cast_signed()));
        }
    }
}
