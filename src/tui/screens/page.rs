//! What the app asks of whatever fills the middle of the screen. A page owns its list, its filter and its scrolling,
//! draws from a [`Scene`], and never acts beyond itself: it says what is to be opened, copied or loaded. A page may
//! be made of parts; whatever it does not answer itself, its open part answers.

use super::Scene;
use crate::domain::{CohortId, Identity};
use crate::sync::export::{Content, Export, Form};
use crate::sync::pages::{Answer, Question};
use crate::sync::user::{HeldAnswer, LiveAnswer, LiveQuestion};
use crate::telemetry::LogLine;
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View};
use crate::tui::dialogs::message::Message;
use crate::tui::keymap::{Code, Key};
use crate::tui::widgets::columns::{Arrangement, Column};
use crate::tui::widgets::filter::Filter;
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// What an action on a page leads to.
pub enum Step {
    /// It is done, or there was nothing to do.
    Done,
    /// A page over this one.
    Open(Box<dyn Page>),
    /// The part of that number of the page it is in.
    Part(usize),
    /// A text over the screen.
    Show(Message),
    /// Something for the clipboard, and what to call it.
    Copy(String, String),
    /// A setting to give another value.
    Edit(String),
    /// Something to ask Mixpanel, which costs a query.
    Ask(LiveQuestion),
}

/// What fills the screen between tabs and footer.
pub trait Page {
    /// Where one is, for the keys that work there.
    fn place(&self) -> Place;

    /// What the footer offers, the most useful first.
    fn hints(&self) -> &'static [Action];

    /// Draws it.
    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect);

    /// The open part of a page that has parts.
    fn part(&self) -> Option<&dyn Page> {
        None
    }

    /// The same, to change it.
    fn part_mut(&mut self) -> Option<&mut dyn Page> {
        None
    }

    /// What stands beside the titles of the parts while this one is open: how many rows there are, and of what.
    fn remark(&self, _scene: Scene<'_>) -> Vec<Piece<'static>> {
        Vec::new()
    }

    /// Takes in a new snapshot, another filter or another order.
    fn arrange(&mut self, scene: Scene<'_>) {
        if let Some(part) = self.part_mut() {
            part.arrange(scene);
        }
    }

    /// Remembers what of its list the last frame showed.
    fn drawn(&mut self, view: Option<View>) {
        if let Some(part) = self.part_mut() {
            part.drawn(view);
        }
    }

    /// What it is narrowed to, when it can be.
    fn filter(&self) -> Option<&Filter> {
        self.part().and_then(Page::filter)
    }

    /// The same, to change it.
    fn filter_mut(&mut self) -> Option<&mut Filter> {
        self.part_mut().and_then(Page::filter_mut)
    }

    /// What the filter understands besides letters, for whoever types.
    fn filter_words(&self) -> Option<&'static str> {
        self.part().and_then(Page::filter_words)
    }

    /// Whether keys are letters here: a line of the page's own is being typed into.
    fn is_typing(&self) -> bool {
        false
    }

    /// Takes a key while typing; `None` when the line has no use for it, so that it means what it means elsewhere.
    fn type_key(&mut self, _key: Key, _scene: Scene<'_>) -> Option<Step> {
        None
    }

    /// Takes pasted text, when the page has a line for it.
    fn paste(&mut self, _text: &str) {}

    /// What the keys do while typing.
    fn typing_hints(&self) -> Vec<(Code, &'static str)> {
        Vec::new()
    }

    /// What an action is called here, where that is not its usual name.
    fn title_of(&self, action: Action) -> Option<&'static str> {
        self.part().and_then(|part| part.title_of(action))
    }

    /// Moves the selection, or scrolls.
    fn move_by(&mut self, lines: i64) {
        if let Some(part) = self.part_mut() {
            part.move_by(lines);
        }
    }

    /// Selects a line, the last when there are not so many.
    fn select_line(&mut self, line: usize) {
        if let Some(part) = self.part_mut() {
            part.select_line(line);
        }
    }

    /// The columns it can be sorted by, and how they are arranged now.
    fn columns(&self) -> Option<(&'static [Column], &Arrangement)> {
        self.part().and_then(Page::columns)
    }

    /// How they are arranged, to change it.
    fn arrangement_mut(&mut self) -> Option<&mut Arrangement> {
        self.part_mut().and_then(Page::arrangement_mut)
    }

    /// Opens the part of that number.
    fn open_part(&mut self, _part: usize) {}

    /// Why an action cannot be done now; `None` when it can.
    fn obstacle(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        self.part().and_then(|part| part.obstacle(action, scene))
    }

    /// Does an action that concerns only the page.
    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        self.part_mut().map_or(Step::Done, |part| part.act(action, scene))
    }

    /// Goes back one level within the page; false when there is none.
    fn step_back(&mut self) -> bool {
        self.part_mut().is_some_and(Page::step_back)
    }

    /// The cohort that what the footer says is about.
    fn subject(&self) -> Option<CohortId> {
        None
    }

    /// The cohorts that an action on syncs is for.
    fn chosen(&self) -> Vec<CohortId> {
        self.subject().into_iter().collect()
    }

    /// The id of the user that is selected, for everything about them.
    fn user(&self) -> Option<String> {
        self.part().and_then(Page::user)
    }

    /// Shows everything that is recorded about a user.
    fn look_up(&mut self, _id: &str, _scene: Scene<'_>) {}

    /// Takes the marks away.
    fn clear_marks(&mut self) {}

    /// The name of what is selected, where that outlives the page.
    fn selected_name(&self) -> Option<String> {
        None
    }

    /// Selects what has this name, as soon as it is listed.
    fn select_named(&mut self, _name: String) {}

    /// What a person ticked off, and on which day, where that can be done.
    fn ticks(&self) -> Option<&BTreeMap<String, String>> {
        None
    }

    /// The same, to change it.
    fn ticks_mut(&mut self) -> Option<&mut BTreeMap<String, String>> {
        None
    }

    /// What it lacks to show what is in view.
    fn wants(&self) -> Vec<Question> {
        self.part().map_or_else(Vec::new, Page::wants)
    }

    /// Learns that a question of its own is on its way now.
    fn asked(&mut self, question: &Question) {
        if let Some(part) = self.part_mut() {
            part.asked(question);
        }
    }

    /// Takes in an answer; what is no longer wanted is let go of.
    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        if let Some(part) = self.part_mut() {
            part.loaded(question, answer);
        }
    }

    /// Takes in what Mixpanel answered, whichever page asked; it cost a query, so it also comes to pages not seen.
    fn heard(&mut self, _question: &LiveQuestion, _answer: &Result<LiveAnswer, String>) {}

    /// Somebody whom the page wants looked up in mParticle now, each time once; it is taken for asked.
    fn looks_for(&mut self) -> Option<Identity> {
        None
    }

    /// Takes in what mParticle holds of somebody.
    fn seen(&mut self, _person: &Identity, _answer: &Result<HeldAnswer, String>) {}

    /// Takes in a line of the program's log.
    fn note(&mut self, _line: &LogLine) {}

    /// What is listed, for a file: what to call it and what stands in it.
    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        self.part().and_then(|part| part.listing(scene))
    }

    /// The same with the time it was asked for.
    fn export(&self, scene: Scene<'_>, form: Form) -> Option<Export> {
        self.listing(scene).map(|(name, content)| Export { name, at: scene.now, form, content })
    }
}
