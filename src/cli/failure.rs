//! How a command fails: one type, one exit code, one place that prints. Messages come from below and already
//! say what happened, to what, and what to do; this file adds the cause chain where there is one.

use super::config_command::ConfigCommandError;
use super::output::OutputError;
use crate::config::ConfigError;
use crate::mixpanel::MixpanelError;
use crate::store::StoreError;
use crate::sync::command::Refusal;
use crate::telemetry::TelemetryError;
use crate::tui::TuiError;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes of the command line's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// A run failed.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Refused, or paused and waiting for a person.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
        })
    }
}

impl From<&StoreError> for Exit {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Directory { .. } | StoreError::Newer { .. } | StoreError::Absent { .. } => {
                Self::Usage
            }
            StoreError::InUse { .. } => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration was not written or changed.
    #[error(transparent)]
    Settings(ConfigCommandError),
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine said no.
    #[error("{subject}: {refusal}")]
    Refused {
        /// The cohort.
        subject: String,
        /// Why.
        refusal: Refusal,
    },
    /// Mixpanel could not be asked.
    #[error(transparent)]
    Mixpanel(#[from] MixpanelError),
    /// The command line does not fit.
    #[error("{0}")]
    Usage(String),
    /// Something that was asked for needs a person first.
    #[error("{0}")]
    Waiting(String),
    /// Something did not work.
    #[error("{0}")]
    Failed(String),
    /// Output could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The log could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The console could not start or go on.
    #[error(transparent)]
    Console(#[from] TuiError),
}

impl Failure {
    /// The exit code it leads to.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Settings(_)
            | Self::Usage(_)
            | Self::Telemetry(_)
            | Self::Console(TuiError::NotATerminal | TuiError::Keys(_))
            | Self::Refused { refusal: Refusal::UnknownCohort(_) | Refusal::NoProfileApi, .. } => Exit::Usage,
            Self::Store(error) => error.into(),
            Self::Waiting(_) | Self::Refused { .. } => Exit::Refused,
            Self::Mixpanel(error) if error.pause_cause().is_some() => Exit::Refused,
            Self::Mixpanel(_) | Self::Failed(_) | Self::Output(_) | Self::Console(_) => Exit::Failed,
        }
    }
}

/// What a person can do about a plan that is held back, a command a line; the run is the one that is held.
pub(super) fn ways_out_of_a_hold(cohort: &str, run: impl Display) -> String {
    format!(
        "\n  To see who it is:          cohort-sync changes {run}\
         \n  to send exactly that plan: cohort-sync approve \"{cohort}\"\
         \n  to forget it:              cohort-sync discard \"{cohort}\"\
         \n  to read anew and agree:    cohort-sync sync \"{cohort}\" --yes"
    )
}

/// Prints a failure and its causes, and gives the exit code.
pub(super) fn report(failure: &Failure) -> Exit {
    let mut text = format!("cohort-sync: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Some errors already repeat their source in their own words.
        if !text.contains(&said) {
            text.push_str("\n  because: ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    if let Failure::Refused { subject, refusal: Refusal::PlanHeld } = failure {
        text.push_str(&ways_out_of_a_hold(subject, "RUN"));
    }
    // Where stderr is closed nobody listens, and the exit code still tells.
    let _ = writeln!(io::stderr(), "{text}");
    failure.exit()
}
