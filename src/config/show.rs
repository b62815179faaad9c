//! `config show`: every setting with its value and where it came from. Credentials are not fetched for it;
//! it says where they would come from.

use super::errors::Origin;
use super::layers::{Given, Layers};
use super::masks::MASK;
use super::secrets::SecretSource;
use super::settings::{Need, SETTINGS, Setting};
use super::value::Value;
use super::words::{Region, Word};

/// One setting as `config show` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// The setting, as in `mixpanel.region`.
    pub key: String,
    /// Its value as TOML; "(not set)" when there is none, the mask for credentials.
    pub value: String,
    /// Its value as JSON; null when there is none.
    pub json: serde_json::Value,
    /// Where it came from.
    pub origin: String,
}

/// Where a credential is to come from; the credential itself is not in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCredential {
    /// The setting, as in `mixpanel.secret`.
    pub key: String,
    /// Where it comes from, as [`ShownSetting::origin`] says it.
    pub origin: String,
    /// Whether it stands in the configuration file itself.
    pub is_plain_in_file: bool,
}

impl Layers {
    /// Every setting, in the order of the table; the operator's own themes and key bindings last.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownSetting> {
        let settings = SETTINGS.iter().map(|setting| match self.values.get(setting.name) {
            Some(given) => shown(setting.name.to_owned(), given),
            None => self.unset(setting),
        });
        let bindings = self.bindings().map(|(action, given)| shown(format!("keys.{action}"), given));
        let themes = self.theme_values().map(|(_, _, name, given)| shown(name.to_owned(), given));
        settings.chain(themes).chain(bindings).collect()
    }

    /// Every credential that is given, with where it is to come from.
    #[must_use]
    pub fn credentials(&self) -> Vec<ShownCredential> {
        let credential = |(key, given): (&String, &Given)| match &given.value {
            Value::Secret(source) => Some(ShownCredential {
                key: key.clone(),
                origin: shown(key.clone(), given).origin,
                is_plain_in_file: matches!(
                    (source, &given.origin),
                    (SecretSource::Plain(_), Origin::File { .. })
                ),
            }),
            _ => None,
        };
        self.values.iter().filter_map(credential).collect()
    }

    /// What looks wrong though it may work.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn unset(&self, setting: &Setting) -> ShownSetting {
        let key = setting.name.to_owned();
        if let Some((value, origin)) = self.derived(setting) {
            return ShownSetting {
                key,
                value: format!("{value:?}"),
                json: value.into(),
                origin: origin.to_owned(),
            };
        }
        let origin = if setting.need == Need::Required { "required" } else { "optional" };
        ShownSetting {
            key,
            value: "(not set)".to_owned(),
            json: serde_json::Value::Null,
            origin: origin.to_owned(),
        }
    }

    /// A value that follows from another setting.
    fn derived(&self, setting: &Setting) -> Option<(&'static str, &'static str)> {
        match setting.name {
            "mixpanel.base_url" => match &self.values.get("mixpanel.region")?.value {
                Value::Text(region) => Some((Region::from_word(region)?.base_url(), "from mixpanel.region")),
                _ => None,
            },
            _ => None,
        }
    }
}

fn shown(key: String, given: &Given) -> ShownSetting {
    let Given { value, origin } = given;
    // An address with a password in it will be refused, but it is shown before that happens.
    if let Value::Text(text) = value
        && text.contains('@')
        && key.ends_with("_url")
    {
        return ShownSetting { key, value: MASK.to_owned(), json: MASK.into(), origin: named(origin) };
    }
    let origin = match (value, origin) {
        (Value::Secret(SecretSource::Plain(_)), _) => named(origin),
        (Value::Secret(source), Origin::File { .. }) => format!("{source}, {origin}"),
        _ => named(origin),
    };
    ShownSetting { key, value: value.to_string(), json: value.to_json(), origin }
}

/// The origin with the kind of place it is.
fn named(origin: &Origin) -> String {
    match origin {
        Origin::Environment(name) => format!("env {name}"),
        Origin::Flag(name) => format!("flag {name}"),
        Origin::Default | Origin::File { .. } => origin.to_string(),
    }
}
