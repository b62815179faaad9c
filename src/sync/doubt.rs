//! Clearing doubts: requests of an earlier run that may have arrived, but were never answered, are sent again just
//! as they were before anything newer is told. They bear the same `source_request_id`s, so mParticle takes a late
//! first copy for a repeat: an older value cannot land on a newer one, however long it was on its way.

use super::convoy::{self, Offer};
use super::report::{RunEnd, RunNews};
use super::run::Run;
use super::send;
use crate::domain::{Outcome, RunId};
use crate::store::{OutboxRequest, Part, RunRecord};
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// Sends again what is in doubt, and settles it. A run that cannot do so tells nothing newer.
pub(super) async fn clear(run: &mut Run) -> Result<(), RunEnd> {
    if run.order.job.dry_run {
        return Ok(());
    }
    let Some((_, requests)) = in_doubt(run).await? else { return Ok(()) };
    // Requests that left together are sent again together, by whichever of their runs comes first.
    let doubts = run.tools.doubts.clone();
    let _alone = if alone(&requests).is_none() { Some(doubts.lock().await) } else { None };
    let Some((record, requests)) = in_doubt(run).await? else { return Ok(()) };
    let id = record.id;
    let text = match requests.len() {
        1 => "sends again 1 request whose answer was lost".to_owned(),
        many => format!("sends again {many} requests whose answers were lost"),
    };
    tracing::info!(run = %run.record.id, of = %id, "{text}");
    run.tell(RunNews::Waiting(Some(text)));
    let mut earlier = run.earlier(record);
    // Open as long as its requests are on their way: cut off now, it must be settled by the next start.
    let outcome = earlier.record.outcome.take();
    earlier.save().await?;
    let sent = match alone(&requests) {
        Some(requests) => send::send_again(&mut earlier, requests).await,
        None => together(&mut earlier, requests).await,
    };
    // Whatever was answered counts, however far it went.
    let baseline = earlier.settle_accepted(false).await?;
    earlier.record.outcome = outcome;
    earlier.save().await?;
    sent?;
    run.baseline_became(baseline);
    run.tell(RunNews::Waiting(None));
    Ok(())
}

/// The run whose requests may have left without an answer, and these requests.
async fn in_doubt(run: &Run) -> Result<Option<(RunRecord, Vec<Vec<Part>>)>, RunEnd> {
    let holding = run.record.holding();
    run.ask(move |store| {
        let Some(record) = store.run_in_doubt(&holding)? else { return Ok(None) };
        let requests = store.claimed_parcels(record.id)?;
        Ok(Some((record, requests)))
    })
    .await
}

/// The requests as those of one run; nothing when some of them have parts of others.
fn alone(requests: &[Vec<Part>]) -> Option<Vec<OutboxRequest>> {
    requests
        .iter()
        .map(|parts| match parts.as_slice() {
            [Part { first_position, changes, .. }] => {
                Some(OutboxRequest { first_position: *first_position, changes: changes.clone() })
            }
            _ => None,
        })
        .collect()
}

/// Sends requests of several runs again, and settles the others as well: what is accepted of them counts just the same,
/// and whichever run of theirs comes next finds nothing in doubt.
async fn together(earlier: &mut Run, requests: Vec<Vec<Part>>) -> Result<(), RunEnd> {
    let runs: BTreeSet<RunId> = requests.iter().flatten().map(|part| part.run).collect();
    let own = earlier.record.id;
    let mut others: Vec<(Run, Option<Outcome>)> = Vec::new();
    for id in runs.into_iter().filter(|id| *id != own) {
        let record: Option<RunRecord> = earlier.ask(move |store| store.run(id)).await?;
        let Some(record) = record else { continue };
        let mut other = earlier.earlier(record);
        let outcome = other.record.outcome.take();
        // One that is open is either at work or will be settled by the next start.
        if outcome.is_some() {
            other.save().await?;
        }
        others.push((other, outcome));
    }
    let offers: Vec<Offer> = std::iter::once(&*earlier)
        .chain(others.iter().map(|(other, _)| other))
        // Nobody listens: what was answered is read back from the store.
        .map(|run| run.offer(0, mpsc::unbounded_channel().0))
        .collect();
    let last_call = earlier.stop.child_token();
    let sent = convoy::send_again(earlier.tools.clone(), offers, requests, last_call).await;
    for (mut other, outcome) in others {
        other.settle_accepted(false).await?;
        if outcome.is_some() {
            other.record.outcome = outcome;
            other.save().await?;
        }
    }
    sent
}
