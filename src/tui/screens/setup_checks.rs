//! What each side needs before cohorts arrive: what the program has seen of it, where a person looks, and what should be
//! seen there. Nothing is asked for it: all evidence is in the snapshot and the settings already.

use super::setup_entry::{Check, Entry, Evidence};
use super::{Scene, snippets};
use crate::domain::ReadCounts;
use crate::sync::snapshot::{Health, ListState, RunView, SyncView};
use crate::tui::action::Action;
use crate::tui::text;
use jiff::Timestamp;

/// The hosts that plain http is accepted for.
const THIS_COMPUTER: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// What Mixpanel needs.
#[must_use]
pub fn mixpanel(scene: Scene<'_>) -> Vec<Check> {
    let (listed, read) = (listed(scene), read(scene));
    let plan = if matches!(read, Evidence::Seen(_)) { read.clone() } else { listed.clone() };
    vec![
        Check::new(
            "A service account with a role in the project",
            listed.clone(),
            "Mixpanel, Organization Settings > Service Accounts: an administrator makes it there. Project Settings > Users \
             then shows it with the role Analyst or a higher one.",
        ),
        Check::new(
            "The role lets it read who is in a cohort",
            read,
            "Mixpanel, Project Settings > Users: the role beside the account. Where it may not see user profiles, Mixpanel \
             answers 403 and a higher role helps.",
        ),
        Check::new(
            "The plan includes the Query API",
            plan,
            "Mixpanel, Organization Settings > Plan Details & Billing: Growth or Enterprise. Without it Mixpanel answers 402.",
        ),
        Check::new(
            "The region is that of the project",
            listed,
            "Mixpanel, Project Settings > Overview: Data Residency says US, EU or India, as mixpanel.region does.",
        ),
        Check::new(
            "There are queries left for every sync",
            queries(scene),
            "Mixpanel allows 60 an hour and project, and a run takes one. Other tools of the project share them; a longer \
             sync.interval needs fewer.",
        ),
        Check::new(
            "Profiles carry $mparticle_user_id",
            matched(scene),
            "Mixpanel, Users: filter to the cohort and to “$mparticle_user_id is set”. The number there is how many can match \
             by MPID; everybody else is sent by $distinct_id.",
        ),
    ]
}

/// What mParticle needs.
#[must_use]
pub fn mparticle(scene: Scene<'_>) -> Vec<Check> {
    ways_in(scene).into_iter().chain(output(scene)).chain(afterwards(scene)).collect()
}

/// How cohorts get in.
fn ways_in(scene: Scene<'_>) -> [Check; 5] {
    let is_by_events = is_by_events(scene);
    let input = if is_by_events {
        "mParticle, Setup > Inputs > Feeds: the custom feed whose key and secret stand in the configuration. Whoever makes one \
         needs a role that may change inputs."
    } else {
        "mParticle, Setup > Inputs > Feeds: “Mixpanel Cohorts” stands there. Whoever adds it needs a role that may change \
         inputs."
    };
    let credential = if is_by_events {
        "mParticle, the same feed: key and secret are the configured ones. A 401 or 403 means other ones."
    } else {
        "mParticle, the same feed: its Webhook URL ends in the characters shown above under Feed. A 401, 403 or 404 means \
         that the token is another by now."
    };
    [
        Check::new("There is an input for cohorts", token(scene), input),
        Check::new("The address is one of mParticle's, over https", address(scene), credential),
        Check::new(
            "Its credential is taken",
            token(scene),
            "A fresh one: copy it from the same place, then reconnect here or with `cohort-sync reconnect mparticle`.",
        ),
        Check::new(
            "The environment is production",
            environment(scene),
            "mParticle, at the top: which data one looks at. Audiences of production see nothing of what is labelled \
             development; that appears in Data Platform > Live Stream.",
        ),
        Check::new(
            "Input protection level is “Only Update Profiles”",
            Evidence::look(""),
            "mParticle, Setup > Inputs > Feeds, the settings of the feed: the level reads “Only Update Profiles”. Any other \
             makes new profiles of people whom mParticle does not know.",
        ),
    ]
}

