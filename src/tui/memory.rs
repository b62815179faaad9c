//! What the console remembers from one start to the next, as one line of JSON that others keep. Whatever cannot
//! be read there, or is unknown by now, is left out: a console must open whatever an older or a newer one wrote.
//! Which of it holds at a start is decided in `app::recall`.

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

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

/// How a list was left; columns by their headings, which outlive another order of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// The column it is sorted by.
    pub sort: Option<String>,
    /// Whether that order is turned round.
    pub inverted: bool,
    /// The columns that are hidden.
    pub hidden: Vec<String>,
    /// What it is narrowed to.
    pub filter: String,
}

/// Everything that is remembered; what nobody chose is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The open screen, by the action that opens it.
    pub screen: Option<String>,
    /// How the lists of the screens were left, by the action that opens the screen.
    pub lists: BTreeMap<String, List>,
    /// The theme.
    pub theme: Option<Choice>,
    /// Whether the mouse is listened to: on or off.
    pub mouse: Option<Choice>,
    /// What was ticked off on the Setup screen, and on which day.
    pub ticks: BTreeMap<String, String>,
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
            lists: kept["lists"].as_object().into_iter().flatten().map(read_list).collect(),
            theme: choice(&kept["theme"]),
            mouse: choice(&kept["mouse"]),
            ticks: kept["ticks"].as_object().into_iter().flatten().filter_map(read_tick).collect(),
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
            "lists": self.lists.iter().map(|(name, list)| (name.clone(), written(list))).collect::<Map<_, _>>(),
            "theme": choice(&self.theme),
            "mouse": choice(&self.mouse),
            "ticks": self.ticks,
        })
        .to_string()
    }
}

/// A tick whose day is one.
fn read_tick((need, day): (&String, &Value)) -> Option<(String, String)> {
    let day: Date = day.as_str()?.parse().ok()?;
    Some((need.clone(), day.to_string()))
}

fn read_list((name, kept): (&String, &Value)) -> (String, List) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = List {
        sort: text(&kept["sort"]),
        inverted: kept["inverted"].as_bool().unwrap_or_default(),
        hidden: kept["hidden"].as_array().into_iter().flatten().filter_map(text).collect(),
        filter: text(&kept["filter"])
            .filter(|filter| filter.chars().count() <= LONGEST_FILTER)
            .unwrap_or_default(),
    };
    (name.clone(), list)
}

fn written(list: &List) -> Value {
    json!({ "sort": list.sort, "inverted": list.inverted, "hidden": list.hidden, "filter": list.filter })
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
            lists: BTreeMap::from([(
                "screen.runs".to_owned(),
                List {
                    sort: Some("users".to_owned()),
                    inverted: true,
                    hidden: vec!["Next".to_owned()],
                    filter: "!churn \"x\"".to_owned(),
                },
            )]),
            theme: choice("mono", "dark"),
            mouse: choice("off", "on"),
            ticks: BTreeMap::from([("A need".to_owned(), "2026-01-31".to_owned())]),
        };
        assert_eq!(Memory::read(&memory.write()), memory);
        assert_eq!(Memory::read(&Memory::default().write()), Memory::default());
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_the_rest_stays() {
        let kept = r#"{"screen":7,"lists":{"a":{"sort":"users","inverted":"yes","hidden":[1,"Next"]},"b":3},
            "theme":{"chosen":"mono"},"ticks":{"a":"yesterday","b":1},"more":[1]}"#;
        let list =
            List { sort: Some("users".to_owned()), hidden: vec!["Next".to_owned()], ..List::default() };
        let lists = BTreeMap::from([("a".to_owned(), list), ("b".to_owned(), List::default())]);
        assert_eq!(Memory::read(kept), Memory { lists, ..Memory::default() });
        let long = format!(r#"{{"lists":{{"a":{{"filter":"{}"}}}}}}"#, "x".repeat(1_000));
        assert_eq!(Memory::read(&long).lists["a"], List::default());
    }

    proptest! {
        #[test]
        fn anything_can_be_read(kept in ".*") {
            let _ = Memory::read(&kept);
        }
    }
}
