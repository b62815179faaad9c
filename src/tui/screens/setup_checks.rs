//! What each side needs before cohorts arrive, with what the program has seen of it and where a person looks. Nothing
//! is asked for it: all evidence is in the snapshot already.

use super::setup_entry::{Entry, Evidence};
use super::{Scene, snippets};
use crate::sync::snapshot::{Health, ListState, Snapshot, SyncView};
use crate::tui::text;
use jiff::Timestamp;

/// What Mixpanel needs.
#[must_use]
pub fn mixpanel(scene: Scene<'_>) -> Vec<Entry> {
    let (listed, read) = (listed(scene), read(scene));
    let check = |need, evidence: &Evidence, how| Entry::Check { need, evidence: evidence.clone(), how };
    vec![
        check(
            "The service account may list cohorts",
            &listed,
            "Mixpanel: Project Settings > Users must show the account with a role in this project.",
        ),
        check(
            "The service account may read who is in a cohort",
            &read,
            "Mixpanel: Project Settings > Users; if Mixpanel answers 403, the role may not see user profiles: give a higher one.",
        ),
        check(
            "The plan includes the query API",
            if matches!(read, Evidence::Seen(_)) { &read } else { &listed },
            "Mixpanel: Organization Settings > Plan Details & Billing. Without it Mixpanel answers 402.",
        ),
        check(
            "The region is that of the project",
            &listed,
            "Mixpanel: Project Settings > Overview says where the data resides (US, EU or India); mixpanel.region must agree.",
        ),
        check(
            "Profiles carry $mparticle_user_id",
            &matched(scene),
            "Mixpanel: Users, filtered to the cohort and to $mparticle_user_id is set. Who lacks it is sent by $distinct_id.",
        ),
    ]
}

/// What mParticle needs.
#[must_use]
pub fn mparticle(scene: Scene<'_>) -> Vec<Entry> {
    let look = |need, how| Entry::Check { need, evidence: Evidence::None, how };
    vec![
        Entry::Check {
            need: "The token of the feed is valid",
            evidence: token(scene),
            how: "mParticle: Setup > Inputs > Feeds > Mixpanel Cohorts; its Webhook URL must be the one configured here.",
        },
        look(
            "Input protection level is “Only Update Profiles”",
            "mParticle: Setup > Inputs > Feeds, the settings of the feed. Any other level makes new profiles of people \
             mParticle does not know.",
        ),
        look(
            "Use Mixpanel People is on",
            "mParticle: Connections, the Mixpanel output. Off, no profile reaches Mixpanel and none gets an id.",
        ),
        look(
            "Include User Attributes is on",
            "mParticle: Connections, the Mixpanel output. Off, $mparticle_user_id is not forwarded.",
        ),
        look(
            "Create Profile Only If Logged In is on",
            "mParticle: Connections, the Mixpanel output. Off, anonymous people become profiles and members that nobody can reach.",
        ),
        look(
            "The app or a rule sets $mparticle_user_id",
            "mParticle: Data Plan > Rules, or the app's code. The snippets below do it without rounding the id.",
        ),
    ]
}

/// What to paste.
#[must_use]
pub fn snippets() -> Vec<Entry> {
    vec![snippets::WEB, snippets::IOS, snippets::RULE]
}

fn listed(scene: Scene<'_>) -> Evidence {
    let shown = match &scene.snapshot.list {
        ListState::Listed(at) | ListState::Loading(Some(at)) => Some(*at),
        ListState::Failed { error, needs_person: true, .. } => return Evidence::Against(error.clone()),
        ListState::Failed { shown, .. } => *shown,
        ListState::Never | ListState::Loading(None) => None,
    };
    let listed = scene.snapshot.cohorts.iter().filter(|view| view.listed).count() as u64;
    shown.map_or(Evidence::None, |at| {
        Evidence::Seen(format!("{} listed {}", text::plural(listed, "cohort"), moment(scene, at)))
    })
}

/// The newest whole read of any cohort.
fn read(scene: Scene<'_>) -> Evidence {
    let newest =
        accounts(scene.snapshot).filter_map(|run| Some((run.ended_at?, run))).max_by_key(|(at, _)| *at);
    newest.map_or(Evidence::None, |(at, run)| {
        let people = text::plural(run.counts.read.fetched(), "user");
        Evidence::Seen(format!("{people} of “{}” read {}", text::clean(&run.cohort), moment(scene, at)))
    })
}

fn matched(scene: Scene<'_>) -> Evidence {
    let (mut matched, mut fetched, mut suspect) = (0, 0, 0);
    for run in accounts(scene.snapshot) {
        matched += run.counts.read.matched;
        suspect += run.counts.read.suspect;
        fetched += run.counts.read.fetched();
    }
    let of = format!("{} of {} in the last reads", text::count(matched), text::plural(fetched, "member"));
    match (fetched, matched) {
        (0, _) => Evidence::None,
        (_, 0) => Evidence::Against(format!("{of}: nobody will be matched by MPID")),
        _ if suspect > 0 => {
            Evidence::Seen(format!("{of}; {} of these ids look rounded", text::count(suspect)))
        }
        _ => Evidence::Seen(of),
    }
}

fn token(scene: Scene<'_>) -> Evidence {
    if let Health::Down(reason) = &scene.snapshot.mparticle {
        return Evidence::Against(format!("not now: {reason}"));
    }
    let syncs = scene.snapshot.cohorts.iter().filter_map(|view| view.sync.as_ref());
    let accepted: u64 =
        syncs.clone().filter_map(|sync| Some(sync.last_run.as_ref()?.counts.accepted())).sum();
    let held: u64 = syncs.map(|sync| sync.baseline).sum();
    if accepted > 0 {
        Evidence::Seen(format!("{} accepted in the last runs", text::plural(accepted, "change")))
    } else if held > 0 {
        Evidence::Seen(format!("{} acknowledged so far", text::plural(held, "member")))
    } else {
        Evidence::None
    }
}

fn accounts(snapshot: &Snapshot) -> impl Iterator<Item = &crate::sync::snapshot::RunView> {
    let syncs = snapshot.cohorts.iter().filter_map(|view| view.sync.as_ref());
    syncs.filter_map(|sync: &SyncView| sync.last_account.as_ref())
}

fn moment(scene: Scene<'_>, at: Timestamp) -> String {
    format!("at {}", text::moment(scene.now, at, &scene.settings.zone))
}
