//! Who is in which cohort, at any moment. Owns the cohorts, listed by a test or made up from numbers, and the snapshots
//! that a read pages through; what is answered about them over HTTP is left to `mixpanel`.

mod catalogue;
mod drift;
mod people;
mod seed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use seed::{CohortSeed, PersonSeed};

use super::WorldSize;
use drift::Stretch;
use people::{Crowd, Sought};
use seed::StoredPerson;

pub(super) use people::is_rounded_by_javascript;

/// One cohort as `cohorts/list` describes it.
#[derive(Debug, Clone)]
pub(super) struct Cohort {
    pub name: String,
    pub description: String,
    pub created: String,
    pub is_visible: bool,
    pub data_group_id: Option<String>,
    members: Members,
}

#[derive(Debug, Clone)]
enum Members {
    Listed(Arc<[StoredPerson]>),
    MadeUp { stretch: Stretch, crowd: Crowd },
}

/// All cohorts of the project.
#[derive(Debug)]
pub(super) struct World {
    cohorts: BTreeMap<u64, Cohort>,
    started: Instant,
    drift: bool,
    seed: u64,
}

impl World {
    pub(super) fn new(size: WorldSize, seed: u64, drift: bool) -> Self {
        let cohorts = match size {
            WorldSize::Demo => catalogue::demo_cohorts(seed),
            WorldSize::Empty => BTreeMap::new(),
        };
        Self { cohorts, started: Instant::now(), drift, seed }
    }

    pub(super) fn cohorts(&self) -> impl Iterator<Item = (u64, &Cohort, usize)> {
        let age = self.age();
        self.cohorts.iter().map(move |(id, cohort)| (*id, cohort, cohort.members.count(age)))
    }

    /// Adds a cohort, or replaces the one with the same id.
    pub(super) fn put(&mut self, seed: CohortSeed) {
        let cohort = Cohort {
            name: seed.name,
            description: seed.description,
            created: "2026-01-05 09:30:00".to_owned(),
            is_visible: true,
            data_group_id: seed.group.then(|| catalogue::GROUP_KEY.to_owned()),
            members: Members::Listed(pack(seed.members)),
        };
        self.cohorts.insert(seed.id, cohort);
    }

    /// Adds a cohort of made-up people who all have an mParticle id and cost no memory.
    pub(super) fn put_made_up(&mut self, id: u64, name: String, people: u32) {
        self.cohorts.insert(id, catalogue::plain_cohort(self.seed, name, people));
    }

    pub(super) fn set_members(&mut self, id: u64, members: Vec<PersonSeed>) {
        if let Some(cohort) = self.cohorts.get_mut(&id) {
            cohort.members = Members::Listed(pack(members));
        }
    }

    pub(super) fn rename(&mut self, id: u64, name: String) {
        if let Some(cohort) = self.cohorts.get_mut(&id) {
            cohort.name = name;
        }
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.cohorts.remove(&id);
    }

    /// Who is in the cohort right now. Later changes do not reach the snapshot.
    pub(super) fn snapshot(&self, id: u64, with_profile_only: bool) -> Option<Snapshot> {
        let source = match &self.cohorts.get(&id)?.members {
            Members::Listed(people) => Source::Listed(Arc::clone(people)),
            Members::MadeUp { stretch, crowd } => {
                let (first, end) = stretch.at(self.age());
                Source::MadeUp { crowd: *crowd, first, count: end - first }
            }
        };
        let whole = Snapshot { source, picked: None };
        Some(if with_profile_only { whole.with_profile_only() } else { whole })
    }

