//! One user's account: what was recorded, what Mixpanel says now and what mParticle holds, put together. It says how the user is addressed and
//! from where that is known, how the user stands with each attribute, which other profiles have the same MPID, and
//! the verdict. Pure: reading and asking are done before.

use super::held::{HeldAnswer, HeldByMparticle};
use super::live::{LiveAnswer, LiveProfile};
use super::recorded::{AttributeOnRecord, Recorded, RemarkOnRecord, TellingOnRecord};
use crate::domain::judgement::{Addressing, Facts, Judgement, LastAnswer, LastTold, Value};
use crate::domain::remark::RemarkKind;
use crate::domain::sight::{Look, Seen, Sight};
use crate::domain::verdict::{Case, MixpanelSays, Verdict, why};
use crate::domain::verification::Held;
use crate::domain::{CohortId, Direction, Identity, KnownIds, RunId, UserId};
use crate::store::Fate;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Everything that is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The id that was asked for.
    pub id: UserId,
    /// How the user is addressed; `None` when nothing tells.
    pub address: Option<Address>,
    /// How the user stands with each attribute.
    pub attributes: Vec<AttributeAccount>,
    /// Other profiles with the same MPID, or one that JavaScript makes the same.
    pub others: Vec<OtherProfile>,
    /// What Mixpanel answered.
    pub mixpanel: MixpanelSays,
    /// What mParticle itself has.
    pub mparticle: HeldByMparticle,
    /// What was recorded.
    pub recorded: Recorded,
}

/// How a user is addressed, and from where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// By what.
    pub addressing: Addressing,
    /// `$distinct_id`, as Mixpanel wrote it.
    pub distinct_id: Option<String>,
    /// `$mparticle_user_id`, as Mixpanel wrote it; `None` where nothing is set or it is not on record.
    pub evidence: Option<String>,
    /// `$last_seen`, as Mixpanel wrote it.
    pub last_seen: Option<String>,
    /// From where all this is known.
    pub source: Source,
}

/// From where something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Mixpanel said so when it was asked.
    Mixpanel(Timestamp),
    /// A run read it, beginning then.
    Run(RunId, Timestamp),
    /// mParticle accepted it; when, is not on record.
    Baseline,
}

/// Whether a user is in a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Whether, as far as is known.
    pub is_member: Option<bool>,
    /// From where; `None` when the cohort was neither asked about nor read.
    pub source: Option<Source>,
}

/// How a user stands with an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeAccount {
    /// What is on record.
    pub record: AttributeOnRecord,
    /// Whether the user is in the cohort.
    pub membership: Membership,
    /// What mParticle was told last.
    pub last: Option<LastTold>,
    /// What all this means.
    pub judgement: Judgement,
    /// What the user's profile was seen to hold for it, and how that agrees; `None` where nobody looked.
    pub seen: Option<(Held, Option<Sight>)>,
}

/// Another profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherProfile {
    /// Its `$distinct_id`.
    pub distinct_id: String,
    /// Its MPID as Mixpanel wrote it, where that is not the very same.
    pub differs: Option<String>,
    /// From where that is known.
    pub source: Source,
}

impl Account {
    /// Puts together what was recorded and what Mixpanel answered, to the question about profiles and to those about
    /// cohorts, and what mParticle was seen to hold.
    #[must_use]
    pub fn of(
        id: &UserId,
        recorded: Recorded,
        live: Option<&LiveAnswer>,
        members: &BTreeMap<CohortId, LiveAnswer>,
        held: HeldByMparticle,
    ) -> Self {
        let address = match live {
            Some(LiveAnswer { at, profiles, .. }) if !profiles.is_empty() => {
                Some(Address::of_profile(&profiles[0], *at))
            }
            _ => Address::on_record(id, &recorded),
        };
        let addressing = address.as_ref().map(|address| &address.addressing);
        let held = of_address(held, addressing);
        let attributes = recorded
            .attributes
            .iter()
            .map(|record| {
                let member = members.get(&record.cohort);
                AttributeAccount::of(record.clone(), addressing, member, &recorded.tellings, held.answer())
            })
            .collect();
        Self {
            attributes,
            others: others(id, address.as_ref(), &recorded, live),
            mixpanel: match live {
                None => MixpanelSays::Nothing,
                Some(answer) if answer.profiles.is_empty() => MixpanelSays::Nobody,
                Some(_) => MixpanelSays::Found,
            },
            mparticle: held,
            id: id.clone(),
            address,
            recorded,
        }
    }

