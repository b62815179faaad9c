//! The addresses of the two services: which URLs are acceptable (https, or http on this computer), and the
//! webhook URL, which is a credential and is never shown whole.

use super::masks::Masks;
use super::secrets::Secret;
use reqwest::Url;
use std::fmt;
use std::net::IpAddr;

/// The host of mParticle's feeds.
const FEED_HOST: &str = "inbound.mparticle.com";

/// The path of the Mixpanel Cohorts feed, in front of the token.
const FEED_PATH: &str = "/v1/pdf/mixpanelcohorts/";

/// A token needs this many characters beyond its pod before some of them may be shown.
const LONG_ENOUGH_TO_HINT: usize = 12;

/// Why an address is refused. The address itself is not repeated: it may hold a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL.
    #[error("is not a URL; write it in full, starting with https://")]
    NotAUrl,
    /// Anyone on the way could read what is sent.
    #[error(
        "must start with https://; plain http is accepted for this computer (127.0.0.1, ::1, localhost) only"
    )]
    NotSecure,
    /// A user name or a password in front of the host.
    #[error("must not hold a user name or password; they belong in their own settings")]
    UserInfo,
    /// `?…` or `#…` at the end, where paths are to be appended.
    #[error("must end with its path; remove everything from the ? or # on")]
    Tail,
    /// The webhook URL has no token.
    #[error("has no token; copy the whole webhook URL from the feed in mParticle (Setup > Inputs > Feeds)")]
    NoToken,
}

/// Reads the address of a service and drops the slash at its end, so that paths can be appended.
pub(super) fn base_address(text: &str) -> Result<String, AddressError> {
    let url = secure_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Tail);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn secure_url(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(AddressError::NotSecure),
        _ => return Err(AddressError::NotAUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo);
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The feed's webhook URL. Whoever knows it can write into the mParticle workspace, so it is a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    url: Secret,
    token: Secret,
    unusual: Option<&'static str>,
}

impl WebhookUrl {
    /// Reads a webhook URL.
    ///
    /// # Errors
    /// It is no URL, not safe to send credentials to, or has no token.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = secure_url(text)?;
        let token = url.path().rsplit('/').next().filter(|token| !token.is_empty());
        let token = Secret::new(token.ok_or(AddressError::NoToken)?);
        let unusual = if url.host_str() != Some(FEED_HOST) && !is_loopback(&url) {
            Some("its host is not inbound.mparticle.com")
        } else if !is_feed_path(&url) {
            Some("it does not look like https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/<token>")
        } else {
            None
        };
        Ok(Self { url: Secret::new(url), token, unusual })
    }

    /// The URL itself, for the one place that sends to it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// The host it leads to.
    #[must_use]
    pub fn host(&self) -> String {
        let url = Url::parse(self.url.expose()).ok();
        url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
    }

    /// Enough to tell two feeds apart and too little to use one: the pod and the last four characters of
    /// the token, as in `us1-…a9f2`; `…` when the token is short.
    #[must_use]
    pub fn masked(&self) -> String {
        let token = self.token.expose();
        let (pod, rest) = token.split_once('-').filter(|(pod, _)| is_pod(pod)).unwrap_or(("", token));
        let length = rest.chars().count();
        if length < LONG_ENOUGH_TO_HINT {
            return "…".to_owned();
        }
        let end: String = rest.chars().skip(length - 4).collect();
        if pod.is_empty() { format!("…{end}") } else { format!("{pod}-…{end}") }
    }

    /// What is unlike every webhook URL that mParticle hands out, though it may still work.
    #[must_use]
    pub fn unusual(&self) -> Option<&'static str> {
        self.unusual
    }

    /// Hides the URL and its token wherever the masks are applied.
    pub fn mask_with(&self, masks: &Masks) {
        masks.add(&self.url);
        masks.add(&self.token);
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({})", self.masked())
    }
}

fn is_feed_path(url: &Url) -> bool {
    let token = url.path().strip_prefix(FEED_PATH);
    token.is_some_and(|token| !token.contains('/')) && url.query().is_none() && url.fragment().is_none()
}

/// mParticle names its data centres `us1`, `us2`, `eu1`, `au1`.
fn is_pod(text: &str) -> bool {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() == 2 && letters.len() < text.len() && letters.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_this_computer() {
        for (text, kept) in [
            ("https://eu.mixpanel.com/", "https://eu.mixpanel.com"),
            ("https://proxy.example/mixpanel/", "https://proxy.example/mixpanel"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:80/", "http://[::1]"),
            ("http://localhost:8080/x", "http://localhost:8080/x"),
        ] {
            assert_eq!(base_address(text), Ok(kept.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        use AddressError::{NotAUrl, NotSecure, Tail, UserInfo};
        for (text, error) in [
            ("", NotAUrl),
            ("mixpanel.com", NotAUrl),
            ("ftp://mixpanel.com", NotAUrl),
            ("file:///etc/passwd", NotAUrl),
            ("http://mixpanel.com", NotSecure),
            ("http://localhost.evil.example", NotSecure),
            ("http://128.0.0.1", NotSecure),
            ("https://user:pass@mixpanel.com", UserInfo),
            ("https://user@mixpanel.com", UserInfo),
            ("https://mixpanel.com?x=1", Tail),
            ("https://mixpanel.com/#x", Tail),
        ] {
            assert_eq!(base_address(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_webhook_url_shows_its_pod_and_its_end() {
        for (token, masked) in [
            ("us1-0123456789abcdefa9f2", "us1-…a9f2"),
            ("0123456789abcdefa9f2", "…a9f2"),
            ("us1-short", "…"),
            ("x", "…"),
            ("notapod-0123456789abcdef", "…cdef"),
        ] {
            let url =
                WebhookUrl::parse(&format!("https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/{token}"))
                    .unwrap();
            assert_eq!(url.masked(), masked);
            assert_eq!(url.unusual(), None);
            assert_eq!(format!("{url:?}"), format!("WebhookUrl({masked})"));
        }
    }

    #[test]
    fn a_webhook_url_needs_a_token() {
        for text in ["https://inbound.mparticle.com", "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/"]
        {
            assert_eq!(WebhookUrl::parse(text), Err(AddressError::NoToken));
        }
    }

    #[test]
    fn an_unusual_webhook_url_is_accepted_and_remarked_on() {
        let elsewhere = WebhookUrl::parse("https://proxy.example/v1/pdf/mixpanelcohorts/abc").unwrap();
        assert!(elsewhere.unusual().is_some());
        let other_path = WebhookUrl::parse("https://inbound.mparticle.com/s2s/v2/abc").unwrap();
        assert!(other_path.unusual().is_some());
        let sandbox = WebhookUrl::parse("http://127.0.0.1:1/v1/pdf/mixpanelcohorts/abc").unwrap();
        assert_eq!(sandbox.unusual(), None);
    }
}
