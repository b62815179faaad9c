//! Taking people out of texts: every id that is known here, however it is spelled, and whatever has the shape of an id,
//! becomes a word that is the same wherever that id stood. The words are made with a key that is chosen for one bundle
//! and kept nowhere, so nobody can find out by trying whose they are, and two bundles cannot be laid side by side.

use super::shapes::{self, Shape};
use super::spelling::{plainly, spellings};
use aho_corasick::{AhoCorasick, Input, MatchKind};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;

/// What every such word begins with.
pub(super) const SIGN: &str = "id~";

/// Letters of a word behind its sign; each holds four bits.
const LETTERS: usize = 16;

/// An id that is shorter is taken out as a word of its own only, and a number that is shorter only in quotes: texts are
/// full of such numbers that are nobody's.
const SHORT: usize = 5;

/// The key of one bundle.
pub(super) struct Pseudonyms(hmac::Key);

impl Pseudonyms {
    /// Chooses a key.
    ///
    /// # Errors
    /// The system gives no randomness; no bundle must be made then.
    pub(super) fn choose() -> Result<Self, &'static str> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| "the system gives no randomness to hide ids with")?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The word for an id: letters only, so that it has the shape of no id itself.
    pub(super) fn of(&self, id: &str) -> String {
        let tag = hmac::sign(&self.0, id.as_bytes());
        let halves = tag.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let letters = halves.take(LETTERS).map(|half| char::from(b'a' + half));
        SIGN.chars().chain(letters).collect()
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

/// What occurs in some texts, to tell of most ids that they do not without searching for each of them.
#[derive(Default)]
pub(super) struct Occurring {
    /// Every piece of up to [`SHORT`] bytes, with its length.
    pieces: HashSet<u64>,
}

impl Occurring {
    /// Takes a text in.
    pub(super) fn note(&mut self, text: &str) {
        let text = plainly(text).to_ascii_lowercase();
        for length in 1..=SHORT {
            self.pieces.extend(text.as_bytes().windows(length).map(packed));
        }
    }

    /// Whether a text may be in one of them.
    fn may_hold(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let length = text.len().clamp(1, SHORT);
        text.as_bytes().windows(length).all(|piece| self.pieces.contains(&packed(piece)))
    }
}

/// A piece of a text and its length as one number.
fn packed(piece: &[u8]) -> u64 {
    piece.iter().fold(piece.len() as u64, |number, byte| number << 8 | u64::from(*byte))
}

/// Gathers the ids that may occur.
pub(super) struct Gathering {
    occurring: Occurring,
    /// Each spelling that may occur, with the id it stands for.
    found: BTreeMap<String, String>,
}

impl Gathering {
    /// Gathers ids for some texts.
    pub(super) fn new(occurring: Occurring) -> Self {
        Self { occurring, found: BTreeMap::new() }
    }

    /// Takes an id that is known; most of a cohort's occur nowhere, and nothing is kept of them.
    pub(super) fn take(&mut self, id: &str) {
        if id.is_empty() {
            return;
        }
        for spelling in spellings(id) {
            if self.occurring.may_hold(&spelling) {
                self.found.entry(spelling.to_ascii_lowercase()).or_insert_with(|| id.to_owned());
            }
        }
    }

    /// What takes them out.
    ///
    /// # Errors
    /// They are too many to search for at once.
    pub(super) fn finish(self, pseudonyms: Pseudonyms) -> Result<Concealer, String> {
        let known = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(self.found.keys())
            .map_err(|error| format!("the ids cannot be searched for: {error}"))?;
        Ok(Concealer { known, ids: self.found.into_values().collect(), pseudonyms })
    }
}

/// Takes people out of texts.
pub(super) struct Concealer {
    known: AhoCorasick,
    /// The id that each spelling searched for stands for.
    ids: Vec<String>,
    pseudonyms: Pseudonyms,
}

/// A piece of a text: as it came, or a word in place of an id.
enum Part<'t> {
    Plain(&'t str),
    Hidden(String),
}

impl Concealer {
    /// The text without people.
    pub(super) fn conceal(&self, text: &str) -> String {
        let text = shapes::without_halves(&plainly(text));
        let mut parts = vec![Part::Plain(text.as_str())];
        // Known ids first, for they are found whole, whatever stands in them.
        for step in [Self::of_known, Self::named, Self::of_shape] {
            parts = parts
                .into_iter()
                .flat_map(|part| match part {
                    Part::Plain(text) => step(self, text),
                    hidden @ Part::Hidden(_) => vec![hidden],
                })
                .collect();
        }
        let texts = parts.iter().map(|part| match part {
            Part::Plain(text) => *text,
            Part::Hidden(word) => word.as_str(),
        });
        texts.collect()
    }

    /// Values that stand behind the name of an identity.
    fn named<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        self.cut_out(text, shapes::named_values(text))
    }

    /// Ids that are known here.
    fn of_known<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let (mut shapes, mut from) = (Vec::new(), 0);
        while let Some(found) = self.known.find(Input::new(text).range(from..)) {
            let range = found.start()..found.end();
            if stands_alone(text, range.clone()) {
                from = range.end;
                shapes.push(Shape { range, id: self.ids[found.pattern().as_usize()].clone() });
            } else {
                // Another id may begin within what was none.
                from = range.start + text[range.start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        self.cut_out(text, shapes)
    }

    /// What looks like an id of people.
    fn of_shape<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        self.cut_out(text, shapes::shaped_like_ids(text))
    }

    fn cut_out<'t>(&self, text: &'t str, shapes: impl IntoIterator<Item = Shape>) -> Vec<Part<'t>> {
        let (mut parts, mut from) = (Vec::new(), 0);
        for Shape { range, id } in shapes {
            parts.push(Part::Plain(&text[from..range.start]));
            parts.push(Part::Hidden(self.pseudonyms.of(&id)));
            from = range.end;
        }
        parts.push(Part::Plain(&text[from..]));
        parts
    }
}

