//! The state file: whether it is there, whole and of a format this program knows, what it holds, and who has the
//! right to write it. How to go on without a state that is of no use belongs to `start_anew`.

use super::finding::{Check, Finding, sentence};
use super::start_anew::{Situation, advice};
use crate::cli::account::Desk;
use crate::cli::failure::Exit;
use crate::domain::number::thousands;
use crate::store::{Condition, Contents, Examination, ExaminedSync, StoreError, WriterLock, examine};
use crate::tui::text::plural;

/// Faults that are told; the others mostly follow from the first ones.
const FAULTS_TOLD: usize = 2;

/// What was found, and whether the state may be written by this program as it is.
pub(super) struct State {
    pub findings: Vec<Finding>,
    pub is_sound: bool,
}

/// Looks into the state directory.
pub(super) async fn check(desk: &Desk) -> State {
    let (directory, may_try) = (desk.places.state_dir.clone(), !desk.places.read_only);
    let looked = tokio::task::spawn_blocking(move || {
        let holder = WriterLock::holder(&directory);
        (examine(&directory, may_try), holder)
    });
    let (examination, holder) = match looked.await {
        Ok(looked) => looked,
        Err(error) => {
            let remedy = "Please report this, with the last lines that were printed.";
            let found = format!("The examination of the state broke down: {error}.");
            let finding = Finding::problem(Check::State, Exit::Failed, found, remedy);
            return State { findings: vec![finding], is_sound: false };
        }
    };
    let is_sound = matches!(&examination.condition, Condition::Open(contents) if contents.is_sound());
    let writer = writer(desk, holder.as_deref());
    let situation = Situation::of(desk, &examination, holder.as_deref());
    State { findings: vec![of_file(&examination, &situation), writer], is_sound }
}

fn writer(desk: &Desk, holder: Option<&str>) -> Finding {
    let found = match holder {
        Some(holder) => format!(
            "{holder} writes the state directory now. Commands that only look work beside it; those that write are refused until it ends."
        ),
        None => format!("Nobody writes {} now.", desk.places.state_dir.display()),
    };
    Finding::ok(Check::Writer, sentence(&found))
}

fn of_file(examination: &Examination, situation: &Situation) -> Finding {
    let file = examination.file.display();
    match &examination.condition {
        Condition::Absent if examination.copies.is_empty() => Finding::ok(
            Check::State,
            format!(
                "Nothing is remembered yet: {file} does not exist. The first command that writes makes it."
            ),
        ),
        Condition::Absent => Finding::warning(
            Check::State,
            format!("{file} does not exist, but copies of it do."),
            advice(situation),
        ),
        Condition::Empty => Finding::warning(
            Check::State,
            format!("{file} holds nothing. Unless nothing was ever synced from here, what it held is lost."),
            advice(situation),
        ),
        Condition::Closed(error) => closed(error, &file.to_string()),
        Condition::Open(contents) if contents.is_damaged() => {
            let found =
                format!("{file} is damaged{} Nothing was changed. {}", faults(contents), baselines(contents));
            Finding::problem(Check::State, Exit::Failed, found, advice(situation))
        }
        Condition::Open(contents) => Finding::ok(
            Check::State,
            format!("{file} ({}) is whole{}", size(examination.bytes), holds(contents)),
        ),
    }
}

fn closed(error: &StoreError, file: &str) -> Finding {
    let remedy = match error {
        StoreError::Newer { .. } => {
            "It is left alone. Update this program (`cohort-sync --version` tells what it is), or name another directory with --state-dir.".to_owned()
        }
        StoreError::Directory { .. } => "Give the file to the user who runs this program (mode 0600).".to_owned(),
        _ => "If it stays so while nobody else uses the file, check its permissions and the disk.".to_owned(),
    };
    let found = match error {
        StoreError::Newer { found, known, .. } => format!(
            "{file} was written by a newer cohort-sync: its format is {found}, and this one knows up to {known}."
        ),
        StoreError::Directory { path, source } => format!("{} cannot be opened: {source}.", path.display()),
        other => format!("{file} could not be examined: {}", sentence(&other.to_string())),
    };
    Finding::problem(Check::State, error.into(), found, remedy)
}

/// What a sound file holds, to end a sentence.
fn holds(contents: &Contents) -> String {
    let format = contents.format.unwrap_or_default();
    if contents.will_be_migrated() {
        return format!(
            ", in the older format {format}. The next command that writes migrates it, after a copy; what it holds is counted then."
        );
    }
    let syncs = contents.syncs.as_deref().unwrap_or_default();
    if syncs.is_empty() {
        return format!(", format {format}. Nothing is synced yet.");
    }
    let members: u64 = syncs.iter().map(|sync| sync.members).sum();
    format!(
        ", format {format}: {}, {}, and {} whom mParticle holds, all of which read back.",
        plural(syncs.len() as u64, "sync"),
        plural(contents.runs.unwrap_or_default(), "run"),
        plural(members, "member"),
    )
}

/// What is wrong with the file as a whole, to end a sentence.
fn faults(contents: &Contents) -> String {
    let told: Vec<&str> = contents.faults.iter().take(FAULTS_TOLD).map(String::as_str).collect();
    match contents.faults.len() - told.len() {
        _ if told.is_empty() => ".".to_owned(),
        0 => format!(": {}.", told.join("; ")),
        left => format!(": {}; and {} more.", told.join("; "), thousands(left as u64)),
    }
}

/// For which syncs it is still known whom mParticle holds.
fn baselines(contents: &Contents) -> String {
    let Some(syncs) = contents.syncs.as_deref() else {
        return "Whom mParticle holds cannot be read from it.".to_owned();
    };
    let whole: Vec<String> = syncs.iter().filter(|sync| sync.fault.is_none()).map(attribute).collect();
    let broken =
        syncs.iter().filter_map(|sync| Some(format!("{} ({})", attribute(sync), sync.fault.as_ref()?)));
    let broken: Vec<String> = broken.collect();
    match (whole.is_empty(), broken.is_empty()) {
        (true, true) => "Nothing was synced from here.".to_owned(),
        (false, true) => format!("Whom mParticle holds still reads back for {}.", whole.join(", ")),
        (true, false) => format!("Whom mParticle holds does not read back for {}.", broken.join(", ")),
        (false, false) => format!(
            "Whom mParticle holds still reads back for {}, and not for {}.",
            whole.join(", "),
            broken.join(", ")
        ),
    }
}

fn attribute(sync: &ExaminedSync) -> String {
    format!("\"{}\"", sync.record.attribute)
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let scaled = |unit: f64| bytes as f64 / unit;
    match bytes {
        0..1_000 => plural(bytes, "byte"),
        1_000..1_000_000 => format!("{:.0} kB", scaled(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", scaled(1e6)),
        _ => format!("{:.1} GB", scaled(1e9)),
    }
}
