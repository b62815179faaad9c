//! A world for the engine's tests: the sandbox as both services, a state directory that goes away, an engine
//! on top, and ways to wait for what must come true. Whether its time is real or simulated (see `simulated`)
//! makes no difference to a test.

use crate::simulated::StandingClock;
use cohort_sync::domain::{CohortId, SyncKind, SyncStatus};
use cohort_sync::http::{Authorization, Backoff, Transport, TransportOptions};
use cohort_sync::mixpanel;
use cohort_sync::mparticle::profile::{self, ClientCredentials};
use cohort_sync::mparticle::{self, Encoder, FeedUrl, ProfileApi};
use cohort_sync::sandbox::{self, CohortSeed, Control, PersonSeed, ProfileKey, Sandbox, SandboxOptions};
use cohort_sync::store::{Holding, Reader, RunRecord, StoreError};
use cohort_sync::sync::command::{Command, Refusal, StartRequest};
use cohort_sync::sync::pages::Question;
use cohort_sync::sync::snapshot::{CohortView, Snapshot};
use cohort_sync::sync::{self, Clock, Handle, Parts, Settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Long enough for a loaded machine, short enough to notice that something hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than anything a test waits for, and passed in a few seconds.
const SIMULATED_PATIENCE: Duration = Duration::from_hours(12);

pub struct World {
    pub sandbox: Sandbox,
    pub control: Control,
    pub directory: tempfile::TempDir,
    pub settings: Settings,
    pub clock: Clock,
    /// How many profiles are looked up a second, at most.
    pub profiles_per_second: u32,
    /// What holds the time still between steps, in a world whose time is simulated.
    pub standing: Option<StandingClock>,
    pub engine: Option<(Handle, JoinHandle<()>)>,
}

/// Settings for tests: no schedule of their own, retries that do not wait for a minute, and lookups that are believed
/// at once.
pub fn quick() -> Settings {
    Settings {
        schedule: false,
        list_on_start: false,
        settling: Duration::ZERO,
        backoff: Backoff {
            base: Duration::from_millis(2),
            ceiling: Duration::from_millis(10),
            ..Backoff::default()
        },
        ..Settings::default()
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(quick()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::of(settings, SandboxOptions::quiet(), Clock::system(), None).await
    }

    pub async fn of(
        settings: Settings,
        options: SandboxOptions,
        clock: Clock,
        standing: Option<StandingClock>,
    ) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let control = sandbox.control();
        let directory = tempfile::tempdir().unwrap();
        // As fast as the sandbox answers.
        let profiles_per_second = 1_000_000;
        Self { sandbox, control, directory, settings, clock, profiles_per_second, standing, engine: None }
    }

    /// Adds a cohort of `people` and starts the engine with its list.
    pub async fn with_cohort(people: Vec<PersonSeed>) -> Self {
        let mut world = Self::new().await;
        world.add_cohort(COHORT.0, NAME, people);
        world.start().await;
        world
    }

    pub fn add_cohort(&self, id: u64, name: &str, members: Vec<PersonSeed>) {
        self.control.add_cohort(CohortSeed {
            id,
            name: name.to_owned(),
            description: String::new(),
            members,
            group: false,
        });
    }

    pub async fn start(&mut self) {
        self.try_start().await.unwrap();
        self.refresh().await;
    }

    pub async fn try_start(&mut self) -> Result<(), StoreError> {
        let transport = Transport::new(TransportOptions::default()).unwrap();
        let connection = mixpanel::Connection {
            base_url: self.sandbox.mixpanel_base_url(),
            project_id: sandbox::PROJECT_ID,
            workspace_id: None,
            service_account: Authorization::basic(sandbox::SERVICE_ACCOUNT, sandbox::SECRET),
        };
        let parts = Parts {
            directory: self.directory.path().to_owned(),
            holder: "the test".to_owned(),
            mixpanel: mixpanel::Client::new(transport.clone(), connection).unwrap(),
            mparticle: mparticle::Client::new(
                transport.clone(),
                FeedUrl::parse(&self.sandbox.webhook_url()).unwrap(),
            ),
            profiles: Some(ProfileApi::new(transport, self.profile_connection()).unwrap()),
            encoder: Encoder::new("production", "customer_id"),
            clock: self.clock.clone(),
            read_only: false,
        };
        self.engine = Some(sync::start(parts, self.settings).await?);
        Ok(())
    }

    pub fn profile_connection(&self) -> profile::Connection {
        profile::Connection {
            base_url: self.sandbox.profile_api_base_url(),
            token_url: self.sandbox.token_url(),
            credentials: ClientCredentials::new(sandbox::CLIENT_ID, sandbox::CLIENT_SECRET),
            org_id: sandbox::ORG_ID,
            account_id: sandbox::ACCOUNT_ID,
            workspace_id: sandbox::WORKSPACE_ID,
            environment: "production".to_owned(),
            identity_type: "customer_id".to_owned(),
            profiles_per_second: self.profiles_per_second,
            backoff: self.settings.backoff,
        }
    }

    pub fn handle(&self) -> &Handle {
        self.running().unwrap()
    }

    /// The engine, while there is one.
    pub fn running(&self) -> Option<&Handle> {
        self.engine.as_ref().map(|(handle, _)| handle)
    }

    /// Ends the engine the orderly way.
    pub async fn shut_down(&mut self) {
        self.handle().send(Command::Shutdown).await.unwrap();
        self.until("the engine ends", |snapshot| snapshot.ended.is_some()).await;
        let (_, task) = self.engine.take().unwrap();
        task.await.unwrap();
    }

    pub async fn refresh(&self) {
        if self.standing.is_some() {
            // Two lists of the same moment look the same.
            self.pass(Duration::from_millis(1)).await;
        }
        // What is remembered must not pass for news.
        let restored = self.until("the engine has begun", |snapshot| snapshot.revision > 0).await;
        let before = restored.list.clone();
        self.handle().send(Command::Refresh).await.unwrap();
        self.until("the list arrives", move |snapshot| {
            use cohort_sync::sync::snapshot::ListState;
            matches!(snapshot.list, ListState::Listed(_) | ListState::Failed { .. })
                && snapshot.list != before
        })
        .await;
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.handle().snapshots().borrow().clone()
    }

    /// Waits until a snapshot fulfils a condition.
    pub async fn until(&self, what: &str, condition: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        if self.standing.is_some() {
            return self.pass_until(what, SIMULATED_PATIENCE, condition).await;
        }
        let mut snapshots = self.handle().snapshots();
        let waited = tokio::time::timeout(PATIENCE, snapshots.wait_for(|snapshot| condition(snapshot))).await;
        let Ok(snapshot) = waited else {
            panic!("{what}: not within {PATIENCE:?}; {:#?}", self.snapshot());
        };
        snapshot.unwrap().clone()
    }

    pub fn view(&self, cohort: CohortId) -> Arc<CohortView> {
        self.snapshot().cohort(cohort).unwrap().clone()
    }

    pub fn status(&self) -> SyncStatus {
        self.view(COHORT).status()
    }

    /// Sends a command that starts a run and waits for the run's end.
    pub async fn run_by(&self, cohort: CohortId, command: Command) -> RunRecord {
        let last_run = |snapshot: &Snapshot| {
            snapshot.cohort(cohort).and_then(|view| view.sync.as_ref()?.last_run.clone())
        };
        let before = last_run(&self.snapshot());
        self.handle().send(command).await.unwrap();
        let snapshot = self
            .until("the run ends", |snapshot| {
                let view = snapshot.cohort(cohort).unwrap();
                !view.status().is_active() && last_run(snapshot) != before
            })
            .await;
        let run = last_run(&snapshot).unwrap();
        assert_counts_add_up(&run);
        run
    }

    pub async fn export(&self) -> RunRecord {
        self.run_by(COHORT, Command::Start(request(SyncKind::OneTime))).await
    }

    pub async fn sync(&self) -> RunRecord {
        self.run_by(COHORT, Command::Start(request(SyncKind::Recurring))).await
    }

    pub async fn refused(&self, command: Command) -> Refusal {
        self.handle().send(command).await.unwrap_err()
    }

    /// Whom the feed holds as members, by the attribute.
    pub fn members_in_mparticle(&self, attribute: &str) -> BTreeMap<String, bool> {
        self.control
            .profiles_with(attribute)
            .into_iter()
            .map(|(key, value)| (key_text(&key), value.as_bool().unwrap()))
            .collect()
    }

    /// Those with `true`.
    pub fn current_members(&self) -> Vec<String> {
        self.members_in_mparticle(NAME).into_iter().filter(|(_, value)| *value).map(|(key, _)| key).collect()
    }

    /// Waits until all that the latest snapshot shows is stored, as the engine does for whoever reads through it.
    pub async fn is_recorded(&self) {
        self.handle().read(Question::Size).await.unwrap();
    }

    pub fn reader(&self) -> Reader {
        Reader::open(self.directory.path()).unwrap()
    }

    pub fn state(&self) -> &Path {
        self.directory.path()
    }
}

pub const COHORT: CohortId = CohortId(1000);
pub const NAME: &str = "Power users";

/// What the sync of [`COHORT`] holds under an attribute.
pub fn held(attribute: &str) -> Holding {
    Holding { cohort: COHORT, attribute: attribute.to_owned() }
}

pub fn request(kind: SyncKind) -> StartRequest {
    StartRequest::new(COHORT, kind)
}

/// `count` people with MPIDs from `first` on.
pub fn people(first: i64, count: i64) -> Vec<PersonSeed> {
    (first..first + count).map(|n| PersonSeed::matched(format!("user-{n}"), mpid(n))).collect()
}

/// Spread over all 64 bits, so that some are negative and none is in order.
pub fn mpid(n: i64) -> i64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())
}

pub fn keys(first: i64, count: i64) -> Vec<String> {
    let mut keys: Vec<String> =
        (first..first + count).map(|n| key_text(&ProfileKey::Mpid(mpid(n)))).collect();
    keys.sort();
    keys
}

pub fn key_text(key: &ProfileKey) -> String {
    match key {
        ProfileKey::Mpid(mpid) => format!("mpid {mpid}"),
        ProfileKey::Identity { kind, value } => format!("{kind} {value}"),
    }
}

/// Rule 8 of the design.
pub fn assert_counts_add_up(run: &RunRecord) {
    let counts = &run.counts;
    let read = &counts.read;
    assert_eq!(read.fetched(), read.matched + read.unmatched + read.unsendable + read.duplicates);
    assert_eq!(counts.planned(), counts.accepted() + counts.rejected() + counts.pending());
    if run.is_whole_account() {
        assert_eq!(counts.unexplained(), 0, "{run:?}");
    }
}
