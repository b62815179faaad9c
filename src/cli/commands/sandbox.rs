//! `sandbox`: both services on loopback, until stopped, with what to write into a configuration to use them.

use super::{remark, say};
use crate::cli::failure::{Exit, Failure};
use crate::cli::signals::asked_to_end;
use crate::sandbox::{self, Sandbox, SandboxOptions};
use std::net::SocketAddr;

/// Serves the sandbox.
pub(in crate::cli) async fn sandbox(listen: SocketAddr, json: bool) -> Result<Exit, Failure> {
    let options = SandboxOptions { listen, ..SandboxOptions::demo() };
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| Failure::Usage(format!("the sandbox cannot listen on {listen}: {error}")))?;
    if json {
        super::say_json(&serde_json::json!({
            "mixpanel_base_url": sandbox.mixpanel_base_url(),
            "webhook_url": sandbox.webhook_url(),
            "project_id": sandbox::PROJECT_ID,
            "service_account": sandbox::SERVICE_ACCOUNT,
            "secret": sandbox::SECRET,
            "profile_api": {
                "client_id": sandbox::CLIENT_ID,
                "client_secret": sandbox::CLIENT_SECRET,
                "org_id": sandbox::ORG_ID,
                "account_id": sandbox::ACCOUNT_ID,
                "workspace_id": sandbox::WORKSPACE_ID,
                "base_url": sandbox.profile_api_base_url(),
                "token_url": sandbox.token_url(),
            },
        }))?;
    } else {
        say(&snippet(&sandbox))?;
    }
    remark("Serving until ctrl-c.");
    asked_to_end().await.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
    Ok(Exit::Done)
}

/// A configuration that leads here. Its credentials are no secrets: they open nothing but this sandbox.
fn snippet(sandbox: &Sandbox) -> String {
    format!(
        "# A make-believe Mixpanel and mParticle. Save this as a file, chmod 600 it, then:\n\
         #   cohort-sync --config FILE --state-dir DIR cohorts\n\
         [mixpanel]\n\
         base_url = \"{}\"\n\
         project_id = {}\n\
         service_account = \"{}\"\n\
         secret = \"{}\"\n\n\
         [mparticle]\n\
         webhook_url = \"{}\"\n\n\
         [mparticle.profile_api]\n\
         client_id = \"{}\"\n\
         client_secret = \"{}\"\n\
         org_id = {}\n\
         account_id = {}\n\
         workspace_id = {}\n\
         base_url = \"{}\"\n\
         token_url = \"{}\"",
        sandbox.mixpanel_base_url(),
        sandbox::PROJECT_ID,
        sandbox::SERVICE_ACCOUNT,
        sandbox::SECRET,
        sandbox.webhook_url(),
        sandbox::CLIENT_ID,
        sandbox::CLIENT_SECRET,
        sandbox::ORG_ID,
        sandbox::ACCOUNT_ID,
        sandbox::WORKSPACE_ID,
        sandbox.profile_api_base_url(),
        sandbox.token_url(),
    )
}
