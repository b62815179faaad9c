//! What can be wrong with the configuration, in words that name the place, the setting and the remedy. No
//! message repeats the value of a credential. Where a value came from ([`Origin`]) is told here as well.

use super::address::AddressError;
use super::secrets::SecretError;
use super::settings::Setting;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// A line of the configuration file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag on the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One value that cannot be used.
#[derive(Debug)]
pub struct Problem {
    /// Where the value was given.
    pub origin: Origin,
    /// The setting, as in `mixpanel.region`.
    pub setting: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.origin, self.setting, self.fault)?;
        // Problems are shown in a list, where nobody would follow the chain of causes.
        match self.fault.cause() {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a value.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no such setting.
    #[error("is not a setting{}", nearest.as_ref().map_or(String::new(), |name| format!("; did you mean {name}?")))]
    UnknownKey {
        /// A setting of a similar name.
        nearest: Option<String>,
    },
    /// The value says something that makes no sense here; `found` is empty for credentials.
    #[error("{}must be {expected}", if found.is_empty() { String::new() } else { format!("is {found}, but ") })]
    Unfit {
        /// What was given.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// The value is none of those that would do.
    #[error("is {found}, but must be {expected}{}", nearest.as_ref().map_or(String::new(), |word| format!("; did you mean {word}?")))]
    NotOneOf {
        /// What was given.
        found: String,
        /// What would do.
        expected: &'static str,
        /// One of them that looks alike.
        nearest: Option<String>,
    },
    /// An address that cannot be used.
    #[error("{0}")]
    Address(#[source] AddressError),
    /// A credential that cannot be had.
    #[error("cannot be had: {0}")]
    Secret(#[source] SecretError),
    /// A credential written out in a file that others may read.
    #[error(
        "is a credential in plain text, but others may read the file (mode {mode:04o}); run `chmod 600 {}`, or write {{ env = \"NAME\" }} instead",
        path.display()
    )]
    Exposed {
        /// The configuration file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A command to run, in a file that others may write.
    #[error("names a command to run, but others may change the file (mode {mode:04o}); run `chmod 600 {}`", path.display())]
    Changeable {
        /// The configuration file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Fault {
    /// What the system said, where it had a part in it.
    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Secret(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no configuration at all: no file, nothing in the environment. The console greets the
    /// newcomer instead of complaining.
    #[error(
        "there is no configuration yet: {} does not exist; run `cohort-sync setup` to be led through it, `cohort-sync config init` for a file to fill in, or `cohort-sync --demo` to look around without",
        path.display()
    )]
    Missing {
        /// Where the file would be.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("cannot read the configuration file {}; check its permissions and that it is text in UTF-8", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML. The parser's own error is not kept as a source, since it quotes the line.
    #[error("{}:{line}:{column}: {message}; correct the line", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// `--profile` names a profile that the file does not have.
    #[error("there is no profile {name} in {}; {}", path.display(), known_profiles(known))]
    UnknownProfile {
        /// The profile asked for.
        name: String,
        /// The file.
        path: PathBuf,
        /// The profiles it has.
        known: Vec<String>,
    },
    /// A profile's name becomes a directory's name, so it is kept simple.
    #[error(
        "\"{0}\" cannot be the name of a profile; use letters, digits, - and _, and neither demo nor log"
    )]
    BadProfileName(String),
    /// A variable or flag about how the program runs makes no sense.
    #[error("{origin} is \"{found}\", but must be {expected}")]
    BadFrame {
        /// The variable.
        origin: Origin,
        /// Its value.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// The system does not say where this user's files belong.
    #[error("cannot tell where this user's files belong: no home directory; pass --config and --state-dir")]
    NoHome,
    /// Values that cannot be used, and settings that are missing: all of them at once.
    #[error("{}", list(problems, missing, path))]
    Invalid {
        /// The file that was read, or would have been.
        path: PathBuf,
        /// The values that cannot be used.
        problems: Vec<Problem>,
        /// The settings that nobody gave, with the table in which to write each.
        missing: Vec<MissingSetting>,
    },
}

/// A setting that nobody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSetting {
    /// The setting.
    pub setting: &'static Setting,
    /// The table in which to write it, profile included.
    pub table: String,
}

impl MissingSetting {
    /// Where to write it.
    #[must_use]
    pub fn remedy(&self, path: &std::path::Path) -> String {
        let Self { setting, table } = self;
        format!(
            "write `{} = {}` under [{table}] in {}, or set {}",
            setting.key(),
            setting.example,
            path.display(),
            setting.variable(),
        )
    }
}

fn known_profiles(known: &[String]) -> String {
    if known.is_empty() {
        "it has no [profiles.NAME] tables at all; leave --profile out, or add it with `cohort-sync --profile NAME setup`"
            .to_owned()
    } else {
        format!("it has {}; `cohort-sync --profile NAME setup` adds another", known.join(", "))
    }
}

fn list(problems: &[Problem], missing: &[MissingSetting], path: &std::path::Path) -> String {
    let wrong = problems.iter().map(ToString::to_string);
    let absent =
        missing.iter().map(|absent| format!("{} is missing: {}", absent.setting.name, absent.remedy(path)));
    let lines: Vec<String> = wrong.chain(absent).collect();
    match lines.as_slice() {
        [only] => only.clone(),
        _ => format!("the configuration cannot be used:\n  {}", lines.join("\n  ")),
    }
}
