//! How fast a feed may be fed: a limit on requests in flight and, once the feed has said "too fast", a rate
//! in users per second. Pure, the time is passed in; waiting and sharing belong to [`super::gate`].
//!
//! mParticle does not publish an account's limit, it only refuses (mParticle reference, Rate-limit signals):
//! a *speed* limit asks for a lower rate, an *acceleration* limit for a slower ramp, and 2xx answers may tell
//! how much of the limit is used. So the rate is learnt: a refusal lowers it, by the more the sooner it came,
//! and then it creeps back up, ever quicker the longer nothing is refused. What was accepted since an earlier
//! refusal is a floor, because the feed had no allowance saved up then.

use super::window::Window;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Which limit a feed says was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Too many users a second.
    Speed,
    /// The rate rose too quickly.
    Acceleration,
    /// Refused without saying which; treated like speed.
    Other,
}

/// How a request that was admitted ended, as far as its pace is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// The feed took it (whatever it thinks of single users).
    Answered {
        /// How long the answer took.
        elapsed: Duration,
        /// The share of the limit that is in use, where the feed tells it.
        percent_used: Option<u8>,
    },
    /// The feed refused it for its pace (429).
    Refused {
        /// Which limit was exceeded.
        limit: Limit,
        /// How long the feed asked everyone to wait.
        retry_after: Option<Duration>,
    },
    /// No usable answer: a time-out, a cut connection or a 5xx.
    Failed {
        /// How long the feed asked everyone to wait.
        retry_after: Option<Duration>,
    },
}

/// Whether a request may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and counts as in flight from now on.
    Go,
    /// Not before this moment.
    WaitUntil(Instant),
    /// Not before another request is answered.
    Full,
}

/// The bounds of a pacer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacerOptions {
    /// The most requests in flight.
    pub max_in_flight: usize,
    /// The longest `Retry-After` that is believed.
    pub retry_after_limit: Duration,
    /// The most users a second, where the limit is documented: kept from the first request on, and never exceeded.
    pub most_per_second: Option<u32>,
}

impl Default for PacerOptions {
    fn default() -> Self {
        Self { max_in_flight: 4, retry_after_limit: Duration::from_hours(1), most_per_second: None }
    }
}

/// The pace of one feed.
#[derive(Debug)]
pub struct Pacer {
    window: Window,
    rate: Option<Rate>,
    /// Nothing leaves before this moment, because the feed said so.
    stopped_until: Option<Instant>,
    retry_after_limit: Duration,
    /// A documented limit, in users a second.
    ceiling: Option<f64>,
    /// What was accepted in the last moments, for the first guess at a rate.
    recent: VecDeque<(Instant, u64)>,
    percent_used: Option<u8>,
}

/// A learnt rate.
#[derive(Debug)]
struct Rate {
    users_per_second: f64,
    /// The share by which the rate grows each second.
    growth: f64,
    /// The earliest moment the next request may leave.
    next: Instant,
    grown_at: Instant,
    /// Whether the feed has taken something since it last failed.
    is_proven: bool,
    lowered_at: Instant,
    /// Users accepted since the rate was first learnt.
    accepted: u64,
    /// How long the feed asked everyone to wait, in all, since the rate was first learnt.
    paused: Duration,
    /// Refusals of the last minute.
    refusals: VecDeque<Refusal>,
    /// The share of the limit in use as the feed tells it, in percent, averaged over some answers.
    share: Option<f64>,
    /// When that was last told.
    heard_at: Instant,
}

/// How things stood at a refusal.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    at: Instant,
    accepted: u64,
    paused: Duration,
}

