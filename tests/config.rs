//! The configuration from outside: what people write in the file, and what they are told about it. Each
//! message is held to the letter, since it is all that helps somebody whose configuration does not work.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[path = "config/credentials.rs"]
mod credentials;
#[path = "config/edit.rs"]
mod edit;
#[path = "config/guide.rs"]
mod guide;
#[path = "config/profiles.rs"]
mod profiles;
#[path = "config/themes.rs"]
mod themes;

use cohort_sync::config::{
    self, Config, ConfigError, FallbackIdentity, InterfaceConfig, Layers, Origin, Override, Region, Request,
    SyncConfig, Theme, settings::SETTINGS,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A credential that must turn up nowhere.
const PLANTED: &str = "pl4nted-secret-0123456789";

const TOKEN_URL: &str = "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-0123456789abcdefa9f2";

const WORKING: &str = r#"
[mixpanel]
region = "eu"
project_id = 12345
service_account = "console.12345.mp-service-account"
secret = { env = "MIXPANEL_SECRET" }

[mparticle]
webhook_url = { env = "MPARTICLE_WEBHOOK_URL" }
"#;

/// A configuration file of its own directory, private to its owner.
struct Written {
    directory: tempfile::TempDir,
}

impl Written {
    fn new(text: &str) -> Self {
        let written = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::write(written.path(), text).unwrap();
        set_mode(&written.path(), 0o600);
        written
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    fn layers(&self, profile: &str, variables: &[(&str, &str)]) -> Result<Layers, ConfigError> {
        Layers::read(request(&self.path(), profile, variables))
    }

    fn config(&self, profile: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        self.layers(profile, variables)?.config()
    }

    /// The message about this file, with `FILE` for its path.
    fn message(&self, variables: &[(&str, &str)]) -> String {
        let error = self.config("default", variables).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(PLANTED) && !text.contains("0123456789abcdef"), "{text}");
        error.to_string().replace(&self.path().display().to_string(), "FILE")
    }
}

fn request(path: &Path, profile: &str, variables: &[(&str, &str)]) -> Request {
    let credentials = [("MIXPANEL_SECRET", PLANTED), ("MPARTICLE_WEBHOOK_URL", TOKEN_URL)];
    Request {
        config_file: path.to_owned(),
        profile: profile.to_owned(),
        environment: credentials.iter().chain(variables).copied().collect(),
        overrides: Vec::new(),
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn a_working_file_and_the_defaults_make_a_configuration() {
    let config = Written::new(WORKING).config("default", &[]).unwrap();
    assert_eq!(config.mixpanel.region, Region::Eu);
    assert_eq!(config.mixpanel.base_url, "https://eu.mixpanel.com");
    assert_eq!(config.mixpanel.project_id, 12_345);
    assert_eq!(config.mixpanel.workspace_id, None);
    assert_eq!(config.mixpanel.secret.expose(), PLANTED);
    assert_eq!(config.mparticle.webhook_url().unwrap().expose(), TOKEN_URL);
    assert_eq!(config.mparticle.webhook_url().unwrap().masked(), "us1-…a9f2");
    assert_eq!(config.mparticle.fallback_identity, FallbackIdentity::CustomerId);
    assert_eq!(config.mparticle.profile_api, None);
    assert_eq!(config.sync, SyncConfig::default());
    assert_eq!(config.interface, InterfaceConfig::default());
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_the_remedy() {
    let cases: &[(&str, &str)] = &[
        (
            "[mixpanel]\nregoin = \"eu\"",
            "FILE:2: mixpanel.regoin is not a setting; did you mean mixpanel.region?",
        ),
        ("[mixpanle]\nregion = \"eu\"", "FILE:1: mixpanle is not a setting; did you mean [mixpanel]?"),
        ("interval = \"15m\"", "FILE:1: interval is not a setting; did you mean sync.interval?"),
        ("[sync]\nweather = 1", "FILE:2: sync.weather is not a setting"),
        ("mixpanel = 3", "FILE:1: mixpanel is 3, but must be a table"),
        ("[mixpanel]\nregion = \"mars\"", "FILE:2: mixpanel.region is \"mars\", but must be us, eu or in"),
        (
            "[mixpanel]\nregion = [\"eu\"]",
            "FILE:2: mixpanel.region is of type array, but must be us, eu or in",
        ),
        (
            "[mixpanel]\nproject_id = \"12345\"",
            "FILE:2: mixpanel.project_id is \"12345\", but must be the project's number, as in 12345",
        ),
        (
            "[mixpanel]\nproject_id = -1",
            "FILE:2: mixpanel.project_id is -1, but must be the project's number, as in 12345",
        ),
        (
            "[mixpanel]\nservice_account = \" \"",
            "FILE:2: mixpanel.service_account is \" \", but must be the user name of a service account",
        ),
        (
            "[mixpanel]\nsecret = 7",
            "FILE:2: mixpanel.secret must be a text, or { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", …] } or { keyring = \"NAME\" }",
        ),
        (
            "[mixpanel]\nsecret = { evn = \"pl4nted-secret-0123456789\" }",
            "FILE:2: mixpanel.secret must be a text, or { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", …] } or { keyring = \"NAME\" }",
        ),
        (
            "[mixpanel]\nbase_url = \"http://mixpanel.com\"",
            "FILE:2: mixpanel.base_url must start with https://; plain http is accepted for this computer (127.0.0.1, ::1, localhost) only",
        ),
        (
            "[mixpanel]\nbase_url = \"https://user:pl4nted-secret-0123456789@host\"",
            "FILE:2: mixpanel.base_url must not hold a user name or password; they belong in their own settings",
        ),
        (
            "[mparticle]\nfallback_identity = \"customerid\"",
            "FILE:2: mparticle.fallback_identity is \"customerid\", but must be an identity type of mParticle, such as customer_id, email, other or other_id_2",
        ),
        (
            "[sync]\ninterval = \"soon\"",
            "FILE:2: sync.interval is \"soon\", but must be a duration such as \"15m\", \"90s\" or \"1h30m\"",
        ),
        (
            "[sync]\ninterval = \"0s\"",
            "FILE:2: sync.interval is \"0s\", but must be a duration such as \"15m\", \"90s\" or \"1h30m\"",
        ),
        (
            "[sync]\nmax_removal_share = 50",
            "FILE:2: sync.max_removal_share is 50, but must be a share from 0 to 1",
        ),
        (
            "[sync]\nmax_removal_share = nan",
            "FILE:2: sync.max_removal_share is NaN, but must be a share from 0 to 1",
        ),
        (
            "[sync]\nmax_concurrent_requests = 33",
            "FILE:2: sync.max_concurrent_requests is 33, but must be a number from 1 to 32",
        ),
        (
            "[journal]\nmax_requests = 99",
            "FILE:2: journal.max_requests is 99, but must be a number from 100 to 1000000",
        ),
        (
            "[journal]\nmax_age = \"off\"",
            "FILE:2: journal.max_age is \"off\", but must be a duration such as \"30d\" or \"12h\"",
        ),
        ("[ui]\nmouse = \"yes\"", "FILE:2: ui.mouse is \"yes\", but must be true or false"),
        (
            "[keys]\nquit = 3",
            "FILE:2: keys.quit is 3, but must be a key such as \"ctrl-r\", or a list of keys",
        ),
    ];
    for (text, message) in cases {
        // What the case does not set comes from the environment, so that nothing is missing.
        let variables = [
            ("COHORT_SYNC_MIXPANEL_PROJECT_ID", "1"),
            ("COHORT_SYNC_MIXPANEL_SERVICE_ACCOUNT", "account"),
            ("COHORT_SYNC_MIXPANEL_SECRET", PLANTED),
            ("COHORT_SYNC_MPARTICLE_WEBHOOK_URL", TOKEN_URL),
        ];
        let given = |variable: &&(&str, &str)| {
            let key = variable.0.rsplit("MIXPANEL_").next().unwrap_or_default().to_lowercase();
            !text.contains(&format!("{key} ="))
        };
        let variables: Vec<_> = variables.iter().filter(given).copied().collect();
        assert_eq!(&Written::new(text).message(&variables), message, "about {text}");
    }
}

#[test]
fn text_that_is_no_toml_is_placed_and_not_quoted() {
    let written = Written::new("[mixpanel]\nsecret = pl4nted-secret-0123456789\n");
    assert_eq!(
        written.message(&[]),
        "FILE:2:10: string values must be quoted, expected literal string; correct the line"
    );
}

#[test]
fn everything_wrong_and_missing_is_told_at_once() {
    let written =
        Written::new("[mixpanel]\nregion = \"mars\"\n[sync]\ninterval = \"0s\"\n[ui]\ntheem = \"dark\"");
    assert_eq!(
        written.message(&[]),
        "the configuration cannot be used:
  FILE:6: ui.theem is not a setting; did you mean ui.theme?
  FILE:2: mixpanel.region is \"mars\", but must be us, eu or in
  FILE:4: sync.interval is \"0s\", but must be a duration such as \"15m\", \"90s\" or \"1h30m\"
  mixpanel.project_id is missing: write `project_id = 12345` under [mixpanel] in FILE, or set COHORT_SYNC_MIXPANEL_PROJECT_ID
  mixpanel.service_account is missing: write `service_account = \"console.12345.mp-service-account\"` under [mixpanel] in FILE, or set COHORT_SYNC_MIXPANEL_SERVICE_ACCOUNT
  mixpanel.secret is missing: write `secret = { env = \"MIXPANEL_SECRET\" }` under [mixpanel] in FILE, or set COHORT_SYNC_MIXPANEL_SECRET
  mparticle.webhook_url is missing: write `webhook_url = { env = \"MPARTICLE_WEBHOOK_URL\" }` under [mparticle] in FILE, or set COHORT_SYNC_MPARTICLE_WEBHOOK_URL"
    );
}

#[test]
fn half_a_profile_api_asks_for_the_other_half() {
    let written =
        Written::new(&format!("{WORKING}\n[mparticle.profile_api]\nclient_id = \"c\"\norg_id = 1\n"));
    let message = written.message(&[]);
    for key in ["client_secret", "account_id", "workspace_id"] {
        assert!(message.contains(&format!("mparticle.profile_api.{key} is missing")), "{message}");
    }
}

#[test]
fn no_configuration_at_all_is_a_case_of_its_own() {
    let absent = Path::new("/nonexistent/config.toml");
    let read = |variables: &[(&str, &str)]| Layers::read(request(absent, "default", variables)).unwrap();
    assert!(matches!(read(&[]).config(), Err(ConfigError::Missing { path }) if path == absent));
    let theme_only = [("COHORT_SYNC_UI_THEME", "mono")];
    assert!(matches!(read(&theme_only).config(), Err(ConfigError::Missing { .. })));
    assert_eq!(read(&theme_only).interface().unwrap().theme, Theme::Mono);
    let half = [("COHORT_SYNC_MIXPANEL_PROJECT_ID", "1")];
    assert!(matches!(read(&half).config(), Err(ConfigError::Invalid { .. })));
}

#[test]
fn the_environment_alone_is_enough() {
    let variables = [
        ("COHORT_SYNC_MIXPANEL_REGION", "in"),
        ("COHORT_SYNC_MIXPANEL_PROJECT_ID", "1"),
        ("COHORT_SYNC_MIXPANEL_SERVICE_ACCOUNT", "account"),
        ("COHORT_SYNC_MIXPANEL_SECRET", PLANTED),
        ("COHORT_SYNC_MPARTICLE_WEBHOOK_URL", TOKEN_URL),
        ("COHORT_SYNC_SYNC_INTERVAL", "1h30m"),
        ("COHORT_SYNC_SYNC_SKIP_ANONYMOUS", "1"),
    ];
    let config =
        Layers::read(request(Path::new("/nonexistent"), "default", &variables)).unwrap().config().unwrap();
    assert_eq!(config.mixpanel.base_url, "https://in.mixpanel.com");
    assert_eq!(config.sync.interval, Duration::from_mins(90));
    assert!(config.sync.skip_anonymous);
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let written = Written::new(&format!("{WORKING}\n[ui]\ntheme = \"dark\"\n[sync]\ninterval = \"1m\"\n"));
    let variables = [("COHORT_SYNC_UI_THEME", "light"), ("COHORT_SYNC_SYNC_INTERVAL", "2m")];
    let mut request = request(&written.path(), "default", &variables);
    request.overrides = vec![Override { setting: "ui.theme", value: "mono".into(), flag: "--theme" }];
    let config = Layers::read(request).unwrap().config().unwrap();
    assert_eq!(config.interface.theme, Theme::Mono);
    assert_eq!(config.sync.interval, Duration::from_mins(2));
}

#[test]
fn a_variable_that_makes_no_sense_is_named_and_one_that_sets_nothing_is_remarked_on() {
    let written = Written::new(WORKING);
    assert_eq!(
        written.message(&[("COHORT_SYNC_SYNC_MAX_CONCURRENT_REQUESTS", "many")]),
        "COHORT_SYNC_SYNC_MAX_CONCURRENT_REQUESTS: sync.max_concurrent_requests is \"many\", but must be a number from 1 to 32"
    );
    let config = written.config("default", &[("COHORT_SYNC_MIXPANEL_REGOIN", "eu")]).unwrap();
    assert_eq!(
        config.warnings,
        [
            "the environment variable COHORT_SYNC_MIXPANEL_REGOIN sets nothing; did you mean COHORT_SYNC_MIXPANEL_REGION?"
        ]
    );
}

#[test]
fn profiles_override_what_they_repeat() {
    let text = format!(
        "{WORKING}\n[profiles.staging.mixpanel]\nproject_id = 54321\n[profiles.staging.mparticle]\nenvironment = \"development\"\n[profiles.other.sync]\ninterval = \"1h\"\n"
    );
    let written = Written::new(&text);
    let staging = written.config("staging", &[]).unwrap();
    assert_eq!((staging.profile.as_str(), staging.mixpanel.project_id), ("staging", 54_321));
    assert_eq!(staging.mixpanel.region, Region::Eu);
    assert_eq!(staging.sync, SyncConfig::default());
    assert_eq!(written.config("default", &[]).unwrap().mixpanel.project_id, 12_345);
    let error = written.config("prod", &[]).unwrap_err().to_string();
    assert!(
        error.contains("config.toml; it has other, staging; `cohort-sync --profile NAME setup` adds another"),
        "{error}"
    );
    let error = Written::new(WORKING).config("prod", &[]).unwrap_err().to_string();
    assert!(
        error.contains("there is no profile prod in") && error.contains("no [profiles.NAME] tables"),
        "{error}"
    );
}

#[test]
fn keys_keep_where_they_were_written() {
    let written = Written::new(&format!("{WORKING}\n[keys]\nquit = [\"q\", \"ctrl-c\"]\nrefresh = \"R\"\n"));
    let keys = written.config("default", &[]).unwrap().interface.keys;
    assert_eq!(keys["quit"].keys, ["q", "ctrl-c"]);
    assert_eq!(keys["refresh"].keys, ["R"]);
    assert_eq!(keys["refresh"].origin, Origin::File { path: written.path(), line: 13 });
}

#[test]
fn show_says_where_each_value_came_from_and_no_credential() {
    let text = format!("{WORKING}\n[keys]\nquit = \"q\"\n");
    let written = Written::new(&text);
    let variables = [("COHORT_SYNC_SYNC_INTERVAL", "1h"), ("COHORT_SYNC_MPARTICLE_WEBHOOK_URL", TOKEN_URL)];
    let shown = written.layers("default", &variables).unwrap().shown();
    let text: Vec<String> =
        shown.iter().map(|one| format!("{} = {}  # {}", one.key, one.value, one.origin)).collect();
    let text = text.join("\n").replace(&written.path().display().to_string(), "FILE");
    assert_eq!(
        text,
        r#"mixpanel.region = "eu"  # FILE:3
mixpanel.project_id = 12345  # FILE:4
mixpanel.workspace_id = (not set)  # optional
mixpanel.service_account = "console.12345.mp-service-account"  # FILE:5
mixpanel.secret = •••  # env MIXPANEL_SECRET, FILE:6
mixpanel.base_url = "https://eu.mixpanel.com"  # from mixpanel.region
mixpanel.profile_properties = ["$os","$app_version_string","mp_lib","$last_seen"]  # default
mparticle.webhook_url = •••  # env COHORT_SYNC_MPARTICLE_WEBHOOK_URL
mparticle.delivery = "feed"  # default
mparticle.environment = "production"  # default
mparticle.fallback_identity = "customer_id"  # default
mparticle.events_api.key = (not set)  # optional
mparticle.events_api.secret = (not set)  # optional
mparticle.events_api.pod = (not set)  # optional
mparticle.events_api.base_url = (not set)  # optional
mparticle.profile_api.client_id = (not set)  # optional
mparticle.profile_api.client_secret = (not set)  # optional
mparticle.profile_api.org_id = (not set)  # optional
mparticle.profile_api.account_id = (not set)  # optional
mparticle.profile_api.workspace_id = (not set)  # optional
mparticle.profile_api.base_url = (not set)  # optional
mparticle.profile_api.token_url = (not set)  # optional
sync.interval = "1h"  # env COHORT_SYNC_SYNC_INTERVAL
sync.max_removal_share = 0.5  # default
sync.full_refresh_every = "off"  # default
sync.skip_anonymous = false  # default
sync.max_concurrent_requests = 4  # default
journal.max_requests = 10000  # default
journal.max_age = "30d"  # default
ui.theme = "auto"  # default
ui.ascii = false  # default
ui.animations = true  # default
ui.mouse = true  # default
ui.title = true  # default
ui.notify = "off"  # default
ui.clock = "local"  # default
ui.color = "auto"  # default
keys.quit = ["q"]  # FILE:12"#
    );
}

#[test]
fn the_file_that_init_writes_names_every_setting_and_sets_the_defaults() {
    for setting in SETTINGS {
        let line = format!("{} = ", setting.key());
        assert!(config::TEMPLATE.contains(&line), "{}", setting.name);
    }
    let written = Written::new(config::TEMPLATE);
    let shown = written.layers("default", &[]).unwrap().shown();
    for (setting, one) in SETTINGS.iter().zip(shown) {
        assert_eq!(one.value, setting.default.map_or(one.value.clone(), str::to_owned), "{}", setting.name);
        let from_file = one.origin.contains("config.toml");
        assert_eq!(from_file, setting.default.is_some(), "{}", setting.name);
    }
    // With the comment signs of its settings removed, the file must still be read without complaint.
    let sets = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let filled: Vec<&str> = config::TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if sets(rest) || rest.starts_with('[') => rest,
            _ => line,
        })
        .collect();
    let variables = [("MPARTICLE_CLIENT_SECRET", PLANTED)];
    let config = Written::new(&filled.join("\n")).config("default", &variables).unwrap();
    assert_eq!(config.sync, SyncConfig::default());
    assert_eq!(config.mparticle.profile_api.unwrap().base_url, "https://api.mparticle.com");
}

#[test]
fn init_writes_a_private_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/config.toml");
    config::init(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), config::TEMPLATE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
    std::fs::write(&path, "mine").unwrap();
    let error = config::init(&path).unwrap_err();
    assert!(error.to_string().contains("exists already and was left as it is"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}
