//! What the actions on syncs do: whether they can be done now, the questions they ask first, and the commands
//! they become. Everything here goes by the snapshot; the engine still has the last word and may refuse.

use super::{App, Effect};
use crate::domain::SyncStatus;
use crate::sync::command::Command;
use crate::sync::snapshot::{CohortView, ListState, NoticeLevel};
use crate::tui::action::Action;
use crate::tui::dialogs::confirm::{Confirm, Deed};
use crate::tui::dialogs::start::StartDialog;
use crate::tui::dialogs::start_preview::Subject;
use crate::tui::dialogs::{Dialog, Order};
use crate::tui::frame;
use crate::tui::screens::{Screen, cohort_facts};
use crate::tui::text;
use crate::tui::theme::Role;
use std::sync::Arc;

impl App {
    /// Why an action cannot be done now; `None` when it can.
    #[must_use]
    pub fn obstacle(&self, action: Action) -> Option<String> {
        if action.spec().changes_state
            && let Some(holder) = frame::holder(&self.snapshot.writer)
        {
            return Some(holder);
        }
        if self.screen != Screen::Cohorts {
            return None;
        }
        let chosen = self.chosen();
        let any = |fits: fn(&CohortView) -> bool| chosen.iter().any(|view| fits(view));
        let words = match action {
            Action::Refresh => {
                let loading = matches!(self.snapshot.list, ListState::Loading(_));
                return loading.then(|| "the list is on its way".to_owned());
            }
            _ if chosen.is_empty() && needs_cohort(action) => "no cohort is selected",
            Action::StartSync if !any(can_start) => return chosen.first().map(|view| why_not_start(view)),
            Action::PauseResume if !any(can_pause) && !any(can_resume) => {
                "there is no sync to pause or resume"
            }
            Action::RunNow if !any(can_run) => "only a recurring sync that waits for its time can run now",
            Action::Decide if !any(is_held) => "no plan waits for your decision",
            Action::Reconnect if !any(is_refused) => "no service has refused this sync",
            Action::StopSync if !any(can_stop) => "there is no sync to stop",
            _ => return None,
        };
        Some(words.to_owned())
    }

    /// The cohorts an action is for.
    fn chosen(&self) -> Vec<&Arc<CohortView>> {
        self.cohorts.table.chosen().into_iter().filter_map(|id| self.snapshot.cohort(id)).collect()
    }

    /// Does an action on syncs that has no obstacle.
    pub(super) fn operate(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Refresh => vec![send("refresh the list", Command::Refresh)],
            Action::StartSync => self.ask_how_to_start(),
            Action::PauseResume => self.pause_or_resume(),
            Action::RunNow => self.each(can_run, "run", Command::RunNow),
            Action::Reconnect => self.each(is_refused, "reconnect", Command::Resume),
            Action::Decide => self.ask_about_plan(),
            Action::StopSync => self.ask_to_stop(),
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
        self.cohorts.table.clear_marks();
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

    fn ask_how_to_start(&mut self) -> Vec<Effect> {
        let chosen = self.chosen();
        let ready: Vec<&Arc<CohortView>> = chosen.iter().copied().filter(|view| can_start(view)).collect();
        let skipped = chosen.len() - ready.len();
        let ids: Vec<_> = ready.iter().map(|view| view.cohort.id).collect();
        let subjects = ready.iter().map(|view| Subject::of(view)).collect();
        let others = self.snapshot.cohorts.iter().filter(|view| !ids.contains(&view.cohort.id));
        let taken = others
            .filter_map(|view| Some((view.sync.as_ref()?.attribute.clone(), view.cohort.name.clone())))
            .collect();
        self.dialogs.push(Dialog::Start(Box::new(StartDialog::new(subjects, taken))));
        if skipped > 0 {
            let words = format!(
                "{} left out: at work, held or not exportable",
                text::plural(skipped as u64, "cohort")
            );
            self.say(NoticeLevel::Info, words);
        }
        Vec::new()
    }

    fn ask_to_stop(&mut self) -> Vec<Effect> {
        let chosen: Vec<_> = self.chosen().into_iter().filter(|view| can_stop(view)).cloned().collect();
        let orders = |command: fn(crate::domain::CohortId) -> Command, verb: &str| -> Vec<Order> {
            let order = |view: &Arc<CohortView>| {
                order(&format!("{verb} “{}”", view.cohort.name), command(view.cohort.id))
            };
            chosen.iter().map(order).collect()
        };
        let running = chosen.iter().any(|view| view.status().is_active());
        let acknowledged: u64 = chosen.iter().filter_map(|view| Some(view.sync.as_ref()?.baseline)).sum();
        let mut body = Vec::new();
        if running {
            body.push((
                Role::Warn,
                "The run at work ends at the next request boundary; what was accepted is kept.".to_owned(),
            ));
        }
        body.push((
            Role::Text,
            format!(
                "Nothing is removed in mParticle: {}{} keep the attribute as it is now, and it is not updated any more.",
                text::plural(acknowledged, "user"),
                // The baseline moves when a run is settled; what the one at work has told comes on top.
                if running { ", and whoever the run at work has added," } else { "" }
            ),
        ));
        body.push((
            Role::Muted,
            "The accounts are kept here. Starting the sync again goes on from them.".to_owned(),
        ));
        let mut choices = vec![("Stop", Deed::Send(orders(Command::Stop, "stop")))];
        if running {
            choices.push(("Only end this run", Deed::Send(orders(Command::Cancel, "end the run of"))));
        }
        let title = match chosen.as_slice() {
            [view] => format!("Stop the sync of “{}”?", text::clean(&view.cohort.name)),
            many => format!("Stop {} syncs?", many.len()),
        };
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Keep it")));
        Vec::new()
    }

    fn ask_about_plan(&mut self) -> Vec<Effect> {
        let Some(view) = self.chosen().into_iter().find(|view| is_held(view)).cloned() else {
            return Vec::new();
        };
        let Some((sync, pause)) = view.sync.as_ref().and_then(|sync| Some((sync, sync.pause.as_ref()?)))
        else {
            return Vec::new();
        };
        let name = text::clean(&view.cohort.name).into_owned();
        let mut body = vec![(Role::Warn, pause.reason.clone())];
        body.extend(cohort_facts::held_counts(sync, pause).map(|held| (Role::Strong, held)));
        body.push((
            Role::Text,
            format!(
                "Approve sends exactly this plan: those users get “{}” = false in mParticle. \
                 Discard forgets it and resumes the schedule; the next run reads the cohort again.",
                text::clean(&sync.attribute)
            ),
        ));
        body.push((Role::Muted, "Nothing has been sent yet.".to_owned()));
        let id = view.cohort.id;
        let approve = vec![order(&format!("approve the plan of “{name}”"), Command::Approve(id))];
        let discard = vec![order(&format!("discard the plan of “{name}”"), Command::Discard(id))];
        let choices = vec![("Approve and send", Deed::Send(approve)), ("Discard", Deed::Send(discard))];
        let title = format!("Held: the plan of “{name}”");
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Decide later")));
        Vec::new()
    }

    /// Quits at once when nothing runs; else says what happens to what does.
    pub(super) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.snapshot.active() == 0 || self.snapshot.writer.is_read_only() {
            return self.begin_to_stop();
        }
        let (body, choices) = (self.what_quitting_does(), vec![("Quit", Deed::Quit)]);
        self.dialogs.push(Dialog::Confirm(Confirm::new("Quit?".to_owned(), body, choices, "Stay")));
        Vec::new()
    }

