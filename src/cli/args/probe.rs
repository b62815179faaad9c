//! What `probe` takes.

use super::word;
use crate::config::{Delivery, FeedEnvironment, Word};
use clap::Args;

/// One user to tell mParticle about.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ProbeArgs {
    /// The user.
    #[arg(
        value_name = "ID",
        allow_hyphen_values = true,
        help = "The user: a $mparticle_user_id where it is a whole number, a $distinct_id otherwise"
    )]
    pub user: String,
    /// Whether the id is no MPID though it is a number.
    #[arg(long, help = "Take the id for a $distinct_id even if it is a whole number")]
    pub distinct_id: bool,
    /// The attribute to set
    #[arg(long, value_name = "NAME", default_value = "cohort-sync probe")]
    pub attribute: String,
    /// Set it to false, as when somebody leaves
    #[arg(long)]
    pub leaves: bool,
    /// The way into mParticle to try, instead of the configured one
    #[arg(long, value_name = "WAY", value_parser = word::<Delivery>())]
    pub delivery: Option<Delivery>,
    /// The environment to label it with, instead of the configured one
    #[arg(long, value_name = "NAME", value_parser = word::<FeedEnvironment>())]
    pub environment: Option<FeedEnvironment>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl ProbeArgs {
    /// The settings that hold for this one command: name, value and flag.
    pub(super) fn overrides(&self) -> [Option<(&'static str, &'static str, &'static str)>; 2] {
        [
            self.delivery.map(|way| ("mparticle.delivery", way.as_str(), "--delivery")),
            self.environment.map(|name| ("mparticle.environment", name.as_str(), "--environment")),
        ]
    }
}
