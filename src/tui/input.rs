//! What the person did, in our words: crossterm's events are translated here and go no further. Releases
//! and repeats of keys, and mouse movement are dropped, because nothing here answers to them.

use super::keymap::{Code, Key};
use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use futures_util::StreamExt;

/// Something the person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The left button was pressed on a cell.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// The wheel was turned, by lines; down is positive.
    Scroll(i32),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize,
    /// The window has the person's attention, or lost it.
    Focus(bool),
}

/// The person's end of the terminal. It can be let go while somebody else has the terminal, or it would read
/// keys that are meant for them.
pub struct Inputs {
    stream: Option<EventStream>,
}

impl Inputs {
    /// Begins to listen.
    #[must_use]
    pub fn listen() -> Self {
        Self { stream: Some(EventStream::new()) }
    }

    /// Stops listening; [`Inputs::next`] waits for ever until [`Inputs::resume`].
    pub fn let_go(&mut self) {
        self.stream = None;
    }

    /// Listens again.
    pub fn resume(&mut self) {
        self.stream = Some(EventStream::new());
    }

    /// Waits for the next event. `Some(None)` is one that nothing answers to; `None` means that the terminal
    /// has hung up.
    pub async fn next(&mut self) -> Option<Option<Input>> {
        match &mut self.stream {
            Some(stream) => stream.next().await?.ok().map(translate),
            None => std::future::pending().await,
        }
    }
}

/// How many lines one notch of the wheel moves; three is what most programs do.
const WHEEL: i32 = 3;

/// Translates an event; `None` when nothing answers to it.
#[must_use]
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Input::Key),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                Some(Input::Click { column: mouse.column, row: mouse.row })
            }
            MouseEventKind::ScrollDown => Some(Input::Scroll(WHEEL)),
            MouseEventKind::ScrollUp => Some(Input::Scroll(-WHEEL)),
            _ => None,
        },
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(..) => Some(Input::Resize),
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Key(_) => None,
    }
}

fn translate_key(event: KeyEvent) -> Option<Key> {
    let shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let code = match event.code {
        // Some terminals report shift beside the capital, some beside the small letter.
        KeyCode::Char(c) if shift && c.is_ascii_lowercase() => Code::Char(c.to_ascii_uppercase()),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if shift => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    Some(Key { code, ctrl, alt })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEventState;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Input> {
        translate(Event::Key(KeyEvent {
            code,
            modifiers,
            kind: KeyEventKind::Press,
            state: KeyEventState::NONE,
        }))
    }

    #[test]
    fn shift_is_part_of_the_character_however_it_is_reported() {
        let capital = Some(Input::Key(Key::plain(Code::Char('G'))));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), capital);
        assert_eq!(press(KeyCode::Char('g'), KeyModifiers::SHIFT), capital);
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::NONE), capital);
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT), Some(Input::Key(Key::plain(Code::BackTab))));
    }

    #[test]
    fn releases_are_nothing() {
        let event = KeyEvent {
            code: KeyCode::Char('a'),
            modifiers: KeyModifiers::NONE,
            kind: KeyEventKind::Release,
            state: KeyEventState::NONE,
        };
        assert_eq!(translate(Event::Key(event)), None);
    }
}
