//! Changing one setting in the configuration file: what was typed becomes a value of the setting's form, the rest
//! of the file keeps its comments and its order, and nothing is written that could not be read again. What a value
//! must be is asked of the same code that reads it ([`super::build`]); where it goes in the text is [`place`]'s.

pub(super) mod place;
mod typed;

use super::address::WebhookUrl;
use super::document::Document;
use super::errors::{ConfigError, Origin};
use super::layers::{DEFAULT_PROFILE, Layers, Request};
use super::model::InterfaceConfig;
use super::secrets::permission_bits;
use super::settings::{self, Form, KEYS_SECTION, SETTINGS, Setting};
use super::template::TEMPLATE;
use super::themes;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The one credential whose shape is known.
const WEBHOOK_URL: &str = "mparticle.webhook_url";

/// One change to the file: a setting of one profile gets a value, or loses the one it has there.
#[derive(Clone)]
pub struct Change {
    setting: String,
    /// As it stands in the file; it may be a credential, so it is never shown.
    value: Option<toml_edit::Value>,
}

impl Change {
    /// Gives a setting the value that was typed.
    ///
    /// # Errors
    /// There is no such setting, the text is no value of its form, or it is a credential in plain text.
    pub fn set(setting: &str, text: &str) -> Result<Self, EditError> {
        let known = known(setting)?;
        let value = typed::value(known, text).map_err(|fault| fault.of(setting))?;
        Ok(Self { setting: setting.to_owned(), value: Some(value) })
    }

    /// Writes a credential out in the file, which its owner alone may then read.
    ///
    /// # Errors
    /// There is no such setting, or it is no credential.
    pub fn write_out(setting: &str, secret: &super::Secret) -> Result<Self, EditError> {
        match known(setting)? {
            Known::Setting(found) if found.form == Form::Secret => {
                let text = secret.expose().trim();
                let fault = match setting {
                    _ if text.is_empty() => Some("must not be empty".to_owned()),
                    WEBHOOK_URL => WebhookUrl::parse(text).err().map(|error| error.to_string()),
                    _ => None,
                };
                match fault {
                    Some(fault) => Err(EditError::Unfit { setting: setting.to_owned(), fault }),
                    None => Ok(Self { setting: setting.to_owned(), value: Some(text.into()) }),
                }
            }
            _ => Err(EditError::NoCredential(setting.to_owned())),
        }
    }

    /// Takes a setting out of the file, so that what stands behind it applies.
    ///
    /// # Errors
    /// There is no such setting.
    pub fn unset(setting: &str) -> Result<Self, EditError> {
        known(setting)?;
        Ok(Self { setting: setting.to_owned(), value: None })
    }

    /// The setting it is about.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.value.is_some() { "set" } else { "unset" };
        write!(f, "Change({what} {})", self.setting)
    }
}

/// Why a change was not made. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such setting.
    #[error("{name} is not a setting{}", nearest.as_ref().map_or(
        "; `cohort-sync config show` lists them".to_owned(),
        |name| format!("; did you mean {name}?")
    ))]
    Unknown {
        /// What was asked for.
        name: String,
        /// A setting of a similar name.
        nearest: Option<String>,
    },
    /// The value makes no sense for the setting.
    #[error("{setting} {fault}")]
    Unfit {
        /// The setting.
        setting: String,
        /// What is wrong.
        fault: String,
    },
    /// A credential in plain text where others may see it.
    #[error(
        "{0} is a credential, and what is typed in a command stays in the shell's history; pass it on standard input \
         (`cohort-sync config set {0} -`), or say where it is: '{{ env = \"NAME\" }}'"
    )]
    Plain(String),
    /// Only a credential can be written out so.
    #[error("{0} is no credential; give its value after its name")]
    NoCredential(String),
    /// The file does not have the setting, so there is nothing to take out.
    #[error("{setting} does not stand in {}; its value comes from: {origin}", path.display())]
    Absent {
        /// The setting.
        setting: String,
        /// The file.
        path: PathBuf,
        /// Where its value comes from.
        origin: String,
    },
    /// The file is written in a way that leaves no place for the setting.
    #[error("{setting} cannot be placed in {}: {at} is no table there; change the file by hand", path.display())]
    NoPlace {
        /// The setting.
        setting: String,
        /// The file.
        path: PathBuf,
        /// What is in the way.
        at: String,
    },
    /// Somebody else changed the file at the same moment.
    #[error("{} was changed by somebody else meanwhile and left as it is; try again", .0.display())]
    Changed(PathBuf),
    /// The file cannot be read, or is no configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A defect of this program.
    #[error("changing it broke down: {0}")]
    BrokeDown(String),
    /// The system would not have it.
    #[error("cannot write {}; check the permissions of its directory", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Something the file may say.
