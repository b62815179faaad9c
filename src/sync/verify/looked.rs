//! One person as mParticle holds them at a moment, and as what that is recorded if it is wrong. When it is, `verify` decides.

use crate::domain::Identity;
use crate::domain::verification::{Fault, Group, Held, WrongUser, fault};
use crate::mparticle::ProfileApi;
use crate::mparticle::profile::HeldProfile;
use crate::store::LastTold;
use jiff::Timestamp;

/// Somebody who was looked up.
pub(super) struct Looked {
    pub identity: Identity,
    pub group: Group,
    pub held: Held,
    pub aliases: Vec<Identity>,
    pub at: Timestamp,
}

impl Looked {
    pub(super) fn fault(&self) -> Option<Fault> {
        fault(self.group.told(), &self.held)
    }
}

/// The other identities by which a profile is told things: whoever left by one of them and is a member by another
/// rightly holds `true`.
pub(super) fn aliases(profiles: &ProfileApi, profile: &HeldProfile, looked_up: &Identity) -> Vec<Identity> {
    let by_identity = profile.identities.iter().filter(|(kind, _)| profiles.is_addressed_by(kind));
    let by_identity = by_identity.map(|(_, value)| Identity::of_distinct_id(value));
    let all = profile.mpid.map(Identity::Mpid).into_iter().chain(by_identity);
    all.filter(|identity| identity != looked_up).collect()
}

pub(super) fn wrong_user(looked: Looked, told: Option<&LastTold>) -> WrongUser {
    let Looked { identity, group, held, aliases, at } = looked;
    let own = identity.borrow().distinct_id().map(|id| id.into_owned().into_boxed_str());
    WrongUser {
        distinct_id: own.or_else(|| told.and_then(|told| told.distinct_id.clone())),
        identity,
        group,
        told_by: told.map(|told| (told.run, told.at)),
        held,
        looked_at: at,
        aliases,
    }
}
