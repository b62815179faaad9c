//! Why a user of a cohort may be missing in mParticle: a closed list, so that everybody who is accounted for has one of
//! these reasons or none. Each says what it means in mParticle and what to do next; its evidence stands with the user.

use super::identity::ANONYMOUS_PREFIX;
use super::member::NoMpid;
use super::verification::{Fault, Held};
use std::fmt;

/// A reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// `$mparticle_user_id` is not set.
    Missing,
    /// It holds what a program writes that has no value.
    Placeholder,
    /// It holds text, a fraction or a structure.
    NotAnInteger,
    /// It holds an integer of more than 64 bits.
    OutOfRange,
    /// JavaScript has rounded it.
    Rounded,
    /// Another profile of the same person is counted.
    Duplicate,
    /// Nobody has signed in on the device.
    Anonymous,
    /// The member has no profile in Mixpanel.
    NoProfile,
    /// mParticle refused the user.
    Rejected,
    /// mParticle accepted the user, and was seen not to hold it.
    NotInMparticle,
    /// mParticle has the profile and keeps the attribute away from it.
    NotRegistered,
    /// The person wants no data to be processed.
    OptedOut,
    /// Not answered yet.
    Pending,
    /// Not a member any more.
    Left,
}

impl Reason {
    /// Every reason, in the order in which they are listed.
    pub const ALL: [Self; 14] = [
        Self::Missing,
        Self::Placeholder,
        Self::NotAnInteger,
        Self::OutOfRange,
        Self::Rounded,
        Self::Duplicate,
        Self::Anonymous,
        Self::NoProfile,
        Self::Rejected,
        Self::NotInMparticle,
        Self::NotRegistered,
        Self::OptedOut,
        Self::Pending,
        Self::Left,
    ];

    /// Why somebody is not addressed by MPID. Whoever never signed in cannot have one, so that reason goes before the
    /// bare absence of one; what the property does hold goes before everything.
    #[must_use]
    pub fn of_no_mpid(why: NoMpid, distinct_id: Option<&str>) -> Self {
        let is_anonymous = distinct_id.is_some_and(|id| id.starts_with(ANONYMOUS_PREFIX));
        match why {
            NoMpid::Missing | NoMpid::NoProfile if is_anonymous => Self::Anonymous,
            NoMpid::Missing => Self::Missing,
            NoMpid::NoProfile => Self::NoProfile,
            NoMpid::Placeholder => Self::Placeholder,
            NoMpid::NotAnInteger => Self::NotAnInteger,
            NoMpid::OutOfRange => Self::OutOfRange,
        }
    }

    /// What mParticle's words about a rejection come to. They are nowhere listed, so only what they plainly say is
    /// believed; all other words stay a rejection.
    #[must_use]
    pub fn of_rejection(words: &str) -> Self {
        let words = words.to_lowercase();
        let says = |any: &[&str]| any.iter().any(|text| words.contains(text));
        if says(&["opted out", "opt-out", "opt out", "opted_out", "opt_out", "unsubscribed"]) {
            return Self::OptedOut;
        }
        let is_unknown =
            says(&["not registered", "unregistered", "unplanned", "not in the data plan", "not planned"]);
        if is_unknown && says(&["attribute", "data plan"]) { Self::NotRegistered } else { Self::Rejected }
    }

    /// What looking at mParticle says about somebody who is wrong there.
    #[must_use]
    pub fn of_fault(fault: Fault, held: &Held) -> Self {
        match (fault, held) {
            (Fault::Stale, _) => Self::Left,
            (Fault::Missing, Held::NoAttribute) => Self::NotRegistered,
            (Fault::Missing, Held::NoProfile | Held::Value(_)) => Self::NotInMparticle,
        }
    }

