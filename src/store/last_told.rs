//! What mParticle was last told about whom, as far as the baseline and the kept history say: everybody in order, and
//! questions about some. A verification asks them, and so does whoever repairs what it found.

use super::doubts::in_doubt;
use super::outbox::next_answered;
use super::{Holding, Reader, StoreError, baseline, time};
use crate::domain::plan::Wave;
use crate::domain::told::{everybody, merged};
use crate::domain::verification::Group;
use crate::domain::{Change, Direction, Identity, RunId};
use crate::store::packing::unpack_changes;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashMap, HashSet};

/// When somebody was told something last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTold {
    /// The run.
    pub run: RunId,
    /// When mParticle accepted it.
    pub at: Timestamp,
    /// The profile in Mixpanel, where the change names it.
    pub distinct_id: Option<Box<str>>,
}

impl Reader {
    /// Answers several questions from one state of the file, whatever is written meanwhile. To be short: as long as it
    /// lasts, nothing that was written can be tidied up.
    pub fn consistently<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let result = work(self)?;
        transaction.commit()?;
        Ok(result)
    }

    /// The newest run before any that may still tell somebody something, of one cohort.
    pub fn last_run_at_rest(&self, holding: &Holding) -> Result<RunId, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT coalesce((SELECT min(id) - 1 FROM runs WHERE cohort_id = ?1 AND outcome IS NULL),
                                 (SELECT max(id) FROM runs), 0)",
            )?
            .query_row([holding.cohort.0.cast_signed()], |row| row.get(0).map(RunId))?)
    }

    /// Everybody of whom it is known what mParticle was last told, in order, from behind a person on; with the group
    /// that says what. To be asked within [`Reader::consistently`].
    pub fn everybody_told<'r>(
        &'r self,
        holding: &Holding,
        behind: Option<&Identity>,
    ) -> Result<impl Iterator<Item = Result<(Identity, Group), StoreError>> + use<'r>, StoreError> {
        let connection = &self.connection;
        let members: Box<dyn Iterator<Item = _> + 'r> = match behind {
            None => Box::new(baseline::read(connection, holding)),
            Some(person) => Box::new(baseline::read_behind(connection, holding, person)?),
        };
        let runs = runs_with_answers(connection, holding)?;
        let of_newest = runs.first().map(|run| Wave::ALL.map(|wave| (*run, wave)));
        let added = of_newest
            .into_iter()
            .flatten()
            .map(|(run, wave)| Accepted::of(connection, run, wave, Direction::Add));
        let removed = runs.iter().map(|run| Accepted::of(connection, *run, Wave::Removes, Direction::Remove));
        let doubted = in_doubt(connection, holding)?;
        let (added, removed) = (merged(added.collect()), merged(removed.collect()));
        let behind = behind.cloned();
        let is_ahead = move |told: &Result<(Identity, Group), StoreError>| match (told, &behind) {
            (Ok((identity, _)), Some(behind)) => identity > behind,
            _ => true,
        };
        Ok(everybody(members, added, removed, doubted.into_iter()).filter(is_ahead))
    }

    /// When some people were told something last; those are missing whom the kept history does not name.
    pub fn last_told(
        &self,
        holding: &Holding,
        people: &HashSet<Identity>,
    ) -> Result<HashMap<Identity, LastTold>, StoreError> {
        let mut found = HashMap::new();
        for run in runs_with_answers(&self.connection, holding)? {
            // Within a run a later wave has the last word.
            for wave in Wave::ALL.into_iter().rev() {
                let mut after = -1;
                while found.len() < people.len()
                    && let Some((first, changes)) = next_answered(&self.connection, run, wave, after)?
                {
                    after = first;
                    let accepted = changes.into_iter().filter(|answered| answered.accepted);
                    let named: Vec<Change> = accepted
                        .map(|answered| answered.change)
                        .filter(|change| {
                            people.contains(&change.identity) && !found.contains_key(&change.identity)
                        })
                        .collect();
                    if named.is_empty() {
                        continue;
                    }
                    let at = self.answered_at(run, first)?;
                    for Change { identity, distinct_id, .. } in named {
                        found.insert(identity, LastTold { run, at, distinct_id });
                    }
                }
            }
        }
        Ok(found)
    }

    fn answered_at(&self, run: RunId, first_position: i64) -> Result<Timestamp, StoreError> {
        let at: Option<i64> = self
            .connection
            .prepare_cached("SELECT answered_at FROM outbox WHERE run_id = ?1 AND first_position = ?2")?
            .query_row(params![run.0, first_position], |row| row.get(0))?;
        time::read(at.unwrap_or_default())
    }

    /// Those of some people who have been told something since a run, or may have been.
    pub fn told_since(
        &self,
        holding: &Holding,
        run: RunId,
        people: &HashSet<Identity>,
    ) -> Result<HashSet<Identity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT changes FROM whole_requests WHERE cohort_id = ?1 AND run_id > ?3
               AND state IN ('claimed', 'doubted', 'answered', 'superseded')
               AND run_id IN (SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2)",
        )?;
        let mut rows = statement.query(params![holding.cohort.0.cast_signed(), holding.attribute, run.0])?;
        let mut told = HashSet::new();
        while let Some(row) = rows.next()? {
            let changes = unpack_changes(&row.get::<_, Vec<u8>>(0)?)?;
            told.extend(changes.into_iter().map(|change| change.identity).filter(|id| people.contains(id)));
        }
        Ok(told)
    }

    /// Those of some people whom mParticle last acknowledged as members.
    pub fn members_among(
        &self,
        holding: &Holding,
        people: &BTreeSet<Identity>,
    ) -> Result<BTreeSet<Identity>, StoreError> {
        baseline::members_among(&self.connection, holding, people)
    }

    /// The people of whom nobody knows what mParticle was last told, see [`super::Store::uncertain`].
    pub fn uncertain(&self, holding: &Holding) -> Result<BTreeSet<Identity>, StoreError> {
        in_doubt(&self.connection, holding)
    }
}

