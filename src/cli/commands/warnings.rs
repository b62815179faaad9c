//! What deserves a look about cohorts, for the commands that mention it.

use super::remark;
use crate::domain::{CohortId, Lint};
use crate::sync::snapshot::Snapshot;

/// Warnings that a command tells beside what it was asked; `doctor` tells all.
const TOLD: usize = 5;

/// Every warning with whom it is about, to begin a sentence: first those about all cohorts together.
pub(super) fn of(snapshot: &Snapshot) -> impl Iterator<Item = (String, &Lint)> {
    let project = snapshot.lints.iter().map(|lint| (String::new(), lint));
    let cohorts = snapshot.cohorts.iter().flat_map(|view| {
        let whom = format!("“{}” ({}): ", view.cohort.name, view.cohort.id);
        view.lints.iter().map(move |lint| (whom.clone(), lint))
    });
    project.chain(cohorts)
}

/// Tells a person of the warnings about some cohorts, and of those about all together.
pub(super) fn tell(snapshot: &Snapshot, cohorts: &[CohortId]) {
    let snapshot = Snapshot {
        cohorts: snapshot.cohorts.iter().filter(|view| cohorts.contains(&view.cohort.id)).cloned().collect(),
        ..snapshot.clone()
    };
    let all: Vec<String> =
        of(&snapshot).map(|(whom, lint)| format!("{whom}{}. {}", lint.seen(), lint.advice())).collect();
    for warning in all.iter().take(TOLD) {
        remark(&format!("warning: {}", crate::cli::output::harmless(warning)));
    }
    if all.len() > TOLD {
        remark(&format!("and {} more; `cohort-sync doctor` tells all", all.len() - TOLD));
    }
}
