//! What a request said and what was answered, as texts to read: laid out where they are JSON, and in words where
//! there is nothing to show, with the reason.

use crate::domain::Direction;
use crate::sync::pages::{ANSWER_CHARACTERS, Body, ChangeRow, JournalLine, RUNS_WITH_CHANGES, Side};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::document::Document;

/// What is known of the body of a request to mParticle.
#[derive(Debug)]
pub enum Said {
    /// It was asked for.
    OnItsWay,
    /// This.
    Known(Body),
    /// What its run told is not kept any more.
    Forgotten,
    /// It has none that could be looked up.
    Unknown,
}

/// What was asked.
#[must_use]
pub fn request_text(line: &JournalLine, heading: &str, said: &Said) -> Document {
    let mut text = Document::default();
    let (first, parameters) = heading.split_once('\n').unwrap_or((heading, ""));
    if !first.is_empty() {
        text.say(Role::Strong, first);
    }
    for parameter in parameters.lines() {
        match parameter.split_once('=') {
            Some((name, value)) => text.say_named(&format!("{name}="), value),
            None => text.say(Role::Muted, parameter),
        }
    }
    if line.side == Side::Mparticle {
        if !first.is_empty() {
            text.say(Role::Text, "");
        }
        say_body(&mut text, said);
    } else if first.is_empty() {
        text.say(Role::Muted, "How this was asked is not in the journal: an older version noted it.");
    }
    text
}

fn say_body(text: &mut Document, said: &Said) {
    let words = match said {
        Said::Known(Body::AsSent(body)) => return text.quote(body),
        Said::Known(Body::Changes(changes)) => return changes.iter().for_each(|row| say_change(text, row)),
        Said::OnItsWay => "Reading what it said…".to_owned(),
        Said::Forgotten => format!(
            "What it said is not kept any more: changes are kept of a cohort's last {RUNS_WITH_CHANGES} runs."
        ),
        Said::Unknown => {
            "Which users were in it is not in the journal: an older version noted it.".to_owned()
        }
    };
    text.say(Role::Muted, &words);
}

/// A change, where nobody knows how it was written.
fn say_change(text: &mut Document, row: &ChangeRow) {
    let sign = if row.change.direction == Direction::Add { "+ " } else { "− " };
    text.say_named(sign, &row.change.identity.to_string());
}

/// What was answered.
#[must_use]
pub fn answer_text(line: &JournalLine, answer: &str) -> Document {
    let mut text = Document::default();
    if line.status.is_none() {
        text.say(Role::Bad, answer);
        return text;
    }
    if answer.is_empty() {
        let words = match line.side {
            Side::Mparticle => "The answer was empty.",
            Side::Mixpanel => "The journal kept nothing of the answer: an older version noted it.",
        };
        text.say(Role::Muted, words);
        return text;
    }
    text.quote(answer);
    if answer.ends_with('…') && answer.chars().count() >= ANSWER_CHARACTERS {
        let kept = text::count(ANSWER_CHARACTERS as u64);
        text.say(Role::Muted, &format!("\nThe journal keeps the first {kept} characters of an answer."));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn line(side: Side, status: Option<u16>) -> JournalLine {
        JournalLine {
            at: jiff::Timestamp::UNIX_EPOCH,
            run: None,
            cohort: None,
            side,
            what: "batches".to_owned(),
            first_position: None,
            users: 1,
            accepted: None,
            bytes: 1,
            status,
            elapsed: Duration::ZERO,
            attempt: 1,
        }
    }

    #[test]
    fn parameters_and_body_stand_below_the_address() {
        let heading = "POST https://mixpanel.com/api/query/engage\nAuthorization: Basic •••\npage=3";
        let text = request_text(&line(Side::Mixpanel, Some(200)), heading, &Said::Unknown);
        assert_eq!(text.whole(), heading);
        let said = Said::Known(Body::AsSent("[{\"mpid\":-7}]".to_owned()));
        let text = request_text(&line(Side::Mparticle, Some(202)), "POST https://x/•••", &said);
        assert_eq!(text.whole(), "POST https://x/•••\n\n[\n  { \"mpid\": -7 }\n]");
    }

    #[test]
    fn what_is_missing_is_said_with_its_reason() {
        let request = |said| request_text(&line(Side::Mparticle, Some(202)), "", said).whole();
        assert!(request(&Said::Forgotten).contains("last 20 runs"), "{}", request(&Said::Forgotten));
        assert!(request(&Said::Unknown).contains("older version"));
        let answer = |status, text: &str| answer_text(&line(Side::Mparticle, status), text).whole();
        assert_eq!(answer(Some(202), ""), "The answer was empty.");
        assert_eq!(answer(None, "the connection was refused"), "the connection was refused");
        let long = "x".repeat(ANSWER_CHARACTERS - 1) + "…";
        assert!(
            answer(Some(500), &long).ends_with("The journal keeps the first 4,000 characters of an answer.")
        );
        assert!(!answer(Some(500), "wait…").contains("journal"));
    }
}
