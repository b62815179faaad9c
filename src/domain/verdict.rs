//! What is to be said of one user as a whole: what mParticle was told, how the user is addressed and whether that
//! reaches anybody, and what to do next. How the user stands with each attribute is [`super::judgement`]'s.

use super::identity::{ANONYMOUS_PREFIX, Identity};
use super::judgement::{Addressing, Grade, Judgement};
use super::member::NoMpid;
use super::sight::{Look, Seen};
use super::status::SyncStatus;
use jiff::Timestamp;
use std::borrow::Cow;

/// What is to be said of a user as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How good it is.
    pub grade: Grade,
    /// What is so, in sentences.
    pub words: String,
    /// What to do next.
    pub next: String,
}

/// What a verdict is made of.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// How the user is addressed now, as far as known.
    pub addressing: Option<&'a Addressing>,
    /// What `$mparticle_user_id` holds, as Mixpanel wrote it.
    pub evidence: Option<&'a str>,
    /// What Mixpanel answered.
    pub mixpanel: MixpanelSays,
    /// Whether anything on record names the user.
    pub is_on_record: bool,
    /// Each attribute with how the user stands with it.
    pub attributes: &'a [(&'a str, &'a Judgement)],
    /// The MPID that JavaScript rounded, where somebody with it holds an attribute.
    pub unrounded: Option<i64>,
    /// The identity type that carries `$distinct_id` in mParticle.
    pub fallback: &'a str,
    /// What a look at the profile in mParticle came to; `None` when nobody looked.
    pub look: Option<Look<'a>>,
}

/// What Mixpanel answered about the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MixpanelSays {
    /// It was not asked, or did not answer.
    Nothing,
    /// It has no profile by that id.
    Nobody,
    /// It has one or more.
    Found,
}

impl Verdict {
    /// Weighs the case at a time.
    #[must_use]
    pub fn of(case: Case<'_>, now: Timestamp) -> Self {
        if !case.is_on_record && case.mixpanel != MixpanelSays::Found {
            return Self::of_nobody(case.mixpanel);
        }
        let (told, sentence) = telling(case.attributes, now);
        let (addressed, about_address) = addressing(case);
        let words = match about_address {
            // What does not reach anybody is said before what was accepted all the same.
            Some(about) if addressed == Grade::Bad => format!("{about} {sentence}"),
            Some(about) => format!("{sentence} {about}"),
            None => sentence,
        };
        let verdict = Self { grade: told.max(addressed), words, next: next(case, told) };
        match case.look {
            Some(look) => verdict.seen(look, case.fallback),
            None => verdict,
        }
    }

    /// The same, with what was seen in mParticle before all else: it is what the rest leads up to.
    fn seen(self, look: Look<'_>, fallback: &str) -> Self {
        let report = look.report(fallback);
        Self {
            grade: self.grade.max(report.grade),
            words: format!("{} {}", report.words, self.words),
            // An id that cannot be the right one is why there is no profile, or another.
            next: report.next.filter(|_| self.grade < Grade::Bad).map_or(self.next, str::to_owned),
        }
    }

    fn of_nobody(mixpanel: MixpanelSays) -> Self {
        let (words, next) = if mixpanel == MixpanelSays::Nobody {
            (
                "Nobody by that id: Mixpanel has no profile with it, and nothing on record names it.",
                "Check the spelling; ids are told apart by upper and lower case. Somebody without a profile shows \
                 only when a cohort is read: see the Unmatched list of the cohort.",
            )
        } else {
            (
                "Nothing on record names this id, and Mixpanel did not say whether it has it.",
                "Ask Mixpanel for the profile: who entered by MPID long ago is on record by MPID alone.",
            )
        };
        Self { grade: Grade::Unknown, words: words.to_owned(), next: next.to_owned() }
    }
}

