//! The users behind each line of a cohort's counts, one a row, a window at a time or all of them: from the remarks about
//! a read, from the plan and the baseline of its run, and from the last verification. Nothing grows with a list: each is
//! gone through part by part, and only the rows of the window are spelt out.

use super::columns::RemarkRef;
use super::reader::{ChangeRow, Reader, RequestRow};
use super::{RunRecord, StoreError, Window, baseline};
use crate::domain::identity::ANONYMOUS_PREFIX;
use crate::domain::member::{RawId, is_suspect, parse_mpid};
use crate::domain::people::{Narrow, UserRow};
use crate::domain::plan::Wave;
use crate::domain::reason::Reason;
use crate::domain::remark::RemarkKind;
use crate::domain::rounding::Neighbours;
use crate::domain::verification::WrongUser;
use crate::domain::waterfall::{Line, Listed, Waterfall};
use crate::domain::{ChangeState, Identity, IdentityRef, RunId};
use rusqlite::{OptionalExtension, params};
use std::collections::HashSet;
use std::iter::Peekable;

/// A user of a list, spelt out only where somebody wants to see it.
enum Found<'a> {
    Remark(RemarkRef<'a>, &'a Neighbours),
    Row(UserRow),
}

impl Found<'_> {
    fn passes(&self, narrow: &Narrow, spelt: &mut String) -> bool {
        match self {
            Self::Row(row) => narrow.accepts(row),
            Self::Remark(remark, _) => {
                let reason = remark.kind.reason(remark.distinct_id);
                if !narrow.takes(Some(reason), |place| remark.property(place)) {
                    return false;
                }
                let written = [remark.distinct_id, remark.evidence, remark.last_seen, remark.counted_profile];
                let written = written.into_iter().chain([Some(reason.title())]).chain(remark.properties());
                narrow.finds(written.flatten(), spelt)
            }
        }
    }

    fn spelt_out(self) -> UserRow {
        match self {
            Self::Row(row) => row,
            Self::Remark(remark, neighbours) => {
                let own = |text: Option<&str>| text.map(Box::<str>::from);
                let mpid = remark.evidence.and_then(|text| parse_mpid(&RawId::Text(text.into())).ok());
                let detail = match (remark.kind, mpid) {
                    (RemarkKind::Suspect, Some(mpid)) => exact_ids(neighbours.of(mpid)),
                    (RemarkKind::Duplicate, _) => {
                        remark.counted_profile.map(|profile| format!("counted as {profile}"))
                    }
                    _ => None,
                };
                UserRow {
                    distinct_id: own(remark.distinct_id),
                    mpid,
                    reason: Some(remark.kind.reason(remark.distinct_id)),
                    sent: !matches!(remark.kind, RemarkKind::Unsendable(_)),
                    holds: own(remark.evidence),
                    last_seen: own(remark.last_seen),
                    detail: detail.map(Into::into),
                    properties: remark.properties().map(own).collect(),
                }
            }
        }
    }
}

fn exact_ids(neighbours: &[i64]) -> Option<String> {
    if neighbours.is_empty() {
        return None;
    }
    let ids: Vec<String> = neighbours.iter().map(i64::to_string).collect();
    Some(format!("may have been {}", ids.join(" or ")))
}

/// Which of those who were told, or are to be.
#[derive(Clone, Copy)]
struct Told {
    state: Option<ChangeState>,
    only_mpids: bool,
}

