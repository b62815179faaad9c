//! Where the users of a cohort went, from Mixpanel's own count to what mParticle accepted, as lines that add up because
//! each remainder is a line of its own. What a line looks like is for screens and commands; which users are behind it
//! is for `store`.

use super::counts::RunCounts;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// What Mixpanel's list of cohorts says.
    Mixpanel,
    /// What lies between that and the read: people join and leave meanwhile.
    Drift,
    /// Profiles that were read.
    Fetched,
    /// Further profiles of people who are counted.
    Duplicates,
    /// Profiles without a usable identifier.
    Unsendable,
    /// People who can be told.
    Sendable,
    /// Of those, by `$mparticle_user_id`.
    Matched,
    /// Of those, by an id that JavaScript rounded.
    Suspect,
    /// Of those who can be told, by `$distinct_id`.
    Unmatched,
    /// Of those, anonymous.
    Anonymous,
    /// Of those who can be told, acknowledged as members.
    Accepted,
    /// Of those who can be told, refused.
    Rejected,
    /// Of those who can be told, not answered.
    Pending,
    /// Of those who can be told, whatever is left; nobody, unless this program is wrong.
    Unexplained,
    /// Beside the sum: told to leave by the last read.
    Left,
    /// Beside the sum: looked up in mParticle.
    Verified,
}

impl Line {
    /// Every line, in order.
    pub const ALL: [Self; 16] = [
        Self::Mixpanel,
        Self::Drift,
        Self::Fetched,
        Self::Duplicates,
        Self::Unsendable,
        Self::Sendable,
        Self::Matched,
        Self::Suspect,
        Self::Unmatched,
        Self::Anonymous,
        Self::Accepted,
        Self::Rejected,
        Self::Pending,
        Self::Unexplained,
        Self::Left,
        Self::Verified,
    ];

    /// The word on the command line and in JSON.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Mixpanel => "mixpanel",
            Self::Drift => "drift",
            Self::Fetched => "fetched",
            Self::Duplicates => "duplicates",
            Self::Unsendable => "unsendable",
            Self::Sendable => "sendable",
            Self::Matched => "matched",
            Self::Suspect => "suspect",
            Self::Unmatched => "unmatched",
            Self::Anonymous => "anonymous",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Unexplained => "unexplained",
            Self::Left => "left",
            Self::Verified => "verified",
        }
    }

    /// Reads back what [`Line::token`] wrote.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|line| line.token() == token)
    }

    /// The users behind it; `None` where nobody knows them by name.
    #[must_use]
    pub fn listed(self) -> Option<Listed> {
        Some(match self {
            Self::Mixpanel | Self::Drift | Self::Unexplained => return None,
            Self::Fetched => Listed::Fetched,
            Self::Duplicates => Listed::Duplicates,
            Self::Unsendable => Listed::Unsendable,
            Self::Sendable => Listed::Sendable,
            Self::Matched => Listed::Matched,
            Self::Suspect => Listed::Suspect,
            Self::Unmatched => Listed::Unmatched,
            Self::Anonymous => Listed::Anonymous,
            Self::Accepted => Listed::Accepted,
            Self::Rejected => Listed::Rejected,
            Self::Pending => Listed::Pending,
            Self::Left => Listed::Left,
            Self::Verified => Listed::Wrong,
        })
    }
}

/// The users behind a line, or behind several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// Every profile that was read.
    Fetched,
    /// See [`Line::Duplicates`].
    Duplicates,
    /// See [`Line::Unsendable`].
    Unsendable,
    /// See [`Line::Sendable`].
    Sendable,
    /// See [`Line::Matched`].
    Matched,
    /// See [`Line::Suspect`].
    Suspect,
    /// See [`Line::Unmatched`].
    Unmatched,
    /// See [`Line::Anonymous`].
    Anonymous,
    /// Whoever lacks a valid `$mparticle_user_id`, told by `$distinct_id` or not at all.
    Lacking,
    /// See [`Line::Accepted`].
    Accepted,
    /// See [`Line::Rejected`].
    Rejected,
    /// See [`Line::Pending`].
    Pending,
    /// See [`Line::Left`].
    Left,
    /// Whom the last verification found wrong.
    Wrong,
}

