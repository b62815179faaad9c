//! The real binary in a pseudo-terminal: what only a terminal can show. That it opens, draws, suspends and
//! resizes; that it ends in order whatever ends it; and that the shell gets its terminal back each time.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod demo;
mod first_run;
mod leaving;
mod live;
mod outward;
mod profiles;
mod pty;
mod starting;
mod storm;
mod watch;
mod world;
