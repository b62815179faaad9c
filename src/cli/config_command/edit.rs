//! `config set` and `config unset`: the value read, the change made and reported.

use super::{ConfigCommandError, check_keys};
use crate::cli::secret_input;
use crate::config::edit::{Change, Edit, Edited};
use crate::config::keep::keep_in_keyring;
use crate::config::settings::{self, Form};
use crate::config::{Request, Secret};
use serde_json::json;
use std::io::{self, Read, Write};

/// Longer than any value.
const SIZE_LIMIT: u64 = 64 * 1024;

/// What `config set` was given.
pub(super) struct Asked<'a> {
    pub key: &'a str,
    pub value: &'a str,
    pub keyring: bool,
}

/// Gives a setting a value; `-` reads it from standard input, as a credential must be, and from a terminal unseen.
pub(super) fn set(
    request: &Request,
    asked: &Asked<'_>,
    json: bool,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let Asked { key, value, keyring } = *asked;
    let is_secret = settings::find(key).is_some_and(|setting| setting.form == Form::Secret);
    if keyring && !(is_secret && value == "-") {
        return Err(ConfigCommandError::NotForTheKeyring);
    }
    if value != "-" {
        return make(request, &Change::set(key, value)?, json, to);
    }
    let text = read(key, is_secret)
        .map_err(|source| ConfigCommandError::Unreadable { setting: key.to_owned(), source })?;
    let text = text.trim();
    if keyring {
        return Ok(report(&keep_in_keyring(request, key, &Secret::new(text))?, json, to)?);
    }
    // Where a credential is may be piped in as well as typed.
    let change = if is_secret && !text.starts_with('{') {
        Change::write_out(key, &Secret::new(text))?
    } else {
        Change::set(key, text)?
    };
    make(request, &change, json, to)
}

fn read(key: &str, is_secret: bool) -> io::Result<String> {
    if is_secret {
        return Ok(secret_input::read(key)?.expose().to_owned());
    }
    let mut text = String::new();
    io::stdin().lock().take(SIZE_LIMIT).read_to_string(&mut text)?;
    Ok(text)
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
