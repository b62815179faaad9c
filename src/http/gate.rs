//! One feed's pacer shared by many senders: they enter in fair turns, and giving up is safe at any moment. Whose turn it
//! is belongs to [`super::turns`], what the pace is to [`super::pacing`].

use super::pacing::{Admission, Feedback, Pacer, PacerOptions};
use super::turns::{Line, Turns};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};
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
    /// Likewise.
    queue: Mutex<Queue>,
    /// An answer arrived, so whoever has the turn should ask again.
    changed: Notify,
}

/// Those who wait for the turn.
#[derive(Debug, Default)]
struct Queue {
    /// Whether somebody has it.
    is_taken: bool,
    waiting: Turns<oneshot::Sender<Turn>>,
}

/// The right to ask the pacer next. Whoever drops it hands it on, even if it arrived where nobody waits any more.
#[derive(Debug)]
struct Turn {
    shared: Arc<Shared>,
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
            queue: Mutex::default(),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits until a request for so many users may leave, on behalf of a line. A future that is dropped while it waits
    /// leaves no trace, and its turn goes to the next.
    pub async fn enter(&self, line: Line, users: usize) -> Permit {
        let _turn = self.turn(line, users).await;
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

    async fn turn(&self, line: Line, users: usize) -> Turn {
        loop {
            let coming = {
                let mut queue = self.shared.queue();
                if !queue.is_taken {
                    queue.is_taken = true;
                    return Turn { shared: Arc::clone(&self.shared) };
                }
                let (hand_over, coming) = oneshot::channel();
                queue.waiting.wait(line, users, hand_over);
                coming
            };
            // It is never forgotten without being handed over; should it be, asking again is right.
            if let Ok(turn) = coming.await {
                return turn;
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

    /// Lets so many requests be in flight from now on; those that are already come back as they would.
    pub fn allow(&self, max_in_flight: usize) {
        self.shared.pacer().allow(max_in_flight);
        self.shared.changed.notify_one();
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
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // As below: every change of it is whole before anything could panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pacer(&self) -> MutexGuard<'_, Pacer> {
        // The pacer is arithmetic; after a panic in the middle of it, its numbers are still usable.
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.shared.queue();
            let next = queue.waiting.take();
            queue.is_taken = next.is_some();
            next
        };
        if let Some(next) = next {
            // Where nobody waits any more, the turn comes back and is handed on by being dropped.
            drop(next.send(Turn { shared: Arc::clone(&self.shared) }));
        }
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

    const ONE: Line = Line { number: 1, shares: 1 };

    const QUICK: Feedback = Feedback::Answered { elapsed: Duration::from_millis(1), percent_used: None };

    async fn is_waiting<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        tokio::time::timeout(Duration::from_millis(1), future).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn senders_of_a_line_enter_in_the_order_of_asking_and_a_dropped_one_is_skipped() {
        let gate = FeedGate::new(PacerOptions::default());
        let first = gate.enter(ONE, 1).await;
        let (mut second, mut third) = (Box::pin(gate.enter(ONE, 2)), Box::pin(gate.enter(ONE, 3)));
        assert!(is_waiting(second.as_mut()).await);
        assert!(is_waiting(third.as_mut()).await);
        drop(second);
        gate.answered(first, QUICK);
        assert_eq!(third.await.users, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_is_dropped_gives_its_place_back() {
        let gate = FeedGate::new(PacerOptions { max_in_flight: 1, ..PacerOptions::default() });
        drop(gate.enter(ONE, 1).await);
        let permit = gate.enter(ONE, 1).await;
        let mut next = Box::pin(gate.enter(ONE, 1));
        assert!(is_waiting(next.as_mut()).await);
        drop(permit);
        let _permit = next.await;
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_stops_the_whole_feed() {
        let gate = FeedGate::new(PacerOptions::default());
        let permit = gate.enter(ONE, 1).await;
        let asked = Some(Duration::from_secs(30));
        gate.answered(permit, Feedback::Refused { limit: Limit::Speed, retry_after: asked });
        let before = Instant::now();
        let _permit = gate.enter(ONE, 1).await;
        assert!(before.elapsed() >= Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_with_little_is_let_in_between_those_of_one_with_much() {
        let gate = FeedGate::new(PacerOptions { max_in_flight: 1, ..PacerOptions::default() });
        let (entered, mut order) = tokio::sync::mpsc::unbounded_channel();
        let sender = |line: i64, users: usize| {
            let (gate, entered) = (gate.clone(), entered.clone());
            tokio::spawn(async move {
                let permit = gate.enter(Line::of(line), users).await;
                entered.send(line).unwrap();
                gate.answered(permit, QUICK);
            })
        };
        let first = gate.enter(ONE, 100).await;
        (0..50).for_each(|_| drop(sender(1, 100)));
        tokio::task::yield_now().await;
        drop(sender(2, 5));
        tokio::task::yield_now().await;
        gate.answered(first, QUICK);
        drop(entered);
        let mut seen = Vec::new();
        while let Some(line) = order.recv().await {
            seen.push(line);
            if seen.len() == 51 {
                break;
            }
        }
        let place = seen.iter().position(|line| *line == 2).unwrap();
        assert!(place <= 3, "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_reaches_somebody_who_has_just_gone_is_handed_on() {
        let gate = FeedGate::new(PacerOptions { max_in_flight: 1, ..PacerOptions::default() });
        let permit = gate.enter(ONE, 1).await;
        let (mut second, mut third, mut fourth) =
            (Box::pin(gate.enter(ONE, 2)), Box::pin(gate.enter(ONE, 3)), Box::pin(gate.enter(ONE, 4)));
        for waiting in [&mut second, &mut third, &mut fourth] {
            assert!(is_waiting(waiting.as_mut()).await);
        }
        // The second has the turn; dropping it hands the turn to the third, which is dropped before it looks.
        drop(second);
        drop(third);
        gate.answered(permit, QUICK);
        assert_eq!(fourth.await.users, 4);
    }
}
