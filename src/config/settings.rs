//! The one table of settings. Reading the file, the environment and the flags, `config show`, the hints in
//! messages and the commented file that `config init` writes all follow it. What the values become belongs
//! to [`super::model`].

mod table;

pub use table::SETTINGS;

use super::environment::PREFIX;

/// Of which kind a value is, before anyone looks at what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number that may have a fraction.
    Decimal,
    /// true or false.
    Switch,
    /// A list of texts.
    List,
    /// A credential, or where to find it.
    Secret,
}

/// Whether the program can do without a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Connecting is impossible without it.
    Required,
    /// Has a default, or is simply left out.
    Optional,
    /// Required as soon as another setting of its section is given.
    WithItsSection,
    /// Required where changes go to the feed.
    ByFeed,
    /// Required where changes go to the Events API.
    ByEventsApi,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Section and key, as in `mixpanel.region`.
    pub name: &'static str,
    /// Of which kind the value is.
    pub form: Form,
    /// Whether it must be given.
    pub need: Need,
    /// What a value must be, completing the sentence "expected …".
    pub expected: &'static str,
    /// The value unless given, as TOML; `None` when there is none or it depends on other settings.
    pub default: Option<&'static str>,
    /// A value to copy, as TOML.
    pub example: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
}

impl Setting {
    /// The table it stands in, as in `mparticle.profile_api`.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its key inside that table.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, key)| key)
    }

    /// The environment variable that overrides it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// Whether a change of this setting takes effect only when the console connects anew.
#[must_use]
pub fn is_of_connection(name: &str) -> bool {
    ["mixpanel.", "mparticle."].iter().any(|section| name.starts_with(section))
}

/// The prefix of the settings that bind keys; their names are the console's actions, which only it knows.
pub const KEYS_SECTION: &str = "keys";

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The lines of a section that must be given as soon as one of them is, as TOML to fill in.
#[must_use]
pub fn lines_to_fill_in(section: &str) -> Vec<String> {
    let is_needed = |setting: &&Setting| setting.section() == section && setting.need == Need::WithItsSection;
    let needed = SETTINGS.iter().filter(is_needed);
    needed.map(|setting| format!("{} = {}", setting.key(), setting.example)).collect()
}

/// The candidate that somebody who wrote `name` most likely meant, if any is near.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        // A third of the letters wrong is a slip; more is another word.
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(2))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_variables_and_sections_follow_from_the_name() {
        let setting = find("mparticle.profile_api.client_id").unwrap();
        assert_eq!(setting.section(), "mparticle.profile_api");
        assert_eq!(setting.key(), "client_id");
        assert_eq!(setting.variable(), "COHORT_SYNC_MPARTICLE_PROFILE_API_CLIENT_ID");
        assert_eq!(find("sync.interval").unwrap().variable(), "COHORT_SYNC_SYNC_INTERVAL");
    }

    #[test]
    fn no_two_settings_share_a_name_or_a_variable() {
        let mut names: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let names = || SETTINGS.iter().map(|setting| setting.name);
        assert_eq!(nearest("mixpanel.regoin", names()), Some("mixpanel.region"));
        assert_eq!(nearest("sync.intervall", names()), Some("sync.interval"));
        assert_eq!(nearest("weather.tomorrow", names()), None);
    }
}
