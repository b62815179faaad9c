//! The Users screen: the line that ids are typed into, what Mixpanel is asked and what that costs, and accounts of every
//! kind of user.

use super::{SIZES, app_with, draw, fixture, plain, press, snap, words};
use cohort_sync::domain::attribute::AttributeValue;
use cohort_sync::domain::property::Extras;
use cohort_sync::domain::remark::{Remark, RemarkKind};
use cohort_sync::domain::{
    Change, CohortId, Direction, Finding, Identity, KnownIds, Member, NoMpid, Profile, Purpose, RawId,
    ReadingRules, RunId, SyncStatus, UserId,
};
use cohort_sync::store::NotedRequest;
use cohort_sync::sync::pages::{Answer, JournalEntry, JournalLine, Question, Side};
use cohort_sync::sync::snapshot::{QueryBudget, Snapshot, Writer};
use cohort_sync::sync::user::{
    AttributeOnRecord, Fate, ForgottenRuns, FoundChange, HeldAnswer, HeldProfile, LastRead, LiveAnswer,
    LiveProfile, LiveQuestion, Recorded, RemarkOnRecord, TellingOnRecord, UserQuery,
};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::{App, Effect, Msg};
use cohort_sync::tui::input::Input;
use std::time::Duration;

const MPID: i64 = -5_183_712_098_411_029_934;
const ROUNDED: i64 = 8_553_083_063_767_933_000;

/// What a state directory would have on record about somebody.
pub fn recorded(query: &UserQuery) -> Recorded {
    match query.id.as_str() {
        "user-7@example.com" => matched(),
        "rounded@example.com" => rounded(),
        "anonymous" => unmatched(),
        _ => Recorded { looked_through: 1_204_311, ..Recorded::nothing(KnownIds::of(&query.id)) },
    }
}

fn attribute(
    cohort: u64,
    name: &str,
    status: SyncStatus,
    holders: &[Identity],
    is_member: Option<bool>,
) -> AttributeOnRecord {
    AttributeOnRecord {
        cohort: CohortId(cohort),
        name: name.to_owned(),
        attribute: name.to_owned(),
        status,
        is_former: false,
        holders: holders.to_vec(),
        unrounded: Vec::new(),
        last_read: Some(LastRead { run: RunId(40), at: fixture::ago(181), is_member }),
        forgotten: ForgottenRuns { runs: 17, until: Some(fixture::ago(400_000)) },
    }
}

fn telling(run: i64, ago: i64, direction: Direction, identity: &Identity, fate: Fate) -> TellingOnRecord {
    let is_answered = matches!(fate, Fate::Accepted | Fate::Rejected(_));
    let line = JournalLine {
        at: fixture::ago(ago + 1),
        run: Some(RunId(run)),
        cohort: Some(CohortId(1000)),
        side: Side::Mparticle,
        what: "batches".to_owned(),
        first_position: Some(100),
        users: 100,
        bytes: 21_204,
        status: Some(202),
        elapsed: Duration::from_millis(212),
        attempt: 1,
        accepted: Some(100),
    };
    let entry = JournalEntry { line, request: String::new(), answer: String::new() };
    TellingOnRecord {
        found: FoundChange {
            run: RunId(run),
            cohort: CohortId(1000),
            position: 117,
            first_position: 100,
            users: 100,
            change: Change {
                direction,
                identity: identity.clone(),
                distinct_id: Some("user-7@example.com".into()),
            },
            fate,
            answered_at: is_answered.then(|| fixture::ago(ago)),
            http_status: is_answered.then_some(202),
            tries: 1,
        },
        cohort: "Power users".to_owned(),
        attribute: "Power users".to_owned(),
        purpose: Purpose::Update,
        began: fixture::ago(ago + 30),
        request: is_answered.then_some(NotedRequest { id: 7, entry }),
    }
}

