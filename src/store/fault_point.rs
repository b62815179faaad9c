//! Trouble with the disk and death, at a chosen commit, for tests of the real binary: no other place in the
//! program can be killed as exactly as the moment before or after something becomes durable. It counts the
//! commits of the writing connection, those while it is opened included, and knows nothing of what they say.
//!
//! Compiled into debug builds only; a release build does not even read the variable.

use rusqlite::{Connection, Error, ffi};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that asks for a fault, as `KIND:NUMBER`; see [`Kind::from_word`] for the kinds.
const VARIABLE: &str = "COHORT_SYNC_STORE_FAULT";

/// SQLite's own limit: with this many pages in the log a commit also writes the log back.
const CHECKPOINT_PAGES: i32 = 1_000;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The process is killed before the commit is durable.
    KillBefore,
    /// The process is killed once the commit is durable, before anybody hears of it.
    KillAfter,
    /// This commit finds the disk full, the others do not.
    FullOnce,
    /// This commit and all that follow find the disk full.
    FullFrom,
    /// The file may grow by so many pages; SQLite itself says that it is full when it would need more.
    FullAfterPages,
}

impl Kind {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "kill-before" => Some(Self::KillBefore),
            "kill-after" => Some(Self::KillAfter),
            "full-once" => Some(Self::FullOnce),
            "full-from" => Some(Self::FullFrom),
            "full-after-pages" => Some(Self::FullAfterPages),
            _ => None,
        }
    }
}

/// Makes the connection fail as the environment asks. Whoever sets the variable to something else gets a
/// warning in the log and an ordinary run.
pub(super) fn arm(connection: &mut Connection) -> rusqlite::Result<()> {
    let Ok(asked) = std::env::var(VARIABLE) else { return Ok(()) };
    let Some((kind, number)) = parse(&asked) else {
        tracing::warn!("{VARIABLE} is set to {asked:?}, which names no fault");
        return Ok(());
    };
    if kind == Kind::FullAfterPages {
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        // A count of 0 would only ask for the limit instead of setting it.
        let limit = pages.saturating_add_unsigned(number).max(1);
        return connection.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()));
    }
    let commits = Arc::new(AtomicU64::new(0));
    let begun = Arc::clone(&commits);
    connection.commit_hook(Some(move || {
        let this = begun.fetch_add(1, Ordering::Relaxed) + 1;
        match kind {
            Kind::KillBefore if this == number => die(),
            Kind::FullOnce => this == number,
            Kind::FullFrom => this >= number,
            Kind::KillBefore | Kind::KillAfter | Kind::FullAfterPages => false,
        }
    }))?;
    if kind == Kind::KillAfter {
        // A commit that changed nothing does not come by here; the next one that did does.
        connection.wal_hook(Some(move |log: &mut rusqlite::hooks::Wal, pages| {
            if commits.load(Ordering::Relaxed) >= number {
                die();
            }
            // This hook took the place of the one that does this; like that one it may fail without harm.
            if pages >= CHECKPOINT_PAGES {
                let _ = log.checkpoint();
            }
            Ok(())
        }))?;
    }
    Ok(())
}

fn parse(asked: &str) -> Option<(Kind, u64)> {
    let (kind, number) = asked.split_once(':')?;
    Some((Kind::from_word(kind)?, number.parse().ok()?))
}

/// Whether the error is that of a commit which this file turned back. SQLite undoes such a commit as it undoes
/// one for which the disk has no room.
pub(super) fn turned_back(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_COMMITHOOK)
}

/// Ends the process as `kill -9` does: nothing is flushed, closed or said.
fn die() -> ! {
    #[cfg(unix)]
    // It cannot fail for a signal that exists, and does not return.
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_fault_is_one() {
        assert_eq!(parse("kill-before:3"), Some((Kind::KillBefore, 3)));
        assert_eq!(parse("full-after-pages:0"), Some((Kind::FullAfterPages, 0)));
        for slip in ["", "kill", "kill-before", "kill-before:", "kill-before:-1", "kill-before:x", "die:1"] {
            assert_eq!(parse(slip), None, "{slip}");
        }
    }
}
