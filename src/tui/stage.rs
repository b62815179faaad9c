//! What the console stands on: the terminal, what is typed on it and what the system says. It outlives a console that
//! goes over to another profile, so that the terminal is not given back in between and no key or signal is lost.

use super::TuiError;
use super::input::Inputs;
use super::settings::Left;
use super::signals::Signals;
use super::terminal::{Terminal, Wishes};

/// The ground of the console.
pub struct Stage {
    pub(super) terminal: Terminal,
    pub(super) input: Inputs,
    pub(super) signals: Signals,
}

/// How a console was left.
pub enum Departure {
    /// The program is to end.
    End,
    /// A profile is to be opened on the same stage.
    Open {
        /// Its name.
        profile: String,
        /// The stage.
        stage: Box<Stage>,
        /// What a profile that is opened anew takes up.
        left: Left,
    },
}

impl Stage {
    /// Takes the terminal.
    pub(super) fn enter(wishes: Wishes) -> Result<Self, TuiError> {
        let terminal = Terminal::enter(wishes)?;
        Ok(Self { terminal, input: Inputs::listen(), signals: Signals::new()? })
    }
}
