//! Answers on their way to the disk. Making several durable costs hardly more than making one, so those that come in
//! quick succession wait for each other: until half of the requests that may be under way are answered, a moment has
//! passed, or nothing else is under way. Which requests leave and what is counted is for `send`; what an answer means, for
//! `courier`.

use super::tools::Noted;
use crate::domain::RunId;
use crate::store::{Answered, JournalEntry, Keeper, Store, StoreError};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The longest that an answer waits for others: hardly more than making it durable takes.
const MOMENT: Duration = Duration::from_millis(1);

/// The final answer to a request.
pub(super) struct Acknowledgement {
    /// Which request.
    pub first_position: u64,
    /// What was answered.
    pub answered: Answered,
    /// When.
    pub at: Timestamp,
    /// What the journal says of it.
    pub entry: Box<JournalEntry>,
}

/// Those of a run. Whatever becomes of the run, what was taken is handed to the store, at the latest when this is dropped.
pub(super) struct Acknowledgements {
    keeper: Keeper,
    run: RunId,
    /// So many do not wait for more.
    together: usize,
    gathered: Vec<Acknowledgement>,
    /// When those that are gathered do not wait any longer.
    due: Option<Instant>,
    recordings: FuturesUnordered<BoxFuture<'static, Recorded>>,
    /// Of how many the recordings are.
    recording: usize,
}

/// How many answers were to be recorded together, and what came of it.
type Recorded = (usize, Result<Noted, StoreError>);

impl Acknowledgements {
    /// Those of a run that may have so many requests under way.
    pub(super) fn of(run: RunId, keeper: Keeper, concurrent_requests: usize) -> Self {
        Self {
            keeper,
            run,
            together: concurrent_requests.div_ceil(2),
            gathered: Vec::new(),
            due: None,
            recordings: FuturesUnordered::new(),
            recording: 0,
        }
    }

    /// How many are not known to be durable.
    pub(super) fn len(&self) -> usize {
        self.gathered.len() + self.recording
    }

    /// Whether all are durable.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes one.
    pub(super) fn take(&mut self, acknowledgement: Acknowledgement) {
        self.due.get_or_insert_with(|| Instant::now() + MOMENT);
        self.gathered.push(acknowledgement);
        if self.gathered.len() >= self.together {
            self.record();
        }
    }

    /// Lets those that wait for others wait no longer.
    pub(super) fn record(&mut self) {
        self.due = None;
        if self.gathered.is_empty() {
            return;
        }
        let (run, gathered) = (self.run, std::mem::take(&mut self.gathered));
        let count = gathered.len();
        let recording = self.keeper.note(move |store| record(store, run, &gathered));
        self.recording += count;
        self.recordings.push(Box::pin(async move { (count, recording.await) }));
    }

    /// Waits until some are durable, or it is known that they will not be; for ever where there are none.
    pub(super) async fn next(&mut self) -> Result<Noted, StoreError> {
        loop {
            let is_due = async {
                match self.due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((count, recorded)) = self.recordings.next() => {
                    self.recording -= count;
                    return recorded;
                }
                () = is_due => {}
            }
            self.record();
        }
    }
}

/// Records answers, with their entries in the journal. Each stands for itself: what comes before one that cannot be
/// recorded is.
fn record(store: &mut Store, run: RunId, gathered: &[Acknowledgement]) -> Result<Noted, StoreError> {
    let mut noted = Noted::default();
    for Acknowledgement { first_position, answered, at, entry } in gathered {
        store.answer(run, *first_position, answered, *at)?;
        noted = Noted::by(store, entry).or(noted);
    }
    Ok(noted)
}

impl Drop for Acknowledgements {
    fn drop(&mut self) {
        self.record();
    }
}
