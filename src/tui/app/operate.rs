//! What the actions on syncs do: whether they can be done now and the commands they become. What they ask first is
//! in `questions`. Everything here goes by the snapshot; the engine still has the last word and may refuse.

use super::{App, Effect, verification};
use crate::domain::SyncStatus;
use crate::sync::command::Command;
use crate::sync::snapshot::{CohortView, ListState};
use crate::tui::action::{Action, Place, Scope};
use crate::tui::dialogs::Order;
use crate::tui::dialogs::stop_subject;
use crate::tui::frame;
use crate::tui::screens::page::Page;
use crate::tui::screens::{cohort_attributes, cohort_facts};
use crate::tui::text;
use std::sync::Arc;

impl App {
    /// Why an action cannot be done now; `None` when it can.
    #[must_use]
    pub fn obstacle(&self, action: Action) -> Option<String> {
        if action.spec().changes_state
            && action != Action::UndoSetting
            && let Some(holder) = frame::holder(&self.snapshot.writer)
        {
            return Some(holder);
        }
        if action == Action::UndoSetting {
            let nothing = || self.undo.is_empty().then(|| "no setting was changed here yet".to_owned());
            return self.why_not_configure().or_else(nothing);
        }
        if action == Action::Profiles {
            return self.why_not_switch();
        }
        let page = self.tabs.page();
        if matches!(action, Action::Export | Action::ExportJson) && page.listing(self.scene()).is_none() {
            return Some("there is no list here to export".to_owned());
        }
        if let Some(obstacle) = page_obstacle(page, action).or_else(|| page.obstacle(action, self.scene())) {
            return Some(obstacle);
        }
        if !Scope::Connections.covers(page.place()) {
            return None;
        }
        let chosen = self.chosen();
        let any = |fits: fn(&CohortView) -> bool| chosen.iter().any(|view| fits(view));
        let words = match action {
            Action::Refresh => {
                let loading = matches!(self.snapshot.list, ListState::Loading(_));
                return loading.then(|| "the list is on its way".to_owned());
            }
            // There any credential can be renewed, whoever refused what.
            Action::Reconnect if page.place() == Place::Setup => return None,
            _ if chosen.is_empty() && action.spec().changes_state => "no cohort is selected",
            Action::StartSync if !any(can_start) => return chosen.first().map(|view| why_not_start(view)),
            Action::PauseResume if !any(can_pause) && !any(can_resume) => {
                "there is no sync to pause or resume"
            }
            Action::RunNow if !any(can_run) => "only a recurring sync that waits for its time can run now",
            Action::Decide if !any(is_held) => "no plan waits for your decision",
            Action::Reconnect if !any(is_refused) => {
                let (setup, key) = (self.scene().key(Action::ShowSetup), self.scene().key(Action::Reconnect));
                return Some(format!(
                    "no service has refused this sync; {setup} and then {key} renews a credential all the same"
                ));
            }
            Action::FullRefresh if !any(can_refresh_fully) => {
                return chosen.first().map(|view| why_not_refresh_fully(view).to_owned());
            }
            Action::Verify => return verification::why_not_verify(&self.settings, &chosen),
            Action::Repair => return verification::why_not_repair(&chosen),
            Action::StopSync if !any(can_stop) => {
                return chosen.first().map(|view| why_not_stop(view).to_owned());
            }
            _ => return None,
        };
        Some(words.to_owned())
    }

    /// The cohorts an action is for.
    pub(super) fn chosen(&self) -> Vec<&Arc<CohortView>> {
        self.tabs.page().chosen().into_iter().filter_map(|id| self.snapshot.cohort(id)).collect()
    }

    /// Does an action on syncs that has no obstacle.
    pub(super) fn operate(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Refresh => vec![send("refresh the list", Command::Refresh)],
            Action::StartSync => self.ask_how_to_start(),
            Action::PauseResume => self.pause_or_resume(),
            Action::RunNow => self.each(can_run, "run", Command::RunNow),
            Action::Reconnect => self.ask_to_reconnect(),
            Action::Decide => self.ask_about_plan(),
            Action::FullRefresh => self.ask_to_tell_everyone(),
            Action::StopSync => self.ask_to_stop(),
            Action::Verify => self.ask_what_to_verify(),
            Action::Repair => self.ask_to_repair(),
            Action::UndoSetting => self.undo_setting(),
            _ => Vec::new(),
        }
    }

    /// One command for each chosen cohort that it fits.
    fn each(
        &mut self,
        fits: fn(&CohortView) -> bool,
        verb: &str,
        command: fn(crate::domain::CohortId) -> Command,
    ) -> Vec<Effect> {
        let fitting = self.chosen().into_iter().filter(|view| fits(view));
        let effects = fitting
            .map(|view| {
                send(&format!("{verb} “{}”", text::clean(&view.cohort.name)), command(view.cohort.id))
            })
            .collect();
        self.tabs.page_mut().clear_marks();
        effects
    }

    /// Pauses what runs; when nothing of the chosen does, takes up what is paused. A held plan is decided on
    /// rather than resumed, because resuming would plan anew.
    fn pause_or_resume(&mut self) -> Vec<Effect> {
        let chosen = self.chosen();
        if chosen.iter().any(|view| can_pause(view)) {
            return self.each(can_pause, "pause", Command::Pause);
        }
        if chosen.len() == 1 && is_held(chosen[0]) {
            return self.ask_about_plan();
        }
        self.each(|view| can_resume(view) && !is_held(view), "resume", Command::Resume)
    }
}

