//! Reading a Mixpanel profile as a member: which of its two ids addresses it in mParticle, and why.
//! Both ids are hostile until parsed: `$mparticle_user_id` may be a string, a number, junk or rounded by
//! JavaScript; `$distinct_id` may be a number, a placeholder or anonymous. Nothing here passes through `f64`
//! except the test that finds out what JavaScript would have made of an id.

use super::identity::{IDENTITY_LIMIT, Identity};
use super::property::Extras;
use std::borrow::Cow;
use std::fmt;

/// An id as it stood in the JSON, before anyone believed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawId<'a> {
    /// The property is absent or null.
    Missing,
    /// A JSON string.
    Text(Cow<'a, str>),
    /// A JSON number, in the digits that were sent.
    Number(Cow<'a, str>),
    /// A JSON boolean, array or object, as written.
    Other(Cow<'a, str>),
}

impl RawId<'_> {
    /// What was sent, for showing as evidence.
    #[must_use]
    pub fn evidence(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Text(text) | Self::Number(text) | Self::Other(text) => Some(text),
        }
    }

    /// The same, free of the page it was read from.
    #[must_use]
    pub fn into_owned(self) -> RawId<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Missing => RawId::Missing,
            Self::Text(text) => RawId::Text(owned(text)),
            Self::Number(text) => RawId::Number(owned(text)),
            Self::Other(text) => RawId::Other(owned(text)),
        }
    }
}

/// A profile as Mixpanel sent it, reduced to what decides its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile<'a> {
    /// `$distinct_id`.
    pub distinct_id: RawId<'a>,
    /// `$properties.$mparticle_user_id`.
    pub mparticle_user_id: RawId<'a>,
    /// `$properties.$last_seen`, as written; it has no time zone.
    pub last_seen: Option<Cow<'a, str>>,
    /// Whether there was a `$properties` at all; members without one have no profile in Mixpanel.
    pub has_profile: bool,
    /// What it holds in the other properties that were asked for.
    pub extras: Extras<'a>,
}

impl Profile<'_> {
    /// The same, free of the page it was read from and without its other properties.
    #[must_use]
    pub fn into_owned(self) -> Profile<'static> {
        Profile {
            distinct_id: self.distinct_id.into_owned(),
            mparticle_user_id: self.mparticle_user_id.into_owned(),
            last_seen: self.last_seen.map(|text| Cow::Owned(text.into_owned())),
            has_profile: self.has_profile,
            extras: Extras::default(),
        }
    }
}

/// Why a profile has no usable `$mparticle_user_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoMpid {
    /// The property is not set.
    Missing,
    /// The member has no profile in Mixpanel, so no property could be set.
    NoProfile,
    /// An empty string or a placeholder such as `<null>` or `undefined`.
    Placeholder,
    /// Text, a fraction or a structure where an integer should be.
    NotAnInteger,
    /// An integer that does not fit 64 signed bits.
    OutOfRange,
}

impl NoMpid {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Missing, Self::NoProfile, Self::Placeholder, Self::NotAnInteger, Self::OutOfRange];

    /// The word in JSON, CSV and the store.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NoProfile => "no_profile",
            Self::Placeholder => "placeholder",
            Self::NotAnInteger => "not_an_integer",
            Self::OutOfRange => "out_of_range",
        }
    }
}

impl fmt::Display for NoMpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no $mparticle_user_id",
            Self::NoProfile => "no profile in Mixpanel",
            Self::Placeholder => "$mparticle_user_id is a placeholder",
            Self::NotAnInteger => "$mparticle_user_id is not an integer",
            Self::OutOfRange => "$mparticle_user_id does not fit 64 bits",
        })
    }
}

/// What a profile turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Addressed by a valid MPID.
    Matched {
        /// The MPID.
        mpid: i64,
        /// JavaScript has probably rounded it; see [`is_suspect`].
        suspect: bool,
    },
    /// Addressed by its `$distinct_id`.
    Unmatched {
        /// The address.
        identity: Identity,
        /// Why not by MPID.
        reason: NoMpid,
    },
    /// Not addressable.
    Unsendable {
        /// Why not by MPID.
        reason: NoMpid,
    },
}

/// A profile, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The usable `$distinct_id`, whichever id addresses the person.
    pub distinct_id: Option<Cow<'a, str>>,
    /// How the person is addressed.
    pub finding: Finding,
}

/// How profiles are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadingRules {
    /// Do not send anonymous `$device:` ids.
    pub skip_anonymous: bool,
}

