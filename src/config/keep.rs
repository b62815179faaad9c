//! Keeping a credential: where one comes from, whether another can be put there, and putting it there. What cannot be
//! written (an environment variable, what a command prints) is named with what to do instead. Whether the credential
//! is any good is for whoever tries it.

use super::edit::{Change, Edit, EditError, Edited, replace};
use super::errors::Origin;
use super::layers::{DEFAULT_PROFILE, Given, Layers, Request};
use super::secrets::keyring::{self, KeyringError};
use super::secrets::{Secret, SecretSource, permission_bits};
use super::template::private_directory;
use super::value::Value;
use std::io;
use std::path::{Path, PathBuf};

/// What became of a fresh credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, and the next start reads it; where, in words.
    At(String),
    /// It could not be kept where the old one is; what to do, in words.
    UntilRestart(String),
}

/// Why a credential is not kept. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The configuration file.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The file that holds the credential alone.
    #[error("cannot write {}; check its permissions and those of its directory", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Puts a fresh credential where the old one is, so that the next start finds it.
///
/// # Errors
/// The configuration cannot be read, or the place cannot be written.
pub fn keep(request: &Request, setting: &str, secret: &Secret) -> Result<Kept, KeepError> {
    let layers = Layers::read(request.clone()).map_err(EditError::from)?;
    let given = layers.values.get(setting);
    let Some(Given { value: Value::Secret(source), origin }) = given else {
        return Ok(Kept::UntilRestart(format!("{setting} is set nowhere; set it before the next start")));
    };
    match (source, origin) {
        (_, Origin::Environment(name)) | (SecretSource::Environment(name), _) => {
            Ok(Kept::UntilRestart(variable(name)))
        }
        (_, Origin::Flag(flag)) => {
            Ok(Kept::UntilRestart(format!("it was given as {flag}; give the new one next time")))
        }
        (SecretSource::Command(words), _) => Ok(Kept::UntilRestart(format!(
            "it comes from the command `{}`; change what that prints before the next start",
            words.first().map_or("", String::as_str)
        ))),
        (SecretSource::Plain(_), _) => {
            let edited = Edit::prepare(request, &Change::write_out(setting, secret)?)?.write()?;
            Ok(Kept::At(edited.origin))
        }
        (SecretSource::File(path), _) => {
            write_secret_file(path, secret)?;
            Ok(Kept::At(format!("file {}", path.display())))
        }
        (SecretSource::Keyring(name), _) => {
            keyring::store(name, secret)?;
            Ok(Kept::At(format!("keyring {name}")))
        }
    }
}

/// Puts a fresh credential where the old one is, and the name that goes with it into the file where that changes too.
///
/// # Errors
/// The configuration cannot be read, or one of the places cannot be written.
pub fn keep_with_account(
    request: &Request,
    account: Option<(&str, &str)>,
    setting: &str,
    secret: &Secret,
) -> Result<Kept, KeepError> {
    if let Some((setting, account)) = account {
        Edit::prepare(request, &Change::set(setting, account)?)?.write()?;
    }
    keep(request, setting, secret)
}

fn variable(name: &str) -> String {
    format!("it comes from the environment variable {name}; set that to the new one before the next start")
}

/// Puts a credential into the keyring, and the name of its entry into the configuration file.
///
/// # Errors
/// There is no keyring, or the file would not take it; the entry may have been made all the same.
pub fn keep_in_keyring(request: &Request, setting: &str, secret: &Secret) -> Result<Edited, KeepError> {
    let name = keyring_name(&request.profile, setting);
    let place = toml_edit::Value::from(toml_edit::InlineTable::from_iter([("keyring", name.as_str())]));
    let change = Change::set(setting, &place.to_string())?;
    // What the file would not take must not get as far as the keyring.
    Change::write_out(setting, secret)?;
    let edit = Edit::prepare(request, &change)?;
    keyring::store(&name, secret)?;
    Ok(edit.write()?)
}

/// The name under which the keyring files a credential: the setting's, and the profile's where there is one.
#[must_use]
pub fn keyring_name(profile: &str, setting: &str) -> String {
    if profile == DEFAULT_PROFILE { setting.to_owned() } else { format!("{profile}/{setting}") }
}

/// Makes a directory that nobody else can look into, unless it is there.
///
/// # Errors
/// The system would not have it.
pub fn make_private_directory(path: &Path) -> Result<(), KeepError> {
    let unwritable = |source| KeepError::Unwritable { path: path.to_owned(), source };
    private_directory().create(path).map_err(unwritable)
}

/// Writes a file that holds nothing but a credential, for its owner alone.
///
/// # Errors
/// The system would not have it.
pub fn write_secret_file(path: &Path, secret: &Secret) -> Result<(), KeepError> {
    let unwritable = |source| KeepError::Unwritable { path: path.to_owned(), source };
    // A link, to a mounted secret say, stays a link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // Bits that let others read it would have kept it from being read at all.
    let mode = std::fs::metadata(&path).ok().map(|metadata| permission_bits(&metadata) & 0o700);
    replace(&path, &format!("{}\n", secret.expose().trim()), mode).map_err(unwritable)
}
