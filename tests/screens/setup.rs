//! The Setup screen: healthy, refused, to development and read-only, and what its keys do.

use super::{SIZES, app_with, commands, draw, fixture, plain, press, snap, words};
use cohort_sync::config::ShownSetting;
use cohort_sync::sync::pages::{Answer, JournalExtent, Question, Sizes};
use cohort_sync::sync::snapshot::{Health, Snapshot, Writer};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};

fn settings(of: Settings) -> Settings {
    let shown = |key: &str, value: serde_json::Value, origin: &str| ShownSetting {
        key: key.to_owned(),
        value: value.to_string(),
        json: value,
        origin: origin.to_owned(),
    };
    let file = "config.toml:3";
    Settings {
        feed_host: "inbound.mparticle.com".to_owned(),
        state_dir: Some("~/.local/state/cohort-sync".to_owned()),
        configured: vec![
            shown("mixpanel.project_id", 12_345.into(), file),
            shown("mixpanel.region", "eu".into(), file),
            shown("mixpanel.base_url", "https://eu.mixpanel.com".into(), "from mixpanel.region"),
            shown("mixpanel.service_account", "sync.ab12cd.mp-service-account".into(), file),
            shown("mixpanel.secret", "***".into(), "env COHORT_SYNC_MIXPANEL_SECRET"),
            shown("mparticle.webhook_url", "***".into(), "command `pass show feed`, config.toml:9"),
            shown("mparticle.environment", of.environment.clone().into(), "default"),
            shown("sync.interval", "15m".into(), "default"),
            shown("sync.max_removal_share", 0.5.into(), "default"),
            shown("sync.max_concurrent_requests", 4.into(), "default"),
            shown("journal.max_requests", 10_000.into(), "default"),
            shown("journal.max_age", "30d".into(), "default"),
        ],
        ..of
    }
}

fn sizes() -> Sizes {
    Sizes {
        file: 19_300_000,
        free: 1_200_000,
        baselines: 9_212_000,
        members: 940_000,
        plans: 4_100_000,
        remarks: 3_300_000,
    }
}

fn shown(of: Settings, snapshot: Snapshot, keys: &str) -> App {
    let mut app = app_with(settings(of), snapshot);
    let effects = press(&mut app, "5");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Load(Question::Size))));
    app.update(Msg::Loaded(Question::Size, Ok(Answer::Size(sizes()))));
    let oldest = Some(fixture::ago(1_900_000));
    let extent = JournalExtent { requests: 8_312, bytes: 1_412_000, oldest };
    app.update(Msg::Loaded(Question::JournalExtent, Ok(Answer::JournalExtent(extent))));
    press(&mut app, keys);
    app
}

fn refused() -> Snapshot {
    let mut snapshot = fixture::trouble();
    let reason = "mParticle answered 403: the webhook token was revoked or the feed was deleted";
    snapshot.mparticle = Health::Down(reason.to_owned());
    snapshot
}

/// Pictures of the beginning and of the checks.
fn pictures(name: &str, of: &dyn Fn(Settings) -> Settings, snapshot: &dyn Fn() -> Snapshot, keys: &str) {
    for size in SIZES {
        let mut app = shown(of(fixture::settings()), snapshot(), keys);
        snap(&format!("{name}_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = shown(of(plain()), snapshot(), keys);
    snap(&format!("{name}_plain"), &words(&draw(&mut app, SIZES[0])));
}

#[test]
fn setup() {
    let as_is = |settings| settings;
    let development = |settings| Settings { environment: "development".to_owned(), ..settings };
    let read_only = || Snapshot { writer: Writer::ReadOnly, ..fixture::idle() };
    pictures("setup_healthy", &as_is, &fixture::idle, "");
    pictures("setup_checks", &as_is, &fixture::idle, "] ]");
    pictures("setup_checks_mparticle", &as_is, &fixture::idle, "] ] ]");
    pictures("setup_snippets", &as_is, &fixture::idle, "] ] ] ]");
    pictures("setup_refused", &as_is, &refused, "]");
    pictures("setup_development", &development, &fixture::idle, "]");
    pictures("setup_read_only", &as_is, &read_only, "] ] ] ] ] ]");
}

#[test]
fn setup_refreshes_and_copies() {
    let mut app = shown(fixture::settings(), refused(), "");
    assert_eq!(commands(press(&mut app, "r")), ["Refresh"]);
    let mut app = shown(fixture::settings(), fixture::idle(), "] ] ] ] ] k");
    let copied = press(&mut app, "y");
    assert!(
        matches!(&copied[..], [Effect::Copy { text, .. }] if text.contains("isSafeInteger")),
        "{copied:?}"
    );
}

#[test]
fn what_only_a_person_can_see_is_ticked_off_and_remembered() {
    let level = "Input protection level is “Only Update Profiles”";
    let mut app = shown(fixture::settings(), fixture::idle(), "] ] ]");
    press(&mut app, "j space");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("only what the program cannot see is ticked off"), "{picture}");
    for key in ["j", "j", "j", "j", "space"] {
        press(&mut app, key);
        draw(&mut app, (120, 36));
    }
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains(&format!("✓ {level}  seen by you on 2026-01-31")), "{picture}");
    // The next start knows it, and it can be taken back.
    let remembered = Some(app.memory().unwrap().write());
    let mut app = shown(Settings { remembered, ..fixture::settings() }, fixture::idle(), "] ] ]");
    draw(&mut app, (120, 36));
    press(&mut app, "j j j j j");
    assert!(words(&draw(&mut app, (120, 36))).contains("seen by you on 2026-01-31"));
    press(&mut app, "space");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains(&format!("? {level}  look for yourself, then space ticks it off")), "{picture}");
}

#[test]
fn the_checks_go_by_what_was_seen() {
    let mut app = shown(fixture::settings(), refused(), "] ]");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("Setup · 2 to mend"), "{picture}");
    let doubtful = Settings {
        environment: "development".to_owned(),
        feed_doubt: Some("its host is not inbound.mparticle.com"),
        profiles_per_second: None,
        ..fixture::settings()
    };
    let mut app = shown(doubtful, fixture::empty(), "] ] ]");
    let picture = words(&draw(&mut app, (120, 60)));
    for words in [
        "! The environment is production  it is development",
        "! The address is one of mParticle's, over https",
        "its host is not inbound.mparticle.com; that may be meant",
        "· Its credential is taken  not seen yet",
        "· Profiles can be looked up (optional)  not configured",
    ] {
        assert!(picture.contains(words), "{words}:\n{picture}");
    }
}

#[test]
fn sections_fold_and_stay_folded() {
    let mut app = shown(fixture::settings(), fixture::idle(), "enter");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(!picture.contains("Service account") && picture.contains("Feed host"), "{picture}");
    press(&mut app, "enter");
    assert!(words(&draw(&mut app, (120, 36))).contains("Service account"));
}
