//! Direct access to a running sandbox from the same process. Owns nothing: it is the list of what tests may see and
//! change, and the inspection endpoints go through it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::fault::Fault;
use super::mparticle::{FeedRequest, ProfileKey};
use super::state::Shared;
use super::world::{CohortSeed, PersonSeed};

/// A handle on a running sandbox; clones are cheap and all act on the same sandbox.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds a cohort, or replaces the one with the same id.
    pub fn add_cohort(&self, cohort: CohortSeed) {
        self.shared.lock().world.put(cohort);
    }

    /// Adds a cohort of so many made-up people, all with an mParticle id. They take no memory, however many they are.
    pub fn add_made_up_cohort(&self, id: u64, name: &str, people: u32) {
        self.shared.lock().world.put_made_up(id, name.to_owned(), people);
    }

    /// Replaces the members of a cohort. Nothing happens when there is no such cohort.
    pub fn set_members(&self, id: u64, members: Vec<PersonSeed>) {
        self.shared.lock().world.set_members(id, members);
    }

    /// Renames a cohort. Nothing happens when there is no such cohort.
    pub fn rename(&self, id: u64, name: &str) {
        self.shared.lock().world.rename(id, name.to_owned());
    }

    /// Removes a cohort. Nothing happens when there is no such cohort.
    pub fn remove_cohort(&self, id: u64) {
        self.shared.lock().world.remove(id);
    }

    /// Who is in the cohort right now; nobody when there is no such cohort.
    #[must_use]
    pub fn members(&self, id: u64) -> Vec<PersonSeed> {
        let snapshot = self.shared.lock().world.snapshot(id, false);
        snapshot.map(|snapshot| snapshot.people(0, snapshot.len())).unwrap_or_default()
    }

    /// Adds a fault behind those that are already scripted.
    pub fn push_fault(&self, fault: Fault) {
        self.shared.lock().script.push(fault);
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.shared.lock().script.clear();
    }

    /// The faults that are still to strike.
    #[must_use]
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.shared.lock().script.pending().to_vec()
    }

    /// Every profile that has the attribute, with its value, in the order of the keys.
    #[must_use]
    pub fn profiles_with(&self, attribute: &str) -> Vec<(ProfileKey, Value)> {
        self.shared.lock().feed.profiles.with(attribute)
    }

    /// The values of an attribute in the order in which they were applied, the last 31 of them. What is not boolean, a
    /// deletion included, is `None`.
    #[must_use]
    pub fn attribute_history(&self, key: &ProfileKey, attribute: &str) -> Vec<Option<bool>> {
        self.shared.lock().feed.profiles.history(key, attribute)
    }

    /// Every request that the feed received, oldest first.
    #[must_use]
    pub fn feed_requests(&self) -> Vec<FeedRequest> {
        self.shared.lock().feed.requests.entries()
    }

    /// Queries that were charged to the quota since the start.
    #[must_use]
    pub fn query_count(&self) -> usize {
        self.shared.lock().query_api.query_count
    }

    /// Queries that were refused since the start because there were too many, in the hour or at once.
    #[must_use]
    pub fn refused_queries(&self) -> usize {
        self.shared.lock().query_api.quota.refused
    }

    /// The most requests that the Query API had in progress at the same time, refused ones included.
    #[must_use]
    pub fn max_concurrent_queries_seen(&self) -> usize {
        self.shared.lock().query_api.running.most
    }

    /// The most requests that the feed had in progress at the same time.
    #[must_use]
    pub fn max_concurrent_feed_requests_seen(&self) -> usize {
        self.shared.lock().feed.running.most
    }

    /// Batches that the feed ignored because it had seen their `source_request_id`.
    #[must_use]
    pub fn repeated_batches(&self) -> u64 {
        self.shared.lock().feed.repeated_batches
    }

    /// Sets how many users a second the feed takes.
    pub fn set_feed_rate(&self, users_per_second: Option<u32>) {
        self.shared.lock().feed.pace.set_limit(users_per_second);
    }

    /// Whether the feed takes everybody for an existing profile.
    pub fn know_everyone(&self, everyone: bool) {
        self.shared.lock().feed.profiles.knows_everyone = everyone;
    }

    /// Makes an identity belong to the profile of `key`, as mParticle does once it has seen both together: whatever is
    /// told of either reaches the same profile.
    pub fn link_profile(&self, identity: ProfileKey, key: ProfileKey) {
        self.shared.lock().feed.profiles.link(identity, key);
    }

    /// Makes this profile exist, for worlds in which not everybody is known.
    pub fn add_profile(&self, key: ProfileKey) {
        self.shared.lock().feed.profiles.add(key);
    }

    /// Whether the feed's token is accepted.
    pub fn set_feed_token_valid(&self, valid: bool) {
        self.shared.lock().feed.token_is_valid = valid;
    }

    /// Sets an attribute of a profile as another input of mParticle may do; null takes it away.
    pub fn set_attribute(&self, key: &ProfileKey, attribute: &str, value: &Value) {
        self.shared.lock().feed.profiles.set(key, attribute, value);
    }

    /// Changes the secret of the client that may ask the Profile API.
    pub fn set_client_secret(&self, secret: &str) {
        secret.clone_into(&mut self.shared.lock().feed.lookups.client_secret);
    }

    /// Makes all tokens for the Profile API invalid.
    pub fn expire_tokens(&self) {
        self.shared.lock().feed.lookups.expire_tokens();
    }

    /// Sets how many lookups a second the Profile API answers.
    pub fn set_profile_rate(&self, per_second: Option<u32>) {
        self.shared.lock().feed.lookups.limit = per_second;
    }

    /// Lookups that the Profile API was asked for since the start, and how many of them it refused for their number.
    #[must_use]
    pub fn profile_lookups(&self) -> (u64, u64) {
        let state = self.shared.lock();
        (state.feed.lookups.asked, state.feed.lookups.refused)
    }

    /// The most lookups and requests for a token that were in progress at the same time.
    #[must_use]
    pub fn max_concurrent_lookups_seen(&self) -> usize {
        self.shared.lock().feed.lookups.running.most
    }

    /// Tokens for the Profile API that were given since the start.
    #[must_use]
    pub fn tokens_given(&self) -> u64 {
        self.shared.lock().feed.lookups.tokens_given
    }

    /// Changes the secret of the service account.
    pub fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut self.shared.lock().query_api.secret);
    }

    /// Whether the project's plan includes the Query API.
    pub fn set_plan_allows_api(&self, allowed: bool) {
        self.shared.lock().query_api.plan_allows_api = allowed;
    }

    /// Makes all paging sessions unknown.
    pub fn expire_sessions(&self) {
        self.shared.lock().query_api.sessions.expire_all();
    }

    /// Everything that can be counted, at one moment.
    #[must_use]
    pub fn counts(&self) -> SandboxCounts {
        let mut state = self.shared.lock();
        let queries_in_last_hour = state.query_api.quota.used();
        let cohorts = state.world.cohorts();
        let cohorts =
            cohorts.map(|(id, cohort, count)| CohortCount { id, name: cohort.name.clone(), count }).collect();
        let attributes = state.feed.profiles.counts().into_iter().map(|(name, yes, no)| AttributeCount {
            attribute: name.to_owned(),
            is_true: yes,
            is_false: no,
        });
        SandboxCounts {
            attributes: attributes.collect(),
            cohorts,
            query_count: state.query_api.query_count,
            queries_in_last_hour,
            refused_queries: state.query_api.quota.refused,
            max_concurrent_queries: state.query_api.running.most,
            feed_requests: state.feed.requests.received,
            max_concurrent_feed_requests: state.feed.running.most,
            repeated_batches: state.feed.repeated_batches,
            profile_lookups: state.feed.lookups.asked,
            tokens_given: state.feed.lookups.tokens_given,
            pending_faults: state.script.pending().len(),
        }
    }
}

