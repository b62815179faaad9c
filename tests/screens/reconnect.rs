//! The reconnect dialog: what it looks like, that it shows no credential, and what its answers change.

use super::{SIZES, app, app_with, commands, draw, everywhere, fixture, plain, press, snap, words};
use cohort_sync::config::ShownSetting;
use cohort_sync::sync::renew::Subject;
use cohort_sync::sync::snapshot::{Health, Snapshot};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};
use cohort_sync::tui::dialogs::reconnect::Renewing;
use cohort_sync::tui::input::Input;

const URL: &str = "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-pl4nted-0123456789";

fn settings(of: Settings) -> Settings {
    let shown = |key: &str, value: &str, origin: &str| ShownSetting {
        key: key.to_owned(),
        value: format!("{value:?}"),
        json: value.into(),
        origin: origin.to_owned(),
    };
    let configured = vec![
        shown("mixpanel.service_account", "sync.ab12cd.mp-service-account", "config.toml:5"),
        shown("mixpanel.secret", "•••", "config.toml:6"),
        shown("mparticle.delivery", "feed", "default"),
        shown("mparticle.webhook_url", "•••", "env MPARTICLE_WEBHOOK_URL, config.toml:9"),
        shown("mparticle.profile_api.client_id", "robot", "config.toml:12"),
        shown("mparticle.profile_api.client_secret", "•••", "keyring mparticle.profile_api.client_secret"),
    ];
    Settings { configured, ..of }
}

fn paste(app: &mut App, text: &str) {
    app.update(Msg::Input(Input::Paste(text.to_owned())));
}

/// The dialog over the sync that mParticle refused.
fn refused(of: Settings) -> App {
    let mut app = app_with(settings(of), fixture::trouble());
    press(&mut app, "/ w i n enter c");
    app
}

fn tried(effects: Vec<Effect>) -> Renewing {
    match effects.into_iter().next() {
        Some(Effect::Renew(renewing)) => *renewing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reconnect() {
    for size in SIZES {
        let mut app = refused(fixture::settings());
        paste(&mut app, URL);
        snap(&format!("reconnect_feed_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
        press(&mut app, "enter");
        app.update(Msg::Renewed(
            Err("inbound.mparticle.com cannot be reached; check the network".to_owned()),
        ));
        snap(&format!("reconnect_not_taken_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = refused(plain());
    paste(&mut app, URL);
    snap("reconnect_feed_plain", &words(&draw(&mut app, SIZES[0])));
}

#[test]
fn reconnect_mixpanel_from_setup() {
    for size in SIZES {
        let mut app = app_with(settings(fixture::settings()), fixture::idle());
        press(&mut app, "5 c h u n t e r 2");
        snap(&format!("reconnect_mixpanel_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
}

#[test]
fn a_credential_is_tried_and_never_shown() {
    let mut app = refused(fixture::settings());
    paste(&mut app, &format!(" {URL}\n"));
    assert!(!words(&draw(&mut app, (120, 36))).contains("pl4nted"));
    let renewing = tried(press(&mut app, "enter"));
    assert_eq!((renewing.subject, renewing.secret.expose()), (Subject::Feed, URL));
    assert!(!format!("{renewing:?}").contains("pl4nted"));
    assert!(press(&mut app, "enter x").is_empty(), "while it is tried, nothing else happens");
    app.update(Msg::Renewed(
        Ok("the new credential is kept where the old one was: config.toml:9".to_owned()),
    ));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("kept where the old one was") && !picture.contains("Reconnect ─"), "{picture}");
}

#[test]
fn what_cannot_be_right_is_not_even_tried() {
    let mut app = refused(fixture::settings());
    assert!(press(&mut app, "enter").is_empty());
    assert!(words(&draw(&mut app, (120, 36))).contains("Not taken: nothing was typed yet"));
    paste(&mut app, "http://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-pl4nted");
    assert!(press(&mut app, "enter").is_empty());
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("must start with https://") && !picture.contains("pl4nted"), "{picture}");
}

#[test]
fn another_account_can_come_with_the_secret() {
    let mut app = app_with(settings(fixture::settings()), fixture::idle());
    press(&mut app, "5 c up ctrl-u");
    paste(&mut app, "fresh.mp-service-account");
    press(&mut app, "enter n e w");
    let renewing = tried(press(&mut app, "enter"));
    assert_eq!(renewing.subject, Subject::Mixpanel);
    assert_eq!((renewing.account.as_str(), renewing.is_other_account), ("fresh.mp-service-account", true));
    // And the other two can be had with the arrows.
    let mut app = app_with(settings(fixture::settings()), fixture::idle());
    press(&mut app, "5 c up up left s");
    press(&mut app, "down down x");
    let renewing = tried(press(&mut app, "enter"));
    assert_eq!((renewing.subject, renewing.account.as_str()), (Subject::ProfileApi, "robot"));
    assert!(!renewing.is_other_account);
}

#[test]
fn what_was_paused_can_be_tried_again_as_it_is() {
    let mut app = refused(fixture::settings());
    press(&mut app, "tab tab");
    assert_eq!(commands(press(&mut app, "enter")), ["Resume(CohortId(1010))"]);
    let mut app = self::app(fixture::idle());
    assert!(press(&mut app, "c").is_empty());
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("5 and then c renews a"), "{picture}");
}

#[test]
fn whoever_is_down_is_asked_for_first() {
    let down = || Snapshot { mixpanel: Health::Down("Mixpanel answered 401".to_owned()), ..fixture::idle() };
    let mut app = app_with(settings(fixture::settings()), down());
    press(&mut app, "5 c");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("Mixpanel answered 401") && picture.contains("‹ Mixpanel ›"), "{picture}");
    everywhere("reconnect_down", &down, "5 c");
}
