//! Planning a repair: whom the last verification found wrong is told again what they were told before, with requests of
//! their own, so that mParticle does not take them for repeats. Nobody is told anything that is not still so: whoever
//! was told something else since, or whose last telling is in doubt, is left to the next run.

use super::report::{RunEnd, RunNews};
use super::run::Run;
use crate::domain::plan::{Planner, RequestLimits, Wave};
use crate::domain::verification::WrongUser;
use crate::domain::{Change, Direction, Identity, Phase};
use crate::store::{Holding, Reader, StoreError};
use std::collections::BTreeSet;
use tokio::task;

/// Writes the plan; the run's accounts then hold what is planned.
pub(super) async fn plan(run: &mut Run) -> Result<(), RunEnd> {
    run.enter(Phase::Compare).await?;
    let (directory, holding) = (run.tools.directory.clone(), run.record.holding());
    let changes = {
        let _reading = run.tools.keeper.reading();
        let reading = task::spawn_blocking(move || {
            Reader::open(&directory)?.consistently(|reader| changes(reader, &holding))
        });
        let read = reading.await.unwrap_or(Err(StoreError::Closed));
        read.map_err(|error| RunEnd::Failed(error.to_string()))?
    };
    let (encoder, attribute) = (run.tools.encoder.clone(), run.record.attribute.clone());
    let size_of = move |change: &Change| encoder.upper_bound(&attribute, change);
    let mut planner = Planner::new(RequestLimits::default(), size_of);
    let mut requests = Vec::new();
    for change in changes {
        run.record.counts.plan(change.direction);
        requests.extend(planner.take(Wave::of(change.direction), change));
    }
    requests.extend(planner.finish());
    let (id, cohort) = (run.record.id, run.record.cohort_id);
    run.ask(move |store| store.write_plan(id, cohort, &requests, true)).await?;
    run.tell(RunNews::Counts(Box::new(run.record.counts)));
    Ok(())
}

/// What to tell again, in order of identity as every plan is.
fn changes(reader: &Reader, holding: &Holding) -> Result<Vec<Change>, StoreError> {
    let Some((verification, _)) = reader.verification(holding)? else { return Ok(Vec::new()) };
    let mut wrong: Vec<WrongUser> = Vec::new();
    reader.for_each_wrong_user::<StoreError>(verification, |users| {
        wrong.extend(users);
        Ok(true)
    })?;
    wrong.sort_by(|a, b| a.identity.cmp(&b.identity));
    let everybody: BTreeSet<Identity> =
        wrong.iter().flat_map(|user| user.aliases.iter().chain([&user.identity])).cloned().collect();
    let members = reader.members_among(holding, &everybody)?;
    let uncertain = reader.uncertain(holding)?;
    Ok(wrong
        .into_iter()
        .filter(|user| !uncertain.contains(&user.identity))
        .filter(|user| is_still_so(user, &members))
        .map(|user| Change {
            direction: if user.group.told() { Direction::Add } else { Direction::Remove },
            identity: user.identity,
            distinct_id: user.distinct_id,
        })
        .collect())
}

/// Whether somebody is still to hold what they were told. A profile that is a member by another identity now must not
/// be told that it has left.
fn is_still_so(user: &WrongUser, members: &BTreeSet<Identity>) -> bool {
    let is_member = members.contains(&user.identity);
    if user.group.told() {
        is_member
    } else {
        !is_member && !user.aliases.iter().any(|alias| members.contains(alias))
    }
}
