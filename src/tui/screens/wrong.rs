//! Whom the last verification of a cohort found wrong, one user a line: what was told and when, and what mParticle
//! holds instead.

use super::Scene;
use super::page::{Page, Step};
use super::windowed::{Fresh, Rows, Windowed};
use crate::domain::CohortId;
use crate::domain::verification::{Fault, Group, Held, WrongUser};
use crate::domain::verified::Verification;
use crate::sync::export::Content;
use crate::sync::pages::{Answer, Question, Window};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, piece};
use crate::tui::dialogs::message::{Body, Message};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::long_list::PART;
use jiff::Timestamp;
use ratatui::layout::Rect;
use std::sync::Arc;

const COLUMNS: [Column; 7] = [
    Column::words("Wrong", [7, 7, 7], 0, 0),
    Column::words("Distinct id", [14, 26, 40], 1, 1),
    Column::numbers("MPID", [20, 20, 20], 2, 4),
    Column::words("Told", [5, 5, 5], 2, 3),
    Column::words("When", [8, 8, 16], 2, 5),
    Column::words("mParticle holds", [17, 17, 28], 2, 2),
    Column::words("Group", [7, 7, 7], 2, 6),
];

/// The list.
struct WrongUsers {
    cohort: CohortId,
    /// When the verification ended whose findings are at hand.
    ended_at: Option<Timestamp>,
}

/// The page: a box with the list in it.
pub struct WrongPage {
    cohort: CohortId,
    list: Windowed<WrongUsers>,
}

impl WrongPage {
    /// Whom the last verification of a cohort found wrong.
    #[must_use]
    pub fn of(cohort: CohortId) -> Self {
        Self { cohort, list: Windowed::of(WrongUsers { cohort, ended_at: None }) }
    }
}

fn last(scene: Scene<'_>, cohort: CohortId) -> Option<Arc<Verification>> {
    scene.snapshot.cohort(cohort)?.sync.as_ref()?.verification.last.clone()
}

impl Page for WrongPage {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        self.list.hints()
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
        let view = scene.snapshot.cohort(self.cohort);
        let mut title = vec![piece(Role::Title, "Wrong in mParticle")];
        title.extend(self.list.remark(scene));
        let name = view.map_or("", |view| &view.cohort.name);
        let room = usize::from(area.width).saturating_sub(36);
        title.push(piece(Role::Muted, format!(" · {}", text::cut(name, room))));
        let inside = canvas.frame(area, Role::Faint, &title);
        if inside.is_empty() {
            return;
        }
        let mut below = inside;
        if let Some(verification) = last(scene, self.cohort).filter(|_| inside.height > 6) {
            let at = text::moment(scene.now, verification.ended_at, &scene.settings.zone);
            let line =
                [piece(Role::Text, verification.summary()), piece(Role::Muted, format!("  looked at {at}"))];
            canvas.line(inside.x + 1, inside.y, inside.width - 1, &line);
            below = Rect { y: inside.y + 2, height: inside.height - 2, ..inside };
        }
        self.list.draw(canvas, scene, below);
    }
}

impl Rows for WrongUsers {
    type Row = WrongUser;

