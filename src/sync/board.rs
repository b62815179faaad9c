//! The engine's picture of everything: cohorts, their syncs and the runs at work, and how that is turned into
//! snapshots. It only remembers and shows; what to do next is the engine's to decide.

use super::lints;
use super::meter::Meter;
use super::run::Job;
use super::schedule::Stretch;
use super::snapshot::{
    CohortView, ENDED_LIMIT, Ended, EndedRun, Health, ListState, NOTICE_LIMIT, Notice, NoticeLevel,
    QueryBudget, RunProgress, Snapshot, SyncView, Writer,
};
use super::verifications::Verifications;
use crate::domain::linting::{Facts, Found, lint};
use crate::domain::{Cohort, CohortId, Phase, RunCounts, SyncKind, SyncStatus};
use crate::store::{RememberedCohorts, RunRecord, Side, SyncRecord, TrendPoint};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::report::{RunNews, SideNews};

/// Points of the trend that are shown.
pub(super) const TREND_POINTS: usize = 60;

/// Everything the engine knows.
#[derive(Debug, Default)]
pub(super) struct Board {
    cohorts: Vec<ListedCohort>,
    syncs: BTreeMap<CohortId, SyncRecord>,
    history: HashMap<CohortId, History>,
    active: HashMap<CohortId, Active>,
    /// What deserves a look; worked out anew when one of the facts behind it has changed.
    lints: Found,
    lints_are_old: bool,
    pub(super) verifications: Verifications,
    pub(super) views: HashMap<CohortId, Arc<CohortView>>,
    pub(super) writer: Writer,
    pub(super) list: ListState,
    pub(super) queries: QueryBudget,
    pub(super) stretch: Option<Stretch>,
    pub(super) journaled: i64,
    mixpanel: Health,
    pub(super) mparticle: Health,
    feed_rate_percent: Option<u8>,
    ended_runs: VecDeque<EndedRun>,
    last_ended: u64,
    notices: VecDeque<Notice>,
    last_notice: u64,
    revision: u64,
}

#[derive(Debug)]
struct ListedCohort {
    cohort: Cohort,
    listed: bool,
}

/// What is known of the runs of a cohort.
#[derive(Debug, Default)]
pub(super) struct History {
    last_run: Option<RunRecord>,
    pub(super) last_account: Option<RunRecord>,
    pub(super) trend: VecDeque<TrendPoint>,
}

/// A run at work or in the queue.
#[derive(Debug)]
struct Active {
    progress: RunProgress,
    kind: SyncKind,
    meter: Meter,
}

impl Board {
    /// Takes over what the store remembers.
    pub(super) fn restore(
        &mut self,
        remembered: RememberedCohorts,
        syncs: Vec<SyncRecord>,
        runs: impl IntoIterator<Item = RunRecord>,
    ) {
        self.list = remembered.listed_at.map_or(ListState::Never, ListState::Listed);
        self.cohorts =
            remembered.cohorts.into_iter().map(|(cohort, listed)| ListedCohort { cohort, listed }).collect();
        self.syncs = syncs.into_iter().map(|sync| (sync.cohort_id, sync)).collect();
        self.history.clear();
        for run in runs {
            self.remember_run(run);
        }
        self.lints_are_old = true;
        self.views.clear();
    }

    /// Adds a run that ended to the history; runs must come oldest first.
    fn remember_run(&mut self, run: RunRecord) {
        self.lints_are_old = true;
        let history = self.history.entry(run.cohort_id).or_default();
        if let Some(point) = TrendPoint::of(&run) {
            history.trend.push_back(point);
            if history.trend.len() > TREND_POINTS {
                history.trend.pop_front();
            }
        }
        if run.is_whole_account() {
            history.last_account = Some(run.clone());
        }
        history.last_run = Some(run);
    }

    /// Takes a new list from Mixpanel; synced cohorts that are not on it any more stay, marked so.
    pub(super) fn take_list(&mut self, cohorts: Vec<Cohort>, at: Timestamp) {
        let mut gone: Vec<ListedCohort> = std::mem::take(&mut self.cohorts)
            .into_iter()
            .filter(|old| {
                self.syncs.contains_key(&old.cohort.id) && cohorts.iter().all(|new| new.id != old.cohort.id)
            })
            .map(|old| ListedCohort { listed: false, ..old })
            .collect();
        self.cohorts = cohorts.into_iter().map(|cohort| ListedCohort { cohort, listed: true }).collect();
        self.cohorts.append(&mut gone);
        self.list = ListState::Listed(at);
        self.lints_are_old = true;
        self.views.clear();
    }

