//! What is remarkable about a profile of a read: the material of the lists that explain a cohort's counts. Which profiles
//! are remarked upon is decided where they are gathered; why, in words, by `reason`.

use super::Reason;
use super::member::{NoMpid, RawId, parse_mpid};

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
