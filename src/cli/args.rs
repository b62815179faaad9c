//! The command line: what can be typed and what each word is for. Nothing is done here; the values go to
//! the configuration (as places and overrides) and to the commands.

mod config;
mod help;
mod moment;
mod past;
mod people;
mod probe;
mod reconnect;
mod requests;
mod user;
mod values;
mod verify;

pub use config::ConfigCommand;
pub use past::{ChangesArgs, MembersArgs};
pub use people::{CountsArgs, UnmatchedArgs};
pub use probe::ProbeArgs;
pub use reconnect::{ReconnectArgs, Side};
pub use requests::{BundleArgs, RequestsArgs};
pub use user::UserArgs;
pub use verify::VerifyArgs;

use super::output::Format;
use crate::config::{ColorChoice, ConfigError, Environment, Origin, Override, Selection, Word as _};
use crate::domain::Removal;
use crate::telemetry::LogLevel;
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use help::{ABOUT, AFTER_HELP, DOCTOR_AFTER_HELP};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use values::{seconds, share, word};

/// Everything that was typed.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "cohort-sync", version, about = ABOUT, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Args {
    /// Open the console on the built-in sandbox: no account, no network, its own state
    #[arg(long)]
    pub demo: bool,
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command; the console without one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command, before or after its name.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        help = "The configuration file [env: COHORT_SYNC_CONFIG]",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// The state directory.
    #[arg(
        long,
        global = true,
        help = "Where to remember what was sent [env: COHORT_SYNC_STATE_DIR]",
        value_name = "DIR"
    )]
    pub state_dir: Option<PathBuf>,
    /// The profile.
    #[arg(
        long,
        global = true,
        help = "Use the tables [profiles.NAME] of the configuration [env: COHORT_SYNC_PROFILE]",
        value_name = "NAME"
    )]
    pub profile: Option<String>,
    /// Print one JSON object a line and nothing else
    #[arg(long, global = true)]
    pub json: bool,
    /// Whether nothing may be changed.
    #[arg(
        long,
        global = true,
        help = "Change nothing, neither here nor at mParticle [env: COHORT_SYNC_READ_ONLY]"
    )]
    pub read_only: bool,
    /// When to colour output
    #[arg(long, global = true, value_name = "WHEN", value_parser = word::<ColorChoice>())]
    pub color: Option<ColorChoice>,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// The colours of the console
    #[arg(
        long,
        global = true,
        value_name = "THEME",
        help = "The colours of the console: auto, dark, light, high-contrast, ansi, mono, or a theme of yours"
    )]
    pub theme: Option<String>,
    /// How much to log.
    #[arg(long, global = true, help = "How much to log [env: COHORT_SYNC_LOG] [default: info]", value_name = "LEVEL", value_parser = word::<LogLevel>())]
    pub log_level: Option<LogLevel>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// List the cohorts with their sync state
    Cohorts(ListArgs),
    /// Export cohorts now: once, or from now on with --recurring
    Sync(SyncArgs),
    /// Keep every recurring sync on schedule until stopped
    Run,
    /// Show how syncs stand
    Status {
        /// The cohorts; every one with a sync when none is named
        #[arg(value_name = "COHORT")]
        cohorts: Vec<String>,
        /// Show them again and again, every 2 seconds unless said otherwise, until ctrl-c; with --json only those that changed
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
              value_parser = seconds, conflicts_with = "output")]
        watch: Option<Duration>,
        /// How to print them.
        #[command(flatten)]
        list: ListArgs,
    },
    /// List the runs, newest first
    Runs {
        /// Only the runs of this cohort
        cohort: Option<String>,
        /// How to print them.
        #[command(flatten)]
        list: ListArgs,
    },
    /// List what a run changed, or what was told of a user or in a span of time, one user a line
    Changes(ChangesArgs),
    /// List who is a member now or was at a moment, by what mParticle accepted
    Members(MembersArgs),
    /// List the requests that were made, or show one with its body and its answer
    Requests(RequestsArgs),
    /// Write one archive for whoever helps: configuration, counts, runs, requests and log, without credentials or user ids
    SupportBundle(BundleArgs),
    /// Hold a sync until it is resumed; a run at work ends at the next request
    Pause {
        /// The cohort
        cohort: String,
    },
    /// Take a paused, failed or stopped sync up again
    Resume {
        /// The cohort
        cohort: String,
    },
    /// End a sync; what mParticle holds stays as it is, unless --clean-up says otherwise
    Stop {
        /// The cohort
        cohort: String,
        /// Tell mParticle first, for everybody who holds the attribute: set it to false, or delete it
        #[arg(long, value_name = "HOW", value_parser = word::<Removal>())]
        clean_up: Option<Removal>,
        /// Agree beforehand to the clean-up
        #[arg(long, requires = "clean_up")]
        yes: bool,
    },
    /// Send exactly the plan that a paused sync holds, and nothing else
    Approve {
        /// The cohort
        cohort: String,
    },
    /// Forget the plan that a paused sync holds; the next run reads anew
    Discard {
        /// The cohort
        cohort: String,
    },
    /// Tell this program who holds a cohort's attribute in mParticle already, so that whoever is not in the cohort
    /// is removed by the next run
    #[command(
        about = "Take over who holds a cohort's attribute in mParticle already, so that the next run removes who left"
    )]
    Adopt {
        /// The cohort
        cohort: String,
        /// A file with one id a line, such as an export of an mParticle audience; - for standard input
        file: PathBuf,
        /// What the ids are
        #[arg(long = "as", value_name = "KIND", value_enum, default_value_t = IdKind::Mpid)]
        kind: IdKind,
        /// The attribute they hold, if it is not the one of the sync or the cohort's name
        #[arg(long, value_name = "NAME")]
        attribute: Option<String>,
    },
    /// Write the state file anew without what was forgotten, so that it takes no more room than it needs
    Vacuum,
    /// Send exactly one user to mParticle in a chosen form, and show the request and the answer
    Probe(ProbeArgs),
    /// List the users without a valid MPID.
    #[command(about = "List the users without a valid $mparticle_user_id")]
    Unmatched(UnmatchedArgs),
    /// Account for every user of a cohort, from Mixpanel's count to what mParticle accepted
    Counts(CountsArgs),
    /// Look users up in mParticle and see whether it holds what it was told
    Verify(VerifyArgs),
    /// Say everything about one user: cohorts, identity, what mParticle was told and answered, and a verdict
    #[command(after_help = user::AFTER_HELP)]
    User(UserArgs),
    /// Check configuration, both connections, directories, state and terminal, and say what to do
    #[command(after_help = DOCTOR_AFTER_HELP)]
    Doctor,
    /// Serve a make-believe Mixpanel and mParticle on this computer until stopped
    Sandbox {
        /// Where to listen
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Ask for everything it takes to connect, try it, and write the configuration
    #[command(after_help = help::SETUP_AFTER_HELP)]
    Setup,
    /// Take a fresh secret or webhook URL, try it, and let the syncs go on that the old one had paused
    #[command(after_help = reconnect::AFTER_HELP)]
    Reconnect(ReconnectArgs),
    /// Write, show, change, check or find the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// What to export and how.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct SyncArgs {
    /// The cohorts, by id or exact name
    #[arg(value_name = "COHORT", required = true)]
    pub cohorts: Vec<String>,
    /// Keep them up to date from now on
    #[arg(long)]
    pub recurring: bool,
    /// Fetch, compare and plan, but send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The user attribute to set, instead of the cohort's name; for one cohort only. A sync that has another one
    /// moves to it.
    #[arg(
        long,
        value_name = "NAME",
        help = "The user attribute to set, instead of the cohort's name; moves a sync that has another one"
    )]
    pub attribute: Option<String>,
    /// When moving to another attribute: what becomes of the old one
    #[arg(long, value_name = "HOW", value_parser = word::<Removal>(), requires = "attribute",
          help = "When moving to another attribute, what becomes of the old one [default: false]")]
    pub clean_up: Option<Removal>,
    /// Tell mParticle every member again, not only who is new; it forgets profiles that are inactive for long
    #[arg(long)]
    pub full: bool,
    /// The largest share of the users mParticle holds that may be removed unasked, from now on.
    #[arg(long, value_name = "SHARE", value_parser = share,
          help = "Hold this sync's plans that remove more than this share, 0 to 1, instead of the configured one")]
    pub max_removal_share: Option<f64>,
    /// Agree beforehand to removals above the limit
    #[arg(long)]
    pub yes: bool,
}

