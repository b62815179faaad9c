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
