//! The configuration file as a list of settings with their lines. Finds what TOML cannot know: keys that are
//! no settings, values of the wrong type, credentials in a file that others may read. Which value wins in
//! the end, and what it means, belongs to [`super::layers`] and [`super::build`].

use super::errors::{ConfigError, Fault, Origin, Problem};
use super::secrets::{Secret, SecretSource, permission_bits};
use super::settings::{self, Form, KEYS_SECTION, SETTINGS, Setting};
use super::themes;
use super::value::Value;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Whether there is a file at all.
    pub found: bool,
    /// The values, in no particular order.
    pub entries: Vec<Entry>,
    /// The names of the `[profiles.NAME]` tables, sorted.
    pub profiles: Vec<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// One value of the file.
#[derive(Debug)]
pub(super) struct Entry {
    /// The profile it belongs to; `None` at the top level.
    pub profile: Option<String>,
    /// The setting, as in `mixpanel.region` or `keys.quit`.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

impl Document {
    /// Reads the file; one that does not exist is an empty document.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(unreadable)?,
        };
        let mode = permission_bits(&std::fs::metadata(path).map_err(unreadable)?);
        Self::parse(path, &text, mode)
    }

    /// Reads the text of a file with these permission bits.
    pub(super) fn parse(path: &Path, text: &str, mode: u32) -> Result<Self, ConfigError> {
        let root = DeTable::parse(text).map_err(|error| {
            let (line, column) = place(text, error.span().unwrap_or_default().start);
            ConfigError::Syntax { path: path.to_owned(), line, column, message: error.message().to_owned() }
        })?;
        let mut reader =
            Reader { path, text, profile: None, document: Self { found: true, ..Self::default() } };
        reader.root(root.get_ref());
        let mut document = reader.document;
        document.entries.iter().filter_map(|entry| exposure(entry, path, mode)).for_each(|problem| {
            document.problems.push(problem);
        });
        document.profiles.sort();
        document.problems.sort_by_key(|problem| match problem.origin {
            Origin::File { line, .. } => line,
            _ => 0,
        });
        Ok(document)
    }
}

/// Whether the file's permissions allow others too much for what this entry says.
fn exposure(entry: &Entry, path: &Path, mode: u32) -> Option<Problem> {
    let path = PathBuf::from(path);
    let fault = match entry.value {
        Value::Secret(SecretSource::Plain(_)) if mode & 0o077 != 0 => Fault::Exposed { path, mode },
        Value::Secret(SecretSource::Command(_)) if mode & 0o022 != 0 => Fault::Changeable { path, mode },
        _ => return None,
    };
    Some(Problem { origin: entry.origin.clone(), setting: entry.name.clone(), fault })
}

