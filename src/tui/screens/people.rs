//! The users behind a line of a cohort's counts, one user a line, each with the reason for which mParticle may miss them
//! and what speaks for it: the Unmatched part, and a page of its own for every other line. The list may have a million
//! lines; only what is in view is at hand.

use super::Scene;
use super::page::{Page, Step};
use super::windowed::{Fresh, Rows, Windowed};
use crate::domain::people::{Narrow, UserRow};
use crate::domain::waterfall::Listed;
use crate::domain::{CohortId, Reason, RunId};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, Question, Window};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::long_list::PART;
use ratatui::layout::Rect;

/// What the filter understands besides letters.
const FILTER_WORDS: &str = "ids, reasons, properties; !not";

/// What a column says of a user.
#[derive(Debug, Clone, Copy)]
enum Said {
    DistinctId,
    Mpid,
    Reason,
    /// What `$mparticle_user_id` holds.
    Holds,
    Sent,
    LastSeen,
    Evidence,
}

/// How a list is laid out: its columns, and what each says.
struct Layout {
    columns: &'static [Column],
    said: &'static [Said],
}

/// Those who lack an MPID have none to show.
static LACKING: Layout = Layout {
    columns: &[
        Column::words("Distinct id", [16, 28, 44], 0, 0),
        Column::words("Reason", [20, 24, 40], 2, 1),
        Column::words("Holds instead", [13, 16, 24], 2, 3),
        Column::words("Sent", [4, 4, 4], 2, 2),
        Column::words("Last seen", [19, 19, 19], 2, 4),
    ],
    said: &[Said::DistinctId, Said::Reason, Said::Holds, Said::Sent, Said::LastSeen],
};

/// Where everybody has the same reason, the title says it.
static ALIKE: Layout = Layout {
    columns: &[
        Column::words("Distinct id", [14, 26, 44], 0, 0),
        Column::numbers("MPID", [20, 20, 20], 2, 2),
        Column::words("Evidence", [34, 40, 80], 2, 1),
    ],
    said: &[Said::DistinctId, Said::Mpid, Said::Evidence],
};

/// What mParticle said matters more than the MPID it said it about.
static REFUSED: Layout = Layout {
    columns: &[
        Column::words("Distinct id", [14, 22, 44], 0, 0),
        Column::numbers("MPID", [20, 20, 20], 2, 3),
        Column::words("Reason", [16, 21, 24], 2, 1),
        Column::words("mParticle's words", [28, 44, 80], 2, 2),
    ],
    said: &[Said::DistinctId, Said::Mpid, Said::Reason, Said::Evidence],
};

static ANYBODY: Layout = Layout {
    columns: &[
        Column::words("Distinct id", [14, 26, 44], 0, 0),
        Column::numbers("MPID", [20, 20, 20], 2, 2),
        Column::words("Reason", [16, 21, 24], 2, 1),
        Column::words("Evidence", [16, 40, 80], 2, 3),
    ],
    said: &[Said::DistinctId, Said::Mpid, Said::Reason, Said::Evidence],
};

impl Layout {
    fn of(listed: Listed) -> &'static Self {
        match listed {
            Listed::Lacking | Listed::Unmatched | Listed::Unsendable | Listed::Anonymous => &LACKING,
            Listed::Duplicates | Listed::Suspect | Listed::Pending | Listed::Left => &ALIKE,
            Listed::Rejected => &REFUSED,
            Listed::Fetched | Listed::Sendable | Listed::Matched | Listed::Accepted | Listed::Wrong => {
                &ANYBODY
            }
        }
    }
}

/// The list.
pub struct People {
    cohort: CohortId,
    listed: Listed,
    layout: &'static Layout,
    filter: Filter,
    narrow: Narrow,
    /// The run that read what is at hand.
    run: Option<RunId>,
    /// The last whole account that the snapshot knows.
    account: Option<RunId>,
}

impl People {
    /// Who of a cohort lacks a valid `$mparticle_user_id`.
    #[must_use]
    pub fn lacking(cohort: CohortId) -> Windowed<Self> {
        Windowed::of(Self::new(cohort, Listed::Lacking, Narrow::default()))
    }

    fn new(cohort: CohortId, listed: Listed, narrow: Narrow) -> Self {
        let layout = Layout::of(listed);
        Self { cohort, listed, layout, filter: Filter::default(), narrow, run: None, account: None }
    }
}

