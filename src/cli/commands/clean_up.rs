//! Before `stop --clean-up`: what it will tell mParticle cannot be taken back at once, so it says for how many users
//! and asks for the cohort's name. Carrying it out is `steer`'s.

use super::status::{candidates, standings};
use super::{count, remark, state};
use crate::cli::account::{Desk, must_write};
use crate::cli::failure::Failure;
use crate::cli::output::harmless;
use crate::cli::select;
use crate::domain::Removal;
use crate::store::SyncRecord;
use std::io::{self, IsTerminal};

/// Makes sure that a person agrees to the clean-up; what is not synced has nothing to agree to.
pub(in crate::cli) fn agree(desk: &Desk, wanted: &str, removal: Removal) -> Result<(), Failure> {
    must_write(&desk.places, "stop")?;
    let Some(reader) = state(&desk.places)? else { return Ok(()) };
    let known = standings(&reader, &desk.places)?;
    let id = select::find(wanted, &candidates(&known))?;
    let found = known.iter().find(|standing| standing.cohort.id == id);
    match found.and_then(|standing| Some((&standing.cohort.name, standing.sync.as_ref()?))) {
        Some((name, sync)) => ask(name, sync, removal),
        None => Ok(()),
    }
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
pub(super) fn held(sync: &SyncRecord) -> u64 {
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
