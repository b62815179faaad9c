//! A credential as somebody types or pipes it: from a terminal unseen, from standard input otherwise. It is never
//! echoed and never taken from the command line.

use crate::config::Secret;
use std::io::{self, IsTerminal, Read, Write};

/// Longer than any credential.
const SIZE_LIMIT: u64 = 64 * 1024;

/// Asks for a credential by its name.
pub(super) fn read(what: &str) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("{what} (it will not be shown): "))?;
        // Whoever types without seeing anything wants to know that something arrived.
        writeln!(io::stderr(), "{} characters.", typed.trim().chars().count())?;
        return Ok(Secret::new(typed.trim()));
    }
    let mut text = String::new();
    io::stdin().lock().take(SIZE_LIMIT).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim()))
}
