//! The operator's own themes: tables `[ui.themes.NAME]` that start from a built-in theme and give some of its
//! roles another colour. What a colour looks like on a terminal belongs to the console.

use super::build::Builder;
use super::errors::{Fault, Problem};
use super::layers::{Given, Layers};
use super::settings;
use super::value::Value;
use super::words::{Theme, ThemeBase, ThemeRole, Word};
use std::collections::BTreeMap;

/// What the name of every setting of a theme starts with.
pub(super) const SECTION: &str = "ui.themes";

/// The key that names the theme to start from.
const BASE: &str = "base";

/// The sixteen that the terminal's own palette holds, in its order.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// A colour as an operator writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// 24 bits: 0xrrggbb.
    Rgb(u32),
    /// One of the 256; the first sixteen are the terminal's own.
    Indexed(u8),
}

impl Colour {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => u8::try_from(*number).ok().map(Self::Indexed),
            Value::Text(text) => {
                let text = text.trim().to_ascii_lowercase();
                if let Some(digits) = text.strip_prefix('#') {
                    let whole = digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit());
                    return u32::from_str_radix(digits, 16).ok().filter(|_| whole).map(Self::Rgb);
                }
                let place = NAMES.iter().position(|name| *name == text);
                place.and_then(|place| u8::try_from(place).ok()).map(Self::Indexed)
            }
            _ => None,
        }
    }
}

/// A theme of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTheme {
    /// Its name.
    pub name: String,
    /// The built-in theme that says whatever it does not.
    pub base: ThemeBase,
    /// Its colours.
    pub colours: BTreeMap<ThemeRole, Colour>,
}

impl Layers {
    /// The values in the tables of themes, as theme, key, name of the setting and value.
    pub(super) fn theme_values(&self) -> impl Iterator<Item = (&str, &str, &str, &Given)> {
        self.values.iter().filter_map(|(setting, given)| {
            let (name, key) = setting.strip_prefix(SECTION)?.strip_prefix('.')?.rsplit_once('.')?;
            Some((name, key, setting.as_str(), given))
        })
    }
}

impl Builder {
    /// Reads the operator's own themes; whatever cannot be one is noted as a problem.
    pub(super) fn own_themes(&mut self) -> Vec<OwnTheme> {
        let mut themes: BTreeMap<String, OwnTheme> = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, key, setting, Given { value, origin }) in self.layers.theme_values() {
            let theme = themes.entry(name.to_owned()).or_insert_with(|| OwnTheme {
                name: name.to_owned(),
                base: ThemeBase::Dark,
                colours: BTreeMap::new(),
            });
            let fault = if Theme::from_word(name).is_some() {
                Some(Fault::Unfit {
                    found: "in a theme with a built-in name".to_owned(),
                    expected: "in one of another name",
                })
            } else if key == BASE {
                theme.set_base(value)
            } else {
                theme.set_colour(name, key, value)
            };
            problems.extend(fault.map(|fault| Problem {
                origin: origin.clone(),
                setting: setting.to_owned(),
                fault,
            }));
        }
        self.problems.extend(problems);
        themes.into_values().collect()
    }

    /// Which theme to begin with: a built-in one, or one of the operator's own with the one it is based on.
    pub(super) fn theme(&mut self, own: &[OwnTheme]) -> Option<(Theme, Option<String>)> {
        let Given { value, origin } = self.layers.values.get("ui.theme")?;
        let Value::Text(word) = value else { return None };
        if let Some(theme) = Theme::from_word(word) {
            return Some((theme, None));
        }
        if let Some(theme) = own.iter().find(|theme| theme.name == word.trim()) {
            return Some((theme.base.theme(), Some(theme.name.clone())));
        }
        let words = Theme::ALL.iter().map(|theme| theme.as_str());
        let nearest = settings::nearest(word, words.chain(own.iter().map(|theme| theme.name.as_str())));
        let fault = Fault::NotOneOf {
            found: value.to_string(),
            expected: "auto, dark, light, high-contrast, ansi, mono or the name of a table [ui.themes.NAME]",
            nearest: nearest.map(str::to_owned),
        };
        self.problems.push(Problem { origin: origin.clone(), setting: "ui.theme".to_owned(), fault });
        None
    }
}

impl OwnTheme {
    fn set_base(&mut self, value: &Value) -> Option<Fault> {
        let text = if let Value::Text(text) = value { text.as_str() } else { "" };
        if let Some(base) = ThemeBase::from_word(text) {
            self.base = base;
            return None;
        }
        let nearest = settings::nearest(text, ThemeBase::ALL.iter().map(|base| base.as_str()));
        Some(Fault::NotOneOf {
            found: value.to_string(),
            expected: "dark, light or high-contrast",
            nearest: nearest.map(str::to_owned),
        })
    }

    fn set_colour(&mut self, name: &str, key: &str, value: &Value) -> Option<Fault> {
        let roles = ThemeRole::ALL.iter().map(|role| role.as_str());
        let Some(role) = ThemeRole::ALL.iter().find(|role| role.as_str() == key) else {
            let nearest = settings::nearest(key, roles.chain([BASE]));
            return Some(Fault::UnknownKey {
                nearest: nearest.map(|near| format!("{SECTION}.{name}.{near}")),
            });
        };
        if let Some(colour) = Colour::read(value) {
            self.colours.insert(*role, colour);
            return None;
        }
        let nearest = if let Value::Text(text) = value { settings::nearest(text, NAMES) } else { None };
        Some(Fault::NotOneOf {
            found: value.to_string(),
            expected: "a colour: \"#rrggbb\", a name such as \"red\" or \"bright-red\", or a number from 0 to 255",
            nearest: nearest.map(str::to_owned),
        })
    }
}
