//! The people of one read, gathered page by page and then put in order: what the diff compares with the
//! baseline. Packed so that memory grows by tens of bytes a member, and counted so that every profile is
//! accounted for. Where the pages come from and where remarks are kept is for others.

use super::counts::ReadCounts;
use super::diff::{Difference, Found};
use super::identity::IdentityRef;
use super::member::{Finding, Member, NoMpid, Profile, RawId, ReadingRules, is_suspect, parse_mpid};
use super::property::PropertyNames;
use super::rounding::Neighbours;
use super::tally::Tallies;
use super::{Change, Direction, Identity, Reason, identity};
use std::borrow::Cow;
use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};

/// What is remarkable about one profile, for the lists that explain a cohort's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The profile, where it has a usable `$distinct_id`.
    pub distinct_id: Option<Box<str>>,
    /// What was remarked.
    pub kind: RemarkKind,
    /// What `$mparticle_user_id` held, where it held anything.
    pub evidence: Option<Box<str>>,
    /// `$last_seen` as Mixpanel wrote it.
    pub last_seen: Option<Box<str>>,
    /// Of a duplicate, the profile of the same person that is counted; `None` where it has no `$distinct_id`.
    pub counted_profile: Option<Box<str>>,
    /// The groups it belongs to by the properties that were asked for, in their order; nothing of a matched profile.
    pub properties: Box<[Option<Box<str>>]>,
}

impl Remark {
    /// Why it was made.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.kind.reason(self.distinct_id.as_deref())
    }

    /// The MPID that `$mparticle_user_id` held, where it held one.
    #[must_use]
    pub fn mpid(&self) -> Option<i64> {
        parse_mpid(&RawId::Text(self.evidence.as_deref()?.into())).ok()
    }
}

/// The kinds of remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemarkKind {
    /// Sent by `$distinct_id`, for this reason.
    Unmatched(NoMpid),
    /// Not sent at all, for this reason.
    Unsendable(NoMpid),
    /// Another profile of a person already counted.
    Duplicate,
    /// Sent by an MPID that JavaScript has probably rounded.
    Suspect,
}

impl RemarkKind {
    /// The reason, given the profile it is about.
    #[must_use]
    pub fn reason(self, distinct_id: Option<&str>) -> Reason {
        match self {
            Self::Unmatched(why) | Self::Unsendable(why) => Reason::of_no_mpid(why, distinct_id),
            Self::Duplicate => Reason::Duplicate,
            Self::Suspect => Reason::Rounded,
        }
    }
}

/// Gathers profiles as they arrive, in any order.
#[derive(Debug)]
pub struct Collector {
    rules: ReadingRules,
    tallies: Tallies,
    mpids: Vec<(i64, u32)>,
    uuids: Vec<[u8; 16]>,
    texts: Vec<Box<str>>,
    distinct_ids: TextPool,
    unsendable: u64,
    duplicates: u64,
    seen_unmatched: HashSet<u64>,
    hasher: RandomState,
}

impl Collector {
    /// An empty collection.
    #[must_use]
    pub fn new(rules: ReadingRules) -> Self {
        Self::noting(rules, PropertyNames::default())
    }

