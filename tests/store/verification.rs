//! What a verification asks of the store: everybody mParticle was told about, by what they were told last, whatever
//! runs are settled in between; and that what it found is kept, once it is complete.

use super::{add_sync, begin, claimed, held, now, open};
use cohort_sync::domain::plan::{PlannedRequest, Wave};
use cohort_sync::domain::verification::{Extent, Group, Held, WrongUser};
use cohort_sync::domain::verified::{GroupAccount, Verification};
use cohort_sync::domain::{Change, CohortId, Direction, Identity, Outcome, RunId};
use cohort_sync::store::{Answered, Holding, Reader, Store, StoreError};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

fn mpid(number: i64) -> Identity {
    Identity::Mpid(number)
}

/// A run that tells so many leave and enter, in requests of `size`; the positions in `rejected` are refused.
fn run(
    store: &mut Store,
    (leave, enter): (std::ops::Range<i64>, std::ops::Range<i64>),
    size: usize,
    rejected: &[u64],
) -> RunId {
    let run = begin(store, CohortId(1));
    let mut position = 0;
    for (wave, people) in [(Wave::Removes, leave), (Wave::Adds, enter)] {
        let direction = if wave == Wave::Removes { Direction::Remove } else { Direction::Add };
        let changes: Vec<Change> = people
            .map(|number| Change {
                direction,
                identity: mpid(number),
                distinct_id: Some(format!("u{number}").into()),
            })
            .collect();
        for changes in changes.chunks(size) {
            let request = PlannedRequest { first_position: position, wave, changes: changes.to_vec() };
            position += changes.len() as u64;
            store.write_plan(run, CohortId(1), &[request], true).unwrap();
        }
        for request in claimed(store, run, wave, 10_000) {
            let places = (request.first_position..).zip(0..request.changes.len());
            let rejected = places.filter(|(position, _)| rejected.contains(position));
            let rejected = rejected.map(|(_, place)| (place, "no".to_owned())).collect();
            let answered = Answered { rejected, ..Answered::default() };
            store.answer(run, request.first_position, &answered, now()).unwrap();
        }
    }
    end(store, run);
    run
}

fn end(store: &mut Store, run: RunId) {
    store.settle(run, &held(), true).unwrap();
    let mut record = store.run(run).unwrap().unwrap();
    record.outcome = Some(Outcome::Succeeded);
    store.save_run(&record).unwrap();
}

fn everybody(reader: &Reader, behind: Option<&Identity>) -> Vec<(Identity, Group)> {
    let told = |reader: &Reader| reader.everybody_told(&held(), behind)?.collect::<Result<_, _>>();
    reader.consistently(told).unwrap()
}

fn group(told: &[(Identity, Group)], wanted: Group) -> Vec<i64> {
    let mpid = |identity: &Identity| match identity {
        Identity::Mpid(mpid) => *mpid,
        other => panic!("{other}"),
    };
    told.iter().filter(|(_, group)| *group == wanted).map(|(identity, _)| mpid(identity)).collect()
}

fn groups(directory: &Path) -> [Vec<i64>; 3] {
    let told = everybody(&Reader::open(directory).unwrap(), None);
    Group::ALL.map(|wanted| group(&told, wanted))
}

#[test]
fn everybody_is_known_by_what_they_were_told_last() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    add_sync(&mut store);
    assert_eq!(groups(directory.path()), [const { Vec::<i64>::new() }; 3]);
    run(&mut store, (0..0, 0..10), 4, &[9]);
    assert_eq!(
        groups(directory.path()),
        [(0..9).collect(), vec![], vec![]],
        "who was refused was told nothing"
    );
    run(&mut store, (0..3, 20..22), 4, &[]);
    assert_eq!(groups(directory.path()), [vec![20, 21], vec![0, 1, 2], (3..9).collect()]);
    // Whoever comes back is no removal any more, and removals of any kept run count.
    run(&mut store, (8..9, 1..2), 4, &[]);
    assert_eq!(groups(directory.path()), [vec![1], vec![0, 2, 8], (3..8).chain(20..22).collect()]);

    // Of whom nobody knows what they were told last, nothing can be expected.
    let doubtful = begin(&mut store, CohortId(1));
    let changes = vec![Change { direction: Direction::Remove, identity: mpid(5), distinct_id: None }];
    let request = PlannedRequest { first_position: 0, wave: Wave::Removes, changes };
    store.write_plan(doubtful, CohortId(1), &[request], true).unwrap();
    store.claim(doubtful, Wave::Removes, 1).unwrap();
    assert!(!groups(directory.path()).concat().contains(&5));
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.last_run_at_rest(&held()).unwrap(), RunId(3), "one is at work");
    assert_eq!(reader.uncertain(&held()).unwrap(), BTreeSet::from([mpid(5)]));
    let other = Holding { attribute: "Another".to_owned(), ..held() };
    assert_eq!(reader.consistently(|reader| Ok(reader.everybody_told(&other, None)?.count())).unwrap(), 0);
}

