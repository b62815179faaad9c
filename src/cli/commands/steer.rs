//! `pause`, `resume`, `stop`, `approve` and `discard`: changing how a sync rests. What follows as a run of its own (a held
//! plan that is approved, a clean-up) is carried out here and now; the rest is for whoever keeps the schedule.

use super::awaiting::Awaiting;
use super::clean_up::held;
use super::status::{Standing, candidates, standings};
use super::{count, say, say_json, state};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::harmless;
use crate::cli::select;
use crate::config::Config;
use crate::domain::{CohortId, Removal};
use crate::sync::Settings;
use crate::sync::command::Command;

/// What to do with a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Steering {
    Pause,
    Resume,
    Stop,
    StopAndCleanUp(Removal),
    Approve,
    Discard,
}

impl Steering {
    fn verb(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop | Self::StopAndCleanUp(_) => "stop",
            Self::Approve => "approve",
            Self::Discard => "discard",
        }
    }

    fn command(self, cohort: CohortId) -> Command {
        match self {
            Self::Pause => Command::Pause(cohort),
            Self::Resume => Command::Resume(cohort),
            Self::Stop => Command::Stop(cohort),
            Self::StopAndCleanUp(removal) => Command::StopAndCleanUp(cohort, removal),
            Self::Approve => Command::Approve(cohort),
            Self::Discard => Command::Discard(cohort),
        }
    }

    /// Whether a run follows that is waited for.
    fn runs(self) -> bool {
        matches!(self, Self::Approve | Self::StopAndCleanUp(_))
    }

    fn done(self, standing: &Standing) -> String {
        let name = harmless(&standing.cohort.name);
        match self {
            Self::Pause => format!("{name} is paused; take it up again with: cohort-sync resume \"{name}\""),
            Self::Resume => format!("{name} is due now; `cohort-sync run` or the console carries it out"),
            Self::Stop => format!("{name} is stopped; what mParticle holds stays as it is"),
            Self::StopAndCleanUp(_) => match standing.sync.as_ref().map_or(0, held) {
                0 => format!("{name} is stopped; nobody holds its attribute any more"),
                left => format!("{name} is stopped; {} users still hold its attribute", count(left)),
            },
            Self::Approve => format!("{name}: the plan that was held has been sent"),
            Self::Discard => {
                format!("{name}: the plan is forgotten, nothing was sent; the next run reads anew")
            }
        }
    }
}

/// Does it, and waits for the run that follows.
pub(in crate::cli) async fn steer(
    desk: &Desk,
    config: &Config,
    steering: Steering,
    wanted: &str,
) -> Result<Exit, Failure> {
    must_write(&desk.places, steering.verb())?;
    let nothing = || Failure::Usage("nothing is synced yet; start with: cohort-sync sync COHORT".to_owned());
    let reader = state(&desk.places)?.ok_or_else(nothing)?;
    let id = select::find(wanted, &candidates(&standings(&reader, &desk.places)?))?;
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(config) };
    let doing = format!("cohort-sync {}", steering.verb());
    let (handle, engine) = start_engine(&desk.places, config, settings, &doing).await?;
    let mut awaiting = Awaiting::new(&handle, desk.args.global.json);
    let answer = handle.send(steering.command(id)).await;
    let followed = if answer.is_ok() && steering.runs() {
        awaiting.started(id);
        awaiting.wait().await
    } else {
        Ok(())
    };
    let ended = end_engine(&handle, engine).await;
    answer.map_err(|refusal| Failure::Refused { subject: wanted.to_owned(), refusal })?;
    followed?;
    ended?;
    let now = standings(&reader, &desk.places)?;
    if let Some(standing) = now.iter().find(|standing| standing.cohort.id == id) {
        if desk.args.global.json {
            say_json(&standing.object())?;
        } else if awaiting.exit() == Exit::Done {
            say(&steering.done(standing))?;
        }
    }
    Ok(awaiting.exit())
}
