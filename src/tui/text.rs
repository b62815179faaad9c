//! Text as a terminal shows it: how many cells it takes, how it is cut, padded and wrapped, and how the
//! program writes counts, shares, ages and durations. Pure, and the only file that measures text. Colours
//! belong to the theme, symbols to `glyphs`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::CellWidth;
use std::borrow::Cow;
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;

/// The sign of a cut text.
const ELLIPSIS: &str = "…";

/// Takes out what could steer the terminal or reorder a line: control characters (so also every escape
/// sequence) and the marks that override the direction of writing. Names come from outside, and a cohort
/// must not be able to draw over its neighbours.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(' '),
        c if is_hostile(c) => None,
        c => Some(c),
    });
    Cow::Owned(kept.collect())
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The cells that a text takes, counted the way ratatui places them.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|byte| !byte.is_ascii_control()).count();
    }
    text.graphemes(true).map(grapheme_width).sum()
}

fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) { 0 } else { usize::from(grapheme.cell_width()) }
}

/// At most `columns` cells of a text, cleaned; what was cut shows as an ellipsis.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    let text = clean(text);
    if width(&text) <= columns {
        return text;
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut short = head(&text, room).trim_end().to_owned();
    short.push_str(ELLIPSIS);
    Cow::Owned(short)
}

/// The longest start of a text that fits, without a sign that anything is missing.
#[must_use]
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (index, grapheme) in text.grapheme_indices(true) {
        used += grapheme_width(grapheme);
        if used > columns {
            return &text[..index];
        }
    }
    text
}

/// What is left of a text after its first `columns` cells.
#[must_use]
pub fn tail(text: &str, columns: usize) -> &str {
    &text[head(text, columns).len()..]
}

/// On which side a column puts its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Exactly `columns` cells: cut when longer, padded when shorter.
#[must_use]
pub fn fit(text: &str, columns: usize, align: Align) -> String {
    let text = cut(text, columns);
    let gap = " ".repeat(columns.saturating_sub(width(&text)));
    match align {
        Align::Left => format!("{text}{gap}"),
        Align::Right => format!("{gap}{text}"),
    }
}

/// Breaks a text into lines of at most `columns` cells, between words where that is possible. Line breaks
/// in the text are kept.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(&clean(paragraph), columns, &mut lines);
    }
    lines
}

fn wrap_paragraph(text: &str, columns: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let mut rest = word;
        while width(rest) > columns {
            let part = head(rest, columns);
            if part.is_empty() {
                // A single character wider than the whole column has no place at all.
                return;
            }
            lines.push(part.to_owned());
            rest = &rest[part.len()..];
        }
        line.push_str(rest);
    }
    lines.push(line);
}

pub use crate::domain::number::thousands as count;

/// A count that carries its sign unless it is zero: `+1,204`, `−311`, `0`.
#[must_use]
pub fn signed(sign: char, number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{sign}{}", count(number)) }
}

/// A number in at most five cells: `270`, `2.7 k`, `51 k`, `1.2 M`.
#[must_use]
pub fn compact(number: f64) -> String {
    let (scaled, unit) = match number {
        n if n < 999.5 => return format!("{n:.0}"),
        n if n < 999_500.0 => (n / 1_000.0, "k"),
        n => (n / 1_000_000.0, "M"),
    };
    if scaled < 9.95 { format!("{scaled:.1} {unit}") } else { format!("{scaled:.0} {unit}") }
}

/// A share as a percentage with one decimal. Rounding never claims all or nothing: `100.0 %` and `0.0 %` are
/// only written when they are exact.
#[must_use]
pub fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round();
    let honest = if share <= 0.0 || share >= 1.0 { tenths } else { tenths.clamp(1.0, 999.0) };
    format!("{:.1} %", honest / 10.0)
}

/// A share as a whole percentage, rounded down so that 100 % means done.
#[must_use]
pub fn whole_percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

/// How long ago something was: `now`, `45 s`, `2 m`, `1 h`, `3 d`.
#[must_use]
pub fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    if seconds < 5 { "now".to_owned() } else { rough(seconds) }
}

/// The same in a sentence: `just now`, `2 m ago`.
#[must_use]
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    match age(now, at).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// How long until something happens: `12 m`, or `due`.
#[must_use]
pub fn until(now: Timestamp, at: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    if seconds <= 0 { "due".to_owned() } else { rough(seconds) }
}

