//! The Profile API, where it is configured: a token is fetched and one profile asked for that nobody has, which tries the
//! addresses, the credentials and the ids at once. It reads only, and what it reads is about nobody.

use super::finding::{Check, Finding, root_cause, sentence, taken_apart};
use crate::cli::account::impatient_profiles_of;
use crate::cli::failure::Exit;
use crate::config::Config;
use crate::domain::IdentityRef;
use crate::mparticle::profile::{Detail, ProfileError};
use std::time::{Duration, Instant};

/// Long enough for a slow network.
const PATIENCE: Duration = Duration::from_secs(20);

/// No profile has it: MPIDs are drawn from all of 64 bits. Whether one did would not matter.
const NOBODY: i64 = 1;

/// Asks for nobody's profile.
pub(super) async fn check(config: &Config) -> Option<Finding> {
    let api = config.mparticle.profile_api.as_ref()?;
    let profiles = match impatient_profiles_of(config) {
        Ok(profiles) => profiles?,
        Err(failure) => return Some(problem(sentence(&failure.to_string()), "Correct the address.")),
    };
    let began = Instant::now();
    let looked = profiles.look_up(IdentityRef::Mpid(NOBODY), Detail::Attributes, &|_| {});
    let again =
        "Run `cohort-sync doctor` again in a minute; if it stays so, check the network and any proxy.";
    Some(match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(_)) => Finding::ok(
            Check::ProfileApi,
            format!(
                "{} answered in {} ms and accepts the client {}: `verify` and the Users screen can see what mParticle holds \
                 of workspace {}. It was asked for a profile that nobody has.",
                api.base_url,
                began.elapsed().as_millis(),
                api.client_id,
                api.workspace_id,
            ),
        ),
        Ok(Err(ProfileError::TooManyTries { last, .. })) => {
            let (found, remedy) = taken_apart(&last.to_string(), "");
            problem(found, remedy.as_deref().unwrap_or(again))
        }
        Ok(Err(error)) => {
            let (found, remedy) = taken_apart(&error.to_string(), &root_cause(&error));
            problem(found, remedy.as_deref().unwrap_or(again))
        }
        Err(_) => problem(format!("{} gave no answer within {} s.", api.base_url, PATIENCE.as_secs()), again),
    })
}

fn problem(found: String, remedy: &str) -> Finding {
    let syncs = "Syncs do without it; only `verify` and what the Users screen sees of mParticle need it.";
    Finding::problem(Check::ProfileApi, Exit::Failed, found, format!("{remedy} {syncs}"))
}
