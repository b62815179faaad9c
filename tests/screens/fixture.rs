//! A made-up project for the screens: every status, every kind of trouble, and names that are hard to draw.

use cohort_sync::domain::lint::Other;
use cohort_sync::domain::{
    ChangeCounts, Cohort, CohortId, Lint, Outcome, PauseCause, Phase, Purpose, ReadCounts, RunCounts, RunId,
    SyncKind, SyncStatus, Trigger,
};
use cohort_sync::sync::snapshot::{
    CohortView, Health, ListState, Pause, QueryBudget, RunProgress, RunView, Snapshot, SyncView, TrendPoint,
    VerificationView,
};
use cohort_sync::tui::Settings;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// The moment every picture is taken at.
pub fn now() -> Timestamp {
    "2026-01-31T14:32:07Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub fn settings() -> Settings {
    Settings {
        profile: "acme-prod".to_owned(),
        project_id: Some(12345),
        region: "eu".to_owned(),
        feed: "us1-…a9f2".to_owned(),
        profiles_per_second: Some(15),
        config_path: Some("~/.config/cohort-sync/config.toml".to_owned()),
        log_path: Some("~/.local/state/cohort-sync/log/cohort-sync.log".to_owned()),
        ..Settings::default()
    }
}

pub fn cohort(id: u64, name: &str, count: u64) -> CohortView {
    CohortView {
        cohort: Cohort {
            id: CohortId(id),
            name: name.to_owned(),
            description: "People who opened the app on at least five of the last seven days.".to_owned(),
            count: Some(count),
            created: "2025-11-03 09:12:44".to_owned(),
            visible: true,
            data_group_id: None,
        },
        listed: true,
        not_exportable: None,
        lints: Vec::new(),
        sync: None,
    }
}

pub fn other(id: u64, name: &str) -> Other {
    Other { id: CohortId(id), name: name.to_owned() }
}

pub fn counts(matched: u64, unmatched: u64, adds: (u64, u64), removes: (u64, u64)) -> RunCounts {
    RunCounts {
        read: ReadCounts {
            matched,
            unmatched,
            unsendable: 12,
            duplicates: 64,
            suspect: 0,
            anonymous: unmatched / 3,
        },
        adds: ChangeCounts::restored(adds.0, adds.1, 0).unwrap(),
        removes: ChangeCounts::restored(removes.0, removes.1, 0).unwrap(),
        unchanged: matched + unmatched - adds.0,
        requests: (adds.0 + removes.0).div_ceil(100),
        retries: 0,
    }
}

pub fn run(view: &CohortView, ended: i64, counts: RunCounts) -> RunView {
    RunView {
        id: RunId(40),
        cohort_id: view.cohort.id,
        cohort: view.cohort.name.clone(),
        attribute: view.cohort.name.clone(),
        kind: SyncKind::Recurring,
        purpose: Purpose::Update,
        trigger: Trigger::Schedule,
        phase: Phase::Settle,
        outcome: Some(Outcome::Succeeded),
        error: None,
        started_at: ago(ended + 41),
        ended_at: Some(ago(ended)),
        counts,
        phases: Vec::new(),
    }
}

pub fn synced(mut view: CohortView, status: SyncStatus, counts: RunCounts) -> CohortView {
    let last_run = run(&view, 140, counts);
    view.sync = Some(SyncView {
        attribute: view.cohort.name.clone(),
        pinned_name: view.cohort.name.clone(),
        kind: SyncKind::Recurring,
        status,
        pause: None,
        interval: Duration::from_mins(15),
        next_due: Some(ago(-760)),
        since: ago(2_000_000),
        baseline: counts.read.sendable(),
        clean_up: None,
        former: Vec::new(),
        max_removal_share: None,
        last_full: Some(ago(2_000_000)),
        progress: None,
        last_account: Some(last_run.clone()),
        last_run: Some(last_run),
        trend: trend(counts.read.sendable(), counts.matched_share().unwrap_or(0.0)),
        verification: VerificationView::default(),
    });
    view
}

pub fn trend(users: u64, share: f64) -> Vec<TrendPoint> {
    (0..12_i32)
        .map(|run| TrendPoint {
            at: ago(i64::from(12 - run) * 900),
            users: users - u64::from(11 - run.unsigned_abs()) * users / 600,
            matched_share: (share - f64::from(11 - run) * 0.004).max(0.0),
            adds: 12,
            removes: 3,
        })
        .collect()
}

