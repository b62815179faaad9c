//! The table that comes out: what was measured beside what, and the ratio; and how a median is taken.

use std::fmt;
use std::time::{Duration, Instant};

/// Rows in the order they were measured.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    work: String,
    ours: String,
    beside: String,
    ratio: String,
    at_most: String,
}

impl Table {
    /// Notes a time beside another, and what their ratio is to be at most.
    pub fn times(&mut self, work: &str, ours: Duration, (what, other): (&str, Duration), at_most: f64) {
        let ratio = ours.as_secs_f64() / other.as_secs_f64();
        self.note(
            work,
            shown(ours),
            format!("{what} {}", shown(other)),
            format!("{ratio:.2}"),
            format!("{at_most}"),
        );
    }

    /// Notes anything else.
    pub fn note(&mut self, work: &str, ours: String, beside: String, ratio: String, at_most: String) {
        println!("{work}: {ours}; {beside}; {ratio} (at most {at_most})");
        self.0.push(Row { work: work.to_owned(), ours, beside, ratio, at_most });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| work | here | beside | ratio | aim |\n| --- | ---: | --- | ---: | ---: |")?;
        for Row { work, ours, beside, ratio, at_most } in &self.0 {
            writeln!(f, "| {work} | {ours} | {beside} | {ratio} | {at_most} |")?;
        }
        Ok(())
    }
}

/// A time in three digits.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        1.0.. => (seconds, "s"),
        0.001.. => (seconds * 1e3, "ms"),
        _ => (seconds * 1e6, "µs"),
    };
    let decimals = match value {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

/// How long something takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

/// The median of some times.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