impl Rows for People {
    type Row = UserRow;

    const NAME: &'static str = "users";

    fn columns(&self) -> &'static [Column] {
        self.layout.columns
    }

    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        use Action::{Back, Copy, Export, Filter, NextPart, Open, Palette, ShowUser};
        &[Open, ShowUser, Filter, Copy, Export, NextPart, Back, Palette]
    }

    fn filter(&self) -> Option<&Filter> {
        Some(&self.filter)
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        Some(&mut self.filter)
    }

    fn filter_words(&self) -> Option<&'static str> {
        Some(FILTER_WORDS)
    }

    fn arrange(&mut self, scene: Scene<'_>) -> Fresh {
        let sync = scene.snapshot.cohort(self.cohort).and_then(|view| view.sync.as_ref());
        let account = sync.and_then(|sync| sync.last_account.as_ref()).map(|run| run.id);
        let is_newer = std::mem::replace(&mut self.account, account) != account;
        let narrow = self.narrow.with_words(self.filter.input.value());
        let is_other = std::mem::replace(&mut self.narrow, narrow.clone()) != narrow;
        match (is_other, is_newer) {
            (true, _) => Fresh::Other,
            (false, true) => Fresh::Newer,
            (false, false) => Fresh::Same,
        }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        let (cohort, listed, narrow) = (self.cohort, self.listed, self.narrow.clone());
        Some(Question::Users { cohort, listed, narrow, offset, limit: PART })
    }

    fn window(&mut self, answer: &Answer) -> Option<(Window<UserRow>, Fresh)> {
        let Answer::Users(run, window) = answer else { return None };
        let before = std::mem::replace(&mut self.run, *run);
        // Rows of two reads must not stand beside each other as one list.
        let is_other = before.is_some() && before != *run;
        Some((window.clone(), if is_other { Fresh::Other } else { Fresh::Same }))
    }

    fn cell(&self, _: &Canvas<'_>, column: usize, row: &UserRow) -> Piece<'static> {
        self.layout.said.get(column).map_or_else(nothing, |said| cell(*said, row))
    }

    fn remark(&self, total: Option<u64>, _: Scene<'_>) -> Vec<Piece<'static>> {
        // Before anybody was read, a zero would be a claim.
        let Some(total) = total.filter(|_| self.run.is_some()) else { return Vec::new() };
        let mut remark = vec![piece(Role::Text, text::plural(total, "user"))];
        if self.narrow.has_words() {
            remark.push(piece(Role::Focus, " filtered"));
        }
        remark
    }

    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        match self.run {
            None => {
                let words = "The cohort was not read to its end yet; a run or a dry run does that.";
                (Role::Muted, words.to_owned())
            }
            Some(_) if !self.narrow.is_nothing() => {
                (Role::Muted, format!("Nobody fits the filter; {} clears it.", scene.key(Action::Back)))
            }
            Some(_) if self.listed == Listed::Lacking => {
                let words = "Every user has a valid $mparticle_user_id; there is nobody to list.";
                (Role::Good, words.to_owned())
            }
            Some(_) => (Role::Muted, "There is nobody behind this line.".to_owned()),
        }
    }

    fn act(&self, action: Action, row: &UserRow, _: Scene<'_>) -> Step {
        match action {
            Action::Open | Action::Look => Step::Show(facts(row)),
            _ => Step::Done,
        }
    }

    fn user(&self, row: &UserRow) -> Option<String> {
        row.name()
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let view = scene.snapshot.cohort(self.cohort)?;
        let title = self.listed.title().to_lowercase();
        let content = Content::Users(self.cohort, self.listed, self.narrow.clone());
        Some((format!("{title} {}", view.cohort.name), content))
    }
}

fn nothing() -> Piece<'static> {
    piece(Role::Muted, "—")
}

fn words(text: Option<&str>, role: Role) -> Piece<'static> {
    match text {
        None => nothing(),
        // What is there and cannot be seen must not look like nothing.
        Some(text) if text.trim().is_empty() => piece(role, format!("{text:?}")),
        Some(text) => piece(role, text.to_owned()),
    }
}

