//! The headless commands, a file each. They read the same snapshots and the same state as the console.

pub(super) mod adopt;
mod awaiting;
pub(super) mod clean_up;
pub(super) mod cohorts;
pub(super) mod counts;
pub(super) mod doctor;
pub(super) mod history;
pub(super) mod past;
pub(super) mod people;
pub(super) mod probe;
pub(super) mod reconnect;
pub(super) mod requests;
pub(super) mod run;
pub(super) mod sandbox;
pub(super) mod setup;
pub(super) mod status;
pub(super) mod steer;
pub(super) mod support_bundle;
pub(super) mod sync;
pub(super) mod user;
pub(super) mod vacuum;
pub(super) mod verify;
mod warnings;
pub(super) mod watch;

pub(super) use counts::waterfall;

use super::args::{GlobalArgs, ListArgs};
use super::failure::Failure;
use super::output::{Cell, Column, Destination, Listing, allow_closed_pipe};
use crate::config::Places;
use crate::domain::number::thousands as count;
use crate::store::{Reader, StoreError};
use serde::Serialize;
use std::io::{self, Write};

/// Opens the state for reading; `None` when nothing was recorded yet.
fn state(places: &Places) -> Result<Option<Reader>, Failure> {
    match Reader::open(&places.state_dir) {
        Ok(reader) => Ok(Some(reader)),
        Err(StoreError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A list on its way out, in the format and to the place that were asked for.
struct Rows {
    listing: Listing<Destination>,
    is_closed: bool,
}

impl Rows {
    fn begin(list: &ListArgs, global: &GlobalArgs, columns: &'static [Column]) -> Result<Self, Failure> {
        let to = Destination::open(list.output.as_deref())?;
        let room = to.room();
        let listing = Listing::begin(list.format(global), columns, to).map_err(output_failed)?;
        Ok(Self { listing: listing.within(room), is_closed: false })
    }

    /// Writes a row; false once the reader has left and no more rows are wanted.
    fn row(&mut self, cells: &[Cell]) -> Result<bool, Failure> {
        match self.listing.row(cells) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(false)
            }
            Err(error) => Err(output_failed(error)),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        match self.listing.finish() {
            Ok(to) => Ok(to.finish()?),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(output_failed(error)),
        }
    }
}

fn output_failed(source: io::Error) -> Failure {
    Failure::Output(super::output::OutputError::Standard(source))
}

/// Prints one line on standard output.
fn say(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    allow_closed_pipe(written).map_err(output_failed)
}

/// Prints one JSON object on a line.
fn say_json(object: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(object).map_err(|error| Failure::Failed(error.to_string()))?;
    say(&line)
}

/// Prints a line for the person, not for programs.
fn remark(line: &str) {
    // Where stderr is closed nobody listens.
    let _ = writeln!(io::stderr(), "{line}");
}
