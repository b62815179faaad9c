//! The log of what the feed received. Owns how much of it is kept; deciding what to answer is left to the parent module.

use std::collections::VecDeque;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// Entries are dropped, oldest first, beyond this count.
const MOST_ENTRIES: usize = 200_000;
/// Bodies are dropped, oldest first, beyond this many bytes.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;

/// One request that reached the feed.
#[derive(Debug, Clone, Serialize)]
pub struct FeedRequest {
    /// When it was answered.
    #[serde(serialize_with = "as_unix_milliseconds")]
    pub at: SystemTime,
    /// When it had arrived, by tokio's clock: simulated where that is.
    #[serde(skip)]
    pub received: Instant,
    /// The status that was answered; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// Batches in the request; zero when it was not readable.
    pub batches: usize,
    /// Whether any of them took effect, whatever the client was told.
    pub applied: bool,
    /// Batches that changed a profile.
    pub updated: usize,
    /// Batches that were refused.
    pub rejected: usize,
    /// Batches that were accepted and dropped, because nobody is known by that identity.
    pub unknown: usize,
    /// Batches that were accepted and dropped, because a script said so.
    pub dropped: usize,
    /// Batches that were accepted and ignored, because their `source_request_id` had been seen.
    pub repeated: usize,
    /// The body as received. The demo keeps none, and old ones are dropped when there are too many.
    #[serde(serialize_with = "as_text")]
    pub body: Option<Bytes>,
}

impl FeedRequest {
    pub(super) fn begin(batches: usize, received: Instant) -> Self {
        Self {
            at: SystemTime::now(),
            received,
            status: None,
            batches,
            applied: false,
            updated: 0,
            rejected: 0,
            unknown: 0,
            dropped: 0,
            repeated: 0,
            body: None,
        }
    }
}

#[derive(Debug)]
pub(in crate::sandbox) struct RequestLog {
    entries: VecDeque<FeedRequest>,
    keeps_bodies: bool,
    body_bytes: usize,
    /// Entries before this one have lost their body.
    bodies_begin: usize,
    /// All requests since the start, also those whose entries were dropped.
    pub received: u64,
}

impl RequestLog {
    pub(super) fn new(keeps_bodies: bool) -> Self {
        Self { entries: VecDeque::new(), keeps_bodies, body_bytes: 0, bodies_begin: 0, received: 0 }
    }

    pub(super) fn push(&mut self, mut entry: FeedRequest, received: &Bytes) {
        if self.keeps_bodies {
            self.body_bytes += received.len();
            entry.body = Some(received.clone());
        }
        self.entries.push_back(entry);
        self.received += 1;
        while self.body_bytes > MOST_BODY_BYTES && self.bodies_begin < self.entries.len() {
            let dropped = self.entries.get_mut(self.bodies_begin).and_then(|entry| entry.body.take());
            self.body_bytes -= dropped.map_or(0, |body| body.len());
            self.bodies_begin += 1;
        }
        if self.entries.len() > MOST_ENTRIES {
            let dropped = self.entries.pop_front().and_then(|entry| entry.body);
            self.body_bytes -= dropped.map_or(0, |body| body.len());
            self.bodies_begin = self.bodies_begin.saturating_sub(1);
        }
    }

    pub(in crate::sandbox) fn entries(&self) -> Vec<FeedRequest> {
        self.entries.iter().cloned().collect()
    }
}

fn as_unix_milliseconds<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn as_text<S: Serializer>(body: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    body.as_ref().map(|bytes| String::from_utf8_lossy(bytes)).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_bodies_go_before_new_ones() {
        let mut log = RequestLog::new(true);
        let body = Bytes::from(vec![b'x'; MOST_BODY_BYTES / 2 - 1]);
        for _ in 0..3 {
            log.push(FeedRequest::begin(1, Instant::now()), &body);
        }
        let kept: Vec<bool> = log.entries().iter().map(|entry| entry.body.is_some()).collect();
        assert_eq!(kept, [false, true, true]);
        assert_eq!(log.received, 3);
    }
}
