//! The words of the field and the rules between them, pure: no I/O, no async, no clock.
//!
//! A *member* is a Mixpanel profile in a cohort; its *identity* is how mParticle is told about it. What was
//! fetched is compared with the *baseline* (what mParticle last acknowledged), which gives *changes*; the
//! changes are planned into requests, and *counts* account for every user on the way. Whoever needs a
//! socket, a file or the time of day stands elsewhere and passes data in.

pub mod attribute;
pub mod change;
pub mod cohort;
pub mod counts;
pub mod diff;
pub mod doubt;
pub mod drift;
pub mod grouping;
pub mod guard;
pub mod harvest;
pub mod identity;
pub mod judgement;
pub mod lint;
pub mod linting;
mod matched;
pub mod member;
pub mod membership;
pub mod number;
pub mod parcel;
pub mod people;
pub mod plan;
pub mod presence;
pub mod property;
pub mod reason;
pub mod remark;
pub mod remarks;
pub mod rounding;
pub mod run;
pub mod sampling;
pub mod sight;
pub mod sorted;
pub mod status;
pub mod tally;
pub mod told;
pub mod user;
pub mod verdict;
pub mod verification;
pub mod verified;
pub mod waterfall;
pub mod what_if;

pub use change::{Change, ChangeState, Direction, Removal};
pub use cohort::{Cohort, CohortId};
pub use counts::{ChangeCounts, ReadCounts, RunCounts};
pub use identity::{Identity, IdentityRef};
pub use lint::Lint;
pub use member::{Finding, Member, NoMpid, Profile, RawId, ReadingRules};
pub use reason::Reason;
pub use run::{Outcome, Phase, Purpose, RunId, Trigger};
pub use status::{PauseCause, SyncKind, SyncStatus};
pub use user::{KnownIds, UserId};
