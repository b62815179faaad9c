//! The query quota: so many queries in a rolling hour, so many at once. Owns the counting, the headers that tell a client
//! about it and the two refusals; which requests count is left to the parent module.

use std::collections::VecDeque;
use std::time::Duration;

use hyper::header::RETRY_AFTER;
use serde_json::json;
use tokio::time::Instant;

use super::super::PROJECT_ID;
use super::super::reply::Reply;
use super::QueryApi;

pub(super) const RATE_LIMIT: &str = "RateLimit";
pub(super) const RATE_LIMIT_POLICY: &str = "RateLimit-Policy";
const WINDOW: Duration = Duration::from_hours(1);
/// What a concurrency refusal names as its waiting time, in seconds.
const CONCURRENCY_WAIT: u64 = 10;

#[derive(Debug)]
pub(in crate::sandbox) struct Quota {
    per_hour: usize,
    at_once: usize,
    charged: VecDeque<Instant>,
    /// Queries that were refused since the start, for either limit.
    pub refused: usize,
}

impl Quota {
    pub(super) fn new(per_hour: u32, at_once: u32) -> Self {
        let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Self { per_hour: count(per_hour), at_once: count(at_once), charged: VecDeque::new(), refused: 0 }
    }

    pub(super) fn is_crowded(&self, running: usize) -> bool {
        running > self.at_once
    }

    pub(super) fn is_spent(&mut self) -> bool {
        self.used() >= self.per_hour
    }

    pub(super) fn charge(&mut self) {
        self.charged.push_back(Instant::now());
    }

    /// Queries of the last hour.
    pub(in crate::sandbox) fn used(&mut self) -> usize {
        while self.charged.front().is_some_and(|charged| charged.elapsed() >= WINDOW) {
            self.charged.pop_front();
        }
        self.charged.len()
    }

    pub(super) fn policy(&self) -> String {
        format!(
            "\"project\";q={};w={}, \"project-concurrency\";q={};qu=\"concurrent-requests\"",
            self.per_hour,
            WINDOW.as_secs(),
            self.at_once
        )
    }

    pub(super) fn remaining(&mut self, running: usize) -> String {
        let (hourly, at_once) = (self.left(), self.at_once.saturating_sub(running));
        format!("\"project\";r={hourly}, \"project-concurrency\";r={at_once}")
    }

    fn left(&mut self) -> usize {
        self.per_hour.saturating_sub(self.used())
    }
}

/// The refusal of a query over the hourly quota. `Retry-After` names the whole window, as Mixpanel's does, although a slot
/// may be free much earlier.
pub(super) fn hourly_exceeded(api: &mut QueryApi, address: &str) -> Reply {
    api.quota.refused += 1;
    let window = WINDOW.as_secs();
    let at_once = api.quota.at_once.saturating_sub(api.running.now);
    let message = format!(
        "Query rate limit exceeded for project_id: {PROJECT_ID}. This request exceeded the rate limit \
         ({}/{} queries running in the last hour). For more information, please consult our documentation at \
         https://help.mixpanel.com/hc/en-us/articles/115004602563-Rate-Limits-for-Export-API-Endpoints",
        api.quota.used() + 1,
        api.quota.per_hour
    );
    Reply::json(429, &json!({ "request": address, "error": message }))
        .header(RATE_LIMIT_POLICY, api.quota.policy())
        .header(RATE_LIMIT, format!("\"project\";r=0;t={window}, \"project-concurrency\";r={at_once}"))
        .header(RETRY_AFTER.as_str(), window)
}

/// The refusal of a query too many at once.
pub(super) fn concurrency_exceeded(api: &mut QueryApi, running: usize) -> Reply {
    api.quota.refused += 1;
    let hourly = api.quota.left();
    let message = format!(
        "Query rate limit exceeded for project_id: {PROJECT_ID}. This request exceeded the concurrency limit \
         ({running}/{} queries running concurrently).",
        api.quota.at_once
    );
    Reply::json(429, &json!({ "error": message }))
        .header(RATE_LIMIT_POLICY, api.quota.policy())
        .header(
            RATE_LIMIT,
            format!("\"project\";r={hourly}, \"project-concurrency\";r=0;t={CONCURRENCY_WAIT}"),
        )
        .header(RETRY_AFTER.as_str(), CONCURRENCY_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_is_spent_query_by_query() {
        let mut quota = Quota::new(2, 5);
        assert_eq!(quota.remaining(1), "\"project\";r=2, \"project-concurrency\";r=4");
        quota.charge();
        assert!(!quota.is_spent());
        quota.charge();
        assert!(quota.is_spent());
        assert_eq!(quota.remaining(0), "\"project\";r=0, \"project-concurrency\";r=5");
        assert_eq!(
            quota.policy(),
            "\"project\";q=2;w=3600, \"project-concurrency\";q=5;qu=\"concurrent-requests\""
        );
    }
}
