//! What an export will do, in one sentence made of what is known before the first request: the last read, the
//! feed's rate and the query budget.

use crate::domain::{CohortId, ReadCounts, SyncKind, SyncStatus};
use crate::sync::snapshot::CohortView;
use crate::tui::screens::{Scene, cohort_columns};
use crate::tui::text;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A cohort that is to be exported.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The cohort.
    pub id: CohortId,
    /// Its name.
    pub name: String,
    /// The attribute it is pinned to, or would be.
    pub attribute: String,
    /// The kind of the sync it already has.
    pub kind: Option<SyncKind>,
    /// Whether that sync waits for its next turn, so that starting it means running it now.
    pub resting: bool,
    /// Users, as far as known.
    pub users: Option<u64>,
    /// Where the users of the last read went.
    pub read: Option<ReadCounts>,
    /// What mParticle has acknowledged.
    pub baseline: u64,
    /// A cohort whose attribute is the same or looks alike.
    pub namesake: Option<CohortId>,
    /// What the cohort is called since its attribute was pinned, if that is another name.
    pub new_name: Option<String>,
    /// Attributes the sync has left, and who still holds them.
    pub former: Vec<(String, u64)>,
    /// How often the sync it already has is meant to run.
    pub interval: Option<Duration>,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            id: CohortId(0),
            name: String::new(),
            attribute: String::new(),
            kind: None,
            resting: false,
            users: None,
            read: None,
            baseline: 0,
            namesake: None,
            new_name: None,
            former: Vec::new(),
            interval: None,
        }
    }
}

impl Subject {
    /// What the dialog needs to know of a cohort.
    #[must_use]
    pub fn of(view: &CohortView) -> Self {
        let read = cohort_columns::counts(view).map(|counts| counts.read).filter(|read| read.fetched() > 0);
        Self {
            id: view.cohort.id,
            name: text::clean(&view.cohort.name).into_owned(),
            attribute: view.attribute().to_owned(),
            kind: view.sync.as_ref().map(|sync| sync.kind),
            resting: matches!(view.status(), SyncStatus::Synced | SyncStatus::Failed),
            users: cohort_columns::users(view),
            read,
            baseline: view.sync.as_ref().map_or(0, |sync| sync.baseline),
            namesake: view.namesake(),
            new_name: view.renamed().then(|| view.cohort.name.clone()),
            former: view.sync.as_ref().map_or_else(Vec::new, |sync| {
                sync.former.iter().map(|former| (former.attribute.clone(), former.members)).collect()
            }),
            interval: view
                .sync
                .as_ref()
                .filter(|sync| sync.kind == SyncKind::Recurring)
                .map(|sync| sync.interval),
        }
    }
}

/// The sentence.
#[must_use]
pub fn text(
    subjects: &[Subject],
    kind: SyncKind,
    now: Timestamp,
    zone: &TimeZone,
    scene: Scene<'_>,
) -> String {
    let users: u64 = subjects.iter().filter_map(|subject| subject.users).sum();
    let baseline: u64 = subjects.iter().map(|subject| subject.baseline).sum();
    let mut parts = vec![text::plural(users, "user")];
    let fallback = &scene.settings.fallback_identity;
    match subjects.iter().map(|subject| subject.read).collect::<Option<Vec<ReadCounts>>>() {
        Some(reads) => {
            let matched = reads.iter().map(|read| read.matched).sum();
            let unmatched = reads.iter().map(|read| read.unmatched).sum();
            parts.push(format!("{} by $mparticle_user_id", text::count(matched)));
            parts.push(format!("{} by $distinct_id as {fallback}", text::count(unmatched)));
        }
        None => parts.push(format!(
            "by $mparticle_user_id, or by $distinct_id as {fallback} where that is missing; the first read tells how many"
        )),
    }
    if baseline == 0 {
        parts.push(format!("first export sends {} adds, {}", text::count(users), telling_time(users, scene)));
    } else {
        parts.push(format!(
            "sends only what differs from the {} that mParticle has acknowledged",
            text::plural(baseline, "user")
        ));
    }
    if kind == SyncKind::Recurring {
        let each = text::interval(interval(subjects, scene));
        parts.push(format!(
            "{}; then {} every {each}",
            cost(subjects.len(), now, zone, scene),
            subjects.len()
        ));
    } else {
        parts.push(cost(subjects.len(), now, zone, scene));
    }
    parts.join(" · ")
}

/// How often a recurring sync of these cohorts runs: as it does already, or as configured.
#[must_use]
pub fn interval(subjects: &[Subject], scene: Scene<'_>) -> Duration {
    match subjects {
        [subject] => subject.interval.unwrap_or(scene.settings.interval),
        _ => scene.settings.interval,
    }
}

/// How long it takes to tell so many users, at the rate the feed is known or said to take.
#[must_use]
pub fn telling_time(users: u64, scene: Scene<'_>) -> String {
    let rate = scene.settings.feed_users_per_second.max(1.0);
    let time = Duration::try_from_secs_f64(users as f64 / rate).unwrap_or_default();
    format!("{} at {} users/s", text::estimate(time), text::compact(rate))
}

/// What reading so many cohorts costs of the query budget.
#[must_use]
pub fn cost(cohorts: usize, now: Timestamp, zone: &TimeZone, scene: Scene<'_>) -> String {
    let budget = scene.snapshot.queries;
    match (budget.left(), budget.next_slot) {
        (0, Some(slot)) => {
            let at = text::moment(now, slot, zone);
            format!("no query is left this hour, so it starts at {at}")
        }
        (left, _) => format!("costs {cohorts} of {} queries left this hour", text::count(left.into())),
    }
}