fn rough(seconds: i64) -> String {
    match seconds {
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} m", s / 60),
        s if s < 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// A stretch of time as a clock shows it: `0:03`, `12:41`, `1:02:03`.
#[must_use]
pub fn stopwatch(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A stretch of time that may be shorter than a second: `41 ms`, `0.8 s`, `12 s`, `4:10`.
#[must_use]
pub fn brief(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() < 100 => format!("{} ms", time.as_millis()),
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        s @ 10..60 => format!("{s} s"),
        _ => stopwatch(time),
    }
}

/// A stretch of time in words: `15 min`, `2 h`, `45 s`, `1 h 30 min`.
#[must_use]
pub fn interval(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, _) => format!("{m} min"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A rough stretch of time for an estimate: `a few seconds`, `about 40 s`, `about 3 min`, `about 2 h 5 min`.
#[must_use]
pub fn estimate(time: Duration) -> String {
    match time.as_secs() {
        0..=5 => "a few seconds".to_owned(),
        s @ 6..=89 => format!("about {s} s"),
        s => format!("about {}", interval(Duration::from_secs(s.div_ceil(60) * 60))),
    }
}

/// The time of day.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The time of day, with the date in front unless it is today.
#[must_use]
pub fn moment(now: Timestamp, at: Timestamp, zone: &TimeZone) -> String {
    let (now, at) = (now.to_zoned_datetime(zone.clone()), at.to_zoned_datetime(zone.clone()));
    let format = if now.date() == at.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    at.strftime(format).to_string()
}

/// `1 user`, `2 users`.
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}

pub use crate::domain::verdict::capital;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_text_never_exceeds_its_column(text in any::<String>(), columns in 0..40_usize) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }

        #[test]
        fn a_fitted_text_fills_its_column_to_the_cell(text in "[a-zé日🎉👩‍🚀\u{301}\u{202e}\u{1b}]{0,20}", columns in 0..40_usize) {
            prop_assert_eq!(width(&fit(&text, columns, Align::Left)), columns);
            prop_assert_eq!(width(&fit(&text, columns, Align::Right)), columns);
        }

        #[test]
        fn wrapped_lines_never_exceed_their_column(text in any::<String>(), columns in 1..40_usize) {
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
            }
        }

        #[test]
        fn a_clean_text_holds_nothing_that_steers_the_terminal(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(is_hostile));
        }
    }

    #[test]
    fn hostile_names_lose_their_teeth() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\nd"), "a[31mbc d");
        assert_eq!(clean("👩‍🚀 café"), "👩‍🚀 café");
    }

    #[test]
    fn wide_characters_are_cut_between_not_through() {
        assert_eq!(cut("日本語テスト", 5), "日本…");
        assert_eq!(cut("日本語テスト", 4), "日…");
        assert_eq!(fit("日本", 5, Align::Right), " 日本");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(signed('+', 1204), "+1,204");
        assert_eq!(signed('−', 0), "0");
        assert_eq!(compact(2_712.0), "2.7 k");
        assert_eq!(compact(51_002.0), "51 k");
        assert_eq!(compact(999.9), "1.0 k");
        assert_eq!(percent(0.9823), "98.2 %");
        assert_eq!(percent(0.99999), "99.9 %");
        assert_eq!(percent(0.00001), "0.1 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(whole_percent(0.999), "99 %");
    }

    #[test]
    fn times_read_well() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let ago = |seconds| now - jiff::SignedDuration::from_secs(seconds);
        assert_eq!(age(now, ago(2)), "now");
        assert_eq!(age(now, ago(140)), "2 m");
        assert_eq!(age(now, ago(4000)), "1 h");
        assert_eq!(age(now, ago(300_000)), "3 d");
        assert_eq!(until(now, ago(-720)), "12 m");
        assert_eq!(until(now, ago(1)), "due");
        assert_eq!(stopwatch(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(interval(Duration::from_mins(90)), "1 h 30 min");
        assert_eq!(estimate(Duration::from_secs(189)), "about 4 min");
        assert_eq!(moment(now, ago(86_400), &TimeZone::UTC), "2026-01-30 12:00");
    }

    #[test]
    fn wrapping_breaks_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    }
}
