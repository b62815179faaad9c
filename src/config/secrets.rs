//! Credentials: the type that holds one without ever showing it, and the places one can come from (the
//! configuration file itself, an environment variable, a file, a command, the system's keyring). Masking them in what others
//! write belongs to [`super::masks`].

pub mod keyring;

use super::environment::Environment;
use keyring::KeyringError;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a command or a keyring may take to give a credential; password managers wait for a fingerprint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More than any credential has; a command or file that holds more is the wrong one.
const SIZE_LIMIT: u64 = 64 * 1024;

/// A credential. There is no way to print it but to ask for it with [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a credential into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a credential comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Written out in the configuration file or in the setting's own environment variable.
    Plain(Secret),
    /// `{ env = "NAME" }`
    Environment(String),
    /// `{ file = "…" }`, already relative to the configuration file.
    File(PathBuf),
    /// `{ command = ["…"] }`
    Command(Vec<String>),
    /// `{ keyring = "NAME" }`
    Keyring(String),
}

impl SecretSource {
    /// Fetches the credential: reads the variable or the file, or runs the command.
    ///
    /// # Errors
    /// The credential cannot be had, is empty, or others could read it too; the message says what to do.
    pub fn fetch(&self, environment: &Environment) -> Result<Secret, SecretError> {
        match self {
            Self::Plain(secret) if secret.expose().trim().is_empty() => Err(SecretError::Empty),
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Environment(name) => environment
                .text(name)
                .map(Secret::new)
                .ok_or_else(|| SecretError::UnsetVariable { name: name.clone() }),
            Self::File(path) => read_secret_file(path),
            Self::Command(words) => run_secret_command(words, TIMEOUT),
            Self::Keyring(name) => {
                let secret = keyring::fetch(name)?;
                let text = secret.expose().trim();
                if text.is_empty() {
                    Err(SecretError::EmptyEntry { name: name.clone() })
                } else {
                    Ok(Secret::new(text))
                }
            }
        }
    }
}

/// Says where, never what.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("plain text"),
            Self::Environment(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(words) => write!(f, "command {}", command_name(words)),
            Self::Keyring(name) => write!(f, "keyring {name}"),
        }
    }
}

/// Why a credential could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The setting is there, its text is not.
    #[error("it is empty; write the credential, or where to find it: {{ env = \"NAME\" }}")]
    Empty,
    /// `{ env = … }` names a variable that is not there.
    #[error("the environment variable {name} is not set or empty; set it, e.g. `export {name}=…`")]
    UnsetVariable {
        /// The variable.
        name: String,
    },
    /// `{ file = … }` names a file that cannot be read.
    #[error("cannot read {}; check the path and who owns the file", path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could read the credential.
    #[error("others may read {} (mode {mode:04o}); run `chmod 600 {}`", path.display(), path.display())]
    ExposedFile {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is there and holds nothing.
    #[error("{} is empty; write the credential into it", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file is not text, or far too long to be a credential.
    #[error("{} is not a credential: it must be one short text in UTF-8", path.display())]
    StrangeFile {
        /// The file.
        path: PathBuf,
    },
    /// The command could not be started.
    #[error("cannot run `{name}`; check that it is installed and on the PATH")]
    CommandNotRun {
        /// The program.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command ended with an error.
    #[error("`{name}` ended with {status}; run it by hand to see why")]
    CommandFailed {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The command printed nothing that could be a credential.
    #[error("`{name}` printed no credential; it must print one short text in UTF-8")]
    CommandEmpty {
        /// The program.
        name: String,
    },
    /// The keyring has no such credential, or there is no keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The keyring knows the name and holds nothing under it.
    #[error(
        "the keyring holds an empty text under \"{name}\"; run `cohort-sync config set SETTING - --keyring`"
    )]
    EmptyEntry {
        /// The name in the keyring.
        name: String,
    },
    /// The command did not end.
    #[error("`{name}` did not answer within {} seconds and was stopped", seconds)]
    CommandTimedOut {
        /// The program.
        name: String,
        /// How long it had.
        seconds: u64,
    },
}

/// The permission bits of a file; those of a private file where the system has no such bits.
pub(crate) fn permission_bits(metadata: &std::fs::Metadata) -> u32 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.permissions().mode() & 0o7777
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        0o600
    }
}

