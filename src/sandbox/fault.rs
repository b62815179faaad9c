//! Scripted misbehaviour. Owns what a fault is and which request it strikes; carrying it out is left to the service it
//! strikes and, for what happens to the bytes of an answer, to `reply`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::scramble;

/// Something that goes wrong, where, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which service misbehaves.
    pub side: Side,
    /// Which of its requests are struck; by default all are.
    #[serde(default)]
    pub matching: Matching,
    /// How often the fault strikes.
    #[serde(default)]
    pub times: Times,
    /// What happens to the request.
    pub effect: Effect,
}

impl Fault {
    /// A fault of the Query API that strikes the next request.
    #[must_use]
    pub fn mixpanel(effect: Effect) -> Self {
        Self { side: Side::Mixpanel, matching: Matching::default(), times: Times::default(), effect }
    }

    /// A fault of the feed that strikes the next request.
    #[must_use]
    pub fn mparticle(effect: Effect) -> Self {
        Self { side: Side::Mparticle, ..Self::mixpanel(effect) }
    }

    /// A fault of the Profile API, or of the endpoint that gives tokens for it, that strikes the next request.
    #[must_use]
    pub fn profile_api(effect: Effect) -> Self {
        Self { side: Side::ProfileApi, ..Self::mixpanel(effect) }
    }

    /// Strikes this many requests.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { times: Times::Count(count), ..self }
    }

    /// Strikes until the faults are cleared.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { times: Times::Forever, ..self }
    }

    /// Strikes only requests whose path contains this text, such as `engage`.
    #[must_use]
    pub fn at_path(mut self, part: impl Into<String>) -> Self {
        self.matching.path = Some(part.into());
        self
    }

    /// Strikes only requests for this page of members.
    #[must_use]
    pub fn at_page(mut self, page: u64) -> Self {
        self.matching.page = Some(page);
        self
    }

    /// Strikes only requests for members of this cohort.
    #[must_use]
    pub fn for_cohort(mut self, id: u64) -> Self {
        self.matching.cohort = Some(id);
        self
    }
}

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The Query API.
    Mixpanel,
    /// The feed.
    Mparticle,
    /// The Profile API, and the endpoint that gives tokens for it.
    ProfileApi,
}

/// Which requests a fault strikes; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Matching {
    /// Part of the path.
    pub path: Option<String>,
    /// The page asked for.
    pub page: Option<u64>,
    /// The cohort asked for.
    pub cohort: Option<u64>,
}

/// How often a fault strikes. In JSON a number or `"forever"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenTimes", into = "WrittenTimes")]
pub enum Times {
    /// So many requests, then never again.
    Count(u32),
    /// Every request until the faults are cleared.
    Forever,
}

impl Default for Times {
    fn default() -> Self {
        Times::Count(1)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenTimes {
    Count(u32),
    Word(TimesWord),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimesWord {
    Forever,
}

impl From<WrittenTimes> for Times {
    fn from(written: WrittenTimes) -> Self {
        match written {
            WrittenTimes::Count(count) => Times::Count(count),
            WrittenTimes::Word(TimesWord::Forever) => Times::Forever,
        }
    }
}

impl From<Times> for WrittenTimes {
    fn from(times: Times) -> Self {
        match times {
            Times::Count(count) => WrittenTimes::Count(count),
            Times::Forever => WrittenTimes::Word(TimesWord::Forever),
        }
    }
}

/// What happens to a request that is struck. In JSON the names are in snake case under `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Answers this instead of doing anything.
    Status {
        /// The status code.
        code: u16,
        /// The body.
        #[serde(default)]
        body: String,
        /// Further headers, name and value.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// Answers 429 with `Retry-After` in seconds.
    RetryAfterSeconds {
        /// The seconds.
        seconds: u64,
    },
    /// Answers 429 with `Retry-After` as an HTTP date so many seconds from now.
    RetryAfterDate {
        /// The seconds.
        seconds: u64,
    },
    /// Answers a page of HTML as a proxy would, with this status, instead of doing anything.
    Html {
        /// The status code, 502 or even 200.
        code: u16,
    },
    /// Does the work, then breaks off in the middle of the answer.
    TruncatedBody,
    /// Does the work, then lets the body trickle for this long.
    SlowBody {
        /// How long the body takes.
        milliseconds: u64,
    },
    /// Waits before it does the work.
    Delay {
        /// How long.
        milliseconds: u64,
    },
    /// Closes the connection without doing anything.
    CutBeforeApply,
    /// Does the work, then closes the connection without an answer.
    CutAfterApply,
    /// Closes the connection without an answer and does the work later, as a server does whose client gave up on it.
    CutThenApply {
        /// How much later.
        milliseconds: u64,
    },
    /// The feed refuses some users: 202 with an error for each, or 400 when that is everyone.
    RejectUsers {
        /// Which users.
        users: RejectedUsers,
    },
    /// The feed accepts a request and drops some of its users without a word.
    DropUsers {
        /// Which users.
        users: DroppedUsers,
    },
    /// The feed refuses the first so many users of a request, answers 202, and its errors do not say which users.
    RejectWithoutIndex {
        /// How many users.
        users: usize,
    },
    /// The feed answers 400 to the whole request when this user is in it, and does not say why.
    BadRequestIfContains {
        /// The mParticle id, or the value of an identity, as text.
        identity: String,
    },
    /// The feed answers 503 without doing anything when this user is in the request.
    FailIfContains {
        /// The mParticle id, or the value of an identity, as text.
        identity: String,
    },
    /// The feed refuses some users of a request, each in words of its own, and drops others without one.
    Misbehave {
        /// The mParticle ids or identity values, as text, and the words.
        refused: BTreeMap<String, String>,
        /// The mParticle ids or identity values of those it drops.
        dropped: Vec<String>,
    },
    /// The paging session is unknown from here on.
    SessionExpired,
    /// The page carries the id of another session.
    WrongSession,
    /// The page lacks its last member.
    ShortPage,
    /// The read finds nobody.
    EmptyRead,
    /// A question about some people is answered as if it were one about all.
    FilterIgnored,
}

/// Which users of a request the feed refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectedUsers {
    /// Those with one of these mParticle ids or identity values, as text.
    Identities(Vec<String>),
    /// Every n-th, beginning with the first of the request.
    EveryNth(usize),
}

/// Which users of a request the feed drops without a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DroppedUsers {
    /// Those with one of these mParticle ids or identity values, as text.
    Identities(Vec<String>),
    /// So many of a thousand; who they are depends on their ids, and is the same in every request.
    PerMille(u32),
}

impl DroppedUsers {
    /// Whether somebody with these identities is among them.
    pub(super) fn include(&self, identities: &[String]) -> bool {
        match self {
            Self::Identities(list) => identities.iter().any(|identity| list.contains(identity)),
            Self::PerMille(share) => identities.first().is_some_and(|identity| {
                let noise = identity.bytes().fold(0, |noise, byte| scramble(noise ^ u64::from(byte)));
                noise % 1_000 < u64::from(*share)
            }),
        }
    }
}

/// What is known of a request when faults are looked up.
#[derive(Debug)]
pub(super) struct Target<'request> {
    pub side: Side,
    pub path: &'request str,
    pub page: Option<u64>,
    pub cohort: Option<u64>,
    /// The identities in a request of the feed or of the Profile API.
    pub identities: &'request [Vec<String>],
}

