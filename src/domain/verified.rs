//! What a verification came to: its accounts group by group, how wrong mParticle is at most, and how that is put into
//! words, the same on every screen and in every command. The verdict on one person stands in `verification`.

use super::CohortId;
use super::drift::{self, Stratum};
use super::number::thousands;
use super::verification::{Extent, Fault, Group, Held};
use jiff::Timestamp;

/// The accounts of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupAccount {
    /// How many people it has.
    pub people: u64,
    /// How many were looked at.
    pub checked: u64,
    /// Of those, how many have a profile in mParticle.
    pub found: u64,
    /// Of those who were looked at, how many are wrong.
    pub wrong: u64,
    /// Of the wrong ones, how many have no profile.
    pub without_profile: u64,
    /// Of the wrong ones, how many have a profile without the attribute.
    pub without_attribute: u64,
}

/// A verification that was carried out to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The cohort.
    pub cohort_id: CohortId,
    /// The attribute that was looked at.
    pub attribute: String,
    /// Whom it looked at.
    pub extent: Extent,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The accounts, in the order of [`Group::ALL`].
    pub groups: [GroupAccount; 3],
    /// The share of all its people that is wrong, at most, with a confidence of [`drift::CONFIDENCE`], 0 to 1.
    pub drift_upper_bound: f64,
}

/// The accounts of a verification that is under way.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    groups: [GroupAccount; 3],
    /// The places of the wrong ones among those who were looked at.
    wrong_at: [Vec<u64>; 3],
}

impl Tally {
    /// For groups of so many people.
    #[must_use]
    pub fn of(people: [u64; 3]) -> Self {
        let account = |people| GroupAccount { people, ..GroupAccount::default() };
        Self { groups: people.map(account), wrong_at: Default::default() }
    }

    /// Takes the next of a group, in the random order of its sample.
    pub fn take(&mut self, group: Group, held: &Held, fault: Option<Fault>) {
        let (account, wrong_at) = (&mut self.groups[group.place()], &mut self.wrong_at[group.place()]);
        if fault.is_some() {
            wrong_at.push(account.checked);
            account.wrong += 1;
            account.without_profile += u64::from(*held == Held::NoProfile);
            account.without_attribute += u64::from(*held == Held::NoAttribute);
        }
        account.checked += 1;
        account.found += u64::from(*held != Held::NoProfile);
    }

    /// The accounts as they stand.
    #[must_use]
    pub fn groups(&self) -> &[GroupAccount; 3] {
        &self.groups
    }

    /// The share that is wrong at most.
    #[must_use]
    pub fn drift_upper_bound(&self) -> f64 {
        let strata: Vec<Stratum<'_>> = self
            .groups
            .iter()
            .zip(&self.wrong_at)
            .map(|(account, wrong_at)| Stratum {
                people: account.people,
                checked: account.checked,
                wrong: account.wrong,
                wrong_at,
            })
            .collect();
        drift::upper_bound(&strata)
    }
}

impl Verification {
    fn sum(&self, of: impl Fn(&GroupAccount) -> u64) -> u64 {
        self.groups.iter().map(of).sum()
    }

    /// Everybody mParticle was told about, as far as known.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.sum(|group| group.people)
    }

    /// How many were looked at.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.sum(|group| group.checked)
    }

    /// How many of those are wrong.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.sum(|group| group.wrong)
    }

    /// How many of those were told `true` and do not hold it.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.wrong() - self.stale()
    }

    /// How many of those were told `false` and hold `true`.
    #[must_use]
    pub fn stale(&self) -> u64 {
        self.groups[Group::Removes.place()].wrong
    }

    /// How many of those hold what they were told.
    #[must_use]
    pub fn right(&self) -> u64 {
        self.checked() - self.wrong()
    }

    /// Whether everybody was looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.checked() >= self.people()
    }

    /// Whether nobody who was looked at has a profile. That may be so; but more often the ids in the configuration
    /// are another workspace's.
    #[must_use]
    pub fn found_nobody(&self) -> bool {
        self.checked() > 0 && self.sum(|group| group.found) == 0
    }

    /// In one line: "598 checked, 0 wrong: under 0.5 % drift, 95 %".
    #[must_use]
    pub fn summary(&self) -> String {
        let (checked, wrong) = (thousands(self.checked()), thousands(self.wrong()));
        if self.is_whole() {
            return format!(
                "all {checked} checked, {wrong} wrong: {} drift",
                percent_up(self.drift_upper_bound)
            );
        }
        let bound = percent_up(self.drift_upper_bound);
        format!("{checked} checked, {wrong} wrong: under {bound} drift, {:.0} %", drift::CONFIDENCE * 100.0)
    }

    /// What to call it beside its share: "Verified (sample of 200)".
    #[must_use]
    pub fn title(&self) -> String {
        let checked = thousands(self.checked());
        if self.is_whole() {
            format!("Verified (all {checked})")
        } else {
            format!("Verified (sample of {checked})")
        }
    }

    /// The share of those who were looked at that holds what it was told: "96.5 %". Everybody only when it is.
    #[must_use]
    pub fn share(&self) -> String {
        let share = if self.checked() == 0 { 0.0 } else { self.right() as f64 / self.checked() as f64 };
        format!("{:.1} %", (share * 1_000.0).floor() / 10.0)
    }

    /// What is wrong with the others: "7 have no such attribute in mParticle".
    #[must_use]
    pub fn explanation(&self) -> String {
        let (profile, attribute) =
            (self.sum(|group| group.without_profile), self.sum(|group| group.without_attribute));
        let other = self.missing() - profile - attribute;
        let parts = [
            (profile, "has no profile", "have no profile"),
            (attribute, "has no such attribute", "have no such attribute"),
            (other, "holds another value", "hold another value"),
            (self.stale(), "is still true", "are still true"),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| format!("{} {}", thousands(count), if count == 1 { one } else { many }))
            .collect();
        if said.is_empty() {
            return "everyone looked at holds what was told".to_owned();
        }
        format!("{} in mParticle", said.join(", "))
    }
}