/// What mParticle was told, over all attributes: the worst first, else the latest.
fn telling(attributes: &[(&str, &Judgement)], now: Timestamp) -> (Grade, String) {
    let worst = attributes.iter().max_by_key(|(_, judgement)| {
        let at = match judgement {
            Judgement::ToldTrue(_, at) => *at,
            Judgement::ToldOtherwise(_, _, at) => Some(*at),
            _ => None,
        };
        let is_held = matches!(judgement, Judgement::ToldTrue(..) | Judgement::HoldsTrue(_));
        (judgement.grade() == Grade::Bad, judgement.grade() == Grade::Doubtful, is_held, at)
    });
    let nothing =
        || (Grade::Unknown, "mParticle was told nothing about this user that is on record.".to_owned());
    let Some((attribute, judgement)) = worst else { return nothing() };
    match judgement {
        Judgement::Outside | Judgement::NotExported | Judgement::NotKnown => return nothing(),
        _ => {}
    }
    let holds = |(_, judgement): &&(&str, &Judgement)| {
        matches!(judgement, Judgement::ToldTrue(..) | Judgement::HoldsTrue(_))
    };
    let others = attributes.iter().filter(|(name, _)| name != attribute).filter(holds).count();
    let also = match others {
        0 => String::new(),
        1 => " It accepted true for 1 other attribute.".to_owned(),
        many => format!(" It accepted true for {many} other attributes."),
    };
    (judgement.grade(), format!("“{}”: {}.{also}", short(attribute), judgement.words(now)))
}

/// A name as far as a sentence bears it; the whole of it stands with the attribute itself.
fn short(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 60;
    match name.char_indices().nth(LONGEST) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", name[..end].trim_end())),
    }
}

/// How the user is addressed, where that is worth a sentence.
fn addressing(case: Case<'_>) -> (Grade, Option<String>) {
    let fallback = case.fallback;
    match case.addressing {
        None if case.mixpanel == MixpanelSays::Nobody => {
            (Grade::Unknown, Some("Mixpanel has no profile by that id now.".to_owned()))
        }
        None => (Grade::Unknown, Some("How the user is addressed now is not on record.".to_owned())),
        Some(Addressing::Mpid { suspect: false, .. }) => (Grade::Good, None),
        Some(Addressing::Mpid { mpid, suspect: true }) => {
            let about = match case.unrounded {
                Some(unrounded) => format!(
                    "Mixpanel sends an MPID that was rounded by JavaScript ({mpid}); the profile it should reach is \
                     not this one but {unrounded}."
                ),
                None => format!(
                    "Mixpanel sends an MPID that looks rounded by JavaScript ({mpid}); the profile it should reach \
                     is then not this one."
                ),
            };
            (Grade::Bad, Some(about))
        }
        Some(Addressing::DistinctId { identity, reason }) => {
            let whose = fallback.replace('_', " ");
            let why = reason.map(|reason| capital(&why(reason, case.evidence)));
            if is_reached(case, identity) {
                let why = why.map_or_else(String::new, |why| format!("{why}, so "));
                let words = format!("{why}sent by $distinct_id as {fallback}, which is a profile's {whose}.");
                return (Grade::Good, Some(capital(&words)));
            }
            let reaches = if identity.borrow().is_anonymous() {
                format!("reaches a profile only where somebody made that {ANONYMOUS_PREFIX} id its {whose}")
            } else {
                format!("reaches a profile only where that is its {whose}")
            };
            let sent = format!("sent by $distinct_id as {fallback}; {reaches}.");
            let words = match why {
                Some(why) => format!("{why}: {sent}"),
                None => format!("Last {sent}"),
            };
            (Grade::Doubtful, Some(words))
        }
        Some(Addressing::Nothing { reason }) => {
            let about = format!("Neither id can be sent: {}.", why(*reason, case.evidence));
            (Grade::Bad, Some(about))
        }
    }
}

/// Whether a look has shown that an identity is a profile's.
fn is_reached(case: Case<'_>, identity: &Identity) -> bool {
    case.look.is_some_and(|look| look.by == identity && look.seen != Seen::NoProfile)
}

/// A sentence with a capital letter, unless it begins with a sign.
#[must_use]
pub fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Why there is no MPID, with what stands in its place.
#[must_use]
pub fn why(reason: NoMpid, evidence: Option<&str>) -> String {
    match evidence {
        Some(evidence) => format!("{reason} (“{evidence}”)"),
        None => reason.to_string(),
    }
}

