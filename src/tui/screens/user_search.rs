//! One search for a user: what was read of the records, what Mixpanel was asked and answered, what mParticle holds, and
//! the account that all of it makes. Each question to Mixpanel costs a query, so nothing is asked there by itself; what
//! to ask is said to whoever presses the key. A look at mParticle costs nothing, so it is asked for as soon as it is
//! known whom to look for.

use super::Scene;
use crate::domain::{CohortId, Identity, KnownIds, UserId};
use crate::sync::pages::{Answer, Question};
use crate::sync::snapshot::{QueryBudget, Writer};
use crate::sync::user::{
    Account, HeldAnswer, HeldByMparticle, LiveAnswer, LiveQuestion, Recorded, UserQuery,
};
use crate::tui::text;
use std::collections::BTreeMap;

/// The search.
pub struct Search {
    /// Whom it is for.
    pub id: UserId,
    recorded: Option<Recorded>,
    /// Why the records cannot be read.
    pub unread: Option<String>,
    /// What was read last: for which query, and what had happened by then; see [`super::runs::mark`].
    read: Option<(UserQuery, u64)>,
    asked_at: u64,
    profiles: Option<LiveAnswer>,
    members: BTreeMap<CohortId, LiveAnswer>,
    /// The question that is on its way to Mixpanel.
    pub asking: Option<LiveQuestion>,
    /// Why Mixpanel did not answer the last question about each thing.
    silences: Vec<(LiveQuestion, String)>,
    /// Whom mParticle was asked about last, and whether the answer is still to come.
    looked: Option<(Identity, bool)>,
    held: HeldByMparticle,
    account: Option<Account>,
}

impl Search {
    /// A search of which nothing is known yet.
    #[must_use]
    pub fn new(id: UserId) -> Self {
        Self {
            id,
            recorded: None,
            unread: None,
            read: None,
            asked_at: 0,
            profiles: None,
            members: BTreeMap::new(),
            asking: None,
            silences: Vec::new(),
            looked: None,
            held: HeldByMparticle::NotAsked,
            account: None,
        }
    }

    fn query(&self) -> UserQuery {
        let also = self.profiles.as_ref().map_or_else(KnownIds::default, LiveAnswer::ids);
        UserQuery { id: self.id.clone(), also }
    }

    /// What is known, once the records were read.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// What is to be read, given what has happened.
    #[must_use]
    pub fn wants(&self, mark: u64) -> Option<Question> {
        let query = self.query();
        let is_read = self.read.as_ref().is_some_and(|(of, at)| *of == query && *at == mark);
        (!is_read).then_some(Question::User(query))
    }

    /// Learns that a question of its own is on its way now.
    pub fn asked(&mut self, question: &Question, mark: u64) {
        if *question == Question::User(self.query()) {
            self.asked_at = mark;
        }
    }