fn matched() -> Recorded {
    let (mpid, old) = (Identity::Mpid(MPID), Identity::of_distinct_id("user-7@example.com"));
    let id = UserId::parse("user-7@example.com").unwrap();
    let mut ids = KnownIds::of(&id);
    ids.mpids.insert(MPID);
    let refusal = Fate::Rejected("The MPID is not of this workspace.".to_owned());
    Recorded {
        ids,
        attributes: vec![
            attribute(1000, "Power users", SyncStatus::Synced, std::slice::from_ref(&mpid), Some(true)),
            attribute(1001, "Churn risk", SyncStatus::Synced, &[], Some(false)),
            attribute(1003, "日本の週間アクティブユーザー", SyncStatus::Paused, &[], Some(true)),
            attribute(1005, "Newsletter", SyncStatus::NotSynced, &[], None),
        ],
        tellings: vec![
            telling(40, 300, Direction::Add, &mpid, Fate::Accepted),
            telling(38, 4_000, Direction::Add, &mpid, refusal),
            telling(37, 90_000, Direction::Add, &mpid, Fate::DryRun),
            telling(31, 180_000, Direction::Remove, &old, Fate::Accepted),
            telling(29, 270_000, Direction::Add, &old, Fate::Accepted),
        ],
        left_out: 0,
        remarks: vec![RemarkOnRecord {
            run: RunId(40),
            at: fixture::ago(181),
            cohort: CohortId(1000),
            remark: Remark {
                distinct_id: Some("the-other-profile".into()),
                kind: RemarkKind::Duplicate,
                evidence: Some(MPID.to_string().into()),
                last_seen: None,
                counted_profile: None,
                properties: Box::default(),
            },
        }],
        looked_through: 1_204_311,
    }
}

fn rounded() -> Recorded {
    let identity = Identity::Mpid(ROUNDED);
    let id = UserId::parse("rounded@example.com").unwrap();
    let mut attribute =
        attribute(1000, "Power users", SyncStatus::Synced, std::slice::from_ref(&identity), Some(true));
    attribute.unrounded = vec![8_553_083_063_767_933_171];
    let mut told = telling(40, 300, Direction::Add, &identity, Fate::Accepted);
    told.found.change.distinct_id = Some("rounded@example.com".into());
    Recorded {
        attributes: vec![attribute],
        tellings: vec![told],
        looked_through: 1_204_311,
        ..Recorded::nothing(KnownIds::of(&id))
    }
}

fn unmatched() -> Recorded {
    let id = UserId::parse("anonymous").unwrap();
    let identity = id.as_distinct_id();
    let remark = Remark {
        distinct_id: Some("anonymous".into()),
        kind: RemarkKind::Unmatched(NoMpid::Placeholder),
        evidence: Some("<null>".into()),
        last_seen: Some("2026-01-29T08:11:02".into()),
        counted_profile: None,
        properties: Box::default(),
    };
    let mut told = telling(40, 300, Direction::Add, &identity, Fate::Accepted);
    told.found.change.distinct_id = Some("anonymous".into());
    Recorded {
        attributes: vec![attribute(1000, "Power users", SyncStatus::Synced, &[identity], Some(true))],
        tellings: vec![told],
        remarks: vec![RemarkOnRecord {
            run: RunId(40),
            at: fixture::ago(181),
            cohort: CohortId(1000),
            remark,
        }],
        looked_through: 1_204_311,
        ..Recorded::nothing(KnownIds::of(&id))
    }
}

fn profile(distinct_id: &str, mpid: Option<i64>) -> LiveProfile {
    let mparticle_user_id = mpid.map_or(RawId::Missing, |mpid| RawId::Text(mpid.to_string().into()));
    let profile = Profile {
        distinct_id: RawId::Text(distinct_id.to_owned().into()),
        mparticle_user_id,
        last_seen: Some("2026-01-31T11:02:44".into()),
        has_profile: true,
        extras: Extras::default(),
    };
    let finding: Finding = Member::read(&profile, ReadingRules::default()).finding;
    LiveProfile { profile, finding }
}

fn live(profiles: Vec<LiveProfile>, used: u32) -> LiveAnswer {
    let queries = QueryBudget { used, limit: 60, learned: true, next_slot: None };
    LiveAnswer { at: fixture::ago(2), profiles, near: Vec::new(), left_out: 0, queries }
}

