//! What of the journal is at hand and what to ask for next: first the newest entries, so that there is something to
//! see, then all older ones, and from then on what came since. Each entry is asked for once. How the entries are kept
//! and shown is the list's.

use crate::domain::RunId;
use crate::sync::pages::{Answer, JOURNAL_MOST, JournalPlace, JournalRow, Question};

/// Entries asked for first: many screens full, and at hand at once.
const FIRST: usize = 500;
/// Entries asked for together afterwards. A few thousand take the store a few milliseconds.
const TOGETHER: usize = 4_000;

/// Entries that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The newest, newest first; whatever was at hand belongs to another time.
    First(Vec<JournalRow>),
    /// Some that are older than all at hand, newest first.
    Older(Vec<JournalRow>),
    /// Some that are newer than all at hand, oldest first.
    Newer(Vec<JournalRow>),
}

impl Came {
    /// The entries.
    #[must_use]
    pub fn rows(&self) -> &[JournalRow] {
        let (Self::First(rows) | Self::Older(rows) | Self::Newer(rows)) = self;
        rows
    }
}

/// The part of the journal that is at hand, without a gap.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Everything up to this number was read.
    upto: i64,
    /// The number of the oldest entry at hand; `None` while there is none.
    oldest: Option<i64>,
    /// Whether there is nothing older.
    is_whole: bool,
}

/// Where the reading of the journal stands.
#[derive(Debug, Default)]
pub struct Reading {
    /// Of which run; of all and none when `None`.
    run: Option<RunId>,
    /// The newest entry there is, as far as one was told.
    told: i64,
    /// The same when the newest entries, or those since, were asked for.
    told_before: i64,
    span: Option<Span>,
    error: Option<String>,
}

impl Reading {
    /// Nothing of a run is read yet, or of all.
    #[must_use]
    pub fn of(run: Option<RunId>) -> Self {
        Self { run, ..Self::default() }
    }

    /// Learns the number of the newest entry there is.
    pub fn tell(&mut self, newest: i64) {
        if newest != self.told {
            (self.told, self.error) = (newest, None);
        }
        // So many came that none of those at hand is left in the journal.
        let is_left_behind =
            |span: &Span| newest.saturating_sub(span.upto) > i64::try_from(JOURNAL_MOST).unwrap_or(i64::MAX);
        if self.span.as_ref().is_some_and(is_left_behind) {
            self.span = None;
        }
    }