/// What the footer calls an action, given what is selected.
#[must_use]
pub fn title_now(action: Action, selected: Option<&CohortView>) -> &'static str {
    match (action, selected) {
        (Action::PauseResume, Some(view)) if can_resume(view) && !is_held(view) => "resume",
        (Action::StartSync, Some(view)) if view.sync.is_some() => "start again",
        (Action::Verify, Some(view)) if view.is_verifying() => "end verifying",
        (Action::StopSync, Some(view)) if cohort_attributes::is_over(view.status()) => "clean up",
        _ => action.spec().title,
    }
}

fn send(what: &str, command: Command) -> Effect {
    Effect::Send(order(what, command))
}

pub(super) fn order(what: &str, command: Command) -> Order {
    Order { what: text::clean(what).into_owned(), command }
}

/// What a page cannot do at all.
fn page_obstacle(page: &dyn Page, action: Action) -> Option<String> {
    let words = match action {
        Action::ShowUser if page.user().is_none() => "no user is selected",
        Action::Filter if page.filter().is_none() && page.place() != Place::Users => {
            "this list cannot be filtered; export it to search in it"
        }
        Action::Sort | Action::InvertSort if page.columns().is_none() => "this list has an order of its own",
        _ => return None,
    };
    Some(words.to_owned())
}

pub(super) fn can_start(view: &CohortView) -> bool {
    view.not_exportable.is_none()
        && view.listed
        && !view.status().is_active()
        && view.status() != SyncStatus::Paused
}

fn why_not_start(view: &CohortView) -> String {
    match &view.not_exportable {
        Some(reason) => reason.clone(),
        None if !view.listed => "Mixpanel no longer lists this cohort".to_owned(),
        None if view.status() == SyncStatus::Paused => "the sync is paused; resume it instead".to_owned(),
        None => "a run of this sync is at work already".to_owned(),
    }
}

fn can_pause(view: &CohortView) -> bool {
    view.status().is_active() || view.status() == SyncStatus::Synced
}

fn can_resume(view: &CohortView) -> bool {
    matches!(view.status(), SyncStatus::Paused | SyncStatus::Failed | SyncStatus::Stopped)
}

fn can_run(view: &CohortView) -> bool {
    matches!(view.status(), SyncStatus::Synced | SyncStatus::Failed)
}

/// Also what is over, as long as somebody holds an attribute because of it.
fn can_stop(view: &CohortView) -> bool {
    stop_subject::Subject::of(view).is_some()
}

fn why_not_stop(view: &CohortView) -> &'static str {
    if view.sync.is_none() {
        "there is no sync to stop"
    } else {
        "the sync is over and nobody holds its attribute; there is nothing to stop or to clean up"
    }
}

/// As the engine has it; one that is about to end its attribute would do that instead.
pub(super) fn can_refresh_fully(view: &CohortView) -> bool {
    let rests = matches!(view.status(), SyncStatus::Synced | SyncStatus::Failed | SyncStatus::Exported);
    rests && view.sync.as_ref().is_some_and(|sync| sync.clean_up.is_none())
}

fn why_not_refresh_fully(view: &CohortView) -> &'static str {
    match view.status() {
        SyncStatus::NotSynced => "nobody was told yet; start an export first",
        SyncStatus::Paused => "the sync is paused; resume it first",
        SyncStatus::Stopped => "the sync is stopped; start it again first",
        status if status.is_active() => "a run of this sync is at work already",
        _ => "the sync is about to clean up after itself",
    }
}

/// Whether a plan waits for a decision.
#[must_use]
pub fn is_held(view: &CohortView) -> bool {
    view.sync.as_ref().and_then(|sync| sync.pause.as_ref()).is_some_and(|pause| pause.held_run.is_some())
}

/// Whether a service refused the sync, so that trying again is what helps.
#[must_use]
pub fn is_refused(view: &CohortView) -> bool {
    let pause = view.sync.as_ref().and_then(|sync| sync.pause.as_ref());
    pause.is_some_and(|pause| cohort_facts::remedy_action(pause.cause) == Action::Reconnect)
}