/// Below this nothing is learnt from waiting longer.
const LOWEST_RATE: f64 = 10.0;
/// What a feed takes by default (mParticle, Default Service Limits).
const DOCUMENTED_RATE: f64 = 270.0;
/// How far below the measured limit the rate settles.
const BELOW_LIMIT: f64 = 0.95;
/// The least growth a second: a twentieth in about half a minute.
const SLOW_GROWTH: f64 = 0.0015;
/// Growth a second while nothing is known, and the most at any time.
const SEARCHING_GROWTH: f64 = 0.10;
/// After a refusal the rate takes so many seconds to creep back up to what was refused.
const CALM: f64 = 40.0;
/// Refusals this close together belong to requests that left before the rate was lowered.
const ONE_ROUND: Duration = Duration::from_millis(50);
/// For so long a refusal says that the limit is near.
const FRESH: Duration = Duration::from_secs(5);
/// Requests this far behind schedule may leave together, which evens out timers and slow answers.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Of how much time the first guess at a rate is made.
const RECENT: Duration = Duration::from_secs(2);

impl Pacer {
    /// A pacer that knows nothing about its feed.
    #[must_use]
    pub fn new(options: PacerOptions) -> Self {
        Self {
            window: Window::new(options.max_in_flight),
            rate: None,
            stopped_until: None,
            retry_after_limit: options.retry_after_limit,
            ceiling: options.most_per_second.map(f64::from),
            recent: VecDeque::new(),
            percent_used: None,
        }
    }

    /// Lets so many requests be in flight from now on.
    pub fn allow(&mut self, max_in_flight: usize) {
        self.window.allow(max_in_flight);
    }

    /// Asks to send a request for so many users.
    pub fn admit(&mut self, now: Instant, users: usize) -> Admission {
        if let Some(until) = self.stopped_until.filter(|until| *until > now) {
            return Admission::WaitUntil(until);
        }
        if self.window.is_full() {
            return Admission::Full;
        }
        if let (None, Some(ceiling)) = (&self.rate, self.ceiling) {
            self.rate = Some(Rate::new(now, ceiling, SLOW_GROWTH));
        }
        if let Some(rate) = &mut self.rate {
            rate.grow(now);
            rate.users_per_second = rate.users_per_second.min(self.ceiling.unwrap_or(f64::INFINITY));
            if rate.next > now {
                return Admission::WaitUntil(rate.next);
            }
            let start = now.checked_sub(CATCH_UP).map_or(rate.next, |earliest| rate.next.max(earliest));
            rate.next = start + Duration::from_secs_f64(users as f64 / rate.users_per_second);
        }
        self.window.enter();
        Admission::Go
    }

    /// Notes how an admitted request of so many users ended.
    pub fn answered(&mut self, now: Instant, users: usize, feedback: Feedback) {
        self.window.leave();
        match feedback {
            Feedback::Answered { elapsed, percent_used } => {
                self.window.answered(elapsed);
                self.accepted(now, users as u64, percent_used);
            }
            Feedback::Refused { limit, retry_after } => {
                self.refused(now, users, limit);
                self.stop(now, retry_after);
            }
            Feedback::Failed { retry_after } => {
                self.window.shrink(0.7);
                if let Some(rate) = &mut self.rate {
                    rate.is_proven = false;
                }
                self.stop(now, retry_after);
            }
        }
    }

    /// Notes that an admitted request was given up before its end, which says nothing about the feed.
    pub fn abandoned(&mut self) {
        self.window.leave();
    }

    /// The share of the limit in use, as the feed last told it.
    #[must_use]
    pub fn percent_used(&self) -> Option<u8> {
        self.percent_used
    }

    /// The learnt rate; `None` while the feed has set no limit.
    #[must_use]
    pub fn users_per_second(&self) -> Option<f64> {
        self.rate.as_ref().map(|rate| rate.users_per_second)
    }

    /// Until when the feed asked not to be spoken to.
    #[must_use]
    pub fn stopped_until(&self) -> Option<Instant> {
        self.stopped_until
    }

    fn accepted(&mut self, now: Instant, users: u64, percent_used: Option<u8>) {
        self.recent.push_back((now, users));
        self.forget_old(now);
        self.percent_used = percent_used.or(self.percent_used);
        if percent_used.is_some_and(|percent| percent > 90) && self.rate.is_none() {
            self.rate = Some(Rate::new(now, self.recent_rate(now), SLOW_GROWTH));
        }
        if let Some(rate) = &mut self.rate {
            rate.accepted += users;
            rate.prove(now);
            if let Some(percent) = percent_used {
                rate.told(now, percent);
            }
        }
    }