/// A share in percent, rounded up: a bound must not look better than it is. Two digits where one would say nothing.
#[must_use]
pub fn percent_up(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent > 0.0 && percent < 0.1 { 2 } else { 1 };
    let scale = 10.0_f64.powi(digits);
    // What is exact in decimals is often not in binary; that must not round it up by a digit.
    let rounded = (percent * scale - 1e-9).max(0.0).ceil() / scale;
    format!("{rounded:.*} %", usize::try_from(digits).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attribute::AttributeValue;
    use crate::domain::verification::fault;

    fn value(text: &str) -> Held {
        Held::Value(AttributeValue::Text(text.into()))
    }

    fn verified(outcomes: &[(Group, Held)], people: [u64; 3]) -> Verification {
        let mut tally = Tally::of(people);
        for (group, held) in outcomes {
            tally.take(*group, held, fault(group.told(), held));
        }
        Verification {
            cohort_id: CohortId(1),
            attribute: "a".to_owned(),
            extent: Extent::Full,
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
            groups: *tally.groups(),
            drift_upper_bound: tally.drift_upper_bound(),
        }
    }

    #[test]
    fn the_accounts_add_up_and_are_put_into_words() {
        let mut outcomes = vec![(Group::Steady, value("true")); 193];
        outcomes.extend(vec![(Group::Steady, Held::NoAttribute); 7]);
        let verification = verified(&outcomes, [0, 0, 5_000]);
        assert_eq!((verification.missing(), verification.stale(), verification.right()), (7, 0, 193));
        assert_eq!(verification.title(), "Verified (sample of 200)");
        assert_eq!(verification.share(), "96.5 %");
        assert_eq!(verification.explanation(), "7 have no such attribute in mParticle");
        assert_eq!(verification.summary(), "200 checked, 7 wrong: under 6.5 % drift, 95 %");

        let right = verified(&vec![(Group::Steady, value("true")); 598], [0, 0, 184_210]);
        assert_eq!(right.summary(), "598 checked, 0 wrong: under 0.5 % drift, 95 %");
        assert_eq!((right.share().as_str(), right.found_nobody()), ("100.0 %", false));
    }

    #[test]
    fn a_full_check_tells_the_share_itself() {
        let outcomes = [
            (Group::Adds, Held::NoProfile),
            (Group::Removes, value("true")),
            (Group::Removes, Held::NoProfile),
            (Group::Steady, value("vip")),
        ];
        let verification = verified(&outcomes, [1, 2, 1]);
        assert_eq!(verification.summary(), "all 4 checked, 3 wrong: 75.0 % drift");
        let words = "1 has no profile, 1 holds another value, 1 is still true in mParticle";
        assert_eq!(verification.explanation(), words);
        assert!(!verification.found_nobody());
        assert!(verified(&outcomes[..1], [1, 0, 0]).found_nobody());
    }

    #[test]
    fn a_bound_never_looks_better_than_it_is_nor_everybody_right_when_one_is_not() {
        let shown = [0.004_997, 0.004, 0.0, 1.0, 0.000_299, 0.123_4].map(percent_up);
        assert_eq!(shown, ["0.5 %", "0.4 %", "0.0 %", "100.0 %", "0.03 %", "12.4 %"]);
        let mut outcomes = vec![(Group::Steady, value("true")); 9_999];
        outcomes.push((Group::Steady, Held::NoAttribute));
        assert_eq!(verified(&outcomes, [0, 0, 10_000]).share(), "99.9 %");
    }
}
