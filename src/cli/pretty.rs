//! JSON set out over lines for people, every number and every key just as it came: ids are longer than what passes
//! through a float, and order tells which program wrote it.

use serde::de::IgnoredAny;

const INDENT: &str = "  ";

/// The text over several lines; `None` when it is no JSON.
pub(super) fn pretty(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut shown = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut letters = text.trim().chars().filter(|c| !c.is_control()).peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            shown.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            ' ' => {}
            '"' => {
                in_string = true;
                shown.push(letter);
            }
            '{' | '[' => {
                shown.push(letter);
                while letters.next_if_eq(&' ').is_some() {}
                if letters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    shown.extend(letters.next());
                } else {
                    depth += 1;
                    new_line(&mut shown, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut shown, depth);
                shown.push(letter);
            }
            ',' => {
                shown.push(letter);
                new_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            other => shown.push(other),
        }
    }
    Some(shown)
}

fn new_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.push_str(&INDENT.repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn numbers_and_order_stay_as_they_came() {
        let text = r#"[{"mpid":-8553083063767933171,"b": 1.50, "a":{},"c":[ ],"d":"x, {\"y\"}: z"},9]"#;
        let expected = "[\n  {\n    \"mpid\": -8553083063767933171,\n    \"b\": 1.50,\n    \"a\": {},\n    \"c\": [],\n    \
                        \"d\": \"x, {\\\"y\\\"}: z\"\n  },\n  9\n]";
        assert_eq!(pretty(text).unwrap(), expected);
        assert_eq!(pretty("Bad gateway"), None);
        assert_eq!(pretty(""), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_back_as_the_same(value in json(), spaced in any::<bool>()) {
            let text = if spaced { format!("{value:#}") } else { value.to_string() };
            let shown = pretty(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = pretty(&text);
        }
    }
}
