//! Durations as people write them in the configuration: "15m", "90s", "1h30m". Reading and writing only;
//! what a duration is used for belongs to the settings.

use std::time::Duration;

/// The units, largest first, with their length in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads a duration such as "15m", "90s" or "1h30m".
///
/// Each unit (d, h, m, s) may appear once, larger ones first. Nothing but whole numbers, no bare number
/// (fifteen what?), and nothing that adds up to zero: each is `None`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?;
        // Taking from the same iterator each time refuses a unit that was already passed.
        let (_, length) = units.find(|(letter, _)| *letter == unit)?;
        seconds = seconds.checked_add(number.checked_mul(*length)?)?;
        rest = rest[end + unit.len_utf8()..].trim_start();
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Writes a duration the way [`parse_duration`] reads it; fractions of a second are dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (letter, length) in UNITS {
        if seconds >= length {
            text.push_str(&(seconds / length).to_string());
            text.push(letter);
            seconds %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_spellings_are_read() {
        for (text, seconds) in
            [("15m", 900), ("90s", 90), ("1h30m", 5_400), ("1h 30m", 5_400), ("2d", 172_800), (" 1s ", 1)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "15", "0s", "0m0s", "m", "1.5h", "-1m", "1m1h", "1m1m", "1w", "99999999999999999999s"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(parse_duration(&format!("{}d", u64::MAX)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(seconds in 1_u64..100_000_000) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse_duration(&text);
        }
    }
}
