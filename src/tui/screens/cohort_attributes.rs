//! Sentences about the attributes of a sync: who in mParticle holds them, and what becomes of them. The detail
//! pane, the full report and the dialogs share them; which of them stands where is theirs to say.

use super::Scene;
use crate::domain::{Purpose, Removal, SyncStatus};
use crate::sync::snapshot::{FormerAttribute, SyncView};
use crate::tui::action::Action;
use crate::tui::text;

/// The widest a name is written within a sentence; the rest of the sentence says more.
const LONGEST: usize = 32;
/// Attributes that a sentence names before it only counts them.
const NAMED: usize = 3;

/// A name between quotes, cut where it would drown the sentence.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("“{}”", text::cut(name, LONGEST))
}

/// The attributes somebody holds because of a sync, its own first.
#[must_use]
pub fn held(sync: &SyncView) -> Vec<(String, u64)> {
    let own = std::iter::once((&sync.attribute, sync.baseline));
    let former = sync.former.iter().map(|former| (&former.attribute, former.members));
    let all = own.chain(former).filter(|(_, members)| *members > 0);
    all.map(|(attribute, members)| (attribute.clone(), members)).collect()
}

/// Whether a sync does nothing more by itself, so that only what it left in mParticle can still be ended.
#[must_use]
pub fn is_over(status: SyncStatus) -> bool {
    matches!(status, SyncStatus::Stopped | SyncStatus::Exported)
}

/// Who holds what, in one sentence.
#[must_use]
pub fn holders(held: &[(String, u64)]) -> String {
    let by = |(attribute, members): &(String, u64)| {
        format!("{} by {}", quoted(attribute), text::plural(*members, "user"))
    };
    match held {
        [] => "Nobody is known to hold anything.".to_owned(),
        [(attribute, 0)] => format!("Nobody is known to hold {} yet.", quoted(attribute)),
        [one] => format!("{} is held by {}.", quoted(&one.0), text::plural(one.1, "user")),
        many => {
            let (named, rest) = many.split_at(many.len().min(NAMED));
            let mut parts: Vec<String> = named.iter().map(by).collect();
            if !rest.is_empty() {
                parts.push(format!("{} more by {}", rest.len(), text::plural(members(rest), "user")));
            }
            let last = parts.pop().unwrap_or_default();
            format!("{} attributes are held: {} and {last}.", many.len(), parts.join(", "))
        }
    }
}

/// The same without names, where there is no room for them.
#[must_use]
pub fn holders_in_brief(held: &[(String, u64)]) -> String {
    match held {
        [] | [_] => holders(held),
        many => {
            format!("{} attributes are held by {}.", many.len(), text::plural(members(many), "user"))
        }
    }
}

/// Everybody who holds one of some attributes; who holds two is told twice and counts twice.
#[must_use]
pub fn members(held: &[(String, u64)]) -> u64 {
    held.iter().map(|(_, members)| members).sum()
}

/// What a run does that is no plain update.
#[must_use]
pub fn purpose(purpose: Purpose, attribute: &str) -> Option<String> {
    match purpose {
        Purpose::Update => None,
        Purpose::FullRefresh => Some("telling everyone again".to_owned()),
        Purpose::Repair => Some("repairing what was found wrong".to_owned()),
        Purpose::CleanUp(Removal::SetFalse) => Some(format!("setting {} to false", quoted(attribute))),
        Purpose::CleanUp(Removal::Delete) => Some(format!("deleting {}", quoted(attribute))),
    }
}

/// What a sync is about to do to its attribute before it rests stopped.
#[must_use]
pub fn about_to(sync: &SyncView) -> Option<String> {
    let whom = match sync.baseline {
        0 => "whoever may hold it".to_owned(),
        members => text::plural(members, "user"),
    };
    let attribute = quoted(&sync.attribute);
    Some(match sync.clean_up? {
        Removal::SetFalse => format!("Next it sets {attribute} to false for {whom}, then it is stopped."),
        Removal::Delete => format!("Next it deletes {attribute} for {whom}, then it is stopped."),
    })
}

/// What became of an attribute, as the end of a sentence.
#[must_use]
pub fn ended(removal: Removal) -> &'static str {
    match removal {
        Removal::SetFalse => "set to false",
        Removal::Delete => "deleted",
    }
}

