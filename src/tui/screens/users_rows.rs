//! What the Users screen lists of an account, row by row: the verdict, how the user is addressed, each cohort, other
//! profiles, each telling, and what is not on record. How a row looks is `users_draw`'s.

use super::user_search::Search;
use crate::domain::CohortId;
use crate::domain::judgement::{Addressing, Judgement, means};
use crate::sync::user::{Account, Address, AttributeAccount, HeldByMparticle};
use crate::tui::text;
use crate::tui::theme::Role;
use jiff::Timestamp;

/// A row; what it is about is found in the account again when it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// What is so and what to do next.
    Verdict,
    /// The beginning of a section, and how many there are in it.
    Heading(&'static str, String),
    /// Something about the user.
    Fact {
        /// What it is about.
        label: &'static str,
        /// How good or bad it is.
        role: Role,
        /// What is so.
        value: String,
    },
    /// From where the address is known, which is told with the time.
    KnownFrom,
    /// When mParticle was looked at, and when it last stored something.
    SeenAt,
    /// A cohort and its attribute.
    Cohort(usize),
    /// Another profile.
    Other(usize),
    /// The columns of the tellings.
    TellingColumns,
    /// Something that mParticle was told.
    Telling(usize),
    /// A sentence.
    Note(Role, String),
    /// Runs of which only the counts are kept.
    Forgotten {
        /// How many.
        runs: u64,
        /// When the last of them began.
        until: Timestamp,
    },
}

impl Row {
    /// Whether it can be selected.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        !matches!(self, Self::Heading(..) | Self::TellingColumns)
    }

    /// Whether it is the same row as one of before, whatever it says now.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fact { label, .. }, Self::Fact { label: before, .. }) => label == before,
            _ => self == other,
        }
    }

    /// The cohort that the row is about.
    #[must_use]
    pub fn cohort(&self, account: &Account) -> Option<CohortId> {
        match self {
            Self::Cohort(index) => account.attributes.get(*index).map(|attribute| attribute.record.cohort),
            _ => None,
        }
    }
}

/// The rows of a search.
#[must_use]
pub fn of(search: &Search, fallback: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let trouble = [
        search.unread.as_ref().map(|error| format!("What was recorded cannot be read: {error}")),
        search.silence().map(text::capital),
    ];
    let trouble = trouble.into_iter().flatten().map(|words| Row::Note(Role::Bad, words));
    let Some(account) = search.account() else {
        rows.extend(trouble);
        if search.unread.is_none() {
            rows.push(Row::Note(Role::Muted, "Looking through what was recorded…".to_owned()));
        }
        return rows;
    };
    rows.push(Row::Verdict);
    rows.extend(trouble);
    if let Some(address) = &account.address {
        rows.push(Row::Heading("Identity", String::new()));
        rows.extend(identity(address, fallback));
    }
    rows.extend(in_mparticle(search.is_looking(), &account.mparticle));
    if account.is_somebody() {
        let (all, within) =
            (account.attributes.len(), account.attributes.iter().filter(|one| is_in(one)).count());
        rows.push(Row::Heading("Cohorts", format!("in {within} of {all}")));
        rows.extend(by_interest(&account.attributes).into_iter().map(Row::Cohort));
        if account.attributes.is_empty() {
            let words = "No cohort was exported or read yet, so nothing can be said of any.";
            rows.push(Row::Note(Role::Muted, words.to_owned()));
        }
        if !account.others.is_empty() {
            rows.push(Row::Heading("Other profiles with this MPID", account.others.len().to_string()));
            rows.extend((0..account.others.len()).map(Row::Other));
        }
        rows.extend(tellings(account));
    }
    rows.extend(forgotten(account));
    rows
}

fn is_in(attribute: &AttributeAccount) -> bool {
    attribute.membership.is_member == Some(true)
}