#[test]
fn a_pass_that_is_taken_up_again_misses_nobody_and_meets_nobody_twice() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    add_sync(&mut store);
    run(&mut store, (0..0, 0..30_000), 1_000, &[]);
    run(&mut store, (0..50, 30_000..30_010), 1_000, &[]);
    let reader = Reader::open(directory.path()).unwrap();
    let all = everybody(&reader, None);
    assert_eq!(all.len(), 30_010);
    for behind in [0, 49, 50, 4_095, 8_191, 8_192, 29_999, 30_009, 40_000] {
        let expected: Vec<_> = all.iter().filter(|(identity, _)| *identity > mpid(behind)).cloned().collect();
        assert_eq!(everybody(&reader, Some(&mpid(behind))), expected, "behind {behind}");
    }
    // A run in between cuts and moves chunks; whoever is ahead is seen as they are now, and nobody is damaged.
    let seen = all[..10_000].to_vec();
    run(&mut store, (5_000..9_000, 40_000..60_000), 1_000, &[]);
    let rest = everybody(&reader, Some(&seen[9_999].0));
    assert_eq!(rest.first().unwrap().0, mpid(10_000));
    let steady = group(&rest, Group::Steady);
    assert_eq!(steady.len(), 30_010 - 10_000, "whoever was there is still there");
    assert_eq!(group(&rest, Group::Adds).len(), 20_000);
}

#[test]
fn it_is_known_when_somebody_was_told_and_whether_that_has_changed_since() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    add_sync(&mut store);
    let first = run(&mut store, (0..0, 0..10), 4, &[]);
    let second = run(&mut store, (2..4, 10..12), 4, &[]);
    let reader = Reader::open(directory.path()).unwrap();
    let asked: HashSet<Identity> = [1, 2, 11, 99].map(mpid).into();
    let told = reader.last_told(&held(), &asked).unwrap();
    assert_eq!(told.len(), 3);
    assert_eq!((told[&mpid(1)].run, told[&mpid(2)].run, told[&mpid(11)].run), (first, second, second));
    assert_eq!((told[&mpid(2)].at, told[&mpid(2)].distinct_id.as_deref()), (now(), Some("u2")));
    assert_eq!(reader.told_since(&held(), first, &asked).unwrap(), [2, 11].map(mpid).into());
    assert!(reader.told_since(&held(), second, &asked).unwrap().is_empty());
    let asked: BTreeSet<Identity> = (-3..20).map(mpid).chain([Identity::Text("ann".into())]).collect();
    let members: Vec<_> = reader.members_among(&held(), &asked).unwrap().into_iter().collect();
    assert_eq!(members, [0, 1, 4, 5, 6, 7, 8, 9, 10, 11].map(mpid));
}

fn wrong(number: i64) -> WrongUser {
    WrongUser {
        identity: mpid(number),
        distinct_id: None,
        group: Group::Steady,
        told_by: Some((RunId(1), now())),
        held: Held::NoAttribute,
        looked_at: now(),
        aliases: Vec::new(),
    }
}

fn came_to(wrong: u64) -> Verification {
    let steady =
        GroupAccount { people: 2_000, checked: 1_500, found: 1_500, wrong, ..GroupAccount::default() };
    Verification {
        cohort_id: CohortId(1),
        attribute: "Power users".to_owned(),
        extent: Extent::Sample(1_500),
        began_at: now(),
        ended_at: now(),
        groups: [GroupAccount::default(), GroupAccount::default(), steady],
        drift_upper_bound: 0.5,
    }
}

#[test]
fn what_was_verified_is_kept_once_it_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let reader = Reader::open(directory.path()).unwrap();
    let extent = Extent::Sample(1_500);
    let id = store.begin_verification(&held(), extent, now()).unwrap();
    let users: Vec<WrongUser> = (0..1_203).map(wrong).collect();
    store.add_wrong_users(id, &users[..700]).unwrap();
    store.add_wrong_users(id, &users[700..]).unwrap();
    assert_eq!(reader.verification(&held()).unwrap(), None, "it has not ended");
    store.end_verification(id, &came_to(1_203)).unwrap();
    assert_eq!(reader.verification(&held()).unwrap(), Some((id, came_to(1_203))));
    assert_eq!(reader.verifications().unwrap(), [came_to(1_203)]);
    for offset in [0, 499, 500, 650, 1_200, 1_203] {
        let window = reader.wrong_users_window(id, offset, 20).unwrap();
        let expected = users.iter().skip(usize::try_from(offset).unwrap()).take(20);
        assert_eq!((window.total, window.rows), (1_203, expected.cloned().collect()), "from {offset}");
    }
    let mut all = Vec::new();
    let each = |part: Vec<WrongUser>| {
        all.extend(part);
        Ok::<_, StoreError>(true)
    };
    reader.for_each_wrong_user(id, each).unwrap();
    assert_eq!(all, users);

    let dropped = store.begin_verification(&held(), Extent::Full, now()).unwrap();
    store.add_wrong_users(dropped, &users[..3]).unwrap();
    store.drop_verification(dropped).unwrap();
    let cut_off = store.begin_verification(&held(), Extent::Full, now()).unwrap();
    store.add_wrong_users(cut_off, &users[..3]).unwrap();
    store.drop_unfinished_verifications().unwrap();
    for gone in [dropped, cut_off] {
        assert_eq!(reader.wrong_users_window(gone, 0, 9).unwrap().total, 0);
    }
    assert_eq!(reader.verification(&held()).unwrap().unwrap().0, id, "the one that was complete stays");

    let newer = store.begin_verification(&held(), extent, now()).unwrap();
    store.end_verification(newer, &came_to(0)).unwrap();
    assert_eq!(reader.verification(&held()).unwrap(), Some((newer, came_to(0))));
    assert_eq!(reader.wrong_users_window(id, 0, 9).unwrap().total, 0, "the one before is forgotten");
}
