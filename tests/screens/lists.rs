//! The pages that read what was recorded: Runs, one run and one cohort, with a stand-in for the state directory.

use super::{SIZES, app, app_with, draw, everywhere, fixture, plain, press, snap, words};
use cohort_sync::domain::grouping::Counting;
use cohort_sync::domain::people::{Narrow, UserRow};
use cohort_sync::domain::property::{Extras, PropertyNames};
use cohort_sync::domain::tally::Tallying;
use cohort_sync::domain::waterfall::Listed;
use cohort_sync::domain::what_if::Shapes;
use cohort_sync::domain::{
    Change, ChangeCounts, ChangeState, CohortId, Direction, Identity, Outcome, Phase, Purpose, Reason,
    Removal, RunId, SyncKind, Trigger,
};
use cohort_sync::sync::export::Content;
use cohort_sync::sync::pages::{
    Answer, ChangeRow, JournalExtent, JournalLine, JournalPlace, JournalRow, Question, RunRecord, Side,
    Sizes, Study, Which, Window,
};
use cohort_sync::sync::snapshot::Snapshot;
use cohort_sync::tui::app::{App, Effect, Msg};
use std::sync::Arc;
use std::time::Duration;

/// What a state directory would answer.
pub fn answer(question: &Question) -> Answer {
    match question {
        Question::Runs { cohort, .. } => {
            let rows: Vec<RunRecord> =
                runs().into_iter().filter(|run| cohort.is_none_or(|id| run.cohort_id == id)).collect();
            Answer::Runs(Window { offset: 0, total: rows.len() as u64, rows })
        }
        Question::Run(id) => Answer::Run(runs().into_iter().find(|run| run.id == *id).map(Box::new)),
        Question::Changes { offset, limit, which, .. } => {
            let total = if *which == Which::All { 1_000_000 } else { 3 };
            Answer::Changes(window(*offset, *limit, total, |position| change(position, *which)))
        }
        Question::Users { listed: Listed::Lacking, offset, limit, .. } => {
            Answer::Users(Some(RunId(40)), window(*offset, *limit, 12_801, lacking))
        }
        Question::Study(_) => Answer::Study(Some(Box::new(study()))),
        Question::Users { offset, limit, .. } => {
            Answer::Users(Some(RunId(40)), window(*offset, *limit, 411, counted))
        }
        Question::Journal { place: JournalPlace::Newest, .. } => {
            Answer::Journal((0..7).rev().map(request).collect())
        }
        Question::Journal { .. } => Answer::Journal(Vec::new()),
        Question::Entry(_) => Answer::Entry(None),
        Question::Wrong { offset, limit, .. } => {
            Answer::Wrong(window(*offset, *limit, 7, super::verification::wrong))
        }
        Question::Size => Answer::Size(Sizes { file: 48_300_000, ..Sizes::default() }),
        Question::JournalExtent => Answer::JournalExtent(JournalExtent::default()),
        Question::Flapping(_) => Answer::Flapping(37, Some(fixture::ago(16_327))),
        Question::Body { .. } => Answer::Body(None),
        Question::User(query) => Answer::User(Box::new(super::users::recorded(query))),
    }
}

fn window<T>(offset: u64, limit: usize, total: u64, row: impl Fn(u64) -> T) -> Window<T> {
    let end = (offset + limit as u64).min(total);
    Window { offset, total, rows: (offset..end).map(row).collect() }
}

fn runs() -> Vec<RunRecord> {
    let snapshot = fixture::idle();
    let view = |index: usize| &*snapshot.cohorts[index];
    let run = |id: i64, index: usize, ago: i64, adds: u64, removes: u64| RunRecord {
        id: RunId(id),
        phases: vec![
            (Phase::Fetch, Duration::from_millis(12_400)),
            (Phase::Compare, Duration::from_millis(810)),
            (Phase::Send, Duration::from_secs(27)),
            (Phase::Settle, Duration::from_millis(41)),
        ],
        ..fixture::run(view(index), ago, fixture::counts(38_125, 12_801, (adds, adds), (removes, removes)))
    };
    let at_work = RunRecord { outcome: None, ended_at: None, phase: Phase::Send, ..run(41, 1, -11, 0, 0) };
    let mut rejected = run(40, 1, 140, 312, 12);
    rejected.counts.adds = ChangeCounts::restored(312, 309, 3).unwrap();
    rejected.counts.retries = 2;
    let failed = RunRecord {
        outcome: Some(Outcome::Failed),
        trigger: Trigger::Operator,
        error: Some(
            "mParticle answered 503 five times over 61 s; 130 changes are left for the next run. The last answer \
             began: upstream connect error or disconnect/reset before headers, reset reason: connection termination."
                .to_owned(),
        ),
        ..run(39, 0, 900, 120, 0)
    };
    let everyone = RunRecord { purpose: Purpose::FullRefresh, ..run(38, 3, 4_000, 9_120, 9) };
    let dry = RunRecord {
        outcome: Some(Outcome::DryRun),
        kind: SyncKind::OneTime,
        trigger: Trigger::Operator,
        ..run(37, 4, 90_000, 0, 0)
    };
    let clean_up = RunRecord { purpose: Purpose::CleanUp(Removal::Delete), ..run(36, 7, 200_000, 0, 2_114) };
    vec![at_work, rejected, failed, everyone, dry, clean_up]
}

