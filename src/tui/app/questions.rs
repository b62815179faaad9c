//! The questions that actions on syncs ask first, put into words from the snapshot. Which command an answer becomes
//! stands in the question; whether an action can be done at all is decided in `operate`.

use super::operate::{can_refresh_fully, can_start, is_held, order};
use super::{App, Effect};
use crate::domain::SyncStatus;
use crate::sync::command::Command;
use crate::sync::snapshot::{CohortView, NoticeLevel};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::{Confirm, Deed};
use crate::tui::dialogs::start::StartDialog;
use crate::tui::dialogs::stop::StopDialog;
use crate::tui::dialogs::{start_preview, stop_subject};
use crate::tui::screens::cohort_attributes::quoted;
use crate::tui::screens::{cohort_columns, cohort_facts};
use crate::tui::text;
use crate::tui::theme::Role;
use std::sync::Arc;

/// The widest a person of a sample is written.
const LONGEST_PERSON: usize = 36;

impl App {
    pub(super) fn ask_how_to_start(&mut self) -> Vec<Effect> {
        let chosen = self.chosen();
        let ready: Vec<&Arc<CohortView>> = chosen.iter().copied().filter(|view| can_start(view)).collect();
        let skipped = chosen.len() - ready.len();
        let ids: Vec<_> = ready.iter().map(|view| view.cohort.id).collect();
        let subjects = ready.iter().map(|view| start_preview::Subject::of(view)).collect();
        let others = self.snapshot.cohorts.iter().filter(|view| !ids.contains(&view.cohort.id));
        let taken = others.flat_map(|view| owned(view)).collect();
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

    pub(super) fn ask_to_stop(&mut self) -> Vec<Effect> {
        let subjects = self.chosen().into_iter().filter_map(|view| stop_subject::Subject::of(view)).collect();
        self.dialogs.push(Dialog::Stop(Box::new(StopDialog::new(subjects))));
        Vec::new()
    }

    /// Telling everybody again is harmless but long, and it is not what somebody who wants to see a change asks for.
    pub(super) fn ask_to_tell_everyone(&mut self) -> Vec<Effect> {
        let fitting: Vec<_> =
            self.chosen().into_iter().filter(|view| can_refresh_fully(view)).cloned().collect();
        let users: u64 = fitting.iter().filter_map(|view| people(view)).sum();
        let scene = self.scene();
        let cost = start_preview::cost(fitting.len(), self.now, &self.settings.zone, scene);
        let members = text::plural(users, "user");
        let body = vec![
            (
                Role::Text,
                "mParticle forgets profiles that are inactive for long, and what it was told of them. A full refresh \
                 tells every member again, not only who is new."
                    .to_owned(),
            ),
            (
                Role::Strong,
                format!("Each of {members} is told again, {}; {cost}.", start_preview::telling_time(users, scene)),
            ),
            (
                Role::Text,
                "Who left is removed as always. Nothing is set back in between: whoever holds the attribute keeps it \
                 all the while."
                    .to_owned(),
            ),
        ];
        let order = |view: &Arc<CohortView>| {
            order(&format!("refresh “{}” fully", view.cohort.name), Command::FullRefresh(view.cohort.id))
        };
        let choices = vec![("Tell everyone again", Deed::Send(fitting.iter().map(order).collect()))];
        let title = match fitting.as_slice() {
            [view] => format!("Tell everyone again: {}", quoted(&view.cohort.name)),
            many => format!("Tell everyone again: {} cohorts", many.len()),
        };
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Not now")));
        Vec::new()
    }

    pub(super) fn ask_about_plan(&mut self) -> Vec<Effect> {
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
        if !pause.sample.is_empty() {
            let people: Vec<_> =
                pause.sample.iter().map(|person| text::cut(person, LONGEST_PERSON)).collect();
            let words = format!("Among those who would be removed: {}", people.join(", "));
            body.push((Role::Text, words));
        }
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
        let title = format!("Held: the plan of {}", quoted(&view.cohort.name));
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Later")));
        Vec::new()
    }

    /// Quits at once when nothing runs; else says what happens to what does.
    pub(super) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.cuts_nothing_short() {
            return self.begin_to_stop();
        }
        let (body, choices) = (self.what_leaving_does(None), vec![("Quit", Deed::Quit)]);
        self.dialogs.push(Dialog::Confirm(Confirm::new("Quit?".to_owned(), body, choices, "Stay")));
        Vec::new()
    }

