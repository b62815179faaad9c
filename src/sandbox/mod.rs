//! Both services on loopback: Mixpanel's Query API, an mParticle feed webhook and mParticle's Profile API, in one small
//! HTTP server.
//!
//! This room reads the public documentation of both services a second time and imports nothing else of the crate, so that a
//! mistake in a client is not repeated by the server it is tested against. It owns the made-up worlds, the quotas, the faults
//! and the inspection endpoints; what a cohort export means is left to the rooms that are being tested.

mod clock;
mod control;
mod defects;
mod fault;
mod inspect;
mod mixpanel;
mod mparticle;
mod options;
mod parameters;
mod reply;
mod server;
mod state;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use control::{AttributeCount, CohortCount, Control, SandboxCounts};
pub use defects::KnownDefects;
pub use fault::{DroppedUsers, Effect, Fault, Matching, RejectedUsers, Side, Times};
pub use mparticle::{FeedRequest, ProfileKey};
pub use options::{DelayRange, Latency, SandboxOptions, WorldSize};
pub use world::{CohortSeed, PersonSeed};

use state::Shared;

/// The only Mixpanel project that the sandbox serves.
pub const PROJECT_ID: u64 = 2_201_475;
/// The user name of the sandbox's Mixpanel service account.
pub const SERVICE_ACCOUNT: &str = "sandbox.2201475.mp-service-account";
/// The secret of the sandbox's service account, until [`Control::set_secret`] changes it.
pub const SECRET: &str = "sandbox-secret-not-a-real-one";
/// The token at the end of the sandbox's feed URL; like a real one it begins with the pod.
pub const FEED_TOKEN: &str = "us1-sandbox-5b1f0c7e92d84a36";
/// The key and the secret of the sandbox's Events API.
pub const EVENTS_KEY: &str = "us1-sandbox-key";
/// See [`EVENTS_KEY`].
pub const EVENTS_SECRET: &str = "sandbox-events-secret";
/// Who may ask the sandbox's Profile API.
pub const CLIENT_ID: &str = "sandbox-client-7c41";
/// The secret of that client, until [`Control::set_client_secret`] changes it.
pub const CLIENT_SECRET: &str = "sandbox-client-secret-not-a-real-one";
/// The mParticle organization that the sandbox serves.
pub const ORG_ID: u64 = 41;
/// The account in it.
pub const ACCOUNT_ID: u64 = 412;
/// The workspace in that.
pub const WORKSPACE_ID: u64 = 4_123;

/// A running sandbox. Dropping it stops the server and everything it started.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Sandbox {
    /// Starts serving on the current tokio runtime. An address that is not loopback is refused, because the sandbox
    /// protects nothing.
    pub async fn start(options: SandboxOptions) -> io::Result<Sandbox> {
        if !options.listen.ip().is_loopback() {
            let message =
                format!("the sandbox listens on loopback addresses only, not on {}", options.listen);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options, address));
        let accepting = tokio::spawn(server::accept_connections(listener, Arc::clone(&shared)));
        Ok(Sandbox { address, shared, accepting })
    }

    /// Where the sandbox listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a Mixpanel client takes as its base URL; it appends `/api/query/…` itself.
    #[must_use]
    pub fn mixpanel_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The feed's webhook URL, token included.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("http://{}/v1/pdf/mixpanelcohorts/{FEED_TOKEN}", self.address)
    }

    /// What a client of the Profile API takes as its base URL; it appends `/userprofile/v1/…` itself.
    #[must_use]
    pub fn profile_api_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the tokens for the Profile API come from.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}/oauth/token", self.address)
    }

    /// Direct access, in this process, to everything that the inspection endpoints offer.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The accepting task owns the set of connection tasks, so aborting it ends them all.
        self.accepting.abort();
    }
}
