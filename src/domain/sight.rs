//! What the profile of one user in mParticle was seen to hold, set beside what mParticle was told about them. *Accepted*
//! is what mParticle said; what is *seen* here is one look at one profile, and only speaks of attributes about which
//! something was accepted. The user as a whole is [`super::verdict`]'s, many users are `verified`'s.

use super::identity::Identity;
use super::judgement::{Grade, Judgement, means};
use super::verification::{Fault, Held, fault};
use jiff::{SignedDuration, Timestamp};

/// How long mParticle may take to show what it accepted; its own ingestion is asynchronous, so a look within that time
/// proves nothing.
const SETTLING: SignedDuration = SignedDuration::from_mins(2);

/// How what the profile holds for one attribute agrees with what was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It does; whether that is `true`.
    Agrees(bool),
    /// It does not.
    Differs(Fault),
    /// It does not, and was told too short a while ago to conclude anything.
    TooSoon,
}

impl Sight {
    /// Compares a look at the profile with how the user stands; `None` where nothing that was accepted says what it
    /// ought to hold.
    #[must_use]
    pub fn of(judgement: &Judgement, held: &Held, looked_at: Timestamp) -> Option<Self> {
        let (told, at) = match judgement {
            Judgement::ToldTrue(_, at) => (true, *at),
            Judgement::HoldsTrue(_) => (true, None),
            Judgement::ToldOtherwise(_, _, at) => (false, Some(*at)),
            _ => return None,
        };
        let is_fresh = at.is_some_and(|at| looked_at.duration_since(at) < SETTLING);
        Some(match fault(told, held) {
            None => Self::Agrees(told),
            Some(_) if is_fresh => Self::TooSoon,
            Some(fault) => Self::Differs(fault),
        })
    }

    /// How good it is.
    #[must_use]
    pub fn grade(self) -> Grade {
        match self {
            Self::Agrees(_) => Grade::Good,
            Self::TooSoon => Grade::Doubtful,
            Self::Differs(_) => Grade::Bad,
        }
    }
}

/// A sentence about one attribute: what the profile holds, and what that means.
#[must_use]
pub fn words(held: &Held, sight: Option<Sight>) -> String {
    let holds = match held {
        Held::NoProfile => "there is no such profile".to_owned(),
        Held::NoAttribute => "the profile has no such attribute".to_owned(),
        Held::Value(value) => format!("the profile holds {value}"),
    };
    match sight {
        Some(Sight::Agrees(_)) => format!("seen in mParticle: {holds}, as it was told"),
        Some(Sight::Differs(Fault::Missing)) => {
            format!("seen in mParticle: {holds}, though it accepted true")
        }
        Some(Sight::Differs(Fault::Stale)) => {
            format!("seen in mParticle: {holds}, though it accepted that the user left")
        }
        Some(Sight::TooSoon) => {
            format!("seen in mParticle: {holds}; it was told too short a while ago for that to mean anything")
        }
        None => format!("seen in mParticle: {holds}"),
    }
}

/// What a look at the profile of one user came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look<'a> {
    /// By which identity it was looked for, which is the one that the user is addressed by.
    pub by: &'a Identity,
    /// What was there.
    pub seen: Seen<'a>,
}

/// What was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// No profile has that identity.
    NoProfile,
    /// One has.
    Profile {
        /// Whether the person opted out of being tracked.
        is_opted_out: bool,
        /// Each attribute about which something was accepted, with how the profile agrees.
        sights: &'a [(&'a str, Sight)],
    },
}

/// What a look says of a user as a whole: how good that is, in a sentence, and what to do where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How good it is.
    pub grade: Grade,
    /// What is so.
    pub words: String,
    /// What to do next, unless something else that is wrong comes first.
    pub next: Option<&'static str>,
}

impl Look<'_> {
    /// What it says; `fallback` is the identity type that carries `$distinct_id`.
    #[must_use]
    pub fn report(self, fallback: &str) -> Report {
        let by = means(self.by);
        match self.seen {
            // What to do about that is to set an MPID, which is said of the address.
            Seen::NoProfile if self.by.mpid().is_none() => Report {
                grade: Grade::Bad,
                words: format!(
                    "In mParticle: no. No profile has the {} {}.",
                    fallback.replace('_', " "),
                    self.by
                ),
                next: None,
            },
            Seen::NoProfile => Report {
                grade: Grade::Bad,
                words: format!("In mParticle: no. No profile has the {by} {}.", self.by),
                next: Some(
                    "Compare the id with the user's profile in mParticle (Customer 360, User Profiles), and see whether \
                     environment and workspace are those of the configuration. A feed that only updates profiles drops \
                     what it is told of nobody.",
                ),
            },
            Seen::Profile { sights, is_opted_out } => {
                let mut report = of_profile(by, sights);
                if is_opted_out {
                    report.grade = report.grade.max(Grade::Doubtful);
                    report.words.push_str(
                        " The person opted out of tracking, so mParticle forwards nothing of them.",
                    );
                }
                report
            }
        }
    }
}

