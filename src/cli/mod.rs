//! What a person types: arguments, headless commands and their output. This file chooses the command and
//! turns its result into an exit code; each command has its own file.

pub mod args;
pub mod config_command;
pub mod generate;
pub mod output;

use crate::config::{BaseDirectories, Environment};
use args::{Args, Command};
use config_command::ConfigCommandError;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// Wrong usage or configuration.
const USAGE: u8 = 2;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::of_process();
    let environment = Environment::of_process();
    let mut out = io::stdout().lock();
    match &args.command {
        Some(Command::Config(command)) => {
            let base = BaseDirectories::of_system();
            match config_command::run(*command, &args, &environment, base.as_ref(), &mut out) {
                Err(ConfigCommandError::Output(error)) => printed(Err(error)),
                Err(error) => failure(&error, USAGE),
                Ok(()) => ExitCode::SUCCESS,
            }
        }
        Some(Command::Completions { shell }) => printed(generate::completions(*shell, &mut out)),
        Some(Command::Man) => printed(generate::manual_page(&mut out)),
        _ => ExitCode::SUCCESS,
    }
}

/// The exit code of a command that only prints.
fn printed(result: io::Result<()>) -> ExitCode {
    match output::allow_closed_pipe(result.and_then(|()| io::stdout().flush())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&output::OutputError::Standard(error), 1),
    }
}

/// Tells on stderr what went wrong, with the causes, and gives the exit code.
fn failure(error: &dyn Error, code: u8) -> ExitCode {
    let mut message = format!("cohort-sync: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    // Where stderr is closed nobody listens, and the exit code still tells.
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(code)
}
