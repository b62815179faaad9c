//! What becomes of attributes, as pictures and as keys: ending a sync with a choice, the word that is asked for,
//! clean-ups at work, what was left behind, telling everyone again, and moving to another attribute.

use crate::fixture;
use crate::{app, commands, draw, everywhere, press, words};
use cohort_sync::domain::{
    ChangeCounts, Outcome, PauseCause, Phase, Purpose, Removal, RunCounts, SyncKind, SyncStatus, Trigger,
};
use cohort_sync::sync::command::{Command, StartRequest};
use cohort_sync::sync::snapshot::{CohortView, FormerAttribute, Snapshot, Stretch, SyncView};
use cohort_sync::tui::app::{Effect, Msg};
use std::sync::Arc;
use std::time::Duration;

/// One cohort beside one that is not synced.
fn only(view: CohortView) -> Snapshot {
    let mut snapshot = fixture::idle();
    let other = fixture::cohort(1005, "Newsletter", 410_772);
    snapshot.cohorts = vec![Arc::new(view), Arc::new(other)];
    snapshot
}

fn churn(status: SyncStatus, change: impl FnOnce(&mut SyncView)) -> CohortView {
    let counts = fixture::counts(38_125, 12_801, (312, 312), (12, 12));
    fixture::edit(fixture::synced(fixture::cohort(1001, "Churn risk", 51_120), status, counts), change)
}

fn former(attribute: &str, members: u64, clean_up: Option<Removal>) -> FormerAttribute {
    FormerAttribute { attribute: attribute.to_owned(), members, clean_up }
}

fn told(planned: u64, accepted: u64) -> RunCounts {
    let removes = ChangeCounts::restored(planned, accepted, 0).unwrap();
    RunCounts { removes, requests: accepted.div_ceil(100), ..RunCounts::default() }
}

/// Its own attribute is being set to false.
fn cleaning() -> Snapshot {
    let view = churn(SyncStatus::Sending, |sync| sync.clean_up = Some(Removal::SetFalse));
    let view = fixture::running(view, Phase::Send, told(50_926, 31_400));
    only(fixture::edit(view, |sync| {
        let progress = sync.progress.as_mut().unwrap();
        progress.purpose = Purpose::CleanUp(Removal::SetFalse);
        progress.trigger = Trigger::Operator;
    }))
}

/// An attribute it has left is being deleted, and another one waits.
fn deleting_former() -> Snapshot {
    let view = churn(SyncStatus::Sending, |sync| {
        sync.former = vec![
            former("Churn 2024", 48_200, Some(Removal::Delete)),
            former("Churn 2025", 1_234, Some(Removal::SetFalse)),
        ];
    });
    let view = fixture::running(view, Phase::Send, told(48_200, 12_100));
    only(fixture::edit(view, |sync| {
        let progress = sync.progress.as_mut().unwrap();
        progress.purpose = Purpose::CleanUp(Removal::Delete);
        "Churn 2024".clone_into(&mut progress.attribute);
    }))
}

/// Everyone is being told again.
fn refreshing() -> Snapshot {
    let counts = fixture::counts(38_125, 12_801, (50_926, 20_100), (12, 12));
    let view = fixture::running(churn(SyncStatus::Sending, |_| {}), Phase::Send, counts);
    only(fixture::edit(view, |sync| {
        sync.progress.as_mut().unwrap().purpose = Purpose::FullRefresh;
    }))
}

/// A clean-up that failed and is tried again, and what else stands there at rest.
fn about_to_clean_up() -> Snapshot {
    only(churn(SyncStatus::Failed, |sync| {
        sync.clean_up = Some(Removal::Delete);
        let run = sync.last_run.as_mut().unwrap();
        run.purpose = Purpose::CleanUp(Removal::Delete);
        run.counts = told(50_926, 31_400);
        run.outcome = Some(Outcome::Failed);
        run.error = Some("mParticle answered 503 five times over 61 s; 19,526 changes are left.".to_owned());
    }))
}

