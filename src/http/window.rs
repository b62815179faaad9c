//! How many requests may be in flight: one more a round while answers are quick, fewer when they are slow or fail.
//! Pure, and only about the number; the rate is `pacing`'s.

use std::time::Duration;

/// The limit on requests in flight: one more per round while answers are quick, fewer when they are slow.
#[derive(Debug)]
pub(super) struct Window {
    limit: f64,
    max: usize,
    in_flight: usize,
    /// Whether the limit was reached in this round; an unused limit is no evidence that it could be higher.
    reached: bool,
    answers: usize,
    elapsed: Duration,
    /// A moving average of the rounds before.
    usual: Option<Duration>,
}

impl Window {
    /// A window of one request, which may open to `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            limit: 1.0,
            max: max.max(1),
            in_flight: 0,
            reached: false,
            answers: 0,
            elapsed: Duration::ZERO,
            usual: None,
        }
    }

    /// May open to `max` from now on, and to no more.
    pub(super) fn allow(&mut self, max: usize) {
        self.max = max.max(1);
        self.limit = self.limit.min(self.max as f64);
    }

    /// Whether no other request may leave before one is answered.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.size()
    }

    /// A request leaves.
    pub(super) fn enter(&mut self) {
        self.in_flight += 1;
        self.reached |= self.is_full();
    }

    /// How many requests may be in flight now.
    pub(super) fn size(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1.0 to max, small and positive"
        )]
        let size = self.limit as usize;
        size.clamp(1, self.max)
    }

    /// A request came back.
    pub(super) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Ends a round when as many answers came as may be in flight.
    pub(super) fn answered(&mut self, elapsed: Duration) {
        self.answers += 1;
        self.elapsed += elapsed;
        if self.answers < self.size() {
            return;
        }
        let mean = self.elapsed.as_secs_f64() / self.answers as f64;
        let usual = self.usual.map_or(mean, |usual| usual.as_secs_f64());
        // A few milliseconds are noise, whatever the share.
        let quick = mean <= usual * 1.5 + 0.005;
        let reached = std::mem::take(&mut self.reached);
        self.usual = Some(Duration::from_secs_f64(usual * 0.8 + mean * 0.2));
        if !quick {
            self.shrink(0.9);
        } else if reached {
            self.limit = (self.limit + 1.0).min(self.max as f64);
        }
        self.answers = 0;
        self.elapsed = Duration::ZERO;
    }

    /// Makes it smaller by a factor.
    pub(super) fn shrink(&mut self, factor: f64) {
        self.limit = (self.limit * factor).max(1.0);
    }
}