/// Lets the app have what it asks for, as the records and Mixpanel would answer.
fn serve(
    app: &mut App,
    effects: Vec<Effect>,
    mixpanel: &dyn Fn(&LiveQuestion) -> Result<LiveAnswer, String>,
) {
    let mut waiting = effects;
    while let Some(effect) = waiting.pop() {
        match effect {
            Effect::Load(Question::User(query)) => {
                let answer = Ok(Answer::User(Box::new(recorded(&query))));
                waiting.extend(app.update(Msg::Loaded(Question::User(query), answer)));
            }
            Effect::LookUp(person) => {
                let answer = Ok(held(&person));
                waiting.extend(app.update(Msg::Seen(person, answer)));
            }
            Effect::Ask(question) => {
                let answer = mixpanel(&question);
                waiting.extend(app.update(Msg::Heard(question, answer)));
            }
            _ => {}
        }
        // What is asked for anew is asked a little later.
        waiting.extend(app.update(Msg::Tick(fixture::now())));
    }
}

/// What mParticle holds: of whoever has an MPID nearly everything, of others nothing.
fn held(person: &Identity) -> HeldAnswer {
    let text = |text: &str| AttributeValue::Text(text.into());
    let profile = person.mpid().map(|mpid| HeldProfile {
        mpid: Some(mpid),
        attributes: [("Power users".to_owned(), text("true")), ("Churn risk".to_owned(), text("false"))]
            .into(),
        identities: vec![
            ("customer_id".to_owned(), "user-7@example.com".to_owned()),
            ("email".to_owned(), "日本の太郎@example.com".to_owned()),
        ],
        audiences: vec!["Win back".to_owned(), "Everybody".to_owned()],
        is_opted_out: Some(false),
        last_stored: Some(fixture::ago(290)),
    });
    HeldAnswer { at: fixture::ago(1), by: person.clone(), profile }
}

fn type_in(app: &mut App, text: &str) -> Vec<Effect> {
    let keys: Vec<String> =
        text.chars().map(|c| if c == ' ' { "space".to_owned() } else { c.to_string() }).collect();
    press(app, &keys.join(" "))
}

fn found(question: &LiveQuestion) -> LiveAnswer {
    match question {
        LiveQuestion::Profiles(id) if id.as_str() == "user-7@example.com" => {
            live(vec![profile(id.as_str(), Some(MPID))], 42)
        }
        LiveQuestion::Profiles(id) if id.as_str() == "rounded@example.com" => {
            live(vec![profile(id.as_str(), Some(ROUNDED))], 42)
        }
        LiveQuestion::Profiles(_) => live(Vec::new(), 42),
        LiveQuestion::Members { .. } => live(vec![profile("user-7@example.com", Some(MPID))], 43),
    }
}

/// The settings of somebody without the Profile API.
fn unseeing(settings: Settings) -> Settings {
    Settings { profiles_per_second: None, ..settings }
}

/// The screen after somebody was looked up and Mixpanel answered.
fn looked_up(of: Settings, snapshot: Snapshot, id: &str) -> App {
    let mut app = app_with(of, snapshot);
    press(&mut app, "4");
    type_in(&mut app, id);
    let effects = press(&mut app, "enter");
    serve(&mut app, effects, &|question| Ok(found(question)));
    app
}

fn pictures(name: &str, make: &dyn Fn(Settings) -> App, keys: &str) {
    for size in SIZES {
        let mut app = make(fixture::settings());
        draw(&mut app, size);
        press(&mut app, keys);
        snap(&format!("{name}_{}x{}", size.0, size.1), &words(&draw(&mut app, size)));
    }
    let mut app = make(plain());
    draw(&mut app, SIZES[0]);
    press(&mut app, keys);
    snap(&format!("{name}_plain"), &words(&draw(&mut app, SIZES[0])));
}

