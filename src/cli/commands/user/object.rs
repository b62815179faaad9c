//! A user as one JSON object. Field names and their order are part of the command line's contract.

use super::Asked;
use crate::domain::Identity;
use crate::domain::judgement::{Addressing, Judgement, Value};
use crate::domain::sight::Sight;
use crate::domain::verdict::Verdict;
use crate::store::Fate;
use crate::sync::export::seconds;
use crate::sync::user::account::value_of;
use crate::sync::user::{
    Account, Address, AttributeAccount, HeldByMparticle, LiveProfile, OtherProfile, Source, TellingOnRecord,
};
use jiff::Timestamp;
use serde::Serialize;

/// Everything about a user.
#[derive(Debug, Serialize)]
pub(super) struct UserObject<'a> {
    id: &'a str,
    found: bool,
    verdict: VerdictObject<'a>,
    mixpanel: MixpanelObject<'a>,
    identity: Option<IdentityObject<'a>>,
    other_profiles: Vec<OtherObject<'a>>,
    cohorts: Vec<CohortObject<'a>>,
    transitions: Vec<TransitionObject<'a>>,
    /// Older ones that are on record too.
    transitions_left_out: u64,
    changes_searched: u64,
    /// What the Profile API says; null where it was not asked.
    mparticle: Option<InMparticleObject<'a>>,
}

/// What mParticle holds, by the identity that the user is addressed by.
#[derive(Debug, Serialize)]
struct InMparticleObject<'a> {
    asked_at: Option<String>,
    not_answered: Option<&'a str>,
    asked_for: Option<HolderObject>,
    /// Null where there is no answer.
    found: Option<bool>,
    mpid: Option<i64>,
    opted_out: Option<bool>,
    last_stored: Option<String>,
    identities: Vec<ProfileIdentityObject<'a>>,
    audiences: &'a [String],
}

#[derive(Debug, Serialize)]
struct ProfileIdentityObject<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    value: &'a str,
}

#[derive(Debug, Serialize)]
struct VerdictObject<'a> {
    grade: &'static str,
    words: &'a str,
    next: &'a str,
}

/// What Mixpanel was asked and said.
#[derive(Debug, Serialize)]
struct MixpanelObject<'a> {
    asked_at: Option<String>,
    not_answered: Option<&'a str>,
    queries_spent: usize,
    queries_left: Option<u32>,
    profiles: Vec<ProfileObject<'a>>,
}

#[derive(Debug, Serialize)]
struct ProfileObject<'a> {
    distinct_id: Option<&'a str>,
    mparticle_user_id: Option<&'a str>,
    last_seen: Option<&'a str>,
}

/// How the user is addressed in mParticle, why, and from where that is known.
#[derive(Debug, Serialize)]
struct IdentityObject<'a> {
    sent_by: Option<&'static str>,
    mpid: Option<i64>,
    distinct_id: Option<&'a str>,
    reason: Option<&'static str>,
    suspect: bool,
    mparticle_user_id: Option<&'a str>,
    last_seen: Option<&'a str>,
    #[serde(flatten)]
    source: SourceObject,
}

/// From where something is known.
#[derive(Debug, Serialize)]
struct SourceObject {
    source: Option<&'static str>,
    run_id: Option<i64>,
    as_of: Option<String>,
}

#[derive(Debug, Serialize)]
struct OtherObject<'a> {
    distinct_id: &'a str,
    /// Where it is not the very same, but the same to JavaScript.
    mparticle_user_id: Option<&'a str>,
    #[serde(flatten)]
    source: SourceObject,
}

#[derive(Debug, Serialize)]
struct CohortObject<'a> {
    cohort_id: u64,
    cohort: &'a str,
    attribute: &'a str,
    former_attribute: bool,
    status: &'static str,
    member: Option<bool>,
    #[serde(flatten)]
    source: SourceObject,
    not_answered: Option<&'a str>,
    /// The identities for which mParticle last acknowledged true.
    holds: Vec<HolderObject>,
    grade: &'static str,
    words: String,
    unrounded_mpids: &'a [i64],
    forgotten_runs: u64,
    forgotten_until: Option<String>,
    /// What the profile in mParticle was seen to hold, in its words; null where nobody looked.
    seen: Option<String>,
    /// Whether that agrees with what was accepted; null where nothing says what it ought to be.
    verified: Option<bool>,
}

