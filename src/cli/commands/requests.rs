//! `requests`: the flight recorder. Lists the requests that the journal holds, shows one with its body and its answer, and
//! sends its body to a sandbox on this computer. Credentials are masked before anything is kept, and once more here.

use super::status::remembered;
use super::{Rows, count, remark, say_json, state};
use crate::cli::account::{Desk, encoder_of};
use crate::cli::args::RequestsArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Cell, Column, Destination, Format, harmless};
use crate::cli::pretty::pretty;
use crate::domain::{CohortId, RunId};
use crate::http::{Bytes, Transport, TransportOptions, Url};
use crate::mparticle::{self, FeedUrl};
use crate::store::{JournalLine, NotedRequest, Reader, RequestFilter, Side};
use crate::sync::export::seconds;
use crate::sync::pages::{Body, body};
use crate::tui::text::plural;
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;

const COLUMNS: &[Column] = &[
    Column::number("request_id", "Id"),
    Column::text("at", "At"),
    Column::text("side", "Side"),
    Column::number("run_id", "Run"),
    Column::hidden("cohort_id"),
    Column::text("cohort", "Cohort"),
    Column::text("what", "Asked"),
    Column::number("users", "Users"),
    Column::number("bytes", "Bytes"),
    Column::number("status", "Status"),
    Column::number("elapsed_ms", "ms"),
    Column::number("attempt", "Try"),
    Column::text("answer", "Answer"),
];

/// Lists requests, shows one or sends it again.
pub(in crate::cli) async fn requests(desk: &Desk, asked: &RequestsArgs) -> Result<Exit, Failure> {
    let Some(reader) = state(&desk.places)? else {
        if let Some(id) = asked.id {
            return Err(unknown(id));
        }
        remark("no request was made yet; start with: cohort-sync sync COHORT");
        Rows::begin(&asked.list, &desk.args.global, COLUMNS)?.finish()?;
        return Ok(Exit::Done);
    };
    match (asked.id, asked.sandbox()) {
        (None, _) => list(desk, &reader, asked),
        (Some(id), None) => show(desk, &reader, id, asked),
        (Some(id), Some(url)) => resend(desk, &reader, id, &url).await,
    }
}

fn unknown(id: u64) -> Failure {
    Failure::Usage(format!(
        "the journal holds no request {id}; list what it holds with: cohort-sync requests"
    ))
}

fn list(desk: &Desk, reader: &Reader, asked: &RequestsArgs) -> Result<Exit, Failure> {
    let cohort = asked.cohort.as_deref().map(|wanted| remembered(reader, wanted)).transpose()?;
    let filter = RequestFilter {
        cohort: cohort.map(|(id, _)| id),
        run: asked.run.map(|run| RunId(run.cast_signed())),
        side: asked.side,
        status: asked.status,
        since: asked.since,
        until: asked.until,
    };
    let positions = match &asked.user {
        Some(id) => Some(reader.positions_of(&reader.told_as(id)?)?),
        None => None,
    };
    let names = names(reader)?;
    // Answers were masked when they came, by the credentials of then.
    let masks = &desk.masks;
    let mut rows = Rows::begin(&asked.list, &desk.args.global, COLUMNS)?;
    let mut found = 0_u64;
    reader.for_each_request::<Failure>(&filter, |row| {
        if positions.as_ref().is_some_and(|positions| !row.carried(positions)) {
            return Ok(true);
        }
        found += 1;
        rows.row(&cells(&row, &names, &masks.mask(&row.entry.answer)))
    })?;
    let is_whole = !rows.is_closed;
    rows.finish()?;
    if is_whole {
        let extent = reader.journal_extent()?;
        let since = extent.oldest.map_or_else(String::new, |oldest| format!(" since {}", seconds(oldest)));
        let of = format!("{} of the {} that are kept{since}", count(found), count(extent.requests));
        let users = if asked.user.is_some() { ", as far as the changes of their runs are kept" } else { "" };
        remark(&format!("{of}{users}"));
    }
    Ok(Exit::Done)
}

fn names(reader: &Reader) -> Result<HashMap<CohortId, String>, Failure> {
    let cohorts = reader.cohorts()?.cohorts.into_iter();
    Ok(cohorts.map(|(cohort, _)| (cohort.id, cohort.name)).collect())
}

/// When a request was sent, to the millisecond: many are within a second.
fn moment(entry: &JournalLine) -> String {
    format!("{:.3}", entry.at)
}

