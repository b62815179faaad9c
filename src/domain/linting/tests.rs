//! Each rule: what it finds, what it leaves alone, and that it stays silent about a project in order.

use super::*;
use proptest::prelude::*;

fn named(id: u64, name: &str) -> Facts<'_> {
    Facts { id: CohortId(id), name, attribute: name, is_exportable: true, ..Facts::default() }
}

fn only(facts: Facts<'_>) -> Vec<Lint> {
    lint(&[facts]).cohorts.into_values().flatten().collect()
}

fn reads(of: &[(u64, f64)]) -> Vec<Reading> {
    of.iter().map(|(users, matched_share)| Reading { users: *users, matched_share: *matched_share }).collect()
}

fn read(matched: u64, suspect: u64, changes: u64) -> LastRead {
    LastRead { counts: ReadCounts { matched, suspect, ..ReadCounts::default() }, changes }
}

fn other(id: u64, name: &str) -> Other {
    Other { id: CohortId(id), name: name.to_owned() }
}

#[test]
fn a_project_in_order_has_nothing_to_show() {
    let cohorts = [
        Facts {
            users: Some(50_000),
            is_recurring: true,
            holds: vec!["Power users"],
            pace: Some(Pace { took: Duration::from_secs(40), interval: Duration::from_mins(15) }),
            last: Some(read(48_000, 400, 12)),
            reads: reads(&[(49_900, 0.96), (50_000, 0.959)]),
            ..named(1, "Power users")
        },
        named(2, "Churn risk"),
    ];
    assert_eq!(lint(&cohorts), Found::default());
}

#[test]
fn one_attribute_of_two_cohorts_is_found_however_it_came_about() {
    let renamed = Facts { attribute: "VIP", holds: vec!["VIP"], ..named(1, "Very important") };
    let former = Facts { holds: vec!["New", "Trial"], attribute: "New", ..named(3, "Newcomers") };
    let cohorts = [renamed, named(2, "VIP"), former, named(4, "Trial"), named(5, "Alone")];
    let found = lint(&cohorts);
    assert_eq!(found.of(CohortId(1)), [Lint::SharedAttribute(other(2, "VIP"))]);
    assert_eq!(found.of(CohortId(2)), [Lint::SharedAttribute(other(1, "Very important"))]);
    assert_eq!(found.of(CohortId(3)), [Lint::SharedAttribute(other(4, "Trial"))]);
    assert_eq!(found.of(CohortId(4)), [Lint::SharedAttribute(other(3, "Newcomers"))]);
    assert_eq!(found.of(CohortId(5)), []);
}

#[test]
fn names_that_differ_in_case_or_spaces_are_similar_and_equal_ones_share() {
    let found = lint(&[named(1, "Power users"), named(2, "power  Users "), named(3, "Powerusers!")]);
    assert_eq!(found.of(CohortId(1)), [Lint::SimilarName(other(2, "power  Users "))]);
    assert_eq!(found.of(CohortId(2)), [Lint::SimilarName(other(1, "Power users"))]);
    assert_eq!(found.of(CohortId(3)), []);
    let equal = lint(&[named(1, "VIP"), named(2, "VIP")]);
    assert_eq!(equal.of(CohortId(1)), [Lint::SharedAttribute(other(2, "VIP"))]);
    let group = Facts { is_exportable: false, ..named(2, "vip") };
    assert_eq!(lint(&[named(1, "VIP"), group]), Found::default());
}

