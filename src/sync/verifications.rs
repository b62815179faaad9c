//! The engine's picture of verifications: the last of each attribute, the one at work, and how the last one ended. A
//! part of the board.

use super::board::Board;
use super::snapshot::{Trouble, VerificationView};
use super::verify::{CheckError, CheckProgress};
use crate::domain::CohortId;
use crate::domain::verified::Verification;
use crate::store::SyncRecord;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of verifications.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    /// By cohort and attribute: a sync that moves to another attribute was never verified there.
    last: HashMap<(CohortId, String), Arc<Verification>>,
    at_work: HashMap<CohortId, VerificationView>,
}

impl Verifications {
    /// What a sync shows of them.
    pub(super) fn view(&self, sync: Option<&SyncRecord>) -> VerificationView {
        let Some(sync) = sync else { return VerificationView::default() };
        let last = self.last.get(&(sync.cohort_id, sync.attribute.clone())).cloned();
        let at_work = self.at_work.get(&sync.cohort_id).cloned().unwrap_or_default();
        VerificationView { last, ..at_work }
    }

    fn put(&mut self, verification: Verification) {
        let key = (verification.cohort_id, verification.attribute.clone());
        self.last.insert(key, Arc::new(verification));
    }
}

impl Board {
    /// Takes over what the store remembers.
    pub(super) fn restore_verifications(&mut self, verifications: Vec<Verification>) {
        self.verifications.last.clear();
        for verification in verifications {
            self.verifications.put(verification);
        }
        self.views.clear();
    }

    /// The last verification of what a sync sets now.
    pub(super) fn verified(&self, cohort: CohortId) -> Option<&Verification> {
        let key = (cohort, self.sync(cohort)?.attribute.clone());
        self.verifications.last.get(&key).map(Arc::as_ref)
    }

    /// A verification begins or moves on.
    pub(super) fn check_goes_on(&mut self, cohort: CohortId, progress: CheckProgress) {
        let view = self.verifications.at_work.entry(cohort).or_default();
        view.check = Some(progress);
        view.trouble = None;
        self.views.remove(&cohort);
    }

    /// A verification ended.
    pub(super) fn check_ended(&mut self, cohort: CohortId, ended: Result<Verification, CheckError>) {
        let view = self.verifications.at_work.entry(cohort).or_default();
        view.check = None;
        view.ended += 1;
        match ended {
            Ok(verification) => self.verifications.put(verification),
            Err(error) => {
                view.trouble = Some(Trouble { needs_person: error.needs_person(), text: error.to_string() });
            }
        }
        self.views.remove(&cohort);
    }
}
