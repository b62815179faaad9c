//! What somebody typed, as a value of the file. Only its form is decided here; whether it makes sense is found out
//! by reading the file that it would make.

use super::{EditError, Known};
use crate::config::settings::Form;
use crate::config::value::{list, switch};
use toml_edit::{Array, Value};

/// Why a text is no value; see [`EditError`] for the words.
pub(super) enum Misfit {
    Unfit { found: String, expected: &'static str },
    Plain,
}

impl Misfit {
    pub(super) fn of(self, setting: &str) -> EditError {
        let setting = setting.to_owned();
        match self {
            Self::Unfit { found, expected } => {
                EditError::Unfit { setting, fault: format!("is {found:?}, but must be {expected}") }
            }
            Self::Plain => EditError::Plain(setting),
        }
    }
}

pub(super) fn value(known: Known<'_>, text: &str) -> Result<Value, Misfit> {
    match known {
        Known::Setting(setting) => {
            let unfit = || Misfit::Unfit { found: text.to_owned(), expected: setting.expected };
            match setting.form {
                Form::Text => Ok(unquoted(text).into()),
                Form::Integer => text.trim().parse::<i64>().map(Value::from).map_err(|_| unfit()),
                Form::Decimal => number(text).ok_or_else(unfit),
                Form::Switch => switch(text).map(Value::from).ok_or_else(unfit),
                Form::List => Ok(list(text).into_iter().collect::<Array>().into()),
                Form::Secret => secret(text),
            }
        }
        Known::Keys => Ok(keys(text)),
        Known::Theme(role) if role != "base" => {
            Ok(text.trim().parse::<i64>().map_or_else(|_| unquoted(text).into(), Value::from))
        }
        Known::Theme(_) => Ok(unquoted(text).into()),
    }
}

/// Whoever writes quotes as in the file means what is between them.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quoted = text.starts_with(['"', '\'']).then(|| text.parse::<Value>().ok()).flatten();
    quoted.as_ref().and_then(Value::as_str).unwrap_or(text).to_owned()
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
}

/// Only where a credential is, never the credential: it would stay in the shell's history.
fn secret(text: &str) -> Result<Value, Misfit> {
    let parsed = text.trim().parse::<Value>().ok().filter(Value::is_inline_table);
    parsed.map(without_decor).ok_or(Misfit::Plain)
}

/// One key, or several with spaces between them, or a list as in the file.
fn keys(text: &str) -> Value {
    if let Some(list) = text.trim().parse::<Value>().ok().filter(|value| value.is_array() || value.is_str()) {
        return without_decor(list);
    }
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(only), None) => only.into(),
        _ => text.split_whitespace().collect::<Array>().into(),
    }
}

fn without_decor(value: Value) -> Value {
    value.decorated("", "")
}
