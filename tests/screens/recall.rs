//! What the console takes up again from the last time, what it lets go of, and when it calls for a person.

use super::{Msg, app, app_with, draw, fixture, press, words};
use cohort_sync::config::{Insisted, Notify};
use cohort_sync::domain::{CohortId, PauseCause, SyncStatus};
use cohort_sync::sync::snapshot::{Snapshot, Writer};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect};
use cohort_sync::tui::theme::ThemeChoice;
use std::sync::Arc;

/// Opens a console after another one.
fn reopen(before: &App, settings: Settings) -> App {
    let remembered = before.memory().map(|memory| memory.write());
    app_with(Settings { remembered, ..settings }, fixture::idle())
}

/// What a console looks like, as far as it is remembered.
fn looks(app: &mut App) -> (String, bool) {
    (words(&draw(app, (120, 36))), app.wants_mouse())
}

#[test]
fn the_console_opens_as_it_was_left() {
    let mut before = app(fixture::idle());
    press(&mut before, "o c O / c h u enter m");
    let mut after = reopen(&before, fixture::settings());
    let (picture, mouse) = looks(&mut after);
    assert!(picture.contains("1 of 9") && picture.contains("/ chu"), "{picture}");
    assert!(!mouse);
    assert_eq!(after.memory(), before.memory());
    press(&mut before, "2 o down down space esc o d");
    let mut after = reopen(&before, fixture::settings());
    let (picture, _) = looks(&mut after);
    assert!(
        picture.contains("Runs") && picture.contains("sort: took") && !picture.contains("Kind"),
        "{picture}"
    );
    assert_eq!(after.memory(), before.memory());
    press(&mut after, "6");
    let mut again = reopen(&after, fixture::settings());
    assert!(looks(&mut again).0.contains("Log"));
    assert_eq!(again.memory(), after.memory());
}

#[test]
fn the_theme_stays_until_the_configuration_says_something_new() {
    let mut before = app(fixture::idle());
    press(&mut before, "t t t");
    let theme_after = |settings| {
        let mut after = reopen(&before, settings);
        // The next theme is named, which tells the one before it.
        press(&mut after, "t");
        looks(&mut after).0
    };
    assert!(theme_after(fixture::settings()).contains("theme: dark"), "mono, then dark again");
    let newer = Settings { theme: ThemeChoice::Light, ..fixture::settings() };
    assert!(theme_after(newer).contains("theme: high-contrast"));
    let insisted = Insisted { theme: true, mouse: true };
    let flagged = Settings { insisted, ..fixture::settings() };
    assert!(theme_after(flagged.clone()).contains("theme: light"));
    // And what was said for one start alone does not become a memory, nor end one.
    let passing = reopen(&before, flagged);
    assert_eq!(passing.memory(), before.memory());
}

#[test]
fn nonsense_is_not_taken_up() {
    for kept in [
        "",
        "{",
        "[]",
        r#"{"screen":"screen.moon","lists":{"screen.cohorts":{"sort":"Weather","hidden":["Moon"]},"screen.moon":{}},"theme":{"chosen":"pink"}}"#,
    ] {
        let settings = Settings { remembered: Some(kept.to_owned()), ..fixture::settings() };
        let mut odd = app_with(settings, fixture::idle());
        assert_eq!(looks(&mut odd), looks(&mut app(fixture::idle())), "{kept}");
    }
}

#[test]
fn who_only_looks_has_nothing_remembered() {
    for writer in [Writer::ReadOnly, Writer::Other("somebody".to_owned())] {
        assert_eq!(app(Snapshot { writer, ..fixture::idle() }).memory(), None);
    }
}

/// The first cohort with another status, as the next snapshot.
fn then(app: &mut App, status: SyncStatus, cause: Option<PauseCause>) -> Vec<String> {
    let mut snapshot = fixture::idle();
    let view = (*snapshot.cohorts[0]).clone();
    let view = match cause {
        Some(cause) => fixture::paused(view, cause, "why", false),
        None => fixture::edit(view, |sync| sync.status = status),
    };
    assert_eq!(view.cohort.id, CohortId(1000));
    snapshot.cohorts[0] = Arc::new(view);
    let effects = app.update(Msg::Snapshot(Arc::new(snapshot)));
    let calls = effects.into_iter().filter_map(|effect| match effect {
        Effect::Notify(words) => Some(words),
        _ => None,
    });
    calls.collect()
}

#[test]
fn a_trouble_calls_once_until_it_is_over() {
    use SyncStatus::{Failed, Paused, Sending, Synced};
    let settings = Settings { notify: Notify::Bell, ..fixture::settings() };
    let mut app = app_with(settings, fixture::idle());
    let failed = ["the sync of \"Power users\" failed"];
    assert_eq!(then(&mut app, Failed, None), failed);
    assert!(then(&mut app, Sending, None).is_empty());
    assert!(then(&mut app, Failed, None).is_empty(), "the same trouble at the next tick");
    let paused = then(&mut app, Paused, Some(PauseCause::MparticleFeed));
    assert_eq!(paused, ["the sync of \"Power users\" is paused"]);
    assert!(then(&mut app, Synced, None).is_empty());
    assert!(then(&mut app, Paused, Some(PauseCause::Operator)).is_empty(), "a person did that");
    assert!(then(&mut app, Synced, None).is_empty());
    assert_eq!(then(&mut app, Failed, None), failed);
}

#[test]
fn trouble_from_before_the_console_opened_is_no_news() {
    let settings = Settings { notify: Notify::Desktop, ..fixture::settings() };
    let mut app = app_with(settings, Snapshot::default());
    let effects = app.update(Msg::Snapshot(Arc::new(fixture::trouble())));
    assert!(effects.is_empty(), "{effects:?}");
}

#[test]
fn the_title_counts_what_is_at_work_and_what_waits() {
    assert_eq!(app(fixture::idle()).window_title(), "cohort-sync acme-prod");
    assert_eq!(app(fixture::busy()).window_title(), "cohort-sync acme-prod · 3 syncing");
    assert_eq!(app(fixture::trouble()).window_title(), "cohort-sync acme-prod · 4 paused · 1 failed");
}
