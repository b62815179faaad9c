//! What Mixpanel says of a user now: one question, one query of the hour's budget, asked at once or not at all. A person
//! waits for the answer, so it is asked once; what it says is looked at twice, because a filter that was ignored answers
//! with other people.

use super::super::budget::Charge;
use super::super::report::SideNews;
use super::super::snapshot::QueryBudget;
use super::super::tools::Tools;
use crate::domain::member::parse_mpid;
use crate::domain::user::same_in_javascript;
use crate::domain::{CohortId, Finding, KnownIds, Member, Profile, ReadingRules, UserId};
use crate::mixpanel::{Asked, Lookup, MixpanelError, Page};
use crate::store::{JournalEntry, JournalLine, Side};
use jiff::Timestamp;
use std::time::Duration;

/// Something to ask Mixpanel about a user; each costs one query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LiveQuestion {
    /// The profiles that have an id.
    Profiles(UserId),
    /// Whether some of these profiles, which Mixpanel knows, are in a cohort.
    Members {
        /// The cohort.
        cohort: CohortId,
        /// Their `$distinct_id`s as Mixpanel spells them.
        distinct_ids: Vec<Box<str>>,
    },
}

/// What Mixpanel answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveAnswer {
    /// When it was asked.
    pub at: Timestamp,
    /// The profiles that were asked for: of a question about a cohort, those that are in it.
    pub profiles: Vec<LiveProfile>,
    /// Profiles whose MPID JavaScript makes the same as the one that was asked for.
    pub near: Vec<LiveProfile>,
    /// Further profiles with the id, beyond those that fit into one answer.
    pub left_out: u64,
    /// What is left of the hour's queries.
    pub queries: QueryBudget,
}

/// A profile as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveProfile {
    /// As Mixpanel wrote it.
    pub profile: Profile<'static>,
    /// How it is addressed.
    pub finding: Finding,
}

impl LiveAnswer {
    /// The ids that the profiles have.
    #[must_use]
    pub fn ids(&self) -> KnownIds {
        let mut ids = KnownIds::default();
        for profile in &self.profiles {
            ids.distinct_ids.extend(profile.profile.distinct_id.evidence().map(Into::into));
            ids.mpids.extend(parse_mpid(&profile.profile.mparticle_user_id));
        }
        ids
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::sync) enum NoAnswer {
    /// The hour's queries are spent.
    #[error("no query is left in this hour; the next is free at {}", super::super::clock::local(*.0))]
    NoneLeft(Timestamp),
    /// Mixpanel did not do what it was asked.
    #[error(transparent)]
    Mixpanel(#[from] MixpanelError),
    /// It took longer than a person waits.
    #[error("Mixpanel did not answer within {} s; the query may be counted all the same", PATIENCE.as_secs())]
    TooSlow,
    /// It answered another question.
    #[error(
        "Mixpanel answered a question about one user with {0} others, so nothing is concluded from it; a dry run \
         reads a cohort whole for one query"
    )]
    Strangers(u64),
}

/// Mixpanel itself takes up to eight minutes; a person who looks on will not.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks, if a query is free now.
pub(in crate::sync) async fn ask(
    tools: &Tools,
    reading: ReadingRules,
    question: &LiveQuestion,
) -> Result<LiveAnswer, NoAnswer> {
    let charge = tools.budget.spend_now().await.map_err(NoAnswer::NoneLeft)?;
    let at = tools.clock.now();
    let lookup = match question {
        LiveQuestion::Profiles(id) => Lookup::Profiles(id),
        LiveQuestion::Members { cohort, distinct_ids } => Lookup::Members { cohort: *cohort, distinct_ids },
    };
    let Ok(asked) = tokio::time::timeout(PATIENCE, tools.mixpanel.look_up(lookup)).await else {
        return Err(NoAnswer::TooSlow);
    };
    note(tools, question, at, &asked);
    let page = match asked.result {
        Ok(page) => page,
        Err(error) => {
            fall_back(tools, &error, charge).await;
            return Err(error.into());
        }
    };
    tools.budget.learn(&page.heard);
    tools.reports.side(Side::Mixpanel, SideNews::Answered);
    let mut sorted = Sorted::default();
    let (found, all) = (page.profiles() as u64, page.total().unwrap_or_default());
    for profile in page.people {
        sorted.take(profile, reading, question);
    }
    let is_by_parameter = matches!(question, LiveQuestion::Profiles(id) if id.mpid().is_none());
    if is_by_parameter && found == 1 {
        // The id may be one of several that Mixpanel has merged; it answers with the one that stands for all.
        sorted.profiles.append(&mut sorted.others);
    }
    if !sorted.others.is_empty() {
        return Err(NoAnswer::Strangers(sorted.others.len() as u64));
    }
    Ok(LiveAnswer {
        at,
        left_out: all.saturating_sub(found),
        profiles: sorted.profiles,
        near: sorted.near,
        queries: tools.budget.state(),
    })
}

