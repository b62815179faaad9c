//! `stop --clean-up`: ends a sync after telling mParticle, for everybody who holds its attribute, that it ends. What
//! is told cannot be taken back at once, so it asks for the cohort's name first; the run itself is the engine's.

use super::awaiting::Awaiting;
use super::status::{candidates, standings};
use super::{count, remark, say, say_json, state};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::harmless;
use crate::cli::select;
use crate::config::Config;
use crate::domain::Removal;
use crate::store::SyncRecord;
use crate::sync::Settings;
use crate::sync::command::Command;
use std::io::{self, IsTerminal};

/// Ends a sync and cleans up after it.
pub(in crate::cli) async fn stop(
    desk: &Desk,
    config: &Config,
    wanted: &str,
    removal: Removal,
    agreed: bool,
) -> Result<Exit, Failure> {
    must_write(&desk.places, "stop")?;
    let nothing = || Failure::Usage("nothing is synced yet; start with: cohort-sync sync COHORT".to_owned());
    let reader = state(&desk.places)?.ok_or_else(nothing)?;
    let known = standings(&reader, &desk.places)?;
    let id = select::find(wanted, &candidates(&known))?;
    let found = known.iter().find(|standing| standing.cohort.id == id);
    let (name, sync) = match found.map(|standing| (&standing.cohort.name, standing.sync.as_ref())) {
        Some((name, Some(sync))) => (name.clone(), sync.clone()),
        _ => {
            return Err(Failure::Usage(format!(
                "\"{wanted}\" is not synced, so there is nothing to clean up"
            )));
        }
    };
    if !agreed {
        ask(&name, &sync, removal)?;
    }
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(config) };
    let (handle, engine) = start_engine(&desk.places, config, settings, "cohort-sync stop").await?;
    let mut awaiting = Awaiting::new(&handle, desk.args.global.json);
    let answer = handle.send(Command::StopAndCleanUp(id, removal)).await;
    let end = match &answer {
        Ok(()) => {
            awaiting.expect(id);
            awaiting.wait().await
        }
        Err(_) => Ok(()),
    };
    let ended = end_engine(&handle, engine).await;
    answer.map_err(|refusal| Failure::Refused { subject: wanted.to_owned(), refusal })?;
    end?;
    ended?;
    let now = standings(&reader, &desk.places)?;
    if let Some(standing) = now.iter().find(|standing| standing.cohort.id == id) {
        let left: u64 = standing.sync.as_ref().map_or(0, held);
        if desk.args.global.json {
            say_json(&standing.object())?;
        } else if awaiting.exit() == Exit::Done {
            let name = harmless(&name);
            say(&match left {
                0 => format!("{name} is stopped; nobody holds its attribute any more"),
                left => format!("{name} is stopped; {} users still hold its attribute", count(left)),
            })?;
        }
    }
    Ok(awaiting.exit())
}

/// Says what would happen and asks for the cohort's name. Without a terminal there is nobody to ask.
fn ask(name: &str, sync: &SyncRecord, removal: Removal) -> Result<(), Failure> {
    let what = describe(sync, removal);
    let name = harmless(name);
    if !io::stdin().is_terminal() {
        return Err(Failure::Waiting(format!("{what}\nTo agree, run it again with --yes; nothing was done")));
    }
    remark(&what);
    remark(&format!("Type the cohort's name to agree ({name}):"));
    let mut typed = String::new();
    io::stdin()
        .read_line(&mut typed)
        .map_err(|error| Failure::Failed(format!("the answer could not be read: {error}")))?;
    if typed.trim() == name.trim() {
        return Ok(());
    }
    Err(Failure::Waiting("that is not the cohort's name; nothing was done".to_owned()))
}

/// Users who hold an attribute because of a sync, the ones it left behind included.
fn held(sync: &SyncRecord) -> u64 {
    sync.baseline + sync.former.iter().map(|former| former.members).sum::<u64>()
}

fn describe(sync: &SyncRecord, removal: Removal) -> String {
    let attributes: Vec<String> = std::iter::once((&sync.attribute, sync.baseline))
        .chain(sync.former.iter().map(|former| (&former.attribute, former.members)))
        .filter(|(_, members)| *members > 0)
        .map(|(attribute, members)| format!("\"{}\" (held by {} users)", harmless(attribute), count(members)))
        .collect();
    let attributes = if attributes.is_empty() {
        format!("\"{}\" (for whoever may hold it)", harmless(&sync.attribute))
    } else {
        attributes.join(" and ")
    };
    match removal {
        Removal::SetFalse => format!("This sets {attributes} to false in mParticle, then stops the sync."),
        Removal::Delete => format!("This deletes {attributes} in mParticle, then stops the sync."),
    }
}