#[test]
fn users_pictures() {
    pictures("users_empty", &|settings| app_with(settings, fixture::idle()), "4");
    pictures(
        "users_matched",
        &|settings| looked_up(unseeing(settings), fixture::idle(), "user-7@example.com"),
        "",
    );
    pictures("users_seen", &|settings| looked_up(settings, fixture::idle(), "user-7@example.com"), "");
    pictures(
        "users_matched_below",
        &|settings| looked_up(settings, fixture::idle(), "user-7@example.com"),
        "G",
    );
    pictures("users_rounded", &|settings| looked_up(settings, fixture::idle(), "rounded@example.com"), "");
    pictures("users_nobody", &|settings| looked_up(settings, fixture::idle(), "nobody"), "");
    let unmatched = |settings| {
        let mut app = app_with(settings, fixture::idle());
        press(&mut app, "4");
        type_in(&mut app, "anonymous");
        let effects = press(&mut app, "enter");
        let down = |_: &LiveQuestion| {
            Err("Mixpanel did not answer within 60 s; the query may be counted all the same".to_owned())
        };
        serve(&mut app, effects, &down);
        app
    };
    pictures("users_unanswered", &unmatched, "");
    pictures(
        "users_facts",
        &|settings| looked_up(settings, fixture::idle(), "user-7@example.com"),
        "G k k i",
    );
    let read_only = || Snapshot {
        writer: Writer::Other("cohort-sync run, process 4711, since 12:00".to_owned()),
        ..fixture::idle()
    };
    pictures("users_read_only", &|settings| looked_up(settings, read_only(), "user-7@example.com"), "");
    pictures("users_typing", &|settings| looked_up(settings, fixture::idle(), "user-7@example.com"), "/ a b");
}

#[test]
fn mparticle_is_looked_at_once_and_again_when_mixpanel_is_asked_again() {
    let looks = |effects: &[Effect]| {
        let people = effects.iter().filter_map(|effect| match effect {
            Effect::LookUp(person) => Some(person.clone()),
            _ => None,
        });
        people.collect::<Vec<_>>()
    };
    let mut app = app_with(fixture::settings(), fixture::idle());
    press(&mut app, "4");
    type_in(&mut app, "user-7@example.com");
    let mut effects = press(&mut app, "enter");
    let query = effects.iter().find_map(|effect| match effect {
        Effect::Load(Question::User(query)) => Some(query.clone()),
        _ => None,
    });
    let query = query.unwrap();
    let answer = Ok(Answer::User(Box::new(recorded(&query))));
    effects = app.update(Msg::Loaded(Question::User(query), answer));
    assert!(looks(&effects).is_empty(), "Mixpanel may say that they are addressed by something else");
    let asked = LiveQuestion::Profiles(UserId::parse("user-7@example.com").unwrap());
    effects = app.update(Msg::Heard(asked.clone(), Ok(found(&asked))));
    assert_eq!(looks(&effects), [Identity::Mpid(MPID)]);
    assert!(words(&draw(&mut app, (120, 36))).contains("Looking at the profile in mParticle…"));
    assert!(looks(&app.update(Msg::Tick(fixture::now()))).is_empty(), "not twice at a time");
    let nobody = Identity::Mpid(1);
    app.update(Msg::Seen(nobody.clone(), Ok(held(&nobody))));
    assert!(words(&draw(&mut app, (120, 36))).contains("Looking at"), "an answer about somebody else");
    let silent = Err("mParticle answered 503 five times; try again".to_owned());
    effects = app.update(Msg::Seen(Identity::Mpid(MPID), silent));
    assert!(looks(&effects).is_empty(), "what failed is not asked again by itself");
    assert!(words(&draw(&mut app, (120, 36))).contains("mParticle answered 503 five times"));
    press(&mut app, "a");
    effects = app.update(Msg::Heard(asked.clone(), Ok(found(&asked))));
    assert_eq!(looks(&effects), [Identity::Mpid(MPID)]);
    app.update(Msg::Seen(Identity::Mpid(MPID), Ok(held(&Identity::Mpid(MPID)))));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("In mParticle: yes, by MPID."), "{picture}");
    assert!(picture.contains("seen in mParticle: the profile holds \"true\", as it was told"), "{picture}");
}

#[test]
fn the_line_takes_the_keys_when_the_screen_is_first_opened() {
    let mut app = app_with(fixture::settings(), fixture::idle());
    press(&mut app, "4 5 q s");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(
        picture.contains("Find 5qs") && picture.contains("looks in what was recorded and asks Mixpanel"),
        "{picture}"
    );
    // The keys that are no text still lead away, and Esc gives the others back.
    press(&mut app, "tab");
    assert!(words(&draw(&mut app, (120, 36))).contains("What Mixpanel needs"));
    press(&mut app, "4 esc 1");
    assert!(words(&draw(&mut app, (120, 36))).contains("Churn risk"));
    press(&mut app, "4");
    assert!(!words(&draw(&mut app, (120, 36))).contains("leave the line"), "only the first time");
}