    /// Whom a look at mParticle would be about: the identity that the user is addressed by.
    #[must_use]
    pub fn looked_for(&self) -> Option<Identity> {
        self.address.as_ref()?.addressing.identity()
    }

    /// Whether anything that was recorded names the user.
    #[must_use]
    pub fn is_on_record(&self) -> bool {
        let holds = |attribute: &AttributeAccount| !attribute.record.holders.is_empty();
        !self.recorded.tellings.is_empty()
            || !self.recorded.remarks.is_empty()
            || self.attributes.iter().any(holds)
    }

    /// Whether there is anybody by that id, as far as is known.
    #[must_use]
    pub fn is_somebody(&self) -> bool {
        self.is_on_record() || self.mixpanel == MixpanelSays::Found
    }

    /// What is to be said of the user; `fallback` is the identity type that carries `$distinct_id`.
    #[must_use]
    pub fn verdict(&self, now: Timestamp, fallback: &str) -> Verdict {
        let attributes: Vec<(&str, &Judgement)> = self
            .attributes
            .iter()
            .map(|attribute| (attribute.record.attribute.as_str(), &attribute.judgement))
            .collect();
        let sights: Vec<(&str, Sight)> = self
            .attributes
            .iter()
            .filter_map(|attribute| Some((attribute.record.attribute.as_str(), attribute.seen.as_ref()?.1?)))
            .collect();
        let case = Case {
            look: self.mparticle.answer().map(|answer| look(answer, &sights)),
            addressing: self.address.as_ref().map(|address| &address.addressing),
            evidence: self.address.as_ref().and_then(|address| address.evidence.as_deref()),
            mixpanel: self.mixpanel,
            is_on_record: self.is_on_record(),
            attributes: &attributes,
            unrounded: self
                .attributes
                .iter()
                .find_map(|attribute| attribute.record.unrounded.first().copied()),
            fallback,
        };
        Verdict::of(case, now)
    }
}

impl Address {
    /// What `$mparticle_user_id` holds, or that it holds nothing.
    #[must_use]
    pub fn held(&self) -> String {
        match (&self.evidence, &self.addressing) {
            (Some(evidence), _) if evidence.is_empty() => "an empty text".to_owned(),
            (Some(evidence), _) => evidence.clone(),
            (None, Addressing::Mpid { mpid, .. }) => mpid.to_string(),
            (None, Addressing::DistinctId { reason: None, .. }) => "not on record".to_owned(),
            (None, _) => "not set".to_owned(),
        }
    }

    /// By what the user is addressed and why; `fallback` is the identity type that carries `$distinct_id`.
    #[must_use]
    pub fn sent_by(&self, fallback: &str) -> String {
        let why = |reason| why(reason, self.evidence.as_deref());
        match &self.addressing {
            Addressing::Mpid { suspect: false, .. } => "MPID: $mparticle_user_id holds one".to_owned(),
            Addressing::Mpid { suspect: true, .. } => {
                "MPID, though it looks like one that JavaScript has rounded".to_owned()
            }
            Addressing::DistinctId { reason: Some(reason), .. } => {
                format!("$distinct_id as {fallback}: {}", why(*reason))
            }
            Addressing::DistinctId { reason: None, .. } => format!("$distinct_id as {fallback}"),
            Addressing::Nothing { reason } => {
                format!("nothing: {}, and $distinct_id cannot be sent either", why(*reason))
            }
        }
    }

