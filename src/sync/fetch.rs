//! Fetch: the members of a cohort are read whole or not at all. Page 0 spends a query of the budget and opens a
//! session; the other pages are free. A session that is lost means starting over, never splicing. What is
//! remarkable about profiles goes to the store as it arrives, so that memory does not grow with it.

use super::report::{RunEnd, RunNews, SideNews};
use super::run::Run;
use super::tools::{AskedMixpanel, Tools};
use crate::domain::membership::{Collector, Membership};
use crate::domain::remarks::Remarks;
use crate::domain::rounding::Neighbours;
use crate::domain::{CohortId, PauseCause, Phase, RunId};
use crate::http::Backoff;
use crate::mixpanel::{Client, Heeded, MixpanelError, Page, PageEvent, Rest, wait_to_retry};
use crate::store::{Reader, Side, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::task;
use tokio_util::sync::CancellationToken;

/// How often a read is begun before the run gives up; each costs a query.
const READS: u32 = 3;

/// Reads the members.
pub(super) async fn fetch(run: &mut Run) -> Result<Membership, RunEnd> {
    run.enter(Phase::Fetch).await?;
    match read(run).await {
        Ok(membership) => {
            let empty = membership.counts().fetched() == 0;
            if empty && run.order.baseline > 0 {
                gone_or(run, Ok(())).await?;
            }
            Ok(membership)
        }
        Err(Trouble::Run(end)) => Err(end),
        Err(Trouble::Mixpanel(error)) if error.may_be_the_cohort() => {
            gone_or(run, Err(error)).await?;
            Err(RunEnd::Failed("the cohort could not be read".to_owned()))
        }
        Err(Trouble::Mixpanel(error)) => Err(end_of(&run.tools, &error)),
    }
}

/// What kept the read from ending.
enum Trouble {
    Mixpanel(MixpanelError),
    Run(RunEnd),
}

impl From<MixpanelError> for Trouble {
    fn from(error: MixpanelError) -> Self {
        Self::Mixpanel(error)
    }
}

impl From<RunEnd> for Trouble {
    fn from(end: RunEnd) -> Self {
        Self::Run(end)
    }
}

async fn read(run: &mut Run) -> Result<Membership, Trouble> {
    let mut said = String::new();
    for number in 1..=READS {
        if number > 1 {
            let text = format!("starting the read over ({number} of {READS}): {said}");
            tracing::info!(run = %run.record.id, "{text}");
            run.tell(RunNews::Waiting(Some(text)));
        }
        match read_once(run).await {
            Err(Trouble::Mixpanel(MixpanelError::SessionLost { said: why })) => said = why,
            other => return other,
        }
    }
    Err(MixpanelError::Incomplete { reads: READS, said }.into())
}

async fn read_once(run: &mut Run) -> Result<Membership, Trouble> {
    let cohort = run.order.job.cohort;
    let mixpanel = run.tools.mixpanel.clone().reading(run.order.reading);
    let first = first_page(run, &mixpanel).await?;
    let id = run.record.id;
    run.ask(move |store| store.clear_remarks(id)).await?;
    run.tell(RunNews::Expected(first.total()));
    run.tell(RunNews::Waiting(None));
    let mut rest = Rest::after(mixpanel, cohort, &first, heeded(&Arc::new(Scribe::of(run))))?;
    let mut taking = Taking::default();
    taking.take(run, first).await?;
    while let Some(page) = rest.next().await? {
        taking.take(run, page).await?;
    }
    let tallies = taking.collector.take_tallies();
    let collector = taking.collector;
    let in_order = task::spawn_blocking(move || collector.finish()).await;
    let (membership, duplicates) = in_order.map_err(|error| broke_down("putting a read in order", &error))?;
    taking.remarks.append(&duplicates);
    let remarks = taking.remarks;
    run.ask(move |store| store.add_remarks(id, cohort, &remarks)).await?;
    let neighbours = neighbours(run, &membership).await?;
    run.ask(move |store| store.add_read(id, cohort, &tallies, &neighbours)).await?;
    run.record.counts.read = membership.counts();
    run.counted().await?;
    Ok(membership)
}

fn broke_down(what: &str, error: &task::JoinError) -> RunEnd {
    RunEnd::Failed(format!("{what} broke down, a defect of this program: {error}"))
}

/// The exact ids that rounded ones may have been made of, as far as this read or the baseline holds them.
async fn neighbours(run: &Run, membership: &Membership) -> Result<Neighbours, RunEnd> {
    let mut found = membership.neighbours();
    let suspects: Vec<i64> = membership.suspects().collect();
    if suspects.is_empty() || run.order.baseline == 0 {
        return Ok(found);
    }
    let (directory, holding) = (run.tools.directory.clone(), run.record.holding());
    // The baseline is read past the keeper, for as long as this function waits for it.
    let _reading = run.tools.keeper.reading();
    let searching = task::spawn_blocking(move || {
        let reader = Reader::open(&directory)?;
        let mpids = reader.baseline(&holding).map_while(|known| match known {
            Ok(identity) => identity.mpid().map(Ok),
            Err(error) => Some(Err(error)),
        });
        found.look(suspects, mpids)?;
        Ok::<_, StoreError>(found)
    });
    searching
        .await
        .map_err(|error| broke_down("a search", &error))?
        .map_err(|error| RunEnd::Failed(error.to_string()))
}

/// Gathers pages.
#[derive(Default)]
struct Taking {
    collector: Collector,
    remarks: Remarks,
}

/// Remarks that are written together.
const REMARKS_TOGETHER: usize = 2_000;

impl Taking {
    async fn take(&mut self, run: &mut Run, page: Page) -> Result<(), RunEnd> {
        self.remarks.append(&self.collector.absorb(page.people));
        run.record.counts.read = self.collector.counts_so_far();
        if self.remarks.len() >= REMARKS_TOGETHER {
            let (id, cohort) = (run.record.id, run.order.job.cohort);
            let remarks = std::mem::take(&mut self.remarks);
            run.ask(move |store| store.add_remarks(id, cohort, &remarks)).await?;
        }
        run.counted().await
    }
}

/// Reads page 0, spending the budget and waiting for it as long as it takes.
async fn first_page(run: &mut Run, mixpanel: &Client) -> Result<Page, Trouble> {
    let cohort = run.order.job.cohort;
    let scribe = Arc::new(Scribe::of(run));
    let (tools, stop) = (run.tools.clone(), run.stop.clone());
    let heeded = heeded(&scribe);
    let mut tries = 0;
    loop {
        let charge = tools.budget.spend(&stop, |free_at| scribe.waits_for_budget(free_at)).await?;
        tries += 1;
        let asked = tokio::select! {
            asked = mixpanel.page(cohort, 0, None) => asked,
            () = stop.cancelled() => return Err(MixpanelError::Cancelled.into()),
        };
        scribe.hear(&PageEvent::of(&asked, 0, tries));
        let error = match asked.result {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        if error.is_not_charged() {
            tools.budget.refund(charge).await;
        }
        if let MixpanelError::BudgetSpent { retry_after, .. } = &error {
            tools.budget.refused(*retry_after);
            continue;
        }
        wait_to_retry(error, tries, &heeded).await?;
    }
}

/// Looks into Mixpanel's list: a cohort that is not there any more pauses the sync; otherwise the trouble is
/// what it looked like.
async fn gone_or(run: &Run, otherwise: Result<(), MixpanelError>) -> Result<(), RunEnd> {
    let cohort = run.order.job.cohort;
    match run.tools.list_cohorts(&run.stop).await {
        Ok(cohorts) => {
            let is_there = cohorts.iter().any(|listed| listed.id == cohort);
            run.tools.reports.tell(super::report::Report::Listed(Ok(cohorts)));
            if is_there {
                return otherwise.map_err(|error| end_of(&run.tools, &error));
            }
            let reason = "Mixpanel no longer lists this cohort; nothing was removed in mParticle".to_owned();
            Err(RunEnd::Paused { cause: PauseCause::CohortGone, reason, held: None })
        }
        Err(error) => Err(end_of(&run.tools, &otherwise.err().unwrap_or(error))),
    }
}

fn end_of(tools: &Tools, error: &MixpanelError) -> RunEnd {
    if matches!(error, MixpanelError::Cancelled) {
        return RunEnd::Cancelled;
    }
    let reason = error.to_string();
    if let Some(cause) = error.pause_cause() {
        return RunEnd::Paused { cause, reason, held: None };
    }
    tools.reports.side(Side::Mixpanel, SideNews::Down(reason.clone()));
    RunEnd::Failed(reason)
}

fn heeded(scribe: &Arc<Scribe>) -> Heeded {
    let ear = Arc::clone(scribe);
    Heeded {
        backoff: scribe.backoff,
        stop: scribe.stop.clone(),
        hear: Arc::new(move |event| ear.hear(&event)),
    }
}

/// Writes down what happens to requests, and tells the engine.
struct Scribe {
    tools: Tools,
    run: RunId,
    cohort: CohortId,
    backoff: Backoff,
    stop: CancellationToken,
}

impl Scribe {
    fn of(run: &Run) -> Self {
        Self {
            tools: run.tools.clone(),
            run: run.record.id,
            cohort: run.order.job.cohort,
            backoff: run.tools.backoff,
            stop: run.stop.clone(),
        }
    }

    fn hear(&self, event: &PageEvent<'_>) {
        match event {
            PageEvent::Tried { number, tries, exchange, page } => {
                if let Some(page) = page {
                    self.tools.budget.learn(&page.heard);
                    self.tools.reports.side(Side::Mixpanel, SideNews::Answered);
                    self.tools.reports.run(self.cohort, RunNews::Waiting(None));
                }
                let about = Some((self.run, self.cohort));
                let asked = AskedMixpanel { about, what: format!("engage page {number}"), attempt: *tries };
                self.tools.journal_mixpanel(asked, exchange, page.map_or(0, Page::profiles));
            }
            PageEvent::Retrying(error, tries, delay) if !self.stop.is_cancelled() => {
                let of = self.backoff.tries;
                let text =
                    format!("try {} of {of} in {:.0} s: {error}", tries + 1, delay.as_secs_f64().ceil());
                tracing::info!(run = %self.run, "{text}");
                self.tools.reports.side(Side::Mixpanel, SideNews::Retrying(error.to_string()));
                self.tools.reports.run(self.cohort, RunNews::Waiting(Some(text)));
            }
            PageEvent::Retrying(..) => {}
        }
    }

    fn waits_for_budget(&self, free_at: Timestamp) {
        let text = format!(
            "Mixpanel's query budget is spent; the next query is free at {}",
            super::clock::local(free_at)
        );
        tracing::info!(run = %self.run, "{text}");
        self.tools.reports.run(self.cohort, RunNews::Waiting(Some(text)));
    }
}