impl<'a> Member<'a> {
    /// Judges a profile by the mission's order: `$mparticle_user_id` first, else `$distinct_id`.
    #[must_use]
    pub fn read(profile: &Profile<'a>, rules: ReadingRules) -> Self {
        let distinct_id = usable_distinct_id(&profile.distinct_id);
        let finding = match parse_mpid(&profile.mparticle_user_id) {
            Ok(mpid) => Finding::Matched { mpid, suspect: is_suspect(mpid) },
            Err(reason) => {
                let reason = if reason == NoMpid::Missing && !profile.has_profile {
                    NoMpid::NoProfile
                } else {
                    reason
                };
                let identity = distinct_id.as_deref().map(Identity::of_distinct_id);
                match identity.filter(|id| !(rules.skip_anonymous && id.borrow().is_anonymous())) {
                    Some(identity) => Finding::Unmatched { identity, reason },
                    None => Finding::Unsendable { reason },
                }
            }
        };
        Self { distinct_id, finding }
    }
}

/// Reads an MPID exactly, from a string or from the digits of a JSON number.
///
/// # Errors
/// Says why the value is no MPID; the person is then addressed by `$distinct_id`.
pub fn parse_mpid(raw: &RawId<'_>) -> Result<i64, NoMpid> {
    let text = match raw {
        RawId::Missing => return Err(NoMpid::Missing),
        RawId::Other(_) => return Err(NoMpid::NotAnInteger),
        RawId::Text(text) | RawId::Number(text) => text,
    };
    // Nearly all are MPIDs, and there are millions; a sign that is not a minus is refused below.
    let exact = |text: &str| text.parse().ok().filter(|_| !text.starts_with('+'));
    if let Some(mpid) = exact(text) {
        return Ok(mpid);
    }
    let text = text.trim();
    if let Some(mpid) = exact(text) {
        return Ok(mpid);
    }
    if is_placeholder(text) {
        return Err(NoMpid::Placeholder);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoMpid::NotAnInteger);
    }
    // Digits alone that do not fit.
    Err(NoMpid::OutOfRange)
}

/// Whether an id looks as if JavaScript had rounded it: beyond 2^53, and exactly what JavaScript prints for
/// the nearest number it can hold. About 0.6 % of true ids look like that by chance.
#[must_use]
pub fn is_suspect(mpid: i64) -> bool {
    const EXACT_IN_JAVASCRIPT: u64 = 1 << 53;
    let size = mpid.unsigned_abs();
    // JavaScript prints seventeen digits that tell anything, and zeros after them; nearly every id ends otherwise.
    let zeros = if size >= 10_u64.pow(18) {
        100
    } else if size >= 10_u64.pow(17) {
        10
    } else {
        1
    };
    size > EXACT_IN_JAVASCRIPT && size.is_multiple_of(zeros) && format!("{}", mpid as f64) == mpid.to_string()
}

/// The `$distinct_id` as it must be sent, where it is one: numbers keep their digits, placeholders and ids
/// longer than mParticle stores are no ids.
fn usable_distinct_id<'a>(raw: &RawId<'a>) -> Option<Cow<'a, str>> {
    let (RawId::Text(text) | RawId::Number(text)) = raw else { return None };
    let usable = !is_placeholder(text.trim())
        && (text.len() <= IDENTITY_LIMIT || text.chars().count() <= IDENTITY_LIMIT)
        && !text.as_bytes().contains(&0);
    usable.then(|| text.clone())
}