#[derive(Debug, Serialize)]
struct HolderObject {
    mpid: Option<i64>,
    distinct_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct TransitionObject<'a> {
    run_id: i64,
    cohort_id: u64,
    cohort: &'a str,
    attribute: &'a str,
    change: &'static str,
    /// Null where the attribute is deleted.
    value: Option<bool>,
    mpid: Option<i64>,
    distinct_id: Option<&'a str>,
    state: &'static str,
    reason: Option<&'a str>,
    planned_at: String,
    sent_at: Option<String>,
    answered_at: Option<String>,
    /// The position of the first change of the request within the run.
    request: u64,
    users: u64,
    http_status: Option<u16>,
    tries: u32,
    answer: Option<&'a str>,
}

impl<'a> UserObject<'a> {
    pub(super) fn new(account: &'a Account, verdict: &'a Verdict, asked: &'a Asked) -> Self {
        let recorded = &account.recorded;
        Self {
            id: account.id.as_str(),
            found: account.is_somebody(),
            verdict: VerdictObject {
                grade: verdict.grade.token(),
                words: &verdict.words,
                next: &verdict.next,
            },
            mixpanel: MixpanelObject::new(asked),
            identity: account.address.as_ref().map(IdentityObject::from),
            other_profiles: account.others.iter().map(OtherObject::from).collect(),
            cohorts: account.attributes.iter().map(|attribute| CohortObject::new(attribute, asked)).collect(),
            transitions: recorded.tellings.iter().map(TransitionObject::from).collect(),
            transitions_left_out: recorded.left_out,
            changes_searched: recorded.looked_through,
            mparticle: InMparticleObject::new(&account.mparticle),
        }
    }
}

impl<'a> InMparticleObject<'a> {
    fn new(held: &'a HeldByMparticle) -> Option<Self> {
        let mut object = Self {
            asked_at: None,
            not_answered: None,
            asked_for: None,
            found: None,
            mpid: None,
            opted_out: None,
            last_stored: None,
            identities: Vec::new(),
            audiences: &[],
        };
        match held {
            HeldByMparticle::NotAsked => return None,
            HeldByMparticle::Unanswered(why) => object.not_answered = Some(why),
            HeldByMparticle::Answered(answer) => {
                object.asked_at = Some(seconds(answer.at));
                object.asked_for = Some(HolderObject::from(&answer.by));
                object.found = Some(answer.profile.is_some());
                if let Some(profile) = &answer.profile {
                    object.mpid = profile.mpid;
                    object.opted_out = profile.is_opted_out;
                    object.last_stored = profile.last_stored.map(seconds);
                    let identities = profile.identities.iter();
                    object.identities =
                        identities.map(|(kind, value)| ProfileIdentityObject { kind, value }).collect();
                    object.audiences = &profile.audiences;
                }
            }
        }
        Some(object)
    }
}

impl<'a> MixpanelObject<'a> {
    fn new(asked: &'a Asked) -> Self {
        let answer = asked.profiles.as_ref();
        Self {
            asked_at: answer.map(|answer| seconds(answer.at)),
            not_answered: asked.silence.as_deref(),
            queries_spent: asked.answers(),
            queries_left: asked.budget().map(|budget| budget.left()),
            profiles: answer
                .map(|answer| answer.profiles.iter().map(ProfileObject::from).collect())
                .unwrap_or_default(),
        }
    }
}

impl<'a> From<&'a LiveProfile> for ProfileObject<'a> {
    fn from(live: &'a LiveProfile) -> Self {
        Self {
            distinct_id: live.profile.distinct_id.evidence(),
            mparticle_user_id: live.profile.mparticle_user_id.evidence(),
            last_seen: live.profile.last_seen.as_deref(),
        }
    }
}

