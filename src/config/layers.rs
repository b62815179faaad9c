//! Who wins: defaults, then the file, then the profile's tables, then environment variables, then flags.
//! Each value keeps where it came from. Whether the values make sense is found out in [`super::build`].

use super::document::Document;
use super::environment::{Environment, FRAME_VARIABLES};
use super::errors::{ConfigError, Fault, Origin, Problem};
use super::settings::{self, Form, KEYS_SECTION, SETTINGS, Setting};
use super::value::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The profile that needs no table of its own.
pub const DEFAULT_PROFILE: &str = "default";

/// A setting given as a flag on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The setting, as in `ui.theme`.
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// The flag, as in `--theme`.
    pub flag: &'static str,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The profile.
    pub profile: String,
    /// The environment.
    pub environment: Environment,
    /// The flags.
    pub overrides: Vec<Override>,
}

impl Request {
    /// The name of the profile's tables; `None` for the one that needs none.
    pub(super) fn profile_table(&self) -> Option<&str> {
        Some(self.profile.as_str()).filter(|name| *name != DEFAULT_PROFILE)
    }
}

/// A value with its origin.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub value: Value,
    pub origin: Origin,
}

/// Every value that was given or has a default, credentials not yet fetched.
#[derive(Debug)]
pub struct Layers {
    pub(super) request: Request,
    pub(super) found: bool,
    pub(super) values: BTreeMap<String, Given>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl Layers {
    /// Reads the file and lays environment and flags over it. No credential is fetched and no command run.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has no such profile. A missing file is no error here.
    pub fn read(request: Request) -> Result<Self, ConfigError> {
        let document = Document::read(&request.config_file)?;
        Self::lay(request, document)
    }

    pub(super) fn lay(request: Request, document: Document) -> Result<Self, ConfigError> {
        let known = request.profile == DEFAULT_PROFILE || document.profiles.contains(&request.profile);
        // Without a file the environment alone may define the profile.
        if document.found && !known {
            return Err(ConfigError::UnknownProfile {
                name: request.profile,
                path: request.config_file,
                known: document.profiles,
            });
        }
        let mut layers = Self {
            request,
            found: document.found,
            values: BTreeMap::new(),
            problems: document.problems,
            warnings: Vec::new(),
        };
        layers.lay_defaults();
        let (profiles, top): (Vec<_>, Vec<_>) =
            document.entries.into_iter().partition(|entry| entry.profile.is_some());
        let profile = layers.request.profile.clone();
        let chosen = profiles.into_iter().filter(|entry| entry.profile.as_ref() == Some(&profile));
        for entry in top.into_iter().chain(chosen) {
            layers.values.insert(entry.name, Given { value: entry.value, origin: entry.origin });
        }
        layers.lay_environment();
        layers.lay_flags();
        Ok(layers)
    }

    /// Whether anything at all says how to connect: the file, or a variable of one of the two services.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.found
            || self.values.iter().any(|(name, given)| {
                name.starts_with('m') && matches!(given.origin, Origin::Environment(_) | Origin::Flag(_))
            })
    }

    fn lay_defaults(&mut self) {
        for setting in SETTINGS {
            if let Some(value) = setting.default.and_then(|default| default_value(setting, default)) {
                self.values.insert(setting.name.to_owned(), Given { value, origin: Origin::Default });
            }
        }
    }

    fn lay_environment(&mut self) {
        let environment = self.request.environment.clone();
        for setting in SETTINGS {
            let variable = setting.variable();
            if let Some(text) = environment.text(&variable) {
                self.give(setting, text, Origin::Environment(variable));
            }
        }
        for name in environment.own_names() {
            self.warn_of_unknown_variable(name);
        }
    }

    fn lay_flags(&mut self) {
        for Override { setting, value, flag } in self.request.overrides.clone() {
            if let Some(setting) = settings::find(setting) {
                self.give(setting, &value, Origin::Flag(flag.to_owned()));
            }
        }
    }

    fn give(&mut self, setting: &'static Setting, text: &str, origin: Origin) {
        if let Some(value) = Value::from_text(text, setting.form) {
            self.values.insert(setting.name.to_owned(), Given { value, origin });
        } else {
            let fault = Fault::Unfit { found: format!("{text:?}"), expected: setting.expected };
            self.problems.push(Problem { origin, setting: setting.name.to_owned(), fault });
        }
    }

    /// A variable with a slip in its name would otherwise be ignored without a word. It is only a warning,
    /// because other programs and newer versions may use the prefix too.
    fn warn_of_unknown_variable(&mut self, name: &str) {
        let of_settings: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        let of_frame = FRAME_VARIABLES.iter().map(|(variable, _)| *variable);
        let known: Vec<&str> = of_settings.iter().map(String::as_str).chain(of_frame).collect();
        if !known.contains(&name) {
            let hint = settings::nearest(name, known).map(|near| format!("; did you mean {near}?"));
            self.warnings
                .push(format!("the environment variable {name} sets nothing{}", hint.unwrap_or_default()));
        }
    }

    /// The key bindings, by action.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&str, &Given)> {
        self.values.iter().filter_map(|(name, given)| {
            let action = name.strip_prefix(KEYS_SECTION)?.strip_prefix('.')?;
            Some((action, given))
        })
    }
}

/// The default, which the table writes as TOML.
fn default_value(setting: &Setting, default: &str) -> Option<Value> {
    match setting.form {
        Form::Text => Some(Value::Text(default.trim_matches('"').to_owned())),
        form => Value::from_text(default, form),
    }
}