    /// Keeps the question about quitting true while runs end and begin beneath it.
    pub(super) fn refresh_quit_question(&mut self) {
        if self.dialogs.iter().any(Dialog::asks_to_quit) {
            let body = self.what_quitting_does();
            for dialog in &mut self.dialogs {
                if let Dialog::Confirm(confirm) = dialog
                    && confirm.asks_to_quit()
                {
                    confirm.body.clone_from(&body);
                }
            }
        }
    }

    fn what_quitting_does(&self) -> Vec<(Role, String)> {
        let running: Vec<String> = self
            .snapshot
            .cohorts
            .iter()
            .filter(|view| view.status().is_active())
            .map(|view| format!("“{}”", text::clean(&view.cohort.name)))
            .collect();
        let runs_end = if self.settings.demo {
            "Each run ends after the requests in flight."
        } else {
            "Each run ends after the requests in flight. What mParticle accepted is recorded, and the next start \
             goes on from there; nothing is sent twice or forgotten."
        };
        let (named, then) = match running.as_slice() {
            [] => ("No sync is running any more.".to_owned(), "Nothing is cut off."),
            [one] => (format!("{one} is being synced."), runs_end),
            [first, second] => (format!("{first} and {second} are being synced."), runs_end),
            [first, rest @ ..] => (format!("{first} and {} others are being synced.", rest.len()), runs_end),
        };
        let rest = if self.settings.demo {
            "This is the demo: its two services and all they were told go away with it."
        } else {
            "Recurring syncs rest while the program is closed; “cohort-sync run” keeps them going without the console."
        };
        vec![(Role::Strong, named), (Role::Text, then.to_owned()), (Role::Muted, rest.to_owned())]
    }
}

/// What the footer calls an action, given what is selected.
#[must_use]
pub fn title_now(action: Action, selected: Option<&CohortView>) -> &'static str {
    match (action, selected) {
        (Action::PauseResume, Some(view)) if can_resume(view) && !is_held(view) => "resume",
        (Action::StartSync, Some(view)) if view.sync.is_some() => "start again",
        _ => action.spec().title,
    }
}

fn send(what: &str, command: Command) -> Effect {
    Effect::Send(order(what, command))
}

fn order(what: &str, command: Command) -> Order {
    Order { what: text::clean(what).into_owned(), command }
}

fn needs_cohort(action: Action) -> bool {
    action.spec().changes_state || matches!(action, Action::Open | Action::Copy | Action::Mark)
}

fn can_start(view: &CohortView) -> bool {
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

fn can_stop(view: &CohortView) -> bool {
    !matches!(view.status(), SyncStatus::NotSynced | SyncStatus::Stopped | SyncStatus::Exported)
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
