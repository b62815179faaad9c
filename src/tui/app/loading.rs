//! What is loaded when: the questions of the page that is seen, each once at a time, a few at once, and the same one
//! only a few times a second however often the snapshot changes.

use crate::sync::pages::Question;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};

/// How soon the same question may be asked again.
const PAUSE: SignedDuration = SignedDuration::from_millis(300);
/// Questions on their way at a time; scrolling through a long list would pile them up otherwise.
const AT_ONCE: usize = 3;

/// The questions on their way and those just answered.
#[derive(Default)]
pub struct Loading {
    asked: HashSet<Question>,
    /// When a question of each kind was asked last.
    since: HashMap<Question, Timestamp>,
    waiting: bool,
}

impl Loading {
    /// Of the questions that a page has, those to ask now.
    pub fn ask(&mut self, wanted: Vec<Question>, now: Timestamp) -> Vec<Question> {
        self.since.retain(|_, at| now.duration_since(*at) < PAUSE);
        self.waiting = false;
        let mut questions = Vec::new();
        for question in wanted {
            if self.asked.contains(&question) {
                continue;
            }
            let kind = question.kind();
            if self.since.contains_key(&kind) || self.asked.len() >= AT_ONCE {
                self.waiting = true;
                continue;
            }
            self.asked.insert(question.clone());
            self.since.insert(kind, now);
            questions.push(question);
        }
        questions
    }

    /// Notes that an answer came; false when nobody had asked.
    pub fn answered(&mut self, question: &Question) -> bool {
        self.asked.remove(question)
    }

    /// Whether something is to be asked as soon as time has passed.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;
    use crate::sync::pages::JournalPlace;

    #[test]
    fn a_question_is_asked_once_at_a_time_and_a_few_times_a_second() {
        let (mut loading, start) = (Loading::default(), Timestamp::UNIX_EPOCH);
        let question = || vec![Question::Run(RunId(1))];
        assert_eq!(loading.ask(question(), start).len(), 1);
        assert!(loading.ask(question(), start + SignedDuration::from_secs(9)).is_empty());
        assert!(loading.answered(&Question::Run(RunId(1))));
        assert!(!loading.answered(&Question::Run(RunId(1))));
        assert_eq!(loading.ask(question(), start + SignedDuration::from_secs(9)).len(), 1);
        loading.answered(&Question::Run(RunId(1)));
        assert!(loading.ask(question(), start + SignedDuration::from_millis(9_100)).is_empty());
        assert!(loading.is_waiting());
        assert_eq!(loading.ask(question(), start + SignedDuration::from_millis(9_300)).len(), 1);
    }

    #[test]
    fn what_came_to_the_journal_is_asked_for_no_oftener_because_it_begins_elsewhere_each_time() {
        let (mut loading, start) = (Loading::default(), Timestamp::UNIX_EPOCH);
        let after = |id| Question::Journal { run: None, place: JournalPlace::After(id), limit: 9 };
        let mut asked = 0;
        for tenth in 0..30 {
            let now = start + SignedDuration::from_millis(100 * tenth);
            for question in loading.ask(vec![after(tenth)], now) {
                loading.answered(&question);
                asked += 1;
            }
        }
        assert_eq!(asked, 10, "in three seconds");
    }

    #[test]
    fn only_a_few_are_on_their_way() {
        let mut loading = Loading::default();
        let many = (0..9).map(|run| Question::Run(RunId(run))).collect();
        assert_eq!(loading.ask(many, Timestamp::UNIX_EPOCH).len(), AT_ONCE);
    }
}