fn paused_in_a_clean_up() -> Snapshot {
    let view = churn(SyncStatus::Paused, |sync| sync.clean_up = Some(Removal::SetFalse));
    let reason = "mParticle answered 403 to the feed us1-…a9f2: the webhook token was revoked.";
    only(fixture::paused(view, PauseCause::MparticleFeed, reason, false))
}

/// Over, with the clean-up behind it.
fn cleaned_up() -> Snapshot {
    only(churn(SyncStatus::Stopped, |sync| {
        (sync.baseline, sync.next_due) = (0, None);
        let run = sync.last_run.as_mut().unwrap();
        run.purpose = Purpose::CleanUp(Removal::SetFalse);
        run.trigger = Trigger::Operator;
        run.counts = told(50_926, 50_926);
    }))
}

/// At rest with all there is to say: former attributes, a limit of its own, and accounts that do not add up.
fn remarkable() -> Snapshot {
    only(churn(SyncStatus::Synced, |sync| {
        sync.former = vec![former("Churn 2025", 1_234, Some(Removal::SetFalse))];
        sync.max_removal_share = Some(0.2);
        sync.last_full = Some(fixture::ago(3_000));
        sync.last_run.as_mut().unwrap().purpose = Purpose::FullRefresh;
        sync.last_account.as_mut().unwrap().counts.unchanged -= 3;
    }))
}

fn left_behind() -> Snapshot {
    only(churn(SyncStatus::Synced, |sync| {
        sync.former = vec![
            former("Churn 2025", 1_234, Some(Removal::SetFalse)),
            former("Old", 1, None),
            former("Older", 12, None),
        ];
    }))
}

fn stretched() -> Snapshot {
    let intervals = [Duration::from_mins(15); 20];
    Snapshot { stretch: Stretch::of(&intervals, 60), ..fixture::idle() }
}

fn exported() -> Snapshot {
    only(churn(SyncStatus::Exported, |sync| {
        (sync.kind, sync.next_due) = (SyncKind::OneTime, None);
        sync.former = vec![former("Churn 2025", 1_234, None)];
    }))
}

fn renamed() -> Snapshot {
    let mut view = churn(SyncStatus::Synced, |sync| sync.former = vec![former("Churn 2025", 1_234, None)]);
    "Churn risk EU".clone_into(&mut view.cohort.name);
    only(view)
}

#[test]
fn stopping() {
    everywhere("stop_resting", &|| only(churn(SyncStatus::Synced, |_| {})), "x");
    everywhere("stop_chosen", &|| only(churn(SyncStatus::Synced, |_| {})), "x up down down");
    everywhere("stop_exported", &exported, "x");
    everywhere("stop_cleaning", &cleaning, "x");
    everywhere("stop_several", &fixture::busy, "space space space j j space x");
    everywhere("agree_half_typed", &|| only(churn(SyncStatus::Synced, |_| {})), "x up down enter C h u r");
    everywhere("agree_mistyped", &exported, "x up down enter c h u r");
    let typed = "x up down enter C h u r n space r i s k";
    everywhere("agree_typed", &|| only(churn(SyncStatus::Synced, |_| {})), typed);
    everywhere("agree_several", &fixture::busy, "space space space x up down down enter");
}

#[test]
fn cohorts_and_their_attributes() {
    everywhere("cohorts_cleaning", &cleaning, "");
    everywhere("cohorts_deleting_former", &deleting_former, "");
    everywhere("cohorts_refreshing", &refreshing, "");
    everywhere("cohorts_about_to_clean_up", &about_to_clean_up, "");
    everywhere("cohorts_paused_in_a_clean_up", &paused_in_a_clean_up, "");
    everywhere("cohorts_cleaned_up", &cleaned_up, "");
    everywhere("cohorts_remarkable", &remarkable, "");
    everywhere("cohorts_left_behind", &left_behind, "");
    everywhere("cohorts_stretched", &stretched, "");
    everywhere("cohorts_renamed", &renamed, "");
    everywhere("cohorts_held", &fixture::trouble, "j j j");
    everywhere("details_remarkable", &remarkable, "enter G");
}

#[test]
fn telling_everyone_again() {
    everywhere("dialog_full_refresh", &fixture::idle, "F");
    everywhere("dialog_full_refresh_several", &fixture::idle, "space space space F");
}

