//! `config set` and `config unset`: the change, made and reported.

use super::{ConfigCommandError, check_keys};
use crate::config::edit::{Change, Edit, Edited};
use crate::config::settings::{self, Form};
use crate::config::{Request, Secret};
use serde_json::json;
use std::io::{self, Read, Write};

/// Longer than any value.
const SIZE_LIMIT: u64 = 64 * 1024;

/// The change that was asked for; `-` reads the value from standard input, as a credential must be.
pub(super) fn change(key: &str, value: &str) -> Result<Change, ConfigCommandError> {
    if value != "-" {
        return Ok(Change::set(key, value)?);
    }
    let unreadable = |source| ConfigCommandError::Unreadable { setting: key.to_owned(), source };
    let mut text = String::new();
    io::stdin().lock().take(SIZE_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
    let is_secret = settings::find(key).is_some_and(|setting| setting.form == Form::Secret);
    let text = text.trim();
    // Where a credential is may be piped in as well as typed.
    Ok(if is_secret && !text.starts_with('{') {
        Change::write_out(key, &Secret::new(text))?
    } else {
        Change::set(key, text)?
    })
}

/// Makes the change and says what came of it.
pub(super) fn make(
    request: &Request,
    change: &Change,
    json: bool,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let edit = Edit::prepare(request, change)?;
    if change.setting().starts_with("keys.") {
        check_keys(&edit.interface()?)?;
    }
    Ok(report(&edit.write()?, json, to)?)
}

fn report(edited: &Edited, json: bool, to: &mut impl Write) -> io::Result<()> {
    let Edited { setting, was, value, origin, overridden, path, created, .. } = edited;
    if json {
        let object = json!({
            "key": setting, "was": was, "value": value, "origin": origin,
            "overridden_by": overridden, "config_file": path.display().to_string(),
        });
        return writeln!(to, "{object}");
    }
    if *created {
        writeln!(to, "Wrote {}, which did not exist.", path.display())?;
    }
    match overridden {
        None => writeln!(to, "{setting} = {value}  # {origin} (was {was})"),
        Some(by) => writeln!(
            to,
            "{setting} was written to {}, but {by} overrides it: it stays {value}.",
            path.display()
        ),
    }
}
