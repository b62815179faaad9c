//! The time of day, in one place: everything else is handed a time or asks this clock.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Tells the time; clones tell the same.
#[derive(Debug, Clone)]
pub struct Clock {
    /// `None` is the system's clock.
    simulated: Option<Arc<Simulated>>,
}

/// A clock that advances with tokio's, which tests can pause.
#[derive(Debug)]
struct Simulated {
    anchor: Instant,
    /// What it would have shown at the anchor, as it is set now.
    // Held for a few instructions only, never across an await.
    at_anchor: Mutex<Timestamp>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { simulated: None }
    }

    /// A clock that starts at `start` and advances with tokio's timers.
    #[must_use]
    pub fn simulated(start: Timestamp) -> Self {
        let simulated = Simulated { anchor: Instant::now(), at_anchor: Mutex::new(start) };
        Self { simulated: Some(Arc::new(simulated)) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let Some(simulated) = &self.simulated else { return Timestamp::now() };
        let passed = SignedDuration::try_from(simulated.anchor.elapsed()).unwrap_or(SignedDuration::MAX);
        simulated.at_anchor().saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Sets a simulated clock forwards or back, while no timer notices: what happens when the machine slept or
    /// somebody set its clock. The system's clock is not ours to set and stays as it is.
    pub fn set_by(&self, change: SignedDuration) {
        if let Some(simulated) = &self.simulated {
            let mut at_anchor = simulated.at_anchor();
            *at_anchor = at_anchor.saturating_add(change).unwrap_or(*at_anchor);
        }
    }
}

impl Simulated {
    fn at_anchor(&self) -> MutexGuard<'_, Timestamp> {
        // A panic while it was held cannot leave a time half-written.
        self.at_anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time of day as the operator reads it: local, to the minute.
pub(super) fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_goes_with_tokio_s_and_can_be_set() {
        let start: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let clock = Clock::simulated(start);
        let same = clock.clone();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(same.now(), start + SignedDuration::from_secs(5));
        clock.set_by(SignedDuration::from_hours(-2));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(same.now(), start + SignedDuration::from_secs(6 - 7_200));
    }
}