/// The ended runs for a holding of which mParticle answered a request, newest first.
fn runs_with_answers(connection: &Connection, holding: &Holding) -> Result<Vec<RunId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM runs WHERE cohort_id = ?1 AND attribute = ?2 AND outcome IS NOT NULL
           AND EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id AND state = 'answered') ORDER BY id DESC",
    )?;
    let rows = statement
        .query_map(params![holding.cohort.0.cast_signed(), holding.attribute], |row| row.get(0).map(RunId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Who was accepted in one wave of a run in one direction, in order; a request at a time.
struct Accepted<'c> {
    connection: &'c Connection,
    run: RunId,
    wave: Wave,
    direction: Direction,
    after: i64,
    page: std::vec::IntoIter<Identity>,
}

impl<'c> Accepted<'c> {
    fn of(connection: &'c Connection, run: RunId, wave: Wave, direction: Direction) -> Self {
        Self { connection, run, wave, direction, after: -1, page: Vec::new().into_iter() }
    }
}

impl Iterator for Accepted<'_> {
    type Item = Result<Identity, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(identity) = self.page.next() {
                return Some(Ok(identity));
            }
            match next_answered(self.connection, self.run, self.wave, self.after) {
                Ok(found) => {
                    let (first, changes) = found?;
                    self.after = first;
                    let accepted: Vec<Identity> = changes
                        .into_iter()
                        .filter(|answered| answered.accepted && answered.change.direction == self.direction)
                        .map(|answered| answered.change.identity)
                        .collect();
                    self.page = accepted.into_iter();
                }
                Err(error) => {
                    // Nothing behind what cannot be read is worth reading.
                    self.after = i64::MAX;
                    return Some(Err(error));
                }
            }
        }
    }
}
