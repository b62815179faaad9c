//! What the users of a read who lack an MPID have in common, and what their ids look like: one pass over the remarks of
//! the read, whatever is grouped by.

use super::reader::Reader;
use super::{RunRecord, StoreError};
use crate::domain::grouping::{Counting, Grouping};
use crate::domain::remark::RemarkKind;
use crate::domain::tally::Tallies;
use crate::domain::what_if::Shapes;
use crate::domain::{Reason, RunId};

/// What one pass tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// The run that read them.
    pub run: RunId,
    /// By each fetched property, in the order of the configuration, and last by reason.
    pub groupings: Vec<Grouping>,
    /// What the `$distinct_id`s that are addresses look like.
    pub shapes: Shapes,
    /// What the read counted besides.
    pub tallies: Option<Tallies>,
}

impl Reader {
    /// Goes through everybody of a run's read who lacks an MPID.
    pub fn study(&self, run: &RunRecord) -> Result<Study, StoreError> {
        let tallies = self.tallies(run.id)?;
        let names = tallies.as_ref().map(|tallies| tallies.names().clone()).unwrap_or_default();
        let mut by_property: Vec<Counting> = names.iter().map(|_| Counting::default()).collect();
        let (mut reasons, mut shapes) = ([0_u64; Reason::ALL.len()], Shapes::default());
        self.for_each_part::<StoreError>(run.id, true, |part| {
            for (place, counting) in by_property.iter_mut().enumerate() {
                part.count_values(place, |value, users| counting.add(value, users));
            }
            for remark in part.iter() {
                reasons[remark.kind.reason(remark.distinct_id) as usize] += 1;
                if let (RemarkKind::Unmatched(_), Some(id)) = (remark.kind, remark.distinct_id) {
                    shapes.add(id);
                }
            }
            Ok(true)
        })?;
        let grouped = names.iter().zip(by_property);
        let mut groupings: Vec<Grouping> = match &tallies {
            Some(tallies) => grouped.map(|(name, counting)| counting.by_property(name, tallies)).collect(),
            None => Vec::new(),
        };
        let mut by_reason = Counting::default();
        for (reason, users) in Reason::ALL.iter().zip(reasons).filter(|(_, users)| *users > 0) {
            by_reason.add(Some(reason.token()), users);
        }
        groupings.push(by_reason.by_reason());
        Ok(Study { run: run.id, groupings, shapes, tallies })
    }
}
