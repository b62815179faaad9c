//! Holds the rules of the house that a program can check: who may import whom, where colours and clocks may
//! be named, how long a file may be, and that each says on top what it owns.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources should fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// The longest a source file may be; longer ones usually hide two rooms in one.
const LONGEST_FILE: usize = 450;

/// A module and the modules of ours it may use, besides itself.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("http", &["domain"]),
    ("mixpanel", &["domain", "http"]),
    ("mparticle", &["domain", "http"]),
    ("store", &["domain"]),
    ("sync", &["domain", "http", "mixpanel", "mparticle", "store"]),
    ("sandbox", &[]),
    ("config", &["domain"]),
    ("telemetry", &["domain", "config"]),
    ("tui", &["domain", "sync", "config", "telemetry"]),
];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The module of `src` it belongs to: its first folder, or its file name.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The code without its unit tests, which may reach further than the module itself.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }

    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .map(|path| Source {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(&root).unwrap().display().to_string(),
        })
        .collect()
}

/// Fails with every breach, not only the first.
fn hold(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn modules_import_only_what_stands_below_them() {
    let mut breaches = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(module, _)| *module == source.module()) else {
            continue;
        };
        for (number, line) in source.code_lines() {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !used.is_empty() && used != source.module() && !allowed.contains(&used.as_str()) {
                    breaches.push(format!("{}:{} uses {used}", source.path, number + 1));
                }
            }
        }
    }
    hold("a module may only use what the design lets it", &breaches);
}

#[test]
fn only_main_uses_the_command_line() {
    let breaches: Vec<String> = sources()
        .iter()
        .filter(|source| {
            source.module() != "cli" && source.module() != "main" && source.code().contains("cli::")
        })
        .map(|source| source.path.clone())
        .collect();
    hold("only main.rs may use cli", &breaches);
}

/// Words that may only stand in the named files, and why.
const ONLY_IN: [(&str, &[&str], &str); 8] = [
    ("Color::", &["tui/theme"], "screens name meanings, the theme names colours"),
    (
        "Timestamp::now",
        &["sync/clock.rs", "tui/runtime.rs", "tui/welcome.rs", "telemetry", "sandbox/", "cli/"],
        "time is passed in",
    ),
    ("SystemTime::now", &["sandbox/"], "time is passed in"),
    ("std::time::Instant", &["telemetry"], "tokio's can be paused in tests"),
    (
        "crossterm::",
        &[
            "tui/terminal.rs",
            "tui/input.rs",
            "tui/keymap.rs",
            "cli/output/destination.rs",
            "cli/secret_input.rs",
        ],
        "the terminal has one door",
    ),
    ("println!", &["cli/"], "only commands print"),
    (
        "std::env::",
        &["cli/", "config/", "store/fault_point.rs"],
        "the environment is read once and passed on",
    ),
    ("rusqlite", &["store/"], "nobody else can tell that the store is SQLite"),
];

#[test]
fn some_words_stand_only_where_they_belong() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (word, places, why) in ONLY_IN {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for (number, line) in source.code_lines().filter(|(_, line)| line.contains(word)) {
                breaches.push(format!("{}:{} says {word} ({why}): {}", source.path, number + 1, line.trim()));
            }
        }
    }
    hold("some words stand only in their places", &breaches);
}

#[test]
fn the_interface_neither_blocks_nor_reaches_around_the_engine() {
    let mut breaches = Vec::new();
    // The panic hook is the one thing that other threads share with the console, so it may keep its words in a
    // lock; nothing that draws or handles input takes it.
    let is_hook = |source: &Source| source.path == "tui/terminal.rs";
    for source in sources().iter().filter(|source| source.module() == "tui" && !is_hook(source)) {
        for (number, line) in source.code_lines() {
            for word in ["std::fs", "std::thread::sleep", "Mutex", "RwLock", "reqwest", "blocking_"] {
                if line.contains(word) {
                    breaches.push(format!("{}:{} says {word}", source.path, number + 1));
                }
            }
        }
    }
    hold("the interface never waits for the network, the disk or a lock", &breaches);
}

#[test]
fn files_are_short_and_say_what_they_own() {
    let mut breaches = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            breaches.push(format!("{} has {lines} lines", source.path));
        }
        if !source.text.starts_with("//! ") {
            breaches.push(format!("{} does not begin with a paragraph of its own", source.path));
        }
    }
    hold("files are short and say on top what they own", &breaches);
}

#[test]
fn the_top_of_the_tree_holds_only_what_belongs_there() {
    let allowed = ["Cargo.toml", "Cargo.lock", "src", "assets", "tests", "README.md", "LICENSE", "target"];
    let breaches: Vec<String> = fs::read_dir(env!("CARGO_MANIFEST_DIR"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .collect();
    hold("the top of the tree holds only what belongs there", &breaches);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let mut in_dependencies = false;
    let mut breaches = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies]");
        } else if in_dependencies && line.contains('=') && !line.contains(" # ") {
            breaches.push(line.to_owned());
        }
    }
    hold("every dependency says in half a line what it is for", &breaches);
}
