//! Everything a running sandbox knows, behind one lock that is never held while waiting. Owns the lock and the counting of
//! requests in progress; what the parts of the state mean is left to the services.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock::scramble;
use super::fault::{Effect, Script, Target};
use super::mixpanel::QueryApi;
use super::mparticle::Feed;
use super::world::World;
use super::{DelayRange, SandboxOptions};

/// What all connections of one sandbox share.
#[derive(Debug)]
pub(super) struct Shared {
    pub options: SandboxOptions,
    pub address: SocketAddr,
    state: Mutex<State>,
}

/// What changes while a sandbox runs.
#[derive(Debug)]
pub(super) struct State {
    pub world: World,
    pub script: Script,
    pub query_api: QueryApi,
    pub feed: Feed,
    draws: u64,
}

impl Shared {
    pub(super) fn new(options: SandboxOptions, address: SocketAddr) -> Self {
        let state = State {
            world: World::new(options.world, options.seed, options.drift),
            script: Script::default(),
            query_api: QueryApi::new(&options),
            feed: Feed::new(&options),
            draws: options.seed,
        };
        Self { options, address, state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has already failed; the others may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the fault that strikes this request, if there is one, and waits as long as the request has to.
    pub(super) async fn strike(&self, target: &Target<'_>, latency: DelayRange) -> Option<Effect> {
        let (effect, noise) = {
            let mut state = self.lock();
            state.draws = state.draws.wrapping_add(1);
            (state.script.strike(target), scramble(state.draws))
        };
        let extra = match effect {
            Some(Effect::Delay { milliseconds }) => Duration::from_millis(milliseconds),
            _ => Duration::ZERO,
        };
        let delay = latency.pick(noise) + extra;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        effect
    }
}

/// How many requests of a service are in progress, and the most there ever were.
#[derive(Debug, Default)]
pub(super) struct InProgress {
    pub now: usize,
    pub most: usize,
}

impl InProgress {
    fn begin(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }
}

/// Counts a request as in progress until it is dropped, also when the client goes away in the middle.
pub(super) struct Ticket<'shared> {
    shared: &'shared Shared,
    counter: fn(&mut State) -> &mut InProgress,
}

impl<'shared> Ticket<'shared> {
    pub(super) fn take(shared: &'shared Shared, counter: fn(&mut State) -> &mut InProgress) -> Self {
        counter(&mut shared.lock()).begin();
        Self { shared, counter }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let counter = (self.counter)(&mut state);
        counter.now = counter.now.saturating_sub(1);
    }
}
