//! What runs work with: both clients, the store, the clock, the query budget and the feed's gate. Cheap to
//! clone, shared by all runs of an engine.

use super::budget::Budget;
use super::clock::Clock;
use super::muster::Muster;
use super::report::{Report, Reports, SideNews};
use crate::domain::guard::GuardRules;
use crate::domain::{Cohort, CohortId, ReadingRules, RunId};
use crate::http::{Backoff, FeedGate};
use crate::mixpanel::{self, Exchange, MixpanelError};
use crate::mparticle::{self, Encoder, ProfileApi};
use crate::store::{JournalEntry, JournalLimits, JournalLine, Keeper, Side, Store, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// What runs work with.
#[derive(Clone)]
pub(super) struct Tools {
    pub keeper: Keeper,
    pub directory: PathBuf,
    pub installation: Arc<str>,
    pub mixpanel: mixpanel::Client,
    pub mparticle: mparticle::Client,
    pub profiles: Option<ProfileApi>,
    pub encoder: Encoder,
    pub gate: FeedGate,
    /// Where runs that are due together wait for each other.
    pub muster: Muster,
    /// Held while requests of several runs are sent again, so that no two runs do so at once.
    pub doubts: Arc<Mutex<()>>,
    pub budget: Budget,
    pub backoff: Backoff,
    pub clock: Clock,
    pub reports: Reports,
    pub concurrent_requests: usize,
}

/// How the engine works; everything an operator can configure about it.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How often a new recurring sync runs.
    pub interval: Duration,
    /// How often a recurring sync tells mParticle every member again; never by itself when `None`.
    pub full_refresh_every: Option<Duration>,
    /// When a plan needs a person's word.
    pub guard: GuardRules,
    /// How profiles are read.
    pub reading: ReadingRules,
    /// Whether this process keeps recurring syncs on schedule; a command that runs one sync does not.
    pub schedule: bool,
    /// Whether the cohort list is fetched at the start.
    pub list_on_start: bool,
    /// How often the cohort list is fetched again by itself, so that renames and counts do not grow old; each
    /// time costs a query, so it waits while less than a quarter of the budget is left.
    pub list_every: Option<Duration>,
    /// Runs that read and compare at once; the others wait for their turn. Any number of them may send.
    pub concurrent_runs: usize,
    /// Requests to the feed on their way at once.
    pub concurrent_requests: usize,
    /// The timing of retries.
    pub backoff: Backoff,
    /// How much of the request journal is kept.
    pub journal: JournalLimits,
    /// How long after being told somebody may still seem wrong to a verification and is looked up again.
    pub settling: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(15),
            full_refresh_every: None,
            guard: GuardRules::default(),
            reading: ReadingRules::default(),
            schedule: true,
            list_on_start: true,
            list_every: Some(Duration::from_mins(15)),
            // Each holds its members in memory.
            concurrent_runs: 4,
            concurrent_requests: 4,
            backoff: Backoff::default(),
            journal: JournalLimits::default(),
            settling: Duration::from_mins(2),
        }
    }
}

impl Tools {
    /// Asks Mixpanel for the cohort list, within the query budget.
    pub(super) async fn list_cohorts(&self, stop: &CancellationToken) -> Result<Vec<Cohort>, MixpanelError> {
        let charge = self.budget.spend(stop, |_| {}).await?;
        let listed = self.mixpanel.list_cohorts().await;
        let asked = AskedMixpanel { about: None, what: "cohort list".to_owned(), attempt: 1 };
        self.journal_mixpanel(asked, &listed.exchange, 0);
        let listed = listed.result;
        match &listed {
            Ok(listing) => {
                self.budget.learn(&listing.heard);
                self.reports.side(Side::Mixpanel, SideNews::Answered);
                if listing.skipped > 0 {
                    tracing::warn!(
                        skipped = listing.skipped,
                        "cohorts without an id or a name were left out"
                    );
                }
            }
            Err(error) => {
                if error.is_not_charged() {
                    self.budget.refund(charge).await;
                }
                self.reports.side(Side::Mixpanel, SideNews::Down(error.to_string()));
            }
        }
        Ok(listed?.cohorts)
    }

    /// Notes a request in the journal without waiting for it.
    pub(super) fn journal(&self, entry: JournalEntry) {
        let noting = self.keeper.note(move |store| Ok(Noted::by(store, &entry)));
        let tools = self.clone();
        tokio::spawn(async move {
            match noting.await {
                Ok(noted) => tools.noted(noted),
                Err(error) => tracing::warn!(%error, "a request could not be noted in the journal"),
            }
        });
    }

    /// Tells that the journal has another entry.
    pub(super) fn noted(&self, noted: Noted) {
        if let Noted(Some(number)) = noted {
            self.reports.tell(Report::Journaled(number));
        }
    }

    /// Forgets a cohort's history beyond what is kept, a little at a time and while nobody waits for it. What is not
    /// forgotten today is tomorrow, so trouble with it is only logged.
    pub(super) fn forget_old_history(&self, cohort: CohortId) {
        let keeper = self.keeper.clone();
        tokio::spawn(async move {
            loop {
                match keeper.ask(move |store| store.prune_some(cohort)).await {
                    Ok(true) => {}
                    Ok(false) | Err(StoreError::Closed) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old history could not be forgotten");
                        break;
                    }
                }
            }
        });
    }

    /// Notes a question to Mixpanel that came to its end.
    pub(super) fn journal_mixpanel(&self, asked: AskedMixpanel, exchange: &Exchange, users: usize) {
        let (run, cohort) = asked.about.unzip();
        let line = JournalLine {
            at: self.clock.now(),
            run,
            cohort,
            side: Side::Mixpanel,
            what: asked.what,
            first_position: None,
            users: users as u64,
            accepted: None,
            bytes: exchange.bytes as u64,
            status: exchange.status,
            elapsed: exchange.elapsed,
            attempt: asked.attempt,
        };
        let Exchange { request, answer, .. } = exchange.clone();
        self.journal(JournalEntry { line, request, answer });
    }
}

/// The number of the newest of the requests that were noted in the journal. Losing a line of it harms nobody, so a store that cannot take it is only
/// logged; the run finds out by itself when it matters.
#[derive(Clone, Copy, Default)]
pub(super) struct Noted(Option<i64>);

impl Noted {
    /// Notes a request.
    pub(super) fn by(store: &mut Store, entry: &JournalEntry) -> Self {
        let noted = store.journal(entry);
        Self(
            noted
                .inspect_err(|error| tracing::warn!(%error, "a request could not be noted in the journal"))
                .ok(),
        )
    }

    /// This where it has a number, else the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }
}

/// What a question to Mixpanel was.
pub(super) struct AskedMixpanel {
    /// The run that asked, and about which cohort; the list of cohorts is nobody's.
    pub about: Option<(RunId, CohortId)>,
    /// In a word or two.
    pub what: String,
    /// Which try it was, from 1.
    pub attempt: u32,
}
