//! What the program's work costs beside the same work done plainly, in one run: `cargo bench --bench numbers`, or with
//! names (`compare`, `fetch`, …) only some of it. It prints a table of ratios with what was aimed at and judges nothing,
//! for machines differ; what a machine lacks is skipped and said.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

mod compare;
mod fetch;
mod pages;
mod people;
mod program;
mod runs;
mod services;
mod table;

use table::Table;

/// A part of it: its name and what it does.
type Part = (&'static str, fn(&mut Table));

const PARTS: [Part; 4] = [
    ("compare", compare::measure),
    ("fetch", fetch::measure),
    ("runs", runs::measure),
    ("largest", runs::largest),
];

fn main() {
    // Cargo passes `--bench`; what else there is names parts.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut table = Table::default();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&mut table);
        }
    }
    println!("\n{table}");
}
