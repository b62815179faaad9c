//! Taking a credential out of what a server answers. Debugging proxies and some error pages repeat the request,
//! header and URL included; what they say ends up in messages, in the state and on screens, so it is cleaned
//! where it arrives.

use bytes::Bytes;

/// What stands where a credential stood, or would stand.
pub const MASK: &str = "•••";

/// Shorter texts are in every other word; masking them would hide the message and no secret.
const SHORTEST: usize = 4;

/// The body without any of these texts. Bodies that hold none of them, nearly all, are handed through.
#[must_use]
pub fn conceal(body: Bytes, credentials: &[&str]) -> Bytes {
    let told: Vec<&str> = credentials
        .iter()
        .copied()
        .filter(|text| text.len() >= SHORTEST)
        .filter(|text| body.windows(text.len()).any(|window| window == text.as_bytes()))
        .collect();
    if told.is_empty() {
        return body;
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    told.iter().fold(text, |text, credential| text.replace(credential, MASK)).into()
}

/// Base64 with padding (RFC 4648), as a Basic header spells user and secret.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [18, 12, 6, 0].map(|shift| digit(bits >> shift));
        text.extend(&digits[..=group.len()]);
        text.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_repeated_is_masked_and_the_rest_stays() {
        let body = Bytes::from_static(b"no: s3cret-a and s3cret-a, us1-token");
        let clean = conceal(body.clone(), &["s3cret-a", "us1-token", "", "no"]);
        assert_eq!(clean, "no: ••• and •••, •••");
        assert_eq!(conceal(body.clone(), &["other"]), body);
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
