//! Which key runs which action: the defaults of the action table, with what the user wants otherwise laid
//! over them. Two actions on one key are an error that names both; an unknown action is answered with the
//! nearest one. This file also holds our own word for a key, how it is spelt and how it is read.

use super::action::{Action, Place, Scope};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those on the keyboard")]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// The keys that have a name rather than a character.
const NAMES: [(&str, Code); 17] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("space", Code::Char(' ')),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
];

/// A key press. Shift is part of the character: `G`, not shift and `g`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// With control held.
    pub ctrl: bool,
    /// With alt held.
    pub alt: bool,
}

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// The character the key types, when it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// How the screen writes it: arrows and the like as a sign where the glyphs allow it.
    #[must_use]
    pub fn label(self, ascii: bool) -> String {
        let sign = match self.code {
            _ if ascii || self.ctrl || self.alt => None,
            Code::Enter => Some("⏎"),
            Code::Up => Some("↑"),
            Code::Down => Some("↓"),
            Code::Left => Some("←"),
            Code::Right => Some("→"),
            _ => None,
        };
        sign.map_or_else(|| self.to_string().replace("backtab", "shift-tab"), str::to_owned)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, Code::F(number)) => write!(f, "f{number}"),
            (None, _) => Ok(()),
        }
    }
}

impl FromStr for Key {
    type Err = KeymapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let unknown = || KeymapError::UnknownKey(text.to_owned());
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => Code::Char(c),
            _ => named(rest).ok_or_else(unknown)?,
        };
        Ok(Self { code, ctrl, alt })
    }
}

fn named(text: &str) -> Option<Code> {
    let lower = text.to_ascii_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(*code);
    }
    let number = lower.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(Code::F(number))
}

/// What is wrong with the keys of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// Not a key.
    #[error(
        "\"{0}\" is not a key; write a character, or one of enter, esc, tab, space, up, pgdn, f1, ctrl-x, alt-x"
    )]
    UnknownKey(String),
    /// Not an action.
    #[error("there is no action \"{action}\" to bind a key to; did you mean \"{nearest}\"?")]
    UnknownAction {
        /// What the configuration says.
        action: String,
        /// The most similar action.
        nearest: &'static str,
    },
    /// One key, two meanings.
    #[error("the key {key} is bound to both \"{first}\" and \"{second}\"; give one of them another key")]
    Conflict {
        /// The key.
        key: Key,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// Keys to actions, and back.
#[derive(Debug, Clone)]
pub struct Keymap {
    by_key: HashMap<Key, Vec<(Scope, Action)>>,
    by_action: BTreeMap<Action, Vec<Key>>,
}

impl Keymap {
    /// The default keys, with the keys of the actions in `overrides` replaced. An empty list unbinds.
    ///
    /// # Errors
    /// An action or a key is unknown, or a key would mean two things in one place.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        for id in overrides.keys() {
            if Action::from_id(id).is_none() {
                return Err(KeymapError::UnknownAction { action: id.clone(), nearest: nearest(id) });
            }
        }
        let mut map = Self { by_key: HashMap::new(), by_action: BTreeMap::new() };
        for action in Action::ALL {
            match overrides.get(action.spec().id) {
                Some(keys) => map.bind(*action, keys.iter().map(String::as_str))?,
                None => map.bind(*action, action.spec().keys.iter().copied())?,
            }
        }
        Ok(map)
    }

    fn bind<'a>(&mut self, action: Action, keys: impl Iterator<Item = &'a str>) -> Result<(), KeymapError> {
        let scope = action.spec().scope;
        let mut bound = Vec::new();
        for key in keys {
            let key: Key = key.parse()?;
            let meanings = self.by_key.entry(key).or_default();
            if let Some((_, other)) = meanings.iter().find(|(taken, _)| taken.meets(scope)) {
                let (first, second) = (other.spec().id, action.spec().id);
                return Err(KeymapError::Conflict { key, first, second });
            }
            meanings.push((scope, action));
            bound.push(key);
        }
        self.by_action.insert(action, bound);
        Ok(())
    }

    /// What a key means in a place.
    #[must_use]
    pub fn action(&self, key: Key, place: Place) -> Option<Action> {
        let meanings = self.by_key.get(&key)?;
        meanings.iter().find(|(bound, _)| bound.covers(place)).map(|(_, action)| *action)
    }

    /// The keys that run an action, the one to show first.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.by_action.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The key to show for an action; nothing when it has none.
    #[must_use]
    pub fn label(&self, action: Action, ascii: bool) -> Option<String> {
        self.keys(action).first().map(|key| key.label(ascii))
    }
}

/// The action whose name is most like the given one.
fn nearest(id: &str) -> &'static str {
    let likeness = |action: &&Action| (strsim::jaro_winkler(action.spec().id, id) * 1000.0).round();
    let best = Action::ALL.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.map_or("help", |action| action.spec().id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(entries: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        entries.iter().map(|(id, keys)| ((*id).to_owned(), owned(keys))).collect()
    }

    #[test]
    fn the_default_keys_do_not_conflict() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        assert_eq!(keymap.action("s".parse().unwrap(), Place::Cohorts), Some(Action::StartSync));
        assert_eq!(keymap.action("s".parse().unwrap(), Place::Log), None);
        assert_eq!(keymap.action("?".parse().unwrap(), Place::Log), Some(Action::Help));
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["a", "G", "ctrl-d", "alt-x", "enter", "space", "f12", "pgdn", "-", "ctrl--", "é"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert!("hyper-x".parse::<Key>().is_err());
        assert!("f13".parse::<Key>().is_err());
        assert!("".parse::<Key>().is_err());
    }

    #[test]
    fn a_user_key_replaces_the_default() {
        let keymap = Keymap::new(&overrides(&[("theme", &["f2"]), ("sync.run", &["t"])])).unwrap();
        assert_eq!(keymap.action("t".parse().unwrap(), Place::Cohorts), Some(Action::RunNow));
        assert_eq!(keymap.label(Action::Theme, false).as_deref(), Some("f2"));
    }

    #[test]
    fn a_conflict_names_both_actions() {
        let error = Keymap::new(&overrides(&[("theme", &["s"])])).unwrap_err().to_string();
        assert!(error.contains("sync.start") && error.contains("theme"), "{error}");
    }

    #[test]
    fn an_unknown_action_is_answered_with_the_nearest() {
        let error = Keymap::new(&overrides(&[("sync.strat", &["s"])])).unwrap_err().to_string();
        assert!(error.contains("sync.start"), "{error}");
    }
}
