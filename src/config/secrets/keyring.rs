//! The operating system's keyring: Keychain on macOS, the Credential Manager on Windows, the Secret Service (GNOME
//! Keyring, `KWallet`, `KeePassXC`) elsewhere. A server often has none, which is an answer like any other. Every call
//! happens on a thread of its own, since a locked keyring asks a person first and may never answer.

use super::{Secret, TIMEOUT};
use keyring::{Entry, Error};
use std::sync::mpsc;
use std::time::Duration;

/// Under what the keyring files the credentials of this program.
pub const SERVICE: &str = "cohort-sync";

/// Why the keyring did not do what was asked. No message repeats a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none here, as on most servers.
    #[error(
        "no keyring can be reached here ({reason}); on a computer without one, write {{ env = \"NAME\" }} or \
         {{ file = \"PATH\" }} instead"
    )]
    Absent {
        /// What the system said.
        reason: String,
    },
    /// It is there and does not know the name.
    #[error(
        "the keyring holds nothing named \"{name}\" for {SERVICE}; put it there with \
         `cohort-sync config set SETTING - --keyring`"
    )]
    NoEntry {
        /// The name.
        name: String,
    },
    /// It would not, or not so.
    #[error("the keyring refused \"{name}\": {reason}; unlock it and try again")]
    Refused {
        /// The name.
        name: String,
        /// What the system said.
        reason: String,
    },
    /// Nobody answered, perhaps because nobody was there to unlock it.
    #[error("the keyring did not answer within {seconds} seconds; unlock it and try again")]
    TimedOut {
        /// How long it had.
        seconds: u64,
    },
}

/// Reads a credential.
pub(super) fn fetch(name: &str) -> Result<Secret, KeyringError> {
    let name = name.to_owned();
    apart(TIMEOUT, move || entry(&name)?.get_password().map(Secret::new).map_err(|error| told(&name, error)))
}

/// Keeps a credential, in the place of the one of that name.
///
/// # Errors
/// There is no keyring, or it would not.
pub fn store(name: &str, secret: &Secret) -> Result<(), KeyringError> {
    let (name, secret) = (name.to_owned(), secret.clone());
    apart(TIMEOUT, move || entry(&name)?.set_password(secret.expose()).map_err(|error| told(&name, error)))
}

/// Whether there is a keyring that could be asked.
///
/// # Errors
/// There is none, with the reason.
pub fn reach() -> Result<(), KeyringError> {
    apart(TIMEOUT, || entry("reach").map(drop))
}

fn entry(name: &str) -> Result<Entry, KeyringError> {
    let reason = |error: &Error| KeyringError::Absent { reason: words(error) };
    match Entry::store_status() {
        Ok(()) => Entry::new(SERVICE, name).map_err(|error| told(name, error)),
        Err(error) => Err(reason(error)),
    }
}

fn told(name: &str, error: Error) -> KeyringError {
    let name = name.to_owned();
    match error {
        Error::NoEntry => KeyringError::NoEntry { name },
        Error::NoStorageAccess(_) => KeyringError::Refused { name, reason: "it is locked".to_owned() },
        error => KeyringError::Refused { name, reason: words(&error) },
    }
}

/// What an error says, unless it holds what was read.
fn words(error: &Error) -> String {
    match error {
        Error::BadEncoding(_) => "what it holds is no text".to_owned(),
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => cause.to_string(),
        Error::NoDefaultStore => "this system has none".to_owned(),
        other => other.to_string(),
    }
}

fn apart<T: Send + 'static>(
    timeout: Duration,
    ask: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        // Whoever asked may have stopped waiting.
        let _ = answer.send(ask());
    });
    match answered.recv_timeout(timeout) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyringError::TimedOut { seconds: timeout.as_secs() }),
        // The thread ended without an answer: the library behind the keyring broke down.
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(KeyringError::Absent { reason: "its library broke down".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_never_answers_is_given_up() {
        let never = || {
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        };
        let error = apart(Duration::from_millis(20), never).unwrap_err();
        assert!(matches!(error, KeyringError::TimedOut { .. }));
    }

    #[test]
    fn no_error_repeats_what_was_read() {
        let error = told("mixpanel.secret", Error::BadEncoding(b"pl4nted".to_vec()));
        assert!(!format!("{error} {error:?}").contains("pl4nted"));
        assert!(!format!("{error:?}").contains("112, 108"), "{error:?}");
        let error = told("mixpanel.secret", Error::NoEntry);
        assert!(error.to_string().contains("config set SETTING - --keyring"), "{error}");
    }
}
