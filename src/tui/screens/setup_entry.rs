//! What the Setup screen is made of: headings, facts, checks and snippets, and how each is set in lines of a width.
//! What they say is in `setup_facts`, `setup_checks` and `snippets`; which is selected and in view, and what somebody has
//! ticked off, is `setup`'s.

use crate::config::ShownSetting;
use crate::tui::canvas::{Piece, cells, piece};
use crate::tui::text;
use crate::tui::theme::Role;

/// Cells for the label of a fact, and where the screen is narrow.
const LABEL: usize = 20;
const NARROW_LABEL: usize = 15;
const NARROW_BELOW: usize = 60;
/// Longer running text is tiring to read.
const LONGEST_LINE: usize = 100;

/// What is known of something a side needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The program has seen that it is so.
    Seen(String),
    /// It may be so and may not, or is so and may not be meant.
    Doubt(String),
    /// The program has seen that it is not.
    Against(String),
    /// The program will see, and has not yet.
    NotYet(String),
    /// Only a person can tell; what speaks for it, if anything does.
    Look(String),
}

impl Evidence {
    /// Only a person can tell, and this is what speaks for it.
    #[must_use]
    pub fn look(speaks: &str) -> Self {
        Self::Look(speaks.to_owned())
    }
}

/// Something a side needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is needed.
    pub need: &'static str,
    /// What is known of it.
    pub evidence: Evidence,
    /// Where to look, and what should be seen there.
    pub how: &'static str,
    /// Whether a person ticks it off.
    pub is_by_eye: bool,
}

impl Check {
    /// A need; whether a person ticks it off follows from what is known of it.
    #[must_use]
    pub fn new(need: &'static str, evidence: Evidence, how: &'static str) -> Self {
        let is_by_eye = matches!(evidence, Evidence::Look(_));
        Self { need, evidence, how, is_by_eye }
    }

    /// The same with what a person has said of it: on which day it was ticked off, or which key does that.
    #[must_use]
    pub fn ticked(self, day: Option<&str>, key: &str) -> Self {
        let evidence = match (self.evidence, day) {
            (Evidence::Look(_), Some(day)) => Evidence::Seen(format!("seen by you on {day}")),
            (Evidence::Look(speaks), None) => {
                let speaks = if speaks.is_empty() { speaks } else { format!("; {speaks}") };
                Evidence::Look(format!("look for yourself, then {key} ticks it off{speaks}"))
            }
            (evidence, _) => evidence,
        };
        Self { evidence, ..self }
    }
}

/// How the checks of a section stand, in numbers.
#[must_use]
pub fn in_numbers(checks: &[Check]) -> String {
    let kind = |check: &Check| match check.evidence {
        Evidence::Against(_) => "to mend",
        Evidence::Doubt(_) => "in doubt",
        Evidence::Look(_) => "to look at",
        Evidence::NotYet(_) => "not seen yet",
        Evidence::Seen(_) => "seen",
    };
    let kinds = ["to mend", "in doubt", "to look at", "not seen yet", "seen"];
    let counted = kinds.iter().filter_map(|words| {
        let number = checks.iter().filter(|check| kind(check) == *words).count();
        (number > 0).then(|| format!("{number} {words}"))
    });
    counted.collect::<Vec<_>>().join(" · ")
}

/// One thing on the screen that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The beginning of a section.
    Heading {
        /// What it is about.
        title: &'static str,
        /// How what stands in it stands, if that can be said in a few words.
        remark: String,
    },
    /// Something the program knows.
    Fact {
        /// What it is about.
        label: String,
        /// How good or bad it is.
        role: Role,
        /// What is so.
        value: String,
        /// Where that comes from.
        origin: String,
    },
    /// A setting that can be given another value.
    Setting(ShownSetting),
    /// Something a side needs.
    Check(Check),
    /// Something to paste elsewhere.
    Snippet {
        /// What it is for.
        title: &'static str,
        /// When to use it.
        note: &'static str,
        /// What to paste.
        code: &'static str,
    },
}

/// A fact that is as it is, from nowhere in particular.
pub fn fact(label: &str, role: Role, value: impl Into<String>) -> Entry {
    fact_from(label, role, value, "")
}

/// A fact with where it comes from.
pub fn fact_from(label: &str, role: Role, value: impl Into<String>, origin: &str) -> Entry {
    Entry::Fact { label: label.to_owned(), role, value: value.into(), origin: origin.to_owned() }
}

impl Entry {
    /// What is copied, and what to call it.
    #[must_use]
    pub fn copied(&self) -> (String, String) {
        match self {
            Self::Heading { title, .. } => ((*title).to_owned(), "the heading".to_owned()),
            Self::Fact { label, value, .. } => (value.clone(), label.to_lowercase()),
            Self::Setting(shown) => (format!("{} = {}", shown.key, shown.value), "the setting".to_owned()),
            Self::Check(Check { need, how, .. }) => (format!("{need}: {how}"), "the check".to_owned()),
            Self::Snippet { title, code, .. } => ((*code).to_owned(), format!("the snippet “{title}”")),
        }
    }