#[derive(Clone, Copy)]
enum Known<'n> {
    /// A setting of the table.
    Setting(&'static Setting),
    /// `keys.ACTION`.
    Keys,
    /// `ui.themes.NAME.ROLE`.
    Theme(&'n str),
}

fn known(name: &str) -> Result<Known<'_>, EditError> {
    if let Some(setting) = settings::find(name) {
        return Ok(Known::Setting(setting));
    }
    let below = |section: &str| name.strip_prefix(section)?.strip_prefix('.').filter(|rest| !rest.is_empty());
    if below(KEYS_SECTION).is_some() {
        return Ok(Known::Keys);
    }
    if let Some((_, role)) = below(themes::SECTION).and_then(|rest| rest.split_once('.')) {
        return Ok(Known::Theme(role));
    }
    let names = || SETTINGS.iter().map(|setting| setting.name);
    // Whoever leaves the section out means the setting of that key.
    let by_key = || SETTINGS.iter().find(|setting| setting.key() == name).map(|setting| setting.name);
    let nearest = by_key().or_else(|| settings::nearest(name, names())).map(str::to_owned);
    Err(EditError::Unknown { name: name.to_owned(), nearest })
}

/// A change that was thought through and not yet written.
pub struct Edit {
    path: PathBuf,
    /// What the file said; `None` when there is none.
    before: Option<String>,
    after: String,
    mode: u32,
    layers: Layers,
    setting: String,
    was: String,
    /// Whether it gives a value, rather than taking one out.
    sets: bool,
    undo: Change,
}

impl Edit {
    /// Works a change out. Nothing is written.
    ///
    /// # Errors
    /// The file cannot be read or changed so, or the value would be refused when the file is read.
    pub fn prepare(request: &Request, change: &Change) -> Result<Self, EditError> {
        // The file may be a link into a directory of dotfiles; it is what lies there that changes.
        let path = request.config_file.canonicalize().unwrap_or_else(|_| request.config_file.clone());
        let (before, mode) = read(&path)?;
        let text = before.clone().unwrap_or_else(|| TEMPLATE.to_owned());
        let request = Request { config_file: path.clone(), ..request.clone() };
        let document = Document::parse(&path, &text, mode)?;
        let was = Layers::lay(
            Request { profile: known_profile(&document, &request), ..request.clone() },
            document,
        )?;
        let shown = shown(&was, &change.setting);
        let profile = request.profile_table();
        let placed = place::change(&text, profile, &change.setting, change.value.as_ref())
            .map_err(|at| EditError::NoPlace { setting: change.setting.clone(), path: path.clone(), at })?;
        let Some(placed) = placed else {
            let (setting, origin) = (change.setting.clone(), shown.1);
            return Err(EditError::Absent { setting, path, origin });
        };
        let lay = || Layers::lay(request.clone(), Document::parse(&path, &placed.text, mode)?);
        refuse_what_would_be_refused(lay()?, &change.setting)?;
        let layers = lay()?;
        let undo = Change { setting: change.setting.clone(), value: placed.replaced };
        let setting = change.setting.clone();
        let (after, was, sets) = (placed.text, shown.0, change.value.is_some());
        Ok(Self { path, before, after, mode, layers, setting, was, sets, undo })
    }

