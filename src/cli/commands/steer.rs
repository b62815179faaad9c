//! `pause`, `resume` and `stop`: changing how a sync rests. Whoever keeps the schedule acts on it.

use super::status::{candidates, standings};
use super::{say, say_json, state};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::failure::{Exit, Failure};
use crate::cli::select;
use crate::config::Config;
use crate::domain::CohortId;
use crate::sync::Settings;
use crate::sync::command::Command;

/// What to do with a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Steering {
    Pause,
    Resume,
    Stop,
}

impl Steering {
    fn verb(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }

    fn command(self, cohort: CohortId) -> Command {
        match self {
            Self::Pause => Command::Pause(cohort),
            Self::Resume => Command::Resume(cohort),
            Self::Stop => Command::Stop(cohort),
        }
    }

    fn done(self, name: &str) -> String {
        match self {
            Self::Pause => format!("{name} is paused; take it up again with: cohort-sync resume \"{name}\""),
            Self::Resume => format!("{name} is due now; `cohort-sync run` or the console carries it out"),
            Self::Stop => format!("{name} is stopped; what mParticle holds stays as it is"),
        }
    }
}

/// Pauses, resumes or stops a sync.
pub(in crate::cli) async fn steer(
    desk: &Desk,
    config: &Config,
    steering: Steering,
    wanted: &str,
) -> Result<Exit, Failure> {
    must_write(&desk.places, steering.verb())?;
    let nothing = || Failure::Usage("nothing is synced yet; start with: cohort-sync sync COHORT".to_owned());
    let reader = state(&desk.places)?.ok_or_else(nothing)?;
    let known = standings(&reader, &desk.places)?;
    let id = select::find(wanted, &candidates(&known))?;
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(config) };
    let doing = format!("cohort-sync {}", steering.verb());
    let (handle, task) = start_engine(&desk.places, config, settings, &doing).await?;
    let answer = handle.send(steering.command(id)).await;
    let ended = end_engine(&handle, task).await;
    answer.map_err(|refusal| Failure::Refused { subject: wanted.to_owned(), refusal })?;
    ended?;
    let now = standings(&reader, &desk.places)?;
    let Some(standing) = now.iter().find(|standing| standing.cohort.id == id) else { return Ok(Exit::Done) };
    if desk.args.global.json {
        say_json(&standing.object())?;
    } else {
        say(&steering.done(&standing.cohort.name))?;
    }
    Ok(Exit::Done)
}
