//! The end of the guide: the credentials are put where they are to be kept, then the commented file is written, for
//! its owner alone and never over another.

use super::{Guide, Question};
use crate::config::keep::{KeepError, keyring_name, write_secret_file};
use crate::config::secrets::keyring;
use crate::config::template::{InitError, write_new};
use crate::config::{Secret, keep};
use std::path::PathBuf;
use toml_edit::{Array, InlineTable, Value};

/// The two credentials: the question, the setting, and the variable and the file they are kept in by some choices.
const CREDENTIALS: [(Question, &str, &str, &str); 2] = [
    (Question::Secret, "mixpanel.secret", "MIXPANEL_SECRET", "mixpanel-secret"),
    (Question::WebhookUrl, "mparticle.webhook_url", "MPARTICLE_WEBHOOK_URL", "mparticle-webhook-url"),
];

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The configuration file.
    pub config_file: PathBuf,
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
    /// The place of a credential.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl Guide {
    /// Writes everything.
    ///
    /// # Errors
    /// There is a configuration file already, or a place cannot be written.
    pub fn finish(&self) -> Result<Finished, GuideError> {
        let path = &self.request.config_file;
        if path.exists() {
            return Err(InitError::Exists(path.clone()).into());
        }
        let mut values = self.values();
        let mut left_to_do = None;
        let table = |key: &str, value: Value| Value::from(InlineTable::from_iter([(key, value)]));
        let mut kept = String::new();
        for (question, setting, variable, file) in CREDENTIALS {
            let secret = Secret::new(self.text(question));
            let value = match self.text(Question::Keep) {
                "keyring" => {
                    let name = keyring_name(&self.request.profile, setting);
                    keyring::store(&name, &secret).map_err(KeepError::from)?;
                    "the system's keyring, under cohort-sync".clone_into(&mut kept);
                    table("keyring", name.into())
                }
                "files" => {
                    let directory = path.parent().map(PathBuf::from).unwrap_or_default();
                    keep::make_private_directory(&directory)?;
                    write_secret_file(&directory.join(file), &secret)?;
                    kept = format!("two files for you alone, in {}", directory.display());
                    table("file", file.into())
                }
                "env" => {
                    "variables that you set".clone_into(&mut kept);
                    left_to_do = Some(
                        "Set MIXPANEL_SECRET and MPARTICLE_WEBHOOK_URL before the next start; neither was written anywhere."
                            .to_owned(),
                    );
                    table("env", variable.into())
                }
                "command" => {
                    let command = match question {
                        Question::Secret => Question::SecretCommand,
                        _ => Question::WebhookCommand,
                    };
                    "commands that print them".clone_into(&mut kept);
                    left_to_do =
                        Some("The commands must print what was tried; nothing else holds it.".to_owned());
                    table("command", Value::from(self.text(command).split_whitespace().collect::<Array>()))
                }
                _ => {
                    "the configuration file itself, which you alone can read".clone_into(&mut kept);
                    secret.expose().into()
                }
            };
            values.push((setting, value));
        }
        write_new(path, &self.render(&values))?;
        Ok(Finished { config_file: path.clone(), kept, left_to_do })
    }
}
