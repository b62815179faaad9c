//! JSON as a person reads it: a line for each member, set in, what is small and flat on one line. It goes by the
//! letters alone and changes none of them but the spaces in between, so that numbers keep their digits and an answer
//! that was cut off in the middle reads as well as a whole one.

/// The longest object or list that stays on one line.
const FLAT: usize = 60;

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// How many levels it is set in.
    pub level: usize,
    /// The name of a member with its colon; empty where there is none.
    pub name: String,
    /// What stands behind the name.
    pub value: String,
    /// Where an entry of the outermost list begins: its place in the list, from 0, as errors count them.
    pub place: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open(char),
    Close(char),
    Comma,
    Colon,
    /// A text with its quotes, a number or a word.
    Value(&'t str),
}

/// The lines of a text that is JSON, or the beginning of such; `None` for anything else.
#[must_use]
pub fn lines(text: &str) -> Option<Vec<Line>> {
    text.trim_start().starts_with(['{', '[']).then(|| lay_out(&tokens(text)))
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '{' | '[' => (Token::Open(first), 1),
            '}' | ']' => (Token::Close(first), 1),
            ',' => (Token::Comma, 1),
            ':' => (Token::Colon, 1),
            _ => {
                let length = if first == '"' { length_of_text(rest) } else { length_of_word(rest) };
                (Token::Value(&rest[..length]), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// The bytes of a text with its quotes; of all that is left where the second one is missing.
fn length_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

fn length_of_word(rest: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || "{}[],:\"".contains(c);
    rest.find(ends).unwrap_or(rest.len())
}

fn lay_out(tokens: &[Token<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut places = 0..;
    let is_list = tokens.first() == Some(&Token::Open('['));
    let mut end_line = |line: &mut Line, level: usize| {
        let ended = std::mem::replace(line, Line { level, ..Line::default() });
        if !ended.name.is_empty() || !ended.value.is_empty() {
            lines.push(ended);
        }
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let level = line.level;
        let begins_entry = is_list && level == 1 && line.value.is_empty() && line.name.is_empty();
        if begins_entry && matches!(token, Token::Open(_) | Token::Value(_)) {
            line.place = places.next();
        }
        match *token {
            Token::Open(bracket) => {
                if let Some((flat, length)) = flat(&tokens[at - 1..]) {
                    line.value.push_str(&flat);
                    at += length - 1;
                } else {
                    line.value.push(bracket);
                    end_line(&mut line, level + 1);
                }
            }
            Token::Close(bracket) => {
                end_line(&mut line, level.saturating_sub(1));
                line.value.push(bracket);
            }
            Token::Comma => {
                line.value.push(',');
                end_line(&mut line, level);
            }
            Token::Colon => {
                line.name.push_str(&std::mem::take(&mut line.value));
                line.name.push_str(": ");
            }
            Token::Value(value) => {
                // Only what is no JSON has two values side by side; they must not grow together.
                if !line.value.is_empty() {
                    line.value.push(' ');
                }
                line.value.push_str(value);
            }
        }
    }
    end_line(&mut line, 0);
    lines
}

/// An object or list without another one in it, on one line, and how many tokens it takes; `None` when it is too long
/// for that, or has no end.
fn flat(tokens: &[Token<'_>]) -> Option<(String, usize)> {
    let mut flat = String::new();
    for (index, token) in tokens.iter().enumerate() {
        match *token {
            Token::Open(_) if index > 0 => return None,
            Token::Open(bracket) => flat.push(bracket),
            Token::Close(bracket) => {
                let is_spaced = bracket == '}' && index > 1;
                flat.push_str(if is_spaced { " " } else { "" });
                flat.push(bracket);
                return Some((flat, index + 1));
            }
            Token::Comma => flat.push(','),
            Token::Colon => flat.push_str(": "),
            Token::Value(value) => {
                flat.push_str(if flat.ends_with(['{', ',']) { " " } else { "" });
                flat.push_str(value);
            }
        }
        if flat.len() > FLAT {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn laid_out(text: &str) -> String {
        let lines = lines(text).unwrap();
        let line = |line: &Line| format!("{}{}{}\n", "  ".repeat(line.level), line.name, line.value);
        lines.iter().map(line).collect()
    }

    #[test]
    fn members_stand_under_each_other_and_small_objects_in_a_line() {
        let body =
            r#"[{"mpid":-5183712098411029934,"user_attributes":{"Churn risk":true},"ids":[1,2],"none":{}}]"#;
        assert_eq!(
            laid_out(body),
            "[\n  {\n    \"mpid\": -5183712098411029934,\n    \"user_attributes\": { \"Churn risk\": true },\n    \
             \"ids\": [1, 2],\n    \"none\": {}\n  }\n]\n"
        );
    }

    #[test]
    fn entries_of_a_list_are_counted_as_errors_count_them() {
        let places = |text: &str| -> Vec<(usize, String)> {
            let lines = lines(text).unwrap().into_iter();
            lines.filter_map(|line| Some((line.place?, line.value))).collect()
        };
        let long = format!("{{\"a\":\"{}\",\"b\":[1]}}", "x".repeat(FLAT));
        let of = |place, value: &str| (place, value.to_owned());
        assert_eq!(
            places(&format!("[{long},7,{{\"c\":1}}]")),
            [of(0, "{"), of(1, "7,"), of(2, "{ \"c\": 1 }")]
        );
        assert_eq!(places(r#"{"errors":[{"a":[]}]}"#), []);
    }

    #[test]
    fn what_was_cut_off_reads_as_far_as_it_goes() {
        assert_eq!(
            laid_out(r#"{"errors": [{"message": "The \"MPID\" is not of th…"#),
            "{\n  \"errors\": [\n    {\n      \"message\": \"The \\\"MPID\\\" is not of th…\n"
        );
        assert!(lines("<html>{}").is_none());
        assert!(lines("").is_none());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_but_spaces_is_changed(value in prop::collection::vec(any_json(), 0..4).prop_map(Value::from)) {
            let back: Value = serde_json::from_str(&laid_out(&value.to_string())).unwrap();
            prop_assert_eq!(back, value);
        }

        #[test]
        fn any_beginning_of_anything_is_kept(text in "[\\[{][\\[\\]{},:\"\\\\a1 é]{0,40}") {
            let without_spaces = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(without_spaces(&laid_out(&text)), without_spaces(&text));
        }
    }
}
