//! What can be asked of the flight recorder: requests and their answers, and a bundle of it all for whoever helps.

use super::ListArgs;
use super::moment::moment;
use crate::cli::output::Format;
use crate::domain::UserId;
use crate::http::{Url, is_loopback};
use crate::sandbox::FEED_TOKEN;
use crate::store::{Side, StatusFilter};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cohort-sync requests --run 7 --status failed     what went wrong in run 7
  cohort-sync requests --user anna@example.com     every request that carried a user
  cohort-sync requests 4711                        one request, its body and its answer
  cohort-sync requests 4711 --resend-to-sandbox    the same body to `cohort-sync sandbox`, and what it answers";

/// The filters, which a single request has no use for.
const FILTERS: [&str; 7] = ["cohort", "run", "status", "user", "side", "since", "until"];

/// Which requests to list, or which to show.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RequestsArgs {
    /// Show this request with its body and its answer instead of a list
    #[arg(conflicts_with_all = FILTERS)]
    pub id: Option<u64>,
    /// Send the body of this request to the sandbox and print what it answers; only addresses of this computer
    #[arg(long, value_name = "URL", requires = "id", value_parser = loopback, conflicts_with_all = ["format", "output"])]
    pub resend_to_sandbox: Option<Option<Url>>,
    /// Only those about this cohort
    #[arg(long, value_name = "COHORT")]
    pub cohort: Option<String>,
    /// Only those of this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<u64>,
    /// Only those answered so: a status such as 400, a class such as 4xx, `failed` (no 2xx) or `none` (no answer)
    #[arg(long, value_name = "STATUS", value_parser = status,
          help = "Only those answered so: 400, 4xx, failed (no 2xx) or none (no answer)")]
    pub status: Option<StatusFilter>,
    /// Only those that carried this user.
    #[arg(
        long,
        value_name = "ID",
        allow_hyphen_values = true,
        value_parser = UserId::parse,
        help = "Only those that carried this user, by distinct_id or MPID, as far as the changes of their runs are kept"
    )]
    pub user: Option<UserId>,
    /// Only those to one service
    #[arg(long, value_name = "SIDE", value_parser = side())]
    pub side: Option<Side>,
    /// Only those sent at this moment or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Only those sent at this moment or earlier
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
    /// How to print them.
    #[command(flatten)]
    pub list: ListArgs,
}

impl RequestsArgs {
    /// Where to send the request again, if that was asked for: to where `cohort-sync sandbox` listens, unless said otherwise.
    #[must_use]
    pub fn sandbox(&self) -> Option<Url> {
        let url = self.resend_to_sandbox.clone()?;
        url.or_else(|| Url::parse(&sandbox_feed()).ok())
    }

    /// What clap cannot tell by itself.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let as_csv = self.id.is_some() && self.list.format == Some(Format::Csv);
        as_csv.then_some("a single request is no list; leave --format csv out")
    }
}

/// Where the bundle goes.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct BundleArgs {
    /// The file to write; one that is there is never touched [default: cohort-sync-support-TIME.tar.gz here]
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Where `cohort-sync sandbox` takes requests, unless it is told to listen elsewhere.
fn sandbox_feed() -> String {
    format!("http://127.0.0.1:8080/v1/pdf/mixpanelcohorts/{FEED_TOKEN}")
}

/// An address of this computer: nobody else may be sent what was meant for mParticle.
fn loopback(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("{error}; expected an address such as {}", sandbox_feed()))?;
    let is_ours = url.scheme() == "http" && is_loopback(&url);
    is_ours.then_some(url).ok_or_else(|| {
        "only an address of this computer is sent to, such as http://127.0.0.1:8080/…; start `cohort-sync sandbox`".to_owned()
    })
}

fn side() -> impl TypedValueParser<Value = Side> {
    PossibleValuesParser::new([Side::Mixpanel, Side::Mparticle].map(Side::token))
        .try_map(|text| Side::from_token(&text).ok_or("not one of the possible values"))
}

fn status(text: &str) -> Result<StatusFilter, String> {
    let wanted = || "expected a status such as 400, a class such as 4xx, failed or none".to_owned();
    match text.to_ascii_lowercase().as_str() {
        "failed" => Ok(StatusFilter::Failed),
        "none" => Ok(StatusFilter::Unanswered),
        text => {
            let class = text.strip_suffix("xx").map(str::parse::<u16>);
            let (from, to) = match class {
                Some(Ok(class)) if (1..=5).contains(&class) => (class * 100, class * 100 + 99),
                Some(_) => return Err(wanted()),
                None => {
                    let status = text.parse().ok().filter(|status| (100..=599).contains(status));
                    status.map(|status: u16| (status, status)).ok_or_else(wanted)?
                }
            };
            Ok(StatusFilter::Between(from, to))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_a_class_or_a_word() {
        assert_eq!(status("400"), Ok(StatusFilter::Between(400, 400)));
        assert_eq!(status("5xx"), Ok(StatusFilter::Between(500, 599)));
        assert_eq!(status("Failed"), Ok(StatusFilter::Failed));
        assert_eq!(status("none"), Ok(StatusFilter::Unanswered));
        for text in ["", "xx", "9xx", "0xx", "99", "600", "4x", "ok", "-400"] {
            assert!(status(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_sandbox_is_where_it_listens_by_itself() {
        assert_eq!(loopback(&sandbox_feed()).unwrap().port(), Some(8080));
    }

    #[test]
    fn nothing_leaves_this_computer() {
        for text in ["http://127.0.0.1:9/x", "http://[::1]:9/", "http://localhost:8080/"] {
            assert!(loopback(text).is_ok(), "{text}");
        }
        let refused = [
            "https://inbound.mparticle.com/v1/pdf/mixpanelcohorts/us1-x",
            "https://127.0.0.1/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://example.com/@127.0.0.1",
            "http://0.0.0.0:8080/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
            "127.0.0.1:8080",
        ];
        for text in refused {
            assert!(loopback(text).is_err(), "{text}");
        }
    }
}
