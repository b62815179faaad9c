//! What deserves a look about a cohort, in the lines that the detail pane has for it and at length in the full report;
//! and what deserves one about all cohorts together. What is found and what it says is `domain::lint`'s.

use super::Scene;
use super::cohort_attributes::{former_lines, unexplained};
use super::cohort_columns::warnings;
use crate::domain::Lint;
use crate::sync::snapshot::{CohortView, Snapshot};
use crate::tui::action::Action;
use crate::tui::text;
use crate::tui::theme::Role;

/// What stands in the detail pane whatever the sync is doing, in at most so many lines of so many cells: the most
/// pressing first, what is only so after it.
#[must_use]
pub fn notes(scene: Scene<'_>, view: &CohortView, most: usize, columns: usize) -> Vec<(Role, String)> {
    let wrong = view.sync.as_ref().and_then(unexplained);
    let mut notes: Vec<(Role, String)> = wrong.map(|words| (Role::Warn, words)).into_iter().collect();
    let room = most.saturating_sub(notes.len());
    notes.extend(in_brief(scene, &view.lints, room, columns).into_iter().map(|words| (Role::Warn, words)));
    let room = most.saturating_sub(notes.len());
    if let Some(sync) = view.sync.as_ref().filter(|_| room > 0) {
        let former = former_lines(scene, view.status(), sync, room);
        notes.extend(former.into_iter().map(|words| (Role::Text, words)));
    }
    notes
}

/// Each warning in a line of its own; the last line says how many did not fit. One that stands alone says what to do
/// as well, where there is room for that.
fn in_brief(scene: Scene<'_>, lints: &[Lint], most: usize, columns: usize) -> Vec<String> {
    if let [lint] = lints {
        let whole = format!("! {}. {}", capital(&lint.seen()), lint.advice());
        if text::wrap(&whole, columns).len() <= most {
            return vec![whole];
        }
    }
    let line = |lint: &Lint, after: &str| {
        let room = columns.saturating_sub(text::width(after));
        format!("{}{after}", text::cut(&format!("! {}", capital(&lint.seen())), room))
    };
    let shown = lints.len().min(most);
    let left = lints.len() - shown;
    let last = shown.checked_sub(1).filter(|_| left > 0);
    let after = format!("   {left} more; {} tells all", scene.key(Action::Look));
    let each = lints[..shown].iter().enumerate();
    each.map(|(place, lint)| line(lint, if last == Some(place) { &after } else { "" })).collect()
}

/// Every warning about a cohort at length, as labels and values.
pub fn say_warnings(say: &mut impl FnMut(&str, &str), view: &CohortView) {
    for lint in &view.lints {
        say("Warning", &capital(&lint.seen()));
        say("  why it matters", lint.matters());
        say("  what to do", lint.advice());
    }
}

/// A warning at length, in one paragraph.
#[must_use]
pub fn whole(lint: &Lint) -> String {
    format!("{}. {} {}", capital(&lint.seen()), lint.matters(), lint.advice())
}

/// How many things deserve a look: those that the rows are marked with, and those about all cohorts together.
#[must_use]
pub fn count(snapshot: &Snapshot) -> usize {
    snapshot.lints.len() + snapshot.cohorts.iter().map(|view| warnings(view)).sum::<usize>()
}

/// With a capital letter, as a sentence begins.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
