//! What deserves a look although every run may succeed: attributes that collide, names that are mistaken for each
//! other, limits that come near, ids that JavaScript rounded, a matched share that fell. A closed list; each kind
//! says what was seen, why it matters and what to do. The rules are in [`super::linting`], and where the facts
//! come from is for others.

use super::cohort::CohortId;
use super::number::{length, percent, thousands};
use std::time::Duration;

/// Users that Mixpanel's own integration exports of one cohort (mixpanel/docs, `docs/cohort-sync.mdx`).
pub const USERS_LIMIT: u64 = 10_000_000;

/// Recurring syncs that Mixpanel's own integration takes a project, over all destinations (the same page).
pub const SYNCS_LIMIT: u64 = 60;

/// Attributes that mParticle keeps of one user, whoever set them (mParticle, default service limits).
pub const ATTRIBUTES_LIMIT: u64 = 100;

/// A cohort that is named in what was seen of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its number.
    pub id: CohortId,
    /// Its name.
    pub name: String,
}

/// Something that deserves a look.
#[derive(Debug, Clone, PartialEq)]
pub enum Lint {
    /// Another cohort sets the same attribute, or its users still hold it from before.
    SharedAttribute(Other),
    /// Another cohort has nearly the same name.
    SimilarName(Other),
    /// The attribute bears a name that mParticle keeps for itself.
    ReservedName,
    /// The cohort is near what can be exported of one, or beyond.
    ManyUsers {
        /// How many it has.
        users: u64,
    },
    /// A run takes longer than the time between two.
    SlowSync {
        /// How long the last one took.
        took: Duration,
        /// How often one is to start.
        interval: Duration,
    },
    /// Many MPIDs were rounded by JavaScript.
    SuspectIds {
        /// Users with such an id.
        suspect: u64,
        /// Users with any valid id.
        matched: u64,
    },
    /// Fewer users have a `$mparticle_user_id` than before.
    MatchedShareFell {
        /// The best share of the reads that are kept, 0 to 1.
        from: f64,
        /// The share of the last one.
        to: f64,
        /// How many reads lie between the two, the last one counted.
        reads: usize,
    },
    /// Another number of profiles was read, but nobody entered or left.
    CountMoved {
        /// Profiles of the read before.
        from: u64,
        /// Profiles of the last read.
        to: u64,
    },
    /// The project is near the recurring syncs that Mixpanel knows, or beyond.
    ManySyncs {
        /// How many there are.
        syncs: u64,
    },
    /// One user could be near the attributes that mParticle keeps, by our cohorts alone, or beyond.
    ManyAttributes {
        /// How many attributes are set.
        attributes: u64,
    },
}

