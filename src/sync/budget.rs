//! Spending Mixpanel's query budget: every charged query passes through here, waits for a free slot if there
//! is none, and is remembered across restarts. The arithmetic of the rolling hour is `mixpanel::quota`'s.

use super::clock::Clock;
use super::snapshot::QueryBudget;
use crate::mixpanel::{Heard, Ledger, MixpanelError};
use crate::store::Keeper;
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long a person waits for somebody else's query to be written down.
const MOMENT: Duration = Duration::from_secs(2);

/// The project's query budget, shared by everything that asks Mixpanel.
#[derive(Clone)]
pub(super) struct Budget {
    // Held for a few instructions only, never across an await.
    ledger: Arc<Mutex<Ledger>>,
    /// Whoever waits for a slot waits in turn, so that nobody is passed by for hours.
    turn: Arc<Semaphore>,
    keeper: Keeper,
    clock: Clock,
}

/// A query that was charged; needed to take the charge back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge(Timestamp);

impl Budget {
    /// A budget of which `queries` were spent before, and whose limit may be known from then.
    pub(super) fn new(keeper: Keeper, clock: Clock, queries: Vec<Timestamp>, limit: Option<u32>) -> Self {
        let ledger = Ledger::restored(queries).with_limit(limit);
        Self { ledger: Arc::new(Mutex::new(ledger)), turn: Arc::new(Semaphore::new(1)), keeper, clock }
    }

    /// Takes a slot, waiting until one is free; `waits` hears when that will be.
    pub(super) async fn spend(
        &self,
        stop: &CancellationToken,
        waits: impl Fn(Timestamp),
    ) -> Result<Charge, MixpanelError> {
        let mut told = None;
        if let Some(free_at) = self.state().next_slot {
            told = Some(free_at);
            waits(free_at);
        }
        let turn = tokio::select! {
            turn = self.turn.acquire() => turn,
            () = stop.cancelled() => return Err(MixpanelError::Cancelled),
        };
        // It is never closed.
        let Ok(_turn) = turn else { return Err(MixpanelError::Cancelled) };
        loop {
            let now = self.clock.now();
            let free_at = {
                let mut ledger = self.ledger();
                let free_at = ledger.earliest(now);
                if free_at.is_none() {
                    ledger.charge(now);
                }
                free_at
            };
            let Some(free_at) = free_at else {
                self.remember(now).await;
                return Ok(Charge(now));
            };
            if told.replace(free_at) != Some(free_at) {
                waits(free_at);
            }
            let wait = super::schedule::wait_until(free_at, now);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return Err(MixpanelError::Cancelled),
            }
        }
    }

    /// Takes a slot that is free now, for a person who will not wait for one.
    ///
    /// # Errors
    /// When the next slot frees. Somebody who waits already goes first.
    pub(super) async fn spend_now(&self) -> Result<Charge, Timestamp> {
        if let Some(free_at) = self.state().next_slot {
            return Err(free_at);
        }
        let none_left = || self.state().next_slot.unwrap_or_else(|| self.clock.now());
        // While slots are free, whoever has the turn is only writing down that they took one.
        let Ok(Ok(_turn)) = tokio::time::timeout(MOMENT, self.turn.acquire()).await else {
            return Err(none_left());
        };
        let now = self.clock.now();
        {
            let mut ledger = self.ledger();
            if let Some(free_at) = ledger.earliest(now) {
                return Err(free_at);
            }
            ledger.charge(now);
        }
        self.remember(now).await;
        Ok(Charge(now))
    }

    /// A charge that cannot be recorded only makes the budget after a restart look larger than it is, and
    /// Mixpanel then says so itself; that is no reason to keep the query from being made.
    async fn remember(&self, at: Timestamp) {
        if let Err(error) = self.keeper.ask(move |store| store.charge_query(at)).await {
            tracing::warn!(%error, "a query could not be noted in the ledger");
        }
    }

    /// Takes a charge back: Mixpanel does not count 401, 402 and 429.
    pub(super) async fn refund(&self, charge: Charge) {
        self.ledger().refund(charge.0);
        let at = charge.0;
        if let Err(error) = self.keeper.ask(move |store| store.refund_query(at)).await {
            tracing::warn!(%error, "a refunded query could not be taken out of the ledger");
        }
    }

    /// Learns the project's own quota from the headers of an answer.
    pub(super) fn learn(&self, heard: &Heard) {
        let now = self.clock.now();
        let learned = {
            let mut ledger = self.ledger();
            let before = (ledger.is_learned(), ledger.limit());
            ledger.learn(heard.rate_limit_policy.as_deref(), heard.rate_limit.as_deref(), now);
            let after = (ledger.is_learned(), ledger.limit());
            (after != before).then_some(after.1)
        };
        if let Some(limit) = learned {
            self.remember_limit(limit);
        }
    }

    /// Keeps the limit for the next start, which would else spend as much as the documentation allows before it
    /// knows better. Nobody waits for that.
    fn remember_limit(&self, limit: u32) {
        let remembered = self.keeper.ask(move |store| store.remember_query_limit(limit));
        tokio::spawn(async move {
            if let Err(error) = remembered.await {
                tracing::warn!(%error, "the project's query limit could not be remembered");
            }
        });
    }

    /// Mixpanel refused a query although we thought one was left. The `Retry-After` of the hourly limit is the
    /// whole window rather than the time to the next slot, so what is waited is a slot's share of the hour.
    pub(super) fn refused(&self, retry_after: Option<Duration>) {
        let now = self.clock.now();
        let mut ledger = self.ledger();
        let share = Duration::from_hours(1) / ledger.limit().max(1);
        let wait = retry_after.map_or(share, |asked| asked.min(share));
        ledger.exhausted_until(now.saturating_add(wait).unwrap_or(now));
    }

    /// How the budget stands.
    pub(super) fn state(&self) -> QueryBudget {
        let now = self.clock.now();
        let mut ledger = self.ledger();
        QueryBudget {
            used: ledger.used(now),
            limit: ledger.limit(),
            learned: ledger.is_learned(),
            next_slot: ledger.earliest(now),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A panic while it was held cannot leave the ledger half-written: every method is one assignment.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
