//! The log file on disk: private to its owner, appended to, and rolled before it grows out of hand.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of this size is rolled: `.1` becomes `.2`, the file becomes `.1`, and a new one is begun.
const SIZE_LIMIT: u64 = 5 * 1024 * 1024;

/// The log file, open for appending.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
}

impl LogFile {
    /// Opens the file, making its directory (for the owner alone) where there is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, SIZE_LIMIT)
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(directory)?;
        }
        let file = append_to(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, limit })
    }

    /// Appends a line, in one write, so that lines of two processes do not mix.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        if self.size > 0 && self.size + line.len() as u64 > self.limit {
            self.roll()?;
        }
        self.file.write_all(line.as_bytes())?;
        self.size += line.len() as u64;
        Ok(())
    }

    /// Another process may write the same log and have rolled it already; then the path names a small file,
    /// and rolling that one as well would throw old lines away early.
    fn roll(&mut self) -> io::Result<()> {
        let full = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() >= self.size);
        if full {
            // The oldest is replaced; where there is no `.1` yet there is nothing to move.
            let _ = std::fs::rename(self.numbered(1), self.numbered(2));
            std::fs::rename(&self.path, self.numbered(1))?;
        }
        self.file = append_to(&self.path)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    fn numbered(&self, number: u8) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// Appends one text to a file that is not kept open.
pub(super) fn write_once(path: &Path, text: &str) -> io::Result<()> {
    append_to(path)?.write_all(text.as_bytes())
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rolls_twice_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/log");
        let mut file = LogFile::with_limit(&path, 10).unwrap();
        for line in ["first--\n", "second-\n", "third--\n", "fourth-\n"] {
            file.append(line).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "fourth-\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("deep/log.1")).unwrap(), "third--\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("deep/log.2")).unwrap(), "second-\n");
    }

    #[test]
    fn a_file_that_another_process_rolled_is_not_rolled_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut ours = LogFile::with_limit(&path, 10).unwrap();
        ours.append("ours---\n").unwrap();
        let mut theirs = LogFile::with_limit(&path, 10).unwrap();
        theirs.append("theirs\n").unwrap();
        ours.append("more\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs\n".to_owned() + "more\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("log.1")).unwrap(), "ours---\n");
        assert!(!dir.path().join("log.2").exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/log");
        LogFile::open(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&dir.path().join("deep")), 0o700);
    }
}
