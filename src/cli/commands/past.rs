//! `changes` beyond a single run, and `members`: what mParticle was told in a span of time or of one user, who changed
//! sides again and again, and who was a member at a moment. What is forgotten is said.

use super::history::{self, change_cells, mpid};
use super::status::remembered;
use super::{Rows, count, remark, state};
use crate::cli::account::Desk;
use crate::cli::args::{ChangesArgs, MembersArgs};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Cell, Column};
use crate::domain::presence::Presence;
use crate::domain::{Cohort, CohortId, Direction, KnownIds, Outcome, UserId};
use crate::store::{Holding, PersonRow, RUNS_WITH_CHANGES, Reader, Scope};
use crate::sync::export::seconds;
use crate::tui::text::plural;
use jiff::Timestamp;

/// Records of runs that are looked at; no cohort has more.
const RUNS: usize = 10_000;

/// Cohorts whose forgotten past is named before the others are only counted.
const NAMED: usize = 3;

const COLUMNS: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::number("mpid", "MPID"),
    Column::text("change", "Change"),
    Column::text("state", "State"),
    Column::text("reason", "Reason"),
    Column::text("at", "At"),
    Column::number("run_id", "Run"),
    Column::hidden("cohort_id"),
    Column::text("cohort", "Cohort"),
    Column::hidden("attribute"),
];

/// Lists what was told: by a run, of a user, in a span of time.
pub(in crate::cli) fn changes(desk: &Desk, asked: &ChangesArgs) -> Result<Exit, Failure> {
    if let Some(run) = asked.run {
        return history::changes(desk, run, &asked.list);
    }
    let Some(reader) = state(&desk.places)? else {
        remark(NOTHING);
        Rows::begin(&asked.list, &desk.args.global, COLUMNS)?.finish()?;
        return Ok(Exit::Done);
    };
    let cohort = asked.cohort.as_deref().map(|wanted| remembered(&reader, wanted)).transpose()?;
    if let (Some((_, cohort)), true) = (&cohort, asked.flapping) {
        return flapping(desk, &reader, cohort, asked);
    }
    let cohort = cohort.map(|(id, _)| id);
    let scope = Scope { cohort, since: asked.since, until: asked.until };
    let ids = asked.user.as_ref().map(|id| reader.told_as(id)).transpose()?;
    if let Some(tally) = list_told(desk, &reader, asked, scope, ids.as_ref())? {
        tally.tell(asked.user.as_ref().map(UserId::as_str), ids.as_ref());
        tell_what_is_forgotten(&reader, scope)?;
    }
    Ok(Exit::Done)
}

const NOTHING: &str = "mParticle was told nothing yet; start with: cohort-sync sync COHORT";