    /// When the list that is shown was fetched.
    pub(super) fn listed_at(&self) -> Option<Timestamp> {
        match &self.list {
            ListState::Never => None,
            ListState::Listed(at) => Some(*at),
            ListState::Loading(at) | ListState::Failed { shown: at, .. } => *at,
        }
    }

    /// A cohort as Mixpanel last listed it.
    pub(super) fn cohort(&self, id: CohortId) -> Option<&Cohort> {
        self.cohorts.iter().map(|listed| &listed.cohort).find(|cohort| cohort.id == id)
    }

    /// The sync of a cohort.
    pub(super) fn sync(&self, id: CohortId) -> Option<&SyncRecord> {
        self.syncs.get(&id)
    }

    /// Every sync.
    pub(super) fn syncs(&self) -> impl Iterator<Item = &SyncRecord> {
        self.syncs.values()
    }

    /// Works out whether the recurring syncs ask for more queries than there are; returns what was found before.
    pub(super) fn stretch_to(&mut self, queries_an_hour: u32) -> Option<Stretch> {
        let intervals: Vec<Duration> = self
            .syncs()
            .filter(|sync| sync.kind == SyncKind::Recurring)
            .filter(|sync| !matches!(sync.status, SyncStatus::Paused | SyncStatus::Stopped))
            .map(|sync| sync.interval)
            .collect();
        let stretch = Stretch::of(&intervals, queries_an_hour);
        self.lints_are_old |= stretch != self.stretch;
        std::mem::replace(&mut self.stretch, stretch)
    }

    /// Puts a sync as it rests now.
    pub(super) fn put_sync(&mut self, sync: SyncRecord) {
        self.views.remove(&sync.cohort_id);
        self.lints_are_old = true;
        self.syncs.insert(sync.cohort_id, sync);
    }

    /// So many people are known to hold the attribute of a sync.
    pub(super) fn adopted(&mut self, id: CohortId, baseline: u64) {
        self.views.remove(&id);
        self.lints_are_old = true;
        if let Some(sync) = self.syncs.get_mut(&id) {
            sync.baseline = baseline;
        }
    }

    /// The sync that owns an attribute, unless it is this cohort's own. One that was stopped before mParticle
    /// acknowledged anybody owns nothing; one that moved away owns what it has not cleaned up.
    pub(super) fn owner_of(&self, attribute: &str, except: CohortId) -> Option<&SyncRecord> {
        // A run that was asked to end may still tell somebody.
        let tells = |sync: &SyncRecord| sync.baseline > 0 || self.is_active(sync.cohort_id);
        let owns = |sync: &SyncRecord| {
            let is_current =
                sync.attribute == attribute && (sync.status != SyncStatus::Stopped || tells(sync));
            is_current || sync.former.iter().any(|former| former.attribute == attribute)
        };
        self.syncs().find(|sync| sync.cohort_id != except && owns(sync))
    }

    /// Whether a run of the cohort is at work or waits.
    pub(super) fn is_active(&self, id: CohortId) -> bool {
        self.active.contains_key(&id)
    }

    /// A run waits for its turn.
    pub(super) fn queue(&mut self, job: &Job, kind: SyncKind, attribute: &str, at: Timestamp) {
        let id = job.cohort;
        let progress = RunProgress {
            id: None,
            trigger: job.trigger,
            purpose: job.purpose,
            attribute: attribute.to_owned(),
            dry_run: job.dry_run,
            phase: Phase::Queued,
            started_at: at,
            expected: None,
            counts: RunCounts::default(),
            accepted_per_second: Vec::new(),
            rate: 0.0,
            eta: None,
            waiting: Some("waits for its turn".to_owned()),
            stopping: false,
        };
        let active = Active { progress, kind, meter: Meter::new(at) };
        self.active.insert(id, active);
        self.views.remove(&id);
    }

    /// The run was asked to end.
    pub(super) fn mark_stopping(&mut self, id: CohortId) {
        if let Some(active) = self.active.get_mut(&id) {
            active.progress.stopping = true;
        }
    }

    /// A queued run will not take place.
    pub(super) fn unqueue(&mut self, id: CohortId) {
        self.active.remove(&id);
        self.views.remove(&id);
    }

