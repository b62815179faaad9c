//! Mixpanel: one cohort list, which tries the address, the credentials, the plan and the project at once. It is
//! asked once and not again, because whoever looks wants to see what is there.

use super::finding::{Check, Finding, root_cause, sentence, taken_apart};
use crate::cli::account::{Clients, holder};
use crate::cli::failure::Exit;
use crate::config::{Config, Places};
use crate::http::{ConnectFailure, TransportError};
use crate::mixpanel::{Ledger, Listing, MixpanelError};
use crate::store::Store;
use crate::tui::text::plural;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// The client would wait for as long as Mixpanel's own proxy does; a person who looks on will not.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks for the cohort list. `note_in` is where the query may be noted.
pub(super) async fn check(config: &Config, note_in: Option<&Places>) -> Finding {
    let problem =
        |found: String, remedy: String| Finding::problem(Check::Mixpanel, Exit::Failed, found, remedy);
    let asked = format!(
        "{} was asked for the cohorts of project {}",
        config.mixpanel.base_url, config.mixpanel.project_id
    );
    let clients = match Clients::of(config) {
        Ok(clients) => clients,
        Err(failure) => {
            return problem(sentence(&failure.to_string()), "Correct the configuration.".to_owned());
        }
    };
    let asked_at = Timestamp::now();
    let listed = tokio::time::timeout(PATIENCE, clients.mixpanel.list_cohorts()).await;
    let Ok(listed) = listed.map(|asked| asked.result) else {
        return problem(
            format!("{asked} and did not answer within {} s.", PATIENCE.as_secs()),
            "Run `cohort-sync doctor` again in a minute; if it stays so, check the network and any proxy."
                .to_owned(),
        );
    };
    let is_charged = listed.as_ref().err().is_none_or(|error| !error.is_not_charged());
    if let Some(places) = note_in.filter(|_| is_charged) {
        note_query(places.state_dir.clone(), asked_at).await;
    }
    match listed {
        Ok(listing) => answered(config, &listing, asked_at),
        Err(error @ MixpanelError::BudgetSpent { .. }) => Finding::warning(
            Check::Mixpanel,
            format!("{asked}. {}", sentence(&error.to_string())),
            "Nothing needs to be done: syncs wait for the next free query by themselves.",
        ),
        Err(error) => {
            let (happened, remedy) = refusal(&error, config);
            problem(format!("{asked}. {happened}"), remedy)
        }
    }
}

/// The hour's ledger is only kept where the state is there, sound and free; `doctor` makes and migrates nothing.
/// Elsewhere the query is not noted: Mixpanel tells every later answer how many are left, and that is heeded.
async fn note_query(state_dir: PathBuf, at: Timestamp) {
    let noted = tokio::task::spawn_blocking(move || {
        Store::open(&state_dir, &holder("cohort-sync doctor"))?.charge_query(at)
    });
    // Whoever holds the directory learns of the query from the next answer.
    drop(noted.await);
}

fn answered(config: &Config, listing: &Listing, at: Timestamp) -> Finding {
    let heard = &listing.heard;
    let mut ledger = Ledger::restored([at]);
    ledger.learn(heard.rate_limit_policy.as_deref(), heard.rate_limit.as_deref(), at);
    let budget = if ledger.is_learned() {
        format!("Mixpanel says that {} of the hour's {} are spent", ledger.used(at), ledger.limit())
    } else {
        format!("Mixpanel did not say how many it allows, so {} an hour are reckoned with", ledger.limit())
    };
    let found = format!(
        "{} answered in {} ms and accepts the credentials: project {} has {}. This cost one query: {budget}.",
        config.mixpanel.base_url,
        heard.elapsed.as_millis(),
        config.mixpanel.project_id,
        plural(listing.cohorts.len() as u64, "cohort"),
    );
    if listing.skipped > 0 {
        let found = format!(
            "{found} {} of the list had no id or name and cannot be synced.",
            plural(listing.skipped as u64, "entry")
        );
        return Finding::warning(
            Check::Mixpanel,
            found,
            "Look at the cohorts in Mixpanel, and save those anew.",
        );
    }
    if listing.cohorts.is_empty() {
        let remedy = "Save a cohort in Mixpanel, or check project_id and workspace_id.";
        return Finding::warning(Check::Mixpanel, found, remedy);
    }
    Finding::ok(Check::Mixpanel, found)
}

/// What happened, and what to do: what the error itself says of it, then where to do it.
fn refusal(error: &MixpanelError, config: &Config) -> (String, String) {
    let account = &config.mixpanel.service_account;
    let place = match error {
        MixpanelError::Unauthorised { .. } => format!(
            "Mixpanel shows the user name {account} and makes secrets under Organization Settings > Service Accounts, the id and the region under Project Settings."
        ),
        MixpanelError::PlanGate { .. } => {
            "The plan can be changed in Mixpanel only; nothing in this configuration helps.".to_owned()
        }
        MixpanelError::Forbidden { .. } => {
            format!("The account is {account}; Project Settings > Users has the roles.")
        }
        MixpanelError::NotFound { .. } => "Project Settings in Mixpanel tells both.".to_owned(),
        MixpanelError::Transport(TransportError::Connect { .. }) => format!(
            "See whether anything else on this computer gets there, for example `curl -I {}`.",
            config.mixpanel.base_url
        ),
        // What is said there are another program's words, so nothing in them is a remedy.
        MixpanelError::Passing { .. } => {
            let again = "Run `cohort-sync doctor` again in a minute. A sync tries again by itself after such an answer.";
            return (sentence(&error.to_string()), again.to_owned());
        }
        _ => {
            let found = sentence(&format!("{error}{}", root_cause(error)));
            return (found, "Correct what it names, then run `cohort-sync doctor` again.".to_owned());
        }
    };
    let (happened, remedy) = taken_apart(&error.to_string(), &cause_to_tell(error));
    let remedy = remedy.map_or_else(String::new, |remedy| format!("{remedy} "));
    (happened, format!("{remedy}{place}"))
}

/// The cause, where the words for it leave open what it was.
fn cause_to_tell(error: &MixpanelError) -> String {
    match error {
        MixpanelError::Transport(TransportError::Connect {
            failure: ConnectFailure::Tls | ConnectFailure::Other,
            ..
        }) => root_cause(error),
        _ => String::new(),
    }
}
