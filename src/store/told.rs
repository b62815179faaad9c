//! What mParticle was told, across runs: of all cohorts or of one, in a span of time, about everybody or about one
//! person. Read a request at a time and handed on at once, so that memory does not grow with what is kept; requests
//! outside the span are not even opened. Whoever is looked for by one id is found under the others too: a person who
//! gained an MPID left under one identity and entered under another.

use super::reader::{ChangeRow, Reader, RequestRow};
use super::search::needles_in_changes;
use super::{RUNS_WITH_CHANGES, RunRecord, StoreError, runs, time};
use crate::domain::{CohortId, Identity, KnownIds, RunId, UserId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use std::collections::HashSet;

/// Where to look. Everything by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// One cohort.
    pub cohort: Option<CohortId>,
    /// What was answered at this moment or later.
    pub since: Option<Timestamp>,
    /// What was answered at this moment or earlier.
    pub until: Option<Timestamp>,
}

impl Scope {
    fn holds(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }
}

impl Reader {
    /// Hands what mParticle was told to `each`, the oldest run first, a request at a time; dry runs told nothing. A
    /// change without an answer counts as of the start of its run. `each` returns whether to go on.
    pub fn for_each_told<E: From<StoreError>>(
        &self,
        scope: &Scope,
        ids: Option<&KnownIds>,
        mut each: impl FnMut(&RunRecord, Vec<ChangeRow>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let needles = ids.map(needles_in_changes).transpose()?;
        for id in self.runs_that_told(scope.cohort)? {
            let Some(run) = runs::load_one(&self.connection, id).map_err(E::from)? else { continue };
            let began_within = scope.holds(run.started_at);
            let mut after = -1;
            while let Some(request) = self.next_told(id, after, scope, began_within)? {
                after = request.first_position;
                if let Some(needles) = &needles
                    && !needles.iter().any(|needle| needle.find(&request.changes).is_some())
                {
                    continue;
                }
                let mut rows = self.rows_of(id, &request)?;
                if let Some(ids) = ids {
                    rows.retain(|row| ids.name(&row.change.identity, row.change.distinct_id.as_deref()));
                }
                if !rows.is_empty() && !each(&run, rows)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Everything that the person of an id was told of as, by what is kept: the ids that came together with this one.
    pub fn told_as(&self, id: &UserId) -> Result<KnownIds, StoreError> {
        let given = KnownIds::of(id);
        let mut known = given.clone();
        self.for_each_told::<StoreError>(&Scope::default(), Some(&given), |_, rows| {
            for ChangeRow { change, .. } in rows {
                known.distinct_ids.extend(change.distinct_id);
                if let Identity::Mpid(mpid) = change.identity {
                    known.mpids.insert(mpid);
                }
            }
            Ok(true)
        })?;
        Ok(known)
    }

    /// Since when everything that was told about a cohort is kept; `None` when nothing was forgotten. Nothing can be
    /// said about a moment before.
    pub fn complete_since(&self, cohort: CohortId) -> Result<Option<Timestamp>, StoreError> {
        let cohort = cohort.0.cast_signed();
        let forgotten: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(coalesce(ended_at, started_at)) FROM runs WHERE cohort_id = ?1
                   AND adds_accepted + adds_rejected + removes_accepted + removes_rejected >
                       (SELECT coalesce(sum(users), 0) FROM outbox WHERE run_id = runs.id AND state = 'answered')",
            )?
            .query_row([cohort], |row| row.get(0))?;
        // The record of a run may be forgotten as well, after its changes. There was one where as many are kept as are.
        let oldest: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(started_at) FROM runs WHERE cohort_id = ?1
                    AND EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id) HAVING count(*) >= ?2",
            )?
            .query_row(params![cohort, RUNS_WITH_CHANGES], |row| row.get(0))
            .optional()?
            .flatten();
        forgotten.max(oldest).map(time::read).transpose()
    }

    /// The runs that planned something of which not everything is kept: nobody can say any more whom it was about.
    pub fn runs_with_lost_changes(&self) -> Result<HashSet<RunId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM runs WHERE adds + removes >
                (SELECT coalesce(sum(users), 0) FROM outbox WHERE run_id = runs.id)",
        )?;
        let rows = statement.query_map([], |row| row.get(0).map(RunId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The runs that told something, or are to, oldest first.
    pub(super) fn runs_that_told(&self, cohort: Option<CohortId>) -> Result<Vec<RunId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM runs WHERE (?1 IS NULL OR cohort_id = ?1)
               AND EXISTS (SELECT 1 FROM outbox WHERE run_id = runs.id AND state <> 'dry') ORDER BY id",
        )?;
        let rows = statement.query_map([cohort.map(|id| id.0.cast_signed())], |row| row.get(0).map(RunId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn next_told(
        &self,
        run: RunId,
        after: i64,
        scope: &Scope,
        began_within: bool,
    ) -> Result<Option<RequestRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first_position, state, answered_at, changes FROM whole_requests
             WHERE run_id = ?1 AND first_position > ?2
               AND iif(answered_at IS NULL, ?5, answered_at >= ?3 AND answered_at <= ?4)
             ORDER BY first_position LIMIT 1",
        )?;
        let since = scope.since.map_or(i64::MIN, Timestamp::as_millisecond);
        let until = scope.until.map_or(i64::MAX, Timestamp::as_millisecond);
        let limits = params![run.0, after, since, until, began_within];
        Ok(statement.query_row(limits, RequestRow::read).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, Direction};
    use crate::store::packing::pack_changes;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        let identity = prop_oneof![
            any::<i64>().prop_map(Identity::Mpid),
            (-99..99_i64).prop_map(Identity::Mpid),
            any::<[u8; 16]>().prop_map(Identity::Uuid),
            "[a-c\u{e9}]{1,3}".prop_map(|text| Identity::of_distinct_id(&text)),
        ];
        (identity, prop::option::of("[a-c\u{e9}]{1,3}")).prop_map(|(identity, profile)| {
            let own = identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
            Change {
                direction: Direction::Add,
                distinct_id: own.or(profile.map(String::into_boxed_str)),
                identity,
            }
        })
    }

    proptest! {
        #[test]
        fn no_request_about_somebody_is_passed_over(changes in prop::collection::vec(change(), 1..6), which in any::<prop::sample::Index>()) {
            let wanted = which.get(&changes);
            let by_mpid = wanted.identity.mpid().map(|mpid| mpid.to_string());
            let blob = pack_changes(&changes).unwrap();
            for id in [by_mpid.as_deref(), wanted.distinct_id.as_deref()].into_iter().flatten() {
                let ids = KnownIds::of(&UserId::parse(id).unwrap());
                prop_assert!(ids.name(&wanted.identity, wanted.distinct_id.as_deref()));
                let needles = needles_in_changes(&ids).unwrap();
                prop_assert!(needles.iter().any(|needle| needle.find(&blob).is_some()), "{id}");
            }
        }
    }
}
