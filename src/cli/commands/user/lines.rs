//! A user as a plain account for people: the verdict first, then what it rests on.

use super::{Asked, queries};
use crate::cli::commands::count;
use crate::cli::output::harmless;
use crate::domain::judgement::means;
use crate::domain::sight;
use crate::domain::verdict::Verdict;
use crate::domain::verification::Held;
use crate::store::Fate;
use crate::sync::export::seconds;
use crate::sync::user::account::value_of;
use crate::sync::user::{Account, Address, AttributeAccount, HeldByMparticle, Source, TellingOnRecord};
use jiff::Timestamp;

/// Cells for the label of a fact.
const LABEL: usize = 20;

/// The lines to print.
pub(super) fn of(account: &Account, verdict: &Verdict, asked: &Asked, fallback: &str) -> Vec<String> {
    let mut lines = vec![harmless(account.id.as_str()).into_owned(), String::new()];
    lines.push(harmless(&verdict.words).into_owned());
    lines.push(format!("Next: {}", verdict.next));
    lines.extend([String::new(), "Mixpanel".to_owned()]);
    lines.extend(mixpanel(asked));
    if let Some(address) = &account.address {
        lines.extend([String::new(), "Identity".to_owned()]);
        lines.extend(identity(address, fallback));
    }
    let seen = in_mparticle(&account.mparticle);
    if !seen.is_empty() {
        lines.extend([String::new(), "In mParticle".to_owned()]);
        lines.extend(seen);
    }
    if !account.others.is_empty() {
        lines.extend([String::new(), "Other profiles with the same MPID".to_owned()]);
        lines.extend(account.others.iter().map(|other| {
            let differs = other
                .differs
                .as_ref()
                .map_or_else(String::new, |id| format!(" has {}, the same to JavaScript", harmless(id)));
            format!("  {}{differs}, {}", harmless(&other.distinct_id), source(other.source))
        }));
    }
    // How nobody stands with each cohort would be a page of nothing.
    if account.is_somebody() && !account.attributes.is_empty() {
        lines.extend([String::new(), "Cohorts that are exported or were read".to_owned()]);
        lines.extend(account.attributes.iter().flat_map(|attribute| cohort(attribute, asked)));
    }
    lines.push(String::new());
    lines.extend(account.is_somebody().then(|| heading(account)));
    lines.extend(account.recorded.tellings.iter().map(telling));
    lines.extend(forgotten(account));
    lines
}

fn fact(label: &str, value: &str) -> String {
    format!("  {label:<LABEL$}{}", harmless(value)).trim_end().to_owned()
}

fn mixpanel(asked: &Asked) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &asked.silence {
        lines.push(fact(if asked.questions == 0 { "Not asked" } else { "No answer" }, reason));
    }
    if let Some(answer) = &asked.profiles {
        let profiles = match answer.profiles.len() {
            0 => "no profile has this id".to_owned(),
            1 => "one profile has this id".to_owned(),
            many => format!("{many} profiles have this id"),
        };
        let more = if answer.left_out > 0 {
            format!(", and {} more", count(answer.left_out))
        } else {
            String::new()
        };
        lines.push(fact("Asked", &format!("at {}: {profiles}{more}", seconds(answer.at))));
    }
    if let Some(budget) = asked.budget() {
        let queries = queries(asked.answers());
        lines.push(fact(
            "Cost",
            &format!("{queries}; {} of {} are left in this hour", budget.left(), budget.limit),
        ));
    }
    lines
}

fn identity(address: &Address, fallback: &str) -> Vec<String> {
    let mut lines = vec![
        fact("$distinct_id", address.distinct_id.as_deref().unwrap_or("not on record")),
        fact("$mparticle_user_id", &address.held()),
        fact("Sent by", &address.sent_by(fallback)),
    ];
    if let Some(last_seen) = &address.last_seen {
        lines.push(fact("Last seen", &format!("{last_seen} (Mixpanel names no time zone)")));
    }
    lines.push(fact("Known from", &source(address.source)));
    lines
}

