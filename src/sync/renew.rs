//! Fresh credentials: each is tried before it takes the place of the old one, then the syncs go on that were paused by
//! the old one. Mixpanel and the Profile API are asked something for it; mParticle's feed knows no such question, so
//! there only the address is tried, and the first request that follows settles it.

use super::command::Refusal;
use super::engine::Engine;
use super::report::{Report, SideNews};
use super::snapshot::{Health, NoticeLevel};
use super::tools::{AskedMixpanel, Tools};
use crate::domain::{Cohort, CohortId, PauseCause};
use crate::http::Authorization;
use crate::mparticle::profile::ClientCredentials;
use crate::mparticle::{FeedUrl, Route};
use crate::store::Side;
use std::fmt;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long Mixpanel may take to list the cohorts, and mParticle's host to answer at all.
const PATIENCE: Duration = Duration::from_mins(1);
const REACH: Duration = Duration::from_secs(15);

/// A credential on its way to where it is used. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fresh(String);

impl Fresh {
    /// Takes it into custody, without the spaces that come along when something is copied.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh(…)")
    }
}

/// What there are credentials for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The service account that reads cohorts.
    Mixpanel,
    /// The feed, whose webhook URL is the credential.
    Feed,
    /// The input of the Events API, with a key and a secret.
    EventsApi,
    /// The client that looks profiles up.
    ProfileApi,
}

impl Subject {
    /// The setting of the credential.
    #[must_use]
    pub fn secret_setting(self) -> &'static str {
        match self {
            Self::Mixpanel => "mixpanel.secret",
            Self::Feed => "mparticle.webhook_url",
            Self::EventsApi => "mparticle.events_api.secret",
            Self::ProfileApi => "mparticle.profile_api.client_secret",
        }
    }

    /// The setting of the name that goes with it, which is no secret.
    #[must_use]
    pub fn account_setting(self) -> Option<&'static str> {
        match self {
            Self::Mixpanel => Some("mixpanel.service_account"),
            Self::Feed => None,
            Self::EventsApi => Some("mparticle.events_api.key"),
            Self::ProfileApi => Some("mparticle.profile_api.client_id"),
        }
    }

    /// Whose it is, in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mixpanel => "Mixpanel",
            Self::Feed => "mParticle's feed",
            Self::EventsApi => "mParticle's Events API",
            Self::ProfileApi => "mParticle's Profile API",
        }
    }

    /// What is said once fresh credentials are in use.
    fn in_use(self) -> &'static str {
        match self {
            Self::Mixpanel => "Mixpanel took the new secret",
            Self::Feed => "The new webhook URL is in use; the next request shows whether mParticle takes it",
            Self::EventsApi => {
                "The new key and secret are in use; the next request shows whether mParticle takes them"
            }
            Self::ProfileApi => "The Profile API took the new secret",
        }
    }

    /// Whether a pause for this reason may be over once they are.
    #[must_use]
    pub fn mends(self, cause: PauseCause) -> bool {
        use PauseCause::{MixpanelCredentials, MixpanelPermission, MixpanelPlan, MparticleFeed};
        match self {
            Self::Mixpanel => matches!(cause, MixpanelCredentials | MixpanelPermission | MixpanelPlan),
            Self::Feed | Self::EventsApi => cause == MparticleFeed,
            Self::ProfileApi => false,
        }
    }
}

/// Fresh credentials, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Of what.
    pub subject: Subject,
    /// The user name, key or client id that goes with it; empty for a feed.
    pub account: String,
    /// The credential.
    pub secret: Fresh,
}

/// A renewal that was taken, with the way to answer whoever wants to know.
#[derive(Debug)]
pub(super) struct Renewed {
    subject: Subject,
    /// The cohorts, where trying brought them along.
    listed: Option<Vec<Cohort>>,
    reply: oneshot::Sender<Result<(), Refusal>>,
}

impl Engine {
    /// Tries fresh credentials in a task of their own and reports when they are in use.
    pub(super) fn renew(&self, renewal: Renewal, reply: oneshot::Sender<Result<(), Refusal>>) {
        let tools = self.tools.clone();
        tokio::spawn(async move {
            match tools.renew(&renewal).await {
                Ok(listed) => {
                    tools.reports.tell(Report::Renewed(Renewed { subject: renewal.subject, listed, reply }));
                }
                // Whoever asked may have stopped waiting; nothing was changed.
                Err(reason) => drop(reply.send(Err(Refusal::NotRenewed(reason)))),
            }
        });
    }