    fn refused(&mut self, now: Instant, users: usize, limit: Limit) {
        self.window.shrink(0.9);
        let recent = self.recent_rate(now);
        match (&mut self.rate, limit) {
            (Some(rate), Limit::Acceleration) => rate.grew_too_quickly(now),
            (Some(rate), Limit::Speed | Limit::Other) => rate.refused(now, users as u64),
            (None, Limit::Acceleration) => self.rate = Some(Rate::new(now, recent, SEARCHING_GROWTH)),
            (None, Limit::Speed | Limit::Other) => {
                // A refusal before anything was accepted is no measure of the limit; the documented one is.
                let mut rate = Rate::new(now, (recent * 0.7).max(DOCUMENTED_RATE), SEARCHING_GROWTH);
                rate.note_refusal(now);
                rate.hold_back(now, users as u64);
                self.rate = Some(rate);
            }
        }
    }

    fn stop(&mut self, now: Instant, retry_after: Option<Duration>) {
        if let Some(wait) = retry_after {
            let until = now + wait.min(self.retry_after_limit);
            let already = self.stopped_until.map_or(now, |known| known.max(now));
            if let Some(rate) = &mut self.rate {
                rate.paused += until.saturating_duration_since(already);
            }
            self.stopped_until = Some(until.max(already));
        }
    }

    /// Users a second that were accepted lately; short bursts count as lasting a quarter of a second.
    fn recent_rate(&mut self, now: Instant) -> f64 {
        self.forget_old(now);
        let users: u64 = self.recent.iter().map(|(_, users)| users).sum();
        let since = self.recent.front().map_or(now, |(at, _)| *at);
        users as f64 / now.duration_since(since).as_secs_f64().max(0.25)
    }

    fn forget_old(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > RECENT) {
            self.recent.pop_front();
        }
    }
}

impl Rate {
    fn new(now: Instant, users_per_second: f64, growth: f64) -> Self {
        Self {
            users_per_second: users_per_second.max(LOWEST_RATE),
            growth,
            next: now,
            grown_at: now,
            is_proven: true,
            lowered_at: now,
            accepted: 0,
            paused: Duration::ZERO,
            refusals: VecDeque::new(),
            share: None,
            heard_at: now,
        }
    }

    /// The feed took something. The time in which it failed, and everybody waited, says nothing about its limit.
    fn prove(&mut self, now: Instant) {
        if !self.is_proven {
            (self.is_proven, self.grown_at) = (true, now);
        }
    }

    /// Grows with the time that passed; more than a few seconds without requests prove nothing.
    fn grow(&mut self, now: Instant) {
        if !self.is_proven {
            return;
        }
        let passed = now.duration_since(self.grown_at).as_secs_f64().min(5.0);
        self.grown_at = now;
        // Long without a refusal, the limit is higher than was thought or was raised: the search quickens.
        let calm = now.duration_since(self.lowered_at).as_secs_f64();
        let growth = (self.growth * (calm / CALM).powi(2).clamp(1.0, 50.0)).min(SEARCHING_GROWTH);
        self.users_per_second *= 1.0 + growth * passed;
    }

