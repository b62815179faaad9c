//! The console: what a person sees and does. It reads one picture (the engine's snapshot), sends commands,
//! and owns no truth.
//!
//! ```text
//! runtime      the loop: input, snapshots, log, timers in; frames and effects out       (all I/O, the clock)
//!   stage      what a console stands on and leaves to the one after it
//!   sources    everything that can wake the loop
//!   terminal   taking the terminal and giving it back, whatever happens
//!   signals    what the system says from outside
//!   input      crossterm's events in our words
//!   clipboard  the tools of the desktop that take a text
//!   renewing   the configuration: fresh credentials, other settings, other profiles
//! app          update(Msg) -> effects, draw(&self, frame) -> where things are           (pure)
//!     operate  what the actions on syncs do
//!     verification  those that look at mParticle
//!     perform  what the other actions do
//!     paint    how a frame is put together
//!     switching  going over to another profile
//!     recall   what is remembered from one start to the next
//!     outward  the window's title, and calls to who looks elsewhere
//!   frame      header, tabs, footer; toasts above it
//!   screens    one file each
//!   dialogs    a stack over the screen
//!   widgets    table, bars, charts, text input
//! action, keymap, theme, looks, glyphs, text, canvas, surroundings, memory              (tables and tools)
//! ```
//!
//! Each layer uses only those below it. Nothing here reads a file or the environment: what comes from there
//! is in [`Settings`].

pub mod action;
pub mod app;
pub mod canvas;
pub mod clipboard;
pub mod dialogs;
pub mod frame;
pub mod glyphs;
pub mod input;
pub mod json;
pub mod keymap;
mod looks;
pub mod memory;
mod renewing;
mod runtime;
pub mod screens;
mod settings;
mod signals;
mod sources;
mod stage;
pub mod surroundings;
mod terminal;
pub mod text;
pub mod theme;
pub mod toasts;
mod welcome;
pub mod widgets;

pub use runtime::run;
pub use settings::{Left, Settings};
pub use stage::{Departure, Stage};
pub use theme::{ColourDepth, ThemeChoice};
pub use welcome::welcome;

use crate::config::guide::Finished;

/// What somebody without a configuration chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WelcomeChoice {
    /// The guide was gone through, and this was written.
    Configured(Finished),
    /// Look around on the sandbox.
    Demo,
    /// Leave.
    Quit,
}

/// Why the console could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// Standard input or output goes elsewhere.
    #[error(
        "the console needs a terminal; use `cohort-sync cohorts`, `status` or `sync` in scripts and pipes"
    )]
    NotATerminal,
    /// The keys in the configuration make no sense.
    #[error(transparent)]
    Keys(#[from] keymap::KeymapError),
    /// The terminal went away or does not answer.
    #[error("the terminal does not answer: {0}")]
    Terminal(#[from] std::io::Error),
    /// The engine stopped without being asked to.
    #[error("the engine stopped: {0}")]
    EngineEnded(String),
}