fn cell(said: Said, row: &UserRow) -> Piece<'static> {
    match said {
        Said::DistinctId => words(row.distinct_id.as_deref(), Role::Text),
        Said::Mpid => row.mpid.map_or_else(nothing, |mpid| piece(Role::Text, mpid.to_string())),
        Said::Reason => words(row.reason.map(Reason::title), Role::Text),
        Said::Holds => words(row.holds.as_deref(), Role::Warn),
        Said::Sent if row.sent => piece(Role::Muted, "yes"),
        Said::Sent => piece(Role::Bad, "no"),
        Said::LastSeen => words(row.last_seen.as_deref(), Role::Muted),
        Said::Evidence => words(evidence(row), Role::Muted),
    }
}

/// What speaks for the reason, in a few words.
fn evidence(row: &UserRow) -> Option<&str> {
    match (&row.detail, row.reason) {
        (Some(detail), _) => Some(detail),
        // What the property holds is the MPID, which has a column of its own.
        (None, Some(Reason::Rounded)) => Some("as JavaScript prints it"),
        (None, _) => row.holds.as_deref(),
    }
}

fn facts(row: &UserRow) -> Message {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or("nothing").to_owned();
    say("$distinct_id", row.distinct_id.as_deref().unwrap_or("not known"));
    if let Some(mpid) = row.mpid {
        say("MPID", &mpid.to_string());
    }
    say("Why", row.reason.map_or("nothing speaks against a match", Reason::title));
    if row.holds.is_some() || row.mpid.is_none() {
        say("$mparticle_user_id holds", &text(&row.holds));
    }
    if let Some(evidence) = evidence(row).filter(|evidence| row.holds.as_deref() != Some(*evidence)) {
        say("Evidence", evidence);
    }
    let sent = match (row.sent, row.mpid) {
        (true, Some(_)) => "by MPID",
        (true, None) => "by $distinct_id; it reaches the person only if mParticle knows that id",
        (false, _) => "not at all: there is no id that mParticle could be told",
    };
    say("Sent", sent);
    if row.last_seen.is_some() {
        say("Last seen", &text(&row.last_seen));
    }
    let groups: Vec<&str> = row.properties.iter().filter_map(Option::as_deref).collect();
    if !groups.is_empty() {
        say("Properties", &groups.join(" · "));
    }
    if let Some(reason) = row.reason {
        say("What that means", reason.meaning());
        say("What to do", reason.next_step());
    }
    Message::new("User".to_owned(), Body::Facts(facts))
}

/// The page behind a line: a box with the list in it.
struct PeoplePage {
    cohort: CohortId,
    title: String,
    list: Windowed<People>,
}

/// The page of the users behind a line of a cohort's counts.
#[must_use]
pub fn behind(cohort: CohortId, listed: Listed) -> Box<dyn Page> {
    page(cohort, listed, Narrow::default(), listed.title().to_owned())
}

/// The page of those who lack an MPID and are of a group.
#[must_use]
pub fn of_group(cohort: CohortId, narrow: Narrow, title: String) -> Box<dyn Page> {
    page(cohort, Listed::Lacking, narrow, title)
}

fn page(cohort: CohortId, listed: Listed, narrow: Narrow, title: String) -> Box<dyn Page> {
    Box::new(PeoplePage { cohort, title, list: Windowed::of(People::new(cohort, listed, narrow)) })
}

impl Page for PeoplePage {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::ShowUser,
            Action::Filter,
            Action::Copy,
            Action::Export,
            Action::Back,
            Action::Palette,
        ]
    }

    fn part(&self) -> Option<&dyn Page> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Page> {
        Some(&mut self.list)
    }

    fn subject(&self) -> Option<CohortId> {
        Some(self.cohort)
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let mut pieces = vec![piece(Role::Title, self.title.clone()), piece(Role::Muted, "  ")];
        pieces.extend(self.list.remark(scene));
        let name = scene.snapshot.cohort(self.cohort).map_or("", |view| &view.cohort.name);
        let room = usize::from(area.width).saturating_sub(text::width(&self.title) + 26);
        pieces.push(piece(Role::Muted, format!(" · {}", text::cut(name, room))));
        let inside = canvas.frame(area, Role::Faint, &pieces);
        if !inside.is_empty() {
            self.list.draw(canvas, scene, inside);
        }
    }
}