fn identity(address: &Address, fallback: &str) -> Vec<Row> {
    let role = match &address.addressing {
        Addressing::Mpid { suspect: false, .. } => Role::Good,
        Addressing::DistinctId { .. } => Role::Warn,
        Addressing::Mpid { suspect: true, .. } | Addressing::Nothing { .. } => Role::Bad,
    };
    let fact = |label, role, value: String| Row::Fact { label, role, value };
    let distinct_id = address.distinct_id.clone().unwrap_or_else(|| "not on record".to_owned());
    let held_role = if address.evidence.is_some() { Role::Text } else { Role::Muted };
    let mut rows = vec![
        fact("$distinct_id", Role::Text, distinct_id),
        fact("$mparticle_user_id", held_role, address.held()),
        fact("Sent by", role, address.sent_by(fallback)),
    ];
    if let Some(last_seen) = &address.last_seen {
        rows.push(fact("Last seen", Role::Text, format!("{last_seen} (Mixpanel names no time zone)")));
    }
    rows.push(Row::KnownFrom);
    rows
}

/// What mParticle holds, where it was looked at.
fn in_mparticle(is_looking: bool, held: &HeldByMparticle) -> Vec<Row> {
    let fact = |label, role, value: String| Row::Fact { label, role, value };
    let mut rows = vec![Row::Heading("In mParticle", String::new())];
    match held {
        _ if is_looking => {
            rows.push(Row::Note(Role::Muted, "Looking at the profile in mParticle…".to_owned()));
        }
        HeldByMparticle::NotAsked => rows.clear(),
        HeldByMparticle::Unanswered(why) => rows.push(Row::Note(Role::Bad, why.clone())),
        HeldByMparticle::Answered(answer) => {
            let by = format!("{} {}", means(&answer.by), answer.by);
            let Some(profile) = &answer.profile else {
                rows.extend([fact("Profile", Role::Bad, format!("none by {by}")), Row::SeenAt]);
                return rows;
            };
            rows.push(fact("Profile", Role::Good, format!("found by {by}")));
            if answer.by.mpid().is_none() {
                let mpid = profile.mpid.map_or_else(|| "not readable".to_owned(), |mpid| mpid.to_string());
                rows.push(fact("Its MPID", Role::Text, mpid));
            }
            if profile.is_opted_out == Some(true) {
                let what = "yes; mParticle forwards nothing of them".to_owned();
                rows.push(fact("Opted out", Role::Warn, what));
            }
            if !profile.identities.is_empty() {
                let identities: Vec<String> =
                    profile.identities.iter().map(|(kind, value)| format!("{kind} {value}")).collect();
                rows.push(fact("Identities", Role::Text, identities.join(", ")));
            }
            if !profile.audiences.is_empty() {
                rows.push(fact("Audiences", Role::Text, profile.audiences.join(", ")));
            }
            rows.push(Row::SeenAt);
        }
    }
    rows
}

/// The cohorts with which there is something, then the others, each in the order of Mixpanel's list.
fn by_interest(attributes: &[AttributeAccount]) -> Vec<usize> {
    let is_dull = |index: &usize| {
        let attribute = &attributes[*index];
        let nothing =
            matches!(attribute.judgement, Judgement::Outside | Judgement::NotKnown | Judgement::NotExported);
        nothing && !is_in(attribute)
    };
    let mut order: Vec<usize> = (0..attributes.len()).collect();
    order.sort_by_key(is_dull);
    order
}

fn tellings(account: &Account) -> Vec<Row> {
    let told = account.recorded.tellings.len();
    let all = told as u64 + account.recorded.left_out;
    let mut rows = vec![Row::Heading("What mParticle was told", text::count(all))];
    if told == 0 {
        let words = "Nothing about this user is on record.";
        rows.push(Row::Note(Role::Muted, words.to_owned()));
        return rows;
    }
    rows.push(Row::TellingColumns);
    rows.extend((0..told).map(Row::Telling));
    if account.recorded.left_out > 0 {
        let words = format!("{} older ones are on record too.", text::count(account.recorded.left_out));
        rows.push(Row::Note(Role::Muted, words));
    }
    rows
}

/// What is not on record, and how much was looked through.
fn forgotten(account: &Account) -> Vec<Row> {
    let current = account.attributes.iter().map(|attribute| &attribute.record);
    let forgotten = || current.clone().filter(|record| !record.is_former).map(|record| record.forgotten);
    let runs: u64 = forgotten().map(|forgotten| forgotten.runs).sum();
    let looked = format!("{} were looked through.", text::plural(account.recorded.looked_through, "change"));
    let mut rows = vec![Row::Note(Role::Muted, looked)];
    if let Some(until) = forgotten().filter_map(|forgotten| forgotten.until).max() {
        rows.push(Row::Forgotten { runs, until });
    }
    rows
}