#[test]
fn enter_reads_the_records_and_asks_mixpanel_once() {
    let mut app = app_with(fixture::settings(), fixture::idle());
    press(&mut app, "4");
    app.update(Msg::Input(Input::Paste(" user-7@example.com\n".to_owned())));
    let effects = press(&mut app, "enter");
    let asked = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Ask(_))).count();
    assert_eq!(asked(&effects), 1);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Load(Question::User(query)) if query.id.as_str() == "user-7@example.com")));
    assert!(words(&draw(&mut app, (120, 36))).contains("asking Mixpanel: 1 query"));
    assert_eq!(asked(&press(&mut app, "a")), 0, "not twice at a time");
    // The answer was paid for, so it is taken in although another screen is seen.
    press(&mut app, "1");
    serve(&mut app, effects, &|question| Ok(found(question)));
    let effects = press(&mut app, "4");
    serve(&mut app, effects, &|question| Ok(found(question)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("18 of 60 left this hour"), "{picture}");
    assert!(picture.contains("was told true by MPID 5 minutes ago and accepted it"), "{picture}");
}

#[test]
fn the_selected_cohort_is_asked_about_and_a_telling_opens_its_run() {
    let mut app = looked_up(unseeing(fixture::settings()), fixture::idle(), "user-7@example.com");
    draw(&mut app, (120, 36));
    press(&mut app, "j j j j j j");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("a asks whether they are in “Power users” now: 1 query"), "{picture}");
    let effects = press(&mut app, "a");
    let Some(Effect::Ask(LiveQuestion::Members { cohort, distinct_ids })) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!((cohort.0, distinct_ids.as_slice()), (1000, &["user-7@example.com".into()][..]));
    serve(&mut app, effects, &|question| Ok(found(question)));
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("in it      Mixpanel, asked at"), "{picture}");
    press(&mut app, "G k k enter");
    assert!(words(&draw(&mut app, (120, 36))).contains("Run 29"));
    press(&mut app, "esc");
    assert!(words(&draw(&mut app, (120, 36))).contains("Find user-7@example.com"));
}

#[test]
fn a_user_of_another_list_is_opened_and_esc_leads_back() {
    let mut app = app_with(fixture::settings(), fixture::idle());
    super::lists::press_served(&mut app, "enter ] ] j");
    let effects = press(&mut app, "u");
    assert!(
        !effects.iter().any(|effect| matches!(effect, Effect::Ask(_))),
        "what costs a query is asked for"
    );
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(
        picture.contains("Find 日本の太郎-1") && picture.contains("a asks Mixpanel for the profile"),
        "{picture}"
    );
    press(&mut app, "esc");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("[Unmatched]"), "{picture}");
    // Where no user is selected the key says so.
    press(&mut app, "[ [ u");
    assert!(words(&draw(&mut app, (120, 36))).contains("no user is selected"));
}

#[test]
fn without_a_query_left_the_records_answer() {
    let spent = QueryBudget { used: 60, limit: 60, learned: true, next_slot: Some(fixture::ago(-1_260)) };
    let mut app = app_with(fixture::settings(), Snapshot { queries: spent, ..fixture::idle() });
    press(&mut app, "4");
    type_in(&mut app, "user-7@example.com");
    assert!(words(&draw(&mut app, (120, 36))).contains("no query is left in this hour; the next is free at"));
    let effects = press(&mut app, "enter");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(_))));
    serve(&mut app, effects, &|question| Ok(found(question)));
    assert!(words(&draw(&mut app, (120, 36))).contains("was told true by MPID"));
    assert!(press(&mut app, "a").is_empty());
}

#[test]
fn ids_are_copied_and_what_is_no_id_is_said() {
    let mut app = looked_up(fixture::settings(), fixture::idle(), "user-7@example.com");
    let copied = |effects: Vec<Effect>| match effects.into_iter().next() {
        Some(Effect::Copy { text, .. }) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(copied(press(&mut app, "j y")), "user-7@example.com");
    assert_eq!(copied(press(&mut app, "j y")), MPID.to_string());
    press(&mut app, "/ space enter");
    assert!(words(&draw(&mut app, (120, 36))).contains("An id is missing: a $distinct_id or an MPID"));
    press(&mut app, "esc");
    assert!(words(&draw(&mut app, (120, 36))).contains("Find user-7@example.com"));
}
