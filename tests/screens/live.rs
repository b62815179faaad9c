//! The Live screen and one request: while requests come and go, while one reads, in trouble and read-only; and that
//! a thousand requests a second lead to few questions and no leap of the selection.

use super::lists::serve;
use super::{SIZES, app_with, draw, fixture, plain, press, snap, words};
use cohort_sync::domain::{CohortId, RunId};
use cohort_sync::sync::export::Content;
use cohort_sync::sync::pages::{
    Answer, Body, JournalEntry, JournalLine, JournalPlace, JournalRow, Question, Side,
};
use cohort_sync::sync::snapshot::{Snapshot, Writer};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// A journal that answers as the store does.
#[derive(Default)]
struct Journal(Vec<(i64, JournalEntry)>);

impl Journal {
    fn push(&mut self, entry: JournalEntry) {
        self.0.push((self.newest() + 1, entry));
    }

    fn newest(&self) -> i64 {
        self.0.last().map_or(0, |(id, _)| *id)
    }

    fn rows(&self, run: Option<RunId>, place: JournalPlace, limit: usize) -> Vec<JournalRow> {
        let row = |(id, entry): &(i64, JournalEntry)| JournalRow {
            id: *id,
            line: entry.line.clone(),
            said: entry.answer.chars().take(160).collect(),
        };
        let own = self.0.iter().filter(|(_, entry)| run.is_none() || entry.line.run == run);
        match place {
            JournalPlace::Newest => own.rev().take(limit).map(row).collect(),
            JournalPlace::Before(before) => {
                own.rev().filter(|(id, _)| *id < before).take(limit).map(row).collect()
            }
            JournalPlace::After(after) => own.filter(|(id, _)| *id > after).take(limit).map(row).collect(),
        }
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Journal { run, place, limit } => Answer::Journal(self.rows(*run, *place, *limit)),
            Question::Entry(number) => {
                let found = self.0.iter().find(|(id, _)| id == number);
                Answer::Entry(found.map(|(_, entry)| Box::new(entry.clone())))
            }
            Question::Body { first_position: 900, .. } => Answer::Body(None),
            Question::Body { first_position, users, .. } => {
                Answer::Body(Some(Body::AsSent(body(*first_position, *users))))
            }
            other => panic!("the Live screen asked {other:?}"),
        }
    }
}

fn body(first_position: u64, users: usize) -> String {
    let batch = |position: u64| {
        let address = match position % 3 {
            1 => r#""user_identities":{"customer_id":"ana@example.com"}"#.to_owned(),
            _ => format!("\"mpid\":{}", -5_183_712_098_411_029_934 + position.cast_signed()),
        };
        format!(
            r#"{{"environment":"production",{address},"user_attributes":{{"Churn risk":true}},"source_request_id":"cohort-sync-k3v9-41-1769869800000-{position}"}}"#
        )
    };
    let batches: Vec<String> = (first_position..).take(users).map(batch).collect();
    format!("[{}]", batches.join(","))
}

fn sent(ago: i64, status: Option<u16>, answer: &str) -> JournalEntry {
    let accepted = match status {
        Some(202) if answer.contains("errors") => Some(98),
        Some(202) => Some(100),
        _ => None,
    };
    let line = JournalLine {
        at: fixture::ago(ago) + SignedDuration::from_millis(123),
        run: Some(RunId(41)),
        cohort: Some(CohortId(1001)),
        side: Side::Mparticle,
        what: "batches".to_owned(),
        first_position: Some(100),
        users: 100,
        accepted,
        bytes: 24_611,
        status,
        elapsed: Duration::from_millis(100 + ago.unsigned_abs() * 37 % 160),
        attempt: 1,
    };
    let request = "POST https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/•••".to_owned();
    JournalEntry { line, request, answer: answer.to_owned() }
}

fn read(ago: i64, page: u64) -> JournalEntry {
    let line = JournalLine {
        cohort: Some(CohortId(1003)),
        side: Side::Mixpanel,
        what: format!("engage page {page}"),
        first_position: None,
        users: 1_000,
        accepted: None,
        bytes: 151_204,
        elapsed: Duration::from_millis(412),
        ..sent(ago, Some(200), "").line
    };
    let request = format!(
        "POST https://eu.mixpanel.com/api/query/engage?project_id=12345\nAuthorization: Basic •••\n\
         filter_by_cohort={{\"id\":1003}}\ninclude_all_users=true\n\
         output_properties=[\"$mparticle_user_id\",\"$last_seen\"]\npage={page}\nsession_id=1769869800-ZkXaPl"
    );
    let answer = format!(
        "{{\"page\":{page},\"page_size\":1000,\"results\":\"1,000 profiles, which are not kept here\",\
         \"session_id\":\"1769869800-ZkXaPl\",\"total\":20911}}"
    );
    JournalEntry { line, request, answer }
}

