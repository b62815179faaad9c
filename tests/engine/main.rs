//! The engine against the sandbox: real protocols on loopback, real files, scripted faults.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up should fail")]

mod attributes;
mod defects;
mod endings;
mod faults;
mod identity;
mod journal;
mod lifecycle;
mod recovery;
mod renewal;
mod runs;
mod simulated;
mod users;
mod verification;
mod warnings;
mod world;
