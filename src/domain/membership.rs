//! The people of one read, put together page by page and then put in order: what the diff compares with the
//! baseline. Packed so that memory grows by some twenty bytes a member, and counted so that every profile is
//! accounted for. Reading a page belongs to `harvest`; where pages come from and where remarks are kept is for others.

use super::counts::ReadCounts;
use super::diff::{Difference, Found};
use super::harvest::Harvest;
use super::identity::{self, IdentityRef};
use super::matched::{Matched, TextPool};
use super::member::is_suspect;
use super::remark::RemarkKind;
use super::remarks::{RemarkTexts, Remarks};
use super::rounding::Neighbours;
use super::tally::Tallies;
use super::{Change, Direction, Identity};
use hashbrown::HashTable;
use rayon::slice::ParallelSliceMut;
use std::borrow::Cow;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};

/// Puts the pages of a read together, in any order.
#[derive(Debug, Default)]
pub struct Collector {
    tallies: Tallies,
    matched: Vec<Matched>,
    uuids: Unmatched<[u8; 16]>,
    texts: Unmatched<Box<str>>,
    distinct_ids: TextPool,
    unsendable: u64,
    /// Those found so far: matched ones are only known once everybody is in.
    duplicates: u64,
}

impl Collector {
    /// Takes a page up, and hands back what is remarkable about its profiles.
    pub fn absorb(&mut self, page: Harvest) -> Remarks {
        let Harvest { tallies, matched, distinct_ids, unmatched, unsendable, mut remarks, .. } = page;
        self.tallies.add(tallies.done());
        let moved = self.distinct_ids.append(&distinct_ids);
        self.matched.extend(matched.into_iter().map(|member| member.moved(moved)));
        self.unsendable += unsendable;
        let told = remarks.rows_mut().filter(|remark| matches!(remark.kind, RemarkKind::Unmatched(_)));
        for (remark, identity) in told.zip(unmatched) {
            let is_new = match identity {
                Identity::Uuid(uuid) => self.uuids.take(uuid),
                Identity::Text(text) => self.texts.take(text),
                Identity::Mpid(_) => unreachable!("an unmatched member is never addressed by MPID"),
            };
            if !is_new {
                self.duplicates += 1;
                remark.kind = RemarkKind::Duplicate;
                remark.counted_profile = remark.distinct_id;
            }
        }
        remarks
    }

    /// What was counted besides, once everybody is in.
    pub fn take_tallies(&mut self) -> Tallies {
        std::mem::take(&mut self.tallies)
    }

    /// The accounts so far; of the matched, duplicates are only known once the collection is finished.
    #[must_use]
    pub fn counts_so_far(&self) -> ReadCounts {
        ReadCounts {
            matched: self.matched.len() as u64,
            unmatched: self.uuids.len() + self.texts.len(),
            unsendable: self.unsendable,
            duplicates: self.duplicates,
            ..ReadCounts::default()
        }
    }

    /// Puts everything in order, on all processors, and folds duplicates; hands back those among the matched.
    #[must_use]
    pub fn finish(self) -> (Membership, Remarks) {
        let so_far = self.counts_so_far();
        let Self { mut matched, uuids, texts, distinct_ids, .. } = self;
        let (uuids, texts) = (uuids.in_order(), texts.in_order());
        matched.par_sort_unstable();
        let (mut remarks, mut folded) = (Remarks::default(), Vec::new());
        let name_of = |member: &Matched| member.profile(&distinct_ids).map(|profile| profile.to_string());
        matched.dedup_by(|later, kept| {
            let same = later.mpid == kept.mpid;
            if same {
                let (mpid, distinct_id, counted_profile) =
                    (later.mpid.to_string(), name_of(later), name_of(kept));
                let remark = RemarkTexts {
                    kind: RemarkKind::Duplicate,
                    distinct_id: distinct_id.as_deref(),
                    evidence: Some(&mpid),
                    last_seen: None,
                    counted_profile: counted_profile.as_deref(),
                };
                remarks.push(remark, []);
                folded.push(*later);
            }
            same
        });
        let counts = ReadCounts {
            matched: matched.len() as u64,
            duplicates: so_far.duplicates + folded.len() as u64,
            suspect: matched.iter().filter(|member| is_suspect(member.mpid)).count() as u64,
            anonymous: texts.iter().filter(|text| text.starts_with(identity::ANONYMOUS_PREFIX)).count()
                as u64,
            ..so_far
        };
        (Membership { matched, folded, uuids, texts, distinct_ids, counts }, remarks)
    }
}

