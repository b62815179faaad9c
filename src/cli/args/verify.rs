//! The options of `verify`.

use super::ListArgs;
use crate::domain::verification::{Extent, USUAL_SAMPLE};

/// Whom to look up, and what to do about those who are wrong.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VerifyArgs {
    /// The cohort
    pub cohort: String,
    /// How many users to look up, chosen by chance among adds, removes and steady members; mParticle answers 15 a second
    #[arg(long, value_name = "N", default_value_t = USUAL_SAMPLE, value_parser = clap::value_parser!(u64).range(1..=MOST))]
    pub sample: u64,
    /// Look everybody up instead of a sample
    #[arg(long, conflicts_with = "sample")]
    pub full: bool,
    /// Tell whoever is found wrong again what they were told before
    #[arg(long)]
    pub repair: bool,
    /// How to write the users who are wrong.
    #[command(flatten)]
    pub list: ListArgs,
}

/// The largest sample, which is held in memory; beyond it --full looks at everybody as it reads on.
const MOST: u64 = 1_000_000;

impl VerifyArgs {
    /// Whom to look up.
    #[must_use]
    pub fn extent(&self) -> Extent {
        if self.full { Extent::Full } else { Extent::Sample(self.sample) }
    }
}
