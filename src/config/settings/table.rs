//! The settings themselves: name, form, default and the words for each, in the order in which they are shown. What a
//! setting is belongs to the parent module.

use super::{Form, Need, Setting};

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

const SECRET: &str = "a text, or { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", …] } or { keyring = \"NAME\" }";
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
    with_default(
        setting(
            "mixpanel.profile_properties",
            Form::List,
            "a list of at most 8 names of profile properties",
            r#"["$os","plan"]"#,
            "Properties of profiles that are read too, to group users without an id by; [] reads none.",
        ),
        r#"["$os","$app_version_string","mp_lib","$last_seen"]"#,
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
        "Where the account lives: us1, us2, eu1 or au1. The key says so in front, as in eu1-….",
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