/// Whether what stands in a place can be an id there, and no part of something else.
fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let (before, id, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let (before, after) = (before.chars().next_back(), after.chars().next());
    let beside = |is: fn(char) -> bool| before.is_some_and(is) || after.is_some_and(is);
    let is_number = id.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, id.len() < SHORT) {
        (true, true) => {
            let is_quote = |c: char| "\"'“”‘’".contains(c);
            before.is_some_and(is_quote) && after.is_some_and(|c| is_quote(c) || c == '\\')
        }
        (true, false) => !beside(|c| c.is_ascii_digit()),
        (false, true) => !beside(char::is_alphanumeric),
        (false, false) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn concealer(known: &[&str], texts: &[&str]) -> Concealer {
        let mut occurring = Occurring::default();
        for text in texts {
            occurring.note(text);
        }
        let mut gathering = Gathering::new(occurring);
        for id in known {
            gathering.take(id);
        }
        gathering.finish(Pseudonyms::choose().unwrap()).unwrap()
    }

    fn concealed(known: &[&str], text: &str) -> String {
        concealer(known, &[text]).conceal(text)
    }

    #[test]
    fn an_id_becomes_the_same_word_wherever_it_stands() {
        let text = "no such user user-17, not user-1; USER-17 again";
        let concealer = concealer(&["user-17", "user-1x"], &[text]);
        let word = concealer.pseudonyms.of("user-17");
        assert!(word.starts_with(SIGN) && word.len() == SIGN.len() + LETTERS);
        assert_eq!(concealer.conceal(text), format!("no such user {word}, not user-1; {word} again"));
    }

    #[test]
    fn another_bundle_has_other_words() {
        let text = "user-17";
        assert_ne!(concealed(&[text], text), concealed(&[text], text));
    }

    #[test]
    fn an_id_is_found_however_it_is_spelled() {
        let id = "Anna \"A\" <b&c>/ü";
        for text in [
            id.to_owned(),
            serde_json::Value::from(id).to_string(),
            "Anna%20%22A%22%20%3Cb%26c%3E%2F%C3%BC".to_owned(),
            "Anna &quot;A&quot; &lt;b&amp;c>/&#xfc;".to_owned(),
            "Anna \"A\" <b&c>/\\u00fc".to_owned(),
            id.to_ascii_uppercase(),
        ] {
            let shown = concealed(&[id], &format!("a {text} b"));
            assert!(
                shown.starts_with("a ") && shown.contains(SIGN) && shown.ends_with(" b"),
                "{text}: {shown}"
            );
            assert!(!shown.to_lowercase().contains("anna"), "{shown}");
        }
    }

    #[test]
    fn numbers_are_whole_numbers_and_short_ones_need_a_name() {
        let known = ["12345", "7"];
        assert_eq!(concealed(&known, "9123456 of 7 users, 123456"), "9123456 of 7 users, 123456");
        let shown = concealed(&known, r#"{"mpid":7,"customer_id":"anna"} and 12345 users"#);
        assert_eq!(shown.matches(SIGN).count(), 3, "{shown}");
        assert!(!shown.contains("anna") && !shown.contains(":7"), "{shown}");
        let shown = concealed(&["12345", "345abc"], "912345abc");
        assert!(shown.starts_with("912id~"), "{shown}");
        let shown = concealed(&["7", "bob"], "user \"7\" or bob, 7 of bobs");
        assert!(shown.matches(SIGN).count() == 2 && shown.ends_with(", 7 of bobs"), "{shown}");
    }

    #[test]
    fn an_id_that_was_cut_leaves_no_half() {
        let shown = concealed(&["anna@example.com"], "mParticle answered “unknown user anna@exam…” twice");
        assert_eq!(shown, "mParticle answered “unknown user …” twice");
    }

    proptest! {
        #[test]
        fn no_known_id_is_left_in_any_text(
            ids in prop::collection::vec("[a-zA-Z0-9_.@é-]{5,14}", 1..5),
            words in prop::collection::vec(prop_oneof!["[ a-z,:\"]{0,6}", Just(String::new())], 6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 5),
        ) {
            let mut text = String::new();
            for (word, which) in words.iter().zip(&order) {
                text.push_str(word);
                text.push(' ');
                text.push_str(&ids[which.index(ids.len())]);
                text.push(' ');
            }
            let known: Vec<&str> = ids.iter().map(String::as_str).collect();
            let shown = concealed(&known, &text);
            for id in known {
                // A word that stands for an id may by chance hold one that is made of its letters.
                let after = shown.split(SIGN).skip(1).map(|part| &part[LETTERS..]);
                let plain: Vec<&str> = shown.split(SIGN).take(1).chain(after).collect();
                let plain = plain.join(" ");
                let is_number = id.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
                prop_assert!(is_number || !plain.contains(id), "{id} in {shown} of {text}");
            }
        }

        #[test]
        fn no_text_makes_it_panic(ids in prop::collection::vec(".{0,8}", 0..4), text in ".*") {
            let known: Vec<&str> = ids.iter().map(String::as_str).collect();
            let _ = concealed(&known, &text);
        }
    }
}