fn change(position: u64, which: Which) -> ChangeRow {
    let mpid = (position % 3 != 1).then(|| -5_183_712_098_411_029_934 + position.cast_signed());
    let id: Box<str> = format!("user-{position}@example.com").into();
    let state = match position % 5 {
        _ if which == Which::Rejected => ChangeState::Rejected,
        4 => ChangeState::Pending,
        _ => ChangeState::Accepted,
    };
    ChangeRow {
        position,
        change: Change {
            direction: if position % 4 == 3 { Direction::Remove } else { Direction::Add },
            identity: mpid.map_or_else(|| Identity::Text(id.clone()), Identity::Mpid),
            distinct_id: Some(id),
        },
        state,
        reason: (state == ChangeState::Rejected).then(|| "The MPID is not of this workspace.".to_owned()),
        at: (state != ChangeState::Pending).then(|| fixture::ago(150)),
    }
}

fn lacking(position: u64) -> UserRow {
    let kinds = [
        (Reason::Missing, "ana.maria", None),
        (Reason::Placeholder, "日本の太郎", Some("<null>")),
        (Reason::NotAnInteger, "$device:17f2c9", Some("5.18371e18")),
        (Reason::Anonymous, "$device:9921ab", None),
    ];
    let (reason, name, holds) = kinds[usize::try_from(position % 4).unwrap()];
    UserRow {
        distinct_id: Some(format!("{name}-{position}").into()),
        reason: Some(reason),
        sent: reason != Reason::Anonymous,
        holds: holds.map(Into::into),
        last_seen: (!position.is_multiple_of(5)).then(|| "2026-01-29T08:11:02".into()),
        properties: Box::new([Some("Android".into()), Some("5.2".into())]),
        ..UserRow::default()
    }
}

/// What those who lack an id have in common.
fn study() -> Study {
    let mut tallies = Tallying::of_page(PropertyNames::of(["$os", "$app_version_string"]), 0);
    for number in 0..1_000 {
        let mut extras = Extras::default();
        extras.put(0, if number % 5 == 0 { "\"Android\"" } else { "\"iOS\"" });
        extras.put(1, if number % 9 == 0 { "\"5.2\"" } else { "\"6.0\"" });
        tallies.note_matched(&extras);
    }
    let tallies = tallies.done();
    let grouping = |name, groups: &[(Option<&str>, u64)]| {
        let mut counting = Counting::default();
        for (value, users) in groups {
            counting.add(*value, *users);
        }
        counting.by_property(name, &tallies)
    };
    let versions: Vec<String> = (0..12).map(|minor| format!("4.{minor}")).collect();
    let mut by_version = vec![(Some("5.2"), 11_650_u64), (None, 700)];
    by_version.extend(versions.iter().map(|version| (Some(version.as_str()), 40)));
    let mut by_reason = Counting::default();
    for (reason, users) in [(Reason::Missing, 9_102), (Reason::Anonymous, 3_400), (Reason::Placeholder, 311)]
    {
        by_reason.add(Some(reason.token()), users);
    }
    let mut shapes = Shapes::default();
    for number in 0..1_000 {
        shapes.add(&if number % 4 == 0 { format!("{number}@example.com") } else { format!("user-{number}") });
    }
    let groupings = vec![
        grouping("$os", &[(Some("Android"), 6_000), (Some("iOS"), 6_000), (None, 813)]),
        grouping("$app_version_string", &by_version),
        by_reason.by_reason(),
    ];
    Study { run: RunId(40), groupings, shapes, tallies: Some(tallies) }
}

