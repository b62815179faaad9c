//! What happens over time: the engine, which owns the store and all truth. This file holds the handle by
//! which everyone else speaks to it; nobody outside sees more than commands, snapshots and pages.

pub mod command;
pub mod snapshot;

use command::{Command, Envelope, Refusal};
use snapshot::Snapshot;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// A cheap way to speak to the engine; every reader and every command goes through one.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Envelope>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Handle {
    /// Joins the two ends that an engine (or a test standing in for one) listens on and publishes to.
    #[must_use]
    pub fn new(commands: mpsc::Sender<Envelope>, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self { commands, snapshots }
    }

    /// Asks the engine to do something and waits until it has taken it on (not until it is done).
    ///
    /// # Errors
    /// The refusal says why not and what to do instead.
    pub async fn send(&self, command: Command) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Envelope { command, reply }).await.map_err(|_| Refusal::Stopping)?;
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// The latest snapshot, and a way to wait for the next.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}
