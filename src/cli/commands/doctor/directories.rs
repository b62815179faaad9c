//! The state directory and the log directory: whether they are there or can be made, whose they are, and who may
//! look into them. Whether files can be made is tried with a file that never gets a name, so nothing remains.

use super::finding::{Check, Finding, shell_word};
use crate::cli::failure::Exit;
use crate::config::{Places, permission_bits};
use crate::telemetry::LOG_FILE;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

const OTHER_PLACE: &str = "name another with --state-dir";

/// Looks at both directories.
pub(super) fn check(places: &Places) -> Vec<Finding> {
    let may_try = !places.read_only;
    let mut findings = vec![directory(Role::State, &places.state_dir, may_try)];
    // Before the state directory is there, there is nothing to say about what belongs into it.
    if places.state_dir.is_dir() {
        findings.push(directory(Role::Log, &places.log_dir, may_try));
    }
    findings.extend(log_file(&places.log_dir.join(LOG_FILE), may_try));
    findings
}

/// What a directory is for.
#[derive(Clone, Copy)]
enum Role {
    State,
    Log,
}

fn directory(role: Role, path: &Path, may_try: bool) -> Finding {
    let what = match role {
        Role::State => "state",
        Role::Log => "log",
    };
    let named = format!("The {what} directory {}", path.display());
    let shell_path = shell_word(&path.to_string_lossy());
    let problem = |found: String, remedy: String| {
        Finding::problem(Check::Directories, Exit::Usage, format!("{named} {found}"), remedy)
    };
    let look = format!(
        "Look at it with `ls -ld {shell_path}`, give it to the user who runs this program, or {OTHER_PLACE}."
    );
    let metadata = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return problem("is no directory.".to_owned(), format!("Move it away, or {OTHER_PLACE}.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return absent(&named, path, may_try),
        Err(error) => return problem(format!("cannot be looked at: {error}."), look),
    };
    if let Err(error) = path.read_dir() {
        return problem(format!("cannot be read: {error}."), look);
    }
    let probe = match may_try.then(|| probe(path)).transpose() {
        Ok(probe) => probe,
        Err(error) => return problem(format!("cannot be written to: {error}."), look),
    };
    match probe.as_ref().and_then(|probe| owners(&metadata, probe)).filter(|(owner, own)| owner != own) {
        Some((owner, 0)) => {
            return Finding::warning(
                Check::Directories,
                format!("{named} belongs to user {owner}, and this program runs as root."),
                "Run it as that user: what root writes there, that user could not use any more.",
            );
        }
        Some((owner, own)) => {
            return problem(
                format!("belongs to user {owner}, and this program runs as user {own}."),
                format!("Run it as that user, or {OTHER_PLACE}."),
            );
        }
        None => {}
    }
    let tried = if may_try { "can be written to" } else { "was not written to, because of --read-only" };
    let mode = permission_bits(&metadata) & 0o777;
    match role {
        // Whoever cannot enter the state directory cannot enter what is in it.
        Role::Log => Finding::ok(Check::Directories, format!("{named} {tried}.")),
        Role::State if mode & 0o077 != 0 => Finding::warning(
            Check::Directories,
            format!(
                "{named} is open to other users of this computer (mode {mode:04o}), and tells who is in which cohort."
            ),
            format!("Run `chmod 700 {shell_path}`."),
        ),
        Role::State => Finding::ok(
            Check::Directories,
            format!("{named} is its owner's alone (mode {mode:04o}) and {tried}."),
        ),
    }
}

/// A directory that is not there is no problem as long as it can be made.
fn absent(named: &str, path: &Path, may_try: bool) -> Finding {
    let here = Path::new(".");
    let above = path.ancestors().skip(1).map(|above| if above.as_os_str().is_empty() { here } else { above });
    let Some(nearest) = above.into_iter().find(|above| above.exists()) else {
        return Finding::ok(Check::Directories, format!("{named} does not exist yet."));
    };
    let problem = |why: String| {
        let remedy = format!(
            "Make it with `mkdir -p {}` as a user who may, give it to the user who runs this program, or {OTHER_PLACE}.",
            shell_word(&path.to_string_lossy())
        );
        let found = format!("{named} does not exist and cannot be made: {why}.");
        Finding::problem(Check::Directories, Exit::Usage, found, remedy)
    };
    if !nearest.is_dir() {
        return problem(format!("{} is no directory", nearest.display()));
    }
    match may_try.then(|| probe(nearest)).transpose() {
        Err(error) => problem(format!("{} cannot be written to ({error})", nearest.display())),
        Ok(_) => Finding::ok(
            Check::Directories,
            format!(
                "{named} does not exist yet; the first command that writes makes it, for its owner alone."
            ),
        ),
    }
}

/// Every command that writes begins by opening the log, so one that cannot be opened stops them all.
fn log_file(path: &Path, may_try: bool) -> Option<Finding> {
    let opened = OpenOptions::new().append(true).open(path);
    let error = opened.err().filter(|error| may_try && error.kind() != io::ErrorKind::NotFound)?;
    let name = shell_word(&path.to_string_lossy());
    Some(Finding::problem(
        Check::Directories,
        Exit::Usage,
        format!("The log file {} cannot be written to: {error}.", path.display()),
        format!("Look at it with `ls -l {name}`, and give it to the user who runs this program."),
    ))
}

/// A file in the directory that never has a name and is gone when it is closed.
fn probe(directory: &Path) -> io::Result<File> {
    tempfile::tempfile_in(directory)
}

/// The directory's owner, and the user this program runs as, by number.
#[cfg(unix)]
fn owners(directory: &Metadata, probe: &File) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    Some((directory.uid(), probe.metadata().ok()?.uid()))
}

#[cfg(not(unix))]
fn owners(_: &Metadata, _: &File) -> Option<(u32, u32)> {
    None
}
