//! What mParticle itself holds of a user: one look through the Profile API at the profile behind the identity that the
//! user is addressed by. What it means is `domain::sight`'s.

use crate::domain::Identity;
use crate::domain::verification::Held;
pub use crate::mparticle::profile::HeldProfile;
use crate::mparticle::profile::{Detail, Exchange, ProfileApi};
use jiff::Timestamp;

/// What mParticle itself says that it has; unlike all else in an account, which is what it accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeldByMparticle {
    /// It was not asked: the Profile API is not configured, or nothing tells whom to ask about.
    #[default]
    NotAsked,
    /// It was asked and did not answer; why, in words with what to do.
    Unanswered(String),
    /// It answered.
    Answered(Box<HeldAnswer>),
}

/// What it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAnswer {
    /// When.
    pub at: Timestamp,
    /// By which identity the profile was looked for.
    pub by: Identity,
    /// The profile; `None` when there is none by that identity.
    pub profile: Option<HeldProfile>,
}

impl HeldByMparticle {
    /// What was answered.
    #[must_use]
    pub fn answer(&self) -> Option<&HeldAnswer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::NotAsked | Self::Unanswered(_) => None,
        }
    }
}

impl HeldAnswer {
    /// What is held for an attribute.
    #[must_use]
    pub fn held(&self, attribute: &str) -> Held {
        self.profile.as_ref().map_or(Held::NoProfile, |profile| profile.held(attribute))
    }
}

/// Looks, beginning now.
///
/// # Errors
/// Why it cannot be told, in words with what to do.
pub async fn look_up(profiles: &ProfileApi, person: &Identity, now: Timestamp) -> Result<HeldAnswer, String> {
    let hear = |exchange: &Exchange| {
        tracing::debug!(status = exchange.status, "Profile API, one user: {}", exchange.said);
    };
    match profiles.look_up(person.borrow(), Detail::Everything, &hear).await {
        Ok(profile) => Ok(HeldAnswer { at: now, by: person.clone(), profile }),
        Err(error) => Err(error.to_string()),
    }
}
