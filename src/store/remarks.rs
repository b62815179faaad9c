//! What a read remarked about profiles and counted besides, kept with its run: written while pages arrive, read part by
//! part, so that memory does not grow with a list. Lists of users are made of them in `users`.

use super::columns::{Part, RemarkForm, RemarkRef, pack};
use super::packing::{Content, sealed, unseal};
use super::reader::{Reader, UnmatchedRow};
use super::{Store, StoreError};
use crate::domain::property::PropertyNames;
use crate::domain::remark::RemarkKind;
use crate::domain::remarks::{RemarkTexts, Remarks};
use crate::domain::rounding::Neighbours;
use crate::domain::tally::{PropertyTally, Tallies};
use crate::domain::{CohortId, RunId};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct PackedTallies {
    names: Vec<String>,
    matched: u64,
    properties: Vec<PackedTally>,
}

#[derive(Serialize, Deserialize)]
struct PackedTally {
    values: Vec<(String, u64)>,
    others: u64,
    mpids_of_matched: u64,
    mpids_of_others: u64,
}

impl Store {
    /// Keeps what is remarkable about some profiles of a run's read.
    pub fn add_remarks(&mut self, run: RunId, cohort: CohortId, remarks: &Remarks) -> Result<(), StoreError> {
        // Unmatched people are listed by the hundred thousand, the other remarks rarely; apart, each list is
        // read without skipping through the other.
        let is_lacking = |kind| matches!(kind, RemarkKind::Unmatched(_) | RemarkKind::Unsendable(_));
        let (lacking, others) = remarks.iter().enumerate().partition(|(_, remark)| is_lacking(remark.kind));
        let transaction = self.connection.savepoint()?;
        for (is_lacking, part) in [(true, lacking), (false, others)] {
            let part: Vec<(usize, RemarkTexts<'_>)> = part;
            if part.is_empty() {
                continue;
            }
            transaction
                .prepare_cached(
                    "INSERT INTO remarks (run_id, cohort_id, lacking, profiles, remarks, form)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    run.0,
                    cohort.0.cast_signed(),
                    is_lacking,
                    part.len().cast_signed(),
                    pack(&part, remarks.properties())?,
                    RemarkForm::Columns.number(),
                ])?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets the remarks of a run whose read starts over.
    pub fn clear_remarks(&mut self, run: RunId) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM remarks WHERE run_id = ?1", [run.0])?;
        self.connection.execute("DELETE FROM reads WHERE run_id = ?1", [run.0])?;
        Ok(())
    }

    /// Keeps what a whole read told besides its counts.
    pub fn add_read(
        &mut self,
        run: RunId,
        cohort: CohortId,
        tallies: &Tallies,
        neighbours: &Neighbours,
    ) -> Result<(), StoreError> {
        let properties = tallies.properties().iter().map(|tally| {
            let mut values: Vec<(String, u64)> =
                tally.values.iter().map(|(value, count)| (value.to_string(), *count)).collect();
            values.sort();
            PackedTally {
                values,
                others: tally.others,
                mpids_of_matched: tally.mpids_of_matched,
                mpids_of_others: tally.mpids_of_others,
            }
        });
        let packed = PackedTallies {
            names: tallies.names().iter().map(str::to_owned).collect(),
            matched: tallies.matched(),
            properties: properties.collect(),
        };
        let known: Vec<(i64, &[i64])> = neighbours.iter().collect();
        let known = if known.is_empty() { None } else { Some(sealed(Content::Neighbours, &known)?) };
        self.connection.execute(
            "INSERT OR REPLACE INTO reads (run_id, cohort_id, tallies, neighbours) VALUES (?1, ?2, ?3, ?4)",
            params![run.0, cohort.0.cast_signed(), sealed(Content::Tallies, &packed)?, known],
        )?;
        Ok(())
    }
}

impl Reader {
    /// What a run's read counted besides; `None` where it was read by a program that did not.
    pub fn tallies(&self, run: RunId) -> Result<Option<Tallies>, StoreError> {
        let found: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT tallies FROM reads WHERE run_id = ?1")?
            .query_row([run.0], |row| row.get(0))
            .optional()?;
        let Some(blob) = found else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the tallies of a read".to_owned() };
        let packed: PackedTallies =
            postcard::from_bytes(unseal(Content::Tallies, &blob)?).map_err(|_| damaged())?;
        let unpack = |tally: PackedTally| PropertyTally {
            values: tally.values.into_iter().map(|(value, count)| (value.into(), count)).collect(),
            others: tally.others,
            mpids_of_matched: tally.mpids_of_matched,
            mpids_of_others: tally.mpids_of_others,
        };
        let names = PropertyNames::of(packed.names.iter().map(String::as_str));
        let properties = packed.properties.into_iter().map(unpack).collect();
        Tallies::restored(names, packed.matched, properties).map(Some).ok_or_else(damaged)
    }

    /// The exact ids that rounded ones of a run's read may have been made of.
    pub fn neighbours(&self, run: RunId) -> Result<Neighbours, StoreError> {
        let found: Option<Option<Vec<u8>>> = self
            .connection
            .prepare_cached("SELECT neighbours FROM reads WHERE run_id = ?1")?
            .query_row([run.0], |row| row.get(0))
            .optional()?;
        let Some(blob) = found.flatten() else { return Ok(Neighbours::default()) };
        let known = postcard::from_bytes(unseal(Content::Neighbours, &blob)?);
        let damaged = || StoreError::Damaged { what: "the neighbours of rounded ids".to_owned() };
        known.map(Neighbours::restored).map_err(|_| damaged())
    }

    /// Hands the parts of a read's remarks to `each`, in the order in which they were read: about those who lack a
    /// valid `$mparticle_user_id`, or about all others. `each` returns whether to go on.
    pub(super) fn for_each_part<E: From<StoreError>>(
        &self,
        run: RunId,
        lacking: bool,
        mut each: impl FnMut(Part<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut after = 0_i64;
        // No statement stays open between parts, for `each` may take its time.
        while let Some((id, form, blob)) = self.next_part(run, lacking, after)? {
            after = id;
            if !each(Part::read(RemarkForm::from_number(form)?, &blob)?)? {
                break;
            }
        }
        Ok(())
    }

    fn next_part(
        &self,
        run: RunId,
        lacking: bool,
        after: i64,
    ) -> Result<Option<(i64, i64, Vec<u8>)>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id, form, remarks FROM remarks WHERE run_id = ?1 AND lacking = ?2 AND id > ?3
                 ORDER BY id LIMIT 1",
            )?
            .query_row(params![run.0, lacking, after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?)
    }

    /// Hands every user of a run's read who lacks a valid `$mparticle_user_id` to `each`, some thousands at a
    /// time, so that memory does not grow with the list. `each` returns whether to go on.
    pub fn for_each_unmatched<E: From<StoreError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(Vec<UnmatchedRow>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.for_each_part(run, true, |part| {
            each(part.iter().map(RemarkRef::to_owned).map(UnmatchedRow::from).collect())
        })
    }
}