/// Unmatched people of one form, each once. The table holds places rather than people, so it takes some bytes each.
#[derive(Debug)]
struct Unmatched<T> {
    people: Vec<T>,
    places: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Unmatched<T> {
    fn default() -> Self {
        Self { people: Vec::new(), places: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<T: Hash + Ord + Send> Unmatched<T> {
    /// Takes somebody; false if they are here already.
    fn take(&mut self, person: T) -> bool {
        let Self { people, places, hasher } = self;
        let hash = hasher.hash_one(&person);
        if places.find(hash, |place| people[*place as usize] == person).is_some() {
            return false;
        }
        // Mixpanel exports at most ten million users a cohort, far below the four billion that fit.
        let place = u32::try_from(people.len()).unwrap_or(u32::MAX);
        people.push(person);
        places.insert_unique(hash, place, |place| hasher.hash_one(&people[*place as usize]));
        true
    }

    fn len(&self) -> u64 {
        self.people.len() as u64
    }

    fn in_order(self) -> Vec<T> {
        let Self { mut people, places, .. } = self;
        drop(places);
        people.par_sort_unstable();
        people
    }
}

/// The people of one complete read, each once, in the order of [`Identity`].
#[derive(Debug, Default)]
pub struct Membership {
    pub(super) matched: Vec<Matched>,
    /// Further profiles of people who are in `matched`.
    folded: Vec<Matched>,
    pub(super) uuids: Vec<[u8; 16]>,
    pub(super) texts: Vec<Box<str>>,
    distinct_ids: TextPool,
    counts: ReadCounts,
}

/// A person of a [`Membership`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRef<'a> {
    /// How the person is addressed.
    pub identity: IdentityRef<'a>,
    /// Of somebody addressed by MPID, the profile, where it has a usable `$distinct_id`.
    profile: Option<IdentityRef<'a>>,
}

impl<'a> MemberRef<'a> {
    /// A member who is addressed by the `$distinct_id`.
    pub(super) fn by_own_id(identity: IdentityRef<'a>) -> Self {
        Self { identity, profile: None }
    }

    /// The profile, where it has a usable `$distinct_id`.
    #[must_use]
    pub fn distinct_id(&self) -> Option<Cow<'a, str>> {
        self.profile.unwrap_or(self.identity).distinct_id()
    }

    /// The change that tells mParticle of this member.
    #[must_use]
    pub fn enters(self) -> Change {
        Change {
            direction: Direction::Add,
            identity: self.identity.to_owned(),
            distinct_id: self.distinct_id().map(|id| id.into_owned().into_boxed_str()),
        }
    }
}

impl Membership {
    /// Where the profiles went.
    #[must_use]
    pub fn counts(&self) -> ReadCounts {
        self.counts
    }

    /// The exact ids among those of this read that rounded ones may have been made of.
    #[must_use]
    pub fn neighbours(&self) -> Neighbours {
        let mut found = Neighbours::default();
        let everybody = self.matched.iter().map(|member| Ok::<_, Infallible>(member.mpid));
        let Ok(()) = found.look(self.suspects(), everybody);
        found
    }

    /// The MPIDs that JavaScript has probably rounded, in order.
    pub fn suspects(&self) -> impl Iterator<Item = i64> + '_ {
        self.matched.iter().map(|member| member.mpid).filter(|mpid| is_suspect(*mpid))
    }

    /// The MPIDs of the matched people of whom a profile bears a `$distinct_id` that `is_asked` knows, in order.
    pub fn mpids_of(&self, is_asked: impl Fn(IdentityRef<'_>) -> bool) -> Vec<i64> {
        let profiles = self.matched.iter().chain(&self.folded);
        let mut found: Vec<i64> = profiles
            .filter(|member| member.profile(&self.distinct_ids).is_some_and(&is_asked))
            .map(|member| member.mpid)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A matched member and what bears its `$distinct_id`.
    fn matched<'a>(&'a self, member: &'a Matched) -> MemberRef<'a> {
        MemberRef { identity: IdentityRef::Mpid(member.mpid), profile: member.profile(&self.distinct_ids) }
    }

    /// What the comparison found of a matched member.
    pub(super) fn mpid_difference<'a>(&'a self, found: &Found<'a, Matched, i64>) -> Difference<'a> {
        match found {
            Found::Unchanged(member) => Difference::Unchanged(self.matched(member)),
            Found::Enters(member) => Difference::Enters(self.matched(member)),
            Found::Leaves(mpid) => Difference::Leaves(IdentityRef::Mpid(**mpid)),
        }
    }

    /// Everyone, in order.
    pub fn iter(&self) -> impl Iterator<Item = MemberRef<'_>> {
        let mpids = self.matched.iter().map(|member| self.matched(member));
        let others = self
            .uuids
            .iter()
            .map(IdentityRef::Uuid)
            .chain(self.texts.iter().map(|text| IdentityRef::Text(text)));
        mpids.chain(others.map(MemberRef::by_own_id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::harvest::Gathering;
    use super::super::member::{Profile, RawId};
    use super::super::remark::Remark;
    use super::*;
    use crate::domain::property::Extras;
    use proptest::prelude::*;

    fn profile<'a>(distinct_id: &'a str, mpid: Option<&'a str>) -> Profile<'a> {
        Profile {
            distinct_id: RawId::Text(distinct_id.into()),
            mparticle_user_id: mpid.map_or(RawId::Missing, |mpid| RawId::Text(mpid.into())),
            last_seen: None,
            has_profile: true,
            extras: Extras::default(),
        }
    }

    /// One page with these profiles, put in order.
    fn gathered(profiles: &[(&str, Option<&str>)]) -> (Membership, Vec<Remark>) {
        let mut page = Harvest::of_page(0, &Gathering::default());
        for (distinct_id, mpid) in profiles {
            page.take(&profile(distinct_id, *mpid));
        }
        let mut collector = Collector::default();
        let mut remarks = collector.absorb(page);
        let (membership, duplicates) = collector.finish();
        remarks.append(&duplicates);
        (membership, remarks.to_rows().collect())
    }

    proptest! {
        #[test]
        fn every_profile_is_counted_once_and_order_is_strict(
            profiles in prop::collection::vec(("[a-c]{0,2}", prop::option::of("-?[0-3]{0,2}")), 0..60)
        ) {
            let mut collector = Collector::default();
            for (number, page) in (0..).zip(profiles.chunks(7)) {
                let mut harvest = Harvest::of_page(number, &Gathering::default());
                for (distinct_id, mpid) in page {
                    harvest.take(&profile(distinct_id, mpid.as_deref()));
                }
                collector.absorb(harvest);
                prop_assert_eq!(collector.counts_so_far().fetched(), profiles.len().min(7 * (number as usize + 1)) as u64);
            }
            let (membership, _) = collector.finish();
            prop_assert_eq!(membership.counts().fetched(), profiles.len() as u64);
            let identities: Vec<_> = membership.iter().map(|member| member.identity).collect();
            prop_assert!(identities.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(identities.len() as u64, membership.counts().sendable());
        }
    }

    #[test]
    fn two_profiles_of_one_person_count_once() {
        let (membership, remarks) = gathered(&[("a", Some("7")), ("b", Some("7")), ("c", None), ("c", None)]);
        let counts = membership.counts();
        assert_eq!((counts.matched, counts.unmatched, counts.duplicates), (1, 1, 2));
        let duplicates: Vec<_> =
            remarks.iter().filter(|remark| remark.kind == RemarkKind::Duplicate).collect();
        let named = |place: usize| {
            (duplicates[place].distinct_id.as_deref(), duplicates[place].counted_profile.as_deref())
        };
        assert_eq!((named(0), named(1)), ((Some("c"), Some("c")), (Some("b"), Some("a"))));
        let first = membership.iter().next().unwrap();
        assert_eq!(first.distinct_id().as_deref(), Some("a"));
    }

    #[test]
    fn people_are_found_by_any_of_their_profiles() {
        let (membership, _) = gathered(&[("a", Some("7")), ("b", Some("7")), ("c", Some("-3")), ("d", None)]);
        assert_eq!(membership.mpids_of(|id| id != IdentityRef::Text("d")), [-3, 7]);
        assert_eq!(membership.mpids_of(|id| id == IdentityRef::Text("b")), [7]);
        assert!(membership.mpids_of(|id| id == IdentityRef::Text("d")).is_empty());
    }

    #[test]
    fn a_matched_person_without_distinct_id_is_still_sent() {
        let (membership, _) = gathered(&[("", Some("7"))]);
        assert_eq!(membership.iter().next().unwrap().distinct_id(), None);
    }
}
