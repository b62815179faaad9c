//! What a sandbox can be told when it starts. Owns the two ready-made settings, the demo's and the tests'; changing a
//! running sandbox is left to `Control`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How a sandbox behaves. The default is the demo.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The address to listen on; it must be loopback. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Everything made up derives from this number: the same seed gives the same world.
    pub seed: u64,
    /// Which cohorts exist at the start.
    pub world: WorldSize,
    /// Queries that one rolling hour allows.
    pub queries_per_hour: u32,
    /// Queries that may run at the same time.
    pub concurrent_queries: u32,
    /// Users that the feed takes each second; `None` is unlimited.
    pub feed_users_per_second: Option<u32>,
    /// Lookups that the Profile API answers each second; `None` is unlimited.
    pub profiles_per_second: Option<u32>,
    /// How long a token for the Profile API lives.
    pub token_lifetime: Duration,
    /// People on one page of cohort members. A request may ask for fewer.
    pub page_size: usize,
    /// How long each answer takes.
    pub latency: Latency,
    /// Whether people join and leave the made-up cohorts as time passes.
    pub drift: bool,
    /// How long a paging session lives after it was last used.
    pub session_lifetime: Duration,
}

impl SandboxOptions {
    /// The demo: a dozen cohorts that move, Mixpanel's real quotas, a feed with a pace, and answers that take a moment.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 7,
            world: WorldSize::Demo,
            queries_per_hour: 60,
            concurrent_queries: 5,
            feed_users_per_second: Some(2_700),
            profiles_per_second: Some(15),
            token_lifetime: Duration::from_hours(8),
            page_size: 1_000,
            latency: Latency::DEMO,
            drift: true,
            session_lifetime: Duration::from_mins(10),
        }
    }

    /// For tests: no cohorts until the test adds some, no delays, nothing moves, and quotas nobody reaches by accident.
    #[must_use]
    pub fn quiet() -> Self {
        Self {
            world: WorldSize::Empty,
            queries_per_hour: 60_000,
            feed_users_per_second: None,
            profiles_per_second: None,
            latency: Latency::NONE,
            drift: false,
            ..Self::demo()
        }
    }
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self::demo()
    }
}

/// Which cohorts a sandbox starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorldSize {
    /// About a dozen cohorts, from ten people to half a million, with realistic mess in their identifiers. The feed
    /// knows most of these people, not all.
    Demo,
    /// No cohorts; the feed takes everybody for an existing profile.
    Empty,
}

/// How long answers take, for each of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Added to each answer of Mixpanel.
    pub pages: DelayRange,
    /// Added to each answer of the feed and of the Profile API.
    pub feed: DelayRange,
}

impl Latency {
    /// Answers at once.
    pub const NONE: Latency = Latency::between(Duration::ZERO, Duration::ZERO);
    /// What the demo uses: long enough to see something happen, short enough not to wait for.
    pub const DEMO: Latency = Latency {
        pages: DelayRange { min: Duration::from_millis(40), max: Duration::from_millis(160) },
        feed: DelayRange { min: Duration::from_millis(15), max: Duration::from_millis(60) },
    };

    /// The same range for both services.
    #[must_use]
    pub const fn between(min: Duration, max: Duration) -> Latency {
        let range = DelayRange { min, max };
        Latency { pages: range, feed: range }
    }
}

/// A delay is picked evenly from this range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayRange {
    /// The shortest delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl DelayRange {
    /// Picks a delay; `noise` is any number that looks random.
    pub(super) fn pick(self, noise: u64) -> Duration {
        let width = u64::try_from(self.max.saturating_sub(self.min).as_micros()).unwrap_or(u64::MAX);
        self.min + Duration::from_micros(noise % width.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_in_their_range() {
        let range = DelayRange { min: Duration::from_millis(15), max: Duration::from_millis(60) };
        for noise in [0, 1, 44_999, 45_000, 45_001, u64::MAX] {
            let delay = range.pick(noise);
            assert!(range.min <= delay && delay <= range.max, "{noise} gave {delay:?}");
        }
        assert_eq!(Latency::NONE.feed.pick(u64::MAX), Duration::ZERO);
    }
}
