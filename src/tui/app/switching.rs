//! Going over to another profile, or to this one anew: the list, the look into the profile that was chosen, the question
//! when something runs, and leaving for it. The profile is opened by whoever opened this console.

use super::{App, Effect};
use crate::config::ProfileSummary;
use crate::sync::snapshot::NoticeLevel;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::{Confirm, Deed};
use crate::tui::dialogs::profiles::ProfilesDialog;

impl App {
    /// Why there is no other profile to go to.
    pub(super) fn why_not_switch(&self) -> Option<String> {
        let demo = "the demo has no profiles; those of a configuration file are opened without --demo";
        match (&self.settings.editing, self.stopping) {
            (None, _) => Some(demo.to_owned()),
            (Some(_), Some(_)) => Some("the console is on its way out".to_owned()),
            (Some(_), None) => None,
        }
    }

    pub(super) fn list_profiles(&mut self) -> Vec<Effect> {
        self.dialogs.push(Dialog::Profiles(ProfilesDialog::new(self.settings.profile.clone())));
        vec![Effect::ListProfiles]
    }

    pub(super) fn profiles_listed(&mut self, result: Result<Vec<ProfileSummary>, String>) {
        // Whoever closed the list meanwhile has no use for it.
        if let Some(dialog) = self.profiles_dialog() {
            dialog.take_in(result);
        }
    }

    /// Has a profile looked into, to go over to it if it can be used.
    pub(super) fn try_profile(&mut self, profile: String, is_agreed: bool) -> Vec<Effect> {
        self.trying = Some((profile.clone(), is_agreed));
        vec![Effect::TryProfile(profile)]
    }

    /// Goes over to the profile that was looked into; asks first when that cuts something short.
    pub(super) fn profile_tried(&mut self, profile: String, result: &Result<(), String>) -> Vec<Effect> {
        let Some((_, is_agreed)) = self.trying.take_if(|(trying, _)| *trying == profile) else {
            return Vec::new();
        };
        if let Some(dialog) = self.profiles_dialog() {
            dialog.stay(result.as_ref().err().cloned());
        } else if let Err(reason) = result {
            self.say(NoticeLevel::Error, format!("“{profile}” was not opened: {reason}"));
        }
        if result.is_err() {
            return Vec::new();
        }
        if is_agreed || self.cuts_nothing_short() {
            return self.leave_for(profile);
        }
        let title = if profile == self.settings.profile {
            "Open this profile anew?".to_owned()
        } else {
            format!("Go over to “{profile}”?")
        };
        let body = self.what_leaving_does(Some(&profile));
        let choices = vec![("Go", Deed::LeaveFor(profile))];
        self.dialogs.push(Dialog::Confirm(Confirm::new(title, body, choices, "Stay")));
        Vec::new()
    }

    /// Ends here in order, and has the profile opened then.
    pub(super) fn leave_for(&mut self, profile: String) -> Vec<Effect> {
        let effects = self.begin_to_stop();
        self.bound_for = Some(profile);
        effects
    }

    fn profiles_dialog(&mut self) -> Option<&mut ProfilesDialog> {
        self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Profiles(dialog) => Some(dialog),
            _ => None,
        })
    }
}
