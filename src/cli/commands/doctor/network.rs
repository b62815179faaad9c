//! What stands between this computer and the services: proxies, certificates, and a clock that is wrong. Mixpanel and
//! mParticle themselves are for `mixpanel` and `mparticle`.

use super::finding::{Check, Finding};
use crate::cli::failure::Exit;
use crate::config::Environment;
use crate::http::Url;
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write;
use std::path::Path;

/// What reqwest heeds, in its order; the lower case spelling wins.
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// A `Date` tells whole seconds, and an answer takes some of them.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// Looks at the variables that lead requests elsewhere.
pub(super) fn check(environment: &Environment) -> Finding {
    let mut found = String::new();
    let proxy = PROXIES.iter().find_map(|name| Some((*name, environment.text(name)?)));
    match proxy {
        None => found.push_str("Requests go out directly: no proxy is set."),
        Some((name, address)) => match Url::parse(address) {
            Ok(url) if url.host_str().is_some() => {
                let port = url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
                let host = url.host_str().unwrap_or_default();
                let signed_in = if url.username().is_empty() { "" } else { ", with a user name" };
                // Writing into a text cannot fail.
                let _ =
                    write!(found, "https requests go through the proxy {host}{port}{signed_in} ({name}).");
            }
            _ => {
                let remedy =
                    format!("Write {name} as a URL, such as http://proxy.example.com:8080, or unset it.");
                return Finding::problem(
                    Check::Network,
                    Exit::Usage,
                    format!("{name} is set, but not to a URL."),
                    remedy,
                );
            }
        },
    }
    if let Some(exceptions) = ["no_proxy", "NO_PROXY"].iter().find_map(|name| environment.text(name)) {
        let _ = write!(found, " Not for {exceptions} (NO_PROXY).");
    }
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let Some(path) = environment.text(name) else { continue };
        if !Path::new(path).exists() {
            let remedy =
                format!("Point {name} to the certificates of your certificate authority, or unset it.");
            let found =
                format!("{name} names {path}, which is not there: no https connection will be trusted.");
            return Finding::problem(Check::Network, Exit::Usage, found, remedy);
        }
        let _ = write!(found, " Certificates are trusted from {path} ({name}).");
    }
    Finding::ok(Check::Network, found)
}

/// Compares this computer's clock with what a service said in its `Date` header; `at` is when it was said by our clock.
pub(super) fn clock(service: &str, theirs: Option<Timestamp>, at: Timestamp) -> Option<Finding> {
    let skew = at.duration_since(theirs?);
    let seconds = skew.as_secs().unsigned_abs();
    if skew.abs() <= TOLERANCE {
        let found = format!("This computer's clock agrees with {service}'s to {} s.", seconds.max(1));
        return Some(Finding::ok(Check::Clock, found));
    }
    let direction = if skew.is_positive() { "ahead of" } else { "behind" };
    Some(Finding::warning(
        Check::Clock,
        format!(
            "This computer's clock is {seconds} s {direction} {service}'s. The schedule and the times in lists go by \
             it, and certificates and tokens may seem expired."
        ),
        "Let the system keep the time: `timedatectl set-ntp true`, or your provider's way.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::doctor::finding::Verdict;

    fn at(variables: &[(&'static str, &'static str)]) -> Finding {
        check(&variables.iter().copied().collect())
    }

    #[test]
    fn proxies_are_told_without_their_passwords() {
        assert!(at(&[]).found.contains("directly"));
        let finding = at(&[
            ("HTTPS_PROXY", "http://ana:planted-secret@proxy.example.com:3128"),
            ("NO_PROXY", "localhost"),
        ]);
        assert!(finding.found.contains("proxy.example.com:3128, with a user name (HTTPS_PROXY)"));
        assert!(finding.found.contains("localhost") && !finding.found.contains("planted"), "{finding:?}");
        let odd = at(&[("https_proxy", "proxy, please")]);
        assert!(matches!(odd.verdict, Verdict::Problem(_)), "{odd:?}");
    }

    #[test]
    fn certificates_that_are_not_there_are_a_problem() {
        let finding = at(&[("SSL_CERT_FILE", "/no/such/file.pem")]);
        assert!(
            matches!(finding.verdict, Verdict::Problem(_)) && finding.found.contains("/no/such/file.pem")
        );
    }

    #[test]
    fn a_clock_may_differ_a_little() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let skewed =
            |seconds: i64| clock("Mixpanel", Timestamp::from_second(1_000_000 + seconds).ok(), now).unwrap();
        assert_eq!(skewed(20).verdict, Verdict::Ok);
        assert!(skewed(300).found.contains("300 s behind Mixpanel's"), "{:?}", skewed(300));
        assert!(skewed(-90).found.contains("90 s ahead of"));
        assert!(clock("Mixpanel", None, now).is_none());
    }
}
