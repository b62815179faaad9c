//! A page that is one long list, of which only the part in view is at hand: asking for parts, taking them in, moving
//! and drawing are the same for all of them. What is listed, and what a row says and does, is its [`Rows`]' own.

use super::page::{Page, Step};
use super::{Scene, draw_emptiness};
use crate::sync::export::Content;
use crate::sync::pages::{Answer, Question, Window};
use crate::tui::action::{Action, Place};
use crate::tui::canvas::{Canvas, Piece, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::long_list::LongList;
use ratatui::layout::Rect;

/// What a snapshot or an answer means for the rows at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// They are as they were.
    Same,
    /// They may have changed; what is at hand stays until newer ones are.
    Newer,
    /// It is another list.
    Other,
}

/// What a windowed page lists.
pub trait Rows {
    /// A row.
    type Row;

    /// What the rows are called, in the plural.
    const NAME: &'static str;

    /// Its columns.
    fn columns(&self) -> &'static [Column];

    /// Where one is, for the keys that work there.
    fn place(&self) -> Place;

    /// What the footer offers, the most useful first.
    fn hints(&self) -> &'static [Action];

    /// Takes in a snapshot.
    fn arrange(&mut self, scene: Scene<'_>) -> Fresh;

    /// What to ask for to have the rows from a position on; `None` while nothing can be asked.
    fn question(&self, offset: u64) -> Option<Question>;

    /// The rows of an answer, and whether they still belong to those at hand.
    fn window(&mut self, answer: &Answer) -> Option<(Window<Self::Row>, Fresh)>;

    /// What stands in a column.
    fn cell(&self, canvas: &Canvas<'_>, column: usize, row: &Self::Row) -> Piece<'static>;

    /// Beside the title, given how many rows there are.
    fn remark(&self, total: Option<u64>, scene: Scene<'_>) -> Vec<Piece<'static>>;

    /// What to say where there is no row.
    fn emptiness(&self, scene: Scene<'_>) -> (Role, String);

    /// Does an action on the selected row, but for copying the id of its user.
    fn act(&self, action: Action, row: &Self::Row, scene: Scene<'_>) -> Step;

    /// The id of the user that a row is about; it is what is copied.
    fn user(&self, _row: &Self::Row) -> Option<String> {
        None
    }

    /// What it is narrowed to, when it can be.
    fn filter(&self) -> Option<&Filter> {
        None
    }

    /// The same, to change it.
    fn filter_mut(&mut self) -> Option<&mut Filter> {
        None
    }

    /// What the filter understands besides letters.
    fn filter_words(&self) -> Option<&'static str> {
        None
    }

    /// Does an action that concerns the whole list.
    fn turn(&mut self, _action: Action) -> Fresh {
        Fresh::Same
    }

    /// What is listed, for a file.
    fn listing(&self, _scene: Scene<'_>) -> Option<(String, Content)> {
        None
    }
}

/// The page.
pub struct Windowed<R: Rows> {
    rows: R,
    list: LongList<R::Row>,
}

impl<R: Rows> Windowed<R> {
    /// A page of which nothing is at hand yet.
    pub fn of(rows: R) -> Self {
        Self { rows, list: LongList::default() }
    }

    fn freshen(&mut self, fresh: Fresh) {
        match fresh {
            Fresh::Same => {}
            Fresh::Newer => self.list.refresh(),
            Fresh::Other => self.list.clear(),
        }
    }
}

impl<R: Rows> Page for Windowed<R> {
    fn place(&self) -> Place {
        self.rows.place()
    }

    fn hints(&self) -> &'static [Action] {
        self.rows.hints()
    }

    fn arrange(&mut self, scene: Scene<'_>) {
        let fresh = self.rows.arrange(scene);
        self.freshen(fresh);
    }

    fn filter(&self) -> Option<&Filter> {
        self.rows.filter()
    }

    fn filter_mut(&mut self) -> Option<&mut Filter> {
        self.rows.filter_mut()
    }

    fn filter_words(&self) -> Option<&'static str> {
        self.rows.filter_words()
    }

    fn remark(&self, scene: Scene<'_>) -> Vec<Piece<'static>> {
        self.rows.remark(self.list.total(), scene)
    }

    fn drawn(&mut self, view: Option<View>) {
        self.list.view = view;
    }

    fn move_by(&mut self, lines: i64) {
        self.list.move_by(lines);
    }

    fn select_line(&mut self, line: usize) {
        self.list.select_line(line);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Step {
        let fresh = self.rows.turn(action);
        self.freshen(fresh);
        let Some(row) = self.list.selected() else { return Step::Done };
        match self.rows.user(row).filter(|_| action == Action::Copy) {
            Some(id) => {
                let what = format!("the id {}", text::clean(&id));
                Step::Copy(id, what)
            }
            None => self.rows.act(action, row, scene),
        }
    }

    fn user(&self) -> Option<String> {
        self.list.selected().and_then(|row| self.rows.user(row))
    }

    fn wants(&self) -> Vec<Question> {
        self.list.wants().into_iter().filter_map(|offset| self.rows.question(offset)).collect()
    }

    fn asked(&mut self, question: &Question) {
        let offset =
            question.offset().filter(|offset| self.rows.question(*offset).as_ref() == Some(question));
        if let Some(offset) = offset {
            self.list.asked(offset);
        }
    }

    fn loaded(&mut self, question: &Question, answer: &Result<Answer, String>) {
        let is_wanted =
            question.offset().and_then(|offset| self.rows.question(offset)).as_ref() == Some(question);
        match answer {
            _ if !is_wanted => {}
            Err(error) => self.list.take(Err(error.clone())),
            Ok(answer) => {
                let Some((window, fresh)) = self.rows.window(answer) else { return };
                let position = self.list.position();
                self.freshen(fresh);
                self.list.take(Ok(window));
                if fresh == Fresh::Other {
                    self.list.select_line(usize::try_from(position).unwrap_or(usize::MAX));
                }
            }
        }
    }

    fn listing(&self, scene: Scene<'_>) -> Option<(String, Content)> {
        self.rows.listing(scene).filter(|_| self.list.total() != Some(0))
    }

    fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>, area: Rect) {
        self.list.draw(canvas, area, self.rows.columns(), |canvas, column, row| {
            self.rows.cell(canvas, column, row)
        });
        if self.list.total().unwrap_or_default() > 0 {
            return;
        }
        let words = match self.list.error() {
            Some(error) => (Role::Bad, format!("The {} cannot be read: {error}", R::NAME)),
            None if self.list.total().is_none() && self.rows.question(0).is_some() => {
                (Role::Muted, format!("Reading the {}…", R::NAME))
            }
            None => self.rows.emptiness(scene),
        };
        draw_emptiness(canvas, area, words);
    }
}