fn of_profile(by: &str, sights: &[(&str, Sight)]) -> Report {
    let wrong: Vec<_> = sights.iter().filter(|(_, sight)| matches!(sight, Sight::Differs(_))).collect();
    let is_right = |(_, sight): &&(&str, Sight)| *sight == Sight::Agrees(true);
    let right = sights.iter().filter(is_right).count();
    if let Some((attribute, sight)) = wrong.first() {
        let what = match sight {
            Sight::Differs(Fault::Stale) => "still true, though it accepted that the user left",
            _ => "not there, though mParticle accepted it",
        };
        let more = match wrong.len() - 1 {
            0 => String::new(),
            1 => " 1 other attribute differs too.".to_owned(),
            many => format!(" {many} other attributes differ too."),
        };
        return Report {
            grade: Grade::Bad,
            words: format!("In mParticle there is a profile by {by}, and “{attribute}” is {what}.{more}"),
            next: Some(
                "Verify the cohort and repair it (`verify COHORT --repair`, or v and R on the Cohorts screen). If it comes \
                 back, something in mParticle drops it: a data plan, a filter or the input protection level.",
            ),
        };
    }
    let waits = sights.iter().any(|(_, sight)| *sight == Sight::TooSoon);
    let words = match right {
        _ if waits => {
            format!("In mParticle: a profile by {by}, which does not show yet what it was told just now.")
        }
        0 => format!("In mParticle: a profile by {by}."),
        1 => format!("In mParticle: yes, by {by}."),
        many => format!("In mParticle: yes, by {by}, with all {many} attributes it was told."),
    };
    Report { grade: if waits { Grade::Doubtful } else { Grade::Good }, words, next: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attribute::AttributeValue;
    use crate::domain::judgement::Value;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn holds(text: &str) -> Held {
        Held::Value(AttributeValue::Text(text.into()))
    }

    #[test]
    fn only_what_was_accepted_says_what_the_profile_ought_to_hold() {
        let by = Identity::Mpid(7);
        let told = Judgement::ToldTrue(by.clone(), Some(second(0)));
        let left = Judgement::ToldOtherwise(Value::False, by.clone(), second(0));
        let now = second(600);
        assert_eq!(Sight::of(&told, &holds("true"), now), Some(Sight::Agrees(true)));
        assert_eq!(Sight::of(&told, &Held::NoAttribute, now), Some(Sight::Differs(Fault::Missing)));
        assert_eq!(Sight::of(&left, &holds("1"), now), Some(Sight::Differs(Fault::Stale)));
        assert_eq!(Sight::of(&left, &Held::NoAttribute, now), Some(Sight::Agrees(false)));
        assert_eq!(
            Sight::of(&Judgement::HoldsTrue(by), &holds("no"), now),
            Some(Sight::Differs(Fault::Missing))
        );
        assert_eq!(Sight::of(&Judgement::Outside, &holds("true"), now), None);
    }

    #[test]
    fn what_was_told_just_now_may_not_show_yet() {
        let told = Judgement::ToldTrue(Identity::Mpid(7), Some(second(0)));
        for (at, sight) in [(119, Sight::TooSoon), (120, Sight::Differs(Fault::Missing))] {
            assert_eq!(Sight::of(&told, &Held::NoAttribute, second(at)), Some(sight));
        }
        assert_eq!(Sight::of(&told, &holds("true"), second(1)), Some(Sight::Agrees(true)));
    }

    #[test]
    fn the_worst_is_said_first_and_with_what_to_do() {
        let by = Identity::Mpid(7);
        let report = |sights: &[(&str, Sight)], is_opted_out| {
            Look { by: &by, seen: Seen::Profile { is_opted_out, sights } }.report("customer_id")
        };
        let none = Look { by: &by, seen: Seen::NoProfile }.report("customer_id");
        assert_eq!(
            (none.grade, none.words.as_str()),
            (Grade::Bad, "In mParticle: no. No profile has the MPID 7.")
        );
        let ann = Identity::of_distinct_id("ann");
        let none = Look { by: &ann, seen: Seen::NoProfile }.report("customer_id");
        assert_eq!(none.words, "In mParticle: no. No profile has the customer id ann.");
        let (good, bad) = (Sight::Agrees(true), Sight::Differs(Fault::Missing));
        let all = report(&[("A", good), ("B", good), ("C", Sight::Agrees(false))], false);
        assert_eq!(all.words, "In mParticle: yes, by MPID, with all 2 attributes it was told.");
        assert_eq!((all.grade, all.next), (Grade::Good, None));
        let some = report(&[("A", good), ("B", bad), ("C", Sight::Differs(Fault::Stale))], false);
        assert_eq!(
            some.words,
            "In mParticle there is a profile by MPID, and “B” is not there, though mParticle accepted it. 1 other \
             attribute differs too."
        );
        assert_eq!(some.grade, Grade::Bad);
        let out = report(&[("A", good)], true);
        assert_eq!(out.grade, Grade::Doubtful);
        assert!(out.words.starts_with("In mParticle: yes, by MPID. The person opted out"), "{}", out.words);
        assert_eq!(report(&[("A", Sight::TooSoon)], false).grade, Grade::Doubtful);
    }
}