/// The profiles of an answer, by what they have to do with the question.
#[derive(Default)]
struct Sorted {
    profiles: Vec<LiveProfile>,
    near: Vec<LiveProfile>,
    others: Vec<LiveProfile>,
}

impl Sorted {
    fn take(&mut self, profile: Profile<'static>, reading: ReadingRules, question: &LiveQuestion) {
        let distinct_id = profile.distinct_id.evidence();
        let mpid = parse_mpid(&profile.mparticle_user_id).ok();
        let (is_sought, is_near) = match question {
            LiveQuestion::Profiles(id) => {
                let is_mpid = mpid.is_some() && mpid == id.mpid();
                // A number may be compared as JavaScript does, which cannot tell it from its neighbours.
                let near = id.mpid().zip(mpid).is_some_and(|(a, b)| same_in_javascript(a, b));
                (is_mpid || distinct_id == Some(id.as_str()), near)
            }
            LiveQuestion::Members { distinct_ids, .. } => {
                (distinct_ids.iter().any(|id| Some(&**id) == distinct_id), false)
            }
        };
        let kept = match (is_sought, is_near) {
            (true, _) => &mut self.profiles,
            (false, true) => &mut self.near,
            (false, false) => &mut self.others,
        };
        let finding = Member::read(&profile, reading).finding;
        kept.push(LiveProfile { profile, finding });
    }
}

/// Mixpanel did not answer: what it does not count is taken back, and what stands in the way is shown.
async fn fall_back(tools: &Tools, error: &MixpanelError, charge: Charge) {
    if error.is_not_charged() {
        tools.budget.refund(charge).await;
    }
    match error {
        MixpanelError::BudgetSpent { retry_after, .. } => tools.budget.refused(*retry_after),
        // Nothing is wrong with Mixpanel when it only does not understand the question.
        MixpanelError::BadRequest { .. } | MixpanelError::NotFound { .. } => {}
        _ => tools.reports.side(Side::Mixpanel, SideNews::Down(error.to_string())),
    }
}

/// Notes the question and how it was answered; not whom it was about, for the journal is no place for that.
fn note(tools: &Tools, question: &LiveQuestion, at: Timestamp, asked: &Asked<Page<Vec<Profile<'static>>>>) {
    let (what, cohort) = match question {
        LiveQuestion::Profiles(_) => ("engage: one user", None),
        LiveQuestion::Members { cohort, .. } => ("engage: one user in a cohort", Some(*cohort)),
    };
    let exchange = &asked.exchange;
    let line = JournalLine {
        at,
        run: None,
        cohort,
        side: Side::Mixpanel,
        what: what.to_owned(),
        first_position: None,
        users: asked.result.as_ref().map_or(0, |page| page.profiles() as u64),
        bytes: exchange.bytes as u64,
        status: exchange.status,
        elapsed: exchange.elapsed,
        attempt: 1,
        accepted: None,
    };
    // The parameters name somebody, and the answer tells about them: neither is for the journal.
    let request = exchange.request.lines().next().unwrap_or_default().to_owned();
    let answer = asked.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
    tools.journal(JournalEntry { line, request, answer });
}