#[test]
fn limits_are_told_of_from_four_fifths_on() {
    let with_users = |users| only(Facts { users: Some(users), ..named(1, "A") });
    assert_eq!(with_users(7_999_999), []);
    assert_eq!(with_users(8_000_000), [Lint::ManyUsers { users: 8_000_000 }]);
    let names: Vec<String> = (0..81).map(|number| format!("attribute {number}")).collect();
    let syncs = |many: usize| -> Vec<Lint> {
        let cohort = |n: usize| Facts {
            holds: vec![names[n].as_str()],
            is_recurring: n < 47,
            ..named(n as u64, &names[n])
        };
        lint(&(0..many).map(cohort).collect::<Vec<_>>()).project
    };
    assert_eq!(syncs(79), []);
    assert_eq!(syncs(80), [Lint::ManyAttributes { attributes: 80 }]);
    let recurring: Vec<Facts<'_>> =
        (0..48).map(|n| Facts { is_recurring: true, ..named(n as u64, &names[n]) }).collect();
    assert_eq!(lint(&recurring).project, [Lint::ManySyncs { syncs: 48 }]);
    assert_eq!(lint(&recurring[1..]).project, []);
}

#[test]
fn a_run_as_long_as_its_interval_still_fits() {
    let interval = Duration::from_mins(15);
    let after = |took| only(Facts { pace: Some(Pace { took, interval }), ..named(1, "A") });
    assert_eq!(after(interval), []);
    let longer = interval + Duration::from_secs(1);
    assert_eq!(after(longer), [Lint::SlowSync { took: longer, interval }]);
}

#[test]
fn two_in_a_hundred_rounded_ids_are_tolerated_and_more_are_not() {
    let with = |suspect| only(Facts { last: Some(read(1_000, suspect, 1)), ..named(1, "A") });
    assert_eq!(with(20), []);
    assert_eq!(with(21), [Lint::SuspectIds { suspect: 21, matched: 1_000 }]);
    for few in [read(0, 0, 1), read(10, 4, 1)] {
        assert_eq!(only(Facts { last: Some(few), ..named(1, "A") }), []);
    }
}

#[test]
fn a_share_falls_from_the_best_comparable_read() {
    let after = |of: &[(u64, f64)]| only(Facts { reads: reads(of), ..named(1, "A") });
    assert_eq!(after(&[(1_000, 0.9), (1_000, 0.86)]), []);
    let fell = [Lint::MatchedShareFell { from: 0.9, to: 0.8, reads: 2 }];
    assert_eq!(after(&[(1_000, 0.85), (1_000, 0.9), (1_000, 0.82), (1_000, 0.8)]), fell);
    // It was another cohort then, or it is so small that one user is many points.
    assert_eq!(after(&[(100, 1.0), (1_000, 0.8)]), []);
    assert_eq!(after(&[(20, 0.9), (20, 0.8)]), []);
    assert_eq!(after(&[(1_000, 0.9)]), []);
}

#[test]
fn a_count_moves_without_anybody_entering_or_leaving() {
    let after = |of: &[(u64, f64)], last| only(Facts { reads: reads(of), last: Some(last), ..named(1, "A") });
    let moved = &[(1_000, 0.9), (1_020, 0.9)];
    assert_eq!(after(moved, read(1_020, 0, 0)), [Lint::CountMoved { from: 1_000, to: 1_020 }]);
    assert_eq!(after(moved, read(1_020, 0, 3)), []);
    assert_eq!(after(&[(1_000, 0.9), (1_005, 0.9)], read(1_005, 0, 0)), []);
    assert_eq!(after(&[(1_000, 0.9), (1_000, 0.9)], read(1_000, 0, 0)), []);
}

#[test]
fn a_reserved_name_is_that_of_the_attribute_and_not_of_the_cohort() {
    assert_eq!(only(named(1, "$City")), [Lint::ReservedName]);
    assert_eq!(only(Facts { attribute: "City", ..named(1, "$City") }), []);
}

proptest! {
    #[test]
    fn what_concerns_two_cohorts_is_told_of_both(names in prop::collection::vec("[aA ]{1,3}", 0..8)) {
        let cohorts: Vec<Facts<'_>> = (0..).zip(&names).map(|(id, name)| named(id, name)).collect();
        let found = lint(&cohorts);
        for (id, lints) in &found.cohorts {
            for lint in lints {
                let (Lint::SharedAttribute(other) | Lint::SimilarName(other)) = lint else { continue };
                prop_assert_ne!(other.id, *id);
                prop_assert!(!found.of(other.id).is_empty());
            }
        }
    }
}