/// Lists it, and counts what was listed; `None` when the reader left before the end.
fn list_told(
    desk: &Desk,
    reader: &Reader,
    asked: &ChangesArgs,
    scope: Scope,
    ids: Option<&KnownIds>,
) -> Result<Option<Tally>, Failure> {
    let mut rows = Rows::begin(&asked.list, &desk.args.global, COLUMNS)?;
    let mut tally = Tally::default();
    reader.for_each_told::<Failure>(&scope, ids, |run, changes| {
        for row in &changes {
            tally.count(row.change.direction, row.at.is_some() && row.reason.is_none());
            let [distinct_id, mpid, change, state, reason, at] = change_cells(row);
            let of_run = [
                Cell::Id(run.id.0.unsigned_abs()),
                Cell::Id(run.cohort_id.0),
                run.cohort.clone().into(),
                run.attribute.clone().into(),
            ];
            let [run, cohort_id, cohort, attribute] = of_run;
            let cells = [distinct_id, mpid, change, state, reason, at, run, cohort_id, cohort, attribute];
            if !rows.row(&cells)? {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    let is_whole = !rows.is_closed;
    rows.finish()?;
    Ok(is_whole.then_some(tally))
}

/// What was listed.
#[derive(Default)]
struct Tally {
    entered: u64,
    left: u64,
    others: u64,
}

impl Tally {
    fn count(&mut self, direction: Direction, is_accepted: bool) {
        *match (is_accepted, direction) {
            (true, Direction::Add) => &mut self.entered,
            (true, Direction::Remove) => &mut self.left,
            (false, _) => &mut self.others,
        } += 1;
    }

    fn tell(&self, user: Option<&str>, ids: Option<&KnownIds>) {
        if let (Some(id), Some(ids)) = (user, ids) {
            let others = ids
                .distinct_ids
                .iter()
                .map(ToString::to_string)
                .chain(ids.mpids.iter().map(ToString::to_string))
                .filter(|other| other != id);
            let others: Vec<String> = others.collect();
            if !others.is_empty() {
                remark(&format!("\"{id}\" is also known as {}", others.join(", ")));
            }
        }
        if self.entered + self.left + self.others == 0 {
            return remark(match user {
                Some(_) => "mParticle was told nothing about this user, by what is kept",
                None => "mParticle was told nothing then, by what is kept",
            });
        }
        let others = match self.others {
            0 => String::new(),
            others => format!(", {} not accepted", count(others)),
        };
        let (adds, removes) = (plural(self.entered, "add"), plural(self.left, "remove"));
        remark(&format!("{adds} and {removes} accepted{others}"));
    }
}

/// Says of which cohorts older changes are forgotten that would belong to the list.
fn tell_what_is_forgotten(reader: &Reader, scope: Scope) -> Result<(), Failure> {
    let cohorts = reader.cohorts()?.cohorts.into_iter().map(|(cohort, _)| cohort);
    let mut forgotten = Vec::new();
    for cohort in cohorts.filter(|cohort| scope.cohort.is_none_or(|wanted| wanted == cohort.id)) {
        let kept = reader.complete_since(cohort.id)?;
        if let Some(kept) = kept.filter(|kept| scope.since.is_none_or(|since| since < *kept)) {
            forgotten.push(format!("\"{}\" before {}", cohort.name, seconds(kept)));
        }
    }
    if !forgotten.is_empty() {
        let more = forgotten.len().saturating_sub(NAMED);
        forgotten.truncate(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and of {more} more cohorts") };
        remark(&format!(
            "not in the list, because only the changes of the last {RUNS_WITH_CHANGES} runs of a cohort that made any are kept: {}{more}",
            forgotten.join(", ")
        ));
    }
    Ok(())
}

const FLAPPING: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::number("mpid", "MPID"),
    Column::number("turns", "Turns"),
    Column::number("entered", "Entered"),
    Column::number("left", "Left"),
    Column::text("first_at", "First"),
    Column::text("last_at", "Last"),
    Column::text("member", "Member now"),
];

/// Lists who changed sides again and again.
fn flapping(desk: &Desk, reader: &Reader, cohort: &Cohort, asked: &ChangesArgs) -> Result<Exit, Failure> {
    let holding = holding_at(reader, cohort.id, None)?;
    let mut rows = Rows::begin(&asked.list, &desk.args.global, FLAPPING)?;
    let mut found = 0_u64;
    reader.at_one_moment(|reader| {
        reader.for_each_person::<Failure>(&holding, |person| {
            if !person.presence.flaps() {
                return Ok(true);
            }
            found += 1;
            rows.row(&flapping_cells(&person))
        })
    })?;
    rows.finish()?;
    let kept = reader.complete_since(cohort.id)?.map_or_else(
        || "since it was first exported".to_owned(),
        |kept| format!("since {}; what was told before is forgotten", seconds(kept)),
    );
    remark(&format!("{} changed sides at least three times {kept}", plural(found, "user")));
    Ok(Exit::Done)
}

fn flapping_cells(person: &PersonRow) -> [Cell; 8] {
    let turns: Vec<_> = person.presence.turns().collect();
    let entered = turns.iter().filter(|told| told.direction == Direction::Add).count() as u64;
    let [distinct_id, mpid] = person_cells(person);
    [
        distinct_id,
        mpid,
        (turns.len() as u64).into(),
        entered.into(),
        (turns.len() as u64 - entered).into(),
        turns.first().map(|told| seconds(told.at)).into(),
        turns.last().map(|told| seconds(told.at)).into(),
        turns.last().is_some_and(|told| told.direction == Direction::Add).into(),
    ]
}

const MEMBERS: &[Column] = &[
    Column::text("distinct_id", "Distinct id"),
    Column::number("mpid", "MPID"),
    Column::text("since", "Member since"),
];

/// Lists who is a member, or was.
pub(in crate::cli) fn members(desk: &Desk, asked: &MembersArgs) -> Result<Exit, Failure> {
    let reader = state(&desk.places)?.ok_or_else(|| Failure::Usage(NOTHING.to_owned()))?;
    let (id, cohort) = remembered(&reader, &asked.cohort)?;
    let kept = reader.complete_since(id)?;
    if let Some((at, kept)) = asked.at.zip(kept).filter(|(at, kept)| at < kept) {
        return Err(Failure::Usage(format!(
            "who was a member of \"{}\" at {} is forgotten: only the changes of the last {RUNS_WITH_CHANGES} runs that made \
             any are kept; name {} or a later moment",
            cohort.name,
            seconds(at),
            seconds(kept)
        )));
    }
    let holding = holding_at(&reader, id, asked.at)?;
    let moment = asked.at.unwrap_or_else(Timestamp::now);
    let mut rows = Rows::begin(&asked.list, &desk.args.global, MEMBERS)?;
    let mut found = 0_u64;
    reader.at_one_moment(|reader| {
        reader.for_each_person::<Failure>(&holding, |person| {
            if !is_member(&person.presence, asked.at) {
                return Ok(true);
            }
            found += 1;
            let [distinct_id, mpid] = person_cells(&person);
            rows.row(&[distinct_id, mpid, person.presence.member_since(moment).map(seconds).into()])
        })
    })?;
    rows.finish()?;
    let when = asked.at.map_or_else(|| "now".to_owned(), |at| format!("at {}", seconds(at)));
    let since =
        kept.map_or_else(String::new, |kept| format!("; since when is known from {} on", seconds(kept)));
    remark(&format!(
        "{} held the attribute \"{}\" {when}, by what mParticle accepted{since}",
        plural(found, "user"),
        holding.attribute
    ));
    Ok(Exit::Done)
}

/// Now the baseline decides, where nothing newer was accepted.
fn is_member(presence: &Presence, at: Option<Timestamp>) -> bool {
    presence.at(at.unwrap_or(Timestamp::MAX))
}

/// The attribute that the cohort's sync worked on at a moment, or works on now.
fn holding_at(reader: &Reader, cohort: CohortId, at: Option<Timestamp>) -> Result<Holding, Failure> {
    let sync = reader.syncs()?.into_iter().find(|sync| sync.cohort_id == cohort);
    let Some(sync) = sync else { return Err(Failure::Usage(NOTHING.to_owned())) };
    let runs = if at.is_some() { reader.runs(Some(cohort), RUNS)? } else { Vec::new() };
    let then = runs.into_iter().find(|run| {
        let told = run.purpose.reads() && run.outcome != Some(Outcome::DryRun);
        told && at.is_some_and(|at| run.started_at <= at)
    });
    Ok(then.map_or_else(|| sync.holding(), |run| run.holding()))
}

fn person_cells(person: &PersonRow) -> [Cell; 2] {
    [person.distinct_id.as_deref().into(), mpid(person.identity.mpid())]
}
