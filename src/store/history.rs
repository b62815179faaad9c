//! The membership of everybody over time: the baseline and the accepted changes that are kept, merged person by person.
//! Each wave of a run is in order of identity, as the baseline is, so a request of each is all that is in memory.

use super::reader::Reader;
use super::{Holding, StoreError, baseline, outbox, time};
use crate::domain::plan::Wave;
use crate::domain::presence::{FLAPS_FROM, Presence, Told};
use crate::domain::{Direction, Identity, RunId};
use rusqlite::{Connection, params};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One person's membership over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// How the person is addressed.
    pub identity: Identity,
    /// The profile, where it is known: whoever is addressed by MPID is known by it only from the changes that are kept.
    pub distinct_id: Option<Box<str>>,
    /// When the person was a member.
    pub presence: Presence,
}

impl Reader {
    /// Hands everybody who is or was a member, by what is kept, to `each`, in order of identity. `each` returns
    /// whether to go on. What was told before [`Reader::complete_since`] is not known. Nothing may be settled meanwhile; see
    /// [`Reader::at_one_moment`].
    pub fn for_each_person<E: From<StoreError>>(
        &self,
        holding: &Holding,
        mut each: impl FnMut(PersonRow) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut members = baseline::read(&self.connection, holding).peekable();
        let mut changes = Changes::of(self, holding)?;
        loop {
            let member = match members.peek() {
                Some(Ok(member)) => Some(member.clone()),
                Some(Err(_)) => {
                    return Err(members.next().and_then(Result::err).unwrap_or(StoreError::Closed).into());
                }
                None => None,
            };
            let Some(identity) = member.iter().chain(changes.next_identity()).min().cloned() else {
                return Ok(());
            };
            let in_baseline = member.as_ref() == Some(&identity);
            if in_baseline {
                members.next();
            }
            let (distinct_id, told) = changes.take(&identity)?;
            let own = || identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
            let row = PersonRow {
                distinct_id: distinct_id.or_else(own),
                presence: Presence { in_baseline, told },
                identity,
            };
            if !each(row)? {
                return Ok(());
            }
        }
    }
}

impl Reader {
    /// How many people changed sides again and again, by what is kept.
    pub fn flapping(&self, holding: &Holding) -> Result<u64, StoreError> {
        // Nobody turns twice in one run, so there is nothing to read where so few are kept.
        if runs_of(&self.connection, holding)?.len() < FLAPS_FROM {
            return Ok(0);
        }
        self.at_one_moment(|reader| {
            let mut flapping = 0;
            reader.for_each_person::<StoreError>(holding, |person| {
                flapping += u64::from(person.presence.flaps());
                Ok(true)
            })?;
            Ok(flapping)
        })
    }
}

/// The accepted changes of some runs, merged in order of identity.
struct Changes<'c> {
    connection: &'c Connection,
    waves: Vec<WaveOfRun>,
    heap: BinaryHeap<Next>,
}

/// A wave of a run, as far as it was read.
struct WaveOfRun {
    run: RunId,
    wave: Wave,
    after: i64,
    request: std::vec::IntoIter<AcceptedChange>,
}

/// A change that mParticle accepted.
struct AcceptedChange {
    identity: Identity,
    distinct_id: Option<Box<str>>,
    told: Told,
}

/// The next change of a wave. The least identity is on top, and of equal ones what was told first: runs and their waves
/// follow each other, and whatever of an earlier run is sent again is sent before the next one begins.
struct Next {
    change: AcceptedChange,
    wave: usize,
}

impl Next {
    fn key(&self) -> (&Identity, usize) {
        (&self.change.identity, self.wave)
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<'c> Changes<'c> {
    fn of(reader: &'c Reader, holding: &Holding) -> Result<Self, StoreError> {
        let runs = runs_of(&reader.connection, holding)?;
        let waves = runs.into_iter().flat_map(|run| {
            Wave::ALL.map(|wave| WaveOfRun { run, wave, after: -1, request: Vec::new().into_iter() })
        });
        let mut changes =
            Self { connection: &reader.connection, waves: waves.collect(), heap: BinaryHeap::new() };
        for wave in 0..changes.waves.len() {
            changes.advance(wave)?;
        }
        Ok(changes)
    }

    fn next_identity(&self) -> Option<&Identity> {
        self.heap.peek().map(|next| &next.change.identity)
    }

    /// Everything about the person who comes next.
    fn take(&mut self, identity: &Identity) -> Result<(Option<Box<str>>, Vec<Told>), StoreError> {
        let (mut distinct_id, mut told) = (None, Vec::new());
        while self.next_identity() == Some(identity) {
            let Some(Next { change, wave }) = self.heap.pop() else { break };
            told.push(change.told);
            distinct_id = change.distinct_id.or(distinct_id);
            self.advance(wave)?;
        }
        Ok((distinct_id, told))
    }

    /// Puts the next change of a wave on the heap.
    fn advance(&mut self, place: usize) -> Result<(), StoreError> {
        let wave = &mut self.waves[place];
        loop {
            if let Some(change) = wave.request.next() {
                self.heap.push(Next { change, wave: place });
                return Ok(());
            }
            let Some((first, at, changes)) =
                outbox::next_accepted(self.connection, wave.run, wave.wave, wave.after)?
            else {
                return Ok(());
            };
            wave.after = first;
            let (at, repeats) = (time::read(at)?, wave.wave.repeats());
            let accepted = changes.into_iter().map(|change| AcceptedChange {
                told: Told {
                    at,
                    direction: change.direction,
                    repeats: repeats && change.direction == Direction::Add,
                },
                identity: change.identity,
                distinct_id: change.distinct_id,
            });
            wave.request = accepted.collect::<Vec<_>>().into_iter();
        }
    }
}

/// The runs of a holding of which changes are kept, oldest first.
fn runs_of(connection: &Connection, holding: &Holding) -> Result<Vec<RunId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2
           AND EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id AND state = 'answered') ORDER BY id",
    )?;
    let runs = statement
        .query_map(params![holding.cohort.0.cast_signed(), holding.attribute], |row| row.get(0).map(RunId))?;
    Ok(runs.collect::<Result<_, _>>()?)
}
