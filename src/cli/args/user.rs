//! What `user` takes: whom to look up, and what to ask Mixpanel.

/// Whom to look up and what to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct UserArgs {
    /// The id.
    #[arg(
        value_name = "ID",
        allow_negative_numbers = true,
        help = "A $distinct_id or an MPID, in quotes where the shell would read it otherwise: '$device:…'"
    )]
    pub id: String,
    /// Cohorts to ask about.
    #[arg(
        long = "cohort",
        value_name = "COHORT",
        help = "Ask Mixpanel too whether the user is in this cohort now; one query each"
    )]
    pub cohorts: Vec<String>,
    /// Ask nothing.
    #[arg(
        long,
        conflicts_with = "cohorts",
        help = "Ask Mixpanel nothing, not even for the profile; answer from what was recorded"
    )]
    pub recorded: bool,
}

/// What `user --help` says below the options.
pub const AFTER_HELP: &str = "\
Asks Mixpanel for the profile, which costs one query of the 60 an hour. Without a network, beside a console or a \
`cohort-sync run` that keeps the state, and with --read-only it answers from what was recorded, and says what it \
could not ask.

Exit codes: 0 whether or not there is anybody by that id (with --json: \"found\"); 2 wrong usage or configuration; \
1 the state cannot be read.";
