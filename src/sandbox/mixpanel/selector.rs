//! Choosing people within a query: by `distinct_id`, or by an expression in `where`. Owns the part of the expression
//! language that looking somebody up needs: properties that equal a text or a whole number, joined by `and` and `or`.
//! Whatever else is asked is refused rather than answered wrongly; where the people are is left to the world.
//!
//! Only profiles are looked through, as the documentation speaks of profiles; a member without one is found by reading
//! the whole cohort. Numbers are compared as the doubles that JSON numbers are.

use std::borrow::Cow;

use serde_json::Value;

use super::super::world::PersonSeed;

/// Whom a query is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// The one with this id.
    DistinctId(String),
    /// Those for whom this is true.
    Where(Expression),
}

/// An expression that is true or false of a profile.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Equals { property: String, value: Value },
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

impl Filter {
    pub(super) fn accepts(&self, person: &PersonSeed) -> bool {
        if person.properties.is_none() {
            return false;
        }
        match self {
            Self::DistinctId(id) => as_text(&person.distinct_id) == id.as_str(),
            Self::Where(expression) => expression.holds(person),
        }
    }

    /// Values of which everybody who is accepted bears one as an id; `None` when there is no telling.
    pub(super) fn ids(&self) -> Option<Vec<String>> {
        match self {
            Self::DistinctId(id) => Some(vec![id.clone()]),
            Self::Where(expression) => expression.ids(),
        }
    }
}

impl Expression {
    fn holds(&self, person: &PersonSeed) -> bool {
        match self {
            Self::Equals { property, value } => {
                let held = match property.as_str() {
                    "$distinct_id" => Some(&person.distinct_id),
                    name => person.properties.as_ref().and_then(|properties| properties.get(name)),
                };
                held.is_some_and(|held| equal(held, value))
            }
            Self::And(one, other) => one.holds(person) && other.holds(person),
            Self::Or(one, other) => one.holds(person) || other.holds(person),
        }
    }

    fn ids(&self) -> Option<Vec<String>> {
        match self {
            Self::Equals { property, value } => {
                let is_id = matches!(property.as_str(), "$distinct_id" | "$mparticle_user_id");
                is_id.then(|| vec![as_text(value).into_owned()])
            }
            Self::And(one, other) => one.ids().or_else(|| other.ids()),
            Self::Or(one, other) => {
                let mut ids = one.ids()?;
                ids.append(&mut other.ids()?);
                Some(ids)
            }
        }
    }

    /// Reads an expression; `None` when it is not one, or one that is not served.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut rest = text;
        let expression = alternatives(&mut rest)?;
        rest.trim().is_empty().then_some(expression)
    }
}

/// An id as text, whichever type it has.
fn as_text(id: &Value) -> Cow<'_, str> {
    id.as_str().map_or_else(|| Cow::Owned(id.to_string()), Cow::Borrowed)
}

/// Values of different types are never equal.
fn equal(held: &Value, wanted: &Value) -> bool {
    match (held, wanted) {
        (Value::Number(held), Value::Number(wanted)) => {
            held.as_f64().map(f64::to_bits) == wanted.as_f64().map(f64::to_bits)
        }
        (held, wanted) => held == wanted,
    }
}

fn alternatives(rest: &mut &str) -> Option<Expression> {
    let mut expression = conditions(rest)?;
    while take(rest, "or ") {
        expression = Expression::Or(Box::new(expression), Box::new(conditions(rest)?));
    }
    Some(expression)
}

fn conditions(rest: &mut &str) -> Option<Expression> {
    let mut expression = condition(rest)?;
    while take(rest, "and ") {
        expression = Expression::And(Box::new(expression), Box::new(condition(rest)?));
    }
    Some(expression)
}

fn condition(rest: &mut &str) -> Option<Expression> {
    if take(rest, "(") {
        let expression = alternatives(rest)?;
        return take(rest, ")").then_some(expression);
    }
    if !take(rest, "properties[") {
        return None;
    }
    let property = text(rest)?;
    if !take(rest, "]") || !take(rest, "==") {
        return None;
    }
    *rest = rest.trim_start();
    let value = if rest.starts_with('"') { Value::from(text(rest)?) } else { Value::from(number(rest)?) };
    Some(Expression::Equals { property, value })
}

fn take(rest: &mut &str, word: &str) -> bool {
    match rest.trim_start().strip_prefix(word) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

/// A text in quotation marks; a backslash takes the next character as it is.
fn text(rest: &mut &str) -> Option<String> {
    let inside = rest.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = inside.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                *rest = &inside[place + 1..];
                return Some(text);
            }
            '\\' => text.push(characters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

fn number(rest: &mut &str) -> Option<i64> {
    let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..end].parse().ok()?;
    *rest = &rest[end..];
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepts(expression: &str, person: &PersonSeed) -> bool {
        Filter::Where(Expression::read(expression).unwrap()).accepts(person)
    }

    #[test]
    fn values_of_different_types_are_not_equal() {
        let (text, number) = (PersonSeed::matched("a", 7), PersonSeed::matched_number("a", 7));
        let (as_text, as_number) =
            (r#"properties["$mparticle_user_id"] == "7""#, r#"properties["$mparticle_user_id"] == 7"#);
        assert_eq!((accepts(as_text, &text), accepts(as_number, &text)), (true, false));
        assert_eq!((accepts(as_text, &number), accepts(as_number, &number)), (false, true));
        let either = format!("{as_text} or ({as_number} and properties[\"$distinct_id\"] == \"a\")");
        assert!(accepts(&either, &text) && accepts(&either, &number));
    }

    #[test]
    fn numbers_are_doubles() {
        let person = PersonSeed::matched_number("a", 8_553_083_063_767_933_171);
        assert!(accepts(r#"properties["$mparticle_user_id"] == 8553083063767933000"#, &person));
    }

    #[test]
    fn text_may_hold_what_ends_it() {
        let person = PersonSeed::unmatched("a\"b\\c or d");
        assert!(accepts(r#"properties["$distinct_id"] == "a\"b\\c or d""#, &person));
    }

    #[test]
    fn whoever_has_no_profile_is_not_found() {
        let filter = Filter::DistinctId("$device:1".to_owned());
        assert!(!filter.accepts(&PersonSeed::without_profile("$device:1")));
        assert!(filter.accepts(&PersonSeed::unmatched("$device:1")));
        assert!(Filter::DistinctId("12".to_owned()).accepts(&PersonSeed::unmatched(12)));
    }

    #[test]
    fn what_is_not_served_is_not_read() {
        for expression in [
            "",
            "defined(properties[\"a\"])",
            "properties[\"a\"] > 5",
            "properties[\"a\"] == \"b",
            "properties[\"a\"] == 5 or",
            "user[\"a\"] == 5",
        ] {
            assert_eq!(Expression::read(expression), None, "{expression}");
        }
        assert_eq!(
            Expression::read(" ( properties[\"a\"]==5 )").unwrap(),
            Expression::Equals { property: "a".to_owned(), value: json!(5) }
        );
    }
}
