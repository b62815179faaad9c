//! One cohort, in parts: what it is and how its export went, where each of its people went, who lacks an id, what
//! was told, and its runs. Each part is a page of its own; this one draws the box and switches between them.

use super::changes::Changes;
use super::cohorts::facts;
use super::fix_it::FixIt;
use super::overview::Overview;
use super::page::{Page, Step};
use super::parts::Parts;
use super::people::People;
use super::runs::RunsTable;
use super::verified;
use super::waterfall::Waterfall;
use super::{Scene, draw_emptiness};
use crate::domain::CohortId;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The part that says how to give users an id.
const FIX_IT: usize = 3;

/// The page.
pub struct CohortPage {
    id: CohortId,
    parts: Parts,
}

impl CohortPage {
    /// The page of a cohort.
    #[must_use]
    pub fn of(id: CohortId) -> Self {
        let parts = Parts::new(vec![
            ("Overview", Box::new(Overview::of(id))),
            ("Counts", Box::new(Waterfall::of(id))),
            ("Unmatched", Box::new(People::lacking(id))),
            ("Fix it", Box::new(FixIt::of(id))),
            ("Changes", Box::new(Changes::of_last(id))),
            ("Runs", Box::new(RunsTable::of(Some(id)))),
        ]);
        Self { id, parts }
    }
}

impl Page for CohortPage {
    fn place(&self) -> Place {
        Place::Cohort
    }

    fn hints(&self) -> &'static [Action] {
        self.parts.page().hints()
    }

    fn part(&self) -> Option<&dyn Page> {
        Some(self.parts.page())
    }

    fn part_mut(&mut self) -> Option<&mut dyn Page> {
        Some(self.parts.page_mut())
    }

    fn open_part(&mut self, part: usize) {
        self.parts.open(part);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::NextPart => self.parts.step(1),
            Action::PreviousPart => self.parts.step_back(),
            // They mean something there alone, and lead there from the other parts.
            Action::GroupBy | Action::WhatIf if self.parts.opened() != FIX_IT => self.parts.open(FIX_IT),
            _ => match self.parts.page_mut().act(action, scene) {
                Step::Part(part) => self.parts.open(part),
                Step::Done if action == Action::Look => {
                    let view = scene.snapshot.cohort(self.id);
                    return view.map_or(Step::Done, |view| Step::Show(facts(scene, view)));
                }
                step => return step,
            },
        }
        self.parts.page_mut().arrange(scene);
        Step::Done
    }

    fn subject(&self) -> Option<CohortId> {
        Some(self.id)
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let view = scene.snapshot.cohort(self.id);
        let room = usize::from(area.width.saturating_sub(16));
        let name = view.map_or("", |view| &view.cohort.name);
        let mut title =
            vec![piece(Role::Title, text::cut(name, room)), piece(Role::Muted, format!(" · {}", self.id))];
        let check = view.and_then(|view| view.sync.as_ref()?.verification.check.as_ref());
        title.extend(check.map(|check| {
            piece(Role::Busy, format!(" · {} {}", canvas.spinner(), verified::in_brief(check, scene.now)))
        }));
        let inside = canvas.frame(area, Role::Faint, &title);
        if inside.is_empty() {
            return;
        }
        self.parts.draw_titles(
            canvas,
            scene,
            Rect { x: inside.x + 1, width: inside.width - 1, height: 1, ..inside },
        );
        let body = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
        if view.is_none() {
            let words = "The cohort is not in the list any more and nothing is exported of it.".to_owned();
            draw_emptiness(canvas, body, (Role::Warn, words));
            return;
        }
        self.parts.page().draw(canvas, scene, body);
    }
}
