//! The end of the guide: the credentials are put where they are to be kept, then the configuration is written. A new file
//! is its owner's alone; to one that is there the tables of the profile are added, and nothing that stands is changed.

use super::{Guide, Question};
use crate::config::document::Document;
use crate::config::edit::{EditError, read, replace};
use crate::config::errors::{ConfigError, Problem};
use crate::config::keep::{KeepError, keyring_name, write_secret_file};
use crate::config::layers::Layers;
use crate::config::secrets::keyring;
use crate::config::template::{InitError, write_new};
use crate::config::{Secret, keep};
use std::path::{Path, PathBuf};
use toml_edit::{Array, InlineTable, Value};

/// A credential: its question and its setting, and the variable, the file and the command it is kept in by some choices.
struct Credential {
    question: Question,
    setting: &'static str,
    variable: &'static str,
    file: &'static str,
    command: Question,
}

const OF_MIXPANEL: Credential = Credential {
    question: Question::Secret,
    setting: "mixpanel.secret",
    variable: "MIXPANEL_SECRET",
    file: "mixpanel-secret",
    command: Question::SecretCommand,
};
const OF_THE_FEED: Credential = Credential {
    question: Question::WebhookUrl,
    setting: "mparticle.webhook_url",
    variable: "MPARTICLE_WEBHOOK_URL",
    file: "mparticle-webhook-url",
    command: Question::WebhookCommand,
};
const OF_THE_EVENTS_API: Credential = Credential {
    question: Question::EventsSecret,
    setting: "mparticle.events_api.secret",
    variable: "MPARTICLE_EVENTS_SECRET",
    file: "mparticle-events-secret",
    command: Question::EventsCommand,
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The profile, unless it is the one that needs no name.
    pub profile: Option<String>,
    /// What was done with the file, in words.
    pub done: String,
    /// Where the credentials are, in words.
    pub kept: String,
    /// What is left to do before the next start, in words.
    pub left_to_do: Option<String>,
}

