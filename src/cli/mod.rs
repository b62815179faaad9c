//! What a person types. This file chooses the command and turns its result into an exit code; each command
//! has its own file, and everything below `cli` knows neither arguments nor exit codes.

mod account;
pub mod args;
mod bundle;
mod commands;
pub mod config_command;
mod console;
mod failure;
pub mod generate;
mod objects;
pub mod output;
mod pretty;
mod progress;
mod secret_input;
mod select;
mod signals;

use crate::config::{BaseDirectories, Environment};
use account::Desk;
use args::{Args, Command};
use commands::steer::Steering;
use commands::{
    adopt, clean_up, cohorts, counts, doctor, history, past, people, probe, reconnect, requests, run,
    sandbox, setup, status, steer, support_bundle, sync, user, vacuum, verify, watch,
};
use config_command::ConfigCommandError;
use failure::{Exit, Failure, report};
use output::OutputError;
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::of_process();
    let environment = Environment::of_process();
    match dispatch(args, environment) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure).into(),
    }
}

fn dispatch(args: Args, environment: Environment) -> Result<Exit, Failure> {
    match &args.command {
        Some(Command::Config(command)) => {
            let base = BaseDirectories::of_system();
            let mut out = io::stdout().lock();
            match config_command::run(command.clone(), &args, &environment, base.as_ref(), &mut out) {
                Ok(()) => Ok(Exit::Done),
                Err(ConfigCommandError::Output(error)) => printed(Err(error)),
                Err(ConfigCommandError::Config(error)) => Err(error.into()),
                Err(error) => Err(Failure::Settings(error)),
            }
        }
        Some(Command::Completions { shell }) => {
            printed(generate::completions(*shell, &mut io::stdout().lock()))
        }
        Some(Command::Man) => printed(generate::manual_page(&mut io::stdout().lock())),
        // It reports what keeps every other command from beginning.
        Some(Command::Doctor) => on_threads(doctor::doctor(args, environment)),
        _ => {
            let desk = Desk::set_up(args, environment)?;
            on_threads(carry_out(&desk))
        }
    }
}

fn on_threads(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the system gives no threads: {error}")))?;
    let result = runtime.block_on(work);
    // A request that hangs must not keep the process from ending; what it was about is recorded.
    runtime.shutdown_background();
    result
}

async fn carry_out(desk: &Desk) -> Result<Exit, Failure> {
    let Some(command) = desk.args.command.clone() else { return console::console(desk).await };
    match &command {
        Command::Status { cohorts, list, watch: None } => return status::status(desk, cohorts, list),
        Command::Status { cohorts, list, watch: Some(every) } => {
            return watch::watch(desk, cohorts, list, *every).await;
        }
        Command::Runs { cohort, list } => return history::runs(desk, cohort.as_deref(), list),
        Command::Changes(asked) => return past::changes(desk, asked),
        Command::Members(asked) => return past::members(desk, asked),
        Command::Requests(asked) => return requests::requests(desk, asked).await,
        Command::SupportBundle(asked) => return support_bundle::support_bundle(desk, asked),
        Command::Unmatched(asked) => return people::unmatched(desk, asked),
        Command::Counts(asked) => return counts::counts(desk, asked),
        Command::User(asked) => return user::user(desk, asked).await,
        Command::Setup => return setup::setup(desk).await,
        Command::Vacuum => return vacuum::vacuum(&desk.places, desk.args.global.json).await,
        Command::Sandbox { listen } => return sandbox::sandbox(*listen, desk.args.global.json).await,
        _ => {}
    }
    // What is wrong with the configuration is said before a log is begun for it.
    let config = desk.config()?;
    let _log = if desk.places.read_only { None } else { Some(desk.log()?) };
    match &command {
        Command::Cohorts(list) => cohorts::cohorts(desk, &config, list).await,
        Command::Sync(asked) => sync::sync(desk, &config, asked).await,
        Command::Run => run::run(desk, &config).await,
        Command::Probe(asked) => probe::probe(desk, &config, asked).await,
        Command::Reconnect(asked) => reconnect::reconnect(desk, &config, asked).await,
        Command::Verify(asked) => verify::verify(desk, &config, asked).await,
        Command::Pause { cohort } => steer::steer(desk, &config, Steering::Pause, cohort).await,
        Command::Resume { cohort } => steer::steer(desk, &config, Steering::Resume, cohort).await,
        Command::Adopt { cohort, file, kind, attribute } => {
            adopt::adopt(desk, &config, cohort, file, *kind, attribute.as_deref()).await
        }
        Command::Stop { cohort, clean_up: None, .. } => {
            steer::steer(desk, &config, Steering::Stop, cohort).await
        }
        Command::Stop { cohort, clean_up: Some(removal), yes } => {
            if !yes {
                clean_up::agree(desk, cohort, *removal)?;
            }
            steer::steer(desk, &config, Steering::StopAndCleanUp(*removal), cohort).await
        }
        Command::Approve { cohort } => steer::steer(desk, &config, Steering::Approve, cohort).await,
        Command::Discard { cohort } => steer::steer(desk, &config, Steering::Discard, cohort).await,
        // The others were carried out above or before.
        _ => Ok(Exit::Done),
    }
}

/// How a command ends that only prints.
fn printed(result: io::Result<()>) -> Result<Exit, Failure> {
    output::allow_closed_pipe(result.and_then(|()| io::stdout().flush())).map_err(OutputError::Standard)?;
    Ok(Exit::Done)
}