    /// The people of a cohort, or of the whole project, who are accepted. With `ids` nobody is looked at who bears none
    /// of them as an id, which makes short work of half a million people who are made up as they are asked for.
    pub(super) fn people_who(
        &self,
        cohort: Option<u64>,
        ids: Option<&[String]>,
        accepts: impl Fn(&PersonSeed) -> bool,
    ) -> Option<Snapshot> {
        let age = self.age();
        let sought: Option<Vec<Sought>> = ids.map(|ids| ids.iter().map(|id| Sought::read(id)).collect());
        let cohorts: Vec<&Cohort> = match cohort {
            Some(id) => vec![self.cohorts.get(&id)?],
            None => self.cohorts.values().filter(|cohort| cohort.data_group_id.is_none()).collect(),
        };
        let mut found: Vec<PersonSeed> = Vec::new();
        for members in cohorts.into_iter().map(|cohort| &cohort.members) {
            let candidates: Vec<PersonSeed> = match members {
                Members::Listed(people) => people.iter().map(StoredPerson::unpack).collect(),
                Members::MadeUp { stretch, crowd } => {
                    // Whoever has left a cohort is still somebody of the project.
                    let (first, end) = if cohort.is_some() { stretch.at(age) } else { stretch.farthest() };
                    let may_be = |position: &u32| {
                        sought.as_ref().is_none_or(|all| all.iter().any(|one| crowd.may_be(*position, one)))
                    };
                    (first..end).filter(may_be).map(|position| crowd.person(position)).collect()
                }
            };
            let accepted = candidates.into_iter().filter(&accepts);
            // One profile may be in several cohorts.
            for person in accepted {
                if !found.iter().any(|known| known.distinct_id == person.distinct_id) {
                    found.push(person);
                }
            }
        }
        Some(Snapshot { source: Source::Listed(pack(found)), picked: None })
    }

    fn age(&self) -> Duration {
        if self.drift { self.started.elapsed() } else { Duration::ZERO }
    }
}

impl Members {
    fn count(&self, age: Duration) -> usize {
        match self {
            Members::Listed(people) => people.len(),
            Members::MadeUp { stretch, .. } => {
                let (first, end) = stretch.at(age);
                as_index(end - first)
            }
        }
    }
}

/// The members of one cohort at one moment. Made-up people are not stored, only which of them are meant.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    source: Source,
    picked: Option<Arc<[u32]>>,
}

#[derive(Debug, Clone)]
enum Source {
    Listed(Arc<[StoredPerson]>),
    MadeUp { crowd: Crowd, first: u32, count: u32 },
}

impl Snapshot {
    pub(super) fn len(&self) -> usize {
        self.picked.as_ref().map_or_else(|| self.source.len(), |picked| picked.len())
    }

    /// The people from `start` up to but not including `end`, as far as there are any.
    pub(super) fn people(&self, start: usize, end: usize) -> Vec<PersonSeed> {
        let end = end.min(self.len());
        (start.min(end)..end).filter_map(|place| self.person(place)).collect()
    }

    fn person(&self, place: usize) -> Option<PersonSeed> {
        let index = match &self.picked {
            None => place,
            Some(picked) => as_index(*picked.get(place)?),
        };
        self.source.person(index)
    }

    fn with_profile_only(self) -> Self {
        let picked = (0..self.source.len())
            .filter(|index| self.source.has_profile(*index))
            .filter_map(|index| u32::try_from(index).ok())
            .collect();
        Self { picked: Some(picked), ..self }
    }
}

impl Source {
    fn len(&self) -> usize {
        match self {
            Source::Listed(people) => people.len(),
            Source::MadeUp { count, .. } => as_index(*count),
        }
    }

    fn person(&self, index: usize) -> Option<PersonSeed> {
        match self {
            Source::Listed(people) => people.get(index).map(StoredPerson::unpack),
            Source::MadeUp { crowd, first, .. } => Some(crowd.person(first + u32::try_from(index).ok()?)),
        }
    }

    fn has_profile(&self, index: usize) -> bool {
        match self {
            Source::Listed(people) => people.get(index).is_some_and(StoredPerson::has_profile),
            Source::MadeUp { crowd, first, .. } => {
                u32::try_from(index).is_ok_and(|index| crowd.has_profile(first + index))
            }
        }
    }
}

fn pack(members: Vec<PersonSeed>) -> Arc<[StoredPerson]> {
    members.into_iter().map(StoredPerson::from).collect()
}

fn as_index(number: u32) -> usize {
    // Every system that tokio runs on has pointers of at least 32 bits.
    usize::try_from(number).unwrap_or(usize::MAX)
}
