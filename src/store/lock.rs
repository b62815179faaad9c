//! One process writes a state directory: an advisory lock on a file beside the database, which the system
//! releases however the process ends. The file also says who holds it, for the message to the second one.

use super::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// The right to write, held as long as this lives.
#[derive(Debug)]
pub struct WriterLock {
    // Closing the file releases the lock.
    _file: File,
}

/// The lock file's name in the state directory.
const LOCK_FILE: &str = "writer.lock";

impl WriterLock {
    /// Takes the lock for `holder`, a description of this process.
    ///
    /// # Errors
    /// [`StoreError::InUse`] names the process that has it; the caller may open read-only instead.
    pub fn take(directory: &Path, holder: &str) -> Result<Self, StoreError> {
        let path = directory.join(LOCK_FILE);
        let mut file = super::private_options(OpenOptions::new().read(true).write(true).create(true))
            .open(&path)
            .map_err(|source| StoreError::Directory { path: path.clone(), source })?;
        match try_lock_patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    directory: directory.to_owned(),
                    holder: holder_of(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::Directory { path, source }),
        }
        // Who holds it is a courtesy; failing to write it must not keep anyone from working.
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, "could not write who holds the state directory");
        }
        Ok(Self { _file: file })
    }

    /// Who holds the lock now, in words; `None` when nobody does.
    #[must_use]
    pub fn holder(directory: &Path) -> Option<String> {
        let mut file = OpenOptions::new().read(true).write(true).open(directory.join(LOCK_FILE)).ok()?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => None,
            Err(TryLockError::WouldBlock) => Some(holder_of(&mut file)),
        }
    }
}

/// Tries a few times: somebody who only asks who holds the lock holds it for a moment, and that must not keep
/// a writer from starting.
fn try_lock_patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            settled => return settled,
        }
    }
    file.try_lock()
}

fn holder_of(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(400).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().chars().filter(|c| !c.is_control()).collect(),
        _ => "another process".to_owned(),
    }
}
