//! Changing settings on the Setup screen: the list, the dialog, what is refused, and taking it back.

use super::{SIZES, app_with, draw, fixture, plain, press, snap, words};
use cohort_sync::config::edit::{Change, Edit};
use cohort_sync::config::{Environment, Layers, Request, ShownSetting};
use cohort_sync::sync::command::Command;
use cohort_sync::sync::snapshot::{Snapshot, Writer};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg, Reconfigured};
use std::time::Duration;

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

/// Does what the console would do, and returns what that leads to.
fn serve(app: &mut App, request: &Request, effects: Vec<Effect>) -> Vec<Effect> {
    let mut further = Vec::new();
    for effect in effects {
        let Effect::Configure(change) = effect else { continue };
        let edited = Edit::prepare(request, &change).and_then(Edit::write);
        let adjustable =
            Layers::read(request.clone()).unwrap().adjustable().map_err(|error| error.to_string());
        let result =
            edited.map(|edited| Box::new(Reconfigured { edited, shown: shown(request), adjustable }));
        further.extend(app.update(Msg::Configured(result.map_err(|error| error.to_string()))));
    }
    further
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
    assert!(picture.contains("sync.interval is \"1h\" now, was \"15m\""), "{picture}");
    assert!(std::fs::read_to_string(&request.config_file).unwrap().contains("interval = \"1h\""));
    let effects = press(&mut app, "U");
    serve(&mut app, &request, effects);
    assert_eq!(std::fs::read_to_string(&request.config_file).unwrap(), before);
    assert!(press(&mut app, "U").is_empty(), "there is nothing left to take back");
}

/// The settings with which the engine would take up the one that was changed.
fn taken_up(effects: &[Effect]) -> cohort_sync::sync::Settings {
    match effects {
        [Effect::Send(order)] => match order.command {
            Command::Adjust(settings) => settings,
            _ => panic!("{order:?}"),
        },
        _ => panic!("{effects:?}"),
    }
}

#[test]
fn how_syncs_behave_is_taken_up_by_the_engine_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    let pace = |sync: &cohort_sync::config::SyncConfig, _: &cohort_sync::config::JournalConfig| {
        cohort_sync::sync::Settings { interval: sync.interval, ..Default::default() }
    };
    let mut app = at(Settings { pace, ..fixture::settings() }, &request, "sync.interval");
    let effects = press(&mut app, "enter ctrl-u 1 h enter");
    let effects = serve(&mut app, &request, effects);
    assert_eq!(taken_up(&effects).interval, Duration::from_hours(1));
    let effects = press(&mut app, "U");
    let effects = serve(&mut app, &request, effects);
    assert_eq!(taken_up(&effects).interval, Duration::from_mins(15));
    // Where another process writes, it is that one's to take up.
    let settings =
        Settings { configured: shown(&request), editing: Some(request.clone()), ..fixture::settings() };
    let writer = Writer::Other("`cohort-sync run`".to_owned());
    let mut app = app_with(settings, Snapshot { writer, ..fixture::idle() });
    let change = Change::set("sync.interval", "2h").unwrap();
    assert!(serve(&mut app, &request, vec![Effect::Configure(change)]).is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("takes it up at the next start"));
}

#[test]
fn looks_change_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    let mut app = at(fixture::settings(), &request, "ui.ascii");
    let effects = press(&mut app, "enter ctrl-u t r u e enter");
    let effects = serve(&mut app, &request, effects);
    assert!(matches!(effects[..], [Effect::Suit]), "{effects:?}");
    assert!(!words(&draw(&mut app, (120, 36))).contains('│'));
    let change = Change::set("ui.mouse", "false").unwrap();
    serve(&mut app, &request, vec![Effect::Configure(change)]);
    assert!(!app.wants_mouse());
}

#[test]
fn what_connections_are_made_of_is_taken_up_by_connecting_anew() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(&directory);
    for size in SIZES {
        let settings = Settings { editing: Some(request.clone()), ..fixture::settings() };
        let mut app = app_with(settings, fixture::idle());
        for project in ["7", "8"] {
            let change = Change::set("mixpanel.project_id", project).unwrap();
            assert!(serve(&mut app, &request, vec![Effect::Configure(change)]).is_empty());
        }
        snap(&format!("settings_anew_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
        std::fs::remove_file(&request.config_file).unwrap();
    }
    let mut app = at(fixture::settings(), &request, "mixpanel.project_id");
    let effects = press(&mut app, "enter 7 enter");
    serve(&mut app, &request, effects);
    let effects = press(&mut app, "left enter");
    assert!(matches!(&effects[..], [Effect::TryProfile(name)] if name == "acme-prod"), "{effects:?}");
    // Whoever was told what it cuts short is not asked again.
    let settings = Settings { editing: Some(request.clone()), ..fixture::settings() };
    let mut busy = app_with(settings, fixture::busy());
    serve(&mut busy, &request, vec![Effect::Configure(Change::set("mixpanel.project_id", "9").unwrap())]);
    assert!(words(&draw(&mut busy, (120, 36))).contains("“Churn risk” and 2 others are being synced."));
    press(&mut busy, "left enter");
    let effects = busy.update(Msg::ProfileTried("acme-prod".to_owned(), Ok(())));
    assert!(matches!(&effects[..], [Effect::Send(_)]), "{effects:?}");
    // A configuration that cannot be used then leaves everything as it is.
    let reason = "mixpanel.secret cannot be had".to_owned();
    assert!(app.update(Msg::ProfileTried("acme-prod".to_owned(), Err(reason))).is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("“acme-prod” was not opened: mixpanel.secret"));
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
