//! What the engine and the configuration know of both connections, the limits in force and this computer, as facts
//! for the Setup screen. Values of the configuration come masked; see [`crate::tui::Settings::configured`].

use super::setup_entry::{Entry, fact, fact_from};
use super::{Scene, cohort_warnings};
use crate::sync::pages::{JournalExtent, RUNS_KEPT, RUNS_WITH_CHANGES, Sizes};
use crate::sync::snapshot::{Health, ListState, Writer};
use crate::tui::action::Action;
use crate::tui::text;
use crate::tui::theme::Role;

/// A setting with the label it is shown under.
type Setting = (&'static str, &'static str);

const OF_MIXPANEL: [Setting; 6] = [
    ("mixpanel.project_id", "Project"),
    ("mixpanel.workspace_id", "Data view"),
    ("mixpanel.region", "Region"),
    ("mixpanel.base_url", "Address"),
    ("mixpanel.service_account", "Service account"),
    ("mixpanel.secret", "Secret"),
];

/// The Mixpanel side.
#[must_use]
pub fn mixpanel(scene: Scene<'_>) -> Vec<Entry> {
    let mut facts = health(scene, &scene.snapshot.mixpanel);
    let at = |at| text::moment(scene.now, at, &scene.settings.zone);
    let (role, list) = match &scene.snapshot.list {
        ListState::Never => (Role::Muted, "not asked for yet".to_owned()),
        ListState::Loading(None) => (Role::Busy, "on its way".to_owned()),
        ListState::Loading(Some(shown)) => {
            (Role::Busy, format!("on its way; shown is that of {}", at(*shown)))
        }
        ListState::Listed(when) => (Role::Text, format!("of {}", at(*when))),
        ListState::Failed { error, .. } => (Role::Bad, error.clone()),
    };
    facts.push(fact("Cohort list", role, list));
    facts.extend(configured(scene, &OF_MIXPANEL));
    facts
}

/// The mParticle side.
#[must_use]
pub fn mparticle(scene: Scene<'_>) -> Vec<Entry> {
    let settings = scene.settings;
    let mut facts = health(scene, &scene.snapshot.mparticle);
    let origin = origin(scene, "mparticle.environment");
    // Whoever syncs to development wonders for hours why no audience moves.
    facts.push(if settings.environment == "development" {
        let words = "DEVELOPMENT: audiences of production see nothing of what is sent. Set mparticle.environment \
                     to production unless that is meant.";
        fact_from("Environment", Role::Bad, words, origin)
    } else {
        fact_from("Environment", Role::Text, &settings.environment, origin)
    });
    facts.push(fact_from("Feed", Role::Text, &settings.feed, self::origin(scene, "mparticle.webhook_url")));
    if !settings.feed_host.is_empty() {
        facts.push(fact("Feed host", Role::Text, &settings.feed_host));
    }
    if let Some((pod, _)) = settings.feed.split_once("-…") {
        facts.push(fact_from("Pod", Role::Text, pod, "from the token"));
    }
    let words = format!("$distinct_id is sent as {}", settings.fallback_identity);
    facts.push(fact_from("Fallback", Role::Text, words, self::origin(scene, "mparticle.fallback_identity")));
    let api = settings.configured.iter().filter(|setting| setting.key.starts_with("mparticle.profile_api"));
    for setting in api.filter(|setting| !setting.json.is_null()) {
        let label = setting.key.trim_start_matches("mparticle.profile_api").trim_start_matches(['.', '_']);
        facts.push(fact_from(&format!("Profile {label}"), Role::Text, bare(&setting.value), &setting.origin));
    }
    facts
}

/// What may be asked and sent, and who says so.
#[must_use]
pub fn limits(scene: Scene<'_>) -> Vec<Entry> {
    let snapshot = scene.snapshot;
    let budget = snapshot.queries;
    let learned = if budget.learned {
        "the limit is from Mixpanel's answers"
    } else {
        "the limit is the documented one"
    };
    let (used, limit) = (text::count(budget.used.into()), text::count(budget.limit.into()));
    let queries = format!("{used} of {limit} used in the last hour");
    let role = if budget.left() == 0 { Role::Warn } else { Role::Text };
    let mut facts = vec![fact_from("Mixpanel queries", role, queries, learned)];
    if let Some(at) = budget.next_slot {
        let at = text::moment(scene.now, at, &scene.settings.zone);
        facts.push(fact("Next query", Role::Warn, format!("at {at}")));
    }
    facts.push(match snapshot.feed_rate_percent {
        Some(percent) => fact_from(
            "Feed rate",
            if percent >= 100 { Role::Warn } else { Role::Text },
            format!("{percent} % in use"),
            "from mParticle's answers",
        ),
        None => fact_from(
            "Feed rate",
            Role::Text,
            format!("about {:.0} users a second", scene.settings.feed_users_per_second),
            "documented; mParticle has not said how much is in use",
        ),
    });
    facts.extend(configured(
        scene,
        &[
            ("sync.max_concurrent_requests", "Requests at once"),
            ("sync.max_removal_share", "Removal guard"),
            ("sync.interval", "Interval"),
            ("sync.full_refresh_every", "Full refresh"),
            ("sync.skip_anonymous", "Skip anonymous"),
        ],
    ));
    let (role, stretch) = match &snapshot.stretch {
        Some(stretch) => (Role::Warn, stretch.to_string()),
        None => (Role::Text, "none: there are queries for every interval".to_owned()),
    };
    facts.push(fact("Stretch", role, stretch));
    facts.extend(snapshot.lints.iter().map(|lint| fact("Warning", Role::Warn, cohort_warnings::whole(lint))));
    facts
}