fn next(case: Case<'_>, told: Grade) -> String {
    let waits_for = |wanted: SyncStatus| {
        let is_it = |(_, judgement): &(&str, &Judgement)| matches!(judgement, Judgement::NotYetTold(status) if *status == wanted);
        case.attributes.iter().any(is_it)
    };
    let words = match case.addressing {
        _ if told == Grade::Bad
            && case.attributes.iter().any(|(_, j)| matches!(j, Judgement::Refused(..))) =>
        {
            "Mend what mParticle names, in Mixpanel; the next run tells it again."
        }
        Some(Addressing::Mpid { suspect: true, .. }) => {
            "Set $mparticle_user_id as text, never as a number; the Setup screen of the console has the snippets."
        }
        Some(Addressing::DistinctId { reason: Some(NoMpid::NoProfile), .. }) => {
            "Let the app set $mparticle_user_id once the user has a profile; the Setup screen of the console has the \
             snippets."
        }
        Some(Addressing::DistinctId { identity, .. })
            if is_reached(case, identity) && told == Grade::Good =>
        {
            "Nothing."
        }
        Some(Addressing::DistinctId { .. } | Addressing::Nothing { .. }) => {
            "Set $mparticle_user_id on the profile in Mixpanel, as text; the Setup screen of the console has the \
             snippets."
        }
        None if case.mixpanel == MixpanelSays::Nothing => "Ask Mixpanel for the profile.",
        _ if waits_for(SyncStatus::Paused) => "Resume the sync; its next run tells it.",
        _ if waits_for(SyncStatus::Stopped) || waits_for(SyncStatus::Exported) => {
            "Export the cohort again; that run tells it."
        }
        _ if told == Grade::Doubtful => "Nothing: the next run brings it in order.",
        _ if told == Grade::Unknown => {
            "Nothing, unless the user should be in a cohort: look at that cohort in Mixpanel."
        }
        _ if case.look.is_some() => "Nothing.",
        _ => "Nothing. To see whether the profile has it: mParticle, Customer 360, User Profiles.",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::judgement::Value;
    use crate::domain::sight::Sight;

    fn now() -> Timestamp {
        Timestamp::from_second(1_770_000_000).unwrap()
    }

    fn told_true(mpid: i64) -> Judgement {
        Judgement::ToldTrue(Identity::Mpid(mpid), Timestamp::from_second(1_770_000_000 - 300).ok())
    }

    fn verdict(addressing: Option<&Addressing>, attributes: &[(&str, &Judgement)]) -> Verdict {
        let case = Case {
            addressing,
            evidence: None,
            mixpanel: MixpanelSays::Found,
            is_on_record: true,
            attributes,
            unrounded: None,
            fallback: "customer_id",
            look: None,
        };
        Verdict::of(case, now())
    }

    #[test]
    fn what_was_accepted_is_said_with_how_and_when() {
        let address = Addressing::Mpid { mpid: 7, suspect: false };
        let told = told_true(7);
        let verdict = verdict(Some(&address), &[("A", &Judgement::Outside), ("B", &told), ("C", &told)]);
        assert_eq!(verdict.grade, Grade::Good);
        assert_eq!(
            verdict.words,
            "“C”: mParticle was told true by MPID 5 minutes ago and accepted it. It accepted true for 1 other \
             attribute."
        );
        assert!(verdict.next.starts_with("Nothing."), "{}", verdict.next);
    }

    #[test]
    fn a_rounded_id_comes_before_what_was_accepted_for_it() {
        let address = Addressing::Mpid { mpid: 8_553_083_063_767_933_000, suspect: true };
        let told = told_true(8_553_083_063_767_933_000);
        let attributes: [(&str, &Judgement); 1] = [("A", &told)];
        let looks = verdict(Some(&address), &attributes);
        assert_eq!(looks.grade, Grade::Bad);
        assert!(looks.words.starts_with("Mixpanel sends an MPID that looks rounded by JavaScript (85530"));
        assert!(looks.words.ends_with("and accepted it."), "{}", looks.words);
        let case = Case {
            addressing: Some(&address),
            evidence: None,
            mixpanel: MixpanelSays::Nothing,
            is_on_record: true,
            attributes: &attributes,
            unrounded: Some(8_553_083_063_767_933_171),
            fallback: "customer_id",
            look: None,
        };
        let certain = Verdict::of(case, now());
        assert!(certain.words.contains("should reach is not this one but 8553083063767933171."));
        assert!(certain.next.starts_with("Set $mparticle_user_id as text"), "{}", certain.next);
    }

    #[test]
    fn a_distinct_id_reaches_only_whose_it_is() {
        let identity = Identity::of_distinct_id("ann");
        let address = Addressing::DistinctId { identity, reason: Some(NoMpid::Missing) };
        let verdict = verdict(Some(&address), &[("A", &Judgement::NotYetTold(SyncStatus::Synced))]);
        assert_eq!(verdict.grade, Grade::Doubtful);
        assert_eq!(
            verdict.words,
            "“A”: in the cohort, and mParticle was not told; the next run tells true. No $mparticle_user_id: sent by \
             $distinct_id as customer_id; reaches a profile only where that is its customer id."
        );
    }

    #[test]
    fn a_refusal_is_said_before_anything_that_was_accepted() {
        let address = Addressing::Mpid { mpid: 7, suspect: false };
        let (told, refused) = (told_true(7), Judgement::Refused(Value::True, "no such user".to_owned()));
        let verdict = verdict(Some(&address), &[("A", &told), ("B", &refused), ("C", &told)]);
        assert!(verdict.words.starts_with("“B”: mParticle was told true and refused it: no such user."));
        assert!(verdict.next.starts_with("Mend what mParticle names"), "{}", verdict.next);
    }

    #[test]
    fn a_long_name_does_not_drown_what_is_said_of_it() {
        let address = Addressing::Mpid { mpid: 7, suspect: false };
        let (told, name) = (told_true(7), "日本 – ".repeat(40));
        let verdict = verdict(Some(&address), &[(&name, &told)]);
        assert!(
            verdict.words.chars().count() < 140 && verdict.words.contains("…”: mParticle"),
            "{verdict:?}"
        );
    }

    #[test]
    fn what_was_seen_is_said_first_and_settles_what_a_distinct_id_reaches() {
        let ann = Identity::of_distinct_id("ann");
        let address = Addressing::DistinctId { identity: ann.clone(), reason: Some(NoMpid::Missing) };
        let told = Judgement::ToldTrue(ann.clone(), Timestamp::from_second(1_770_000_000 - 300).ok());
        let sights = [("A", Sight::Agrees(true))];
        let verdict = |seen| {
            let case = Case {
                addressing: Some(&address),
                evidence: None,
                mixpanel: MixpanelSays::Found,
                is_on_record: true,
                attributes: &[("A", &told)],
                unrounded: None,
                fallback: "customer_id",
                look: Some(Look { by: &ann, seen }),
            };
            Verdict::of(case, now())
        };
        let there = verdict(Seen::Profile { is_opted_out: false, sights: &sights });
        assert_eq!(
            there.words,
            "In mParticle: yes, by $distinct_id. “A”: mParticle was told true by $distinct_id 5 minutes ago and accepted \
             it. No $mparticle_user_id, so sent by $distinct_id as customer_id, which is a profile's customer id."
        );
        assert_eq!((there.grade, there.next.as_str()), (Grade::Good, "Nothing."));
        let nowhere = verdict(Seen::NoProfile);
        assert!(
            nowhere.words.starts_with("In mParticle: no. No profile has the customer id ann."),
            "{nowhere:?}"
        );
        assert_eq!(nowhere.grade, Grade::Bad);
        assert!(nowhere.next.starts_with("Set $mparticle_user_id"), "{}", nowhere.next);
    }

    #[test]
    fn nobody_is_told_from_nobody_asked() {
        let case = |mixpanel| Case {
            addressing: None,
            evidence: None,
            mixpanel,
            is_on_record: false,
            attributes: &[],
            unrounded: None,
            fallback: "customer_id",
            look: None,
        };
        let nobody = Verdict::of(case(MixpanelSays::Nobody), now());
        assert!(nobody.words.starts_with("Nobody by that id: Mixpanel has no profile"), "{}", nobody.words);
        let unasked = Verdict::of(case(MixpanelSays::Nothing), now());
        assert!(unasked.next.starts_with("Ask Mixpanel"), "{}", unasked.next);
        assert_eq!((nobody.grade, unasked.grade), (Grade::Unknown, Grade::Unknown));
    }
}
