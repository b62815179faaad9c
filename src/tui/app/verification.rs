//! The actions that look at mParticle and mend what is wrong there: whether they can be done now, and what they ask
//! first.

use super::operate::order;
use super::{App, Effect};
use crate::domain::SyncStatus;
use crate::domain::verified::Verification;
use crate::sync::command::Command;
use crate::sync::snapshot::CohortView;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::{Confirm, Deed};
use crate::tui::dialogs::verify::VerifyDialog;
use crate::tui::screens::cohort_attributes::quoted;
use crate::tui::settings::Settings;
use crate::tui::text;
use crate::tui::theme::Role;
use std::sync::Arc;

impl App {
    /// Asks whom to look up; while a verification is at work, whether to end it.
    pub(super) fn ask_what_to_verify(&mut self) -> Vec<Effect> {
        let Some(view) = self.chosen().first().map(|view| Arc::clone(view)) else { return Vec::new() };
        let (Some(sync), Some(per_second)) = (&view.sync, self.settings.profiles_per_second) else {
            return Vec::new();
        };
        let (id, name) = (view.cohort.id, view.cohort.name.clone());
        if view.is_verifying() {
            let body = vec![
                (Role::Strong, "A verification of this cohort is at work.".to_owned()),
                (
                    Role::Text,
                    "Ended now, nothing of what it found is kept. Syncs are not touched either way."
                        .to_owned(),
                ),
            ];
            let end = vec![order(&format!("end the verification of “{name}”"), Command::EndVerification(id))];
            let choices = vec![("End it", Deed::Send(end))];
            let title = format!("Verifying {}", quoted(&name));
            self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Let it go on")));
            return Vec::new();
        }
        // Any number will do that is another one each time, and the time is.
        let seed = self.now.as_nanosecond().unsigned_abs();
        let seed = u64::try_from(seed & u128::from(u64::MAX)).unwrap_or_default();
        self.dialogs.push(Dialog::Verify(Box::new(VerifyDialog::new(
            id,
            name,
            sync.baseline,
            per_second,
            seed,
        ))));
        Vec::new()
    }

    /// Says what a repair does, and asks.
    pub(super) fn ask_to_repair(&mut self) -> Vec<Effect> {
        let Some(view) = self.chosen().first().map(|view| Arc::clone(view)) else { return Vec::new() };
        let Some(found) = verified(&view) else { return Vec::new() };
        let at = text::moment(self.now, found.ended_at, &self.settings.zone);
        let (were, are) = if found.wrong() == 1 { ("was", "is") } else { ("were", "are") };
        let told = format!(
            "{} {were} found wrong at {at} and {are} told again what was told before: {} “true”, {} “false”.",
            text::plural(found.wrong(), "user"),
            text::count(found.missing()),
            text::count(found.stale()),
        );
        let body = vec![
            (Role::Strong, told),
            (
                Role::Text,
                "Nobody else is told anything, and whoever was told something else since is left out."
                    .to_owned(),
            ),
            (Role::Muted, "It is a run of its own; afterwards the cohort can be verified again.".to_owned()),
        ];
        let (id, name) = (view.cohort.id, &view.cohort.name);
        let orders = vec![order(&format!("repair “{name}”"), Command::Repair(id))];
        let title = format!("Repair {}", quoted(name));
        let choices = vec![("Tell them again", Deed::Send(orders))];
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Not now")));
        Vec::new()
    }
}

fn verified(view: &CohortView) -> Option<&Verification> {
    view.sync.as_ref()?.verification.last.as_deref()
}

/// Why nobody can be looked up now; `None` when somebody can.
pub(super) fn why_not_verify(settings: &Settings, chosen: &[&Arc<CohortView>]) -> Option<String> {
    let words = match chosen {
        [] => "no cohort is selected",
        _ if settings.profiles_per_second.is_none() => {
            "the Profile API is not configured: add [mparticle.profile_api] to the configuration, then start again"
        }
        [view] if view.is_verifying() => return None,
        [view] if view.sync.as_ref().is_none_or(|sync| sync.last_run.is_none() && sync.baseline == 0) => {
            "nobody was told yet; start an export first"
        }
        [_] => return None,
        _ => "one cohort is verified at a time",
    };
    Some(words.to_owned())
}

/// Why nobody can be told anew now; as the engine has it.
pub(super) fn why_not_repair(chosen: &[&Arc<CohortView>]) -> Option<String> {
    let [view] = chosen else {
        let words =
            if chosen.is_empty() { "no cohort is selected" } else { "one cohort is repaired at a time" };
        return Some(words.to_owned());
    };
    let words = match (verified(view), view.status()) {
        (None, _) if view.is_verifying() => "this cohort is still being verified",
        (None, _) => "this cohort was not verified yet",
        (Some(found), _) if found.wrong() == 0 => "the last verification found nobody wrong",
        (Some(found), _) if found.found_nobody() => {
            "not one of those who were looked up has a profile; check org_id, account_id and workspace_id, then verify again"
        }
        (_, SyncStatus::Paused) => "the sync is paused; resume it first",
        (_, SyncStatus::Stopped) => "the sync is stopped; start it again first",
        (_, status) if status.is_active() => "a run of this sync is at work already",
        _ => return None,
    };
    Some(words.to_owned())
}
