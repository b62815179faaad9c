//! Verifying in the console: the dialog, the line of the counts, the list of those who are wrong, and the repair.

use super::lists::{pictures, press_served};
use super::{app, app_with, commands, draw, everywhere, fixture, press, words};
use cohort_sync::domain::attribute::AttributeValue;
use cohort_sync::domain::verification::{Extent, Group, Held, WrongUser};
use cohort_sync::domain::verified::{GroupAccount, Verification};
use cohort_sync::domain::{CohortId, Identity, RunId};
use cohort_sync::sync::export::Content;
use cohort_sync::sync::snapshot::{CheckProgress, Snapshot, SyncView};
use cohort_sync::tui::Settings;
use cohort_sync::tui::app::Effect;
use std::sync::Arc;

/// Some of those who are wrong, in every way somebody can be.
pub fn wrong(position: u64) -> WrongUser {
    let held = [
        Held::NoAttribute,
        Held::NoProfile,
        Held::Value(AttributeValue::Text("vip".into())),
        Held::Value(AttributeValue::Bool(true)),
    ];
    let place = usize::try_from(position % 4).unwrap();
    let id: Box<str> = format!("user-{position}@example.com").into();
    let mpid = -5_183_712_098_411_029_934 + position.cast_signed();
    WrongUser {
        identity: if place == 1 { Identity::Text(id.clone()) } else { Identity::Mpid(mpid) },
        distinct_id: (position != 4).then_some(id),
        group: [Group::Steady, Group::Adds, Group::Steady, Group::Removes][place],
        told_by: (position != 6).then(|| (RunId(40), fixture::ago(140))),
        held: held[place].clone(),
        looked_at: fixture::ago(60),
        aliases: Vec::new(),
    }
}

pub fn verified(wrong: u64) -> Verification {
    let account = |people, checked, wrong| GroupAccount {
        people,
        checked,
        found: checked,
        wrong,
        without_profile: 0,
        without_attribute: wrong,
    };
    Verification {
        cohort_id: CohortId(1001),
        attribute: "Churn risk".to_owned(),
        extent: Extent::Sample(200),
        began_at: fixture::ago(75),
        ended_at: fixture::ago(60),
        groups: [account(0, 0, 0), account(0, 0, 0), account(50_926, 200, wrong)],
        drift_upper_bound: 0.064_8,
    }
}

fn with(change: impl Fn(&mut SyncView)) -> Snapshot {
    let mut snapshot = fixture::idle();
    let churn = fixture::edit((*snapshot.cohorts[1]).clone(), change);
    snapshot.cohorts[1] = Arc::new(churn);
    snapshot
}

fn found_some() -> Snapshot {
    with(|sync| sync.verification.last = Some(Arc::new(verified(7))))
}

fn at_work() -> Snapshot {
    with(|sync| {
        sync.verification.check =
            Some(CheckProgress { checked: 120, of: 600, wrong: 2, waiting: None, since: fixture::ago(8) });
    })
}

#[test]
fn dialogs() {
    everywhere("dialog_verify", &fixture::idle, "v");
    everywhere("dialog_verify_everyone", &fixture::idle, "enter v j");
    everywhere("dialog_verify_no_size", &fixture::idle, "v ctrl-u");
    everywhere("dialog_verify_end", &at_work, "v");
    everywhere("dialog_repair", &found_some, "R");
    everywhere("dialog_quit_verifying", &at_work, "q");
}

#[test]
fn what_was_verified_stands_in_the_counts() {
    pictures("cohort_counts_verified", &found_some, "enter l G");
    pictures("cohort_counts_verifying", &at_work, "enter l");
    pictures("cohort_wrong", &found_some, "enter l G enter j");
    pictures("cohort_wrong_facts", &found_some, "enter l G enter j enter");
}

#[test]
fn right_is_said_as_such_and_leads_nowhere() {
    let mut app = app(with(|sync| sync.verification.last = Some(Arc::new(verified(0)))));
    press_served(&mut app, "enter l G enter");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("Verified (sample of 200)"), "{picture}");
    assert!(
        picture.contains("100.0 %") && picture.contains("there is no list behind this line"),
        "{picture}"
    );
}

