//! How an id may be spelled where something repeats it: as it is, in JSON, in a URL, in HTML, or with its control characters
//! written out as the log does. What can be undone without knowing the id is undone in the text; for the rest there are
//! the spellings of the id.

use crate::http::text::unescape;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// `\u00e4` as JSON has it, `\u{e4}` as the log has it, and bytes as a URL has them.
#[expect(clippy::expect_used, reason = "the pattern never changes, and a test reads it")]
static WRITTEN_OUT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\\u[0-9a-fA-F]{4})+|\\u\{([0-9a-fA-F]{1,6})\}|((?:%[0-9a-fA-F]{2})+)")
        .expect("a constant pattern")
});

/// The text with every letter as itself. Control characters stay written out: they would steer a terminal.
pub(super) fn plainly(text: &str) -> String {
    let text = unescape(text);
    let plain = WRITTEN_OUT.replace_all(&text, |found: &Captures<'_>| {
        let decoded = match (found.get(1), found.get(2)) {
            (Some(code), _) => {
                u32::from_str_radix(code.as_str(), 16).ok().and_then(char::from_u32).map(String::from)
            }
            (None, Some(bytes)) => from_url(bytes.as_str()),
            (None, None) => serde_json::from_str(&format!("\"{}\"", &found[0])).ok(),
        };
        let harmless = decoded.filter(|decoded| !decoded.contains(char::is_control));
        harmless.unwrap_or_else(|| found[0].to_owned())
    });
    plain.into_owned()
}

fn from_url(encoded: &str) -> Option<String> {
    let bytes = encoded.split('%').skip(1).map(|byte| u8::from_str_radix(byte, 16));
    String::from_utf8(bytes.collect::<Result<_, _>>().ok()?).ok()
}

/// Every spelling of an id within a text that was made plain, the id itself among them.
pub(super) fn spellings(id: &str) -> Vec<String> {
    let mut all = vec![id.to_owned()];
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._@:+ ".contains(&byte)) {
        return all;
    }
    let json = serde_json::Value::from(id).to_string();
    all.push(json[1..json.len() - 1].to_owned());
    all.push(id.escape_default().to_string());
    all.push(id.escape_debug().to_string());
    // An id that itself looks like something written out is made plain with the text.
    all.push(plainly(id));
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_are_themselves_however_they_were_written() {
        for text in ["pl\\u00e4n", "pl\\u{e4}n", "pl%C3%A4n", "pl%c3%a4n", "pl&#228;n", "pl&#xe4;n"] {
            assert_eq!(plainly(text), "plän", "{text}");
        }
        assert_eq!(plainly("\\ud83d\\ude80"), "🚀");
        for text in ["92 % used", "a\\u001b[2J", "a\\u{1b}", "%1B%5B", "\\ud83d", "100%zz", "%ff"] {
            assert_eq!(plainly(text), text);
        }
    }

    #[test]
    fn plain_ids_have_one_spelling_and_others_several() {
        assert_eq!(spellings("user-1.x_2"), ["user-1.x_2"]);
        let all = spellings("a\"b\nc");
        for spelling in ["a\"b\nc", "a\\\"b\\nc"] {
            assert!(all.iter().any(|known| known == spelling), "{spelling}: {all:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = (plainly(&text), spellings(&text));
        }
    }
}