    /// What tells it from the others, whatever it says now.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Heading { title, .. } | Self::Snippet { title, .. } => title,
            Self::Fact { label, .. } => label,
            Self::Setting(shown) => &shown.key,
            Self::Check(check) => check.need,
        }
    }

    /// Its lines at a width.
    #[must_use]
    pub fn lines(&self, width: usize, folded: bool) -> Vec<Vec<Piece<'_>>> {
        match self {
            Self::Heading { title, remark } => {
                let mark = if folded { "▸ " } else { "▾ " };
                let mut line = vec![piece(Role::Muted, mark), piece(Role::Title, *title)];
                if !remark.is_empty() {
                    line.push(piece(Role::Muted, format!("  {remark}")));
                }
                vec![line]
            }
            Self::Fact { label, role, value, origin } => fact_lines(label, *role, value, origin, width),
            Self::Setting(shown) => {
                let role = if shown.json.is_null() { Role::Muted } else { Role::Text };
                setting_lines(shown, role, width)
            }
            Self::Check(check) => check_lines(check, width),
            Self::Snippet { title, note, code } => {
                let mut lines = vec![vec![piece(Role::Strong, format!("  {title}"))]];
                lines.extend(indented(note, 4, width).map(|line| vec![piece(Role::Muted, line)]));
                lines.extend(code.lines().map(|line| vec![piece(Role::Text, format!("    {line}"))]));
                lines.push(Vec::new());
                lines
            }
        }
    }
}

/// A fact in two columns, with where it comes from.
#[must_use]
pub fn fact_lines<'a>(
    label: &str,
    role: Role,
    value: &str,
    origin: &str,
    width: usize,
) -> Vec<Vec<Piece<'a>>> {
    let column = if width < NARROW_BELOW { NARROW_LABEL } else { LABEL };
    let room = width.saturating_sub(column + 3).clamp(1, LONGEST_LINE);
    let mut label = format!("  {} ", text::fit(label, column, text::Align::Left));
    let mut lines: Vec<Vec<Piece<'_>>> = Vec::new();
    for part in text::wrap(value, room) {
        lines.push(vec![piece(Role::Muted, label.clone()), piece(role, part)]);
        label = " ".repeat(column + 3);
    }
    if !origin.is_empty() {
        let used = lines.last().map_or(0, |line| usize::from(cells(crate::tui::canvas::width_of(line))));
        // Where a value comes from stands beside it when there is room, and else below.
        if used + text::width(origin) + 3 <= width
            && let Some(last) = lines.last_mut()
        {
            last.push(piece(Role::Muted, format!(" · {origin}")));
        } else {
            for part in text::wrap(origin, room) {
                lines.push(vec![piece(Role::Muted, label.clone()), piece(Role::Muted, part)]);
            }
        }
    }
    lines
}

/// A setting in two columns, the name as it stands in the file.
fn setting_lines<'a>(shown: &ShownSetting, role: Role, width: usize) -> Vec<Vec<Piece<'a>>> {
    const NAME: usize = 40;
    if width < NAME + 24 {
        let mut lines = vec![vec![piece(Role::Muted, format!("  {}", shown.key))]];
        let value = format!("    {} · {}", shown.value, shown.origin);
        lines.push(vec![piece(role, text::cut(&value, width).into_owned())]);
        return lines;
    }
    let name = text::fit(&shown.key, NAME, text::Align::Left);
    let origin = format!("  · {}", shown.origin);
    vec![vec![
        piece(Role::Muted, format!("  {name} ")),
        piece(role, shown.value.clone()),
        piece(Role::Muted, origin),
    ]]
}

/// A need with its mark, what is known of it beside it where there is room, and where to look below.
fn check_lines<'a>(check: &Check, width: usize) -> Vec<Vec<Piece<'a>>> {
    let Check { need, evidence, how, .. } = check;
    let (mark, role, known) = match evidence {
        Evidence::Seen(seen) => ("✓", Role::Good, seen),
        Evidence::Doubt(doubt) => ("!", Role::Warn, doubt),
        Evidence::Against(seen) => ("✗", Role::Bad, seen),
        Evidence::NotYet(words) => ("·", Role::Muted, words),
        Evidence::Look(words) => ("?", Role::Key, words),
    };
    let mut lines = Vec::new();
    let mut start = format!("  {mark} ");
    for part in text::wrap(need, width.saturating_sub(4).clamp(1, LONGEST_LINE)) {
        lines.push(vec![piece(role, start.clone()), piece(Role::Strong, part)]);
        "    ".clone_into(&mut start);
    }
    let beside = format!("  {known}");
    match lines.last_mut() {
        Some(last) if crate::tui::canvas::width_of(last) + text::width(&beside) <= width => {
            last.push(piece(role, beside));
        }
        _ => lines.extend(indented(known, 4, width).map(|line| vec![piece(role, line)])),
    }
    lines.extend(indented(how, 4, width).map(|line| vec![piece(Role::Muted, line)]));
    lines
}

/// Running text, broken and moved in by some cells.
pub fn indented(words: &str, by: usize, width: usize) -> impl Iterator<Item = String> {
    let lines = text::wrap(words, width.saturating_sub(by).clamp(1, LONGEST_LINE));
    lines.into_iter().map(move |line| format!("{}{line}", " ".repeat(by)))
}
