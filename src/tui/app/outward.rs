//! What the console tells beyond its own screen: the title of the window, and a word when a sync comes to need
//! a person who may be looking elsewhere.

use super::{App, Effect};
use crate::config::Notify;
use crate::domain::{CohortId, PauseCause, SyncStatus};
use crate::sync::snapshot::{CohortView, Snapshot};
use crate::tui::terminal::Wishes;
use crate::tui::text;
use std::collections::HashMap;
use std::fmt::Write;

/// What is known of who looks, and what was told already.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Whether the person looks at this window, as far as the terminal says.
    pub(super) focused: Option<bool>,
    /// The syncs that were seen, with the trouble each is in. A sync that is new here is not news: the trouble
    /// may be older than this console.
    troubles: HashMap<CohortId, Option<SyncStatus>>,
}

impl Outlook {
    /// Takes in a snapshot and tells which syncs came into trouble with it. A sync that fails at each of its
    /// ticks is in the same trouble all the while, until it succeeds.
    pub(super) fn take_in<'s>(&mut self, snapshot: &'s Snapshot) -> Vec<&'s CohortView> {
        let mut news = Vec::new();
        for view in &snapshot.cohorts {
            let status = view.status();
            if view.sync.is_none() {
                self.troubles.remove(&view.cohort.id);
                continue;
            }
            let before = self.troubles.get(&view.cohort.id).copied();
            let trouble = match status {
                SyncStatus::Failed => Some(status),
                SyncStatus::Paused if !is_wanted(view) => Some(status),
                _ if status.is_active() => before.flatten(),
                _ => None,
            };
            self.troubles.insert(view.cohort.id, trouble);
            if before.is_some_and(|before| before != trouble) && trouble.is_some() {
                news.push(&**view);
            }
        }
        news
    }
}

/// Whether it was a person who paused it.
fn is_wanted(view: &CohortView) -> bool {
    let pause = view.sync.as_ref().and_then(|sync| sync.pause.as_ref());
    pause.is_some_and(|pause| pause.cause == PauseCause::Operator)
}

impl App {
    /// What is wanted of the terminal.
    pub(in crate::tui) fn wishes(&self) -> Wishes {
        Wishes {
            title: self.settings.title.then(|| self.window_title()),
            mouse: self.wants_mouse(),
            focus: self.settings.notify != Notify::Off,
            surroundings: self.settings.surroundings.clone(),
        }
    }

    /// The title of the window: where this is, and how many syncs are at work or wait for a person.
    #[must_use]
    pub fn window_title(&self) -> String {
        let mut title = format!("cohort-sync {}", text::clean(&self.settings.profile));
        let failed = self.snapshot.cohorts.iter().filter(|view| view.status() == SyncStatus::Failed).count();
        let counts =
            [(self.snapshot.active(), "syncing"), (self.snapshot.paused(), "paused"), (failed, "failed")];
        for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
            // Writing into a text cannot fail.
            let _ = write!(title, " · {count} {word}");
        }
        title
    }

    /// Calls the person when a sync came into trouble, unless they look at it already or want no calls.
    pub(super) fn call_out(&mut self) -> Vec<Effect> {
        let news = self.outlook.take_in(&self.snapshot);
        if self.settings.notify == Notify::Off || self.outlook.focused == Some(true) {
            return Vec::new();
        }
        let words = match news.as_slice() {
            [] => return Vec::new(),
            [view] => {
                let verb = if view.status() == SyncStatus::Paused { "is paused" } else { "failed" };
                format!("the sync of \"{}\" {verb}", text::clean(&view.cohort.name))
            }
            several => format!("{} syncs are paused or failed", several.len()),
        };
        vec![Effect::Notify(words)]
    }
}