    /// Whether anything was read yet.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.span.is_some()
    }

    /// Why the journal cannot be read.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What to ask for.
    #[must_use]
    pub fn wants(&self) -> Vec<Question> {
        let ask = |place, limit| Question::Journal { run: self.run, place, limit };
        if self.error.is_some() {
            return Vec::new();
        }
        let Some(span) = self.span else { return vec![ask(JournalPlace::Newest, FIRST)] };
        let newer = (self.told > span.upto).then(|| ask(JournalPlace::After(span.upto), TOGETHER));
        let older = span.oldest.filter(|_| !span.is_whole);
        newer.into_iter().chain(older.map(|id| ask(JournalPlace::Before(id), TOGETHER))).collect()
    }

    /// Learns that a question is on its way now: what comes from now on, the answer may lack.
    pub fn asked(&mut self, question: &Question) {
        let place = self.place_of(question);
        if matches!(place, Some(JournalPlace::Newest | JournalPlace::After(_))) {
            self.told_before = self.told;
        }
    }

    fn place_of(&self, question: &Question) -> Option<JournalPlace> {
        match question {
            Question::Journal { run, place, .. } if *run == self.run => Some(*place),
            _ => None,
        }
    }

    /// Takes in an answer; `None` when it is not to a question of now.
    pub fn take(&mut self, question: &Question, answer: &Result<Answer, String>) -> Option<Came> {
        let place = self.place_of(question)?;
        let rows = match answer {
            Err(error) => {
                self.error = Some(error.clone());
                return None;
            }
            Ok(Answer::Journal(rows)) => rows,
            Ok(_) => return None,
        };
        match (place, &mut self.span) {
            (JournalPlace::Newest, span @ None) => {
                let newest = rows.first().map_or(0, |row| row.id);
                let oldest = rows.last().map(|row| row.id);
                let upto = newest.max(self.told_before);
                *span = Some(Span { upto, oldest, is_whole: rows.len() < FIRST });
                Some(Came::First(rows.clone()))
            }
            (JournalPlace::Before(id), Some(span)) if span.oldest == Some(id) => {
                span.oldest = rows.last().map(|row| row.id).or(span.oldest);
                span.is_whole = rows.len() < TOGETHER;
                Some(Came::Older(rows.clone()))
            }
            (JournalPlace::After(id), Some(span)) if span.upto == id => {
                let newest = rows.last().map_or(id, |row| row.id);
                // A full answer may end before what one was told of; there is more to ask for then.
                span.upto = if rows.len() < TOGETHER { newest.max(self.told_before) } else { newest };
                span.oldest = span.oldest.or(rows.first().map(|row| row.id));
                Some(Came::Newer(rows.clone()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::pages::{JournalLine, Side};
    use std::time::Duration;

    fn row(id: i64) -> JournalRow {
        let line = JournalLine {
            at: jiff::Timestamp::UNIX_EPOCH,
            run: None,
            cohort: None,
            side: Side::Mparticle,
            what: "batches".to_owned(),
            first_position: None,
            users: 1,
            accepted: None,
            bytes: 1,
            status: None,
            elapsed: Duration::ZERO,
            attempt: 1,
        };
        JournalRow { id, line, said: String::new() }
    }

    /// What a journal with the entries from one number to another answers.
    fn answer(question: &Question, oldest: i64, newest: i64) -> Answer {
        let Question::Journal { place, limit, .. } = question else { panic!("{question:?}") };
        let all = oldest..=newest;
        let rows: Vec<_> = match *place {
            JournalPlace::Newest => all.rev().take(*limit).map(row).collect(),
            JournalPlace::Before(id) => all.rev().filter(|at| *at < id).take(*limit).map(row).collect(),
            JournalPlace::After(id) => all.filter(|at| *at > id).take(*limit).map(row).collect(),
        };
        Answer::Journal(rows)
    }

    /// Asks for everything that is wanted until nothing is; returns the numbers in the order in which they came.
    fn read(reading: &mut Reading, oldest: i64, newest: i64) -> Vec<i64> {
        let mut numbers = Vec::new();
        while let Some(question) = reading.wants().into_iter().next() {
            reading.asked(&question);
            let answer = Ok(answer(&question, oldest, newest));
            numbers.extend(reading.take(&question, &answer).unwrap().rows().iter().map(|row| row.id));
        }
        numbers
    }

    #[test]
    fn everything_is_read_once_and_then_only_what_came_since() {
        let mut reading = Reading::default();
        reading.tell(9_000);
        let mut numbers = read(&mut reading, 1, 9_000);
        assert_eq!(numbers[0], 9_000, "the newest first");
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=9_000).collect::<Vec<_>>());
        reading.tell(9_003);
        assert_eq!(read(&mut reading, 1, 9_003), [9_001, 9_002, 9_003]);
        assert!(reading.wants().is_empty());
    }

    #[test]
    fn what_came_while_nobody_looked_is_caught_up_with_or_left_out() {
        let mut reading = Reading::default();
        reading.tell(100);
        read(&mut reading, 1, 100);
        reading.tell(10_100);
        assert_eq!(read(&mut reading, 1, 10_100).len(), 10_000);
        reading.tell(90_000);
        assert!(!reading.has_begun(), "nothing of what is at hand is left");
        assert_eq!(read(&mut reading, 80_001, 90_000).len(), 10_000);
    }

    #[test]
    fn an_empty_journal_is_read_once_and_so_is_one_without_entries_of_the_run() {
        let mut reading = Reading::of(Some(RunId(7)));
        assert!(read(&mut reading, 1, 0).is_empty());
        reading.tell(5);
        assert_eq!(reading.wants().len(), 1);
        let question = reading.wants().remove(0);
        reading.asked(&question);
        reading.take(&question, &Ok(Answer::Journal(Vec::new())));
        assert!(reading.wants().is_empty(), "what others asked is no news of this run");
        reading.tell(6);
        assert_eq!(read(&mut reading, 6, 6), [6]);
    }

    #[test]
    fn what_comes_while_a_question_is_on_its_way_is_asked_for_afterwards() {
        let mut reading = Reading::default();
        reading.tell(5);
        let question = reading.wants().remove(0);
        reading.asked(&question);
        reading.tell(6);
        reading.take(&question, &Ok(answer(&question, 1, 5)));
        assert_eq!(read(&mut reading, 1, 6), [6]);
        let stale = Question::Journal { run: None, place: JournalPlace::After(2), limit: TOGETHER };
        assert_eq!(reading.take(&stale, &Ok(answer(&stale, 1, 6))), None);
    }

    #[test]
    fn an_error_is_not_asked_for_again_until_there_is_news() {
        let mut reading = Reading::default();
        let question = reading.wants().remove(0);
        reading.take(&question, &Err("the disk is gone".to_owned()));
        assert_eq!((reading.error(), reading.wants().len()), (Some("the disk is gone"), 0));
        reading.tell(1);
        assert_eq!((reading.error(), reading.wants().len()), (None, 1));
    }
}
