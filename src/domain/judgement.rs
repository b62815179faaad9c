//! How a user stands with one attribute: what mParticle was told, what it accepted and what is still to come. The facts
//! come from elsewhere; here they are weighed and put into words, the same on every screen and in every command. What
//! is to be said of the user as a whole is [`super::verdict`]'s.

use super::identity::Identity;
use super::member::{Finding, NoMpid, is_suspect};
use super::status::SyncStatus;
use jiff::Timestamp;

/// How good something is for the user's way into mParticle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Nothing is known.
    Unknown,
    /// It may not reach anybody, or is not done yet.
    Doubtful,
    /// It does not reach the user.
    Bad,
}

impl Grade {
    /// The word in JSON.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "unknown",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }
}

/// What an attribute was, or is to be, told to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `true`.
    True,
    /// `false`.
    False,
    /// Gone from the profile.
    Deleted,
}

impl Value {
    /// In a sentence: "was told …".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Deleted => "to delete it",
        }
    }
}

/// The newest of what mParticle was told about a user and an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTold {
    /// What.
    pub value: Value,
    /// About whom.
    pub identity: Identity,
    /// What it said.
    pub answer: LastAnswer,
}

/// What mParticle said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastAnswer {
    /// It took it, then.
    Accepted(Option<Timestamp>),
    /// It refused, in its own words.
    Rejected(String),
    /// Nothing yet.
    None,
}

/// How a user is addressed, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressing {
    /// By a valid MPID.
    Mpid {
        /// The MPID.
        mpid: i64,
        /// JavaScript has probably rounded it.
        suspect: bool,
    },
    /// By `$distinct_id`.
    DistinctId {
        /// The address.
        identity: Identity,
        /// Why not by MPID; `None` where only the telling is on record, and not the read it came from.
        reason: Option<NoMpid>,
    },
    /// Not at all.
    Nothing {
        /// Why not by MPID.
        reason: NoMpid,
    },
}

impl Addressing {
    /// What an identity by itself tells.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        match identity {
            Identity::Mpid(mpid) => Self::Mpid { mpid: *mpid, suspect: is_suspect(*mpid) },
            other => Self::DistinctId { identity: other.clone(), reason: None },
        }
    }

    /// The identity.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Mpid { mpid, .. } => Some(Identity::Mpid(*mpid)),
            Self::DistinctId { identity, .. } => Some(identity.clone()),
            Self::Nothing { .. } => None,
        }
    }
}

impl From<Finding> for Addressing {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Matched { mpid, suspect } => Self::Mpid { mpid, suspect },
            Finding::Unmatched { identity, reason } => Self::DistinctId { identity, reason: Some(reason) },
            Finding::Unsendable { reason } => Self::Nothing { reason },
        }
    }
}

/// What is known of a user and an attribute.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// How the sync stands; [`SyncStatus::NotSynced`] where there is none.
    pub status: SyncStatus,
    /// Whether people still hold it from before the sync moved to another one.
    pub is_former: bool,
    /// Whether the user is in the cohort.
    pub is_member: Option<bool>,
    /// How the user is addressed now.
    pub addressing: Option<&'a Addressing>,
    /// The identities of the user for which mParticle last acknowledged `true`.
    pub holders: &'a [Identity],
    /// What mParticle was told last.
    pub last: Option<&'a LastTold>,
}

/// How a user stands with an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// mParticle took `true`.
    ToldTrue(Identity, Option<Timestamp>),
    /// mParticle holds `true`; the telling is forgotten, or was somebody else's.
    HoldsTrue(Identity),
    /// mParticle took `false`, or the deletion.
    ToldOtherwise(Value, Identity, Timestamp),
    /// mParticle refused the last telling.
    Refused(Value, String),
    /// Told or about to be, and not answered.
    Unanswered(Value),
    /// mParticle holds `true` for somebody who has left.
    Leaving(Identity),
    /// mParticle holds `true` under an identity that the user is not addressed by any more.
    Readdressed(Identity),
    /// mParticle holds a former attribute.
    KeepsFormer(Identity),
    /// In the cohort, and not told; how the sync stands says when that changes.
    NotYetTold(SyncStatus),
    /// In the cohort, and cannot be told.
    CannotBeSent(NoMpid),
    /// The cohort is not exported.
    NotExported,
    /// Not in the cohort, and nothing was told.
    Outside,
    /// Nothing is known.
    NotKnown,
}

impl Judgement {
    /// Weighs the facts.
    #[must_use]
    pub fn of(facts: Facts<'_>) -> Self {
        match facts.last {
            Some(LastTold { value, answer: LastAnswer::Rejected(reason), .. }) => {
                return Self::Refused(*value, reason.clone());
            }
            Some(LastTold { value, answer: LastAnswer::None, .. }) => return Self::Unanswered(*value),
            _ => {}
        }
        let address = facts.addressing.and_then(Addressing::identity);
        if let Some(holder) = facts.holders.iter().find(|holder| Some(*holder) == address.as_ref()) {
            return Self::of_holder(holder, facts);
        }
        match (facts.holders, &address) {
            ([], _) => Self::of_nobody(facts),
            ([holder, ..], Some(_)) if facts.is_member != Some(false) && !facts.is_former => {
                Self::Readdressed(holder.clone())
            }
            ([holder, ..], _) => Self::of_holder(holder, facts),
        }
    }