    /// An empty collection that counts and keeps what profiles hold in these properties.
    #[must_use]
    pub fn noting(rules: ReadingRules, properties: PropertyNames) -> Self {
        Self {
            rules,
            tallies: Tallies::of(properties),
            mpids: Vec::new(),
            uuids: Vec::new(),
            texts: Vec::new(),
            distinct_ids: TextPool::default(),
            unsendable: 0,
            duplicates: 0,
            seen_unmatched: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Takes one profile, and hands back what is remarkable about it.
    pub fn add(&mut self, profile: &Profile<'_>) -> Option<Remark> {
        let member = Member::read(profile, self.rules);
        let kind = match member.finding {
            Finding::Matched { mpid, suspect } => {
                let place = self.distinct_ids.push(member.distinct_id.as_deref().unwrap_or_default());
                self.mpids.push((mpid, place));
                self.tallies.note_matched(&profile.extras);
                if !suspect {
                    return None;
                }
                RemarkKind::Suspect
            }
            Finding::Unmatched { identity, reason } => self.add_unmatched(identity, reason),
            Finding::Unsendable { reason } => {
                self.unsendable += 1;
                RemarkKind::Unsendable(reason)
            }
        };
        let properties = if kind == RemarkKind::Suspect {
            Box::default()
        } else {
            self.tallies.note_other(&profile.extras);
            profile.extras.values(self.tallies.names().len())
        };
        let distinct_id: Option<Box<str>> =
            member.distinct_id.as_deref().or_else(|| profile.distinct_id.evidence()).map(Into::into);
        Some(Remark {
            // An unusable id is still the best name there is for an unsendable profile.
            counted_profile: distinct_id.clone().filter(|_| kind == RemarkKind::Duplicate),
            distinct_id,
            kind,
            evidence: profile.mparticle_user_id.evidence().map(Into::into),
            last_seen: profile.last_seen.as_deref().map(Into::into),
            properties,
        })
    }

    /// A hash is remembered rather than the id: a collision (one in a million cohorts of ten million) would
    /// mislabel a remark, while the counts come from the exact sort in [`Collector::finish`].
    fn add_unmatched(&mut self, identity: Identity, reason: NoMpid) -> RemarkKind {
        let first = self.seen_unmatched.insert(self.hasher.hash_one(&identity));
        match identity {
            Identity::Uuid(bytes) => self.uuids.push(bytes),
            Identity::Text(text) => self.texts.push(text),
            Identity::Mpid(_) => unreachable!("an unmatched member is never addressed by MPID"),
        }
        if first { RemarkKind::Unmatched(reason) } else { RemarkKind::Duplicate }
    }

    /// What was counted besides, once everybody is in.
    pub fn take_tallies(&mut self) -> Tallies {
        std::mem::take(&mut self.tallies)
    }

    /// Profiles taken so far.
    #[must_use]
    pub fn fetched(&self) -> u64 {
        (self.mpids.len() + self.uuids.len() + self.texts.len()) as u64 + self.unsendable
    }

    /// The accounts so far; duplicates are only known once the collection is finished.
    #[must_use]
    pub fn counts_so_far(&self) -> ReadCounts {
        ReadCounts {
            matched: self.mpids.len() as u64,
            unmatched: (self.uuids.len() + self.texts.len()) as u64,
            unsendable: self.unsendable,
            ..ReadCounts::default()
        }
    }

    /// Puts everything in order, folds duplicates, and hands back the duplicates among the matched.
    #[must_use]
    pub fn finish(mut self) -> (Membership, Vec<Remark>) {
        self.mpids.sort_unstable();
        self.uuids.sort_unstable();
        self.texts.sort_unstable();
        let gathered = self.fetched();
        let (mut remarks, mut folded) = (Vec::new(), Vec::new());
        let distinct_ids = self.distinct_ids;
        let name_of = |place| Some(distinct_ids.get(place)).filter(|id| !id.is_empty()).map(Box::<str>::from);
        self.mpids.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                remarks.push(Remark {
                    distinct_id: name_of(later.1),
                    kind: RemarkKind::Duplicate,
                    evidence: Some(later.0.to_string().into()),
                    last_seen: None,
                    counted_profile: name_of(kept.1),
                    properties: Box::default(),
                });
                folded.push((later.0, later.1));
            }
            same
        });
        self.uuids.dedup();
        self.texts.dedup();
        let kept = (self.mpids.len() + self.uuids.len() + self.texts.len()) as u64;
        self.duplicates = gathered - self.unsendable - kept;
        let counts = ReadCounts {
            matched: self.mpids.len() as u64,
            unmatched: (self.uuids.len() + self.texts.len()) as u64,
            unsendable: self.unsendable,
            duplicates: self.duplicates,
            suspect: self.mpids.iter().filter(|(mpid, _)| is_suspect(*mpid)).count() as u64,
            anonymous: self.texts.iter().filter(|text| text.starts_with(identity::ANONYMOUS_PREFIX)).count()
                as u64,
        };
        let membership = Membership {
            mpids: self.mpids,
            folded,
            uuids: self.uuids,
            texts: self.texts,
            distinct_ids,
            counts,
        };
        (membership, remarks)
    }
}

/// The people of one complete read, each once, in the order of [`Identity`].
#[derive(Debug, Default)]
pub struct Membership {
    pub(super) mpids: Vec<(i64, u32)>,
    /// Further profiles of people who are in `mpids`.
    folded: Vec<(i64, u32)>,
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
    profile: Option<&'a str>,
}

impl<'a> MemberRef<'a> {
    /// A member who is addressed by the `$distinct_id`.
    pub(super) fn by_own_id(identity: IdentityRef<'a>) -> Self {
        Self { identity, profile: None }
    }