/// What mParticle holds, where it was looked at.
fn in_mparticle(held: &HeldByMparticle) -> Vec<String> {
    let answer = match held {
        HeldByMparticle::NotAsked => return Vec::new(),
        HeldByMparticle::Unanswered(why) => return vec![fact("No answer", why)],
        HeldByMparticle::Answered(answer) => answer,
    };
    let by = format!("{} {}", means(&answer.by), answer.by);
    let mut lines = Vec::new();
    if let Some(profile) = &answer.profile {
        lines.push(fact("Profile", &format!("found by {by}")));
        if answer.by.mpid().is_none() {
            let mpid = profile.mpid.map_or_else(|| "not readable".to_owned(), |mpid| mpid.to_string());
            lines.push(fact("Its MPID", &mpid));
        }
        if profile.is_opted_out == Some(true) {
            lines.push(fact("Opted out", "yes; mParticle forwards nothing of them"));
        }
        for (kind, value) in &profile.identities {
            lines.push(fact("Identity", &format!("{kind} {value}")));
        }
        if !profile.audiences.is_empty() {
            lines.push(fact("Audiences", &profile.audiences.join(", ")));
        }
        if let Some(stored) = profile.last_stored {
            lines.push(fact("Last stored", &seconds(stored)));
        }
    } else {
        lines.push(fact("Profile", &format!("none by {by}")));
    }
    lines.push(fact("Looked at", &seconds(answer.at)));
    lines
}

fn source(source: Source) -> String {
    match source {
        Source::Mixpanel(at) => format!("Mixpanel, asked at {}", seconds(at)),
        Source::Run(run, at) => format!("run {run}, begun at {}", seconds(at)),
        Source::Baseline => "what mParticle accepted; when, is not on record".to_owned(),
    }
}

fn cohort(attribute: &AttributeAccount, asked: &Asked) -> Vec<String> {
    let record = &attribute.record;
    let former = if record.is_former { ", which it set before" } else { "" };
    let mut lines = vec![format!(
        "  {} ({}): attribute \"{}\"{former}",
        harmless(&record.name),
        record.cohort,
        harmless(&record.attribute)
    )];
    let is_member = match attribute.membership.is_member {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    let from = attribute
        .membership
        .source
        .map_or_else(|| ", for it was never read whole".to_owned(), |from| format!(", by {}", source(from)));
    let mut fact = |label: &str, value: &str| lines.push(format!("    {label:<20}{}", harmless(value)));
    fact("In the cohort", &format!("{is_member}{from}"));
    if let Some(reason) = asked.silences.get(&record.cohort) {
        fact("No answer", reason);
    }
    let holders: Vec<String> =
        record.holders.iter().map(|holder| format!("{} {holder}", means(holder))).collect();
    let accepted =
        if holders.is_empty() { "nothing".to_owned() } else { format!("true for {}", holders.join(" and ")) };
    fact("mParticle accepted", &accepted);
    fact("So", &attribute.judgement.words(Timestamp::now()));
    if let Some((held, sight)) = &attribute.seen
        && (sight.is_some() || matches!(held, Held::Value(_)))
    {
        fact("And", &sight::words(held, *sight));
    }
    lines
}

fn heading(account: &Account) -> String {
    match account.recorded.tellings.len() {
        0 => "Nothing that mParticle was told about this user is on record".to_owned(),
        1 => "What mParticle was told, as far as it is on record".to_owned(),
        many => format!("What mParticle was told, as far as it is on record: {many} times, newest first"),
    }
}

fn telling(telling: &TellingOnRecord) -> String {
    let found = &telling.found;
    let at = found.answered_at.unwrap_or(telling.began);
    let reason = match &found.fate {
        Fate::Rejected(reason) => format!(": {reason}"),
        _ => String::new(),
    };
    let answer = found.http_status.map_or_else(String::new, |status| {
        let tries = if found.tries > 1 { format!(" after {} tries", found.tries) } else { String::new() };
        format!(" (HTTP {status}{tries} for a request of {})", users(found.users))
    });
    let value = value_of(telling).words();
    harmless(&format!(
        "  {}  run {}  \"{}\" {value} by {} {}: {}{reason}{answer}",
        seconds(at),
        found.run,
        telling.attribute,
        means(&found.change.identity),
        found.change.identity,
        found.fate.words(),
    ))
    .into_owned()
}

fn forgotten(account: &Account) -> Vec<String> {
    let mut lines = Vec::new();
    if account.recorded.left_out > 0 {
        lines.push(format!("  and {} older ones", count(account.recorded.left_out)));
    }
    let forgotten = account.attributes.iter().map(|attribute| &attribute.record);
    for record in forgotten.filter(|record| !record.is_former && record.forgotten.runs > 0) {
        let until = record
            .forgotten
            .until
            .map_or_else(String::new, |until| format!(", the last of {}", seconds(until)));
        lines.push(format!(
            "  Not on record any more: what {} older runs told about \"{}\"{until}",
            count(record.forgotten.runs),
            harmless(&record.attribute)
        ));
    }
    lines.push(format!("  {} changes were looked through", count(account.recorded.looked_through)));
    lines
}

fn users(number: u64) -> String {
    if number == 1 { "1 user".to_owned() } else { format!("{} users", count(number)) }
}
