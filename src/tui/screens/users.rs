//! Screen 4: one user. A line to type an id into, which takes the keys when the screen is first opened, what it costs to
//! ask Mixpanel, and below it everything that is known. Searches are remembered while the console runs and not on
//! disk, for ids are personal.

use super::cohort::CohortPage;
use super::page::{Page, Step};
use super::run::RunPage;
use super::user_search::{Search, can_ask};
use super::users_draw::Picture;
use super::users_line::{SearchLine, Typed};
use super::users_rows::{self, Row};
use super::{Scene, runs, users_state};
use crate::domain::{CohortId, Identity, UserId};
use crate::sync::pages::{Answer, Question};
use crate::sync::user::{Account, HeldAnswer, LiveAnswer, LiveQuestion, TellingOnRecord};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View, cells, piece, width_of};
use crate::tui::keymap::{Code, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::blocks::{self, Block};
use ratatui::layout::Rect;

/// The screen.
#[derive(Default)]
pub struct UsersScreen {
    line: SearchLine,
    search: Option<Search>,
    rows: Vec<Row>,
    selected: usize,
    view: Option<View>,
    /// Changes whenever a run begins or ends.
    mark: u64,
    /// Whether people can be looked up in mParticle.
    can_look: bool,
}

impl UsersScreen {
    fn row(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    fn account(&self) -> Option<&Account> {
        self.search.as_ref().and_then(Search::account)
    }

    /// The cohort of the selected row.
    fn cohort(&self) -> Option<CohortId> {
        self.row()?.cohort(self.account()?)
    }

    fn telling(&self) -> Option<&TellingOnRecord> {
        match self.row()? {
            Row::Telling(index) => self.account()?.recorded.tellings.get(*index),
            _ => None,
        }
    }

    /// Begins a search.
    fn begin(&mut self, id: UserId) {
        self.line.begin(&id);
        (self.selected, self.view) = (0, None);
        self.search = Some(Search::new(id));
    }

    /// Asks Mixpanel about a cohort, or for the profile.
    fn ask(&mut self, cohort: Option<CohortId>) -> Step {
        let Some(search) = &mut self.search else { return Step::Done };
        // Why it cannot be asked was said before the key was taken.
        let Ok(question) = search.question(cohort) else { return Step::Done };
        search.asking = Some(question.clone());
        Step::Ask(question)
    }

    fn open(&mut self, scene: Scene<'_>) -> Step {
        if let Some(telling) = self.telling() {
            return Step::Open(Box::new(RunPage::at_changes(telling.found.cohort, telling.found.run)));
        }
        if let Some(id) = self.cohort().filter(|id| scene.snapshot.cohort(*id).is_some()) {
            return Step::Open(Box::new(CohortPage::of(id)));
        }
        if let Some(id) = self.user() {
            self.look_up(&id, scene);
        }
        Step::Done
    }

    /// What is copied of the selected row, and what to call it.
    fn copied(&self, scene: Scene<'_>) -> Option<(String, String)> {
        let named = |id: String| {
            let what = format!("the id {}", text::clean(&id));
            (id, what)
        };
        match self.row()? {
            Row::Fact { label, value, .. } => Some((value.clone(), (*label).to_owned())),
            Row::Cohort(index) => {
                let record = &self.account()?.attributes.get(*index)?.record;
                Some((record.attribute.clone(), "the attribute".to_owned()))
            }
            Row::Telling(_) => Some(named(self.telling()?.found.change.identity.to_string())),
            Row::Other(_) => self.user().map(named),
            Row::Verdict => {
                let verdict = self.account()?.verdict(scene.now, &scene.settings.fallback_identity);
                Some((format!("{} Next: {}", verdict.words, verdict.next), "the verdict".to_owned()))
            }
            Row::Note(_, words) => Some((words.clone(), "the note".to_owned())),
            Row::Heading(..) | Row::KnownFrom | Row::SeenAt | Row::TellingColumns | Row::Forgotten { .. } => {
                None
            }
        }
    }

    /// Decides again what is listed, with the same row selected where it still is there.
    fn list(&mut self, scene: Scene<'_>) {
        let before = self.row().cloned();
        self.rows = match &self.search {
            Some(search) => users_rows::of(search, &scene.settings.fallback_identity),
            None => Vec::new(),
        };
        let same = before.and_then(|before| self.rows.iter().position(|row| row.is_same(&before)));
        self.select(same.unwrap_or(self.selected));
    }

    /// Selects a row, or the nearest that can be.
    fn select(&mut self, row: usize) {
        let can_be = |index: &usize| self.rows[*index].is_selectable();
        let row = row.min(self.rows.len().saturating_sub(1));
        let found = (row..self.rows.len()).find(can_be).or_else(|| (0..row).rev().find(can_be));
        self.selected = found.unwrap_or(0);
    }

    fn step(&mut self, down: bool) {
        let can_be = |index: &usize| self.rows[*index].is_selectable();
        let next = if down {
            (self.selected + 1..self.rows.len()).find(can_be)
        } else {
            (0..self.selected).rev().find(can_be)
        };
        self.selected = next.unwrap_or(self.selected);
    }

    fn draw_list(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let width = usize::from(area.width.saturating_sub(2));
        let mut blocks: Vec<Block<'_>> = Vec::new();
        if let Some(search) = &self.search {
            let picture = Picture { search, fallback: &scene.settings.fallback_identity, width };
            for row in &self.rows {
                let block = picture.block(canvas, row, blocks.is_empty());
                blocks.push(block);
            }
        } else {
            let from_lists = format!(
                "In the lists of unmatched users and of changes, {} opens the selected user here.",
                scene.key(Action::ShowUser)
            );
            for (gap, words) in [(false, WHAT), (true, &from_lists)] {
                let lines = text::wrap(words, width.clamp(1, 100)).into_iter();
                let lines = lines.map(|line| vec![piece(Role::Muted, line)]).collect();
                blocks.push(Block { gap, lines });
            }
        }
        let selected = (!self.line.typing && !self.rows.is_empty()).then_some(self.selected);
        blocks::draw(canvas, area, self.view, selected, &blocks);
    }
}

/// What the screen is for, while nobody was looked up.
const WHAT: &str = "Everything about one user: which of our cohorts they are in, how they are addressed and why, what \
                    mParticle was told and answered, and whether that reaches them. Ids are told apart by upper and \
                    lower case.";

impl Page for UsersScreen {
    fn place(&self) -> Place {
        Place::Users
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Filter,
            Action::Open,
            Action::AskMixpanel,
            Action::Copy,
            Action::Look,
            Action::Back,
            Action::Palette,
        ]
    }

    fn title_of(&self, action: Action) -> Option<&'static str> {
        (action == Action::Filter).then_some("find")
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        self.mark = runs::mark(scene.snapshot, None);
        self.can_look = scene.settings.profiles_per_second.is_some();
        self.list(scene);
    }

    fn drawn(&mut self, view: Option<View>) {
        self.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        if self.line.typing {
            self.line.leave(self.search.as_ref().map(|search| &search.id));
        }
        // Most rows take two lines, so whoever moves by pages moves by half as many rows.
        let rows = if lines.abs() > 1 { (lines.abs() / 2).max(1) } else { 1 };
        (0..rows).for_each(|_| self.step(lines > 0));
    }

    fn select_line(&mut self, line: usize) {
        if self.line.typing {
            self.line.leave(self.search.as_ref().map(|search| &search.id));
        }
        self.select(line);
    }

    fn is_typing(&self) -> bool {
        self.line.typing
    }

    fn type_key(&mut self, key: Key, scene: Scene<'_>) -> Option<Step> {
        let shown = self.search.as_ref().map(|search| &search.id);
        match self.line.key(key, shown)? {
            Typed::Text => Some(Step::Done),
            Typed::Id(id) => {
                self.begin(id);
                Some(if can_ask(scene).is_ok() { self.ask(None) } else { Step::Done })
            }
        }
    }

    fn paste(&mut self, pasted: &str) {
        self.line.paste(pasted);
    }

    fn typing_hints(&self) -> Vec<(Code, &'static str)> {
        self.line.hints()
    }

    fn obstacle(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let words = match (action, &self.search) {
            (Action::AskMixpanel, None) => "nobody was looked up yet",
            (Action::AskMixpanel, Some(search)) => {
                return can_ask(scene)
                    .err()
                    .map(|not| not.why)
                    .or_else(|| search.question(self.cohort()).err());
            }
            (Action::Copy, _) if self.copied(scene).is_none() => "there is nothing to copy",
            (Action::Look, _) if self.telling().is_none() => "select something that mParticle was told",
            (Action::Open, _)
                if self.telling().is_none() && self.cohort().is_none() && self.user().is_none() =>
            {
                "select a cohort, another profile or something that mParticle was told"
            }
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        match action {
            Action::Filter => self.line.enter(),
            Action::Open => return self.open(scene),
            Action::AskMixpanel => return self.ask(self.cohort()),
            Action::Copy => {
                if let Some((text, what)) = self.copied(scene) {
                    return Step::Copy(text, what);
                }
            }
            Action::Look => {
                if let Some(telling) = self.telling() {
                    return Step::Show(users_state::facts(scene, telling));
                }
            }
            _ => {}
        }
        Step::Done
    }

    fn user(&self) -> Option<String> {
        match self.row()? {
            Row::Other(index) => Some(self.account()?.others.get(*index)?.distinct_id.clone()),
            _ => None,
        }
    }

    fn look_up(&mut self, id: &str, scene: Scene<'_>) {
        match UserId::parse(id) {
            Ok(id) => self.begin(id),
            Err(wrong) => self.line.refuse(id, wrong.to_string()),
        }
        self.list(scene);
    }

    fn wants(&self) -> Vec<Question> {
        self.search.as_ref().and_then(|search| search.wants(self.mark)).into_iter().collect()
    }

    fn asked(&mut self, question: &Question) {
        if let Some(search) = &mut self.search {
            search.asked(question, self.mark);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if let Some(search) = &mut self.search {
            search.loaded(question, answer);
        }
    }

    fn heard(&mut self, question: &LiveQuestion, answer: &Result<LiveAnswer, String>) {
        if let Some(search) = &mut self.search {
            search.heard(question, answer);
        }
    }

    fn looks_for(&mut self) -> Option<Identity> {
        self.search.as_mut().filter(|_| self.can_look).and_then(Search::looks_for)
    }

    fn seen(&mut self, person: &Identity, answer: &Result<HeldAnswer, String>) {
        if let Some(search) = &mut self.search {
            search.seen(person, answer);
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        let inside = canvas.frame(area, Role::Faint, &[piece(Role::Title, "Users")]);
        if inside.height < 4 {
            return;
        }
        let line = Rect::new(inside.x + 1, inside.y, inside.width.saturating_sub(2), 1);
        self.line.draw(canvas, line);
        let ways = users_state::ways(canvas, scene, &self.line, self.search.as_ref(), self.row());
        let fits = |way: &&Vec<Piece<'_>>| cells(width_of(way)) <= line.width;
        if let Some(way) = ways.iter().find(fits).or_else(|| ways.last()) {
            canvas.line(line.x, line.y + 1, line.width, way);
        }
        canvas.divide(area, inside.y + 2, Role::Faint, &[]);
        let list = Rect { y: inside.y + 3, height: inside.height - 3, ..inside };
        self.draw_list(canvas, scene, list);
    }
}