    /// Fresh credentials are in use: what they were missing for goes on.
    pub(super) fn renewed(&mut self, renewed: Renewed) {
        let Renewed { subject, listed, reply } = renewed;
        let now = self.tools.clock.now();
        match subject {
            Subject::Mixpanel => self.board.side(Side::Mixpanel, SideNews::Answered),
            // Nobody has answered to them yet.
            Subject::Feed | Subject::EventsApi => self.board.mparticle = Health::Unknown,
            Subject::ProfileApi => {}
        }
        if let Some(cohorts) = listed {
            self.list_arrived(cohorts);
        }
        let mended: Vec<CohortId> = self
            .board
            .syncs()
            .filter(|sync| sync.pause.as_ref().is_some_and(|pause| subject.mends(pause.cause)))
            .map(|sync| sync.cohort_id)
            .collect();
        let mut go_on = 0;
        for cohort in mended {
            match self.resume(cohort) {
                Ok(()) => go_on += 1,
                Err(refusal) => tracing::warn!(%cohort, %refusal, "a sync could not be taken up again"),
            }
        }
        let follows = match go_on {
            0 => String::new(),
            1 => "; the sync that was paused goes on".to_owned(),
            syncs => format!("; {syncs} syncs that were paused go on"),
        };
        let text = format!("{}{follows}", subject.in_use());
        tracing::info!("{text}");
        self.board.notice(NoticeLevel::Good, None, text, now);
        // Whoever asked may have stopped waiting; the credentials are in use all the same.
        drop(reply.send(Ok(())));
    }
}

impl Tools {
    /// Tries fresh credentials, and works with them from now on when they are taken. An error says why they are not.
    async fn renew(&self, renewal: &Renewal) -> Result<Option<Vec<Cohort>>, String> {
        let (account, secret) = (renewal.account.trim(), renewal.secret.0.as_str());
        match renewal.subject {
            Subject::Mixpanel => self.renew_account(Authorization::basic(account, secret)).await.map(Some),
            Subject::Feed => {
                if !self.mparticle.is_feed() {
                    return Err(WRONG_WAY.to_owned());
                }
                let url = FeedUrl::parse(secret).map_err(|error| error.to_string())?;
                self.renew_route(self.mparticle.with_route(Route::Feed(url))).await
            }
            Subject::EventsApi => {
                let trial = self.mparticle.with_key(Authorization::basic(account, secret));
                self.renew_route(trial.ok_or_else(|| WRONG_WAY.to_owned())?).await
            }
            Subject::ProfileApi => {
                let Some(profiles) = &self.profiles else { return Err(Refusal::NoProfileApi.to_string()) };
                let credentials = ClientCredentials::new(account, secret);
                profiles.renew(credentials, &|_| {}).await.map_err(|error| error.to_string())?;
                Ok(None)
            }
        }
    }

    /// Lists the cohorts as the other account, which costs a query.
    async fn renew_account(&self, account: Authorization) -> Result<Vec<Cohort>, String> {
        let charge = self.budget.spend_now().await.map_err(|free_at| {
            let free_at = super::clock::local(free_at);
            format!("no query is left in this hour to try the secret with; the next is free at {free_at}")
        })?;
        let trial = self.mixpanel.with_account(account);
        let Ok(listed) = tokio::time::timeout(PATIENCE, trial.list_cohorts()).await else {
            return Err("Mixpanel did not answer within a minute; nothing was changed, try again".to_owned());
        };
        let asked = AskedMixpanel { about: None, what: "cohort list, fresh secret".to_owned(), attempt: 1 };
        self.journal_mixpanel(asked, &listed.exchange, 0);
        match listed.result {
            Ok(listing) => {
                self.budget.learn(&listing.heard);
                self.mixpanel.take_account(&trial);
                Ok(listing.cohorts)
            }
            Err(error) => {
                if error.is_not_charged() {
                    self.budget.refund(charge).await;
                }
                Err(error.to_string())
            }
        }
    }

    async fn renew_route(&self, trial: crate::mparticle::Client) -> Result<Option<Vec<Cohort>>, String> {
        trial.reach(REACH).await.map_err(|error| error.to_string())?;
        self.mparticle.take_route(&trial);
        Ok(None)
    }
}

const WRONG_WAY: &str =
    "changes go to mParticle by another way (mparticle.delivery); renew the credentials of that one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_prints_no_credential() {
        let secret = Fresh::new(" https://x/pl4nted\n");
        let renewal = Renewal { subject: Subject::Feed, account: String::new(), secret };
        assert!(!format!("{renewal:?}").contains("pl4nted"));
        assert_eq!(Fresh::new(" a \n"), Fresh::new("a"));
    }

    #[test]
    fn each_side_mends_its_own_pauses() {
        use PauseCause::{MixpanelPlan, MparticleFeed, Operator};
        assert!(Subject::Mixpanel.mends(MixpanelPlan) && !Subject::Mixpanel.mends(MparticleFeed));
        assert!(Subject::Feed.mends(MparticleFeed) && !Subject::Feed.mends(Operator));
    }
}
