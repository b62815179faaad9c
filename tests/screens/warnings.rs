//! What deserves a look, as pictures: a mark on the row, the count in the title, the words in the pane and at length in
//! the report, for each kind.

use crate::fixture::{cohort, counts, idle, other, synced};
use crate::{app, draw, everywhere, press, snap, words};
use cohort_sync::domain::{Lint, SyncStatus};
use cohort_sync::sync::snapshot::{CohortView, Snapshot};
use cohort_sync::tui::text;
use std::sync::Arc;
use std::time::Duration;

/// Every kind that concerns one cohort.
fn kinds() -> Vec<Lint> {
    vec![
        Lint::SharedAttribute(other(1001, "Churn risk")),
        Lint::SimilarName(other(1015, "churn  Risk")),
        Lint::ReservedName,
        Lint::ManyUsers { users: 10_412_003 },
        Lint::SlowSync { took: Duration::from_secs(1_264), interval: Duration::from_mins(15) },
        Lint::SuspectIds { suspect: 1_411, matched: 38_125 },
        Lint::MatchedShareFell { from: 0.921, to: 0.749, reads: 14 },
        Lint::CountMoved { from: 51_002, to: 52_177 },
    ]
}

fn churn(lints: Vec<Lint>) -> CohortView {
    let counts = counts(38_125, 12_801, (312, 312), (12, 12));
    let view = synced(cohort(1001, "Churn risk", 51_120), SyncStatus::Synced, counts);
    CohortView { lints, ..view }
}

fn warned(lints: Vec<Lint>) -> Snapshot {
    let mut snapshot = idle();
    snapshot.cohorts.truncate(3);
    snapshot.cohorts[1] = Arc::new(churn(lints));
    snapshot
}

fn project() -> Snapshot {
    let lints = vec![Lint::ManySyncs { syncs: 56 }, Lint::ManyAttributes { attributes: 91 }];
    Snapshot { lints, ..warned(Vec::new()) }
}

#[test]
fn each_kind_has_its_words_in_the_pane() {
    for lint in kinds() {
        for size in [(80, 24), (120, 36)] {
            let mut app = app(warned(vec![lint.clone()]));
            let picture = words(&draw(&mut app, size));
            assert!(picture.contains("Churn risk !") && picture.contains("· 1 warning ·"), "{picture}");
            snap(&format!("warning_{}_{}x{}", lint.token(), size.0, size.1), &picture);
        }
    }
}

#[test]
fn several_are_counted_and_told_at_length_in_the_report() {
    everywhere("warnings_several", &|| warned(kinds()), "");
    everywhere("warnings_report", &|| warned(kinds()), "i");
    everywhere(
        "warnings_unsynced",
        &|| {
            let mut snapshot = warned(Vec::new());
            let lints = vec![Lint::SimilarName(other(1000, "Power users")), Lint::ReservedName];
            snapshot.cohorts[0] = Arc::new(CohortView { lints, ..cohort(1015, "$power users", 40) });
            snapshot
        },
        "G",
    );
}

#[test]
fn what_concerns_all_cohorts_stands_below_them_and_in_setup() {
    everywhere("warnings_project", &project, "");
    let mut app = app(project());
    press(&mut app, "5 ] ] ] ] ]");
    let picture = words(&draw(&mut app, (120, 36)));
    assert!(picture.contains("56 recurring syncs, near the limit of 60 a project"), "{picture}");
}

#[test]
fn no_warning_is_wider_than_its_line() {
    let long = other(1, &"日本の週間アクティブユーザー".repeat(20));
    for columns in [46, 60, 80, 100, 120, 200] {
        let mut app =
            app(warned(vec![Lint::SimilarName(long.clone()), Lint::ReservedName, Lint::ReservedName]));
        let picture = words(&draw(&mut app, (columns, 30)));
        assert!(picture.lines().all(|line| text::width(line) <= usize::from(columns)), "{picture}");
        assert!(picture.contains("1 more; i tells all"), "{picture}");
    }
}