    /// The profile, where it has a usable `$distinct_id`.
    #[must_use]
    pub fn distinct_id(&self) -> Option<Cow<'a, str>> {
        self.profile.map(Cow::Borrowed).or_else(|| self.identity.distinct_id())
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
        let everybody = self.mpids.iter().map(|(mpid, _)| Ok::<_, Infallible>(*mpid));
        let Ok(()) = found.look(self.suspects(), everybody);
        found
    }

    /// The MPIDs that JavaScript has probably rounded, in order.
    pub fn suspects(&self) -> impl Iterator<Item = i64> + '_ {
        self.mpids.iter().map(|(mpid, _)| *mpid).filter(|mpid| is_suspect(*mpid))
    }

    /// The MPIDs of the matched people of whom a profile bears a `$distinct_id` that `is_asked` knows, in order.
    pub fn mpids_of(&self, is_asked: impl Fn(&str) -> bool) -> Vec<i64> {
        let profiles = self.mpids.iter().chain(&self.folded);
        let mut found: Vec<i64> = profiles
            .filter(|(_, place)| is_asked(self.distinct_ids.get(*place)))
            .map(|(mpid, _)| *mpid)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A matched member and what bears its `$distinct_id`.
    fn matched(&self, (mpid, place): (i64, u32)) -> MemberRef<'_> {
        let profile = Some(self.distinct_ids.get(place)).filter(|id| !id.is_empty());
        MemberRef { identity: IdentityRef::Mpid(mpid), profile }
    }

    /// What the comparison found of a matched member.
    pub(super) fn mpid_difference<'a>(&'a self, found: &Found<'a, (i64, u32), i64>) -> Difference<'a> {
        match found {
            Found::Unchanged(member) => Difference::Unchanged(self.matched(**member)),
            Found::Enters(member) => Difference::Enters(self.matched(**member)),
            Found::Leaves(mpid) => Difference::Leaves(IdentityRef::Mpid(**mpid)),
        }
    }

    /// Everyone, in order.
    pub fn iter(&self) -> impl Iterator<Item = MemberRef<'_>> {
        let mpids = self.mpids.iter().map(|member| self.matched(*member));
        let others = self
            .uuids
            .iter()
            .map(IdentityRef::Uuid)
            .chain(self.texts.iter().map(|text| IdentityRef::Text(text)));
        mpids.chain(others.map(MemberRef::by_own_id))
    }
}

/// Many short texts in one allocation.
#[derive(Debug, Default)]
struct TextPool {
    text: String,
    ends: Vec<usize>,
}

impl TextPool {
    /// Appends a text and returns its place.
    fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        // Mixpanel exports at most ten million users a cohort, far below the four billion that fit.
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    fn get(&self, place: u32) -> &str {
        let place = place as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[place]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::member::RawId;
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

    proptest! {
        #[test]
        fn every_profile_is_counted_once_and_order_is_strict(
            profiles in prop::collection::vec(("[a-c]{0,2}", prop::option::of("-?[0-3]{0,2}")), 0..60)
        ) {
            let mut collector = Collector::new(ReadingRules::default());
            for (distinct_id, mpid) in &profiles {
                collector.add(&profile(distinct_id, mpid.as_deref()));
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
        let mut collector = Collector::new(ReadingRules::default());
        for (distinct_id, mpid) in [("a", Some("7")), ("b", Some("7")), ("c", None), ("c", None)] {
            collector.add(&profile(distinct_id, mpid));
        }
        let (membership, remarks) = collector.finish();
        let counts = membership.counts();
        assert_eq!((counts.matched, counts.unmatched, counts.duplicates), (1, 1, 2));
        assert_eq!(remarks.len(), 1);
        assert_eq!(remarks[0].distinct_id.as_deref(), Some("b"));
        let first = membership.iter().next().unwrap();
        assert_eq!(first.distinct_id().as_deref(), Some("a"));
    }

    #[test]
    fn people_are_found_by_any_of_their_profiles() {
        let mut collector = Collector::new(ReadingRules::default());
        for (distinct_id, mpid) in [("a", Some("7")), ("b", Some("7")), ("c", Some("-3")), ("d", None)] {
            collector.add(&profile(distinct_id, mpid));
        }
        let (membership, _) = collector.finish();
        assert_eq!(membership.mpids_of(|id| id != "d"), [-3, 7]);
        assert_eq!(membership.mpids_of(|id| id == "b"), [7]);
        assert!(membership.mpids_of(|id| id == "d").is_empty());
    }

    #[test]
    fn a_matched_person_without_distinct_id_is_still_sent() {
        let mut collector = Collector::new(ReadingRules::default());
        collector.add(&profile("", Some("7")));
        let (membership, _) = collector.finish();
        assert_eq!(membership.iter().next().unwrap().distinct_id(), None);
    }
}
