//! How a command fails: one type, one exit code, one place that prints. Messages come from below and already
//! say what happened, to what, and what to do; this file adds the cause chain where there is one.

use crate::config::ConfigError;
use crate::mixpanel::MixpanelError;
use crate::store::StoreError;
use crate::sync::command::Refusal;
use std::error::Error;
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

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
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
    #[error("could not write {what}: {source}")]
    Output {
        /// The file, or the standard output.
        what: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Failure {
    /// The exit code it leads to.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Usage(_) => Exit::Usage,
            Self::Store(StoreError::InUse { .. }) | Self::Waiting(_) => Exit::Refused,
            Self::Store(StoreError::Directory { .. } | StoreError::Newer { .. } | StoreError::Absent { .. }) => {
                Exit::Usage
            }
            Self::Refused { refusal: Refusal::UnknownCohort(_), .. } => Exit::Usage,
            Self::Refused { .. } => Exit::Refused,
            Self::Mixpanel(error) if error.pause_cause().is_some() => Exit::Refused,
            Self::Mixpanel(_) | Self::Store(_) | Self::Failed(_) | Self::Output { .. } => Exit::Failed,
        }
    }

    /// Whether whoever reads our output has simply gone away, which is no failure.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// Prints a failure and its causes, and gives the exit code.
pub(super) fn report(failure: &Failure) -> Exit {
    if failure.is_broken_pipe() {
        return Exit::Done;
    }
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
    eprintln!("{text}");
    failure.exit()
}
