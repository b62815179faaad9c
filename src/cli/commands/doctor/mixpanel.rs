//! Mixpanel: the cohort list, which tries the address, the credentials, the plan and the project at once, and then one
//! page of the smallest cohort, which tries the role. Neither is asked again, because whoever looks wants to see what
//! is there.

use super::finding::{Check, Finding, root_cause, sentence, taken_apart};
use super::network;
use crate::cli::account::{Clients, holder};
use crate::cli::failure::Exit;
use crate::cli::output::harmless;
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

/// Asks for the cohort list, and for members. `note_in` is where the queries may be noted.
pub(super) async fn check(config: &Config, note_in: Option<&Places>) -> Vec<Finding> {
    let (finding, listing) = list(config, note_in).await;
    let Some((listing, at)) = listing else { return vec![finding] };
    let clock = network::clock("Mixpanel", listing.heard.date, at);
    let members = members(config, &listing, note_in).await;
    [Some(finding), clock, members].into_iter().flatten().collect()
}

/// The list, with when it arrived.
type Listed = (Listing, Timestamp);

async fn list(config: &Config, note_in: Option<&Places>) -> (Finding, Option<Listed>) {
    let problem =
        |found: String, remedy: String| Finding::problem(Check::Mixpanel, Exit::Failed, found, remedy);
    let asked = format!(
        "{} was asked for the cohorts of project {}",
        config.mixpanel.base_url, config.mixpanel.project_id
    );
    let clients = match Clients::of(config) {
        Ok(clients) => clients,
        Err(failure) => {
            return (problem(sentence(&failure.to_string()), "Correct the configuration.".to_owned()), None);
        }
    };
    let asked_at = Timestamp::now();
    let listed = tokio::time::timeout(PATIENCE, clients.mixpanel.list_cohorts()).await;
    let Ok(listed) = listed.map(|asked| asked.result) else {
        let remedy =
            "Run `cohort-sync doctor` again in a minute; if it stays so, check the network and any proxy.";
        let found = format!("{asked} and did not answer within {} s.", PATIENCE.as_secs());
        return (problem(found, remedy.to_owned()), None);
    };
    let arrived = Timestamp::now();
    let is_charged = listed.as_ref().err().is_none_or(|error| !error.is_not_charged());
    if let Some(places) = note_in.filter(|_| is_charged) {
        note_query(places.state_dir.clone(), asked_at).await;
    }
    let finding = match listed {
        Ok(listing) => return (answered(config, &listing, asked_at), Some((listing, arrived))),
        Err(error @ MixpanelError::BudgetSpent { .. }) => Finding::warning(
            Check::Mixpanel,
            format!("{asked}. {}", sentence(&error.to_string())),
            "Nothing needs to be done: syncs wait for the next free query by themselves.",
        ),
        Err(error) => {
            let (happened, remedy) = refusal(&error, config);
            problem(format!("{asked}. {happened}"), remedy)
        }
    };
    (finding, None)
}

/// Reads one page of the smallest cohort there is: a role that may list cohorts need not see who is in them.
async fn members(config: &Config, listing: &Listing, note_in: Option<&Places>) -> Option<Finding> {
    let users = listing.cohorts.iter().filter(|cohort| !cohort.is_group());
    let cohort = users.min_by_key(|cohort| cohort.count.unwrap_or(u64::MAX))?;
    let asked = format!("Mixpanel was asked who is in \"{}\"", harmless(&cohort.name));
    let clients = Clients::of(config).ok()?;
    let asked_at = Timestamp::now();
    let read = tokio::time::timeout(PATIENCE, clients.mixpanel.page(cohort.id, 0, None)).await;
    let read = read.map(|asked| asked.result);
    let is_charged =
        read.as_ref().is_ok_and(|read| read.as_ref().err().is_none_or(|error| !error.is_not_charged()));
    if let Some(places) = note_in.filter(|_| is_charged) {
        note_query(places.state_dir.clone(), asked_at).await;
    }
    Some(match read {
        Ok(Ok(page)) => Finding::ok(
            Check::Members,
            format!(
                "{asked}, and the account may see it: {} came. This cost another query.",
                plural(page.profiles() as u64, "profile")
            ),
        ),
        Ok(Err(error @ MixpanelError::BudgetSpent { .. })) => Finding::warning(
            Check::Members,
            format!("{asked}. {}", sentence(&error.to_string())),
            "Nothing needs to be done: syncs wait for the next free query by themselves.",
        ),
        Ok(Err(error)) => {
            let (happened, remedy) = refusal(&error, config);
            Finding::problem(Check::Members, Exit::Failed, format!("{asked}. {happened}"), remedy)
        }
        Err(_) => Finding::problem(
            Check::Members,
            Exit::Failed,
            format!("{asked} and did not answer within {} s.", PATIENCE.as_secs()),
            "Run `cohort-sync doctor` again in a minute.",
        ),
    })
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
        // It may have been chance; what stays so is between here and there.
        MixpanelError::Transport(transport) if transport.is_transient() => {
            let again = "Run `cohort-sync doctor` again in a minute; if it stays so, check the network and any proxy.";
            let found = sentence(&format!("{error}{}", root_cause(error)));
            return (found, again.to_owned());
        }
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