/// What the ids in a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IdKind {
    /// mParticle ids: whole numbers, negative ones too
    Mpid,
    /// Values of the identity that carries `$distinct_id`
    #[value(help = "Values of the identity that carries $distinct_id")]
    DistinctId,
}

/// How to print a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct ListArgs {
    /// How to write the list [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = word::<Format>())]
    pub format: Option<Format>,
    /// Write to FILE instead of standard output; it appears when it is complete
    #[arg(short = 'o', long = "output", value_name = "FILE", action = ArgAction::Set)]
    pub output: Option<PathBuf>,
}

impl ListArgs {
    /// The format to write; `--json` stands for `--format json`.
    #[must_use]
    pub fn format(&self, global: &GlobalArgs) -> Format {
        self.format.unwrap_or(if global.json { Format::Json } else { Format::Table })
    }
}

impl Args {
    /// Reads the command line of this process; help, version and usage errors end the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::try_read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads a command line, program name first.
    ///
    /// # Errors
    /// Usage errors, and the requests for help and version, which clap treats as errors that end well.
    pub fn try_read<I, T>(words: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let args = Self::try_parse_from(words)?;
        match args.contradiction() {
            Some(message) => Err(Self::command().error(ErrorKind::ArgumentConflict, message)),
            None => Ok(args),
        }
    }