/// Behind any other line.
fn counted(position: u64) -> UserRow {
    let mpid = 8_553_083_063_767_000_000 + position.cast_signed() * 1_000;
    let kinds = [
        (Some(Reason::Rounded), Some("may have been 8553083063767000171")),
        (Some(Reason::Rejected), Some("The MPID is not of this workspace.")),
        (Some(Reason::Pending), None),
        (None, None),
    ];
    let (reason, detail) = kinds[usize::try_from(position % 4).unwrap()];
    UserRow {
        distinct_id: (!position.is_multiple_of(3)).then(|| format!("user-{position}@example.com").into()),
        mpid: Some(mpid),
        reason,
        sent: true,
        detail: detail.map(Into::into),
        ..UserRow::default()
    }
}

fn request(position: u64) -> JournalRow {
    let is_read = position < 2;
    let line = JournalLine {
        first_position: Some(position * 100),
        at: fixture::ago(180 - position.cast_signed() * 4),
        run: Some(RunId(40)),
        cohort: Some(CohortId(1001)),
        side: if is_read { Side::Mixpanel } else { Side::Mparticle },
        what: if is_read { format!("engage page {position}") } else { "batches".to_owned() },
        users: if is_read { 1_000 } else { 100 },
        accepted: (!is_read).then_some(100),
        bytes: 48_211,
        status: [Some(200), Some(200), Some(202), Some(429), Some(202), None, Some(202)]
            [usize::try_from(position).unwrap()],
        elapsed: Duration::from_millis(212),
        attempt: if position == 4 { 2 } else { 1 },
    };
    JournalRow { id: position.cast_signed() + 1, line, said: "{\"status\":\"ok\"}".to_owned() }
}

/// Answers what the console asks until it asks nothing more.
pub fn serve(app: &mut App, mut effects: Vec<Effect>, respond: &dyn Fn(&Question) -> Result<Answer, String>) {
    while let Some(effect) = effects.pop() {
        if let Effect::Load(question) = effect {
            let answer = respond(&question);
            effects.extend(app.update(Msg::Loaded(question, answer)));
        }
    }
}

pub fn press_served(app: &mut App, keys: &str) {
    for key in keys.split_whitespace() {
        let effects = press(app, key);
        serve(app, effects, &|question| Ok(answer(question)));
        draw(app, (120, 36));
        let effects = app.update(Msg::Tick(fixture::now()));
        serve(app, effects, &|question| Ok(answer(question)));
    }
}