fn read_secret_file(path: &Path) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::UnreadableFile { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Asking the open file, not the path, leaves no moment in which another file could take its place.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = permission_bits(&metadata);
    if mode & 0o077 != 0 {
        return Err(SecretError::ExposedFile { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match trimmed(bytes) {
        Some(text) if text.is_empty() => Err(SecretError::EmptyFile { path: path.to_owned() }),
        Some(text) => Ok(Secret::new(text)),
        None => Err(SecretError::StrangeFile { path: path.to_owned() }),
    }
}

fn run_secret_command(words: &[String], timeout: Duration) -> Result<Secret, SecretError> {
    let name = command_name(words);
    let not_run = |source| SecretError::CommandNotRun { name: name.clone(), source };
    let (program, arguments) =
        words.split_first().ok_or_else(|| not_run(io::Error::from(io::ErrorKind::InvalidInput)))?;
    let deadline = Instant::now() + timeout;
    // What the command says on stderr may quote the credential, so nobody gets to see it.
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(not_run)?;
    let printed = read_in_background(&mut child);
    let output = printed.recv_timeout(timeout);
    let Some(status) = wait_until(&mut child, deadline).map_err(not_run)? else {
        return Err(SecretError::CommandTimedOut { name, seconds: timeout.as_secs() });
    };
    if !status.success() {
        return Err(SecretError::CommandFailed { name, status });
    }
    match output.ok().and_then(trimmed) {
        Some(text) if !text.is_empty() => Ok(Secret::new(text)),
        _ => Err(SecretError::CommandEmpty { name }),
    }
}

/// Reads what the child prints on a thread of its own, since a read of a pipe cannot be given a time limit.
fn read_in_background(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if stdout.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).is_ok() {
                // The receiver is gone when the command took too long.
                let _ = sender.send(bytes);
            }
        });
    }
    receiver
}

/// Waits for the child to end; at the deadline it is killed and the answer is `None`.
fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The text without the line end that editors and `echo` add; `None` when it is no text or too long.
fn trimmed(bytes: Vec<u8>) -> Option<String> {
    if bytes.len() as u64 > SIZE_LIMIT {
        return None;
    }
    Some(String::from_utf8(bytes).ok()?.trim().to_owned())
}

/// The program's name. Its arguments stay unsaid: they may hold a credential of their own.
fn command_name(words: &[String]) -> String {
    words.first().cloned().unwrap_or_default()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file_with(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn debug_says_nothing() {
        let secret = Secret::new("hunter2-and-more");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", SecretSource::Plain(secret)), "Plain(Secret(…))");
    }

    #[test]
    fn a_file_of_its_owner_is_read_without_its_line_end() {
        let (_dir, path) = file_with("s3cret\n", 0o600);
        assert_eq!(read_secret_file(&path).unwrap().expose(), "s3cret");
    }

    #[test]
    fn an_exposed_file_is_refused_with_the_remedy() {
        for mode in [0o644, 0o640, 0o604, 0o610] {
            let (_dir, path) = file_with("s3cret", mode);
            let message = read_secret_file(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
            assert!(!message.contains("s3cret"));
        }
    }

    #[test]
    fn empty_strange_and_absent_files_are_told_apart() {
        let (_dir, empty) = file_with("\n", 0o600);
        assert!(matches!(read_secret_file(&empty), Err(SecretError::EmptyFile { .. })));
        let (_dir, long) = file_with(&"x".repeat(100_000), 0o600);
        assert!(matches!(read_secret_file(&long), Err(SecretError::StrangeFile { .. })));
        assert!(matches!(
            read_secret_file(Path::new("/nonexistent/secret")),
            Err(SecretError::UnreadableFile { .. })
        ));
    }

    #[test]
    fn a_variable_must_be_set_and_filled() {
        let environment: Environment = [("FULL", "s3cret"), ("EMPTY", "")].into_iter().collect();
        let fetch = |name: &str| SecretSource::Environment(name.to_owned()).fetch(&environment);
        assert_eq!(fetch("FULL").unwrap().expose(), "s3cret");
        assert!(matches!(fetch("EMPTY"), Err(SecretError::UnsetVariable { .. })));
        assert!(fetch("ABSENT").unwrap_err().to_string().contains("ABSENT"));
    }

    #[test]
    fn a_command_gives_what_it_prints() {
        let secret = run_secret_command(&shell("echo s3cret"), TIMEOUT).unwrap();
        assert_eq!(secret.expose(), "s3cret");
    }

    #[test]
    fn a_failing_command_is_named_and_its_output_is_not() {
        let error = run_secret_command(&shell("echo s3cret; exit 3"), TIMEOUT).unwrap_err();
        assert!(matches!(error, SecretError::CommandFailed { .. }));
        assert!(error.to_string().starts_with("`sh` ended with exit status: 3"), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        let error = run_secret_command(&shell("true"), TIMEOUT).unwrap_err();
        assert!(matches!(error, SecretError::CommandEmpty { .. }));
        let error = run_secret_command(&["no-such-program".to_owned()], TIMEOUT).unwrap_err();
        assert!(matches!(error, SecretError::CommandNotRun { .. }));
    }

    #[test]
    fn a_command_that_hangs_is_stopped() {
        let error = run_secret_command(&shell("exec sleep 60"), Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, SecretError::CommandTimedOut { .. }));
    }
}