/// Whether some exporter wrote this where it had no value.
fn is_placeholder(trimmed: &str) -> bool {
    const PLACEHOLDERS: [&str; 12] = [
        "<null>",
        "<undefined>",
        "<nil>",
        "null",
        "undefined",
        "nil",
        "none",
        "nan",
        "(null)",
        "(undefined)",
        "[object object]",
        "n/a",
    ];
    const LONGEST: usize = "[object object]".len();
    // Nearly every id is longer, and there are millions.
    let is_one = || PLACEHOLDERS.iter().any(|placeholder| trimmed.eq_ignore_ascii_case(placeholder));
    trimmed.is_empty() || (trimmed.len() <= LONGEST && is_one())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> RawId<'_> {
        RawId::Text(text.into())
    }

    fn number(text: &str) -> RawId<'_> {
        RawId::Number(text.into())
    }

    proptest! {
        #[test]
        fn every_i64_survives_as_text_and_as_number(mpid in any::<i64>()) {
            let digits = mpid.to_string();
            prop_assert_eq!(parse_mpid(&text(&digits)), Ok(mpid));
            prop_assert_eq!(parse_mpid(&number(&digits)), Ok(mpid));
        }

        #[test]
        fn white_space_around_an_id_does_not_matter(mpid in any::<i64>(), before in "[ \t\r\n]{0,3}", after in "[ \t\r\n]{0,3}") {
            prop_assert_eq!(parse_mpid(&text(&format!("{before}{mpid}{after}"))), Ok(mpid));
        }

        #[test]
        fn what_is_not_all_digits_is_no_mpid(junk in "[0-9]{0,5}[a-zA-Z.+_ ][0-9a-zA-Z.]{0,5}[a-z]") {
            prop_assert!(parse_mpid(&text(&junk)).is_err());
        }

        #[test]
        fn integers_beyond_64_bits_are_out_of_range(high in (i64::MAX as u128 + 1)..u128::MAX, negative in any::<bool>()) {
            let digits = if negative { format!("-{}", high + 1) } else { high.to_string() };
            prop_assert_eq!(parse_mpid(&text(&digits)), Err(NoMpid::OutOfRange));
        }

        #[test]
        fn what_javascript_rounded_is_suspect(mpid in any::<i64>()) {
            // What `JSON.stringify(JSON.parse(text))` makes of an id beyond 2^53.
            let rounded = format!("{}", mpid as f64);
            if let Ok(rounded) = rounded.parse::<i64>() {
                prop_assert_eq!(is_suspect(rounded), rounded.unsigned_abs() > 1 << 53);
            }
        }

        #[test]
        fn ids_that_javascript_holds_exactly_are_not_suspect(mpid in -(1i64 << 53)..=(1i64 << 53)) {
            prop_assert!(!is_suspect(mpid));
        }
    }

    #[test]
    fn the_edges_of_64_bits() {
        assert_eq!(parse_mpid(&text("9223372036854775807")), Ok(i64::MAX));
        assert_eq!(parse_mpid(&number("-9223372036854775808")), Ok(i64::MIN));
        assert_eq!(parse_mpid(&text("9223372036854775808")), Err(NoMpid::OutOfRange));
    }

    #[test]
    fn the_id_of_the_reference_is_seen_as_rounded() {
        assert!(is_suspect(8_553_083_063_767_933_000));
        assert!(!is_suspect(8_553_083_063_767_933_171));
    }

    #[test]
    fn junk_is_named_for_what_it_is() {
        for placeholder in ["", "  ", "<null>", "undefined", "NULL", "NaN"] {
            assert_eq!(parse_mpid(&text(placeholder)), Err(NoMpid::Placeholder), "{placeholder:?}");
        }
        for junk in ["12.5", "1e3", "0x1f", "a1b2", "-", "--5", "+5", "1 2"] {
            assert_eq!(parse_mpid(&text(junk)), Err(NoMpid::NotAnInteger), "{junk:?}");
        }
        assert_eq!(parse_mpid(&number("8.553083063767933e18")), Err(NoMpid::NotAnInteger));
        assert_eq!(parse_mpid(&RawId::Other("true".into())), Err(NoMpid::NotAnInteger));
        assert_eq!(parse_mpid(&RawId::Missing), Err(NoMpid::Missing));
    }

    fn profile<'a>(distinct_id: RawId<'a>, mpid: RawId<'a>) -> Profile<'a> {
        let extras = Extras::default();
        Profile { distinct_id, mparticle_user_id: mpid, last_seen: None, has_profile: true, extras }
    }

    #[test]
    fn the_mpid_goes_before_the_distinct_id() {
        let member = Member::read(&profile(text("a"), text(" 7 ")), ReadingRules::default());
        assert_eq!(member.finding, Finding::Matched { mpid: 7, suspect: false });
        assert_eq!(member.distinct_id.as_deref(), Some("a"));
    }

    #[test]
    fn a_numeric_distinct_id_keeps_its_digits() {
        let member =
            Member::read(&profile(number("12345678901234567890"), RawId::Missing), ReadingRules::default());
        let identity = Identity::Text("12345678901234567890".into());
        assert_eq!(member.finding, Finding::Unmatched { identity, reason: NoMpid::Missing });
    }

    #[test]
    fn neither_id_usable_is_unsendable() {
        let member = Member::read(&profile(text("undefined"), text("x")), ReadingRules::default());
        assert_eq!(member.finding, Finding::Unsendable { reason: NoMpid::NotAnInteger });
        let long = "x".repeat(257);
        let member = Member::read(&profile(text(&long), RawId::Missing), ReadingRules::default());
        assert_eq!(member.finding, Finding::Unsendable { reason: NoMpid::Missing });
    }

    #[test]
    fn anonymous_ids_are_sent_unless_told_otherwise() {
        let anonymous = profile(text("$device:1"), RawId::Missing);
        let sent = Member::read(&anonymous, ReadingRules { skip_anonymous: false });
        assert!(matches!(sent.finding, Finding::Unmatched { .. }));
        let kept = Member::read(&anonymous, ReadingRules { skip_anonymous: true });
        assert_eq!(kept.finding, Finding::Unsendable { reason: NoMpid::Missing });
    }

    #[test]
    fn a_member_without_a_profile_says_so() {
        let profile = Profile { has_profile: false, ..profile(text("a"), RawId::Missing) };
        let member = Member::read(&profile, ReadingRules::default());
        assert!(matches!(member.finding, Finding::Unmatched { reason: NoMpid::NoProfile, .. }));
    }
}
