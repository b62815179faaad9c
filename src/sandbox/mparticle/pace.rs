//! The feed's rate limit: so many users a second. Owns the bucket, the refusal and the header that says how close a
//! client is; what counts as a user is left to the parent module.

use std::time::Duration;

use hyper::header::RETRY_AFTER;
use tokio::time::Instant;

use super::super::reply::Reply;

/// How far back the reported percentage looks.
const MEMORY: f64 = 2.0;

#[derive(Debug)]
pub(in crate::sandbox) struct Pace {
    limit: Option<f64>,
    /// Users that may come at once; it refills with time.
    tokens: f64,
    /// The recent rate in users a second, older traffic counting less and less.
    recent: f64,
    last: Instant,
    refusals: u64,
}

impl Pace {
    pub(super) fn new(users_per_second: Option<u32>) -> Self {
        let mut pace = Self { limit: None, tokens: 0.0, recent: 0.0, last: Instant::now(), refusals: 0 };
        pace.set_limit(users_per_second);
        pace
    }

    pub(in crate::sandbox) fn set_limit(&mut self, users_per_second: Option<u32>) {
        self.limit = users_per_second.map(f64::from);
        self.tokens = self.limit.map_or(0.0, capacity);
    }

    /// Takes a request of so many users, or refuses it. Every other refusal says when to come back.
    pub(super) fn admit(&mut self, users: usize) -> Result<(), Reply> {
        let elapsed = self.last.elapsed();
        self.last = Instant::now();
        if self.take(users as f64, elapsed) {
            return Ok(());
        }
        self.refusals += 1;
        let refusal = Reply::empty(429).header("X-mp-rate-limit-exceeded", "\"feed\"");
        Err(if self.refusals.is_multiple_of(2) { refusal } else { refusal.header(RETRY_AFTER.as_str(), 1) })
    }

    /// Adds the header that accepted requests carry.
    pub(super) fn tell(&self, reply: Reply) -> Reply {
        match self.percentage_used() {
            Some(percentage) if (200..300).contains(&reply.status) => {
                reply.header("X-mp-rate-limit-percentage-used", format!("{percentage:.0}"))
            }
            _ => reply,
        }
    }

    fn take(&mut self, users: f64, elapsed: Duration) -> bool {
        self.recent *= (-elapsed.as_secs_f64() / MEMORY).exp();
        let Some(limit) = self.limit else { return true };
        self.tokens = (self.tokens + limit * elapsed.as_secs_f64()).min(capacity(limit));
        // A limit below one full request must still let one pass, now and then.
        if self.tokens < users.min(capacity(limit)) {
            return false;
        }
        self.tokens -= users;
        self.recent += users / MEMORY;
        true
    }

    fn percentage_used(&self) -> Option<f64> {
        Some((100.0 * self.recent / self.limit?).min(100.0))
    }
}

/// A second's worth may come at once, and never less than one full request.
fn capacity(limit: f64) -> f64 {
    limit.max(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_client_at_the_limit_is_never_refused_and_a_faster_one_is() {
        let mut pace = Pace::new(Some(1_000));
        assert!((0..600).all(|_| pace.take(100.0, Duration::from_millis(101))));
        assert!(pace.percentage_used().is_some_and(|percentage| percentage > 90.0));
        assert!(!(0..600).all(|_| pace.take(100.0, Duration::from_millis(90))));
    }

    #[test]
    fn an_idle_client_sees_the_percentage_fall() {
        let mut pace = Pace::new(Some(1_000));
        assert!((0..60).all(|_| pace.take(50.0, Duration::from_millis(100))));
        assert!(pace.percentage_used().is_some_and(|percentage| (45.0..55.0).contains(&percentage)));
        assert!(pace.take(0.0, Duration::from_secs(30)));
        assert!(pace.percentage_used().is_some_and(|percentage| percentage < 1.0));
    }

    #[test]
    fn a_limit_below_one_request_still_lets_requests_pass() {
        let mut pace = Pace::new(Some(10));
        assert!(pace.take(100.0, Duration::ZERO));
        assert!(!pace.take(100.0, Duration::from_secs(5)));
        assert!(pace.take(100.0, Duration::from_secs(6)));
    }
}
