//! The archive: a tar.gz that its owner alone may read, never in place of a file that is there, and gone again when it could
//! not be completed. It tells nobody's user name.

use super::entries::Entry;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use tar::{Builder, Header};

/// Writes the entries into a new file, in a folder of the archive.
///
/// # Errors
/// The file is there already, or cannot be written.
pub(super) fn write(path: &Path, folder: &str, entries: &[Entry], at: Timestamp) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let written = fill(file, folder, entries, at);
    if written.is_err() {
        // Half a bundle would pass for a whole one.
        drop(fs::remove_file(path));
    }
    written
}

fn fill(file: File, folder: &str, entries: &[Entry], at: Timestamp) -> io::Result<u64> {
    let mut archive = Builder::new(GzEncoder::new(file, Compression::default()));
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_size(entry.content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at.as_second()).unwrap_or_default());
        archive.append_data(&mut header, format!("{folder}/{}", entry.name), entry.content.as_bytes())?;
    }
    let file = archive.into_inner()?.finish()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