impl<'a> From<&'a Address> for IdentityObject<'a> {
    fn from(address: &'a Address) -> Self {
        let (sent_by, mpid, reason, suspect) = match &address.addressing {
            Addressing::Mpid { mpid, suspect } => (Some("mpid"), Some(*mpid), None, *suspect),
            Addressing::DistinctId { reason, .. } => (Some("distinct_id"), None, *reason, false),
            Addressing::Nothing { reason } => (None, None, Some(*reason), false),
        };
        Self {
            sent_by,
            mpid,
            distinct_id: address.distinct_id.as_deref(),
            reason: reason.map(crate::domain::NoMpid::token),
            suspect,
            mparticle_user_id: address.evidence.as_deref(),
            last_seen: address.last_seen.as_deref(),
            source: Some(address.source).into(),
        }
    }
}

impl From<Option<Source>> for SourceObject {
    fn from(source: Option<Source>) -> Self {
        let (source, run_id, at): (_, _, Option<Timestamp>) = match source {
            None => (None, None, None),
            Some(Source::Mixpanel(at)) => (Some("mixpanel"), None, Some(at)),
            Some(Source::Run(run, at)) => (Some("run"), Some(run.0), Some(at)),
            Some(Source::Baseline) => (Some("baseline"), None, None),
        };
        Self { source, run_id, as_of: at.map(seconds) }
    }
}

impl<'a> From<&'a OtherProfile> for OtherObject<'a> {
    fn from(other: &'a OtherProfile) -> Self {
        Self {
            distinct_id: &other.distinct_id,
            mparticle_user_id: other.differs.as_deref(),
            source: Some(other.source).into(),
        }
    }
}

impl<'a> CohortObject<'a> {
    fn new(attribute: &'a AttributeAccount, asked: &'a Asked) -> Self {
        let record = &attribute.record;
        let judgement: &Judgement = &attribute.judgement;
        Self {
            cohort_id: record.cohort.0,
            cohort: &record.name,
            attribute: &record.attribute,
            former_attribute: record.is_former,
            status: record.status.token(),
            member: attribute.membership.is_member,
            source: attribute.membership.source.into(),
            not_answered: asked.silences.get(&record.cohort).map(String::as_str),
            holds: record.holders.iter().map(HolderObject::from).collect(),
            grade: judgement.grade().token(),
            words: judgement.words(Timestamp::now()),
            unrounded_mpids: &record.unrounded,
            forgotten_runs: record.forgotten.runs,
            forgotten_until: record.forgotten.until.map(seconds),
            seen: attribute.seen.as_ref().map(|(held, _)| held.to_string()),
            verified: match attribute.seen {
                Some((_, Some(Sight::Agrees(_)))) => Some(true),
                Some((_, Some(Sight::Differs(_)))) => Some(false),
                _ => None,
            },
        }
    }
}

impl From<&Identity> for HolderObject {
    fn from(identity: &Identity) -> Self {
        Self {
            mpid: identity.mpid(),
            distinct_id: identity.borrow().distinct_id().map(std::borrow::Cow::into_owned),
        }
    }
}

impl<'a> From<&'a TellingOnRecord> for TransitionObject<'a> {
    fn from(telling: &'a TellingOnRecord) -> Self {
        let (found, request) = (&telling.found, telling.request.as_ref().map(|row| &row.entry));
        Self {
            run_id: found.run.0,
            cohort_id: found.cohort.0,
            cohort: &telling.cohort,
            attribute: &telling.attribute,
            change: found.change.direction.token(),
            value: match value_of(telling) {
                Value::True => Some(true),
                Value::False => Some(false),
                Value::Deleted => None,
            },
            mpid: found.change.identity.mpid(),
            distinct_id: found.change.distinct_id.as_deref(),
            state: found.fate.token(),
            reason: match &found.fate {
                Fate::Rejected(reason) => Some(reason),
                _ => None,
            },
            planned_at: seconds(telling.began),
            sent_at: request.map(|entry| seconds(entry.line.at)),
            answered_at: found.answered_at.map(seconds),
            request: found.first_position,
            users: found.users,
            http_status: found.http_status,
            tries: found.tries,
            answer: request.map(|entry| entry.answer.as_str()),
        }
    }
}
