//! An account for the console: a sandbox in this process as both services, a configuration that leads to it,
//! and a state directory that outlives the consoles of one test.

use crate::pty::{Pty, console};
use cohort_sync::sandbox::{self, Control, Sandbox, SandboxOptions};
use cohort_sync::store::Reader;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use tokio::runtime::Runtime;

/// The one cohort there is.
pub const NAME: &str = "Night shift";
/// How many are in it: thirty requests.
pub const PEOPLE: u32 = 3_000;

pub struct World {
    // Dropped in this order: the server before the threads that it runs on.
    pub sandbox: Sandbox,
    _runtime: Runtime,
    pub control: Control,
    pub home: tempfile::TempDir,
    arguments: Vec<String>,
}

impl World {
    pub fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(SandboxOptions::quiet())).unwrap();
        let control = sandbox.control();
        control.add_made_up_cohort(1, NAME, PEOPLE);
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        let text = format!(
            "[mixpanel]\nproject_id = {}\nservice_account = \"{}\"\nsecret = \"{}\"\nbase_url = \"{}\"\n\
             [mparticle]\nwebhook_url = \"{}\"\n",
            sandbox::PROJECT_ID,
            sandbox::SERVICE_ACCOUNT,
            sandbox::SECRET,
            sandbox.mixpanel_base_url(),
            sandbox.webhook_url(),
        );
        std::fs::write(&config, text).unwrap();
        // It holds credentials, and the program refuses it when others may read it.
        std::fs::set_permissions(&config, PermissionsExt::from_mode(0o600)).unwrap();
        let arguments = ["--config".into(), config.display().to_string(), "--state-dir".into()];
        let arguments =
            arguments.into_iter().chain([home.path().join("state").display().to_string()]).collect();
        Self { sandbox, _runtime: runtime, control, home, arguments }
    }

    /// A console on the account, with its cohort on the screen.
    pub fn open(&self) -> Pty {
        self.open_with(&[])
    }

    /// The same with further variables in its environment.
    pub fn open_with(&self, variables: &[(&str, &str)]) -> Pty {
        self.open_showing(NAME, variables)
    }

    /// The same when something else than the cohort is on its screen.
    pub fn open_showing(&self, shown: &str, variables: &[(&str, &str)]) -> Pty {
        let pty = Pty::run_with(self.home.path(), console(), &self.arguments, variables);
        pty.wait_for(shown);
        pty
    }

    /// The arguments of a console that only looks.
    pub fn looking(&self) -> Vec<String> {
        self.words(&["--read-only"])
    }

    /// The arguments that lead to this account, and more.
    pub fn words(&self, more: &[&str]) -> Vec<String> {
        self.arguments.iter().cloned().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    /// What consoles had remembered.
    pub fn remembered(&self) -> Option<String> {
        let reader = Reader::open(&self.home.path().join("state")).unwrap();
        reader.remembered(cohort_sync::tui::memory::KEY).unwrap()
    }

    /// A headless command on the account.
    pub fn headless(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The same, not begun yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(console());
        command.env_clear().env("HOME", self.home.path()).args(&self.arguments).args(arguments);
        command
    }

    /// How many users have the attribute, all of them true.
    pub fn delivered(&self) -> usize {
        let profiles = self.control.profiles_with(NAME);
        assert!(profiles.iter().all(|(_, value)| *value == true));
        profiles.len()
    }
}
