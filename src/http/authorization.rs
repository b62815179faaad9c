//! The credential of a request, which nothing can print.

use super::conceal::{base64, conceal};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// What proves who asks. Neither `Debug` nor `Display` shows the content, and the header built from it is marked
/// sensitive, so HTTP/2 never compresses it and reqwest never prints it.
#[derive(Clone)]
pub struct Authorization {
    credential: Credential,
}

#[derive(Clone)]
enum Credential {
    Basic(Arc<(String, String)>),
    Bearer(Arc<str>),
}

impl Authorization {
    /// HTTP Basic, the way Mixpanel takes service accounts (Mixpanel reference, Service Accounts).
    pub fn basic(user: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { credential: Credential::Basic(Arc::new((user.into(), secret.into()))) }
    }

    /// A token that whoever bears it is let in with (RFC 6750), the way mParticle's Profile API takes it.
    pub fn bearer(token: impl Into<Arc<str>>) -> Self {
        Self { credential: Credential::Bearer(token.into()) }
    }

    /// Takes the secret, and the header built from it, out of what a server answered.
    #[must_use]
    pub fn conceal(&self, body: Bytes) -> Bytes {
        match &self.credential {
            Credential::Basic(pair) => {
                let (user, secret) = &**pair;
                let header = base64(format!("{user}:{secret}").as_bytes());
                // Whoever repeats the header may drop its padding.
                conceal(body, &[secret, &header, header.trim_end_matches('=')])
            }
            Credential::Bearer(token) => conceal(body, &[token]),
        }
    }

    /// Puts the header on a request; reqwest marks the value sensitive.
    pub(super) fn apply(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.credential {
            Credential::Basic(pair) => request.basic_auth(&pair.0, Some(&pair.1)),
            Credential::Bearer(token) => request.bearer_auth(token),
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_concealed_with_and_without_its_padding() {
        let authorization = Authorization::basic("u", "s3cret");
        for header in ["dTpzM2NyZXQ=", "dTpzM2NyZXQ"] {
            let body = Bytes::from(format!("you sent Basic {header}, s3cret"));
            assert_eq!(authorization.conceal(body), "you sent Basic •••, •••", "{header}");
        }
    }
}
