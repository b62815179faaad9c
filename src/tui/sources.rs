//! Everything that can wake the console's loop, in the order in which it is heard. What comes of it is `runtime`'s.

use super::app::Msg;
use super::signals::Signal;
use super::stage::Stage;
use crate::sync::snapshot::Snapshot;
use crate::telemetry::LogLine;
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

/// What comes back from what was begun for the person.
pub(super) enum Answer {
    /// A message for the console.
    Message(Msg),
    /// The text, what it is, and the tool that has it now; without one the terminal is asked.
    Copied { text: String, what: String, tool: Option<&'static str> },
}

/// Everything that can wake the loop besides the time and what is on the stage.
pub(super) struct Sources {
    pub answers: mpsc::UnboundedReceiver<Answer>,
    /// Gone once the engine is; a closed channel would wake the loop for ever.
    pub snapshots: Option<watch::Receiver<Arc<Snapshot>>>,
    pub log: Option<broadcast::Receiver<LogLine>>,
}

/// Why the loop woke.
pub(super) enum Wake {
    Message(Msg),
    Answer(Answer),
    /// Something that nobody answers to.
    Nothing,
    /// It is time for a frame.
    Frame,
    /// It is time to tell the time.
    Tick,
    /// It is time to have remembered what changed.
    Remember,
    /// The shell has continued the process.
    Continued,
    /// The terminal is gone.
    Hangup,
}

impl Sources {
    /// Waits for the next thing. The order is the point: what is ready is taken in first, and drawing comes last.
    pub async fn next(&mut self, stage: &mut Stage, tick: Instant, due: [Option<Instant>; 2]) -> Wake {
        let [remember, frame] = due;
        tokio::select! {
            biased;
            signal = stage.signals.next() => match signal {
                Signal::End => Wake::Message(Msg::Terminate),
                Signal::Continued => Wake::Continued,
            },
            event = stage.input.next() => match event {
                Some(Some(input)) => Wake::Message(Msg::Input(input)),
                Some(None) => Wake::Nothing,
                None => Wake::Hangup,
            },
            Some(answer) = self.answers.recv() => Wake::Answer(answer),
            snapshot = next_snapshot(&mut self.snapshots) => Wake::Message(snapshot),
            line = next_line(&mut self.log) => line.map_or(Wake::Nothing, Wake::Message),
            () = tokio::time::sleep_until(tick) => Wake::Tick,
            () = sleep_until(remember) => Wake::Remember,
            () = sleep_until(frame) => Wake::Frame,
        }
    }
}

async fn next_snapshot(snapshots: &mut Option<watch::Receiver<Arc<Snapshot>>>) -> Msg {
    let Some(receiver) = snapshots else { return std::future::pending().await };
    if receiver.changed().await.is_ok() {
        return Msg::Snapshot(receiver.borrow_and_update().clone());
    }
    *snapshots = None;
    Msg::EngineGone
}

async fn next_line(log: &mut Option<broadcast::Receiver<LogLine>>) -> Option<Msg> {
    let Some(receiver) = log else { return std::future::pending().await };
    match receiver.recv().await {
        Ok(line) => Some(Msg::Log(line)),
        Err(broadcast::error::RecvError::Lagged(lines)) => Some(Msg::LogLost(lines)),
        Err(broadcast::error::RecvError::Closed) => {
            *log = None;
            None
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