    fn of_profile(profile: &LiveProfile, at: Timestamp) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            addressing: profile.finding.clone().into(),
            distinct_id: text(profile.profile.distinct_id.evidence()),
            evidence: text(profile.profile.mparticle_user_id.evidence()),
            last_seen: text(profile.profile.last_seen.as_deref()),
            source: Source::Mixpanel(at),
        }
    }

    /// The newest that was recorded of it.
    fn on_record(id: &UserId, recorded: &Recorded) -> Option<Self> {
        let own = |distinct_id: Option<&str>, mpid: Option<i64>| {
            distinct_id == Some(id.as_str()) || (mpid.is_some() && mpid == id.mpid())
        };
        let remark = recorded
            .remarks
            .iter()
            .find(|remark| own(remark.remark.distinct_id.as_deref(), remark.remark.mpid()));
        let telling = recorded.tellings.iter().find(|telling| {
            let change = &telling.found.change;
            let is_own = own(change.distinct_id.as_deref(), change.identity.mpid());
            change.direction == Direction::Add && is_own
        });
        match (remark, telling) {
            (Some(remark), Some(telling)) if remark.run < telling.found.run => Some(Self::told(telling)),
            (Some(remark), telling) => Self::remarked(remark).or_else(|| telling.map(Self::told)),
            (None, Some(telling)) => Some(Self::told(telling)),
            (None, None) => Self::in_baseline(recorded),
        }
    }

    fn told(telling: &TellingOnRecord) -> Self {
        let change = &telling.found.change;
        Self {
            addressing: Addressing::of(&change.identity),
            distinct_id: change.distinct_id.as_ref().map(ToString::to_string),
            evidence: change.identity.mpid().map(|mpid| mpid.to_string()),
            last_seen: None,
            source: Source::Run(telling.found.run, telling.began),
        }
    }

    fn remarked(on_record: &RemarkOnRecord) -> Option<Self> {
        let remark = &on_record.remark;
        let identity = remark.distinct_id.as_deref().map(Identity::of_distinct_id);
        let addressing = match (remark.kind, remark.mpid(), identity) {
            (RemarkKind::Unmatched(reason), _, Some(identity)) => {
                Addressing::DistinctId { identity, reason: Some(reason) }
            }
            (RemarkKind::Unsendable(reason), _, _) => Addressing::Nothing { reason },
            (_, Some(mpid), _) => Addressing::of(&Identity::Mpid(mpid)),
            // A profile of somebody who is sent by $distinct_id already.
            (RemarkKind::Duplicate, None, Some(identity)) => Addressing::of(&identity),
            _ => return None,
        };
        Some(Self {
            addressing,
            distinct_id: remark.distinct_id.as_ref().map(ToString::to_string),
            evidence: remark.evidence.as_ref().map(ToString::to_string),
            last_seen: remark.last_seen.as_ref().map(ToString::to_string),
            source: Source::Run(on_record.run, on_record.at),
        })
    }

    /// Only a baseline names the user.
    fn in_baseline(recorded: &Recorded) -> Option<Self> {
        let holder = recorded.attributes.iter().find_map(|attribute| attribute.holders.first())?;
        Some(Self {
            addressing: Addressing::of(holder),
            distinct_id: holder.borrow().distinct_id().map(std::borrow::Cow::into_owned),
            evidence: None,
            last_seen: None,
            source: Source::Baseline,
        })
    }
}

impl AttributeAccount {
    fn of(
        record: AttributeOnRecord,
        addressing: Option<&Addressing>,
        member: Option<&LiveAnswer>,
        tellings: &[TellingOnRecord],
        held: Option<&HeldAnswer>,
    ) -> Self {
        let membership = match (member, record.last_read) {
            (Some(answer), _) => Membership {
                is_member: Some(!answer.profiles.is_empty()),
                source: Some(Source::Mixpanel(answer.at)),
            },
            (None, Some(read)) => {
                Membership { is_member: read.is_member, source: Some(Source::Run(read.run, read.at)) }
            }
            (None, None) => Membership { is_member: None, source: None },
        };
        let last = tellings
            .iter()
            .filter(|telling| telling.found.cohort == record.cohort && telling.attribute == record.attribute)
            .find_map(last_told);
        let facts = Facts {
            status: record.status,
            is_former: record.is_former,
            is_member: membership.is_member,
            addressing,
            holders: &record.holders,
            last: last.as_ref(),
        };
        let judgement = Judgement::of(facts);
        let seen = held.map(|answer| {
            let held = answer.held(&record.attribute);
            let sight = Sight::of(&judgement, &held, answer.at);
            (held, sight)
        });
        Self { record, membership, last, judgement, seen }
    }
}

