//! Going over to another profile: the list, why one is not opened, the question while something runs, and where the
//! console is bound for in the end.

use super::{SIZES, app_with, draw, fixture, plain, press, snap, words};
use cohort_sync::config::{Environment, ProfileSummary, Request};
use cohort_sync::sync::command::Command;
use cohort_sync::sync::snapshot::{Ended, NoticeLevel, Snapshot};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};
use jiff::SignedDuration;
use std::sync::Arc;

fn editable(settings: Settings) -> Settings {
    let request = Request {
        config_file: "/nowhere/config.toml".into(),
        profile: settings.profile.clone(),
        environment: Environment::default(),
        overrides: Vec::new(),
    };
    Settings { editing: Some(request), ..settings }
}

fn profile(name: &str, project: &str, region: &str, environment: &str, feed: &str) -> ProfileSummary {
    ProfileSummary {
        name: name.to_owned(),
        project: Some(project.to_owned()),
        region: region.to_owned(),
        environment: environment.to_owned(),
        feed: feed.to_owned(),
        wrong: None,
    }
}

fn profiles() -> Vec<ProfileSummary> {
    let lacking = "it lacks mixpanel.project_id, mparticle.webhook_url";
    vec![
        ProfileSummary {
            project: None,
            wrong: Some(lacking.to_owned()),
            ..profile("default", "", "us", "production", "no feed")
        },
        profile("acme-prod", "12345", "eu", "production", "feed us1-…a9f2"),
        profile("acme-test", "678", "eu", "development", "feed from env MPARTICLE_TEST_URL"),
        profile("india", "22222", "in", "production", "Events API, key us2-1234567890abcdef"),
    ]
}

/// The console with the list of profiles open.
fn listed(settings: Settings, snapshot: Snapshot, profiles: Vec<ProfileSummary>) -> App {
    let mut app = app_with(editable(settings), snapshot);
    let effects = press(&mut app, "P");
    assert!(matches!(effects[..], [Effect::ListProfiles]), "{effects:?}");
    app.update(Msg::Profiles(Ok(profiles)));
    app
}

/// Chooses the profile below and hears that it can be used.
fn choose_the_next(app: &mut App) -> Vec<Effect> {
    let tried = press(app, "j enter");
    assert!(matches!(&tried[..], [Effect::TryProfile(name)] if name == "acme-test"), "{tried:?}");
    app.update(Msg::ProfileTried("acme-test".to_owned(), Ok(())))
}

fn shuts_down(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Send(order)] if matches!(order.command, Command::Shutdown))
}

/// What the console does when the engine has ended.
fn ended(app: &mut App) -> Vec<Effect> {
    app.update(Msg::Snapshot(Arc::new(Snapshot { ended: Some(Ended::AsAsked), ..fixture::idle() })))
}

#[test]
fn the_profiles_are_listed_with_what_tells_them_apart() {
    for size in SIZES {
        let mut app = listed(fixture::settings(), fixture::idle(), profiles());
        let name = |what: &str| format!("profiles_{what}_{}x{}", size.0, size.1);
        snap(&name("list"), &words(&draw(&mut app, size)));
        press(&mut app, "k enter");
        let reason = "the configuration cannot be used:\n  mixpanel.project_id is missing: write `project_id = 12345` \
                      under [mixpanel] in /nowhere/config.toml, or set COHORT_SYNC_MIXPANEL_PROJECT_ID";
        app.update(Msg::ProfileTried("default".to_owned(), Err(reason.to_owned())));
        snap(&name("refused"), &words(&draw(&mut app, size)));
    }
    let mut app = listed(plain(), fixture::idle(), profiles());
    snap("profiles_list_plain", &words(&draw(&mut app, SIZES[0])));
    let mut app = listed(fixture::settings(), fixture::idle(), profiles()[1..2].to_vec());
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("`cohort-sync setup --profile NAME` adds one"), "{picture}");
}

#[test]
fn going_over_ends_here_in_order_and_opens_there() {
    let mut app = listed(fixture::settings(), fixture::idle(), profiles());
    assert!(shuts_down(&choose_the_next(&mut app)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("going over to acme-test"), "{picture}");
    // What is opened next may need what the engine still holds: patience does not run out.
    let later = fixture::now() + SignedDuration::from_secs(60);
    assert!(app.update(Msg::Tick(later)).is_empty());
    let effects = ended(&mut app);
    assert!(matches!(&effects[..], [Effect::Open(name)] if name == "acme-test"), "{effects:?}");
}

#[test]
fn whoever_quits_on_the_way_quits() {
    let mut app = listed(fixture::settings(), fixture::idle(), profiles());
    choose_the_next(&mut app);
    let effects = press(&mut app, "q");
    assert!(matches!(effects[..], [Effect::Quit(None)]), "{effects:?}");
    let mut app = listed(fixture::settings(), fixture::idle(), profiles());
    choose_the_next(&mut app);
    app.update(Msg::Terminate);
    assert!(matches!(ended(&mut app)[..], [Effect::Quit(None)]));
}

#[test]
fn it_asks_first_while_something_runs() {
    for size in SIZES {
        let mut app = listed(fixture::settings(), fixture::busy(), profiles());
        assert!(choose_the_next(&mut app).is_empty());
        snap(&format!("profiles_ask_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = listed(fixture::settings(), fixture::busy(), profiles());
    choose_the_next(&mut app);
    // The harmless answer has the focus and leads back to the list.
    assert!(press(&mut app, "enter").is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("goes over to it"));
    choose_again(&mut app);
    assert!(shuts_down(&press(&mut app, "left enter")));
}

/// The profile that was chosen before still has the focus.
fn choose_again(app: &mut App) {
    assert!(matches!(press(app, "enter")[..], [Effect::TryProfile(_)]));
    app.update(Msg::ProfileTried("acme-test".to_owned(), Ok(())));
}

#[test]
fn whoever_changes_their_mind_stays() {
    let mut app = listed(fixture::settings(), fixture::idle(), profiles());
    press(&mut app, "j enter esc");
    assert!(app.update(Msg::ProfileTried("acme-test".to_owned(), Ok(()))).is_empty());
    assert!(!words(&draw(&mut app, (120, 36))).contains("going over"));
}

#[test]
fn the_demo_has_none_and_a_greeting_is_said() {
    let mut app = app_with(Settings { demo: true, ..fixture::settings() }, fixture::idle());
    assert!(press(&mut app, "P").is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("the demo has no profiles"));
    let greeting = Some((NoticeLevel::Good, "this is “eu”: project 1, EU, production".to_owned()));
    let mut app = app_with(Settings { greeting, ..fixture::settings() }, fixture::idle());
    assert!(words(&draw(&mut app, (120, 36))).contains("this is “eu”"));
}
