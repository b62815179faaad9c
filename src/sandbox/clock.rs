//! Time and noise. Owns the few ways in which the sandbox looks at the calendar or makes up a number; the same seed and the
//! same counter always give the same noise. Whatever lasts (quotas, sessions, paces, delays) is measured by tokio's clock
//! instead, where it happens, so that a test that pauses that clock moves the sandbox along with its client.

use std::time::{SystemTime, UNIX_EPOCH};

/// Mixes a number into one that looks random (the finaliser known as splitmix64). It is a bijection, so different inputs
/// never meet.
pub(super) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Seconds since 1970, for what is shown as a date.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `2026-01-31T12:00:00`, which is how Mixpanel writes a moment: without a zone.
pub(super) fn mixpanel_timestamp(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (year, month, day) = civil_date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// The calendar date that is `days` after 1970-01-01. Eras of 400 years all have the same number of days, and a year
/// that begins in March has its leap day last, which is what makes the divisions below exact.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_calendar_dates() {
        assert_eq!(mixpanel_timestamp(0), "1970-01-01T00:00:00");
        assert_eq!(mixpanel_timestamp(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(mixpanel_timestamp(1_769_860_799), "2026-01-31T11:59:59");
        assert_eq!(mixpanel_timestamp(4_107_542_399), "2100-02-28T23:59:59");
    }

    #[test]
    fn scrambling_keeps_numbers_apart() {
        let mut seen: Vec<u64> = (0..10_000).map(scramble).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 10_000);
    }
}