    /// The console's looks and keys as they will be, for whoever knows more about them than this module.
    ///
    /// # Errors
    /// Another of those settings is wrong.
    pub fn interface(&self) -> Result<InterfaceConfig, ConfigError> {
        let document = Document::parse(&self.path, &self.after, self.mode)?;
        Layers::lay(self.layers.request.clone(), document)?.interface()
    }

    /// Writes it: into a file beside the old one, which then takes its place, so that at no moment there is half a
    /// file. The file keeps its permissions; a new one is its owner's alone.
    ///
    /// # Errors
    /// The system would not have it, or the file changed since it was read.
    pub fn write(self) -> Result<Edited, EditError> {
        let unwritable = |source| EditError::Unwritable { path: self.path.clone(), source };
        if read(&self.path)?.0 != self.before {
            return Err(EditError::Changed(self.path));
        }
        let replaces = self.before.is_some().then_some(self.mode);
        replace(&self.path, &self.after, replaces).map_err(unwritable)?;
        let (value, origin) = shown(&self.layers, &self.setting);
        let in_force = !self.sets || self.layers.stands_in_file(&self.setting);
        Ok(Edited {
            created: self.before.is_none(),
            setting: self.setting,
            was: self.was,
            value,
            overridden: (!in_force).then(|| origin.clone()),
            origin,
            path: self.path,
            undo: self.undo,
        })
    }
}

/// What was changed.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The setting.
    pub setting: String,
    /// Its value before, as `config show` prints it.
    pub was: String,
    /// Its value now, likewise.
    pub value: String,
    /// Where that comes from.
    pub origin: String,
    /// What overrides what was just written.
    pub overridden: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// Whether there was none before.
    pub created: bool,
    /// What brings the file back.
    pub undo: Change,
}

/// The profile to read the file for before the change, which may be the first to name it.
fn known_profile(document: &Document, request: &Request) -> String {
    let known = document.profiles.contains(&request.profile);
    if known { request.profile.clone() } else { DEFAULT_PROFILE.to_owned() }
}

/// Value and origin of a setting, as `config show` prints them.
fn shown(layers: &Layers, setting: &str) -> (String, String) {
    let found = layers.shown().into_iter().find(|one| one.key == setting);
    found.map_or_else(|| ("(not set)".to_owned(), "optional".to_owned()), |one| (one.value, one.origin))
}

/// Asks the code that reads the file what it would say about the setting.
fn refuse_what_would_be_refused(layers: Layers, setting: &str) -> Result<(), EditError> {
    let of_file = |origin: &Origin| matches!(origin, Origin::File { .. });
    let mut problems = layers.all_problems().into_iter();
    match problems.find(|problem| problem.setting == setting && of_file(&problem.origin)) {
        Some(problem) => {
            Err(EditError::Unfit { setting: setting.to_owned(), fault: problem.fault.to_string() })
        }
        None => Ok(()),
    }
}

impl Layers {
    fn stands_in_file(&self, setting: &str) -> bool {
        self.values.get(setting).is_some_and(|given| matches!(given.origin, Origin::File { .. }))
    }
}

/// The text and the permission bits of a file, or those that a new one gets.
pub(super) fn read(path: &Path) -> Result<(Option<String>, u32), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((None, 0o600)),
        text => {
            let mode = permission_bits(&std::fs::metadata(path).map_err(unreadable)?);
            Ok((Some(text.map_err(unreadable)?), mode))
        }
    }
}

/// Puts a whole text in the place of a file; with the mode of the one it replaces, or where there is none.
pub(super) fn replace(path: &Path, text: &str, replaces: Option<u32>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if replaces.is_none() {
        super::template::private_directory().create(directory)?;
    }
    // Such a file is its owner's alone until it is told otherwise.
    let mut file = tempfile::Builder::new().prefix(".config-").suffix(".toml").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    if let Some(mode) = replaces {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.as_file().sync_all()?;
    let persisted = match replaces {
        Some(_) => file.persist(path),
        None => file.persist_noclobber(path),
    };
    persisted.map_err(|error| error.error)?;
    // The name must be as durable as what it stands for. Some systems cannot open a directory for that.
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}