/// Why nothing was written. A keyring or a file beside it may hold a credential already.
#[derive(Debug, thiserror::Error)]
pub enum GuideError {
    /// The configuration file.
    #[error(transparent)]
    File(#[from] InitError),
    /// The file that a profile is added to.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The file that a profile is added to cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file would not be read with the profile in it.
    #[error("{0}")]
    Refused(Problem),
    /// The profile is there already.
    #[error(
        "the profile {name} stands in {} already and was left as it is; choose another name, or change one setting with \
         `cohort-sync --profile {name} config set KEY VALUE`",
        path.display()
    )]
    ProfileExists {
        /// The profile.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A file for a credential is there already, and holds something else.
    #[error("{} exists already and was left as it is; move it away, or keep the credentials elsewhere", .0.display())]
    SecretExists(PathBuf),
    /// The place of a credential.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

/// What has to be done so that a credential is where the file says.
enum Deed {
    Keyring(String, Secret),
    File(PathBuf, Secret),
}

impl Guide {
    /// Writes everything.
    ///
    /// # Errors
    /// There is a configuration file already or it changed meanwhile, or a place cannot be written.
    pub fn finish(&self) -> Result<Finished, GuideError> {
        let path = &self.request.config_file;
        if self.base.is_none() && path.exists() {
            return Err(InitError::Exists(path.clone()).into());
        }
        let mut values = self.values();
        let mut deeds = Vec::new();
        for credential in [OF_MIXPANEL, self.of_mparticle()] {
            let (value, deed) = self.kept(&credential);
            values.push((credential.setting, value));
            deeds.extend(deed);
        }
        let text = self.render(&values);
        let target = self.target(&text)?;
        deeds.iter().try_for_each(refuse_to_overwrite)?;
        for deed in deeds {
            match deed {
                Deed::Keyring(name, secret) => keyring::store(&name, &secret).map_err(KeepError::from)?,
                Deed::File(file, secret) => {
                    keep::make_private_directory(file.parent().unwrap_or(Path::new("")))?;
                    write_secret_file(&file, &secret)?;
                }
            }
        }
        let profile = self.request.profile_table().map(str::to_owned);
        let done = match target {
            None => {
                write_new(path, &text)?;
                format!("Wrote {}", path.display())
            }
            Some((target, mode)) => {
                replace(&target, &text, Some(mode))
                    .map_err(|source| EditError::Unwritable { path: target.clone(), source })?;
                format!("Added the profile {} to {}", self.request.profile, path.display())
            }
        };
        let (kept, left_to_do) = (self.where_kept(), self.left_to_do());
        Ok(Finished { config_file: path.clone(), profile, done, kept, left_to_do })
    }

    fn of_mparticle(&self) -> Credential {
        if self.is_by_events_api() { OF_THE_EVENTS_API } else { OF_THE_FEED }
    }

    /// The file that the profile is added to and its permission bits, once it is sure that it can be read afterwards.
    fn target(&self, text: &str) -> Result<Option<(PathBuf, u32)>, GuideError> {
        let Some(base) = &self.base else { return Ok(None) };
        let path = &self.request.config_file;
        // The file may be a link into a directory of dotfiles; it is what lies there that changes.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        let (now, mode) = read(&path)?;
        if now.as_ref() != Some(&base.text) {
            return Err(EditError::Changed(path).into());
        }
        let document = Document::parse(&path, text, mode)?;
        let problems = Layers::lay(self.request.clone(), document)?.all_problems();
        match problems.into_iter().next() {
            Some(problem) => Err(GuideError::Refused(problem)),
            None => Ok(Some((path, mode))),
        }
    }

    /// What the file says of a credential, and what has to be done for that to be true.
    fn kept(&self, credential: &Credential) -> (Value, Option<Deed>) {
        let table = |key: &str, value: Value| Value::from(InlineTable::from_iter([(key, value)]));
        let secret = Secret::new(self.text(credential.question));
        match self.text(Question::Keep) {
            "keyring" => {
                let name = keyring_name(&self.request.profile, credential.setting);
                (table("keyring", name.as_str().into()), Some(Deed::Keyring(name, secret)))
            }
            "files" => {
                let name = self.file(credential);
                let file = self.directory().join(&name);
                (table("file", name.into()), Some(Deed::File(file, secret)))
            }
            "env" => (table("env", self.variable(credential).into()), None),
            "command" => {
                let words = self.text(credential.command).split_whitespace().collect::<Array>();
                (table("command", Value::from(words)), None)
            }
            _ => (secret.expose().into(), None),
        }
    }

    fn directory(&self) -> PathBuf {
        self.request.config_file.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// The name of a credential's file; profiles must not share one.
    fn file(&self, credential: &Credential) -> String {
        match self.request.profile_table() {
            Some(profile) => format!("{profile}-{}", credential.file),
            None => credential.file.to_owned(),
        }
    }

    /// The name of a credential's variable; profiles must not share one.
    fn variable(&self, credential: &Credential) -> String {
        match self.request.profile_table() {
            Some(profile) => format!("{}_{}", credential.variable, profile.to_uppercase().replace('-', "_")),
            None => credential.variable.to_owned(),
        }
    }

    fn where_kept(&self) -> String {
        match self.text(Question::Keep) {
            "keyring" => "the system's keyring, under cohort-sync".to_owned(),
            "files" => format!("two files for you alone, in {}", self.directory().display()),
            "env" => "variables that you set".to_owned(),
            "command" => "commands that print them".to_owned(),
            _ => "the configuration file itself, which you alone can read".to_owned(),
        }
    }

    fn left_to_do(&self) -> Option<String> {
        match self.text(Question::Keep) {
            "env" => Some(format!(
                "Set {} and {} before the next start; neither was written anywhere.",
                self.variable(&OF_MIXPANEL),
                self.variable(&self.of_mparticle())
            )),
            "command" => Some("The commands must print what was tried; nothing else holds it.".to_owned()),
            _ => None,
        }
    }
}

/// A file that holds the same already was written by an attempt before this one.
fn refuse_to_overwrite(deed: &Deed) -> Result<(), GuideError> {
    match deed {
        Deed::File(path, secret) if path.exists() => {
            let there = std::fs::read_to_string(path).unwrap_or_default();
            if there.trim() == secret.expose().trim() {
                Ok(())
            } else {
                Err(GuideError::SecretExists(path.clone()))
            }
        }
        _ => Ok(()),
    }
}