/// How the MPID gets to Mixpanel in the first place.
fn output(scene: Scene<'_>) -> [Check; 4] {
    let sum = read_in_all(scene);
    let arrives = if sum.matched > 0 {
        format!("{} carry an id, so something sets it", text::plural(sum.matched, "member"))
    } else {
        String::new()
    };
    [
        Check::new(
            "Use Mixpanel People is True",
            Evidence::look(&arrives),
            "mParticle, Connections, the settings of the Mixpanel output: True. Otherwise no profile reaches Mixpanel and \
             none gets an id.",
        ),
        Check::new(
            "Include User Attributes is True",
            Evidence::look(&arrives),
            "mParticle, the same settings: True. Otherwise $mparticle_user_id is not forwarded.",
        ),
        Check::new(
            "Create Profile Only If Logged In is True",
            anonymous(&sum),
            "mParticle, the same settings: True. Otherwise anonymous people become profiles and members whom nobody can reach.",
        ),
        Check::new(
            "The app or a rule sets $mparticle_user_id",
            matched(scene),
            "mParticle, Data Plan > Rules: a rule on the Mixpanel output copies the MPID, if the app's code does not. Either \
             way as text; the snippets below do it without rounding the id.",
        ),
    ]
}

/// How one sees that it worked.
fn afterwards(scene: Scene<'_>) -> [Check; 3] {
    [
        Check::new(
            "Updates arrive",
            Evidence::look(""),
            "mParticle, Data Platform > Trends (Live Stream for development), with the feed chosen as the input: as many \
             profile updates as changes were accepted here.",
        ),
        Check::new(
            "A member has the attribute",
            Evidence::look(""),
            "mParticle, Customer 360 > User Profiles: search the MPID of a member. Among the user attributes stands the \
             cohort's name with true. It takes a role that may look users up.",
        ),
        Check::new(
            "Profiles can be looked up (optional)",
            lookups(scene),
            "mParticle, Setup > API Credentials: a client for the Profile API, written under [mparticle.profile_api]. With \
             it a sample is verified for you.",
        ),
    ]
}

/// What to paste.
#[must_use]
pub fn snippets() -> Vec<Entry> {
    vec![snippets::WEB, snippets::IOS, snippets::ANDROID, snippets::RULE]
}

fn listed(scene: Scene<'_>) -> Evidence {
    let shown = match &scene.snapshot.list {
        ListState::Listed(at) | ListState::Loading(Some(at)) => Some(*at),
        ListState::Failed { error, needs_person: true, .. } => return Evidence::Against(error.clone()),
        ListState::Failed { shown, .. } => *shown,
        ListState::Never | ListState::Loading(None) => None,
    };
    let listed = scene.snapshot.cohorts.iter().filter(|view| view.listed).count() as u64;
    shown.map_or_else(
        || {
            Evidence::NotYet(format!(
                "not seen yet: {} asks for the list of cohorts",
                scene.key(Action::Refresh)
            ))
        },
        |at| Evidence::Seen(format!("{} listed {}", text::plural(listed, "cohort"), moment(scene, at))),
    )
}

/// The newest whole read of any cohort.
fn read(scene: Scene<'_>) -> Evidence {
    let newest = accounts(scene).filter_map(|run| Some((run.ended_at?, run))).max_by_key(|(at, _)| *at);
    newest.map_or_else(not_read_yet, |(at, run)| {
        let people = text::plural(run.counts.read.fetched(), "user");
        Evidence::Seen(format!("{people} of “{}” read {}", text::clean(&run.cohort), moment(scene, at)))
    })
}

fn not_read_yet() -> Evidence {
    Evidence::NotYet("not seen yet: the first run, or a dry run, tells".to_owned())
}

fn queries(scene: Scene<'_>) -> Evidence {
    let budget = scene.snapshot.queries;
    let left = format!(
        "{} of {} left in this hour",
        text::count(budget.left().into()),
        text::count(budget.limit.into())
    );
    match &scene.snapshot.stretch {
        Some(stretch) => Evidence::Doubt(stretch.to_string()),
        None if budget.left() == 0 => Evidence::Doubt(left),
        None => Evidence::Seen(left),
    }
}

