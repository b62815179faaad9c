//! The pacer against simulated feeds: token buckets that refuse what exceeds them, in virtual time.

use super::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A feed that allows so many users a second and saves up allowance for a while.
struct Feed {
    allowed: f64,
    burst_seconds: f64,
    retry_after: Option<Duration>,
    /// Over how many seconds the feed measures the use that it tells.
    tells_use_of: Option<u64>,
    /// Whether somebody else used all of it until just now.
    was_busy: bool,
    latency: Duration,
}

impl Feed {
    fn allowing(allowed: f64) -> Self {
        let latency = Duration::from_millis(20);
        Self { allowed, burst_seconds: 1.0, retry_after: None, tells_use_of: None, was_busy: false, latency }
    }
}

/// What a feed saw after the pacer had some seconds to learn.
#[derive(Debug)]
struct Seen {
    /// Accepted users a second, as a share of what was allowed.
    share: f64,
    /// Refused requests, as a share of all.
    refused: f64,
}

const USERS: usize = 100;
const LEARNING: f64 = 5.0;

/// Sends as much as the pacer admits for so many seconds.
fn simulate(feed: &Feed, seconds: f64, max_in_flight: usize) -> Seen {
    let mut pacer = Pacer::new(PacerOptions { max_in_flight, ..PacerOptions::default() });
    let start = Instant::now();
    let since = |now: Instant| now.duration_since(start).as_secs_f64();
    let mut in_flight: BinaryHeap<Reverse<(Instant, u64, bool, u8)>> = BinaryHeap::new();
    let (mut now, mut number) = (start, 0);
    let (mut allowance, mut refilled) = (feed.allowed * feed.burst_seconds, start);
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let mut lately: VecDeque<Instant> = VecDeque::new();
    if feed.was_busy {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
        let requests = (feed.allowed * feed.tells_use_of.unwrap_or(10) as f64 / USERS as f64) as usize;
        lately.extend(std::iter::repeat_n(start, requests));
    }
    while since(now) < seconds {
        let admission = pacer.admit(now, USERS);
        let answers_at = in_flight.peek().map(|Reverse((at, ..))| *at);
        let next = match admission {
            Admission::Go => {
                let refill = now.duration_since(refilled).as_secs_f64() * feed.allowed;
                allowance = (allowance + refill).min(feed.allowed * feed.burst_seconds);
                refilled = now;
                let is_accepted = allowance >= USERS as f64;
                if is_accepted {
                    allowance -= USERS as f64;
                }
                if since(now) >= LEARNING {
                    *(if is_accepted { &mut accepted } else { &mut refused }) += 1;
                }
                if is_accepted {
                    lately.push_back(now);
                }
                let window = Duration::from_secs(feed.tells_use_of.unwrap_or(10));
                while lately.front().is_some_and(|at| now.duration_since(*at) > window) {
                    lately.pop_front();
                }
                let used = (lately.len() * USERS) as f64 / (feed.allowed * window.as_secs_f64());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 110")]
                let percent = (used * 100.0) as u8;
                number += 1;
                in_flight.push(Reverse((now + feed.latency, number, is_accepted, percent)));
                continue;
            }
            Admission::WaitUntil(moment) => answers_at.map_or(moment, |at| at.min(moment)),
            Admission::Full => answers_at.expect("full of requests in flight"),
        };
        now = next;
        while let Some(Reverse((at, _, is_accepted, percent))) = in_flight.peek().copied()
            && at <= now
        {
            in_flight.pop();
            let feedback = if is_accepted {
                let percent_used = feed.tells_use_of.map(|_| percent);
                Feedback::Answered { elapsed: feed.latency, percent_used }
            } else {
                Feedback::Refused { limit: Limit::Speed, retry_after: feed.retry_after }
            };
            pacer.answered(now, USERS, feedback);
        }
    }
    let sent_for = seconds - LEARNING;
    Seen {
        share: accepted as f64 * USERS as f64 / sent_for / feed.allowed,
        refused: refused as f64 / (accepted + refused).max(1) as f64,
    }
}

const ALLOWED: [f64; 3] = [270.0, 2_700.0, 50_000.0];

