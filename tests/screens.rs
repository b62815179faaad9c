//! Every screen and dialog as a picture, at three sizes and in the states that matter, and the keys that lead
//! there. A picture is the text of the screen; for some a second one marks what each cell looks like.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "screens/attributes.rs"]
mod attributes;
#[path = "screens/fixture.rs"]
mod fixture;
#[path = "screens/guide.rs"]
mod guide;
#[path = "screens/lists.rs"]
mod lists;
#[path = "screens/live.rs"]
mod live;
#[path = "screens/profiles.rs"]
mod profiles;
#[path = "screens/recall.rs"]
mod recall;
#[path = "screens/reconnect.rs"]
mod reconnect;
#[path = "screens/settings.rs"]
mod settings;
#[path = "screens/setup.rs"]
mod setup;
#[path = "screens/users.rs"]
mod users;
#[path = "screens/verification.rs"]
mod verification;
#[path = "screens/warnings.rs"]
mod warnings;

use cohort_sync::domain::CohortId;
use cohort_sync::sync::command::{Command, Refusal};
use cohort_sync::sync::snapshot::{Ended, Notice, NoticeLevel, Snapshot, Writer};
use cohort_sync::telemetry::{LogLevel, LogLine};
use cohort_sync::tui::app::{App, Effect, Msg};
use cohort_sync::tui::canvas::Canvas;
use cohort_sync::tui::glyphs::Glyphs;
use cohort_sync::tui::input::Input;
use cohort_sync::tui::screens::welcome;
use cohort_sync::tui::theme::{ColourDepth, Theme, ThemeChoice};
use cohort_sync::tui::{Settings, text};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use std::sync::Arc;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (46, 14)];

fn app(snapshot: Snapshot) -> App {
    app_with(fixture::settings(), snapshot)
}

fn app_with(settings: Settings, snapshot: Snapshot) -> App {
    App::new(Settings { zone: TimeZone::UTC, ..settings }, Arc::new(snapshot), fixture::now()).unwrap()
}

/// No colours and nothing outside ASCII.
fn plain() -> Settings {
    Settings { colour: ColourDepth::None, ascii: true, ..fixture::settings() }
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split_whitespace() {
        effects.extend(app.update(Msg::Input(Input::Key(key.parse().unwrap()))));
    }
    effects
}

fn draw(app: &mut App, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut hits = None;
    terminal.draw(|frame| hits = Some(app.draw(frame))).unwrap();
    app.update(Msg::Drawn(hits.unwrap()));
    terminal.backend().buffer().clone()
}

/// The text of a picture, line by line.
fn words(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in buffer.area.rows() {
        let mut line = String::new();
        let mut skip = 0;
        for x in y.left()..y.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y.y)].symbol();
            skip = text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The looks of a picture: a letter for each style, explained below it.
fn looks(buffer: &Buffer) -> String {
    let mut known: Vec<Style> = vec![Style::reset()];
    let mut lines = Vec::new();
    for row in buffer.area.rows() {
        let letters = (row.left()..row.right()).map(|x| {
            let style = buffer[(x, row.y)].style();
            let index = known.iter().position(|other| *other == style).unwrap_or_else(|| {
                known.push(style);
                known.len() - 1
            });
            if index == 0 { ' ' } else { char::from(b'a' + u8::try_from(index - 1).unwrap()) }
        });
        lines.push(letters.collect::<String>().trim_end().to_owned());
    }
    for (index, style) in known.iter().enumerate().skip(1) {
        let letter = char::from(b'a' + u8::try_from(index - 1).unwrap());
        lines.push(format!("{letter} = fg {:?} bg {:?} {:?}", style.fg, style.bg, style.add_modifier));
    }
    lines.join("\n")
}

fn snap(name: &str, picture: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, picture);
    });
}

