//! The time of day, in one place: everything else is handed a time or asks this clock.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// A simulated clock starts here and advances with tokio's, which tests can pause.
    simulated: Option<(Timestamp, Instant)>,
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
        Self { simulated: Some((start, Instant::now())) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.simulated {
            None => Timestamp::now(),
            Some((start, anchor)) => {
                let passed = SignedDuration::try_from(anchor.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

/// A time of day as the operator reads it: local, to the minute.
pub(super) fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
}
