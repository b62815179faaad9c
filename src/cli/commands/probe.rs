//! `probe`: sends exactly one chosen user to mParticle in a chosen form, and shows the request and the answer whole. Public
//! sources leave open what the feed takes; this is how it is settled by evidence.

use super::{say, say_json};
use crate::cli::account::{Clients, Desk, must_write};
use crate::cli::args::ProbeArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::harmless;
use crate::config::{Config, DeliveryConfig};
use crate::domain::{Change, CohortId, Direction, Identity, Removal, RunId};
use crate::http::Url;
use crate::mparticle::{Letter, Verdict};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;

/// The attribute that is set unless another is asked for.
pub(in crate::cli) const ATTRIBUTE: &str = "cohort-sync probe";

/// What was sent and what came back.
struct Exchange {
    way: &'static str,
    address: String,
    sent: Value,
    status: Option<u16>,
    milliseconds: Option<u64>,
    headers: Vec<(String, String)>,
    body: String,
    verdict: &'static str,
    meaning: String,
}

/// Tells mParticle about one user.
pub(in crate::cli) async fn probe(desk: &Desk, config: &Config, asked: &ProbeArgs) -> Result<Exit, Failure> {
    if !asked.dry_run {
        must_write(&desk.places, "probe")?;
    }
    let (exchange, exit) = exchange(config, asked).await?;
    if desk.args.global.json {
        say_json(&exchange.object())?;
    } else {
        say(&exchange.text(&change(asked), asked))?;
    }
    Ok(exit)
}

/// Tells mParticle about one user for the setup guide: request and answer whole, what they mean, and how
/// `probe` would end.
pub(in crate::cli) async fn told(config: &Config, user: &str) -> (String, String, Exit) {
    let asked = ProbeArgs {
        user: user.to_owned(),
        distinct_id: false,
        attribute: ATTRIBUTE.to_owned(),
        leaves: false,
        delivery: None,
        environment: None,
        dry_run: false,
    };
    match exchange(config, &asked).await {
        Ok((exchange, exit)) => {
            let meaning = exchange.conclusion(&change(&asked), &asked);
            (exchange.letters(), meaning, exit)
        }
        Err(failure) => (String::new(), failure.to_string(), failure.exit()),
    }
}

async fn exchange(config: &Config, asked: &ProbeArgs) -> Result<(Exchange, Exit), Failure> {
    let clients = Clients::of(config)?;
    let change = change(asked);
    let began = Timestamp::now();
    let letter = Letter {
        // Another installation's name, so that no run's ids are ever taken for a probe's.
        installation: "probe",
        run: RunId(0),
        began,
        cohort: CohortId(0),
        attribute: &asked.attribute,
        removal: Removal::SetFalse,
    };
    let body = clients.encoder.letter(&letter, 0, std::slice::from_ref(&change));
    let (way, address) = way(config);
    let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut exchange = Exchange {
        way,
        address,
        sent,
        status: None,
        milliseconds: None,
        headers: Vec::new(),
        body: String::new(),
        verdict: "not_sent",
        meaning: "nothing was sent".to_owned(),
    };
    let mut exit = Exit::Done;
    if !asked.dry_run {
        match clients.mparticle.probe(&body).await {
            Ok((answer, headers)) => {
                exchange.status = Some(answer.status);
                exchange.milliseconds = u64::try_from(answer.elapsed.as_millis()).ok();
                exchange.headers = headers;
                exchange.body = String::from_utf8_lossy(&answer.body).into_owned();
                (exchange.verdict, exchange.meaning, exit) = meaning(clients.mparticle.judge(&answer, 1));
            }
            Err(error) => {
                (exchange.verdict, exchange.meaning, exit) = ("no_answer", error.to_string(), Exit::Failed);
            }
        }
    }
    Ok((exchange, exit))
}

fn change(asked: &ProbeArgs) -> Change {
    let mpid = asked.user.parse::<i64>().ok().filter(|_| !asked.distinct_id);
    let direction = if asked.leaves { Direction::Remove } else { Direction::Add };
    Change {
        identity: mpid.map_or_else(|| Identity::of_distinct_id(&asked.user), Identity::Mpid),
        direction,
        distinct_id: None,
    }
}