    /// Lowers the rate after a refusal: by the more, the sooner it came, but never below what the feed is
    /// known to let through.
    fn refused(&mut self, now: Instant, users: u64) {
        if now.duration_since(self.lowered_at) < ONE_ROUND {
            self.hold_back(now, users);
            return;
        }
        // Whatever the feed has saved up is used up the sooner, the more the rate exceeds the limit. Pauses
        // do not count: nothing was sent in them.
        let last = self.refusals.back();
        let paused = self.paused.saturating_sub(last.map_or(self.paused, |refusal| refusal.paused));
        let sending = now.duration_since(self.lowered_at).saturating_sub(paused);
        let factor = match sending.as_secs() {
            0..2 => 0.6,
            2..10 => 0.8,
            10..30 => 0.9,
            _ => BELOW_LIMIT,
        };
        let refused = self.users_per_second;
        let known = self.known_limit(now, users).map_or(0.0, |limit| limit.min(refused) * BELOW_LIMIT);
        self.users_per_second = (refused * factor).max(known).max(LOWEST_RATE);
        self.growth = ((refused / self.users_per_second - 1.0) / CALM).max(SLOW_GROWTH);
        self.lowered_at = now;
        self.grown_at = now;
        if factor < 0.7 {
            // What was accepted earlier no longer describes the limit.
            self.refusals.clear();
        }
        self.note_refusal(now);
        self.hold_back(now, users);
    }

    fn note_refusal(&mut self, now: Instant) {
        self.refusals.push_back(Refusal { at: now, accepted: self.accepted, paused: self.paused });
        let is_old = |refusal: &Refusal| now.duration_since(refusal.at) > Duration::from_mins(1);
        while self.refusals.len() > 1 && self.refusals.front().is_some_and(is_old) {
            self.refusals.pop_front();
        }
    }

    /// What the feed lets through at least: it had nothing saved up at the first refusal that is remembered,
    /// so everything accepted since then is what it allows. Too few requests say nothing.
    fn known_limit(&self, now: Instant, users: u64) -> Option<f64> {
        let since = self.refusals.front()?;
        let accepted = self.accepted - since.accepted;
        let seconds = now.duration_since(since.at).as_secs_f64().max(0.001);
        (accepted >= users.max(1) * 5).then(|| accepted as f64 / seconds)
    }

    /// Lets the feed gather the allowance for one request.
    fn hold_back(&mut self, now: Instant, users: u64) {
        let refill = Duration::from_secs_f64(users as f64 / self.users_per_second);
        self.next = self.next.max(now + refill.min(Duration::from_secs(10)));
    }

    fn grew_too_quickly(&mut self, now: Instant) {
        if now.duration_since(self.lowered_at) > Duration::from_millis(500) {
            self.growth = (self.growth / 2.0).max(SLOW_GROWTH / 2.0);
            self.users_per_second = (self.users_per_second * BELOW_LIMIT).max(LOWEST_RATE);
            self.lowered_at = now;
            self.grown_at = now;
        }
    }

    /// Uses the share that the feed tells: grow quickly below 75 %, less so up to 90 % and slowly above; close to the limit hold,
    /// and at it back off, while the last refusal is fresh. A single share says little, for one request may be a
    /// third of what a second allows; and a limit that is said to be reached for long without a refusal is not.
    fn told(&mut self, now: Instant, percent: u8) {
        let share = self.share.map_or(f64::from(percent), |usual| usual * 0.85 + f64::from(percent) * 0.15);
        self.share = Some(share);
        let since_lowered = now.duration_since(self.lowered_at);
        let passed = now.duration_since(self.heard_at).as_secs_f64().min(1.0);
        self.heard_at = now;
        let was_refused = self.refusals.back().is_some_and(|last| now.duration_since(last.at) < FRESH);
        if share >= 99.5 && was_refused {
            if since_lowered > Duration::from_secs(1) {
                self.users_per_second = (self.users_per_second * 0.98).max(LOWEST_RATE);
                self.lowered_at = now;
            }
            self.grown_at = now;
        } else if share >= 97.0 && was_refused {
            self.grown_at = now;
        } else if share > 90.0 {
            // No quicker than that, however quickly it would grow by itself.
            self.grown_at = now;
            self.users_per_second *= 1.0 + passed * SLOW_GROWTH;
        } else if self.refusals.is_empty() || since_lowered > Duration::from_secs(5) {
            let most = if self.refusals.is_empty() { SEARCHING_GROWTH } else { SEARCHING_GROWTH / 2.0 };
            let growth = most * ((90.0 - share) / 15.0).clamp(0.1, 1.0);
            self.grown_at = now;
            self.users_per_second *= 1.0 + passed * growth;
        }
    }
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
