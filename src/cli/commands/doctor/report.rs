//! Printing findings as they come: a paragraph each for people, an object a line for programs. Whatever a
//! finding says passes through the masks, and nothing in it can steer the terminal.

use super::finding::{COMMAND, Finding, Verdict};
use crate::cli::args::GlobalArgs;
use crate::cli::commands::{say, say_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{harmless, terminal_size, use_color};
use crate::config::{ColorChoice, Environment, Masks};
use crate::tui::text::{plural, wrap};
use serde::Serialize;

/// Where what was found begins: after the verdict and the name of the check.
const FOUND_COLUMN: usize = 24;

/// Where the remedy begins: under the name of the check, for a remedy may be long.
const REMEDY_COLUMN: usize = 9;

/// Longer lines are hard to read, however wide the terminal.
const WIDEST: usize = 110;

/// What was printed so far, and what it comes to.
pub(super) struct Report {
    json: bool,
    color: bool,
    arrow: &'static str,
    /// How wide lines may be; `None` leaves them whole, for `grep` and for files.
    room: Option<usize>,
    masks: Masks,
    warnings: u64,
    problems: u64,
    exit: Exit,
}

/// A finding for programs. Field names and their order are fixed.
#[derive(Serialize)]
struct FindingObject<'a> {
    check: &'static str,
    verdict: &'static str,
    found: &'a str,
    remedy: Option<&'a str>,
}

impl Report {
    /// A report of which nothing is printed yet. Masks that are learned later hide what comes after.
    pub(super) fn new(global: &GlobalArgs, environment: &Environment, masks: Masks) -> Self {
        let room = terminal_size().map(|(columns, _)| columns.min(WIDEST));
        let choice = global.color.unwrap_or(ColorChoice::Auto);
        Self {
            json: global.json,
            color: use_color(choice, room.is_some(), environment),
            arrow: if global.ascii { "->" } else { "→" },
            room,
            masks,
            warnings: 0,
            problems: 0,
            exit: Exit::Done,
        }
    }

    /// Prints a finding.
    pub(super) fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        match finding.verdict {
            Verdict::Ok => {}
            Verdict::Warning => self.warnings += 1,
            Verdict::Problem(exit) => {
                self.problems += 1;
                self.exit = self.exit.max(exit);
            }
        }
        let hidden = |text: String| self.masks.mask(&text).into_owned();
        let finding = Finding { found: hidden(finding.found), remedy: finding.remedy.map(hidden), ..finding };
        if self.json {
            return say_json(&FindingObject {
                check: finding.check.token(),
                verdict: finding.verdict.token(),
                found: &finding.found,
                remedy: finding.remedy.as_deref(),
            });
        }
        self.lines(&finding).iter().try_for_each(|line| say(line))
    }

    /// Prints several.
    pub(super) fn add_all(&mut self, findings: Vec<Finding>) -> Result<(), Failure> {
        findings.into_iter().try_for_each(|finding| self.add(finding))
    }

    /// Prints what it comes to, and gives the exit code.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        if !self.json {
            let (problems, warnings) = (plural(self.problems, "problem"), plural(self.warnings, "warning"));
            say("")?;
            say(&match (self.problems, self.warnings) {
                (0, 0) => "Everything is in order.".to_owned(),
                (0, _) => format!("No problem, {warnings}."),
                (_, 0) => format!("{problems}."),
                _ => format!("{problems}, {warnings}."),
            })?;
        }
        Ok(self.exit)
    }

    fn lines(&self, finding: &Finding) -> Vec<String> {
        let verdict = format!("{:<7}", finding.verdict.token());
        let head = format!("{}  {:<13}  ", self.painted(&verdict, finding.verdict), finding.check.title());
        let mut lines = self.hung(&head, FOUND_COLUMN, &finding.found);
        for (place, line) in finding.remedy.iter().flat_map(|remedy| remedy.lines()).enumerate() {
            let sign = if place == 0 { self.arrow } else { "" };
            let head = format!("{:REMEDY_COLUMN$}{sign:<3}", "");
            if line.starts_with(COMMAND) {
                // Broken in two it could not be copied.
                lines.push(format!("{head}{}", harmless(line)));
            } else {
                let (mark, text) = line.split_at(mark_length(line));
                lines.extend(self.hung(&format!("{head}{mark}"), REMEDY_COLUMN + 3 + mark.len(), text));
            }
        }
        lines
    }

    /// The text behind a head, broken where the room ends and indented to the column from the second line on.
    fn hung(&self, head: &str, column: usize, text: &str) -> Vec<String> {
        let text = harmless(text);
        let broken = match self.room.map(|room| room.saturating_sub(column)).filter(|left| *left >= 20) {
            Some(left) => wrap(&text, left),
            None => vec![text.into_owned()],
        };
        let indent = " ".repeat(column);
        let heads = std::iter::once(head).chain(std::iter::repeat(indent.as_str()));
        heads.zip(broken).map(|(head, line)| format!("{head}{line}").trim_end().to_owned()).collect()
    }

    fn painted(&self, text: &str, verdict: Verdict) -> String {
        let code = match verdict {
            Verdict::Ok => 32,
            Verdict::Warning => 33,
            Verdict::Problem(_) => 31,
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// How much of a line is its number or its indentation, under which it goes on.
fn mark_length(line: &str) -> usize {
    let number = line.split_once(". ").map(|(number, _)| number);
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    number.map_or_else(|| line.len() - line.trim_start().len(), |number| number.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Check;
    use super::*;

    fn report(room: Option<usize>) -> Report {
        Report {
            json: false,
            color: false,
            arrow: "→",
            room,
            masks: Masks::new(),
            warnings: 0,
            problems: 0,
            exit: Exit::Done,
        }
    }

    #[test]
    fn a_remedy_is_wrapped_under_its_check_and_commands_stay_whole() {
        let command = format!("{COMMAND}mv /a/very/long/path/that/does/not/fit /another/one/as/long/as/that");
        let remedy = format!("Do this instead of that:\n1. Move it aside, and never delete it:\n{command}");
        let finding = Finding::warning(Check::State, "It is\u{1b}[2J damaged in many a place.", remedy);
        let lines = report(Some(48)).lines(&finding);
        assert_eq!(
            lines,
            [
                "warning  state          It is\\u{1b}[2J damaged",
                "                        in many a place.",
                "         →  Do this instead of that:",
                "            1. Move it aside, and never delete",
                "               it:",
                "                mv /a/very/long/path/that/does/not/fit /another/one/as/long/as/that",
            ]
        );
        assert_eq!(report(None).lines(&finding).len(), 4, "without a terminal every line is whole");
    }
}