pub fn edit(mut view: CohortView, change: impl FnOnce(&mut SyncView)) -> CohortView {
    change(view.sync.as_mut().unwrap());
    view
}

pub fn running(view: CohortView, phase: Phase, counts: RunCounts) -> CohortView {
    edit(view, |sync| {
        sync.status = match phase {
            Phase::Queued => SyncStatus::Queued,
            Phase::Fetch => SyncStatus::Fetching,
            Phase::Compare => SyncStatus::Comparing,
            Phase::Send | Phase::Settle => SyncStatus::Sending,
        };
        sync.next_due = None;
        let sending = phase == Phase::Send;
        sync.progress = Some(RunProgress {
            id: Some(RunId(41)),
            trigger: Trigger::Schedule,
            purpose: Purpose::Update,
            attribute: sync.attribute.clone(),
            dry_run: false,
            phase,
            started_at: ago(30),
            expected: Some(51_002),
            counts,
            accepted_per_second: (0..60_u32)
                .map(|s| if sending && s > 24 { 120 + s * 37 % 190 } else { 0 })
                .collect(),
            rate: if sending { 271.4 } else { 0.0 },
            eta: sending.then(|| Duration::from_secs(63)),
            waiting: None,
            stopping: false,
        });
    })
}

/// People of a held plan.
const SAMPLE: [&str; 4] =
    ["-5183712098411029934", "-1620092812211209338", "4017220190551823104", "ana@example.com"];

pub fn paused(view: CohortView, cause: PauseCause, reason: &str, held: bool) -> CohortView {
    edit(view, |sync| {
        sync.status = SyncStatus::Paused;
        sync.next_due = None;
        sync.pause = Some(Pause {
            cause,
            reason: reason.to_owned(),
            at: ago(3_700),
            held_run: held.then_some(RunId(40)),
            sample: if held { SAMPLE.map(str::to_owned).to_vec() } else { Vec::new() },
        });
    })
}

fn snapshot(cohorts: Vec<CohortView>) -> Snapshot {
    Snapshot {
        revision: 1,
        mixpanel: Health::Reachable,
        mparticle: Health::Reachable,
        queries: QueryBudget { used: 41, limit: 60, learned: true, next_slot: None },
        list: ListState::Listed(ago(500)),
        cohorts: cohorts.into_iter().map(Arc::new).collect(),
        ..Snapshot::default()
    }
}

/// Nothing is known yet.
pub fn empty() -> Snapshot {
    Snapshot { list: ListState::Loading(None), ..Snapshot::default() }
}

/// Everything rests.
pub fn idle() -> Snapshot {
    let power = synced(
        cohort(1000, "Power users", 184_300),
        SyncStatus::Synced,
        counts(180_824, 3_310, (1_204, 1_204), (311, 311)),
    );
    let churn = synced(
        cohort(1001, "Churn risk", 51_120),
        SyncStatus::Synced,
        counts(38_125, 12_801, (312, 312), (12, 12)),
    );
    let trial = edit(
        synced(
            cohort(1002, "Trial expiring", 2_114),
            SyncStatus::Exported,
            counts(2_114, 0, (2_114, 2_114), (0, 0)),
        ),
        |sync| {
            sync.kind = SyncKind::OneTime;
            sync.next_due = None;
            sync.trend.truncate(1);
            if let Some(run) = &mut sync.last_run {
                run.trigger = Trigger::Operator;
                run.started_at = ago(260_041);
                run.ended_at = Some(ago(260_000));
            }
        },
    );
    let japanese = synced(
        cohort(1003, "日本の週間アクティブユーザー", 9_120),
        SyncStatus::Synced,
        counts(8_700, 420, (12, 12), (9, 9)),
    );
    let astronauts = synced(
        cohort(1004, "👩‍🚀 Astronauts & friends 🎉", 412),
        SyncStatus::Stopped,
        counts(400, 12, (0, 0), (0, 0)),
    );
    let astronauts = edit(astronauts, |sync| sync.next_due = None);
    let mut group = cohort(1006, "Companies over 500 seats", 800);
    group.not_exportable =
        Some("A cohort of companies, not of people: Mixpanel has no users to address in it.".to_owned());
    snapshot(vec![
        power,
        churn,
        trial,
        japanese,
        astronauts,
        cohort(1005, "Newsletter", 410_772),
        group,
        cohort(1007, "evil \u{1b}[31m\u{202e}name\u{7}", 3),
        cohort(1008, "مستخدمون نشطون", 77),
    ])
}