/// Takes a picture at every size, and one more without colours and in ASCII.
fn everywhere(name: &str, snapshot: &dyn Fn() -> Snapshot, keys: &str) {
    for size in SIZES {
        let mut app = app(snapshot());
        press(&mut app, keys);
        snap(&format!("{name}_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = app_with(plain(), snapshot());
    press(&mut app, keys);
    let picture = words(&draw(&mut app, SIZES[0]));
    snap(&format!("{name}_plain"), &picture);
}

#[test]
fn cohorts_empty() {
    everywhere("cohorts_empty", &fixture::empty, "");
}

#[test]
fn cohorts_idle() {
    everywhere("cohorts_idle", &fixture::idle, "");
}

#[test]
fn cohorts_busy() {
    everywhere("cohorts_busy", &fixture::busy, "");
}

#[test]
fn cohorts_fetching() {
    everywhere("cohorts_fetching", &fixture::busy, "j j");
}

#[test]
fn cohorts_failing() {
    everywhere("cohorts_failing", &fixture::trouble, "");
}

#[test]
fn cohorts_paused() {
    everywhere("cohorts_paused", &fixture::trouble, "j j j j");
}

#[test]
fn cohorts_read_only() {
    let snapshot = || Snapshot {
        writer: Writer::Other("cohort-sync run, process 4711, since 12:00".to_owned()),
        ..fixture::idle()
    };
    everywhere("cohorts_read_only", &snapshot, "s");
}

#[test]
fn cohorts_filtered_sorted_and_marked() {
    everywhere("cohorts_filtered", &fixture::trouble, "o u O space space / r s");
}

#[test]
fn dialogs() {
    everywhere("dialog_start", &fixture::idle, "o c G k s");
    everywhere("dialog_start_again", &fixture::idle, "s");
    everywhere("dialog_stop", &fixture::busy, "x");
    everywhere("dialog_held", &fixture::trouble, "j j j a");
    everywhere("dialog_quit", &fixture::busy, "q");
    everywhere("dialog_help", &fixture::idle, "?");
    everywhere("dialog_help_search", &fixture::idle, "? p a u s e");
    everywhere("dialog_palette", &fixture::idle, ":");
    everywhere("dialog_sort", &fixture::idle, "o");
    everywhere("dialog_details", &fixture::trouble, "j j j j i");
}

#[test]
fn log() {
    for (name, keys) in [("log_following", "6"), ("log_wrapped", "6 l l l w g")] {
        for size in SIZES {
            let mut app = app(fixture::idle());
            for number in 0..40 {
                let level = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error][number % 4];
                let text = format!(
                    "request {number} of “Churn risk”: 100 users accepted in {} ms, attempt 1",
                    40 + number
                );
                let target = "cohort_sync::sync::send".to_owned();
                app.update(Msg::Log(LogLine { at: fixture::ago(40), level, target, text }));
            }
            press(&mut app, keys);
            snap(&format!("{name}_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
        }
    }
}

#[test]
fn toasts_stack_above_the_footer() {
    let mut app = app(fixture::idle());
    let mut snapshot = fixture::idle();
    let levels = [NoticeLevel::Info, NoticeLevel::Good, NoticeLevel::Warning, NoticeLevel::Error];
    for (number, level) in (1..).zip(levels) {
        let text =
            format!("“Churn risk”: something of the kind {level:?} happened, which takes a few words to say");
        snapshot.notices.push_back(Notice {
            number,
            at: fixture::now(),
            level,
            cohort: Some(CohortId(1001)),
            text,
        });
    }
    app.update(Msg::Snapshot(Arc::new(snapshot)));
    snap("toasts_120x36", &words(&draw(&mut app, (120, 36))));
    snap("toasts_46x14", &words(&draw(&mut app, (46, 14))));
}

#[test]
fn looks_of_the_cohorts_screen() {
    for choice in ThemeChoice::ALL {
        let settings = Settings { theme: choice, colour: ColourDepth::Ansi256, ..fixture::settings() };
        let mut app = app_with(settings, fixture::busy());
        snap(&format!("looks_{}", choice.token()), &looks(&draw(&mut app, (120, 24))));
    }
    let settings = Settings { colour: ColourDepth::Ansi16, ..fixture::settings() };
    snap("looks_16_colours", &looks(&draw(&mut app_with(settings, fixture::trouble()), (120, 24))));
}

#[test]
fn welcome_screen() {
    for size in SIZES {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, size.0, size.1));
        let theme = Theme::new(ThemeChoice::Dark, ColourDepth::True);
        let zone = TimeZone::UTC;
        let mut canvas = Canvas::new(&mut buffer, theme, Glyphs::new(false), fixture::now(), &zone);
        let why = "There is no configuration yet.";
        welcome::draw(&mut canvas, Some(why), Some("~/.config/cohort-sync/config.toml"));
        snap(&format!("welcome_{}x{}", size.0, size.1), &words(&buffer));
    }
}

#[test]
fn no_size_panics_and_small_ones_say_what_they_need() {
    let keys = "|s|?|:|o|q|i|enter|enter l|enter l l|enter h|2|3|3 / s|4|4 x enter|6|/ x|x|x up down enter a|F|v|v j|s tab z"
        .split('|');
    for width in [1, 2, 3, 5, 9, 20, 39, 40, 46, 60, 79, 100, 160, 300] {
        for height in [1, 2, 3, 5, 9, 10, 11, 14, 15, 24, 60, 100] {
            for keys in keys.clone() {
                let mut app = app(fixture::trouble());
                press(&mut app, keys);
                draw(&mut app, (width, height));
            }
        }
    }
    for (width, height) in [(0, 0), (1, 1), (3, 2), (9, 30), (30, 4)] {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
        let theme = Theme::new(ThemeChoice::Dark, ColourDepth::True);
        let zone = TimeZone::UTC;
        let mut canvas = Canvas::new(&mut buffer, theme, Glyphs::new(false), fixture::now(), &zone);
        welcome::draw(&mut canvas, Some("why"), Some("where"));
    }
    let picture = words(&draw(&mut app(fixture::idle()), (39, 9)));
    assert!(picture.contains("needs 40×10"), "{picture}");
}

#[test]
fn plain_pictures_hold_only_ascii_besides_names() {
    let mut snapshot = fixture::trouble();
    snapshot.cohorts.retain(|view| view.cohort.name.is_ascii());
    for keys in
        "|j j j|s|?|:|o|i|enter|enter l|enter l l|enter l l l|enter h|2|3|4|4 x enter|5|6|x|x up down enter a|F|v|s tab z"
            .split('|')
    {
        let mut app = app_with(plain(), snapshot.clone());
        press(&mut app, keys);
        let picture = words(&draw(&mut app, (120, 36))).replace("us1-…a9f2", "");
        let strange: Vec<char> = picture.chars().filter(|c| !c.is_ascii()).collect();
        assert!(strange.is_empty(), "{strange:?} in\n{picture}");
    }
}

#[test]
fn columns_stand_where_they_stand_whatever_the_names_are() {
    let picture = draw(&mut app(fixture::busy()), (120, 36));
    for y in 4..13 {
        let edge = picture[(119, y)].symbol();
        assert_eq!(edge, "│", "row {y}");
    }
}

/// The commands among some effects, as text.
fn commands(effects: Vec<Effect>) -> Vec<String> {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send(order) => Some(format!("{:?}", order.command)),
        _ => None,
    });
    sent.collect()
}

