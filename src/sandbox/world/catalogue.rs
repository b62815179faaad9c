//! The demo's cohorts: names, sizes and places on the line. Owns what a product team might have called its cohorts; how
//! they move and who stands on the line is left to `drift` and `people`.

use std::collections::BTreeMap;

use super::super::clock::{scramble, unix_seconds};
use super::drift::Stretch;
use super::people::{Crowd, CrowdKind, OLD_IMPORT_BEGIN, WEB_SIGNUPS_BEGIN};
use super::{Cohort, Members};

/// What `data_group_id` says for a group cohort; Mixpanel's are numbers of this length, written as text.
pub(super) const GROUP_KEY: &str = "6583920174652947203";

/// One line of the catalogue.
struct Entry {
    id: u64,
    name: &'static str,
    description: &'static str,
    first: u32,
    size: u32,
    turnover_per_mille: u32,
}

const fn entry(
    id: u64,
    name: &'static str,
    description: &'static str,
    place: (u32, u32),
    turnover: u32,
) -> Entry {
    Entry { id, name, description, first: place.0, size: place.1, turnover_per_mille: turnover }
}

/// Overlaps are meant: power users are active users, and the two cohorts that differ only in case share most people.
const ENTRIES: [Entry; 13] = [
    entry(5_167_401, "All active users (30 days)", "Any event in the last 30 days", (1_000, 500_000), 4),
    entry(5_167_402, "Power users", "Ten or more sessions a week", (40_000, 51_000), 6),
    entry(5_167_403, "power users", "Made by hand before the other one existed", (46_000, 12_400), 3),
    entry(5_167_404, "Checkout abandoned 🛒", "Cart without an order for a day", (150_000, 8_730), 20),
    entry(5_167_405, "新規ユーザー（今週）", "初回起動から七日以内", (490_000, 23_600), 15),
    entry(
        5_167_406,
        "Q4 lifecycle campaign – iOS and Android – opened the paywall at least twice in the last 28 days – never \
         subscribed – excludes employees, test accounts and everyone already in the win-back holdout group",
        "Do not rename, the campaign tool reads the name",
        (300_000, 4_200),
        8,
    ),
    entry(5_167_407, "Trial expiring in 3 days", "", (220_000, 640), 20),
    entry(
        5_167_408,
        "Newsletter sign-ups (web)",
        "Most never logged in to the app",
        (WEB_SIGNUPS_BEGIN, 96_000),
        5,
    ),
    entry(
        5_167_409,
        "Imported from the old CRM",
        "Ids went through a spreadsheet",
        (OLD_IMPORT_BEGIN, 18_500),
        2,
    ),
    entry(5_167_410, "Board members", "Ten people who will notice", (70_000, 10), 4),
    entry(GROUP_COHORT, "Accounts on the Enterprise plan", "Companies, not people", (900_000, 340), 2),
    entry(5_167_412, "Churn risk: no session in 14 days", "", (430_000, 74_300), 9),
    entry(5_167_413, "Beta: offline mode", "Opted in from the settings screen", (88_000, 1_150), 7),
];

const GROUP_COHORT: u64 = 5_167_411;

pub(super) fn demo_cohorts(seed: u64) -> BTreeMap<u64, Cohort> {
    let today = unix_seconds();
    ENTRIES.iter().map(|entry| (entry.id, demo_cohort(seed, today, entry))).collect()
}

fn demo_cohort(seed: u64, today: u64, entry: &Entry) -> Cohort {
    let is_group = entry.id == GROUP_COHORT;
    let kind = if is_group { CrowdKind::Groups } else { CrowdKind::People };
    let noise = scramble(seed ^ entry.id);
    Cohort {
        name: entry.name.to_owned(),
        description: entry.description.to_owned(),
        created: format!(
            "2025-{:02}-{:02} {:02}:14:07",
            1 + noise % 12,
            1 + noise / 12 % 28,
            noise / 336 % 24
        ),
        is_visible: entry.id != 5_167_403,
        data_group_id: is_group.then(|| GROUP_KEY.to_owned()),
        members: Members::MadeUp {
            stretch: Stretch {
                first: entry.first,
                size: entry.size,
                turnover_per_mille: entry.turnover_per_mille,
                phase: noise,
            },
            crowd: Crowd { seed, kind, today },
        },
    }
}

/// A cohort that stands still and whose people all have a proper mParticle id.
pub(super) fn plain_cohort(seed: u64, name: String, people: u32) -> Cohort {
    Cohort {
        name,
        description: String::new(),
        created: "2026-01-05 09:30:00".to_owned(),
        is_visible: true,
        data_group_id: None,
        members: Members::MadeUp {
            stretch: Stretch { first: 0, size: people, turnover_per_mille: 0, phase: 0 },
            crowd: Crowd { seed, kind: CrowdKind::Tidy, today: unix_seconds() },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_the_awkward_cohorts() {
        let cohorts = demo_cohorts(7);
        let names: Vec<&str> = cohorts.values().map(|cohort| cohort.name.as_str()).collect();
        assert_eq!(cohorts.len(), ENTRIES.len(), "ids are distinct");
        assert!(names.contains(&"Power users") && names.contains(&"power users"));
        assert!(names.iter().any(|name| (150..=256).contains(&name.chars().count())));
        assert_eq!(cohorts.values().filter(|cohort| cohort.data_group_id.is_some()).count(), 1);
    }
}
