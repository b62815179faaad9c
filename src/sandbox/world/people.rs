//! Made-up people, each derived from a position on a line by scrambling numbers, so that half a million of them take no
//! memory. Owns what a person looks like and how untidy each stretch of the line is; which positions belong to which
//! cohort is left to `catalogue` and `drift`.

use serde_json::{Map, Value};

use super::super::clock::{mixpanel_timestamp, scramble};
use super::seed::{MPID_PROPERTY, PersonSeed};

/// A crowd is a seed and a kind; everything about its people follows from the two and a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    pub seed: u64,
    pub kind: CrowdKind,
    /// Profiles were last seen in the month before this moment, in seconds since 1970.
    pub today: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CrowdKind {
    /// People with the usual mess, by where they stand.
    People,
    /// Companies: members of a group cohort.
    Groups,
    /// People who all have a proper mParticle id.
    Tidy,
}

/// How many of a thousand people have which flaw. The flaws before `twin` exclude each other.
#[derive(Debug, Clone, Copy)]
struct Mess {
    no_profile: u64,
    placeholder: u64,
    anonymous: u64,
    unmatched: u64,
    rounded: u64,
    number: u64,
    /// Shares the mParticle id of the next person: two profiles of one human being.
    twin: u64,
}

const TIDY: Mess =
    Mess { no_profile: 0, placeholder: 0, anonymous: 0, unmatched: 0, rounded: 0, number: 0, twin: 0 };
const USUAL: Mess =
    Mess { no_profile: 9, placeholder: 2, anonymous: 28, unmatched: 55, rounded: 3, number: 15, twin: 11 };
const WEB_SIGNUPS: Mess =
    Mess { no_profile: 60, placeholder: 14, anonymous: 420, unmatched: 330, rounded: 0, number: 2, twin: 20 };
const OLD_IMPORT: Mess =
    Mess { no_profile: 4, placeholder: 25, anonymous: 6, unmatched: 90, rounded: 610, number: 120, twin: 45 };

/// Where on the line which mess begins. The catalogue places its cohorts by these.
const STRETCHES: [(u32, Mess); 3] =
    [(0, USUAL), (WEB_SIGNUPS_BEGIN, WEB_SIGNUPS), (OLD_IMPORT_BEGIN, OLD_IMPORT)];
pub(super) const WEB_SIGNUPS_BEGIN: u32 = 600_000;
pub(super) const OLD_IMPORT_BEGIN: u32 = 750_000;

/// An id that somebody is looked up by, taken apart once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought {
    mpid: Option<i64>,
    uuid: Option<uuid::Uuid>,
    /// The number that stands in an address, a user name or for itself.
    number: Option<u32>,
}

impl Sought {
    pub(super) fn read(id: &str) -> Self {
        let bare = id.strip_prefix("$device:").unwrap_or(id);
        let name = id.split('@').next().unwrap_or_default();
        let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        Self {
            mpid: id.parse().ok(),
            uuid: uuid::Uuid::try_parse(bare).ok(),
            number: name[name.len() - digits..].parse().ok(),
        }
    }
}

/// What a number is made up for, so that the same person gets another one for each purpose.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Condition,
    DistinctId,
    Properties,
    Company,
    Twin,
    Mpid,
    UuidHigh,
    UuidLow,
    Name,
}

/// What is wrong with a person, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    NoProfile,
    Placeholder,
    Anonymous,
    Unmatched,
    Rounded,
    Number,
    Fine,
}

impl Mess {
    fn condition(self, roll: u64) -> Condition {
        let shares = [
            (self.no_profile, Condition::NoProfile),
            (self.placeholder, Condition::Placeholder),
            (self.anonymous, Condition::Anonymous),
            (self.unmatched, Condition::Unmatched),
            (self.rounded, Condition::Rounded),
            (self.number, Condition::Number),
        ];
        let mut below = 0;
        for (share, condition) in shares {
            below += share;
            if roll < below {
                return condition;
            }
        }
        Condition::Fine
    }
}

impl Crowd {
    pub(super) fn person(self, position: u32) -> PersonSeed {
        if self.kind == CrowdKind::Groups {
            return self.company(position);
        }
        let condition = self.condition(position);
        PersonSeed {
            distinct_id: self.distinct_id(position, condition),
            properties: (condition != Condition::NoProfile).then(|| self.properties(position, condition)),
        }
    }

    pub(super) fn has_profile(self, position: u32) -> bool {
        self.kind == CrowdKind::Groups || self.condition(position) != Condition::NoProfile
    }