impl Listed {
    /// What the list is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Fetched => "Fetched",
            Self::Duplicates => "Same person twice",
            Self::Unsendable => "No usable identifier",
            Self::Sendable => "Sent to mParticle",
            Self::Matched => "By $mparticle_user_id",
            Self::Suspect => "Suspect: rounded id",
            Self::Unmatched => "By $distinct_id",
            Self::Anonymous => "Anonymous",
            Self::Lacking => "Unmatched",
            Self::Accepted => "Accepted",
            Self::Rejected => "Rejected",
            Self::Pending => "Pending",
            Self::Left => "Left since",
            Self::Wrong => "Wrong in mParticle",
        }
    }
}

/// The lines of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waterfall {
    mixpanel: Option<u64>,
    counts: RunCounts,
}

impl Waterfall {
    /// The account of a run, beside what Mixpanel's list says of the cohort.
    #[must_use]
    pub fn of(mixpanel: Option<u64>, counts: &RunCounts) -> Self {
        Self { mixpanel, counts: *counts }
    }

    /// What stands in a line; what was taken away is counted as it is, and only remainders can be negative.
    #[must_use]
    pub fn count(&self, line: Line) -> Option<i64> {
        let (read, adds, removes) = (&self.counts.read, &self.counts.adds, &self.counts.removes);
        let sum = |lines: &[Line]| lines.iter().filter_map(|line| self.count(*line)).sum::<i64>();
        Some(match line {
            Line::Mixpanel => self.mixpanel?.cast_signed(),
            Line::Drift => sum(&[Line::Fetched]) - self.mixpanel?.cast_signed(),
            Line::Fetched => read.fetched().cast_signed(),
            Line::Duplicates => read.duplicates.cast_signed(),
            Line::Unsendable => read.unsendable.cast_signed(),
            Line::Sendable => read.sendable().cast_signed(),
            Line::Matched => read.matched.cast_signed(),
            Line::Suspect => read.suspect.cast_signed(),
            Line::Unmatched => read.unmatched.cast_signed(),
            Line::Anonymous => read.anonymous.cast_signed(),
            Line::Accepted => (self.counts.unchanged + adds.accepted()).cast_signed(),
            Line::Rejected => adds.rejected().cast_signed(),
            Line::Pending => adds.pending().cast_signed(),
            Line::Unexplained => {
                sum(&[Line::Sendable]) - sum(&[Line::Accepted, Line::Rejected, Line::Pending])
            }
            Line::Left => removes.planned().cast_signed(),
            Line::Verified => return None,
        })
    }

    /// Of those who left, how many mParticle was not seen to let go.
    #[must_use]
    pub fn still_held(&self) -> u64 {
        self.counts.removes.planned() - self.counts.removes.accepted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChangeCounts, ReadCounts};
    use proptest::prelude::*;

    prop_compose! {
        fn accounts()(
            mixpanel in prop::option::of(0..9_999_u64),
            read in prop::collection::vec(0..9_999_u64, 6),
            unchanged in 0..9_999_u64,
            changes in prop::collection::vec((0..999_u64, 0..999_u64, 0..999_u64), 2),
        ) -> Waterfall {
            let change = |place: usize| {
                let (accepted, rejected, pending) = changes[place];
                ChangeCounts::restored(accepted + rejected + pending, accepted, rejected).unwrap_or_default()
            };
            let read = ReadCounts {
                matched: read[0], unmatched: read[1], unsendable: read[2], duplicates: read[3], suspect: read[4], anonymous: read[5],
            };
            Waterfall::of(mixpanel, &RunCounts { read, adds: change(0), removes: change(1), unchanged, ..RunCounts::default() })
        }
    }

    proptest! {
        #[test]
        fn every_level_is_the_sum_of_its_parts(waterfall in accounts()) {
            let of = |line| waterfall.count(line).unwrap_or_default();
            prop_assert_eq!(of(Line::Fetched), of(Line::Duplicates) + of(Line::Unsendable) + of(Line::Sendable));
            prop_assert_eq!(of(Line::Sendable), of(Line::Matched) + of(Line::Unmatched));
            prop_assert_eq!(of(Line::Sendable), of(Line::Accepted) + of(Line::Rejected) + of(Line::Pending) + of(Line::Unexplained));
            if waterfall.count(Line::Mixpanel).is_some() {
                prop_assert_eq!(of(Line::Fetched), of(Line::Mixpanel) + of(Line::Drift));
            }
        }
    }

    #[test]
    fn every_line_has_its_own_word() {
        for line in Line::ALL {
            assert_eq!(Line::from_token(line.token()), Some(line));
        }
    }
}