#[test]
fn moving() {
    everywhere("move_pinned", &|| only(churn(SyncStatus::Synced, |_| {})), "s tab");
    let edited = "s tab space 2 0 2 6 tab right";
    everywhere("move_edited", &|| only(churn(SyncStatus::Synced, |_| {})), edited);
    everywhere("move_renamed", &renamed, "s");
    everywhere("move_to_the_new_name", &renamed, "s tab tab enter down");
    everywhere("move_objection", &renamed, "s tab ctrl-u");
    let back = "s tab ctrl-u C h u r n space 2 0 2 5";
    everywhere("move_back", &renamed, back);
}

#[test]
fn ending_keys_become_commands() {
    let stop = |snapshot: Snapshot, keys: &str| commands(press(&mut app(snapshot), keys));
    let resting = || only(churn(SyncStatus::Synced, |_| {}));
    assert_eq!(stop(resting(), "x left enter"), ["Stop(CohortId(1001))"]);
    assert_eq!(stop(fixture::busy(), "x left enter"), ["Cancel(CohortId(1001))"]);
    assert_eq!(stop(resting(), "x up down enter C h u r enter"), Vec::<String>::new());
    let name = "C h u r n space r i s k";
    assert_eq!(
        stop(resting(), &format!("x up down enter {name} enter")),
        ["StopAndCleanUp(CohortId(1001), SetFalse)"]
    );
    assert_eq!(
        stop(exported(), &format!("x up down enter {name} enter")),
        ["StopAndCleanUp(CohortId(1001), Delete)"]
    );
    assert_eq!(stop(fixture::idle(), "F left enter"), ["FullRefresh(CohortId(1001))"]);
    assert_eq!(stop(fixture::idle(), "F enter"), Vec::<String>::new());
}

#[test]
fn esc_leads_from_the_word_back_to_the_choice() {
    let mut app = app(exported());
    press(&mut app, "x up down enter C h esc");
    assert!(words(&draw(&mut app, (80, 24))).contains("Clean up after “Churn risk”?"));
    press(&mut app, "esc");
    assert!(!words(&draw(&mut app, (80, 24))).contains("Clean up after"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let said = |snapshot: Snapshot, keys: &str| {
        let mut app = app(snapshot);
        assert!(press(&mut app, keys).is_empty());
        words(&draw(&mut app, (120, 36)))
    };
    assert!(said(cleaned_up(), "x").contains("nobody holds its attribute"));
    assert!(said(cleaned_up(), "F").contains("the sync is stopped; start it again first"));
    assert!(said(about_to_clean_up(), "F").contains("about to clean up"));
    assert!(said(cleaned_up(), "G x").contains("there is no sync to stop"));
    assert!(said(cleaned_up(), "G F").contains("start an export first"));
}

#[test]
fn the_question_about_stopping_follows_what_happens_beneath_it() {
    let mut app = app(fixture::busy());
    press(&mut app, "x");
    let shown = |app: &mut _| words(&draw(app, (80, 24)));
    assert!(shown(&mut app).contains("Only end this run"));
    press(&mut app, "left");
    app.update(Msg::Snapshot(Arc::new(fixture::idle())));
    assert!(!shown(&mut app).contains("Only end this run"), "{}", shown(&mut app));
    // The button under the focus is gone; Enter does the harmless thing.
    assert!(commands(press(&mut app, "enter")).is_empty());
}

#[test]
fn a_moved_sync_says_where_to_and_what_becomes_of_the_old_one() {
    let started = |snapshot: Snapshot, keys: &str| -> StartRequest {
        match press(&mut app(snapshot), keys).pop() {
            Some(Effect::Send(order)) => match order.command {
                Command::Start(request) => request,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let request = started(renamed(), "s tab tab enter down right enter");
    assert_eq!((request.attribute.as_deref(), request.former), (Some("Churn risk EU"), Removal::Delete));
    // As quick as ever where nothing is edited.
    assert_eq!(commands(press(&mut app(renamed()), "s enter")), ["RunNow(CohortId(1001))"]);
}
