//! A desk for the tests: a home of its own, a configuration that leads to a sandbox in this process, and the
//! binary to run there with an environment that holds nothing else.

use cohort_sync::sandbox::{self, CohortSeed, Control, PersonSeed, ProfileKey, Sandbox, SandboxOptions};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Long enough for a loaded machine, short enough to notice that something hangs.
pub const PATIENCE: Duration = Duration::from_secs(100);

pub const ID: u64 = 1000;
pub const NAME: &str = "Power users";

pub struct World {
    pub sandbox: Sandbox,
    pub control: Control,
    pub home: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Output {
    /// The objects on standard output; anything else there fails the test.
    pub fn objects(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?} of {self:?}"))
        };
        let objects: Vec<Value> = self.out.lines().map(read).collect();
        objects.iter().for_each(assert_counts_add_up);
        objects
    }

    /// The only object.
    pub fn object(&self) -> Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{self:?}");
        objects.remove(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that the complaint says all of these, that nothing broke down, and that it stays off stdout.
    #[track_caller]
    pub fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }
}

/// Rule 8 of the design, for whatever run an object tells of.
#[track_caller]
fn assert_counts_add_up(object: &Value) {
    let run = if object["last_run"].is_object() { &object["last_run"] } else { object };
    let count = |name: &str| run["counts"][name].as_u64().unwrap_or_default();
    let read = count("matched") + count("unmatched") + count("unsendable") + count("duplicates");
    assert_eq!(count("fetched"), read, "{object}");
    let answered = count("accepted") + count("rejected") + count("pending");
    assert_eq!(count("adds") + count("removes"), answered, "{object}");
}

impl World {
    pub async fn new() -> Self {
        let sandbox = Sandbox::start(SandboxOptions::quiet()).await.unwrap();
        let control = sandbox.control();
        let world = Self { sandbox, control, home: tempfile::tempdir().unwrap() };
        let secret = format!("\"{}\"", sandbox::SECRET);
        world.configure(&world.config(&secret, &format!("\"{}\"", world.sandbox.webhook_url()), ""));
        world
    }

    /// With one cohort, named [`NAME`].
    pub async fn with(members: Vec<PersonSeed>) -> Self {
        let world = Self::new().await;
        world.add(ID, NAME, members);
        world
    }

    pub fn add(&self, id: u64, name: &str, members: Vec<PersonSeed>) {
        self.control.add_cohort(CohortSeed { id, name: name.to_owned(), members, ..CohortSeed::default() });
    }

    /// A configuration with these TOML values as credentials.
    pub fn config(&self, secret: &str, webhook: &str, more: &str) -> String {
        format!(
            "[mixpanel]\nbase_url = \"{}\"\nproject_id = {}\nservice_account = \"{}\"\nsecret = {secret}\n\n\
             [mparticle]\nwebhook_url = {webhook}\n{more}",
            self.sandbox.mixpanel_base_url(),
            sandbox::PROJECT_ID,
            sandbox::SERVICE_ACCOUNT,
        )
    }

    /// The section that leads to the sandbox's Profile API, with this TOML value as the client's secret.
    pub fn profile_api(&self, secret: &str) -> String {
        format!(
            "\n[mparticle.profile_api]\nclient_id = \"{}\"\nclient_secret = {secret}\norg_id = {}\naccount_id = {}\n\
             workspace_id = {}\nbase_url = \"{}\"\ntoken_url = \"{}\"\n",
            sandbox::CLIENT_ID,
            sandbox::ORG_ID,
            sandbox::ACCOUNT_ID,
            sandbox::WORKSPACE_ID,
            self.sandbox.profile_api_base_url(),
            self.sandbox.token_url(),
        )
    }

    pub fn configure(&self, text: &str) {
        self.private_file("config.toml", text);
    }

    pub fn private_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The binary without any of our options.
    pub fn bare(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cohort-sync"));
        command.env_clear().current_dir(self.home.path()).kill_on_drop(true);
        command.env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap());
        for (name, place) in [
            ("XDG_CONFIG_HOME", "xdg-config"),
            ("XDG_STATE_HOME", "xdg-state"),
            ("XDG_DATA_HOME", "xdg-data"),
        ] {
            command.env(name, self.path(place));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).args(words);
        command
    }

    /// The binary with this world's configuration and state.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.bare(words);
        command.arg("--config").arg(self.path("config.toml")).arg("--state-dir").arg(self.state());
        command
    }

    pub async fn run(&self, words: &[&str]) -> Output {
        finish(self.command(words).spawn().unwrap()).await
    }

    /// Runs it with something on standard input.
    pub async fn run_with(&self, words: &[&str], input: &str) -> Output {
        self.run_where(words, input, &[]).await
    }

    /// The same with further variables in its environment.
    pub async fn run_where(&self, words: &[&str], input: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // A program that wants nothing of it may have ended before it was written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        finish(child).await
    }

    /// What a file in the home directory says.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Exports the cohort with `--json`, and hands out the run's object.
    pub async fn export(&self) -> Value {
        self.run(&["sync", NAME, "--json"]).await.exits(0).object()
    }

    /// Who has the attribute set to true, as sorted text.
    pub fn delivered(&self, attribute: &str) -> BTreeSet<String> {
        let holds = self.control.profiles_with(attribute).into_iter();
        holds.filter(|(_, value)| *value == Value::Bool(true)).map(|(key, _)| key_text(&key)).collect()
    }

    /// Waits until the feed has answered so many requests.
    pub async fn feed_has_answered(&self, requests: usize) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.control.feed_requests().len() < requests {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        waited.await.unwrap();
    }

    /// Waits until a process holds the state directory. Whoever asks before may hold it itself, and turn that process away.
    pub async fn is_held(&self) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while cohort_sync::store::WriterLock::holder(&self.state()).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap();
    }
}

pub async fn finish(child: Child) -> Output {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// `count` people with MPIDs from `first` on.
pub fn people(first: i64, count: i64) -> Vec<PersonSeed> {
    (first..first + count).map(|n| PersonSeed::matched(format!("user-{n}"), mpid(n))).collect()
}

/// Spread over all 64 bits, so that some are negative and none is in order.
pub fn mpid(n: i64) -> i64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())
}

pub fn keys(first: i64, count: i64) -> BTreeSet<String> {
    (first..first + count).map(|n| key_text(&ProfileKey::Mpid(mpid(n)))).collect()
}

pub fn key_text(key: &ProfileKey) -> String {
    match key {
        ProfileKey::Mpid(mpid) => format!("mpid {mpid}"),
        ProfileKey::Identity { kind, value } => format!("{kind} {value}"),
    }
}