/// The way in, and where it leads without anything that would open it.
fn way(config: &Config) -> (&'static str, String) {
    let way = match &config.mparticle.delivery {
        DeliveryConfig::Feed { members: false, .. } => "feed",
        DeliveryConfig::Feed { members: true, .. } => "feed-members",
        DeliveryConfig::EventsApi { .. } => "events-api",
    };
    let address = match &config.mparticle.delivery {
        DeliveryConfig::Feed { webhook_url, .. } => {
            let shown = Url::parse(webhook_url.expose()).ok().map(|url| {
                let (scheme, port) =
                    (url.scheme(), url.port().map_or_else(String::new, |port| format!(":{port}")));
                let path = url.path().rsplit_once('/').map_or("", |(path, _)| path);
                format!("{scheme}://{}{port}{path}/{}", webhook_url.host(), webhook_url.masked())
            });
            shown.unwrap_or_else(|| webhook_url.masked())
        }
        DeliveryConfig::EventsApi { base_url, .. } => format!("{base_url}/v2/bulkevents"),
    };
    (way, address)
}

fn meaning(verdict: Verdict) -> (&'static str, String, Exit) {
    match verdict {
        Verdict::Accepted => ("accepted", "mParticle accepted it.".to_owned(), Exit::Done),
        Verdict::AcceptedExcept(rejected) => {
            let reason = rejected.into_iter().next().map(|(_, reason)| reason).unwrap_or_default();
            ("rejected", format!("mParticle rejected it: {reason}"), Exit::Failed)
        }
        Verdict::Rejected(reason) | Verdict::Split(reason) => {
            ("rejected", format!("mParticle rejected it: {reason}"), Exit::Failed)
        }
        Verdict::Refused(reason) => ("refused", reason, Exit::Refused),
        Verdict::Retry { reason, .. } => ("try_again", format!("Not now: {reason}"), Exit::Failed),
    }
}

impl Exchange {
    fn object(&self) -> Value {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        json!({
            "delivery": self.way,
            "address": self.address,
            "request": self.sent,
            "status": self.status,
            "ms": self.milliseconds,
            "headers": headers,
            "body": self.body,
            "verdict": self.verdict,
            "meaning": self.meaning,
        })
    }

    fn text(&self, change: &Change, asked: &ProbeArgs) -> String {
        self.letters() + &self.conclusion(change, asked)
    }

    /// Request and answer, to the letter.
    fn letters(&self) -> String {
        let mut text = format!("POST {} ({})\nContent-Type: application/json\n\n", self.address, self.way);
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{}\n", harmless_block(&format!("{:#}", self.sent)));
        if let (Some(status), Some(milliseconds)) = (self.status, self.milliseconds) {
            let _ = writeln!(text, "HTTP {status} after {milliseconds} ms");
            for (name, value) in &self.headers {
                let _ = writeln!(text, "{}: {}", harmless(name), harmless(value));
            }
            let body = if self.body.is_empty() { "(no body)" } else { self.body.as_str() };
            let _ = writeln!(text, "\n{}\n", harmless_block(&pretty(body)));
        }
        text
    }

    /// What came of it, and where to look.
    fn conclusion(&self, change: &Change, asked: &ProbeArgs) -> String {
        let mut text = self.meaning.clone();
        if self.verdict == "accepted" {
            let (user, value) = (&asked.user, change.direction.attribute_value());
            let by = match change.identity {
                Identity::Mpid(_) => "MPID",
                _ => "the fallback identity",
            };
            let _ = write!(
                text,
                "\nAccepted is not yet applied. In mParticle: Data Platform > Live Stream (development data shows at once) lists \
                 the batch; Customer 360 > User Profiles, searched by {by} {}, must show the attribute \"{}\" as {value} within \
                 a few minutes. If it does not, the user does not exist there, or the feed does not take this form: try \
                 --delivery feed, feed-members and events-api in turn.",
                harmless(user),
                harmless(&asked.attribute),
            );
        }
        text
    }
}

/// JSON spread over lines; anything else as it is.
fn pretty(body: &str) -> String {
    serde_json::from_str::<Value>(body).map_or_else(|_| body.to_owned(), |value| format!("{value:#}"))
}

/// Line by line, so that the lines stay lines.
fn harmless_block(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}
