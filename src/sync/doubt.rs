//! Clearing doubts: requests of an earlier run that may have arrived, but were never answered, are sent again just
//! as they were before anything newer is told. They bear the same `source_request_id`s, so mParticle takes a late
//! first copy for a repeat: an older value cannot land on a newer one, however long it was on its way.

use super::report::{RunEnd, RunNews};
use super::run::Run;
use super::send;

/// Sends again what is in doubt, and settles it. A run that cannot do so tells nothing newer.
pub(super) async fn clear(run: &mut Run) -> Result<(), RunEnd> {
    if run.order.job.dry_run {
        return Ok(());
    }
    let holding = run.record.holding();
    let Some(record) = run.ask(move |store| store.run_in_doubt(&holding)).await? else { return Ok(()) };
    let id = record.id;
    let requests = run.ask(move |store| store.claimed(id)).await?;
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
    let sent = send::send_again(&mut earlier, requests).await;
    // Whatever was answered counts, however far it went.
    let baseline = earlier.settle_accepted(false).await?;
    earlier.record.outcome = outcome;
    earlier.save().await?;
    sent?;
    run.baseline_became(baseline);
    run.tell(RunNews::Waiting(None));
    Ok(())
}
