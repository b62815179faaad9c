//! What a run settles: the accepted changes of each wave in order of identity, and several such streams as one, in
//! which the last has the last word about everybody.

use super::super::StoreError;
use super::super::outbox::{self, AnsweredChange};
use super::Settled;
use crate::domain::plan::Wave;
use crate::domain::{Change, RunId};
use rusqlite::Connection;
use std::cell::Cell;
use std::iter::Peekable;

/// The accepted changes of a wave in order of identity (each wave is written in that order), request by request,
/// counting on the way.
pub(super) struct Accepted<'a> {
    connection: &'a Connection,
    run: RunId,
    wave: Wave,
    after: i64,
    page: std::vec::IntoIter<AnsweredChange>,
    settled: &'a Cell<Settled>,
}

impl<'a> Accepted<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        run: RunId,
        wave: Wave,
        settled: &'a Cell<Settled>,
    ) -> Self {
        Self { connection, run, wave, after: -1, page: Vec::new().into_iter(), settled }
    }
}

impl Iterator for Accepted<'_> {
    type Item = Result<Change, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for answered in self.page.by_ref() {
                let mut settled = self.settled.get();
                settled.count(answered.change.direction, answered.accepted);
                self.settled.set(settled);
                if answered.accepted {
                    return Some(Ok(answered.change));
                }
            }
            match outbox::next_answered(self.connection, self.run, self.wave, self.after) {
                Ok(Some((first_position, changes))) => {
                    self.after = first_position;
                    self.page = changes.into_iter();
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Sorted streams of changes as one sorted stream. Of somebody who is in several the last stream is believed.
pub(super) struct LastWord<I: Iterator<Item = Result<Change, StoreError>>> {
    streams: Vec<Peekable<I>>,
}

impl<I: Iterator<Item = Result<Change, StoreError>>> LastWord<I> {
    pub(super) fn of(streams: Vec<I>) -> Self {
        Self { streams: streams.into_iter().map(Iterator::peekable).collect() }
    }
}

impl<I: Iterator<Item = Result<Change, StoreError>>> Iterator for LastWord<I> {
    type Item = Result<Change, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut least: Option<(usize, &Change)> = None;
        let mut repeated = false;
        for (place, stream) in self.streams.iter_mut().enumerate() {
            match stream.peek() {
                None => {}
                // What cannot be read ends everything, whichever stream it is in.
                Some(Err(_)) => return stream.next(),
                Some(Ok(change)) => match least {
                    Some((_, known)) if known.identity < change.identity => {}
                    Some((_, known)) => {
                        repeated = known.identity == change.identity;
                        least = Some((place, change));
                    }
                    None => least = Some((place, change)),
                },
            }
        }
        let (decisive, _) = least?;
        let change = self.streams[decisive].next()?;
        if let (true, Ok(change)) = (repeated, &change) {
            for earlier in &mut self.streams[..decisive] {
                earlier.next_if(|other| other.as_ref().is_ok_and(|other| other.identity == change.identity));
            }
        }
        Some(change)
    }
}
