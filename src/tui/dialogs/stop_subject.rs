//! What the stop dialog needs to know of a sync, and what somebody is asked to type before its attribute ends.

use crate::domain::CohortId;
use crate::sync::snapshot::CohortView;
use crate::tui::screens::cohort_attributes;
use crate::tui::text;

/// The longest name somebody is asked to type.
const LONGEST_WORD: usize = 40;

/// A sync that is to end.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its cohort.
    pub id: CohortId,
    /// The cohort's name.
    pub name: String,
    /// What it has set in mParticle and who holds it: its own attribute first, and those it left behind.
    pub attributes: Vec<(String, u64)>,
    /// Stopped or delivered already, so that only its attributes can still be ended.
    pub is_over: bool,
    /// Whether a run is at work or waits.
    pub is_running: bool,
    /// Whether its attribute is being ended already.
    pub is_cleaning: bool,
}

impl Subject {
    /// What the dialog needs to know of a cohort; `None` where there is nothing to end.
    #[must_use]
    pub fn of(view: &CohortView) -> Option<Self> {
        let sync = view.sync.as_ref()?;
        let is_over = cohort_attributes::is_over(view.status());
        let mut attributes = cohort_attributes::held(sync);
        if attributes.is_empty() {
            if is_over {
                return None;
            }
            // A run at work may have told somebody; the baseline only moves when it is settled.
            attributes.push((sync.attribute.clone(), 0));
        }
        Some(Self {
            id: view.cohort.id,
            name: text::clean(&view.cohort.name).trim().to_owned(),
            attributes,
            is_over,
            is_running: view.status().is_active(),
            is_cleaning: sync.clean_up.is_some(),
        })
    }

    /// Whether its run can end while the sync goes on.
    #[must_use]
    pub fn can_end_run(&self) -> bool {
        self.is_running && !self.is_cleaning
    }
}

/// What is to be typed, and what it is. A name that a keyboard may not have is not asked for.
#[must_use]
pub fn word_to_type(subjects: &[Subject]) -> (&'static str, String) {
    match subjects {
        [one] if is_typeable(&one.name) => ("the cohort’s name", one.name.clone()),
        [one] => ("the cohort’s number", one.id.to_string()),
        many => ("the number of cohorts", many.len().to_string()),
    }
}

/// Whether a name can be typed on a keyboard of its own language: letters and digits, and what every keyboard has.
fn is_typeable(name: &str) -> bool {
    let spaces = name.contains("  ") || name.trim() != name;
    let plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    !name.is_empty() && !spaces && text::width(name) <= LONGEST_WORD && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject {
            id: CohortId(7),
            name: name.to_owned(),
            attributes: Vec::new(),
            is_over: false,
            is_running: false,
            is_cleaning: false,
        }
    }

    #[test]
    fn a_name_no_keyboard_has_is_not_asked_for() {
        let word = |name: &str| word_to_type(&[subject(name)]).1;
        assert_eq!(word("Win-back EU (2026)"), "Win-back EU (2026)");
        assert_eq!(word("日本の週間アクティブ"), "日本の週間アクティブ");
        assert_eq!(word("👩‍🚀 Astronauts"), "7");
        assert_eq!(word("two  spaces"), "7");
        assert_eq!(word(&"long ".repeat(20)), "7");
        assert_eq!(word(""), "7");
    }

    #[test]
    fn several_are_counted() {
        assert_eq!(word_to_type(&[subject("A"), subject("B")]).1, "2");
    }
}