#[test]
fn keys_become_commands() {
    assert_eq!(commands(press(&mut app(fixture::idle()), "r")), ["Refresh"]);
    assert_eq!(commands(press(&mut app(fixture::busy()), "p")), ["Pause(CohortId(1001))"]);
    assert_eq!(commands(press(&mut app(fixture::idle()), "n")), ["RunNow(CohortId(1001))"]);
    assert_eq!(
        commands(press(&mut app(fixture::trouble()), "j j j j c tab tab enter")),
        ["Resume(CohortId(1010))"]
    );
    assert_eq!(commands(press(&mut app(fixture::trouble()), "j j p")), ["Resume(CohortId(1016))"]);
    assert_eq!(commands(press(&mut app(fixture::busy()), "x left left enter")), ["Stop(CohortId(1001))"]);
    assert_eq!(commands(press(&mut app(fixture::busy()), "x enter")), Vec::<String>::new());
    assert_eq!(
        commands(press(&mut app(fixture::trouble()), "j j j a left left enter")),
        ["Approve(CohortId(1011))"]
    );
    assert_eq!(
        commands(press(&mut app(fixture::trouble()), "j j j p left enter")),
        ["Discard(CohortId(1011))"]
    );
}

#[test]
fn marked_cohorts_are_acted_on_together() {
    let effects = press(&mut app(fixture::idle()), "space space p");
    assert_eq!(commands(effects), ["Pause(CohortId(1000))", "Pause(CohortId(1001))"]);
}

#[test]
fn a_start_dialog_sends_what_it_shows() {
    let mut app = app(fixture::idle());
    press(&mut app, "/ n e w s enter s");
    let Some(Effect::Send(order)) = press(&mut app, "enter").pop() else { panic!("nothing was sent") };
    let Command::Start(request) = order.command else { panic!("{:?}", order.command) };
    assert_eq!((request.cohort, request.dry_run), (CohortId(1005), false));
}

#[test]
fn read_only_changes_nothing_and_says_who_holds_it() {
    let writer = Writer::Other("cohort-sync run, process 4711".to_owned());
    for keys in ["r", "s", "p", "n", "x", "a", "c"] {
        let mut app = app(Snapshot { writer: writer.clone(), ..fixture::trouble() });
        assert!(press(&mut app, keys).is_empty(), "{keys}");
        let picture = words(&draw(&mut app, (120, 36)));
        assert!(picture.contains("process 4711") && picture.contains("READ-ONLY"), "{keys}\n{picture}");
    }
}

#[test]
fn esc_goes_back_one_level_and_never_quits() {
    let mut app = app(fixture::busy());
    press(&mut app, "/ x");
    assert!(press(&mut app, "esc ? esc s esc o esc q esc esc esc").is_empty());
    let picture = words(&draw(&mut app, (80, 24)));
    assert!(picture.contains("Churn risk") && !picture.contains("Quit?"), "{picture}");
}

