//! What share of a cohort would match under another choice of identities, from what was fetched and before anything is
//! changed. Who has an MPID is sure to be found; who is told by `$distinct_id` is found where mParticle knows that id,
//! so such choices are bounds and not promises.

use super::counts::ReadCounts;
use super::identity::ANONYMOUS_PREFIX;
use super::tally::Tallies;
use uuid::Uuid;

/// What a `$distinct_id` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An e-mail address.
    Email,
    /// A device of somebody who never signed in.
    Device,
    /// A UUID.
    Uuid,
    /// A number.
    Number,
    /// Anything else.
    Other,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 5] = [Self::Email, Self::Device, Self::Uuid, Self::Number, Self::Other];

    /// The shape of an id.
    #[must_use]
    pub fn of(distinct_id: &str) -> Self {
        let is_email = || {
            let (name, host) = distinct_id.split_once('@').unwrap_or_default();
            !name.is_empty() && host.contains('.') && !distinct_id.contains(char::is_whitespace)
        };
        if distinct_id.starts_with(ANONYMOUS_PREFIX) {
            Self::Device
        } else if is_email() {
            Self::Email
        } else if Uuid::try_parse(distinct_id).is_ok() {
            Self::Uuid
        } else if !distinct_id.is_empty() && distinct_id.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Number
        } else {
            Self::Other
        }
    }
}

/// How many users are told by a `$distinct_id` of each shape, in the order of [`Shape::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shapes([u64; 5]);

impl Shapes {
    /// Counts one more.
    pub fn add(&mut self, distinct_id: &str) {
        self.0[Shape::of(distinct_id) as usize] += 1;
    }

    /// How many there are of a shape.
    #[must_use]
    pub fn of(&self, shape: Shape) -> u64 {
        self.0[shape as usize]
    }

    fn sum(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// A way to choose identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// As it is: `$mparticle_user_id`, else `$distinct_id` as this identity type.
    AsItIs(String),
    /// The same with another identity type for `$distinct_id`.
    Fallback(&'static str),
    /// The same, but where `$mparticle_user_id` is missing this property is taken as the MPID first.
    ElseProperty(String),
    /// This property as the MPID, and never `$mparticle_user_id`.
    OnlyProperty(String),
    /// Every profile gets an MPID, as the remedies do with time.
    Everybody,
}

impl Choice {
    /// In a word or two.
    #[must_use]
    pub fn label(&self) -> String {
        let short = |name: &str| name.chars().take(18).collect::<String>();
        match self {
            Self::AsItIs(_) => "as it is".to_owned(),
            Self::Fallback(fallback) => format!("as {fallback}"),
            Self::ElseProperty(name) => format!("else {}", short(name)),
            Self::OnlyProperty(name) => format!("only {}", short(name)),
            Self::Everybody => "once mended".to_owned(),
        }
    }

    /// The word in JSON.
    #[must_use]
    pub fn token(&self) -> &'static str {
        match self {
            Self::AsItIs(_) => "as_it_is",
            Self::Fallback(_) => "other_fallback",
            Self::ElseProperty(_) => "else_property",
            Self::OnlyProperty(_) => "only_property",
            Self::Everybody => "everybody_with_mpid",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::AsItIs(fallback) => format!("as it is, $distinct_id as {fallback}"),
            Self::Fallback(fallback) => format!("$distinct_id as {fallback}"),
            Self::ElseProperty(name) => format!("{name} where $mparticle_user_id is missing"),
            Self::OnlyProperty(name) => format!("{name} instead of $mparticle_user_id"),
            Self::Everybody => "every profile but anonymous ones carries its MPID".to_owned(),
        }
    }
}

/// What a choice comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The choice.
    pub choice: Choice,
    /// People with an MPID that JavaScript has not rounded.
    pub by_mpid: u64,
    /// People who may be found by `$distinct_id`, where mParticle knows it.
    pub by_distinct_id: u64,
    /// Everybody in the cohort.
    pub people: u64,
}

impl Outlook {
    /// The share that is found by MPID, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.of(self.by_mpid)
    }

    /// The share that is found at most.
    #[must_use]
    pub fn share_at_most(&self) -> f64 {
        self.of(self.by_mpid + self.by_distinct_id)
    }

    fn of(&self, people: u64) -> f64 {
        people as f64 / self.people.max(1) as f64
    }
}

