//! What is to be said of one user as a whole: what mParticle was told, how the user is addressed and whether that
//! reaches anybody, and what to do next. How the user stands with each attribute is [`super::judgement`]'s.

use super::identity::ANONYMOUS_PREFIX;
use super::judgement::{Grade, Judgement};
use super::member::{Finding, NoMpid};
use super::status::SyncStatus;
use jiff::Timestamp;

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
    pub finding: Option<&'a Finding>,
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
        Self { grade: told.max(addressed), words, next: next(case, told) }
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
    (judgement.grade(), format!("“{attribute}”: {}.{also}", judgement.words(now)))
}

/// How the user is addressed, where that is worth a sentence.
fn addressing(case: Case<'_>) -> (Grade, Option<String>) {
    let fallback = case.fallback;
    match case.finding {
        None if case.mixpanel == MixpanelSays::Nobody => {
            (Grade::Unknown, Some("Mixpanel has no profile by that id now.".to_owned()))
        }
        None => (Grade::Unknown, Some("How the user is addressed now is not on record.".to_owned())),
        Some(Finding::Matched { suspect: false, .. }) => (Grade::Good, None),
        Some(Finding::Matched { mpid, suspect: true }) => {
            let was = case.unrounded.map_or_else(String::new, |mpid| format!(" It was {mpid}."));
            let about = format!(
                "Mixpanel sends an MPID that was rounded by JavaScript ({mpid}); the profile it should reach is not \
                 this one.{was}"
            );
            (Grade::Bad, Some(about))
        }
        Some(Finding::Unmatched { identity, reason }) => {
            let is_anonymous = identity.borrow().is_anonymous();
            let reaches = if is_anonymous {
                format!(
                    "an anonymous {ANONYMOUS_PREFIX} id, sent as {fallback}; nobody in mParticle has that id unless \
                     somebody gave it to them"
                )
            } else {
                format!(
                    "sent by $distinct_id as {fallback}; reaches a profile only where that is its {}",
                    fallback.replace('_', " ")
                )
            };
            (Grade::Doubtful, Some(format!("{}: {reaches}.", why(*reason, case.evidence))))
        }
        Some(Finding::Unsendable { reason }) => {
            let about = format!("Neither id can be sent: {}.", why(*reason, case.evidence));
            (Grade::Bad, Some(about))
        }
    }
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
    let words = match case.finding {
        _ if told == Grade::Bad
            && case.attributes.iter().any(|(_, j)| matches!(j, Judgement::Refused(..))) =>
        {
            "Mend what mParticle names, in Mixpanel; the next run tells it again."
        }
        Some(Finding::Matched { suspect: true, .. }) => {
            "Set $mparticle_user_id as text, never as a number; the Setup screen of the console has the snippets."
        }
        Some(Finding::Unmatched { reason: NoMpid::NoProfile, .. }) => {
            "Let the app set $mparticle_user_id once the user has a profile; the Setup screen of the console has the \
             snippets."
        }
        Some(Finding::Unmatched { .. } | Finding::Unsendable { .. }) => {
            "Set $mparticle_user_id on the profile in Mixpanel, as text; the Setup screen of the console has the \
             snippets."
        }
        None if case.mixpanel == MixpanelSays::Nothing => "Ask Mixpanel for the profile.",
        _ if waits_for(SyncStatus::Paused) => "Resume the sync; its next run tells it.",
        _ if waits_for(SyncStatus::Stopped) || waits_for(SyncStatus::Exported) => {
            "Export the cohort again; that run tells it."
        }
        _ if told == Grade::Doubtful => "Nothing: the next run brings it in order.",
        _ => "Nothing. Accepted is not seen: whether the profile has it, mParticle's own user view tells.",
    };
    words.to_owned()
}