type Take<'t, E> = &'t mut dyn FnMut(Found<'_>) -> Result<bool, E>;

impl Reader {
    /// The users behind a line of a run's account, those that pass.
    pub fn users_window(
        &self,
        run: &RunRecord,
        listed: Listed,
        narrow: &Narrow,
        offset: u64,
        limit: usize,
    ) -> Result<Window<UserRow>, StoreError> {
        let (mut total, mut rows, mut spelt) = (0, Vec::new(), String::new());
        // Whole lists that are told of are as long as their line says, so their ends need not be looked for.
        let known = Self::known_length(run, listed).filter(|_| narrow.is_nothing());
        self.at_one_moment(|reader| {
            reader.visit::<StoreError>(run, listed, &mut |found| {
                if !found.passes(narrow, &mut spelt) {
                    return Ok(true);
                }
                if total >= offset && rows.len() < limit {
                    rows.push(found.spelt_out());
                }
                total += 1;
                Ok(known.is_none() || rows.len() < limit)
            })
        })?;
        // Whoever was counted and is not there any more, after a clean-up for example, is no row.
        let total = known.filter(|_| rows.len() >= limit).map_or(total, |known| known.max(total));
        Ok(Window { offset, total, rows })
    }

    /// Hands every user behind a line of a run's account that passes to `each`, which returns whether to go on.
    pub fn for_each_user<E: From<StoreError>>(
        &self,
        run: &RunRecord,
        listed: Listed,
        narrow: &Narrow,
        mut each: impl FnMut(UserRow) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut spelt = String::new();
        self.at_one_moment(|reader| {
            reader.visit::<E>(run, listed, &mut |found| {
                if found.passes(narrow, &mut spelt) { each(found.spelt_out()) } else { Ok(true) }
            })
        })
    }

    fn known_length(run: &RunRecord, listed: Listed) -> Option<u64> {
        let line = match listed {
            Listed::Fetched => Line::Fetched,
            Listed::Sendable => Line::Sendable,
            Listed::Matched => Line::Matched,
            Listed::Accepted => Line::Accepted,
            _ => return None,
        };
        Waterfall::of(None, &run.counts).count(line).map(i64::cast_unsigned)
    }

    fn visit<E: From<StoreError>>(
        &self,
        run: &RunRecord,
        listed: Listed,
        take: Take<'_, E>,
    ) -> Result<(), E> {
        let told = |state| Told { state, only_mpids: false };
        let matched = Told { state: None, only_mpids: true };
        let is_unmatched = |kind, _: Option<&str>| matches!(kind, RemarkKind::Unmatched(_));
        let is_unsendable = |kind, _: Option<&str>| matches!(kind, RemarkKind::Unsendable(_));
        let is_duplicate = |kind, _: Option<&str>| kind == RemarkKind::Duplicate;
        let is_anonymous = |kind, id: Option<&str>| {
            matches!(kind, RemarkKind::Unmatched(_)) && id.is_some_and(|id| id.starts_with(ANONYMOUS_PREFIX))
        };
        let id = run.id;
        let _ = match listed {
            Listed::Lacking => self.remarked(id, true, |_, _| true, take)?,
            Listed::Unmatched => self.remarked(id, true, is_unmatched, take)?,
            Listed::Unsendable => self.remarked(id, true, is_unsendable, take)?,
            Listed::Anonymous => self.remarked(id, true, is_anonymous, take)?,
            Listed::Duplicates => self.remarked(id, false, is_duplicate, take)?,
            Listed::Suspect => self.suspects(id, take)?,
            Listed::Matched => self.told(run, matched, take)?,
            Listed::Sendable => {
                self.told(run, matched, take)? && self.remarked(id, true, is_unmatched, take)?
            }
            Listed::Fetched => {
                self.told(run, matched, take)?
                    && self.remarked(id, true, |_, _| true, take)?
                    && self.remarked(id, false, is_duplicate, take)?
            }
            Listed::Accepted => self.told(run, told(Some(ChangeState::Accepted)), take)?,
            Listed::Rejected => self.told(run, told(Some(ChangeState::Rejected)), take)?,
            Listed::Pending => self.told(run, told(Some(ChangeState::Pending)), take)?,
            Listed::Left => self.left(id, take)?,
            Listed::Wrong => self.wrong(run, take)?,
        };
        Ok(())
    }

    /// Profiles with a remark of some kind; tells whether more is wanted.
    fn remarked<E: From<StoreError>>(
        &self,
        run: RunId,
        lacking: bool,
        mut is_meant: impl FnMut(RemarkKind, Option<&str>) -> bool,
        take: Take<'_, E>,
    ) -> Result<bool, E> {
        let neighbours = if lacking { Neighbours::default() } else { self.neighbours(run)? };
        let mut goes_on = true;
        self.for_each_part::<E>(run, lacking, |part| {
            for remark in part.iter() {
                if is_meant(remark.kind, remark.distinct_id) && !take(Found::Remark(remark, &neighbours))? {
                    goes_on = false;
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(goes_on)
    }

    /// People with a rounded id, each once: a further profile of theirs is a duplicate.
    fn suspects<E: From<StoreError>>(&self, run: RunId, take: Take<'_, E>) -> Result<bool, E> {
        let mut seen: HashSet<i64> = HashSet::new();
        self.remarked(run, false, |kind, _| kind == RemarkKind::Suspect, &mut |found| {
            let Found::Remark(remark, _) = &found else { return Ok(true) };
            let mpid = remark.evidence.and_then(|text| parse_mpid(&RawId::Text(text.into())).ok());
            if mpid.is_some_and(|mpid| !seen.insert(mpid)) { Ok(true) } else { take(found) }
        })
    }

    /// Members who were told or are to be, in order of identity: whoever is in the baseline and does not leave, and
    /// whoever the run planned to add.
    fn told<E: From<StoreError>>(&self, run: &RunRecord, told: Told, take: Take<'_, E>) -> Result<bool, E> {
        let mut known = baseline::read(&self.connection, &run.holding()).peekable();
        let [removes, adds, again, refresh] = Wave::ALL.map(|wave| self.wave(run.id, wave).peekable());
        let mut removes = removes;
        let mut telling = [adds, again, refresh];
        loop {
            head(&mut removes, |_| ())?;
            let mut least: Option<Identity> = head(&mut known, Clone::clone)?;
            for wave in &mut telling {
                if let Some(identity) = head(wave, |row: &ChangeRow| row.change.identity.clone())? {
                    least = Some(least.map_or(identity.clone(), |least| least.min(identity)));
                }
            }
            let Some(identity) = least.filter(|least| !told.only_mpids || least.mpid().is_some()) else {
                return Ok(true);
            };
            let in_baseline = pass(&mut known, |known| known == &identity);
            let mut change = None;
            for wave in &mut telling {
                if let Some(Ok(row)) = wave.next_if(|row| is_about(row, &identity)) {
                    change = Some(row);
                }
            }
            while removes.next_if(|row| is_before(row, &identity)).is_some() {}
            let leaves = pass(&mut removes, |row: &ChangeRow| row.change.identity == identity);
            let state = match &change {
                Some(row) => row.state,
                None if in_baseline && !leaves => ChangeState::Accepted,
                None => continue,
            };
            if told.state.is_none_or(|wanted| wanted == state)
                && !take(Found::Row(member(&identity, state, change)))?
            {
                return Ok(false);
            }
        }
    }

    /// Whoever the run told, or was to tell, to leave.
    fn left<E: From<StoreError>>(&self, run: RunId, take: Take<'_, E>) -> Result<bool, E> {
        for row in self.wave(run, Wave::Removes) {
            let row = row?;
            let detail = match (row.state, row.reason) {
                (ChangeState::Accepted, _) => "mParticle accepted false".to_owned(),
                (ChangeState::Rejected, words) => format!("not let go: {}", words.unwrap_or_default()),
                (ChangeState::Pending, _) => "not let go yet: false is not answered".to_owned(),
            };
            let user = UserRow {
                reason: Some(Reason::Left),
                detail: Some(detail.into()),
                ..named(&row.change.identity, row.change.distinct_id)
            };
            if !take(Found::Row(user))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whom the last verification of what the run set found wrong.
    fn wrong<E: From<StoreError>>(&self, run: &RunRecord, take: Take<'_, E>) -> Result<bool, E> {
        let Some((verification, _)) = self.verification(&run.holding())? else { return Ok(true) };
        let mut goes_on = true;
        self.for_each_wrong_user::<E>(verification, |users| {
            for user in users {
                goes_on = goes_on && take(Found::Row(seen_wrong(user)))?;
            }
            Ok(goes_on)
        })?;
        Ok(goes_on)
    }

    /// The changes of a wave of a run in order of identity, which is how each is written.
    fn wave(&self, run: RunId, wave: Wave) -> impl Iterator<Item = Result<ChangeRow, StoreError>> + use<'_> {
        let mut after = Some(-1_i64);
        let mut request = Vec::new().into_iter();
        std::iter::from_fn(move || {
            loop {
                if let Some(row) = request.next() {
                    return Some(Ok(row));
                }
                match self.next_of_wave(run, wave, after?) {
                    Ok(Some((first, rows))) => {
                        after = Some(first);
                        request = rows.into_iter();
                    }
                    Ok(None) => after = None,
                    Err(error) => {
                        after = None;
                        return Some(Err(error));
                    }
                }
            }
        })
    }

    fn next_of_wave(
        &self,
        run: RunId,
        wave: Wave,
        after: i64,
    ) -> Result<Option<(i64, Vec<ChangeRow>)>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT first_position, state, answered_at, changes FROM whole_requests
                 WHERE run_id = ?1 AND first_position > ?3 AND wave = ?2 ORDER BY first_position LIMIT 1",
            )?
            .query_row(params![run.0, wave.number().cast_signed(), after], RequestRow::read)
            .optional()?;
        let Some(request) = found else { return Ok(None) };
        Ok(Some((request.first_position, self.rows_of(run, &request)?)))
    }
}

/// The next of a stream, or the error it ends with.
fn head<T, K>(
    stream: &mut Peekable<impl Iterator<Item = Result<T, StoreError>>>,
    of: impl Fn(&T) -> K,
) -> Result<Option<K>, StoreError> {
    if let Some(Err(error)) = stream.next_if(Result::is_err) {
        return Err(error);
    }
    Ok(stream.peek().and_then(|item| item.as_ref().ok()).map(of))
}

/// Passes the next of a stream if it is meant; tells whether it was.
fn pass<T>(
    stream: &mut Peekable<impl Iterator<Item = Result<T, StoreError>>>,
    is_meant: impl Fn(&T) -> bool,
) -> bool {
    stream.next_if(|item| item.as_ref().is_ok_and(&is_meant)).is_some()
}

fn is_about(row: &Result<ChangeRow, StoreError>, identity: &Identity) -> bool {
    row.as_ref().is_ok_and(|row| row.change.identity == *identity)
}

fn is_before(row: &Result<ChangeRow, StoreError>, identity: &Identity) -> bool {
    row.as_ref().is_ok_and(|row| row.change.identity < *identity)
}

fn named(identity: &Identity, distinct_id: Option<Box<str>>) -> UserRow {
    let user = UserRow::of(identity.borrow());
    UserRow { distinct_id: user.distinct_id.or(distinct_id), ..user }
}

/// A member by identity, with what the plan knows of the telling.
fn member(identity: &Identity, state: ChangeState, change: Option<ChangeRow>) -> UserRow {
    let (distinct_id, words) = change.map_or((None, None), |row| (row.change.distinct_id, row.reason));
    let by_identity = match identity.borrow() {
        IdentityRef::Mpid(mpid) if is_suspect(mpid) => Some(Reason::Rounded),
        other if other.is_anonymous() => Some(Reason::Anonymous),
        _ => None,
    };
    let reason = match (state, &words) {
        (ChangeState::Rejected, words) => {
            Some(words.as_deref().map_or(Reason::Rejected, Reason::of_rejection))
        }
        (ChangeState::Pending, _) => Some(Reason::Pending),
        (ChangeState::Accepted, _) => by_identity,
    };
    UserRow { reason, detail: words.map(Into::into), ..named(identity, distinct_id) }
}

fn seen_wrong(user: WrongUser) -> UserRow {
    let reason = Some(Reason::of_fault(user.fault(), &user.held));
    let by = user.told_by.map_or(String::new(), |(run, _)| format!(" by run {run}"));
    let detail = format!("told {}{by}, holds {}", user.group.told(), user.held);
    UserRow { reason, detail: Some(detail.into()), ..named(&user.identity, user.distinct_id) }
}