/// Who still holds an attribute that the sync has left, and what becomes of it.
#[must_use]
pub fn left_behind(former: &FormerAttribute, status: SyncStatus, stop_key: &str) -> String {
    let attribute = quoted(&former.attribute);
    let users = text::plural(former.members, "user");
    let (keep, over) = (if former.members == 1 { "keeps" } else { "keep" }, is_over(status));
    let then = match former.clean_up {
        Some(removal) if status == SyncStatus::Stopped => {
            format!("; {} once the sync goes on", ended(removal))
        }
        Some(removal) if over => format!("; {} next", ended(removal)),
        Some(removal) if status.is_active() => format!("; {} after this run", ended(removal)),
        Some(removal) => format!("; {} after the next run", ended(removal)),
        None if over => format!(", who {keep} it; {stop_key} cleans it up"),
        None => format!(", who {keep} it; {stop_key} can clean it up"),
    };
    format!("{attribute} is still held by {users}{then}")
}

/// That the accounts of the last whole read do not add up. It cannot be, so it is nobody's fault but ours.
#[must_use]
pub fn unexplained(sync: &SyncView) -> Option<String> {
    let run = sync.last_account.as_ref().filter(|run| run.is_whole_account())?;
    let people = run.counts.unexplained();
    let are = if people == 1 { "is" } else { "are" };
    (people > 0).then(|| {
        format!(
            "{} {are} unexplained: a defect of this program, please report it",
            text::plural(people, "user")
        )
    })
}

/// Attributes that the sync has left and people still hold, in at most so many lines.
#[must_use]
pub fn former_lines(scene: Scene<'_>, status: SyncStatus, sync: &SyncView, most: usize) -> Vec<String> {
    let at_work = sync.progress.as_ref().filter(|progress| !progress.purpose.reads());
    // What is being cleaned up now stands in the title of the pane.
    let is_said =
        |former: &FormerAttribute| at_work.is_some_and(|progress| progress.attribute == former.attribute);
    let key = scene.key(Action::StopSync);
    let mut former: Vec<&FormerAttribute> =
        sync.former.iter().filter(|former| former.members > 0 && !is_said(former)).collect();
    let named = if former.len() > most { most.saturating_sub(1) } else { former.len() };
    let rest = former.split_off(named);
    let mut lines: Vec<String> = former.iter().map(|former| left_behind(former, status, &key)).collect();
    if !rest.is_empty() {
        let users = text::plural(rest.iter().map(|former| former.members).sum(), "user");
        let which = if named == 0 { "former" } else { "further former" };
        let attributes = text::plural(rest.len() as u64, &format!("{which} attribute"));
        let are = if rest.len() == 1 { "is" } else { "are" };
        let open = scene.key(Action::Open);
        lines.push(format!("{attributes} {are} still held by {users}; {open} tells which"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_named_as_long_as_they_are_few() {
        let held = |number: u64| (1..=number).map(|n| (format!("A{n}"), n)).collect::<Vec<_>>();
        assert_eq!(holders(&held(1)), "“A1” is held by 1 user.");
        assert_eq!(holders(&held(2)), "2 attributes are held: “A1” by 1 user and “A2” by 2 users.");
        assert_eq!(
            holders(&held(5)),
            "5 attributes are held: “A1” by 1 user, “A2” by 2 users, “A3” by 3 users and 2 more by 9 users."
        );
        assert_eq!(holders_in_brief(&held(5)), "5 attributes are held by 15 users.");
    }

    #[test]
    fn what_was_left_behind_says_what_becomes_of_it() {
        let former = |clean_up| FormerAttribute { attribute: "Old".to_owned(), members: 1_234, clean_up };
        let words = |clean_up, status| left_behind(&former(clean_up), status, "x");
        assert_eq!(
            words(Some(Removal::SetFalse), SyncStatus::Synced),
            "“Old” is still held by 1,234 users; set to false after the next run"
        );
        assert_eq!(
            words(Some(Removal::Delete), SyncStatus::Sending),
            "“Old” is still held by 1,234 users; deleted after this run"
        );
        assert_eq!(
            words(None, SyncStatus::Stopped),
            "“Old” is still held by 1,234 users, who keep it; x cleans it up"
        );
    }
}
