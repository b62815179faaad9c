//! Showing what a server said without showing too much of it: HTML reduced to its title, entities resolved,
//! long texts cut.

use std::borrow::Cow;

/// What is kept of a body for an error, in characters.
pub const EXCERPT_LIMIT: usize = 500;

/// The first `limit` characters, with control characters as spaces and an ellipsis where something was cut.
#[must_use]
pub fn excerpt(text: &str, limit: usize) -> String {
    let mut shown: String =
        text.trim().chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a body is an HTML page, which neither API sends: a proxy or a login page answered instead.
#[must_use]
pub fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let starts_with = |tag: &[u8]| start.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag));
    starts_with(b"<!doctype") || starts_with(b"<html") || {
        content_type.is_some_and(|kind| kind.starts_with("text/html")) && start.starts_with(b"<")
    }
}

/// One line for a body nobody expected: the title of an HTML page, else its beginning.
#[must_use]
pub fn describe(content_type: Option<&str>, body: &[u8]) -> String {
    // A title stands near the top; what is further down is not searched.
    let text = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]);
    if is_html(content_type, body) {
        return match html_title(&text) {
            Some(title) => format!("an HTML page titled “{}”", excerpt(&unescape(title), 80)),
            None => "an HTML page".to_owned(),
        };
    }
    if text.trim().is_empty() {
        "an empty answer".to_owned()
    } else {
        format!("“{}”", excerpt(&text, 80))
    }
}

fn html_title(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = text[start..end].trim();
    (!title.is_empty()).then_some(title)
}

/// Resolves the HTML entities that servers escape their messages with; unknown ones stay as they are.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest.find(';').and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (character, length) = entity.unwrap_or(('&', 1));
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "quot" => Some('"'),
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entities_are_resolved_once() {
        assert_eq!(unescape("value &quot;a&#39;b&quot; &amp;lt; &x41; &#x41;"), "value \"a'b\" &lt; &x41; A");
        assert_eq!(unescape("a & b"), "a & b");
    }

    #[test]
    fn a_page_is_named_by_its_title() {
        let page = b"<!DOCTYPE html><html><head><TITLE> 502 Bad &amp; ugly</TITLE>";
        assert_eq!(describe(None, page), "an HTML page titled “502 Bad & ugly”");
        assert_eq!(describe(Some("text/html"), b"<h1>x</h1>"), "an HTML page");
        assert_eq!(describe(None, b" "), "an empty answer");
        assert_eq!(describe(None, b"no\nbody"), "“no body”");
    }

    #[test]
    fn an_excerpt_counts_characters_and_says_that_it_was_cut() {
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöüß", 3), "äöü…");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200), html in any::<bool>()) {
            let _ = describe(html.then_some("text/html"), &body);
        }

        #[test]
        fn no_text_panics(text in "[&;#xİ<title>/ a0-9]{0,60}") {
            let _ = unescape(&text);
            let _ = describe(Some("text/html"), format!("<{text}").as_bytes());
        }
    }
}