    /// Keeps the question about leaving true while runs end and begin beneath it.
    pub(super) fn refresh_quit_question(&mut self) {
        for place in 0..self.dialogs.len() {
            let Dialog::Confirm(confirm) = &self.dialogs[place] else { continue };
            let body = match confirm.leaving() {
                Some(Deed::LeaveFor(profile)) => self.what_leaving_does(Some(profile)),
                Some(_) => self.what_leaving_does(None),
                None => continue,
            };
            if let Dialog::Confirm(confirm) = &mut self.dialogs[place] {
                confirm.body = body;
            }
        }
    }

    /// What becomes of what runs here when the console ends, or goes over to a profile.
    pub(super) fn what_leaving_does(&self, profile: Option<&str>) -> Vec<(Role, String)> {
        let running = self.who(|view| view.status().is_active());
        let verifying = self.who(CohortView::is_verifying);
        let runs_end = if self.settings.demo {
            "Each run ends after the requests in flight."
        } else {
            "Each run ends after the requests in flight. What mParticle accepted is recorded, and the next start \
             goes on from there; nothing that was accepted is forgotten."
        };
        let mut body = Vec::new();
        if let Some(named) = are(&running, "being synced") {
            body.extend([(Role::Strong, named), (Role::Text, runs_end.to_owned())]);
        }
        if let Some(named) = are(&verifying, "being verified") {
            let then = "Of what was found so far nothing is kept; verify again after the next start.";
            body.extend([(Role::Strong, named), (Role::Text, then.to_owned())]);
        }
        if body.is_empty() {
            body.push((Role::Strong, "No sync is running any more.".to_owned()));
            body.push((Role::Text, "Nothing is cut off.".to_owned()));
        }
        body.push((Role::Muted, self.what_rests(profile)));
        body
    }

    fn what_rests(&self, profile: Option<&str>) -> String {
        let here = &self.settings.profile;
        match profile {
            None if self.settings.demo => {
                "This is the demo: its two services and all they were told go away with it.".to_owned()
            }
            None => "Recurring syncs rest while the program is closed; “cohort-sync run” keeps them going without the \
                     console."
                .to_owned(),
            Some(profile) if profile == here => {
                "The profile is opened again at once, and its runs go on from there.".to_owned()
            }
            Some(profile) => format!(
                "Syncs of “{here}” rest while “{profile}” is open; “cohort-sync run --profile {here}” in another \
                 terminal keeps the recurring ones going."
            ),
        }
    }

    /// The quoted names of some cohorts.
    fn who(&self, is_meant: impl Fn(&CohortView) -> bool) -> Vec<String> {
        let meant = self.snapshot.cohorts.iter().filter(|view| is_meant(view));
        meant.map(|view| quoted(&view.cohort.name)).collect()
    }
}

/// What is happening to some, or nothing where there are none.
fn are(named: &[String], what: &str) -> Option<String> {
    match named {
        [] => None,
        [one] => Some(format!("{one} is {what}.")),
        [first, second] => Some(format!("{first} and {second} are {what}.")),
        [first, rest @ ..] => Some(format!("{first} and {} others are {what}.", rest.len())),
    }
}

/// The people of a cohort who can be told, as far as known.
fn people(view: &CohortView) -> Option<u64> {
    let read = cohort_columns::counts(view).map(|counts| counts.read.sendable()).filter(|people| *people > 0);
    read.or(view.cohort.count)
}

/// The attributes that no other cohort may be exported to, with the name of the cohort.
fn owned(view: &CohortView) -> Vec<(String, String)> {
    let Some(sync) = &view.sync else { return Vec::new() };
    let is_owned = sync.status != SyncStatus::Stopped || sync.baseline > 0;
    let own = is_owned.then(|| sync.attribute.clone());
    let former = sync.former.iter().map(|former| former.attribute.clone());
    own.into_iter().chain(former).map(|attribute| (attribute, view.cohort.name.clone())).collect()
}
