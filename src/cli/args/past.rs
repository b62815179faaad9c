//! What can be asked about the past: what a run changed, what was told in a span of time or of one user, and who was a
//! member at a moment.

use super::ListArgs;
use super::moment::moment;
use crate::domain::UserId;
use clap::ArgGroup;
use jiff::Timestamp;

const EXAMPLES: &str = "\
A moment is written like 2026-01-31T12:00:00Z, 2026-01-31, \"2026-01-31 09:30\" or \"2h ago\". What was told longer ago than \
is kept is said to be forgotten.

  cohort-sync changes 7                                   what run 7 changed
  cohort-sync changes --cohort \"Power users\" --since \"2h ago\"
  cohort-sync changes --user anna@example.com             everything that was told of one user
  cohort-sync changes --cohort \"Power users\" --flapping   who entered and left several times";

/// What to list of what was told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true).multiple(true)
    .args(["run", "cohort", "user", "since", "until"]))]
pub struct ChangesArgs {
    /// The number of the run
    #[arg(conflicts_with_all = ["cohort", "user", "since", "until", "flapping"])]
    pub run: Option<u64>,
    /// Only of this cohort
    #[arg(long, value_name = "COHORT")]
    pub cohort: Option<String>,
    /// Only of this user.
    #[arg(
        long,
        value_name = "ID",
        allow_hyphen_values = true,
        value_parser = UserId::parse,
        help = "Only of this user: a distinct_id or an MPID"
    )]
    pub user: Option<UserId>,
    /// Only what mParticle answered at this moment or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Only what mParticle answered at this moment or earlier
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
    /// List the users who changed sides at least three times instead
    #[arg(long, requires = "cohort", conflicts_with_all = ["user", "since", "until"])]
    pub flapping: bool,
    /// How to print them.
    #[command(flatten)]
    pub list: ListArgs,
}

impl ChangesArgs {
    /// What clap cannot tell by itself.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let turned = self.since.zip(self.until).is_some_and(|(since, until)| since > until);
        turned.then_some("--since is later than --until; turn them round")
    }
}

/// Whose membership to list.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct MembersArgs {
    /// The cohort
    pub cohort: String,
    /// At this moment instead of now, such as 2026-01-31T12:00:00Z, 2026-01-31 or "2h ago"
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// How to print them.
    #[command(flatten)]
    pub list: ListArgs,
}