    /// Whether somebody can have an id at all; quick, and true of a few too many.
    pub(super) fn may_be(self, position: u32, sought: &Sought) -> bool {
        let is_mpid = |mpid: i64| (self.mpid(position) as f64).to_bits() == (mpid as f64).to_bits();
        let is_numbered =
            |number: u32| [0, USER_NUMBERS, PLAIN_NUMBERS].iter().any(|from| from + position == number);
        sought.mpid.is_some_and(is_mpid)
            || sought.uuid.is_some_and(|uuid| self.raw_uuid(position) == uuid)
            || sought.number.is_some_and(is_numbered)
            // What programs write when they have nothing to write is nobody's id and many people's.
            || (sought.uuid.is_none()
                && sought.number.is_none()
                && self.condition(position) == Condition::Placeholder)
    }

    fn condition(self, position: u32) -> Condition {
        self.mess(position).condition(self.noise(position, Purpose::Condition) % 1_000)
    }

    fn mess(self, position: u32) -> Mess {
        if self.kind == CrowdKind::Tidy {
            return TIDY;
        }
        STRETCHES.iter().rev().find(|(begin, _)| *begin <= position).map_or(TIDY, |(_, mess)| *mess)
    }

    fn distinct_id(self, position: u32, condition: Condition) -> Value {
        let noise = self.noise(position, Purpose::DistinctId);
        match condition {
            Condition::Placeholder if noise.is_multiple_of(3) => Value::from(placeholder(noise / 3)),
            Condition::Anonymous => Value::from(format!("$device:{}", self.uuid(position))),
            Condition::NoProfile if noise.is_multiple_of(2) => {
                Value::from(format!("$device:{}", self.uuid(position)))
            }
            _ => match noise % 100 {
                0..60 => Value::from(self.uuid(position)),
                60..86 => Value::from(format!("user_{:07}", USER_NUMBERS + position)),
                86..96 => Value::from(self.email(position)),
                _ => Value::from(u64::from(PLAIN_NUMBERS + position)),
            },
        }
    }

    fn properties(self, position: u32, condition: Condition) -> Map<String, Value> {
        let noise = self.noise(position, Purpose::Properties);
        let mut properties = Map::new();
        let mpid = self.mpid(position);
        match condition {
            Condition::Fine => put(&mut properties, MPID_PROPERTY, mpid.to_string()),
            Condition::Number => put(&mut properties, MPID_PROPERTY, mpid),
            Condition::Rounded => put(&mut properties, MPID_PROPERTY, printed_by_javascript(mpid)),
            Condition::Placeholder => put(&mut properties, MPID_PROPERTY, placeholder(noise)),
            Condition::Unmatched | Condition::Anonymous | Condition::NoProfile => {}
        }
        put(&mut properties, "$last_seen", mixpanel_timestamp(self.today.saturating_sub(noise % 2_592_000)));
        // An app of old never told Mixpanel the id, which is what most of those who lack one have in common.
        let has_old_app = condition == Condition::Unmatched && !(noise >> 32).is_multiple_of(11);
        let (systems, versions, libraries): (&[_], &[_], &[_]) = if has_old_app {
            (&["Android"], &["5.2.0"], &["android"])
        } else {
            (
                &["iOS", "Android", "Mac OS X", "Windows", "Linux"],
                &["7.4.1", "7.4.0", "7.3.2", "6.19.0"],
                &["swift", "android", "web", "python"],
            )
        };
        put(&mut properties, "$os", pick(systems, noise >> 8));
        put(&mut properties, "$app_version_string", pick(versions, noise >> 16));
        put(&mut properties, "mp_lib", pick(libraries, noise >> 24));
        if condition != Condition::Anonymous {
            put(&mut properties, "$email", self.email(position));
            put(&mut properties, "$name", self.name(position));
        }
        properties
    }

    fn company(self, position: u32) -> PersonSeed {
        let surname = pick(SURNAMES, self.noise(position, Purpose::Company));
        let mut properties = Map::new();
        put(&mut properties, "$name", format!("{surname} & Partners {}", position % 100));
        put(&mut properties, "$last_seen", mixpanel_timestamp(self.today));
        PersonSeed { distinct_id: Value::from(format!("company-{position}")), properties: Some(properties) }
    }

    /// An mParticle id is any signed number of 64 bits, so half of them are negative.
    fn mpid(self, position: u32) -> i64 {
        let is_twin = self.noise(position, Purpose::Twin) % 1_000 < self.mess(position).twin;
        self.noise(position + u32::from(is_twin), Purpose::Mpid).cast_signed()
    }

    fn uuid(self, position: u32) -> String {
        self.raw_uuid(position).to_string()
    }

    fn raw_uuid(self, position: u32) -> uuid::Uuid {
        let high = u128::from(self.noise(position, Purpose::UuidHigh));
        let low = u128::from(self.noise(position, Purpose::UuidLow));
        uuid::Builder::from_random_bytes((high << 64 | low).to_be_bytes()).into_uuid()
    }

    fn name(self, position: u32) -> String {
        let noise = self.noise(position, Purpose::Name);
        format!("{} {}", pick(FIRST_NAMES, noise), pick(SURNAMES, noise >> 32))
    }