    fn of_holder(holder: &Identity, facts: Facts<'_>) -> Self {
        let holder = holder.clone();
        match facts.last {
            _ if facts.is_former => Self::KeepsFormer(holder),
            _ if facts.is_member == Some(false) => Self::Leaving(holder),
            Some(LastTold { value: Value::True, answer: LastAnswer::Accepted(at), identity })
                if *identity == holder =>
            {
                Self::ToldTrue(holder, *at)
            }
            _ => Self::HoldsTrue(holder),
        }
    }

    fn of_nobody(facts: Facts<'_>) -> Self {
        // Whoever is in the cohort of a sync that ended stays without, however it ended.
        let is_over = facts.status == SyncStatus::Stopped && Self::told_otherwise(facts).is_some();
        if facts.is_member == Some(true) && !is_over {
            return match (facts.status, facts.addressing) {
                _ if facts.is_former => Self::Outside,
                (SyncStatus::NotSynced, _) => Self::NotExported,
                (_, Some(Addressing::Nothing { reason })) => Self::CannotBeSent(*reason),
                (status, _) => Self::NotYetTold(status),
            };
        }
        match Self::told_otherwise(facts) {
            Some(told) => told,
            None if facts.status == SyncStatus::NotSynced => Self::NotExported,
            None if facts.is_member == Some(false) => Self::Outside,
            None => Self::NotKnown,
        }
    }

    fn told_otherwise(facts: Facts<'_>) -> Option<Self> {
        match facts.last {
            Some(LastTold { value, identity, answer: LastAnswer::Accepted(Some(at)) })
                if *value != Value::True =>
            {
                Some(Self::ToldOtherwise(*value, identity.clone(), *at))
            }
            _ => None,
        }
    }

    /// How good it is.
    #[must_use]
    pub fn grade(&self) -> Grade {
        match self {
            Self::ToldTrue(..) | Self::HoldsTrue(_) | Self::ToldOtherwise(..) | Self::Outside => Grade::Good,
            Self::NotExported | Self::NotKnown => Grade::Unknown,
            Self::Unanswered(_)
            | Self::Leaving(_)
            | Self::Readdressed(_)
            | Self::KeepsFormer(_)
            | Self::NotYetTold(_) => Grade::Doubtful,
            Self::Refused(..) | Self::CannotBeSent(_) => Grade::Bad,
        }
    }

    /// In words, as a sentence without its full stop.
    #[must_use]
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::ToldTrue(by, at) => {
                let when = at.map_or_else(String::new, |at| format!(" {}", ago(now, at)));
                format!("mParticle was told true by {}{when} and accepted it", means(by))
            }
            Self::HoldsTrue(by) => {
                format!("mParticle accepted true by {}; when is not on record any more", means(by))
            }
            Self::ToldOtherwise(value, by, at) => {
                let (value, by, when) = (value.words(), means(by), ago(now, *at));
                format!("mParticle was told {value} by {by} {when} and accepted it")
            }
            Self::Refused(value, reason) => {
                format!("mParticle was told {} and refused it: {reason}", value.words())
            }
            Self::Unanswered(value) => {
                format!("mParticle is to be told {}; there is no answer yet", value.words())
            }
            Self::Leaving(by) => {
                format!(
                    "mParticle accepted true by {}, and the user has left since; the next run tells false",
                    means(by)
                )
            }
            Self::Readdressed(was) => format!(
                "mParticle accepted true by {} {was}, which is not how the user is addressed now; the next run tells both",
                means(was)
            ),
            Self::KeepsFormer(by) => {
                format!("mParticle accepted true by {} before the sync moved to another attribute", means(by))
            }
            Self::NotYetTold(status) => {
                let then = match status {
                    SyncStatus::Paused => "the sync is paused",
                    SyncStatus::Stopped => "the sync is stopped",
                    SyncStatus::Exported => "it was exported once, and is not kept up to date",
                    _ => "the next run tells true",
                };
                format!("in the cohort, and mParticle was not told; {then}")
            }
            Self::CannotBeSent(reason) => format!("in the cohort, but neither id can be sent: {reason}"),
            Self::NotExported => "the cohort is not exported".to_owned(),
            Self::Outside => "not in the cohort, and mParticle was told nothing that is on record".to_owned(),
            Self::NotKnown => "nothing is on record".to_owned(),
        }
    }
}

/// What somebody is addressed by.
#[must_use]
pub fn means(identity: &Identity) -> &'static str {
    if matches!(identity, Identity::Mpid(_)) { "MPID" } else { "$distinct_id" }
}

