//! What `config` takes.

use clap::Subcommand;

/// What to do about the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented configuration file, never over another
    Init,
    /// Print every setting with where it came from; credentials stay hidden
    Show,
    /// Give a setting another value in the file, whose comments stay
    #[command(after_help = SET_AFTER_HELP)]
    Set {
        /// The setting, such as sync.interval or keys.quit
        #[arg(value_name = "KEY")]
        key: String,
        /// Its value, or - to read it from standard input
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
        /// Keep the credential in the system's keyring, and only its name in the file
        #[arg(long)]
        keyring: bool,
    },
    /// Take a setting out of the file, so that its default applies again
    Unset {
        /// The setting
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Say whether the configuration can be used, without fetching any credential
    Check,
    /// Print where the configuration, the state and the log are
    Path,
}

const SET_AFTER_HELP: &str = "\
With --profile NAME the value goes into the tables of that profile, which are made where there are none.
A credential is never taken from the command line, where it would stay in the shell's history:
  cohort-sync config set mixpanel.secret '{ env = \"MIXPANEL_SECRET\" }'
  cohort-sync config set mixpanel.secret - --keyring       (asks for it; the keyring keeps it)
  cohort-sync config set mixpanel.secret - < secret.txt    (in plain text, in a file for its owner alone)";