const SOME_REFUSED: &str = r#"{"errors":[{"index":17,"code":"INVALID_MPID","message":"The MPID is not of this workspace."},{"index":62,"code":"INVALID_MPID","message":"The MPID is not of this workspace."}]}"#;

/// A sync that sends while another reads; the list of cohorts, which is nobody's, came before.
fn busy() -> Journal {
    busy_until(0)
}

fn busy_until(end: i64) -> Journal {
    let mut journal = Journal::default();
    let mut list = read(70, 0);
    (list.line.run, list.line.cohort, list.line.users) = (None, None, 0);
    "cohort list".clone_into(&mut list.line.what);
    journal.push(list);
    for ago in (end..54).rev() {
        journal.push(sent(ago, Some(202), ""));
        if ago % 3 == 0 {
            journal.push(read(ago, (54 - ago.unsigned_abs()) / 3));
        }
        if ago % 17 == 2 {
            journal.push(sent(ago, Some(202), SOME_REFUSED));
        }
    }
    journal
}

fn failing() -> Journal {
    let mut journal = busy_until(10);
    let mut retried = |entry: JournalEntry, attempt| {
        let line = JournalLine { attempt, ..entry.line };
        journal.push(JournalEntry { line, ..entry });
    };
    let cut = "the connection to inbound.mparticle.com broke off before the answer was complete";
    retried(sent(9, Some(429), r#"{"message":"Too Many Requests"}"#), 1);
    retried(sent(7, Some(503), "upstream connect error or disconnect/reset before headers"), 2);
    retried(sent(4, None, cut), 3);
    let mut late = read(3, 4);
    (late.line.status, late.line.users, late.line.attempt) = (Some(500), 0, 2);
    r#"{"error":"Internal server error"}"#.clone_into(&mut late.answer);
    retried(late, 2);
    retried(sent(1, Some(400), r#"{"errors":[{"code":"BAD_REQUEST","message":"Unexpected token"}]}"#), 4);
    journal
}

fn snapshot(of: Snapshot, journal: &Journal) -> Snapshot {
    Snapshot { journaled: journal.newest(), ..of }
}

fn press_served(app: &mut App, journal: &Journal, keys: &str) {
    for key in keys.split_whitespace() {
        let effects = press(app, key);
        serve(app, effects, &|question| Ok(journal.answer(question)));
        draw(app, (120, 36));
        let effects = app.update(Msg::Tick(fixture::now()));
        serve(app, effects, &|question| Ok(journal.answer(question)));
    }
}

/// Pictures at every size, once everything that was asked for has come, and after what comes `then`.
fn pictures(name: &str, of: &Snapshot, journal: &Journal, keys: &str, then: &[JournalEntry]) {
    let shown = |settings: Settings, size| {
        let mut journal = Journal(journal.0.clone());
        let mut app = app_with(settings, snapshot(of.clone(), &journal));
        draw(&mut app, size);
        press_served(&mut app, &journal, keys);
        draw(&mut app, size);
        then.iter().cloned().for_each(|entry| journal.push(entry));
        tell(&mut app, of, &journal, fixture::now());
        draw(&mut app, size);
        words(&draw(&mut app, size))
    };
    for size in SIZES {
        let name = format!("{name}_{}x{}", size.0, size.1);
        snap(&name, &shown(fixture::settings(), size));
    }
    snap(&format!("{name}_plain"), &shown(plain(), SIZES[0]));
}

/// Lets the console learn that the journal has grown, and answers what it asks then.
fn tell(app: &mut App, of: &Snapshot, journal: &Journal, now: Timestamp) -> usize {
    let mut effects = app.update(Msg::Tick(now));
    effects.extend(app.update(Msg::Snapshot(Arc::new(snapshot(of.clone(), journal)))));
    let asked = effects.iter().filter(|effect| matches!(effect, Effect::Load(_))).count();
    serve(app, effects, &|question| Ok(journal.answer(question)));
    asked
}

#[test]
fn the_live_screen() {
    let busy = busy();
    pictures("live_following", &fixture::busy(), &busy, "3", &[sent(0, Some(202), "")]);
    let then = [sent(0, Some(202), ""), read(0, 19), sent(0, Some(202), SOME_REFUSED)];
    pictures("live_stopped", &fixture::busy(), &busy, "3 pgup k k", &then);
    pictures("live_filtered", &fixture::busy(), &busy, "3 / s i d e : m i x enter", &then);
    pictures("live_filtering", &fixture::busy(), &busy, "3 / s t a t u s : 2", &[]);
    pictures("live_no_match", &fixture::busy(), &busy, "3 / s t a t u s : 4 2 9 enter", &[]);
    pictures("live_failing", &fixture::trouble(), &failing(), "3", &[]);
    pictures("live_empty", &fixture::idle(), &Journal::default(), "3", &[]);
    let read_only = Snapshot {
        writer: Writer::Other("cohort-sync run, process 4711, since 12:00".to_owned()),
        ..fixture::busy()
    };
    pictures("live_read_only", &read_only, &busy, "3", &[sent(0, Some(429), "slow down")]);
}

#[test]
fn the_live_screen_long_after_the_last_request_and_before_the_first_answer() {
    let mut journal = Journal::default();
    journal.push(sent(400, Some(202), ""));
    pictures("live_quiet", &fixture::idle(), &journal, "3", &[]);
    let mut app = super::app(snapshot(fixture::idle(), &journal));
    let effects = press(&mut app, "3");
    snap("live_reading_80x24", &words(&draw(&mut app, (80, 24))));
    serve(&mut app, effects, &|_| Err("the state file is damaged: a run with no end".to_owned()));
    snap("live_unreadable_80x24", &words(&draw(&mut app, (80, 24))));
}

#[test]
fn one_request() {
    let mut journal = busy();
    pictures("request_sent", &fixture::busy(), &journal, "3 k k enter", &[]);
    pictures("request_page", &fixture::busy(), &journal, "3 k enter", &[]);
    journal.push(sent(1, Some(202), SOME_REFUSED));
    pictures("request_some_refused", &fixture::busy(), &journal, "3 enter", &[]);
    pictures("request_some_refused_said", &fixture::busy(), &journal, "3 enter l pgdn", &[]);
    pictures("request_no_answer", &fixture::trouble(), &failing(), "3 k k enter", &[]);
    let mut forgotten = sent(90_000, Some(202), "");
    forgotten.line.first_position = Some(900);
    journal.push(forgotten);
    pictures("request_forgotten", &fixture::busy(), &journal, "3 enter", &[]);
}

#[test]
fn requests_of_a_run_are_the_same_list() {
    let mut app = super::app(snapshot(fixture::busy(), &busy()));
    let journal = busy();
    let answer = |question: &Question| match question {
        Question::Runs { .. } | Question::Run(_) => super::lists::answer(question),
        question => journal.answer(question),
    };
    for key in "2 enter k enter".split_whitespace() {
        let effects = press(&mut app, key);
        serve(&mut app, effects, &|question| Ok(answer(question)));
        draw(&mut app, (120, 36));
    }
    let effects = app.update(Msg::Tick(fixture::ago(-1)));
    serve(&mut app, effects, &|question| Ok(answer(question)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("Request 76 · batches · Churn risk"), "{picture}");
    press(&mut app, "esc");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("[Requests]") && picture.contains("76 requests"), "{picture}");
}

/// The row of the screen with the sign of the selection, and what it says.
fn selected(app: &mut App) -> (usize, String) {
    let picture = words(&draw(app, (120, 36)));
    let row = picture.lines().enumerate().find(|(_, line)| line.contains('▌')).unwrap();
    // The scroll bar at the end of it is not the row's.
    (row.0, row.1.trim_end_matches(['│', '┃', ' ']).to_owned())
}

#[test]
fn a_thousand_requests_a_second_lead_to_few_questions_and_the_selection_stays() {
    let (of, mut journal) = (fixture::busy(), busy());
    let mut app = super::app(snapshot(of.clone(), &journal));
    press_served(&mut app, &journal, "3 k k k k");
    let before = selected(&mut app);
    let start = fixture::now();
    let (seconds, snapshots) = (12, 20);
    let mut asked = 0;
    for step in 1..=seconds * snapshots {
        let now = start + SignedDuration::from_millis(step * 1_000 / snapshots);
        for _ in 0..1_000 / snapshots {
            let entry = sent(0, Some(202), "");
            let line = JournalLine { at: now, ..entry.line };
            journal.push(JournalEntry { line, ..entry });
        }
        asked += tell(&mut app, &of, &journal, now);
        if step % 10 == 0 && step * 1_000 / snapshots < 10_000 {
            assert_eq!(selected(&mut app), before, "after {step} snapshots");
        }
    }
    assert!(asked <= 4 * 12, "{asked} questions in {seconds} s");
    assert!(asked >= 2 * 12, "{asked} questions in {seconds} s are too few to look alive");
    let effects = app.update(Msg::Tick(start + SignedDuration::from_millis(12_400)));
    serve(&mut app, effects, &|question| Ok(journal.answer(question)));
    let picture = words(&draw(&mut app, (120, 36)));
    // As many as the journal ever holds, and not one more.
    assert!(picture.contains("Live 10,000") && picture.contains("1.0 k requests/s"), "{picture}");
    press(&mut app, "f");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("following"), "{picture}");
}

#[test]
fn an_idle_live_screen_asks_nothing() {
    let (of, journal) = (fixture::idle(), busy());
    let mut app = super::app(snapshot(of.clone(), &journal));
    press_served(&mut app, &journal, "3");
    for second in 1..60 {
        let effects = app.update(Msg::Tick(fixture::ago(-second)));
        assert!(effects.is_empty(), "{effects:?}");
        assert_eq!(tell(&mut app, &of, &journal, fixture::ago(-second)), 0);
    }
    assert_eq!(app.pulse().as_secs(), 1, "the clock's, and nothing else's");
}

#[test]
fn what_is_listed_is_exported_and_what_is_shown_is_copied() {
    let journal = failing();
    let mut app = super::app(snapshot(fixture::trouble(), &journal));
    press_served(&mut app, &journal, "3 / s t a t u s : f a i l e d enter");
    let exported = press(&mut app, "e").into_iter().find_map(|effect| match effect {
        Effect::Export(export) => Some(export),
        _ => None,
    });
    let export = exported.unwrap();
    let newest = journal.newest();
    assert_eq!(export.name, "requests");
    assert_eq!(export.content, Content::Journal((newest - 4..=newest).collect()));
    let copied = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Copy { text, what } => Some((what, text)),
            _ => None,
        })
    };
    let (what, line) = copied(press(&mut app, "y")).unwrap();
    assert!(
        what == "the request" && line.contains("Churn risk mparticle batches 100 users"),
        "{what}: {line}"
    );
    press_served(&mut app, &journal, "enter");
    let (what, answer) = copied(press(&mut app, "y")).unwrap();
    assert_eq!(what, "the answer");
    assert!(answer.contains("  \"errors\": [\n    { \"code\": \"BAD_REQUEST\""), "{answer}");
    let (what, request) = copied(press(&mut app, "l y")).unwrap();
    assert_eq!(what, "the request");
    let (heading, body) = request.split_once("\n\n").unwrap();
    assert_eq!(heading, "POST https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/•••");
    let batches: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(batches.as_array().unwrap().len(), 100);
}

