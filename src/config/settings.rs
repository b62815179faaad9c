//! The one table of settings. Reading the file, the environment and the flags, `config show`, the hints in
//! messages and the commented file that `config init` writes all follow it. What the values become belongs
//! to [`super::model`].

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

const fn setting(
    name: &'static str,
    form: Form,
    expected: &'static str,
    example: &'static str,
    about: &'static str,
) -> Setting {
    Setting { name, form, need: Need::Optional, expected, default: None, example, about }
}

const fn with_default(setting: Setting, default: &'static str) -> Setting {
    Setting { default: Some(default), ..setting }
}

const fn needed(setting: Setting, need: Need) -> Setting {
    Setting { need, ..setting }
}

const SECRET: &str = "a text, or { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }";
const PROFILE_SECTION: Need = Need::WithItsSection;

/// Every setting but the key bindings and themes of one's own, in the order in which they are shown.
pub static SETTINGS: &[Setting] = &[
    with_default(
        setting(
            "mixpanel.region",
            Form::Text,
            "us, eu or in",
            r#""eu""#,
            "Where Mixpanel keeps the project's data.",
        ),
        r#""us""#,
    ),
    needed(
        setting(
            "mixpanel.project_id",
            Form::Integer,
            "the project's number, as in 12345",
            "12345",
            "Mixpanel: Settings > Project Settings > Overview.",
        ),
        Need::Required,
    ),
    setting(
        "mixpanel.workspace_id",
        Form::Integer,
        "the workspace's number, as in 67890",
        "67890",
        "Only for a data view other than the whole project.",
    ),
    needed(
        setting(
            "mixpanel.service_account",
            Form::Text,
            "the user name of a service account",
            r#""console.12345.mp-service-account""#,
            "Mixpanel: Settings > Organization Settings > Service Accounts.",
        ),
        Need::Required,
    ),
    needed(
        setting(
            "mixpanel.secret",
            Form::Secret,
            SECRET,
            r#"{ env = "MIXPANEL_SECRET" }"#,
            "The account's secret.",
        ),
        Need::Required,
    ),
    setting(
        "mixpanel.base_url",
        Form::Text,
        "an https:// address",
        r#""http://127.0.0.1:8080""#,
        "Instead of the region's host; /api/query/… is appended.",
    ),
    needed(
        setting(
            "mparticle.webhook_url",
            Form::Secret,
            SECRET,
            r#"{ env = "MPARTICLE_WEBHOOK_URL" }"#,
            "mParticle: Setup > Inputs > Feeds > Mixpanel Cohorts. It is a credential.",
        ),
        Need::ByFeed,
    ),
    with_default(
        setting(
            "mparticle.delivery",
            Form::Text,
            "feed, feed-members or events-api",
            r#""events-api""#,
            "How changes reach mParticle: feed (batches), feed-members (Mixpanel's own body) or events-api.",
        ),
        r#""feed""#,
    ),
    with_default(
        setting(
            "mparticle.environment",
            Form::Text,
            "production or development",
            r#""development""#,
            "The mParticle environment that batches are labelled with.",
        ),
        r#""production""#,
    ),
    with_default(
        setting(
            "mparticle.fallback_identity",
            Form::Text,
            "an identity type of mParticle, such as customer_id, email, other or other_id_2",
            r#""email""#,
            "The identity type that carries $distinct_id.",
        ),
        r#""customer_id""#,
    ),
    needed(
        setting(
            "mparticle.events_api.key",
            Form::Text,
            "the key of an input",
            r#""us1-…""#,
            "mParticle: Setup > Inputs > Feeds > Custom Feed. Needed for delivery by events-api.",
        ),
        Need::ByEventsApi,
    ),
    needed(
        setting(
            "mparticle.events_api.secret",
            Form::Secret,
            SECRET,
            r#"{ env = "MPARTICLE_SECRET" }"#,
            "The input's secret.",
        ),
        Need::ByEventsApi,
    ),
    setting(
        "mparticle.events_api.pod",
        Form::Text,
        "us1, us2, eu1 or au1",
        r#""eu1""#,
        "Where the account lives: us1 unless said otherwise, us2, eu1, au1.",
    ),
    setting(
        "mparticle.events_api.base_url",
        Form::Text,
        "an https:// address",
        r#""https://s2s.us1.mparticle.com""#,
        "Instead of the pod's host; /v2/bulkevents is appended.",
    ),
    needed(
        setting(
            "mparticle.profile_api.client_id",
            Form::Text,
            "a client id",
            r#""…""#,
            "The Profile API's credentials.",
        ),
        PROFILE_SECTION,
    ),
    needed(
        setting(
            "mparticle.profile_api.client_secret",
            Form::Secret,
            SECRET,
            r#"{ env = "MPARTICLE_CLIENT_SECRET" }"#,
            "The client's secret.",
        ),
        PROFILE_SECTION,
    ),
    needed(
        setting("mparticle.profile_api.org_id", Form::Integer, "a number", "1", "The organization."),
        PROFILE_SECTION,
    ),
    needed(
        setting("mparticle.profile_api.account_id", Form::Integer, "a number", "2", "The account."),
        PROFILE_SECTION,
    ),
    needed(
        setting("mparticle.profile_api.workspace_id", Form::Integer, "a number", "3", "The workspace."),
        PROFILE_SECTION,
    ),
    setting(
        "mparticle.profile_api.base_url",
        Form::Text,
        "an https:// address",
        r#""https://api.mparticle.com""#,
        "Where profiles are read.",
    ),
    setting(
        "mparticle.profile_api.token_url",
        Form::Text,
        "an https:// address",
        r#""https://sso.auth.mparticle.com/oauth/token""#,
        "Where the token comes from.",
    ),
    with_default(
        setting(
            "sync.interval",
            Form::Text,
            "a duration such as \"15m\", \"90s\" or \"1h30m\"",
            r#""1h""#,
            "How often a recurring sync runs.",
        ),
        r#""15m""#,
    ),
    with_default(
        setting(
            "sync.max_removal_share",
            Form::Decimal,
            "a share from 0 to 1",
            "0.2",
            "A run that would remove more than this share waits for a person.",
        ),
        "0.5",
    ),
    with_default(
        setting(
            "sync.full_refresh_every",
            Form::Text,
            "a duration such as \"30d\", or \"off\"",
            r#""30d""#,
            "How often a recurring sync tells mParticle every member again; it forgets inactive profiles.",
        ),
        r#""off""#,
    ),
    with_default(
        setting(
            "sync.skip_anonymous",
            Form::Switch,
            "true or false",
            "true",
            "Leave out anonymous people ($device:…), who cannot match.",
        ),
        "false",
    ),
    with_default(
        setting(
            "sync.max_concurrent_requests",
            Form::Integer,
            "a number from 1 to 32",
            "8",
            "How many requests to mParticle are under way at once.",
        ),
        "4",
    ),
    with_default(
        setting(
            "journal.max_requests",
            Form::Integer,
            "a number from 100 to 1000000",
            "50000",
            "How many requests and answers are kept to look into later.",
        ),
        "10000",
    ),
    with_default(
        setting(
            "journal.max_age",
            Form::Text,
            "a duration such as \"30d\" or \"12h\"",
            r#""90d""#,
            "How long a request and its answer are kept at most.",
        ),
        r#""30d""#,
    ),
    with_default(
        setting(
            "ui.theme",
            Form::Text,
            "auto, dark, light, high-contrast, ansi, mono or the name of a table [ui.themes.NAME]",
            r#""light""#,
            "The colours of the console: auto, dark, light, high-contrast, ansi (16 colours), mono, or a theme of yours.",
        ),
        r#""auto""#,
    ),
    with_default(
        setting("ui.ascii", Form::Switch, "true or false", "true", "Draw with ASCII characters only."),
        "false",
    ),
    with_default(
        setting(
            "ui.animations",
            Form::Switch,
            "true or false",
            "false",
            "Let spinners turn and toasts fade.",
        ),
        "true",
    ),
    with_default(
        setting("ui.mouse", Form::Switch, "true or false", "false", "Take mouse clicks and the wheel."),
        "true",
    ),
    with_default(
        setting(
            "ui.title",
            Form::Switch,
            "true or false",
            "false",
            "Tell in the window's title how the syncs stand.",
        ),
        "true",
    ),
    with_default(
        setting(
            "ui.notify",
            Form::Text,
            "off, bell or desktop",
            r#""bell""#,
            "How to call you when a sync pauses or fails: off, bell, desktop.",
        ),
        r#""off""#,
    ),
    with_default(
        setting("ui.clock", Form::Text, "local or utc", r#""utc""#, "Which time is shown: local or utc."),
        r#""local""#,
    ),
    with_default(
        setting(
            "ui.color",
            Form::Text,
            "auto, always or never",
            r#""never""#,
            "When output is coloured: auto, always, never.",
        ),
        r#""auto""#,
    ),
];

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
