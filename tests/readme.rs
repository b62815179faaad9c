//! What the README lists from the program's own tables is what the program says of itself.
//! `UPDATE_README=1 cargo test --test readme` writes it anew.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use cohort_sync::config::settings::{Need, SETTINGS};
use cohort_sync::tui::action::{Action, Scope};
use cohort_sync::tui::keymap::Key;
use std::fmt::Write;
use std::path::Path;

/// Compares a part of the README, between two comments that name it, with what it must be.
fn check(part: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->\n"));
    let from = readme.find(&begin).unwrap_or_else(|| panic!("{begin} is missing")) + begin.len();
    let to = from + readme[from..].find(&end).unwrap_or_else(|| panic!("{end} is missing"));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{}{expected}{}", &readme[..from], &readme[to..])).unwrap();
    } else {
        assert_eq!(&readme[from..to], expected, "UPDATE_README=1 cargo test --test readme writes it anew");
    }
}

#[test]
fn the_keys_are_those_of_the_action_table() {
    let mut table = "\n| key | does | name | where |\n| --- | --- | --- | --- |\n".to_owned();
    let mut actions = Action::ALL.to_vec();
    actions.sort_by_key(|action| action.spec().group);
    for action in actions {
        let spec = action.spec();
        let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{}`", shown(key))).collect();
        let sign = if spec.changes_state { " ✎" } else { "" };
        let place = match spec.scope {
            Scope::Everywhere => "",
            Scope::Syncs => "cohorts",
            Scope::Tables => "tables",
            Scope::Parts => "parts",
            Scope::Connections => "cohorts, setup",
            Scope::Cohorts => "Cohorts screen",
            Scope::Log => "Log screen",
            Scope::Setup => "Setup screen",
            Scope::Changes => "changes",
            Scope::Tails => "Live, Log, requests",
            Scope::People => "lists of users",
            Scope::Account => "one cohort",
            Scope::Users => "Users screen",
        };
        let help = spec.help.replace('|', "\\|");
        writeln!(table, "| {} | {help}{sign} | {} | {place} |", keys.join(" "), spec.id).unwrap();
    }
    check("keys", &format!("{table}\n"));
}

#[test]
fn the_settings_are_those_of_the_table_that_parses_them() {
    let mut table =
        "\n| setting | what it is for | a value is | unless given |\n| --- | --- | --- | --- |\n".to_owned();
    for setting in SETTINGS {
        let fallback = match (setting.default, setting.need) {
            (Some(default), _) => format!("`{default}`"),
            (None, Need::Required) => "**required**".to_owned(),
            (None, Need::ByFeed) => "required by `feed` and `feed-members`".to_owned(),
            (None, Need::ByEventsApi) => "required by `events-api`".to_owned(),
            (None, Need::WithItsSection) => "required with the others of its section".to_owned(),
            (None, Need::Optional) => String::new(),
        };
        let [about, expected] = [setting.about, setting.expected].map(|words| words.replace('|', "\\|"));
        writeln!(table, "| `{}` | {about} | {expected} | {fallback} |", setting.name).unwrap();
    }
    check("settings", &format!("{table}\n"));
}

/// As the screen writes it.
fn shown(key: &str) -> String {
    key.parse::<Key>().unwrap().label(true)
}
