//! The live filter of a list: fuzzy, several words in any order, `!word` for what must not be there. The same
//! matching ranks the entries of help and palette.

use super::text_input::TextInput;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A pattern with the memory the matcher works in.
pub struct Fuzzy {
    pattern: Pattern,
    matcher: Matcher,
    letters: Vec<char>,
}

impl Fuzzy {
    /// Reads a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self {
            pattern: Pattern::parse(pattern, CaseMatching::Ignore, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            letters: Vec::new(),
        }
    }

    /// How well a text matches; `None` when it does not.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, &mut self.letters), &mut self.matcher)
    }

    /// Which characters of a text match, in order; `None` when it does not match.
    pub fn matched(&mut self, text: &str) -> Option<Vec<u32>> {
        let mut indices = Vec::new();
        let text = Utf32Str::new(text, &mut self.letters);
        self.pattern.indices(text, &mut self.matcher, &mut indices)?;
        indices.sort_unstable();
        indices.dedup();
        Some(indices)
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The pattern as it is typed.
    pub input: TextInput,
    /// Whether keys go into the pattern.
    pub editing: bool,
}

impl Filter {
    /// Whether anything is filtered out.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.input.value().trim().is_empty()
    }

    /// The pattern, ready to match.
    #[must_use]
    pub fn fuzzy(&self) -> Option<Fuzzy> {
        self.is_active().then(|| Fuzzy::new(self.input.value()))
    }

    /// Shows everything again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclamation_mark_inverts() {
        assert!(Fuzzy::new("!eu").score("Win-back EU").is_none());
        assert!(Fuzzy::new("!eu").score("Power users").is_some());
        assert!(Fuzzy::new("chrsk").score("Churn risk").is_some());
        assert!(Fuzzy::new("risk !churn").score("Churn risk").is_none());
    }

    #[test]
    fn matched_letters_are_told() {
        assert_eq!(Fuzzy::new("ch").matched("Churn"), Some(vec![0, 1]));
        assert_eq!(Fuzzy::new("zz").matched("Churn"), None);
    }
}
