//! One feed's pacer shared by many senders: first come, first served, and giving up is safe at any moment.
//! What the pace is belongs to [`super::pacing`].

use super::pacing::{Admission, Feedback, Pacer, PacerOptions};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A cheap handle on the gate of one feed.
#[derive(Debug, Clone)]
pub struct FeedGate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// A std mutex, because it is held for a few instructions and never across an await.
    pacer: Mutex<Pacer>,
    /// Whoever holds the turn is next to enter; tokio's mutex hands it on in the order of asking.
    turn: tokio::sync::Mutex<()>,
    /// An answer arrived, so whoever has the turn should ask again.
    changed: Notify,
}

/// The right to have one request in flight. Dropping it without an answer gives the place back.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once admits nothing"]
pub struct Permit {
    shared: Arc<Shared>,
    users: usize,
    is_open: bool,
}

impl FeedGate {
    /// A gate for a feed nothing is known about.
    #[must_use]
    pub fn new(options: PacerOptions) -> Self {
        let shared = Shared {
            pacer: Mutex::new(Pacer::new(options)),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits until a request for so many users may leave. A future that is dropped while it waits leaves no
    /// trace, and its turn goes to the next.
    pub async fn enter(&self, users: usize) -> Permit {
        let _turn = self.shared.turn.lock().await;
        loop {
            let admission = self.shared.pacer().admit(Instant::now(), users);
            match admission {
                Admission::Go => {
                    return Permit { shared: Arc::clone(&self.shared), users, is_open: true };
                }
                Admission::Full => self.shared.changed.notified().await,
                Admission::WaitUntil(moment) => tokio::select! {
                    () = sleep_until(moment) => {}
                    () = self.shared.changed.notified() => {}
                },
            }
        }
    }

    /// Notes how the request of a permit ended.
    pub fn answered(&self, mut permit: Permit, feedback: Feedback) {
        permit.is_open = false;
        // The permit knows its own gate, so an answer can never be booked on another feed.
        permit.shared.pacer().answered(Instant::now(), permit.users, feedback);
        permit.shared.changed.notify_one();
    }

    /// The share of the limit in use, as the feed last told it.
    #[must_use]
    pub fn percent_used(&self) -> Option<u8> {
        self.shared.pacer().percent_used()
    }

    /// The learnt rate; `None` while the feed has set no limit.
    #[must_use]
    pub fn users_per_second(&self) -> Option<f64> {
        self.shared.pacer().users_per_second()
    }

    /// Until when the feed asked not to be spoken to.
    #[must_use]
    pub fn stopped_until(&self) -> Option<Instant> {
        self.shared.pacer().stopped_until()
    }
}

impl Shared {
    fn pacer(&self) -> MutexGuard<'_, Pacer> {
        // The pacer is arithmetic; after a panic in the middle of it, its numbers are still usable.
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_open {
            self.shared.pacer().abandoned();
            self.shared.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pacing::Limit;
    use std::time::Duration;

    const QUICK: Feedback = Feedback::Answered { elapsed: Duration::from_millis(1), percent_used: None };

    async fn is_waiting<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        tokio::time::timeout(Duration::from_millis(1), future).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn senders_enter_in_the_order_of_asking_and_a_dropped_one_is_skipped() {
        let gate = FeedGate::new(PacerOptions::default());
        let first = gate.enter(1).await;
        let (mut second, mut third) = (Box::pin(gate.enter(2)), Box::pin(gate.enter(3)));
        assert!(is_waiting(second.as_mut()).await);
        assert!(is_waiting(third.as_mut()).await);
        drop(second);
        gate.answered(first, QUICK);
        assert_eq!(third.await.users, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_is_dropped_gives_its_place_back() {
        let gate = FeedGate::new(PacerOptions { max_in_flight: 1, ..PacerOptions::default() });
        drop(gate.enter(1).await);
        let permit = gate.enter(1).await;
        let mut next = Box::pin(gate.enter(1));
        assert!(is_waiting(next.as_mut()).await);
        drop(permit);
        let _permit = next.await;
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_stops_the_whole_feed() {
        let gate = FeedGate::new(PacerOptions::default());
        let permit = gate.enter(1).await;
        let asked = Some(Duration::from_secs(30));
        gate.answered(permit, Feedback::Refused { limit: Limit::Speed, retry_after: asked });
        let before = Instant::now();
        let _permit = gate.enter(1).await;
        assert!(before.elapsed() >= Duration::from_secs(30));
    }
}
