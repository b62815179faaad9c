//! A value as it was given, before it is known to make sense: what the file, the environment and the flags
//! have in common.

use super::secrets::{Secret, SecretSource};
use super::settings::Form;
use crate::domain::property::{PROPERTIES_AT_MOST, PropertyNames};
use std::fmt;

/// A value as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// true or false.
    Switch(bool),
    /// A list of texts.
    Texts(Vec<String>),
    /// A credential, or where to find it.
    Secret(SecretSource),
}

impl Value {
    /// Whether a setting of this form can take it. A whole number will do where a fraction may stand.
    pub(super) fn fits(&self, form: Form) -> bool {
        matches!(
            (form, self),
            (Form::Text, Self::Text(_))
                | (Form::Integer, Self::Integer(_))
                | (Form::Decimal, Self::Integer(_) | Self::Decimal(_))
                | (Form::Switch, Self::Switch(_))
                | (Form::List, Self::Texts(_))
                | (Form::Secret, Self::Secret(_))
        )
    }

    /// Reads what an environment variable or a flag says for a setting of this form.
    pub(super) fn from_text(text: &str, form: Form) -> Option<Self> {
        match form {
            Form::Text => Some(Self::Text(text.to_owned())),
            Form::Integer => text.trim().parse().ok().map(Self::Integer),
            Form::Decimal => text.trim().parse().ok().map(Self::Decimal),
            Form::Switch => switch(text).map(Self::Switch),
            Form::List => Some(Self::Texts(list(text))),
            Form::Secret => Some(Self::Secret(SecretSource::Plain(Secret::new(text)))),
        }
    }

    /// As JSON; a credential becomes the mask.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Decimal(number) => (*number).into(),
            Self::Switch(switch) => (*switch).into(),
            Self::Texts(texts) => texts.clone().into(),
            Self::Secret(_) => super::masks::MASK.into(),
        }
    }
}

/// A whole number above zero.
pub(super) fn positive(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(number) => u64::try_from(*number).ok().filter(|number| *number > 0),
        _ => None,
    }
}

/// The names of properties, if they are not too many.
pub(super) fn properties(value: &Value) -> Option<PropertyNames> {
    let Value::Texts(names) = value else { return None };
    (names.len() <= PROPERTIES_AT_MOST).then(|| PropertyNames::of(names.iter().map(String::as_str)))
}

/// A list as people write it in environment variables: as TOML does, or with commas between.
pub(super) fn list(text: &str) -> Vec<String> {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    serde_json::from_str(text).unwrap_or_else(|_| parts().map(str::to_owned).collect())
}

/// true or false as people write them in environment variables.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// As it would stand in the file, on one line (a JSON text is also a TOML text); a credential becomes the mask.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str(super::masks::MASK),
            // JSON knows neither infinity nor "not a number", which TOML does.
            Self::Decimal(number) => write!(f, "{number:?}"),
            _ => self.to_json().fmt(f),
        }
    }
}