#[test]
fn nine_tenths_of_what_a_feed_allows_with_hardly_a_refusal() {
    for allowed in ALLOWED {
        for retry_after in [None, Some(Duration::from_secs(1)), Some(Duration::from_secs(2))] {
            let seen = simulate(&Feed { retry_after, ..Feed::allowing(allowed) }, 305.0, 32);
            assert!(seen.share >= 0.9, "{allowed} users/s, {retry_after:?}: {seen:?}");
            assert!(seen.refused < 0.02, "{allowed} users/s, {retry_after:?}: {seen:?}");
        }
    }
}

#[test]
fn feeds_that_save_up_little_or_much_are_learnt_as_well() {
    for allowed in ALLOWED {
        for burst_seconds in [0.5, 2.0, 5.0] {
            let seen = simulate(&Feed { burst_seconds, ..Feed::allowing(allowed) }, 305.0, 32);
            assert!(seen.share >= 0.9, "{allowed} users/s, {burst_seconds} s of burst: {seen:?}");
            assert!(seen.refused < 0.02, "{allowed} users/s, {burst_seconds} s of burst: {seen:?}");
        }
    }
}

#[test]
fn four_requests_in_flight_are_enough_for_the_documented_rate() {
    let slow = Feed { latency: Duration::from_millis(400), ..Feed::allowing(270.0) };
    let seen = simulate(&slow, 305.0, 4);
    assert!(seen.share >= 0.9 && seen.refused < 0.02, "{seen:?}");
}

#[test]
fn a_feed_that_tells_its_use_is_fed_well() {
    for allowed in ALLOWED {
        for seconds in [1, 10] {
            let feed = Feed { tells_use_of: Some(seconds), ..Feed::allowing(allowed) };
            let seen = simulate(&feed, 305.0, 32);
            assert!(seen.share >= 0.9 && seen.refused < 0.02, "{allowed}, over {seconds} s: {seen:?}");
        }
    }
}

#[test]
fn a_feed_that_was_busy_until_just_now_is_soon_used_again() {
    for seconds in [2, 5] {
        let feed = Feed { tells_use_of: Some(seconds), was_busy: true, ..Feed::allowing(2_700.0) };
        let seen = simulate(&feed, 65.0, 4);
        assert!(seen.share >= 0.8 && seen.refused < 0.02, "over {seconds} s: {seen:?}");
    }
}

fn quick() -> Feedback {
    Feedback::Answered { elapsed: Duration::from_millis(10), percent_used: None }
}

fn refused(limit: Limit) -> Feedback {
    Feedback::Refused { limit, retry_after: None }
}

#[test]
fn the_window_opens_by_one_a_round_and_closes_on_failures() {
    let mut pacer = Pacer::new(PacerOptions { max_in_flight: 3, ..PacerOptions::default() });
    let now = Instant::now();
    let fill = |pacer: &mut Pacer| {
        let mut admitted = 0;
        while pacer.admit(now, 1) == Admission::Go {
            admitted += 1;
        }
        admitted
    };
    for expected in [1, 2, 3, 3] {
        assert_eq!(fill(&mut pacer), expected);
        (0..expected).for_each(|_| pacer.answered(now, 1, quick()));
    }
    fill(&mut pacer);
    (0..3).for_each(|_| pacer.answered(now, 1, Feedback::Failed { retry_after: None }));
    assert_eq!(fill(&mut pacer), 1);
}

#[test]
fn retry_after_stops_the_feed_and_the_longest_one_counts() {
    let mut pacer = Pacer::new(PacerOptions::default());
    let now = Instant::now();
    for seconds in [30, 10] {
        pacer.answered(now, 1, Feedback::Failed { retry_after: Some(Duration::from_secs(seconds)) });
    }
    assert_eq!(pacer.admit(now, 1), Admission::WaitUntil(now + Duration::from_secs(30)));
    assert_eq!(pacer.admit(now + Duration::from_secs(30), 1), Admission::Go);
    let forever = Feedback::Failed { retry_after: Some(Duration::from_secs(u64::MAX)) };
    pacer.answered(now, 1, forever);
    assert_eq!(pacer.stopped_until(), Some(now + Duration::from_hours(1)));
}

