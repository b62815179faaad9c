//! A cohort with a known defect of every kind: the waterfall and the list behind each of its lines equal the truth, user
//! by user.

use crate::world::{COHORT, World, request};
use cohort_sync::domain::people::{Narrow, UserRow};
use cohort_sync::domain::verification::Extent;
use cohort_sync::domain::waterfall::{Line, Listed, Waterfall};
use cohort_sync::domain::{Outcome, Reason, SyncKind};
use cohort_sync::sandbox::{KnownDefects, ProfileKey};
use cohort_sync::store::{RunRecord, StoreError};
use cohort_sync::sync::command::Command;
use std::collections::BTreeSet;

type Names = BTreeSet<String>;

impl World {
    fn listed(&self, run: &RunRecord, listed: Listed, narrow: &Narrow) -> Vec<UserRow> {
        let reader = self.reader();
        let mut users = Vec::new();
        reader
            .for_each_user::<StoreError>(run, listed, narrow, |user| {
                users.push(user);
                Ok(true)
            })
            .unwrap();
        // A window from anywhere is a part of the same list.
        let window = reader.users_window(run, listed, narrow, 3, 40).unwrap();
        assert_eq!(window.total, users.len() as u64, "{listed:?}");
        assert_eq!(window.rows, users.iter().skip(3).take(40).cloned().collect::<Vec<_>>(), "{listed:?}");
        users
    }

    fn names(&self, run: &RunRecord, listed: Listed, reason: Option<Reason>) -> Names {
        let users = self.listed(run, listed, &Narrow::to(reason));
        let names: Names = users.iter().filter_map(UserRow::name).collect();
        assert_eq!(names.len(), users.len(), "each once: {listed:?}");
        names
    }
}

fn union(sets: &[&Names]) -> Names {
    sets.iter().flat_map(|set| set.iter().cloned()).collect()
}

