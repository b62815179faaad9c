//! `config init`: the commented configuration file, and writing it where there is none.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The commented configuration file. A test holds that it can be read, names every setting, and that what
/// it sets equals the defaults.
pub const TEMPLATE: &str = include_str!("../../assets/config.toml");

/// Why no configuration file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already, and it may hold work that nobody wants to lose.
    #[error("{} exists already and was left as it is; edit it, or move it away first", .0.display())]
    Exists(PathBuf),
    /// The system would not have it.
    #[error("cannot write {}; check the permissions of its directory", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes the commented file at `path`, readable by its owner alone, and never over another.
///
/// # Errors
/// There is a file already, or the system would not have it.
pub fn init(path: &Path) -> Result<(), InitError> {
    write_new(path, TEMPLATE)
}

/// Writes a file at `path`, readable by its owner alone, and never over another.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), InitError> {
    let unwritable = |source| InitError::Unwritable { path: path.to_owned(), source };
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        private_directory().create(directory).map_err(unwritable)?;
    }
    // Creating and refusing to overwrite are one step, so nothing can come in between.
    let mut file = private_file().open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => unwritable(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a file would be in the way of the next try; if it cannot be removed, the message still helps.
        let _ = std::fs::remove_file(path);
        unwritable(error)
    })
}

/// A directory that nobody else can look into, with those above it.
pub(super) fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