    fn email(self, position: u32) -> String {
        let name = self.name(position).to_lowercase().replace(' ', ".");
        format!("{name}.{position}@example.com")
    }

    /// A number that looks random but always is the same for a person and a purpose.
    fn noise(self, position: u32, purpose: Purpose) -> u64 {
        scramble(scramble(self.seed ^ purpose as u64) ^ u64::from(position))
    }
}

/// What is added to a position to make the number of a user name, and a number that is an id by itself.
const USER_NUMBERS: u32 = 1_000_000;
const PLAIN_NUMBERS: u32 = 4_000_000;

const FIRST_NAMES: &[&str] =
    &["Ada", "Noor", "Mateo", "Yuki", "Ines", "Kofi", "Lena", "Ravi", "Zoe", "Omar", "Mei", "Tove"];
const SURNAMES: &[&str] =
    &["Berg", "Okafor", "Tanaka", "Silva", "Novak", "Haddad", "Larsen", "Iyer", "Moreau", "Castro", "Quinn"];

fn put(properties: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    properties.insert(name.to_owned(), value.into());
}

fn pick(choices: &[&'static str], noise: u64) -> &'static str {
    let count = u64::try_from(choices.len()).unwrap_or(1).max(1);
    usize::try_from(noise % count).ok().and_then(|index| choices.get(index)).copied().unwrap_or_default()
}

/// What programs write when they had nothing to write.
fn placeholder(noise: u64) -> &'static str {
    pick(&["<null>", "undefined", ""], noise)
}

/// The digits that JavaScript prints for an integer it read as a number: the shortest that name the nearest double,
/// filled up with zeros. Rust prints a double by the same rule.
fn printed_by_javascript(mpid: i64) -> String {
    format!("{}", mpid as f64)
}

/// Whether an id is beyond what a double holds exactly and yet equals what JavaScript prints for it.
pub(in crate::sandbox) fn is_rounded_by_javascript(mpid: i64) -> bool {
    mpid.unsigned_abs() > 1 << 53 && printed_by_javascript(mpid) == mpid.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Crowd = Crowd { seed: 7, kind: CrowdKind::People, today: 1_780_000_000 };

    fn count(positions: std::ops::Range<u32>, condition: Condition) -> usize {
        positions.filter(|position| CROWD.condition(*position) == condition).count()
    }

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_seed_others() {
        let other = Crowd { seed: 8, ..CROWD };
        assert_eq!(CROWD.person(77), CROWD.person(77));
        assert_ne!(CROWD.person(77).distinct_id, other.person(77).distinct_id);
    }

    #[test]
    fn each_stretch_has_its_own_mess() {
        let signups = WEB_SIGNUPS_BEGIN..WEB_SIGNUPS_BEGIN + 10_000;
        let import = OLD_IMPORT_BEGIN..OLD_IMPORT_BEGIN + 10_000;
        assert!(count(0..10_000, Condition::Fine) > 8_500);
        assert!(count(signups.clone(), Condition::Fine) < 2_000);
        assert!(count(signups, Condition::Anonymous) > 4_000);
        assert!(count(import, Condition::Rounded) > 5_500);
    }

    #[test]
    fn mparticle_ids_use_all_bits_and_some_are_shared() {
        let mut mpids: Vec<i64> = (0..20_000).map(|position| CROWD.mpid(position)).collect();
        let negative = mpids.iter().filter(|mpid| **mpid < 0).count();
        assert!((9_000..11_000).contains(&negative), "{negative} are negative");
        mpids.sort_unstable();
        mpids.dedup();
        assert!((19_600..19_950).contains(&mpids.len()), "{} are left", mpids.len());
    }

    #[test]
    fn everybody_can_be_who_they_are() {
        for position in (0..3_000).chain(WEB_SIGNUPS_BEGIN..WEB_SIGNUPS_BEGIN + 3_000) {
            let person = CROWD.person(position);
            let held = person.properties.as_ref().and_then(|properties| properties.get(MPID_PROPERTY));
            for id in [Some(&person.distinct_id), held].into_iter().flatten() {
                let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                assert!(CROWD.may_be(position, &Sought::read(&id)), "{id:?} of {person:?}");
            }
        }
        let sought = Sought::read("user_1000077");
        assert!((0..5_000).filter(|position| CROWD.may_be(*position, &sought)).eq([77]));
    }

    #[test]
    fn rounding_is_what_javascript_does() {
        assert_eq!(printed_by_javascript(8_553_083_063_767_933_171), "8553083063767933000");
        assert!(is_rounded_by_javascript(8_553_083_063_767_933_000));
        assert!(!is_rounded_by_javascript(8_553_083_063_767_933_171));
        assert!(!is_rounded_by_javascript(4_503_599_627_370_496));
    }
}
