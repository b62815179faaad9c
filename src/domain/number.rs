//! Numbers as people read them. One place, so that console, command line and messages agree.

use std::time::Duration;

/// A count with its thousands separated: `51,002`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share, 0 to 1, as a percentage with one decimal: `81.3 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// How long something takes, in the two largest units: `45 s`, `21 min 4 s`, `1 h 12 min`, `30 d`.
#[must_use]
pub fn length(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = duration.as_secs();
    let first = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[first];
    let rest = UNITS.get(first + 1).map(|(smaller, name)| (seconds % unit / smaller, name));
    match rest.filter(|(count, _)| *count > 0) {
        Some((count, smaller)) => format!("{} {name} {count} {smaller}", seconds / unit),
        None => format!("{} {name}", seconds / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::{length, thousands};
    use std::time::Duration;

    #[test]
    fn a_length_has_its_two_largest_units() {
        let shown = [0, 45, 60, 1_264, 4_350, 86_400, 90_061].map(|s| length(Duration::from_secs(s)));
        assert_eq!(shown, ["0 s", "45 s", "1 min", "21 min 4 s", "1 h 12 min", "1 d", "1 d 1 h"]);
    }

    #[test]
    fn a_comma_stands_between_every_three_digits() {
        let shown = [0, 999, 1_000, 51_002, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "51,002", "1,234,567"]);
    }
}