    /// The word in JSON and CSV.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Placeholder => "placeholder",
            Self::NotAnInteger => "not_an_integer",
            Self::OutOfRange => "out_of_range",
            Self::Rounded => "rounded",
            Self::Duplicate => "duplicate",
            Self::Anonymous => "anonymous",
            Self::NoProfile => "no_profile",
            Self::Rejected => "rejected",
            Self::NotInMparticle => "not_in_mparticle",
            Self::NotRegistered => "attribute_not_registered",
            Self::OptedOut => "opted_out",
            Self::Pending => "pending",
            Self::Left => "left",
        }
    }

    /// Reads back what [`Reason::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.token() == token)
    }

    /// What it means in mParticle, in one or two sentences.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Missing => {
                "Told by $distinct_id; that reaches the person only where mParticle has the same id under the fallback identity type."
            }
            Self::Placeholder => {
                "The app wrote the property before it had an id. Told by $distinct_id, which reaches the person only where mParticle has it."
            }
            Self::NotAnInteger | Self::OutOfRange => {
                "What the property holds cannot be an MPID, so the person is told by $distinct_id, if at all."
            }
            Self::Rounded => {
                "The id has lost its last digits. mParticle has nobody by it, or, worse, somebody else; whoever it was meant for gets nothing."
            }
            Self::Duplicate => "Nothing is lost: the person is told once, by the profile that is counted.",
            Self::Anonymous => {
                "The id names a device, not a person. mParticle does not know it, unless it was given Mixpanel's device ids."
            }
            Self::NoProfile => {
                "Mixpanel knows only an id from events. Told by it, which reaches the person only where mParticle has it."
            }
            Self::Rejected => "mParticle took nothing about this user; its words say why.",
            Self::NotInMparticle => {
                "mParticle accepted the user and does not hold it: there is no profile by that identity, or something else set the attribute."
            }
            Self::NotRegistered => {
                "mParticle has the profile and lacks the attribute: a data plan or filter keeps it away, or the change was dropped."
            }
            Self::OptedOut => "mParticle keeps nothing about this person any more, as they asked.",
            Self::Pending => "mParticle was not told yet, or nobody knows whether it was.",
            Self::Left => {
                "Not a member any more: mParticle is told false, and audiences let the person go once it took that."
            }
        }
    }

    /// What to do next, in one or two sentences.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Missing => {
                "Let the app or a rule set $mparticle_user_id: the Fix it tab has what to paste."
            }
            Self::Placeholder => {
                "Set the property only once mParticle's SDK is ready and has an id: the snippets in Fix it do."
            }
            Self::NotAnInteger | Self::OutOfRange => {
                "Find out what writes the property, and let it hand on the MPID as text, digit for digit."
            }
            Self::Rounded => {
                "Hand the MPID on as text, never as a number: the snippets in Fix it do. A profile mends itself with the next sign-in after that."
            }
            Self::Duplicate => "Nothing; merge the profiles in Mixpanel if they get in the way.",
            Self::Anonymous => {
                "Nothing makes a person of a device. Leave such ids out with sync.skip_anonymous, or count them in Mixpanel's cohort by a condition."
            }
            Self::NoProfile => {
                "In mParticle's connection settings for Mixpanel, turn Use Mixpanel People on, so that a profile is made with the property in it."
            }
            Self::Rejected => {
                "Read mParticle's words; the user is told again with the next full refresh, or once it enters anew."
            }
            Self::NotInMparticle => {
                "Check the identity in mParticle's User Profiles. A feed that only updates profiles drops whoever has none."
            }
            Self::NotRegistered => {
                "Add the attribute to the data plan, or unblock it; then R tells those again whom the verification found."
            }
            Self::OptedOut => "Nothing: leave them out of the cohort if the counts must agree.",
            Self::Pending => "The next run tells them; n runs it now.",
            Self::Left => "Nothing, once mParticle accepted it; until then the next run tells it again.",
        }
    }
}

impl Reason {
    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Missing => "no id set",
            Self::Placeholder => "placeholder, no id",
            Self::NotAnInteger => "the id is no integer",
            Self::OutOfRange => "the id exceeds 64 bits",
            Self::Rounded => "rounded by JavaScript",
            Self::Duplicate => "same person twice",
            Self::Anonymous => "anonymous device",
            Self::NoProfile => "no profile in Mixpanel",
            Self::Rejected => "rejected by mParticle",
            Self::NotInMparticle => "not in mParticle",
            Self::NotRegistered => "attribute not registered",
            Self::OptedOut => "opted out",
            Self::Pending => "pending",
            Self::Left => "left since",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_its_own_words() {
        let tokens: HashSet<_> = Reason::ALL.iter().map(|reason| reason.token()).collect();
        let titles: HashSet<_> = Reason::ALL.iter().map(ToString::to_string).collect();
        assert_eq!((tokens.len(), titles.len()), (14, 14));
        for reason in Reason::ALL {
            assert_eq!(Reason::from_token(reason.token()), Some(reason));
            assert!(reason.meaning().ends_with('.') && reason.next_step().ends_with('.'), "{reason}");
        }
    }

    #[test]
    fn what_the_property_holds_goes_before_who_it_is() {
        let device = Some("$device:1");
        assert_eq!(Reason::of_no_mpid(NoMpid::Missing, device), Reason::Anonymous);
        assert_eq!(Reason::of_no_mpid(NoMpid::NoProfile, device), Reason::Anonymous);
        assert_eq!(Reason::of_no_mpid(NoMpid::Placeholder, device), Reason::Placeholder);
        assert_eq!(Reason::of_no_mpid(NoMpid::NoProfile, Some("ann")), Reason::NoProfile);
    }

    #[test]
    fn the_words_of_a_rejection_are_believed_where_they_are_plain() {
        for (words, reason) in [
            ("User has opted out of tracking", Reason::OptedOut),
            ("The user attribute is not registered in the data plan", Reason::NotRegistered),
            ("unplanned attribute", Reason::NotRegistered),
            ("The device is not registered", Reason::Rejected),
            ("The MPID is not of this workspace.", Reason::Rejected),
        ] {
            assert_eq!(Reason::of_rejection(words), reason, "{words}");
        }
    }
}
