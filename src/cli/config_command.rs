//! `config`: init, show, check and path here, set and unset in [`edit`]. Works on configurations that are missing or
//! wrong, since that is when people need it.

mod edit;

use super::args::{Args, ConfigCommand};
use crate::config::edit::EditError;
use crate::config::keep::KeepError;
use crate::config::{
    self, BaseDirectories, ConfigError, Environment, InitError, InterfaceConfig, Layers, Places, Request,
};
use crate::tui::keymap::{Keymap, KeymapError};
use serde_json::json;
use std::io::{self, Write};

/// Why a `config` command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ConfigCommandError {
    /// The configuration is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file was not written.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A setting was not changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A credential was not kept.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The keyring keeps nothing else.
    #[error(
        "--keyring is for credentials that are read from standard input: `config set mixpanel.secret - --keyring`"
    )]
    NotForTheKeyring,
    /// The value of a setting could not be read.
    #[error("cannot read the value of {setting} from standard input")]
    Unreadable {
        /// The setting.
        setting: String,
        /// What the system said.
        source: io::Error,
    },
    /// A key of the console makes no sense.
    #[error("{0}")]
    Keys(#[from] KeymapError),
    /// The answer could not be printed.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

/// Does a `config` command and prints its answer.
///
/// # Errors
/// The configuration is missing or wrong, the file exists, or nothing can be printed. `config show` prints
/// what there is before it says what is wrong.
pub fn run(
    command: ConfigCommand,
    args: &Args,
    environment: &Environment,
    base: Option<&BaseDirectories>,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let places = Places::resolve(&args.selection(), environment, base)?;
    match command {
        ConfigCommand::Init => init(&places, args.global.json, to),
        ConfigCommand::Show => show(&places, args, environment, to),
        ConfigCommand::Set { key, value, keyring } => {
            let asked = edit::Asked { key: &key, value: &value, keyring };
            edit::set(&request(&places, args, environment), &asked, args.global.json, to)
        }
        ConfigCommand::Unset { key } => {
            let change = config::edit::Change::unset(&key)?;
            edit::make(&request(&places, args, environment), &change, args.global.json, to)
        }
        ConfigCommand::Check => check(&places, args, environment, to),
        ConfigCommand::Path => Ok(paths(&places, args.global.json, to)?),
    }
}

fn init(places: &Places, json: bool, to: &mut impl Write) -> Result<(), ConfigCommandError> {
    config::init(&places.config_file)?;
    let path = places.config_file.display().to_string();
    if json {
        writeln!(to, "{}", json!({ "config_file": path }))?;
    } else {
        writeln!(to, "Wrote {path}.")?;
        writeln!(
            to,
            "Next: fill in project_id, service_account, secret and webhook_url, then run `cohort-sync cohorts`."
        )?;
    }
    Ok(())
}

fn request(places: &Places, args: &Args, environment: &Environment) -> Request {
    Request {
        config_file: places.config_file.clone(),
        profile: places.profile.clone(),
        environment: environment.clone(),
        overrides: args.overrides(),
    }
}

fn check(
    places: &Places,
    args: &Args,
    environment: &Environment,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let request = || request(places, args, environment);
    let layers = Layers::read(request())?;
    let warnings = layers.warnings().to_vec();
    layers.check()?;
    check_keys(&Layers::read(request())?.interface()?)?;
    let path = places.config_file.display().to_string();
    if args.global.json {
        writeln!(to, "{}", json!({ "config_file": path, "profile": places.profile, "warnings": warnings }))?;
        return Ok(());
    }
    for warning in warnings {
        writeln!(to, "Warning: {warning}.")?;
    }
    let subject = if places.config_file.exists() { path } else { "The environment".to_owned() };
    writeln!(to, "{subject} is valid (profile {}).", places.profile)?;
    writeln!(to, "No credential was fetched and nobody was asked; `cohort-sync doctor` does both.")?;
    Ok(())
}

/// The names of actions and keys, which only the console knows.
fn check_keys(interface: &InterfaceConfig) -> Result<(), KeymapError> {
    let keys = interface.keys.iter().map(|(action, binding)| (action.clone(), binding.keys.clone()));
    Keymap::new(&keys.collect()).map(drop)
}

fn show(
    places: &Places,
    args: &Args,
    environment: &Environment,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let layers = Layers::read(request(places, args, environment))?;
    for setting in layers.shown() {
        if args.global.json {
            let (key, value, origin) = (&setting.key, &setting.json, &setting.origin);
            writeln!(to, "{{\"key\":{},\"value\":{value},\"origin\":{}}}", json!(key), json!(origin))?;
        } else {
            writeln!(to, "{} = {}  # {}", setting.key, setting.value, setting.origin)?;
        }
    }
    to.flush()?;
    Ok(layers.check()?)
}

fn paths(places: &Places, json: bool, to: &mut impl Write) -> io::Result<()> {
    let rows = [
        ("config_file", &places.config_file),
        ("state_dir", &places.state_dir),
        ("log_dir", &places.log_dir),
    ];
    if json {
        let object: serde_json::Map<_, _> =
            rows.iter().map(|(name, path)| ((*name).to_owned(), path.display().to_string().into())).collect();
        return writeln!(to, "{}", serde_json::Value::Object(object));
    }
    for (name, path) in rows {
        writeln!(to, "{name:11}  {}", path.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(
        line: &str,
        directory: &tempfile::TempDir,
        environment: &Environment,
    ) -> (String, Result<(), ConfigCommandError>) {
        let args = Args::try_read(std::iter::once("cohort-sync").chain(line.split_whitespace())).unwrap();
        let Some(super::super::args::Command::Config(command)) = args.command.clone() else {
            panic!("{line} is no config command")
        };
        let root = directory.path();
        let base = BaseDirectories { config: root.join("config"), state: root.join("state") };
        let mut printed = Vec::new();
        let result = run(command, &args, environment, Some(&base), &mut printed);
        let printed = String::from_utf8(printed).unwrap();
        (printed.replace(&root.display().to_string(), "ROOT"), result)
    }

    #[test]
    fn init_writes_once_and_says_what_is_next() {
        let directory = tempfile::tempdir().unwrap();
        let (printed, result) = answer("config init", &directory, &Environment::default());
        assert!(result.is_ok());
        assert!(printed.starts_with("Wrote ROOT/config/config.toml.\nNext: "), "{printed}");
        let (printed, result) = answer("config init", &directory, &Environment::default());
        assert_eq!(printed, "");
        assert!(matches!(result, Err(ConfigCommandError::Init(InitError::Exists(_)))));
    }

    #[test]
    fn path_names_the_places() {
        let directory = tempfile::tempdir().unwrap();
        let (printed, _) = answer("config path --profile eu", &directory, &Environment::default());
        assert_eq!(
            printed,
            "config_file  ROOT/config/config.toml\nstate_dir    ROOT/state/eu\nlog_dir      ROOT/state/eu/log\n"
        );
        let (printed, _) = answer("config path --json --state-dir /s", &directory, &Environment::default());
        let object: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(object["state_dir"], "/s");
    }

    #[test]
    fn show_prints_what_there_is_and_then_fails_for_what_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let variables = [("COHORT_SYNC_MIXPANEL_SECRET", "pl4nted")].into_iter().collect();
        let (printed, result) = answer("config show --theme mono", &directory, &variables);
        assert!(printed.contains("mixpanel.secret = •••  # env COHORT_SYNC_MIXPANEL_SECRET\n"), "{printed}");
        assert!(printed.contains("ui.theme = \"mono\"  # flag --theme\n"), "{printed}");
        assert!(matches!(result, Err(ConfigCommandError::Config(ConfigError::Invalid { .. }))));
        let (printed, _) = answer("config show --json", &directory, &variables);
        assert!(!printed.contains("pl4nted"));
        for line in printed.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(object["key"].is_string() && object["origin"].is_string(), "{line}");
        }
    }
}