#[test]
fn quitting_asks_only_while_a_sync_runs() {
    assert_eq!(commands(press(&mut app(fixture::idle()), "q")), ["Shutdown"]);
    assert!(press(&mut app(fixture::busy()), "q").is_empty());
    assert_eq!(commands(press(&mut app(fixture::busy()), "q left enter")), ["Shutdown"]);
    assert!(press(&mut app(fixture::busy()), "? ctrl-c").is_empty(), "ctrl-c asks too");
    assert_eq!(commands(app(fixture::busy()).update(Msg::Terminate)), ["Shutdown"]);
}

#[test]
fn a_second_quit_forces_and_so_does_time() {
    let mut app = app(fixture::busy());
    press(&mut app, "q left enter");
    assert!(words(&draw(&mut app, (80, 24))).contains("stopping after the requests in flight"));
    assert!(app.update(Msg::Tick(fixture::ago(-9))).is_empty());
    assert!(matches!(press(&mut app, "q")[..], [Effect::Quit(None)]));
    assert!(matches!(app.update(Msg::Tick(fixture::ago(-10)))[..], [Effect::Quit(None)]));
}

#[test]
fn the_question_about_quitting_stays_true_and_ctrl_c_answers_it() {
    let mut app = app(fixture::busy());
    press(&mut app, "q");
    let shown = |app: &mut App| words(&draw(app, (80, 24)));
    assert!(shown(&mut app).contains("being synced"), "{}", shown(&mut app));
    app.update(Msg::Snapshot(Arc::new(fixture::idle())));
    assert!(shown(&mut app).contains("No sync is running any more"), "{}", shown(&mut app));
    app.update(Msg::Snapshot(Arc::new(fixture::busy())));
    assert!(shown(&mut app).contains("being synced"));
    let effects = press(&mut app, "ctrl-c");
    assert!(matches!(&effects[..], [Effect::Send(order)] if matches!(order.command, Command::Shutdown)));
}

#[test]
fn the_end_of_the_engine_ends_the_console() {
    let ended = |reason: Option<&str>| {
        Msg::Snapshot(Arc::new(Snapshot {
            ended: Some(reason.map_or(Ended::AsAsked, |reason| Ended::Because(reason.to_owned()))),
            ..fixture::idle()
        }))
    };
    let effects = app(fixture::idle()).update(ended(Some("the disk is full")));
    assert!(matches!(&effects[..], [Effect::Quit(Some(reason))] if reason == "the disk is full"));
    let mut app = app(fixture::idle());
    press(&mut app, "q");
    assert!(matches!(app.update(ended(None))[..], [Effect::Quit(None)]));
}

#[test]
fn a_refusal_is_shown_with_its_reason_until_dismissed() {
    let mut app = app(fixture::idle());
    app.update(Msg::Answered("run “Power users”".to_owned(), Err(Refusal::AlreadyRunning)));
    app.update(Msg::Tick(fixture::ago(-3_600)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("could not run “Power users”: a run of this sync"), "{picture}");
    press(&mut app, "esc");
    assert!(!words(&draw(&mut app, (120, 36))).contains("could not run"));
}

#[test]
fn help_finds_and_runs() {
    let mut app = app(fixture::idle());
    press(&mut app, "? t h e m e enter");
    assert!(words(&draw(&mut app, (80, 24))).contains("theme: light"));
}

#[test]
fn the_mouse_selects_sorts_and_presses() {
    let mut app = app(fixture::idle());
    draw(&mut app, (120, 36));
    app.update(Msg::Input(Input::Click { column: 10, row: 6 }));
    assert!(words(&draw(&mut app, (120, 36))).lines().nth(6).unwrap().contains('▌'));
    app.update(Msg::Input(Input::Click { column: 30, row: 3 }));
    assert!(words(&draw(&mut app, (120, 36))).contains("sort: users"));
    // Wherever the tab of the log stands among the others.
    let tabs = words(&draw(&mut app, (120, 36))).lines().nth(1).unwrap().to_owned();
    let column = u16::try_from(tabs.find("6 Log").unwrap()).unwrap();
    app.update(Msg::Input(Input::Click { column, row: 1 }));
    assert!(words(&draw(&mut app, (120, 36))).contains("Nothing was logged yet"));
}

#[test]
fn nothing_ticks_while_nothing_moves() {
    let quiet = Settings { clock: false, ..fixture::settings() };
    assert!(app_with(quiet, fixture::idle()).pulse().as_secs() >= 60);
    assert_eq!(app(fixture::idle()).pulse().as_secs(), 1);
    assert_eq!(app(fixture::busy()).pulse().as_millis(), 100);
}
