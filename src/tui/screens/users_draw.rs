//! How the rows of the Users screen are set in lines of a width, with the times as they are now. Which rows there are is
//! `users_rows`', and where they stand is `users`'.

use super::setup_entry::{fact_lines, indented};
use super::user_search::Search;
use super::users_rows::Row;
use crate::domain::Identity;
use crate::domain::judgement::{Grade, Judgement, Value, means};
use crate::domain::sight;
use crate::domain::verification::Held;
use crate::sync::user::account::value_of;
use crate::sync::user::{Account, AttributeAccount, Fate, OtherProfile, Source, TellingOnRecord};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::text::{self, Align};
use crate::tui::theme::Role;
use crate::tui::widgets::blocks::Block;
use crate::tui::widgets::columns::{Column, place};

/// How far rows are moved in below their heading, and what belongs to a row once more.
const INDENT: usize = 2;
const DEEP: usize = 4;

/// Cells in which an MPID fits; in less, only what kind of id it is is said.
const ADDRESS: u16 = 20;

/// Cells for the name of a cohort, at most.
const NAME: usize = 40;

const TOLD: [Column; 7] = [
    Column::words("When", [16, 16, 16], 0, 1),
    Column::words("Attribute", [10, 18, 32], 2, 2),
    Column::words("Told", [7, 7, 7], 2, 0),
    Column::words("By", [12, ADDRESS, 36], 2, 4),
    Column::words("State", [12, 12, 24], 2, 0),
    Column::numbers("Run", [4, 5, 7], 2, 3),
    Column::numbers("HTTP", [4, 4, 4], 2, 5),
];

/// What the rows are drawn from.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The search.
    pub search: &'a Search,
    /// The identity type that carries `$distinct_id`.
    pub fallback: &'a str,
    /// Cells in a line.
    pub width: usize,
}

