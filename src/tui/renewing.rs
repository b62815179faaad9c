//! The configuration as far as it is I/O: the engine tries fresh credentials, then they are put where the old ones are;
//! settings are changed; other profiles are looked into. All of it on threads that may wait for the disk or a keyring.

use super::app::{Msg, Reconfigured};
use super::dialogs::reconnect::Renewing;
use crate::config::edit::{Change, Edit, EditError};
use crate::config::keep::{Kept, keep_with_account};
use crate::config::{ConfigError, Layers, Masks, Request, profiles};
use crate::sync::Handle;
use crate::sync::command::Command;
use crate::sync::renew::{Fresh, Renewal};
use tokio::task::spawn_blocking;

/// What it takes to do something with the configuration.
#[derive(Debug, Clone)]
pub(super) struct Renewer {
    /// What the configuration is read from; `None` where there is none to change.
    pub request: Option<Request>,
    /// Where a credential is entered before anything could be logged about it.
    pub masks: Masks,
}

impl Renewer {
    /// Has the credentials tried, keeps them when they are taken, and says what became of them.
    pub(super) async fn renew(self, handle: Handle, renewing: Renewing) -> Msg {
        let Renewing { subject, account, is_other_account, secret } = renewing;
        self.masks.add_basic(&account, &secret);
        let renewal = Renewal { subject, account: account.clone(), secret: Fresh::new(secret.expose()) };
        if let Err(refusal) = handle.send(Command::Renew(renewal)).await {
            return Msg::Renewed(Err(refusal.to_string()));
        }
        let Some(request) = self.request else {
            return Msg::Renewed(Ok("the new credential lasts until the console ends".to_owned()));
        };
        let keep = move || {
            let account = subject.account_setting().zip(is_other_account.then_some(account.as_str()));
            keep_with_account(&request, account, subject.secret_setting(), &secret)
        };
        let words = match spawn_blocking(keep).await {
            Ok(Ok(Kept::At(place))) => format!("the new credential is kept where the old one was: {place}"),
            Ok(Ok(Kept::UntilRestart(remedy))) => {
                format!("the new credential lasts until the console ends: {remedy}")
            }
            Ok(Err(error)) => format!("the new credential is in use, but could not be kept: {error}"),
            Err(error) => format!("the new credential is in use, but keeping it broke down: {error}"),
        };
        Msg::Renewed(Ok(words))
    }

    /// Changes a setting in the file, and reads everything anew.
    pub(super) async fn configure(self, change: Change) -> Msg {
        let Some(request) = self.request else {
            return Msg::Configured(Err("there is no configuration file to change".to_owned()));
        };
        let configure = move || {
            let edited = Edit::prepare(&request, &change)?.write()?;
            let shown = Layers::read(request.clone()).map_err(EditError::from)?.shown();
            let adjustable = Layers::read(request).and_then(Layers::adjustable);
            let adjustable = adjustable.map_err(|error| error.to_string());
            Ok(Box::new(Reconfigured { edited, shown, adjustable }))
        };
        let result = spawn_blocking(configure).await;
        let result = result.unwrap_or_else(|error| Err(EditError::BrokeDown(error.to_string())));
        Msg::Configured(result.map_err(|error| error.to_string()))
    }

    /// Reads which profiles the file has.
    pub(super) async fn list_profiles(self) -> Msg {
        let listed = self.on_thread(|request, _| profiles(&request)).await;
        Msg::Profiles(listed)
    }

    /// Reads the whole configuration of a profile, credentials and all, as opening it would.
    pub(super) async fn try_profile(self, profile: String) -> Msg {
        let name = profile.clone();
        let tried = self.on_thread(move |request, masks| {
            Layers::read(request.in_profile(&name))?.config().map(|config| config.mask_with(&masks))
        });
        Msg::ProfileTried(profile, tried.await)
    }

    async fn on_thread<T: Send + 'static>(
        self,
        read: impl FnOnce(Request, Masks) -> Result<T, ConfigError> + Send + 'static,
    ) -> Result<T, String> {
        let Some(request) = self.request else { return Err("there is no configuration file".to_owned()) };
        let masks = self.masks;
        let result = spawn_blocking(move || read(request, masks)).await;
        match result {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(error) => Err(format!("reading it broke down: {error}")),
        }
    }
}