    /// A run at work in another process, as far as its record tells.
    pub(super) fn watch_run(&mut self, run: &RunRecord, now: Timestamp) {
        let id = run.cohort_id;
        if self.active.get(&id).is_none_or(|active| active.progress.id != Some(run.id)) {
            let job = Job { purpose: run.purpose, ..Job::full(id, run.trigger) };
            self.queue(&job, run.kind, &run.attribute, run.started_at);
        }
        self.news(id, RunNews::Began(run.id, run.started_at), now);
        self.news(id, RunNews::Phase(run.phase), now);
        self.news(id, RunNews::Counts(Box::new(run.counts)), now);
    }

    /// Cohorts with a run at work or waiting.
    pub(super) fn active_cohorts(&self) -> Vec<CohortId> {
        self.active.keys().copied().collect()
    }

    /// A run ended; the sync's baseline stands as it was settled.
    pub(super) fn run_ended(&mut self, record: RunRecord, baseline: Option<u64>) {
        self.unqueue(record.cohort_id);
        if let (Some(sync), Some(baseline)) = (self.syncs.get_mut(&record.cohort_id), baseline) {
            if sync.attribute == record.attribute {
                sync.baseline = baseline;
            } else if let Some(former) =
                sync.former.iter_mut().find(|former| former.attribute == record.attribute)
            {
                former.members = baseline;
            }
        }
        self.last_ended += 1;
        self.ended_runs.push_back(EndedRun { number: self.last_ended, run: Arc::new(record.clone()) });
        if self.ended_runs.len() > ENDED_LIMIT {
            self.ended_runs.pop_front();
        }
        self.remember_run(record);
    }

    /// A run moved on.
    pub(super) fn news(&mut self, id: CohortId, news: RunNews, now: Timestamp) {
        let Some(active) = self.active.get_mut(&id) else { return };
        let progress = &mut active.progress;
        match news {
            RunNews::Began(run, at) => {
                progress.id = Some(run);
                progress.started_at = at;
                progress.waiting = None;
            }
            RunNews::Phase(phase) => {
                progress.phase = phase;
                progress.waiting = None;
            }
            RunNews::Expected(expected) => progress.expected = expected,
            RunNews::Counts(counts) => {
                let accepted = counts.accepted().saturating_sub(progress.counts.accepted());
                progress.counts = *counts;
                active.meter.count(accepted, now);
            }
            RunNews::Waiting(waiting) => progress.waiting = waiting,
            RunNews::Ended { record, baseline, .. } => self.run_ended(*record, baseline),
        }
    }

    /// A side answered, is being tried again, or is down.
    pub(super) fn side(&mut self, side: Side, news: SideNews) {
        let health = match side {
            Side::Mixpanel => &mut self.mixpanel,
            Side::Mparticle => &mut self.mparticle,
        };
        match news {
            SideNews::Answered => *health = Health::Reachable,
            SideNews::Retrying(reason) => *health = Health::Retrying(reason),
            SideNews::Down(reason) => *health = Health::Down(reason),
            SideNews::Rate(percent) => self.feed_rate_percent = Some(percent),
        }
    }

    /// Something worth a toast.
    pub(super) fn notice(
        &mut self,
        level: NoticeLevel,
        cohort: Option<CohortId>,
        text: String,
        at: Timestamp,
    ) {
        self.last_notice += 1;
        self.notices.push_back(Notice { number: self.last_notice, at, level, cohort, text });
        while self.notices.len() > NOTICE_LIMIT {
            self.notices.pop_front();
        }
    }

    /// The picture as it stands.
    pub(super) fn snapshot(&mut self, now: Timestamp, ended: Option<Ended>) -> Snapshot {
        self.revision += 1;
        for (id, active) in &mut self.active {
            active.meter.advance(now);
            self.views.remove(id);
        }
        self.find_lints();
        let ids: Vec<CohortId> = self.cohorts.iter().map(|listed| listed.cohort.id).collect();
        let cohorts = ids.into_iter().enumerate().map(|(place, id)| self.view(place, id)).collect();
        Snapshot {
            revision: self.revision,
            writer: self.writer.clone(),
            mixpanel: self.mixpanel.clone(),
            mparticle: self.mparticle.clone(),
            queries: self.queries,
            stretch: self.stretch,
            feed_rate_percent: self.feed_rate_percent.map(|used| used * u8::from(!self.active.is_empty())),
            list: self.list.clone(),
            lints: self.lints.project.clone(),
            cohorts,
            ended_runs: self.ended_runs.clone(),
            notices: self.notices.clone(),
            journaled: self.journaled,
            ended,
        }
    }