#[test]
fn choices_become_commands() {
    let sent = |snapshot: Snapshot, keys: &str| commands(press(&mut app(snapshot), keys)).join(" ");
    let asked = sent(fixture::idle(), "v enter");
    assert!(
        asked.starts_with("Verify(VerifyRequest { cohort: CohortId(1001), extent: Sample(600)"),
        "{asked}"
    );
    assert!(sent(fixture::idle(), "enter v j enter").contains("extent: Full"));
    assert_eq!(sent(fixture::idle(), "v tab tab enter"), "");
    assert_eq!(sent(at_work(), "v left enter"), "EndVerification(CohortId(1001))");
    assert_eq!(sent(at_work(), "v enter"), "", "going on is what Enter does");
    assert_eq!(sent(found_some(), "R left enter"), "Repair(CohortId(1001))");
    assert_eq!(sent(found_some(), "R enter"), "");
    assert_eq!(sent(found_some(), "enter l G enter R left enter"), "Repair(CohortId(1001))");
}

#[test]
fn quitting_asks_before_hours_of_looking_are_lost() {
    assert!(commands(press(&mut app(at_work()), "q")).is_empty());
    assert_eq!(commands(press(&mut app(at_work()), "q left enter")), ["Shutdown"]);
}

#[test]
fn whoever_is_wrong_leads_to_everything_about_them() {
    let mut app = app(found_some());
    press_served(&mut app, "enter l G enter j u");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("user-1@example.com"), "{picture}");
}

#[test]
fn an_obstacle_says_what_to_do() {
    let refused = |snapshot: Snapshot, settings: Settings, keys: &str| {
        let mut app = app_with(settings, snapshot);
        assert!(commands(press(&mut app, keys)).is_empty());
        // What a toast says may be broken over lines, with the page to its left.
        words(&draw(&mut app, (160, 40))).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let unconfigured = Settings { profiles_per_second: None, ..fixture::settings() };
    let picture = refused(fixture::idle(), unconfigured.clone(), "enter v");
    for words in ["the Profile API is not configured: add", "[mparticle.profile_api]"] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    for (keys, words) in [
        ("/ n e w s enter v", "nobody was told yet"),
        ("space space v", "one cohort is verified at a time"),
        ("R", "this cohort was not verified yet"),
    ] {
        let picture = refused(fixture::idle(), fixture::settings(), keys);
        assert!(picture.contains(words), "{words}: {picture}");
    }
    assert!(refused(at_work(), fixture::settings(), "R").contains("this cohort is still being verified"));
    let right = with(|sync| sync.verification.last = Some(Arc::new(verified(0))));
    assert!(refused(right, fixture::settings(), "R").contains("found nobody wrong"));
}

#[test]
fn it_is_in_the_palette_and_in_the_footer() {
    let mut app = app(fixture::idle());
    press(&mut app, "enter");
    let footer = words(&draw(&mut app, (120, 36))).lines().last().unwrap().to_owned();
    assert!(footer.contains("v verify") && !footer.contains("repair"), "{footer}");
    press(&mut app, ": v e r i f y");
    assert!(words(&draw(&mut app, (120, 36))).contains("Look users up in mParticle"));
    let mut app = super::app(at_work());
    press(&mut app, "enter");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("v end verifying") && picture.contains("1 verifying"), "{picture}");
    assert!(picture.contains("verifying 20 %  eta 0:32"), "{picture}");
}

#[test]
fn those_who_are_wrong_are_exported_as_the_command_line_writes_them() {
    let mut app = app(found_some());
    press_served(&mut app, "enter l G enter");
    let exported = press(&mut app, "e").into_iter().find_map(|effect| match effect {
        Effect::Export(export) => Some(export),
        _ => None,
    });
    let exported = exported.unwrap();
    assert_eq!(
        (exported.name.as_str(), exported.content),
        ("wrong Churn risk", Content::Wrong(CohortId(1001)))
    );
}