fn cells(row: &NotedRequest, names: &HashMap<CohortId, String>, answer: &str) -> [Cell; 13] {
    let entry = &row.entry.line;
    [
        Cell::Id(row.id.unsigned_abs()),
        moment(entry).into(),
        entry.side.token().into(),
        entry.run.map_or(Cell::Null, |run| Cell::Id(run.0.unsigned_abs())),
        entry.cohort.map_or(Cell::Null, |cohort| Cell::Id(cohort.0)),
        entry.cohort.and_then(|cohort| names.get(&cohort).cloned()).into(),
        entry.what.clone().into(),
        entry.users.into(),
        entry.bytes.into(),
        entry.status.map_or(Cell::Null, |status| Cell::Id(status.into())),
        Cell::Id(u64::try_from(entry.elapsed.as_millis()).unwrap_or(u64::MAX)),
        Cell::Id(entry.attempt.into()),
        answer.into(),
    ]
}

/// What is known of what a request said.
enum Said {
    /// To the letter.
    Exactly(String),
    /// Rebuilt, but not as it was: the configuration is another one by now.
    Otherwise(String),
    /// What it was about, where nobody knows how it was written.
    Changes(String),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// Rebuilds what a request said.
fn said(desk: &Desk, reader: &Reader, row: &NotedRequest) -> Result<Said, Failure> {
    let entry = &row.entry.line;
    let (Some(run), Some(first)) = (entry.run, entry.first_position) else {
        return Ok(Said::Nothing("not kept: a query to Mixpanel says no more than what was asked"));
    };
    let encoder = match desk.config() {
        Ok(config) => Some(encoder_of(&config)),
        Err(failure) => {
            remark(&format!(
                "the body is shown as changes, for without a configuration nobody knows how it is written: {failure}"
            ));
            None
        }
    };
    let users = usize::try_from(entry.users).unwrap_or(usize::MAX);
    Ok(match body(reader, run, first, users, encoder.as_ref())? {
        None => Said::Nothing("forgotten: the changes of its run are kept no longer"),
        Some(Body::AsSent(text)) if text.len() as u64 == entry.bytes => Said::Exactly(text),
        Some(Body::AsSent(text)) => Said::Otherwise(text),
        Some(Body::Changes(rows)) => {
            let lines = rows.iter().map(|row| {
                let sign = if row.change.direction.attribute_value() { '+' } else { '-' };
                format!("{sign} {}", row.change.identity)
            });
            Said::Changes(lines.collect::<Vec<_>>().join("\n"))
        }
    })
}

impl Said {
    /// The body and what is to be said about it.
    fn parts(&self) -> (Option<&str>, &'static str) {
        match self {
            Self::Exactly(text) => (Some(text), "to the letter"),
            Self::Otherwise(text) => {
                (Some(text), "NOT as it was sent: environment or identity are configured otherwise by now")
            }
            Self::Changes(text) => (Some(text), "as changes"),
            Self::Nothing(why) => (None, why),
        }
    }
}

/// A request with everything about it, for programs. Field names and their order are fixed.
#[derive(Serialize)]
struct RequestObject<'a> {
    request_id: i64,
    at: String,
    side: &'static str,
    run_id: Option<i64>,
    cohort_id: Option<u64>,
    cohort: Option<&'a str>,
    what: &'a str,
    users: u64,
    bytes: u64,
    status: Option<u16>,
    elapsed_ms: u128,
    attempt: u32,
    /// The body as one text, as it was sent.
    body: Option<&'a str>,
    /// Whether it is so to the letter, and else what it is.
    body_is: &'static str,
    answer: &'a str,
}

fn show(desk: &Desk, reader: &Reader, id: u64, asked: &RequestsArgs) -> Result<Exit, Failure> {
    let row = reader.request(id.cast_signed())?.ok_or_else(|| unknown(id))?;
    let said = said(desk, reader, &row)?;
    let names = names(reader)?;
    let cohort = row.entry.line.cohort.and_then(|cohort| names.get(&cohort)).map(String::as_str);
    let mask = |text: &str| desk.masks.mask(text).into_owned();
    let (body, body_is) = said.parts();
    let (body, answer) = (body.map(mask), mask(&row.entry.answer));
    let text = if asked.list.format(&desk.args.global) == Format::Json {
        let entry = &row.entry.line;
        let object = RequestObject {
            request_id: row.id,
            at: moment(entry),
            side: entry.side.token(),
            run_id: entry.run.map(|run| run.0),
            cohort_id: entry.cohort.map(|cohort| cohort.0),
            cohort,
            what: &entry.what,
            users: entry.users,
            bytes: entry.bytes,
            status: entry.status,
            elapsed_ms: entry.elapsed.as_millis(),
            attempt: entry.attempt,
            body: body.as_deref(),
            body_is,
            answer: &answer,
        };
        serde_json::to_string(&object).map_err(|error| Failure::Failed(error.to_string()))? + "\n"
    } else {
        for_people(&row, cohort, body.as_deref(), body_is, &answer)
    };
    let mut to = Destination::open(asked.list.output.as_deref())?;
    match to.write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        written => written.map_err(|error| to.error(error))?,
    }
    to.finish()?;
    Ok(Exit::Done)
}

