//! Environment variables as a value, so that everything that depends on them can be tested without
//! touching the process. What the variables mean belongs to the settings.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// What every variable of this program starts with.
pub const PREFIX: &str = "COHORT_SYNC_";

/// Variables about where things are and how the program runs, rather than one setting's value.
pub const FRAME_VARIABLES: [(&str, &str); 5] = [
    ("COHORT_SYNC_CONFIG", "the configuration file"),
    ("COHORT_SYNC_STATE_DIR", "the state directory"),
    ("COHORT_SYNC_PROFILE", "the profile"),
    ("COHORT_SYNC_READ_ONLY", "change nothing: true or false"),
    ("COHORT_SYNC_LOG", "how much is logged: debug, info, warn or error"),
];

/// A snapshot of environment variables. It shows no values, as any of them may be a credential.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, OsString>,
}

impl Environment {
    /// The variables of this process, as they stand now.
    #[must_use]
    pub fn of_process() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        Self { variables }
    }

    /// The variable as text; `None` when it is unset, empty or not Unicode, which all mean "not given".
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str()
    }

    /// The variable as a path, which need not be Unicode.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The names that start with [`PREFIX`], sorted.
    #[must_use]
    pub fn own_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.variables.keys().map(String::as_str).filter(|name| name.starts_with(PREFIX)).collect();
        names.sort_unstable();
        names
    }

    fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}
