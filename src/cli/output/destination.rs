//! Where output goes: standard output, or a file that takes its place only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

/// Why output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file of `-o`.
    #[error("cannot write {}; check that its directory exists and is yours, and that the disk has room", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output.
    #[error("cannot write to standard output")]
    Standard(#[source] io::Error),
}

/// Where output goes. Unless [`Destination::finish`] is reached, a file stays as it was.
pub struct Destination {
    target: Target,
}

enum Target {
    Standard(BufWriter<Stdout>),
    /// Something that is no file, such as a pipe or `/dev/null`, which must not be replaced.
    Direct(BufWriter<File>, PathBuf),
    Beside(BufWriter<File>, Draft),
}

/// The file that is being written. Dropping it removes it.
struct Draft {
    path: PathBuf,
    goal: PathBuf,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the draft took its goal's place there is nothing to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Destination {
    /// Opens the file, or standard output when there is none.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn open(file: Option<&Path>) -> Result<Self, OutputError> {
        let target = match file {
            None => Target::Standard(BufWriter::new(io::stdout())),
            Some(path) => {
                open_file(path).map_err(|source| OutputError::File { path: path.to_owned(), source })?
            }
        };
        Ok(Self { target })
    }

    /// How many columns of text fit, where the output goes to a terminal.
    #[must_use]
    pub fn room(&self) -> Option<usize> {
        match &self.target {
            Target::Standard(_) => terminal_size().map(|(columns, _)| columns),
            _ => None,
        }
    }

    /// Completes the output: a file takes its name now, and a reader of standard output who has left is
    /// none of our business.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<(), OutputError> {
        match self.target {
            Target::Standard(mut out) => allow_closed_pipe(out.flush()).map_err(OutputError::Standard),
            Target::Direct(mut file, path) => {
                allow_closed_pipe(file.flush()).map_err(|source| OutputError::File { path, source })
            }
            Target::Beside(file, draft) => complete(file, &draft)
                .map_err(|source| OutputError::File { path: draft.goal.clone(), source }),
        }
    }

    /// Names the output in an error that came up while writing to it.
    #[must_use]
    pub fn error(&self, source: io::Error) -> OutputError {
        match &self.target {
            Target::Standard(_) => OutputError::Standard(source),
            Target::Direct(_, path) | Target::Beside(_, Draft { goal: path, .. }) => {
                OutputError::File { path: path.clone(), source }
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Standard(out) => out.write(bytes),
            Target::Direct(file, _) | Target::Beside(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Standard(out) => out.flush(),
            Target::Direct(file, _) | Target::Beside(file, _) => file.flush(),
        }
    }
}

/// The columns and rows of the terminal that standard output goes to; `None` where it goes elsewhere.
#[must_use]
pub fn terminal_size() -> Option<(usize, usize)> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let (columns, rows) = crossterm::terminal::size().ok().filter(|(columns, _)| *columns > 0)?;
    Some((usize::from(columns), usize::from(rows)))
}

/// Takes a reader who closed the pipe (`… | head`) for success: they have what they wanted.
///
/// # Errors
/// Whatever else went wrong.
pub fn allow_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn open_file(path: &Path) -> io::Result<Target> {
    // Following a link first keeps the link and replaces what it points to.
    let goal = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match std::fs::metadata(&goal) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            let file = OpenOptions::new().write(true).open(&goal)?;
            Ok(Target::Direct(BufWriter::new(file), goal))
        }
        _ => open_draft(goal),
    }
}

fn open_draft(goal: PathBuf) -> io::Result<Target> {
    let name = goal.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy().into_owned();
    let path = goal.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    Ok(Target::Beside(BufWriter::new(file), Draft { path, goal }))
}

fn complete(mut file: BufWriter<File>, draft: &Draft) -> io::Result<()> {
    file.flush()?;
    file.get_ref().sync_all()?;
    std::fs::rename(&draft.path, &draft.goal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.csv");
        std::fs::write(&path, "old").unwrap();
        let mut to = Destination::open(Some(&path)).unwrap();
        to.write_all(b"new").unwrap();
        to.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        to.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(dir.path()), ["users.csv"]);
    }

    #[test]
    fn what_is_given_up_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let mut to = Destination::open(Some(&dir.path().join("users.csv"))).unwrap();
        to.write_all(b"half").unwrap();
        drop(to);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_links_stay_and_devices_are_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut to = Destination::open(Some(&link)).unwrap();
        to.write_all(b"new").unwrap();
        to.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let mut to = Destination::open(Some(Path::new("/dev/null"))).unwrap();
        to.write_all(b"gone").unwrap();
        to.finish().unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("absent/users.csv")] {
            let error = Destination::open(Some(&path)).map(drop).unwrap_err();
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(allow_closed_pipe(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(allow_closed_pipe(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
