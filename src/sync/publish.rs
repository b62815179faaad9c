//! Publishing snapshots: at most twenty a second, and only when something changed.

use super::board::Board;
use super::snapshot::{Ended, Snapshot};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The shortest time between two snapshots: faster than this nobody can read.
const SHORTEST: Duration = Duration::from_millis(50);

/// How often a working run is shown though nothing was reported, so that its meters fall when it stalls.
const WHILE_WORKING: Duration = Duration::from_millis(500);

/// Publishes the board.
pub(super) struct Publisher {
    snapshots: watch::Sender<Arc<Snapshot>>,
    last: Option<Instant>,
    changed: bool,
}

impl Publisher {
    pub(super) fn new(snapshots: watch::Sender<Arc<Snapshot>>) -> Self {
        Self { snapshots, last: None, changed: true }
    }

    /// Something changed that readers should see.
    pub(super) fn changed(&mut self) {
        self.changed = true;
    }

    /// How long until a change that waits may be published.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.changed.then(|| self.last.map_or(Duration::ZERO, |last| SHORTEST.saturating_sub(last.elapsed())))
    }

    /// Publishes if something changed and the last time is long enough ago.
    pub(super) fn publish(&mut self, board: &mut Board, now: Timestamp, working: bool) {
        let since = self.last.map(|last| last.elapsed());
        let due = match since {
            None => true,
            Some(since) => (self.changed && since >= SHORTEST) || (working && since >= WHILE_WORKING),
        };
        if due {
            self.send(board.snapshot(now, None));
        }
    }

    /// Publishes that the engine has ended.
    pub(super) fn publish_end(&mut self, board: &mut Board, now: Timestamp, ended: Ended) {
        self.send(board.snapshot(now, Some(ended)));
    }

    fn send(&mut self, snapshot: Snapshot) {
        self.snapshots.send_replace(Arc::new(snapshot));
        self.last = Some(Instant::now());
        self.changed = false;
    }
}
