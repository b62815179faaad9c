//! What the console remembers from one start to the next, as one line of JSON that others keep. Whatever cannot
//! be read there, or is unknown by now, is left out: a console must open whatever an older or a newer one wrote.
//! Which of it holds at a start is decided in `app::recall`.

use serde_json::{Value, json};

/// The name under which it is kept.
pub const KEY: &str = "console";

/// The longest filter that is taken up again; nobody types more by hand.
const LONGEST_FILTER: usize = 200;

/// A choice that was made in the console over what was configured. It holds as long as the configuration still
/// says the same; once that was changed, the change is the newer word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What was chosen.
    pub chosen: String,
    /// What was configured then.
    pub instead_of: String,
}

/// Everything that is remembered; what nobody chose is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The open screen, by the action that opens it.
    pub screen: Option<String>,
    /// The column that the list of cohorts is sorted by, by its heading.
    pub sort: Option<String>,
    /// Whether that order is turned round.
    pub inverted: bool,
    /// The filter of the list of cohorts.
    pub filter: String,
    /// The theme.
    pub theme: Option<Choice>,
    /// Whether the mouse is listened to: on or off.
    pub mouse: Option<Choice>,
}

impl Memory {
    /// Reads what was kept.
    #[must_use]
    pub fn read(kept: &str) -> Self {
        let kept: Value = serde_json::from_str(kept).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let choice = |value: &Value| {
            Some(Choice { chosen: text(&value["chosen"])?, instead_of: text(&value["instead_of"])? })
        };
        Self {
            screen: text(&kept["screen"]),
            sort: text(&kept["sort"]),
            inverted: kept["inverted"].as_bool().unwrap_or_default(),
            filter: text(&kept["filter"])
                .filter(|filter| filter.chars().count() <= LONGEST_FILTER)
                .unwrap_or_default(),
            theme: choice(&kept["theme"]),
            mouse: choice(&kept["mouse"]),
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> String {
        let choice = |choice: &Option<Choice>| {
            choice.as_ref().map(|choice| json!({ "chosen": choice.chosen, "instead_of": choice.instead_of }))
        };
        json!({
            "screen": self.screen,
            "sort": self.sort,
            "inverted": self.inverted,
            "filter": self.filter,
            "theme": choice(&self.theme),
            "mouse": choice(&self.mouse),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_kept_comes_back() {
        let choice = |chosen: &str, instead_of: &str| {
            Some(Choice { chosen: chosen.to_owned(), instead_of: instead_of.to_owned() })
        };
        let memory = Memory {
            screen: Some("screen.log".to_owned()),
            sort: Some("users".to_owned()),
            inverted: true,
            filter: "!churn \"x\"".to_owned(),
            theme: choice("mono", "dark"),
            mouse: choice("off", "on"),
        };
        assert_eq!(Memory::read(&memory.write()), memory);
        assert_eq!(Memory::read(&Memory::default().write()), Memory::default());
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_the_rest_stays() {
        let kept = r#"{"screen":7,"sort":"users","inverted":"yes","theme":{"chosen":"mono"},"more":[1]}"#;
        assert_eq!(Memory::read(kept), Memory { sort: Some("users".to_owned()), ..Memory::default() });
        let long = format!(r#"{{"filter":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(Memory::read(&long), Memory::default());
    }

    proptest! {
        #[test]
        fn anything_can_be_read(kept in ".*") {
            let _ = Memory::read(&kept);
        }
    }
}
