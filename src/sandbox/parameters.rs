//! What a request says: its path, its credentials, and its parameters, wherever they stand. Owns the decoding of forms and
//! of HTTP Basic credentials; what the parameters mean is left to the services.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

/// A request that has arrived completely.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    /// The path with its query, as error bodies repeat it.
    pub(super) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    pub(super) fn parameters(&self) -> Parameters {
        let mut values: BTreeMap<String, String> = decode_form(&self.query).into_iter().collect();
        // The body wins over the address, and JSON is tried before a form, whatever the content type says.
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => {
                values.extend(fields.into_iter().map(|(name, value)| (name, as_text(value))));
            }
            _ => values.extend(decode_form(&String::from_utf8_lossy(&self.body))),
        }
        Parameters { values }
    }

    /// Whether the request carries these HTTP Basic credentials. Mixpanel takes them encoded or plain.
    pub(super) fn has_credentials(&self, user: &str, secret: &str) -> bool {
        let Some(given) =
            self.headers.get(hyper::header::AUTHORIZATION).and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let Some((scheme, credentials)) = given.split_once(' ') else { return false };
        let plain = format!("{user}:{secret}");
        scheme.eq_ignore_ascii_case("basic")
            && (credentials.trim() == plain || credentials.trim() == encode_base64(plain.as_bytes()))
    }
}

/// Named values of a request, all as text.
#[derive(Debug)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// A parameter that is there but empty counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn decode_form(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_percent(&name.replace('+', " ")), decode_percent(&value.replace('+', " ")))
        })
        .collect()
}

/// Undoes percent encoding. A percent sign that begins no code stands for itself.
pub(super) fn decode_percent(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        decoded.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let text =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

fn encode_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0_usize, |bits, place| bits << 8 | usize::from(group.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            let letter = char::from(ALPHABET[bits >> (18 - 6 * place) & 63]);
            encoded.push(if place <= group.len() { letter } else { '=' });
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(query: &str, body: &'static str, authorization: &str) -> Received {
        let mut headers = HeaderMap::new();
        headers.insert(hyper::header::AUTHORIZATION, authorization.parse().unwrap());
        let (method, body) = (Method::POST, Bytes::from_static(body.as_bytes()));
        Received { method, path: "/api/query/engage".into(), query: query.into(), headers, body }
    }

    #[test]
    fn forms_and_json_both_speak_and_the_body_wins() {
        let form =
            received("page=1&project_id=9", "page=2&filter_by_cohort=%7B%22id%22%3A+5%7D", "x").parameters();
        assert_eq!((form.get("page"), form.get("project_id")), (Some("2"), Some("9")));
        assert_eq!(form.get("filter_by_cohort"), Some("{\"id\": 5}"));
        let json = received("", r#"{"page":3,"include_all_users":false,"session_id":""}"#, "x").parameters();
        assert_eq!((json.get("page"), json.get("include_all_users")), (Some("3"), Some("false")));
        assert_eq!(json.get("session_id"), None);
    }

    #[test]
    fn credentials_are_taken_encoded_or_plain() {
        for given in ["Basic dXNlcjpwYXNz", "basic user:pass"] {
            assert!(received("", "", given).has_credentials("user", "pass"), "{given}");
        }
        assert!(!received("", "", "Basic dXNlcjpwYXNz").has_credentials("user", "other"));
        assert!(!received("", "", "Bearer user:pass").has_credentials("user", "pass"));
    }

    #[test]
    fn known_encodings() {
        assert_eq!(encode_base64(b""), "");
        assert_eq!(encode_base64(b"f"), "Zg==");
        assert_eq!(encode_base64(b"fo"), "Zm8=");
        assert_eq!(encode_base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(decode_percent("a%20b%zz%4"), "a b%zz%4");
        assert_eq!(decode_percent("%E2%9C%93"), "✓");
    }
}
