//! What one page of a read comes to, gathered where the page arrived and packed, so that whoever puts the pages
//! together only takes it up: pages are worked through on all processors at once. Putting pages together belongs to
//! `membership`.

use super::identity::Identity;
use super::matched::{Matched, TextPool};
use super::member::{Finding, Member, Profile, ReadingRules};
use super::property::PropertyNames;
use super::remark::RemarkKind;
use super::remarks::{RemarkTexts, Remarks};
use super::tally::Tallying;

/// How the profiles of a read are gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathering {
    /// How they are read.
    pub rules: ReadingRules,
    /// What is counted and kept of them besides.
    pub properties: PropertyNames,
}

/// The profiles of one page.
#[derive(Debug)]
pub struct Harvest {
    rules: ReadingRules,
    pub(super) tallies: Tallying,
    pub(super) matched: Vec<Matched>,
    pub(super) distinct_ids: TextPool,
    /// Of each remark that somebody is sent by `$distinct_id`, in their order, the address.
    pub(super) unmatched: Vec<Identity>,
    pub(super) unsendable: u64,
    pub(super) remarks: Remarks,
}

impl Harvest {
    /// Nothing gathered yet of the page of this number.
    #[must_use]
    pub fn of_page(number: u32, gathering: &Gathering) -> Self {
        Self {
            rules: gathering.rules,
            tallies: Tallying::of_page(gathering.properties.clone(), number),
            matched: Vec::new(),
            distinct_ids: TextPool::default(),
            unmatched: Vec::new(),
            unsendable: 0,
            remarks: Remarks::default(),
        }
    }

    /// Takes one profile.
    pub fn take(&mut self, profile: &Profile<'_>) {
        let member = Member::read(profile, self.rules);
        let distinct_id = member.distinct_id.as_deref();
        let kind = match member.finding {
            Finding::Matched { mpid, suspect } => {
                self.matched.push(Matched::new(mpid, distinct_id, &mut self.distinct_ids));
                self.tallies.note_matched(&profile.extras);
                if !suspect {
                    return;
                }
                RemarkKind::Suspect
            }
            Finding::Unmatched { identity, reason } => {
                self.unmatched.push(identity);
                RemarkKind::Unmatched(reason)
            }
            Finding::Unsendable { reason } => {
                self.unsendable += 1;
                RemarkKind::Unsendable(reason)
            }
        };
        let names = if kind == RemarkKind::Suspect {
            0
        } else {
            self.tallies.note_other(&profile.extras);
            self.tallies.names().len()
        };
        let remark = RemarkTexts {
            kind,
            // An unusable id is still the best name there is for an unsendable profile.
            distinct_id: distinct_id.or_else(|| profile.distinct_id.evidence()),
            evidence: profile.mparticle_user_id.evidence(),
            last_seen: profile.last_seen.as_deref(),
            counted_profile: None,
        };
        self.remarks.push(remark, (0..names).map(|place| profile.extras.value(place)));
    }
}
