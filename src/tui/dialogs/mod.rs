//! What lies over a screen: a stack of dialogs, of which the top one takes every input first. Esc closes one.
//! A dialog decides nothing itself; it replies what the person chose, and the app acts on it.

pub mod confirm;
pub mod edit;
pub mod message;
pub mod picker;
pub mod profiles;
pub mod reconnect;
pub mod sort;
pub mod start;
mod start_draw;
pub mod start_preview;
pub mod stop;
mod stop_draw;
pub mod stop_subject;
pub mod verify;

use super::action::Action;
use super::canvas::{Canvas, Piece, Target, View, cells, piece, width_of};
use super::keymap::Key;
use super::screens::Scene;
use super::theme::Role;
use super::widgets::columns::Arrangement;
use crate::config::edit::Change;
use crate::sync::command::Command;
use ratatui::layout::Rect;

/// A dialog, closed set.
pub enum Dialog {
    /// Choose how to export.
    Start(Box<start::StartDialog>),
    /// Choose what becomes of an attribute, then agree.
    Stop(Box<stop::StopDialog>),
    /// Choose whom to look up.
    Verify(Box<verify::VerifyDialog>),
    /// Give a setting another value.
    Edit(Box<edit::EditDialog>),
    /// Take a fresh credential.
    Reconnect(Box<reconnect::ReconnectDialog>),
    /// Say what will happen and ask.
    Confirm(confirm::Confirm),
    /// Go over to another profile.
    Profiles(profiles::ProfilesDialog),
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
    /// Stay open and arrange the columns so.
    Arrange(Arrangement),
    /// Stay open and copy this.
    Copy(String),
    /// Stay open and have this written to the configuration file.
    Configure(Change),
    /// Stay open and have this tried.
    Renew(Box<reconnect::Renewing>),
    /// Stay open and see whether this profile can be opened.
    TryProfile(String),
    /// Close, then open the present profile anew if it can be used; whether what that cuts short is agreed to.
    OpenAnew(bool),
    /// Close, then leave for this profile without asking again.
    LeaveFor(String),
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
            Self::Stop(dialog) => dialog.handle(input),
            Self::Verify(dialog) => dialog.handle(input),
            Self::Reconnect(dialog) => dialog.handle(input),
            Self::Edit(dialog) => dialog.handle(input),
            Self::Confirm(dialog) => dialog.handle(input),
            Self::Profiles(dialog) => dialog.handle(input),
            Self::Picker(dialog) => dialog.handle(input),
            Self::Sort(dialog) => dialog.handle(input),
            Self::Message(dialog) => dialog.handle(input),
        }
    }

    /// Goes back one level within the dialog; false where Esc closes it.
    pub fn step_back(&mut self) -> bool {
        match self {
            Self::Stop(dialog) => dialog.step_back(),
            _ => false,
        }
    }

    /// Remembers how its list was scrolled.
    pub fn drawn(&mut self, view: Option<View>) {
        match self {
            Self::Profiles(dialog) => dialog.view = view,
            Self::Picker(dialog) => dialog.view = view,
            Self::Message(dialog) => dialog.view = view,
            Self::Start(_)
            | Self::Stop(_)
            | Self::Verify(_)
            | Self::Reconnect(_)
            | Self::Edit(_)
            | Self::Confirm(_)
            | Self::Sort(_) => {}
        }
    }

    /// Draws it over what is there.
    pub fn draw(&self, canvas: &mut Canvas<'_>, scene: Scene<'_>) {
        match self {
            Self::Start(dialog) => dialog.draw(canvas, scene),
            Self::Stop(dialog) => dialog.draw(canvas, scene),
            Self::Verify(dialog) => dialog.draw(canvas),
            Self::Reconnect(dialog) => dialog.draw(canvas, scene),
            Self::Edit(dialog) => dialog.draw(canvas),
            Self::Confirm(dialog) => dialog.draw(canvas),
            Self::Profiles(dialog) => dialog.draw(canvas),
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

/// A button of a row.
struct Button<'a> {
    label: &'a str,
    option: usize,
    /// Whether pressing it leads anywhere now.
    available: bool,
}

/// Draws buttons in a row; the focused one stands out and the first option's number is `first`.
fn draw_buttons(canvas: &mut Canvas<'_>, area: Rect, labels: &[&str], focus: Option<usize>, first: usize) {
    let buttons: Vec<Button<'_>> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| Button { label, option: first + index, available: true })
        .collect();
    draw_button_row(canvas, area, &buttons, focus.map(|index| first + index));
}

/// Draws buttons in a row, closer together where they would not fit otherwise.
fn draw_button_row(canvas: &mut Canvas<'_>, area: Rect, buttons: &[Button<'_>], focus: Option<usize>) {
    let labels: Vec<&str> = buttons.iter().map(|button| button.label).collect();
    let (air, gap) = if buttons_width(&labels) > area.width { ("", 1) } else { (" ", 2) };
    let mut x = area.x;
    for button in buttons {
        let text = format!("[{air}{}{air}]", button.label);
        let room = area.right().saturating_sub(x);
        let is_focused = focus == Some(button.option);
        let role = match (button.available, is_focused) {
            (false, _) => Role::Muted,
            (true, true) => Role::Focus,
            (true, false) => Role::Text,
        };
        let used = canvas.line(x, area.y, room, &[piece(role, text)]);
        let place = Rect::new(x, area.y, used, 1);
        if is_focused {
            canvas.tint(place, Role::Selected);
        }
        canvas.target(place, Target::Option(button.option));
        x = x.saturating_add(used + gap);
    }
}

/// The width that buttons in a row take.
fn buttons_width(labels: &[&str]) -> u16 {
    let pieces: Vec<Piece<'_>> = labels.iter().map(|label| piece(Role::Text, *label)).collect();
    cells(width_of(&pieces) + labels.len() * 6).saturating_sub(2)
}

/// One of several choices of which one is made.
struct Radio {
    option: usize,
    is_made: bool,
    is_focused: bool,
}

impl Radio {
    /// The cells that the sign takes.
    const SIGN: u16 = 4;

    /// Draws the sign and the words behind it.
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, words: &str) {
        let sign = match (self.is_made, canvas.glyphs.is_ascii()) {
            (true, false) => "(•) ",
            (true, true) => "(*) ",
            (false, _) => "( ) ",
        };
        let role = if self.is_focused { Role::Focus } else { Role::Text };
        canvas.line(area.x, area.y, area.width, &[piece(role, sign), piece(role, words)]);
        canvas.target(area, Target::Option(self.option));
    }
}
