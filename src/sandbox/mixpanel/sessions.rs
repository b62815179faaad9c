//! Paging sessions: the first page of a read freezes its result, later pages are cut from it. Owns their ids and their
//! expiry; what is read is left to `engage`.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::clock::{scramble, unix_seconds};
use super::super::world::Snapshot;

/// A frozen result and the question that it answers.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub question: String,
    pub snapshot: Snapshot,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Sessions {
    lifetime: Duration,
    open: HashMap<String, (Session, Instant)>,
    opened: u64,
}

impl Sessions {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, open: HashMap::new(), opened: 0 }
    }

    pub(super) fn open(&mut self, session: Session) -> String {
        let lifetime = self.lifetime;
        self.open.retain(|_, (_, last_used)| last_used.elapsed() < lifetime);
        let id = self.invent_id();
        self.open.insert(id.clone(), (session, Instant::now()));
        id
    }

    /// A session that exists, has not expired and answers this very question. Asking keeps it alive.
    pub(super) fn find(&mut self, id: &str, question: &str) -> Option<Session> {
        let (session, last_used) = self.open.get_mut(id)?;
        if last_used.elapsed() >= self.lifetime || session.question != question {
            return None;
        }
        *last_used = Instant::now();
        Some(session.clone())
    }

    pub(super) fn close(&mut self, id: &str) {
        self.open.remove(id);
    }

    pub(in crate::sandbox) fn expire_all(&mut self) {
        self.open.clear();
    }

    /// An id in the shape of Mixpanel's: digits, a hyphen, six capital letters.
    pub(super) fn invent_id(&mut self) -> String {
        self.opened += 1;
        let mut noise = scramble(self.opened);
        let mut letters = String::new();
        for _ in 0..6 {
            letters.push(char::from(b'A' + u8::try_from(noise % 26).unwrap_or(0)));
            noise /= 26;
        }
        format!("{}-{letters}", unix_seconds())
    }
}
