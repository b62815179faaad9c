//! Changing settings on the Setup screen: the list, the dialog, what is refused, and taking it back.

use super::{SIZES, app_with, draw, fixture, plain, press, snap, words};
use cohort_sync::config::edit::{Change, Edit};
use cohort_sync::config::{Environment, Layers, Request, ShownSetting};
use cohort_sync::sync::snapshot::{Snapshot, Writer};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};

fn request(directory: &tempfile::TempDir) -> Request {
    Request {
        config_file: directory.path().join("config.toml"),
        profile: "default".to_owned(),
        environment: Environment::default(),
        overrides: Vec::new(),
    }
}

fn shown(request: &Request) -> Vec<ShownSetting> {
    Layers::read(request.clone()).unwrap().shown()
}

/// The Setup screen with a setting selected.
fn at(of: Settings, request: &Request, key: &str) -> App {
    let settings = Settings { configured: shown(request), editing: Some(request.clone()), ..of };
    let place = settings.configured.iter().position(|setting| setting.key == key).unwrap();
    let mut app = app_with(settings, fixture::idle());
    press(&mut app, "5 ] ] ] ] ] ] ]");
    press(&mut app, &"j ".repeat(place + 1));
    app
}

/// Does what the console would do.
fn serve(app: &mut App, request: &Request, effects: Vec<Effect>) {
    for effect in effects {
        let Effect::Configure(change) = effect else { continue };
        let edited = Edit::prepare(request, &change).and_then(Edit::write);
        let result =
            edited.map(|edited| Box::new((edited, shown(request)))).map_err(|error| error.to_string());
        app.update(Msg::Configured(result));
    }
}

#[test]
fn settings_are_listed_and_edited() {
    let directory = tempfile::tempdir().unwrap();
    for size in SIZES {
        let mut app = at(fixture::settings(), &request(&directory), "sync.interval");
        snap(&format!("settings_list_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
        press(&mut app, "enter");
        snap(&format!("settings_edit_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = at(plain(), &request(&directory), "sync.interval");
    press(&mut app, "enter");
    snap("settings_edit_plain", &words(&draw(&mut app, SIZES[0])));
}

#[test]
fn a_setting_is_changed_and_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    let first = Edit::prepare(&request, &Change::set("mixpanel.project_id", "7").unwrap()).unwrap();
    first.write().unwrap();
    let before = std::fs::read_to_string(&request.config_file).unwrap();
    let mut app = at(fixture::settings(), &request, "sync.interval");
    let effects = press(&mut app, "enter ctrl-u 1 h enter");
    serve(&mut app, &request, effects);
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("sync.interval is \"1h\" from the next start on"), "{picture}");
    assert!(std::fs::read_to_string(&request.config_file).unwrap().contains("interval = \"1h\""));
    let effects = press(&mut app, "U");
    serve(&mut app, &request, effects);
    assert_eq!(std::fs::read_to_string(&request.config_file).unwrap(), before);
    assert!(press(&mut app, "U").is_empty(), "there is nothing left to take back");
}

#[test]
fn what_is_refused_says_why_and_stays_to_be_corrected() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    let mut app = at(fixture::settings(), &request, "sync.interval");
    let effects = press(&mut app, "enter ctrl-u s o o n enter");
    serve(&mut app, &request, effects);
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("Not written: sync.interval is \"soon\", but must be a duration"), "{picture}");
    assert!(picture.contains("› soon") && !request.config_file.exists(), "{picture}");
    let mut app = at(fixture::settings(), &request, "mixpanel.secret");
    assert!(press(&mut app, "enter h u n t e r enter").is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("{ env = \"NAME\" }"));
}

#[test]
fn who_only_looks_changes_nothing() {
    let read_only = || Snapshot { writer: Writer::ReadOnly, ..fixture::idle() };
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    let settings = Settings { configured: shown(&request), editing: Some(request), ..fixture::settings() };
    let mut app = app_with(settings, read_only());
    press(&mut app, "5 ] ] ] ] ] ] ] j j enter");
    assert!(words(&draw(&mut app, (120, 36))).contains("--read-only"));
    let mut app = app_with(Settings { demo: true, ..fixture::settings() }, fixture::idle());
    press(&mut app, "5");
    assert!(press(&mut app, "U").is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("the demo has no configuration file"));
}