impl Lint {
    /// The word in JSON.
    #[must_use]
    pub fn token(&self) -> &'static str {
        match self {
            Self::SharedAttribute(_) => "shared_attribute",
            Self::SimilarName(_) => "similar_name",
            Self::ReservedName => "reserved_name",
            Self::ManyUsers { .. } => "many_users",
            Self::SlowSync { .. } => "slow_sync",
            Self::SuspectIds { .. } => "suspect_ids",
            Self::MatchedShareFell { .. } => "matched_share_fell",
            Self::CountMoved { .. } => "count_moved",
            Self::ManySyncs { .. } => "many_syncs",
            Self::ManyAttributes { .. } => "many_attributes",
        }
    }

    /// What was seen, as a clause without an end: "the name differs …". Names from outside stand at its end, where
    /// a long one can be cut.
    #[must_use]
    pub fn seen(&self) -> String {
        match self {
            Self::SharedAttribute(other) => {
                format!("the same attribute belongs to cohort {} “{}”", other.id, other.name)
            }
            Self::SimilarName(other) => {
                format!("the name differs only in case or spaces from cohort {} “{}”", other.id, other.name)
            }
            Self::ReservedName => "the attribute's name begins with $".to_owned(),
            Self::ManyUsers { users } => {
                format!("{} users, {}", thousands(*users), limit(*users, USERS_LIMIT, "a cohort"))
            }
            Self::SlowSync { took, interval } => {
                format!("the last run took {}, the interval is {}", length(*took), length(*interval))
            }
            Self::SuspectIds { suspect, matched } => {
                let share = percent(*suspect as f64 / (*matched).max(1) as f64);
                let (suspect, matched) = (thousands(*suspect), thousands(*matched));
                format!("{suspect} of {matched} matched users ({share}) have an MPID that JavaScript rounded")
            }
            Self::MatchedShareFell { from, to, reads } => {
                let within =
                    if *reads == 1 { "since the read before" } else { &format!("within {reads} reads") };
                format!("the matched share fell from {} to {} {within}", percent(*from), percent(*to))
            }
            Self::CountMoved { from, to } => {
                let (from, to) = (thousands(*from), thousands(*to));
                format!("{to} profiles were read after {from}, but nobody entered or left")
            }
            Self::ManySyncs { syncs } => {
                format!("{syncs} recurring syncs, {}", limit(*syncs, SYNCS_LIMIT, "a project"))
            }
            Self::ManyAttributes { attributes } => format!(
                "these syncs set {attributes} attributes, {}",
                limit(*attributes, ATTRIBUTES_LIMIT, "a user")
            ),
        }
    }

    /// Why it matters, in a sentence or two.
    #[must_use]
    pub fn matters(&self) -> &'static str {
        match self {
            Self::SharedAttribute(_) => {
                "Both write one value for a user: whoever leaves one cohort loses the attribute while still in the other."
            }
            Self::SimilarName(_) => {
                "mParticle tells attributes apart to the letter, so the two are separate there and look alike; an audience on the wrong one is empty."
            }
            Self::ReservedName => {
                "mParticle keeps such names for attributes with a meaning of their own, such as $Age or $City."
            }
            Self::ManyUsers { .. } => {
                "Mixpanel's own integration exports no more users of one cohort, and this program was never measured with more."
            }
            Self::SlowSync { .. } => {
                "Runs of one sync never overlap, so turns are left out and mParticle learns of changes late."
            }
            Self::SuspectIds { .. } => {
                "A rounded MPID is not the user's: it reaches nobody, or somebody else."
            }
            Self::MatchedShareFell { .. } => {
                "More users are sent by $distinct_id, which matches only where mParticle knows it."
            }
            Self::CountMoved { .. } => {
                "Mixpanel's count moves and mParticle's does not: the profiles that came or went belong to people who are counted already, or have no usable identifier."
            }
            Self::ManySyncs { .. } => {
                "Mixpanel's own integration takes no more, and here every run costs one of the hour's queries, so all intervals grow."
            }
            Self::ManyAttributes { .. } => {
                "mParticle keeps so many attributes of one user, whoever set them; one that is set to false still takes its place."
            }
        }
    }

    /// What to do, in a sentence or two.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::SharedAttribute(_) => "Export one of the two under another attribute.",
            Self::SimilarName(_) => {
                "Rename one of the two in Mixpanel, or export one under another attribute."
            }
            Self::ReservedName => "Export it under another attribute, unless that meaning is intended.",
            Self::ManyUsers { .. } => "Split the cohort in Mixpanel, for example by country.",
            Self::SlowSync { .. } => {
                "See in the run which phase takes so long, then set a longer interval, or ask mParticle for a higher rate."
            }
            Self::SuspectIds { .. } => {
                "Send the MPID to Mixpanel as text and never as a number; the Setup screen has the snippets."
            }
            Self::MatchedShareFell { .. } => {
                "See who is unmatched and since when, then what changed: a release of an app, a rule, or the connection's settings in mParticle."
            }
            Self::CountMoved { .. } => {
                "See the cohort's counts: same person twice, and no usable identifier."
            }
            Self::ManySyncs { .. } => "Stop the syncs that nobody uses, or set a longer interval.",
            Self::ManyAttributes { .. } => {
                "Stop the syncs that nobody uses with the clean-up that deletes the attribute."
            }
        }
    }
}

fn limit(number: u64, limit: u64, of: &str) -> String {
    let stands = if number > limit { "above" } else { "near" };
    format!("{stands} the limit of {} {of}", thousands(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_a_clause_with_its_numbers() {
        let other = Other { id: CohortId(7), name: "power users".to_owned() };
        let told = [
            Lint::SimilarName(other),
            Lint::ManyUsers { users: 9_500_000 },
            Lint::ManySyncs { syncs: 61 },
            Lint::SuspectIds { suspect: 3, matched: 120 },
            Lint::MatchedShareFell { from: 0.92, to: 0.813, reads: 14 },
            Lint::SlowSync { took: Duration::from_secs(1_264), interval: Duration::from_mins(15) },
        ]
        .map(|lint| lint.seen());
        assert_eq!(
            told,
            [
                "the name differs only in case or spaces from cohort 7 “power users”",
                "9,500,000 users, near the limit of 10,000,000 a cohort",
                "61 recurring syncs, above the limit of 60 a project",
                "3 of 120 matched users (2.5 %) have an MPID that JavaScript rounded",
                "the matched share fell from 92.0 % to 81.3 % within 14 reads",
                "the last run took 21 min 4 s, the interval is 15 min",
            ]
        );
    }
}