/// How long ago something was, in words for a sentence.
#[must_use]
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    let of = |number: i64, unit: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {unit}{plural} ago")
    };
    match now.duration_since(at).as_secs() {
        ..10 => "just now".to_owned(),
        seconds @ 10..60 => of(seconds, "second"),
        seconds @ 60..3_600 => of(seconds / 60, "minute"),
        seconds @ 3_600..172_800 => of(seconds / 3_600, "hour"),
        seconds => of(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ago: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 - ago).unwrap()
    }

    fn accepted(value: Value, mpid: i64) -> LastTold {
        LastTold { value, identity: Identity::Mpid(mpid), answer: LastAnswer::Accepted(Some(at(7_300))) }
    }

    const MPID: Addressing = Addressing::Mpid { mpid: 7, suspect: false };

    fn facts<'a>(is_member: Option<bool>, holders: &'a [Identity], last: Option<&'a LastTold>) -> Facts<'a> {
        Facts {
            status: SyncStatus::Synced,
            is_former: false,
            is_member,
            addressing: Some(&MPID),
            holders,
            last,
        }
    }

    #[test]
    fn who_holds_the_attribute_is_told_from_who_does_not() {
        let holder = [Identity::Mpid(7)];
        let (told, untold) = (accepted(Value::True, 7), accepted(Value::False, 7));
        let of = |is_member, holders: &[Identity], last: Option<&LastTold>| {
            Judgement::of(facts(is_member, holders, last)).words(at(0))
        };
        assert_eq!(
            of(Some(true), &holder, Some(&told)),
            "mParticle was told true by MPID 2 hours ago and accepted it"
        );
        assert_eq!(
            of(Some(true), &holder, None),
            "mParticle accepted true by MPID; when is not on record any more"
        );
        assert_eq!(
            of(Some(false), &holder, Some(&told)),
            "mParticle accepted true by MPID, and the user has left since; the next run tells false"
        );
        assert_eq!(
            of(Some(false), &[], Some(&untold)),
            "mParticle was told false by MPID 2 hours ago and accepted it"
        );
        assert_eq!(
            of(Some(true), &[], Some(&untold)),
            "in the cohort, and mParticle was not told; the next run tells true"
        );
        assert_eq!(of(None, &[], None), "nothing is on record");
    }

    #[test]
    fn an_answer_that_is_no_acceptance_is_said_first() {
        let last = |answer| LastTold { value: Value::True, identity: Identity::Mpid(7), answer };
        let (refused, none) = (last(LastAnswer::Rejected("no".to_owned())), last(LastAnswer::None));
        let judged = |last| Judgement::of(facts(Some(true), &[], Some(last)));
        assert_eq!(judged(&refused), Judgement::Refused(Value::True, "no".to_owned()));
        assert_eq!(judged(&none), Judgement::Unanswered(Value::True));
        assert_eq!((judged(&refused).grade(), judged(&none).grade()), (Grade::Bad, Grade::Doubtful));
    }

    #[test]
    fn an_old_identity_that_holds_is_named() {
        let old = [Identity::of_distinct_id("ann")];
        let readdressed = Judgement::of(facts(Some(true), &old, None));
        assert_eq!(readdressed, Judgement::Readdressed(old[0].clone()));
        assert!(readdressed.words(at(0)).contains("by $distinct_id ann, which is not how"));
        let both = [Identity::of_distinct_id("ann"), Identity::Mpid(7)];
        assert!(matches!(
            Judgement::of(facts(Some(true), &both, None)),
            Judgement::HoldsTrue(Identity::Mpid(7))
        ));
        let former = Facts { is_former: true, ..facts(Some(true), &old, None) };
        assert!(matches!(Judgement::of(former), Judgement::KeepsFormer(_)));
    }

    #[test]
    fn how_the_sync_stands_says_when_somebody_is_told() {
        let words = |status| Judgement::of(Facts { status, ..facts(Some(true), &[], None) }).words(at(0));
        assert!(words(SyncStatus::Paused).ends_with("the sync is paused"));
        assert!(words(SyncStatus::Exported).ends_with("is not kept up to date"));
        assert_eq!(words(SyncStatus::NotSynced), "the cohort is not exported");
        let nothing = Addressing::Nothing { reason: NoMpid::Placeholder };
        let unsendable = Facts { addressing: Some(&nothing), ..facts(Some(true), &[], None) };
        assert_eq!(Judgement::of(unsendable), Judgement::CannotBeSent(NoMpid::Placeholder));
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = [0, 42, 60, 7_200, 172_799, 259_200].map(|seconds| ago(at(0), at(seconds)));
        assert_eq!(
            said,
            ["just now", "42 seconds ago", "1 minute ago", "2 hours ago", "47 hours ago", "3 days ago"]
        );
        assert_eq!(ago(at(0), at(-5)), "just now", "a clock that was set back");
    }
}
