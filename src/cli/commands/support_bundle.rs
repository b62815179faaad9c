//! `support-bundle`: writes one archive for whoever helps, and says what is inside and what was left out.

use super::{say, say_json};
use crate::cli::account::Desk;
use crate::cli::args::BundleArgs;
use crate::cli::bundle::{self, KEPT_BACK};
use crate::cli::failure::{Exit, Failure};
use crate::domain::number::thousands;
use crate::tui::text::plural;
use serde::Serialize;

/// A bundle for programs. Field names and their order are fixed.
#[derive(Serialize)]
struct BundleObject<'a> {
    file: String,
    bytes: u64,
    entries: Vec<EntryObject<'a>>,
    left_out: &'a [&'a str],
}

/// A file of a bundle.
#[derive(Serialize)]
struct EntryObject<'a> {
    name: &'a str,
    bytes: usize,
    about: &'a str,
}

/// Writes a bundle.
pub(in crate::cli) fn support_bundle(desk: &Desk, asked: &BundleArgs) -> Result<Exit, Failure> {
    let bundle = bundle::make(desk, asked.output.as_deref())?;
    let file = bundle.path.display().to_string();
    if desk.args.global.json {
        let entries = bundle.entries.iter();
        say_json(&BundleObject {
            file,
            bytes: bundle.bytes,
            entries: entries
                .map(|entry| EntryObject {
                    name: &entry.name,
                    bytes: entry.content.len(),
                    about: entry.about,
                })
                .collect(),
            left_out: &KEPT_BACK,
        })?;
        return Ok(Exit::Done);
    }
    say(&format!("Wrote {file}, {}, for you alone to read. Inside:", plural(bundle.bytes, "byte")))?;
    for entry in &bundle.entries {
        let bytes = thousands(entry.content.len() as u64);
        say(&format!("  {:<24}{bytes:>12}  {}", entry.name, entry.about))?;
    }
    say("Left out:")?;
    KEPT_BACK.iter().try_for_each(|what| say(&format!("  - {what}")))?;
    say("Look through it before you hand it on.")?;
    Ok(Exit::Done)
}
