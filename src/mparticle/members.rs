//! Mixpanel's own cohort webhook as a body for the feed (Mixpanel documentation, Cohort Sync: Webhooks): who entered
//! and who left a cohort, at most 1,000 users a call. Public sources leave open whether mParticle's feed takes this or
//! batches; which one is sent is configured. It carries no `source_request_id`, so a repeat is not recognised, and it
//! cannot delete an attribute.

use super::encode::{Letter, escaped, source_request_id};
use crate::domain::{Change, CohortId, Direction, IdentityRef, RunId};
use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::Serialize;

/// Users in one call.
pub(super) const MOST_MEMBERS: usize = 1_000;

/// The whole body; the order of the fields is the order on the wire.
#[derive(Serialize)]
struct Call<'a> {
    action: &'static str,
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    mixpanel_project_id: String,
    mixpanel_cohort_name: &'a str,
    mixpanel_cohort_id: String,
    mixpanel_cohort_description: &'static str,
    /// Each request is a session of one page: the documentation lets a session have any number, and a request must be
    /// complete in itself, since others may fail.
    mixpanel_session_id: String,
    page_info: PageInfo,
    members: Vec<MemberEntry>,
}

#[derive(Serialize)]
struct PageInfo {
    total_pages: u32,
    page_count: u32,
}

#[derive(Serialize)]
struct MemberEntry {
    /// Missing for somebody who left and was told by MPID: the baseline keeps the MPID alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    mixpanel_distinct_id: Option<String>,
    /// Under the property's own name, as exported properties are. As text: no reader can round it.
    #[serde(rename = "$mparticle_user_id", skip_serializing_if = "Option::is_none")]
    mparticle_user_id: Option<String>,
}

/// What the calls of one run have in common.
#[derive(Debug)]
pub(super) struct Calls {
    project_id: u64,
    installation: String,
    run: RunId,
    began: Timestamp,
    cohort: CohortId,
    attribute: String,
}

impl Calls {
    /// Those of a letter, in the name of a project.
    pub fn of(letter: &Letter<'_>, project_id: u64) -> Self {
        let Letter { installation, run, began, cohort, attribute, .. } = *letter;
        let (installation, attribute) = (installation.to_owned(), attribute.to_owned());
        Self { project_id, installation, run, began, cohort, attribute }
    }

    /// The body that says a part of a plan; all of it has one direction, as every request of a plan does.
    pub fn body(&self, first_position: u64, changes: &[Change]) -> Bytes {
        let leaves = changes.first().is_some_and(|change| change.direction == Direction::Remove);
        let session = source_request_id(&self.installation, self.run, self.began, first_position);
        let call = Call {
            action: if leaves { "remove_members" } else { "add_members" },
            parameters: Parameters {
                mixpanel_project_id: self.project_id.to_string(),
                mixpanel_cohort_name: &self.attribute,
                mixpanel_cohort_id: self.cohort.to_string(),
                mixpanel_cohort_description: "",
                mixpanel_session_id: session,
                page_info: PageInfo { total_pages: 1, page_count: 1 },
                members: changes.iter().map(entry).collect(),
            },
        };
        let mut body = BytesMut::with_capacity(96 * changes.len() + 512).writer();
        // Strings and integers cannot fail to serialise, nor can a buffer in memory fail to grow.
        if let Err(error) = serde_json::to_writer(&mut body, &call) {
            tracing::error!(%error, "a request body could not be written");
        }
        body.into_inner().freeze()
    }
}

fn entry(change: &Change) -> MemberEntry {
    let known = change.distinct_id.as_deref().map(str::to_owned);
    let (mixpanel_distinct_id, mparticle_user_id) = match change.identity.borrow() {
        IdentityRef::Mpid(mpid) => (known, Some(mpid.to_string())),
        other => (Some(other.to_string()), None),
    };
    MemberEntry { mixpanel_distinct_id, mparticle_user_id }
}

/// An upper bound of a change's bytes on the wire.
pub(super) fn upper_bound(change: &Change) -> usize {
    /// Keys, punctuation and an MPID of twenty characters.
    const FIXED: usize = 80;
    let address = match change.identity.borrow() {
        IdentityRef::Mpid(_) => change.distinct_id.as_deref().map_or(0, escaped),
        IdentityRef::Uuid(_) => 36,
        IdentityRef::Text(text) => escaped(text),
    };
    FIXED + address
}
