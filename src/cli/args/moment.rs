//! Moments as people type them: RFC 3339, a date or a date and time of here, or a span such as "2h ago". What lies in the
//! future is refused, since nothing is known of it.

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ZonedDateTime};

const WANTED: &str =
    "expected a moment such as 2026-01-31T12:00:00Z, 2026-01-31, \"2026-01-31 09:30\" or \"2h ago\"";

/// Reads a moment; a date is its first moment here.
///
/// # Errors
/// The text is no moment, or one that is still to come.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    moment_from(text, &ZonedDateTime::now())
}

fn moment_from(text: &str, now: &ZonedDateTime) -> Result<Timestamp, String> {
    let text = text.trim();
    let at = if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else if let Ok(local) = text.parse::<DateTime>() {
        let zoned = local.to_zoned_datetime(now.time_zone().clone());
        zoned.map_err(|error| format!("{error}; {WANTED}"))?.timestamp()
    } else if let Ok(span) = text.parse::<Span>() {
        // "2h" can only mean two hours ago, for what is to come is refused.
        let before = now.checked_sub(span.abs());
        before.map_err(|error| format!("{error}; {WANTED}"))?.timestamp()
    } else {
        return Err(WANTED.to_owned());
    };
    if at > now.timestamp() { Err("that moment is still to come".to_owned()) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{TimeZone, offset};
    use proptest::prelude::*;

    fn now() -> ZonedDateTime {
        let at: Timestamp = "2026-01-31T14:32:07Z".parse().unwrap();
        at.to_zoned_datetime(TimeZone::fixed(offset(2)))
    }

    fn read(text: &str) -> String {
        moment_from(text, &now()).map_or_else(|error| error, |at| at.to_string())
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00Z"),
            // Here it is two hours later than in UTC.
            ("2026-01-31", "2026-01-30T22:00:00Z"),
            ("2026-01-31 09:30", "2026-01-31T07:30:00Z"),
            ("2h ago", "2026-01-31T12:32:07Z"),
            ("2 hours 30 minutes ago", "2026-01-31T12:02:07Z"),
            ("2h", "2026-01-31T12:32:07Z"),
            ("3 days ago", "2026-01-28T14:32:07Z"),
            ("1 month ago", "2025-12-31T14:32:07Z"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_or_still_to_come_is_refused() {
        for text in ["", "soon", "2026-13-01", "yesterday", "25:00", "ago"] {
            assert!(read(text).contains("expected a moment"), "{text}: {}", read(text));
        }
        assert_eq!(read("2026-02-01"), "that moment is still to come");
        assert!(read("999999999 years ago").contains("expected a moment"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = moment_from(&text, &now());
        }
    }
}