    /// Takes in what was read.
    pub fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let query = self.query();
        if *question != Question::User(query.clone()) {
            return;
        }
        self.read = Some((query, self.asked_at));
        match answer {
            Ok(Answer::User(recorded)) => {
                self.recorded = Some(recorded.as_ref().clone());
                self.unread = None;
                self.make_account();
            }
            Ok(_) => {}
            Err(error) => self.unread = Some(error.clone()),
        }
    }

    /// Takes in what Mixpanel answered; an answer to another search is let go of.
    pub fn heard(&mut self, question: &LiveQuestion, answer: &Result<LiveAnswer, String>) {
        if self.asking.as_ref() != Some(question) {
            return;
        }
        self.asking = None;
        self.silences.retain(|(of, _)| !is_about_the_same(of, question));
        match (answer, question) {
            (Ok(answer), LiveQuestion::Profiles(_)) => {
                self.profiles = Some(answer.clone());
                // What was said of cohorts was said of the profiles that there were before.
                self.members.clear();
                // Whoever asks again wants to see what is so now, on both sides.
                self.looked = None;
            }
            (Ok(answer), LiveQuestion::Members { cohort, .. }) => {
                self.members.insert(*cohort, answer.clone());
            }
            (Err(reason), _) => self.silences.push((question.clone(), reason.clone())),
        }
        self.make_account();
    }

    fn make_account(&mut self) {
        if let Some(recorded) = &self.recorded {
            let (profiles, held) = (self.profiles.as_ref(), self.held.clone());
            self.account = Some(Account::of(&self.id, recorded.clone(), profiles, &self.members, held));
        }
    }

    /// Whom to look up in mParticle now; it is taken for asked.
    pub fn looks_for(&mut self) -> Option<Identity> {
        // What Mixpanel answers may change by what the user is addressed.
        if matches!(self.asking, Some(LiveQuestion::Profiles(_))) || self.is_looking() {
            return None;
        }
        let person = self.account.as_ref()?.looked_for()?;
        if self.looked.as_ref().is_some_and(|(looked, _)| *looked == person) {
            return None;
        }
        self.looked = Some((person.clone(), true));
        Some(person)
    }

    /// Whether a look at mParticle is on its way.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        matches!(self.looked, Some((_, true)))
    }

    /// Takes in what mParticle holds; an answer about somebody else is let go of.
    pub fn seen(&mut self, person: &Identity, answer: &Result<HeldAnswer, String>) {
        match &mut self.looked {
            Some((looked, is_coming @ true)) if looked == person => *is_coming = false,
            _ => return,
        }
        self.held = match answer {
            Ok(answer) => HeldByMparticle::Answered(Box::new(answer.clone())),
            Err(reason) => HeldByMparticle::Unanswered(reason.clone()),
        };
        self.make_account();
    }

    /// What Mixpanel answered about the profiles.
    #[must_use]
    pub fn profiles(&self) -> Option<&LiveAnswer> {
        self.profiles.as_ref()
    }

    /// Why Mixpanel did not answer about the profiles.
    #[must_use]
    pub fn silence(&self) -> Option<&str> {
        let about = |(question, _): &&(LiveQuestion, String)| matches!(question, LiveQuestion::Profiles(_));
        self.silences.iter().find(about).map(|(_, reason)| reason.as_str())
    }

    /// Why Mixpanel did not answer about a cohort.
    #[must_use]
    pub fn silence_about(&self, cohort: CohortId) -> Option<&str> {
        let about = |(question, _): &&(LiveQuestion, String)| matches!(question, LiveQuestion::Members { cohort: of, .. } if *of == cohort);
        self.silences.iter().find(about).map(|(_, reason)| reason.as_str())
    }

    /// Whether a question about a cohort is on its way.
    #[must_use]
    pub fn is_asking_about(&self, cohort: CohortId) -> bool {
        matches!(&self.asking, Some(LiveQuestion::Members { cohort: of, .. }) if *of == cohort)
    }

    /// When Mixpanel was asked last, and how the hour's queries stood then.
    #[must_use]
    pub fn last_answer(&self) -> Option<&LiveAnswer> {
        self.members.values().chain(&self.profiles).max_by_key(|answer| answer.at)
    }

    /// What to ask Mixpanel: about a cohort, or for the profiles.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn question(&self, cohort: Option<CohortId>) -> Result<LiveQuestion, String> {
        if self.asking.is_some() {
            return Err("Mixpanel is being asked already".to_owned());
        }
        let (Some(cohort), Some(answer)) = (cohort, &self.profiles) else {
            return Ok(LiveQuestion::Profiles(self.id.clone()));
        };
        let distinct_ids: Vec<Box<str>> = answer.ids().distinct_ids.into_iter().collect();
        if distinct_ids.is_empty() {
            return Err(
                "Mixpanel has no profile by this id to ask about; a dry run reads the cohort whole for one query"
                    .to_owned(),
            );
        }
        Ok(LiveQuestion::Members { cohort, distinct_ids })
    }
}

fn is_about_the_same(a: &LiveQuestion, b: &LiveQuestion) -> bool {
    match (a, b) {
        (LiveQuestion::Profiles(_), LiveQuestion::Profiles(_)) => true,
        (LiveQuestion::Members { cohort: a, .. }, LiveQuestion::Members { cohort: b, .. }) => a == b,
        _ => false,
    }
}

/// Why Mixpanel cannot be asked now.
pub struct NotNow {
    /// In words.
    pub why: String,
    /// In few words.
    pub brief: &'static str,
}

/// Whether Mixpanel can be asked anything now.
///
/// # Errors
/// Why not.
pub fn can_ask(scene: Scene<'_>) -> Result<(), NotNow> {
    let not_now = |why, brief| Err(NotNow { why, brief });
    match &scene.snapshot.writer {
        Writer::ThisProcess => {}
        Writer::Other(who) => {
            let why = format!("Mixpanel is not asked from here: {who} keeps the account of its queries");
            return not_now(why, "Mixpanel is not asked from here");
        }
        Writer::ReadOnly => {
            return not_now(
                "Mixpanel is not asked: started with --read-only".to_owned(),
                "read-only: Mixpanel is not asked",
            );
        }
    }
    match scene.snapshot.queries.next_slot {
        Some(at) => {
            let at = text::moment(scene.now, at, &scene.settings.zone);
            let why = format!("no query is left in this hour; the next is free at {at}");
            not_now(why, "no query is left in this hour")
        }
        None => Ok(()),
    }
}

/// What a question costs.
#[must_use]
pub fn cost(budget: QueryBudget) -> String {
    format!("1 query, {} of {} left this hour", budget.left(), budget.limit)
}
