//! A baseline against plain sets: whatever is settled in whatever order, with chunks and layers as small as can be.

use super::super::{Holding, Reader, Store};
use super::chunks::Shape;
use super::*;
use crate::domain::{CohortId, IdentityRef};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn person() -> impl Strategy<Value = Identity> {
    prop_oneof![
        (-30..30i64).prop_map(Identity::Mpid),
        (0..30u8).prop_map(|n| Identity::Uuid([n; 16])),
        "[a-e]{1,2}".prop_map(|text| Identity::Text(text.into())),
    ]
}

fn changes(settled: &BTreeSet<(Identity, bool)>) -> Vec<Change> {
    // Of a person with both only one is meant.
    let mut changes: Vec<Change> = settled
        .iter()
        .map(|(identity, enters)| Change {
            direction: if *enters { Direction::Add } else { Direction::Remove },
            identity: identity.clone(),
            distinct_id: None,
        })
        .collect();
    changes.dedup_by(|later, earlier| later.identity == earlier.identity);
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layers_and_chunks_are_one_set(
        runs in prop::collection::vec(prop::collection::btree_set((person(), any::<bool>()), 0..30), 1..7),
        layers in 1..4u64,
        asked in person(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path(), "a test").unwrap();
        let holding = Holding { cohort: CohortId(1), attribute: "Power users".to_owned() };
        let shape = Shape { chunk: 3, layers };
        let mut expected = BTreeSet::new();
        for run in runs {
            let changes = changes(&run);
            for change in &changes {
                match change.direction {
                    Direction::Add => { expected.insert(change.identity.clone()); }
                    Direction::Remove => { expected.remove(&change.identity); }
                }
            }
            let transaction = store.connection.transaction().unwrap();
            let id = holdings::find_or_make(&transaction, &holding).unwrap();
            let most = changes.len() as u64;
            take(&transaction, id, changes.into_iter().map(Ok), most, shape).unwrap();
            prop_assert_eq!(count_members(&transaction, id).unwrap(), expected.len() as u64);
            transaction.commit().unwrap();
            let reader = Reader::open(directory.path()).unwrap();
            let everybody: Vec<Identity> = reader.baseline(&holding).map(Result::unwrap).collect();
            prop_assert_eq!(&everybody, &expected.iter().cloned().collect::<Vec<_>>());
        }
        let connection = &store.connection;
        let id = holdings::find(connection, &holding).unwrap().unwrap();
        prop_assert_eq!(contains(connection, id, &asked).unwrap(), expected.contains(&asked));
        let behind: Vec<Identity> = read_behind(connection, &holding, &asked).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(behind, expected.iter().filter(|person| **person > asked).cloned().collect::<Vec<_>>());
        let all: BTreeSet<Identity> = (-30..30).map(Identity::Mpid).chain([asked.clone()]).collect();
        let among = members_among(connection, &holding, &all).unwrap();
        prop_assert_eq!(among, all.intersection(&expected).cloned().collect::<BTreeSet<_>>());
        if let IdentityRef::Mpid(mpid) = asked.borrow() {
            let within = mpids_within(connection, id, &(mpid..=mpid + 9)).unwrap();
            let inside = |person: &Identity| person.mpid().filter(|found| (mpid..=mpid + 9).contains(found));
            prop_assert_eq!(within, expected.iter().filter_map(inside).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_last_stream_has_the_last_word(
        streams in prop::collection::vec(prop::collection::btree_set((person(), any::<bool>()), 0..12), 0..5)
    ) {
        let mut expected = std::collections::BTreeMap::new();
        let streams: Vec<_> = streams.iter().map(changes).collect();
        for change in streams.iter().flatten() {
            expected.insert(change.identity.clone(), change.direction);
        }
        let told = LastWord::of(streams.into_iter().map(|stream| stream.into_iter().map(Ok)).collect());
        let told: Vec<_> = told.map(|change| change.map(|change| (change.identity, change.direction)).unwrap()).collect();
        prop_assert_eq!(told, expected.into_iter().collect::<Vec<_>>());
    }
}