#[test]
fn an_acceleration_limit_flattens_the_ramp_and_hardly_lowers_the_rate() {
    let mut pacer = Pacer::new(PacerOptions::default());
    let mut now = Instant::now();
    for _ in 0..20 {
        pacer.admit(now, USERS);
        now += Duration::from_millis(100);
        pacer.answered(now, USERS, quick());
    }
    pacer.answered(now, USERS, refused(Limit::Acceleration));
    let first = pacer.users_per_second().unwrap();
    assert!((900.0..1_200.0).contains(&first), "what was accepted a second: {first}");
    now += Duration::from_secs(1);
    let growth = pacer.rate.as_ref().unwrap().growth;
    pacer.answered(now, USERS, refused(Limit::Acceleration));
    assert!(pacer.users_per_second().unwrap() >= first * 0.9);
    assert!(pacer.rate.as_ref().unwrap().growth <= growth / 2.0);
}

#[test]
fn a_limit_that_is_raised_is_noticed() {
    let mut pacer = Pacer::new(PacerOptions::default());
    let mut now = Instant::now();
    pacer.answered(now, USERS, refused(Limit::Speed));
    let before = pacer.users_per_second().unwrap();
    for _ in 0..600 {
        now += Duration::from_secs(1);
        if pacer.admit(now, USERS) == Admission::Go {
            pacer.answered(now, USERS, quick());
        }
    }
    assert!(pacer.users_per_second().unwrap() > before * 2.0);
}

#[test]
fn the_time_in_which_a_feed_fails_says_nothing_about_its_limit() {
    let mut pacer = Pacer::new(PacerOptions::default());
    let mut now = Instant::now();
    pacer.answered(now, USERS, refused(Limit::Speed));
    let second = Duration::from_secs(1);
    let mut after_a_second = |pacer: &mut Pacer, feedback| {
        now += second;
        assert_eq!(pacer.admit(now, USERS), Admission::Go);
        pacer.answered(now, USERS, feedback);
        pacer.users_per_second().unwrap()
    };
    let failed = Feedback::Failed { retry_after: None };
    let before = after_a_second(&mut pacer, failed);
    for _ in 0..30 {
        assert!((after_a_second(&mut pacer, failed) - before).abs() < f64::EPSILON);
    }
    assert!((after_a_second(&mut pacer, quick()) - before).abs() < f64::EPSILON);
    assert!(after_a_second(&mut pacer, quick()) > before, "the feed is searched on");
}

#[test]
fn a_documented_limit_is_kept_from_the_first_request_on() {
    let options = PacerOptions { most_per_second: Some(15), max_in_flight: 8, ..PacerOptions::default() };
    let mut pacer = Pacer::new(options);
    let start = Instant::now();
    let mut now = start;
    for seconds in 1..=600_u64 {
        let mut admitted = 0;
        while now < start + Duration::from_secs(seconds) {
            match pacer.admit(now, 1) {
                Admission::Go => {
                    admitted += 1;
                    pacer.answered(now, 1, quick());
                }
                Admission::WaitUntil(moment) => now = moment,
                Admission::Full => panic!("every request was answered"),
            }
        }
        assert!((14..=16).contains(&admitted), "second {seconds}: {admitted}");
    }
    pacer.answered(now, 1, refused(Limit::Other));
    assert!(pacer.users_per_second().unwrap() < 15.0, "a refusal lowers it all the same");
}

use proptest::prelude::*;

proptest! {
    #[test]
    fn no_course_of_events_panics_or_stops_a_feed_for_good(
        events in prop::collection::vec((0..8_u8, 0..5_000_u64, 0..1_000_usize), 1..300),
    ) {
        let mut pacer = Pacer::new(PacerOptions::default());
        let mut now = Instant::now();
        for (event, milliseconds, users) in events {
            now += Duration::from_millis(milliseconds);
            let elapsed = Duration::from_millis(milliseconds);
            match event {
                0..3 => { pacer.admit(now, users); }
                3 => pacer.answered(now, users, Feedback::Answered { elapsed, percent_used: None }),
                4 => pacer.answered(now, users, Feedback::Answered { elapsed, percent_used: Some(97) }),
                5 => pacer.answered(now, users, refused(Limit::Other)),
                6 => pacer.answered(now, users, refused(Limit::Acceleration)),
                _ => pacer.abandoned(),
            }
            if let Some(rate) = pacer.users_per_second() {
                prop_assert!(rate.is_finite() && rate >= LOWEST_RATE);
            }
        }
        (0..10).for_each(|_| pacer.abandoned());
        prop_assert_eq!(pacer.admit(now + Duration::from_hours(10), 1), Admission::Go);
    }
}
