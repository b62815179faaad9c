//! The terminal, for the console's sake: its size, its colours, and whether it shows more than ASCII. Headless
//! commands need none of it.

use super::finding::{Check, Finding};
use crate::cli::account::Desk;
use crate::cli::output::terminal_size;
use crate::config::Environment;
use crate::tui::ColourDepth;
use std::io::{self, IsTerminal};

/// Columns and rows from which on every screen shows all it has.
const COMFORTABLE: (usize, usize) = (80, 24);

/// Looks at the terminal.
pub(super) fn check(desk: &Desk) -> Vec<Finding> {
    // What is wrong with the configuration was said before; looks then are the usual ones.
    let interface = desk.interface().unwrap_or_default();
    let Some((columns, rows)) = terminal_size().filter(|_| io::stdin().is_terminal()) else {
        let found = "Standard input or output is no terminal, so the console would not open here; every other command works.";
        return vec![Finding::ok(Check::Terminal, found)];
    };
    let colours = match ColourDepth::chosen(&desk.environment, interface.color) {
        ColourDepth::None => "no colours",
        ColourDepth::Ansi16 => "16 colours",
        ColourDepth::Ansi256 => "256 colours",
        ColourDepth::True => "24-bit colours",
    };
    let size = format!("The terminal has {columns} columns, {rows} rows and {colours}");
    let mut findings = Vec::new();
    if columns < COMFORTABLE.0 || rows < COMFORTABLE.1 {
        let remedy = format!("Make it {} by {} or larger for the console.", COMFORTABLE.0, COMFORTABLE.1);
        findings.push(Finding::warning(
            Check::Terminal,
            format!("{size}, so the console leaves things out."),
            remedy,
        ));
    }
    match not_utf8(&desk.environment).filter(|_| !interface.features.ascii) {
        Some(locale) => findings.push(Finding::warning(
            Check::Terminal,
            format!("The locale is not UTF-8 ({locale}), so names and symbols may show as rubbish."),
            "Set one that is, for example `export LANG=C.UTF-8`, or pass --ascii (`ascii = true` under [ui]).",
        )),
        None if findings.is_empty() => findings.push(Finding::ok(Check::Terminal, format!("{size}."))),
        None => {}
    }
    findings
}

/// What the locale is, where it is not UTF-8.
fn not_utf8(environment: &Environment) -> Option<String> {
    let given = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.text(name).map(|value| (name, value)));
    let Some((name, value)) = given else {
        return Some("neither LC_ALL nor LC_CTYPE nor LANG is set".to_owned());
    };
    let plain = value.to_ascii_lowercase().replace('-', "");
    (!plain.contains("utf8")).then(|| format!("{name} is {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides_on_the_locale() {
        let of = |variables: &[(&str, &str)]| not_utf8(&variables.iter().copied().collect());
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), None);
        assert_eq!(of(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]), None);
        assert_eq!(of(&[("LC_ALL", "POSIX"), ("LANG", "C.UTF-8")]).unwrap(), "LC_ALL is POSIX");
        assert!(of(&[]).is_some());
    }
}
