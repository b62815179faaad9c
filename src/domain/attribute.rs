//! A user attribute as mParticle holds it, and whether it reads as true or false. The types of what is read back
//! are not those of what was sent: the published samples show every value as a text, numbers and booleans included.

use std::fmt;

/// The value of an attribute, in the characters that were sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// A tag: the attribute is there and has no value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, digit for digit.
    Number(Box<str>),
    /// A text.
    Text(Box<str>),
    /// A list or anything else, as written.
    Other(Box<str>),
}

impl AttributeValue {
    /// Whether it reads as true or as false; `None` when it reads as neither.
    ///
    /// Compared as loosely as mParticle itself does: `true`, `"True"`, `1` and `"1"` are one value, because its
    /// features convert texts of booleans and numbers as they see fit (mParticle reference, Attribute rules).
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Number(text) | Self::Text(text) => truth_of(text.trim()),
            Self::Null | Self::Other(_) => None,
        }
    }
}

fn truth_of(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Some(false);
    }
    let number: f64 = text.parse().ok()?;
    if number.total_cmp(&1.0).is_eq() {
        Some(true)
    } else if number.abs().total_cmp(&0.0).is_eq() {
        Some(false)
    } else {
        None
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(text) | Self::Other(text) => f.write_str(text),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> AttributeValue {
        AttributeValue::Text(text.into())
    }

    fn number(text: &str) -> AttributeValue {
        AttributeValue::Number(text.into())
    }

    #[test]
    fn one_value_has_many_spellings() {
        let yes =
            [AttributeValue::Bool(true), text("true"), text(" True "), text("1"), number("1"), number("1.0")];
        assert!(yes.iter().all(|value| value.truth() == Some(true)), "{yes:?}");
        let no =
            [AttributeValue::Bool(false), text("FALSE"), text("0"), number("0"), number("0.0"), number("-0")];
        assert!(no.iter().all(|value| value.truth() == Some(false)), "{no:?}");
    }

    #[test]
    fn what_is_neither_is_not_guessed_at() {
        let neither = [
            AttributeValue::Null,
            text(""),
            text("yes"),
            text("truely"),
            number("2"),
            text("NaN"),
            text("inf"),
            AttributeValue::Other("[true]".into()),
        ];
        assert!(neither.iter().all(|value| value.truth().is_none()), "{neither:?}");
    }

    proptest! {
        #[test]
        fn no_text_panics(any in "\\PC{0,12}") {
            let _ = (text(&any).truth(), number(&any).truth(), text(&any).to_string());
        }
    }
}