    /// What clap cannot tell by itself.
    fn contradiction(&self) -> Option<&'static str> {
        if self.demo && self.command.is_some() {
            // Ignoring the flag would let somebody who is only trying things out write to a real account.
            return Some(
                "--demo opens the console and takes no command; for commands run `cohort-sync sandbox`",
            );
        }
        match &self.command {
            Some(Command::Sync(sync)) if sync.attribute.is_some() && sync.cohorts.len() > 1 => Some(
                "--attribute names one attribute, so it takes one COHORT; export the others by themselves",
            ),
            Some(Command::Status { watch: Some(_), list, .. }) if list.format == Some(Format::Csv) => {
                Some("--watch shows a table, or objects with --json; leave --format csv out")
            }
            Some(Command::Changes(changes)) if changes.contradiction().is_some() => changes.contradiction(),
            Some(Command::Requests(asked)) if asked.contradiction().is_some() => asked.contradiction(),
            Some(command) if self.global.json && command.list().is_some_and(ListArgs::contradicts_json) => {
                Some("--json and --format ask for different formats; leave one of them out")
            }
            _ => None,
        }
    }

    /// What the command line says about places.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            config_file: self.global.config.clone(),
            state_dir: self.global.state_dir.clone(),
            profile: self.global.profile.clone(),
            demo: self.demo,
            read_only: self.global.read_only,
        }
    }

    /// How much to log: the flag, else the environment variable, else the ordinary course of things.
    ///
    /// # Errors
    /// The variable names no level.
    pub fn log_level(&self, environment: &Environment) -> Result<LogLevel, ConfigError> {
        const NAME: &str = "COHORT_SYNC_LOG";
        let given = self.global.log_level.map(Ok);
        let named = || {
            environment.text(NAME).map(|text| {
                LogLevel::from_word(text).ok_or_else(|| ConfigError::BadFrame {
                    origin: Origin::Environment(NAME.to_owned()),
                    found: text.to_owned(),
                    expected: "debug, info, warn or error",
                })
            })
        };
        given.or_else(named).unwrap_or(Ok(LogLevel::Info))
    }

    /// The settings that are given as flags.
    #[must_use]
    pub fn overrides(&self) -> Vec<Override> {
        let global = &self.global;
        let theme = global.theme.as_deref().map(|theme| ("ui.theme", theme, "--theme"));
        let color = global.color.map(|color| ("ui.color", color.as_str(), "--color"));
        let ascii = global.ascii.then_some(("ui.ascii", "true", "--ascii"));
        let probe = match &self.command {
            Some(Command::Probe(probe)) => probe.overrides(),
            _ => [None; 2],
        };
        [theme, color, ascii]
            .into_iter()
            .chain(probe)
            .flatten()
            .map(|(setting, value, flag)| Override { setting, value: value.to_owned(), flag })
            .collect()
    }
}

impl Command {
    /// The options of a command that prints a list.
    #[must_use]
    pub fn list(&self) -> Option<&ListArgs> {
        match self {
            Self::Cohorts(list)
            | Self::Status { list, .. }
            | Self::Runs { list, .. }
            | Self::Changes(ChangesArgs { list, .. })
            | Self::Members(MembersArgs { list, .. })
            | Self::Requests(RequestsArgs { list, .. })
            | Self::Unmatched(UnmatchedArgs { list, .. })
            | Self::Counts(CountsArgs { list, .. }) => Some(list),
            // With a file to go to, those who are wrong may have a format of their own.
            Self::Verify(VerifyArgs { list, .. }) if list.output.is_none() => Some(list),
            _ => None,
        }
    }
}

impl ListArgs {
    fn contradicts_json(&self) -> bool {
        self.format.is_some_and(|format| format != Format::Json)
    }
}

#[cfg(test)]
mod tests;