/// Pictures at every size, once everything that was asked for has come.
pub fn pictures(name: &str, snapshot: &dyn Fn() -> Snapshot, keys: &str) {
    for size in SIZES {
        let mut app = app(snapshot());
        press_served(&mut app, keys);
        draw(&mut app, size);
        snap(&format!("{name}_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = app_with(plain(), snapshot());
    press_served(&mut app, keys);
    snap(&format!("{name}_plain"), &words(&draw(&mut app, SIZES[0])));
}

#[test]
fn runs_screen() {
    everywhere("runs_reading", &fixture::idle, "2");
    pictures("runs_idle", &fixture::idle, "2");
    pictures("runs_busy", &fixture::busy, "2");
    pictures("runs_filtered", &fixture::busy, "2 / f a i l enter");
    pictures("runs_sorted", &fixture::busy, "2 o c j");
}

#[test]
fn one_run() {
    pictures("run_ended", &fixture::idle, "2 j enter j j");
    pictures("run_failed", &fixture::idle, "2 j j enter");
    pictures("run_at_work", &fixture::busy, "2 enter");
    pictures("run_changes", &fixture::idle, "2 j enter l");
    pictures("run_facts", &fixture::idle, "2 j j enter i");
}

#[test]
fn one_cohort() {
    pictures("cohort_overview", &fixture::idle, "enter");
    pictures("cohort_overview_busy", &fixture::busy, "enter");
    pictures("cohort_overview_failing", &fixture::trouble, "j j j j enter");
    pictures("cohort_overview_unsynced", &fixture::idle, "/ n e w s enter enter");
    pictures("cohort_counts", &fixture::idle, "enter l j j j");
    pictures("cohort_counts_unread", &fixture::idle, "/ n e w s enter enter l");
    pictures("cohort_unmatched", &fixture::idle, "enter l l j");
    pictures("cohort_behind", &fixture::idle, "enter l G enter j");
    pictures("cohort_behind_filtered", &fixture::idle, "enter l G enter / a n n");
    pictures("cohort_behind_facts", &fixture::idle, "enter l G enter enter");
    pictures("cohort_fix_it", &fixture::idle, "enter l l l j");
    pictures("cohort_fix_it_by_reason", &fixture::idle, "enter l l l b");
    pictures("cohort_fix_it_snippet", &fixture::idle, "enter l l l G k k k k k enter");
    pictures("cohort_what_if", &fixture::idle, "enter l l l w");
    pictures("cohort_group", &fixture::idle, "enter l l l enter");
    pictures("cohort_changes", &fixture::idle, "enter h h");
    pictures("cohort_runs", &fixture::busy, "enter [");
}

#[test]
fn trouble_with_the_state_directory_is_said() {
    for (name, keys) in [("runs_unreadable", "2"), ("cohort_unmatched_unreadable", "enter l l")] {
        let mut app = app(fixture::idle());
        for key in keys.split_whitespace() {
            let effects = press(&mut app, key);
            serve(&mut app, effects, &|_| Err("the state file is damaged: a run with no end".to_owned()));
        }
        snap(&format!("{name}_80x24"), &words(&draw(&mut app, (80, 24))));
    }
}

fn loads(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Load(_))).count()
}

#[test]
fn a_run_that_ends_is_read_again_and_only_then() {
    let mut app = app(fixture::busy());
    press_served(&mut app, "2");
    app.update(Msg::Tick(fixture::ago(-5)));
    let same = app.update(Msg::Snapshot(Arc::new(fixture::busy())));
    assert_eq!(loads(&same), 0, "nothing ended: {same:?}");
    let ended = app.update(Msg::Snapshot(Arc::new(fixture::idle())));
    assert_eq!(loads(&ended), 1);
    let again = app.update(Msg::Snapshot(Arc::new(fixture::busy())));
    assert_eq!(loads(&again), 0, "one question at a time");
    let Some(Effect::Load(question)) = ended.into_iter().next() else { panic!("nothing was asked") };
    let late = answer(&question);
    let soon = app.update(Msg::Loaded(question, Ok(late)));
    assert_eq!(loads(&soon), 0, "not at once");
    let later = app.update(Msg::Tick(fixture::ago(-6)));
    assert_eq!(loads(&later), 1, "what was asked before the last change is asked again");
}

#[test]
fn a_long_list_scrolls_at_once_and_shows_what_is_on_its_way() {
    let mut app = app(fixture::idle());
    press_served(&mut app, "2 j enter l");
    let effects = press(&mut app, "G");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("▌ …") && !picture.contains("user-0@"), "{picture}");
    serve(&mut app, effects, &|question| Ok(answer(question)));
    let effects = app.update(Msg::Tick(fixture::ago(-1)));
    serve(&mut app, effects, &|question| Ok(answer(question)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("user-999999@"), "{picture}");
}

#[test]
fn lines_of_the_counts_lead_to_their_lists() {
    let mut app = app(fixture::idle());
    press_served(&mut app, "enter l j j j j enter");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("No usable identifier  411 users"), "{picture}");
    press_served(&mut app, "esc G enter");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(
        picture.contains("Left since  411 users") && picture.contains("not of this workspace"),
        "{picture}"
    );
    press_served(&mut app, "esc esc");
    assert!(words(&draw(&mut app, (120, 36))).contains("Cohorts 9"));
}

#[test]
fn exports_say_what_they_hold() {
    let exported = |keys: &str| {
        let mut app = app(fixture::idle());
        press_served(&mut app, keys);
        press(&mut app, "e").into_iter().find_map(|effect| match effect {
            Effect::Export(export) => Some(export),
            _ => None,
        })
    };
    let cohorts = exported("/ r i s k enter").unwrap();
    let Content::Rows(table) = cohorts.content else { panic!("{cohorts:?}") };
    assert_eq!((cohorts.name.as_str(), table.rows.len()), ("cohorts", 1));
    assert_eq!((table.columns[1], &table.rows[0][1]), ("cohort", &"Churn risk".into()));
    let runs = exported("2 / f a i l enter").unwrap();
    assert!(matches!(runs.content, Content::Rows(table) if table.rows.len() == 1));
    assert_eq!(
        exported("enter l l").unwrap().content,
        Content::Users(CohortId(1001), Listed::Lacking, Narrow::default())
    );
    let changes = exported("2 j enter l f").unwrap();
    assert_eq!(changes.content, Content::Changes(RunId(40), Which::Rejected));
    assert_eq!(changes.name, "rejected changes of run 40");
    assert!(exported("6").is_none());
    let mut app = app(fixture::idle());
    app.update(Msg::Exported(Ok(("./runs-20260131-143207.csv".to_owned(), 6))));
    assert!(words(&draw(&mut app, (120, 36))).contains("runs-20260131-143207.csv"));
}

#[test]
fn acting_on_the_open_cohort_needs_no_way_back() {
    let mut app = app(fixture::idle());
    press_served(&mut app, "enter");
    assert_eq!(super::commands(press(&mut app, "n")), ["RunNow(CohortId(1001))"]);
    assert_eq!(super::commands(press(&mut app, "l p")), ["Pause(CohortId(1001))"]);
}