/// The faults that are still to strike, in the order in which they were pushed.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Vec<Fault>,
}

impl Script {
    pub(super) fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(super) fn pending(&self) -> &[Fault] {
        &self.faults
    }

    /// Takes the first fault that strikes this request, and counts it.
    pub(super) fn strike(&mut self, target: &Target) -> Option<Effect> {
        let index = self.faults.iter().position(|fault| fault.strikes(target))?;
        let fault = self.faults.get_mut(index)?;
        let effect = fault.effect.clone();
        if let Times::Count(left) = &mut fault.times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.faults.remove(index);
            }
        }
        Some(effect)
    }
}

impl Fault {
    fn strikes(&self, target: &Target) -> bool {
        let Matching { path, page, cohort } = &self.matching;
        self.side == target.side
            && self.times != Times::Count(0)
            && path.as_ref().is_none_or(|part| target.path.contains(part.as_str()))
            && page.is_none_or(|page| target.page == Some(page))
            && cohort.is_none_or(|cohort| target.cohort == Some(cohort))
            && self.effect.concerns(target)
    }
}

impl Effect {
    /// Effects about certain users or pages do not spend themselves on requests that have none of these.
    fn concerns(&self, target: &Target) -> bool {
        let contains =
            |wanted: &String| target.identities.iter().flatten().any(|identity| identity == wanted);
        match self {
            Effect::BadRequestIfContains { identity } | Effect::FailIfContains { identity } => {
                contains(identity)
            }
            Effect::Misbehave { refused, dropped } => refused.keys().chain(dropped).any(contains),
            Effect::RejectUsers { users: RejectedUsers::Identities(list) }
            | Effect::DropUsers { users: DroppedUsers::Identities(list) } => list.iter().any(contains),
            Effect::ShortPage | Effect::EmptyRead | Effect::FilterIgnored => target.page.is_some(),
            // The first page begins a session; there is none yet that could be lost or mixed up.
            Effect::SessionExpired | Effect::WrongSession => target.page.is_some_and(|page| page > 0),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u64, cohort: u64) -> Target<'static> {
        let path = "/api/query/engage";
        Target { side: Side::Mixpanel, path, page: Some(number), cohort: Some(cohort), identities: &[] }
    }

    #[test]
    fn faults_strike_what_they_match_and_run_out() {
        let mut script = Script::default();
        script.push(Fault::mixpanel(Effect::ShortPage).at_page(1).for_cohort(5).times(2));
        assert_eq!(script.strike(&page(0, 5)), None);
        assert_eq!(script.strike(&page(1, 6)), None);
        assert_eq!(script.strike(&page(1, 5)), Some(Effect::ShortPage));
        assert_eq!(script.strike(&page(1, 5)), Some(Effect::ShortPage));
        assert_eq!(script.strike(&page(1, 5)), None);
    }

    #[test]
    fn faults_about_a_user_wait_for_that_user() {
        let mut script = Script::default();
        script.push(Fault::mparticle(Effect::BadRequestIfContains { identity: "7".into() }).forever());
        let with =
            |identities| Target { side: Side::Mparticle, path: "/v1", page: None, cohort: None, identities };
        let (harmless, mixed) = ([vec!["8".to_owned()]], [vec!["8".to_owned()], vec!["7".to_owned()]]);
        assert_eq!(script.strike(&with(&harmless)), None);
        assert!(script.strike(&with(&mixed)).is_some());
        assert_eq!(script.pending().len(), 1);
    }

    #[test]
    fn faults_are_readable_as_json() {
        let text = r#"{"side":"mparticle","times":"forever","effect":{"kind":"reject_users","users":{"every_nth":3}}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let expected = Effect::RejectUsers { users: RejectedUsers::EveryNth(3) };
        assert_eq!(fault, Fault::mparticle(expected).forever());
        let text = r#"{"side":"mixpanel","matching":{"page":2},"times":3,"effect":{"kind":"short_page"}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault, Fault::mixpanel(Effect::ShortPage).at_page(2).times(3));
    }
}