/// Exported once, and again after everything went wrong at once.
async fn broken_world(defects: &KnownDefects) -> (World, RunRecord) {
    let world = World::with_cohort(defects.before.clone()).await;
    let first = world.run_by(COHORT, Command::Start(request(SyncKind::Recurring))).await;
    assert_eq!(first.outcome, Some(Outcome::Succeeded));
    world.control.set_members(COHORT.0, defects.after.clone());
    for fault in &defects.faults {
        world.control.push_fault(fault.clone());
    }
    world.refresh().await;
    let run = world.run_by(COHORT, Command::RunNow(COHORT)).await;
    assert_eq!(run.outcome, Some(Outcome::Failed), "some are never answered");
    world.control.clear_faults();
    (world, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_the_truth_user_by_user() {
    let defects = KnownDefects::seeded(7);
    let (world, run) = broken_world(&defects).await;
    let with = |reason: Reason| defects.with(reason.token());

    // Who lacks an MPID, reason by reason.
    let by_id: Vec<Names> = [
        Reason::Missing,
        Reason::Placeholder,
        Reason::NotAnInteger,
        Reason::OutOfRange,
        Reason::Anonymous,
        Reason::NoProfile,
    ]
    .map(|reason| {
        assert_eq!(world.names(&run, Listed::Lacking, Some(reason)), with(reason), "{reason}");
        with(reason)
    })
    .into();
    let lacking = union(&by_id.iter().collect::<Vec<_>>());
    assert_eq!(world.names(&run, Listed::Lacking, None), lacking);
    assert_eq!(world.names(&run, Listed::Unsendable, None), defects.unsendable);
    let unmatched: Names = lacking.difference(&defects.unsendable).cloned().collect();
    assert_eq!(world.names(&run, Listed::Unmatched, None), unmatched);
    assert_eq!(world.names(&run, Listed::Anonymous, None), with(Reason::Anonymous));
    assert_eq!(world.names(&run, Listed::Duplicates, None), with(Reason::Duplicate));
    assert_eq!(world.names(&run, Listed::Suspect, None), with(Reason::Rounded));

    // What mParticle said. Whoever it drops it accepts: only looking shows that.
    let refused = union(&[
        &with(Reason::Rejected),
        &with(Reason::OptedOut),
        &with(Reason::NotRegistered).into_iter().filter(|name| !name.starts_with("blocked")).collect(),
    ]);
    let dropped = union(&[
        &with(Reason::NotInMparticle),
        &with(Reason::NotRegistered).into_iter().filter(|name| name.starts_with("blocked")).collect(),
    ]);
    for reason in [Reason::Rejected, Reason::OptedOut] {
        assert_eq!(world.names(&run, Listed::Rejected, Some(reason)), with(reason), "{reason}");
    }
    assert_eq!(world.names(&run, Listed::Rejected, None), refused);
    assert_eq!(world.names(&run, Listed::Pending, None), with(Reason::Pending));
    let matched = union(&[&defects.fine, &with(Reason::Rounded), &refused, &dropped, &with(Reason::Pending)]);
    // Who was told by MPID before this run is known by that alone.
    let known_by_mpid = |names: &Names| -> Names {
        let mpid_of = |name: &String| {
            let person = defects.before.iter().find(|person| person.distinct_id == name.as_str())?;
            Some(person.properties.as_ref()?.get("$mparticle_user_id")?.as_str()?.to_owned())
        };
        names.iter().map(|name| mpid_of(name).unwrap_or_else(|| name.clone())).collect()
    };
    assert_eq!(world.names(&run, Listed::Left, None), known_by_mpid(&with(Reason::Left)));
    assert_eq!(world.names(&run, Listed::Matched, None), known_by_mpid(&matched));
    let sendable = union(&[&matched, &unmatched]);
    assert_eq!(world.names(&run, Listed::Sendable, None), known_by_mpid(&sendable));
    let accepted: Names = sendable
        .iter()
        .filter(|name| !refused.contains(*name) && !with(Reason::Pending).contains(*name))
        .cloned()
        .collect();
    assert_eq!(world.names(&run, Listed::Accepted, None), known_by_mpid(&accepted));
    let fetched = union(&[&sendable, &defects.unsendable, &with(Reason::Duplicate)]);
    assert_eq!(world.names(&run, Listed::Fetched, None), known_by_mpid(&fetched));

    // The waterfall has just these numbers, and nothing is left over.
    let mixpanel = world.view(COHORT).cohort.count;
    let waterfall = Waterfall::of(mixpanel, &run.counts);
    for (line, names) in [
        (Line::Fetched, &fetched),
        (Line::Duplicates, &with(Reason::Duplicate)),
        (Line::Unsendable, &defects.unsendable),
        (Line::Sendable, &sendable),
        (Line::Matched, &matched),
        (Line::Suspect, &with(Reason::Rounded)),
        (Line::Unmatched, &unmatched),
        (Line::Anonymous, &with(Reason::Anonymous)),
        (Line::Accepted, &accepted),
        (Line::Rejected, &refused),
        (Line::Pending, &with(Reason::Pending)),
        (Line::Left, &with(Reason::Left)),
    ] {
        assert_eq!(waterfall.count(line), Some(i64::try_from(names.len()).unwrap()), "{line:?}");
    }
    assert_eq!((waterfall.count(Line::Drift), waterfall.count(Line::Unexplained)), (Some(0), Some(0)));
    assert_eq!(mixpanel, Some(defects.after.len() as u64));

    // Evidence: the profile that is counted, mParticle's words, the exact id.
    let one = |listed, name: &str| {
        let users = world.listed(&run, listed, &Narrow::of(name));
        assert_eq!(users.len(), 1, "{name}: {users:?}");
        users[0].clone()
    };
    assert_eq!(one(Listed::Duplicates, "again-3").detail.as_deref(), Some("counted as twice-3"));
    assert!(one(Listed::Rejected, "opted_out-2").detail.unwrap().contains("opted out of tracking"));
    let (rounded, exact) = defects.rounded_from;
    let of_exact = one(Listed::Suspect, "rounded-of-exact");
    assert_eq!(of_exact.mpid, Some(rounded));
    assert_eq!(of_exact.detail.as_deref(), Some(&*format!("may have been {exact}")));
    assert_eq!(one(Listed::Lacking, "placeholder-0").holds.as_deref(), Some("<null>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_tells_who_was_dropped_and_why() {
    let defects = KnownDefects::seeded(11);
    let (world, run) = broken_world(&defects).await;
    world.control.know_everyone(false);
    let profiles: &[ProfileKey] = &defects.profiles_without_attribute;
    for key in profiles {
        world.control.add_profile(key.clone());
    }
    world.verify(Extent::Full).await;
    let blocked =
        |names: Names| -> Names { names.into_iter().filter(|name| name.starts_with("blocked")).collect() };
    let found = |reason| world.names(&run, Listed::Wrong, Some(reason));
    assert_eq!(found(Reason::NotInMparticle), defects.with("not_in_mparticle"));
    assert_eq!(found(Reason::NotRegistered), blocked(defects.with("attribute_not_registered")));
    assert_eq!(found(Reason::Left), Names::new(), "whoever left was let go");
    let all = union(&[&found(Reason::NotInMparticle), &found(Reason::NotRegistered)]);
    assert_eq!(world.names(&run, Listed::Wrong, None), all);
}