impl Picture<'_> {
    /// A row as a block of lines.
    #[must_use]
    pub fn block(self, canvas: &Canvas<'_>, row: &Row, is_first: bool) -> Block<'static> {
        let lines = match (row, self.search.account()) {
            (Row::Note(role, words), _) => paragraph(words, INDENT, self.width, *role),
            (Row::Forgotten { runs, until }, _) => {
                let until = text::moment(canvas.now, *until, canvas.zone);
                let runs = text::plural(*runs, "older run");
                let words = format!(
                    "Not on record any more: what {runs} told, the last of them at {until}; only their counts are kept."
                );
                paragraph(&words, INDENT, self.width, Role::Muted)
            }
            (Row::Heading(title, count), _) => vec![heading(title, count)],
            (Row::Fact { label, role, value }, _) => fact_lines(label, *role, value, "", self.width),
            (Row::TellingColumns, _) => vec![self.columns()],
            (_, None) => Vec::new(),
            (Row::Verdict, Some(account)) => self.verdict(canvas, account),
            (Row::KnownFrom, Some(account)) => {
                let source = account.address.as_ref().map(|address| address.source);
                let words = source.map_or_else(String::new, |source| known_from(canvas, source));
                fact_lines("Known from", Role::Muted, &words, "", self.width)
            }
            (Row::SeenAt, Some(account)) => seen_at(canvas, account, self.width),
            (Row::Cohort(index), Some(account)) => account
                .attributes
                .get(*index)
                .map_or_else(Vec::new, |attribute| self.cohort(canvas, attribute)),
            (Row::Other(index), Some(account)) => {
                account.others.get(*index).map_or_else(Vec::new, |other| self.other(canvas, other))
            }
            (Row::Telling(index), Some(account)) => {
                let telling = account.recorded.tellings.get(*index);
                telling.map_or_else(Vec::new, |telling| self.telling(canvas, telling))
            }
        };
        let begins = matches!(row, Row::Heading(..)) || matches!(row, Row::Note(..));
        Block { gap: begins && !is_first, lines }
    }

    fn verdict(self, canvas: &Canvas<'_>, account: &Account) -> Vec<Vec<Piece<'static>>> {
        let verdict = account.verdict(canvas.now, self.fallback);
        let role = role_of(verdict.grade);
        let sign = match verdict.grade {
            Grade::Good => "✓ ",
            Grade::Unknown => "? ",
            Grade::Doubtful => "! ",
            Grade::Bad => "✗ ",
        };
        let mut lines = Vec::new();
        let mut start = sign.to_owned();
        for part in indented(&verdict.words, INDENT, self.width) {
            let words = part.trim_start().to_owned();
            lines.push(vec![
                piece(role, std::mem::replace(&mut start, "  ".to_owned())),
                piece(Role::Strong, words),
            ]);
        }
        lines.extend(paragraph(&format!("Next: {}", verdict.next), INDENT, self.width, Role::Text));
        lines
    }

    fn cohort(self, canvas: &Canvas<'_>, attribute: &AttributeAccount) -> Vec<Vec<Piece<'static>>> {
        let record = &attribute.record;
        let (role, is_in) = match attribute.membership.is_member {
            Some(true) => (Role::Strong, "in it      "),
            Some(false) => (Role::Muted, "not in it  "),
            None => (Role::Muted, "not known  "),
        };
        let from = match attribute.membership.source {
            _ if self.search.is_asking_about(record.cohort) => "asking Mixpanel…".to_owned(),
            Some(Source::Run(run, when)) => {
                format!("as run {run} read it at {}", text::moment(canvas.now, when, canvas.zone))
            }
            Some(source) => known_from(canvas, source),
            None => "never read whole".to_owned(),
        };
        let room = (self.width / 3).clamp(12, NAME);
        let mut lines = vec![vec![
            piece(Role::Text, format!("  {}  ", text::fit(&record.name, room, Align::Left))),
            piece(role, is_in),
            piece(Role::Muted, from),
        ]];
        if let Some(reason) = self.search.silence_about(record.cohort) {
            lines.extend(paragraph(&text::capital(reason), DEEP, self.width, Role::Bad));
        }
        let judgement = &attribute.judgement;
        if !matches!(judgement, Judgement::Outside | Judgement::NotKnown) {
            let words = judgement.words(canvas.now);
            lines.extend(paragraph(&words, DEEP, self.width, role_of(judgement.grade())));
        }
        let holders: Vec<String> = record.holders.iter().map(address).collect();
        if !holders.is_empty() {
            let attribute = if record.attribute == record.name && !record.is_former {
                String::new()
            } else {
                let former = if record.is_former { "former " } else { "" };
                format!(", {former}attribute “{}”", record.attribute)
            };
            let words = format!("baseline: true for {}{attribute}", holders.join(" and "));
            lines.extend(paragraph(&words, DEEP, self.width, Role::Muted));
        }
        if let Some((held, sight)) = &attribute.seen {
            // That a profile lacks what nobody told it is nothing to say.
            if sight.is_some() || matches!(held, Held::Value(_)) {
                let role = sight.map_or(Role::Muted, |sight| role_of(sight.grade()));
                lines.extend(paragraph(&sight::words(held, *sight), DEEP, self.width, role));
            }
        }
        lines
    }

    fn other(self, canvas: &Canvas<'_>, other: &OtherProfile) -> Vec<Vec<Piece<'static>>> {
        let room = (self.width / 2).clamp(16, NAME);
        let mut line = vec![
            piece(Role::Text, format!("  {}  ", text::fit(&other.distinct_id, room, Align::Left))),
            piece(Role::Muted, known_from(canvas, other.source)),
        ];
        if let Some(differs) = &other.differs {
            line.push(piece(Role::Warn, format!(" · has {differs}, the same to JavaScript")));
        }
        vec![line]
    }

    fn columns(self) -> Vec<Piece<'static>> {
        let titles = |column: usize, _| piece(Role::Title, TOLD[column].title);
        self.table_line(titles)
    }

    fn telling(self, canvas: &Canvas<'_>, telling: &TellingOnRecord) -> Vec<Vec<Piece<'static>>> {
        let found = &telling.found;
        let nothing = || piece(Role::Muted, "—");
        let cell = |column: usize, width: u16| match column {
            0 => {
                let at = found.answered_at.unwrap_or(telling.began);
                piece(Role::Muted, text::moment(canvas.now, at, canvas.zone))
            }
            1 => piece(Role::Text, telling.attribute.clone()),
            2 => match value_of(telling) {
                Value::True => piece(Role::Good, "true"),
                Value::False => piece(Role::Text, "false"),
                Value::Deleted => piece(Role::Text, "deleted"),
            },
            3 if width < ADDRESS => piece(Role::Text, means(&found.change.identity)),
            3 => piece(Role::Text, found.change.identity.to_string()),
            4 => piece(role_of_fate(&found.fate), found.fate.words()),
            5 => piece(Role::Text, found.run.to_string()),
            _ => found.http_status.map_or_else(nothing, |status| piece(Role::Muted, status.to_string())),
        };
        let mut lines = vec![self.table_line(cell)];
        if let Fate::Rejected(reason) = &found.fate {
            lines.extend(paragraph(&format!("mParticle: {reason}"), DEEP, self.width, Role::Bad));
        }
        lines
    }

    /// A line of the table of tellings, whatever fits of it.
    fn table_line(self, cell: impl Fn(usize, u16) -> Piece<'static>) -> Vec<Piece<'static>> {
        let room = u16::try_from(self.width.saturating_sub(INDENT)).unwrap_or(u16::MAX);
        let mut line = vec![piece(Role::Text, " ".repeat(INDENT))];
        let mut x = 0;
        for at in place(&TOLD, room) {
            line.push(piece(Role::Text, " ".repeat(usize::from(at.x.saturating_sub(x)))));
            let Piece { text, role } = cell(at.column, at.width);
            line.push(piece(role, text::fit(&text, usize::from(at.width), TOLD[at.column].align)));
            x = at.x + at.width;
        }
        line
    }
}

/// When mParticle was looked at, and when it last stored something about the user.
fn seen_at(canvas: &Canvas<'_>, account: &Account, width: usize) -> Vec<Vec<Piece<'static>>> {
    let Some(answer) = account.mparticle.answer() else { return Vec::new() };
    let at = |at| text::moment(canvas.now, at, canvas.zone);
    let stored = answer.profile.as_ref().and_then(|profile| profile.last_stored);
    let stored =
        stored.map_or_else(String::new, |stored| format!("; last stored something at {}", at(stored)));
    fact_lines("Looked at", Role::Muted, &format!("{}{stored}", at(answer.at)), "", width)
}

fn heading(title: &'static str, count: &str) -> Vec<Piece<'static>> {
    vec![piece(Role::Title, title), piece(Role::Muted, format!(" {count}"))]
}

fn paragraph(words: &str, by: usize, width: usize, role: Role) -> Vec<Vec<Piece<'static>>> {
    indented(words, by, width).map(|line| vec![piece(role, line)]).collect()
}

/// From where something is known, with the time.
#[must_use]
pub fn known_from(canvas: &Canvas<'_>, source: Source) -> String {
    let at = |at| text::moment(canvas.now, at, canvas.zone);
    match source {
        Source::Mixpanel(when) => format!("Mixpanel, asked at {}", at(when)),
        Source::Run(run, when) => format!("run {run}, begun at {}", at(when)),
        Source::Baseline => "what mParticle accepted, on record without its time".to_owned(),
    }
}

fn address(identity: &Identity) -> String {
    format!("{} {identity}", means(identity))
}

fn role_of(grade: Grade) -> Role {
    match grade {
        Grade::Good => Role::Good,
        Grade::Unknown => Role::Muted,
        Grade::Doubtful => Role::Warn,
        Grade::Bad => Role::Bad,
    }
}

fn role_of_fate(fate: &Fate) -> Role {
    match fate {
        Fate::Accepted => Role::Good,
        Fate::Rejected(_) => Role::Bad,
        Fate::Unanswered => Role::Warn,
        Fate::ToldAgain | Fate::Planned | Fate::DryRun => Role::Muted,
    }
}
