//! `reconnect`: takes a fresh credential unseen, has it tried, puts it where the old one is, and lets the syncs go on
//! that the old one had paused.

use super::{say, say_json};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::args::{ReconnectArgs, Side};
use crate::cli::failure::{Exit, Failure};
use crate::cli::secret_input;
use crate::config::keep::{Kept, keep_with_account};
use crate::config::{Config, DeliveryConfig, WebhookUrl};
use crate::store::StoreError;
use crate::sync::command::Command;
use crate::sync::renew::{Fresh, Renewal, Subject};
use crate::sync::{Handle, Settings};
use serde_json::json;

/// Renews the credentials of a side.
pub(in crate::cli) async fn reconnect(
    desk: &Desk,
    config: &Config,
    asked: &ReconnectArgs,
) -> Result<Exit, Failure> {
    must_write(&desk.places, "reconnect")?;
    let subject = subject(config, asked.side)?;
    if asked.account.is_some() && subject.account_setting().is_none() {
        return Err(Failure::Usage("a feed has no account; its webhook URL is all there is".to_owned()));
    }
    let settings = Settings { schedule: false, list_on_start: false, ..settings_of(config) };
    // Nobody should paste a secret only to hear that it cannot be tried now.
    let started = start_engine(&desk.places, config, settings, "cohort-sync reconnect").await;
    let (handle, engine) = started.map_err(in_words)?;
    let renewed = renew(desk, config, (subject, asked), &handle).await;
    end_engine(&handle, engine).await?;
    let kept = renewed?;
    // The engine publishes everything as it ends.
    report(desk, subject, &last_word(&handle), &kept)?;
    Ok(Exit::Done)
}

/// Whoever else works with the old credential would go on with it.
fn in_words(failure: Failure) -> Failure {
    match failure {
        Failure::Store(StoreError::InUse { holder, .. }) => Failure::Waiting(format!(
            "{holder} is at work with the old credential, so none was asked for and nothing was changed; press c there if \
             that is a console, or end it, run this again, and start it anew"
        )),
        failure => failure,
    }
}

/// Takes the fresh credential, has it tried, and keeps it.
async fn renew(
    desk: &Desk,
    config: &Config,
    (subject, asked): (Subject, &ReconnectArgs),
    handle: &Handle,
) -> Result<Kept, Failure> {
    let account = asked.account.clone().unwrap_or_else(|| account(config, subject));
    let what = match subject {
        Subject::Feed => "The new webhook URL".to_owned(),
        _ => format!("The new secret of {account}"),
    };
    let secret =
        secret_input::read(&what).map_err(|error| Failure::Usage(format!("no secret was read: {error}")))?;
    desk.masks.add_basic(&account, &secret);
    if subject == Subject::Feed {
        let url = WebhookUrl::parse(secret.expose());
        url.map_err(|error| Failure::Usage(format!("the webhook URL {error}")))?.mask_with(&desk.masks);
    } else if secret.expose().is_empty() {
        return Err(Failure::Usage("the secret is empty; nothing was changed".to_owned()));
    }
    let renewal = Renewal { subject, account, secret: Fresh::new(secret.expose()) };
    let taken = handle.send(Command::Renew(renewal)).await;
    taken
        .map_err(|refusal| Failure::Waiting(format!("{}: {refusal}; nothing was changed", subject.name())))?;
    let account = subject.account_setting().zip(asked.account.as_deref());
    keep_with_account(&desk.request(), account, subject.secret_setting(), &secret).map_err(|error| {
        Failure::Failed(format!("{} took the new secret, but it could not be kept: {error}", subject.name()))
    })
}

fn subject(config: &Config, side: Side) -> Result<Subject, Failure> {
    match (side, &config.mparticle.delivery) {
        (Side::Mixpanel, _) => Ok(Subject::Mixpanel),
        (Side::Mparticle, DeliveryConfig::Feed { .. }) => Ok(Subject::Feed),
        (Side::Mparticle, DeliveryConfig::EventsApi { .. }) => Ok(Subject::EventsApi),
        (Side::ProfileApi, _) if config.mparticle.profile_api.is_some() => Ok(Subject::ProfileApi),
        (Side::ProfileApi, _) => Err(Failure::Usage(
            "the Profile API is not configured; add [mparticle.profile_api] to the configuration first"
                .to_owned(),
        )),
    }
}

fn account(config: &Config, subject: Subject) -> String {
    match (subject, &config.mparticle.delivery, &config.mparticle.profile_api) {
        (Subject::Mixpanel, ..) => config.mixpanel.service_account.clone(),
        (Subject::EventsApi, DeliveryConfig::EventsApi { key, .. }, _) => key.clone(),
        (Subject::ProfileApi, _, Some(api)) => api.client_id.clone(),
        _ => String::new(),
    }
}

/// What the engine said of it last.
fn last_word(handle: &Handle) -> String {
    let snapshots = handle.snapshots();
    let snapshot = snapshots.borrow();
    snapshot.notices.back().map_or_else(String::new, |notice| notice.text.clone())
}

fn report(desk: &Desk, subject: Subject, said: &str, kept: &Kept) -> Result<(), Failure> {
    let (place, remedy) = match kept {
        Kept::At(place) => (Some(place), None),
        Kept::UntilRestart(remedy) => (None, Some(remedy)),
    };
    if desk.args.global.json {
        return say_json(
            &json!({ "side": subject.name(), "said": said, "kept_at": place, "not_kept": remedy }),
        );
    }
    say(&format!("{said}."))?;
    if let Some(place) = place {
        say(&format!("It is kept where the old one was: {place}."))?;
    }
    if let Some(remedy) = remedy {
        say(&format!("It is not kept, for {remedy}."))?;
    }
    say("Syncs that were paused are due now; `cohort-sync run` or the console carries them out.")
}
