//! What the history can tell of the past: who was a member at any moment, who changed sides, what one person was told,
//! and from when on nothing is missing. Judged by a record that is kept beside.

use super::{add_sync, claimed, held, now, open};
use cohort_sync::domain::plan::{Planner, RequestLimits, Wave};
use cohort_sync::domain::{
    Change, ChangeState, CohortId, Direction, Identity, Outcome, Phase, Purpose, RunId, SyncKind, Trigger,
    UserId,
};
use cohort_sync::store::{Answered, Holding, NewRun, Reader, Scope, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn minute(number: i64) -> Timestamp {
    now() + SignedDuration::from_mins(number)
}

fn anna() -> Box<str> {
    "anna".into()
}

/// A cohort whose sync is told by hand.
struct Told {
    store: Store,
    sync: CohortId,
    /// Who is a member.
    members: BTreeSet<Identity>,
    minutes: i64,
}

impl Told {
    fn new(directory: &Path) -> Self {
        let mut store = open(directory);
        let sync = add_sync(&mut store);
        Self { store, sync, members: BTreeSet::new(), minutes: 0 }
    }

    fn begin(&mut self) -> RunId {
        let Holding { cohort: cohort_id, attribute } = held();
        let run = NewRun {
            cohort_id,
            cohort: attribute.clone(),
            attribute,
            kind: SyncKind::Recurring,
            purpose: Purpose::Update,
            trigger: Trigger::Schedule,
            started_at: minute(self.minutes),
        };
        self.store.begin_run(&run).unwrap()
    }

    /// One run, a minute after the one before, that tells what leads to these members; with `refresh`, everybody.
    fn run(&mut self, members: &BTreeSet<Identity>, refresh: bool) -> RunId {
        let removes = self.members.difference(members).map(|id| (Wave::Removes, Direction::Remove, id));
        let adds = members.difference(&self.members).map(|id| (Wave::Adds, Direction::Add, id));
        let steady = members.intersection(&self.members).map(|id| (Wave::Refresh, Direction::Add, id));
        let told = removes.chain(adds).chain(steady.filter(|_| refresh));
        let mut planner = Planner::new(RequestLimits { users: 3, bytes: 9_000 }, |_| 1);
        let mut plan = Vec::new();
        let (mut planned_adds, mut planned_removes) = (0, 0);
        for (wave, direction, identity) in told {
            *if direction == Direction::Add { &mut planned_adds } else { &mut planned_removes } += 1;
            let distinct_id = match identity {
                Identity::Mpid(_) if direction == Direction::Add => {
                    Some(format!("profile-{identity}").into())
                }
                Identity::Mpid(_) => None,
                other => other.borrow().distinct_id().map(|id| id.into_owned().into()),
            };
            plan.extend(planner.take(wave, Change { direction, identity: identity.clone(), distinct_id }));
        }
        plan.extend(planner.finish());
        self.minutes += 1;
        let run = self.begin();
        self.store.write_plan(run, self.sync, &plan, true).unwrap();
        for wave in Wave::ALL {
            for request in claimed(&mut self.store, run, wave, 1_000) {
                let answered = Answered { status: 202, tries: 1, ..Answered::default() };
                self.store.answer(run, request.first_position, &answered, minute(self.minutes)).unwrap();
            }
        }
        self.store.settle(run, &held(), true).unwrap();
        let mut record = self.store.run(run).unwrap().unwrap();
        for (direction, planned) in [(Direction::Add, planned_adds), (Direction::Remove, planned_removes)] {
            for _ in 0..planned {
                record.counts.plan(direction);
                record.counts.accept(direction);
            }
        }
        (record.outcome, record.phase) = (Some(Outcome::Succeeded), Phase::Settle);
        record.purpose = if refresh { Purpose::FullRefresh } else { Purpose::Update };
        record.ended_at = Some(minute(self.minutes));
        self.store.save_run(&record).unwrap();
        self.store.prune(self.sync).unwrap();
        self.members.clone_from(members);
        run
    }
}

fn person() -> impl Strategy<Value = Identity> {
    prop_oneof![
        (0..12i64).prop_map(Identity::Mpid),
        (0..6u8).prop_map(|n| Identity::Uuid([n; 16])),
        "[a-d]".prop_map(|text| Identity::Text(text.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn everybody_is_found_where_they_were_at_any_moment_that_is_kept(
        runs in prop::collection::vec((prop::collection::btree_set(person(), 0..16), prop::bool::weighted(0.2)), 1..28)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut told = Told::new(directory.path());
        let mut was: Vec<BTreeSet<Identity>> = vec![BTreeSet::new()];
        for (members, refresh) in runs {
            told.run(&members, refresh);
            was.push(members);
        }
        let reader = Reader::open(directory.path()).unwrap();
        let kept = reader.complete_since(told.sync).unwrap();
        let mut found: Vec<BTreeSet<Identity>> = vec![BTreeSet::new(); was.len()];
        let mut turns: BTreeMap<Identity, usize> = BTreeMap::new();
        let mut last = None;
        reader.for_each_person::<StoreError>(&held(), |row| {
            assert!(last.replace(row.identity.clone()) < Some(row.identity.clone()), "in order");
            for (at, members) in (0..).zip(&mut found) {
                if row.presence.at(minute(at)) {
                    members.insert(row.identity.clone());
                }
            }
            turns.insert(row.identity, row.presence.turns().count());
            Ok(true)
        }).unwrap();
        for (number, (found, was)) in (0..).zip(found.iter().zip(&was)) {
            if kept.is_none_or(|kept| minute(number) >= kept) {
                prop_assert_eq!(found, was, "at {} of {:?}", number, kept);
            }
        }
        for (identity, turns) in turns {
            let from = kept.map_or(0, |kept| usize::try_from((kept - now()).as_mins()).unwrap());
            let is_in: Vec<bool> = was[from..].iter().map(|members| members.contains(&identity)).collect();
            let expected = is_in.windows(2).filter(|pair| pair[0] != pair[1]).count();
            // What turned at the very moment from which on everything is kept is known as well.
            let more = turns - expected;
            prop_assert!(if kept.is_some() { more <= 1 } else { more == 0 }, "{identity}: {turns} of {expected}");
        }
    }
}

#[test]
fn a_person_is_found_by_either_id_over_both_identities() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::new(directory.path());
    let by_profile = Identity::of_distinct_id("profile-7");
    told.run(&BTreeSet::from([by_profile, Identity::Mpid(8)]), false);
    // An MPID was gained, and later the person leaves, known by nothing else any more.
    told.run(&BTreeSet::from([Identity::Mpid(7), Identity::Mpid(8)]), false);
    told.run(&BTreeSet::from([Identity::Mpid(8)]), false);
    let reader = Reader::open(directory.path()).unwrap();
    for id in ["profile-7", "7"] {
        let sought = reader.told_as(&UserId::parse(id).unwrap()).unwrap();
        let mut seen = Vec::new();
        reader
            .for_each_told::<StoreError>(&Scope::default(), Some(&sought), |run, rows| {
                seen.extend(rows.into_iter().map(|row| {
                    assert_eq!(row.state, ChangeState::Accepted);
                    (run.id.0, row.change.direction, row.change.identity.to_string())
                }));
                Ok(true)
            })
            .unwrap();
        let expected = [
            (1, Direction::Add, "profile-7"),
            (2, Direction::Remove, "profile-7"),
            (2, Direction::Add, "7"),
            (3, Direction::Remove, "7"),
        ];
        assert_eq!(seen, expected.map(|(run, direction, id)| (run, direction, id.to_owned())), "{id}");
    }
    let nobody = reader.told_as(&UserId::parse(&anna()).unwrap()).unwrap();
    reader
        .for_each_told::<StoreError>(&Scope::default(), Some(&nobody), |_, rows| panic!("{rows:?}"))
        .unwrap();
}

#[test]
fn a_span_of_time_holds_what_was_answered_in_it_and_a_search_ends_when_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::new(directory.path());
    for last in 0..8 {
        told.run(&(0..=last).map(Identity::Mpid).collect(), false);
    }
    let reader = Reader::open(directory.path()).unwrap();
    let runs = |scope: Scope, most: usize| {
        let mut runs = Vec::new();
        reader
            .for_each_told::<StoreError>(&scope, None, |run, rows| {
                runs.extend(rows.iter().map(|_| run.id.0));
                Ok(runs.len() < most)
            })
            .unwrap();
        runs
    };
    let span = Scope { since: Some(minute(3)), until: Some(minute(5)), ..Scope::default() };
    assert_eq!(runs(span, 100), [3, 4, 5]);
    assert_eq!(runs(span, 2), [3, 4]);
    assert_eq!(runs(Scope { since: Some(minute(7)), ..Scope::default() }, 100), [7, 8]);
    let other = Scope { cohort: Some(CohortId(2)), ..Scope::default() };
    assert_eq!(runs(other, 100), Vec::<i64>::new());
}

#[test]
fn what_is_forgotten_is_known_to_be() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::new(directory.path());
    let kept = |told: &Told| Reader::open(directory.path()).unwrap().complete_since(told.sync).unwrap();
    for last in 0..19 {
        told.run(&(0..=last).map(Identity::Mpid).collect(), false);
    }
    assert_eq!(kept(&told), None, "nothing was forgotten yet");
    for last in 19..25 {
        told.run(&(0..=last).map(Identity::Mpid).collect(), false);
    }
    assert_eq!(kept(&told), Some(minute(6)), "the changes of 20 runs are kept, the first of them the sixth");
    // Many runs that change nothing push out records, but not what happened.
    for _ in 0..750 {
        told.begin();
    }
    told.store.prune(told.sync).unwrap();
    let runs = Reader::open(directory.path()).unwrap().runs(Some(told.sync), 10_000).unwrap();
    assert_eq!(runs.len(), 720);
    assert_eq!(kept(&told), Some(minute(6)));
}

#[test]
fn whoever_reads_at_one_moment_sees_nothing_of_what_is_settled_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::new(directory.path());
    let many: BTreeSet<Identity> = (0..12_000).map(Identity::Mpid).collect();
    told.store.adopt(&held(), many.iter().cloned().collect()).unwrap();
    told.members.clone_from(&many);
    let fewer: BTreeSet<Identity> = many.iter().skip(40).cloned().collect();
    let reader = Reader::open(directory.path()).unwrap();
    let mut read = 0;
    let count = |reader: &Reader| {
        reader.for_each_person::<StoreError>(&held(), |_| {
            read += 1;
            if read == 1 {
                told.run(&fewer, false);
            }
            Ok(true)
        })
    };
    reader.at_one_moment(count).unwrap();
    assert_eq!(read, 12_000);
    // At the next moment those who left are known to have been there.
    let mut members = 0;
    let count = |row: cohort_sync::store::PersonRow| {
        members += usize::from(row.presence.in_baseline);
        Ok(true)
    };
    reader.at_one_moment(|reader| reader.for_each_person::<StoreError>(&held(), count)).unwrap();
    assert_eq!(members, 11_960);
}
