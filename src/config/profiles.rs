//! The profiles of a configuration file side by side: what tells one from the others, and what keeps one from being
//! used. No credential is fetched for it. Opening one is the business of whoever chose it.

use super::address::WebhookUrl;
use super::document::Document;
use super::errors::ConfigError;
use super::layers::{DEFAULT_PROFILE, Layers, Request};
use super::paths::check_profile_name;
use super::secrets::SecretSource;
use super::value::Value;
use super::words::{Delivery, Word};

/// One profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSummary {
    /// Its name; "default" is the one without a table of its own.
    pub name: String,
    /// Mixpanel's number of the project, if it is given.
    pub project: Option<String>,
    /// Where Mixpanel keeps the data.
    pub region: String,
    /// What batches are labelled with.
    pub environment: String,
    /// What changes are sent to, masked, or where that would come from.
    pub feed: String,
    /// Why it cannot be used.
    pub wrong: Option<String>,
}

/// The profiles of the file, the unnamed one first.
///
/// # Errors
/// The file cannot be read.
pub fn profiles(request: &Request) -> Result<Vec<ProfileSummary>, ConfigError> {
    let named = Document::read(&request.config_file)?.profiles;
    std::iter::once(DEFAULT_PROFILE.to_owned())
        .chain(named.into_iter().filter(|name| name != DEFAULT_PROFILE))
        .map(|name| {
            let layers = Layers::read(request.in_profile(&name))?;
            let text = |setting| layers.text(setting).unwrap_or_default();
            Ok(ProfileSummary {
                project: layers.values.get("mixpanel.project_id").map(|given| given.value.to_string()),
                region: text("mixpanel.region"),
                environment: text("mparticle.environment"),
                feed: layers.feed(),
                wrong: check_profile_name(&name).err().map(|error| error.to_string()).or_else(|| {
                    Layers::read(request.in_profile(&name))
                        .and_then(Layers::check)
                        .err()
                        .map(|error| in_short(&error))
                }),
                name,
            })
        })
        .collect()
}

impl Request {
    /// The same of another profile.
    #[must_use]
    pub fn in_profile(&self, name: &str) -> Self {
        Self { profile: name.to_owned(), ..self.clone() }
    }
}

impl Layers {
    fn text(&self, setting: &str) -> Option<String> {
        match &self.values.get(setting)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// What changes would be sent to, without anything that would open it.
    fn feed(&self) -> String {
        let delivery = self.text("mparticle.delivery").and_then(|word| Delivery::from_word(&word));
        if delivery == Some(Delivery::EventsApi) {
            let key = self.text("mparticle.events_api.key");
            return key.map_or_else(|| "Events API".to_owned(), |key| format!("Events API, key {key}"));
        }
        match self.values.get("mparticle.webhook_url").map(|given| &given.value) {
            Some(Value::Secret(SecretSource::Plain(url))) => WebhookUrl::parse(url.expose())
                .map_or_else(|_| "feed …".to_owned(), |url| format!("feed {}", url.masked())),
            Some(Value::Secret(source)) => format!("feed from {source}"),
            _ => "no feed".to_owned(),
        }
    }
}

/// The first thing that is wrong, or everything that is missing, in one line.
fn in_short(error: &ConfigError) -> String {
    match error {
        ConfigError::Invalid { problems, .. } if !problems.is_empty() => {
            let more = problems.len() - 1;
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            format!("{}{more}", problems[0])
        }
        ConfigError::Invalid { missing, .. } => {
            let names: Vec<_> = missing.iter().map(|absent| absent.setting.name).collect();
            format!("it lacks {}", names.join(", "))
        }
        error => error.to_string(),
    }
}