    const NAME: &'static str = "wrong users";

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::ShowUser,
            Action::Repair,
            Action::Verify,
            Action::Copy,
            Action::Export,
            Action::Back,
            Action::Palette,
        ]
    }

    fn arrange(&mut self, scene: Scene<'_>) -> Fresh {
        let ended_at = last(scene, self.cohort).map(|verification| verification.ended_at);
        let is_other = std::mem::replace(&mut self.ended_at, ended_at) != ended_at;
        if is_other { Fresh::Other } else { Fresh::Same }
    }

    fn question(&self, offset: u64) -> Option<Question> {
        Some(Question::Wrong { cohort: self.cohort, offset, limit: PART })
    }

    fn window(&mut self, answer: &Answer) -> Option<(Window<WrongUser>, Fresh)> {
        match answer {
            Answer::Wrong(window) => Some((window.clone(), Fresh::Same)),
            _ => None,
        }
    }

    fn cell(&self, canvas: &Canvas<'_>, column: usize, row: &WrongUser) -> Piece<'static> {
        cell(canvas, column, row)
    }

    fn remark(&self, total: Option<u64>, _: Scene<'_>) -> Vec<Piece<'static>> {
        total.map(|total| piece(Role::Text, format!(" {}", text::count(total)))).into_iter().collect()
    }

    fn emptiness(&self, scene: Scene<'_>) -> (Role, String) {
        let words = match self.ended_at {
            None => format!("Nobody looked yet. {} looks users up in mParticle.", scene.key(Action::Verify)),
            Some(_) => "Everyone who was looked up holds what was told.".to_owned(),
        };
        (if self.ended_at.is_some() { Role::Good } else { Role::Muted }, words)
    }

    fn act(&self, action: Action, row: &WrongUser, scene: Scene<'_>) -> Step {
        match action {
            Action::Open | Action::Look => Step::Show(facts(scene, row)),
            _ => Step::Done,
        }
    }

    fn user(&self, row: &WrongUser) -> Option<String> {
        Some(name(row))
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        let view = scene.snapshot.cohort(self.cohort)?;
        Some((format!("wrong {}", view.cohort.name), Content::Wrong(self.cohort)))
    }
}

fn cell(canvas: &Canvas<'_>, column: usize, row: &WrongUser) -> Piece<'static> {
    let nothing = || piece(Role::Muted, "—");
    match column {
        0 => piece(Role::Bad, row.fault().token()),
        1 => row.distinct_id.as_ref().map_or_else(nothing, |id| piece(Role::Text, id.to_string())),
        2 => row.identity.mpid().map_or_else(nothing, |mpid| piece(Role::Text, mpid.to_string())),
        3 => piece(Role::Text, row.group.told().to_string()),
        4 => row
            .told_by
            .map_or_else(nothing, |(_, at)| piece(Role::Muted, text::moment(canvas.now, at, canvas.zone))),
        5 => piece(Role::Warn, row.held.to_string()),
        _ => piece(Role::Muted, row.group.token()),
    }
}

/// What somebody is called: the `$distinct_id`, or the MPID where only that is known.
fn name(row: &WrongUser) -> String {
    row.distinct_id.as_ref().map_or_else(|| row.identity.to_string(), ToString::to_string)
}

fn facts(scene: Scene<'_>, row: &WrongUser) -> Message {
    let mut facts = Vec::new();
    let mut say = |label: &str, value: &str| facts.push((label.to_owned(), value.to_owned()));
    let at = |at| text::moment(scene.now, at, &scene.settings.zone);
    say("$distinct_id", row.distinct_id.as_deref().unwrap_or("not known"));
    match row.identity.mpid() {
        Some(mpid) => say("Looked up by", &format!("MPID {mpid}")),
        None => say("Looked up by", &format!("{} {}", scene.settings.fallback_identity, row.identity)),
    }
    let told = match row.told_by {
        Some((run, when)) => format!("{}, by run {run} at {}", row.group.told(), at(when)),
        None => format!("{}, longer ago than changes are kept", row.group.told()),
    };
    say("Told", &told);
    say("mParticle holds", &row.held.to_string());
    say("Looked at", &at(row.looked_at));
    say("What that means", meaning(row));
    say("What to do", remedy(row));
    Message::new("Wrong in mParticle".to_owned(), Body::Facts(facts))
}

fn meaning(row: &WrongUser) -> &'static str {
    match (row.fault(), &row.held) {
        (Fault::Stale, _) => {
            "mParticle accepted that the user left, and still holds true: audiences still count the user in."
        }
        (Fault::Missing, Held::NoProfile) => {
            "mParticle accepted the user and has no profile by that identity. A feed that only updates profiles drops such users without a word."
        }
        (Fault::Missing, Held::NoAttribute) => {
            "mParticle accepted the user, has the profile, and lacks the attribute: a data plan may block it, or the change was dropped."
        }
        (Fault::Missing, Held::Value(_)) => "mParticle accepted true, and something set another value since.",
    }
}

fn remedy(row: &WrongUser) -> &'static str {
    match (&row.held, row.group) {
        (Held::NoProfile, _) => {
            "Telling it again helps only once there is a profile: check the id, or the feed's Input Protection Level."
        }
        (Held::NoAttribute, _) => {
            "Repair tells it again. If it is gone again afterwards, look for a data plan or filter that blocks the attribute."
        }
        (Held::Value(_), Group::Removes) => "Repair tells it again.",
        (Held::Value(_), _) => {
            "Repair tells it again. If it changes back, another input of mParticle sets the same attribute."
        }
    }
}