#[test]
fn the_oldest_entry_is_a_key_away_and_f_comes_back() {
    let mut journal = Journal::default();
    for number in 0..10_000 {
        journal.push(sent(60_000 - number, Some(202), ""));
    }
    let mut app = super::app(snapshot(fixture::idle(), &journal));
    press_served(&mut app, &journal, "3");
    assert!(words(&draw(&mut app, (120, 36))).contains("Live 10,000 · following"));
    press_served(&mut app, &journal, "g");
    assert_eq!(selected(&mut app).0, 7, "the first line below the heading");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("stopped here, f follows again"), "{picture}");
    press_served(&mut app, &journal, "f");
    assert!(words(&draw(&mut app, (120, 36))).contains("Live 10,000 · following"));
}

#[test]
fn whoever_comes_back_from_a_request_finds_it_where_it_was() {
    let (of, mut journal) = (fixture::busy(), busy());
    let mut app = super::app(snapshot(of.clone(), &journal));
    press_served(&mut app, &journal, "3 k");
    let before = selected(&mut app);
    press_served(&mut app, &journal, "k j enter");
    for _ in 0..100 {
        journal.push(sent(0, Some(202), ""));
    }
    tell(&mut app, &of, &journal, fixture::now());
    press_served(&mut app, &journal, "esc");
    assert_eq!(selected(&mut app), before);
    assert!(words(&draw(&mut app, (120, 36))).contains("100 newer"));
}