fn for_people(
    row: &NotedRequest,
    cohort: Option<&str>,
    body: Option<&str>,
    body_is: &str,
    answer: &str,
) -> String {
    let entry = &row.entry.line;
    let side = if entry.side == Side::Mixpanel { "Mixpanel" } else { "mParticle" };
    let run = entry.run.map_or_else(String::new, |run| format!(", run {run}"));
    let about = cohort.map_or_else(String::new, |name| format!(", \"{}\"", harmless(name)));
    let status = entry.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let (users, bytes) = (plural(entry.users, "user"), plural(entry.bytes, "byte"));
    let answer = if answer.is_empty() { "(empty)" } else { answer };
    [
        format!("Request   {}", row.id),
        format!("Sent      {}, try {}", moment(entry), entry.attempt),
        format!("To        {side}{run}{about}"),
        format!("Asked     {}, {users}, {bytes}", entry.what),
        format!("Status    {status} after {} ms", entry.elapsed.as_millis()),
        format!("\nBody, {body_is}"),
        body.map_or_else(|| "-".to_owned(), set_out),
        "\nAnswer".to_owned(),
        set_out(answer) + "\n",
    ]
    .join("\n")
}

/// JSON over lines, other text line by line, without anything that could steer a terminal.
fn set_out(text: &str) -> String {
    let shown = pretty(text).unwrap_or_else(|| text.to_owned());
    shown.lines().map(|line| harmless(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// What a sandbox answered. Field names and their order are fixed.
#[derive(Serialize)]
struct ResentObject<'a> {
    request_id: i64,
    url: &'a str,
    status: u16,
    elapsed_ms: u128,
    answer: &'a str,
}

/// Sends exactly what a request said to an address of this computer.
async fn resend(desk: &Desk, reader: &Reader, id: u64, url: &Url) -> Result<Exit, Failure> {
    let row = reader.request(id.cast_signed())?.ok_or_else(|| unknown(id))?;
    if row.entry.line.side != Side::Mparticle {
        return Err(Failure::Usage(format!(
            "request {id} went to Mixpanel; only those to mParticle can be sent again"
        )));
    }
    let said = said(desk, reader, &row)?;
    let Said::Exactly(text) = &said else {
        let (_, why) = said.parts();
        return Err(Failure::Waiting(format!(
            "request {id} is not sent again, for its body is not known to the letter ({why})"
        )));
    };
    let transport = Transport::new(TransportOptions::default());
    let transport = transport.map_err(|error| Failure::Failed(error.to_string()))?;
    let feed = FeedUrl::parse(url.as_str()).map_err(|error| Failure::Usage(error.to_string()))?;
    let client = mparticle::Client::new(transport, feed);
    let answer = client.post(&Bytes::copy_from_slice(text.as_bytes())).await.map_err(|error| {
        Failure::Failed(format!("{error}; to have a sandbox listen there: cohort-sync sandbox"))
    })?;
    let body = String::from_utf8_lossy(&answer.body);
    let body = desk.masks.mask(&body);
    let shown = format!("{}://{}", url.scheme(), url.authority());
    if desk.args.global.json {
        say_json(&ResentObject {
            request_id: row.id,
            url: &shown,
            status: answer.status,
            elapsed_ms: answer.elapsed.as_millis(),
            answer: &body,
        })?;
    } else {
        let bytes = plural(text.len() as u64, "byte");
        super::say(&format!(
            "{bytes} of request {id} sent to {shown}: {} after {} ms",
            answer.status,
            answer.elapsed.as_millis()
        ))?;
        if !body.is_empty() {
            super::say(&set_out(&body))?;
        }
    }
    Ok(Exit::Done)
}
