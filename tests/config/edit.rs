//! Changing single settings: what the file says afterwards, what is refused, and that nothing else moves.

use crate::{PLANTED, WORKING, Written, request, set_mode};
use cohort_sync::config::edit::{Change, Edit, EditError, Edited};
use cohort_sync::config::settings::{Form, SETTINGS};
use cohort_sync::config::{self, Secret};

impl Written {
    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn change(&self, profile: &str, change: &Change) -> Result<Edited, EditError> {
        Edit::prepare(&request(&self.path(), profile, &[]), change)?.write()
    }

    fn set(&self, setting: &str, value: &str) -> Result<Edited, EditError> {
        self.change("default", &Change::set(setting, value)?)
    }

    /// The complaint about a value, with `FILE` for the path; the file is as it was.
    fn refusal(&self, setting: &str, value: &str) -> String {
        let before = self.text();
        let error = self.set(setting, value).unwrap_err();
        assert_eq!(self.text(), before);
        error.to_string().replace(&self.path().display().to_string(), "FILE")
    }
}

#[test]
fn every_setting_takes_its_example_and_its_default_where_the_commented_file_shows_it() {
    for setting in SETTINGS.iter().filter(|setting| setting.name != "ui.theme") {
        let written = Written::new(config::TEMPLATE);
        let lines = config::TEMPLATE.lines().count();
        for value in [Some(setting.example), setting.default].into_iter().flatten() {
            let edited = written.set(setting.name, value).unwrap();
            assert_eq!(edited.overridden, None, "{}", setting.name);
            if setting.form != Form::Secret {
                assert_eq!(edited.value, value, "{}", setting.name);
            }
        }
        let is_in_an_optional_table = setting.section().contains("_api");
        if !is_in_an_optional_table {
            assert_eq!(written.text().lines().count(), lines, "{}", setting.name);
        }
        assert!(
            config::TEMPLATE
                .lines()
                .filter(|line| line.starts_with("# The "))
                .all(|line| written.text().contains(line))
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_the_words_of_the_file() {
    let written = Written::new(WORKING);
    for (setting, value, said) in [
        ("mixpanel.region", "eu1", "mixpanel.region is \"eu1\", but must be us, eu or in"),
        (
            "mixpanel.project_id",
            "acme",
            "mixpanel.project_id is \"acme\", but must be the project's number, as in 12345",
        ),
        (
            "mixpanel.project_id",
            "-3",
            "mixpanel.project_id is -3, but must be the project's number, as in 12345",
        ),
        (
            "sync.interval",
            "soon",
            "sync.interval is \"soon\", but must be a duration such as \"15m\", \"90s\" or \"1h30m\"",
        ),
        ("sync.max_removal_share", "1.5", "sync.max_removal_share is 1.5, but must be a share from 0 to 1"),
        ("ui.mouse", "maybe", "ui.mouse is \"maybe\", but must be true or false"),
        (
            "mixpanel.base_url",
            "http://mixpanel.com",
            "mixpanel.base_url must start with https://; plain http is accepted for this computer (127.0.0.1, ::1, localhost) only",
        ),
        (
            "ui.themes.dusk.focus",
            "blu",
            "ui.themes.dusk.focus is \"blu\", but must be a colour: \"#rrggbb\", a name such as \"red\" or \"bright-red\", or a number from 0 to 255; did you mean blue?",
        ),
        ("sync.intervall", "1h", "sync.intervall is not a setting; did you mean sync.interval?"),
        ("interval", "1h", "interval is not a setting; did you mean sync.interval?"),
        ("weather", "fine", "weather is not a setting; `cohort-sync config show` lists them"),
    ] {
        assert_eq!(written.refusal(setting, value), said);
    }
}

#[test]
fn a_credential_is_named_by_its_place_or_written_out_privately() {
    let written = Written::new(WORKING);
    let refusal = written.refusal("mixpanel.secret", PLANTED);
    assert!(refusal.contains("stays in the shell's history") && !refusal.contains(PLANTED), "{refusal}");
    let refusal = written.refusal("mixpanel.secret", "{ envy = \"X\" }");
    assert!(refusal.starts_with("mixpanel.secret must be a text, or { env"), "{refusal}");
    written.set("mixpanel.secret", "{ command = [\"op\", \"read\"] }").unwrap();
    assert!(written.text().contains("\nsecret = { command = [\"op\", \"read\"] }\n"));

    let change = Change::write_out("mixpanel.secret", &Secret::new(format!("{PLANTED}\n"))).unwrap();
    assert!(!format!("{change:?}").contains(PLANTED));
    let edited = written.change("default", &change).unwrap();
    assert_eq!(edited.value, "•••");
    assert!(!format!("{edited:?}").contains(PLANTED));
    assert!(written.text().contains(PLANTED));
    set_mode(&written.path(), 0o644);
    let error = written.change("default", &change).unwrap_err().to_string();
    assert!(error.contains("chmod 600") && !error.contains(PLANTED), "{error}");

    let error = Change::write_out("mparticle.webhook_url", &Secret::new("http://x.example/t")).unwrap_err();
    assert!(error.to_string().starts_with("mparticle.webhook_url must start with https://"), "{error}");
    let error = Change::write_out("mixpanel.secret", &Secret::new(" ")).unwrap_err();
    assert_eq!(error.to_string(), "mixpanel.secret must not be empty");
    let error = Change::write_out("sync.interval", &Secret::new("1h")).unwrap_err();
    assert_eq!(error.to_string(), "sync.interval is no credential; give its value after its name");
}

#[test]
fn a_change_can_be_undone_to_the_letter() {
    let text = format!("{WORKING}\n[sync]\ninterval = \"30m\" # enough\n");
    let written = Written::new(&text);
    let edited = written.set("sync.interval", "1h").unwrap();
    assert_eq!((edited.was.as_str(), edited.value.as_str()), ("\"30m\"", "\"1h\""));
    written.change("default", &edited.undo).unwrap();
    assert_eq!(written.text(), text);

    let edited = written.set("sync.max_removal_share", "0.2").unwrap();
    assert_eq!(edited.was, "0.5");
    let undone = written.change("default", &edited.undo).unwrap();
    assert_eq!((undone.value.as_str(), undone.origin.as_str()), ("0.5", "default"));
    assert_eq!(written.text(), text);
}

#[test]
fn what_does_not_stand_there_cannot_be_taken_out() {
    let written = Written::new(WORKING);
    let error = written.change("default", &Change::unset("sync.interval").unwrap()).unwrap_err();
    let said = error.to_string().replace(&written.path().display().to_string(), "FILE");
    assert_eq!(said, "sync.interval does not stand in FILE; its value comes from: default");
}

#[test]
fn profiles_get_tables_of_their_own() {
    let written = Written::new(WORKING);
    let change = Change::set("mixpanel.project_id", "7").unwrap();
    assert_eq!(written.change("staging", &change).unwrap().was, "12345");
    assert!(
        written.text().ends_with("\n[profiles.staging.mixpanel]\nproject_id = 7\n"),
        "{}",
        written.text()
    );
    assert_eq!(written.config("staging", &[]).unwrap().mixpanel.project_id, 7);
    assert_eq!(written.config("default", &[]).unwrap().mixpanel.project_id, 12345);
    let taken = written.change("staging", &Change::unset("mixpanel.project_id").unwrap()).unwrap();
    assert_eq!(taken.value, "12345");
}

#[test]
fn what_overrides_the_file_is_named() {
    let written = Written::new(WORKING);
    let request = request(&written.path(), "default", &[("COHORT_SYNC_SYNC_INTERVAL", "5m")]);
    let change = Change::set("sync.interval", "1h").unwrap();
    let edited = Edit::prepare(&request, &change).unwrap().write().unwrap();
    assert_eq!(edited.overridden.as_deref(), Some("env COHORT_SYNC_SYNC_INTERVAL"));
    assert_eq!(edited.value, "\"5m\"");
    assert!(written.text().contains("interval = \"1h\""));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay_and_what_changed_meanwhile_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let written = Written::new(WORKING);
    set_mode(&written.path(), 0o640);
    let link = written.directory.path().join("link.toml");
    std::os::unix::fs::symlink(written.path(), &link).unwrap();
    let request = request(&link, "default", &[]);
    let change = Change::set("ui.theme", "mono").unwrap();
    Edit::prepare(&request, &change).unwrap().write().unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(written.text().ends_with("[ui]\ntheme = \"mono\"\n"));
    assert_eq!(std::fs::metadata(written.path()).unwrap().permissions().mode() & 0o777, 0o640);

    let edit = Edit::prepare(&request, &Change::set("ui.theme", "dark").unwrap()).unwrap();
    std::fs::write(written.path(), "# somebody else's\n").unwrap();
    assert!(matches!(edit.write(), Err(EditError::Changed(_))));
    assert_eq!(written.text(), "# somebody else's\n");
    let left: Vec<_> = std::fs::read_dir(written.directory.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[cfg(unix)]
#[test]
fn the_first_change_makes_a_private_file_with_every_comment() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/config.toml");
    let change = Change::set("mixpanel.project_id", "7").unwrap();
    let edited = Edit::prepare(&request(&path, "default", &[]), &change).unwrap().write().unwrap();
    assert!(edited.created);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, config::TEMPLATE.replace("# project_id = 12345\n\n# Only", "project_id = 7\n\n# Only"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
