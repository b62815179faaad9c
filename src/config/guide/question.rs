//! The questions of the guide: how each is asked, and what an answer must be. Every wrong turn has a sentence that
//! says what is wrong and one that says what to do.

use super::Chapter;
use crate::config::WebhookUrl;
use crate::config::address::{AddressError, base_address};
use crate::config::words::{Delivery, FeedEnvironment, Region, Word};

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// The feed's webhook URL, or that there is none.
    WebhookUrl,
    /// The key of a custom feed.
    EventsKey,
    /// Its secret.
    EventsSecret,
    /// What batches are labelled with.
    Environment,
    /// Where Mixpanel keeps the data.
    Region,
    /// The project.
    ProjectId,
    /// The service account's user name.
    ServiceAccount,
    /// Its secret.
    Secret,
    /// Which body mParticle is sent.
    Delivery,
    /// One user to tell it about.
    Probe,
    /// Where the credentials are kept.
    Keep,
    /// What prints the secret.
    SecretCommand,
    /// What prints the webhook URL.
    WebhookCommand,
    /// What prints the secret of the custom feed.
    EventsCommand,
}

/// What is answered instead of a webhook URL by whoever has a custom feed's key and secret.
pub(super) const EVENTS_API: &str = "events-api";

/// What is wrong with an answer, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence} {remedy}")]
pub struct Wrong {
    /// What is wrong.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
}

fn wrong<T>(sentence: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { sentence: sentence.into(), remedy: remedy.into() })
}

impl Question {
    /// Every question, in the order in which they are asked.
    pub const ALL: [Self; 14] = [
        Self::WebhookUrl,
        Self::EventsKey,
        Self::EventsSecret,
        Self::Environment,
        Self::Region,
        Self::ProjectId,
        Self::ServiceAccount,
        Self::Secret,
        Self::Delivery,
        Self::Probe,
        Self::Keep,
        Self::SecretCommand,
        Self::WebhookCommand,
        Self::EventsCommand,
    ];

    /// The chapter it belongs to.
    #[must_use]
    pub fn chapter(self) -> Chapter {
        match self {
            Self::WebhookUrl | Self::EventsKey | Self::EventsSecret | Self::Environment => Chapter::Mparticle,
            Self::Region | Self::ProjectId | Self::ServiceAccount | Self::Secret => Chapter::Mixpanel,
            Self::Delivery | Self::Probe => Chapter::Evidence,
            Self::Keep | Self::SecretCommand | Self::WebhookCommand | Self::EventsCommand => Chapter::Keeping,
        }
    }

    /// In a few words, as a label.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::WebhookUrl => "Webhook URL",
            Self::EventsKey => "Key",
            Self::EventsSecret => "Secret of the key",
            Self::Environment => "Environment",
            Self::Region => "Region",
            Self::ProjectId => "Project id",
            Self::ServiceAccount => "Service account",
            Self::Secret => "Secret",
            Self::Delivery => "Form",
            Self::Probe => "User",
            Self::Keep => "Keep them in",
            Self::SecretCommand => "Secret from",
            Self::WebhookCommand => "URL from",
            Self::EventsCommand => "Key's secret from",
        }
    }

    /// What it is about, in a sentence or two.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::WebhookUrl => {
                "Paste it whole; it is not shown. With a custom feed's key instead: events-api."
            }
            Self::EventsKey => "The key of the custom feed: mParticle, Setup > Inputs > Feeds > Custom Feed.",
            Self::EventsSecret => "Its secret, from the same place; it is not shown.",
            Self::Environment => {
                "production for real users, development to try things out: audiences of production see nothing of it."
            }
            Self::Region => {
                "us, eu or in, as Mixpanel says under Data Residency; or the address of a proxy of yours."
            }
            Self::ProjectId => "The number in Project Settings > Overview.",
            Self::ServiceAccount => "Its user name, as in sync.ab12cd.mp-service-account.",
            Self::Secret => "Paste it; it is not shown.",
            Self::Delivery => {
                "feed sends mParticle batches, feed-members Mixpanel's own webhook body. Begin with feed; try the other if mParticle refuses it."
            }
            Self::Probe => "A $mparticle_user_id, or else a $distinct_id. skip sends nothing now.",
            Self::Keep => {
                "keyring (this system's), files (one each, for you alone), config (in the file itself, for you alone), env (variables that you set) or command (such as op or pass)."
            }
            Self::SecretCommand => {
                "The command that prints the secret, as in: op read op://work/mixpanel/secret"
            }
            Self::WebhookCommand => "The command that prints the Webhook URL.",
            Self::EventsCommand => "The command that prints the secret of the custom feed.",
        }
    }

    /// Whether it must not be seen while it is typed.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::WebhookUrl | Self::EventsSecret | Self::Secret)
    }

    /// What an empty answer stands for.
    #[must_use]
    pub fn usual(self) -> Option<&'static str> {
        match self {
            Self::Environment => Some("production"),
            Self::Region => Some("us"),
            Self::Delivery => Some("feed"),
            Self::Probe => Some("skip"),
            Self::Keep => Some("config"),
            _ => None,
        }
    }

    /// The answers there are, where there are only a few.
    #[must_use]
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Environment => &["production", "development"],
            Self::Delivery => &["feed", "feed-members"],
            Self::Keep => &["keyring", "files", "config", "env", "command"],
            _ => &[],
        }
    }

    /// Reads an answer.
    pub(super) fn check(self, text: &str) -> Result<String, Wrong> {
        match self {
            Self::WebhookUrl if text.eq_ignore_ascii_case(EVENTS_API) => Ok(EVENTS_API.to_owned()),
            Self::WebhookUrl => webhook_url(text),
            Self::EventsKey => events_key(text),
            Self::EventsSecret => events_secret(text),
            Self::Region => region(text),
            Self::ProjectId => project_id(text),
            Self::ServiceAccount => service_account(text),
            Self::Secret => secret(text),
            Self::Environment => word(FeedEnvironment::from_word(text).map(Word::as_str), text, self),
            Self::Delivery => match Delivery::from_word(text) {
                Some(Delivery::EventsApi) => wrong(
                    "The Events API takes a key and a secret instead of a Webhook URL.",
                    "Answer feed or feed-members here; or go back to the Webhook URL and answer events-api there.",
                ),
                delivery => word(delivery.map(Word::as_str), text, self),
            },
            Self::Keep => {
                let text = text.to_ascii_lowercase();
                let chosen = self.choices().iter().find(|choice| **choice == text);
                word(chosen.copied(), &text, self)
            }
            Self::SecretCommand | Self::WebhookCommand | Self::EventsCommand if text.is_empty() => wrong(
                "There is no command yet.",
                "Write what you would type, as in: op read op://work/mixpanel/secret",
            ),
            Self::Probe | Self::SecretCommand | Self::WebhookCommand | Self::EventsCommand => {
                Ok(text.to_owned())
            }
        }
    }
}

