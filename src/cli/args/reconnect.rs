//! What `reconnect` takes.

use clap::{Args, ValueEnum};

/// Whose credentials are fresh.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReconnectArgs {
    /// Whose credentials are fresh
    #[arg(value_name = "SIDE")]
    pub side: Side,
    /// Another service account, key or client id that the secret belongs to.
    #[arg(
        long,
        value_name = "NAME",
        help = "The service account, key or client id, where that is another one too"
    )]
    pub account: Option<String>,
}

/// A side that wants credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// The service account's secret
    Mixpanel,
    /// The feed's webhook URL, or the secret of the Events API, whichever is configured
    Mparticle,
    /// The client's secret for looking profiles up
    ProfileApi,
}

pub(super) const AFTER_HELP: &str = "\
The secret is asked for on a terminal, unseen, and read from standard input otherwise. It is tried first: Mixpanel
lists the cohorts (one query), the Profile API gives a token; of mParticle's feed only the address can be tried.
Then it is put where the old one is (file, keyring), and the syncs that the old one had paused are due again.";
