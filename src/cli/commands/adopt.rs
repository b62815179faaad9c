//! `adopt`: people who hold a cohort's attribute in mParticle already, because another integration or a state that
//! was lost told them so. Without this, a first run would add whoever is in the cohort and never remove the others.

use super::sync::list;
use super::{count, remark, say};
use crate::cli::account::{Desk, end_engine, must_write, settings_of, start_engine};
use crate::cli::args::IdKind;
use crate::cli::failure::{Exit, Failure};
use crate::cli::select;
use crate::config::Config;
use crate::domain::member::parse_mpid;
use crate::domain::{Identity, RawId};
use crate::sync::Settings;
use crate::sync::command::{AdoptRequest, Command};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use tokio::task;

/// Takes the people of a file over.
pub(in crate::cli) async fn adopt(
    desk: &Desk,
    config: &Config,
    wanted: &str,
    file: &Path,
    kind: IdKind,
    attribute: Option<&str>,
) -> Result<Exit, Failure> {
    must_write(&desk.places, "adopt")?;
    let path = file.to_owned();
    let reading = task::spawn_blocking(move || read(&path, kind));
    let people = reading.await.map_err(|error| Failure::Failed(format!("reading broke down: {error}")))??;
    if people.is_empty() {
        return Err(Failure::Usage(format!("there is no id in {}; nothing was done", file.display())));
    }
    let settings = Settings { schedule: false, ..settings_of(config) };
    let (handle, engine) = start_engine(&desk.places, config, settings, "cohort-sync adopt").await?;
    let given = people.len() as u64;
    let result: Result<_, Failure> = async {
        let candidates = list(&mut handle.snapshots()).await?;
        let cohort = select::find(wanted, &candidates)?;
        let request = AdoptRequest { cohort, attribute: attribute.map(ToOwned::to_owned), people };
        let answer = handle.send(Command::Adopt(request)).await;
        answer.map_err(|refusal| Failure::Refused { subject: wanted.to_owned(), refusal })?;
        Ok(cohort)
    }
    .await;
    let ended = end_engine(&handle, engine).await;
    let cohort = result?;
    ended?;
    let snapshot = handle.snapshots().borrow().clone();
    if let Some(sync) = snapshot.cohort(cohort).and_then(|view| view.sync.as_ref()) {
        let attribute = crate::cli::output::harmless(&sync.attribute);
        say(&format!(
            "{} ids were read; {} users are now taken to hold \"{attribute}\"",
            count(given),
            count(sync.baseline)
        ))?;
        remark(&format!(
            "the next run removes whoever is not in the cohort: cohort-sync sync {cohort} --dry-run shows how many"
        ));
    }
    Ok(Exit::Done)
}

/// Reads one id a line: the first column of a CSV, quoted or not. A first line that names the column is left out.
fn read(path: &Path, kind: IdKind) -> Result<Vec<Identity>, Failure> {
    let failed = |error: &io::Error| Failure::Usage(format!("{} cannot be read: {error}", path.display()));
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|error| failed(&error))?))
    };
    let mut people = Vec::new();
    for (line, number) in reader.lines().zip(1_u64..) {
        let line = line.map_err(|error| failed(&error))?;
        let column = line.split([',', '\t']).next().unwrap_or_default().trim();
        let id = column.trim_start_matches('\u{feff}').trim_matches('"').trim();
        if id.is_empty() || (number == 1 && is_heading(id)) {
            continue;
        }
        people.push(identity(id, kind).ok_or_else(|| {
            let what = match kind {
                IdKind::Mpid => "is not an MPID, a whole number; for other ids say --as distinct-id",
                IdKind::DistinctId => "is no usable id",
            };
            Failure::Usage(format!("{}, line {number}: \"{id}\" {what}; nothing was done", path.display()))
        })?);
    }
    Ok(people)
}

fn identity(id: &str, kind: IdKind) -> Option<Identity> {
    match kind {
        IdKind::Mpid => parse_mpid(&RawId::Text(id.into())).ok().map(Identity::Mpid),
        IdKind::DistinctId => {
            let fits = id.chars().count() <= crate::domain::identity::IDENTITY_LIMIT;
            fits.then(|| Identity::of_distinct_id(id))
        }
    }
}

fn is_heading(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    ["mpid", "mparticleid", "mparticleuserid", "customerid", "distinctid", "id", "userid"]
        .contains(&plain.to_ascii_lowercase().as_str())
}