/// The line and column of a byte, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Walks the tables of the file.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    profile: Option<String>,
    document: Document,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in root {
            if key.get_ref() != "profiles" {
                self.item("", key.get_ref(), key.span(), value.get_ref());
            } else if let DeValue::Table(profiles) = value.get_ref() {
                self.profiles(profiles);
            } else {
                self.unfit(
                    "profiles",
                    key.span(),
                    value.get_ref(),
                    "a table: [profiles.NAME.mixpanel] and so on",
                );
            }
        }
    }

    fn profiles(&mut self, profiles: &DeTable<'_>) {
        for (name, value) in profiles {
            let DeValue::Table(sections) = value.get_ref() else {
                let setting = format!("profiles.{}", name.get_ref());
                self.unfit(
                    &setting,
                    name.span(),
                    value.get_ref(),
                    "a table: [profiles.NAME.mixpanel] and so on",
                );
                continue;
            };
            self.document.profiles.push(name.get_ref().to_string());
            self.profile = Some(name.get_ref().to_string());
            self.table("", sections);
            self.profile = None;
        }
    }

    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.item(section, key.get_ref(), key.span(), value.get_ref());
        }
    }

    fn item(&mut self, section: &str, key: &str, span: Range<usize>, value: &DeValue<'_>) {
        let name = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        if section == KEYS_SECTION {
            self.binding(name, span, value);
        } else if name == themes::SECTION {
            self.themes(span, value);
        } else if let Some(setting) = settings::find(&name) {
            self.setting(setting, span, value);
        } else if !is_section(&name) {
            let nearest = nearest_name(section, &name);
            self.problem(name, span, Fault::UnknownKey { nearest });
        } else if let DeValue::Table(table) = value {
            self.table(&name, table);
        } else {
            self.unfit(&name, span, value, "a table");
        }
    }

    fn setting(&mut self, setting: &'static Setting, span: Range<usize>, value: &DeValue<'_>) {
        let read = match setting.form {
            Form::Secret => self.secret(value),
            Form::List => value.as_array().and_then(|list| texts(list)).map(Value::Texts),
            _ => plain(value).filter(|value| value.fits(setting.form)),
        };
        match read {
            Some(value) => self.entry(setting.name.to_owned(), span, value),
            None if setting.form == Form::Secret => {
                let fault = Fault::Unfit { found: String::new(), expected: setting.expected };
                self.problem(setting.name.to_owned(), span, fault);
            }
            None => self.unfit(setting.name, span, value, setting.expected),
        }
    }

    /// The tables of the operator's own themes; their keys are checked where the colours are read.
    fn themes(&mut self, span: Range<usize>, value: &DeValue<'_>) {
        const TABLE: &str = "a table: [ui.themes.NAME]";
        let DeValue::Table(named) = value else { return self.unfit(themes::SECTION, span, value, TABLE) };
        for (theme, value) in named {
            let name = format!("{}.{}", themes::SECTION, theme.get_ref());
            let DeValue::Table(roles) = value.get_ref() else {
                self.unfit(&name, theme.span(), value.get_ref(), TABLE);
                continue;
            };
            for (role, value) in roles {
                let name = format!("{name}.{}", role.get_ref());
                match plain(value.get_ref()) {
                    Some(value) => self.entry(name, role.span(), value),
                    None => self.unfit(&name, role.span(), value.get_ref(), "a colour, such as \"#rrggbb\""),
                }
            }
        }
    }

    /// A key, or a list of keys, for an action of the console.
    fn binding(&mut self, name: String, span: Range<usize>, value: &DeValue<'_>) {
        let keys = match value {
            DeValue::String(key) => Some(vec![key.to_string()]),
            DeValue::Array(keys) => texts(keys),
            _ => None,
        };
        match keys {
            Some(keys) => self.entry(name, span, Value::Texts(keys)),
            None => self.unfit(&name, span, value, "a key such as \"ctrl-r\", or a list of keys"),
        }
    }

    fn secret(&self, value: &DeValue<'_>) -> Option<Value> {
        let source = match value {
            DeValue::String(text) => SecretSource::Plain(Secret::new(text.as_ref())),
            DeValue::Table(table) if table.len() == 1 => {
                let (key, value) = table.iter().next()?;
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("env", DeValue::String(name)) => SecretSource::Environment(name.to_string()),
                    ("keyring", DeValue::String(name)) if !name.trim().is_empty() => {
                        SecretSource::Keyring(name.trim().to_owned())
                    }
                    ("file", DeValue::String(file)) => {
                        // Joining leaves an absolute path as it is.
                        let directory = self.path.parent().unwrap_or_else(|| Path::new(""));
                        SecretSource::File(directory.join(file.as_ref()))
                    }
                    ("command", DeValue::Array(words)) => {
                        SecretSource::Command(texts(words).filter(|words| !words.is_empty())?)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Value::Secret(source))
    }

    fn entry(&mut self, name: String, span: Range<usize>, value: Value) {
        let (profile, origin) = (self.profile.clone(), self.origin(span));
        self.document.entries.push(Entry { profile, name, value, origin });
    }

    fn unfit(&mut self, setting: &str, span: Range<usize>, found: &DeValue<'_>, expected: &'static str) {
        let found =
            plain(found).map_or_else(|| format!("of type {}", found.type_str()), |value| value.to_string());
        self.problem(setting.to_owned(), span, Fault::Unfit { found, expected });
    }

    fn problem(&mut self, setting: String, span: Range<usize>, fault: Fault) {
        let origin = self.origin(span);
        self.document.problems.push(Problem { origin, setting, fault });
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File { path: self.path.to_owned(), line: place(self.text, span.start).0 }
    }
}

/// A value that is neither table, list nor date.
fn plain(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Decimal),
        DeValue::Boolean(switch) => Some(Value::Switch(*switch)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn texts(list: &[Spanned<DeValue<'_>>]) -> Option<Vec<String>> {
    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn is_section(name: &str) -> bool {
    let prefix = format!("{name}.");
    name == KEYS_SECTION || SETTINGS.iter().any(|setting| setting.name.starts_with(&prefix))
}

/// The setting or section that was probably meant: one of the same section first, then any.
fn nearest_name(section: &str, name: &str) -> Option<String> {
    let sections = ["mixpanel", "mparticle", "sync", "journal", "ui", KEYS_SECTION, "profiles"];
    if section.is_empty()
        && let Some(near) = settings::nearest(name, sections)
    {
        return Some(format!("[{near}]"));
    }
    let key = name.rsplit('.').next().unwrap_or(name);
    let within = SETTINGS.iter().filter(|setting| setting.section() == section);
    let elsewhere = SETTINGS.iter().find(|setting| setting.key() == key);
    settings::nearest(key, within.map(Setting::key))
        .map(|near| if section.is_empty() { near.to_owned() } else { format!("{section}.{near}") })
        .or_else(|| elsewhere.map(|setting| setting.name.to_owned()))
}