/// What was seen, unless the user turned out to be addressed by another identity since.
fn of_address(held: HeldByMparticle, addressing: Option<&Addressing>) -> HeldByMparticle {
    let identity = addressing.and_then(Addressing::identity);
    match &held {
        HeldByMparticle::Answered(answer) if Some(&answer.by) != identity.as_ref() => {
            HeldByMparticle::NotAsked
        }
        _ => held,
    }
}

fn look<'a>(answer: &'a HeldAnswer, sights: &'a [(&'a str, Sight)]) -> Look<'a> {
    let seen = answer.profile.as_ref().map_or(Seen::NoProfile, |profile| Seen::Profile {
        is_opted_out: profile.is_opted_out == Some(true),
        sights,
    });
    Look { by: &answer.by, seen }
}

/// What a telling told; nothing if it was never to be sent, or was told anew by a later one.
fn last_told(telling: &TellingOnRecord) -> Option<LastTold> {
    let found = &telling.found;
    let answer = match &found.fate {
        Fate::Accepted => LastAnswer::Accepted(found.answered_at),
        Fate::Rejected(reason) => LastAnswer::Rejected(reason.clone()),
        Fate::Unanswered | Fate::Planned => LastAnswer::None,
        Fate::ToldAgain | Fate::DryRun => return None,
    };
    Some(LastTold { value: value_of(telling), identity: found.change.identity.clone(), answer })
}

/// What a telling sets the attribute to.
#[must_use]
pub fn value_of(telling: &TellingOnRecord) -> Value {
    use crate::domain::Removal;
    match (telling.found.change.direction, telling.purpose.removal()) {
        (Direction::Add, _) => Value::True,
        (Direction::Remove, Removal::SetFalse) => Value::False,
        (Direction::Remove, Removal::Delete) => Value::Deleted,
    }
}

/// Other profiles that were seen with an MPID of the user, each once, the newest word of each.
fn others(
    id: &UserId,
    address: Option<&Address>,
    recorded: &Recorded,
    live: Option<&LiveAnswer>,
) -> Vec<OtherProfile> {
    let own = address.and_then(|address| address.distinct_id.as_deref());
    let mut found: Vec<OtherProfile> = Vec::new();
    let mut add = |distinct_id: Option<&str>, differs: Option<&str>, source: Source| {
        let Some(distinct_id) = distinct_id.filter(|other| *other != id.as_str() && Some(*other) != own)
        else {
            return;
        };
        if !found.iter().any(|known| known.distinct_id == distinct_id) {
            let differs = differs.map(str::to_owned);
            found.push(OtherProfile { distinct_id: distinct_id.to_owned(), differs, source });
        }
    };
    if let Some(answer) = live {
        let source = Source::Mixpanel(answer.at);
        for profile in answer.profiles.iter().skip(1) {
            add(profile.profile.distinct_id.evidence(), None, source);
        }
        for profile in &answer.near {
            let profile = &profile.profile;
            add(profile.distinct_id.evidence(), profile.mparticle_user_id.evidence(), source);
        }
    }
    let shared = shared_mpids(address, &recorded.ids);
    for remark in &recorded.remarks {
        if remark.remark.mpid().is_some_and(|mpid| shared.contains(&mpid)) {
            add(remark.remark.distinct_id.as_deref(), None, Source::Run(remark.run, remark.at));
        }
    }
    for telling in &recorded.tellings {
        let change = &telling.found.change;
        if matches!(change.identity, Identity::Mpid(mpid) if shared.contains(&mpid)) {
            add(change.distinct_id.as_deref(), None, Source::Run(telling.found.run, telling.began));
        }
    }
    found
}

/// The MPID the user is addressed by; all of them while nothing tells which.
fn shared_mpids(address: Option<&Address>, ids: &KnownIds) -> Vec<i64> {
    match address.map(|address| &address.addressing) {
        Some(Addressing::Mpid { mpid, .. }) => vec![*mpid],
        _ => ids.mpids.iter().copied().collect(),
    }
}