    /// Works out what deserves a look, if anything it depends on has changed.
    fn find_lints(&mut self) {
        if !std::mem::take(&mut self.lints_are_old) {
            return;
        }
        let facts: Vec<Facts<'_>> = self
            .cohorts
            .iter()
            .map(|ListedCohort { cohort, .. }| {
                let id = &cohort.id;
                lints::facts(cohort, self.syncs.get(id), self.history.get(id), self.stretch.as_ref())
            })
            .collect();
        let found = lint(&facts);
        self.views.retain(|id, _| found.of(*id) == self.lints.of(*id));
        self.lints = found;
    }

    fn view(&mut self, place: usize, id: CohortId) -> Arc<CohortView> {
        if let Some(view) = self.views.get(&id) {
            return Arc::clone(view);
        }
        let listed = &self.cohorts[place];
        let view = Arc::new(CohortView {
            cohort: listed.cohort.clone(),
            listed: listed.listed,
            not_exportable: not_exportable(&listed.cohort),
            lints: self.lints.of(id).to_vec(),
            sync: self.sync_view(&listed.cohort),
        });
        self.views.insert(id, Arc::clone(&view));
        view
    }

    /// A dry run of a cohort nobody exported yet is shown as if there were a sync, for as long as it works.
    fn sync_view(&self, cohort: &Cohort) -> Option<SyncView> {
        let active = self.active.get(&cohort.id);
        let sync = self.syncs.get(&cohort.id);
        let history = self.history.get(&cohort.id);
        if sync.is_none() && active.is_none() && history.is_none() {
            return None;
        }
        let progress = active.map(|active| RunProgress {
            accepted_per_second: active.meter.per_second(),
            rate: active.meter.rate(),
            eta: (active.progress.phase == Phase::Send)
                .then(|| active.meter.eta(active.progress.counts.pending()))
                .flatten(),
            ..active.progress.clone()
        });
        let last_run = history.and_then(|history| history.last_run.clone());
        let resting = sync.map_or(SyncStatus::NotSynced, |sync| sync.status);
        Some(SyncView {
            attribute: sync
                .map(|sync| sync.attribute.clone())
                .or_else(|| active.map(|active| active.progress.attribute.clone()))
                .unwrap_or_else(|| cohort.name.clone()),
            pinned_name: sync.map_or_else(|| cohort.name.clone(), |sync| sync.pinned_name.clone()),
            kind: active
                .map(|active| active.kind)
                .or_else(|| sync.map(|sync| sync.kind))
                .or_else(|| last_run.as_ref().map(|run| run.kind))
                .unwrap_or(SyncKind::OneTime),
            status: progress.as_ref().map_or(resting, |progress| SyncStatus::during(progress.phase)),
            pause: sync.and_then(|sync| sync.pause.clone()),
            interval: sync.map_or(Duration::ZERO, |sync| sync.interval),
            next_due: sync.and_then(|sync| sync.next_due),
            since: sync
                .map(|sync| sync.since)
                .or_else(|| progress.as_ref().map(|progress| progress.started_at))
                .or_else(|| last_run.as_ref().map(|run| run.started_at))
                .unwrap_or_default(),
            baseline: sync.map_or(0, |sync| sync.baseline),
            clean_up: sync.and_then(|sync| sync.clean_up),
            former: sync.map(|sync| sync.former.clone()).unwrap_or_default(),
            max_removal_share: sync.and_then(|sync| sync.max_removal_share),
            last_full: sync.and_then(|sync| sync.last_full),
            progress,
            last_run,
            last_account: history.and_then(|history| history.last_account.clone()),
            trend: history.map(|history| history.trend.iter().copied().collect()).unwrap_or_default(),
            verification: self.verifications.view(sync),
        })
    }
}

/// Why a cohort cannot be exported, in words.
pub(super) fn not_exportable(cohort: &Cohort) -> Option<String> {
    cohort.is_group().then(|| {
        format!(
            "\"{}\" is a group cohort (data group {}): it holds groups, not users, and cannot be exported; choose a cohort of users",
            cohort.name,
            cohort.data_group_id.as_deref().unwrap_or_default()
        )
    })
}
