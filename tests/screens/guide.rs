//! The setup guide in the console: its pages, what its keys do, and that no credential is seen.

use super::{SIZES, fixture, snap, words};
use cohort_sync::config::guide::{Found, Guide, Sign, Trial};
use cohort_sync::config::{Environment, Request};
use cohort_sync::tui::canvas::Canvas;
use cohort_sync::tui::glyphs::Glyphs;
use cohort_sync::tui::screens::guide::{GuideScreen, Wish};
use cohort_sync::tui::theme::{ColourDepth, Theme, ThemeChoice};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const URL: &str = "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-pl4nted-0123456789";

fn screen(directory: &tempfile::TempDir) -> GuideScreen {
    GuideScreen::new(Guide::new(Request {
        config_file: directory.path().join("config.toml"),
        profile: "default".to_owned(),
        environment: Environment::default(),
        overrides: Vec::new(),
    }))
}

fn press(screen: &mut GuideScreen, keys: &str) -> Wish {
    keys.split_whitespace().fold(Wish::None, |_, key| screen.key(key.parse().unwrap()))
}

fn answer(screen: &mut GuideScreen, text: &str) -> Wish {
    screen.paste(text);
    press(screen, "enter")
}

fn picture(screen: &GuideScreen, (width, height): (u16, u16), ascii: bool) -> String {
    let depth = if ascii { ColourDepth::None } else { ColourDepth::True };
    let theme = Theme::new(ThemeChoice::default(), depth);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let zone = TimeZone::UTC;
            let mut canvas =
                Canvas::new(frame.buffer_mut(), theme, Glyphs::new(ascii), fixture::now(), &zone);
            screen.draw(&mut canvas);
        })
        .unwrap();
    words(terminal.backend().buffer())
}

fn pictures(name: &str, screen: &GuideScreen) {
    for size in SIZES {
        snap(&format!("guide_{name}_{}x{}", size.0, size.1), &picture(screen, size, false));
    }
    snap(&format!("guide_{name}_plain"), &picture(screen, SIZES[0], true));
}

fn found(sign: Sign, text: &str, remedy: Option<&str>) -> Found {
    Found { sign, text: text.to_owned(), remedy: remedy.map(str::to_owned), blames: None }
}

#[test]
fn guide() {
    let directory = tempfile::tempdir().unwrap();
    let mut screen = screen(&directory);
    screen.paste(URL);
    pictures("first", &screen);
    press(&mut screen, "enter");
    answer(&mut screen, "prod");
    pictures("wrong", &screen);
    press(&mut screen, "ctrl-u down");
    assert_eq!(press(&mut screen, "enter"), Wish::Try(Trial::Mparticle));
    pictures("trying", &screen);
    screen.tried(vec![found(Sign::Ok, "Its host can be reached.", None)]);
    press(&mut screen, "enter");
    for text in ["eu", "12345", "sync.ab12cd.mp-service-account"] {
        answer(&mut screen, text);
    }
    pictures("secret", &screen);
    assert_eq!(answer(&mut screen, "pl4nted-s3cret"), Wish::Try(Trial::Mixpanel));
    screen.tried(vec![
        found(Sign::Ok, "https://eu.mixpanel.com answered in 80 ms and accepts the credentials: project 12345 has 12 cohorts.", None),
        found(Sign::Problem, "Mixpanel was asked who is in “Power users”. Mixpanel does not permit this (HTTP 403).", Some("Give the service account the Analyst role in the project.")),
    ]);
    pictures("found", &screen);
    for size in SIZES {
        assert!(!picture(&screen, size, false).contains("pl4nted"));
    }
}

#[test]
fn from_the_first_question_to_the_console() {
    let directory = tempfile::tempdir().unwrap();
    let mut screen = screen(&directory);
    answer(&mut screen, URL);
    answer(&mut screen, "");
    screen.tried(Vec::new());
    press(&mut screen, "enter");
    for text in ["", "7", "account", "pl4nted-s3cret"] {
        answer(&mut screen, text);
    }
    // It did not work; tried again, then passed over.
    let problem = || vec![found(Sign::Problem, "No.", Some("Do."))];
    screen.tried(problem());
    assert_eq!(press(&mut screen, "t"), Wish::Try(Trial::Mixpanel));
    screen.tried(problem());
    assert_eq!(press(&mut screen, "g"), Wish::None);
    assert!(picture(&screen, (120, 36), false).contains("3 of 4"));
    answer(&mut screen, "");
    assert_eq!(answer(&mut screen, "somebody"), Wish::Try(Trial::Probe));
    screen.tried(vec![found(Sign::Ok, "mParticle accepted it.", None)]);
    press(&mut screen, "enter");
    assert_eq!(answer(&mut screen, "config"), Wish::Finish);
    let finished = screen.guide().finish().map_err(|error| error.to_string());
    screen.finished(finished);
    assert!(picture(&screen, (120, 36), false).contains("Wrote "));
    assert_eq!(press(&mut screen, "enter"), Wish::Open);
    assert!(
        std::fs::read_to_string(directory.path().join("config.toml")).unwrap().contains("project_id = 7")
    );
}

#[test]
fn a_custom_feed_has_a_key_and_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let mut screen = screen(&directory);
    for text in ["events-api", "us2-key"] {
        answer(&mut screen, text);
    }
    screen.paste("pl4nted-s3cret");
    pictures("events", &screen);
    assert!(!picture(&screen, (120, 36), false).contains("pl4nted"));
    answer(&mut screen, "");
    assert!(picture(&screen, (120, 36), false).contains("Environment"));
}

#[test]
fn what_a_small_terminal_cuts_off_can_be_looked_at_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut screen = screen(&directory);
    let small = |screen: &GuideScreen| picture(screen, (46, 14), false);
    assert!(!small(&screen).contains("1 of 4") && small(&screen).contains("pgup above"));
    press(&mut screen, "pgup");
    assert!(small(&screen).contains("1 of 4"), "{}", small(&screen));
    // Whoever types looks at what is typed.
    press(&mut screen, "x");
    assert!(small(&screen).contains("› Webhook URL"), "{}", small(&screen));
    assert!(!picture(&screen, (80, 24), false).contains("pgup"));
}

#[test]
fn esc_goes_back_a_question_and_out_at_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let mut screen = screen(&directory);
    answer(&mut screen, URL);
    assert_eq!(press(&mut screen, "esc"), Wish::None);
    // What was typed before stands for an empty answer.
    assert_eq!(press(&mut screen, "enter"), Wish::None);
    assert!(picture(&screen, (80, 24), false).contains("Environment"));
    assert_eq!(press(&mut screen, "esc esc"), Wish::Leave);
}