fn word(known: Option<&'static str>, text: &str, question: Question) -> Result<String, Wrong> {
    match known {
        Some(word) => Ok(word.to_owned()),
        None => wrong(
            format!("“{text}” is none of the answers."),
            format!("Answer one of: {}.", question.choices().join(", ")),
        ),
    }
}

fn webhook_url(text: &str) -> Result<String, Wrong> {
    const WHERE: &str = "Copy it whole from the feed: mParticle, Setup > Inputs > Feeds > Mixpanel Cohorts.";
    let sentence = match WebhookUrl::parse(text) {
        Ok(_) => return Ok(text.to_owned()),
        Err(_) if text.is_empty() => "There is no Webhook URL yet.",
        Err(AddressError::NotAUrl) => "That is not a URL: it begins with https://inbound.mparticle.com/.",
        Err(AddressError::NotSecure) => {
            "That begins with http://, over which anybody on the way could read the token; only https will do."
        }
        Err(AddressError::UserInfo) => "That holds a user name or a password, which no Webhook URL does.",
        Err(AddressError::Tail) => "That has a ? or a # in it, which no Webhook URL does.",
        Err(AddressError::NoToken) => "That ends where the token should follow.",
    };
    wrong(sentence, WHERE)
}

fn events_key(text: &str) -> Result<String, Wrong> {
    const WHERE: &str = "mParticle shows it in Setup > Inputs > Feeds, in the settings of the custom feed.";
    if text.is_empty() {
        wrong("There is no key yet.", WHERE)
    } else if text.contains(char::is_whitespace) || text.contains(':') || text.contains('/') {
        wrong("A key has no spaces, colons or slashes in it.", WHERE)
    } else {
        Ok(text.to_owned())
    }
}

fn events_secret(text: &str) -> Result<String, Wrong> {
    const WHERE: &str = "mParticle shows it beside the key. Copy it again, and nothing around it.";
    if text.is_empty() {
        wrong("There is no secret yet.", WHERE)
    } else if text.contains(char::is_whitespace) {
        wrong("A secret has no spaces in it.", WHERE)
    } else {
        Ok(text.to_owned())
    }
}

fn region(text: &str) -> Result<String, Wrong> {
    if let Some(region) = Region::from_word(text) {
        return Ok(region.as_str().to_owned());
    }
    if !text.contains("://") {
        return wrong(
            format!("“{text}” is no region of Mixpanel's."),
            "Answer us, eu or in: Project Settings > Overview says it under Data Residency.",
        );
    }
    base_address(text).or_else(|_| {
        wrong(
            "That is no address that a secret could be sent to.",
            "Answer us, eu or in; or give an address that begins with https:// and ends with its path.",
        )
    })
}

fn project_id(text: &str) -> Result<String, Wrong> {
    if text.parse::<i64>().is_ok_and(|id| id > 0) {
        return Ok(text.to_owned());
    }
    let sentence = if text.is_empty() {
        "There is no project id yet.".to_owned()
    } else if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "That is a project token, with which one sends events; the id is a number.".to_owned()
    } else {
        format!("“{text}” is no project id: that is a number such as 12345.")
    };
    wrong(sentence, "Mixpanel shows it in Project Settings > Overview, and in the address after /project/.")
}

fn service_account(text: &str) -> Result<String, Wrong> {
    const WHERE: &str = "Mixpanel shows it in Organization Settings > Service Accounts, under Username.";
    if text.is_empty() {
        wrong("There is no service account yet.", WHERE)
    } else if text.contains('@') {
        wrong("That is a person's e-mail address; the Query API wants a service account.", WHERE)
    } else if text.contains(char::is_whitespace) || text.contains(':') {
        wrong("A user name of a service account has no spaces and no colon in it.", WHERE)
    } else {
        Ok(text.to_owned())
    }
}

fn secret(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        wrong(
            "There is no secret yet.",
            "It was shown once, when the service account was made; otherwise make another account.",
        )
    } else if text.contains(char::is_whitespace) {
        wrong("A secret has no spaces in it.", "Copy it again, and nothing around it.")
    } else {
        Ok(text.to_owned())
    }
}
