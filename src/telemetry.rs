//! The program's own log: a file that rolls, and a feed for the log screen. Credentials are masked before
//! a line reaches either.

use jiff::Timestamp;

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever debugs this program.
    Debug,
    /// The ordinary course of things.
    Info,
    /// Looks wrong, goes on.
    Warn,
    /// Something did not work.
    Error,
}

/// One line of the program's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: LogLevel,
    /// Which module spoke.
    pub target: String,
    /// What it said; credentials are already masked.
    pub text: String,
}
