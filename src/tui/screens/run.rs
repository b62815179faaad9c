//! One run: when, why and how it went, with the error in full, and below it the requests it made and the changes it
//! told, as parts.
//!
//! ```text
//! ╭ Run 41 · Churn risk ────────────────────────────────╮
//! │ ✓ succeeded   started 14:29:06 on schedule, 0:41    │
//! │ Fetch 0:12 ▸ Compare 0:01 ▸ Send 0:28               │
//! │ matched 38,125   unmatched 12,801 …                 │
//! ├ [Requests]  Changes ────────────────────────────────┤
//! ╰─────────────────────────────────────────────────────╯
//! ```

use super::changes::Changes;
use super::cohort_attributes::purpose;
use super::cohort_facts::{started_by, took};
use super::cohort_lines::{GAP, Lines, fact, outcome_facts, read_line};
use super::page::{Page, Step};
use super::parts::Parts;
use super::request_list::RequestList;
use super::{Scene, cohort_run, draw_emptiness, run_columns, run_listing};
use crate::domain::{ChangeCounts, CohortId, RunId};
use crate::sync::pages::{Answer, Question, RunRecord, Which};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, cells, piece};
use crate::tui::text;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The lines that the list below keeps, however much there is to say above it.
const LEAST_LIST: u16 = 5;

/// The page.
pub struct RunPage {
    cohort: CohortId,
    id: RunId,
    run: Option<Box<RunRecord>>,
    is_gone: bool,
    error: Option<String>,
    mark: u64,
    asked: u64,
    loaded: Option<u64>,
    parts: Parts,
}

impl RunPage {
    /// A run, with what is known of it until more is read.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        Self { run: Some(Box::new(run.clone())), ..Self::new(run.cohort_id, run.id, Which::All) }
    }

    /// A run, opened at those whom mParticle rejected.
    #[must_use]
    pub fn at_rejected(run: &RunRecord) -> Self {
        let mut page =
            Self { run: Some(Box::new(run.clone())), ..Self::new(run.cohort_id, run.id, Which::Rejected) };
        page.parts.open(1);
        page
    }

    /// A run of which nothing is known yet, opened at its changes.
    #[must_use]
    pub fn at_changes(cohort: CohortId, id: RunId) -> Self {
        let mut page = Self::new(cohort, id, Which::All);
        page.parts.open(1);
        page
    }

    fn new(cohort: CohortId, id: RunId, which: Which) -> Self {
        let parts = Parts::new(vec![
            ("Requests", Box::new(RequestList::of(Some(id)))),
            ("Changes", Box::new(Changes::of_run(cohort, id, which))),
        ]);
        Self { cohort, id, run: None, is_gone: false, error: None, mark: 0, asked: 0, loaded: None, parts }
    }

    /// The lines that everything above the list takes, as far as there is room.
    fn height_above(&self, area: Rect) -> u16 {
        let error = self.run.as_ref().and_then(|run| run.error.as_ref());
        let width = usize::from(area.width.saturating_sub(4));
        let wrapped = error.map_or(0, |error| cells(text::wrap(error, width).len()));
        let room = area.height.saturating_sub(LEAST_LIST + 3);
        (5 + wrapped).min(room)
    }
}

/// Everything about the run that fits; at work, how it gets on.
fn draw_run(canvas: &mut Canvas<'_>, scene: Scene<'_>, lines: &mut Lines, run: &RunRecord) {
    let progress = run_columns::progress(scene.snapshot, run);
    let started = text::moment(canvas.now, run.started_at, canvas.zone);
    let took = took(run).map_or_else(String::new, |took| format!(", took {}", text::stopwatch(took)));
    let first = [
        run_columns::outcome(canvas, run, progress),
        piece(Role::Text, GAP),
        piece(Role::Muted, format!("started {started} {}{took}", started_by(run.trigger))),
    ];
    lines.line(canvas, &first);
    let what =
        purpose(run.purpose, &run.attribute).unwrap_or_else(|| "telling who entered and who left".to_owned());
    let mut about = Vec::new();
    fact(&mut about, "purpose", &what);
    fact(&mut about, "attribute", &text::cut(&run.attribute, 32));
    lines.line(canvas, &about);
    if let Some(progress) = progress {
        cohort_run::draw(canvas, lines, progress, false);
        return;
    }
    lines.line(canvas, &phases(run));
    let counts = &run.counts;
    if run.purpose.reads() {
        lines.line(canvas, &read_line(&counts.read));
    }
    let of = |sign, change: &ChangeCounts| {
        format!("{}/{}", text::signed(sign, change.accepted()), text::count(change.planned()))
    };
    let mut told = Vec::new();
    fact(&mut told, "adds", &of('+', &counts.adds));
    fact(&mut told, "removes", &of('−', &counts.removes));
    outcome_facts(&mut told, counts.rejected(), counts.retries, counts.requests);
    lines.line(canvas, &told);
    if let Some(error) = &run.error {
        let most = lines.area.height;
        lines.paragraph(canvas, Role::Bad, error, most);
    }
}

