//! One user: what was recorded about them ([`recorded`]), what Mixpanel says now ([`live`]), what mParticle holds
//! ([`held`]), and all of it put together into one account with a verdict ([`account`]). What an account looks like is for whoever shows it.

pub mod account;
pub mod held;
pub mod live;
pub mod recorded;

pub use crate::store::{Fate, ForgottenRuns, FoundChange};
pub use account::{Account, Address, AttributeAccount, Membership, OtherProfile, Source};
pub use held::{HeldAnswer, HeldByMparticle, HeldProfile};
pub use live::{LiveAnswer, LiveProfile, LiveQuestion};
pub use recorded::{AttributeOnRecord, LastRead, Recorded, RemarkOnRecord, TellingOnRecord, UserQuery, read};
