//! What the engine asked the store to remember without waiting for it, and how much of that is done. A snapshot may show it
//! before it is stored, so whoever reads the store because of a snapshot waits here first: no answer is older than
//! what led to the question.

use tokio::sync::watch;

/// Things to remember, counted. The store takes them in order, so that the first so many are the ones that are done.
#[derive(Debug, Default)]
struct Count {
    asked: u64,
    done: u64,
}

/// The engine's end.
#[derive(Debug, Default)]
pub(super) struct Recordings(watch::Sender<Count>);

impl Recordings {
    /// The store was asked.
    pub(super) fn asked(&self) {
        self.0.send_modify(|count| count.asked += 1);
    }

    /// The store has answered, one way or the other.
    pub(super) fn answered(&self) {
        self.0.send_modify(|count| count.done += 1);
    }

    /// Whether every answer was heard.
    pub(super) fn are_done(&self) -> bool {
        let count = self.0.borrow();
        count.done == count.asked
    }

    /// The readers' end.
    pub(super) fn watch(&self) -> Recorded {
        Recorded(self.0.subscribe())
    }
}

/// The readers' end.
#[derive(Debug, Clone)]
pub(super) struct Recorded(watch::Receiver<Count>);

impl Recorded {
    /// For a store that nobody here writes.
    pub(super) fn everything() -> Self {
        Recordings::default().watch()
    }

    /// Waits until everything is stored that was to be by now. What comes meanwhile is not waited for.
    pub(super) async fn caught_up(&self) {
        let mut counts = self.0.clone();
        let asked = counts.borrow().asked;
        // An engine that is gone will not store anything any more.
        let _ = counts.wait_for(|count| count.done >= asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_what_was_asked_before_and_for_nothing_else() {
        let recordings = Recordings::default();
        let recorded = recordings.watch();
        recorded.caught_up().await;
        recordings.asked();
        recordings.asked();
        let reader = tokio::spawn(async move { recorded.caught_up().await });
        tokio::task::yield_now().await;
        recordings.answered();
        recordings.asked();
        tokio::task::yield_now().await;
        assert!(!reader.is_finished());
        recordings.answered();
        timeout(Duration::from_secs(1), reader).await.unwrap().unwrap();
        assert!(!recordings.are_done());
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_is_gone_keeps_nobody_waiting() {
        let recordings = Recordings::default();
        let recorded = recordings.watch();
        recordings.asked();
        drop(recordings);
        recorded.caught_up().await;
        Recorded::everything().caught_up().await;
    }
}
