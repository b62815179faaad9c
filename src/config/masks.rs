//! Takes credentials out of text: the registry of everything that must never be shown, in every spelling
//! in which it could turn up (plain, percent-encoded, quoted, as a Basic header). Used for log lines,
//! journals and messages that come from outside.

use super::secrets::Secret;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands where a credential stood.
pub const MASK: &str = "•••";

/// Shorter texts are in every other word, so masking them would hide the log and no secret.
const SHORTEST: usize = 4;

/// The credentials to hide. Clones share one registry, so a credential that is learned later (a fresh
/// token, say) is hidden everywhere from then on.
#[derive(Clone, Default)]
pub struct Masks {
    patterns: Arc<RwLock<Vec<String>>>,
}

impl Masks {
    /// A registry that hides nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hides a credential from now on, in each of its spellings.
    pub fn add(&self, secret: &Secret) {
        let text = secret.expose();
        self.hide([
            text.to_owned(),
            percent_encoded(text),
            json_quoted(text),
            text.escape_debug().to_string(),
        ]);
    }

    /// Hides a user name and password as they travel in an `Authorization: Basic` header, and the password.
    pub fn add_basic(&self, user: &str, password: &Secret) {
        self.add(password);
        self.hide([base64(format!("{user}:{}", password.expose()).as_bytes())]);
    }

    /// The text with every known credential replaced by [`MASK`].
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        apply(&patterns, text)
    }

    /// Like [`Masks::mask`], but gives up instead of waiting: for a panic hook, where the thread that
    /// panicked may be the one that holds the lock.
    #[must_use]
    pub fn try_mask<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        self.patterns.try_read().ok().map(|patterns| apply(&patterns, text))
    }

    fn hide(&self, spellings: impl IntoIterator<Item = String>) {
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        patterns.extend(spellings.into_iter().filter(|spelling| spelling.len() >= SHORTEST));
        // The longest first, or a credential that contains another would be hidden only in part.
        patterns.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        patterns.dedup();
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(…)")
    }
}

fn apply<'a>(patterns: &[String], text: &'a str) -> Cow<'a, str> {
    patterns.iter().fold(Cow::Borrowed(text), |text, pattern| {
        if text.contains(pattern.as_str()) { Cow::Owned(text.replace(pattern, MASK)) } else { text }
    })
}

/// Every byte that is not unreserved in a URL as `%XX`.
fn percent_encoded(text: &str) -> String {
    use fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// As it stands inside a JSON string.
fn json_quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = if place <= chunk.len() { ALPHABET[group >> (18 - 6 * place) & 63] } else { b'=' };
            encoded.push(char::from(letter));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_test_vectors_of_the_rfc() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn every_spelling_of_a_credential_is_hidden() {
        let masks = Masks::new();
        masks.add_basic("user", &Secret::new("p\"ss w/rd"));
        for text in ["p\"ss w/rd", "p%22ss%20w%2Frd", "p\\\"ss w/rd", "dXNlcjpwInNzIHcvcmQ="] {
            assert_eq!(masks.mask(&format!("a {text} b")), "a ••• b", "{text}");
        }
    }

    #[test]
    fn text_without_credentials_is_not_copied() {
        let masks = Masks::new();
        masks.add(&Secret::new("s3cret"));
        assert!(matches!(masks.mask("nothing to see"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_credential_inside_another_leaves_no_rest() {
        let masks = Masks::new();
        masks.add(&Secret::new("token"));
        masks.add(&Secret::new("us1-token-abc"));
        assert_eq!(masks.mask("https://host/us1-token-abc"), "https://host/•••");
    }

    #[test]
    fn clones_learn_of_new_credentials() {
        let masks = Masks::new();
        let clone = masks.clone();
        masks.add(&Secret::new("s3cret"));
        assert_eq!(clone.mask("s3cret"), "•••");
    }

    #[test]
    fn short_and_empty_texts_do_not_garble_everything() {
        let masks = Masks::new();
        masks.add(&Secret::new(""));
        masks.add(&Secret::new("a"));
        assert_eq!(masks.mask("a banana"), "a banana");
    }
}