/// What `GET /sandbox/state` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SandboxCounts {
    /// All cohorts.
    pub cohorts: Vec<CohortCount>,
    /// All attributes that the feed has set.
    pub attributes: Vec<AttributeCount>,
    /// Queries that were charged since the start.
    pub query_count: usize,
    /// Queries that were charged in the last hour.
    pub queries_in_last_hour: usize,
    /// Queries that were refused since the start because there were too many.
    pub refused_queries: usize,
    /// The most requests that the Query API had in progress at the same time.
    pub max_concurrent_queries: usize,
    /// Requests that the feed received.
    pub feed_requests: u64,
    /// The most requests that the feed had in progress at the same time.
    pub max_concurrent_feed_requests: usize,
    /// Batches that were ignored as repeats.
    pub repeated_batches: u64,
    /// Lookups that the Profile API was asked for since the start.
    pub profile_lookups: u64,
    /// Tokens for it that were given since the start.
    pub tokens_given: u64,
    /// Faults that are still to strike.
    pub pending_faults: usize,
}

/// How many people a cohort has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CohortCount {
    /// The cohort's id.
    pub id: u64,
    /// The cohort's name.
    pub name: String,
    /// How many members it has now.
    pub count: usize,
}

/// How many profiles have an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttributeCount {
    /// The attribute's name.
    pub attribute: String,
    /// Profiles on which it is true.
    #[serde(rename = "true")]
    pub is_true: usize,
    /// Profiles on which it is false.
    #[serde(rename = "false")]
    pub is_false: usize,
}