/// Runs in every phase, beside what rests.
pub fn busy() -> Snapshot {
    let mut snapshot = idle();
    let replace =
        |snapshot: &mut Snapshot, index: usize, view: CohortView| snapshot.cohorts[index] = Arc::new(view);
    let churn = (*snapshot.cohorts[1]).clone();
    let mut sending = counts(38_125, 12_801, (18_400, 11_412), (640, 401));
    sending.retries = 2;
    replace(&mut snapshot, 1, running(churn, Phase::Send, sending));
    let japanese = (*snapshot.cohorts[3]).clone();
    replace(&mut snapshot, 3, running(japanese, Phase::Fetch, counts(20_100, 911, (0, 0), (0, 0))));
    let queued = synced(
        cohort(1009, "Weekly digest", 12_000),
        SyncStatus::Queued,
        counts(11_000, 1_000, (4, 4), (2, 2)),
    );
    let queued = edit(running(queued, Phase::Queued, RunCounts::default()), |sync| {
        if let Some(progress) = &mut sync.progress {
            progress.waiting = Some("waits for the query budget until 14:41".to_owned());
        }
    });
    snapshot.cohorts.push(Arc::new(queued));
    snapshot.feed_rate_percent = Some(92);
    snapshot
}

/// Everything that waits for a person.
pub fn trouble() -> Snapshot {
    let mut snapshot = idle();
    let win_back = paused(
        synced(
            cohort(1010, "Win-back EU", 88_431),
            SyncStatus::Paused,
            counts(5_395, 83_036, (0, 0), (0, 0)),
        ),
        PauseCause::MparticleFeed,
        "mParticle answered 403 to the feed us1-…a9f2: the webhook token was revoked or the feed was deleted.",
        false,
    );
    let held = paused(
        synced(cohort(1011, "VIP", 12_004), SyncStatus::Paused, counts(4_000, 12, (3, 0), (9_120, 0))),
        PauseCause::Removals,
        "Run 40 planned more removals than max_removal_share = 0.5 allows without your word.",
        true,
    );
    let held = edit(held, |sync| {
        sync.baseline = 13_129;
        if let Some(run) = &mut sync.last_run {
            run.outcome = Some(Outcome::Paused);
        }
    });
    let failed = edit(
        synced(cohort(1012, "Beta testers", 900), SyncStatus::Failed, counts(700, 200, (250, 120), (0, 0))),
        |sync| {
            if let Some(run) = &mut sync.last_run {
                run.outcome = Some(Outcome::Failed);
                run.error = Some(
                    "mParticle answered 503 five times over 61 s; 130 changes are left for the next run."
                        .to_owned(),
                );
            }
        },
    );
    let renamed = edit(
        synced(
            cohort(1013, "Loyal customers 2026", 3_100),
            SyncStatus::Synced,
            counts(3_000, 100, (1, 1), (0, 0)),
        ),
        |sync| {
            "Loyal customers".clone_into(&mut sync.attribute);
            "Loyal customers".clone_into(&mut sync.pinned_name);
        },
    );
    let mut gone = paused(
        synced(cohort(1014, "Black Friday", 700), SyncStatus::Paused, counts(690, 10, (0, 0), (0, 0))),
        PauseCause::CohortGone,
        "Mixpanel no longer lists cohort 1014.",
        false,
    );
    gone.listed = false;
    let mut twin = cohort(1015, "power users", 40);
    twin.lints = vec![Lint::SimilarName(other(1000, "Power users"))];
    let mine = paused(
        synced(cohort(1016, "Quiet week", 5_000), SyncStatus::Paused, counts(4_900, 100, (0, 0), (0, 0))),
        PauseCause::Operator,
        "Paused in the console.",
        false,
    );
    for view in [win_back, held, failed, renamed, gone, twin, mine] {
        snapshot.cohorts.push(Arc::new(view));
    }
    let mut power = (*snapshot.cohorts[0]).clone();
    power.lints = vec![Lint::SimilarName(other(1015, "power users"))];
    snapshot.cohorts[0] = Arc::new(power);
    snapshot.mparticle = Health::Down("403".to_owned());
    snapshot.mixpanel = Health::Retrying("429".to_owned());
    snapshot.queries.used = 58;
    snapshot
}
