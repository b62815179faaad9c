//! `config init`, `config show` and `config path`. Works on configurations that are missing or wrong, since
//! that is when people need it.

use super::args::{Args, ConfigCommand};
use crate::config::{self, BaseDirectories, ConfigError, Environment, InitError, Layers, Places, Request};
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

fn show(
    places: &Places,
    args: &Args,
    environment: &Environment,
    to: &mut impl Write,
) -> Result<(), ConfigCommandError> {
    let layers = Layers::read(Request {
        config_file: places.config_file.clone(),
        profile: places.profile.clone(),
        environment: environment.clone(),
        overrides: args.overrides(),
    })?;
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
        let Some(super::super::args::Command::Config(command)) = args.command else {
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
