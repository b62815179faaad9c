//! `status --watch`: the same table again and again, in place on a terminal and as new lines elsewhere. It only
//! reads, so it works beside whoever writes. What the table says belongs to `status`.

use super::output_failed;
use super::status::{COLUMNS, Standing, cells, choose, standings};
use crate::cli::account::Desk;
use crate::cli::args::ListArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Format, Listing, terminal_size};
use crate::cli::signals::asked_to_end;
use crate::domain::CohortId;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

/// Shows how syncs stand until it is asked to end.
pub(in crate::cli) async fn watch(
    desk: &Desk,
    wanted: &[String],
    list: &ListArgs,
    every: Duration,
) -> Result<Exit, Failure> {
    let mut screen = match list.format(&desk.args.global) {
        Format::Json => Face::Objects(HashMap::new()),
        _ if terminal_size().is_some() => Face::InPlace { lines: 0, size: None },
        _ => Face::Lines(String::new()),
    };
    let mut asked_to_end = Box::pin(asked_to_end());
    loop {
        let standings = match super::state(&desk.places)? {
            Some(reader) => standings(&reader, &desk.places)?,
            None => Vec::new(),
        };
        match screen.show(&choose(standings, wanted)?, every)? {
            Reader::Listens => {}
            Reader::Left => return Ok(Exit::Done),
        }
        tokio::select! {
            asked = &mut asked_to_end => {
                asked.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
                screen.leave();
                return Ok(Exit::Done);
            }
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Whether anybody still reads what is written.
enum Reader {
    Listens,
    Left,
}

/// Where it is shown, and what is there already.
enum Face {
    /// On a terminal, over what was shown before.
    InPlace { lines: usize, size: Option<(usize, usize)> },
    /// Line after line, whenever something changed.
    Lines(String),
    /// An object a line, for the syncs that changed.
    Objects(HashMap<CohortId, String>),
}

impl Face {
    fn show(&mut self, standings: &[Standing], every: Duration) -> Result<Reader, Failure> {
        let text = match self {
            Self::InPlace { lines, size } => {
                let now = terminal_size();
                let (columns, rows) = now.unwrap_or((80, 24));
                let picture = picture(standings, every, (columns, rows))?;
                // Another width wraps what stands there, and nobody knows how many lines it takes then.
                let back = match *lines {
                    _ if *size != now && size.is_some() => "\x1b[H\x1b[2J".to_owned(),
                    0 => String::new(),
                    lines => format!("\x1b[{lines}A\r"),
                };
                (*lines, *size) = (picture.len(), now);
                // Each line loses what stood behind it, and the last one what stood below.
                format!("{back}{}\x1b[K\r\n\x1b[J", picture.join("\x1b[K\r\n"))
            }
            Self::Lines(shown) => {
                let now = table(standings, None)?;
                if *shown == now {
                    return Ok(Reader::Listens);
                }
                shown.clone_from(&now);
                format!("{}\n{now}", clock())
            }
            Self::Objects(shown) => {
                let mut news = String::new();
                for standing in standings {
                    let object = serde_json::to_string(&standing.object())
                        .map_err(|error| Failure::Failed(error.to_string()))?;
                    let before = shown.insert(standing.cohort.id, object.clone());
                    if before.as_ref() != Some(&object) {
                        news.push_str(&object);
                        news.push('\n');
                    }
                }
                news
            }
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(Reader::Listens),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Left),
            Err(error) => Err(output_failed(error)),
        }
    }

    /// Takes the ^C away that the terminal wrote below the table.
    fn leave(&self) {
        if matches!(self, Self::InPlace { .. }) {
            let mut out = io::stdout().lock();
            // A terminal that is gone needs no tidying.
            let _ = out.write_all(b"\r\x1b[K").and_then(|()| out.flush());
        }
    }
}

/// The table with a line above it, as much of it as fits.
fn picture(
    standings: &[Standing],
    every: Duration,
    (columns, rows): (usize, usize),
) -> Result<Vec<String>, Failure> {
    let heading = format!("{} · every {} s · ctrl-c ends", clock(), every.as_secs_f64());
    let mut lines = vec![heading.chars().take(columns).collect()];
    if standings.is_empty() {
        let nothing = "nothing is synced yet; start with: cohort-sync sync COHORT";
        lines.push(nothing.chars().take(columns).collect());
    } else {
        lines.extend(table(standings, Some(columns))?.lines().map(str::to_owned));
    }
    // The cursor rests below, on a line of its own.
    let room = rows.saturating_sub(1).max(1);
    if lines.len() > room {
        let left_out = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(format!("… {left_out} more").chars().take(columns).collect());
    }
    Ok(lines)
}

fn table(standings: &[Standing], room: Option<usize>) -> Result<String, Failure> {
    let mut listing = Listing::begin(Format::Table, COLUMNS, Vec::new()).map_err(output_failed)?.within(room);
    for standing in standings {
        listing.row(&cells(standing)).map_err(output_failed)?;
    }
    let written = listing.finish().map_err(output_failed)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

/// The time of day here.
fn clock() -> String {
    Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string()
}
