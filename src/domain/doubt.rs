//! Of whom nobody knows what mParticle was last told: the history of requests replayed, oldest first. Where the
//! history is kept belongs to `store`; telling these people anew to whoever plans.

use super::change::{Change, Direction};
use super::identity::Identity;
use std::collections::{BTreeSet, HashSet};

/// How the telling of one change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// mParticle took it.
    Accepted,
    /// mParticle refused it.
    Rejected,
    /// mParticle refused it, though an earlier try, whose answer was lost, may have been taken.
    RejectedInDoubt,
    /// There was no answer.
    Unanswered,
}

/// The replay.
#[derive(Debug, Default)]
pub struct Doubts {
    people: BTreeSet<Identity>,
    /// MPIDs whose removal was refused and is tried again by every run.
    refused: HashSet<Identity>,
    /// Who entered by `$distinct_id` since the first of those was refused.
    entered: BTreeSet<Identity>,
}

impl Doubts {
    /// Takes the next change of the history.
    pub fn take(&mut self, change: Change, telling: Telling) {
        match telling {
            Telling::Unanswered | Telling::RejectedInDoubt => {
                self.note_refusal(&change, telling);
                self.people.insert(change.identity);
            }
            // Whoever could not be taken out may be a member again by now, and another identity of the same
            // profile may have left meanwhile.
            Telling::Rejected if change.direction == Direction::Remove => {
                self.note_refusal(&change, telling);
                self.people.insert(change.identity);
            }
            Telling::Rejected => {}
            Telling::Accepted => {
                self.people.remove(&change.identity);
                self.note_acceptance(change);
            }
        }
    }

    fn note_refusal(&mut self, change: &Change, telling: Telling) {
        let is_removal_by_mpid =
            change.direction == Direction::Remove && matches!(change.identity, Identity::Mpid(_));
        if is_removal_by_mpid && telling != Telling::Unanswered {
            self.refused.insert(change.identity.clone());
        }
    }

    /// A removal by MPID that is taken late may reach the profile of somebody who lost the MPID and entered by
    /// `$distinct_id` when the removal was refused. Nobody knows who that is, so all who entered meanwhile are
    /// in doubt. (The other way round, an MPID that was gained, is known and told again by the plan itself.)
    fn note_acceptance(&mut self, change: Change) {
        match (change.direction, &change.identity) {
            (Direction::Remove, Identity::Mpid(_)) => {
                if self.refused.remove(&change.identity) {
                    self.people.extend(self.entered.iter().cloned());
                }
            }
            (Direction::Add, Identity::Mpid(_)) => drop(self.refused.remove(&change.identity)),
            (Direction::Remove, _) => drop(self.entered.remove(&change.identity)),
            (Direction::Add, _) if !self.refused.is_empty() => drop(self.entered.insert(change.identity)),
            (Direction::Add, _) => {}
        }
        if self.refused.is_empty() {
            self.entered.clear();
        }
    }

    /// The people in doubt, in order.
    #[must_use]
    pub fn people(self) -> BTreeSet<Identity> {
        self.people
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (Direction, Identity, Telling);

    fn replay(history: impl IntoIterator<Item = Told>) -> Vec<Identity> {
        let mut doubts = Doubts::default();
        for (direction, identity, telling) in history {
            doubts.take(Change { direction, identity, distinct_id: None }, telling);
        }
        doubts.people().into_iter().collect()
    }

    fn anna() -> Identity {
        Identity::of_distinct_id("anna")
    }

    #[test]
    fn only_something_accepted_ends_a_doubt() {
        use Direction::{Add, Remove};
        let mpid = Identity::Mpid(7);
        let lost = (Add, mpid.clone(), Telling::Unanswered);
        assert_eq!(replay([lost.clone()]), vec![mpid.clone()]);
        let refused = (Remove, mpid.clone(), Telling::Rejected);
        assert_eq!(replay([lost.clone(), refused]), vec![mpid.clone()]);
        assert_eq!(replay([lost, (Remove, mpid.clone(), Telling::Accepted)]), []);
        assert_eq!(replay([(Add, mpid.clone(), Telling::RejectedInDoubt)]), vec![mpid.clone()]);
        assert_eq!(replay([(Add, mpid.clone(), Telling::Rejected)]), []);
        assert_eq!(replay([(Remove, mpid.clone(), Telling::Rejected)]), vec![mpid]);
    }

    #[test]
    fn a_removal_that_is_taken_late_puts_in_doubt_who_entered_meanwhile() {
        use Direction::{Add, Remove};
        let mpid = Identity::Mpid(7);
        let before = (Add, Identity::of_distinct_id("bob"), Telling::Accepted);
        let refused = (Remove, mpid.clone(), Telling::Rejected);
        let entered = (Add, anna(), Telling::Accepted);
        let taken = (Remove, mpid.clone(), Telling::Accepted);
        let history = [before, refused.clone(), entered.clone(), taken.clone()];
        assert_eq!(replay(history.clone()), vec![anna()]);
        assert_eq!(replay(history.into_iter().chain([entered.clone()])), []);
        let came_back = (Add, mpid, Telling::Accepted);
        assert_eq!(replay([refused.clone(), entered.clone(), came_back, taken.clone()]), []);
        let left = (Remove, anna(), Telling::Accepted);
        assert_eq!(replay([refused, entered, left, taken]), []);
    }
}
