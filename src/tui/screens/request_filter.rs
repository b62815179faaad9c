//! What a filter of requests means: words such as `status:429`, `side:mixpanel` and `cohort:churn`, each of which must
//! hold (or must not, with `!` in front), and whatever else is typed, matched like everywhere.

use super::request_columns::{RequestRow, is_success, status};
use crate::sync::pages::JournalLine;
use crate::tui::widgets::filter::Fuzzy;

/// What can be typed, for whoever types.
pub const WORDS: &str = "status:429 · side:mixpanel · cohort:NAME";

/// What must hold of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// The status begins with these digits; `4xx` is every one of the four hundreds.
    Status(String),
    /// There was no answer.
    Unanswered,
    /// It did not go well: another status than 2xx, or none.
    Failed,
    /// The service's name begins so.
    Side(String),
    /// The cohort's name contains this, in lower case.
    Cohort(String),
    /// Such a status or side there is not.
    Never,
}

/// A filter, ready to be asked about many requests.
#[derive(Default)]
pub struct Sieve {
    /// Conditions, and whether each is to hold.
    conditions: Vec<(Condition, bool)>,
    rest: Option<Fuzzy>,
}

impl Sieve {
    /// Reads a filter.
    #[must_use]
    pub fn of(pattern: &str) -> Self {
        let mut conditions = Vec::new();
        let mut rest = Vec::new();
        for word in pattern.split_whitespace() {
            let (asked, holds) = match word.strip_prefix('!') {
                Some(asked) => (asked, false),
                None => (word, true),
            };
            match meaning(asked) {
                Meaning::Condition(condition) => conditions.push((condition, holds)),
                Meaning::Unfinished => {}
                Meaning::Letters => rest.push(word),
            }
        }
        Self { conditions, rest: (!rest.is_empty()).then(|| Fuzzy::new(&rest.join(" "))) }
    }

    /// Whether a request passes.
    pub fn passes(&mut self, row: &RequestRow) -> bool {
        let line = &row.row.line;
        let all_hold =
            self.conditions.iter().all(|(condition, holds)| condition.is_met(line, &row.cohort) == *holds);
        all_hold && self.rest.as_mut().is_none_or(|fuzzy| fuzzy.score(&words(row)).is_some())
    }
}

/// What a word of a filter means.
enum Meaning {
    Condition(Condition),
    /// The name of a condition whose value is not typed yet.
    Unfinished,
    /// A word like any other.
    Letters,
}

fn meaning(word: &str) -> Meaning {
    let Some((name, value)) = word.split_once(':') else { return Meaning::Letters };
    let value = value.to_lowercase();
    let condition = match name.to_lowercase().as_str() {
        "status" => status_condition(&value),
        "side" if ["mixpanel", "mparticle"].iter().any(|side| side.starts_with(&value)) => {
            Condition::Side(value.clone())
        }
        "side" => Condition::Never,
        "cohort" => Condition::Cohort(value.clone()),
        _ => return Meaning::Letters,
    };
    if value.is_empty() { Meaning::Unfinished } else { Meaning::Condition(condition) }
}

fn status_condition(value: &str) -> Condition {
    let digits = value.trim_end_matches('x');
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Condition::Status(digits.to_owned())
    } else if "none".starts_with(value) {
        Condition::Unanswered
    } else if "failed".starts_with(value) {
        Condition::Failed
    } else {
        Condition::Never
    }
}

impl Condition {
    fn is_met(&self, line: &JournalLine, cohort: &str) -> bool {
        match self {
            Self::Status(digits) => line.status.is_some() && status(line).starts_with(digits.as_str()),
            Self::Unanswered => line.status.is_none(),
            Self::Failed => !is_success(line),
            Self::Side(side) => line.side.token().starts_with(side.as_str()),
            Self::Cohort(name) => line.cohort.is_some() && cohort.to_lowercase().contains(name.as_str()),
            Self::Never => false,
        }
    }
}

/// What letters are looked for in.
fn words(row: &RequestRow) -> String {
    let line = &row.row.line;
    format!("{} {} {} {}", row.cohort, line.side.token(), line.what, status(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CohortId;
    use crate::sync::pages::{JournalRow, Side};
    use proptest::prelude::*;
    use std::time::Duration;

    fn row(side: Side, status: Option<u16>, cohort: &str) -> RequestRow {
        let line = JournalLine {
            at: jiff::Timestamp::UNIX_EPOCH,
            run: None,
            cohort: Some(CohortId(1)),
            side,
            what: "batches".to_owned(),
            first_position: None,
            users: 1,
            accepted: None,
            bytes: 1,
            status,
            elapsed: Duration::ZERO,
            attempt: 1,
        };
        RequestRow { row: JournalRow { id: 1, line, said: String::new() }, cohort: cohort.into() }
    }

    fn passing(pattern: &str) -> Vec<usize> {
        let rows = [
            row(Side::Mparticle, Some(202), "Churn risk"),
            row(Side::Mparticle, Some(429), "Churn risk"),
            row(Side::Mparticle, None, "Power users"),
            row(Side::Mixpanel, Some(404), "Power users"),
        ];
        let mut sieve = Sieve::of(pattern);
        (0..rows.len()).filter(|index| sieve.passes(&rows[*index])).collect()
    }

    #[test]
    fn words_narrow_by_status_side_and_cohort() {
        assert_eq!(passing("status:429"), [1]);
        assert_eq!(passing("status:4xx"), [1, 3]);
        assert_eq!(passing("status:none"), [2]);
        assert_eq!(passing("status:failed"), [1, 2, 3]);
        assert_eq!(passing("!status:2xx !status:none"), [1, 3]);
        assert_eq!(passing("side:mixpanel"), [3]);
        assert_eq!(passing("side:mparticle cohort:POWER"), [2]);
        assert_eq!(passing("Side:mp status:202"), [0]);
        assert_eq!(passing("churn !429"), [0]);
        assert_eq!(passing("!side:mparticle power"), [3]);
    }

    #[test]
    fn a_word_that_is_still_being_typed_hides_nothing_and_nonsense_finds_nothing() {
        for typed in ["", "status:", "side: !cohort:", "st", "status:2 status:20"] {
            assert!(passing(typed).contains(&0), "{typed}");
        }
        assert!(passing("status:teapot").is_empty());
        assert!(passing("side:segment").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter(pattern in any::<String>()) {
            Sieve::of(&pattern).passes(&row(Side::Mixpanel, Some(200), "日本の"));
        }

        #[test]
        fn what_is_inverted_lets_through_what_was_hidden(value in "[a-z0-9]{1,4}", name in "status|side|cohort") {
            let (is, is_not) = (passing(&format!("{name}:{value}")), passing(&format!("!{name}:{value}")));
            prop_assert_eq!(is.len() + is_not.len(), 4);
        }
    }
}
