//! Where files belong: the configuration file, the state directory of each profile, the log. Follows the
//! conventions of the system (XDG on Linux) unless told otherwise; makes no directory itself.

use super::environment::Environment;
use super::errors::{ConfigError, Origin};
use super::layers::DEFAULT_PROFILE;
use super::value::switch;
use directories::ProjectDirs;
use std::path::{Path, PathBuf};

/// The demo's directory in the state root; no profile may take its name.
const DEMO: &str = "demo";

/// Where this user's files belong on this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDirectories {
    /// For configuration.
    pub config: PathBuf,
    /// For state.
    pub state: PathBuf,
}

impl BaseDirectories {
    /// As the system has it; `None` when the user has no home directory.
    #[must_use]
    pub fn of_system() -> Option<Self> {
        let directories = ProjectDirs::from("", "", "cohort-sync")?;
        // Systems other than Linux have no place for state apart from data.
        let state = directories.state_dir().unwrap_or_else(|| directories.data_local_dir());
        Some(Self { config: directories.config_dir().to_owned(), state: state.to_owned() })
    }
}

/// What the command line says about places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// `--config`
    pub config_file: Option<PathBuf>,
    /// `--state-dir`
    pub state_dir: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--demo`
    pub demo: bool,
    /// `--read-only`
    pub read_only: bool,
}

/// Where everything is, and whether it may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The profile.
    pub profile: String,
    /// The configuration file, which may not exist.
    pub config_file: PathBuf,
    /// The state directory of this profile (or of the demo), which may not exist.
    pub state_dir: PathBuf,
    /// The directory of the log file, which may not exist.
    pub log_dir: PathBuf,
    /// Whether nothing may be changed.
    pub read_only: bool,
}

impl Places {
    /// Decides on every place: flag before environment variable before the system's convention.
    ///
    /// A state directory that was named serves the default profile itself; other profiles and the demo get a
    /// directory inside it, because the state of one project must never be taken for that of another.
    ///
    /// # Errors
    /// The profile's name is unfit, a variable makes no sense, or there is no home directory to fall back on.
    pub fn resolve(
        selection: &Selection,
        environment: &Environment,
        base: Option<&BaseDirectories>,
    ) -> Result<Self, ConfigError> {
        let profile = selection
            .profile
            .clone()
            .or_else(|| environment.text("COHORT_SYNC_PROFILE").map(str::to_owned))
            .unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        check_profile_name(&profile)?;
        let config_file =
            selection.config_file.clone().or_else(|| environment.path("COHORT_SYNC_CONFIG")).map_or_else(
                || base.map(|base| base.config.join("config.toml")).ok_or(ConfigError::NoHome),
                Ok,
            )?;
        let named = selection.state_dir.clone().or_else(|| environment.path("COHORT_SYNC_STATE_DIR"));
        let state_dir = match named {
            Some(directory) => below(directory, selection.demo, &profile, ""),
            None => below(
                base.ok_or(ConfigError::NoHome)?.state.clone(),
                selection.demo,
                &profile,
                DEFAULT_PROFILE,
            ),
        };
        Ok(Self {
            log_dir: state_dir.join("log"),
            read_only: selection.read_only || read_only_variable(environment)?,
            profile,
            config_file,
            state_dir,
        })
    }
}

/// The directory inside the root for the demo, a profile, or (as `default`) the default profile.
fn below(root: PathBuf, demo: bool, profile: &str, default: &str) -> PathBuf {
    let name = match profile {
        _ if demo => DEMO,
        DEFAULT_PROFILE => default,
        profile => profile,
    };
    if name.is_empty() { root } else { root.join(Path::new(name)) }
}

pub(super) fn check_profile_name(name: &str) -> Result<(), ConfigError> {
    let simple = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let fit = simple && !name.is_empty() && name.len() <= 64 && ![DEMO, "log"].contains(&name);
    if fit { Ok(()) } else { Err(ConfigError::BadProfileName(name.to_owned())) }
}

fn read_only_variable(environment: &Environment) -> Result<bool, ConfigError> {
    const NAME: &str = "COHORT_SYNC_READ_ONLY";
    let Some(text) = environment.text(NAME) else { return Ok(false) };
    // Taking nonsense for "false" would write where somebody wanted to be safe.
    switch(text).ok_or_else(|| ConfigError::BadFrame {
        origin: Origin::Environment(NAME.to_owned()),
        found: text.to_owned(),
        expected: "true or false",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> BaseDirectories {
        BaseDirectories {
            config: "/home/x/.config/cohort-sync".into(),
            state: "/home/x/.state/cohort-sync".into(),
        }
    }

    fn resolve(selection: &Selection, variables: &[(&str, &str)]) -> Result<Places, ConfigError> {
        Places::resolve(selection, &variables.iter().copied().collect(), Some(&base()))
    }

    #[test]
    fn conventions_hold_unless_told_otherwise() {
        let places = resolve(&Selection::default(), &[]).unwrap();
        assert_eq!(places.profile, "default");
        assert_eq!(places.config_file, Path::new("/home/x/.config/cohort-sync/config.toml"));
        assert_eq!(places.state_dir, Path::new("/home/x/.state/cohort-sync/default"));
        assert_eq!(places.log_dir, Path::new("/home/x/.state/cohort-sync/default/log"));
        assert!(!places.read_only);
    }

    #[test]
    fn profiles_and_the_demo_keep_their_state_apart() {
        let eu = Selection { profile: Some("eu".into()), ..Selection::default() };
        let demo = Selection { demo: true, ..Selection::default() };
        assert_eq!(resolve(&eu, &[]).unwrap().state_dir, Path::new("/home/x/.state/cohort-sync/eu"));
        assert_eq!(resolve(&demo, &[]).unwrap().state_dir, Path::new("/home/x/.state/cohort-sync/demo"));
        let variable = [("COHORT_SYNC_STATE_DIR", "/s")];
        assert_eq!(resolve(&Selection::default(), &variable).unwrap().state_dir, Path::new("/s"));
        assert_eq!(resolve(&eu, &variable).unwrap().state_dir, Path::new("/s/eu"));
        assert_eq!(resolve(&demo, &variable).unwrap().state_dir, Path::new("/s/demo"));
    }

    #[test]
    fn flags_beat_variables() {
        let selection = Selection {
            config_file: Some("/flag.toml".into()),
            state_dir: Some("/flag".into()),
            profile: Some("default".into()),
            ..Selection::default()
        };
        let variables = [
            ("COHORT_SYNC_CONFIG", "/variable.toml"),
            ("COHORT_SYNC_STATE_DIR", "/variable"),
            ("COHORT_SYNC_PROFILE", "variable"),
            ("COHORT_SYNC_READ_ONLY", "1"),
        ];
        let places = resolve(&selection, &variables).unwrap();
        assert_eq!(places.config_file, Path::new("/flag.toml"));
        assert_eq!(places.state_dir, Path::new("/flag"));
        assert!(places.read_only);
    }

    #[test]
    fn names_that_would_leave_the_directory_are_refused() {
        for name in ["", "..", "a/b", "demo", "log", "ü"] {
            let selection = Selection { profile: Some(name.into()), ..Selection::default() };
            assert!(matches!(resolve(&selection, &[]), Err(ConfigError::BadProfileName(_))), "{name}");
        }
    }

    #[test]
    fn nonsense_for_read_only_is_an_error_and_not_false() {
        let error = resolve(&Selection::default(), &[("COHORT_SYNC_READ_ONLY", "maybe")]).unwrap_err();
        assert_eq!(error.to_string(), "COHORT_SYNC_READ_ONLY is \"maybe\", but must be true or false");
    }

    #[test]
    fn without_a_home_everything_must_be_named() {
        let none = Environment::default();
        assert!(matches!(Places::resolve(&Selection::default(), &none, None), Err(ConfigError::NoHome)));
        let named = Selection {
            config_file: Some("/c.toml".into()),
            state_dir: Some("/s".into()),
            ..Selection::default()
        };
        assert!(Places::resolve(&named, &none, None).is_ok());
    }
}
