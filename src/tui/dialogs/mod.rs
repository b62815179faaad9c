//! What lies over a screen: a stack of dialogs, of which the top one takes every input first. Esc closes one.
//! A dialog decides nothing itself; it replies what the person chose, and the app acts on it.

pub mod confirm;
pub mod message;
pub mod picker;
pub mod sort;
pub mod start;
pub mod start_preview;

use super::action::Action;
use super::canvas::{Canvas, Piece, Target, View, cells, piece, width_of};
use super::keymap::Key;
use super::screens::Scene;
use super::theme::Role;
use crate::sync::command::Command;
use ratatui::layout::Rect;

/// A dialog, closed set.
pub enum Dialog {
    /// Choose how to export.
    Start(Box<start::StartDialog>),
    /// Say what will happen and ask.
    Confirm(confirm::Confirm),
    /// Help or palette: find an action and run it.
    Picker(picker::Picker),
    /// Choose the column to sort by.
    Sort(sort::SortMenu),
    /// A long text.
    Message(message::Message),
}

/// What reaches a dialog.
#[derive(Debug, Clone, Copy)]
pub enum DialogInput<'a> {
    /// A key other than Esc.
    Key(Key),
    /// Pasted text.
    Paste(&'a str),
    /// A click on an option or a button.
    Press(usize),
    /// The wheel.
    Scroll(i32),
}

/// A command with the words that say what was wanted, in case it is refused.
#[derive(Debug)]
pub struct Order {
    /// Completes "could not …".
    pub what: String,
    /// What to ask of the engine.
    pub command: Command,
}

/// What a dialog wants of the app.
#[derive(Debug)]
pub enum Reply {
    /// Stay open.
    Stay,
    /// Close.
    Close,
    /// Close, then do this action.
    Run(Action),
    /// Close, then sort by this column.
    SortBy(usize),
    /// Close, then ask the engine for these.
    Send(Vec<Order>),
    /// Close, then quit without asking again.
    Quit,
    /// Stay open and copy this.
    Copy(String),
}

impl Dialog {
    /// Whether it is the question about quitting.
    #[must_use]
    pub fn asks_to_quit(&self) -> bool {
        matches!(self, Self::Confirm(confirm) if confirm.asks_to_quit())
    }

    /// Takes an input.
    pub fn handle(&mut self, input: DialogInput<'_>) -> Reply {
        match self {
            Self::Start(dialog) => dialog.handle(input),
            Self::Confirm(dialog) => dialog.handle(input),
            Self::Picker(dialog) => dialog.handle(input),
            Self::Sort(dialog) => dialog.handle(input),
            Self::Message(dialog) => dialog.handle(input),
        }
    }

    /// Remembers how its list was scrolled.
    pub fn drawn(&mut self, view: Option<View>) {
        match self {
            Self::Picker(dialog) => dialog.view = view,
            Self::Message(dialog) => dialog.view = view,
            Self::Start(_) | Self::Confirm(_) | Self::Sort(_) => {}
        }
    }

    /// Draws it over what is there.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        match self {
            Self::Start(dialog) => dialog.draw(canvas, scene),
            Self::Confirm(dialog) => dialog.draw(canvas),
            Self::Picker(dialog) => dialog.draw(canvas, scene),
            Self::Sort(dialog) => dialog.draw(canvas),
            Self::Message(dialog) => dialog.draw(canvas),
        }
    }
}

/// Opens a box of the given inner size in the middle of the screen and returns the area inside, with some air
/// on either side.
fn open(canvas: &mut Canvas<'_>, (width, height): (u16, u16), title: &[Piece<'_>]) -> Rect {
    let whole = canvas.area();
    let width = (width + 6).min(whole.width);
    let height = (height + 2).min(whole.height);
    let area = Rect::new((whole.width - width) / 2, (whole.height - height) / 2, width, height);
    open_at(canvas, area, title)
}

fn open_at(canvas: &mut Canvas<'_>, area: Rect, title: &[Piece<'_>]) -> Rect {
    canvas.clear(area);
    canvas.target(area, Target::Shield);
    let inside = canvas.frame(area, Role::Focus, title);
    Rect::new(inside.x + 2, inside.y, inside.width.saturating_sub(4), inside.height)
}

/// Draws buttons in a row; the focused one stands out and the first option's number is `first`.
fn draw_buttons(canvas: &mut Canvas<'_>, area: Rect, labels: &[&str], focus: Option<usize>, first: usize) {
    let mut x = area.x;
    for (index, label) in labels.iter().enumerate() {
        let text = format!("[ {label} ]");
        let room = area.right().saturating_sub(x);
        let role = if focus == Some(index) { Role::Focus } else { Role::Text };
        let used = canvas.line(x, area.y, room, &[piece(role, text)]);
        let button = Rect::new(x, area.y, used, 1);
        if focus == Some(index) {
            canvas.tint(button, Role::Selected);
        }
        canvas.target(button, Target::Option(first + index));
        x = x.saturating_add(used + 2);
    }
}

/// The width that buttons in a row take.
fn buttons_width(labels: &[&str]) -> u16 {
    let pieces: Vec<Piece<'_>> = labels.iter().map(|label| piece(Role::Text, *label)).collect();
    cells(width_of(&pieces) + labels.len() * 6).saturating_sub(2)
}