/// What each choice comes to, the present one first.
#[must_use]
pub fn outlooks(
    read: &ReadCounts,
    shapes: &Shapes,
    tallies: Option<&Tallies>,
    fallback: &str,
) -> Vec<Outlook> {
    let people = read.sendable() + read.unsendable;
    let exact = read.matched.saturating_sub(read.suspect);
    let of = |choice, by_mpid: u64, by_distinct_id: u64| {
        let by_mpid = by_mpid.min(people);
        Outlook { choice, by_mpid, by_distinct_id: by_distinct_id.min(people - by_mpid), people }
    };
    // A device is never an address or a customer, and only an address can be an e-mail address.
    let as_email = shapes.of(Shape::Email);
    let as_customer = shapes.sum() - shapes.of(Shape::Device);
    let as_type = |fallback: &str| if fallback == "email" { as_email } else { as_customer };
    let mut outlooks = vec![of(Choice::AsItIs(fallback.to_owned()), exact, as_type(fallback))];
    for other in ["customer_id", "email"].into_iter().filter(|other| *other != fallback) {
        outlooks.push(of(Choice::Fallback(other), exact, as_type(other)));
    }
    for (name, tally) in
        tallies.into_iter().flat_map(|tallies| tallies.names().iter().zip(tallies.properties()))
    {
        let rest = as_type(fallback).saturating_sub(tally.mpids_of_others);
        if tally.mpids_of_others > 0 {
            let choice = Choice::ElseProperty(name.to_owned());
            outlooks.push(of(choice, exact + tally.mpids_of_others, rest));
        }
        let alone = tally.mpids_of_matched + tally.mpids_of_others;
        if alone > 0 {
            outlooks.push(of(
                Choice::OnlyProperty(name.to_owned()),
                alone,
                people.saturating_sub(alone).min(rest),
            ));
        }
    }
    outlooks.push(of(Choice::Everybody, people.saturating_sub(read.anonymous), 0));
    outlooks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::property::{Extras, PropertyNames};
    use crate::domain::tally::Tallying;

    #[test]
    fn shapes_are_told_apart() {
        for (id, shape) in [
            ("ann@example.com", Shape::Email),
            ("ann@home", Shape::Other),
            ("$device:17f2c9", Shape::Device),
            ("9d35cd7f-3f06-4549-91bf-198ee58bb58a", Shape::Uuid),
            ("4711", Shape::Number),
            ("user_7", Shape::Other),
        ] {
            assert_eq!(Shape::of(id), shape, "{id}");
        }
    }

    #[test]
    fn each_choice_is_weighed_by_what_was_fetched() {
        let read = ReadCounts {
            matched: 70,
            suspect: 10,
            unmatched: 28,
            unsendable: 2,
            anonymous: 5,
            duplicates: 0,
        };
        let mut shapes = Shapes::default();
        for number in 0..28 {
            shapes.add(&match number {
                0..5 => format!("$device:{number}"),
                5..15 => format!("{number}@example.com"),
                _ => format!("user-{number}"),
            });
        }
        let mut tallies = Tallying::of_page(PropertyNames::of(["mp_user", "$os"]), 0);
        let mut extras = Extras::default();
        extras.put(0, "\"8553083063767933171\"");
        (0..20).for_each(|_| tallies.note_other(&extras));
        let tallies = tallies.done();
        let found = outlooks(&read, &shapes, Some(&tallies), "customer_id");
        let of = |choice: Choice| {
            let outlook = found.iter().find(|outlook| outlook.choice == choice).unwrap();
            (outlook.by_mpid, outlook.by_distinct_id, outlook.people)
        };
        assert_eq!(of(Choice::AsItIs("customer_id".to_owned())), (60, 23, 100));
        assert_eq!(of(Choice::Fallback("email")), (60, 10, 100));
        assert_eq!(of(Choice::ElseProperty("mp_user".to_owned())), (80, 3, 100));
        assert_eq!(of(Choice::OnlyProperty("mp_user".to_owned())), (20, 3, 100));
        assert_eq!(of(Choice::Everybody), (95, 0, 100));
        assert!(found.iter().all(|outlook| outlook.share_at_most() <= 1.0));
    }
}