fn matched(scene: Scene<'_>) -> Evidence {
    let sum = read_in_all(scene);
    let of = format!(
        "{} of {} in the last reads",
        text::count(sum.matched),
        text::plural(sum.fetched(), "member")
    );
    match (sum.fetched(), sum.matched) {
        (0, _) => not_read_yet(),
        (_, 0) => Evidence::Against(format!("{of}: nobody will be matched by MPID")),
        _ if sum.suspect > 0 => {
            Evidence::Doubt(format!("{of}; {} of these ids look rounded", text::count(sum.suspect)))
        }
        _ => Evidence::Seen(of),
    }
}

fn anonymous(sum: &ReadCounts) -> Evidence {
    match (sum.fetched(), sum.anonymous) {
        (0, _) => Evidence::look(""),
        (_, 0) => Evidence::look("no anonymous member in the last reads"),
        (_, some) => {
            Evidence::Doubt(format!("{} of the last reads are anonymous", text::plural(some, "member")))
        }
    }
}

fn is_by_events(scene: Scene<'_>) -> bool {
    scene.settings.text_of("mparticle.delivery") == "events-api"
}

fn address(scene: Scene<'_>) -> Evidence {
    let settings = scene.settings;
    match settings.feed_doubt {
        Some(doubt) => Evidence::Doubt(format!("{doubt}; that may be meant, for a proxy of yours")),
        None if settings.feed_host.is_empty() => Evidence::NotYet("not known here".to_owned()),
        None if settings.demo => Evidence::Seen("that of the demo".to_owned()),
        None if THIS_COMPUTER.contains(&settings.feed_host.as_str()) => Evidence::Doubt(format!(
            "{}: this computer, where a sandbox or a proxy of yours may be",
            settings.feed_host
        )),
        None => {
            let pod =
                settings.feed.split_once("-…").map_or_else(String::new, |(pod, _)| format!(", pod {pod}"));
            Evidence::Seen(format!("{}{pod}", settings.feed_host))
        }
    }
}

fn environment(scene: Scene<'_>) -> Evidence {
    let environment = &scene.settings.environment;
    if environment == "development" {
        Evidence::Doubt("it is development: audiences of production see nothing".to_owned())
    } else {
        Evidence::Seen(environment.clone())
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
        Evidence::NotYet(
            "not seen yet: the first run tells, or `cohort-sync probe ID` with one user".to_owned(),
        )
    }
}

fn lookups(scene: Scene<'_>) -> Evidence {
    if scene.settings.profiles_per_second.is_none() {
        return Evidence::NotYet("not configured: what was accepted cannot be verified".to_owned());
    }
    let syncs = scene.snapshot.cohorts.iter().filter_map(|view| view.sync.as_ref());
    let newest = syncs.filter_map(|sync| sync.verification.last.as_ref()).max_by_key(|last| last.ended_at);
    newest.map_or_else(
        || {
            Evidence::NotYet(format!(
                "configured, not used yet: {} verifies a cohort",
                scene.key(Action::Verify)
            ))
        },
        |last| Evidence::Seen(format!("used {}", moment(scene, last.ended_at))),
    )
}

/// What the last whole reads of all cohorts found, together.
fn read_in_all(scene: Scene<'_>) -> ReadCounts {
    accounts(scene).fold(ReadCounts::default(), |sum, run| {
        let read = run.counts.read;
        ReadCounts {
            matched: sum.matched + read.matched,
            unmatched: sum.unmatched + read.unmatched,
            unsendable: sum.unsendable + read.unsendable,
            duplicates: sum.duplicates + read.duplicates,
            suspect: sum.suspect + read.suspect,
            anonymous: sum.anonymous + read.anonymous,
        }
    })
}

fn accounts(scene: Scene<'_>) -> impl Iterator<Item = &RunView> {
    let syncs = scene.snapshot.cohorts.iter().filter_map(|view| view.sync.as_ref());
    syncs.filter_map(|sync: &SyncView| sync.last_account.as_ref())
}

fn moment(scene: Scene<'_>, at: Timestamp) -> String {
    format!("at {}", text::moment(scene.now, at, &scene.settings.zone))
}