/// What is on this computer; `sizes` are those of what was recorded and `journal` what of it are requests, once known.
#[must_use]
pub fn computer(
    scene: Scene<'_>,
    sizes: Option<&Result<Sizes, String>>,
    journal: Option<&JournalExtent>,
) -> Vec<Entry> {
    let settings = scene.settings;
    let mut facts = vec![fact("Profile", Role::Text, &settings.profile)];
    let path = |label: &str, path: &Option<String>| path.as_ref().map(|path| fact(label, Role::Text, path));
    facts.extend(path("Configuration", &settings.config_path));
    facts.extend(path("State directory", &settings.state_dir));
    match sizes {
        None => facts.push(fact("Size", Role::Muted, "being looked at")),
        Some(Ok(sizes)) => facts.extend(taken(sizes)),
        Some(Err(error)) => facts.push(fact("Size", Role::Bad, error)),
    }
    facts.push(match &scene.snapshot.writer {
        Writer::ThisProcess => fact("Written by", Role::Text, "this process"),
        Writer::Other(who) => fact("Written by", Role::Warn, format!("{who}; here it is only shown")),
        Writer::ReadOnly => fact("Written by", Role::Warn, "nobody here: started with --read-only"),
    });
    facts.extend(path("Log file", &settings.log_path));
    let kept = format!(
        "the counts of the last {RUNS_KEPT} runs of a cohort, every change of the last {RUNS_WITH_CHANGES}, \
         remarks of the last whole read"
    );
    facts.push(fact("Kept", Role::Text, kept));
    facts.push(match journal {
        None => fact("Requests kept", Role::Muted, "being counted"),
        Some(extent) => fact("Requests kept", Role::Text, requests(scene, extent)),
    });
    facts.extend(configured(
        scene,
        &[("journal.max_requests", "  at most"), ("journal.max_age", "  for at most")],
    ));
    facts
}

/// What the state file takes, and what for.
fn taken(sizes: &Sizes) -> [Entry; 3] {
    // Some free room is used again by the next run; half of a large file is worth a word.
    let (role, free) = match sizes.free {
        0 => (Role::Text, String::new()),
        free if free > FREE_AT_MOST && free * 2 > sizes.file => {
            (Role::Warn, format!(", {} of it free: cohort-sync vacuum gives that back", size(free)))
        }
        free => (Role::Text, format!(", {} of it free for what comes", size(free))),
    };
    let members = sizes.bytes_a_member().map_or_else(String::new, |each| {
        format!(" for {} members, {each:.1} bytes each", text::count(sizes.members))
    });
    let history = format!("plans {}, remarks {}", size(sizes.plans), size(sizes.remarks));
    [
        fact("Size", role, format!("{}{free}", size(sizes.file))),
        fact("  baselines", Role::Text, format!("{}{members}", size(sizes.baselines))),
        fact("  history", Role::Text, history),
    ]
}

/// Free room that is worth no word.
const FREE_AT_MOST: u64 = 64 << 20;

/// How many requests the journal holds, and how far it goes back.
fn requests(scene: Scene<'_>, extent: &JournalExtent) -> String {
    let since = extent.oldest.map_or_else(String::new, |oldest| {
        format!(" since {}", text::moment(scene.now, oldest, &scene.settings.zone))
    });
    format!("{}{since}, about {}", text::count(extent.requests), size(extent.bytes))
}

fn health(scene: Scene<'_>, health: &Health) -> Vec<Entry> {
    let (role, words) = match health {
        Health::Unknown => (Role::Muted, "not asked yet".to_owned()),
        Health::Reachable => (Role::Good, "● reachable: the last request was answered".to_owned()),
        Health::Retrying(reason) => (Role::Warn, format!("◐ retrying: {reason}")),
        Health::Down(reason) => (Role::Bad, format!("○ down: {reason}")),
    };
    let mut facts = vec![fact("State", role, words)];
    if let Health::Down(_) = health {
        let (again, refresh) = (scene.key(Action::Reconnect), scene.key(Action::Refresh));
        let words = format!(
            "Mend what it names; {again} takes a fresh token or secret, or tries the paused syncs again as they are; \
             {refresh} asks Mixpanel for the list."
        );
        facts.push(fact("Remedy", Role::Text, words));
    }
    facts
}

/// Those of some settings that have a value.
fn configured(scene: Scene<'_>, wanted: &[Setting]) -> Vec<Entry> {
    let find = |key: &str| scene.settings.configured.iter().find(|setting| setting.key == key);
    let given = wanted.iter().filter_map(|(key, label)| {
        let setting = find(key).filter(|setting| !setting.json.is_null())?;
        Some(fact_from(label, Role::Text, bare(&setting.value), &setting.origin))
    });
    given.collect()
}

fn origin<'s>(scene: Scene<'s>, key: &str) -> &'s str {
    let found = scene.settings.configured.iter().find(|setting| setting.key == key);
    found.map_or("", |setting| setting.origin.as_str())
}

/// A value without the quotes that TOML needs and people do not.
fn bare(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn size(bytes: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    if bytes < MEBIBYTE {
        format!("{} KiB", text::count(bytes.div_ceil(1 << 10)))
    } else {
        format!("{:.1} MiB", bytes as f64 / MEBIBYTE as f64)
    }
}