/// How long each phase took.
fn phases(run: &RunRecord) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for (phase, took) in &run.phases {
        if !pieces.is_empty() {
            pieces.push(piece(Role::Faint, " ▸ "));
        }
        pieces.push(piece(Role::Muted, run_listing::phase(*phase)));
        pieces.push(piece(Role::Text, format!(" {}", text::brief(*took))));
    }
    pieces
}

impl Page for RunPage {
    fn place(&self) -> Place {
        Place::Run
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

    fn arrange(&mut self, scene: Scene<'_>) {
        let mark = super::runs::mark(scene.snapshot, Some(self.cohort));
        if mark != self.mark {
            (self.mark, self.error) = (mark, None);
        }
        self.parts.page_mut().arrange(scene);
    }

    fn open_part(&mut self, part: usize) {
        self.parts.open(part);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match (action, &self.run) {
            (Action::NextPart, _) => self.parts.step(1),
            (Action::PreviousPart, _) => self.parts.step_back(),
            (Action::Look, Some(run)) => return Step::Show(run_listing::facts(scene, run)),
            _ => return self.parts.page_mut().act(action, scene),
        }
        self.parts.page_mut().arrange(scene);
        Step::Done
    }

    fn wants(&self) -> Vec<Question> {
        let mut wants = self.parts.page().wants();
        if self.loaded != Some(self.mark) && self.error.is_none() {
            wants.push(Question::Run(self.id));
        }
        wants
    }

    fn asked(&mut self, question: &Question) {
        if *question == Question::Run(self.id) {
            self.asked = self.mark;
        }
        self.parts.page_mut().asked(question);
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if *question != Question::Run(self.id) {
            return self.parts.page_mut().loaded(question, answer);
        }
        match answer {
            Ok(Answer::Run(run)) => {
                self.loaded = Some(self.asked);
                self.is_gone = run.is_none();
                if run.is_some() {
                    self.run.clone_from(run);
                }
            }
            Ok(_) => {}
            Err(error) => self.error = Some(error.clone()),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let name = self.run.as_ref().map_or("", |run| &run.cohort);
        let room = usize::from(area.width.saturating_sub(20));
        let mut title = vec![
            piece(Role::Title, format!("Run {}", self.id)),
            piece(Role::Muted, " · "),
            piece(Role::Title, text::cut(name, room)),
        ];
        if self.is_gone {
            title.push(piece(Role::Warn, " · no longer kept"));
        }
        let inside = canvas.frame(area, Role::Faint, &title);
        if inside.is_empty() {
            return;
        }
        let above = self.height_above(area);
        let facts = Rect::new(inside.x + 1, inside.y, inside.width.saturating_sub(2), above);
        match (&self.run, &self.error) {
            (Some(run), _) => draw_run(canvas, scene, &mut Lines { area: facts }, run),
            (None, Some(error)) => draw_emptiness(canvas, facts, (Role::Bad, error.clone())),
            (None, None) => {}
        }
        let y = inside.y + above;
        canvas.divide(area, y, Role::Faint, &[]);
        self.parts.draw_titles(canvas, scene, Rect::new(inside.x + 1, y, inside.width - 1, 1));
        let list = Rect { y: y + 1, height: inside.bottom().saturating_sub(y + 1), ..inside };
        self.parts.page().draw(canvas, scene, list);
    }
}
